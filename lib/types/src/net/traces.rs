//! What plugins of the common set leave on a host for a container, as they mark it with the container's ID:
//! leases of addresses and rules of the packet filter.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Longest file of a lease that is read, in bytes: an ID and the name of an interface.
pub const MAX_LEASE_BYTES: u64 = 4096;

/// Who has a leased address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The ID of the container.
    pub container: String,
    /// Its interface; older plugins do not say.
    pub interface: Option<String>,
}

impl Lease {
    /// Reads the file of a lease; `None` if it is none.
    ///
    /// Source: CNI plugins, host-local, backend/disk.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut lines = text
            .split(['\r', '\n'])
            .map(str::trim)
            .filter(|line| !line.is_empty());
        let word = |line: &str| !line.contains(|c: char| c.is_whitespace() || c.is_control());
        let container = lines.next().filter(|line| word(line))?.to_owned();
        let interface = lines.next().filter(|line| word(line)).map(str::to_owned);
        Some(Self {
            container,
            interface,
        })
    }
}

/// A rule of the packet filter that a plugin made for a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketRule<'a> {
    /// The rule as iptables-save prints it, without `-A`: its chain comes first.
    pub text: &'a str,
    /// The network.
    pub network: &'a str,
    /// The ID of the container.
    pub container: &'a str,
}

/// The rules that carry a plugin's comment, `name: "NETWORK" id: "CONTAINER"`, in what iptables-save printed.
pub fn packet_rules(saved: &str) -> impl Iterator<Item = PacketRule<'_>> {
    saved.lines().filter_map(|line| {
        let text = line.strip_prefix("-A ")?;
        let (_, rest) = text.split_once(r#"name: \""#)?;
        let (network, rest) = rest.split_once(r#"\" id: \""#)?;
        let (container, _) = rest.split_once(r#"\""#)?;
        Some(PacketRule {
            text,
            network,
            container,
        })
    })
}

/// What undoes the rules of `container`, for iptables-restore; empty if there are none.
pub fn undo_packet_rules(saved: &str, container: &str) -> String {
    let mut text = String::new();
    let mut chains = BTreeSet::new();
    for rule in packet_rules(saved).filter(|rule| rule.container == container) {
        let target = rule
            .text
            .split(" -j ")
            .nth(1)
            .and_then(|rest| rest.split(' ').next());
        let own = rule.text.split(' ').next().into_iter().chain(target);
        chains.extend(own.filter(|chain| is_of_one_container(chain)));
        let _ = writeln!(text, "-D {}", rule.text);
    }
    if text.is_empty() {
        return text;
    }
    for chain in &chains {
        let _ = writeln!(text, "-F {chain}");
    }
    for chain in &chains {
        let _ = writeln!(text, "-X {chain}");
    }
    format!("*nat\n{text}COMMIT\n")
}

/// Chains whose names are made from a container's ID; the plugins' other chains are everybody's.
fn is_of_one_container(chain: &str) -> bool {
    chain.starts_with("CNI-") && !chain.starts_with("CNI-HOSTPORT-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const UUID: &str = "6f5cd21b-7d2f-4d52-8e5b-3f9f3f1a2b3c";

    #[test]
    fn leases_are_told_from_other_files() {
        for (text, expected) in [
            ("a\r\neth0", Some(("a", Some("eth0")))),
            ("a\neth0\n", Some(("a", Some("eth0")))),
            ("a", Some(("a", None))),
            (" a \r\n", Some(("a", None))),
            ("", None),
            ("\r\n", None),
            ("a b\r\neth0", None),
            ("a\u{1b}[2J", None),
        ] {
            let lease = Lease::parse(text.as_bytes());
            let lease = lease
                .as_ref()
                .map(|lease| (lease.container.as_str(), lease.interface.as_deref()));
            assert_eq!(lease, expected, "{text:?}");
        }
        assert_eq!(Lease::parse(b"\xff"), None);
    }

    const SAVED: &str = r#"*nat
:PREROUTING ACCEPT [0:0]
:CNI-8cd8 - [0:0]
:CNI-DN-11aa - [0:0]
:CNI-HOSTPORT-DNAT - [0:0]
-A POSTROUTING -s 172.16.28.2/32 -m comment --comment "name: \"default\" id: \"6f5cd21b-7d2f-4d52-8e5b-3f9f3f1a2b3c\"" -j CNI-8cd8
-A POSTROUTING -s 172.16.28.3/32 -m comment --comment "name: \"default\" id: \"6f5cd21b-7d2f-4d52-8e5b-000000000000\"" -j CNI-9999
-A POSTROUTING -s 172.16.28.4/32 -m comment --comment "somebody else's" -j MASQUERADE
-A CNI-8cd8 -d 172.16.28.0/24 -m comment --comment "name: \"default\" id: \"6f5cd21b-7d2f-4d52-8e5b-3f9f3f1a2b3c\"" -j ACCEPT
-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \"default\" id: \"6f5cd21b-7d2f-4d52-8e5b-3f9f3f1a2b3c\"" -m multiport --dports 8080 -j CNI-DN-11aa
-A CNI-DN-11aa -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.16.28.2:80
COMMIT
"#;

    #[test]
    fn rules_say_whose_they_are() {
        let all: Vec<_> = packet_rules(SAVED)
            .map(|rule| (rule.text.split(' ').next().unwrap(), rule.container))
            .collect();
        assert_eq!(
            all,
            [
                ("POSTROUTING", UUID),
                ("POSTROUTING", "6f5cd21b-7d2f-4d52-8e5b-000000000000"),
                ("CNI-8cd8", UUID),
                ("CNI-HOSTPORT-DNAT", UUID),
            ]
        );
        assert!(packet_rules(SAVED).all(|rule| rule.network == "default"));
    }

    #[test]
    fn rules_are_undone_and_those_of_others_stay() {
        let comment = |word: &str| {
            format!("-m comment --comment \"{word}name: \\\"default\\\" id: \\\"{UUID}\\\"\"")
        };
        assert_eq!(
            undo_packet_rules(SAVED, UUID),
            format!(
                "*nat\n-D POSTROUTING -s 172.16.28.2/32 {} -j CNI-8cd8\n-D CNI-8cd8 -d 172.16.28.0/24 {} -j ACCEPT\n\
                 -D CNI-HOSTPORT-DNAT -p tcp {} -m multiport --dports 8080 -j CNI-DN-11aa\n\
                 -F CNI-8cd8\n-F CNI-DN-11aa\n-X CNI-8cd8\n-X CNI-DN-11aa\nCOMMIT\n",
                comment(""),
                comment(""),
                comment("dnat ")
            )
        );
        assert_eq!(undo_packet_rules(SAVED, "another"), "");
    }

    proptest! {
        #[test]
        fn what_is_undone_is_the_containers_own(saved in r#"(-A [A-Z-]{1,9}( -j [A-Z-]{1,9})? name: \\"[a-c]\\" id: \\"[a-c]\\"[ -z]{0,9}\n){0,6}"#) {
            let script = undo_packet_rules(&saved, "a");
            let undone = script.lines().filter(|line| line.starts_with("-D ")).count();
            prop_assert_eq!(undone, packet_rules(&saved).filter(|rule| rule.container == "a").count());
            prop_assert!(!script.contains("-X CNI-HOSTPORT-"));
        }

        #[test]
        fn any_bytes_end_as_a_lease_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Some(lease) = Lease::parse(&bytes) {
                let again = format!("{}\n{}", lease.container, lease.interface.as_deref().unwrap_or_default());
                prop_assert_eq!(Lease::parse(again.as_bytes()), Some(lease));
            }
        }
    }
}
