//! Writing the image in the making to a file.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::path::{Path, PathBuf};

use gantry_archive::compress::Compression;
use gantry_archive::write::{self as archive, Owner};
use gantry_types::{Diagnostic, ImageId, Kind};

use super::context::Build;
use super::edit::unnamed;
use super::error::OpenError;
use super::sign::{SignError, sign};
use crate::epoch::SourceDateEpoch;
use crate::new_file::{NewFile, NewFileError, Place};
use crate::room::is_full;

/// How an image is written.
#[derive(Debug, Clone, Copy, Default)]
pub struct WriteOptions {
    /// Whether a file that exists already is replaced.
    pub overwrite: bool,
    /// What "now" is in the image.
    pub epoch: Option<SourceDateEpoch>,
    /// Every file has the time that is "now", or 1970 without one.
    pub exact_times: bool,
    /// How the file is compressed.
    pub compression: Compression,
    /// How many threads may compress; the file does not depend on it.
    pub threads: usize,
}

/// What was written.
#[derive(Debug)]
pub struct Written {
    /// The image ID: SHA-512 of the uncompressed archive.
    pub id: ImageId,
    /// Whether the image has an app with nothing to execute.
    pub exec_missing: bool,
}

/// An image could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The build could not be opened or read.
    #[error(transparent)]
    Build(#[from] OpenError),
    /// `set-name` is missing.
    #[error("can't write ACI, name was never set")]
    Unnamed,
    /// The file exists, and nobody said that it may be replaced.
    #[error("ACI already exists: {}", path.display())]
    Exists {
        /// The file or directory.
        path: PathBuf,
    },
    /// What has the name is a device, a FIFO or a socket, which a file must not replace.
    #[error("{} is not a regular file", path.display())]
    NotAFile {
        /// The device, FIFO or socket.
        path: PathBuf,
    },
    /// The file cannot be made in its directory.
    #[error("cannot write {}", path.display())]
    Target {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The user may not read a file of the image.
    #[error("{path:?}: permission denied - call write as root")]
    Permission {
        /// Path in the image.
        path: PathBuf,
    },
    /// The image could not be signed; neither it nor a signature was written.
    #[error("cannot sign {}", path.display())]
    Sign {
        /// The file.
        path: PathBuf,
        /// Why.
        source: SignError,
    },
    /// The image could not be put together.
    #[error(transparent)]
    Archive(archive::WriteError),
}

/// Output is written in pieces of this size, in bytes.
pub(super) const WRITE_BUFFER: usize = 256 << 10;

impl WriteError {
    /// What kept `file` from being made.
    fn refused(file: &Path, error: NewFileError) -> Self {
        let path = file.to_owned();
        match error {
            NewFileError::Exists => Self::Exists { path },
            NewFileError::NotAFile => Self::NotAFile { path },
            NewFileError::Failed(source) => Self::Target { path, source },
        }
    }

    /// What went wrong while `file` was written.
    fn writing(file: &Path, error: archive::WriteError) -> Self {
        match error {
            archive::WriteError::Output { source } => Self::Target {
                path: file.to_owned(),
                source,
            },
            archive::WriteError::File { path, source, .. }
                if source.kind() == io::ErrorKind::PermissionDenied =>
            {
                Self::Permission {
                    path: Path::new("/").join(path),
                }
            }
            error => Self::Archive(error),
        }
    }
}

impl Diagnostic for WriteError {
    fn kind(&self) -> Kind {
        match self {
            Self::Build(error) => error.kind(),
            Self::Unnamed | Self::Exists { .. } | Self::NotAFile { .. } => Kind::Usage,
            Self::Target { .. } | Self::Permission { .. } => Kind::Environment,
            Self::Sign { source, .. } => source.kind(),
            Self::Archive(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Build(error) => error.hint(),
            Self::Unnamed => Some("acbuild set-name example.com/app".into()),
            Self::Exists { .. } => Some("--overwrite replaces it".into()),
            Self::Target { source, .. } if is_full(source) => {
                Some("make room on its file system, or write elsewhere".into())
            }
            Self::Target { .. } | Self::Permission { .. } | Self::NotAFile { .. } => None,
            Self::Sign { source, .. } => source.hint(),
            Self::Archive(error) => error.hint(),
        }
    }
}

impl Build {
    /// Writes the image to `file`; the build goes on.
    ///
    /// The file gets its name when it is complete and on stable storage. On failure nothing is left.
    /// A symbolic link to a file stays, and the file it leads to is replaced.
    ///
    /// With `sign`, arguments of gpg, the signature is written to `FILE.asc`; without it the image is not written.
    ///
    /// # Errors
    ///
    /// [`WriteError`].
    pub fn write(
        &self,
        file: &Path,
        options: &WriteOptions,
        sign: Option<&[OsString]>,
    ) -> Result<Written, WriteError> {
        let manifest = self.manifest()?;
        if manifest.name == unnamed() {
            return Err(WriteError::Unnamed);
        }
        let refused = |error| WriteError::refused(file, error);
        let place = Place::new(file, options.overwrite).map_err(refused)?;
        let signature = sign
            .map(|arguments| Signature::plan(file, options.overwrite, arguments))
            .transpose()?;
        let new = place
            .create(".acbuild-")
            .map_err(|error| refused(error.into()))?;
        let mut buffered = BufWriter::with_capacity(WRITE_BUFFER, new.file());
        let id = self.put_together(file, &mut buffered, &archive_options(options))?;
        buffered.flush().map_err(|error| refused(error.into()))?;
        drop(buffered);
        let signature = signature
            .map(|signature| signature.make(file, &new))
            .transpose()?;
        new.publish().map_err(refused)?;
        if let Some((asc, signature)) = signature {
            signature
                .publish()
                .map_err(|error| WriteError::refused(&asc, error))?;
        }
        let exec_missing = manifest.app.is_some_and(|app| app.exec.is_empty());
        Ok(Written { id, exec_missing })
    }

    /// Writes the image to `out`, which becomes `file`; gives its ID.
    pub(super) fn put_together(
        &self,
        file: &Path,
        out: impl Write,
        options: &archive::WriteOptions,
    ) -> Result<ImageId, WriteError> {
        let json = self.manifest()?.to_json();
        let rootfs = self.rootfs()?;
        archive::write_aci(&json, rootfs.as_fd(), out, options)
            .map_err(|error| WriteError::writing(file, error))
    }
}

/// A signature to be made.
struct Signature<'a> {
    file: PathBuf,
    place: Place,
    arguments: &'a [OsString],
}

impl<'a> Signature<'a> {
    fn plan(image: &Path, overwrite: bool, arguments: &'a [OsString]) -> Result<Self, WriteError> {
        let mut file = image.as_os_str().to_owned();
        file.push(".asc");
        let file = PathBuf::from(file);
        let place = Place::new(&file, overwrite);
        Ok(Self {
            place: place.map_err(|error| WriteError::refused(&file, error))?,
            file,
            arguments,
        })
    }

    /// Signs the finished file `new`, which has no name yet.
    fn make(self, image: &Path, new: &NewFile) -> Result<(PathBuf, NewFile), WriteError> {
        let target = |path: &Path| {
            let path = path.to_owned();
            |source| WriteError::Target { path, source }
        };
        // Its own descriptor can only be written to.
        let content = File::open(format!("/proc/self/fd/{}", new.file().as_raw_fd()))
            .map_err(target(image))?;
        let text = sign(content, self.arguments).map_err(|source| WriteError::Sign {
            path: image.to_owned(),
            source,
        })?;
        let signature = self.place.create(".acbuild-").map_err(target(&self.file))?;
        signature
            .file()
            .write_all(&text)
            .map_err(target(&self.file))?;
        Ok((self.file, signature))
    }
}

pub(super) fn archive_options(options: &WriteOptions) -> archive::WriteOptions {
    let uid = rustix::process::geteuid();
    let owner = if uid.is_root() {
        Owner::Keep
    } else {
        Owner::MapUserToRoot {
            uid: uid.as_raw(),
            gid: rustix::process::getegid().as_raw(),
        }
    };
    archive::WriteOptions {
        compression: options.compression,
        owner,
        source_date_epoch: options.epoch.map(SourceDateEpoch::seconds),
        exact_times: options.exact_times,
        threads: options.threads,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::begin::Start;
    use super::super::edit::set_label;
    use super::*;

    fn build(work: &Path) -> Build {
        let build = Build::begin(work, &Start::Nothing).unwrap();
        build
            .edit(None, |manifest| {
                manifest.name = "example.com/app".parse().unwrap();
                set_label(manifest, "version".parse().unwrap(), "1")
            })
            .unwrap();
        build
    }

    const OVERWRITE: WriteOptions = WriteOptions {
        overwrite: true,
        epoch: None,
        exact_times: false,
        compression: Compression::Gzip,
        threads: 1,
    };

    #[test]
    fn only_a_file_is_overwritten_and_a_link_to_one_stays() {
        let work = tempfile::tempdir().unwrap();
        let path = |name: &str| work.path().join(name);
        let build = build(work.path());
        rustix::fs::mknodat(
            rustix::fs::CWD,
            path("fifo"),
            rustix::fs::FileType::Fifo,
            0o600.into(),
            0,
        )
        .unwrap();
        let error = build.write(&path("fifo"), &OVERWRITE, None).unwrap_err();
        assert!(error.to_string().ends_with("fifo is not a regular file"));
        assert!(!fs::metadata(path("fifo")).unwrap().is_file());

        fs::create_dir(path("images")).unwrap();
        fs::write(path("images/app-1.aci"), "old").unwrap();
        std::os::unix::fs::symlink("images/app-1.aci", path("app.aci")).unwrap();
        build.write(&path("app.aci"), &OVERWRITE, None).unwrap();
        assert!(path("app.aci").is_symlink());
        assert_ne!(fs::read(path("images/app-1.aci")).unwrap(), b"old");
        assert_eq!(fs::read_dir(path("images")).unwrap().count(), 1);
    }

    #[test]
    fn a_full_disk_is_told_with_the_name_of_the_file() {
        let source = io::Error::from(io::ErrorKind::StorageFull);
        let error = archive::WriteError::Output { source };
        let error = WriteError::writing(Path::new("app.aci"), error);
        assert_eq!(error.to_string(), "cannot write app.aci");
        assert!(error.hint().unwrap().contains("make room"));
    }
}
