//! Lines to the host's journal, in its native protocol.
//!
//! Source: systemd, docs/JOURNAL_NATIVE_PROTOCOL.md.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, send, socket_with,
};

use gantry_types::log_line::LogStream;

use super::lines::Piece;

/// Where the journal listens.
const SOCKET: &str = "/run/systemd/journal/socket";

/// Priority of a line that says nothing else, as rkt's units had it. Source: systemd.exec(5),
/// `SyslogLevel=`.
const INFO: u8 = b'6';

/// A connection to the host's journal.
#[derive(Debug)]
pub(crate) struct Journal {
    socket: OwnedFd,
    /// Fields that every message of the pod has.
    common: Vec<u8>,
    /// A message that the journal had no room for.
    waiting: Option<Vec<u8>>,
}

/// Who a line is from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'a> {
    pub(crate) app: &'a str,
    pub(crate) pid: u32,
    pub(crate) stream: LogStream,
}

impl Journal {
    /// Connects to the journal, if this host has one. `supervisor` is this process, whose unit the
    /// lines belong to.
    pub(crate) fn connect(uuid: &str, supervisor: u32) -> Option<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None).ok()?;
        connect(&socket, &SocketAddrUnix::new(SOCKET).ok()?).ok()?;
        let mut common = Vec::new();
        field(&mut common, "CONTAINER_ID", uuid.as_bytes());
        field(&mut common, "RKT_POD_UUID", uuid.as_bytes());
        // A privileged sender may say whose unit a message is about.
        field(&mut common, "OBJECT_PID", supervisor.to_string().as_bytes());
        Some(Self {
            socket,
            common,
            waiting: None,
        })
    }

    /// Whether it takes another line now.
    pub(crate) fn has_room(&self) -> bool {
        self.waiting.is_none()
    }

    /// What to wait for, if a message waits.
    pub(crate) fn waits(&self) -> Option<BorrowedFd<'_>> {
        self.waiting.as_ref().map(|_| self.socket.as_fd())
    }

    /// Sends a line; false if the journal is not there any more.
    pub(crate) fn line(&mut self, origin: Origin<'_>, piece: Piece<'_>) -> bool {
        let mut message = self.common.clone();
        encode(&mut message, origin, piece);
        match &mut self.waiting {
            // A whole read is never more than a few lines past the point where it was full.
            Some(waiting) => {
                // Messages are separate datagrams, so the length tells them apart.
                waiting.extend((message.len() as u64).to_le_bytes());
                waiting.extend(message);
                true
            }
            None => match self.send(&message) {
                Ok(()) => true,
                Err(Errno::AGAIN) => {
                    let mut waiting = (message.len() as u64).to_le_bytes().to_vec();
                    waiting.extend(message);
                    self.waiting = Some(waiting);
                    true
                }
                Err(_) => false,
            },
        }
    }

    /// Sends what waits as far as there is room; false if the journal is not there any more.
    pub(crate) fn flush(&mut self) -> bool {
        let Some(mut waiting) = self.waiting.take() else {
            return true;
        };
        let mut from = 0;
        while let Some((length, rest)) = waiting[from..].split_first_chunk::<8>() {
            let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
            let Some(message) = rest.get(..length) else {
                break;
            };
            match self.send(message) {
                Ok(()) => from += 8 + length,
                Err(Errno::AGAIN) => {
                    waiting.drain(..from);
                    self.waiting = Some(waiting);
                    return true;
                }
                Err(_) => return false,
            }
        }
        true
    }

    fn send(&self, message: &[u8]) -> Result<(), Errno> {
        loop {
            match send(&self.socket, message, SendFlags::NOSIGNAL) {
                Err(Errno::INTR) => {}
                sent => return sent.map(drop),
            }
        }
    }
}

fn encode(message: &mut Vec<u8>, origin: Origin<'_>, piece: Piece<'_>) {
    let (priority, text) = level(piece.text);
    field(message, "PRIORITY", &[priority]);
    field(message, "SYSLOG_IDENTIFIER", origin.app.as_bytes());
    field(message, "SYSLOG_PID", origin.pid.to_string().as_bytes());
    field(message, "CONTAINER_NAME", origin.app.as_bytes());
    field(message, "RKT_STREAM", origin.stream.as_str().as_bytes());
    if piece.partial {
        field(message, "CONTAINER_PARTIAL_MESSAGE", b"true");
    }
    field(message, "MESSAGE", text);
}

/// The priority of a line that begins as `<3>`, and the line without that. Source: sd-daemon(3).
fn level(text: &[u8]) -> (u8, &[u8]) {
    match text {
        [b'<', level @ b'0'..=b'7', b'>', rest @ ..] => (*level, rest),
        text => (INFO, text),
    }
}

/// Appends a field: `NAME=value`, or with its length where a line would not hold the value.
fn field(message: &mut Vec<u8>, name: &str, value: &[u8]) {
    message.extend(name.as_bytes());
    if value.contains(&b'\n') {
        message.push(b'\n');
        message.extend((value.len() as u64).to_le_bytes());
    } else {
        message.push(b'=');
    }
    message.extend(value);
    message.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(piece: &[u8], partial: bool) -> String {
        let origin = Origin {
            app: "web",
            pid: 5,
            stream: LogStream::Stderr,
        };
        let mut message = Vec::new();
        encode(
            &mut message,
            origin,
            Piece {
                text: piece,
                partial,
            },
        );
        String::from_utf8_lossy(&message).into_owned()
    }

    #[test]
    fn a_message_has_the_fields_that_rkts_units_gave() {
        assert_eq!(
            text(b"hello\0", false),
            "PRIORITY=6\nSYSLOG_IDENTIFIER=web\nSYSLOG_PID=5\nCONTAINER_NAME=web\n\
             RKT_STREAM=stderr\nMESSAGE=hello\0\n"
        );
        let urgent = text(b"<3>broken", true);
        assert!(urgent.starts_with("PRIORITY=3\n"), "{urgent}");
        assert!(
            urgent.ends_with("CONTAINER_PARTIAL_MESSAGE=true\nMESSAGE=broken\n"),
            "{urgent}"
        );
        // No text makes a field of its own.
        assert!(text(b"<9>x", false).contains("MESSAGE=<9>x\n"));
    }

    #[test]
    fn a_value_of_several_lines_has_its_length_before_it() {
        let mut message = Vec::new();
        field(&mut message, "A", b"x\nB=y");
        assert_eq!(message, b"A\n\x05\0\0\0\0\0\0\0x\nB=y\n");
    }
}
