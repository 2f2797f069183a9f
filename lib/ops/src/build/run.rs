//! What running a command does to a build, before and after: the command itself is started by who calls this.
//!
//! A command needs places for what is mounted over the image, such as `/proc`. They are no part of the
//! image: what was missing before and is still empty afterwards is removed again, also by the next command
//! after one that was killed.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use gantry_archive::overlay_marks::{self, Hidden, MarksError};
use gantry_types::{Diagnostic, Kind};
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::context::{Build, IMAGE, ROOTFS, open_dir, read_file, write_file};
use super::error::{OpenError, at};
use super::remove::remove_tree;

/// Says which of [`PLACES`] the image did not have.
const ABSENT: &str = "absent";

/// What whoever runs the command makes beside the image, and [`ABSENT`].
const LEFT: [&CStr; 4] = [c"run", c"work", c"target", c"absent"];

/// Longest [`ABSENT`], in bytes.
const MAX_ABSENT: u64 = 4096;

/// What may be made for a command: directory, name, and what it then is. What lies in a directory comes
/// before it. The first is all that is made without mounts.
const PLACES: [(&str, &str, Place); 10] = [
    ("etc", "resolv.conf", Place::File),
    ("etc", "hosts", Place::File),
    ("etc", "hostname", Place::File),
    ("etc", "mtab", Place::Link),
    ("", "etc", Place::Directory),
    ("", "dev", Place::Directory),
    ("", "proc", Place::Directory),
    ("", "sys", Place::Directory),
    ("", "tmp", Place::Directory),
    ("", "run", Place::Directory),
];

/// `/etc/hosts` of a command whose image has none. Source: `app_root.rs` of stage1.
const HOSTS: &[u8] = b"127.0.0.1 localhost\n::1 localhost\n";

/// Where `/etc/mtab` of a command leads to.
const MTAB: &[u8] = b"/proc/self/mounts";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    File,
    Link,
    Directory,
}

/// The image could not be put in order after a command.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The build could not be opened, read or changed.
    #[error(transparent)]
    Build(#[from] OpenError),
    /// The layers could not be taken apart again.
    #[error(transparent)]
    Marks(#[from] MarksError),
}

impl Diagnostic for RunError {
    fn kind(&self) -> Kind {
        match self {
            Self::Build(error) => error.kind(),
            Self::Marks(_) => Kind::Environment,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Build(error) => error.hint(),
            Self::Marks(_) => None,
        }
    }
}

impl Build {
    /// The directory of the build, `.acbuild`.
    #[must_use]
    pub fn directory(&self) -> BorrowedFd<'_> {
        self.context.dir()
    }

    /// The lock that keeps other commands from the build, for as long as a copy of it is open.
    #[must_use]
    pub fn lock(&self) -> BorrowedFd<'_> {
        self.context.lock()
    }

    /// The root file system, relative to [`Build::directory`].
    #[must_use]
    pub fn tree(&self) -> PathBuf {
        Path::new(IMAGE).join(ROOTFS)
    }

    /// Gets ready for a command; true if the image has no `/etc/resolv.conf` of its own.
    ///
    /// `mounts` tells whether the command has file systems mounted over the image. Otherwise what is empty
    /// afterwards was made by the command, and stays.
    ///
    /// # Errors
    ///
    /// [`RunError`].
    pub fn begin_run(&self, mounts: bool) -> Result<bool, RunError> {
        self.mend_run()?;
        let rootfs = self.rootfs()?;
        let mut absent = String::new();
        let mut no_resolv_conf = false;
        let last = if mounts { PLACES.len() } else { 1 };
        for (directory, name, _) in PLACES.into_iter().take(last) {
            if !is_there(rootfs.as_fd(), directory, name).map_err(at(name))? {
                no_resolv_conf |= name == "resolv.conf";
                absent.push_str(&format!("{directory}/{name}\n"));
            }
        }
        write_file(self.context.dir(), ABSENT, absent.as_bytes())?;
        Ok(no_resolv_conf)
    }

    /// Puts the image in order after a command, and tells what that did to the layers below the image.
    ///
    /// # Errors
    ///
    /// [`RunError`]; the next command that needs the files of the image tries again.
    pub fn end_run(&self) -> Result<Hidden, RunError> {
        let dir = self.context.dir();
        let rootfs = self.rootfs()?;
        let over_layers = open_dir(dir, "work").is_ok();
        let hidden = match over_layers {
            true => overlay_marks::take_out(rootfs.as_fd())?,
            false => Hidden::default(),
        };
        let absent = read_file(dir, ABSENT, MAX_ABSENT)?.unwrap_or_default();
        let absent = String::from_utf8_lossy(&absent).into_owned();
        for (directory, name, place) in PLACES {
            if absent
                .lines()
                .any(|line| line == format!("{directory}/{name}"))
            {
                remove_place(rootfs.as_fd(), directory, name, place).map_err(at(name))?;
            }
        }
        for name in LEFT {
            remove_tree(dir, name).map_err(|source| OpenError::Io {
                path: Path::new(".acbuild").join(&*name.to_string_lossy()),
                source,
            })?;
        }
        Ok(hidden)
    }

    /// Does what a command that was killed has left undone.
    ///
    /// # Errors
    ///
    /// [`RunError`].
    pub fn mend_run(&self) -> Result<(), RunError> {
        if self.has_killed_run() {
            self.end_run()?;
        }
        Ok(())
    }

    /// Whether a command that was killed has left something undone, perhaps outside the build too.
    #[must_use]
    pub fn has_killed_run(&self) -> bool {
        let dir = self.context.dir();
        let is_left =
            |name: &CStr| rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW).is_ok();
        LEFT.into_iter().any(is_left)
    }
}

/// Opens a directory of the image that is one itself, no link to one; `None` if there is none.
fn open_own(rootfs: BorrowedFd<'_>, directory: &str) -> Result<Option<OwnedFd>, Errno> {
    let name = if directory.is_empty() { "." } else { directory };
    match open_dir(rootfs, name) {
        Ok(opened) => Ok(Some(opened)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_there(rootfs: BorrowedFd<'_>, directory: &str, name: &str) -> Result<bool, Errno> {
    let Some(parent) = open_own(rootfs, directory)? else {
        return Ok(false);
    };
    match rustix::fs::statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(_) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes a place, unless it is something else by now.
fn remove_place(
    rootfs: BorrowedFd<'_>,
    directory: &str,
    name: &str,
    place: Place,
) -> Result<(), Errno> {
    let Some(parent) = open_own(rootfs, directory)? else {
        return Ok(());
    };
    let stat = match rustix::fs::statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => return Ok(()),
        stat => stat?,
    };
    let unused = match (place, FileType::from_raw_mode(stat.st_mode)) {
        (Place::Directory, FileType::Directory) => {
            return match rustix::fs::unlinkat(&parent, name, AtFlags::REMOVEDIR) {
                // The command keeps something there.
                Ok(()) | Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOENT) => Ok(()),
                Err(error) => Err(error),
            };
        }
        (Place::File, FileType::RegularFile) => {
            stat.st_size == 0 || (name == "hosts" && holds(&parent, name, HOSTS)?)
        }
        (Place::Link, FileType::Symlink) => {
            rustix::fs::readlinkat(&parent, name, Vec::new())?.as_bytes() == MTAB
        }
        _ => false,
    };
    match unused {
        true => rustix::fs::unlinkat(&parent, name, AtFlags::empty()),
        false => Ok(()),
    }
}

fn holds(parent: &OwnedFd, name: &str, expected: &[u8]) -> Result<bool, Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::openat(parent, name, flags, Mode::empty())?;
    let mut found = vec![0; expected.len() + 1];
    match io::Read::read(&mut std::fs::File::from(file), &mut found) {
        Ok(length) => Ok(&found[..length] == expected),
        Err(error) => Err(Errno::from_io_error(&error).unwrap_or(Errno::IO)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::super::begin::Start;
    use super::*;

    fn build() -> (tempfile::TempDir, Build, PathBuf) {
        let work = tempfile::tempdir().unwrap();
        let build = Build::begin(work.path(), &Start::Nothing).unwrap();
        let rootfs = work.path().join(".acbuild/currentaci/rootfs");
        (work, build, rootfs)
    }

    #[test]
    fn places_made_for_a_command_are_gone_afterwards_and_what_it_wrote_stays() {
        let (work, build, rootfs) = build();
        fs::create_dir(rootfs.join("sys")).unwrap();
        assert!(build.begin_run(true).unwrap());
        for name in ["etc", "dev", "proc", "tmp", "run"] {
            fs::create_dir(rootfs.join(name)).unwrap();
        }
        for name in ["etc/resolv.conf", "etc/hostname", "run/pid"] {
            fs::write(rootfs.join(name), "").unwrap();
        }
        fs::write(rootfs.join("etc/hosts"), HOSTS).unwrap();
        symlink("/proc/self/mounts", rootfs.join("etc/mtab")).unwrap();
        fs::create_dir(work.path().join(".acbuild/run")).unwrap();
        build.end_run().unwrap();
        let mut left: Vec<_> = fs::read_dir(&rootfs)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(left, ["run", "sys"]);
        assert!(!work.path().join(".acbuild/run").exists());
        assert!(!work.path().join(".acbuild/absent").exists());
    }

    #[test]
    fn what_the_image_had_or_the_command_filled_is_kept() {
        let (_work, build, rootfs) = build();
        fs::create_dir(rootfs.join("etc")).unwrap();
        fs::write(rootfs.join("etc/resolv.conf"), "").unwrap();
        assert!(!build.begin_run(true).unwrap());
        fs::write(rootfs.join("etc/hosts"), "10.0.0.1 db\n").unwrap();
        symlink("elsewhere", rootfs.join("etc/mtab")).unwrap();
        // As after a kill: the next command does it.
        build.mend_run().unwrap();
        for name in ["etc/resolv.conf", "etc/hosts", "etc/mtab"] {
            assert!(fs::symlink_metadata(rootfs.join(name)).is_ok(), "{name}");
        }
    }

    #[test]
    fn a_link_in_the_image_leads_nothing_astray() {
        let (work, build, rootfs) = build();
        let host = work.path().join("host");
        fs::create_dir(&host).unwrap();
        build.begin_run(true).unwrap();
        fs::write(host.join("hosts"), "").unwrap();
        symlink(&host, rootfs.join("etc")).unwrap();
        build.end_run().unwrap();
        assert!(host.join("hosts").exists());
    }
}
