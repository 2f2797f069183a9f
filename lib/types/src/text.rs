//! Types that are one string on the outside: serde and JSON by `FromStr` and `Display`.

/// Implements serde and the manifest codec for a type by its `FromStr` and `Display`.
macro_rules! text_type {
    ($name:ty) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl $crate::json::Decode for $name {
            fn decode(cursor: $crate::json::Cursor<'_>) -> Result<Self, $crate::json::DecodeError> {
                cursor
                    .string()?
                    .parse()
                    .map_err(|error| cursor.invalid(error))
            }
        }

        impl $crate::json::Encode for $name {
            fn encode(&self, out: &mut $crate::json::Writer) {
                out.string(&self.to_string());
            }
        }
    };
}
pub(crate) use text_type;
