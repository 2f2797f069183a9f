//! The value of an isolator.

use std::collections::BTreeMap;

use super::error::IsolatorError;
use super::linux::{ApparmorProfile, CapabilitySet, SeccompSet, SelinuxContext};
use super::resource::Resource;
use crate::ac_identifier::AcIdentifier;
use crate::json::{Cursor, Decode, DecodeError, Encode, Writer};

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
    /// An isolator that nobody here knows; its value is [`Isolator::value_json`](super::Isolator::value_json).
    Unknown,
}

/// The names of the isolators. Source: appc spec, schema/types.
const NAMES: [&str; 15] = [
    "os/linux/seccomp-remove-set",
    "os/linux/seccomp-retain-set",
    "os/linux/capabilities-retain-set",
    "os/linux/capabilities-remove-set",
    "os/linux/no-new-privileges",
    "os/linux/oom-score-adj",
    "os/linux/cpu-shares",
    "os/linux/selinux-context",
    "os/linux/apparmor-profile",
    "os/unix/sysctl",
    "resource/block-bandwidth",
    "resource/block-iops",
    "resource/network-bandwidth",
    "resource/cpu",
    "resource/memory",
];

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

    /// Whether there is an isolator of this name.
    pub fn is_known(name: &AcIdentifier) -> bool {
        NAMES.contains(&name.as_str())
    }

    pub(super) fn decode_named(
        name: &AcIdentifier,
        cursor: Cursor<'_>,
    ) -> Result<Self, DecodeError> {
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
        self.name().is_none_or(Self::may_stand_often)
    }

    /// Whether an app may have more than one isolator of a name.
    pub(crate) fn may_stand_often(name: &str) -> bool {
        !matches!(
            name,
            "os/linux/seccomp-remove-set"
                | "os/linux/seccomp-retain-set"
                | "os/linux/oom-score-adj"
                | "os/linux/cpu-shares"
                | "os/linux/selinux-context"
                | "os/linux/apparmor-profile"
                | "os/unix/sysctl"
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
    use crate::isolator::Isolator;
    use crate::manifest_error::from_json;

    fn read(name: &str, value: &str) -> Result<Isolator, String> {
        let text = format!(r#"{{"name":"{name}","value":{value}}}"#);
        from_json(text.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn values_of_the_fifteen_isolators_are_accepted_and_kept_as_written() {
        // Source: appc spec, schema/types/isolator_linux_specific.go and isolator_resources.go.
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
            assert!(IsolatorValue::is_known(isolator.name()));
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
}
