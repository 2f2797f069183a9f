//! Paths inside the root file system of the image being built.
//!
//! The image is made by strangers: a symbolic link in it, `/data -> /etc`, means the image's own
//! `/etc`. So every path is resolved by the kernel with the rootfs as the root directory
//! (`RESOLVE_IN_ROOT` of openat2(2)), and what follows works on the descriptor it gave.

use std::ffi::{OsStr, OsString};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

/// How many symbolic links in a row the last component may be. Source: path_resolution(7).
const MAX_LINKS: usize = 40;

/// Mode of the directories made on the way, whatever the umask is: two users get the same image.
const PARENT_MODE: u32 = 0o755;

/// A name in a directory of the image; nothing needs to exist there yet.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) dir: OwnedFd,
    pub(super) name: OsString,
}

/// The components of `path` from the root of the image, with `.` and `..` taken out by their text.
///
/// Source: Go's `path.Join(rootfs, path)`, with `..` stopping at the root.
pub(super) fn components(path: &Path) -> Vec<OsString> {
    let mut clean = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => clean.push(name.to_owned()),
            Component::ParentDir => drop(clean.pop()),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    clean
}

/// Opens the directory `components` of the image; missing directories are made.
///
/// # Errors
///
/// What openat2(2) and mkdirat(2) give, `NOTDIR` if a file is in the way, `LOOP` or `NOENT` for a
/// symbolic link that leads nowhere in the image.
pub(super) fn open_dir_all(
    root: BorrowedFd<'_>,
    components: &[OsString],
) -> Result<OwnedFd, Errno> {
    let mut dir = open_dir(root, Path::new("."))?;
    let mut path = PathBuf::new();
    for name in components {
        path.push(name);
        dir = match open_dir(root, &path) {
            Err(Errno::NOENT) => {
                make_dir(&dir, name)?;
                open_dir(root, &path)?
            }
            opened => opened?,
        };
    }
    Ok(dir)
}

/// Where something named `components` belongs, whatever stands there; missing parents are made.
///
/// `None` stands for the root of the image, which has no name.
///
/// # Errors
///
/// As [`open_dir_all`].
pub(super) fn open_parent(
    root: BorrowedFd<'_>,
    components: &[OsString],
) -> Result<Option<Place>, Errno> {
    let Some((name, parents)) = components.split_last() else {
        return Ok(None);
    };
    Ok(Some(Place {
        dir: open_dir_all(root, parents)?,
        name: name.clone(),
    }))
}

/// Where a file written to `components` lands; missing parents are made.
///
/// A symbolic link at the last component is followed inside the image, as writing to it would.
/// `None` stands for the root of the image, which has no name.
///
/// # Errors
///
/// As [`open_dir_all`]; also `LOOP` for too many links and `EXIST` for a link to `.`, `..` or `/`.
pub(super) fn open_place(
    root: BorrowedFd<'_>,
    components: &[OsString],
) -> Result<Option<Place>, Errno> {
    let Some(mut place) = open_parent(root, components)? else {
        return Ok(None);
    };
    let mut parent: PathBuf = components[..components.len() - 1].iter().collect();
    for _ in 0..MAX_LINKS {
        if !is_symlink(&place)? {
            return Ok(Some(place));
        }
        let link = rustix::fs::readlinkat(&place.dir, &place.name, Vec::new())?;
        // `..` in it stays for the kernel to resolve: after a link it is not a matter of text. An
        // absolute link replaces the path, and the kernel takes its root to be the image's.
        let target = parent.join(OsStr::from_bytes(link.as_bytes()));
        // `file_name` overlooks what makes `x/.` and `x/` directories.
        let ends_in_name = !matches!(target.as_os_str().as_bytes(), [.., b'/'] | [.., b'/', b'.']);
        let name = target
            .file_name()
            .filter(|_| ends_in_name)
            .ok_or(Errno::EXIST)?
            .to_owned();
        parent = target.parent().unwrap_or(Path::new("")).to_owned();
        place = Place {
            dir: open_dir(root, &parent)?,
            name,
        };
    }
    Err(Errno::LOOP)
}

fn is_symlink(place: &Place) -> Result<bool, Errno> {
    match rustix::fs::statat(&place.dir, &place.name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(FileType::from_raw_mode(stat.st_mode) == FileType::Symlink),
        Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(errno),
    }
}

fn make_dir(dir: &OwnedFd, name: &OsStr) -> Result<(), Errno> {
    match rustix::fs::mkdirat(dir, name, Mode::from(PARENT_MODE)) {
        Ok(()) => {}
        // A dangling link is there.
        Err(Errno::EXIST) => return Err(Errno::NOENT),
        Err(errno) => return Err(errno),
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let made = rustix::fs::openat(dir, name, flags, Mode::empty())?;
    rustix::fs::fchmod(&made, Mode::from(PARENT_MODE))
}

fn open_dir(root: BorrowedFd<'_>, path: &Path) -> Result<OwnedFd, Errno> {
    let path = if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    // A rename elsewhere on the machine during a walk over `..` asks for another try.
    for _ in 0..100 {
        match rustix::fs::openat2(root, path, flags, Mode::empty(), resolve) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            opened => return opened,
        }
    }
    Err(Errno::AGAIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::fd::AsFd;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    struct Image {
        dir: tempfile::TempDir,
        fd: OwnedFd,
    }

    impl Image {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let fd = fs::File::open(dir.path()).unwrap().into();
            Self { dir, fd }
        }

        fn place(&self, path: &str) -> Result<Option<Place>, Errno> {
            open_place(self.fd.as_fd(), &components(Path::new(path)))
        }

        /// Where a file written to `path` lands, relative to the image.
        fn landing(&self, path: &str) -> PathBuf {
            let place = self.place(path).unwrap().unwrap();
            let found = rustix::fs::fstat(&place.dir).unwrap();
            let mut pending = vec![self.dir.path().to_owned()];
            while let Some(dir) = pending.pop() {
                let here = fs::metadata(&dir).unwrap();
                if (here.dev(), here.ino()) == (found.st_dev, found.st_ino) {
                    return dir.strip_prefix(self.dir.path()).unwrap().join(place.name);
                }
                pending.extend(fs::read_dir(&dir).unwrap().filter_map(|entry| {
                    let entry = entry.unwrap();
                    entry.file_type().unwrap().is_dir().then(|| entry.path())
                }));
            }
            panic!("{path} landed outside the image");
        }
    }

    #[test]
    fn paths_are_cleaned_by_their_text() {
        for (path, clean) in [
            ("/", ""),
            ("", ""),
            ("/a/b", "a/b"),
            ("a//b/./c/", "a/b/c"),
            ("/a/../b", "b"),
            ("../../etc/passwd", "etc/passwd"),
            ("/a/b/../../..", ""),
        ] {
            assert_eq!(
                components(Path::new(path)).iter().collect::<PathBuf>(),
                Path::new(clean)
            );
        }
    }

    #[test]
    fn parents_are_made_with_a_fixed_mode() {
        let image = Image::new();
        assert_eq!(image.landing("/usr/bin/tool"), Path::new("usr/bin/tool"));
        let mode = fs::metadata(image.dir.path().join("usr/bin"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o7777, 0o755);
    }

    #[test]
    fn links_stay_inside_the_image() {
        let image = Image::new();
        let root = image.dir.path();
        for dir in ["etc", "usr/lib", "opt/deep"] {
            fs::create_dir_all(root.join(dir)).unwrap();
        }
        for (target, link) in [
            ("/etc", "data"),
            ("../../../../../../etc", "opt/up"),
            ("usr/lib", "lib"),
            ("/opt/deep", "usr/lib/deep"),
            ("/etc/passwd", "file"),
            ("../lib/../etc/shadow", "opt/file"),
            ("file", "again"),
            ("/../../../etc/hosts", "hosts"),
        ] {
            symlink(target, root.join(link)).unwrap();
        }
        for (path, lands) in [
            ("/data/x", "etc/x"),
            ("/opt/up/x", "etc/x"),
            ("/lib/x", "usr/lib/x"),
            ("/lib/deep/new/x", "opt/deep/new/x"),
            ("/file", "etc/passwd"),
            ("/again", "etc/passwd"),
            // `lib` is a link, so its parent is `usr`, where nothing called `etc` exists.
            ("/hosts", "etc/hosts"),
        ] {
            assert_eq!(image.landing(path), Path::new(lands), "{path}");
        }
        assert_eq!(image.place("/opt/file").unwrap_err(), Errno::NOENT);
    }

    #[test]
    fn what_cannot_hold_a_file_is_an_error() {
        let image = Image::new();
        let root = image.dir.path();
        fs::write(root.join("file"), "").unwrap();
        symlink("loop", root.join("loop")).unwrap();
        symlink("nowhere", root.join("dangling")).unwrap();
        symlink("..", root.join("up")).unwrap();
        for (path, errno) in [
            ("/file/x", Errno::NOTDIR),
            ("/loop/x", Errno::LOOP),
            ("/loop", Errno::LOOP),
            ("/dangling/x", Errno::NOENT),
            ("/up", Errno::EXIST),
        ] {
            assert_eq!(image.place(path).unwrap_err(), errno, "{path}");
        }
        assert!(image.place("/").unwrap().is_none());
        assert_eq!(image.landing("/dangling"), Path::new("nowhere"));
    }
}
