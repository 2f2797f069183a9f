//! When a failed request is worth another try.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use crate::TransportError;

/// How often a request is tried, and the pause before the second try; each further pause is three times
/// as long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Tries in total, at least one.
    pub tries: u32,
    /// The pause before the second try.
    pub pause: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            tries: 3,
            pause: Duration::from_millis(300),
        }
    }
}

/// The longest pause that a server can ask for with `Retry-After`.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

impl RetryPolicy {
    /// The pause after the failed try number `tried` (from 1), or none if it was the last.
    pub(crate) fn after_error(&self, tried: u32, error: &TransportError) -> Option<Duration> {
        let tries = match error {
            // A server that is just starting deserves one more try; a wrong port does not get better.
            TransportError::Refused => self.tries.min(2),
            TransportError::TimedOut
            | TransportError::Cut
            | TransportError::LookUp(_)
            | TransportError::Other(_) => self.tries,
            TransportError::NameNotFound | TransportError::Certificate(_) => 1,
        };
        (tried < tries).then(|| self.pause_after(tried))
    }

    /// The pause after the answer to try number `tried`, or none if it is final.
    pub(crate) fn after_answer(
        &self,
        tried: u32,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Option<Duration> {
        let transient = matches!(status.as_u16(), 408 | 429 | 502 | 503 | 504);
        if !transient || tried >= self.tries {
            return None;
        }
        let asked = headers
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let pause = asked.unwrap_or_else(|| self.pause_after(tried));
        Some(pause.min(LONGEST_PAUSE))
    }

    fn pause_after(&self, tried: u32) -> Duration {
        let factor = 3_u32.saturating_pow(tried.saturating_sub(1));
        self.pause.saturating_mul(factor).min(LONGEST_PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy = RetryPolicy {
        tries: 3,
        pause: Duration::from_secs(1),
    };

    #[test]
    fn pauses_grow_and_end() {
        let cut = TransportError::Cut;
        assert_eq!(POLICY.after_error(1, &cut), Some(Duration::from_secs(1)));
        assert_eq!(POLICY.after_error(2, &cut), Some(Duration::from_secs(3)));
        assert_eq!(POLICY.after_error(3, &cut), None);
    }

    #[test]
    fn a_refused_connection_is_tried_once_more_and_a_bad_certificate_never() {
        assert!(POLICY.after_error(1, &TransportError::Refused).is_some());
        assert!(POLICY.after_error(2, &TransportError::Refused).is_none());
        let certificate = TransportError::Certificate(String::new());
        assert!(POLICY.after_error(1, &certificate).is_none());
    }

    #[test]
    fn busy_servers_are_asked_again_when_they_say() {
        let busy = StatusCode::SERVICE_UNAVAILABLE;
        let mut headers = HeaderMap::new();
        let pause = |tried, headers: &HeaderMap| POLICY.after_answer(tried, busy, headers);
        assert_eq!(pause(1, &headers), Some(Duration::from_secs(1)));
        assert_eq!(pause(3, &headers), None);
        headers.insert(RETRY_AFTER, "2".parse().unwrap());
        assert_eq!(pause(1, &headers), Some(Duration::from_secs(2)));
        headers.insert(RETRY_AFTER, "86400".parse().unwrap());
        assert_eq!(pause(1, &headers), Some(LONGEST_PAUSE));
        let gone = POLICY.after_answer(1, StatusCode::NOT_FOUND, &headers);
        assert_eq!(gone, None);
    }
}
