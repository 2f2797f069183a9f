//! Versions of the App Container specification.

use std::fmt;
use std::str::FromStr;

use crate::diagnostic::usage_errors;
use crate::text::text_type;

/// A version `major.minor.patch[-pre][+metadata]`.
///
/// Looser than semver.org, as manifests in the world need: leading zeros pass, the pre-release and the
/// metadata may hold anything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SemVer {
    major: i64,
    minor: i64,
    patch: i64,
    pre_release: Box<str>,
    metadata: Box<str>,
}

/// A text is not a version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SemVerError {
    /// The version is 0.0.0 without anything else.
    #[error("SemVer cannot be zero")]
    Zero,
    /// The text, kept here, is something else.
    #[error("SemVer is bad")]
    Bad(String),
}
usage_errors!(SemVerError);

impl SemVer {
    /// The version that manifests written by these tools carry: the last of the specification.
    pub fn ac_version() -> Self {
        Self {
            major: 0,
            minor: 8,
            patch: 11,
            pre_release: "".into(),
            metadata: "git".into(),
        }
    }

    /// The first number. Only this one decides whether two versions go together.
    pub fn major(&self) -> i64 {
        self.major
    }

    /// The second number.
    pub fn minor(&self) -> i64 {
        self.minor
    }

    /// The third number.
    pub fn patch(&self) -> i64 {
        self.patch
    }
}

impl FromStr for SemVer {
    type Err = SemVerError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || SemVerError::Bad(text.to_owned());
        let (rest, metadata) = text.split_once('+').unwrap_or((text, ""));
        let (numbers, pre_release) = rest.split_once('-').unwrap_or((rest, ""));
        let mut parts = numbers
            .split('.')
            .map(|part| part.parse::<i64>().map_err(|_| bad()));
        let mut next = || parts.next().unwrap_or_else(|| Err(bad()));
        let version = Self {
            major: next()?,
            minor: next()?,
            patch: next()?,
            pre_release: pre_release.into(),
            metadata: metadata.into(),
        };
        if parts.next().is_some() {
            return Err(bad());
        }
        match &version {
            Self {
                major: 0,
                minor: 0,
                patch: 0,
                pre_release,
                metadata,
            } if pre_release.is_empty() && metadata.is_empty() => Err(SemVerError::Zero),
            _ => Ok(version),
        }
    }
}

impl fmt::Display for SemVer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.pre_release.is_empty() {
            write!(f, "-{}", self.pre_release)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

text_type!(SemVer);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_the_original_does() {
        // Source: appc spec, schema/types/semver.go.
        for text in [
            "0.8.11",
            "1.2.3",
            "0.0.1",
            "0.8.11+git",
            "1.2.3-pre",
            "1.2.3-a-b+c-d",
            "0.0.0-pre",
        ] {
            assert_eq!(text.parse::<SemVer>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "1",
            "1.2",
            "1.2.3.4",
            "v1.2.3",
            "1.2.x",
            "1..3",
            " 1.2.3",
            "9223372036854775808.0.0",
        ] {
            let error = text.parse::<SemVer>().unwrap_err();
            assert_eq!(error.to_string(), "SemVer is bad", "{text:?}");
        }
        assert_eq!("0.0.0".parse::<SemVer>(), Err(SemVerError::Zero));
        assert_eq!(SemVerError::Zero.to_string(), "SemVer cannot be zero");
        assert_eq!(SemVer::ac_version().to_string(), "0.8.11+git");
        assert_eq!("7.1.0".parse::<SemVer>().unwrap().major(), 7);
    }
}
