//! What plugins that failed, or are gone, left on the host for a pod.
//!
//! Every plugin of the common set marks what it makes with the ID of the container, which is the pod's
//! UUID: the lease of an address is a file that begins with it, and a rule of the packet filter has it in a
//! comment. Interfaces need no search: they go with the pod's namespace.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::plugin::tool;
use super::record::Attachment;

/// Where the plugin host-local keeps leases unless told otherwise: a directory per network.
const LEASES: &str = "/var/lib/cni/networks";

/// Removes what is left of pod `uuid`, which joined these networks as far as is known.
pub(super) fn remove(uuid: &str, attachments: &[Attachment]) -> io::Result<()> {
    let mut places: BTreeSet<PathBuf> = [PathBuf::from(LEASES)].into();
    for plugin in attachments.iter().flat_map(|a| &a.plugins) {
        let ipam = plugin.configuration.get("ipam");
        let directory = ipam.and_then(|ipam| ipam.get("dataDir")?.as_str());
        places.extend(directory.map(PathBuf::from));
    }
    for place in places {
        release_leases(&place, uuid)?;
    }
    for family in ["iptables", "ip6tables"] {
        remove_rules(family, uuid)?;
    }
    Ok(())
}

fn release_leases(place: &Path, uuid: &str) -> io::Result<()> {
    for network in entries(place)? {
        if !network.is_dir() {
            continue;
        }
        for lease in entries(&network)? {
            if is_lease_of(&lease, uuid) {
                fs::remove_file(&lease)?;
            }
        }
    }
    Ok(())
}

fn entries(directory: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(directory) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Whether the file's first line is the UUID. Source: plugins, host-local, backend/disk.
fn is_lease_of(file: &Path, uuid: &str) -> bool {
    let is_file = fs::symlink_metadata(file).is_ok_and(|metadata| metadata.is_file());
    let mut start = Vec::new();
    let read = || fs::File::open(file)?.take(64).read_to_end(&mut start);
    if !is_file || { read }().is_err() {
        return false;
    }
    let first = start.split(|byte| b"\r\n".contains(byte)).next();
    first.is_some_and(|line| line.trim_ascii() == uuid.as_bytes())
}

fn remove_rules(family: &str, uuid: &str) -> io::Result<()> {
    let saved = match tool(&format!("{family}-save"), &["-t", "nat"], b"") {
        Ok(saved) => saved,
        // Where the tool is not installed, no plugin made rules with it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let script = removal(&String::from_utf8_lossy(&saved), uuid);
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

/// What undoes the rules of pod `uuid`, for iptables-restore; empty if there are none.
fn removal(saved: &str, uuid: &str) -> String {
    // As the plugins write their comments: name: "NETWORK" id: "CONTAINER".
    let mark = format!("id: \\\"{uuid}\\\"");
    let mut rules = String::new();
    let mut chains = BTreeSet::new();
    for line in saved.lines().filter(|line| line.contains(&mark)) {
        let Some(rule) = line.strip_prefix("-A ") else {
            continue;
        };
        let target = rule
            .split(" -j ")
            .nth(1)
            .and_then(|rest| rest.split(' ').next());
        let own = rule.split(' ').next().into_iter().chain(target);
        chains.extend(own.filter(|chain| is_of_one_pod(chain)));
        let _ = writeln!(rules, "-D {rule}");
    }
    if rules.is_empty() {
        return rules;
    }
    for chain in &chains {
        let _ = writeln!(rules, "-F {chain}");
    }
    for chain in &chains {
        let _ = writeln!(rules, "-X {chain}");
    }
    format!("*nat\n{rules}COMMIT\n")
}

/// Chains whose names are made from a pod's ID; the plugins' other chains are everybody's.
fn is_of_one_pod(chain: &str) -> bool {
    chain.starts_with("CNI-") && !chain.starts_with("CNI-HOSTPORT-")
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

    #[test]
    fn rules_are_undone_and_those_of_others_stay() {
        let saved = r#"*nat
:PREROUTING ACCEPT [0:0]
:CNI-8cd8 - [0:0]
:CNI-DN-11aa - [0:0]
:CNI-HOSTPORT-DNAT - [0:0]
-A POSTROUTING -s 172.16.28.2/32 -m comment --comment "name: \"default\" id: \"6f5cd21b-7d2f-4d52-8e5b-3f9f3f1a2b3c\"" -j CNI-8cd8
-A POSTROUTING -s 172.16.28.3/32 -m comment --comment "name: \"default\" id: \"6f5cd21b-7d2f-4d52-8e5b-000000000000\"" -j CNI-9999
-A CNI-8cd8 -d 172.16.28.0/24 -m comment --comment "name: \"default\" id: \"6f5cd21b-7d2f-4d52-8e5b-3f9f3f1a2b3c\"" -j ACCEPT
-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \"default\" id: \"6f5cd21b-7d2f-4d52-8e5b-3f9f3f1a2b3c\"" -m multiport --dports 8080 -j CNI-DN-11aa
-A CNI-DN-11aa -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.16.28.2:80
COMMIT
"#;
        let comment = |word: &str| {
            format!("-m comment --comment \"{word}name: \\\"default\\\" id: \\\"{UUID}\\\"\"")
        };
        assert_eq!(
            removal(saved, UUID),
            format!(
                "*nat\n-D POSTROUTING -s 172.16.28.2/32 {} -j CNI-8cd8\n-D CNI-8cd8 -d 172.16.28.0/24 {} -j ACCEPT\n\
                 -D CNI-HOSTPORT-DNAT -p tcp {} -m multiport --dports 8080 -j CNI-DN-11aa\n\
                 -F CNI-8cd8\n-F CNI-DN-11aa\n-X CNI-8cd8\n-X CNI-DN-11aa\nCOMMIT\n",
                comment(""),
                comment(""),
                comment("dnat ")
            )
        );
        assert_eq!(removal(saved, "another"), "");
    }
}
