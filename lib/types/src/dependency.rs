//! Images that an image is rendered over.

use crate::ac_identifier::AcIdentifier;
use crate::hash::Hash;
use crate::json::{Cursor, Decode, DecodeError, Encode, Writer, read_all};
use crate::labels::Labels;

/// An image that another one depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Dependency {
    /// The name to resolve.
    pub image_name: AcIdentifier,
    /// The contents it must have.
    pub image_id: Option<Hash>,
    /// The labels it must have; those not named may be anything.
    pub labels: Labels,
    /// The size of the image file in bytes; 0 if unknown.
    pub size: u64,
}

/// A dependency breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DependencyError {
    /// There is no name.
    #[error("imageName cannot be empty")]
    NoName,
}
crate::diagnostic::usage_errors!(DependencyError);

impl Decode for Dependency {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = cursor.object()?;
        Ok(read_all!(Self {
            image_name: fields.expected("imageName", DependencyError::NoName),
            image_id: fields.optional("imageID"),
            labels: fields.or_default("labels"),
            size: fields.or_default("size"),
        }))
    }
}

impl Encode for Dependency {
    fn encode(&self, out: &mut Writer) {
        out.object(|out| {
            out.member("imageName", &self.image_name);
            if let Some(id) = &self.image_id {
                out.member("imageID", id);
            }
            out.member_unless(self.labels.is_empty(), "labels", &self.labels);
            out.member_unless(self.size == 0, "size", &self.size);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest_error::from_json;

    #[test]
    fn only_the_name_is_needed() {
        // Source: appc aci.md, "dependencies".
        for text in [
            r#"{"imageName":"example.com/a"}"#,
            r#"{"imageName":"a","imageID":"sha512-x","labels":[{"name":"os","value":"linux"}],"size":18446744073709551615}"#,
        ] {
            let dependency: Dependency = from_json(text.as_bytes()).unwrap();
            assert_eq!(Writer::text_of(&dependency), text);
        }
        let table = [
            (r#"{"imageID":"sha512-x"}"#, "imageName cannot be empty"),
            (r#"{"imageName":null}"#, "imageName cannot be empty"),
            (r#"{"imageName":""}"#, "ACIdentifier cannot be empty"),
            (
                r#"{"imageName":"a","imageID":"md5-x"}"#,
                "unrecognized hash type: md5",
            ),
            (
                r#"{"imageName":"a","size":-1}"#,
                "json: cannot unmarshal number -1 into field size of type uint",
            ),
            (
                r#"{"imageName":"a","labels":[{"name":"name","value":"x"}]}"#,
                "invalid label name: \"name\"",
            ),
        ];
        for (text, message) in table {
            assert_eq!(
                from_json::<Dependency>(text.as_bytes())
                    .unwrap_err()
                    .to_string(),
                message,
                "{text}"
            );
        }
    }
}
