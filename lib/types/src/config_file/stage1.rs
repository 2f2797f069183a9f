//! The kind `stage1`: which stage1 image is the default.

use crate::json::{Cursor, Decode, DecodeError};

/// A file of kind `stage1`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stage1Config {
    /// What the image is called.
    pub name: Option<DefaultStage1>,
    /// Where it is if the store does not have it: an absolute path, or a URL with the scheme `file`,
    /// `http`, `https` or `docker`.
    pub location: Option<String>,
}

/// Name and version of a stage1 image; neither is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefaultStage1 {
    /// The name.
    pub name: String,
    /// The version.
    pub version: String,
}

const SCHEMES: [&str; 4] = ["docker", "file", "http", "https"];

impl Decode for Stage1Config {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = cursor.object()?;
        let name: String = fields.or_default("name")?;
        let version: String = fields.or_default("version")?;
        let name = match (name.is_empty(), version.is_empty()) {
            (true, true) => None,
            (false, false) => Some(DefaultStage1 { name, version }),
            (true, false) => {
                let reason = "default stage1 image version specified, but name is missing";
                return Err(fields.invalid_at("version", reason));
            }
            (false, true) => {
                let reason = "default stage1 image name specified, but version is missing";
                return Err(fields.invalid_at("name", reason));
            }
        };
        let location: String = fields.or_default("location")?;
        check_location(&location).map_err(|reason| fields.invalid_at("location", reason))?;
        Ok(Self {
            name,
            location: Some(location).filter(|location| !location.is_empty()),
        })
    }
}

fn check_location(location: &str) -> Result<(), String> {
    if location.is_empty() || location.starts_with('/') {
        return Ok(());
    }
    if location.chars().any(char::is_control) {
        return Err("default stage1 image location is an invalid URL".to_owned());
    }
    let scheme = location.split_once(':').map(|(scheme, _)| scheme);
    let letters = |scheme: &&str| {
        let first = scheme
            .bytes()
            .next()
            .is_some_and(|b| b.is_ascii_alphabetic());
        let rest = |b: u8| b.is_ascii_alphanumeric() || b"+-.".contains(&b);
        first && scheme.bytes().all(rest)
    };
    let Some(scheme) = scheme.filter(letters) else {
        return Err(
            "default stage1 image location is either a relative path or a URL without scheme"
                .to_owned(),
        );
    };
    let scheme = scheme.to_ascii_lowercase();
    if SCHEMES.contains(&scheme.as_str()) {
        return Ok(());
    }
    Err(format!(
        "default stage1 image location URL has invalid scheme {scheme:?}, allowed schemes are {}",
        SCHEMES.map(|scheme| format!("{scheme:?}")).join(", ")
    ))
}
