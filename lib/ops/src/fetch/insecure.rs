//! Checks that a user waives: the words of `--insecure-options`.

use std::fmt;
use std::str::FromStr;

use gantry_types::{Diagnostic, Kind};

const IMAGE: u8 = 1;
const TLS: u8 = 1 << 1;
const ON_DISK: u8 = 1 << 2;
const HTTP: u8 = 1 << 3;
const PUBKEY: u8 = 1 << 4;
const CAPABILITIES: u8 = 1 << 5;
const PATHS: u8 = 1 << 6;
const SECCOMP: u8 = 1 << 7;

/// The words and what they stand for. Source: rkt 1.30, rkt/flag/secflags.go.
const WORDS: [(&str, u8); 12] = [
    ("none", 0),
    ("image", IMAGE),
    ("tls", TLS),
    ("ondisk", ON_DISK),
    ("http", HTTP),
    ("pubkey", PUBKEY),
    ("capabilities", CAPABILITIES),
    ("paths", PATHS),
    ("seccomp", SECCOMP),
    ("all-fetch", IMAGE | TLS | HTTP | PUBKEY),
    ("all-run", CAPABILITIES | PATHS | SECCOMP),
    ("all", u8::MAX),
];

/// A set of waived checks, parsed from a comma-separated list; empty by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InsecureOptions {
    bits: u8,
    text: String,
}

/// A word stands for no check.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown insecure option {word:?}")]
pub struct InsecureOptionsError {
    word: String,
}

impl Diagnostic for InsecureOptionsError {
    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        let words: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
        Some(format!("known are {}", words.join(", ")))
    }
}

impl InsecureOptions {
    /// Neither signatures nor names and labels of images are checked.
    #[must_use]
    pub fn image(&self) -> bool {
        self.bits & IMAGE != 0
    }

    /// Certificates of servers are not checked.
    #[must_use]
    pub fn tls(&self) -> bool {
        self.bits & TLS != 0
    }

    /// Discovery falls back to plain http.
    #[must_use]
    pub fn http(&self) -> bool {
        self.bits & HTTP != 0
    }

    /// Public keys may come over insecure connections.
    #[must_use]
    pub fn pubkey(&self) -> bool {
        self.bits & PUBKEY != 0
    }

    /// Apps keep all capabilities.
    #[must_use]
    pub fn capabilities(&self) -> bool {
        self.bits & CAPABILITIES != 0
    }

    /// Sensitive paths are neither hidden nor read-only.
    #[must_use]
    pub fn paths(&self) -> bool {
        self.bits & PATHS != 0
    }

    /// Apps run without a system call filter.
    #[must_use]
    pub fn seccomp(&self) -> bool {
        self.bits & SECCOMP != 0
    }
}

impl FromStr for InsecureOptions {
    type Err = InsecureOptionsError;

    fn from_str(text: &str) -> Result<Self, InsecureOptionsError> {
        let mut bits = 0;
        for word in text
            .split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty())
        {
            let known = WORDS.iter().find(|(name, _)| *name == word);
            let (_, flags) = known.ok_or_else(|| InsecureOptionsError {
                word: word.to_owned(),
            })?;
            bits |= flags;
        }
        Ok(Self {
            bits,
            text: text.to_owned(),
        })
    }
}

/// The option as it was given, such as `--insecure-options=image`.
impl fmt::Display for InsecureOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--insecure-options={}", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_hold_what_they_are_documented_to_hold() {
        let parse = |text: &str| text.parse::<InsecureOptions>().unwrap();
        let fetch = parse("all-fetch");
        assert!(fetch.image() && fetch.tls() && fetch.http() && fetch.pubkey());
        assert!(!fetch.seccomp());
        let run = parse("all-run");
        assert!(run.capabilities() && run.paths() && run.seccomp() && !run.image());
        assert!(parse("all").image() && parse("all").paths());
        assert!(parse("tls,image").image() && !parse("none").image());
        assert_eq!(
            parse("image,tls").to_string(),
            "--insecure-options=image,tls"
        );
    }

    #[test]
    fn an_unknown_word_is_named() {
        let error = "image,imagee".parse::<InsecureOptions>().unwrap_err();
        assert_eq!(error.to_string(), "unknown insecure option \"imagee\"");
    }
}
