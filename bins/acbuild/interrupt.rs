//! Signals that ask a script to end: the command that it runs gets them, and the script cleans up.

use std::io;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// From here on the process does not end by itself when it is asked to.
pub(crate) struct Interruptions {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    /// The command that runs.
    running: Option<OwnedFd>,
    /// The first signal that came.
    received: Option<i32>,
}

impl Interruptions {
    /// Takes charge of SIGINT, SIGTERM and SIGHUP.
    ///
    /// # Errors
    ///
    /// Where the process may not have handlers or threads.
    pub(crate) fn watch() -> io::Result<Self> {
        let shared: Arc<Mutex<Shared>> = Arc::default();
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
        let seen = shared.clone();
        thread::Builder::new().spawn(move || {
            for signal in signals.forever() {
                let mut shared = lock(&seen);
                shared.received.get_or_insert(signal);
                // A terminal sends SIGINT to the command as well: the second changes nothing.
                if let (Some(running), Some(signal)) =
                    (&shared.running, Signal::from_named_raw(signal))
                {
                    // It may have ended meanwhile.
                    let _ = pidfd_send_signal(running, signal);
                }
            }
        })?;
        Ok(Self { shared })
    }

    /// The first signal that came.
    pub(crate) fn received(&self) -> Option<i32> {
        lock(&self.shared).received
    }

    /// Runs a command to its end; `None` if a signal came before it was started.
    ///
    /// # Errors
    ///
    /// If it cannot be started or waited for.
    pub(crate) fn run(&self, command: &mut Command) -> io::Result<Option<ExitStatus>> {
        let mut child = {
            let mut shared = lock(&self.shared);
            if shared.received.is_some() {
                return Ok(None);
            }
            let child = command.spawn()?;
            shared.running = Some(pidfd(&child)?);
            child
        };
        let status = child.wait();
        lock(&self.shared).running = None;
        status.map(Some)
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn pidfd(child: &Child) -> io::Result<OwnedFd> {
    let pid = Pid::from_raw(child.id().cast_signed()).ok_or(io::ErrorKind::InvalidData)?;
    Ok(pidfd_open(pid, PidfdFlags::empty())?)
}
