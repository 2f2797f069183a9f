//! The kind `paths`: where data lies.

use std::path::PathBuf;

use crate::json::{Cursor, Decode, DecodeError, Fields};

/// A file of kind `paths`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathsConfig {
    /// The data directory; absolute.
    pub data: Option<PathBuf>,
    /// The directory of stage1 images; absolute.
    pub stage1_images: Option<PathBuf>,
}

impl Decode for PathsConfig {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = cursor.object()?;
        Ok(Self {
            data: absolute(&fields, "data", "data directory")?,
            stage1_images: absolute(&fields, "stage1-images", "stage1 images directory")?,
        })
    }
}

fn absolute<'a>(
    fields: &Fields<'a>,
    key: &'a str,
    what: &str,
) -> Result<Option<PathBuf>, DecodeError> {
    let text: String = fields.or_default(key)?;
    if text.is_empty() {
        return Ok(None);
    }
    if !text.starts_with('/') {
        return Err(fields.invalid_at(key, format!("{what} must be an absolute path")));
    }
    if text.contains('\0') {
        return Err(fields.invalid_at(key, format!("{what} holds a NUL character")));
    }
    Ok(Some(PathBuf::from(text)))
}
