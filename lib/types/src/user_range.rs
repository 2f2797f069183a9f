//! The user and group IDs of a pod's user namespace, as the host counts them.

use std::fmt;
use std::str::FromStr;

use crate::diagnostic::usage_errors;

/// A range of IDs of the host that stand for 0 and up in a pod; the same for users and groups.
///
/// Its text is `SHIFT:COUNT`, as in the file `private-users-prepared` and the argument
/// `--private-users` of a stage1. Source: rkt 1.30, Documentation/devel/stage1-implementors-guide.md.
///
/// ```
/// let range: gantry_types::UserRange = "65536:65536".parse()?;
/// assert_eq!(range.to_host(33), Some(65569));
/// assert_eq!(range.to_pod(65569), Some(33));
/// assert_eq!(range.to_pod(0), None); // root of the host is nobody in the pod
/// # Ok::<(), gantry_types::UserRangeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UserRange {
    first: u32,
    count: u32,
}

/// A text or a pair of numbers is no range of IDs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserRangeError {
    /// It is not two numbers with a colon between them.
    #[error("{0:?} is not of the form SHIFT:COUNT")]
    Form(String),
    /// There is no ID in it, or it has more than there are.
    #[error("{count} IDs from {first} on are none, or more than there are")]
    Bounds {
        /// The first ID.
        first: u32,
        /// How many.
        count: u32,
    },
}
usage_errors!(UserRangeError);

impl UserRange {
    /// The `count` IDs from `first` on.
    ///
    /// # Errors
    ///
    /// [`UserRangeError::Bounds`] if that is none, or reaches the highest number, which is no ID.
    pub fn new(first: u32, count: u32) -> Result<Self, UserRangeError> {
        match first.checked_add(count) {
            Some(_) if count > 0 => Ok(Self { first, count }),
            _ => Err(UserRangeError::Bounds { first, count }),
        }
    }

    /// The host's ID that is 0 in the pod.
    pub fn first(self) -> u32 {
        self.first
    }

    /// How many IDs there are.
    pub fn count(self) -> u32 {
        self.count
    }

    /// What the host calls ID `id` of the pod; `None` if the pod has no such ID.
    pub fn to_host(self, id: u32) -> Option<u32> {
        // Cannot overflow: the sum of both numbers fits.
        (id < self.count).then(|| self.first + id)
    }

    /// What the pod calls ID `id` of the host; `None` if it is not the pod's.
    pub fn to_pod(self, id: u32) -> Option<u32> {
        id.checked_sub(self.first).filter(|id| *id < self.count)
    }

    /// Whether some ID is in both ranges.
    pub fn overlaps(self, other: Self) -> bool {
        self.first < other.first + other.count && other.first < self.first + self.count
    }
}

impl FromStr for UserRange {
    type Err = UserRangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |digits: &str| {
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| digits.parse().ok()).flatten()
        };
        let parts = text.split_once(':');
        match parts.and_then(|(first, count)| Some((number(first)?, number(count)?))) {
            Some((first, count)) => Self::new(first, count),
            None => Err(UserRangeError::Form(text.to_owned())),
        }
    }
}

impl fmt::Display for UserRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.first, self.count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_range_is_two_numbers_that_fit() {
        for good in [
            "65536:65536",
            "1:1",
            "0:1",
            "2147418112:65536",
            "4294967294:1",
        ] {
            assert_eq!(good.parse::<UserRange>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            ":",
            "1",
            "1:",
            ":1",
            "1:2:3",
            "+1:2",
            "-1:2",
            "1 :2",
            "a:b",
            "1:0",
            "4294967295:1",
            "1:4294967295",
            "4294967296:1",
            "1:2\n",
            "0x1:2",
        ] {
            assert!(bad.parse::<UserRange>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn ranges_overlap_only_with_a_common_id() {
        let range = |first, count| UserRange::new(first, count).unwrap();
        assert!(range(10, 10).overlaps(range(19, 1)));
        assert!(range(10, 10).overlaps(range(0, 11)));
        assert!(range(10, 10).overlaps(range(12, 2)));
        assert!(!range(10, 10).overlaps(range(20, 5)));
        assert!(!range(10, 10).overlaps(range(5, 5)));
    }

    proptest! {
        #[test]
        fn what_is_shifted_comes_back(first: u32, count: u32, id: u32) {
            if let Ok(range) = UserRange::new(first, count) {
                if let Some(host) = range.to_host(id) {
                    prop_assert_eq!(range.to_pod(host), Some(id));
                }
                if let Some(pod) = range.to_pod(id) {
                    prop_assert_eq!(range.to_host(pod), Some(id));
                }
            }
        }

        #[test]
        fn no_text_makes_it_panic(text: String) {
            if let Ok(range) = text.parse::<UserRange>() {
                prop_assert_eq!(range.to_string().parse::<UserRange>(), Ok(range));
            }
        }
    }
}
