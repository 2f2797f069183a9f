//! The caller's standard streams: what apps write appears there, each line with where it comes from.

use std::collections::VecDeque;
use std::io::Write as _;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::net::{SendFlags, send};
use rustix::time::{ClockId, clock_gettime};

use super::lines::Piece;

/// Most bytes that wait for a reader, per stream. An app that writes more waits for the reader too.
const MAX_QUEUED_BYTES: usize = 64 * 1024;

/// Bytes that a pipe which is ready takes without blocking, on every kernel. Source: pipe(7).
const PIPE_BUF: usize = 4096;

/// How a stream takes bytes without making us wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// It is open in a way of its own that never blocks.
    NonBlocking,
    Socket,
    /// Files never block for long.
    File,
    /// Only a small write after a successful poll does not block.
    Polled,
}

/// One of the caller's streams.
#[derive(Debug)]
pub(crate) struct Console {
    fd: OwnedFd,
    kind: Kind,
    queue: VecDeque<u8>,
    /// Nobody reads any more.
    closed: bool,
}

impl Console {
    /// A stream that `fd` is open for.
    ///
    /// The flags of `fd` itself are shared with whoever called rkt, and stay as they are.
    pub(crate) fn new(fd: BorrowedFd<'_>) -> std::io::Result<Self> {
        let again = |flags| {
            use std::os::fd::AsRawFd as _;
            let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
            rustix::fs::openat(CWD, path, flags | OFlags::CLOEXEC, Mode::empty())
        };
        let stat = rustix::fs::fstat(fd)?;
        let (kind, own) = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Socket => (Kind::Socket, None),
            FileType::Fifo | FileType::CharacterDevice => {
                let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
                match again(flags) {
                    Ok(own) => (Kind::NonBlocking, Some(own)),
                    // A pipe of another user's, for example.
                    Err(_) => (Kind::Polled, None),
                }
            }
            _ => (Kind::File, None),
        };
        Ok(Self {
            fd: match own {
                Some(own) => own,
                None => rustix::io::fcntl_dupfd_cloexec(fd, 3)?,
            },
            kind,
            queue: VecDeque::new(),
            closed: false,
        })
    }

    /// Appends `[uptime] app[pid]: text`, where `pid` is the app's number in the pod.
    ///
    /// That is how the journal of rkt's pods showed lines on the console. Source: systemd v231,
    /// journald-console.c.
    pub(crate) fn line(&mut self, app: &str, pid: u32, piece: Piece<'_>) {
        if self.closed {
            return;
        }
        let now = clock_gettime(ClockId::Monotonic);
        let (seconds, micros) = (now.tv_sec, now.tv_nsec / 1000);
        // Writing to memory does not fail.
        let _ = write!(self.queue, "[{seconds:5}.{micros:06}] {app}[{pid}]: ");
        self.queue.extend(piece.text);
        self.queue.push_back(b'\n');
    }

    /// Appends bytes as they are.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        if !self.closed {
            self.queue.extend(bytes);
        }
    }

    /// Whether apps may write more.
    pub(crate) fn has_room(&self) -> bool {
        self.queue.len() < MAX_QUEUED_BYTES
    }

    /// What to wait for, if something waits for the stream.
    pub(crate) fn waits(&self) -> Option<BorrowedFd<'_>> {
        (!self.queue.is_empty()).then(|| self.fd.as_fd())
    }

    /// Writes what can be written now.
    pub(crate) fn flush(&mut self) {
        while !self.queue.is_empty() {
            let (front, _) = self.queue.as_slices();
            let written = match self.kind {
                Kind::NonBlocking | Kind::File => rustix::io::write(&self.fd, front),
                Kind::Socket => send(&self.fd, front, SendFlags::DONTWAIT | SendFlags::NOSIGNAL),
                Kind::Polled => {
                    let mut ready = [PollFd::new(&self.fd, PollFlags::OUT)];
                    match poll(&mut ready, Some(&Timespec::default())) {
                        Ok(1..) => {
                            let some = front.len().min(PIPE_BUF);
                            rustix::io::write(&self.fd, &front[..some])
                        }
                        Ok(0) => Err(Errno::AGAIN),
                        Err(error) => Err(error),
                    }
                }
            };
            match written {
                Ok(count) => drop(self.queue.drain(..count)),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                // A caller that does not listen any more is no reason to end the apps, nor is a
                // full disk: the lines are in the log as well.
                Err(_) => self.close(),
            }
        }
        // What a burst needed is given back.
        self.queue.shrink_to(MAX_QUEUED_BYTES / 16);
    }

    /// Drops what waits, and all that comes.
    pub(crate) fn close(&mut self) {
        self.closed = true;
        self.queue = VecDeque::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::pipe::{PipeFlags, pipe_with};

    fn line(console: &mut Console, text: &[u8]) {
        let partial = false;
        console.line("web", 5, Piece { text, partial });
    }

    #[test]
    fn a_line_says_when_and_where_it_comes_from() {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let mut console = Console::new(writer.as_fd()).unwrap();
        line(&mut console, b"a\x1b[31m\xff\0\r");
        console.flush();
        assert!(console.waits().is_none());
        let mut bytes = [0; 100];
        let count = rustix::io::read(&reader, &mut bytes).unwrap();
        let (stamp, rest) =
            bytes[..count].split_at(bytes.iter().position(|byte| *byte == b']').unwrap() + 1);
        assert_eq!(rest, b" web[5]: a\x1b[31m\xff\0\r\n");
        let stamp = std::str::from_utf8(stamp).unwrap();
        let (seconds, micros) = stamp[1..stamp.len() - 1].split_once('.').unwrap();
        assert!(seconds.len() >= 5 && micros.len() == 6, "{stamp}");
        assert!(seconds.trim_start().parse::<u64>().is_ok(), "{stamp}");
    }

    #[test]
    fn a_reader_that_does_not_read_never_blocks_and_gets_everything_later() {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let mut console = Console::new(writer.as_fd()).unwrap();
        let mut sent = 0;
        while console.has_room() {
            line(&mut console, &[b'x'; 1000]);
            sent += 1;
            console.flush();
        }
        assert!(console.waits().is_some());
        drop(writer);
        let mut got = Vec::new();
        let mut chunk = [0; 4096];
        while console.waits().is_some() {
            let count = rustix::io::read(&reader, &mut chunk).unwrap();
            got.extend_from_slice(&chunk[..count]);
            console.flush();
        }
        drop(console);
        loop {
            match rustix::io::read(&reader, &mut chunk).unwrap() {
                0 => break,
                count => got.extend_from_slice(&chunk[..count]),
            }
        }
        assert_eq!(got.split(|byte| *byte == b'\n').count(), sent + 1);
    }

    #[test]
    fn a_reader_that_went_away_costs_nothing() {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let mut console = Console::new(writer.as_fd()).unwrap();
        drop(reader);
        line(&mut console, b"lost");
        console.flush();
        line(&mut console, b"lost too");
        assert!(console.waits().is_none() && console.has_room());
    }

    #[test]
    fn files_keep_their_offset() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut shared = file.reopen().unwrap();
        shared.write_all(b"before\n").unwrap();
        let mut console = Console::new(shared.as_fd()).unwrap();
        console.raw(b"between\n");
        console.flush();
        shared.write_all(b"after\n").unwrap();
        let text = std::fs::read_to_string(file.path()).unwrap();
        assert_eq!(text, "before\nbetween\nafter\n");
    }
}
