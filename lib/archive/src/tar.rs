//! The tar format: ustar with the PAX and GNU extensions.
//!
//! A stream is a row of entries, each one header block of 512 bytes and the data padded to whole blocks;
//! two blocks of zeros end it. Before an entry may stand extension headers: PAX records (`x` for the next
//! entry, `g` for all that follow), GNU long name (`L`) and link target (`K`).
//!
//! Sources: POSIX.1-2017 pax, "pax Interchange Format"; GNU tar manual, "Tar Internals"; star(5).

mod acl;
mod encode;
mod error;
mod header;
mod number;
mod pax;
mod pending;
mod reader;
mod resize;
mod sparse;
mod xattr;

pub use encode::{END, data_padding, encode};
pub use error::TarError;
pub(crate) use header::is_tar_header;
pub use header::{EntryKind, Timestamp};
pub use reader::{Entry, Reader, Xattr};
pub(crate) use resize::resize;
pub use sparse::Extent;

/// Size of a block, in bytes: headers are one, data is padded to whole ones.
pub const BLOCK: usize = 512;

/// Bytes of padding after `size` bytes of data.
pub(crate) fn padding(size: u64) -> u64 {
    size.wrapping_neg() % BLOCK as u64
}
