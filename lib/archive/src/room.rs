//! What to say when there is no room left to write to.

use std::io;

/// What to try next after `error`, if it is about room.
pub(crate) fn hint(error: &io::Error) -> Option<String> {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Some("make room on the file system that it is written to".to_owned())
        }
        _ => None,
    }
}
