//! A tree with one of everything that a format can hold.

use std::fs::{self, File};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Timespec, Timestamps, XattrFlags};

/// What a format, or a program that writes it, can hold. Everything else is left out of the tree.
#[derive(Debug, Clone, Copy)]
pub struct Holds {
    /// Names of any length; otherwise 100 bytes, or 255 if they can be divided.
    pub long_names: bool,
    /// Names beyond ASCII, and such that are no UTF-8.
    pub any_bytes: bool,
    /// Numbers of owners beyond 2097151.
    pub big_owners: bool,
    /// Times before 1970.
    pub before_1970: bool,
    /// Halves of seconds.
    pub fractions: bool,
    /// Fractions of seconds before 1970: bsdtar counts them the wrong way.
    pub fractions_before_1970: bool,
    /// Nanoseconds.
    pub nanoseconds: bool,
    /// Extended attributes, access control lists among them.
    pub xattrs: bool,
    /// Names of attributes with `=` and `%`, which bsdtar writes in its own way and reads in none.
    pub odd_xattrs: bool,
    /// Hard links to symbolic links: Python follows them.
    pub linked_links: bool,
    /// Holes, so that files may be larger than the disk.
    pub holes: bool,
}

impl Holds {
    pub const ALL: Self = Self {
        long_names: true,
        any_bytes: true,
        big_owners: true,
        before_1970: true,
        fractions: true,
        fractions_before_1970: true,
        nanoseconds: true,
        xattrs: true,
        odd_xattrs: true,
        linked_links: true,
        holes: true,
    };
    pub const USTAR: Self = Self {
        long_names: false,
        any_bytes: true,
        big_owners: false,
        before_1970: false,
        fractions: false,
        fractions_before_1970: false,
        nanoseconds: false,
        xattrs: false,
        odd_xattrs: false,
        linked_links: true,
        holes: false,
    };
}

/// `cap_net_raw+ep`. Source: linux/capability.h, `struct vfs_cap_data`, revision 2.
const CAPABILITY: &[u8] = b"\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// Makes the tree in the empty directory `root`.
pub fn make(root: &Path, holds: Holds) {
    let path = |name: &str| root.join(name);
    fs::create_dir_all(path("usr/bin")).unwrap();
    fs::create_dir(path("empty")).unwrap();
    fs::write(path("usr/bin/app"), vec![7; 70_000]).unwrap();
    fs::write(path("nothing"), "").unwrap();
    fs::write(path("one block"), [b'x'; 512]).unwrap();
    // Three names of one file: the archive has them in another order than they were made in.
    fs::hard_link(path("usr/bin/app"), path("zz-link")).unwrap();
    fs::hard_link(path("usr/bin/app"), path("a-link")).unwrap();
    symlink("usr/bin", path("bin")).unwrap();
    symlink("/nowhere/at/all", path("dangling")).unwrap();
    if holds.linked_links {
        fs::hard_link(path("dangling"), path("linked link")).unwrap();
    }
    let name: &[u8] = match holds.any_bytes {
        true => b"\xfc\xff\n\t \\ name",
        false => b"\n\t \\ name",
    };
    fs::write(root.join(std::ffi::OsStr::from_bytes(name)), "odd").unwrap();
    for (name, kind, device) in [
        ("fifo", FileType::Fifo, 0),
        ("char", FileType::CharacterDevice, rustix::fs::makedev(5, 1)),
        (
            "block",
            FileType::BlockDevice,
            rustix::fs::makedev(259, 70_000),
        ),
    ] {
        rustix::fs::mknodat(CWD, path(name), kind, Mode::from_raw_mode(0o640), device).unwrap();
    }
    long_names(root, holds);
    sparse_files(root, holds);
    owners_and_modes(root, holds);
    if holds.xattrs {
        attributes(root, holds);
    }
    times(root, holds);
}

fn long_names(root: &Path, holds: Holds) {
    // What a ustar header holds: 155 bytes, a slash, 100 bytes.
    let divided = root.join("p".repeat(70)).join("q".repeat(70));
    fs::create_dir_all(&divided).unwrap();
    fs::write(divided.join("n".repeat(95)), "divided").unwrap();
    symlink("t".repeat(100), root.join("longest plain link")).unwrap();
    if !holds.long_names {
        return;
    }
    fs::write(root.join("n".repeat(255)), "long").unwrap();
    for length in [101, 255, 256, 1000, 3000] {
        let target = vec![b't'; length];
        symlink(
            std::ffi::OsStr::from_bytes(&target),
            root.join(format!("link {length}")),
        )
        .unwrap();
    }
    // Deeper than any absolute path may be long.
    let mut directory: OwnedFd = File::open(root).unwrap().into();
    let mut length = "rootfs".len();
    while length < 3900 {
        let name = "d".repeat(250.min(3950 - length));
        rustix::fs::mkdirat(&directory, name.as_str(), Mode::from_raw_mode(0o755)).unwrap();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        directory = rustix::fs::openat(&directory, name.as_str(), flags, Mode::empty()).unwrap();
        length += 1 + name.len();
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::CLOEXEC;
    for name in ["f", "g"] {
        let file = rustix::fs::openat(directory.as_fd(), name, flags, Mode::from_raw_mode(0o644));
        rustix::io::write(file.unwrap(), b"deep").unwrap();
    }
    rustix::fs::linkat(&directory, "f", &directory, "h", AtFlags::empty()).unwrap();
}

fn sparse_files(root: &Path, holds: Holds) {
    let sparse = |name: &str, size: u64, parts: &[(u64, usize)]| {
        let file = File::create(root.join(name)).unwrap();
        for (offset, length) in parts {
            file.write_all_at(&vec![b's'; *length], *offset).unwrap();
        }
        file.set_len(size).unwrap();
    };
    let many: Vec<_> = (0..40).map(|index| (index << 18, 4096)).collect();
    if holds.holes {
        // Twenty gibibytes by their header.
        sparse(
            "hole of 20 GiB",
            20 << 30,
            &[(0, 10), (9 << 30, 5000), ((20 << 30) - 3, 3)],
        );
        sparse("only a hole", 10 << 30, &[]);
        sparse("many holes", 16 << 20, &many);
    }
    sparse("hole at the start", 1 << 20, &[((1 << 20) - 4096, 4096)]);
    sparse(
        "hole in the middle",
        1 << 20,
        &[(0, 4096), (700_000, 77_777)],
    );
    sparse("hole at the end", (1 << 20) + 1, &[(0, 12_345)]);
    sparse("small hole", 100_000, &[]);
}

fn owners_and_modes(root: &Path, holds: Holds) {
    let own = |name: &str, user, group| {
        std::os::unix::fs::lchown(root.join(name), Some(user), Some(group)).unwrap();
    };
    // bsdtar leaves out files of higher numbers when it writes ustar, and ends as if nothing was.
    own("nothing", 262_143, 262_143);
    own("bin", 33, 34);
    own("fifo", 1, 2);
    own("char", 0, 5);
    if holds.big_owners {
        own("small hole", 2_097_151, 2_097_151);
        own("one block", 2_097_152, 4_294_967_294);
        own("empty", 1_000_000_000, 2_147_483_648);
    }
    for (name, mode) in [
        ("usr/bin/app", 0o4751),
        ("empty", 0o1777),
        ("usr", 0o2775),
        ("nothing", 0),
        ("one block", 0o6777),
        ("fifo", 0o622),
        ("", 0o711),
    ] {
        fs::set_permissions(root.join(name), PermissionsExt::from_mode(mode)).unwrap();
    }
}

fn attributes(root: &Path, holds: Holds) {
    let set = |name: &str, attribute: &str, value: &[u8]| {
        let path = root.join(name);
        rustix::fs::lsetxattr(path, attribute, value, XattrFlags::empty()).unwrap();
    };
    set("usr/bin/app", "security.capability", CAPABILITY);
    set("usr/bin/app", "user.empty", b"");
    if holds.odd_xattrs {
        set("nothing", "user.\u{fc} =%25%3D", b"x");
    }
    set("nothing", "user.plain", b"a=b\nc\0d\xff");
    set("nothing", "trusted.note", &[b'v'; 1500]);
    set("usr", "user.on.a.directory", b"x");
    set("bin", "trusted.on.a.link", b"x");
    set("char", "trusted.on.a.device", b"x");
    // Mode and list have to agree: the mask is the group's part of the mode.
    let list = |entries: &[(u16, u16, u32)]| {
        let mut value = vec![2, 0, 0, 0];
        for (tag, permissions, id) in entries {
            value.extend_from_slice(&tag.to_le_bytes());
            value.extend_from_slice(&permissions.to_le_bytes());
            value.extend_from_slice(&id.to_le_bytes());
        }
        value
    };
    let nobody = u32::MAX;
    let access = list(&[
        (0x01, 6, nobody),
        (0x02, 7, 1),
        (0x02, 5, 4242),
        (0x04, 4, nobody),
        (0x08, 4, 12_345),
        (0x10, 7, nobody),
        (0x20, 4, nobody),
    ]);
    let default = list(&[
        (0x01, 7, nobody),
        (0x02, 7, 4242),
        (0x04, 5, nobody),
        (0x10, 5, nobody),
        (0x20, 0, nobody),
    ]);
    let plain_default = list(&[(0x01, 7, nobody), (0x04, 5, nobody), (0x20, 0, nobody)]);
    set("hole at the start", "system.posix_acl_access", &access);
    set("usr", "system.posix_acl_access", &access);
    set("usr", "system.posix_acl_default", &default);
    set("empty", "system.posix_acl_default", &plain_default);
}

/// Every entry at the top gets a time of its own, those beneath the same.
fn times(root: &Path, holds: Holds) {
    let top = File::open(root).unwrap();
    let mut second = 1_500_000_000;
    set_times(top.as_fd(), &mut second);
    let set = |name: &str, seconds, nanoseconds| {
        set_time(top.as_fd(), name.as_bytes(), seconds, nanoseconds);
    };
    if holds.fractions {
        set("nothing", 1_234_567_890, 500_000_000);
    }
    if holds.nanoseconds {
        set("one block", 1_234_567_890, 123_456_789);
        set("bin", 1, 1);
        // The last second of 2446, which is what ext4 can keep.
        set("char", 15_032_385_535, 999_999_999);
    }
    if holds.before_1970 {
        set("fifo", -86_400, 0);
    }
    if holds.fractions_before_1970 {
        set("empty", -2, 500_000_000);
    }
    set(".", 1_000_000_000, 0);
}

fn set_time(parent: BorrowedFd<'_>, name: &[u8], seconds: i64, nanoseconds: i64) {
    let time = |tv_sec, tv_nsec| Timespec { tv_sec, tv_nsec };
    let times = Timestamps {
        last_access: time(1_600_000_000, 0),
        last_modification: time(seconds, nanoseconds),
    };
    rustix::fs::utimensat(parent, name, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

fn set_times(directory: BorrowedFd<'_>, second: &mut i64) {
    let mut names: Vec<_> = Dir::read_from(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_owned())
        .filter(|name| !matches!(name.to_bytes(), b"." | b".."))
        .collect();
    names.sort();
    for name in names {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        if let Ok(below) = rustix::fs::openat(directory, &name, flags, Mode::empty()) {
            set_times(below.as_fd(), second);
        }
        *second += 1;
        set_time(directory, name.to_bytes(), *second, 0);
    }
}
