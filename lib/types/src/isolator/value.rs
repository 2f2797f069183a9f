//! One isolator.

use std::collections::BTreeMap;

use super::linux::{ApparmorProfile, CapabilitySet, SeccompSet, SelinuxContext};
use super::resource::Resource;
use crate::ac_identifier::AcIdentifier;
use crate::diagnostic::usage_errors;
use crate::json::{Cursor, Decode, DecodeError, Encode, Writer};
use crate::manifest_error::{ManifestError, from_json_with};

/// The value of an isolator.
#[derive(Clone, Debug, PartialEq)]
pub enum IsolatorValue {
    /// `os/linux/seccomp-remove-set`: system calls taken away.
    SeccompRemoveSet(SeccompSet),
    /// `os/linux/seccomp-retain-set`: the only system calls left.
    SeccompRetainSet(SeccompSet),
    /// `os/linux/capabilities-retain-set`: the only capabilities left.
    CapabilitiesRetainSet(CapabilitySet),
    /// `os/linux/capabilities-remove-set`: capabilities taken from the default ones.
    CapabilitiesRemoveSet(CapabilitySet),
    /// `os/linux/no-new-privileges`: whether exec can never give more rights.
    NoNewPrivileges(bool),
    /// `os/linux/oom-score-adj`: -1000 (never killed for lack of memory) to 1000.
    OomScoreAdj(i32),
    /// `os/linux/cpu-shares`: the relative weight, 2 to 262144.
    CpuShares(u32),
    /// `os/linux/selinux-context`.
    SelinuxContext(SelinuxContext),
    /// `os/linux/apparmor-profile`.
    ApparmorProfile(ApparmorProfile),
    /// `os/unix/sysctl`: kernel parameters of the pod.
    Sysctl(BTreeMap<String, String>),
    /// `resource/block-bandwidth`: bytes a second.
    BlockBandwidth(Resource),
    /// `resource/block-iops`: operations a second.
    BlockIops(Resource),
    /// `resource/network-bandwidth`: bits a second.
    NetworkBandwidth(Resource),
    /// `resource/cpu`: cores.
    Cpu(Resource),
    /// `resource/memory`: bytes.
    Memory(Resource),
    /// An isolator that nobody here knows; its value is [`Isolator::value_json`].
    Unknown,
}

/// One isolator: its name and value.
#[derive(Clone, Debug, PartialEq)]
pub struct Isolator {
    name: AcIdentifier,
    value: IsolatorValue,
    /// The value as it was written, so that `1.5G` does not become `1500M` on the way through.
    json: Box<str>,
}

/// An isolator breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IsolatorError {
    /// An app has an isolator that nobody here knows.
    #[error("invalid isolator")]
    Unknown,
    /// There is no value.
    #[error("isolator {0:?} has no value")]
    NoValue(String),
    /// There is one more isolator of a type than there may be. The stray quote is the original's.
    #[error("isolators set contains too many instances of type {0}\"")]
    TooMany(AcIdentifier),
    /// Two isolators exclude each other.
    #[error("isolators set contains incompatible types")]
    Incompatible,
    /// A set of capabilities or system calls is empty.
    #[error("set must be non-empty")]
    EmptySet,
    /// The name of an error does not begin with `E`.
    #[error("errno must start with an 'E' character")]
    ErrnoStart,
    /// The name of an error holds another character.
    #[error("errno can only contain upper case or numeric characters")]
    ErrnoCharacter,
    /// The number is out of range.
    #[error("{name} must be between {low} and {high}, not {value}")]
    Range {
        /// The isolator.
        name: &'static str,
        /// The least allowed.
        low: i64,
        /// The most allowed.
        high: i64,
        /// What was given.
        value: i64,
    },
    /// A part of an SELinux context is empty.
    #[error("SELinux {0} must be non-empty")]
    SelinuxEmpty(&'static str),
    /// A part of an SELinux context holds a colon.
    #[error("SELinux {0} must not contain a colon")]
    SelinuxColon(&'static str),
    /// There is no profile.
    #[error("AppArmor profile must be non-empty")]
    ApparmorEmpty,
    /// `default` is true where a request and a limit are meant.
    #[error("default must be false")]
    DefaultTrue,
    /// `default` is not true where one limit for all devices is meant.
    #[error("default must be true")]
    DefaultFalse,
    /// There is a request where there can only be a limit.
    #[error("request not supported by this resource, must be empty")]
    Request,
}
usage_errors!(IsolatorError);

impl IsolatorValue {
    /// The name of the isolator; `None` for an unknown one.
    pub fn name(&self) -> Option<&'static str> {
        Some(match self {
            Self::SeccompRemoveSet(_) => "os/linux/seccomp-remove-set",
            Self::SeccompRetainSet(_) => "os/linux/seccomp-retain-set",
            Self::CapabilitiesRetainSet(_) => "os/linux/capabilities-retain-set",
            Self::CapabilitiesRemoveSet(_) => "os/linux/capabilities-remove-set",
            Self::NoNewPrivileges(_) => "os/linux/no-new-privileges",
            Self::OomScoreAdj(_) => "os/linux/oom-score-adj",
            Self::CpuShares(_) => "os/linux/cpu-shares",
            Self::SelinuxContext(_) => "os/linux/selinux-context",
            Self::ApparmorProfile(_) => "os/linux/apparmor-profile",
            Self::Sysctl(_) => "os/unix/sysctl",
            Self::BlockBandwidth(_) => "resource/block-bandwidth",
            Self::BlockIops(_) => "resource/block-iops",
            Self::NetworkBandwidth(_) => "resource/network-bandwidth",
            Self::Cpu(_) => "resource/cpu",
            Self::Memory(_) => "resource/memory",
            Self::Unknown => return None,
        })
    }

    fn decode_named(name: &AcIdentifier, cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        Ok(match name.as_str() {
            "os/linux/seccomp-remove-set" => Self::SeccompRemoveSet(Decode::decode(cursor)?),
            "os/linux/seccomp-retain-set" => Self::SeccompRetainSet(Decode::decode(cursor)?),
            "os/linux/capabilities-retain-set" => {
                Self::CapabilitiesRetainSet(Decode::decode(cursor)?)
            }
            "os/linux/capabilities-remove-set" => {
                Self::CapabilitiesRemoveSet(Decode::decode(cursor)?)
            }
            "os/linux/no-new-privileges" => Self::NoNewPrivileges(Decode::decode(cursor)?),
            "os/linux/oom-score-adj" => {
                let range = ("os/linux/oom-score-adj", -1000, 1000);
                Self::OomScoreAdj(ranged(cursor, range)?)
            }
            "os/linux/cpu-shares" => {
                Self::CpuShares(ranged(cursor, ("os/linux/cpu-shares", 2, 262_144))?)
            }
            "os/linux/selinux-context" => Self::SelinuxContext(Decode::decode(cursor)?),
            "os/linux/apparmor-profile" => Self::ApparmorProfile(Decode::decode(cursor)?),
            "os/unix/sysctl" => Self::Sysctl(Decode::decode(cursor)?),
            "resource/block-bandwidth" => Self::BlockBandwidth(Resource::decode_default(cursor)?),
            "resource/block-iops" => Self::BlockIops(Resource::decode_default(cursor)?),
            "resource/network-bandwidth" => {
                Self::NetworkBandwidth(Resource::decode_default(cursor)?)
            }
            "resource/cpu" => Self::Cpu(Resource::decode_shared(cursor)?),
            "resource/memory" => Self::Memory(Resource::decode_shared(cursor)?),
            _ => Self::Unknown,
        })
    }

    /// Whether an app may have more than one of it.
    pub(super) fn may_repeat(&self) -> bool {
        !matches!(
            self,
            Self::SeccompRemoveSet(_)
                | Self::SeccompRetainSet(_)
                | Self::OomScoreAdj(_)
                | Self::CpuShares(_)
                | Self::SelinuxContext(_)
                | Self::ApparmorProfile(_)
                | Self::Sysctl(_)
        )
    }

    /// Whether an app cannot have both.
    pub(super) fn excludes(&self, other: &Self) -> bool {
        matches!(
            (self, other),
            (Self::SeccompRemoveSet(_), Self::SeccompRetainSet(_))
                | (Self::SeccompRetainSet(_), Self::SeccompRemoveSet(_))
        )
    }
}

/// Reads an integer that lies in a range.
fn ranged<T: TryFrom<i64>>(
    cursor: Cursor<'_>,
    (name, low, high): (&'static str, i64, i64),
) -> Result<T, DecodeError> {
    let value = i64::decode(cursor)?;
    let error = IsolatorError::Range {
        name,
        low,
        high,
        value,
    };
    let inside = (low..=high)
        .contains(&value)
        .then(|| T::try_from(value).ok())
        .flatten();
    inside.ok_or_else(|| cursor.invalid(error))
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
        if cursor.is_null() {
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
            None => Err(fields.invalid(IsolatorError::NoValue(name.to_string()))),
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

impl Encode for IsolatorValue {
    fn encode(&self, out: &mut Writer) {
        match self {
            Self::SeccompRemoveSet(set) | Self::SeccompRetainSet(set) => set.encode(out),
            Self::CapabilitiesRetainSet(set) | Self::CapabilitiesRemoveSet(set) => set.encode(out),
            Self::NoNewPrivileges(value) => value.encode(out),
            Self::OomScoreAdj(value) => value.encode(out),
            Self::CpuShares(value) => value.encode(out),
            Self::SelinuxContext(context) => context.encode(out),
            Self::ApparmorProfile(profile) => profile.encode(out),
            Self::Sysctl(parameters) => parameters.encode(out),
            Self::BlockBandwidth(resource)
            | Self::BlockIops(resource)
            | Self::NetworkBandwidth(resource) => resource.encode_with(true, out),
            Self::Cpu(resource) | Self::Memory(resource) => resource.encode_with(false, out),
            Self::Unknown => out.raw("null"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest_error::from_json;

    fn read(name: &str, value: &str) -> Result<Isolator, String> {
        let text = format!(r#"{{"name":"{name}","value":{value}}}"#);
        from_json(text.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn values_of_the_fifteen_isolators_are_accepted_and_kept_as_written() {
        // Contract appc.md 4.
        let table = [
            (
                "os/linux/seccomp-remove-set",
                r#"{"set":["reboot"],"errno":"EPERM"}"#,
            ),
            (
                "os/linux/seccomp-remove-set",
                r#"{"set":["@appc.io/empty"]}"#,
            ),
            (
                "os/linux/seccomp-retain-set",
                r#"{"set":["read","@appc.io/all"],"errno":""}"#,
            ),
            (
                "os/linux/seccomp-retain-set",
                r#"{"set":["read"],"errno":"E2BIG"}"#,
            ),
            (
                "os/linux/capabilities-retain-set",
                r#"{"set":["CAP_KILL","CAP_PONIES"]}"#,
            ),
            (
                "os/linux/capabilities-remove-set",
                r#"{"set":["CAP_KILL"]}"#,
            ),
            ("os/linux/no-new-privileges", "true"),
            ("os/linux/no-new-privileges", "false"),
            ("os/linux/oom-score-adj", "-1000"),
            ("os/linux/oom-score-adj", "1000"),
            ("os/linux/cpu-shares", "2"),
            ("os/linux/cpu-shares", "262144"),
            (
                "os/linux/selinux-context",
                r#"{"user":"u","role":"r","type":"t","level":"s0:c1,c2"}"#,
            ),
            (
                "os/linux/apparmor-profile",
                r#"{"profile":"docker-default"}"#,
            ),
            ("os/unix/sysctl", r#"{"net.ipv4.tcp_rfc1337":"1"}"#),
            ("os/unix/sysctl", "{}"),
            (
                "resource/block-bandwidth",
                r#"{"default":true,"limit":"2M"}"#,
            ),
            ("resource/block-iops", r#"{"default":true,"limit":"1000"}"#),
            (
                "resource/network-bandwidth",
                r#"{"default":true,"limit":"1G"}"#,
            ),
            ("resource/cpu", r#"{"request":"30m","limit":"1m"}"#),
            ("resource/cpu", r#"{"limit":1.5}"#),
            (
                "resource/memory",
                r#"{"default":false,"request":"1.5G","limit":"2Gi"}"#,
            ),
            ("resource/memory", "{}"),
        ];
        for (name, value) in table {
            let isolator =
                read(name, value).unwrap_or_else(|error| panic!("{name} {value}: {error}"));
            assert_eq!(isolator.value().name(), Some(name));
            let written = Writer::text_of(&isolator);
            assert_eq!(written, format!(r#"{{"name":"{name}","value":{value}}}"#));
            // What is made of the value alone means the same.
            let made = Isolator::new(isolator.value().clone()).unwrap();
            let again: Isolator = from_json(Writer::text_of(&made).as_bytes()).unwrap();
            assert_eq!(again.value(), isolator.value());
        }
    }

    #[test]
    fn other_values_are_refused_by_the_rule_they_break() {
        let table = [
            (
                "os/linux/seccomp-remove-set",
                r#"{"set":[],"errno":"EPERM"}"#,
                "set must be non-empty",
            ),
            ("os/linux/seccomp-remove-set", "{}", "set must be non-empty"),
            (
                "os/linux/seccomp-retain-set",
                r#"{"set":["a"],"errno":"PERM"}"#,
                "errno must start with an 'E' character",
            ),
            (
                "os/linux/seccomp-retain-set",
                r#"{"set":["a"],"errno":"Eperm"}"#,
                "errno can only contain upper case or numeric characters",
            ),
            (
                "os/linux/seccomp-retain-set",
                r#"{"set":"a"}"#,
                "json: cannot unmarshal string into field value.set of type array",
            ),
            (
                "os/linux/capabilities-retain-set",
                r#"{"set":[]}"#,
                "set must be non-empty",
            ),
            (
                "os/linux/capabilities-remove-set",
                r#"{"set":null}"#,
                "set must be non-empty",
            ),
            (
                "os/linux/capabilities-remove-set",
                r#"{"set":"CAP_KILL"}"#,
                "json: cannot unmarshal string into field value.set of type array",
            ),
            (
                "os/linux/no-new-privileges",
                "123",
                "json: cannot unmarshal number 123 into field value of type bool",
            ),
            (
                "os/linux/no-new-privileges",
                r#""true""#,
                "json: cannot unmarshal string into field value of type bool",
            ),
            (
                "os/linux/no-new-privileges",
                r#"{"set":["CAP_KILL"]}"#,
                "json: cannot unmarshal object into field value of type bool",
            ),
            (
                "os/linux/oom-score-adj",
                "-1001",
                "os/linux/oom-score-adj must be between -1000 and 1000, not -1001",
            ),
            (
                "os/linux/oom-score-adj",
                "1001",
                "os/linux/oom-score-adj must be between -1000 and 1000, not 1001",
            ),
            (
                "os/linux/oom-score-adj",
                r#""pants""#,
                "json: cannot unmarshal string into field value of type int",
            ),
            (
                "os/linux/cpu-shares",
                "1",
                "os/linux/cpu-shares must be between 2 and 262144, not 1",
            ),
            (
                "os/linux/cpu-shares",
                "262145",
                "os/linux/cpu-shares must be between 2 and 262144, not 262145",
            ),
            (
                "os/linux/cpu-shares",
                "1e3",
                "json: cannot unmarshal number 1e3 into field value of type int",
            ),
            (
                "os/linux/selinux-context",
                r#"{"user":"","role":"r","type":"t","level":"s0"}"#,
                "SELinux user must be non-empty",
            ),
            (
                "os/linux/selinux-context",
                r#"{"user":"u","role":"r","type":"t"}"#,
                "SELinux level must be non-empty",
            ),
            (
                "os/linux/selinux-context",
                r#"{"user":"u","role":"r:r","type":"t","level":"s0"}"#,
                "SELinux role must not contain a colon",
            ),
            (
                "os/linux/apparmor-profile",
                "{}",
                "AppArmor profile must be non-empty",
            ),
            (
                "os/unix/sysctl",
                r#"{"a":1}"#,
                "json: cannot unmarshal number 1 into field value.a of type string",
            ),
            (
                "os/unix/sysctl",
                r#"["a"]"#,
                "json: cannot unmarshal array into field value of type object",
            ),
            (
                "resource/block-bandwidth",
                r#"{"default":false,"limit":"1G"}"#,
                "default must be true",
            ),
            (
                "resource/block-bandwidth",
                r#"{"request":"30G","limit":"1G"}"#,
                "default must be true",
            ),
            (
                "resource/block-iops",
                r#"{"default":true,"request":"30G","limit":"1G"}"#,
                "request not supported by this resource, must be empty",
            ),
            (
                "resource/network-bandwidth",
                r#"{"limit":"1G"}"#,
                "default must be true",
            ),
            (
                "resource/cpu",
                r#"{"default":true,"limit":"1"}"#,
                "default must be false",
            ),
            (
                "resource/memory",
                r#"{"default":true,"request":"1G","limit":"2G"}"#,
                "default must be false",
            ),
            (
                "resource/memory",
                r#"{"limit":"1K"}"#,
                "unable to parse quantity's suffix",
            ),
            (
                "resource/memory",
                r#"{"limit":""}"#,
                "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            ),
            (
                "resource/memory",
                "null",
                "isolator \"resource/memory\" has no value",
            ),
            (
                "UPPER",
                "1",
                "ACIdentifier must contain only lower case alphanumeric characters plus \"-._~/\"",
            ),
        ];
        for (name, value, message) in table {
            assert_eq!(read(name, value), Err(message.to_owned()), "{name} {value}");
        }
        let error = from_json::<Isolator>(br#"{"name":"resource/cpu"}"#).unwrap_err();
        assert_eq!(error.to_string(), "isolator \"resource/cpu\" has no value");
    }

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
