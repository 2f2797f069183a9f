//! What can differ between two files.

use std::fmt;
use std::str::FromStr;

use gantry_types::{Diagnostic, Kind};

/// What can differ between two files of one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attribute {
    /// File, directory, symbolic link ...
    Type,
    /// Permissions with setuid, setgid and sticky bit.
    Mode,
    /// Numeric user and group.
    Owner,
    /// Size in bytes, with holes.
    Size,
    /// Content, by its digest; whether parts of it are holes is no difference.
    Content,
    /// Target of a symbolic link.
    Target,
    /// Numbers of a device.
    Device,
    /// Which other names the file has.
    HardLinks,
    /// Extended attributes, POSIX access control lists and file capabilities among them.
    Xattrs,
    /// Time of last change.
    Mtime,
}

impl Attribute {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 10] = [
        Self::Type,
        Self::Mode,
        Self::Owner,
        Self::Size,
        Self::Content,
        Self::Target,
        Self::Device,
        Self::HardLinks,
        Self::Xattrs,
        Self::Mtime,
    ];

    /// The name, as in `--ignore=NAME`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Mode => "mode",
            Self::Owner => "owner",
            Self::Size => "size",
            Self::Content => "content",
            Self::Target => "target",
            Self::Device => "device",
            Self::HardLinks => "hardlinks",
            Self::Xattrs => "xattrs",
            Self::Mtime => "mtime",
        }
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text names no attribute that can be ignored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown attribute {0:?}: must be one of {names}", names = names())]
pub struct AttributeError(String);

fn names() -> String {
    let names = Attribute::ALL.iter().skip(1);
    names
        .map(|known| known.name())
        .collect::<Vec<_>>()
        .join(", ")
}

impl Diagnostic for AttributeError {
    fn kind(&self) -> Kind {
        Kind::Usage
    }
}

/// Every attribute but the type can be ignored: files of different types have nothing to compare.
impl FromStr for Attribute {
    type Err = AttributeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut known = Self::ALL.into_iter().skip(1);
        known
            .find(|known| known.name() == text)
            .ok_or_else(|| AttributeError(text.to_owned()))
    }
}
