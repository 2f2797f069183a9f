//! Files of the image that say what its users and groups are called.

use std::io::Read as _;
use std::os::fd::AsFd as _;

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::context::Build;
use super::error::{OpenError, at};

/// Most bytes of a file of users or groups.
const MAX_BYTES: u64 = 1 << 20;

impl Build {
    /// Reads `etc/passwd` or `etc/group` of the image; nothing if it has none that is a small regular file.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub fn accounts(&self, path: &str) -> Result<Vec<u8>, OpenError> {
        let root = self.rootfs()?;
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let file = match rustix::fs::openat2(root.as_fd(), path, flags, Mode::empty(), resolve) {
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(Vec::new()),
            file => file.map_err(at(path))?,
        };
        let stat = rustix::fs::fstat(&file).map_err(at(path))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Ok(Vec::new());
        }
        let mut text = Vec::new();
        std::fs::File::from(file)
            .take(MAX_BYTES)
            .read_to_end(&mut text)
            .map_err(|source| OpenError::Io {
                path: path.into(),
                source,
            })?;
        Ok(text)
    }
}
