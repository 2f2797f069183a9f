//! A network as a file defines it: one plugin (`*.conf`, `*.json`) or a chain of them (`*.conflist`).

use std::net::IpAddr;
use std::path::Path;

use serde_json::{Map, Value};

use super::definition_error::{DefinitionError, Problem};
use super::request::RESERVED;
use super::version::CniVersion;
use crate::show::harmless;

/// Largest definition that is read, in bytes. Those in use have some hundred.
pub(crate) const MAX_BYTES: usize = 1024 * 1024;

/// A network: a chain of plugins, each of which works on what those before it made.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkDefinition {
    /// Its name.
    pub name: String,
    /// The version that its plugins are spoken to in.
    pub version: CniVersion,
    /// CHECK must not be called.
    pub disable_check: bool,
    /// GC must not be called.
    pub disable_gc: bool,
    /// At least one.
    pub plugins: Vec<PluginConf>,
}

/// One plugin of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct PluginConf {
    /// The name of its program.
    pub kind: String,
    /// Everything that its configuration says, without `name`, `cniVersion` and `capabilities`.
    pub members: Map<String, Value>,
    /// What it wants to be told at run time: `portMappings`, `ips`, `mac`, `dns` and others.
    pub capabilities: Vec<String>,
}

/// Whether a file of this name defines a network.
pub fn is_definition_file(name: &Path) -> bool {
    let extension = name.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("conf" | "json" | "conflist"))
}

impl NetworkDefinition {
    /// Reads a definition; the extension of `file` tells its form.
    ///
    /// # Errors
    ///
    /// [`DefinitionError`] with the file and the member at fault.
    pub fn parse(file: &Path, bytes: &[u8]) -> Result<Self, DefinitionError> {
        let mut network = None;
        parse(file, bytes, &mut network).map_err(|(field, problem)| DefinitionError {
            file: file.to_owned(),
            field,
            network,
            problem,
        })
    }

    /// Whether a plugin of it wants to be told `capability`.
    pub fn has_capability(&self, capability: &str) -> bool {
        let mut all = self.plugins.iter().flat_map(|plugin| &plugin.capabilities);
        all.any(|own| own == capability)
    }

    /// Whether it hides the pod's addresses behind the host's.
    pub fn masquerades(&self) -> bool {
        let mut plugins = self.plugins.iter();
        plugins.any(|plugin| plugin.members.get("ipMasq") == Some(&Value::Bool(true)))
    }
}

impl PluginConf {
    /// The configuration that the plugin reads, before anything of a pod is added.
    pub fn to_json(&self, name: &str, version: CniVersion) -> Map<String, Value> {
        let mut conf = Map::new();
        conf.insert("cniVersion".to_owned(), version.as_str().into());
        conf.insert("name".to_owned(), name.into());
        conf.extend(self.members.clone());
        if !self.capabilities.is_empty() {
            let all = self.capabilities.iter();
            let all: Map<String, Value> = all.map(|c| (c.clone(), Value::Bool(true))).collect();
            conf.insert("capabilities".to_owned(), all.into());
        }
        conf
    }

    /// The name of the plugin that gives out addresses for it, if it has one.
    pub fn ipam(&self) -> Option<&str> {
        self.members.get("ipam")?.get("type")?.as_str()
    }
}

/// What stands where, and what is wrong there.
type Fault = (String, Problem);

fn parse(
    file: &Path,
    bytes: &[u8],
    network: &mut Option<String>,
) -> Result<NetworkDefinition, Fault> {
    let whole = |problem| (String::new(), problem);
    if bytes.len() > MAX_BYTES {
        return Err(whole(Problem::TooLarge));
    }
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| whole(Problem::Json(harmless(&error.to_string()))))?;
    let top = object(&value, "")?;
    let name = text(top, "", "name")?;
    *network = Some(name.to_owned()).filter(|name| is_name(name));
    let name = match name {
        "" => Err(Problem::Empty),
        name if RESERVED.contains(&name) => Err(Problem::Reserved(name.to_owned())),
        name if !is_name(name) => Err(Problem::Name(name.to_owned())),
        name => Ok(name.to_owned()),
    }
    .map_err(|problem| ("name".to_owned(), problem))?;
    let version = version(top)?;
    let is_list = file
        .extension()
        .is_some_and(|extension| extension == "conflist");
    let mut definition = NetworkDefinition {
        name,
        version,
        disable_check: false,
        disable_gc: false,
        plugins: Vec::new(),
    };
    if !is_list {
        if top.contains_key("plugins") {
            return Err(("plugins".to_owned(), Problem::WantsList));
        }
        definition.plugins.push(plugin(top, "")?);
        return Ok(definition);
    }
    definition.disable_check = boolean(top, "disableCheck")?;
    definition.disable_gc = boolean(top, "disableGC")?;
    let field = || "plugins".to_owned();
    let plugins = match top.get("plugins") {
        None if top.contains_key("type") => Err(Problem::WantsSingle),
        None => Err(Problem::Missing),
        Some(Value::Array(plugins)) if plugins.is_empty() => Err(Problem::Empty),
        Some(Value::Array(plugins)) => Ok(plugins),
        Some(other) => Err(wrong_type("a list", other)),
    }
    .map_err(|problem| (field(), problem))?;
    if plugins.len() > 1 && version < CniVersion::V0_3_0 {
        return Err(("cniVersion".to_owned(), Problem::NoChains(version.as_str())));
    }
    for (number, one) in plugins.iter().enumerate() {
        let place = format!("plugins[{number}]");
        definition
            .plugins
            .push(plugin(object(one, &place)?, &place)?);
    }
    Ok(definition)
}

fn version(top: &Map<String, Value>) -> Result<CniVersion, Fault> {
    let read = |name: &str, field: &str| {
        let unknown = || (field.to_owned(), Problem::Version(name.to_owned()));
        CniVersion::from_name(name).ok_or_else(unknown)
    };
    // A definition may offer several. Source: CNI 1.1.0, "Configuration format".
    if let Some(Value::Array(all)) = top.get("cniVersions") {
        let known = all.iter().filter_map(Value::as_str);
        let known = known.filter_map(CniVersion::from_name).max();
        if let Some(version) = known {
            return Ok(version);
        }
    }
    match top.get("cniVersion") {
        None => Ok(CniVersion::V0_1_0),
        Some(Value::String(name)) => read(name, "cniVersion"),
        Some(other) => Err(("cniVersion".to_owned(), wrong_type("a text", other))),
    }
}

fn plugin(members: &Map<String, Value>, place: &str) -> Result<PluginConf, Fault> {
    let at = |field: &str| join(place, field);
    let kind = plugin_name(members, place)?;
    for field in ["prevResult", "runtimeConfig"] {
        if members.contains_key(field) {
            return Err((at(field), Problem::Runtime));
        }
    }
    let capabilities = match members.get("capabilities") {
        None | Some(Value::Null) => Vec::new(),
        Some(value) => {
            let place = at("capabilities");
            let mut capabilities = Vec::new();
            for (name, value) in object(value, &place)? {
                match value {
                    Value::Bool(true) => capabilities.push(name.clone()),
                    Value::Bool(false) => {}
                    other => return Err((join(&place, name), wrong_type("true or false", other))),
                }
            }
            capabilities
        }
    };
    match members.get("ipam") {
        None | Some(Value::Null) => {}
        Some(value) => {
            let ipam = object(value, &at("ipam"))?;
            // An empty one means no addresses, as for macvlan.
            if !ipam.is_empty() {
                plugin_name(ipam, &at("ipam"))?;
            }
        }
    }
    match members.get("ipMasq") {
        None | Some(Value::Null | Value::Bool(_)) => {}
        Some(other) => return Err((at("ipMasq"), wrong_type("true or false", other))),
    }
    dns(members, &at("dns"))?;
    let mut members = members.clone();
    for field in ["name", "cniVersion", "cniVersions", "capabilities"] {
        members.shift_remove(field);
    }
    Ok(PluginConf {
        kind,
        members,
        capabilities,
    })
}

fn plugin_name(members: &Map<String, Value>, place: &str) -> Result<String, Fault> {
    let name = text(members, place, "type")?;
    let field = || join(place, "type");
    match name {
        "" => Err((field(), Problem::Empty)),
        "." | ".." => Err((field(), Problem::PluginName(name.to_owned()))),
        name if name.contains(['/', '\0']) => Err((field(), Problem::PluginName(name.to_owned()))),
        name => Ok(name.to_owned()),
    }
}

fn dns(members: &Map<String, Value>, place: &str) -> Result<(), Fault> {
    let dns = match members.get("dns") {
        None | Some(Value::Null) => return Ok(()),
        Some(value) => object(value, place)?,
    };
    if let Some(domain) = dns.get("domain")
        && !domain.is_string()
    {
        return Err((join(place, "domain"), wrong_type("a text", domain)));
    }
    for field in ["nameservers", "search", "options"] {
        let place = join(place, field);
        let list = match dns.get(field) {
            None | Some(Value::Null) => continue,
            Some(Value::Array(list)) => list,
            Some(other) => return Err((place, wrong_type("a list", other))),
        };
        for (number, one) in list.iter().enumerate() {
            let place = format!("{place}[{number}]");
            match one {
                Value::String(text)
                    if field == "nameservers" && text.parse::<IpAddr>().is_err() =>
                {
                    return Err((place, Problem::Address(text.clone())));
                }
                Value::String(_) => {}
                other => return Err((place, wrong_type("a text", other))),
            }
        }
    }
    Ok(())
}

/// Source: CNI 1.1.0, "Configuration format", `name`.
pub(super) fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphanumeric())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

fn boolean(members: &Map<String, Value>, field: &str) -> Result<bool, Fault> {
    match members.get(field) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(value)) => Ok(*value),
        // Some write it as a text, which the original reads too.
        Some(Value::String(value)) if value == "true" => Ok(true),
        Some(Value::String(value)) if value == "false" => Ok(false),
        Some(other) => Err((field.to_owned(), wrong_type("true or false", other))),
    }
}

fn text<'a>(members: &'a Map<String, Value>, place: &str, field: &str) -> Result<&'a str, Fault> {
    match members.get(field) {
        None | Some(Value::Null) => Err((join(place, field), Problem::Missing)),
        Some(Value::String(text)) => Ok(text),
        Some(other) => Err((join(place, field), wrong_type("a text", other))),
    }
}

fn object<'a>(value: &'a Value, place: &str) -> Result<&'a Map<String, Value>, Fault> {
    let other = |value| (place.to_owned(), wrong_type("an object", value));
    value.as_object().ok_or_else(|| other(value))
}

fn join(place: &str, field: &str) -> String {
    match place.is_empty() {
        true => field.to_owned(),
        false => format!("{place}.{field}"),
    }
}

fn wrong_type(expected: &'static str, value: &Value) -> Problem {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    Problem::Type { expected, found }
}

#[cfg(test)]
mod tests;
