//! Both ends of an app's standard streams: its own, and the pump's.

use std::os::fd::OwnedFd;

use rustix::fs::{Mode as FileMode, OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::ioctl_tiocsctty;
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, unlockpt};

use super::modes::{Mode, Modes};
use crate::failed::{Failed, Step as _};
use crate::notify::bind_app_socket;

/// The multiplexer of the pod's terminals, in the pod's own root.
const PTMX: &str = "/dev/pts/ptmx";

/// What swallows output, in the pod's own root.
const NULL: &str = "/null";

/// What becomes the standard streams of an app and its handlers.
#[derive(Debug)]
pub(crate) struct AppEnds {
    /// Where there is none, the stream is what init has.
    ends: [Option<OwnedFd>; 3],
    terminal: Option<OwnedFd>,
    /// Where the app says that it is ready, not bound yet.
    pub(super) notify: Option<OwnedFd>,
}

/// The other ends, none of which blocks.
#[derive(Debug, Default)]
pub(super) struct OurEnds {
    pub(super) stdin: Option<OwnedFd>,
    pub(super) stdout: Option<OwnedFd>,
    pub(super) stderr: Option<OwnedFd>,
    pub(super) terminal: Option<OwnedFd>,
}

/// Makes the streams of an app.
pub(super) fn make(modes: Modes) -> Result<(AppEnds, OurEnds), Errno> {
    let mut ours = OurEnds::default();
    let mut terminal = None;
    if modes.terminal() {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let master = rustix::fs::open(PTMX, flags, FileMode::empty())?;
        unlockpt(&master)?;
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        terminal = Some(ioctl_tiocgptpeer(&master, flags)?);
        ours.terminal = Some(master);
    }
    let mut ends = [None, None, None];
    for (number, (mode, end)) in modes.each().into_iter().zip(&mut ends).enumerate() {
        *end = match mode {
            Mode::Caller => None,
            // Standard input of init is that already.
            Mode::Null if number == 0 => None,
            Mode::Null => {
                let flags = OFlags::WRONLY | OFlags::CLOEXEC;
                Some(rustix::fs::open(NULL, flags, FileMode::empty())?)
            }
            Mode::Tty | Mode::CallerTty => terminal
                .as_ref()
                .map(|fd| rustix::io::fcntl_dupfd_cloexec(fd, 3))
                .transpose()?,
            Mode::Log | Mode::Stream => {
                let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
                let (theirs, own) = if number == 0 {
                    (reader, writer)
                } else {
                    (writer, reader)
                };
                // Each end of a pipe is open by itself: theirs still blocks.
                fcntl_setfl(&own, fcntl_getfl(&own)? | OFlags::NONBLOCK)?;
                *[&mut ours.stdin, &mut ours.stdout, &mut ours.stderr][number] = Some(own);
                Some(theirs)
            }
        };
    }
    let ends = AppEnds {
        ends,
        terminal,
        notify: None,
    };
    Ok((ends, ours))
}

impl AppEnds {
    /// Makes these the standard streams of this process, which must lead a session if one of them is
    /// a terminal.
    pub(crate) fn take(&self) -> Result<(), Failed> {
        let name = || "set the standard streams of the app";
        if let Some(terminal) = &self.terminal {
            ioctl_tiocsctty(terminal).step(name)?;
        }
        let [stdin, stdout, stderr] = &self.ends;
        stdin
            .as_ref()
            .map_or(Ok(()), rustix::stdio::dup2_stdin)
            .step(name)?;
        stdout
            .as_ref()
            .map_or(Ok(()), rustix::stdio::dup2_stdout)
            .step(name)?;
        stderr
            .as_ref()
            .map_or(Ok(()), rustix::stdio::dup2_stderr)
            .step(name)
    }

    /// Makes what the app finds in its root, once this process is there.
    pub(crate) fn settle_in(&self) -> Result<(), Failed> {
        let Some(socket) = &self.notify else {
            return Ok(());
        };
        bind_app_socket(socket).step(|| "make the notification socket of the app")
    }
}
