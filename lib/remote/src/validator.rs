//! What tells whether a resource is still the same: ETag and Last-Modified.

use reqwest::header::{ETAG, HeaderMap, HeaderName, LAST_MODIFIED};

/// The marks that a server gave a version of a resource, as sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validator {
    /// The `ETag` header.
    pub etag: Option<String>,
    /// The `Last-Modified` header.
    pub last_modified: Option<String>,
}

impl Validator {
    /// The marks in the headers of an answer; values that are no printable ASCII are left out.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let text = |name: HeaderName| Some(headers.get(name)?.to_str().ok()?.to_owned());
        Self {
            etag: text(ETAG),
            last_modified: text(LAST_MODIFIED),
        }
    }

    /// The value for `If-Range`, or none when no mark vouches for equal bytes.
    ///
    /// A weak ETag (`W/`) stands for equal meaning only and must not be used; the date then serves, if
    /// there is one. Source: RFC 9110, 13.1.5.
    pub fn for_range(&self) -> Option<&str> {
        let strong = self.etag.as_deref().filter(|tag| !tag.starts_with("W/"));
        strong.or(self.last_modified.as_deref())
    }

    /// Whether an answer with marks `other` may be another version than this.
    pub(crate) fn contradicts(&self, other: &Self) -> bool {
        let differ = |a: &Option<String>, b: &Option<String>| match (a, b) {
            (Some(a), Some(b)) => a != b,
            _ => false,
        };
        differ(&self.etag, &other.etag) || differ(&self.last_modified, &other.last_modified)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn validator(etag: Option<&str>, last_modified: Option<&str>) -> Validator {
        Validator {
            etag: etag.map(str::to_owned),
            last_modified: last_modified.map(str::to_owned),
        }
    }

    #[test]
    fn a_strong_etag_serves_first_then_the_date() {
        let date = "Thu, 01 Jan 1970 00:00:00 GMT";
        let range = |v: Validator| v.for_range().map(str::to_owned);
        assert_eq!(
            range(validator(Some("\"a\""), Some(date))).unwrap(),
            "\"a\""
        );
        assert_eq!(range(validator(Some("W/\"a\""), Some(date))).unwrap(), date);
        assert_eq!(range(validator(Some("W/\"a\""), None)), None);
        assert_eq!(range(validator(None, None)), None);
    }

    #[test]
    fn only_marks_that_both_have_can_contradict() {
        let a = validator(Some("\"a\""), None);
        assert!(a.contradicts(&validator(Some("\"b\""), None)));
        assert!(!a.contradicts(&validator(Some("\"a\""), Some("x"))));
        assert!(!a.contradicts(&validator(None, Some("x"))));
    }
}
