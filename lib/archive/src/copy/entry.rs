//! One entry of a directory, apart from what lies in it.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use gantry_sys::xattr::XattrTarget;
use rustix::fs::{FileType, Mode, OFlags, Stat};

use super::{CopyOptions, content};
use crate::metadata::{Failed, Metadata, XattrPolicy, step};

/// What is tried when the target cannot be made.
pub(crate) const CREATE: &str = "create the copy of";

/// A file, symbolic link, device or FIFO to copy.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    /// Directory that it lies in.
    pub(crate) directory: BorrowedFd<'a>,
    /// Its name there.
    pub(crate) name: &'a [u8],
    /// What it is.
    pub(crate) stat: &'a Stat,
}

impl Source<'_> {
    /// Copies it, with everything that belongs to it, to the new name `to_name` in `to`; a socket is left
    /// out.
    pub(crate) fn copy(
        self,
        to: BorrowedFd<'_>,
        to_name: &[u8],
        options: &CopyOptions,
    ) -> Result<(), Failed> {
        match FileType::from_raw_mode(self.stat.st_mode) {
            FileType::RegularFile => self.file(to, to_name, options),
            FileType::Socket | FileType::Unknown => Ok(()),
            file_type => self.special(file_type, to, to_name, options),
        }
    }

    fn file(self, to: BorrowedFd<'_>, to_name: &[u8], options: &CopyOptions) -> Result<(), Failed> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let source = rustix::fs::openat(self.directory, self.name, flags, Mode::empty())
            .map_err(step("open"))?;
        let stat = rustix::fs::fstat(&source).map_err(step("inspect"))?;
        if (stat.st_dev, stat.st_ino) != (self.stat.st_dev, self.stat.st_ino) {
            return Err((
                "read",
                io::Error::other("it was replaced while it was copied"),
            ));
        }
        let mut metadata = Metadata::read(&stat, XattrTarget::Open(source.as_fd()))
            .map_err(step("read attributes of"))?;
        options.give(&mut metadata);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let target = rustix::fs::openat(to, to_name, flags, Mode::RUSR | Mode::WUSR)
            .map_err(step(CREATE))?;
        let target = File::from(target);
        content::copy(&File::from(source), &target).map_err(|error| ("copy", error))?;
        metadata.apply(target.as_fd(), options.ownership, XattrPolicy::BestEffort)
    }

    fn special(
        self,
        file_type: FileType,
        to: BorrowedFd<'_>,
        to_name: &[u8],
        options: &CopyOptions,
    ) -> Result<(), Failed> {
        let target = XattrTarget::Named(self.directory, self.name);
        let mut metadata = Metadata::read(self.stat, target).map_err(step("read attributes of"))?;
        options.give(&mut metadata);
        let is_link = file_type == FileType::Symlink;
        if is_link {
            let link = rustix::fs::readlinkat(self.directory, self.name, Vec::new())
                .map_err(step("read"))?;
            rustix::fs::symlinkat(link.as_c_str(), to, to_name).map_err(step(CREATE))?;
        } else {
            let mode = Mode::RUSR | Mode::WUSR;
            rustix::fs::mknodat(to, to_name, file_type, mode, self.stat.st_rdev)
                .map_err(step(CREATE))?;
        }
        metadata.apply_named(
            to,
            to_name,
            is_link,
            options.ownership,
            XattrPolicy::BestEffort,
        )
    }
}
