//! The kind `isolators`: what images may ask for that nobody has verified.

use crate::json::{Cursor, Decode, DecodeError};

/// A file of kind `isolators`. The kind is ours; the original has none of its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IsolatorsConfig {
    /// What comes of isolators that widen the defaults.
    pub unverified_images: Option<UnverifiedImages>,
}

/// What comes of isolators of images whose verification was waived, where they widen the defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnverifiedImages {
    /// They hold, with a warning.
    #[default]
    Warn,
    /// The pod is refused.
    NarrowOnly,
}

impl UnverifiedImages {
    const ALL: [Self; 2] = [Self::NarrowOnly, Self::Warn];

    /// The word in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::NarrowOnly => "narrow-only",
        }
    }
}

impl Decode for IsolatorsConfig {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = cursor.object()?;
        let key = "unverifiedImages";
        let text: String = fields.or_default(key)?;
        if text.is_empty() {
            return Ok(Self::default());
        }
        let known = UnverifiedImages::ALL;
        let Some(found) = known.into_iter().find(|known| known.as_str() == text) else {
            let [one, other] = known.map(UnverifiedImages::as_str);
            let reason = format!("{text:?} is neither {one:?} nor {other:?}");
            return Err(fields.invalid_at(key, reason));
        };
        Ok(Self {
            unverified_images: Some(found),
        })
    }
}
