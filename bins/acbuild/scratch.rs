//! A build that nobody else sees.

use std::path::Path;

use gantry_cli::Failure;
use gantry_ops::build::{Build, OpenError};

/// A temporary directory for a build of its own.
pub(crate) struct Scratch {
    dir: tempfile::TempDir,
}

impl Scratch {
    /// Makes one where the system keeps temporary files.
    pub(crate) fn new() -> Result<Self, Failure> {
        let dir = tempfile::Builder::new().prefix("acbuild").tempdir();
        let dir = dir.map_err(|error| {
            Failure::environment(format!("cannot make a temporary directory: {error}"))
        })?;
        Ok(Self { dir })
    }

    /// Where the build is.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Ends the build, whose directories may be closed to their own owner, and removes all of it.
    pub(crate) fn end(self) -> Result<(), Failure> {
        match Build::end(self.path()) {
            // It was never begun.
            Ok(()) | Err(OpenError::NoBuild) => {}
            Err(error) => return Err(error.into()),
        }
        let path = self.path().to_owned();
        self.dir.close().map_err(|error| {
            Failure::environment(format!("cannot remove {}: {error}", path.display()))
        })
    }
}
