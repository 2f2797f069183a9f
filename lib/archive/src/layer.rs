//! The layers of OCI and Docker images: their names, their marks, and what one needs of those below it.
//!
//! A layer is a tar archive of what changed. Extracted for itself ([`extract_layer`](crate::extract::extract_layer))
//! it is a tree that the kernel's overlay file system lays over those of the layers below. Three things in a layer
//! mean something only with the layers below: directories that it does not name but has files in, whose mode and
//! owner are those from below; hard links to files from below; and whiteouts, which are there for a file below.
//! [`complete`] settles them. [`flatten`] makes one tree of all, where overlays cannot be had.

mod complete;
mod flatten;
mod marks;
mod stack;
#[cfg(test)]
mod tests;

pub use complete::{LayerError, complete};
pub use flatten::flatten;
pub use marks::Marks;

use crate::refusal::Rule;

/// A hard link: its path, and that of the file which it is.
pub type Link = (Vec<u8>, Vec<u8>);

/// What a layer needs of those below it before it is complete.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// Directories that it has files in and does not name, sorted; the empty path is the root.
    pub implied: Vec<Vec<u8>>,
    /// Hard links to files that it does not have.
    pub links: Vec<Link>,
    /// Whiteouts, sorted. Where nothing lies below, the overlay would show some of them.
    pub whiteouts: Vec<Vec<u8>>,
}

impl Needs {
    /// Whether the layer is complete as it is, whatever lies below.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.implied.is_empty() && self.links.is_empty() && self.whiteouts.is_empty()
    }
}

/// What the name of an entry means in a layer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LayerName {
    /// The name of a file or directory.
    Plain(Vec<u8>),
    /// What lies below at this path is removed.
    Whiteout(Vec<u8>),
    /// What lies below in this directory is removed.
    Opaque(Vec<u8>),
    /// Notes of the aufs file system to itself.
    Ignored,
}

pub(crate) const PREFIX: &[u8] = b".wh.";
const META_PREFIX: &[u8] = b".wh..wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";

impl LayerName {
    /// Of a path beneath the root, which is cleaned. Source: OCI image-spec 1.1, layer.md, "Whiteouts".
    pub(crate) fn of(path: Vec<u8>) -> Result<Self, Rule> {
        let (directory, name) = match path.iter().rposition(|byte| *byte == b'/') {
            Some(slash) => (&path[..slash], &path[slash + 1..]),
            None => (b"".as_slice(), path.as_slice()),
        };
        for above in directory.split(|byte| *byte == b'/') {
            if above.starts_with(META_PREFIX) {
                return Ok(Self::Ignored);
            }
            if above.starts_with(PREFIX) {
                return Err(Rule::BeneathWhiteout);
            }
        }
        if name == OPAQUE {
            return Ok(Self::Opaque(directory.to_owned()));
        }
        if name.starts_with(META_PREFIX) {
            return Ok(Self::Ignored);
        }
        match name.strip_prefix(PREFIX) {
            None => Ok(Self::Plain(path)),
            Some(b"" | b"." | b"..") => Err(Rule::BadWhiteout(name[PREFIX.len()..].into())),
            Some(removed) if directory.is_empty() => Ok(Self::Whiteout(removed.to_owned())),
            Some(removed) => Ok(Self::Whiteout([directory, b"/", removed].concat())),
        }
    }
}
