//! How slow a download may be before it counts as stuck.

use std::time::{Duration, Instant};

/// The least that has to come: [`bytes`](Self::bytes) in every [`window`](Self::window).
///
/// A server that sends a byte now and then never lets a read time out, and would hold a download for
/// ever; so would a dying network path. What is given up here is taken up again later where it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The least number of bytes.
    pub bytes: u64,
    /// In this time.
    pub window: Duration,
}

impl Default for Pace {
    /// 4 KiB a minute: far below what a telephone line of the last century carried.
    fn default() -> Self {
        Self {
            bytes: 4 * 1024,
            window: Duration::from_secs(60),
        }
    }
}

/// The bytes of one connection against a [`Pace`].
pub(crate) struct Pacer {
    pace: Pace,
    since: Instant,
    came: u64,
}

impl Pacer {
    pub(crate) fn new(pace: Pace, now: Instant) -> Self {
        Self {
            pace,
            since: now,
            came: 0,
        }
    }

    /// Notes that `bytes` came by `now`; false if too few came for too long.
    pub(crate) fn keeps_up(&mut self, bytes: u64, now: Instant) -> bool {
        self.came = self.came.saturating_add(bytes);
        if self.came >= self.pace.bytes {
            self.since = now;
            self.came = 0;
            return true;
        }
        now.saturating_duration_since(self.since) <= self.pace.window
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trickle_is_told_from_a_slow_line() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let pace = Pace {
            bytes: 100,
            window: Duration::from_secs(10),
        };
        let mut slow = Pacer::new(pace, start);
        let mut trickle = Pacer::new(pace, start);
        for second in 1..=30 {
            assert!(slow.keeps_up(11, at(second)), "{second}");
            assert_eq!(trickle.keeps_up(1, at(second)), second <= 10, "{second}");
        }
        let mut late = Pacer::new(pace, start);
        assert!(late.keeps_up(200, at(1000)));
        assert!(late.keeps_up(1, at(1010)));
        assert!(!late.keeps_up(1, at(1011)));
    }
}
