use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use tempfile::TempDir;

use super::*;

fn copy(from: &Path, to_directory: &Path, name: &str) -> Result<(), CopyError> {
    let ownership = match rustix::process::geteuid().is_root() {
        true => Ownership::Keep,
        false => Ownership::CurrentUser,
    };
    let target = File::open(to_directory).unwrap();
    let options = CopyOptions {
        ownership,
        ..CopyOptions::default()
    };
    copy_tree(
        (rustix::fs::CWD, from),
        (target.as_fd(), OsStr::new(name)),
        &options,
    )
}

#[test]
fn a_tree_keeps_modes_times_links_and_holes() {
    let temporary = TempDir::new().unwrap();
    let from = temporary.path().join("from");
    fs::create_dir_all(from.join("dir/sub")).unwrap();
    fs::write(from.join("dir/file"), "content").unwrap();
    fs::set_permissions(from.join("dir/file"), PermissionsExt::from_mode(0o4710)).unwrap();
    fs::hard_link(from.join("dir/file"), from.join("dir/sub/other")).unwrap();
    symlink("/etc/passwd", from.join("link")).unwrap();
    let sparse = File::create(from.join("sparse")).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&sparse, b"end", 8 << 20).unwrap();
    sparse.set_len(16 << 20).unwrap();
    let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::new(1_000_000_000, 5);
    File::open(from.join("dir/file"))
        .unwrap()
        .set_modified(time)
        .unwrap();
    File::open(from.join("dir"))
        .unwrap()
        .set_modified(time)
        .unwrap();

    copy(&from, temporary.path(), "to").unwrap();

    let to = temporary.path().join("to");
    assert_eq!(fs::read(to.join("dir/file")).unwrap(), b"content");
    let file = fs::metadata(to.join("dir/file")).unwrap();
    assert_eq!(file.mode() & 0o7777, 0o4710);
    assert_eq!((file.modified().unwrap(), file.nlink()), (time, 2));
    assert_eq!(
        file.ino(),
        fs::metadata(to.join("dir/sub/other")).unwrap().ino()
    );
    assert_ne!(
        file.ino(),
        fs::metadata(from.join("dir/file")).unwrap().ino()
    );
    assert_eq!(
        fs::metadata(to.join("dir")).unwrap().modified().unwrap(),
        time
    );
    assert_eq!(
        fs::read_link(to.join("link")).unwrap(),
        Path::new("/etc/passwd")
    );
    assert!(fs::read(to.join("sparse")).unwrap() == fs::read(from.join("sparse")).unwrap());
    let (copied, original) = (
        fs::metadata(to.join("sparse")).unwrap(),
        fs::metadata(from.join("sparse")).unwrap(),
    );
    assert!(
        copied.blocks() <= original.blocks() + 64,
        "holes stay holes"
    );
}

#[test]
fn one_file_is_copied_too_and_a_link_as_a_link() {
    let temporary = TempDir::new().unwrap();
    let root = temporary.path();
    fs::write(root.join("file"), "content").unwrap();
    symlink("file", root.join("link")).unwrap();
    copy(&root.join("file"), root, "copy").unwrap();
    copy(&root.join("link"), root, "link2").unwrap();
    assert_eq!(fs::read(root.join("copy")).unwrap(), b"content");
    assert_eq!(
        fs::read_link(root.join("link2")).unwrap(),
        Path::new("file")
    );
}

#[test]
fn what_cannot_be_copied_is_named() {
    let temporary = TempDir::new().unwrap();
    let root = temporary.path();
    fs::write(root.join("file"), "").unwrap();
    fs::create_dir(root.join("dir")).unwrap();
    let kind = |outcome: Result<(), CopyError>| match outcome.unwrap_err() {
        CopyError::File { path, source, .. } => (path, source.kind()),
        other => panic!("{other}"),
    };
    let (path, error) = kind(copy(&root.join("missing"), root, "to"));
    assert_eq!(
        (path, error),
        (root.join("missing"), io::ErrorKind::NotFound)
    );
    for existing in ["file", "dir"] {
        let (_, error) = kind(copy(&root.join("file"), root, existing));
        assert_eq!(error, io::ErrorKind::AlreadyExists);
    }
    for name in ["", ".", "..", "a/b", "/abs"] {
        let (_, error) = kind(copy(&root.join("file"), root, name));
        assert_eq!(error, io::ErrorKind::InvalidInput, "{name:?}");
    }
    assert_eq!(fs::read_dir(root).unwrap().count(), 2, "nothing was made");
}

#[test]
fn a_dangling_or_leading_link_as_target_is_not_followed() {
    let temporary = TempDir::new().unwrap();
    let root = temporary.path();
    fs::write(root.join("file"), "").unwrap();
    symlink("elsewhere", root.join("to")).unwrap();
    assert!(copy(&root.join("file"), root, "to").is_err());
    assert!(!root.join("elsewhere").exists());
}
