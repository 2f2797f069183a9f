//! Waiting for a command, with signals passed on to it.

use std::io;

use gantry_sys::process::Child;
use gantry_sys::signal::SignalSet;
use rustix::process::{Signal, WaitOptions, WaitStatus, pidfd_send_signal, waitpid};

/// The status of a command that a signal ended, as shells have it: this and the signal's number.
const BY_SIGNAL: i32 = 128;

/// Waits for the end of `child` and gives its status; `signals`, which are blocked, go to it.
///
/// A pod that was asked to stop and does so counts as a success of the pod. Of the command it is not: who asked for
/// its work does not have all of it.
///
/// # Errors
///
/// Those of waiting.
pub(super) fn follow(child: &Child, signals: &SignalSet) -> io::Result<u8> {
    let mut asked: Option<Signal> = None;
    loop {
        match waitpid(Some(child.pid), WaitOptions::NOHANG) {
            Ok(Some((_, status))) => {
                return Ok(match (number(status), asked) {
                    (0, Some(signal)) => by_signal(signal.as_raw()),
                    (status, _) => status,
                });
            }
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        // A child that ended since leaves its signal pending, as they are blocked.
        match signals.wait(None)? {
            None | Some(Signal::CHILD) => {}
            Some(signal) => {
                asked.get_or_insert(signal);
                // It may just be ending.
                let _ = pidfd_send_signal(&child.pidfd, signal);
            }
        }
    }
}

fn number(status: WaitStatus) -> u8 {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => u8::try_from(code).unwrap_or(1),
        (None, Some(signal)) => by_signal(signal),
        (None, None) => 1,
    }
}

fn by_signal(signal: i32) -> u8 {
    u8::try_from(BY_SIGNAL + signal).unwrap_or(1)
}
