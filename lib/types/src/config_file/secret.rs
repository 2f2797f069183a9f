//! Text that must not be printed by accident.

use std::fmt;

use crate::json::{Cursor, Decode, DecodeError};

/// A password, token or key. Its `Debug` form hides it; [`reveal`](Self::reveal) gives it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Decode for Secret {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        String::decode(cursor).map(Self)
    }
}
