//! Starting, ending and replacing processes, without the parts of the C library that assume threads.

use std::convert::Infallible;
use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::Pid;

use crate::namespace::Namespaces;

/// Where a call of [`fork_into`] returned: it does so twice.
#[derive(Debug)]
pub enum Fork {
    /// In the process that called.
    Parent(Child),
    /// In the new process, which is a copy of the caller.
    Child,
}

/// A process that [`fork_into`] started.
#[derive(Debug)]
pub struct Child {
    /// Its number, as the caller's PID namespace has it.
    pub pid: Pid,
    /// A descriptor of it, close-on-exec, so that a signal never meets a reused number.
    pub pidfd: OwnedFd,
}

/// Copies the calling process into new namespaces.
///
/// The caller must have one thread, which the kernel is asked to confirm: a copy of a process with
/// several could not even allocate memory, since another thread may have held the allocator's lock.
///
/// # Errors
///
/// `EINVAL` if the process has threads, or if the kernel lacks one of the namespaces; `EPERM`
/// without `CAP_SYS_ADMIN` if there are namespaces to make; `ENOSYS` before Linux 5.3, `EAGAIN` and
/// `ENOMEM` when there is no room for a process. Source: clone(2).
pub fn fork_into(namespaces: Namespaces) -> io::Result<Fork> {
    fork(namespaces, None)
}

/// Does what [`fork_into`] does, and the new process starts in a control group.
///
/// `group` is the directory of a group of version 2. Nobody has to be moved, for which the kernel
/// would stop all forking on the machine, after waiting some milliseconds.
///
/// # Errors
///
/// Also `EACCES` if the caller may not move processes to the group, `EBUSY` if it has groups beneath
/// it that are limited, `ENODEV` if it is gone.
pub fn fork_into_group(namespaces: Namespaces, group: BorrowedFd<'_>) -> io::Result<Fork> {
    fork(namespaces, Some(group))
}

fn fork(namespaces: Namespaces, group: Option<BorrowedFd<'_>>) -> io::Result<Fork> {
    use std::os::fd::AsRawFd as _;
    // unshare(2): CLONE_THREAD changes nothing, and fails unless the caller is single-threaded.
    // SAFETY: the call takes an integer and changes nothing in this process.
    if unsafe { libc::unshare(libc::CLONE_THREAD) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let mut pidfd: libc::c_int = -1;
    let flags = u64::from((namespaces.bits() | libc::CLONE_PIDFD).cast_unsigned());
    let into_group = group.map_or(0, |_| CLONE_INTO_CGROUP);
    let group = group.map_or(0, |group| group.as_raw_fd());
    let mut args = libc::clone_args {
        flags: flags | into_group,
        pidfd: (&raw mut pidfd).expose_provenance() as u64,
        child_tid: 0,
        parent_tid: 0,
        exit_signal: libc::SIGCHLD.cast_unsigned().into(),
        stack: 0,
        stack_size: 0,
        tls: 0,
        set_tid: 0,
        set_tid_size: 0,
        cgroup: group.cast_unsigned().into(),
    };
    // SAFETY: `args` and the `pidfd` it points to live until the call returns, and the size given is
    // that of the structure. Without CLONE_VM and with no stack the child goes on with a copy of
    // this memory, as after fork(2); that no other thread exists was established above, so no lock
    // in the copy is held by a thread that the copy does not have.
    let rc = unsafe { libc::syscall(libc::SYS_clone3, &raw mut args, size_of_val(&args)) };
    match rc {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Fork::Child),
        pid => {
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
            let pid =
                pid.ok_or_else(|| io::Error::other("the kernel returned no process number"))?;
            // SAFETY: the kernel stored a new descriptor in `pidfd`, which nothing else owns.
            let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
            Ok(Fork::Parent(Child { pid, pidfd }))
        }
    }
}

/// Source: Linux, include/uapi/linux/sched.h; the C library's constant has too few bits.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// Moves this process into new namespaces; what may be in them is said by unshare(2).
///
/// # Errors
///
/// `EPERM` without the right to make them, `EINVAL` if the kernel lacks one.
pub fn unshare(namespaces: Namespaces) -> io::Result<()> {
    // SAFETY: the call takes an integer. The flags that `Namespaces` can hold change what this process
    // sees of the machine, and none of its memory or descriptors.
    if unsafe { libc::unshare(namespaces.bits()) } == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Ends this process at once: no destructors, no exit handlers, no flushing.
///
/// This is how a process made by [`fork_into`] ends, since what its parent registered or left
/// unflushed is the parent's.
pub fn exit_now(status: u8) -> ! {
    // SAFETY: the call takes an integer and does not return.
    unsafe { libc::_exit(status.into()) }
}

/// Takes over the descriptor `number`, which the program that started this one left open for it.
///
/// To be called before this process opens anything, and once, since after that the number may be
/// that of something else.
///
/// # Errors
///
/// `EBADF` if the number is not open, `EINVAL` for a standard stream, and `EBUSY` the second time.
pub fn take_inherited(number: RawFd) -> io::Result<OwnedFd> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    if number <= libc::STDERR_FILENO {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    // SAFETY: the call takes two integers and only asks.
    if unsafe { libc::fcntl(number, libc::F_GETFD) } < 0 {
        return Err(io::Error::last_os_error());
    }
    if TAKEN.swap(true, Ordering::Relaxed) {
        return Err(io::Error::from_raw_os_error(libc::EBUSY));
    }
    // SAFETY: the descriptor is open, and was handed to this process by number, so no object of this
    // process owns it; that this function does not make a second owner is ensured above.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Takes over the `count` descriptors from number 3 on, which a service manager left open, and marks
/// them close-on-exec.
///
/// To be called before this process opens anything else below `3 + count`, and once. Source:
/// sd_listen_fds(3).
///
/// # Errors
///
/// `EBADF` if one of the numbers is not open, and `EBUSY` the second time.
pub fn take_listening(count: u32) -> io::Result<Vec<OwnedFd>> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    let numbers = 3..=i32::try_from(count).map_or(RawFd::MAX, |count| count.saturating_add(2));
    for number in numbers.clone() {
        // SAFETY: the call takes three integers and sets a flag.
        if unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    if TAKEN.swap(true, Ordering::Relaxed) {
        return Err(io::Error::from_raw_os_error(libc::EBUSY));
    }
    // SAFETY: each is open, and was handed to this process by number, so no object of this process
    // owns it; that this function does not make a second owner is ensured above.
    Ok(numbers
        .map(|number| unsafe { OwnedFd::from_raw_fd(number) })
        .collect())
}

/// Puts copies of `fds` at the numbers from `first` on, without close-on-exec, and closes every other
/// descriptor from `first` on.
///
/// For a process that is about to call [`exec`] and else ends by [`exit_now`], like [`close_from`]:
/// whatever owns a descriptor from `first` on must not be used again, nor dropped.
///
/// # Errors
///
/// `EMFILE`, and those of [`close_from`]. Source: dup2(2).
pub fn place_from(first: u32, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    use std::os::fd::AsRawFd as _;
    let number = |at: usize| -> io::Result<RawFd> {
        let number = usize::try_from(first)
            .ok()
            .and_then(|first| first.checked_add(at));
        let number = number.and_then(|number| RawFd::try_from(number).ok());
        number.ok_or_else(|| io::Error::from_raw_os_error(libc::EMFILE))
    };
    let end = number(fds.len())?;
    // First out of the way of each other.
    let mut copies = Vec::with_capacity(fds.len());
    for fd in fds {
        // SAFETY: the call takes three integers; the copy is a new descriptor.
        let copy = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, end) };
        if copy < 0 {
            return Err(io::Error::last_os_error());
        }
        copies.push(copy);
    }
    for (at, copy) in copies.into_iter().enumerate() {
        // SAFETY: the call takes two integers. What owns the number that is taken over here is not
        // used or dropped any more, as this function asks of its caller.
        if unsafe { libc::dup2(copy, number(at)?) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    close_from(end.cast_unsigned())
}

/// Marks every descriptor numbered `first` or higher close-on-exec.
///
/// # Errors
///
/// `ENOSYS` before Linux 5.9, `EINVAL` before 5.11. Source: close_range(2).
pub fn close_on_exec_from(first: u32) -> io::Result<()> {
    let flags = libc::CLOSE_RANGE_CLOEXEC;
    // SAFETY: the call takes three integers and no pointer, so no memory is at stake. It sets a
    // flag and closes nothing, so every `OwnedFd` in this process stays valid.
    let rc = unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, flags) };
    if rc == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Closes every descriptor numbered `first` or higher.
///
/// For a process that is about to call [`exec`] and else ends by [`exit_now`]. Close-on-exec comes
/// too late there: a path such as `/proc/self/fd/7/../../bin/sh`, as program or as interpreter, is
/// looked up before such descriptors are closed (CVE-2024-21626). Whatever owns a closed descriptor
/// must not be used again, nor dropped.
///
/// # Errors
///
/// `ENOSYS` before Linux 5.9. Source: close_range(2).
pub fn close_from(first: u32) -> io::Result<()> {
    // SAFETY: the call takes three integers and no pointer. What owns the descriptors is not dropped,
    // and so closes nothing that is opened later, since this process ends without unwinding.
    let rc = unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, 0) };
    if rc == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Closes every descriptor numbered 3 or higher but the first `listening` of them and `kept`.
///
/// For a program that has just started and has opened nothing else itself: what is closed is what its
/// caller left open.
///
/// # Errors
///
/// `ENOSYS` before Linux 5.9. Source: close_range(2).
pub fn close_inherited(listening: u32, kept: BorrowedFd<'_>) -> io::Result<()> {
    use std::os::fd::AsRawFd as _;
    let kept = kept.as_raw_fd().cast_unsigned();
    let first = listening.saturating_add(3);
    if kept > first {
        // SAFETY: the call takes three integers and no pointer. This process owns no descriptor in the
        // range: it opened none, as the caller promises.
        let rc = unsafe { libc::syscall(libc::SYS_close_range, first, kept - 1, 0) };
        if rc != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    close_from(first.max(kept.saturating_add(1)))
}

/// Replaces this process by the program at `path`; returns only if that failed.
///
/// # Errors
///
/// Those of execve(2).
pub fn exec(path: &CStr, arguments: &[CString], environment: &[CString]) -> io::Result<Infallible> {
    let arguments = pointers(arguments);
    let environment = pointers(environment);
    // SAFETY: `path` and every pointer in the two null-terminated arrays point to null-terminated
    // strings that the caller's borrows keep alive across the call.
    unsafe { libc::execve(path.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    Err(io::Error::last_os_error())
}

/// Replaces this process by the program that `file` holds; returns only if that failed.
///
/// `file` may be close-on-exec, as it should be, unless it holds a script.
///
/// # Errors
///
/// Those of execveat(2).
pub fn exec_file(
    file: BorrowedFd<'_>,
    arguments: &[CString],
    environment: &[CString],
) -> io::Result<Infallible> {
    use std::os::fd::AsRawFd as _;
    let arguments = pointers(arguments);
    let environment = pointers(environment);
    // SAFETY: the path is a literal, the descriptor is borrowed for the call, and every pointer in
    // the two null-terminated arrays points to a string that the caller's borrows keep alive.
    unsafe {
        libc::syscall(
            libc::SYS_execveat,
            file.as_raw_fd(),
            c"".as_ptr(),
            arguments.as_ptr(),
            environment.as_ptr(),
            libc::AT_EMPTY_PATH,
        );
    }
    Err(io::Error::last_os_error())
}

fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    strings
        .iter()
        .map(|string| string.as_ptr())
        .chain([std::ptr::null()])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_with_threads_is_not_copied() {
        let result = std::thread::spawn(|| fork_into(Namespaces::empty()))
            .join()
            .unwrap();
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn exec_of_a_missing_file_returns_its_error() {
        let error = exec(c"/nonexistent/program", &[], &[]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn standard_streams_and_closed_numbers_are_not_inherited() {
        assert_eq!(
            take_inherited(1).unwrap_err().raw_os_error(),
            Some(libc::EINVAL)
        );
        assert_eq!(
            take_inherited(-1).unwrap_err().raw_os_error(),
            Some(libc::EINVAL)
        );
        assert_eq!(
            take_inherited(i32::MAX).unwrap_err().raw_os_error(),
            Some(libc::EBADF)
        );
    }

    #[test]
    fn descriptors_can_be_marked_from_a_number_on() {
        // No other test of this process starts programs that need an inherited descriptor.
        close_on_exec_from(3).unwrap();
    }
}
