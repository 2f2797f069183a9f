//! One isolator: a name and a value.

use super::error::IsolatorError;
use super::value::IsolatorValue;
use crate::ac_identifier::AcIdentifier;
use crate::json::{Cursor, Decode, DecodeError, Encode, Writer};
use crate::manifest_error::{ManifestError, from_json_with};

/// One isolator: its name and value.
#[derive(Clone, Debug, PartialEq)]
pub struct Isolator {
    name: AcIdentifier,
    value: IsolatorValue,
    /// The value as it was written, so that `1.5G` does not become `1500M` on the way through.
    json: Box<str>,
}

impl Isolator {
    /// Makes an isolator of a value.
    ///
    /// # Errors
    ///
    /// [`IsolatorError::Range`] for a number out of range, [`IsolatorError::Request`] for a resource that
    /// cannot have one, [`IsolatorError::Unknown`] for [`IsolatorValue::Unknown`].
    pub fn new(value: IsolatorValue) -> Result<Self, IsolatorError> {
        let name = value
            .name()
            .and_then(|name| name.parse().ok())
            .ok_or(IsolatorError::Unknown)?;
        match &value {
            IsolatorValue::OomScoreAdj(value) if !(-1000..=1000).contains(value) => {
                let (name, value) = ("os/linux/oom-score-adj", i64::from(*value));
                return Err(IsolatorError::Range {
                    name,
                    low: -1000,
                    high: 1000,
                    value,
                });
            }
            IsolatorValue::CpuShares(value) if !(2..=262_144).contains(value) => {
                let (name, value) = ("os/linux/cpu-shares", i64::from(*value));
                return Err(IsolatorError::Range {
                    name,
                    low: 2,
                    high: 262_144,
                    value,
                });
            }
            IsolatorValue::BlockBandwidth(resource)
            | IsolatorValue::BlockIops(resource)
            | IsolatorValue::NetworkBandwidth(resource)
                if resource.request.is_some() =>
            {
                return Err(IsolatorError::Request);
            }
            _ => {}
        }
        let json = Writer::text_of(&value).into();
        Ok(Self { name, value, json })
    }

    /// Makes an isolator of its name and the JSON text of its value. An unknown name is kept as it is.
    ///
    /// # Errors
    ///
    /// [`ManifestError`] if the text is not JSON or not a value for that name.
    pub fn from_json_value(name: AcIdentifier, text: &[u8]) -> Result<Self, ManifestError> {
        from_json_with(text, |cursor| Self::decode_value(name, cursor))
    }

    fn decode_value(name: AcIdentifier, cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        if cursor.is_null() && IsolatorValue::is_known(&name) {
            return Err(cursor.invalid(IsolatorError::NoValue(name.to_string())));
        }
        let value = IsolatorValue::decode_named(&name, cursor)?;
        Ok(Self {
            name,
            value,
            json: Writer::text_of(cursor.node()).into(),
        })
    }

    /// The name.
    pub fn name(&self) -> &AcIdentifier {
        &self.name
    }

    /// The value.
    pub fn value(&self) -> &IsolatorValue {
        &self.value
    }

    /// The value as compact JSON.
    pub fn value_json(&self) -> &str {
        &self.json
    }
}

impl Decode for Isolator {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = cursor.object()?;
        let name: AcIdentifier = fields.required("name")?;
        match fields.get("value") {
            Some(value) => Self::decode_value(name, value),
            None if IsolatorValue::is_known(&name) => {
                Err(fields.invalid(IsolatorError::NoValue(name.to_string())))
            }
            // A pod keeps what it does not know as it is, and the original takes this for `null`.
            None => Ok(Self {
                name,
                value: IsolatorValue::Unknown,
                json: "null".into(),
            }),
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isolator::Resource;

    #[test]
    fn made_values_are_checked_too() {
        let limit = Resource::exactly("1G".parse().unwrap());
        for value in [
            IsolatorValue::OomScoreAdj(1001),
            IsolatorValue::CpuShares(1),
            IsolatorValue::BlockIops(limit),
            IsolatorValue::Unknown,
        ] {
            assert!(Isolator::new(value.clone()).is_err(), "{value:?}");
        }
        assert_eq!(
            Isolator::new(IsolatorValue::Memory(limit))
                .unwrap()
                .value_json(),
            r#"{"default":false,"request":"1G","limit":"1G"}"#
        );
    }

    #[test]
    fn a_value_alone_is_read_for_its_name() {
        let name = || "resource/memory".parse().unwrap();
        let isolator = Isolator::from_json_value(name(), b" { \"limit\" : \"1G\" } ").unwrap();
        assert_eq!(isolator.value_json(), r#"{"limit":"1G"}"#);
        assert!(matches!(
            Isolator::from_json_value(name(), b"{"),
            Err(ManifestError::Syntax { .. })
        ));
        let unknown = Isolator::from_json_value("a/b".parse().unwrap(), b"[1]").unwrap();
        assert_eq!(
            (unknown.value(), unknown.value_json()),
            (&IsolatorValue::Unknown, "[1]")
        );
    }
}
