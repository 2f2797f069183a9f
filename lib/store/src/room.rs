//! Room on the store's file system.

use std::fmt;
use std::io;

use crate::error::StoreError;
use crate::store::Store;

impl Store {
    /// Number of bytes that this process may still write to the store's file system, other limits such
    /// as quotas aside.
    ///
    /// # Errors
    ///
    /// Those of statvfs(2).
    fn free_bytes(&self) -> io::Result<u64> {
        let system = rustix::fs::statvfs(self.root())?;
        let blocks = match rustix::process::geteuid().is_root() {
            true => system.f_bfree,
            false => system.f_bavail,
        };
        Ok(blocks.saturating_mul(system.f_frsize))
    }

    /// Refuses what needs `needed` more bytes than there are. Where the file system does not say, writing
    /// will tell.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoRoom`].
    pub fn check_room(&self, what: &str, needed: u64) -> Result<(), StoreError> {
        match self.free_bytes() {
            Ok(free) if free < needed => Err(StoreError::NoRoom {
                what: what.to_owned(),
                path: self.root().to_owned(),
                needed,
                free,
            }),
            _ => Ok(()),
        }
    }
}

/// A number of bytes, in MiB with one decimal from 1 MiB on. What is free is less than it looks rather than
/// more: the decimal is cut, not rounded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Amount(pub(crate) u64);

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (u128::from(self.0) * 10) >> 20;
        match tenths {
            0..10 => write!(f, "{} bytes", self.0),
            _ => write!(f, "{}.{} MiB", tenths / 10, tenths % 10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_with_the_numbers() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        store.check_room("a download", 1).unwrap();
        let error = store.check_room("a download", u64::MAX).unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with("no room for a download: 17592186044415.9 MiB are needed, and"),
            "{text}"
        );
        assert!(text.ends_with(" free"), "{text}");
    }

    #[test]
    fn amounts_are_bytes_and_then_mebibytes() {
        for (bytes, shown) in [
            (0, "0 bytes"),
            (1_048_575, "1048575 bytes"),
            (1_048_576, "1.0 MiB"),
            (67_108_863, "63.9 MiB"),
        ] {
            assert_eq!(Amount(bytes).to_string(), shown);
        }
    }
}
