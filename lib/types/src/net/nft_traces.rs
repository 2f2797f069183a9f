//! Rules that plugins from version 1.6 on make with nft, on hosts that have no iptables or where they are told to.

use std::fmt::Write as _;

/// The tables of those plugins, each with its family: for masquerade and for forwarded ports.
///
/// Source: CNI plugins 1.6, pkg/ip/ipmasq_nftables_linux.go and plugins/meta/portmap/portmap_nftables.go.
pub const NFT_TABLES: [&str; 3] = [
    "inet cni_plugins_masquerade",
    "ip cni_hostport",
    "ip6 cni_hostport",
];

/// A rule that a plugin made with nft for a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NftRule<'a> {
    /// The chain it is in.
    pub chain: &'a str,
    /// Its number, which no other rule of the table ever has.
    pub handle: u64,
    /// The rule as nft prints it.
    pub text: &'a str,
    /// The network, where the rule says it.
    pub network: Option<&'a str>,
    /// The ID of the container.
    pub container: &'a str,
}

/// The rules that carry a plugin's comment, in what `nft --handle list table` printed.
///
/// The comment is `…, net: NETWORK, if: INTERFACE, id: CONTAINER`, or the ID alone.
pub fn nft_rules(listed: &str) -> impl Iterator<Item = NftRule<'_>> {
    let mut chain = "";
    listed.lines().filter_map(move |line| {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("chain ") {
            let name = rest.split(' ').next().unwrap_or_default();
            chain = if is_word(name) { name } else { "" };
            return None;
        }
        let (text, handle) = line.rsplit_once(" # handle ")?;
        let (_, comment) = text.split_once(" comment \"")?;
        let comment = comment.strip_suffix('"')?;
        let (network, container) = match comment.rsplit_once(", id: ") {
            Some((before, container)) => {
                let (_, network) = before.split_once(", net: ")?;
                (network.split(", if: ").next(), container)
            }
            None => (None, comment),
        };
        if chain.is_empty() || !is_word(container) {
            return None;
        }
        Some(NftRule {
            chain,
            handle: handle.parse().ok()?,
            text,
            network,
            container,
        })
    })
}

/// What undoes the rules of `container` in `table`, for `nft --file`; empty if there are none.
pub fn undo_nft_rules(table: &str, listed: &str, container: &str) -> String {
    let mut script = String::new();
    for rule in nft_rules(listed).filter(|rule| rule.container == container) {
        let _ = writeln!(
            script,
            "delete rule {table} {} handle {}",
            rule.chain, rule.handle
        );
    }
    script
}

/// Names of chains go into a script, so they are taken only if they are nothing but names.
fn is_word(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    !text.is_empty() && text.bytes().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LISTED: &str = r#"table inet cni_plugins_masquerade { # handle 4
	comment "Masquerading for plugins from github.com/containernetworking/plugins"
	chain masq_checks { # handle 1
		comment "Masquerade traffic"
		ip saddr 10.1.0.2 ip daddr != 10.1.0.0/24 masquerade comment "6a-1b, net: mine, if: eth0, id: a" # handle 5
		ip saddr 10.1.0.3 ip daddr != 10.1.0.0/24 masquerade comment "6a-1c, net: mine, if: eth0, id: b" # handle 6
	}
	chain postrouting { # handle 2
		type nat hook postrouting priority srcnat; policy accept;
		goto masq_checks # handle 7
	}
	chain hostports { # handle 3
		ip protocol tcp th dport 8080 dnat ip to 10.1.0.2 . 80 comment "a" # handle 9
		ip protocol tcp th dport 8081 dnat ip to 10.1.0.2 . 80 comment "two words" # handle 10
		ip protocol tcp th dport 8082 dnat ip to 10.1.0.2 . 80 comment "a" # handle x
	}
}
"#;

    #[test]
    fn rules_say_whose_they_are_and_are_undone() {
        let all: Vec<_> = nft_rules(LISTED)
            .map(|rule| (rule.chain, rule.handle, rule.network, rule.container))
            .collect();
        assert_eq!(
            all,
            [
                ("masq_checks", 5, Some("mine"), "a"),
                ("masq_checks", 6, Some("mine"), "b"),
                ("hostports", 9, None, "a"),
            ]
        );
        assert_eq!(
            undo_nft_rules("ip t", LISTED, "a"),
            "delete rule ip t masq_checks handle 5\ndelete rule ip t hostports handle 9\n"
        );
        assert_eq!(undo_nft_rules("ip t", LISTED, "c"), "");
        assert_eq!(undo_nft_rules("ip t", "", "a"), "");
    }

    proptest! {
        #[test]
        fn a_script_holds_nothing_but_deletions(listed in r#"(chain [a; ]{1,3}\n|x comment "[ab]( ;)?" # handle [0-9]{1,3}\n){0,8}"#) {
            for line in undo_nft_rules("ip t", &listed, "a").lines() {
                prop_assert!(line.starts_with("delete rule ip t a") && !line.contains(';'), "{}", line);
            }
        }
    }
}
