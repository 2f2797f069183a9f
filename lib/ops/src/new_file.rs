//! A file that gets its name when it is complete.

use std::fs::{File, Metadata, Permissions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{AtFlags, CWD, FlockOperation, Mode, OFlags, flock};
use tempfile::NamedTempFile;

/// How often, a millisecond each, we wait for others that write the same file.
const TRIES: u32 = 100;

/// Permissions of what is written, less the user's umask.
const MODE: u32 = 0o644;

/// Why a file cannot be made, or be given its name.
#[derive(Debug)]
pub(crate) enum NewFileError {
    /// Something has the name, and nobody said that it may be replaced.
    Exists,
    /// What has the name is a device, a FIFO or a socket, which a file must not replace.
    NotAFile,
    /// The system refuses.
    Failed(io::Error),
}

impl From<io::Error> for NewFileError {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

/// Where a file will be.
#[derive(Debug)]
pub(crate) struct Place {
    file: PathBuf,
    directory: PathBuf,
    overwrite: bool,
}

impl Place {
    /// Looks at what has the name now. A symbolic link stays, and the file it leads to is the one that will
    /// be replaced, or made.
    pub(crate) fn new(file: &Path, overwrite: bool) -> Result<Self, NewFileError> {
        if !overwrite && std::fs::symlink_metadata(file).is_ok() {
            return Err(NewFileError::Exists);
        }
        let file = match std::fs::metadata(file) {
            Ok(found) if found.is_dir() => {
                return Err(io::Error::from(io::ErrorKind::IsADirectory).into());
            }
            Ok(found) if !found.is_file() => return Err(NewFileError::NotAFile),
            Ok(_) => std::fs::canonicalize(file)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => end_of_links(file),
            Err(error) => return Err(error.into()),
        };
        let directory = match file.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        Ok(Self {
            file,
            directory,
            overwrite,
        })
    }

    /// The directory that the file will be in.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Makes the file, without a name where the file system can do that: then nothing is left of a
    /// program that is killed. Elsewhere it has a name that begins with `prefix`.
    pub(crate) fn create(self, prefix: &str) -> io::Result<NewFile> {
        let content = match nameless(&self.directory) {
            Some(file) => Content::Nameless(file),
            None => Content::Named(named(&self.directory, prefix, |path| {
                let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
                let file = rustix::fs::open(path, flags, Mode::from_raw_mode(MODE))?;
                Ok(File::from(file))
            })?),
        };
        Ok(NewFile {
            place: self,
            prefix: prefix.to_owned(),
            content,
        })
    }
}

/// A file that goes away unless it is published.
#[derive(Debug)]
pub(crate) struct NewFile {
    place: Place,
    prefix: String,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Nameless(File),
    Named(NamedTempFile),
}

impl NewFile {
    /// The file to write to.
    pub(crate) fn file(&self) -> &File {
        match &self.content {
            Content::Nameless(file) => file,
            Content::Named(named) => named.as_file(),
        }
    }

    /// Lets the file have the permissions of the one that it replaces, but no set-user-ID bits.
    pub(crate) fn keep_permissions(&self, replaced: &Metadata) -> io::Result<()> {
        let mode = replaced.permissions().mode() & 0o777;
        self.file().set_permissions(Permissions::from_mode(mode))
    }

    /// Brings the file to stable storage and gives it its name, in one step.
    pub(crate) fn publish(self) -> Result<(), NewFileError> {
        self.file().sync_all()?;
        let Place {
            file: path,
            directory,
            overwrite,
        } = self.place;
        match (self.content, overwrite) {
            (Content::Nameless(file), false) => link(&file, &path).map_err(name_error)?,
            (Content::Nameless(file), true) => replace(&file, &directory, &self.prefix, &path)?,
            (Content::Named(named), false) => {
                let persisted = named.persist_noclobber(&path);
                persisted.map_err(|error| name_error(error.error))?;
            }
            (Content::Named(named), true) => {
                named.persist(&path).map_err(|error| error.error)?;
            }
        }
        Ok(File::open(directory)?.sync_all()?)
    }
}

/// Where symbolic links lead from `file`, which is to a name that nothing has.
fn end_of_links(file: &Path) -> PathBuf {
    let mut end = file.to_owned();
    // No more than the kernel follows, should somebody make a circle of them meanwhile.
    for _ in 0..40 {
        let Ok(to) = std::fs::read_link(&end) else {
            break;
        };
        end = match end.parent() {
            Some(parent) => parent.join(to),
            None => to,
        };
    }
    end
}

fn name_error(error: io::Error) -> NewFileError {
    match error.kind() {
        io::ErrorKind::AlreadyExists => NewFileError::Exists,
        _ => NewFileError::Failed(error),
    }
}

/// A file without a name that can be given one: the kernel, the file system and /proc have to allow it.
fn nameless(directory: &Path) -> Option<File> {
    let flags = OFlags::WRONLY | OFlags::TMPFILE | OFlags::CLOEXEC;
    let file: OwnedFd = rustix::fs::open(directory, flags, Mode::from_raw_mode(MODE)).ok()?;
    let file = File::from(file);
    std::fs::metadata(own_path(&file)).ok().map(|_| file)
}

/// The file of this process's descriptor as a path. Source: open(2), `O_TMPFILE`.
fn own_path(file: &File) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

fn link(file: &File, path: &Path) -> io::Result<()> {
    let flags = AtFlags::SYMLINK_FOLLOW;
    Ok(rustix::fs::linkat(CWD, own_path(file), CWD, path, flags)?)
}

/// Puts a file without a name in the place of `path`.
///
/// Only a name can replace a name, so for a moment the file has another one: the same every time that this `path`
/// is written to, and its writer holds a lock on it. What a killed program leaves of it, nobody locks, and the next
/// one takes it away.
fn replace(file: &File, directory: &Path, prefix: &str, path: &Path) -> io::Result<()> {
    let mut hasher = DefaultHasher::new();
    path.file_name().hash(&mut hasher);
    let hidden = directory.join(format!("{prefix}{:016x}", hasher.finish()));
    flock(file, FlockOperation::LockExclusive)?;
    for _ in 0..TRIES {
        match link(file, &hidden) {
            Ok(()) => {
                let renamed = std::fs::rename(&hidden, path);
                if renamed.is_err() {
                    let _ = std::fs::remove_file(&hidden);
                }
                return renamed;
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        // Somebody writes the same file and is about to rename it, or was killed then.
        if is_left(&hidden) {
            let _ = std::fs::remove_file(&hidden);
        } else {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    let named = named(directory, prefix, |path| link(file, path))?;
    named.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Whether `path` is a file that nobody locks.
fn is_left(path: &Path) -> bool {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let Ok(file) = rustix::fs::open(path, flags, Mode::empty()).map(File::from) else {
        return false;
    };
    let identity = |meta: Metadata| (meta.is_file(), meta.dev(), meta.ino());
    let locked = flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok();
    // It may have got its real name between our opening it and having its lock.
    let named = std::fs::symlink_metadata(path).map(identity).ok();
    locked && named.is_some() && file.metadata().map(identity).ok() == named
}

/// Makes something under a name that nothing else has, which goes away with it.
fn named<T>(
    directory: &Path,
    prefix: &str,
    make: impl FnMut(&Path) -> io::Result<T>,
) -> io::Result<NamedTempFile<T>> {
    tempfile::Builder::new()
        .prefix(prefix)
        .make_in(directory, make)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    /// With a name or without, as the file system has it.
    const BOTH: [fn(&Path, bool) -> NewFile; 2] = [
        |path, overwrite| Place::new(path, overwrite).unwrap().create(".x-").unwrap(),
        |path, overwrite| NewFile {
            content: Content::Named(
                named(path.parent().unwrap(), ".x-", |path| File::create_new(path)).unwrap(),
            ),
            place: Place::new(path, overwrite).unwrap(),
            prefix: ".x-".to_owned(),
        },
    ];

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_name_that_came_meanwhile_is_kept_unless_it_may_be_replaced() {
        let work = tempfile::tempdir().unwrap();
        let path = work.path().join("file");
        for overwrite in [false, true] {
            for make in BOTH {
                let new = make(&path, overwrite);
                new.file().write_all(b"new").unwrap();
                fs::write(&path, "other").unwrap();
                let published = new.publish();
                assert_eq!(published.is_ok(), overwrite, "{published:?}");
                let expected = if overwrite { "new" } else { "other" };
                assert_eq!(fs::read_to_string(&path).unwrap(), expected);
                fs::remove_file(&path).unwrap();
                assert!(names(work.path()).is_empty());
            }
        }
    }

    #[test]
    fn links_lead_to_the_file_that_is_replaced_or_made() {
        let work = tempfile::tempdir().unwrap();
        let path = |name: &str| work.path().join(name);
        fs::create_dir(path("sub")).unwrap();
        for (name, to) in [
            ("a", "sub/b"),
            ("sub/b", "../file"),
            ("circle", "circle"),
            ("lost", "nowhere/x"),
        ] {
            symlink(to, path(name)).unwrap();
        }
        for content in ["made", "replaced"] {
            let exists = Place::new(&path("a"), false);
            assert!(matches!(exists, Err(NewFileError::Exists)), "{exists:?}");
            let new = Place::new(&path("a"), true).unwrap();
            let new = new.create(".x-").unwrap();
            new.file().write_all(content.as_bytes()).unwrap();
            new.publish().unwrap();
            assert!(path("a").is_symlink() && path("sub/b").is_symlink());
            assert!(!path("file").is_symlink());
            assert_eq!(fs::read_to_string(path("file")).unwrap(), content);
        }
        let circle = Place::new(&path("circle"), true);
        assert!(matches!(circle, Err(NewFileError::Failed(_))), "{circle:?}");
        let lost = Place::new(&path("lost"), true).unwrap().create(".x-");
        assert_eq!(lost.unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(path("circle").is_symlink() && path("lost").is_symlink());
    }

    #[test]
    fn what_is_not_published_goes_away() {
        let work = tempfile::tempdir().unwrap();
        let path = work.path().join("file");
        for make in BOTH {
            let new = make(&path, false);
            new.file().write_all(b"new").unwrap();
            drop(new);
            assert!(names(work.path()).is_empty());
        }
        for make in BOTH {
            let new = make(&path, false);
            new.publish().unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o133, 0);
            assert_eq!(names(work.path()), ["file"]);
            fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn what_a_killed_program_left_of_a_replacement_goes_with_the_next_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let write = |text: &str| {
            let new = Place::new(&path, true).unwrap().create(".x-").unwrap();
            new.file().write_all(text.as_bytes()).unwrap();
            new.publish().unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        };
        write("one");
        let Some(nameless) = nameless(dir.path()) else {
            return;
        };
        let mut hasher = DefaultHasher::new();
        path.file_name().hash(&mut hasher);
        let left = dir.path().join(format!(".x-{:016x}", hasher.finish()));
        link(&nameless, &left).unwrap();
        drop(nameless);
        write("two");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let new = Place::new(&path, true).unwrap().create(".x-").unwrap();
                        new.file().write_all(b"three").unwrap();
                        new.publish().unwrap();
                    }
                });
            }
        });
        write("four");
    }
}
