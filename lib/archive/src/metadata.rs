//! What a file has besides its content, read from one place and given to another.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use gantry_sys::xattr::{self, XattrTarget};
use rustix::fs::{AtFlags, Gid, Mode, Stat, Timespec, Timestamps, Uid};
use rustix::io::Errno;

use crate::extract::Ownership;
use crate::owner_note;
use crate::shift;
use crate::tar::{Timestamp, Xattr};

/// What a file has besides its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Metadata {
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) mtime: Timestamp,
    pub(crate) xattrs: Vec<Xattr>,
}

/// A step that failed: what was tried, and why not.
pub(crate) type Failed = (&'static str, io::Error);

/// Names the step in an error.
pub(crate) fn step(action: &'static str) -> impl Fn(Errno) -> Failed {
    move |error| (action, error.into())
}

/// What happens when the file system takes no such attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum XattrPolicy {
    /// The image says so, so that is an error.
    Required,
    /// Attributes are kept where that is permitted.
    BestEffort,
}

impl Metadata {
    /// Reads everything but content; `target` is the file that `stat` describes.
    pub(crate) fn read(stat: &Stat, target: XattrTarget<'_>) -> rustix::io::Result<Self> {
        let mut xattrs = Vec::new();
        for name in xattr::list(target)? {
            if belongs_to_host(name.to_bytes()) {
                continue;
            }
            let value = xattr::get(target, &name)?;
            xattrs.push(Xattr {
                name: name.into_bytes(),
                value,
            });
        }
        let mtime = Timestamp {
            seconds: stat.st_mtime,
            // The kernel keeps it below 10^9.
            nanoseconds: u32::try_from(stat.st_mtime_nsec).unwrap_or(0),
        };
        Ok(Self {
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            mtime,
            xattrs,
        })
    }

    /// Gives it to an open regular file or directory.
    ///
    /// The order matters: a change of owner clears setuid and capabilities, an access control list
    /// takes part in the mode, and everything changes times. What is right already is left alone: to look
    /// costs a tenth of a change, which goes through the journal of the file system.
    pub(crate) fn apply(
        &self,
        fd: BorrowedFd<'_>,
        ownership: Ownership,
        policy: XattrPolicy,
    ) -> Result<(), Failed> {
        let found = rustix::fs::fstat(fd).map_err(step("inspect"))?;
        let mut mode = Some(found.st_mode & 0o7777);
        if ownership.keeps_owners() {
            let (uid, gid) = self.owner(ownership).map_err(step("set owner of"))?;
            if (found.st_uid, found.st_gid) != (uid.as_raw(), gid.as_raw()) {
                rustix::fs::fchown(fd, Some(uid), Some(gid)).map_err(step("set owner of"))?;
                mode = None;
            }
        }
        if ownership == Ownership::Noted && (self.uid, self.gid) != (0, 0) {
            // Before the mode, which may forbid its owner to write.
            let note = owner_note::encode(self.uid, self.gid);
            match xattr::set(XattrTarget::Open(fd), owner_note::NAME, &note) {
                Err(Errno::OPNOTSUPP | Errno::PERM) => {}
                noted => noted.map_err(step("note the owner of"))?,
            }
        }
        if mode != Some(self.mode) {
            rustix::fs::fchmod(fd, Mode::from_raw_mode(self.mode)).map_err(step("set mode of"))?;
        }
        self.apply_xattrs(XattrTarget::Open(fd), ownership, policy)?;
        rustix::fs::futimens(fd, &self.times()).map_err(step("set time of"))
    }

    /// Gives it to a symbolic link (`is_link`), device or FIFO, which cannot be opened.
    ///
    /// The entry was made a moment ago under this name, in a directory that nobody else uses yet.
    pub(crate) fn apply_named(
        &self,
        parent: BorrowedFd<'_>,
        name: &[u8],
        is_link: bool,
        ownership: Ownership,
        policy: XattrPolicy,
    ) -> Result<(), Failed> {
        if ownership.keeps_owners() {
            let (uid, gid) = self.owner(ownership).map_err(step("set owner of"))?;
            let (uid, gid) = (Some(uid), Some(gid));
            rustix::fs::chownat(parent, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW)
                .map_err(step("set owner of"))?;
        }
        if !is_link {
            let mode = Mode::from_raw_mode(self.mode);
            rustix::fs::chmodat(parent, name, mode, AtFlags::empty())
                .map_err(step("set mode of"))?;
        }
        self.apply_xattrs(XattrTarget::Named(parent, name), ownership, policy)?;
        rustix::fs::utimensat(parent, name, &self.times(), AtFlags::SYMLINK_NOFOLLOW)
            .map_err(step("set time of"))
    }

    fn apply_xattrs(
        &self,
        target: XattrTarget<'_>,
        ownership: Ownership,
        policy: XattrPolicy,
    ) -> Result<(), Failed> {
        for Xattr { name, value } in &self.xattrs {
            if !is_kept(name, ownership) {
                continue;
            }
            let name = CString::new(name.as_slice()).map_err(|_| {
                (
                    "set extended attribute of",
                    io::ErrorKind::InvalidInput.into(),
                )
            })?;
            let shifted;
            let value = match ownership {
                Ownership::Shifted(range) => {
                    shifted = shift::attribute(name.to_bytes(), value, range);
                    &shifted
                }
                Ownership::Keep | Ownership::CurrentUser | Ownership::Noted => value,
            };
            match xattr::set(target, &name, value) {
                Err(Errno::OPNOTSUPP | Errno::PERM) if policy == XattrPolicy::BestEffort => {}
                outcome => outcome.map_err(step("set extended attribute of"))?,
            }
        }
        Ok(())
    }

    fn owner(&self, ownership: Ownership) -> rustix::io::Result<(Uid, Gid)> {
        let (uid, gid) = match ownership {
            Ownership::Shifted(range) => (
                range.to_host(self.uid).ok_or(Errno::OVERFLOW)?,
                range.to_host(self.gid).ok_or(Errno::OVERFLOW)?,
            ),
            Ownership::Keep | Ownership::CurrentUser | Ownership::Noted => (self.uid, self.gid),
        };
        Ok((Uid::from_raw(uid), Gid::from_raw(gid)))
    }

    fn times(&self) -> Timestamps {
        let time = |tv_sec, tv_nsec| Timespec { tv_sec, tv_nsec };
        Timestamps {
            last_access: time(0, rustix::fs::UTIME_OMIT),
            last_modification: time(self.mtime.seconds, self.mtime.nanoseconds.into()),
        }
    }
}

/// Whether extraction gives files an extended attribute that their archive has.
///
/// Attributes that only root may set mean nothing on files that root does not own; an image that could label
/// its files would choose what the machine's policy lets them do.
pub fn is_kept(name: &[u8], ownership: Ownership) -> bool {
    let allowed = ownership.keeps_owners() || !is_privileged(name);
    allowed && !belongs_to_host(name) && is_of_linux(name)
}

/// Attributes of the machine that a file is on, not of the file: labels, measurements, overlay marks.
fn belongs_to_host(name: &[u8]) -> bool {
    const HOST: [&[u8]; 6] = [
        b"security.selinux",
        b"security.ima",
        b"security.evm",
        b"system.nfs4_acl",
        b"trusted.overlay.",
        b"user.overlay.",
    ];
    HOST.iter().any(|host| name.starts_with(host))
}

/// Whether Linux has attributes of such a name; archives of other systems bring their own.
fn is_of_linux(name: &[u8]) -> bool {
    const LINUX: [&[u8]; 4] = [b"user.", b"trusted.", b"security.", b"system.posix_acl_"];
    LINUX.iter().any(|namespace| name.starts_with(namespace))
}

fn is_privileged(name: &[u8]) -> bool {
    name.starts_with(b"security.") || name.starts_with(b"trusted.")
}

/// Names in an open directory, sorted by byte, without `.` and `..`.
pub(crate) fn sorted_names(directory: impl AsFd) -> rustix::io::Result<Vec<CString>> {
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::read_from(directory)? {
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            names.push(entry.file_name().to_owned());
        }
    }
    names.sort();
    Ok(names)
}
