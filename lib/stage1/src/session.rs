//! The session of a command that enters an app, and what lies between it and the caller.
//!
//! The command never has the caller's terminal, nor is it in the caller's session: what runs in a hostile
//! image could type into that terminal (TIOCSTI) what the caller's shell then reads. It gets a terminal
//! of the pod's own, whose bytes, size and signals are passed on.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{CWD, Mode, OFlags, fchown};
use rustix::io::Errno;
use rustix::process::{
    Signal, Uid, WaitOptions, ioctl_tiocsctty, kill_process, kill_process_group, setsid, waitpid,
};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, unlockpt};
use rustix::termios::isatty;

use gantry_sys::process::Child;
use gantry_sys::signal::SignalSet;

use crate::failed::{Failed, Step as _};
use crate::io::terminal::{RawTerminal, copy_window_size};
use crate::status::Exit;
use crate::supervisor::SIGNALS;

/// Bytes moved at a time.
const CHUNK_BYTES: usize = 16 * 1024;

/// A session to be.
#[derive(Debug)]
pub(crate) struct Session {
    /// Both ends of a terminal of the pod's, if the caller's input is a terminal.
    terminal: Option<(OwnedFd, OwnedFd)>,
    signals: SignalSet,
}

impl Session {
    /// Opens a terminal where one is needed, and holds back signals from here on. This process must be
    /// among the pod's mounts.
    pub(crate) fn open() -> Result<Self, Failed> {
        let terminal = isatty(rustix::stdio::stdin())
            .then(open_terminal)
            .transpose()
            .step(|| "open a terminal of the pod")?;
        let signals = SignalSet::of(&SIGNALS);
        signals.block().step(|| "block signals")?;
        Ok(Self { terminal, signals })
    }

    /// Begins the session, in the process that is to be the command of user `uid`.
    pub(crate) fn begin(&self, uid: u32) -> Result<(), Failed> {
        setsid().step(|| "begin a session")?;
        let Some((_, inner)) = &self.terminal else {
            return Ok(());
        };
        let name = || "take the terminal of the pod";
        // Programs open their terminal once more by its name.
        fchown(inner, Some(Uid::from_raw(uid)), None).step(name)?;
        // Streams that lead elsewhere stay as the caller wants them.
        if isatty(rustix::stdio::stdout()) {
            rustix::stdio::dup2_stdout(inner).step(name)?;
        }
        if isatty(rustix::stdio::stderr()) {
            rustix::stdio::dup2_stderr(inner).step(name)?;
        }
        rustix::stdio::dup2_stdin(inner).step(name)?;
        ioctl_tiocsctty(rustix::stdio::stdin()).step(name)
    }

    /// Stands between the caller and the command until that has ended.
    pub(crate) fn follow(self, child: &Child) -> Result<Exit, Failed> {
        let name = || "follow the command";
        // The command's end is to be the only one.
        let outer = self.terminal.map(|(outer, _)| outer);
        let raw = outer.as_ref().map(|_| RawTerminal::new()).transpose()?;
        let mut relay = outer.map(Relay::new).transpose().step(name)?;
        let pending = self.signals.descriptor().step(name)?;
        let exit = loop {
            match &mut relay {
                Some(relay) => relay.move_bytes(&pending).step(name)?,
                None => wait_readable(&pending).step(name)?,
            }
            let signal = self.signals.wait(Some(Duration::ZERO)).step(name)?;
            match signal {
                None => {}
                Some(Signal::CHILD) => {
                    let ended = waitpid(Some(child.pid), WaitOptions::NOHANG).step(name)?;
                    if let Some(exit) = ended.and_then(|(_, status)| Exit::of(status)) {
                        break exit;
                    }
                }
                Some(Signal::WINCH) => {
                    if let Some(relay) = &relay {
                        copy_window_size(&relay.outer);
                    }
                }
                // To all of them, as a terminal does; before there is a group, to the one.
                Some(signal) => {
                    let sent = kill_process_group(child.pid, signal);
                    let _ = sent.or_else(|_| kill_process(child.pid, signal));
                }
            }
        };
        if let Some(relay) = &mut relay {
            relay.drain();
        }
        drop(raw);
        Ok(exit)
    }
}

fn open_terminal() -> Result<(OwnedFd, OwnedFd), Errno> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let outer = rustix::fs::openat(CWD, "/dev/pts/ptmx", flags, Mode::empty())?;
    unlockpt(&outer)?;
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let inner = ioctl_tiocgptpeer(&outer, flags)?;
    copy_window_size(&outer);
    Ok((outer, inner))
}

fn wait_readable(fd: impl AsFd) -> Result<(), Errno> {
    match poll(&mut [PollFd::new(&fd, PollFlags::IN)], None) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Bytes between the caller's terminal and that of the pod.
#[derive(Debug)]
struct Relay {
    outer: OwnedFd,
    /// The other end is open.
    open: bool,
    /// The caller still types.
    typing: bool,
    /// Typed, and not yet taken by the pod's terminal.
    typed: Vec<u8>,
}

impl Relay {
    fn new(outer: OwnedFd) -> Result<Self, Errno> {
        // A command that reads nothing must not keep what it writes from the caller.
        rustix::io::ioctl_fionbio(&outer, true)?;
        Ok(Self {
            outer,
            open: true,
            typing: true,
            typed: Vec::new(),
        })
    }

    /// Waits for something to do and does it, or returns because `pending` is readable.
    fn move_bytes(&mut self, pending: &OwnedFd) -> Result<(), Errno> {
        let stdin = rustix::stdio::stdin();
        let mut wanted = PollFlags::IN;
        if !self.typed.is_empty() {
            wanted |= PollFlags::OUT;
        }
        let listening = self.typing && self.typed.is_empty() && self.open;
        let mut ready = vec![PollFd::new(pending, PollFlags::IN)];
        if self.open {
            ready.push(PollFd::new(&self.outer, wanted));
        }
        if listening {
            ready.push(PollFd::new(&stdin, PollFlags::IN));
        }
        match poll(&mut ready, None) {
            Err(Errno::INTR) => return Ok(()),
            polled => polled?,
        };
        let events: Vec<PollFlags> = ready.iter().map(PollFd::revents).collect();
        drop(ready);
        if self.open && !events[1].is_empty() {
            if events[1].contains(PollFlags::OUT) {
                self.pass_typed();
            }
            self.open = self.show();
        }
        if listening && events.last().is_some_and(|events| !events.is_empty()) {
            let mut bytes = vec![0; CHUNK_BYTES];
            match rustix::io::read(stdin, &mut bytes) {
                Ok(0) => self.typing = false,
                Ok(length) => {
                    bytes.truncate(length);
                    self.typed = bytes;
                    self.pass_typed();
                }
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(_) => self.typing = false,
            }
        }
        Ok(())
    }

    fn pass_typed(&mut self) {
        match rustix::io::write(&self.outer, &self.typed) {
            Ok(length) => drop(self.typed.drain(..length)),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => self.typed.clear(),
        }
    }

    /// Shows what the command wrote; false once there will be no more.
    fn show(&self) -> bool {
        let mut bytes = vec![0; CHUNK_BYTES];
        match rustix::io::read(&self.outer, &mut bytes) {
            Ok(length) if length > 0 => {
                let mut left = &bytes[..length];
                while !left.is_empty() {
                    match rustix::io::write(rustix::stdio::stdout(), left) {
                        Ok(length) => left = &left[length..],
                        Err(Errno::INTR) => {}
                        Err(Errno::AGAIN) => {
                            let stdout = rustix::stdio::stdout();
                            let _ = poll(&mut [PollFd::new(&stdout, PollFlags::OUT)], None);
                        }
                        // Nobody looks any more.
                        Err(_) => break,
                    }
                }
                true
            }
            Err(Errno::INTR | Errno::AGAIN) => true,
            // EIO: the other end was closed.
            Ok(_) | Err(_) => false,
        }
    }

    /// Shows what is left after the command's end; what it left running may write on, unseen.
    fn drain(&mut self) {
        loop {
            let mut ready = [PollFd::new(&self.outer, PollFlags::IN)];
            let polled = poll(&mut ready, Some(&rustix::event::Timespec::default()));
            let readable = ready[0].revents().contains(PollFlags::IN);
            if polled != Ok(1) || !readable || !self.show() {
                break;
            }
        }
    }
}
