//! What is wrong with an image, in words.

use gantry_archive::list::{FileKind, FileList, Survey};
use gantry_archive::refusal::EntryName;

use crate::diff::links::Names;

/// What no entry shows by itself, and extraction refuses: hard links to nothing, files beneath what is no
/// directory.
pub(super) fn of_files(files: &FileList) -> Vec<String> {
    let names = Names::new(files);
    let mut problems = Vec::new();
    for index in names.sorted() {
        if problems.len() == Survey::MAX_PROBLEMS {
            break;
        }
        let file = names.entry(*index);
        let name = |path: &[u8]| EntryName::from([b"rootfs/", path].concat().as_slice());
        if let (FileKind::HardLink(target), FileKind::HardLink(_)) =
            (&file.kind, &names.file(*index).kind)
        {
            problems.push(format!(
                "archive entry {:?} is a hard link to {:?}, which leads to no file of the archive",
                name(&file.path),
                name(target)
            ));
        }
        let slash = file.path.iter().rposition(|byte| *byte == b'/');
        let parent = slash.and_then(|at| names.find(&file.path[..at]));
        if let Some(parent) = parent.map(|parent| names.entry(parent))
            && parent.kind != FileKind::Directory
        {
            problems.push(format!(
                "archive entry {:?} lies beneath {:?}, which is not a directory",
                name(&file.path),
                name(&parent.path)
            ));
        }
    }
    problems
}
