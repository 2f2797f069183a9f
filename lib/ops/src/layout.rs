//! An image layout: a directory with a file `manifest` and a directory `rootfs`.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use gantry_types::{MAX_MANIFEST_BYTES, ManifestError};
use rustix::fs::{Mode, OFlags};

/// A directory is no image layout. The words are those of the original tools.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// It is a file.
    #[error("given path {path:?} is not a directory")]
    NotADirectory {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error("error accessing layout")]
    Access {
        /// Why.
        source: io::Error,
    },
    /// There is no `manifest`.
    #[error("no image manifest found in layout")]
    ManifestMissing,
    /// There is no `rootfs`.
    #[error("no rootfs found in layout")]
    RootfsMissing,
    /// `rootfs` is a file or a link.
    #[error("rootfs is not a directory")]
    RootfsNotDirectory,
    /// `manifest` cannot be read.
    #[error("error reading image manifest")]
    ManifestUnreadable {
        /// Why.
        source: io::Error,
    },
    /// `manifest` is not what it should be.
    #[error("image manifest validation failed")]
    Manifest {
        /// Why.
        source: ManifestError,
    },
    /// Something stands beside the two.
    #[error("unrecognized file path in layout: {path:?}")]
    Unrecognized {
        /// Its name.
        path: PathBuf,
    },
}

/// The two parts of an image layout.
#[derive(Debug)]
pub(crate) struct LayoutParts {
    /// The manifest as it is stored.
    pub(crate) manifest: Vec<u8>,
    /// The directory `rootfs`.
    pub(crate) rootfs: OwnedFd,
    stray: Option<PathBuf>,
}

impl LayoutParts {
    /// Reads the manifest and opens the root of the layout at `path`.
    ///
    /// What stands beside them is found, but told by [`LayoutParts::without_stray`] only, as the original
    /// looks at the manifest's content before that.
    pub(crate) fn read(path: &Path) -> Result<Self, LayoutError> {
        let inaccessible = |source| LayoutError::Access { source };
        let mut names = Vec::new();
        for entry in std::fs::read_dir(path).map_err(inaccessible)? {
            names.push(entry.map_err(inaccessible)?.file_name());
        }
        names.sort();
        let has = |name: &str| names.iter().any(|known| known == name);
        if !has("manifest") {
            return Err(LayoutError::ManifestMissing);
        }
        if !has("rootfs") {
            return Err(LayoutError::RootfsMissing);
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let rootfs = path.join("rootfs");
        if !std::fs::symlink_metadata(&rootfs)
            .map_err(inaccessible)?
            .is_dir()
        {
            return Err(LayoutError::RootfsNotDirectory);
        }
        let rootfs = rustix::fs::open(&rootfs, flags, Mode::empty())
            .map_err(|error| inaccessible(error.into()))?;
        let unreadable = |source| LayoutError::ManifestUnreadable { source };
        let manifest = path.join("manifest");
        if !std::fs::metadata(&manifest).map_err(unreadable)?.is_file() {
            return Err(unreadable(io::Error::other("not a regular file")));
        }
        let manifest = File::open(&manifest)
            .and_then(read_manifest)
            .map_err(unreadable)?;
        let mut names = names.into_iter();
        let stray = names.find(|name| name != "manifest" && name != "rootfs");
        Ok(Self {
            manifest,
            rootfs,
            stray: stray.map(PathBuf::from),
        })
    }

    /// The parts, if nothing stands beside them.
    pub(crate) fn without_stray(self) -> Result<Self, LayoutError> {
        match self.stray {
            Some(path) => Err(LayoutError::Unrecognized { path }),
            None => Ok(self),
        }
    }
}

/// Reads a manifest, one byte beyond the limit at most: then its parser refuses it.
pub(crate) fn read_manifest(file: impl Read) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    file.take(MAX_MANIFEST_BYTES as u64 + 1)
        .read_to_end(&mut text)?;
    Ok(text)
}
