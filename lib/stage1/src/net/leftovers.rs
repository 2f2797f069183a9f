//! What plugins that failed, or are gone, left on the host for a pod.
//!
//! Every plugin of the common set marks what it makes with the ID of the container, which is the pod's
//! UUID: the lease of an address is a file that begins with it, and a rule of the packet filter has it in a
//! comment. Interfaces need no search: they go with the pod's namespace.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use gantry_types::net::{Lease, MAX_LEASE_BYTES, NFT_TABLES, undo_nft_rules, undo_packet_rules};

use super::plugin::tool;
use super::record::Attachment;

/// Where the plugin host-local keeps leases unless told otherwise: a directory per network.
const LEASES: &str = "/var/lib/cni/networks";

/// The programs with which plugins change the packet filter, without their endings.
pub(super) const FAMILIES: [&str; 2] = ["iptables", "ip6tables"];

/// Removes what is left of pod `uuid`, which joined these networks as far as is known.
pub(super) fn remove(uuid: &str, attachments: &[Attachment]) -> io::Result<()> {
    let plugins = attachments.iter().flat_map(|a| &a.plugins);
    remove_from(uuid, &places(plugins.map(|plugin| &plugin.configuration)))
}

/// Removes what is left of pod `uuid`, with leases in any of `places`.
pub(super) fn remove_from(uuid: &str, places: &BTreeSet<PathBuf>) -> io::Result<()> {
    for place in places {
        release_leases(place, uuid)?;
    }
    for family in FAMILIES {
        remove_rules(family, uuid)?;
    }
    for table in NFT_TABLES {
        let script = undo_nft_rules(table, &listed_rules(table)?, uuid);
        if !script.is_empty() {
            tool("nft", &["-f", "-"], script.as_bytes())?;
        }
    }
    Ok(())
}

/// Where plugins of these configurations, and others, keep leases.
pub(super) fn places<'a>(
    configurations: impl Iterator<Item = &'a Map<String, Value>>,
) -> BTreeSet<PathBuf> {
    let data_dir = |configuration: &Map<String, Value>| {
        let ipam = configuration.get("ipam");
        ipam.and_then(|ipam| ipam.get("dataDir")?.as_str())
            .map(PathBuf::from)
    };
    std::iter::once(LEASES.into())
        .chain(configurations.filter_map(data_dir))
        .collect()
}

fn release_leases(place: &Path, uuid: &str) -> io::Result<()> {
    for network in entries(place)? {
        if !network.is_dir() {
            continue;
        }
        for lease in entries(&network)? {
            if self::lease(&lease).is_some_and(|lease| lease.container == uuid) {
                fs::remove_file(&lease)?;
            }
        }
    }
    Ok(())
}

pub(super) fn entries(directory: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(directory) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// The lease that a file is, if it is one.
pub(super) fn lease(file: &Path) -> Option<Lease> {
    // A named pipe would be waited for.
    fs::symlink_metadata(file)
        .ok()
        .filter(fs::Metadata::is_file)?;
    let mut bytes = Vec::new();
    let opened = fs::File::open(file).ok()?;
    opened.take(MAX_LEASE_BYTES).read_to_end(&mut bytes).ok()?;
    Lease::parse(&bytes)
}

/// What `FAMILY-save` prints of the table that plugins use.
pub(super) fn saved_rules(family: &str) -> io::Result<String> {
    match tool(&format!("{family}-save"), &["-t", "nat"], b"") {
        Ok(saved) => Ok(String::from_utf8_lossy(&saved).into_owned()),
        // Where the tool is not installed, no plugin made rules with it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        // Nor where the kernel has no such table, or not the family: the words of the older tools.
        Err(error) if lacks_table(&error.to_string()) => Ok(String::new()),
        Err(error) => Err(error),
    }
}

/// Whether a tool of iptables says that the kernel has no such table, or nothing of the family.
fn lacks_table(said: &str) -> bool {
    let words = ["do you need to insmod", "not supported by protocol"];
    words.iter().any(|words| said.contains(words))
}

/// What nft prints of a table of plugins; nothing where it has none, or the kernel.
pub(super) fn listed_rules(table: &str) -> io::Result<String> {
    let words = ["-a", "list", "table"];
    let words: Vec<&str> = words.into_iter().chain(table.split(' ')).collect();
    match tool("nft", &words, b"") {
        Ok(listed) => Ok(String::from_utf8_lossy(&listed).into_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => {
            let text = error.to_string();
            let missing = ["No such file or directory", "not supported"];
            match missing.into_iter().any(|words| text.contains(words)) {
                true => Ok(String::new()),
                false => Err(error),
            }
        }
    }
}

fn remove_rules(family: &str, uuid: &str) -> io::Result<()> {
    let saved = saved_rules(family)?;
    let script = undo_packet_rules(&saved, uuid);
    if script.is_empty() {
        return Ok(());
    }
    tool(
        &format!("{family}-restore"),
        &["--noflush", "-w", "10"],
        script.as_bytes(),
    )
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "6f5cd21b-7d2f-4d52-8e5b-3f9f3f1a2b3c";

    #[test]
    fn only_the_pods_own_leases_are_released() {
        let temp = tempfile::tempdir().unwrap();
        let network = temp.path().join("default");
        fs::create_dir(&network).unwrap();
        fs::write(temp.path().join("stray"), UUID).unwrap();
        for (name, text) in [
            ("10.0.0.2", format!("{UUID}\r\neth0")),
            ("10.0.0.3", UUID.to_owned()),
            ("10.0.0.4", format!("{UUID}-2\neth0")),
            ("10.0.0.5", "another\r\neth0".to_owned()),
            ("last_reserved_ip.0", "10.0.0.4".to_owned()),
            ("lock", String::new()),
        ] {
            fs::write(network.join(name), text).unwrap();
        }
        release_leases(temp.path(), UUID).unwrap();
        let mut left: Vec<_> = entries(&network).unwrap();
        left.sort();
        let left: Vec<_> = left
            .iter()
            .map(|path| path.file_name().unwrap().to_str().unwrap())
            .collect();
        assert_eq!(left, ["10.0.0.4", "10.0.0.5", "last_reserved_ip.0", "lock"]);
        release_leases(&temp.path().join("missing"), UUID).unwrap();
    }
}
