//! What rkt asks about networks of this host: what they left, whether a pod's are as they were made.
//!
//! ```text
//! net-plugins  prints {"plugins": {NAME: PATH or null}}: those that this host's definitions name
//! net-traces   prints {"traces": [TRACE…]}: all that bears the ID of a container
//! net-forget   removes all of that for one pod, which is gone
//! net-check    calls CHECK for the pod in the working directory, prints {"checks": [CHECK…]}
//! net-gc       reads {"attachments": [{"containerID", "ifname"}…]}, calls GC, prints {"collected": [CHECK…]}
//! ```

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use gantry_types::net::{NFT_TABLES, nft_rules, packet_rules};

use super::check;
use super::error::NetError;
use super::files::{self, PluginDirectories};
use super::gc_verb;
use super::leftovers::{self, FAMILIES, entries, saved_rules};
use super::namespace;
use super::plugin::tool;
use crate::arguments::{ArgumentError, GcArguments, local_config};
use crate::failed::{Failed, Step as _};

/// Most bytes of a list of attachments.
const MAX_LIST: u64 = 64 * 1024 * 1024;

/// A question about networks cannot be answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HostError {
    /// The arguments are not those of the interface.
    #[error(transparent)]
    Arguments(#[from] ArgumentError),
    /// The list of attachments is none.
    #[error("bad list of attachments on standard input")]
    List(#[source] serde_json::Error),
    /// Something stays.
    #[error(transparent)]
    Network(#[from] NetError),
    /// A step was refused.
    #[error(transparent)]
    Failed(#[from] Failed),
}

/// `net-plugins [--local-config=DIR]`
pub(crate) fn plugins(arguments: impl Iterator<Item = OsString>) -> Result<(), HostError> {
    let local_config = local_config(arguments)?;
    let directories = PluginDirectories::new(&local_config);
    let catalog = files::catalog(&local_config);
    let all = catalog.definitions.iter().flat_map(|d| &d.network.plugins);
    let names = all.flat_map(|conf| std::iter::once(conf.kind.as_str()).chain(conf.ipam()));
    let plugins: Map<String, Value> = names
        .map(|name| {
            let path = directories.find(name);
            let path = path.map(|path| path.to_string_lossy().into_owned());
            (name.to_owned(), path.into())
        })
        .collect();
    print(&json!({"plugins": plugins}))
}

/// `net-traces [--local-config=DIR]`
pub(crate) fn traces(arguments: impl Iterator<Item = OsString>) -> Result<(), HostError> {
    let local_config = local_config(arguments)?;
    let mut traces = Vec::new();
    for place in places(&local_config) {
        let name = || format!("list leases in {}", place.display());
        for network in entries(&place).step(name)? {
            let in_network = entries(&network).unwrap_or_default();
            traces.extend(in_network.iter().filter_map(|file| {
                let lease = leftovers::lease(file)?;
                // Beside the leases lie a lock and what was given out last.
                let address = file.file_name()?.to_str()?;
                address.replace('_', ":").parse::<std::net::IpAddr>().ok()?;
                Some(json!({
                    "kind": "lease",
                    "container": lease.container,
                    "network": network.file_name()?.to_string_lossy(),
                    "what": file.to_string_lossy(),
                }))
            }));
        }
    }
    for family in FAMILIES {
        let saved = saved_rules(family).step(|| format!("list rules with {family}-save"))?;
        traces.extend(packet_rules(&saved).map(|rule| {
            json!({
                "kind": "rule",
                "container": rule.container,
                "network": rule.network,
                "what": format!("{family} -t nat -A {}", rule.text),
            })
        }));
    }
    for table in NFT_TABLES {
        let listed = leftovers::listed_rules(table).step(|| format!("list table {table}"))?;
        traces.extend(nft_rules(&listed).map(|rule| {
            json!({
                "kind": "rule",
                "container": rule.container,
                "network": rule.network,
                "what": format!("nft add rule {table} {} {}", rule.chain, rule.text),
            })
        }));
    }
    // Last, as a pod pins its namespace before it is given anything: no trace is of a pod that is not seen.
    traces.extend(namespaces().step(|| "list network namespaces")?);
    print(&json!({"traces": traces}))
}

/// `net-forget [--local-config=DIR] UUID`
pub(crate) fn forget(arguments: impl Iterator<Item = OsString>) -> Result<(), HostError> {
    let GcArguments { local_config, uuid } = GcArguments::parse(arguments)?;
    if is_inhabited(&uuid).step(|| "look for processes in the namespace")? {
        return Err(HostError::Network(NetError::Left {
            network: String::new(),
            why: "a process is in the pod's network namespace".to_owned(),
        }));
    }
    leftovers::remove_from(&uuid, &places(&local_config)).map_err(|why| NetError::Left {
        network: String::new(),
        why: why.to_string(),
    })?;
    Ok(namespace::unpin(&uuid)?)
}

/// `net-check [--local-config=DIR] UUID`
pub(crate) fn check(arguments: impl Iterator<Item = OsString>) -> Result<(), HostError> {
    let GcArguments { local_config, uuid } = GcArguments::parse(arguments)?;
    let checks = check::all(&uuid, &PluginDirectories::new(&local_config).as_path())?;
    print(&json!({"checks": checks}))
}

/// `net-gc [--local-config=DIR]`
pub(crate) fn collect(arguments: impl Iterator<Item = OsString>) -> Result<(), HostError> {
    let local_config = local_config(arguments)?;
    let mut bytes = Vec::new();
    io::stdin()
        .take(MAX_LIST)
        .read_to_end(&mut bytes)
        .step(|| "read the list of attachments")?;
    let list: Value = serde_json::from_slice(&bytes).map_err(HostError::List)?;
    let valid = list.get("attachments").cloned().unwrap_or_default();
    // Whoever pins a namespace now waits; whoever has done so since the list was made is seen.
    let _pins = namespace::exclude().step(|| "keep pods from starting")?;
    if let Some(uuid) = unlisted(&valid).step(|| "list network namespaces")? {
        let why = format!("pod {uuid} has come meanwhile; collect again");
        let skipped = gc_verb::skipped(&local_config, &why);
        return print(&json!({ "collected": skipped }));
    }
    print(&json!({"collected": gc_verb::collect(&local_config, &valid)}))
}

fn print(value: &Value) -> Result<(), HostError> {
    let mut text = value.to_string();
    text.push('\n');
    let written = io::stdout().write_all(text.as_bytes());
    Ok(written.step(|| "print the answer")?)
}

/// Where leases may lie by what is defined here.
fn places(local_config: &Path) -> BTreeSet<PathBuf> {
    let catalog = files::catalog(local_config);
    let networks = catalog.definitions.iter().map(|d| &d.network);
    let plugins = networks.flat_map(|network| &network.plugins);
    leftovers::places(plugins.map(|plugin| &plugin.members))
}

/// A pod with processes in its namespace that has no attachment in the list.
fn unlisted(valid: &Value) -> io::Result<Option<String>> {
    let listed = valid.as_array().into_iter().flatten();
    let listed: BTreeSet<&str> = listed
        .filter_map(|one| one.get("containerID")?.as_str())
        .collect();
    let running = namespaces()?;
    let running = running
        .iter()
        .filter(|namespace| namespace["inUse"] == true);
    let mut running = running.filter_map(|namespace| namespace["container"].as_str());
    Ok(running
        .find(|uuid| !listed.contains(uuid))
        .map(str::to_owned))
}

/// Whether a process is in the pinned namespace of pod `uuid`.
fn is_inhabited(uuid: &str) -> io::Result<bool> {
    if !namespace::is_pinned(uuid) {
        return Ok(false);
    }
    let inode = fs::metadata(namespace::path(uuid))?.ino();
    Ok(used()?.contains(&inode))
}

/// The namespaces of pods, each with the interfaces that it has on the host.
fn namespaces() -> io::Result<Vec<Value>> {
    let mut found = Vec::new();
    // First what is pinned, then who is in it: a pod that starts in between counts as running.
    let pinned = entries(Path::new(namespace::DIRECTORY))?;
    let used = used()?;
    for path in pinned {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let Some(uuid) = name.strip_prefix("rkt-") else {
            continue;
        };
        let is_pinned = namespace::is_pinned(uuid);
        let inode = fs::metadata(&path).map(|file| file.ino());
        found.push(json!({
            "kind": "namespace",
            "container": uuid,
            "what": path.to_string_lossy(),
            "inUse": is_pinned && inode.is_ok_and(|inode| used.contains(&inode)),
            "interfaces": if is_pinned { interfaces(name) } else { Vec::new() },
        }));
    }
    Ok(found)
}

/// The namespaces, by inode, that a process is in.
fn used() -> io::Result<BTreeSet<u64>> {
    let processes = entries(Path::new("/proc"))?;
    let namespaces = processes
        .iter()
        .map(|process| fs::metadata(process.join("ns/net")));
    Ok(namespaces.flatten().map(|file| file.ino()).collect())
}

/// Names of the host's ends of the interfaces in namespace `name`; none where ip(8) is not installed.
fn interfaces(name: &str) -> Vec<String> {
    let listed = tool("ip", &["-n", name, "-o", "link"], b"").unwrap_or_default();
    let listed = String::from_utf8_lossy(&listed).into_owned();
    // `2: eth0@if7: <…`: the other end is the host's interface 7.
    let others = listed.lines().filter_map(|line| {
        let name = line.split(": ").nth(1)?;
        name.rsplit_once("@if")?.1.parse::<u32>().ok()
    });
    let own = entries(Path::new("/sys/class/net")).unwrap_or_default();
    others
        .filter_map(|index| {
            let is_it = |path: &&PathBuf| {
                let text = fs::read_to_string(path.join("ifindex"));
                text.is_ok_and(|text| text.trim().parse() == Ok(index))
            };
            let name = own.iter().find(is_it)?.file_name()?;
            Some(name.to_string_lossy().into_owned())
        })
        .collect()
}
