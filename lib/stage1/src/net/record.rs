//! What a pod joins, written down before the first plugin is called: all that taking it down needs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use gantry_types::net::CniVersion;
use gantry_types::pod_layout;

use crate::failed::{Failed, Step as _};

/// The record, in the pod directory.
const FILE: &str = "net/attachments.json";

/// One network that a pod joins.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Attachment {
    pub(super) network: String,
    /// The file that defines it.
    pub(super) file: PathBuf,
    /// The copy of that file, in the pod directory.
    pub(super) copy: String,
    pub(super) interface: String,
    /// `KEY=VALUE;KEY=VALUE`
    pub(super) args: String,
    pub(super) disable_check: bool,
    /// At least one, in the order of the chain.
    pub(super) plugins: Vec<Plugin>,
    /// What the last plugin of the chain answered, once it did.
    pub(super) result: Option<Map<String, Value>>,
}

/// One plugin of a network.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plugin {
    pub(super) kind: String,
    pub(super) program: PathBuf,
    pub(super) version: CniVersion,
    /// What it reads, but for results of others.
    pub(super) configuration: Map<String, Value>,
}

impl Plugin {
    /// What the plugin reads, with the result of those before it, if any.
    pub(super) fn input(&self, previous: Option<&Map<String, Value>>) -> Vec<u8> {
        let mut configuration = self.configuration.clone();
        if let Some(previous) = previous {
            configuration.insert("prevResult".to_owned(), previous.clone().into());
        }
        Value::from(configuration).to_string().into_bytes()
    }
}

impl Attachment {
    /// Whether it may want an address that another pod just had, rather than any that is free.
    pub(super) fn is_choosy(&self) -> bool {
        let gives_any = |plugin: &Plugin| {
            let ipam = plugin.configuration.get("ipam");
            ipam.and_then(|ipam| ipam.get("type")?.as_str()) == Some("host-local")
        };
        !self.args.is_empty() || !self.plugins.iter().any(gives_any)
    }

    fn to_json(&self) -> Value {
        let plugin = |plugin: &Plugin| {
            json!({
                "type": plugin.kind,
                "program": plugin.program.to_string_lossy(),
                "cniVersion": plugin.version.as_str(),
                "configuration": plugin.configuration,
            })
        };
        json!({
            "network": self.network,
            "file": self.file.to_string_lossy(),
            "copy": self.copy,
            "interface": self.interface,
            "args": self.args,
            "disableCheck": self.disable_check,
            "plugins": self.plugins.iter().map(plugin).collect::<Vec<_>>(),
            "result": self.result,
        })
    }

    fn from_json(value: &Value) -> Option<Self> {
        let text = |name: &str| value.get(name)?.as_str().map(ToOwned::to_owned);
        let plugin = |value: &Value| {
            let text = |name: &str| value.get(name)?.as_str();
            Some(Plugin {
                kind: text("type")?.to_owned(),
                program: text("program")?.into(),
                version: CniVersion::from_name(text("cniVersion")?)?,
                configuration: value.get("configuration")?.as_object()?.clone(),
            })
        };
        let plugins = value.get("plugins")?.as_array()?;
        Some(Self {
            network: text("network")?,
            file: text("file")?.into(),
            copy: text("copy")?,
            interface: text("interface")?,
            args: text("args")?,
            disable_check: value.get("disableCheck")?.as_bool()?,
            plugins: plugins.iter().map(plugin).collect::<Option<_>>()?,
            result: value.get("result")?.as_object().cloned(),
        })
    }
}

/// Writes the record into the pod directory; readers find the old one or the new one.
pub(super) fn write(attachments: &[Attachment]) -> Result<(), Failed> {
    let name = || format!("write {FILE}");
    match fs::create_dir(pod_layout::NET) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(error).step(|| format!("make {}", pod_layout::NET));
        }
        _ => {}
    }
    let list: Vec<Value> = attachments.iter().map(Attachment::to_json).collect();
    let text = json!({"version": 1, "attachments": list}).to_string();
    let staged = format!("{}/.attachments", pod_layout::NET);
    fs::write(&staged, text).step(name)?;
    fs::rename(staged, FILE).step(name)
}

/// Brings the record onto stable storage: addresses that are leased outlive a power cut.
pub(super) fn sync() -> io::Result<()> {
    fs::File::open(FILE)?.sync_all()?;
    fs::File::open(pod_layout::NET)?.sync_all()?;
    fs::File::open(".")?.sync_all()
}

/// Reads the record; `None` if there is none, an error if it is not one.
pub(super) fn read() -> Result<Option<Vec<Attachment>>, Failed> {
    let bytes = match fs::read(FILE) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).step(|| format!("read {FILE}")),
    };
    parse(&bytes)
        .map(Some)
        .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
        .step(|| format!("understand {FILE}"))
}

fn parse(bytes: &[u8]) -> Option<Vec<Attachment>> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    let list = value.get("attachments")?.as_array()?;
    list.iter().map(Attachment::from_json).collect()
}

/// Removes the record and the copies of definitions, when everything has been taken down.
pub(super) fn remove(attachments: &[Attachment]) -> Result<(), Failed> {
    let copies = attachments
        .iter()
        .map(|attachment| attachment.copy.as_str());
    for file in copies.chain([FILE]) {
        match fs::remove_file(Path::new(file)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).step(|| format!("remove {file}"));
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_back_and_others_are_refused() {
        let plugin = Plugin {
            kind: "ptp".to_owned(),
            program: "/p/ptp".into(),
            version: CniVersion::V0_4_0,
            configuration: json!({"type": "ptp", "x": 1.5})
                .as_object()
                .unwrap()
                .clone(),
        };
        let mut attachment = Attachment {
            network: "n".to_owned(),
            file: "/n/n.conf".into(),
            copy: "net/n.conf".to_owned(),
            interface: "eth0".to_owned(),
            args: "IP=1.2.3.4".to_owned(),
            disable_check: true,
            plugins: vec![plugin],
            result: None,
        };
        for result in [None, json!({"ips": []}).as_object().cloned()] {
            attachment.result = result;
            assert_eq!(
                Attachment::from_json(&attachment.to_json()),
                Some(attachment.clone())
            );
        }
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"attachments":[{}]}"#,
            r#"{"attachments":7}"#,
        ] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad}");
        }
        let input = attachment.plugins[0].input(attachment.result.as_ref());
        assert_eq!(input, br#"{"type":"ptp","x":1.5,"prevResult":{"ips":[]}}"#);
    }
}
