//! The caller's terminal: raw while an app has it, as before afterwards.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize};

use crate::failed::{Failed, Step as _};

/// A terminal that passes on every byte; as it was again once this is dropped.
#[derive(Debug)]
pub(crate) struct RawTerminal {
    before: Termios,
}

impl RawTerminal {
    /// Makes the terminal at standard input raw.
    pub(crate) fn new() -> Result<Self, Failed> {
        let name = || "make the terminal raw";
        let stdin = rustix::stdio::stdin();
        let before = tcgetattr(stdin).step(name)?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(stdin, OptionalActions::Drain, &raw).step(name)?;
        Ok(Self { before })
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        // A terminal that was hung up needs nothing any more.
        let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Drain, &self.before);
    }
}

/// Gives a terminal the size of that at standard input, if there is one.
pub(crate) fn copy_window_size(to: impl AsFd) {
    if let Ok(size) = tcgetwinsize(rustix::stdio::stdin()) {
        let _ = tcsetwinsize(to, size);
    }
}

/// The key that leaves when pressed three times, `Ctrl-]`. Source: systemd-nspawn(1), which rkt's pods
/// ran in.
const LEAVE: u8 = 0x1d;
const TIMES: u8 = 3;

/// All of them within this time.
const WITHIN: Duration = Duration::from_secs(1);

/// Watches what is typed for a wish to leave.
#[derive(Debug, Default)]
pub(crate) struct Escape {
    seen: u8,
    first: Option<Instant>,
    wanted: bool,
}

impl Escape {
    /// Takes note of bytes, which belong to the app all the same.
    pub(crate) fn watch(&mut self, bytes: &[u8]) {
        self.watch_at(bytes, Instant::now());
    }

    fn watch_at(&mut self, bytes: &[u8], now: Instant) {
        for byte in bytes {
            if *byte != LEAVE {
                (self.seen, self.first) = (0, None);
                continue;
            }
            let first = *self.first.get_or_insert(now);
            if now.duration_since(first) > WITHIN {
                (self.seen, self.first) = (1, Some(now));
            } else {
                self.seen += 1;
            }
            if self.seen == TIMES {
                (self.seen, self.first) = (0, None);
                self.wanted = true;
            }
        }
    }

    /// Whether leaving was wished for since the last call.
    pub(crate) fn take(&mut self) -> bool {
        std::mem::take(&mut self.wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_times_within_a_second_is_a_wish_to_leave() {
        let start = Instant::now();
        for (typed, wanted) in [
            (&[(&b"\x1d\x1d\x1d"[..], 0)][..], true),
            (&[(b"\x1d", 0), (b"\x1d", 400), (b"\x1d", 900)], true),
            (&[(b"\x1d", 0), (b"\x1d", 400), (b"\x1d", 1100)], false),
            (&[(b"\x1d\x1dx\x1d", 0)], false),
            (&[(b"\x1d\x1d", 0), (b"x", 10), (b"\x1d", 20)], false),
            (&[(b"\x1d", 0), (b"\x1d\x1d\x1d", 2000)], true),
        ] {
            let mut escape = Escape::default();
            for (bytes, millis) in typed {
                escape.watch_at(bytes, start + Duration::from_millis(*millis));
            }
            assert_eq!(escape.take(), wanted, "{typed:?}");
            assert!(!escape.take());
        }
    }
}
