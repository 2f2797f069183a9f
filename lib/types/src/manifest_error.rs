//! Why a manifest cannot be taken.

use std::error::Error;

use crate::ac_kind::{AcKind, AcKindError};
use crate::diagnostic::{Diagnostic, Kind};
use crate::json::{Cursor, Decode, DecodeError, Node, Problem, SyntaxError, parse};
use crate::semver::SemVer;

/// Largest manifest accepted, in bytes. Generous: real ones have a few kilobytes.
pub const MAX_MANIFEST_BYTES: usize = 4 * 1024 * 1024;

/// A place in a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The way from the root, such as `app.ports[0].name`; empty for the document itself.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in bytes, from 1.
    pub column: usize,
}

impl Location {
    fn named(&self) -> String {
        if self.path.is_empty() {
            "manifest".to_owned()
        } else {
            format!("field {}", self.path)
        }
    }
}

/// A manifest cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The text is larger than [`MAX_MANIFEST_BYTES`].
    #[error("manifest of {size} bytes is larger than {MAX_MANIFEST_BYTES} bytes")]
    TooLarge {
        /// The size in bytes.
        size: usize,
    },
    /// The text is not JSON.
    #[error("\nError at line {line}, column {column}\n{highlight}{message}")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// The column in bytes, from 1.
        column: usize,
        /// The line before and the line up to the error, with a mark under it.
        highlight: String,
        /// What is wrong.
        message: String,
    },
    /// A value has the wrong JSON type, or is a number out of range.
    #[error("json: cannot unmarshal {found} into {} of type {expected}", at.named())]
    Type {
        /// Where.
        at: Location,
        /// What stands there.
        found: String,
        /// What should.
        expected: &'static str,
    },
    /// The document is not of the kind wanted.
    #[error("{cause}")]
    Kind {
        /// Where.
        at: Location,
        /// What is wrong with it.
        cause: AcKindError,
    },
    /// A value breaks a rule. `cause` is the error of the value's own type.
    #[error("{cause}")]
    Invalid {
        /// Where.
        at: Location,
        /// The rule broken.
        cause: Box<dyn Error + Send + Sync>,
    },
}

impl ManifestError {
    /// The place of the error, where it is about one value or one character.
    pub fn location(&self) -> Option<Location> {
        match self {
            Self::TooLarge { .. } => None,
            Self::Syntax { line, column, .. } => Some(Location {
                path: String::new(),
                line: *line,
                column: *column,
            }),
            Self::Type { at, .. } | Self::Kind { at, .. } | Self::Invalid { at, .. } => {
                Some(at.clone())
            }
        }
    }

    fn syntax(text: &[u8], error: SyntaxError) -> Self {
        let (line, column) = position(text, error.offset);
        let SyntaxError { offset, message } = error;
        Self::Syntax {
            line,
            column,
            highlight: highlight(text, offset, line),
            message,
        }
    }

    fn decode(text: &[u8], error: DecodeError) -> Self {
        let (line, column) = position(text, error.offset);
        let at = Location {
            path: error.path,
            line,
            column,
        };
        match error.problem {
            Problem::Type { found, expected } => Self::Type {
                at,
                found,
                expected,
            },
            Problem::Kind(cause) => Self::Kind { at, cause },
            Problem::Invalid(cause) => Self::Invalid { at, cause },
        }
    }
}

impl Diagnostic for ManifestError {
    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::TooLarge { .. } | Self::Syntax { .. } => None,
            Self::Type { at, .. } | Self::Kind { at, .. } | Self::Invalid { at, .. } => {
                let Location { path, line, column } = at;
                let named = if path.is_empty() {
                    String::new()
                } else {
                    format!("{path}, ")
                };
                Some(format!(
                    "see {named}line {line}, column {column} of the manifest"
                ))
            }
        }
    }
}

/// Parses and decodes a document after checking its size.
pub(crate) fn from_json<T: Decode>(text: &[u8]) -> Result<T, ManifestError> {
    from_json_with(text, T::decode)
}

/// As [`from_json`], with a decoder that knows more than its type.
pub(crate) fn from_json_with<T>(
    text: &[u8],
    decode: impl FnOnce(Cursor<'_>) -> Result<T, DecodeError>,
) -> Result<T, ManifestError> {
    let node = tree(text)?;
    decode(Cursor::root(&node)).map_err(|error| ManifestError::decode(text, error))
}

/// Parses a document after checking its size.
pub(crate) fn tree(text: &[u8]) -> Result<Node, ManifestError> {
    if text.len() > MAX_MANIFEST_BYTES {
        return Err(ManifestError::TooLarge { size: text.len() });
    }
    parse(text).map_err(|error| ManifestError::syntax(text, error))
}

/// Checks the member `acKind` of a manifest.
pub(crate) fn check_kind(cursor: Cursor<'_>, wanted: AcKind) -> Result<(), DecodeError> {
    let fields = cursor.object()?;
    let wrong = AcKindError::Wrong { wanted };
    match fields.present::<WrittenKind>("acKind")? {
        Some(WrittenKind(found)) if found == wanted => Ok(()),
        _ => {
            let at = fields.get("acKind").unwrap_or(cursor);
            Err(at.fail(Problem::Kind(wrong)))
        }
    }
}

/// A kind whose errors are told apart from those of other values.
struct WrittenKind(AcKind);

impl Decode for WrittenKind {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let kind = cursor.string()?.parse();
        kind.map(Self)
            .map_err(|error| cursor.fail(Problem::Kind(error)))
    }
}

/// Goes on with a manifest whose kind is right; with a log also where it is not.
pub(crate) fn after_kind<T>(
    cursor: Cursor<'_>,
    kind: Result<(), DecodeError>,
    read: impl FnOnce() -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    match kind {
        Err(error) if !cursor.goes_on() => Err(error),
        kind => {
            let manifest = read();
            kind.and(manifest)
        }
    }
}

/// The kind that a document says to be of, without looking at anything else but its version, as the original.
///
/// # Errors
///
/// [`ManifestError`] if the text is not a JSON object, its `acKind` is missing or unknown, or it has an
/// `acVersion` that is none.
pub fn kind_of(text: &[u8]) -> Result<AcKind, ManifestError> {
    from_json_with(text, |cursor| {
        let fields = cursor.object()?;
        fields.present::<SemVer>("acVersion")?;
        match fields.present("acKind")? {
            Some(WrittenKind(kind)) => Ok(kind),
            None => Err(cursor.fail(Problem::Kind(AcKindError::Unset))),
        }
    })
}

/// Line and column, from 1, of a byte.
pub(crate) fn position(text: &[u8], offset: usize) -> (usize, usize) {
    let before = &text[..offset.min(text.len())];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let start = line_start(before);
    (line, before.len() - start + 1)
}

/// Where the lines of a text begin, for many positions in one text.
pub(crate) struct LineIndex(Vec<usize>);

impl LineIndex {
    pub(crate) fn new(text: &[u8]) -> Self {
        let newlines = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        Self(newlines.map(|(at, _)| at + 1).collect())
    }

    /// Line and column, from 1, of a byte.
    pub(crate) fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.0.partition_point(|start| *start <= offset);
        let start = line.checked_sub(1).map_or(0, |before| self.0[before]);
        (line + 1, offset - start + 1)
    }
}

fn line_start(before: &[u8]) -> usize {
    before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |newline| newline + 1)
}

/// The line before the error, its own line up to it, and a mark. Long lines are cut at the front.
fn highlight(text: &[u8], offset: usize, line: usize) -> String {
    const MAX_SHOWN: usize = 120;
    let shown = |bytes: &[u8]| -> String {
        let cut = bytes.len().saturating_sub(MAX_SHOWN);
        String::from_utf8_lossy(&bytes[cut..])
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect()
    };
    let end = (offset + 1).min(text.len());
    let start = line_start(&text[..offset.min(text.len())]);
    let mut out = String::new();
    if start > 0 {
        let previous = &text[line_start(&text[..start - 1])..start - 1];
        out.push_str(&format!("{:5}: {}\n", line - 1, shown(previous)));
    }
    let own = shown(&text[start..end]);
    let width = own.chars().count().max(1) + 6;
    out.push_str(&format!("{line:5}: {own}\n{:>width$}^\n", ""));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image_manifest::ImageManifest;

    fn error(text: &str) -> ManifestError {
        ImageManifest::from_json(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn syntax_errors_show_the_place() {
        // Actool's message: line, column and the highlighted line.
        let text = "{\n  \"acKind\": \"ImageManifest\",\n  \"name\" \"x\"\n}";
        let shown = error(text);
        assert_eq!(
            shown.to_string(),
            "\nError at line 3, column 10\n    2:   \"acKind\": \"ImageManifest\",\n    \
             3:   \"name\" \"\n                ^\ninvalid character '\"' after object key"
        );
        assert_eq!(shown.hint(), None);
        let at = error("{").location().unwrap();
        assert_eq!((at.line, at.column), (1, 2));
        assert!(
            error("")
                .to_string()
                .starts_with("\nError at line 1, column 1\n")
        );
    }

    #[test]
    fn errors_of_meaning_carry_path_line_and_column() {
        let start = r#"{"acKind":"ImageManifest","acVersion":"0.8.11","name":"a","#;
        let table = [
            (
                "\n\"app\":{\"user\":\"0\",\"group\":\"0\",\n\"ports\":[{\"name\":\"UP\"}]}}",
                "app.ports[0].name",
                3,
                18,
            ),
            (
                "\n\"APP\":{\"Ports\":5,\"user\":\"0\",\"group\":\"0\"}}",
                "app.ports",
                2,
                16,
            ),
            ("\"app\":{\"user\":\"0\"}}", "app", 1, 65),
            ("\"labels\":[{}]}", "labels[0].name", 1, 69),
        ];
        for (rest, path, line, column) in table {
            let shown = error(&format!("{start}{rest}"));
            assert_eq!(
                shown.location(),
                Some(Location {
                    path: path.to_owned(),
                    line,
                    column
                }),
                "{rest}"
            );
            assert_eq!(
                shown.hint(),
                Some(format!(
                    "see {path}, line {line}, column {column} of the manifest"
                ))
            );
        }
    }

    #[test]
    fn the_kind_is_told_apart_from_other_errors() {
        let table = [
            (
                r#"{"name":"x"}"#,
                "missing or bad ACKind (must be \"ImageManifest\")",
            ),
            (
                r#"{"acKind":"PodManifest"}"#,
                "missing or bad ACKind (must be \"ImageManifest\")",
            ),
            (r#"{"acKind":"Foo"}"#, "bad ACKind: Foo"),
            (r#"{"acKind":""}"#, "ACKind must be set"),
            (r#"{"acKind":null}"#, "ACKind must be set"),
            ("null", "missing or bad ACKind (must be \"ImageManifest\")"),
        ];
        for (text, message) in table {
            let shown = error(text);
            assert!(
                matches!(shown, ManifestError::Kind { .. }),
                "{text}: {shown:?}"
            );
            assert_eq!(shown.to_string(), message, "{text}");
        }
        let shown = error("[]");
        assert!(matches!(shown, ManifestError::Type { .. }), "{shown:?}");
        assert_eq!(
            shown.to_string(),
            "json: cannot unmarshal array into manifest of type object"
        );
        assert_eq!(
            kind_of(br#"{"ACKIND":"PodManifest"}"#).unwrap(),
            AcKind::PodManifest
        );
        assert_eq!(
            kind_of(b"{}").unwrap_err().to_string(),
            "ACKind must be set"
        );
    }

    #[test]
    fn large_manifests_are_refused_before_they_are_read() {
        let text = vec![b'['; MAX_MANIFEST_BYTES + 1];
        assert!(matches!(
            ImageManifest::from_json(&text),
            Err(ManifestError::TooLarge { size }) if size == text.len()
        ));
    }

    #[test]
    fn long_and_binary_lines_are_shown_shortened() {
        let text = format!("{{\"{}\u{7}", "x".repeat(10_000));
        let shown = error(&text).to_string();
        assert!(shown.len() < 500 && !shown.contains('\u{7}'), "{shown}");
    }
}
