//! User namespaces: the IDs they have, and making them.

use std::fs;
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _, FromRawFd as _, OwnedFd};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use crate::namespace::Namespaces;
use crate::process::unshare;

/// IDs of a user namespace and those they stand for. Source: user_namespaces(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdMapping {
    /// The first ID in the namespace.
    pub inside: u32,
    /// The first ID it stands for, as the reader or writer of the mapping counts.
    pub outside: u32,
    /// How many IDs in a row.
    pub count: u32,
}

/// Users or groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdKind {
    /// User IDs.
    User,
    /// Group IDs.
    Group,
}

impl IdKind {
    fn file(self) -> &'static str {
        match self {
            Self::User => "uid_map",
            Self::Group => "gid_map",
        }
    }
}

/// The IDs that the calling process's user namespace has, and what its parent calls them.
///
/// # Errors
///
/// Where `/proc` is not mounted; `InvalidData` if the file is not as the kernel writes it.
pub fn own_ids(kind: IdKind) -> io::Result<Vec<IdMapping>> {
    let text = fs::read_to_string(format!("/proc/self/{}", kind.file()))?;
    parse(&text).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Whether the calling process's user namespace has every ID that there is, as that of the host has.
///
/// # Errors
///
/// As [`own_ids`].
pub fn has_all_ids() -> io::Result<bool> {
    let all = IdMapping {
        inside: 0,
        outside: 0,
        count: u32::MAX,
    };
    Ok(own_ids(IdKind::User)? == [all])
}

/// Reads a table of mappings, one a line.
fn parse(text: &str) -> Option<Vec<IdMapping>> {
    text.lines()
        .map(|line| {
            let mut numbers = line.split_ascii_whitespace().map(str::parse);
            let mut next = || numbers.next()?.ok();
            let mapping = IdMapping {
                inside: next()?,
                outside: next()?,
                count: next()?,
            };
            numbers.next().is_none().then_some(mapping)
        })
        .collect()
}

/// Gives the new user namespace of process `pid` its users and groups. Works once.
///
/// # Errors
///
/// `EPERM` if the caller may not give these IDs. Source: user_namespaces(7).
pub fn set_ids(pid: Pid, users: &[IdMapping], groups: &[IdMapping]) -> io::Result<()> {
    write_map(pid, IdKind::User, users)?;
    write_map(pid, IdKind::Group, groups)
}

fn write_map(pid: Pid, kind: IdKind, mappings: &[IdMapping]) -> io::Result<()> {
    let text: String = mappings
        .iter()
        .map(|m| format!("{} {} {}\n", m.inside, m.outside, m.count))
        .collect();
    // The kernel takes the table in one write only.
    let path = format!("/proc/{}/{}", pid.as_raw_nonzero(), kind.file());
    fs::OpenOptions::new()
        .write(true)
        .open(path)?
        .write_all(text.as_bytes())
}

/// Moves the calling process into a user namespace of its own, and a mount namespace that belongs to it.
///
/// It has every capability there, over what belongs to the namespace, and no IDs until it gets some:
/// with [`set_own_id`], or by a program that may give more.
///
/// # Errors
///
/// `EINVAL` if the process has several threads, `ENOSPC` or `EPERM` where the host forbids it; see
/// unshare(2).
pub fn enter_new() -> io::Result<()> {
    unshare(Namespaces::USER | Namespaces::MOUNT)
}

/// Makes user `uid` and group `gid` of the parent namespace user and group 0 of the caller's new one.
///
/// Supplementary groups can then no longer be changed, as user_namespaces(7) explains.
///
/// # Errors
///
/// `EPERM` if these are not the caller's own, or the namespace has IDs already.
pub fn set_own_id(uid: u32, gid: u32) -> io::Result<()> {
    let one = |outside| {
        [IdMapping {
            inside: 0,
            outside,
            count: 1,
        }]
    };
    let own = rustix::process::getpid();
    write_map(own, IdKind::User, &one(uid))?;
    fs::write("/proc/self/setgroups", "deny")?;
    write_map(own, IdKind::Group, &one(gid))
}

/// Whether the calling process can choose its supplementary groups, as far as its namespace has a say.
#[must_use]
pub fn may_set_groups() -> bool {
    // Kernels before 3.19 have no such file, and allow it.
    fs::read_to_string("/proc/self/setgroups").map_or(true, |text| text.trim() == "allow")
}

/// Makes a user namespace with these IDs and nothing in it, to give to mounts.
///
/// May be called with threads running: the process that is started for a moment only waits and ends.
///
/// # Errors
///
/// `EPERM` if the caller may not give these IDs or make user namespaces, `ENOSPC` if there are too
/// many of them.
pub fn create(users: &[IdMapping], groups: &[IdMapping]) -> io::Result<OwnedFd> {
    let (wait, go) = pipe_with(PipeFlags::CLOEXEC)?;
    let mut pidfd: libc::c_int = -1;
    let mut args = libc::clone_args {
        flags: (Namespaces::USER.bits() | libc::CLONE_PIDFD)
            .cast_unsigned()
            .into(),
        pidfd: (&raw mut pidfd).expose_provenance() as u64,
        child_tid: 0,
        parent_tid: 0,
        // No signal: the parent's handlers and waits are none of ours.
        exit_signal: 0,
        stack: 0,
        stack_size: 0,
        tls: 0,
        set_tid: 0,
        set_tid_size: 0,
        cgroup: 0,
    };
    // SAFETY: `args` and the `pidfd` it points to live until the call returns, and the size given is
    // that of the structure. The child has a copy of this memory and runs only the system calls below,
    // so that it does not matter what locks other threads held when it was made.
    let rc = unsafe { libc::syscall(libc::SYS_clone3, &raw mut args, size_of_val(&args)) };
    if rc == 0 {
        let mut byte = 0_u8;
        // SAFETY: closing and reading touch only the descriptors and the byte on this stack. The
        // child ends here, so that nothing is dropped twice.
        unsafe {
            libc::close(go.as_raw_fd());
            libc::read(wait.as_raw_fd(), (&raw mut byte).cast(), 1);
            libc::_exit(0);
        }
    }
    if rc < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel stored a new descriptor in `pidfd`, which nothing else owns.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    let pid = i32::try_from(rc).ok().and_then(Pid::from_raw);
    let opened = pid
        .ok_or_else(|| io::Error::other("the kernel returned no process number"))
        .and_then(|pid| {
            set_ids(pid, users, groups)?;
            let path = format!("/proc/{}/ns/user", pid.as_raw_nonzero());
            let flags = OFlags::RDONLY | OFlags::CLOEXEC;
            Ok(rustix::fs::openat(CWD, path, flags, Mode::empty())?)
        });
    drop(go);
    reap(&pidfd)?;
    opened
}

fn reap(pidfd: &OwnedFd) -> io::Result<()> {
    // Without a signal it counts as a clone child.
    let options =
        WaitIdOptions::EXITED | WaitIdOptions::from_bits_retain(libc::__WALL.cast_unsigned());
    loop {
        match waitid(WaitId::PidFd(pidfd.as_fd()), options) {
            Err(rustix::io::Errno::INTR) => {}
            ended => return ended.map(drop).map_err(Into::into),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_as_the_kernel_writes_them() {
        let text = "         0       1000          1\n         1     100000      65536\n";
        let one = IdMapping {
            inside: 0,
            outside: 1000,
            count: 1,
        };
        let rest = IdMapping {
            inside: 1,
            outside: 100_000,
            count: 65536,
        };
        assert_eq!(parse(text), Some(vec![one, rest]));
        assert_eq!(parse(""), Some(Vec::new()));
        for bad in ["0 0", "0 0 1 2", "a 0 1", "0 0 4294967296", "\n"] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
        assert!(!own_ids(IdKind::Group).unwrap().is_empty());
    }

    #[test]
    fn a_namespace_is_made_while_threads_run_and_leaves_no_process() {
        let mapping = [IdMapping {
            inside: 0,
            outside: rustix::process::getuid().as_raw(),
            count: 1,
        }];
        if !rustix::process::geteuid().is_root() {
            eprintln!("SKIP: groups can be given by root only");
            return;
        }
        let made = std::thread::spawn(move || create(&mapping, &mapping))
            .join()
            .unwrap();
        let made = match made {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                eprintln!("SKIP: no user namespaces here: {error}");
                return;
            }
            made => made.unwrap(),
        };
        let own = rustix::fs::stat("/proc/self/ns/user").unwrap();
        assert_ne!(rustix::fs::fstat(&made).unwrap().st_ino, own.st_ino);
        let pid = rustix::process::getpid().as_raw_nonzero();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        assert_eq!(children.trim(), "");
    }
}
