//! What plugins print: the result of ADD in every version's form, or an error.

use std::fmt;
use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::prefix::Prefix;
use super::version::CniVersion;
use crate::show::harmless;

/// Largest answer that is read, in bytes.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The result of ADD.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Addresses of the pod.
    pub ips: Vec<IpConfig>,
    /// Name servers and what belongs to them.
    pub dns: Dns,
    /// The result as it was printed, for the next plugin and for DEL.
    pub raw: Map<String, Value>,
}

/// An address that a plugin gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IpConfig {
    /// The address and the length of its network's prefix.
    pub address: Prefix,
    /// The network's gateway.
    pub gateway: Option<IpAddr>,
}

/// How names are resolved, as a plugin says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dns {
    /// Addresses of servers.
    pub nameservers: Vec<String>,
    /// The local domain.
    pub domain: Option<String>,
    /// Domains to search.
    pub search: Vec<String>,
    /// Options of the resolver.
    pub options: Vec<String>,
}

/// What a plugin says when it fails. Source: CNI 1.1.0, "Error".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginError {
    /// Its number; 0 where the plugin gives none.
    pub code: u64,
    /// Its words.
    pub message: String,
    /// More words, often none.
    pub details: String,
}

/// A plugin succeeded and printed no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// Not JSON, or not an object.
    #[error("is no JSON object: {0}")]
    Json(String),
    /// A member has another form.
    #[error("has a wrong {field}: {value}")]
    Field {
        /// The member.
        field: String,
        /// What is there.
        value: String,
    },
    /// A version that is not known.
    #[error("is of the unknown version {0:?}")]
    Version(String),
}

impl Answer {
    /// Reads the result of ADD from a plugin that was spoken to in `version`.
    ///
    /// # Errors
    ///
    /// [`AnswerError`]
    pub fn parse(version: CniVersion, bytes: &[u8]) -> Result<Self, AnswerError> {
        if bytes.len() > MAX_BYTES {
            return Err(AnswerError::Json("it is too large".to_owned()));
        }
        // Plugins of the oldest version may have nothing to say.
        if version < CniVersion::V0_3_0 && bytes.trim_ascii().is_empty() {
            return Self::from_members(version, Map::new());
        }
        let value: Value = serde_json::from_slice(bytes)
            .map_err(|error| AnswerError::Json(harmless(&error.to_string())))?;
        match value {
            Value::Object(members) => Self::from_members(version, members),
            other => Err(AnswerError::Json(shorten(&other))),
        }
    }

    /// Reads a result that is JSON already.
    ///
    /// # Errors
    ///
    /// [`AnswerError`]
    pub fn from_members(spoken: CniVersion, raw: Map<String, Value>) -> Result<Self, AnswerError> {
        let version = match raw.get("cniVersion") {
            None | Some(Value::Null) => spoken,
            Some(Value::String(name)) => {
                CniVersion::from_name(name).ok_or_else(|| AnswerError::Version(harmless(name)))?
            }
            Some(other) => return Err(wrong("cniVersion", other)),
        };
        let mut ips = Vec::new();
        if version < CniVersion::V0_3_0 {
            for field in ["ip4", "ip6"] {
                match raw.get(field) {
                    None | Some(Value::Null) => {}
                    Some(ip) => ips.push(ip_config(ip, field, "ip")?),
                }
            }
        } else {
            let list = match raw.get("ips") {
                None | Some(Value::Null) => &Vec::new(),
                Some(Value::Array(list)) => list,
                Some(other) => return Err(wrong("ips", other)),
            };
            for (number, ip) in list.iter().enumerate() {
                ips.push(ip_config(ip, &format!("ips[{number}]"), "address")?);
            }
        }
        let dns = dns(raw.get("dns"))?;
        Ok(Self { ips, dns, raw })
    }

    /// The result in the form that plugins of versions from 0.3.0 on take as `prevResult`.
    pub fn as_previous(&self, version: CniVersion) -> Map<String, Value> {
        let is_list = self.raw.contains_key("ips") || self.raw.contains_key("interfaces");
        if is_list || (!self.raw.contains_key("ip4") && !self.raw.contains_key("ip6")) {
            let mut raw = self.raw.clone();
            raw.entry("cniVersion")
                .or_insert_with(|| version.as_str().into());
            return raw;
        }
        let ips: Vec<Value> = self
            .ips
            .iter()
            .map(|ip| {
                let family = if ip.address.address.is_ipv4() {
                    "4"
                } else {
                    "6"
                };
                let mut config = json!({"version": family, "address": ip.address.to_string()});
                if let Some(gateway) = ip.gateway {
                    config["gateway"] = gateway.to_string().into();
                }
                config
            })
            .collect();
        let mut previous = Map::new();
        previous.insert("cniVersion".to_owned(), version.as_str().into());
        previous.insert("ips".to_owned(), ips.into());
        previous
    }
}

fn ip_config(value: &Value, place: &str, field: &str) -> Result<IpConfig, AnswerError> {
    let at = |field: &str| format!("{place}.{field}");
    let address = value.get(field).unwrap_or(&Value::Null);
    let address = address
        .as_str()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| wrong(&at(field), address))?;
    let gateway = match value.get("gateway") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) if text.is_empty() => None,
        Some(other) => Some(
            other
                .as_str()
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| wrong(&at("gateway"), other))?,
        ),
    };
    Ok(IpConfig { address, gateway })
}

fn dns(value: Option<&Value>) -> Result<Dns, AnswerError> {
    let value = match value {
        None | Some(Value::Null) => return Ok(Dns::default()),
        Some(value @ Value::Object(_)) => value,
        Some(other) => return Err(wrong("dns", other)),
    };
    // Every text becomes a line of a file that resolvers read, so none may hold another line.
    let word = |text: &str| {
        !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control())
    };
    let list = |field: &str| match value.get(field) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => list
            .iter()
            .map(|one| {
                let text = one.as_str().filter(|text| word(text));
                text.map(ToOwned::to_owned)
                    .ok_or_else(|| wrong(&format!("dns.{field}"), one))
            })
            .collect(),
        Some(other) => Err(wrong(&format!("dns.{field}"), other)),
    };
    let domain = match value.get("domain") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) if text.is_empty() => None,
        Some(Value::String(text)) if word(text) => Some(text.clone()),
        Some(other) => return Err(wrong("dns.domain", other)),
    };
    Ok(Dns {
        nameservers: list("nameservers")?,
        domain,
        search: list("search")?,
        options: list("options")?,
    })
}

fn wrong(field: &str, value: &Value) -> AnswerError {
    AnswerError::Field {
        field: field.to_owned(),
        value: shorten(value),
    }
}

/// The beginning of a value, for a message.
fn shorten(value: &Value) -> String {
    let text = harmless(&value.to_string());
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

impl Dns {
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The contents of a `resolv.conf`, after a comment that says where they come from.
    ///
    /// Source: rkt 1.30, Documentation/networking/dns.md.
    pub fn resolv_conf(&self, comment: &str) -> String {
        let mut text = format!("# {comment}\n\n");
        if !self.search.is_empty() {
            text += &format!("search {}\n", self.search.join(" "));
        }
        for server in &self.nameservers {
            text += &format!("nameserver {server}\n");
        }
        if !self.options.is_empty() {
            text += &format!("options {}\n", self.options.join(" "));
        }
        if let Some(domain) = &self.domain {
            text += &format!("domain {domain}\n");
        }
        text
    }
}

impl PluginError {
    /// Reads what a failed plugin printed; other words than JSON are taken as they are.
    pub fn parse(stdout: &[u8], stderr: &[u8]) -> Self {
        let text = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4096)]);
            text.trim()
                .split('\n')
                .map(harmless)
                .collect::<Vec<_>>()
                .join("; ")
        };
        if let Ok(Value::Object(members)) = serde_json::from_slice(stdout) {
            let member = |name: &str| {
                let words = members
                    .get(name)
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                text(words.as_bytes())
            };
            let (message, details) = (member("msg"), member("details"));
            if !message.is_empty() || !details.is_empty() {
                let code = members.get("code").and_then(Value::as_u64).unwrap_or(0);
                return Self {
                    code,
                    message,
                    details,
                };
            }
        }
        let (stdout, stderr) = (text(stdout), text(stderr));
        let message = if stdout.is_empty() { stderr } else { stdout };
        Self {
            code: 0,
            message,
            details: String::new(),
        }
    }
}

impl fmt::Display for PluginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.message.as_str(), self.details.as_str()) {
            ("", "") => f.write_str("it says nothing"),
            ("", words) | (words, "") => f.write_str(words),
            (message, details) => write!(f, "{message}; {details}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(version: CniVersion, json: &str) -> Result<Answer, String> {
        Answer::parse(version, json.as_bytes()).map_err(|error| error.to_string())
    }

    fn addresses(answer: &Answer) -> Vec<String> {
        answer.ips.iter().map(|ip| ip.address.to_string()).collect()
    }

    #[test]
    fn results_of_every_version_are_read() {
        for version in CniVersion::ALL {
            let json = if version < CniVersion::V0_3_0 {
                r#"{"ip4":{"ip":"10.1.0.5/16","gateway":"10.1.0.1"},"ip6":{"ip":"fd00::5/64"},"dns":{"nameservers":["10.1.0.1"]}}"#
            } else {
                r#"{"interfaces":[{"name":"eth0","sandbox":"/n"}],
                    "ips":[{"version":"4","interface":0,"address":"10.1.0.5/16","gateway":"10.1.0.1"},
                           {"address":"fd00::5/64"}],"routes":[],"dns":{"nameservers":["10.1.0.1"]}}"#
            };
            let answer = read(version, json).unwrap();
            assert_eq!(addresses(&answer), ["10.1.0.5/16", "fd00::5/64"]);
            assert_eq!(answer.ips[0].gateway, "10.1.0.1".parse().ok());
            assert_eq!(answer.dns.nameservers, ["10.1.0.1"]);
            let previous = answer.as_previous(CniVersion::V0_4_0);
            let again = Answer::from_members(CniVersion::V0_4_0, previous).unwrap();
            assert_eq!(again.ips, answer.ips);
        }
        assert!(read(CniVersion::V0_2_0, " ").unwrap().ips.is_empty());
    }

    #[test]
    fn what_is_no_result_is_named() {
        for (json, message) in [
            (
                "",
                "is no JSON object: EOF while parsing a value at line 1 column 0",
            ),
            ("[1]", "is no JSON object: [1]"),
            (r#"{"cniVersion":"7"}"#, "is of the unknown version \"7\""),
            (r#"{"ips":{}}"#, "has a wrong ips: {}"),
            (r#"{"ips":[{}]}"#, "has a wrong ips[0].address: null"),
            (
                r#"{"ips":[{"address":"10.0.0.1"}]}"#,
                "has a wrong ips[0].address: \"10.0.0.1\"",
            ),
            (
                r#"{"ips":[{"address":"10.0.0.1/33"}]}"#,
                "has a wrong ips[0].address: \"10.0.0.1/33\"",
            ),
            (
                r#"{"ips":[{"address":"10.0.0.1/+8"}]}"#,
                "has a wrong ips[0].address: \"10.0.0.1/+8\"",
            ),
            (
                r#"{"ips":[{"address":"10.0.0.1/8","gateway":"x"}]}"#,
                "has a wrong ips[0].gateway: \"x\"",
            ),
            (r#"{"dns":[]}"#, "has a wrong dns: []"),
            (
                r#"{"dns":{"nameservers":["1.1.1.1\nnameserver 6.6.6.6"]}}"#,
                "has a wrong dns.nameservers: \"1.1.1.1\\nnameserver 6.6.6.6\"",
            ),
            (
                r#"{"dns":{"domain":"a b"}}"#,
                "has a wrong dns.domain: \"a b\"",
            ),
        ] {
            assert_eq!(
                read(CniVersion::V1_0_0, json).unwrap_err(),
                message,
                "{json}"
            );
        }
    }

    #[test]
    fn failed_plugins_are_quoted() {
        for (stdout, stderr, text) in [
            (
                r#"{"code":7,"msg":"no range","details":"10/8"}"#,
                "",
                "no range; 10/8",
            ),
            (r#"{"code":7,"msg":"no range"}"#, "noise", "no range"),
            (r#"{"details":"10/8"}"#, "", "10/8"),
            ("{}", "", "{}"),
            ("panic: x\ngoroutine 1", "", "panic: x; goroutine 1"),
            ("", "exec format\x1b[2J", "exec format\\u{1b}[2J"),
            ("", "", "it says nothing"),
        ] {
            let error = PluginError::parse(stdout.as_bytes(), stderr.as_bytes());
            assert_eq!(error.to_string(), text);
        }
    }

    #[test]
    fn resolvers_get_a_file() {
        let dns = Dns {
            nameservers: vec!["10.0.0.1".into(), "fd00::1".into()],
            domain: Some("example".into()),
            search: vec!["a.example".into(), "b.example".into()],
            options: vec!["ndots:2".into()],
        };
        assert_eq!(
            dns.resolv_conf("Generated by rkt from network x"),
            "# Generated by rkt from network x\n\nsearch a.example b.example\nnameserver 10.0.0.1\n\
             nameserver fd00::1\noptions ndots:2\ndomain example\n"
        );
    }
}
