//! Users of a pod's own: ranges of IDs that no other pod and no user of the host has.
//!
//! A pod reserves its range by a symbolic link in the data directory, `private-users/FIRST -> UUID`, which
//! only one can make. So two pods never share a range, however many are prepared at once, and no pod has
//! to be looked at. The range itself is in the pod's directory, in `private-users-prepared`. A link goes
//! with its pod; one that was left by a crash goes with the next collection.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::{Path, PathBuf};

use gantry_sys::user_namespace::{IdKind, IdMapping, own_ids};
use gantry_types::{Diagnostic, Kind, UserRange, Uuid, pod_layout};
use rustix::fs::AtFlags;
use rustix::io::Errno;

use crate::file;
use crate::pod::Pod;
use crate::pods_dir::PodsDir;

/// The directory of reservations, in the data directory.
const RESERVATIONS: &str = "private-users";

/// How many IDs a pod gets, and what the first of them is a multiple of. Source: rkt 1.30, pkg/user.
const COUNT: u32 = 0x1_0000;
/// The ranges there are: the number of the first ID divided by [`COUNT`]. Source: as above.
const RANGES: std::ops::RangeInclusive<u32> = 1..=0x7ffe;

/// Largest file of accounts that is read, in bytes.
const MAX_ACCOUNTS: u64 = 64 * 1024 * 1024;

/// A pod cannot have users of its own.
#[derive(Debug, thiserror::Error)]
pub enum UsersError {
    /// Each range is another pod's or holds users of the host.
    #[error("no range of {COUNT} user IDs is free")]
    NoneFree,
    /// A step failed.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Diagnostic for UsersError {
    fn kind(&self) -> Kind {
        Kind::Environment
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoneFree => Some(
                "remove pods with \"rkt gc\"; in a container, give it more IDs than its own"
                    .to_owned(),
            ),
            Self::Io { .. } => None,
        }
    }
}

impl PodsDir {
    /// Reserves a range for `pod`, which must be locked by us, and notes it in its directory.
    ///
    /// `etc` is the directory with the host's files of accounts.
    pub(crate) fn reserve_users(&self, pod: &Pod, etc: &Path) -> Result<UserRange, UsersError> {
        let taken = taken_ids(etc)?;
        let path = self.data_path().join(RESERVATIONS);
        let failed = |action| {
            let path = path.clone();
            move |source| UsersError::Io {
                action,
                path,
                source,
            }
        };
        let own = own_ids(IdKind::User)
            .and_then(|users| Ok((users, own_ids(IdKind::Group)?)))
            .map_err(failed("find the IDs for"))?;
        file::ensure_dir(self.data_dir(), Path::new(RESERVATIONS), 0o700)
            .map_err(failed("make"))?;
        let dir = file::open_dir(self.data_dir(), RESERVATIONS).map_err(failed("open"))?;
        let uuid = pod.uuid();
        for range in candidates(uuid) {
            let has = |ids: &[IdMapping]| ids.iter().any(|ids| covers(*ids, range));
            if !has(&own.0) || !has(&own.1) || taken.iter().any(|other| other.overlaps(range)) {
                continue;
            }
            match rustix::fs::symlinkat(uuid.to_string(), &dir, range.first().to_string()) {
                Ok(()) => {}
                Err(Errno::EXIST) => continue,
                Err(error) => return Err(failed("write to")(error.into())),
            }
            let note = Path::new(pod_layout::PRIVATE_USERS_PREPARED);
            return file::create(pod.as_fd(), note, 0o640, range.to_string().as_bytes())
                .map(|()| range)
                .map_err(|source| UsersError::Io {
                    action: "write",
                    path: pod.path().join(note),
                    source,
                });
        }
        Err(UsersError::NoneFree)
    }

    /// Removes reservations whose pod is gone, and returns what could not be looked at or removed.
    pub(crate) fn sweep_users(&self) -> io::Result<()> {
        let dir = match file::open_dir(self.data_dir(), RESERVATIONS) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        for name in file::names(&dir)? {
            // Made after its pod: who has none now will have none later.
            let Some(uuid) = owner(dir.as_fd(), &name)? else {
                continue;
            };
            if self.get(uuid)?.is_none() {
                remove(dir.as_fd(), &name)?;
            }
        }
        Ok(())
    }
}

impl Pod {
    /// The range of IDs of the pod; `None` if it has the host's users.
    ///
    /// [`UserRange::to_pod`] tells what the pod calls the owner of a file that it wrote.
    ///
    /// # Errors
    ///
    /// If the file cannot be read; `InvalidData` if it holds no range.
    pub fn users(&self) -> io::Result<Option<UserRange>> {
        let Some(text) = self.read(pod_layout::PRIVATE_USERS_PREPARED)? else {
            return Ok(None);
        };
        let text = String::from_utf8_lossy(&text);
        let range = text.trim().parse();
        range
            .map(Some)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// The pod's reservation, to be given back once the pod is gone.
    pub(crate) fn reservation(&self) -> Option<Reservation> {
        // A file that cannot be read must not keep the pod from being removed; the sweep finds the rest.
        let range = self.users().ok().flatten()?;
        let dir = file::open_dir(self.data_dir(), RESERVATIONS).ok()?;
        Some(Reservation {
            dir,
            name: std::ffi::CString::new(range.first().to_string()).ok()?,
            uuid: self.uuid(),
        })
    }
}

/// A range that a pod has, or had.
#[derive(Debug)]
pub(crate) struct Reservation {
    dir: std::os::fd::OwnedFd,
    name: std::ffi::CString,
    uuid: Uuid,
}

impl Reservation {
    /// Gives the range back, if it is the pod's.
    pub(crate) fn give_back(self) {
        if owner(self.dir.as_fd(), &self.name).ok().flatten() == Some(self.uuid) {
            let _ = remove(self.dir.as_fd(), &self.name);
        }
    }
}

/// Whose a reservation is; `None` if it is gone, or nothing that we made.
fn owner(dir: BorrowedFd<'_>, name: &std::ffi::CStr) -> io::Result<Option<Uuid>> {
    match rustix::fs::readlinkat(dir, name, Vec::new()) {
        Ok(target) => Ok(target.to_str().ok().and_then(|text| text.parse().ok())),
        Err(Errno::NOENT | Errno::INVAL) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

fn remove(dir: BorrowedFd<'_>, name: &std::ffi::CStr) -> io::Result<()> {
    match rustix::fs::unlinkat(dir, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(e) => Err(e.into()),
    }
}

/// All ranges, in an order that begins where the pod's UUID says: most pods get the first they try.
fn candidates(uuid: Uuid) -> impl Iterator<Item = UserRange> {
    let bytes = uuid.as_bytes();
    let start = u32::from_be_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]);
    let number = RANGES.end() - RANGES.start() + 1;
    (0..number)
        .map(move |step| RANGES.start() + (start % number + step) % number)
        .filter_map(|range| UserRange::new(range * COUNT, COUNT).ok())
}

/// Whether this process may give all IDs of `range` away.
fn covers(ids: IdMapping, range: UserRange) -> bool {
    let (first, end) = (
        u64::from(ids.inside),
        u64::from(ids.inside) + u64::from(ids.count),
    );
    let (wanted, count) = (u64::from(range.first()), u64::from(range.count()));
    first <= wanted && wanted + count <= end
}

/// The IDs that are users or groups of the host, or given to users by `subuid` and `subgid`.
fn taken_ids(etc: &Path) -> Result<Vec<UserRange>, UsersError> {
    let mut taken = Vec::new();
    for (file, reader) in [
        ("passwd", account as fn(&str) -> Option<UserRange>),
        ("group", account),
        ("subuid", subordinate),
        ("subgid", subordinate),
    ] {
        let path = etc.join(file);
        let text = read_accounts(&path).map_err(|source| UsersError::Io {
            action: "read",
            path,
            source,
        })?;
        taken.extend(text.lines().filter_map(reader));
    }
    // Nobody, and those that other tools give away one by one, lie below the first range.
    taken.retain(|range| u64::from(range.first()) + u64::from(range.count()) > u64::from(COUNT));
    Ok(taken)
}

fn read_accounts(path: &Path) -> io::Result<String> {
    use io::Read as _;
    let mut text = Vec::new();
    match std::fs::File::open(path) {
        Ok(file) => file.take(MAX_ACCOUNTS).read_to_end(&mut text)?,
        Err(e) if e.kind() == io::ErrorKind::NotFound => 0,
        Err(e) => return Err(e),
    };
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The ID of a line of passwd(5) or group(5), whose third field it is in both.
fn account(line: &str) -> Option<UserRange> {
    let id = line.split(':').nth(2)?.trim().parse().ok()?;
    UserRange::new(id, 1).ok()
}

/// The IDs of a line of subuid(5): name, first, count.
pub(crate) fn subordinate(line: &str) -> Option<UserRange> {
    let mut fields = line
        .split(':')
        .skip(1)
        .map(|field| field.trim().parse::<u32>().ok());
    let (first, count) = (fields.next()??, fields.next()??);
    UserRange::new(first, count.min(u32::MAX - first)).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;
    use crate::phase::Phase;
    use crate::sample::{Sample, gc_options, uuid};

    fn reservations(sample: &Sample) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(sample.data().join(RESERVATIONS))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn all_ids_here() -> bool {
        let all = gantry_sys::user_namespace::has_all_ids().unwrap();
        if !all {
            eprintln!("SKIP: this user namespace has no IDs to give away");
        }
        all
    }

    #[test]
    fn a_range_avoids_users_groups_and_what_users_were_given() {
        let etc = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(etc.path().join(name), text).unwrap();
        write(
            "passwd",
            "root:x:0:0::/:\nldap:x:200000:5::/:\nbad line\nx:x:y:z\n",
        );
        write("group", "big:x:131072:\n");
        write(
            "subuid",
            "alice:262144:65536\n1000:393215:2\nhuge:4294000000:4294967295\n",
        );
        let taken = taken_ids(etc.path()).unwrap();
        let text: Vec<String> = taken.iter().map(ToString::to_string).collect();
        assert_eq!(
            text,
            [
                "200000:1",
                "131072:1",
                "262144:65536",
                "393215:2",
                "4294000000:967295"
            ]
        );
        // An unreadable one is an error: a collision would go unnoticed.
        fs::create_dir(etc.path().join("subgid")).unwrap();
        assert!(matches!(taken_ids(etc.path()), Err(UsersError::Io { .. })));
    }

    #[test]
    fn each_range_comes_once_and_all_are_rkts() {
        let all: Vec<_> = candidates(uuid(7)).collect();
        let firsts: BTreeSet<_> = all.iter().map(|range| range.first()).collect();
        assert_eq!((all.len(), firsts.len()), (0x7ffe, 0x7ffe));
        assert!(
            all.iter()
                .all(|range| range.count() == 0x10000 && range.first() % 0x10000 == 0)
        );
        assert_eq!(firsts.first(), Some(&0x10000));
        assert_eq!(firsts.last(), Some(&0x7ffe_0000));
    }

    #[test]
    fn a_reservation_lives_as_long_as_its_pod() {
        if !all_ids_here() {
            return;
        }
        let sample = Sample::new();
        let stage1 = sample.stage1();
        let etc = tempfile::tempdir().unwrap();
        let mut ranges = BTreeSet::new();
        for n in 1..=3 {
            let mut pod = sample.pods.create(uuid(n)).unwrap();
            let range = sample.pods.reserve_users(&pod, etc.path()).unwrap();
            assert_eq!(pod.users().unwrap(), Some(range));
            let noted = fs::read_to_string(pod.path().join("private-users-prepared")).unwrap();
            assert_eq!(noted, format!("{}:65536", range.first()));
            ranges.insert(range.first());
            pod.move_to(Phase::Prepared).unwrap();
        }
        assert_eq!(ranges.len(), 3);
        assert_eq!(reservations(&sample).len(), 3);
        let options = gc_options(&stage1);
        let pod = sample.pods.get(uuid(1)).unwrap().unwrap();
        pod.remove(&options.remove).unwrap();
        assert_eq!(reservations(&sample).len(), 2);
        // One whose pod vanished, one that a stranger left.
        let links = sample.data().join(RESERVATIONS);
        std::os::unix::fs::symlink(uuid(9).to_string(), links.join("131072")).unwrap();
        fs::write(links.join("note"), "").unwrap();
        sample.pods.gc(&options, |_| {}).unwrap();
        let left = reservations(&sample);
        assert_eq!(left.len(), 3, "{left:?}");
        assert!(left.contains(&"note".to_owned()) && !left.contains(&"131072".to_owned()));
    }

    #[test]
    fn ranges_that_others_hold_are_passed_over_until_none_is_left() {
        if !all_ids_here() {
            return;
        }
        let sample = Sample::new();
        let etc = tempfile::tempdir().unwrap();
        let pod = sample.pods.create(uuid(1)).unwrap();
        let first = candidates(uuid(1)).next().unwrap();
        let links = sample.data().join(RESERVATIONS);
        fs::create_dir(&links).unwrap();
        std::os::unix::fs::symlink(uuid(2).to_string(), links.join(first.first().to_string()))
            .unwrap();
        let range = sample.pods.reserve_users(&pod, etc.path()).unwrap();
        assert_eq!(range, candidates(uuid(1)).nth(1).unwrap());
        fs::write(etc.path().join("subgid"), "everything:65536:4294901759\n").unwrap();
        let pod = sample.pods.create(uuid(3)).unwrap();
        let error = sample.pods.reserve_users(&pod, etc.path()).unwrap_err();
        assert!(matches!(error, UsersError::NoneFree), "{error}");
    }
}
