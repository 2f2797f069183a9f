//! Files that somebody who reviews an image wants to know of.

use gantry_archive::list::{FileKind, FileList, ListedFile};

use super::capability::FileCapabilities;

/// A file with a trait worth knowing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notable {
    /// Path beneath the root; empty for the root.
    pub path: Vec<u8>,
    /// What is special about it; at least one.
    pub traits: Vec<Trait>,
    /// Permission bits.
    pub mode: u32,
    /// Numeric owner.
    pub uid: u32,
    /// Numeric group.
    pub gid: u32,
}

/// What is special about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trait {
    /// Runs with the rights of its owner.
    Setuid,
    /// Runs with the rights of its group.
    Setgid,
    /// Runs with capabilities of its own; none if their attribute cannot be read.
    Capabilities(Option<FileCapabilities>),
    /// A character device.
    CharDevice(u32, u32),
    /// A block device.
    BlockDevice(u32, u32),
    /// Everybody can change it, or what lies in it; directories with the sticky bit do not count.
    WorldWritable,
}

const SETUID: u32 = 0o4000;
const SETGID: u32 = 0o2000;
const STICKY: u32 = 0o1000;
const OTHERS_WRITE: u32 = 0o002;

/// Finds them, sorted by path.
pub(super) fn find(files: &FileList) -> Vec<Notable> {
    let files = files.files().iter();
    let mut notable: Vec<_> = files.filter_map(notable).collect();
    notable.sort_by(|one, other| one.path.cmp(&other.path));
    notable
}

fn notable(file: &ListedFile) -> Option<Notable> {
    let mut traits = Vec::new();
    let has = |bits: u32| file.mode & bits != 0;
    match file.kind {
        FileKind::File => {
            if has(SETUID) {
                traits.push(Trait::Setuid);
            }
            if has(SETGID) {
                traits.push(Trait::Setgid);
            }
        }
        FileKind::CharDevice { major, minor } => traits.push(Trait::CharDevice(major, minor)),
        FileKind::BlockDevice { major, minor } => traits.push(Trait::BlockDevice(major, minor)),
        // Neither has rights of its own.
        FileKind::Symlink(_) | FileKind::HardLink(_) => return None,
        FileKind::Directory | FileKind::Fifo => {}
    }
    let mut xattrs = file.xattrs.iter();
    let capability = xattrs.rfind(|xattr| xattr.name == b"security.capability");
    if let Some(xattr) = capability {
        traits.push(Trait::Capabilities(FileCapabilities::parse(&xattr.value)));
    }
    let sticky_directory = file.kind == FileKind::Directory && has(STICKY);
    if has(OTHERS_WRITE) && !sticky_directory {
        traits.push(Trait::WorldWritable);
    }
    (!traits.is_empty()).then(|| Notable {
        path: file.path.to_vec(),
        traits,
        mode: file.mode,
        uid: file.uid,
        gid: file.gid,
    })
}
