//! Comparing the files of two images.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use gantry_archive::list::{FileKind, FileList, ListedFile};
use gantry_archive::tar::{Timestamp, Xattr};

use super::attribute::Attribute;
use super::links::Names;

/// One name that is not the same in two images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDifference {
    /// Path beneath the root; empty for the root itself.
    pub path: Vec<u8>,
    /// What differs.
    pub change: FileChange,
}

/// How two images differ in one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileChange {
    /// Only the first image has it, and it is of this type.
    Removed(&'static str),
    /// Only the second image has it, and it is of this type.
    Added(&'static str),
    /// Both have it, and these attributes differ; at least one.
    Changed(Vec<AttributeChange>),
}

/// One attribute that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeChange {
    /// Which.
    pub attribute: Attribute,
    /// The name of the extended attribute, if it is one.
    pub xattr: Option<Vec<u8>>,
    /// The value in the first image.
    pub old: Value,
    /// The value in the second image.
    pub new: Value,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// The type of a file.
    Type(&'static str),
    /// Permission bits.
    Mode(u32),
    /// User and group.
    Owner(u32, u32),
    /// A number of bytes.
    Size(u64),
    /// SHA-256 of the content.
    Digest([u8; 32]),
    /// Target of a symbolic link.
    Target(Vec<u8>),
    /// Major and minor number.
    Device(u32, u32),
    /// The first of the other names that both images have, or none.
    OtherName(Option<Vec<u8>>),
    /// Value of an extended attribute, or that there is none.
    Xattr(Option<Vec<u8>>),
    /// A time.
    Time(Timestamp),
}

/// What was found between two lists.
#[derive(Debug, Default)]
pub(crate) struct FileDifferences {
    /// Sorted by path.
    pub(crate) differences: Vec<FileDifference>,
    /// What differs only in attributes that do not count.
    pub(super) ignored: BTreeSet<Attribute>,
    /// The places in both lists of each name that both have.
    pub(super) common: Vec<(u32, u32)>,
}

/// Compares two lists of files by name.
///
/// A hard link is compared as the file it names; that it is one shows in [`Attribute::HardLinks`].
pub(crate) fn compare(
    old: &FileList,
    new: &FileList,
    ignore: &BTreeSet<Attribute>,
) -> FileDifferences {
    let (old, new) = (Names::new(old), Names::new(new));
    let mut found = FileDifferences::default();
    let mut common = Vec::new();
    let (mut left, mut right) = (
        old.sorted().iter().peekable(),
        new.sorted().iter().peekable(),
    );
    loop {
        let order = match (left.peek(), right.peek()) {
            (Some(one), Some(other)) => old.entry(**one).path.cmp(&new.entry(**other).path),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => break,
        };
        match order {
            Ordering::Equal => common.extend(left.next().copied().zip(right.next().copied())),
            Ordering::Less => {
                let file = left
                    .next()
                    .map(|index| (old.entry(*index), old.file(*index)));
                found.one_sided(file, FileChange::Removed);
            }
            Ordering::Greater => {
                let file = right
                    .next()
                    .map(|index| (new.entry(*index), new.file(*index)));
                found.one_sided(file, FileChange::Added);
            }
        }
    }
    let old_groups = old.groups(common.iter().map(|(index, _)| *index));
    let new_groups = new.groups(common.iter().map(|(_, index)| *index));
    for (one, other) in &common {
        let mut changes = Vec::new();
        attributes(old.file(*one), new.file(*other), &mut changes);
        let names = [old_groups.other_name(*one), new_groups.other_name(*other)];
        if names[0] != names[1] {
            let [one, other] = names.map(|name| Value::OtherName(name.map(<[u8]>::to_vec)));
            changes.push(change(Attribute::HardLinks, one, other));
        }
        found.changed(&old.entry(*one).path, changes, ignore);
    }
    found.common = common;
    let differences = &mut found.differences;
    differences.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

/// Compares two entries of one name that are no hard links.
pub(super) fn attributes(old: &ListedFile, new: &ListedFile, changes: &mut Vec<AttributeChange>) {
    let mut compare = |attribute, old: Value, new: Value| {
        if old != new {
            changes.push(change(attribute, old, new));
        }
    };
    let same_type = type_name(&old.kind) == type_name(&new.kind);
    compare(
        Attribute::Type,
        Value::Type(type_name(&old.kind)),
        Value::Type(type_name(&new.kind)),
    );
    // No file system gives symbolic links a mode of their own, and tars write what they like.
    if !(same_type && matches!(old.kind, FileKind::Symlink(_))) {
        compare(
            Attribute::Mode,
            Value::Mode(old.mode),
            Value::Mode(new.mode),
        );
    }
    compare(
        Attribute::Owner,
        Value::Owner(old.uid, old.gid),
        Value::Owner(new.uid, new.gid),
    );
    if same_type {
        compare(
            Attribute::Size,
            Value::Size(old.size),
            Value::Size(new.size),
        );
        if let (Some(old), Some(new)) = (old.digest, new.digest) {
            compare(Attribute::Content, Value::Digest(old), Value::Digest(new));
        }
        match (&old.kind, &new.kind) {
            (FileKind::Symlink(old), FileKind::Symlink(new))
            | (FileKind::HardLink(old), FileKind::HardLink(new)) => compare(
                Attribute::Target,
                Value::Target(old.to_vec()),
                Value::Target(new.to_vec()),
            ),
            _ => {}
        }
        if let (Some(old), Some(new)) = (device(&old.kind), device(&new.kind)) {
            compare(Attribute::Device, old, new);
        }
    }
    xattrs(&old.xattrs, &new.xattrs, changes);
    if old.mtime != new.mtime {
        let (old, new) = (Value::Time(old.mtime), Value::Time(new.mtime));
        changes.push(change(Attribute::Mtime, old, new));
    }
}

impl FileDifferences {
    fn one_sided(
        &mut self,
        file: Option<(&ListedFile, &ListedFile)>,
        change: fn(&'static str) -> FileChange,
    ) {
        self.differences
            .extend(file.map(|(entry, file)| FileDifference {
                path: entry.path.to_vec(),
                change: change(type_name(&file.kind)),
            }));
    }

    fn changed(
        &mut self,
        path: &[u8],
        changes: Vec<AttributeChange>,
        ignore: &BTreeSet<Attribute>,
    ) {
        let changes = self.counting(changes, ignore);
        if !changes.is_empty() {
            self.differences.push(FileDifference {
                path: path.to_vec(),
                change: FileChange::Changed(changes),
            });
        }
    }

    /// The changes that count; the others are remembered.
    pub(super) fn counting(
        &mut self,
        mut changes: Vec<AttributeChange>,
        ignore: &BTreeSet<Attribute>,
    ) -> Vec<AttributeChange> {
        changes.retain(|change| {
            let ignored = ignore.contains(&change.attribute);
            if ignored {
                self.ignored.insert(change.attribute);
            }
            !ignored
        });
        changes
    }
}

/// Compares two lists of extended attributes by name.
fn xattrs(old: &[Xattr], new: &[Xattr], changes: &mut Vec<AttributeChange>) {
    if old == new {
        return;
    }
    let mut values: BTreeMap<&[u8], [Option<&[u8]>; 2]> = BTreeMap::new();
    for (side, list) in [old, new].into_iter().enumerate() {
        for xattr in list {
            values.entry(&xattr.name).or_default()[side] = Some(&xattr.value);
        }
    }
    for (name, [old, new]) in values {
        if old != new {
            let value = |value: Option<&[u8]>| Value::Xattr(value.map(<[u8]>::to_vec));
            changes.push(AttributeChange {
                xattr: Some(name.to_vec()),
                ..change(Attribute::Xattrs, value(old), value(new))
            });
        }
    }
}

fn change(attribute: Attribute, old: Value, new: Value) -> AttributeChange {
    AttributeChange {
        attribute,
        xattr: None,
        old,
        new,
    }
}

fn device(kind: &FileKind) -> Option<Value> {
    match kind {
        FileKind::CharDevice { major, minor } | FileKind::BlockDevice { major, minor } => {
            Some(Value::Device(*major, *minor))
        }
        _ => None,
    }
}

/// What people call a type of file.
pub(crate) fn type_name(kind: &FileKind) -> &'static str {
    match kind {
        FileKind::File => "file",
        FileKind::HardLink(_) => "hard link",
        FileKind::Symlink(_) => "symbolic link",
        FileKind::Directory => "directory",
        FileKind::CharDevice { .. } => "character device",
        FileKind::BlockDevice { .. } => "block device",
        FileKind::Fifo => "FIFO",
    }
}
