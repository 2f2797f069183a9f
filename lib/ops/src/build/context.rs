//! A build in progress: its directory, its manifest and its end.

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use gantry_types::{ImageManifest, MAX_MANIFEST_BYTES};
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use gantry_archive::extract::Ownership;

use super::copy::current_ownership;
use super::error::{OpenError, at};
use super::lock::{CONTEXT, IfAbsent, LockedContext};
use super::remove::remove_tree;

/// The build modes, as `buildMode` records them.
pub(super) const APPC: &str = "appc";
pub(super) const OCI: &str = "oci";

pub(super) const BUILD_MODE: &str = "buildMode";

/// File that is there if files of the image belong to subordinate IDs, and what it holds.
pub(super) const USERS: &str = "users";
pub(super) const SUBORDINATE: &[u8] = b"subordinate";
pub(super) const IMAGE: &str = "currentaci";
pub(super) const MANIFEST: &str = "manifest";
pub(super) const ROOTFS: &str = "rootfs";

/// Where `begin` prepares an image and `end` takes it apart, so that `currentaci` is always whole.
pub(super) const UNFINISHED: &CStr = c"unfinished";

const NEW_MANIFEST: &str = "manifest.new";

/// A build in progress, locked as long as this lives.
#[derive(Debug)]
pub struct Build {
    pub(super) context: LockedContext,
    /// The directory `currentaci`.
    pub(super) image: OwnedFd,
    pub(super) lacking: Option<&'static str>,
    /// Whose files are that are copied from the host.
    pub(super) copied: Ownership,
    /// It makes an OCI image.
    pub(super) oci: bool,
}

impl Build {
    /// Opens and locks the build in `work_path`.
    ///
    /// # Errors
    ///
    /// [`OpenError::NoBuild`] if none was begun there, [`OpenError::Locked`] if another command is at
    /// work, [`OpenError::Mode`] for a build of a kind that is not known.
    pub fn open(work_path: &Path) -> Result<Self, OpenError> {
        let context = LockedContext::acquire(work_path, IfAbsent::Fail)?;
        let image = open_dir(context.dir(), IMAGE).map_err(|errno| match errno {
            Errno::NOENT => OpenError::NoBuild,
            errno => at(shown(IMAGE))(errno),
        })?;
        // Releases before 0.4 wrote no mode, and knew only this one.
        let mode = read_file(context.dir(), BUILD_MODE, 64)?.unwrap_or_else(|| APPC.into());
        let oci = mode == OCI.as_bytes();
        if !oci && mode != APPC.as_bytes() {
            return Err(OpenError::Mode {
                mode: String::from_utf8_lossy(&mode).into_owned(),
            });
        }
        Ok(Self {
            context,
            image,
            lacking: None,
            copied: current_ownership(),
            oci,
        })
    }

    /// Whether this build makes an OCI image, and not an App Container image.
    #[must_use]
    pub fn is_oci(&self) -> bool {
        self.oci
    }

    /// Whether there is a build in `work_path`, as far as can be seen without taking it.
    #[must_use]
    pub fn exists(work_path: &Path) -> bool {
        work_path.join(CONTEXT).join(IMAGE).is_dir()
    }

    /// Whether files of the build in `work_path` belong to subordinate IDs of a user without root.
    #[must_use]
    pub fn has_other_owners(work_path: &Path) -> bool {
        work_path.join(CONTEXT).join(USERS).is_file()
    }

    /// Notes that files of the build belong to subordinate IDs from now on.
    ///
    /// # Errors
    ///
    /// [`OpenError::Io`], [`OpenError::Permission`].
    pub fn note_other_owners(&self) -> Result<(), OpenError> {
        write_file(self.context.dir(), USERS, SUBORDINATE)
    }

    /// From here on files that are copied from the host belong to the caller, which in a user namespace
    /// means to root of the image: owners on the host mean nothing there.
    pub fn copy_as_own(&mut self) {
        self.copied = Ownership::CurrentUser;
    }

    /// After [`Build::begin`], what the file it began with lacked to be an image, `manifest` or
    /// `rootfs`: it was then taken for an archive of a root file system, which the user should hear.
    #[must_use]
    pub fn lacking(&self) -> Option<&'static str> {
        self.lacking
    }

    /// Ends the build in `work_path`, whatever its mode and however it got there.
    ///
    /// # Errors
    ///
    /// As [`Build::open`], and [`OpenError::Io`] when something cannot be removed; then no build is
    /// in progress any more, and ending again goes on.
    pub fn end(work_path: &Path) -> Result<(), OpenError> {
        let context = LockedContext::acquire(work_path, IfAbsent::Fail)?;
        let dir = context.dir();
        remove_tree(dir, UNFINISHED).map_err(|source| io_error("unfinished", source))?;
        match rustix::fs::renameat(dir, IMAGE, dir, UNFINISHED) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(at(shown(IMAGE))(errno)),
        }
        remove_context(work_path, &context)
    }

    /// Reads the manifest.
    ///
    /// # Errors
    ///
    /// [`OpenError::Manifest`] if it is not valid, which only an edit by hand can cause.
    pub fn manifest(&self) -> Result<ImageManifest, OpenError> {
        ImageManifest::from_json(&self.manifest_json()?)
            .map_err(|source| OpenError::Manifest { source })
    }

    pub(super) fn manifest_json(&self) -> Result<Vec<u8>, OpenError> {
        read_file(self.image.as_fd(), MANIFEST, MAX_MANIFEST_BYTES as u64)?.ok_or_else(|| {
            io_error(
                &format!("{IMAGE}/{MANIFEST}"),
                io::Error::from(io::ErrorKind::NotFound),
            )
        })
    }

    /// Replaces the manifest in one step: a reader, or the next command after a crash, sees the old
    /// one or the new one.
    pub(super) fn save(&self, manifest: &ImageManifest) -> Result<(), OpenError> {
        let dir = self.context.dir();
        write_file(dir, NEW_MANIFEST, &manifest.to_json())?;
        rustix::fs::renameat(dir, NEW_MANIFEST, &self.image, MANIFEST)
            .map_err(at(shown(&format!("{IMAGE}/{MANIFEST}"))))
    }

    pub(super) fn rootfs(&self) -> Result<OwnedFd, OpenError> {
        open_dir(self.image.as_fd(), ROOTFS).map_err(at(shown(&format!("{IMAGE}/{ROOTFS}"))))
    }
}

/// Removes everything in `.acbuild`, and the directory itself.
pub(super) fn remove_context(work_path: &Path, context: &LockedContext) -> Result<(), OpenError> {
    clear(context)?;
    context.remove_lock_file();
    match rustix::fs::unlinkat(rustix::fs::CWD, work_path.join(CONTEXT), AtFlags::REMOVEDIR) {
        // With the lock file gone the next command may be in there already; then it is its own.
        Ok(()) | Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOENT) => Ok(()),
        Err(errno) => Err(at(work_path.join(CONTEXT))(errno)),
    }
}

/// Removes everything in `.acbuild` but the lock file.
pub(super) fn clear(context: &LockedContext) -> Result<(), OpenError> {
    let mut entries = rustix::fs::Dir::read_from(context.dir()).map_err(at(shown("")))?;
    while let Some(entry) = entries.read() {
        let entry = entry.map_err(at(shown("")))?;
        let name = entry.file_name();
        if !matches!(name.to_bytes(), b"." | b".." | b"lock") {
            remove_tree(context.dir(), name)
                .map_err(|source| io_error(&name.to_string_lossy(), source))?;
        }
    }
    Ok(())
}

pub(super) fn open_dir(dir: BorrowedFd<'_>, name: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(dir, name, flags, Mode::empty())
}

/// Writes a file whose content survives a power cut once it has been renamed into place.
pub(super) fn write_file(dir: BorrowedFd<'_>, name: &str, content: &[u8]) -> Result<(), OpenError> {
    let flags =
        OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(dir, name, flags, Mode::from(0o644)).map_err(at(shown(name)))?;
    let mut file = File::from(file);
    file.write_all(content)
        .and_then(|()| file.sync_data())
        .map_err(|source| io_error(name, source))
}

/// Reads a regular file of at most `limit` bytes; `None` if there is none.
pub(super) fn read_file(
    dir: BorrowedFd<'_>,
    name: &str,
    limit: u64,
) -> Result<Option<Vec<u8>>, OpenError> {
    // A FIFO put there must not make the tool wait.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::openat(dir, name, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(at(shown(name))(errno)),
    };
    let mut content = Vec::new();
    file.take(limit + 1)
        .read_to_end(&mut content)
        .map_err(|source| io_error(name, source))?;
    if content.len() as u64 > limit {
        return Err(OpenError::TooLarge {
            path: shown(name),
            limit,
        });
    }
    Ok(Some(content))
}

fn shown(name: &str) -> PathBuf {
    Path::new(CONTEXT).join(name)
}

fn io_error(name: &str, source: io::Error) -> OpenError {
    match source.kind() {
        io::ErrorKind::PermissionDenied => OpenError::Permission,
        _ => OpenError::Io {
            path: shown(name),
            source,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::super::begin::Start;
    use super::*;

    #[test]
    fn a_build_ends_however_deep_its_directories_are() {
        let work = tempfile::tempdir().unwrap();
        let build = Build::begin(work.path(), &Start::Nothing).unwrap();
        let mut dir = build.rootfs().unwrap();
        drop(build);
        // Most systems let a process have 1024 descriptors.
        for _ in 0..1100 {
            rustix::fs::mkdirat(&dir, "d", Mode::RWXU).unwrap();
            dir = open_dir(dir.as_fd(), "d").unwrap();
        }
        Build::end(work.path()).unwrap();
        assert_eq!(std::fs::read_dir(work.path()).unwrap().count(), 0);
    }
}
