//! The files of one tree.

use std::collections::HashMap;
use std::os::fd::AsFd;

use gantry_sys::openat::open_beneath;
use gantry_types::render::{FileKind, ImageFile};
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::implied::read_implied;
use super::{ImageTree, RenderError};
use crate::metadata::sorted_names;

/// Lists everything beneath the `rootfs` of a tree.
pub(super) fn files(tree: &ImageTree) -> Result<Vec<ImageFile>, RenderError> {
    let implied = read_implied(tree)?;
    let mut files = Vec::new();
    // Number of each file with several names, by device and inode.
    let mut numbers: HashMap<(u64, u64), u32> = HashMap::new();
    let mut directories = vec![Vec::new()];
    // Opened by their paths, so that the depth of a tree costs no descriptors.
    while let Some(above) = directories.pop() {
        let place = join(b"rootfs", &above);
        let failed = |action| {
            let place = &place;
            move |error: Errno| tree.failed(action, place, error.into())
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let directory = open_beneath(
            tree.directory.as_fd(),
            place.as_slice(),
            flags,
            Mode::empty(),
        )
        .map_err(failed("open"))?;
        for name in sorted_names(&directory).map_err(failed("list"))? {
            let stat = rustix::fs::statat(&directory, &name, AtFlags::SYMLINK_NOFOLLOW)
                .map_err(failed("look into"))?;
            let path = join(&above, name.to_bytes());
            let kind = match FileType::from_raw_mode(stat.st_mode) {
                FileType::Socket | FileType::Unknown => continue,
                FileType::Directory => {
                    directories.push(path.clone());
                    match implied.contains(&path) {
                        true => FileKind::ImpliedDirectory,
                        false => FileKind::Directory,
                    }
                }
                _ if stat.st_nlink > 1 => {
                    let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
                    let number = numbers.entry((stat.st_dev, stat.st_ino)).or_insert(next);
                    FileKind::Linked(*number)
                }
                _ => FileKind::Other,
            };
            files.push(ImageFile { path, kind });
        }
    }
    Ok(files)
}

/// `name` in the directory `above`.
pub(super) fn join(above: &[u8], name: &[u8]) -> Vec<u8> {
    match (above, name) {
        (b"", _) => name.to_owned(),
        (_, b"") => above.to_owned(),
        _ => [above, b"/", name].concat(),
    }
}
