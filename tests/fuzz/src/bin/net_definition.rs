//! Invariant: whatever the bytes of a network's definition, of a `--net` value, of a plugin's answer, of a lease
//! of iptables-save
//! or of nft, reading them ends; what is read as a definition is, as its plugins get it, a definition again; a list of
//! networks, an answer and a lease read back as themselves; of rules those of one container are undone.

#![cfg_attr(feature = "libfuzzer", no_main)]

use std::path::Path;

use gantry_types::net::{
    Answer, CniVersion, Lease, NetList, NetworkDefinition, PluginError, nft_rules, packet_rules,
    undo_nft_rules, undo_packet_rules,
};

gantry_fuzz::fuzz_target!(|data: &[u8]| {
    for file in ["a.conf", "a.conflist"] {
        let Ok(network) = NetworkDefinition::parse(Path::new(file), data) else {
            continue;
        };
        for plugin in &network.plugins {
            let json = serde_json::Value::from(plugin.to_json(&network.name, network.version));
            let again = NetworkDefinition::parse(Path::new("a.conf"), json.to_string().as_bytes());
            let again = again.expect("what a plugin reads is a definition");
            assert_eq!(
                (&again.name, again.version),
                (&network.name, network.version)
            );
            assert_eq!(again.plugins[0].kind, plugin.kind);
        }
    }
    for version in CniVersion::ALL {
        if let Ok(answer) = Answer::parse(version, data) {
            let previous = answer.as_previous(version.max(CniVersion::V0_3_0));
            let again = Answer::from_members(version.max(CniVersion::V0_3_0), previous);
            assert_eq!(again.map(|again| again.ips).unwrap_or_default(), answer.ips);
        }
    }
    if let Some(lease) = Lease::parse(data) {
        let interface = lease.interface.as_deref().unwrap_or_default();
        let again = format!("{}\r\n{interface}", lease.container);
        assert_eq!(Lease::parse(again.as_bytes()), Some(lease));
    }
    let text = String::from_utf8_lossy(data);
    if let Some(container) = packet_rules(&text).next().map(|rule| rule.container) {
        let undone = undo_packet_rules(&text, container);
        let own = packet_rules(&text).filter(|rule| rule.container == container);
        let lines = undone.lines().filter(|line| line.starts_with("-D "));
        assert_eq!(lines.count(), own.count());
    }
    if let Some(container) = nft_rules(&text).next().map(|rule| rule.container) {
        let undone = undo_nft_rules("ip t", &text, container);
        assert!(
            undone
                .lines()
                .all(|line| line.starts_with("delete rule ip t "))
        );
        let own = nft_rules(&text).filter(|rule| rule.container == container);
        assert_eq!(undone.lines().count(), own.count());
    }
    assert!(!PluginError::parse(data, data).to_string().contains('\n'));
    if let Ok(list) = std::str::from_utf8(data)
        .unwrap_or_default()
        .parse::<NetList>()
    {
        assert_eq!(list.to_string().parse(), Ok(list));
    }
});
