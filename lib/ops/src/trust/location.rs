//! Where a key is.

use std::fmt;
use std::path::PathBuf;

use gantry_remote::{RedactedUrl, Url};
use gantry_types::{Diagnostic, Kind};

/// Where a public key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A file of this machine.
    File(PathBuf),
    /// An http or https URL.
    Url(Url),
}

/// A text does not say where a key is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// The text has a scheme, but not one of those we know.
    #[error("only local files and http or https URLs supported")]
    Scheme,
    /// The text is not a URL.
    #[error("not a valid URL")]
    Url,
}

impl Diagnostic for LocationError {
    fn kind(&self) -> Kind {
        Kind::Usage
    }
}

impl Location {
    /// Reads what a user wrote: a URL if it has a scheme and `://`, a path otherwise.
    ///
    /// # Errors
    ///
    /// [`LocationError`] for other schemes and broken URLs.
    pub fn parse(text: &str) -> Result<Self, LocationError> {
        let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
        let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
        if is_scheme {
            Self::remote(text)
        } else {
            Ok(Self::File(text.into()))
        }
    }

    /// Reads what a stranger wrote, who may not name files of this machine.
    ///
    /// # Errors
    ///
    /// [`LocationError`] for anything but an http or https URL.
    pub fn remote(text: &str) -> Result<Self, LocationError> {
        let url = Url::parse(text).map_err(|_| LocationError::Url)?;
        match url.scheme() {
            "http" | "https" => Ok(Self::Url(url)),
            _ => Err(LocationError::Scheme),
        }
    }
}

/// As it was written, without secrets.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Url(url) => RedactedUrl::new(url).fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_have_a_scheme_and_everything_else_is_a_path() {
        for path in [
            "key.asc",
            "/a/b",
            "example.com:80/key",
            "./https://x",
            "://x",
            "a b://c",
        ] {
            assert_eq!(
                Location::parse(path),
                Ok(Location::File(path.into())),
                "{path}"
            );
        }
        for url in ["https://example.com/key.asc", "HTTP://example.com/key.asc"] {
            assert!(
                matches!(Location::parse(url), Ok(Location::Url(_))),
                "{url}"
            );
        }
        for bad in ["ftp://example.com/k", "file:///etc/key", "hdfs://x/y"] {
            assert_eq!(Location::parse(bad), Err(LocationError::Scheme), "{bad}");
        }
        assert_eq!(Location::parse("https://"), Err(LocationError::Url));
    }

    #[test]
    fn a_page_cannot_name_a_local_file() {
        assert!(Location::remote("/etc/shadow").is_err());
        assert!(Location::remote("file:///etc/shadow").is_err());
    }

    #[test]
    fn passwords_are_not_shown() {
        let location = Location::parse("https://me:secret@example.com/key.asc").unwrap();
        assert!(!location.to_string().contains("secret"));
    }
}
