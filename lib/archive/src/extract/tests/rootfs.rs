//! Plain archives of a root file system.

use super::*;

#[test]
fn a_plain_archive_becomes_the_root() {
    let place = Place::new();
    let archive = ArchiveBuilder::new()
        .hard_link("early", "./bin/tool")
        .directory("./bin/")
        .file("./bin/tool", "tool")
        .hard_link("late", "bin/tool")
        .symlink("etc", "/victim")
        .file("rootfs/file", "nothing special")
        .file("manifest", "nothing special");
    place.extract_rootfs(archive).unwrap();
    let root = place.target().join("rootfs");
    assert_eq!(fs::metadata(&root).unwrap().mode() & 0o7777, 0o755);
    for name in ["bin/tool", "early", "late"] {
        assert_eq!(fs::read(root.join(name)).unwrap(), b"tool", "{name}");
    }
    assert_eq!(
        fs::read_link(root.join("etc")).unwrap(),
        Path::new("/victim")
    );
    assert!(root.join("rootfs/file").exists() && root.join("manifest").exists());
    assert_eq!(fs::read_dir(place.target()).unwrap().count(), 1);

    let place = Place::new();
    let top = header(b'5', b"./").mode(0o711);
    let archive = ArchiveBuilder::new().entry(&top, b"").file("a", "");
    place.extract_rootfs(archive).unwrap();
    let mode = fs::metadata(place.target().join("rootfs")).unwrap().mode();
    assert_eq!(mode & 0o7777, 0o711);
}

#[test]
fn a_plain_archive_is_held_to_the_same_rules() {
    let new = ArchiveBuilder::new;
    for (archive, message) in [
        (new().file("../victim", "x"), "contains \"..\""),
        (new().file("/victim", "x"), "is absolute"),
        (new().file("a", "").file("./a", ""), "the same name"),
        (
            new().symlink("up", "..").file("up/victim", "x"),
            "symbolic link",
        ),
        (new().entry(&header(b'0', b"."), b""), "name is empty"),
        (new().hard_link("a", "../victim"), "not beneath the root"),
        (new().hard_link("a", "/victim"), "not beneath the root"),
        (new().hard_link("a", "."), "is a directory"),
        (
            new().hard_link("a", "b"),
            "hard link to \"b\", which is not in the archive",
        ),
    ] {
        let place = Place::new();
        let error = place.extract_rootfs(archive).unwrap_err();
        assert_eq!(error.kind(), Kind::Refused, "{error}");
        assert!(error.to_string().contains(message), "{error}");
    }
}
