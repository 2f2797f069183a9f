//! Opening paths that strangers chose, beneath a directory and without following any symbolic link.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::{Errno, Result};
use rustix::path::Arg;

/// How often a look-up is repeated that raced with a rename or a mount, before the race is an error.
///
/// The kernel answers `EAGAIN` when it cannot tell whether a racing rename led it out of the directory.
const RACE_ATTEMPTS: u32 = 128;

/// Opens `path` beneath `directory`; no component may be a symbolic link, magic link or lead upward.
///
/// `path` is relative; `""` and `"."` stand for `directory` itself. `O_CLOEXEC` is always set. Mount
/// points may be crossed. On a kernel without openat2(2) the path is walked component by component.
///
/// # Errors
///
/// `ELOOP` (or `ENOTDIR`, if a directory was asked for) at a symbolic link, `EXDEV` for an absolute path
/// or one that climbs out by `..`, `ENOENT`, `ENOTDIR` and the others of open(2). Source: openat2(2).
pub fn open_beneath(
    directory: impl AsFd,
    path: impl Arg,
    flags: OFlags,
    mode: Mode,
) -> Result<OwnedFd> {
    let directory = directory.as_fd();
    path.into_with_c_str(|path| {
        let path = if path.is_empty() { c"." } else { path };
        let flags = flags | OFlags::CLOEXEC;
        let resolve =
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        for _ in 0..RACE_ATTEMPTS {
            match rustix::fs::openat2(directory, path, flags, mode, resolve) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                // A seccomp filter of an outer container may answer EPERM for a call it does not know,
                // but so may the file system; only the certain case is handled by walking.
                Err(Errno::NOSYS) => return walk_beneath(directory, path.to_bytes(), flags, mode),
                answer => return answer,
            }
        }
        Err(Errno::AGAIN)
    })
}

/// Does what [`open_beneath`] does with one openat(2) per component.
fn walk_beneath(
    directory: BorrowedFd<'_>,
    path: &[u8],
    flags: OFlags,
    mode: Mode,
) -> Result<OwnedFd> {
    if path.starts_with(b"/") {
        return Err(Errno::XDEV);
    }
    let components: Vec<&[u8]> = path
        .split(|byte| *byte == b'/')
        .filter(|part| !matches!(*part, b"" | b"."))
        .collect();
    if components.contains(&b"..".as_slice()) {
        return Err(Errno::XDEV);
    }
    let Some((last, parents)) = components.split_last() else {
        return rustix::fs::openat(directory, ".", flags, mode);
    };
    let step = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut current: Option<OwnedFd> = None;
    for parent in parents {
        let base = current.as_ref().map_or(directory, AsFd::as_fd);
        current = Some(rustix::fs::openat(base, *parent, step, Mode::empty())?);
    }
    let base = current.as_ref().map_or(directory, AsFd::as_fd);
    rustix::fs::openat(base, *last, flags | OFlags::NOFOLLOW, mode)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    /// A directory of its own under the system's temporary directory, removed at the end.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("gantry-{name}-{}", std::process::id()));
            std::fs::create_dir_all(path.join("root/dir/sub")).unwrap();
            std::fs::write(path.join("root/dir/file"), "inside").unwrap();
            std::fs::write(path.join("outside"), "outside").unwrap();
            symlink("../outside", path.join("root/escape")).unwrap();
            symlink("dir", path.join("root/link")).unwrap();
            Self(path)
        }

        fn root(&self) -> OwnedFd {
            let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
            rustix::fs::open(self.0.join("root"), flags, Mode::empty()).unwrap()
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    const CASES: [(&str, Option<Errno>); 13] = [
        ("", None),
        (".", None),
        ("dir", None),
        ("dir/file", None),
        ("./dir//sub/", None),
        ("missing", Some(Errno::NOENT)),
        ("escape", Some(Errno::LOOP)),
        ("link", Some(Errno::LOOP)),
        ("link/file", Some(Errno::LOOP)),
        ("../outside", Some(Errno::XDEV)),
        ("/etc/passwd", Some(Errno::XDEV)),
        ("dir/../../outside", Some(Errno::XDEV)),
        ("dir/file/below", Some(Errno::NOTDIR)),
    ];

    #[test]
    fn nothing_outside_and_nothing_behind_a_link_is_opened() {
        let scratch = Scratch::new("openat2");
        for (path, expected) in CASES {
            let opened = open_beneath(
                scratch.root(),
                path,
                OFlags::RDONLY | OFlags::NOFOLLOW,
                Mode::empty(),
            );
            assert_eq!(opened.err(), expected, "{path:?}");
        }
    }

    #[test]
    fn walking_by_components_is_as_strict() {
        let scratch = Scratch::new("walk");
        let root = scratch.root();
        for (path, expected) in CASES {
            let flags = OFlags::RDONLY | OFlags::CLOEXEC;
            let opened = walk_beneath(root.as_fd(), path.as_bytes(), flags, Mode::empty());
            // A link in the middle is "not a directory" here: still refused, under another name.
            let expected = if path == "link/file" {
                Some(Errno::NOTDIR)
            } else {
                expected
            };
            assert_eq!(opened.err(), expected, "{path:?}");
        }
    }
}
