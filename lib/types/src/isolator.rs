//! Limits and rights of apps and pods.

use crate::ac_identifier::AcIdentifier;
use crate::json::{Cursor, Decode, DecodeError, Encode, Writer};

/// One isolator: its name and value.
#[derive(Clone, Debug, PartialEq)]
pub struct Isolator {
    name: AcIdentifier,
    json: Box<str>,
}

/// The isolators of an app.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Isolators(Vec<Isolator>);

impl Isolator {
    /// The name.
    pub fn name(&self) -> &AcIdentifier {
        &self.name
    }

    /// The value as compact JSON.
    pub fn value_json(&self) -> &str {
        &self.json
    }
}

impl Isolators {
    /// The isolators in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, Isolator> {
        self.0.iter()
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Decode for Isolator {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = cursor.object()?;
        let value = fields
            .get("value")
            .ok_or_else(|| fields.invalid("isolator has no value"))?;
        Ok(Self {
            name: fields.required("name")?,
            json: Writer::text_of(value.node()).into(),
        })
    }
}

impl Encode for Isolator {
    fn encode(&self, out: &mut Writer) {
        out.object(|out| {
            out.member("name", &self.name);
            out.key("value");
            out.raw(&self.json);
        });
    }
}

impl Decode for Isolators {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        Vec::decode(cursor).map(Self)
    }
}

impl Encode for Isolators {
    fn encode(&self, out: &mut Writer) {
        self.0.encode(out);
    }
}
