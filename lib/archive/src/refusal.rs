//! Which entry of an archive was refused, and by which rule.

use std::fmt;

use gantry_types::{Diagnostic, Kind};

/// Longest name printed in a message, in bytes; a hostile one may have thousands.
const SHOWN_BYTES: usize = 200;

/// The name of an entry as the archive has it: any bytes, printed so that a terminal survives.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EntryName(Vec<u8>);

impl EntryName {
    /// The bytes of the name.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<&[u8]> for EntryName {
    fn from(name: &[u8]) -> Self {
        Self(name.to_owned())
    }
}

impl fmt::Display for EntryName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.0[..self.0.len().min(SHOWN_BYTES)];
        let ellipsis = if shown.len() < self.0.len() {
            "..."
        } else {
            ""
        };
        for chunk in shown.utf8_chunks() {
            write!(formatter, "{}", chunk.valid().escape_debug())?;
            for byte in chunk.invalid() {
                write!(formatter, "\\x{byte:02x}")?;
            }
        }
        formatter.write_str(ellipsis)
    }
}

impl fmt::Debug for EntryName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "\"{self}\"")
    }
}

/// An entry that breaks a rule. Nothing of it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("archive entry {entry:?} is refused: {rule}")]
pub struct Refusal {
    /// The entry as the archive names it.
    pub entry: EntryName,
    /// What it breaks.
    pub rule: Rule,
}

impl Refusal {
    pub(crate) fn new(entry: &[u8], rule: Rule) -> Self {
        Self {
            entry: entry.into(),
            rule,
        }
    }
}

impl Diagnostic for Refusal {
    fn kind(&self) -> Kind {
        match self.rule {
            Rule::DeviceWithoutRoot => Kind::Environment,
            _ => Kind::Refused,
        }
    }

    fn hint(&self) -> Option<String> {
        match self.rule {
            Rule::DeviceWithoutRoot => Some("run as root, or use an image without devices".into()),
            Rule::AclName(_) => {
                Some("write the archive with `tar --acls --xattrs`, which keeps the numbers".into())
            }
            _ => None,
        }
    }
}

/// What an entry of an archive must not do or be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rule {
    // Names.
    /// Names an absolute path, which careless extractors write to the host.
    #[error("its name is absolute")]
    AbsoluteName,
    /// Climbs out of the root, or pretends not to.
    #[error("its name contains \"..\"")]
    ParentInName,
    /// A zero byte hides the rest of a name from programs written in C.
    #[error("its name contains a zero byte")]
    ZeroInName,
    /// Nothing can be created under an empty name.
    #[error("its name is empty")]
    EmptyName,
    /// Longer than [`crate::limits::Limits::max_path`].
    #[error("its name is longer than {0} bytes")]
    LongName(usize),
    /// Deeper than [`crate::limits::Limits::max_depth`].
    #[error("it lies more than {0} directories deep")]
    TooDeep(usize),

    // Places.
    /// The second entry could replace the first, after it was checked.
    #[error("another entry has the same name")]
    Duplicate,
    /// A symbolic link above it could lead anywhere.
    #[error("a symbolic link lies on the way to it")]
    BeneathSymlink,
    /// A file cannot hold files.
    #[error("what lies above it is not a directory")]
    BeneathFile,

    // Layers.
    /// A whiteout that names nothing, or the directory it lies in, or the one above.
    #[error("it is a whiteout of {0:?}, which is no name")]
    BadWhiteout(EntryName),
    /// A directory whose own name is that of a whiteout: to some readers it is one, to others it is none.
    #[error("what lies above it has the name of a whiteout")]
    BeneathWhiteout,
    /// A character device 0:0 is how overlay file systems mark what was removed; an image must not forge it.
    #[error("it is a character device 0:0, which is reserved for the host")]
    ReservedDevice,

    // Links.
    /// A hard link to what lies outside the root would open it to the image.
    #[error("it is a hard link to {0:?}, which is not beneath the root")]
    LinkOutside(EntryName),
    /// The way to the target leads over a symbolic link.
    #[error("it is a hard link to {0:?}, behind a symbolic link")]
    LinkThroughSymlink(EntryName),
    /// No entry of the archive, before or after it, is the target.
    #[error("it is a hard link to {0:?}, which is not in the archive")]
    LinkTargetMissing(EntryName),
    /// Directories cannot be linked.
    #[error("it is a hard link to {0:?}, which is a directory")]
    LinkToDirectory(EntryName),
    /// A link without target, or with a zero byte in it.
    #[error("its link target is empty, too long or contains a zero byte")]
    BadLinkTarget,

    // Kinds and fields.
    /// A type of entry that image archives do not have.
    #[error("entry type {:?} is not supported", char::from(*.0))]
    UnknownType(u8),
    /// Extractors disagree on whether data follows, so that one sees entries another does not.
    #[error("it has a size, though its type holds no data")]
    UnexpectedSize,
    /// A number field that holds none, a negative one, or one too large.
    #[error("its {0} is not a valid number")]
    BadNumber(&'static str),
    /// User and group 2^32-1 mean "leave as it is" to the kernel.
    #[error("its {0} is out of range")]
    OwnerOutOfRange(&'static str),
    /// Device numbers beyond what Linux has.
    #[error("its device number is out of range")]
    DeviceOutOfRange,
    /// Only root can create devices.
    #[error("devices cannot be created without root")]
    DeviceWithoutRoot,
    /// Attributes by which overlay file systems redirect look-ups; an image must not forge them.
    #[error("its extended attribute {0:?} is reserved for the host")]
    ReservedAttribute(EntryName),
    /// An attribute name that is empty or longer than Linux takes (255 bytes), or holds a zero byte.
    #[error("its extended attribute {0:?} has no valid name")]
    BadAttribute(EntryName),

    /// More than Linux lets an attribute hold.
    #[error("its extended attribute {0:?} is larger than {1} bytes")]
    LargeAttribute(EntryName, usize),
    /// An access control list that the kernel would not take.
    #[error("its access control list is malformed")]
    BadAcl,
    /// What number the name has in the image is not known while its files are made.
    #[error("its access control list names {0:?} without a number")]
    AclName(EntryName),

    // Extension headers.
    /// PAX records that do not follow the format.
    #[error("its PAX extension header is malformed")]
    BadExtension,
    /// Larger than [`crate::limits::Limits::max_extension`].
    #[error("its extension header is larger than {0} bytes")]
    LargeExtension(u64),
    /// Two extension headers give the same field, and readers disagree on which holds.
    #[error("two extension headers give its {0}")]
    AmbiguousExtension(&'static str),
    /// A global header renames or resizes all entries that follow, for some readers only.
    #[error("a global header sets {0} for every entry")]
    GlobalExtension(EntryName),
    /// Extents out of order, overlapping, beyond the end, or not matching the data.
    #[error("its sparse map is malformed")]
    BadSparseMap,
    /// More than [`crate::limits::Limits::max_extents`].
    #[error("its sparse map has more than {0} extents")]
    LargeSparseMap(usize),

    // Totals.
    /// More than [`crate::limits::Limits::max_output`], holes included.
    #[error("files with their holes exceed {0} bytes in total")]
    TooLarge(u64),
    /// More than [`crate::limits::Limits::max_entries`].
    #[error("the archive has more than {0} entries")]
    TooManyEntries(u64),
    /// More than [`crate::limits::Limits::max_manifest`].
    #[error("the manifest is larger than {0} bytes")]
    LargeManifest(u64),
    /// More files, names and attributes than [`crate::limits::Limits::max_list`] has room for.
    #[error("the list of files takes more than {0} bytes of memory")]
    LargeList(usize),
    /// More than [`crate::limits::Limits::max_hashed_holes`].
    #[error("the holes of sparse files, which would have to be hashed, exceed {0} bytes in total")]
    LargeHoles(u64),
    /// More directories and early hard links than [`crate::limits::Limits::max_deferred`] has room for.
    #[error("too many directories or early hard links")]
    TooMuchDeferred,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_the_entry_harmlessly_and_the_rule() {
        let refusal = Refusal::new(b"rootfs/\x1b[2J\xff\"\n", Rule::ParentInName);
        assert_eq!(
            refusal.to_string(),
            r#"archive entry "rootfs/\u{1b}[2J\xff\"\n" is refused: its name contains "..""#
        );
        let long = EntryName::from([b'a'; 5000].as_slice());
        assert_eq!(long.to_string().len(), SHOWN_BYTES + 3);
    }
}
