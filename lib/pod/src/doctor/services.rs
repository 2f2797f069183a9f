//! What other software of the host offers to pods.

use std::path::PathBuf;

use gantry_sys::cgroup::Hierarchies;

use super::{Finding, Host};

/// Controllers and what limits they are for.
const CONTROLLERS: [(&str, &str); 4] = [
    ("memory", "--memory"),
    ("cpu", "--cpu"),
    ("pids", "--pids-limit"),
    ("io", "block I/O isolators"),
];

/// Plugins that networks of rkt name. Source: rkt 1.30, Documentation/networking/overview.md.
const PLUGINS: [&str; 8] = [
    "bridge",
    "ptp",
    "macvlan",
    "ipvlan",
    "host-local",
    "dhcp",
    "tuning",
    "flannel",
];

pub(super) fn control_groups(host: &Host) -> Finding {
    const NAME: &str = "control-groups";
    let memberships = host.read("proc/self/cgroup").unwrap_or_default();
    let hierarchies = Hierarchies::at(&host.file("sys/fs/cgroup"), &memberships);
    let unified = hierarchies.unified();
    let legacy = |controller: &str| {
        let name = if controller == "io" {
            "blkio"
        } else {
            controller
        };
        hierarchies.legacy(name).is_some()
    };
    let mut own = Vec::new();
    if let Some(unified) = &unified {
        let text = std::fs::read_to_string(unified.own.join("cgroup.controllers"));
        own.extend(
            text.unwrap_or_default()
                .split_whitespace()
                .map(str::to_owned),
        );
    }
    let has_legacy = CONTROLLERS.iter().any(|(name, _)| legacy(name));
    let kind = match (&unified, has_legacy) {
        (Some(_), false) => "version 2",
        (Some(_), true) => "hybrid",
        (None, true) => "version 1",
        (None, false) => {
            return Finding::limited(
                NAME,
                "none are mounted",
                "no limit of memory, cpu, processes or I/O works",
                "mount the hierarchy of version 2 on /sys/fs/cgroup",
            );
        }
    };
    let missing: Vec<&str> = CONTROLLERS
        .iter()
        .filter(|(name, _)| !legacy(name) && !own.iter().any(|own| own == name))
        .map(|(_, limit)| *limit)
        .collect();
    let writable = unified.as_ref().is_none_or(|unified| {
        rustix::fs::access(&unified.own, rustix::fs::Access::WRITE_OK).is_ok()
    });
    let found = format!(
        "{kind}, controllers {}",
        if own.is_empty() {
            "of version 1".to_owned()
        } else {
            own.join(" ")
        }
    );
    match (missing.is_empty(), writable) {
        (true, true) => Finding::good(NAME, found),
        (_, false) => Finding::limited(
            NAME,
            format!("{found}, not given to the caller"),
            "no limit of memory, cpu, processes or I/O works",
            "run pods in a unit of the user's systemd: \"systemd-run --user --scope -p Delegate=yes rkt run …\"",
        ),
        (false, true) => Finding::limited(
            NAME,
            found,
            format!("without effect: {}", missing.join(", ")),
            "enable the controllers in the groups above, in systemd by Delegate=yes of the unit",
        ),
    }
}

pub(super) fn network_plugins(host: &Host) -> Finding {
    const NAME: &str = "network-plugins";
    let places = [
        host.local_config.join("net.d"),
        host.file("usr/lib/rkt/plugins/net"),
        host.file("usr/lib/cni"),
        host.file("usr/libexec/cni"),
        host.file("opt/cni/bin"),
    ];
    let found: Vec<String> = PLUGINS
        .iter()
        .filter_map(|plugin| {
            let place = places.iter().find(|place| place.join(plugin).is_file())?;
            Some(format!("{plugin} in {}", place.display()))
        })
        .collect();
    match found.is_empty() {
        false => Finding::good(NAME, found.join(", ")),
        true => Finding::limited(
            NAME,
            "there are none",
            "pods have the host's network or none (--net=host, --net=none)",
            "install the Debian package containernetworking-plugins",
        ),
    }
}

/// The program that the plugins call, with the paths that they are given.
pub(super) fn packet_filter(host: &Host) -> Finding {
    const NAME: &str = "packet-filter";
    let given: Vec<PathBuf> = std::env::split_paths(&host.path).collect();
    let others = ["usr/sbin", "sbin"].map(|place| host.file(place));
    let find = |program: &str| {
        let mut places = given.iter().chain(&others);
        places.find_map(|place| Some(place.join(program)).filter(|path| path.is_file()))
    };
    match (find("iptables"), find("nft")) {
        (Some(iptables), _) => Finding::good(NAME, iptables.display().to_string()),
        (None, nft) => Finding::limited(
            NAME,
            match nft {
                Some(_) => "there is nft, and no iptables",
                None => "there is neither iptables nor nft",
            },
            "networks that hide pods behind the host's addresses, as the default one does, and forwarded ports need \
             CNI plugins from version 1.6 on and nft",
            "install the Debian package iptables, which serves hosts with nftables as well",
        ),
    }
}

pub(super) fn systemd(host: &Host) -> Finding {
    const NAME: &str = "systemd";
    match host.has("run/systemd/system") {
        true => Finding::good(NAME, "it runs this host"),
        false => Finding::limited(
            NAME,
            "it does not run this host",
            "nothing collects pods by itself, and nothing starts them at boot",
            "call \"rkt gc\" from time to time, from cron for example",
        ),
    }
}

pub(super) fn journal(host: &Host) -> Finding {
    const NAME: &str = "journald";
    match host.has("run/systemd/journal/socket") {
        true => Finding::good(NAME, "takes what apps write"),
        false => Finding::limited(
            NAME,
            "it does not run",
            "what apps write is kept in files of the pod, of bounded size",
            "",
        ),
    }
}

pub(super) fn machined(host: &Host) -> Finding {
    const NAME: &str = "machined";
    match host.has("usr/lib/systemd/systemd-machined") {
        true => Finding::good(NAME, "it is installed"),
        false => Finding::limited(
            NAME,
            "it is not installed",
            "machinectl does not know pods",
            "install the Debian package systemd-container",
        ),
    }
}
