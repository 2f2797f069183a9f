//! The headers of an answer that a download depends on.

use std::time::Duration;

use reqwest::header::{CACHE_CONTROL, HeaderMap};

/// A `Content-Range` header: `bytes 0-9/10`, `bytes 0-9/*` or `bytes */10`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ContentRange {
    pub first: Option<u64>,
    pub total: Option<u64>,
}

impl ContentRange {
    pub fn parse(text: &str) -> Option<Self> {
        let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
        let total = match total {
            "*" => None,
            total => Some(total.parse().ok()?),
        };
        if range == "*" {
            return Some(Self { first: None, total });
        }
        let (first, last) = range.split_once('-')?;
        let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
        // The part asked for is the rest, so it has to end where the resource does.
        let to_the_end = total.is_none_or(|total| last.checked_add(1) == Some(total));
        (first <= last && to_the_end).then_some(Self {
            first: Some(first),
            total: total.or_else(|| last.checked_add(1)),
        })
    }
}

/// How long an answer may be reused, by its `Cache-Control`.
pub(super) fn fresh_for(headers: &HeaderMap) -> Duration {
    let mut seconds = 0;
    for value in headers.get_all(CACHE_CONTROL) {
        for directive in value.to_str().unwrap_or_default().split(',') {
            let directive = directive.trim().to_ascii_lowercase();
            if matches!(directive.as_str(), "no-cache" | "no-store") {
                return Duration::ZERO;
            }
            if let Some(age) = directive.strip_prefix("max-age=") {
                seconds = age.trim_matches('"').parse().unwrap_or(0);
            }
        }
    }
    Duration::from_secs(seconds)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_to_the_end_are_read() {
        let range = |first, total| Some(ContentRange { first, total });
        for (text, expected) in [
            ("bytes 4-9/10", range(Some(4), Some(10))),
            ("bytes 4-9/*", range(Some(4), Some(10))),
            ("bytes */10", range(None, Some(10))),
            ("bytes 4-8/10", None),
            ("bytes 9-4/10", None),
            ("bytes 4-18446744073709551615/*", range(Some(4), None)),
            ("bytes 4-9", None),
            ("bytes=4-9/10", None),
            ("items 4-9/10", None),
            ("", None),
        ] {
            assert_eq!(ContentRange::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn freshness_follows_cache_control() {
        for (text, seconds) in [
            ("max-age=600", 600),
            ("public, Max-Age=\"60\"", 60),
            ("max-age=600, no-cache", 0),
            ("no-store", 0),
            ("max-age=-1", 0),
            ("max-age=99999999999999999999", 0),
            ("", 0),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CACHE_CONTROL, text.parse().unwrap());
            assert_eq!(fresh_for(&headers), Duration::from_secs(seconds), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_of_a_range_is_what_was_written(first: u64, more: u64, known: bool) {
            let last = first.saturating_add(more).min(u64::MAX - 1);
            prop_assume!(first <= last);
            let total = last + 1;
            let text = match known {
                true => format!("bytes {first}-{last}/{total}"),
                false => format!("bytes {first}-{last}/*"),
            };
            let expected = ContentRange { first: Some(first), total: Some(total) };
            prop_assert_eq!(ContentRange::parse(&text), Some(expected));
        }

        #[test]
        fn no_header_makes_a_reader_panic(text in "[ -~]{0,60}", range in "[a-z0-9 */=-]{0,60}") {
            let _ = ContentRange::parse(&text);
            let _ = ContentRange::parse(&format!("bytes {range}"));
            let mut headers = HeaderMap::new();
            headers.insert(CACHE_CONTROL, text.parse().unwrap());
            let _ = fresh_for(&headers);
            headers.insert(reqwest::header::RETRY_AFTER, text.parse().unwrap());
            headers.insert(reqwest::header::DATE, text.parse().unwrap());
            let _ = crate::retry::retry_after(&headers);
        }
    }
}
