//! Distribution URIs: `cimd:TYPE:v=VERSION:DATA`.
//!
//! Source: rkt 1.30, Documentation/devel/distribution-point.md and pkg/distribution.

use gantry_types::{AcIdentifier, ImageName, ImageNameError, Label, Labels};

/// What a distribution URI leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Distribution {
    /// `appc`: a name with labels.
    Name(ImageName),
    /// `aci-archive`: an image file at this URL, whose path may end in anything.
    Archive(String),
    /// `docker`: an image of a registry, as it is called in `docker://` URLs.
    Docker(String),
}

/// Why a text is no distribution URI.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CimdError {
    /// A part is missing.
    #[error("malformed distribution URI: it has the form cimd:TYPE:v=VERSION:DATA")]
    Form,
    /// The version is no number.
    #[error("malformed distribution version: {0}")]
    Version(String),
    /// Nobody knows the type.
    #[error("unknown distribution type: {0:?}")]
    Type(String),
    /// A `%` is not followed by two hex digits, or the bytes are no text.
    #[error("bad escape in {0:?}")]
    Escape(String),
    /// The name or a label of type `appc` is none.
    #[error(transparent)]
    Name(#[from] ImageNameError),
}

/// Reads the part of a distribution URI after `cimd:`.
pub(super) fn parse(text: &str) -> Result<Distribution, CimdError> {
    let mut parts = text.splitn(3, ':');
    let (Some(kind), Some(version), Some(data)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(CimdError::Form);
    };
    let number = version.strip_prefix("v=").unwrap_or(version);
    if !number.bytes().all(|byte| byte.is_ascii_digit()) || number.parse::<u32>().is_err() {
        return Err(CimdError::Version(version.to_owned()));
    }
    if data.is_empty() {
        return Err(CimdError::Form);
    }
    match kind {
        "appc" => name(data).map(Distribution::Name),
        "aci-archive" => {
            let url = data.split(['?', '#']).next().unwrap_or_default();
            unescape(url, true).map(Distribution::Archive)
        }
        "docker" => Ok(Distribution::Docker(data.to_owned())),
        other => Err(CimdError::Type(other.to_owned())),
    }
}

/// `NAME?LABEL=VALUE&…`, where only values may hold what has a meaning in names.
fn name(data: &str) -> Result<ImageName, CimdError> {
    let data = data.split('#').next().unwrap_or_default();
    let (name, query) = data.split_once('?').unwrap_or((data, ""));
    let mut image: ImageName = unescape(name, false)?.parse()?;
    let mut labels: Vec<Label> = image.labels.iter().cloned().collect();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (label, value) = pair.split_once('=').unwrap_or((pair, ""));
        let label: AcIdentifier = unescape(label, true)?
            .parse()
            .map_err(ImageNameError::from)?;
        // Of several with one name the last holds.
        labels.retain(|known| known.name != label);
        labels.push(Label {
            name: label,
            value: unescape(value, true)?,
        });
    }
    image.labels = Labels::new(labels).map_err(ImageNameError::from)?.sorted();
    Ok(image)
}

/// Undoes escapes, and takes a plus sign for a blank where `form` says so.
fn unescape(text: &str, form: bool) -> Result<String, CimdError> {
    let wrong = || CimdError::Escape(text.to_owned());
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        bytes.push(match byte {
            b'%' => {
                let (high, low) = (digit(rest.next()), digit(rest.next()));
                let value = high.zip(low).map(|(high, low)| high * 16 + low);
                value
                    .and_then(|value| u8::try_from(value).ok())
                    .ok_or_else(wrong)?
            }
            b'+' if form => b' ',
            byte => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_forms_are_read() {
        // Source: rkt, Documentation/devel/distribution-point.md.
        for (text, expected) in [
            (
                "appc:v=0:coreos.com/etcd?version=v3.0.3&os=linux&arch=amd64",
                "coreos.com/etcd,arch=amd64,os=linux,version=v3.0.3",
            ),
            ("appc:v=0:coreos.com%2Fetcd", "coreos.com/etcd"),
            ("appc:v=0:coreos.com/etcd:v1", "coreos.com/etcd,version=v1"),
            ("appc:v=0:a.test/b?x=a%2Cb%3D%26+c", "a.test/b,x=a,b=& c"),
            (
                "appc:0:a.test/b?version=1&version=2#f",
                "a.test/b,version=2",
            ),
        ] {
            let Ok(Distribution::Name(name)) = parse(text) else {
                panic!("{text}");
            };
            assert_eq!(name.to_string(), expected, "{text}");
        }
        for (text, url) in [
            ("aci-archive:v=0:file%3A%2F%2F%2Fa%2Fb", "file:///a/b"),
            (
                "aci-archive:v=0:https%3A%2F%2Fa.test%2Fb.aci?x=y",
                "https://a.test/b.aci",
            ),
            (
                "aci-archive:v=0:https://a.test/b%3Fc%3Dd",
                "https://a.test/b?c=d",
            ),
        ] {
            assert_eq!(
                parse(text),
                Ok(Distribution::Archive(url.to_owned())),
                "{text}"
            );
        }
        let docker = parse("docker:v=0:registry-1.docker.io/library/busybox:latest");
        assert_eq!(
            docker,
            Ok(Distribution::Docker(
                "registry-1.docker.io/library/busybox:latest".to_owned()
            ))
        );
    }

    #[test]
    fn other_texts_are_refused_with_the_reason() {
        for (text, message) in [
            ("", "malformed distribution URI"),
            ("appc:v=0", "malformed distribution URI"),
            ("appc:v=0:", "malformed distribution URI"),
            ("//appc", "malformed distribution URI"),
            ("appc:v=x:a", "malformed distribution version: v=x"),
            ("appc:v=:a", "malformed distribution version"),
            ("appc:v=4294967296:a", "malformed distribution version"),
            ("oci:v=0:a", "unknown distribution type: \"oci\""),
            ("aci-archive:v=0:%zz", "bad escape"),
            ("aci-archive:v=0:%ff", "bad escape"),
            ("appc:v=0:a.test/b?X=1", "ACIdentifier"),
            ("appc:v=0:A", "ACIdentifier"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(message), "{text}: {error}");
        }
    }
}
