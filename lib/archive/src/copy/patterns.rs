//! Patterns of files to be left out of a copy, as `.dockerignore` files have them.
//!
//! Each line is a path relative to what is copied: `*` and `?` stand for characters other than `/`, `[a-z]` for
//! one of a set, `**` for any number of directories, and `\` takes the meaning from the next character. A
//! pattern names what lies below as well. `!` in front brings back what an earlier line has left out: the
//! last line that fits counts. `#` begins a comment. Source: docs.docker.com, "Dockerfile reference",
//! `.dockerignore file`; Go's path/filepath.Match.

use std::ops::ControlFlow;

/// Most patterns of a list.
pub const MAX_PATTERNS: usize = 10_000;

/// Longest pattern, in bytes.
const MAX_LENGTH: usize = 4096;

/// Files to be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patterns {
    lines: Vec<Pattern>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    /// It brings back.
    negated: bool,
    parts: Vec<Part>,
}

/// One component of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// `**`.
    Any,
    One(Vec<Piece>),
}

/// One character of a component, or many.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Byte(u8),
    /// `?`.
    AnyByte,
    /// `*`.
    Star,
    /// `[…]`: ranges, and whether it is all others that fit.
    Set(Vec<(u8, u8)>, bool),
}

/// A line is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// A set has no end, or a `\` nothing after it.
    #[error("{pattern:?} is no pattern: {what}")]
    Malformed {
        /// The line.
        pattern: String,
        /// What is wrong.
        what: &'static str,
    },
    /// It is too long.
    #[error("a pattern of {length} bytes, of which {MAX_LENGTH} are taken")]
    TooLong {
        /// How long.
        length: usize,
    },
    /// There are too many.
    #[error("more than {MAX_PATTERNS} patterns")]
    TooMany,
}

impl Patterns {
    /// Reads a file of patterns, one a line.
    ///
    /// # Errors
    ///
    /// [`PatternError`].
    pub fn parse(text: &[u8]) -> Result<Self, PatternError> {
        let mut patterns = Self::default();
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        for line in text.split(|byte| *byte == b'\n') {
            let line = line.trim_ascii();
            if !line.starts_with(b"#") {
                patterns.add(line)?;
            }
        }
        Ok(patterns)
    }

    /// Adds one pattern, which counts before those that are there; an empty one is none.
    ///
    /// # Errors
    ///
    /// [`PatternError`].
    pub fn add(&mut self, line: &[u8]) -> Result<(), PatternError> {
        if line.len() > MAX_LENGTH {
            return Err(PatternError::TooLong { length: line.len() });
        }
        if self.lines.len() == MAX_PATTERNS {
            return Err(PatternError::TooMany);
        }
        let (negated, pattern) = match line.strip_prefix(b"!") {
            Some(rest) => (true, rest.trim_ascii()),
            None => (false, line),
        };
        let malformed = |what| PatternError::Malformed {
            pattern: String::from_utf8_lossy(line).into_owned(),
            what,
        };
        let mut parts = Vec::new();
        for part in pattern.split(|byte| *byte == b'/') {
            match part {
                b"" | b"." => {}
                b".." => drop(parts.pop()),
                b"**" => parts.push(Part::Any),
                part => parts.push(Part::One(pieces(part).map_err(malformed)?)),
            }
        }
        if !parts.is_empty() {
            self.lines.push(Pattern { negated, parts });
        }
        Ok(())
    }

    /// Whether nothing is left out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Whether some line brings back what another has left out.
    #[must_use]
    pub fn bring_back(&self) -> bool {
        self.lines.iter().any(|line| line.negated)
    }

    /// Whether the file at `path`, relative to what is copied, is left out.
    #[must_use]
    pub fn exclude(&self, path: &[u8]) -> bool {
        let components: Vec<&[u8]> = path
            .split(|byte| *byte == b'/')
            .filter(|part| !part.is_empty())
            .collect();
        let last = self.lines.iter().rev().try_for_each(|line| {
            match fits_or_lies_below(&line.parts, &components) {
                true => ControlFlow::Break(!line.negated),
                false => ControlFlow::Continue(()),
            }
        });
        last.break_value().unwrap_or(false)
    }
}

fn pieces(part: &[u8]) -> Result<Vec<Piece>, &'static str> {
    let mut pieces = Vec::new();
    let mut bytes = part.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        pieces.push(match byte {
            b'?' => Piece::AnyByte,
            b'*' if pieces.last() == Some(&Piece::Star) => continue,
            b'*' => Piece::Star,
            b'\\' => Piece::Byte(bytes.next().ok_or("a \\ ends it")?),
            b'[' => {
                let negated = bytes.next_if(|byte| matches!(byte, b'^' | b'!')).is_some();
                let mut ranges = Vec::new();
                loop {
                    let mut next = || -> Result<(u8, bool), &'static str> {
                        Ok(match bytes.next().ok_or("a [ has no ]")? {
                            b'\\' => (bytes.next().ok_or("a \\ ends it")?, true),
                            byte => (byte, false),
                        })
                    };
                    let (first, escaped) = next()?;
                    if first == b']' && !escaped && !ranges.is_empty() {
                        break;
                    }
                    let last = match bytes.next_if(|byte| *byte == b'-') {
                        None => first,
                        Some(_) => match bytes.next().ok_or("a [ has no ]")? {
                            b'\\' => bytes.next().ok_or("a \\ ends it")?,
                            last => last,
                        },
                    };
                    ranges.push((first, last));
                }
                Piece::Set(ranges, negated)
            }
            byte => Piece::Byte(byte),
        });
    }
    Ok(pieces)
}

/// Whether the pattern names the path or a directory above it.
///
/// `reached[n]` tells whether the parts so far name the first `n` components, which takes no longer than the
/// product of both lengths whatever the pattern is.
fn fits_or_lies_below(parts: &[Part], components: &[&[u8]]) -> bool {
    let mut reached = vec![false; components.len() + 1];
    reached[0] = true;
    for part in parts {
        let mut next = vec![false; components.len() + 1];
        match part {
            Part::Any => {
                let mut any = false;
                for (after, before) in next.iter_mut().zip(&reached) {
                    any |= *before;
                    *after = any;
                }
            }
            Part::One(pieces) => {
                for (index, component) in components.iter().enumerate() {
                    next[index + 1] = reached[index] && fits(pieces, component);
                }
            }
        }
        reached = next;
    }
    // Of `**` alone the root itself would be named, which is what is copied.
    reached.iter().skip(1).any(|reached| *reached)
}

/// Whether a component fits; the last star is the only one to come back to.
fn fits(pieces: &[Piece], component: &[u8]) -> bool {
    let (mut at, mut byte) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while byte < component.len() {
        let found = pieces.get(at).is_some_and(|piece| match piece {
            Piece::Byte(wanted) => *wanted == component[byte],
            Piece::AnyByte => true,
            Piece::Star => false,
            Piece::Set(ranges, negated) => {
                let among = ranges
                    .iter()
                    .any(|(first, last)| (*first..=*last).contains(&component[byte]));
                among != *negated
            }
        });
        match (found, pieces.get(at), star) {
            (true, _, _) => (at, byte) = (at + 1, byte + 1),
            (false, Some(Piece::Star), _) => {
                star = Some((at, byte));
                at += 1;
            }
            (false, _, Some((after, from))) => {
                star = Some((after, from + 1));
                (at, byte) = (after + 1, from + 1);
            }
            (false, _, None) => return false,
        }
    }
    pieces[at.min(pieces.len())..]
        .iter()
        .all(|piece| *piece == Piece::Star)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_leave_out_what_they_name_and_what_lies_below() {
        let table: [(&str, &[&str], &[&str]); 13] = [
            (
                "target",
                &["target", "target/a/b"],
                &["a/target", "targets"],
            ),
            ("/target/", &["target", "target/x"], &["a/target"]),
            (
                "**/target",
                &["target", "a/target", "a/b/target/c"],
                &["a/targets"],
            ),
            ("*.o", &["a.o", ".o"], &["d/a.o", "a.out"]),
            ("**/*.o", &["a.o", "d/a.o", "d/e/a.o"], &["a.c"]),
            ("a/**/b", &["a/b", "a/x/b", "a/x/y/b/c"], &["a", "b", "a/x"]),
            ("a/**", &["a/b", "a/b/c"], &["b"]),
            (
                "te?t[0-9]",
                &["test1", "text9"],
                &["test", "testx", "te/t1"],
            ),
            ("[^a-c]x", &["dx"], &["ax", "cx"]),
            ("[]x]", &["]", "x"], &["y"]),
            (r"\*", &["*"], &["a"]),
            ("# no\n\n  b  \r\n", &["b"], &["#", "a"]),
            (
                "*\n!keep\n!d/keep\nkeep/not",
                &["a", "d", "d/a", "keep/not"],
                &["keep", "keep/x", "d/keep"],
            ),
        ];
        for (text, out, kept) in table {
            let patterns = Patterns::parse(text.as_bytes()).unwrap();
            for path in out {
                assert!(patterns.exclude(path.as_bytes()), "{text:?} {path}");
            }
            for path in kept {
                assert!(!patterns.exclude(path.as_bytes()), "{text:?} {path}");
            }
        }
    }

    #[test]
    fn a_line_that_is_no_pattern_is_refused() {
        for text in ["[a", "a\\", "[a-", "[\\", "[]"] {
            let parsed = Patterns::parse(text.as_bytes());
            assert!(
                matches!(parsed, Err(PatternError::Malformed { .. })),
                "{text}"
            );
        }
        let long = vec![b'a'; MAX_LENGTH + 1];
        assert_eq!(
            Patterns::parse(&long),
            Err(PatternError::TooLong {
                length: MAX_LENGTH + 1
            })
        );
        let many = "a\n".repeat(MAX_PATTERNS + 1);
        assert_eq!(Patterns::parse(many.as_bytes()), Err(PatternError::TooMany));
        assert!(Patterns::parse(b"..\n.\n/\n!").unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn a_path_without_special_characters_names_itself(path in "[a-z]{1,4}(/[a-z.]{1,4}){0,3}") {
            prop_assume!(!path.split('/').any(|part| matches!(part, "." | "..")));
            let patterns = Patterns::parse(path.as_bytes()).unwrap();
            prop_assert!(patterns.exclude(path.as_bytes()));
            let below = format!("{}/below", path);
            prop_assert!(patterns.exclude(below.as_bytes()));
        }

        #[test]
        fn any_text_is_read_and_tried(text: Vec<u8>, path: Vec<u8>) {
            if let Ok(patterns) = Patterns::parse(&text) {
                let _ = patterns.exclude(&path);
            }
        }
    }
}
