//! Signals taken one at a time, instead of by handlers.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::time::Duration;

use rustix::process::Signal;

/// A set of signals that this process blocks and then waits for.
#[derive(Clone, Debug)]
pub struct SignalSet {
    set: libc::sigset_t,
}

impl SignalSet {
    /// The set of `signals`.
    #[must_use]
    pub fn of(signals: &[Signal]) -> Self {
        let mut set = empty();
        for signal in signals {
            // SAFETY: `set` is initialised, and a `Signal` is a signal's number.
            unsafe { libc::sigaddset(&raw mut set, signal.as_raw()) };
        }
        Self { set }
    }

    /// Blocks these signals and no others, so that they stay pending until [`SignalSet::wait`].
    ///
    /// A blocked signal also reaches a PID 1, which otherwise gets only those it handles.
    ///
    /// # Errors
    ///
    /// None in practice. Source: sigprocmask(2), pid_namespaces(7).
    pub fn block(&self) -> io::Result<()> {
        set_mask(&self.set)
    }

    /// A close-on-exec descriptor that is readable while a signal of the set is pending.
    ///
    /// The signals must be blocked, and are taken by [`SignalSet::wait`], not by reading.
    ///
    /// # Errors
    ///
    /// `EMFILE`, `ENFILE` and `ENOMEM`. Source: signalfd(2).
    pub fn descriptor(&self) -> io::Result<OwnedFd> {
        // SAFETY: -1 asks for a new descriptor; the set is initialised and only read.
        let fd = unsafe { libc::signalfd(-1, &raw const self.set, libc::SFD_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel has just made this descriptor, which nothing else owns.
        Ok(unsafe { OwnedFd::from_raw_fd(fd) })
    }

    /// Takes one pending signal of the set, waiting for it at most `timeout`.
    ///
    /// `None` once the time is over; without a time-out the wait is endless.
    ///
    /// # Errors
    ///
    /// None in practice; an interrupted wait (by a tracer) starts anew. Source: sigtimedwait(2).
    pub fn wait(&self, timeout: Option<Duration>) -> io::Result<Option<Signal>> {
        let timeout = timeout.map(|timeout| libc::timespec {
            tv_sec: timeout.as_secs().try_into().unwrap_or(libc::time_t::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        });
        let timeout = timeout
            .as_ref()
            .map_or(std::ptr::null(), std::ptr::from_ref);
        loop {
            // SAFETY: the set is initialised, no siginfo is asked for, and `timeout` is null or
            // points to a timespec that lives until the end of this function.
            let number =
                unsafe { libc::sigtimedwait(&raw const self.set, std::ptr::null_mut(), timeout) };
            if let Some(signal) = Signal::from_named_raw(number) {
                return Ok(Some(signal));
            }
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                Some(libc::EAGAIN) => return Ok(None),
                Some(libc::EINTR) => {}
                _ => return Err(error),
            }
        }
    }
}

/// Blocks no signal and gives every signal its default action, as a program expects to find it.
///
/// # Errors
///
/// None in practice. Source: sigaction(2), sigprocmask(2).
pub fn reset() -> io::Result<()> {
    // Rust's runtime ignores SIGPIPE, and the caller of rkt may have ignored more; ignored signals
    // stay ignored across execve.
    for number in 1..=LAST_SIGNAL {
        // SIGKILL and SIGSTOP refuse, and need nothing. The C library's own function would refuse
        // the two signals that it keeps for threads, which a caller may have ignored as well.
        // SAFETY: `DEFAULT` is longer than the kernel's structure, whose size is fixed by the
        // architecture, and all zeros there mean SIG_DFL, no flags and an empty mask. No code of
        // ours is registered, and none that was is needed: this process is about to call execve.
        unsafe {
            libc::syscall(
                libc::SYS_rt_sigaction,
                number,
                DEFAULT.as_ptr(),
                std::ptr::null_mut::<u64>(),
                size_of::<u64>(),
            )
        };
    }
    set_mask(&empty())
}

/// The highest signal number of Linux on the architectures that Rust has a standard library for,
/// MIPS aside. Source: signal(7).
const LAST_SIGNAL: libc::c_int = 64;

/// The default action as rt_sigaction(2) reads it: handler, flags, restorer, mask.
const DEFAULT: [u64; 8] = [0; 8];

fn empty() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigemptyset initialises the set it is given a pointer to.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        set.assume_init()
    }
}

fn set_mask(set: &libc::sigset_t) -> io::Result<()> {
    // SAFETY: `set` is initialised; the old mask is not asked for.
    let rc = unsafe { libc::sigprocmask(libc::SIG_SETMASK, set, std::ptr::null_mut()) };
    if rc == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::event::{PollFd, PollFlags, poll};

    #[test]
    fn a_blocked_signal_waits_to_be_taken() {
        // The mask is the thread's, and so is the signal that tgkill sends.
        let set = SignalSet::of(&[Signal::USR1]);
        set.block().unwrap();
        assert_eq!(set.wait(Some(Duration::ZERO)).unwrap(), None);
        // SAFETY: raise takes a signal number, and the signal is blocked in this thread.
        unsafe { libc::raise(libc::SIGUSR1) };
        let descriptor = set.descriptor().unwrap();
        let mut readable = [PollFd::new(&descriptor, PollFlags::IN)];
        assert_eq!(poll(&mut readable, None).unwrap(), 1);
        assert_eq!(
            set.wait(Some(Duration::from_secs(5))).unwrap(),
            Some(Signal::USR1)
        );
        assert_eq!(set.wait(Some(Duration::from_millis(1))).unwrap(), None);
    }
}
