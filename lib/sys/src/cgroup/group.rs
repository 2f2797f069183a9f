//! One control group: made, set, read, joined, killed, removed.

use std::fs;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};

/// Largest file of a group that is read, in bytes; lists of processes are by far the largest.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// How often a group without a switch of its own is searched for processes to kill.
const KILL_ROUNDS: u32 = 100;

/// A control group of either version: a directory of one hierarchy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group(PathBuf);

impl Group {
    /// The group whose directory is `directory`, which need not be there.
    #[must_use]
    pub fn new(directory: PathBuf) -> Self {
        Self(directory)
    }

    /// Its directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.0
    }

    /// A group beneath this one.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        Self(self.0.join(name))
    }

    /// Makes the group; one that is there already is as good.
    ///
    /// # Errors
    ///
    /// Those of mkdir(2), such as `EROFS` and `EACCES` where the hierarchy is not the caller's.
    pub fn make(&self) -> io::Result<()> {
        match rustix::fs::mkdir(&self.0, Mode::from_raw_mode(0o755)) {
            Err(Errno::EXIST) if self.0.is_dir() => Ok(()),
            made => Ok(made?),
        }
    }

    /// Writes a value to a file of the group in one piece, as the kernel wants it.
    ///
    /// # Errors
    ///
    /// `ENOENT` if the kernel has no such file, and what it says to the value.
    pub fn write(&self, file: &str, value: &str) -> io::Result<()> {
        let file = self.open(file, OFlags::WRONLY)?;
        rustix::io::write(file, value.as_bytes())?;
        Ok(())
    }

    /// Reads a file of the group.
    ///
    /// # Errors
    ///
    /// Those of open(2) and read(2).
    pub fn read(&self, file: &str) -> io::Result<String> {
        let mut text = String::new();
        fs::File::from(self.open(file, OFlags::RDONLY)?)
            .take(MAX_FILE_BYTES)
            .read_to_string(&mut text)?;
        Ok(text)
    }

    /// Whether a word stands in a file of the group, such as a controller in `cgroup.controllers`.
    #[must_use]
    pub fn lists(&self, file: &str, word: &str) -> bool {
        let text = self.read(file).unwrap_or_default();
        text.split_ascii_whitespace().any(|one| one == word)
    }

    /// Opens a file of the group; it is close-on-exec.
    ///
    /// # Errors
    ///
    /// Those of open(2).
    pub fn open(&self, file: &str, flags: OFlags) -> io::Result<OwnedFd> {
        let path = self.0.join(file);
        Ok(rustix::fs::openat(
            CWD,
            path,
            flags | OFlags::CLOEXEC,
            Mode::empty(),
        )?)
    }

    /// Opens the directory, to start processes in the group.
    ///
    /// # Errors
    ///
    /// Those of open(2).
    pub fn open_directory(&self) -> io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(CWD, &self.0, flags, Mode::empty())?)
    }

    /// Kills every process in the group and in those beneath it.
    ///
    /// By `cgroup.kill` where the kernel has it; elsewhere the group is frozen, where it can be, so
    /// that nothing in it forks while its processes are counted. A group that is gone has none. The
    /// caller must not be in it.
    ///
    /// # Errors
    ///
    /// If files of the group cannot be read or written, or processes keep appearing.
    pub fn kill(&self) -> io::Result<()> {
        match self.write("cgroup.kill", "1") {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            done => return done,
        }
        if !self.0.exists() {
            return Ok(());
        }
        let frozen = self.write("freezer.state", "FROZEN").is_ok();
        let killed = self.kill_one_by_one(frozen);
        // What is frozen dies only once it may run.
        if frozen {
            self.write("freezer.state", "THAWED")?;
        }
        killed
    }

    fn kill_one_by_one(&self, frozen: bool) -> io::Result<()> {
        for _ in 0..KILL_ROUNDS {
            let processes = self.processes()?;
            for pid in &processes {
                match kill_process(*pid, Signal::KILL) {
                    Ok(()) | Err(Errno::SRCH) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            if processes.is_empty() || frozen {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Err(Errno::BUSY.into())
    }

    /// The processes in the group and in those beneath it, but for those of other PID namespaces.
    ///
    /// # Errors
    ///
    /// If the group's own list cannot be read, other than because it is gone.
    pub fn processes(&self) -> io::Result<Vec<Pid>> {
        let text = match self.read("cgroup.procs") {
            Err(error) if is_gone(&error) => return Ok(Vec::new()),
            text => text?,
        };
        let numbers = text.split_ascii_whitespace().filter_map(|n| n.parse().ok());
        let mut processes: Vec<Pid> = numbers.filter_map(Pid::from_raw).collect();
        for child in self.children()? {
            processes.extend(child.processes()?);
        }
        Ok(processes)
    }

    fn children(&self) -> io::Result<Vec<Self>> {
        let entries = match fs::read_dir(&self.0) {
            Err(error) if is_gone(&error) => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut children = Vec::new();
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                children.push(Self(entry.path()));
            }
        }
        Ok(children)
    }

    /// Removes the group and those beneath it, which have no processes; gone is as good.
    ///
    /// # Errors
    ///
    /// `EBUSY` while a process is in one of them.
    pub fn remove(&self) -> io::Result<()> {
        // Usually there is nothing beneath, and nobody has to look.
        match rustix::fs::rmdir(&self.0) {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            Err(Errno::BUSY | Errno::NOTEMPTY) => {}
            Err(error) => return Err(error.into()),
        }
        for child in self.children()? {
            child.remove()?;
        }
        match rustix::fs::rmdir(&self.0) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Kills what is in the group and removes it, trying again for as long as `patience` lasts.
    ///
    /// # Errors
    ///
    /// The last failure, usually `EBUSY` because a process does not die.
    pub fn end(&self, patience: Duration) -> io::Result<()> {
        let deadline = Instant::now() + patience;
        let mut pause = Duration::from_millis(1);
        loop {
            let ended = match self.remove() {
                Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                    self.kill().and_then(|()| self.remove())
                }
                removed => return removed,
            };
            match ended {
                Err(_) if Instant::now() < deadline => std::thread::sleep(pause),
                ended => return ended,
            }
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }
}

/// Whether an error says that the group is not there any more.
fn is_gone(error: &io::Error) -> bool {
    // ENODEV is what an open file of a removed group answers. Source: kernfs.
    error.kind() == io::ErrorKind::NotFound
        || error.raw_os_error() == Some(Errno::NODEV.raw_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cgroup::Hierarchies;
    use std::process::Command;

    /// A group of its own in a real hierarchy, ended with the test.
    struct Real(Group);

    impl Real {
        /// One in each hierarchy that kills in a way of its own; none without the right to.
        fn all(name: &str) -> Vec<Self> {
            let Ok(hierarchies) = Hierarchies::of_caller() else {
                return Vec::new();
            };
            let found = [
                hierarchies.unified(),
                hierarchies.legacy("freezer"),
                hierarchies.legacy("pids"),
            ];
            let groups = found.into_iter().flatten().map(|hierarchy| {
                let name = format!("gantry-{name}-{}", std::process::id());
                Self(Group::new(hierarchy.own.join(name)))
            });
            groups.filter(|group| group.0.make().is_ok()).collect()
        }
    }

    impl Drop for Real {
        fn drop(&mut self) {
            let _ = self.0.end(Duration::from_secs(5));
        }
    }

    #[test]
    fn all_processes_of_a_group_are_killed_and_it_goes() {
        for real in Real::all("kill") {
            let inner = real.0.child("inner");
            inner.make().unwrap();
            let script = "echo $$ >\"$0/cgroup.procs\"; sleep 1000 & \
                          echo $$ >\"$0/inner/cgroup.procs\" && echo ready && exec sleep 1000";
            let mut child = Command::new("sh")
                .args(["-c", script])
                .arg(real.0.directory())
                .stdout(std::process::Stdio::piped())
                .spawn()
                .unwrap();
            let mut ready = [0; 6];
            child.stdout.take().unwrap().read_exact(&mut ready).unwrap();
            assert_eq!(real.0.processes().unwrap().len(), 2);
            assert_eq!(
                real.0.remove().unwrap_err().kind(),
                io::ErrorKind::ResourceBusy
            );
            real.0.kill().unwrap();
            child.wait().unwrap();
            real.0.end(Duration::from_secs(5)).unwrap();
            assert!(!real.0.directory().exists(), "{real:?}", real = real.0);
            // Whoever comes second finds nothing to do.
            real.0.kill().unwrap();
            real.0.end(Duration::ZERO).unwrap();
            assert_eq!(real.0.processes().unwrap(), []);
        }
    }

    #[test]
    fn files_are_read_and_written_but_never_made() {
        let directory = std::env::temp_dir().join(format!("gantry-group-{}", std::process::id()));
        let group = Group::new(directory.clone());
        group.make().unwrap();
        group.make().unwrap();
        fs::write(directory.join("cgroup.controllers"), "cpu memory\n").unwrap();
        assert!(group.lists("cgroup.controllers", "memory"));
        assert!(!group.lists("cgroup.controllers", "mem") && !group.lists("absent", "x"));
        let error = group.write("memory.max", "1").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        fs::write(directory.join("memory.max"), "").unwrap();
        group.write("memory.max", "1").unwrap();
        assert_eq!(group.read("memory.max").unwrap(), "1");
        fs::remove_dir_all(directory).unwrap();
    }
}
