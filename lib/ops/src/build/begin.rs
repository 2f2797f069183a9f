//! Starting a build.

mod error;

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Seek};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use gantry_archive::aci::{self, AciError};
use gantry_archive::copy::{self, CopyOptions};
use gantry_archive::extract::{self, ExtractOptions, Ownership};
use gantry_types::{ImageManifest, Labels, MAX_MANIFEST_BYTES, os_arch};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

pub use error::BeginError;

use super::context::{
    APPC, BUILD_MODE, Build, IMAGE, MANIFEST, OCI, ROOTFS, SUBORDINATE, UNFINISHED, USERS, clear,
    open_dir, read_file, remove_context, write_file,
};
use super::copy::current_ownership;
use super::edit::unnamed;
use super::error::{OpenError, at};
use super::lock::{IfAbsent, LockedContext};
use super::oci::{OciBuildError, OciImage, StoredOci};
use super::remove::remove_tree;
use crate::epoch::SourceDateEpoch;

/// What a build starts with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// An empty root file system.
    Nothing,
    /// An image or an archive of a root file system, compressed or not, or a directory that is one.
    Local(PathBuf),
    /// The tree of an image in the store: a directory with `manifest` and `rootfs`, which stays there meanwhile.
    Stored(PathBuf),
    /// An OCI or Docker image of the store.
    StoredOci(Box<StoredOci>),
}

/// How a build is begun.
#[derive(Debug, Clone, Copy)]
pub struct BeginOptions {
    /// How many threads may extract an image; what is extracted does not depend on it.
    pub threads: usize,
    /// The caller is root of a user namespace in which files have the owners that images name.
    pub other_owners: bool,
    /// An OCI image is made, and not an App Container image.
    pub oci: bool,
    /// What "now" is in the image.
    pub epoch: Option<SourceDateEpoch>,
}

/// What was opened to start with.
enum Source {
    Nothing,
    Directory(OwnedFd),
    File(File),
}

impl Build {
    /// Starts a build in `work_path`, which is made if it is missing.
    ///
    /// # Errors
    ///
    /// [`BeginError`].
    pub fn begin(work_path: &Path, start: &Start) -> Result<Self, BeginError> {
        let options = BeginOptions {
            threads: 1,
            other_owners: false,
            oci: false,
            epoch: None,
        };
        Self::begin_with(work_path, start, &options)
    }

    /// As [`Build::begin`], with options.
    ///
    /// # Errors
    ///
    /// As [`Build::begin`].
    pub fn begin_with(
        work_path: &Path,
        start: &Start,
        options: &BeginOptions,
    ) -> Result<Self, BeginError> {
        // Before anything is made: most failures are misspelt file names.
        let source = open_source(start)?;
        let context = LockedContext::acquire(work_path, IfAbsent::Create)?;
        if rustix::fs::statat(context.dir(), IMAGE, rustix::fs::AtFlags::SYMLINK_NOFOLLOW).is_ok() {
            return Err(BeginError::InProgress);
        }
        match prepare(&context, start, source, options) {
            Ok((image, lacking)) => Ok(Self {
                context,
                image,
                lacking,
                copied: current_ownership(),
                oci: options.oci,
            }),
            Err(error) => {
                // The first error is what the user can mend; what this leaves, the next `begin` removes.
                let _ = remove_context(work_path, &context);
                Err(error)
            }
        }
    }
}

fn open_source(start: &Start) -> Result<Source, BeginError> {
    let (Start::Local(path) | Start::Stored(path)) = start else {
        return Ok(Source::Nothing);
    };
    // Without waiting for the other end of a FIFO.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = rustix::fs::open(path, flags, Mode::empty()).map_err(|errno| match errno {
        Errno::NOENT => BeginError::NotFound { path: path.clone() },
        errno => BeginError::Source {
            path: path.clone(),
            source: errno.into(),
        },
    })?;
    let file = File::from(opened);
    let metadata = file.metadata().map_err(|source| BeginError::Source {
        path: path.clone(),
        source,
    })?;
    match metadata.file_type() {
        kind if kind.is_dir() => Ok(Source::Directory(file.into())),
        kind if kind.is_file() => Ok(Source::File(file)),
        _ => Err(BeginError::NotAFile { path: path.clone() }),
    }
}

/// Makes `currentaci` and `buildMode`. Tells too what the file to start with lacked to be an image.
fn prepare(
    context: &LockedContext,
    start: &Start,
    source: Source,
    options: &BeginOptions,
) -> Result<(OwnedFd, Option<&'static str>), BeginError> {
    // What a killed `begin` or `end` has left.
    clear(context)?;
    let dir = context.dir();
    let image = make_dir(dir, "unfinished")?;
    let mut lacking = None;
    match (source, start) {
        (Source::File(file), Start::Local(path)) => {
            lacking = extract_image(&file, path, image.as_fd(), options)?;
        }
        (Source::Directory(from), Start::Local(path)) => {
            if holds(from.as_fd(), dir).map_err(at(path))? {
                return Err(BeginError::HoldsBuild { path: path.clone() });
            }
            copy_rootfs((from.as_fd(), Path::new(".")), path, image.as_fd())?;
            new_image(image.as_fd(), options)?;
        }
        (Source::Directory(tree), Start::Stored(path)) => {
            copy_rootfs((tree.as_fd(), Path::new(ROOTFS)), path, image.as_fd())?;
            let json = stored_manifest(tree.as_fd(), path)?;
            take_manifest(&json, path, image.as_fd(), options)?;
        }
        (_, Start::StoredOci(stored)) => {
            stored.make_tree(image.as_fd(), current_ownership())?;
            if options.oci {
                let begun = stored.take(image.as_fd(), dir)?;
                Build::begin_oci(image.as_fd(), &begun)?;
            } else {
                take_manifest(stored.aci(), stored.shown(), image.as_fd(), options)?;
            }
        }
        _ => {
            make_dir(image.as_fd(), ROOTFS)?;
            new_image(image.as_fd(), options)?;
        }
    }
    if options.other_owners {
        write_file(dir, USERS, SUBORDINATE)?;
    }
    let mode = if options.oci { OCI } else { APPC };
    write_file(dir, BUILD_MODE, mode.as_bytes())?;
    rustix::fs::renameat(dir, UNFINISHED, dir, IMAGE).map_err(at(IMAGE))?;
    Ok((image, lacking))
}

/// Makes what says of an image what it is.
fn new_image(image: BorrowedFd<'_>, options: &BeginOptions) -> Result<(), BeginError> {
    match options.oci {
        true => Ok(Build::begin_oci(image, &OciImage::new(options.epoch))?),
        false => new_manifest(image),
    }
}

fn new_manifest(image: BorrowedFd<'_>) -> Result<(), BeginError> {
    let mut manifest = ImageManifest::new(unnamed());
    manifest.labels = host_labels();
    Ok(write_file(image, MANIFEST, &manifest.to_json())?)
}

/// `arch`, then `os`: the order in which images have always been begun.
fn host_labels() -> Labels {
    let mut labels = os_arch::host_labels().iter().cloned().collect::<Vec<_>>();
    labels.sort_by(|a, b| a.name.as_str().cmp(b.name.as_str()));
    Labels::new(labels).expect("the labels of this machine go together in any order")
}

fn make_dir(dir: BorrowedFd<'_>, name: &str) -> Result<OwnedFd, OpenError> {
    rustix::fs::mkdirat(dir, name, Mode::from(0o755)).map_err(at(name))?;
    let made = open_dir(dir, name).map_err(at(name))?;
    // The umask of whoever builds is no part of the image.
    rustix::fs::fchmod(&made, Mode::from(0o755)).map_err(at(name))?;
    Ok(made)
}

/// Extracts an image, or else a root file system; tells what the latter lacked to be an image.
fn extract_image(
    file: &File,
    path: &Path,
    image: BorrowedFd<'_>,
    begin: &BeginOptions,
) -> Result<Option<&'static str>, BeginError> {
    let options = ExtractOptions {
        ownership: match current_ownership() {
            Ownership::CurrentUser => Ownership::Noted,
            kept => kept,
        },
        threads: begin.threads,
        ..ExtractOptions::default()
    };
    let failed = |source| BeginError::Extract {
        path: path.to_owned(),
        source,
    };
    let error = match extract::extract_aci(file, image, &options) {
        Ok(extracted) => {
            take_manifest(&extracted.manifest, path, image, begin)?;
            return Ok(None);
        }
        Err(error) => error,
    };
    if !is_about_layout(&error) {
        return Err(failed(error));
    }
    rewind(file, path)?;
    let Some(missing) = aci::missing_part(file).map_err(|error| failed(error.into()))? else {
        return Err(failed(error));
    };
    rewind(file, path)?;
    remove_tree(image, c"rootfs").map_err(|source| OpenError::Io {
        path: ROOTFS.into(),
        source,
    })?;
    extract::extract_rootfs(file, image, &options).map_err(failed)?;
    new_image(image, begin)?;
    Ok(Some(missing))
}

/// Whether an archive may be fine, though it is no image.
fn is_about_layout(error: &extract::ExtractError) -> bool {
    matches!(
        error,
        extract::ExtractError::Image(
            AciError::ManifestMissing
                | AciError::ManifestNotFile
                | AciError::RootfsMissing
                | AciError::RootfsNotDirectory
                | AciError::Unrecognized { .. },
        )
    )
}

fn rewind(mut file: &File, path: &Path) -> Result<(), BeginError> {
    file.rewind().map_err(|source| BeginError::Source {
        path: path.to_owned(),
        source,
    })
}

/// Reads the manifest of an image of the store.
fn stored_manifest(tree: BorrowedFd<'_>, path: &Path) -> Result<Vec<u8>, BeginError> {
    let json = read_file(tree, MANIFEST, MAX_MANIFEST_BYTES as u64)?;
    json.ok_or_else(|| BeginError::Source {
        path: path.join(MANIFEST),
        source: io::ErrorKind::NotFound.into(),
    })
}

/// Takes the manifest of an App Container image over, as what the image in the making needs.
fn take_manifest(
    json: &[u8],
    path: &Path,
    image: BorrowedFd<'_>,
    options: &BeginOptions,
) -> Result<(), BeginError> {
    let manifest = ImageManifest::from_json(json).map_err(|source| BeginError::Manifest {
        path: path.to_owned(),
        source,
    })?;
    if !options.oci {
        return Ok(write_file(image, MANIFEST, json)?);
    }
    if !manifest.dependencies.is_empty() {
        return Err(BeginError::Dependencies {
            path: path.to_owned(),
        });
    }
    match rustix::fs::unlinkat(image, MANIFEST, rustix::fs::AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(errno) => return Err(at(MANIFEST)(errno).into()),
    }
    let begun = OciImage::of_aci(&manifest, options.epoch);
    Ok(Build::begin_oci(image, &begun)?)
}

fn copy_rootfs(
    from: (BorrowedFd<'_>, &Path),
    path: &Path,
    image: BorrowedFd<'_>,
) -> Result<(), BeginError> {
    let options = CopyOptions {
        ownership: current_ownership(),
        ..CopyOptions::default()
    };
    copy::copy_tree(from, (image, OsStr::new(ROOTFS)), &options).map_err(|source| {
        BeginError::Copy {
            path: path.to_owned(),
            source,
        }
    })
}

/// Whether `dir` is `inner` or lies above it.
pub(super) fn holds(dir: BorrowedFd<'_>, inner: BorrowedFd<'_>) -> Result<bool, Errno> {
    let identity =
        |fd: BorrowedFd<'_>| rustix::fs::fstat(fd).map(|stat| (stat.st_dev, stat.st_ino));
    let wanted = identity(dir)?;
    let mut current = inner.try_clone_to_owned().map_err(|error| {
        error
            .raw_os_error()
            .map_or(Errno::IO, Errno::from_raw_os_error)
    })?;
    loop {
        let here = identity(current.as_fd())?;
        if here == wanted {
            return Ok(true);
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        current = rustix::fs::openat(&current, "..", flags, Mode::empty())?;
        if identity(current.as_fd())? == here {
            return Ok(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use gantry_testkit::archive::ArchiveBuilder;

    use super::*;

    fn begin(archive: ArchiveBuilder) -> (tempfile::TempDir, Result<Build, BeginError>) {
        let work = tempfile::tempdir().unwrap();
        let file = work.path().join("start.tar");
        fs::write(&file, archive.finish()).unwrap();
        let build = Build::begin(work.path(), &Start::Local(file));
        (work, build)
    }

    #[test]
    fn an_archive_that_is_no_image_is_taken_for_a_root_file_system() {
        let new = ArchiveBuilder::new;
        for (archive, missing) in [
            (
                new().directory("./").file("./etc/hostname", "a"),
                "manifest",
            ),
            (
                new().directory("rootfs").file("etc/hostname", "a"),
                "manifest",
            ),
            (
                new().directory("manifest").file("etc/hostname", "a"),
                "rootfs",
            ),
            (
                new().file("manifest", "{}").file("etc/hostname", "a"),
                "rootfs",
            ),
        ] {
            let (work, build) = begin(archive);
            let build = build.unwrap();
            assert_eq!(build.lacking(), Some(missing));
            assert_eq!(build.manifest().unwrap().name, unnamed());
            let image = work.path().join(".acbuild/currentaci");
            assert_eq!(fs::read(image.join("rootfs/etc/hostname")).unwrap(), b"a");
            let mode = fs::metadata(image.join("rootfs")).unwrap().permissions();
            assert_eq!(mode.mode() & 0o7777, 0o755);
        }
    }

    #[test]
    fn an_image_is_an_image_also_with_faults() {
        let (_work, build) = begin(ArchiveBuilder::aci());
        assert_eq!(build.unwrap().lacking(), None);
        for archive in [
            ArchiveBuilder::aci().file("stray", ""),
            ArchiveBuilder::new().file("etc/a", "").file("../b", ""),
        ] {
            let (work, build) = begin(archive);
            assert!(matches!(build, Err(BeginError::Extract { .. })));
            assert!(!work.path().join(".acbuild").exists());
        }
    }
}
