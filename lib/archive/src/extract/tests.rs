//! What becomes of honest archives, of damaged ones and of any; [`hostile`] has those that attack.

mod hostile;
mod rootfs;

use std::fs::{self, File};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use gantry_testkit::archive::{ArchiveBuilder, MANIFEST, RawHeader};
use gantry_testkit::needs_root;
use gantry_testkit::tree::Tree;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::digest::Sha512;

/// A directory to extract to, beside files that nothing may touch.
struct Place {
    temporary: TempDir,
    before: Tree,
}

impl Place {
    fn new() -> Self {
        let temporary = TempDir::new().unwrap();
        let top = temporary.path();
        fs::create_dir(top.join("target")).unwrap();
        fs::write(top.join("victim"), "untouched").unwrap();
        let etc = top.join("outside/etc");
        fs::create_dir_all(&etc).unwrap();
        fs::write(top.join("outside/victim"), "untouched").unwrap();
        fs::write(etc.join("shadow"), "root:*:").unwrap();
        fs::set_permissions(etc.join("shadow"), PermissionsExt::from_mode(0o600)).unwrap();
        fs::hard_link(etc.join("shadow"), etc.join("shadow-")).unwrap();
        symlink("shadow", etc.join("link")).unwrap();
        fs::create_dir(etc.join("tmp")).unwrap();
        fs::set_permissions(etc.join("tmp"), PermissionsExt::from_mode(0o1777)).unwrap();
        let fifo = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, etc.join("fifo"), fifo, Mode::RUSR, 0).unwrap();
        let before = Self::surroundings(top);
        Self { temporary, before }
    }

    /// The same place with an empty target.
    fn cleared(self) -> Self {
        let Self { temporary, .. } = self;
        let top = File::open(temporary.path()).unwrap();
        assert!(gantry_sys::remove_tree::remove_tree(top.as_fd(), c"target").is_empty());
        fs::create_dir(temporary.path().join("target")).unwrap();
        let before = Self::surroundings(temporary.path());
        Self { temporary, before }
    }

    fn target(&self) -> std::path::PathBuf {
        self.temporary.path().join("target")
    }

    /// An absolute path that no archive may get to.
    fn outside(&self) -> std::path::PathBuf {
        self.temporary.path().join("outside")
    }

    fn extract(&self, archive: &[u8], options: &ExtractOptions) -> Result<Extracted, ExtractError> {
        self.watched(|target| extract_aci(archive, target, options))
    }

    fn extract_rootfs(&self, archive: ArchiveBuilder) -> Result<(), ExtractError> {
        self.watched(|target| extract_rootfs(archive.finish().as_slice(), target, &options()))
    }

    /// Everything beside the target, and of the target itself what its own entries do not change.
    fn surroundings(top: &Path) -> Tree {
        Tree::exact(top, &[Path::new("target")]).map(|path, facts| {
            if path == Path::new("target") {
                facts.mtime = (0, 0);
                facts.identity = None;
            }
        })
    }

    fn watched<T>(&self, extract: impl FnOnce(BorrowedFd<'_>) -> T) -> T {
        let host = fs::metadata("/etc/passwd").unwrap();
        let target = File::open(self.target()).unwrap();
        let outcome = extract(target.as_fd());
        Self::surroundings(self.temporary.path()).expect(&self.before, "what lies outside");
        for name in fs::read_dir(self.target()).unwrap() {
            let name = name.unwrap().file_name();
            assert!(name == "manifest" || name == "rootfs", "{name:?} was made");
        }
        let host_after = fs::metadata("/etc/passwd").unwrap();
        assert_eq!(
            (host.ctime(), host.ctime_nsec(), host.nlink()),
            (
                host_after.ctime(),
                host_after.ctime_nsec(),
                host_after.nlink()
            )
        );
        outcome
    }
}

fn options() -> ExtractOptions {
    let ownership = match rustix::process::geteuid().is_root() {
        true => Ownership::Keep,
        false => Ownership::CurrentUser,
    };
    ExtractOptions {
        ownership,
        threads: 3,
        ..ExtractOptions::default()
    }
}

fn header(type_flag: u8, name: &[u8]) -> RawHeader {
    RawHeader::new(type_flag, name, 0)
}

#[test]
fn limits_on_entries_totals_and_waiting_memory_hold() {
    let many = (0..100).fold(ArchiveBuilder::aci(), |archive, i| {
        archive.directory(&format!("rootfs/{i}"))
    });
    let cases = [
        (
            Limits {
                max_entries: 50,
                ..Limits::default()
            },
            "more than 50 entries",
        ),
        (
            Limits {
                max_deferred: 5000,
                ..Limits::default()
            },
            "too many directories",
        ),
        (
            Limits {
                max_output: 20_000,
                ..Limits::default()
            },
            "cannot read the archive",
        ),
    ];
    for (limits, expected) in cases {
        let options = ExtractOptions {
            limits,
            ..options()
        };
        let error = Place::new()
            .extract(&many.clone().finish(), &options)
            .unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn a_compression_bomb_stops_at_the_limit() {
    let mut bomb = Vec::new();
    let mut encoder =
        crate::compress::Encoder::new(&mut bomb, crate::compress::Compression::Gzip).unwrap();
    encoder
        .write_all(&ArchiveBuilder::aci().unfinished())
        .unwrap();
    let size = 64_u64 << 20;
    let head = ArchiveBuilder::new().entry(&RawHeader::new(b'0', b"rootfs/zeros", size), b"");
    encoder.write_all(&head.unfinished()).unwrap();
    for _ in 0..64 {
        encoder.write_all(&vec![0; 1 << 20]).unwrap();
    }
    encoder.finish().unwrap();
    let limits = Limits {
        max_ratio: 100,
        ratio_floor: 1 << 20,
        ..Limits::default()
    };
    let place = Place::new();
    let error = place
        .extract(
            &bomb,
            &ExtractOptions {
                limits,
                ..options()
            },
        )
        .unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "data expands more than 100 times on decompression");
    assert_eq!(error.kind(), Kind::Refused);
    assert!(
        fs::metadata(place.target().join("rootfs/zeros"))
            .unwrap()
            .len()
            < 8 << 20
    );
}

#[test]
fn an_archive_cut_anywhere_is_refused() {
    let archive = ArchiveBuilder::aci()
        .file("rootfs/f", vec![b'a'; 1500])
        .hard_link("rootfs/h", "rootfs/f")
        .finish();
    for length in (0..archive.len() - 1024)
        .step_by(512)
        .chain([100, 700, 1100])
    {
        let outcome = Place::new().extract(&archive[..length], &options());
        assert!(outcome.is_err(), "cut at {length}");
    }
}

#[test]
fn a_wrong_checksum_and_garbage_between_entries_are_refused() {
    let header = RawHeader::new(b'0', b"rootfs/f", 0)
        .field(148, b"0000000\0")
        .keep_checksum();
    for archive in [
        ArchiveBuilder::aci().entry(&header, b"").finish(),
        ArchiveBuilder::aci()
            .raw(&[0; 512])
            .file("rootfs/f", "")
            .finish(),
    ] {
        let error = Place::new().extract(&archive, &options()).unwrap_err();
        assert!(
            error.to_string().contains("no valid header at byte"),
            "{error}"
        );
    }
}

#[test]
fn what_follows_the_end_marker_counts_for_the_id_only() {
    let archive = ArchiveBuilder::aci().finish();
    let tail = ArchiveBuilder::new().file("rootfs/ghost", "x").finish();
    let archive = [archive, tail].concat();
    let place = Place::new();
    let extracted = place.extract(&archive, &options()).unwrap();
    assert_eq!(extracted.image_id.digest(), &Sha512::of(&archive));
    assert!(!place.target().join("rootfs/ghost").exists());
    assert_eq!(
        (extracted.entries, extracted.bytes),
        (2, MANIFEST.len() as u64)
    );
}

#[test]
fn an_honest_archive_comes_out_as_it_says() {
    let archive = ArchiveBuilder::new()
        .directory("./")
        .hard_link("rootfs/early/again", "rootfs/early/link")
        .hard_link("rootfs/early/link", "./rootfs/file")
        .entry(&RawHeader::new(b'5', b"rootfs/", 0).mode(0o750), b"")
        .pax([("mtime", "-1.25"), ("SCHILY.xattr.user.key", "value")])
        .entry(
            &RawHeader::new(b'0', b"./rootfs/file", 3).mode(0o4755),
            b"abc",
        )
        .symlink("rootfs/link", "../../outside")
        .hard_link("rootfs/linked-link", "rootfs/link")
        .gnu_long(b'L', &[b"rootfs/".as_slice(), &[b'n'; 200]].concat())
        .file("x", "long")
        .entry(&RawHeader::new(b'5', b"rootfs/closed", 0).mode(0o500), b"")
        .file("rootfs/closed/inside", "x")
        .file("manifest", MANIFEST)
        .finish();
    let place = Place::new();
    let extracted = place.extract(&archive, &options()).unwrap();
    assert_eq!(extracted.manifest, MANIFEST.as_bytes());
    assert_eq!(extracted.image_id.digest(), &Sha512::of(&archive));
    let root = place.target().join("rootfs");
    assert_eq!(fs::metadata(&root).unwrap().mode() & 0o7777, 0o750);
    let file = fs::metadata(root.join("file")).unwrap();
    assert_eq!(
        (file.mode() & 0o7777, file.nlink(), file.len()),
        (0o4755, 3, 3)
    );
    assert_eq!((file.mtime(), file.mtime_nsec()), (-2, 750_000_000));
    assert_eq!(
        fs::metadata(root.join("early/again")).unwrap().ino(),
        file.ino()
    );
    let mut value = [0; 5];
    rustix::fs::getxattr(root.join("file"), "user.key", &mut value[..]).unwrap();
    assert_eq!(&value, b"value");
    assert_eq!(
        fs::read_link(root.join("linked-link")).unwrap(),
        Path::new("../../outside")
    );
    assert_eq!(fs::read(root.join("n".repeat(200))).unwrap(), b"long");
    let closed = fs::metadata(root.join("closed")).unwrap();
    assert_eq!((closed.mode() & 0o777, closed.mtime()), (0o500, 1));
    assert_eq!(
        fs::metadata(root.join("early")).unwrap().mode() & 0o777,
        0o755
    );
}

#[test]
fn every_sparse_format_of_gnu_tar_is_read() {
    let source = TempDir::new().unwrap();
    fs::create_dir(source.path().join("rootfs")).unwrap();
    fs::write(source.path().join("manifest"), MANIFEST).unwrap();
    let sparse = File::create(source.path().join("rootfs/sparse")).unwrap();
    for index in 0..30_u64 {
        sparse
            .write_all_at(&[b'a' + index as u8; 100], index << 20)
            .unwrap();
    }
    sparse.set_len(40 << 20).unwrap();
    let expected = Sha512::of(&fs::read(source.path().join("rootfs/sparse")).unwrap());
    let formats: [&[&str]; 4] = [
        &["--format=gnu"],
        &["--format=posix", "--sparse-version=0.0"],
        &["--format=posix", "--sparse-version=0.1"],
        &["--format=posix", "--sparse-version=1.0"],
    ];
    for format in formats {
        let output = Command::new("tar")
            .args(format)
            .args(["-S", "-c", "-f", "-", "manifest", "rootfs"])
            .current_dir(source.path())
            .output()
            .unwrap();
        assert!(
            output.stdout.len() < 1 << 20,
            "{format:?}: holes are not stored"
        );
        let place = Place::new();
        place
            .extract(&output.stdout, &options())
            .map_err(|e| format!("{format:?}: {e}"))
            .unwrap();
        let file = place.target().join("rootfs/sparse");
        assert!(
            Sha512::of(&fs::read(&file).unwrap()) == expected,
            "{format:?}"
        );
        assert!(
            fs::metadata(&file).unwrap().blocks() < 2048,
            "{format:?}: holes stay holes"
        );
    }
}

#[test]
fn without_root_owners_are_ignored_and_devices_refused() {
    let options = ExtractOptions {
        ownership: Ownership::CurrentUser,
        ..ExtractOptions::default()
    };
    let archive = ArchiveBuilder::aci()
        .pax([
            ("SCHILY.xattr.security.capability", "x"),
            ("SCHILY.xattr.trusted.key", "x"),
        ])
        .entry(
            &RawHeader::new(b'0', b"rootfs/f", 0).owner(12345, 54321),
            b"",
        )
        .fifo("rootfs/fifo");
    let place = Place::new();
    place.extract(&archive.clone().finish(), &options).unwrap();
    let file = fs::metadata(place.target().join("rootfs/f")).unwrap();
    assert_eq!(file.uid(), rustix::process::geteuid().as_raw());

    let with_device = archive.char_device("rootfs/null", 1, 3).finish();
    let error = Place::new().extract(&with_device, &options).unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"archive entry "rootfs/null" is refused: devices cannot be created without root"#
    );
    assert_eq!(error.kind(), Kind::Environment);
    assert!(error.hint().is_some());
}

#[test]
fn with_root_owners_and_devices_are_kept() {
    if !needs_root() {
        return;
    }
    let archive = ArchiveBuilder::aci()
        .entry(
            &RawHeader::new(b'0', b"rootfs/f", 0)
                .owner(12345, 54321)
                .mode(0o6755),
            b"",
        )
        .char_device("rootfs/null", 1, 3)
        .finish();
    let place = Place::new();
    place.extract(&archive, &options()).unwrap();
    let file = fs::metadata(place.target().join("rootfs/f")).unwrap();
    assert_eq!(
        (file.uid(), file.gid(), file.mode() & 0o7777),
        (12345, 54321, 0o6755)
    );
    let device = fs::metadata(place.target().join("rootfs/null")).unwrap();
    assert_eq!(device.rdev(), rustix::fs::makedev(1, 3));
}

#[test]
fn a_target_that_holds_a_root_already_is_refused() {
    let place = Place::new();
    symlink("..", place.target().join("rootfs")).unwrap();
    let error = place
        .extract(&ArchiveBuilder::aci().finish(), &options())
        .unwrap_err();
    assert_eq!(error.to_string(), r#"cannot create "rootfs""#);
}

#[test]
fn attributes_of_the_machine_that_made_the_archive_stay_there() {
    if !needs_root() {
        return;
    }
    let place = Place::new();
    let archive = ArchiveBuilder::aci()
        .pax([(
            "SCHILY.xattr.security.selinux",
            "system_u:object_r:init_exec_t:s0\0",
        )])
        .file("rootfs/a", "");
    place.extract(&archive.finish(), &options()).unwrap();
    let file = File::open(place.target().join("rootfs/a")).unwrap();
    let label = gantry_sys::xattr::get(
        gantry_sys::xattr::XattrTarget::Open(file.as_fd()),
        c"security.selinux",
    );
    assert_ne!(
        label.unwrap_or_default(),
        b"system_u:object_r:init_exec_t:s0\0"
    );
}

#[derive(Debug, Clone)]
enum Op {
    File(String),
    Directory(String),
    Symlink(String, String),
    HardLink(String, String),
}

fn any_path() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("a"),
        Just("b"),
        Just(".."),
        Just("."),
        Just(""),
        Just("c")
    ];
    let start = prop_oneof![4 => Just("rootfs/"), 1 => Just(""), 1 => Just("/")];
    (start, prop::collection::vec(part, 0..4))
        .prop_map(|(start, parts)| start.to_owned() + &parts.join("/"))
}

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        any_path().prop_map(Op::File),
        any_path().prop_map(Op::Directory),
        (any_path(), any_path()).prop_map(|(path, target)| Op::Symlink(path, target)),
        (any_path(), any_path()).prop_map(|(path, target)| Op::HardLink(path, target)),
    ]
}

proptest! {
    /// Whatever entries an archive has, in whatever order: nothing outside the target changes.
    #[test]
    fn nothing_leaves_the_target(ops in prop::collection::vec(any_op(), 0..12)) {
        let archive = ops.iter().fold(ArchiveBuilder::aci(), |archive, op| match op {
            Op::File(path) => archive.file(path, "x"),
            Op::Directory(path) => archive.directory(path),
            Op::Symlink(path, target) => archive.symlink(path, target),
            Op::HardLink(path, target) => archive.hard_link(path, target),
        });
        let _ = Place::new().extract(&archive.finish(), &options());
    }
}
