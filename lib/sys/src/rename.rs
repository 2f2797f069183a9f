//! Renaming that replaces nothing, or changes places, on file systems that know how and on those that do not.
//!
//! Local file systems know the flags of renameat2(2). Network file systems and FUSE often know none of them, and an
//! overlay cannot exchange what lies in a lower layer. What they answer then differs from one to the other.

use std::io;
use std::os::fd::BorrowedFd;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, RenameFlags, renameat_with, statat};
use rustix::io::Errno;

/// A name in a directory; a path from the root wherever that is.
pub type At<'a> = (BorrowedFd<'a>, &'a Path);

/// Renames `from` to `to` unless something has that name; false if something has.
///
/// # Errors
///
/// As for [`rename_new_at`].
pub fn rename_new(from: &Path, to: &Path) -> io::Result<bool> {
    rename_new_at((CWD, from), (CWD, to))
}

/// The same beneath directories.
///
/// Without help of the file system the name is looked at first, so that somebody who takes it in the same moment
/// may lose a file, or an empty directory, to us.
///
/// # Errors
///
/// Those of rename(2).
pub fn rename_new_at(from: At<'_>, to: At<'_>) -> io::Result<bool> {
    rename_new_by(&with_flags, from, to)
}

/// Lets `a` and `b` change places; false if this file system cannot do that, and nothing changed.
///
/// # Errors
///
/// Those of renameat2(2), such as `NotFound` if one of them is missing.
pub fn exchange(a: &Path, b: &Path) -> io::Result<bool> {
    match with_flags((CWD, a), (CWD, b), RenameFlags::EXCHANGE) {
        Ok(()) => Ok(true),
        Err(error) if is_unknown(error) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn with_flags(from: At<'_>, to: At<'_>, flags: RenameFlags) -> rustix::io::Result<()> {
    renameat_with(from.0, from.1, to.0, to.1, flags)
}

fn is_unknown(error: Errno) -> bool {
    matches!(error, Errno::INVAL | Errno::XDEV | Errno::NOSYS)
}

type Rename<'a> = dyn Fn(At<'_>, At<'_>, RenameFlags) -> rustix::io::Result<()> + 'a;

fn rename_new_by(rename: &Rename<'_>, from: At<'_>, to: At<'_>) -> io::Result<bool> {
    match rename(from, to, RenameFlags::NOREPLACE) {
        Ok(()) => return Ok(true),
        Err(Errno::EXIST) => return Ok(false),
        Err(error) if is_unknown(error) => {}
        Err(error) => return Err(error.into()),
    }
    match statat(to.0, to.1, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(_) => return Ok(false),
        Err(Errno::NOENT) => {}
        Err(error) => return Err(error.into()),
    }
    match rename(from, to, RenameFlags::empty()) {
        Ok(()) => Ok(true),
        // A directory that is not empty took the name meanwhile.
        Err(Errno::EXIST | Errno::NOTEMPTY) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    fn without_flags(from: At<'_>, to: At<'_>, flags: RenameFlags) -> rustix::io::Result<()> {
        match flags.is_empty() {
            true => with_flags(from, to, flags),
            false => Err(Errno::INVAL),
        }
    }

    fn scratch(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("gantry-rename-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        dir
    }

    #[test]
    fn nothing_is_replaced_whatever_the_file_system_knows() {
        let ways: [(&str, &Rename<'_>); 2] = [("flags", &with_flags), ("plain", &without_flags)];
        for (name, way) in ways {
            let dir = scratch(name);
            let path = |name: &str| dir.join(name);
            let rename =
                |from: &str, to: &str| rename_new_by(way, (CWD, &path(from)), (CWD, &path(to)));
            fs::write(path("a"), "a").unwrap();
            fs::write(path("b"), "b").unwrap();
            assert!(!rename("a", "b").unwrap());
            std::os::unix::fs::symlink("nowhere", path("link")).unwrap();
            assert!(
                !rename("a", "link").unwrap(),
                "a link to nothing has the name too"
            );
            assert!(rename("a", "c").unwrap());
            assert_eq!(fs::read_to_string(path("b")).unwrap(), "b");
            assert_eq!(fs::read_to_string(path("c")).unwrap(), "a");
            let missing = rename("a", "d").unwrap_err();
            assert_eq!(missing.kind(), io::ErrorKind::NotFound, "{name}");
            fs::create_dir(path("empty")).unwrap();
            fs::create_dir(path("other")).unwrap();
            assert!(!rename("other", "empty").unwrap());
            fs::remove_dir_all(dir).unwrap();
        }
    }

    #[test]
    fn a_directory_that_appears_in_between_stays() {
        let dir = scratch("between");
        fs::create_dir_all(dir.join("from")).unwrap();
        let late = |from: At<'_>, to: At<'_>, flags: RenameFlags| {
            if flags.is_empty() {
                fs::create_dir_all(to.1.join("content")).unwrap();
            }
            without_flags(from, to, flags)
        };
        let (from, to) = (dir.join("from"), dir.join("to"));
        assert!(!rename_new_by(&late, (CWD, &from), (CWD, &to)).unwrap());
        assert!(from.is_dir() && to.join("content").is_dir());
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn things_of_any_kind_change_places() {
        let dir = scratch("exchange");
        let (a, b) = (dir.join("a"), dir.join("b"));
        fs::write(&a, "a").unwrap();
        assert_eq!(
            exchange(&a, &b).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
        fs::create_dir(&b).unwrap();
        if exchange(&a, &b).unwrap() {
            assert!(a.is_dir() && b.is_file());
        } else {
            assert!(a.is_file() && b.is_dir());
        }
        fs::remove_dir_all(dir).unwrap();
    }
}
