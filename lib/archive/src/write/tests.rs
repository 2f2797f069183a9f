use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use gantry_testkit::archive::MANIFEST;
use gantry_testkit::needs_root;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::digest::Sha512;
use crate::extract::{ExtractOptions, Ownership, extract_aci};

mod content;

/// A tree with one of everything, as far as the user may make it.
fn sample_tree(root: &Path) {
    fs::create_dir_all(root.join("usr/bin")).unwrap();
    fs::create_dir(root.join("empty")).unwrap();
    fs::write(root.join("usr/bin/app"), vec![7; 70_000]).unwrap();
    fs::set_permissions(root.join("usr/bin/app"), PermissionsExt::from_mode(0o4751)).unwrap();
    fs::hard_link(root.join("usr/bin/app"), root.join("usr/bin/alias")).unwrap();
    symlink("usr/bin", root.join("bin")).unwrap();
    symlink("/nonexistent", root.join("dangling")).unwrap();
    let deep = root.join("d".repeat(120)).join("e".repeat(200));
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("f".repeat(150)), "long").unwrap();
    fs::write(root.join("\u{fc} and\nnewline"), "").unwrap();
    fs::write(root.join("a-b"), "x").unwrap();
    fs::create_dir(root.join("a")).unwrap();
    fs::write(root.join("a/b"), "y").unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        root.join("fifo"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
    fs::set_permissions(root.join("empty"), PermissionsExt::from_mode(0o1777)).unwrap();
    set_times(root, 1_234_567_890);
}

fn set_times(directory: &Path, seconds: i64) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if !path.is_symlink() && path.is_dir() {
            set_times(&path, seconds);
        }
    }
    let time = |tv_nsec| rustix::fs::Timespec {
        tv_sec: seconds,
        tv_nsec,
    };
    let entries = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    for path in entries.chain([directory.to_owned()]) {
        let nanoseconds = if path.ends_with("app") {
            123_456_789
        } else {
            0
        };
        let times = rustix::fs::Timestamps {
            last_access: time(0),
            last_modification: time(nanoseconds),
        };
        let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
        rustix::fs::utimensat(rustix::fs::CWD, &path, &times, flags).unwrap();
    }
}

/// What a tree is to `ls -lR`, sockets left out: path, type and mode, owner, links, size, time, target.
fn listing(root: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let mut pending = vec![root.to_owned()];
    while let Some(path) = pending.pop() {
        let metadata = fs::symlink_metadata(&path).unwrap();
        if metadata.file_type().is_socket() {
            continue;
        }
        let is_directory = metadata.is_dir();
        let content = match metadata.is_file() {
            true => Sha512::of(&fs::read(&path).unwrap())[..8].to_vec(),
            false => Vec::new(),
        };
        lines.push(format!(
            "{:?} {:o} {}:{} {} {} {}.{:09} {:?} {content:?} {:x}",
            path.strip_prefix(root).unwrap(),
            metadata.mode(),
            metadata.uid(),
            metadata.gid(),
            if is_directory { 0 } else { metadata.nlink() },
            if is_directory { 0 } else { metadata.size() },
            metadata.mtime(),
            metadata.mtime_nsec(),
            fs::read_link(&path).ok(),
            metadata.rdev(),
        ));
        if is_directory {
            pending.extend(
                fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        }
    }
    lines.sort();
    lines
}

fn write(root: &Path, options: &WriteOptions) -> (Vec<u8>, ImageId) {
    let mut bytes = Vec::new();
    let rootfs = File::open(root).unwrap();
    let id = write_aci(MANIFEST.as_bytes(), rootfs.as_fd(), &mut bytes, options).unwrap();
    (bytes, id)
}

fn plain() -> WriteOptions {
    WriteOptions {
        compression: Compression::None,
        ..WriteOptions::default()
    }
}

fn ownership() -> Ownership {
    if rustix::process::geteuid().is_root() {
        Ownership::Keep
    } else {
        Ownership::CurrentUser
    }
}

fn extract(image: &[u8], to: &Path) -> ImageId {
    let target = File::open(to).unwrap();
    let options = ExtractOptions {
        ownership: ownership(),
        ..ExtractOptions::default()
    };
    extract_aci(image, target.as_fd(), &options)
        .unwrap()
        .image_id
}

#[test]
fn what_is_written_is_extracted_again_by_us_and_by_gnu_tar() {
    let temporary = TempDir::new().unwrap();
    let root = temporary.path().join("tree");
    fs::create_dir(&root).unwrap();
    sample_tree(&root);
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::lchown(root.join("a-b"), Some(1_000_000_000), Some(2_147_483_648))
            .unwrap();
        std::os::unix::fs::lchown(root.join("bin"), Some(33), Some(33)).unwrap();
        let flags = rustix::fs::XattrFlags::empty();
        let capability = b"\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
        rustix::fs::setxattr(root.join("a/b"), "security.capability", capability, flags).unwrap();
        set_times(&root, 1_234_567_890);
    }
    let (image, id) = write(&root, &plain());
    assert_eq!(
        id.digest(),
        &Sha512::of(&image),
        "the ID is the digest of the tar"
    );

    let ours = temporary.path().join("ours");
    fs::create_dir(&ours).unwrap();
    assert_eq!(extract(&image, &ours), id);
    assert_eq!(listing(&ours.join("rootfs")), listing(&root));
    assert_eq!(
        fs::read(ours.join("manifest")).unwrap(),
        MANIFEST.as_bytes()
    );

    let theirs = temporary.path().join("theirs");
    fs::create_dir(&theirs).unwrap();
    fs::write(temporary.path().join("image.tar"), &image).unwrap();
    let status = Command::new("tar")
        .args([
            "--numeric-owner",
            "-p",
            "--xattrs",
            "--xattrs-include=*",
            "-xf",
        ])
        .arg(temporary.path().join("image.tar"))
        .arg("-C")
        .arg(&theirs)
        .status()
        .unwrap();
    assert!(status.success());
    assert_eq!(listing(&theirs.join("rootfs")), listing(&root));
    if rustix::process::geteuid().is_root() {
        for tree in [&ours, &theirs] {
            let mut value = [0; 20];
            let file = tree.join("rootfs/a/b");
            rustix::fs::getxattr(&file, "security.capability", &mut value[..])
                .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            assert_eq!(value[..4], [1, 0, 0, 2]);
        }
    }
}

#[test]
fn the_order_is_lexical_and_the_manifest_last() {
    let temporary = TempDir::new().unwrap();
    sample_tree(temporary.path());
    let (image, _) = write(temporary.path(), &plain());
    let mut reader = crate::tar::Reader::new(image.as_slice(), &crate::limits::Limits::default());
    let mut names = Vec::new();
    while let Some(entry) = reader.next_entry().unwrap() {
        names.push(String::from_utf8_lossy(&entry.path).into_owned());
    }
    assert_eq!(
        names[..4],
        ["rootfs", "rootfs/a", "rootfs/a/b", "rootfs/a-b"]
    );
    assert_eq!(names.last().unwrap(), "manifest");
    assert!(!names.iter().any(|name| name.ends_with("socket")));
}

#[test]
fn two_copies_of_a_tree_give_the_same_bytes_under_an_epoch() {
    let temporary = TempDir::new().unwrap();
    let roots = ["one", "two"].map(|name| temporary.path().join(name));
    for (root, time) in roots.iter().zip([1_600_000_000, 1_700_000_000]) {
        fs::create_dir(root).unwrap();
        sample_tree(root);
        set_times(root, time);
    }
    for compression in [
        Compression::None,
        Compression::Gzip,
        Compression::Xz,
        Compression::Zstd,
    ] {
        let options = WriteOptions {
            compression,
            owner: Owner::Root,
            source_date_epoch: Some(1_500_000_000),
            exact_times: false,
            threads: 2,
        };
        assert!(
            write(&roots[0], &options) == write(&roots[1], &options),
            "{compression:?}"
        );
        let uncompressed = WriteOptions {
            compression: Compression::None,
            ..options.clone()
        };
        assert_eq!(
            write(&roots[0], &options).1,
            write(&roots[0], &uncompressed).1
        );
        let alone = WriteOptions {
            threads: 1,
            ..options.clone()
        };
        assert!(write(&roots[0], &alone) == write(&roots[0], &options));
        let mut bytes = Vec::new();
        let rootfs = File::open(&roots[0]).unwrap();
        write_aci_without_id(MANIFEST.as_bytes(), rootfs.as_fd(), &mut bytes, &options).unwrap();
        assert!(bytes == write(&roots[0], &options).0);
    }
    assert_eq!(write(&roots[0], &plain()), write(&roots[0], &plain()));
}

#[test]
fn owners_are_mapped_as_asked() {
    let temporary = TempDir::new().unwrap();
    fs::write(temporary.path().join("file"), "").unwrap();
    let (uid, gid) = {
        let metadata = fs::metadata(temporary.path().join("file")).unwrap();
        (metadata.uid(), metadata.gid())
    };
    let owners = |owner| {
        let (image, _) = write(temporary.path(), &WriteOptions { owner, ..plain() });
        let limits = crate::limits::Limits::default();
        let mut reader = crate::tar::Reader::new(image.as_slice(), &limits);
        reader.next_entry().unwrap();
        let entry = reader.next_entry().unwrap().unwrap();
        (entry.uid, entry.gid)
    };
    assert_eq!(owners(Owner::Keep), (uid, gid));
    assert_eq!(owners(Owner::Root), (0, 0));
    assert_eq!(owners(Owner::MapUserToRoot { uid, gid }), (0, 0));
    assert_eq!(owners(Owner::MapUserToRoot { uid: uid + 1, gid }), (uid, 0));
}

#[test]
fn devices_are_written_by_their_numbers() {
    if !needs_root() {
        return;
    }
    let temporary = TempDir::new().unwrap();
    let root = temporary.path().join("tree");
    fs::create_dir(&root).unwrap();
    for (name, kind, major, minor) in [
        ("null", rustix::fs::FileType::CharacterDevice, 1, 3),
        ("big", rustix::fs::FileType::BlockDevice, 259, 70_000),
    ] {
        let device = rustix::fs::makedev(major, minor);
        let mode = rustix::fs::Mode::from_raw_mode(0o640);
        rustix::fs::mknodat(rustix::fs::CWD, root.join(name), kind, mode, device).unwrap();
    }
    let (image, _) = write(&root, &plain());
    let target = temporary.path().join("target");
    fs::create_dir(&target).unwrap();
    extract(&image, &target);
    assert_eq!(listing(&target.join("rootfs")), listing(&root));
}

/// What one file of a random tree is.
#[derive(Debug, Clone)]
struct Node {
    path: Vec<u8>,
    kind: u8,
    mode: u32,
    owner: u32,
    size: usize,
    time: (i64, i64),
}

prop_compose! {
    fn any_node()(
        parts in prop::collection::vec("[a-b\u{fc} \n*.-]{0,3}[c-d]|[e-f]{90,110}", 1..4),
        kind in 0_u8..5,
        mode in 0_u32..0o10000,
        owner in prop_oneof![Just(0_u32), 0_u32..(u32::MAX - 1)],
        size in prop_oneof![Just(0_usize), 1_usize..2000],
        seconds in -100_i64..(1 << 34),
        nanoseconds in prop_oneof![Just(0_i64), 0_i64..1_000_000_000],
    ) -> Node {
        let path = parts.join("/").into_bytes();
        Node { path, kind, mode, owner, size, time: (seconds, nanoseconds) }
    }
}

/// Makes what can be made of the nodes; collisions are left out.
fn make(root: &Path, nodes: &[Node]) {
    let privileged = rustix::process::geteuid().is_root();
    let mut made: Vec<(std::path::PathBuf, &Node)> = Vec::new();
    for node in nodes {
        let path = root.join(std::ffi::OsStr::from_bytes(&node.path));
        let parent = path.parent().unwrap_or(root);
        if path.symlink_metadata().is_ok() || fs::create_dir_all(parent).is_err() {
            continue;
        }
        let done = match (node.kind, made.iter().find(|(_, node)| node.kind < 2)) {
            (0, Some((first, _))) => {
                fs::hard_link(first, &path).unwrap();
                continue;
            }
            (0 | 1, _) => fs::write(&path, vec![b'x'; node.size]).is_ok(),
            (2, _) => fs::create_dir(&path).is_ok(),
            (3, _) => symlink("x".repeat(1 + node.size % 300), &path).is_ok(),
            _ => {
                let fifo = rustix::fs::FileType::Fifo;
                let mode = rustix::fs::Mode::RWXU;
                rustix::fs::mknodat(rustix::fs::CWD, &path, fifo, mode, 0).is_ok()
            }
        };
        assert!(done, "{node:?}");
        made.push((path, node));
    }
    // The deepest first, so that directories lose their permissions and get their times last.
    made.sort_by(|(a, _), (b, _)| b.cmp(a));
    for (path, node) in &made {
        if privileged {
            std::os::unix::fs::lchown(path, Some(node.owner), Some(node.owner / 2)).unwrap();
        }
        if node.kind != 3 {
            // Without root a tree that its owner cannot read cannot be written.
            let mode = if privileged {
                node.mode
            } else {
                node.mode | 0o700
            };
            fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        }
        let time = |(tv_sec, tv_nsec)| rustix::fs::Timespec { tv_sec, tv_nsec };
        let times = rustix::fs::Timestamps {
            last_access: time((0, 0)),
            last_modification: time(node.time),
        };
        let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
        rustix::fs::utimensat(rustix::fs::CWD, path, &times, flags).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_tree_survives_us_and_gnu_tar(nodes in prop::collection::vec(any_node(), 0..20)) {
        let temporary = TempDir::new().unwrap();
        let [root, ours, theirs] = ["root", "ours", "theirs"].map(|name| {
            let path = temporary.path().join(name);
            fs::create_dir(&path).unwrap();
            path
        });
        make(&root, &nodes);
        let (image, id) = write(&root, &plain());
        prop_assert_eq!(extract(&image, &ours), id);
        prop_assert_eq!(listing(&ours.join("rootfs")), listing(&root));
        crate::aci::validate(image.as_slice()).unwrap();

        let file = temporary.path().join("image.tar");
        fs::write(&file, &image).unwrap();
        let tar = Command::new("tar")
            .args(["--numeric-owner", "-p", "-C"])
            .arg(&theirs)
            .arg("-xf")
            .arg(&file)
            .output()
            .unwrap();
        prop_assert!(tar.status.success(), "{}", String::from_utf8_lossy(&tar.stderr));
        prop_assert_eq!(listing(&theirs.join("rootfs")), listing(&root));
    }
}
