//! When a failed request is worth another try.

use std::time::Duration;

use jiff::Zoned;
use jiff::fmt::rfc2822;
use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

use crate::TransportError;

/// How often a request is tried, and the pause before the second try; each further pause is three times
/// as long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Tries in total, at least one.
    pub tries: u32,
    /// The pause before the second try.
    pub pause: Duration,
    /// The longest pause. A server that asks for a longer one with `Retry-After` is not asked again:
    /// sooner would be against its will, and nobody should wait for it without knowing.
    pub longest_pause: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            tries: 3,
            pause: Duration::from_millis(300),
            longest_pause: Duration::from_secs(30),
        }
    }
}

impl RetryPolicy {
    /// The pause after the failed try number `tried` (from 1), or none if it was the last.
    pub(crate) fn after_error(&self, tried: u32, error: &TransportError) -> Option<Duration> {
        let tries = match error {
            // A server that is just starting deserves one more try; a wrong port does not get better.
            TransportError::Refused | TransportError::Protocol(_) => self.tries.min(2),
            TransportError::TimedOut
            | TransportError::TooSlow
            | TransportError::Cut
            | TransportError::LookUp(_)
            | TransportError::Other(_) => self.tries,
            TransportError::NameNotFound
            | TransportError::Certificate(_)
            | TransportError::Tls(_) => 1,
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
        match retry_after(headers) {
            Some(asked) => (asked <= self.longest_pause).then_some(asked),
            None => Some(self.pause_after(tried)),
        }
    }

    fn pause_after(&self, tried: u32) -> Duration {
        let factor = 3_u32.saturating_pow(tried.saturating_sub(1));
        self.pause.saturating_mul(factor).min(self.longest_pause)
    }
}

/// After which time a server wants to be asked again: a number of seconds, or a date, which counts from
/// the date of the answer itself because clocks differ. Source: RFC 9110, 10.2.3.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok();
    let asked = text(RETRY_AFTER)?.trim();
    if !asked.is_empty() && asked.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(asked.parse().unwrap_or(u64::MAX)));
    }
    let date = |text: &str| rfc2822::parse(text.trim()).ok();
    let (then, now): (Zoned, Zoned) = (date(asked)?, date(text(DATE)?)?);
    let span = then.timestamp().duration_since(now.timestamp());
    Some(span.try_into().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy = RetryPolicy {
        tries: 3,
        pause: Duration::from_secs(1),
        longest_pause: Duration::from_secs(10),
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
        assert_eq!(pause(1, &headers), None);
        let gone = POLICY.after_answer(1, StatusCode::NOT_FOUND, &headers);
        assert_eq!(gone, None);
    }

    #[test]
    fn the_time_to_wait_is_a_number_or_a_date() {
        let date = "Sun, 06 Nov 1994 08:49:30 GMT";
        for (text, date, expected) in [
            ("0", None, Some(0)),
            (" 7 ", None, Some(7)),
            ("99999999999999999999", None, Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(date), Some(7)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(date), Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", None, None),
            ("-1", Some(date), None),
            ("soon", Some(date), None),
            ("", None, None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            if let Some(date) = date {
                headers.insert(DATE, date.parse().unwrap());
            }
            let expected = expected.map(Duration::from_secs);
            assert_eq!(retry_after(&headers), expected, "{text}");
        }
    }
}
