//! Which networks a pod joins and how, decided before anything is done.

use std::path::Path;

use serde_json::{Map, Value, json};

use gantry_types::net::{Catalog, CniVersion, Definition, NetList, NetRequest, PluginConf};
use gantry_types::{PodManifest, pod_layout};

use super::error::NetError;
use super::files::{self, PluginDirectories};
use super::ports;
use super::record::{Attachment, Plugin};
use crate::arguments::{ConfSource, Network, RunArguments};
use crate::failed::Step as _;

/// The plugin that forwards ports, where a network's definition does not say how.
const PORT_PLUGIN: &str = "portmap";

/// Where stage0 leaves the resolver's configuration, in the pod directory.
const STAGE0_RESOLV_CONF: &str = "stage1/rootfs/etc/rkt-resolv.conf";

/// The networks of a pod, ready to be joined.
#[derive(Debug)]
pub(crate) struct Networks {
    pub(super) uuid: String,
    pub(super) attachments: Vec<Attachment>,
    pub(super) directories: PluginDirectories,
    /// What plugins say about name servers is for the apps.
    pub(super) wants_dns: bool,
}

impl Networks {
    /// Decides what `run` was told; `None` if no plugin is needed. `warn` gets what is done otherwise
    /// than somebody may expect.
    pub(crate) fn plan(
        arguments: &RunArguments,
        warn: &mut dyn FnMut(String),
    ) -> Result<Option<Self>, NetError> {
        let list = match &arguments.network {
            Network::Own(list) if list.has_networks() => list,
            Network::Own(_) | Network::Host => return Ok(None),
        };
        let catalog = files::catalog(&arguments.local_config);
        let mappings = ports::mappings(&manifest()?)?;
        let directories = PluginDirectories::new(&arguments.local_config);
        let dns = match arguments.resolv_conf {
            ConfSource::Stage0 => std::fs::read_to_string(STAGE0_RESOLV_CONF)
                .ok()
                .map(|text| resolver(&text)),
            ConfSource::Host | ConfSource::None | ConfSource::Default => None,
        };
        let attachments = plan(&catalog, list, mappings, dns, &directories, warn)?;
        Ok(Some(Self {
            uuid: arguments.uuid.clone(),
            attachments,
            directories,
            wants_dns: arguments.resolv_conf == ConfSource::Default,
        }))
    }
}

fn manifest() -> Result<PodManifest, NetError> {
    let bytes = std::fs::read(pod_layout::POD).step(|| format!("read {}", pod_layout::POD))?;
    PodManifest::from_json(&bytes).map_err(|source| NetError::Manifest { source })
}

fn plan(
    catalog: &Catalog,
    list: &NetList,
    mappings: Vec<Value>,
    dns: Option<Value>,
    directories: &PluginDirectories,
    warn: &mut dyn FnMut(String),
) -> Result<Vec<Attachment>, NetError> {
    let chosen = catalog.select(list)?;
    for (file, name, winner) in &catalog.overridden {
        let asked_for = chosen.iter().any(|(_, request)| request.name == *name);
        if asked_for {
            let (file, winner) = (file.display(), winner.display());
            warn(format!(
                "network {name} of {file} is overridden by {winner}"
            ));
        }
    }
    let forwarder = forwarder(&chosen).filter(|_| !mappings.is_empty());
    let mut copies: Vec<String> = Vec::new();
    let mut attachments = Vec::new();
    for (number, (definition, request)) in chosen.iter().enumerate() {
        let ports = (forwarder == Some(number)).then_some(mappings.as_slice());
        let mut plugins = Vec::new();
        let network = &definition.network;
        for conf in &network.plugins {
            let runtime = runtime(conf, request, ports, dns.as_ref());
            let version = network.version;
            plugins.push(plugin(definition, conf, version, runtime, directories)?);
        }
        if let Some(ports) = ports.filter(|_| !network.has_capability("portMappings")) {
            let conf = port_plugin();
            let version = network.version.max(CniVersion::V0_3_1);
            let runtime = runtime(&conf, request, Some(ports), None);
            plugins.push(plugin(definition, &conf, version, runtime, directories)?);
        }
        let copy = copy_name(&definition.path, &copies);
        copies.push(copy.clone());
        attachments.push(Attachment {
            network: network.name.clone(),
            file: definition.path.clone(),
            copy,
            interface: format!("eth{number}"),
            args: request.args_text(),
            disable_check: network.disable_check,
            plugins,
            result: None,
        });
    }
    Ok(attachments)
}

/// The network that ports are forwarded to: the first that says how, else the first behind the host's
/// addresses, else the last. Source: rkt 1.30, Documentation/networking/overview.md.
fn forwarder(chosen: &[(&Definition, NetRequest)]) -> Option<usize> {
    let position = |wanted: &dyn Fn(&Definition) -> bool| {
        chosen.iter().position(|(definition, _)| wanted(definition))
    };
    position(&|definition| definition.network.has_capability("portMappings"))
        .or_else(|| position(&|definition| definition.network.masquerades()))
        .or_else(|| chosen.len().checked_sub(1))
}

fn port_plugin() -> PluginConf {
    let mut members = Map::new();
    members.insert("type".to_owned(), PORT_PLUGIN.into());
    // So that the host reaches its own forwarded ports on loopback addresses.
    members.insert("snat".to_owned(), true.into());
    PluginConf {
        kind: PORT_PLUGIN.to_owned(),
        members,
        capabilities: vec!["portMappings".to_owned()],
    }
}

/// What a plugin is told of this pod, as far as it wants to know. Source: CNI conventions.
fn runtime(
    conf: &PluginConf,
    request: &NetRequest,
    ports: Option<&[Value]>,
    dns: Option<&Value>,
) -> Map<String, Value> {
    let mut runtime = Map::new();
    for capability in &conf.capabilities {
        let value = match capability.as_str() {
            "portMappings" => ports.map(|ports| ports.into()),
            "ips" => request.arg("IP").map(|ip| json!([ip])),
            "mac" => request.arg("MAC").map(Value::from),
            "dns" => dns.cloned(),
            _ => None,
        };
        runtime.extend(value.map(|value| (capability.clone(), value)));
    }
    runtime
}

fn plugin(
    definition: &Definition,
    conf: &PluginConf,
    version: CniVersion,
    runtime: Map<String, Value>,
    directories: &PluginDirectories,
) -> Result<Plugin, NetError> {
    let name = &definition.network.name;
    let missing = |plugin: &str| NetError::NoPlugin {
        network: name.clone(),
        file: definition.path.clone(),
        plugin: plugin.to_owned(),
        directories: directories.0.clone(),
    };
    let program = directories.find(&conf.kind);
    let program = program.ok_or_else(|| missing(&conf.kind))?;
    // The plugin calls this one; that it is missing is better known before anything is made.
    if let Some(ipam) = conf.ipam()
        && directories.find(ipam).is_none()
    {
        return Err(missing(ipam));
    }
    let mut configuration = conf.to_json(name, version);
    if !runtime.is_empty() {
        configuration.insert("runtimeConfig".to_owned(), runtime.into());
    }
    Ok(Plugin {
        kind: conf.kind.clone(),
        program,
        version,
        configuration,
    })
}

/// A name in the pod directory for the copy of `file`, other than those `taken`.
fn copy_name(file: &Path, taken: &[String]) -> String {
    let base = file.file_name().unwrap_or_default().to_string_lossy();
    let name = format!("{}/{base}", pod_layout::NET);
    let others = (2..).map(|number| format!("{}/{number}-{base}", pod_layout::NET));
    let mut free = std::iter::once(name).chain(others);
    free.find(|name| !taken.contains(name)).unwrap_or_default()
}

/// The value of the capability `dns`, from a `resolv.conf`.
fn resolver(text: &str) -> Value {
    let mut dns = json!({"servers": [], "searches": [], "options": []});
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        let member = match words.next() {
            Some("nameserver") => "servers",
            Some("search") => "searches",
            Some("options") => "options",
            _ => continue,
        };
        if let Some(list) = dns[member].as_array_mut() {
            list.extend(words.map(Value::from));
        }
    }
    dns
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_types::net::{Origin, Source};

    struct Host {
        _temp: tempfile::TempDir,
        directories: PluginDirectories,
    }

    fn host() -> Host {
        let temp = tempfile::tempdir().unwrap();
        for plugin in ["ptp", "bridge", "portmap", "host-local", "tuning"] {
            std::fs::write(temp.path().join(plugin), "").unwrap();
        }
        let directories = PluginDirectories(vec![temp.path().to_owned()]);
        Host {
            _temp: temp,
            directories,
        }
    }

    fn catalog(definitions: &[(&str, &str)]) -> Catalog {
        let sources = definitions.iter().map(|(path, json)| Source {
            origin: Origin::Local,
            path: path.into(),
            bytes: Ok(json.as_bytes().to_vec()),
        });
        Catalog::new(sources.collect())
    }

    fn planned(
        definitions: &[(&str, &str)],
        list: &str,
        mappings: &[Value],
    ) -> Result<Vec<Attachment>, String> {
        let catalog = catalog(definitions);
        let list = list.parse().unwrap();
        let dns = Some(resolver(
            "nameserver 10.0.0.1\nsearch a b\n# x\noptions ndots:1\n",
        ));
        plan(
            &catalog,
            &list,
            mappings.to_vec(),
            dns,
            &host().directories,
            &mut |_| {},
        )
        .map_err(|error| error.to_string())
    }

    const CHAIN: &str = r#"{"cniVersion":"1.0.0","name":"n","plugins":[
        {"type":"bridge","capabilities":{"ips":true,"mac":true,"dns":true}},
        {"type":"portmap","capabilities":{"portMappings":true}}]}"#;

    fn configuration(plugin: &Plugin) -> String {
        Value::from(plugin.configuration.clone()).to_string()
    }

    #[test]
    fn plugins_are_told_what_they_want_to_know() {
        let mapping = json!({"hostPort": 1, "containerPort": 2, "protocol": "tcp"});
        let plan = planned(
            &[("/n/n.conflist", CHAIN)],
            "n:IP=10.0.0.5/8;MAC=02:00:00:00:00:01",
            &[mapping],
        )
        .unwrap();
        assert_eq!(plan.len(), 1);
        assert_eq!(
            (plan[0].interface.as_str(), plan[0].args.as_str()),
            ("eth0", "IP=10.0.0.5/8;MAC=02:00:00:00:00:01")
        );
        assert_eq!(
            configuration(&plan[0].plugins[0]),
            r#"{"cniVersion":"1.0.0","name":"n","type":"bridge","capabilities":{"ips":true,"mac":true,"dns":true},"runtimeConfig":{"ips":["10.0.0.5/8"],"mac":"02:00:00:00:00:01","dns":{"servers":["10.0.0.1"],"searches":["a","b"],"options":["ndots:1"]}}}"#
        );
        assert_eq!(
            configuration(&plan[0].plugins[1]),
            r#"{"cniVersion":"1.0.0","name":"n","type":"portmap","capabilities":{"portMappings":true},"runtimeConfig":{"portMappings":[{"hostPort":1,"containerPort":2,"protocol":"tcp"}]}}"#
        );
    }

    #[test]
    fn ports_go_to_the_network_that_can_or_is_behind_the_host() {
        let plain =
            |name: &str, rest: &str| format!(r#"{{"name":"{name}","type":"bridge"{rest}}}"#);
        let (a, b) = (plain("a", ""), plain("b", r#","ipMasq":true"#));
        let mapping = [json!({"hostPort": 1, "containerPort": 2, "protocol": "tcp"})];
        let of = |definitions: &[(&str, &str)], list: &str, mappings: &[Value]| {
            let plan = planned(definitions, list, mappings).unwrap();
            let kinds = |a: &Attachment| {
                a.plugins
                    .iter()
                    .map(|p| p.kind.clone())
                    .collect::<Vec<_>>()
                    .join("+")
            };
            plan.iter()
                .map(|a| format!("{}={}={}", a.interface, a.network, kinds(a)))
                .collect::<Vec<_>>()
        };
        let files = [
            ("/n/1.conf", a.as_str()),
            ("/n/2.conf", b.as_str()),
            ("/n/3.conflist", CHAIN),
        ];
        assert_eq!(
            of(&files, "b,a", &mapping),
            ["eth0=a=bridge", "eth1=b=bridge+portmap"]
        );
        assert_eq!(of(&files, "b,a", &[]), ["eth0=a=bridge", "eth1=b=bridge"]);
        assert_eq!(of(&files, "a", &mapping), ["eth0=a=bridge+portmap"]);
        assert_eq!(
            of(&files, "b,n", &mapping),
            ["eth0=b=bridge", "eth1=n=bridge+portmap"]
        );
        // The oldest form of results is none for a plugin in a chain.
        let version = planned(&files, "a", &mapping).unwrap()[0].plugins[1].version;
        assert_eq!(version, CniVersion::V0_3_1);
    }

    #[test]
    fn a_missing_plugin_is_named_with_the_package_that_has_it() {
        for (json, plugin) in [
            (r#"{"name":"n","type":"warp"}"#, "warp"),
            (
                r#"{"name":"n","type":"ptp","ipam":{"type":"dhcp"}}"#,
                "dhcp",
            ),
        ] {
            let error = planned(&[("/n/n.conf", json)], "n", &[]).unwrap_err();
            let start = format!("network n (/n/n.conf): plugin \"{plugin}\" is in none of /");
            assert!(error.starts_with(&start), "{error}");
            assert!(
                error.contains("Debian's package containernetworking-plugins"),
                "{error}"
            );
        }
    }

    #[test]
    fn copies_of_files_do_not_overwrite_each_other() {
        let taken = ["net/a.conf".to_owned(), "net/2-a.conf".to_owned()];
        assert_eq!(copy_name(Path::new("/x/a.conf"), &[]), "net/a.conf");
        assert_eq!(copy_name(Path::new("/x/a.conf"), &taken), "net/3-a.conf");
    }
}
