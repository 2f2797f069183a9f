//! The `pods/` directory: creating, finding and enumerating pods.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gantry_types::{Diagnostic, Kind, Uuid};
use rustix::fs::{AtFlags, FlockOperation, Gid, Mode};

use crate::file;
use crate::phase::Phase;
use crate::pod::Pod;

/// Mode of the phase directories and of pod directories: readable for the group `rkt` alone, which also gets what
/// is made in them.
const DIR_MODE: u32 = 0o2750;

/// How often a pod that is renamed while we look at it is looked for again.
const MAX_RACES: usize = 64;

/// The six phase directories, shared by all pods opened through them.
#[derive(Debug)]
pub(crate) struct PhaseDirs {
    pub(crate) path: PathBuf,
    data_dir: OwnedFd,
    dirs: [Option<OwnedFd>; 6],
}

impl PhaseDirs {
    /// The directory of a phase; an error where it could not be made.
    pub(crate) fn get(&self, phase: Phase) -> io::Result<BorrowedFd<'_>> {
        self.existing(phase)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The descriptor of the data directory.
    pub(crate) fn data_dir(&self) -> BorrowedFd<'_> {
        self.data_dir.as_fd()
    }

    fn existing(&self, phase: Phase) -> Option<BorrowedFd<'_>> {
        self.dirs[phase as usize].as_ref().map(OwnedFd::as_fd)
    }
}

/// All pods of a data directory.
#[derive(Debug, Clone)]
pub struct PodsDir {
    dirs: Arc<PhaseDirs>,
}

/// The directories for pods cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot open {}", path.display())]
pub struct OpenError {
    /// The directory.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

impl Diagnostic for OpenError {
    fn kind(&self) -> Kind {
        Kind::Environment
    }

    fn hint(&self) -> Option<String> {
        (self.source.kind() == io::ErrorKind::PermissionDenied)
            .then(|| "become root, or choose another data directory with --dir".to_owned())
    }
}

/// A new pod cannot be created.
#[derive(Debug, thiserror::Error)]
#[error("cannot create pod \"{uuid}\" in {}", pods.display())]
pub struct CreateError {
    /// The UUID it would have had.
    pub uuid: Uuid,
    /// The `pods` directory.
    pub pods: PathBuf,
    /// Why.
    pub source: io::Error,
}

impl Diagnostic for CreateError {
    fn kind(&self) -> Kind {
        Kind::Environment
    }

    fn hint(&self) -> Option<String> {
        match self.source.kind() {
            io::ErrorKind::StorageFull => Some("free space with \"rkt gc\"".to_owned()),
            io::ErrorKind::PermissionDenied => Some("become root".to_owned()),
            _ => None,
        }
    }
}

/// Something in a phase directory that is not a pod.
#[derive(Debug, thiserror::Error)]
#[error("{} is not a pod", path.display())]
pub struct ForeignEntry {
    /// Where it is.
    pub path: PathBuf,
}

/// What is in the phase directories.
#[derive(Debug, Default)]
pub struct Inventory {
    /// The pods and where they were seen, sorted by UUID.
    pub pods: BTreeMap<Uuid, Phase>,
    /// What is not a pod.
    pub foreign: Vec<ForeignEntry>,
}

impl PodsDir {
    /// Opens `data_dir/pods`, making it and the six phase directories (0750) where they are missing.
    ///
    /// A directory that is missing and cannot be made, as on a full or read-only file system, counts
    /// as empty; only creating a pod in it fails.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if a directory exists but cannot be opened, or the data directory is missing and
    /// cannot be made.
    pub fn open(data_dir: &Path) -> Result<Self, OpenError> {
        let fail = |path: &Path, source| OpenError {
            path: path.to_owned(),
            source,
        };
        let open = || file::open_dir_following(rustix::fs::CWD, data_dir);
        let data = match open() {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                std::fs::create_dir_all(data_dir).and_then(|()| open())
            }
            other => other,
        };
        let data = data.map_err(|e| fail(data_dir, e))?;
        let path = data_dir.join("pods");
        let pods = open_or_make(data.as_fd(), Path::new("pods")).map_err(|e| fail(&path, e))?;
        let mut dirs = [const { None }; 6];
        if let Some(pods) = &pods {
            for phase in Phase::ALL {
                let name = Path::new(phase.dir_name());
                dirs[phase as usize] =
                    open_or_make(pods.as_fd(), name).map_err(|e| fail(&path.join(name), e))?;
            }
        }
        if let Some(group) = gantry_store::group_of(data_dir)
            && rustix::process::geteuid().is_root()
        {
            let all = pods.iter().chain(dirs.iter().flatten());
            // Where it cannot be done, the members of the group see no pods, and root goes on.
            let _ = all.into_iter().try_for_each(|dir| share(dir, group));
        }
        Ok(Self {
            dirs: Arc::new(PhaseDirs {
                path,
                data_dir: data,
                dirs,
            }),
        })
    }

    /// The path of the `pods` directory, for messages.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.dirs.path
    }

    /// The path of the data directory, for messages.
    pub(crate) fn data_path(&self) -> &Path {
        self.dirs.path.parent().unwrap_or(&self.dirs.path)
    }

    /// The descriptor of the data directory.
    pub(crate) fn data_dir(&self) -> BorrowedFd<'_> {
        self.dirs.data_dir()
    }

    /// Creates a pod: locked by us and in the phase [`Phase::Prepare`].
    ///
    /// The order is that of rkt (Documentation/devel/pod-lifecycle.md), so that the pod is locked before anyone
    /// could take it for an aborted one. A collector may remove the embryo before it is locked; then
    /// it is made again. Nothing is synced: a pod that a power cut takes away in this phase is garbage.
    ///
    /// # Errors
    ///
    /// [`CreateError`] if a pod with this UUID exists or the directories cannot be written.
    pub fn create(&self, uuid: Uuid) -> Result<Pod, CreateError> {
        let name = uuid.to_string();
        let attempt = || -> io::Result<Option<Pod>> {
            let embryos = self.dirs.get(Phase::Embryo)?;
            let made = file::make_dir(embryos, Path::new(&name), DIR_MODE);
            let dir = match made.and_then(|()| file::open_dir(embryos, &name)) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
                other => other?,
            };
            rustix::fs::flock(&dir, FlockOperation::LockExclusive)?;
            let mut pod = Pod::new(uuid, Phase::Embryo, dir, true, self.dirs.clone());
            match pod.move_to(Phase::Prepare) {
                Ok(()) => Ok(Some(pod)),
                Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(e) => {
                    let _ = rustix::fs::unlinkat(embryos, &name, AtFlags::REMOVEDIR);
                    Err(e)
                }
            }
        };
        let fail = |source| CreateError {
            uuid,
            pods: self.dirs.path.clone(),
            source,
        };
        for _ in 0..MAX_RACES {
            if let Some(pod) = attempt().map_err(fail)? {
                return Ok(pod);
            }
        }
        Err(fail(io::Error::other(
            "the directory vanishes again and again",
        )))
    }

    /// Opens a pod in whatever phase it is; `None` if there is none.
    ///
    /// # Errors
    ///
    /// Whatever opening, locking or looking at the directory returns.
    pub fn get(&self, uuid: Uuid) -> io::Result<Option<Pod>> {
        self.get_from(uuid, None)
    }

    /// As [`PodsDir::get`], looking first where the pod was seen last.
    fn get_from(&self, uuid: Uuid, seen: Option<Phase>) -> io::Result<Option<Pod>> {
        let name = uuid.to_string();
        for race in 0..MAX_RACES {
            let guess = if race == 0 { seen } else { None };
            let mut lost = false;
            for phase in guess.into_iter().chain(Phase::ALL) {
                let Some(at) = self.dirs.existing(phase) else {
                    continue;
                };
                let dir = match file::open_dir(at, &name) {
                    Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                    other => other?,
                };
                let locked = is_locked(&dir)?;
                let pod = Pod::new(uuid, phase, dir, locked, self.dirs.clone());
                // Lock and place belong together only if the pod was not renamed in between.
                if pod.is_in_place()? {
                    return Ok(Some(pod));
                }
                lost = true;
                break;
            }
            if !lost {
                return Ok(None);
            }
        }
        Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the pod changes its state again and again",
        ))
    }

    /// All pods, and what else is in the directories.
    ///
    /// # Errors
    ///
    /// Whatever reading the directories returns.
    pub fn pods(&self) -> io::Result<Inventory> {
        self.scan(&Phase::ALL, "")
    }

    /// Opens a pod of [`PodsDir::pods`], looking first where it was seen; `None` if it is gone
    /// meanwhile.
    ///
    /// # Errors
    ///
    /// As [`PodsDir::get`].
    pub fn reopen(&self, uuid: Uuid, seen: Phase) -> io::Result<Option<Pod>> {
        self.get_from(uuid, Some(seen))
    }

    pub(crate) fn of(dirs: Arc<PhaseDirs>) -> Self {
        Self { dirs }
    }

    pub(crate) fn phase_dir(&self, phase: Phase) -> io::Result<BorrowedFd<'_>> {
        self.dirs.get(phase)
    }

    pub(crate) fn scan(&self, phases: &[Phase], prefix: &str) -> io::Result<Inventory> {
        let Inventory {
            mut pods,
            mut foreign,
        } = Inventory::default();
        for &phase in phases {
            let Some(at) = self.dirs.existing(phase) else {
                continue;
            };
            for name in file::names(at)? {
                let text = name.to_str().ok();
                match text.and_then(|t| t.parse::<Uuid>().ok().filter(|u| u.to_string() == t)) {
                    Some(uuid) if text.is_some_and(|t| t.starts_with(prefix)) => {
                        pods.insert(uuid, phase);
                    }
                    Some(_) => {}
                    None => foreign.push(ForeignEntry {
                        path: self
                            .dirs
                            .path
                            .join(phase.dir_name())
                            .join(name.to_string_lossy().as_ref()),
                    }),
                }
            }
        }
        Ok(Inventory { pods, foreign })
    }
}

/// Lets the group read a directory and what will be made in it, unless it may already.
fn share(dir: &OwnedFd, group: u32) -> io::Result<()> {
    if rustix::fs::fstat(dir)?.st_gid == group {
        return Ok(());
    }
    rustix::fs::fchown(dir, None, Some(Gid::from_raw(group)))?;
    // A change of the owner clears the bit by which the group is handed on.
    Ok(rustix::fs::fchmod(dir, Mode::from_raw_mode(DIR_MODE))?)
}

/// Opens a directory, makes it if it is missing; `None` if that is not possible here.
fn open_or_make(at: BorrowedFd<'_>, name: &Path) -> io::Result<Option<OwnedFd>> {
    match file::open_dir_following(at, name) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            match file::ensure_dir(at, name, DIR_MODE) {
                Ok(()) => file::open_dir_following(at, name).map(Some),
                Err(_) => Ok(None),
            }
        }
        other => other.map(Some),
    }
}

/// Whether somebody else holds the exclusive lock.
///
/// The test takes the shared lock for an instant: there is no way to ask without taking.
pub(crate) fn is_locked(dir: &OwnedFd) -> io::Result<bool> {
    match rustix::fs::flock(dir, FlockOperation::NonBlockingLockShared) {
        Ok(()) => {
            rustix::fs::flock(dir, FlockOperation::Unlock)?;
            Ok(false)
        }
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(true),
        Err(e) => Err(e.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::phase::State;
    use crate::sample::{Sample, child, eventually, uuid};

    #[test]
    fn the_six_directories_are_made_once() {
        let sample = Sample::new();
        for phase in Phase::ALL {
            let path = sample.data().join("pods").join(phase.dir_name());
            let mode = fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode & 0o7777, 0o2750);
        }
        // Some keep the data on another disk, behind a link.
        let link = sample.temp.path().join("link");
        std::os::unix::fs::symlink(sample.data(), &link).unwrap();
        PodsDir::open(&link).unwrap();
    }

    #[test]
    fn a_new_pod_is_locked_by_us_and_in_prepare() {
        let sample = Sample::new();
        let pod = sample.pods.create(uuid(1)).unwrap();
        assert_eq!(pod.state(), State::Preparing);
        assert_eq!(sample.phase("prepare"), [uuid(1).to_string()]);
        assert!(sample.phase("embryo").is_empty());
        // Another descriptor sees the lock, and no second pod of that name comes to be.
        assert_eq!(
            sample.pods.get(uuid(1)).unwrap().unwrap().state(),
            State::Preparing
        );
        assert!(sample.pods.create(uuid(1)).is_err());
        assert!(sample.phase("embryo").is_empty());
        drop(pod);
        assert_eq!(
            sample.pods.get(uuid(1)).unwrap().unwrap().state(),
            State::AbortedPrepare
        );
        assert!(sample.pods.get(uuid(2)).unwrap().is_none());
    }

    #[test]
    fn child_creates_a_pod_and_holds_it() {
        let Some(data) = std::env::var_os("GANTRY_TEST_HOLD") else {
            return;
        };
        let mut pod = PodsDir::open(Path::new(&data))
            .unwrap()
            .create(uuid(3))
            .unwrap();
        pod.move_to(Phase::Run).unwrap();
        std::thread::sleep(std::time::Duration::from_secs(60));
    }

    #[test]
    fn a_pod_runs_as_long_as_another_process_holds_its_lock() {
        let sample = Sample::new();
        let test = "pods_dir::tests::child_creates_a_pod_and_holds_it";
        let mut holder = child(test, &[("GANTRY_TEST_HOLD", &sample.data())]);
        eventually("the pod", || sample.phase("run").len() == 1);
        let mut pod = sample.pods.get(uuid(3)).unwrap().unwrap();
        assert_eq!(pod.state(), State::Running);
        assert!(!pod.try_lock().unwrap());
        assert!(!pod.wait_unlocked(Some(std::time::Duration::ZERO)).unwrap());
        holder.kill().unwrap();
        holder.wait().unwrap();
        assert!(pod.wait_unlocked(None).unwrap());
        pod.refresh().unwrap();
        assert_eq!(pod.state(), State::Exited);
        assert!(pod.try_lock().unwrap());
    }

    #[test]
    fn a_pod_that_is_renamed_meanwhile_is_always_found() {
        let sample = Sample::new();
        for n in 0x20..0x40 {
            let mut pod = sample.pods.create(uuid(n)).unwrap();
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    let mut last = Phase::Prepare;
                    while last != Phase::ExitedGarbage {
                        let found = sample.pods.get(uuid(n)).unwrap().expect("the pod exists");
                        assert!(found.phase() >= last);
                        last = found.phase();
                    }
                });
                for phase in [Phase::Prepared, Phase::Run, Phase::ExitedGarbage] {
                    std::thread::sleep(std::time::Duration::from_micros(200));
                    pod.move_to(phase).unwrap();
                }
            });
        }
    }

    #[test]
    fn what_is_not_a_pod_is_told_apart() {
        let sample = Sample::new();
        let _pod = sample.pods.create(uuid(5)).unwrap();
        fs::write(sample.data().join("pods/run/readme"), "x").unwrap();
        fs::create_dir(sample.data().join("pods/run/0123")).unwrap();
        let Inventory { pods, foreign } = sample.pods.pods().unwrap();
        assert_eq!(pods, [(uuid(5), Phase::Prepare)].into());
        assert_eq!(foreign.len(), 2);
        assert!(foreign.iter().any(|f| f.path.ends_with("pods/run/readme")));
    }
}
