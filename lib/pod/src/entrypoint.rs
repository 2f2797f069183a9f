//! Calls of stage1's entrypoints other than `run`.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use gantry_types::{Diagnostic, Kind};

use crate::pod::Pod;
use crate::stage1_image::Stage1Image;

/// An entrypoint of stage1 did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum EntrypointError {
    /// It could not be started.
    #[error("cannot start {}", path.display())]
    Start {
        /// The program.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The pod's stage1, an image, has none.
    #[error("the stage1 image of the pod has no way to {0}")]
    Missing(String),
    /// It ended with another status than 0.
    #[error("\"{} {entrypoint}\" failed: {status}", path.display())]
    Failed {
        /// The program.
        path: PathBuf,
        /// The entrypoint.
        entrypoint: String,
        /// How it ended.
        status: ExitStatus,
    },
}

impl Diagnostic for EntrypointError {
    fn kind(&self) -> Kind {
        Kind::Environment
    }
}

/// Runs `stage1 ENTRYPOINT ARGS… UUID`, or the entrypoint's own program where the pod's stage1 is an image,
/// in the pod's directory and waits for its end.
///
/// Its stdout goes to our stderr: what it says is prose.
pub(crate) fn call(
    stage1: &Path,
    pod: &Pod,
    entrypoint: &str,
    args: &[&OsStr],
) -> Result<(), EntrypointError> {
    let start = |source| EntrypointError::Start {
        path: stage1.to_owned(),
        source,
    };
    let image = Stage1Image::of(pod).map_err(start)?;
    let (program, word) = match &image {
        None => (stage1.to_owned(), Some(entrypoint)),
        Some(image) => match image.program(pod, entrypoint) {
            Some(program) => (program, None),
            // Nothing to clean up, says the image.
            None if entrypoint == "gc" => return Ok(()),
            None => return Err(EntrypointError::Missing(entrypoint.to_owned())),
        },
    };
    let understood = |argument: &&&OsStr| {
        let image = image.as_ref();
        image.is_none_or(|image| image.understands(argument))
    };
    let start = |source| EntrypointError::Start {
        path: program.clone(),
        source,
    };
    let stderr = io::stderr().as_fd().try_clone_to_owned().map_err(start)?;
    let status = Command::new(&program)
        .args(word)
        .args(args.iter().filter(understood))
        .arg(pod.uuid().to_string())
        // By descriptor, because the pod may be renamed at any time.
        .current_dir(format!("/proc/self/fd/{}", pod.as_fd().as_raw_fd()))
        .stdin(Stdio::null())
        .stdout(stderr)
        .status()
        .map_err(start)?;
    if status.success() {
        Ok(())
    } else {
        Err(EntrypointError::Failed {
            path: program,
            entrypoint: entrypoint.to_owned(),
            status,
        })
    }
}

/// Runs `stage1 ENTRYPOINT ARGS…`, in the directory of `pod` if there is one, with `input`, and returns what it
/// printed. Such entrypoints are our own stage1's: they are about the host's side of pods.
pub(crate) fn ask(
    stage1: &Path,
    pod: Option<&Pod>,
    entrypoint: &str,
    args: &[OsString],
    input: &[u8],
) -> Result<Vec<u8>, EntrypointError> {
    use std::io::{Seek as _, Write as _};
    let start = |source| EntrypointError::Start {
        path: stage1.to_owned(),
        source,
    };
    // A file, not a pipe: nobody has to write while somebody reads.
    let flags = rustix::fs::MemfdFlags::CLOEXEC;
    let stdin = rustix::fs::memfd_create("input", flags).map_err(|e| start(e.into()))?;
    let mut stdin = std::fs::File::from(stdin);
    stdin.write_all(input).map_err(start)?;
    stdin.rewind().map_err(start)?;
    let mut command = Command::new(stage1);
    command
        .arg(entrypoint)
        .args(args)
        .stdin(stdin)
        .stderr(Stdio::inherit());
    if let Some(pod) = pod {
        command.current_dir(format!("/proc/self/fd/{}", pod.as_fd().as_raw_fd()));
    }
    let output = command.output().map_err(start)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(EntrypointError::Failed {
        path: stage1.to_owned(),
        entrypoint: entrypoint.to_owned(),
        status: output.status,
    })
}

impl Pod {
    /// Becomes `stage1 ENTRYPOINT ARGS…`, in the pod's directory and with the streams of this process;
    /// returns only if that failed.
    #[must_use]
    pub fn become_entrypoint(
        &self,
        stage1: &Path,
        entrypoint: &str,
        args: &[OsString],
    ) -> EntrypointError {
        use std::os::unix::process::CommandExt as _;
        let source = match Stage1Image::of(self) {
            Ok(None) => Command::new(stage1)
                .arg(entrypoint)
                .args(args)
                .current_dir(format!("/proc/self/fd/{}", self.as_fd().as_raw_fd()))
                .exec(),
            // Such an entrypoint is meant to run inside the pod, where only the image knows the way.
            Ok(Some(_)) => return EntrypointError::Missing(entrypoint.to_owned()),
            Err(source) => source,
        };
        EntrypointError::Start {
            path: stage1.to_owned(),
            source,
        }
    }
}
