//! How a pod reaches its host.

use std::net::{IpAddr, UdpSocket};

use gantry_types::net::Answer;
use serde_json::Value;

use super::record::Attachment;

/// The address at which a pod reaches its host: the gateway of the first network behind the host's
/// addresses, else of the last one, as in rkt; but first of those whose gateway is the host.
///
/// Source: rkt 1.30, networking/networking.go.
pub(super) fn address(attachments: &[Attachment], answers: &[Answer]) -> Option<IpAddr> {
    choose(attachments, answers, is_of_host)
}

fn choose(
    attachments: &[Attachment],
    answers: &[Answer],
    is_of_host: impl Fn(IpAddr) -> bool,
) -> Option<IpAddr> {
    let networks: Vec<_> = attachments.iter().zip(answers).collect();
    let first = networks.iter().filter(|(network, _)| masquerades(network));
    let in_order = first.chain(networks.iter().rev());
    let gateways: Vec<IpAddr> = in_order.filter_map(|(_, answer)| gateway(answer)).collect();
    let of_host = gateways.iter().find(|gateway| is_of_host(**gateway));
    of_host.or(gateways.first()).copied()
}

fn masquerades(attachment: &Attachment) -> bool {
    let mut plugins = attachment.plugins.iter();
    plugins.any(|plugin| plugin.configuration.get("ipMasq") == Some(&Value::Bool(true)))
}

/// That of the IPv4 network where there are both: every program understands such a URL.
fn gateway(answer: &Answer) -> Option<IpAddr> {
    let mut all: Vec<IpAddr> = answer.ips.iter().filter_map(|ip| ip.gateway).collect();
    all.sort_by_key(IpAddr::is_ipv6);
    all.first().copied()
}

/// Only an address of this host can be bound to.
fn is_of_host(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use gantry_types::net::CniVersion;
    use serde_json::{Map, json};

    use super::super::record::Plugin;
    use super::*;

    fn network(masquerades: bool) -> Attachment {
        let mut configuration = Map::new();
        configuration.insert("ipMasq".to_owned(), masquerades.into());
        Attachment {
            network: "n".to_owned(),
            file: "n.conf".into(),
            copy: "net/n.conf".to_owned(),
            interface: "eth0".to_owned(),
            args: String::new(),
            disable_check: false,
            plugins: vec![Plugin {
                kind: "ptp".to_owned(),
                program: "/ptp".into(),
                version: CniVersion::V0_4_0,
                configuration,
            }],
            result: None,
        }
    }

    fn answer(gateways: &[&str]) -> Answer {
        let ip = |gateway: &&str| match gateway.contains(':') {
            true => json!({"address": "fd00::2/64", "gateway": gateway}),
            false => json!({"version": "4", "address": "10.0.0.2/24", "gateway": gateway}),
        };
        let ips: Value = gateways.iter().map(ip).collect();
        let text = json!({"cniVersion": "0.4.0", "ips": ips}).to_string();
        Answer::parse(CniVersion::V0_4_0, text.as_bytes()).unwrap()
    }

    #[test]
    fn the_host_is_the_gateway_of_the_network_that_leads_to_it() {
        type Row<'a> = (&'a [(bool, &'a [&'a str])], Option<&'a str>);
        let table: &[Row<'_>] = &[
            (&[], None),
            (&[(true, &[])], None),
            (
                &[(false, &["10.1.0.1"]), (false, &["10.2.0.1"])],
                Some("10.2.0.1"),
            ),
            (
                &[(true, &["10.1.0.1"]), (false, &["10.2.0.1"])],
                Some("10.1.0.1"),
            ),
            (&[(false, &["10.1.0.1"]), (true, &[])], Some("10.1.0.1")),
            (&[(true, &["fd07::1", "10.3.0.1"])], Some("10.3.0.1")),
            (&[(true, &["fd07::1"])], Some("fd07::1")),
            // The last has a router somewhere else for gateway.
            (
                &[(false, &["10.1.0.1"]), (true, &["192.168.0.1"])],
                Some("10.1.0.1"),
            ),
            (&[(true, &["192.168.0.1"])], Some("192.168.0.1")),
        ];
        for (networks, expected) in table {
            let attachments: Vec<_> = networks.iter().map(|(masq, _)| network(*masq)).collect();
            let answers: Vec<_> = networks.iter().map(|(_, ips)| answer(ips)).collect();
            let found = choose(&attachments, &answers, |ip| {
                !ip.to_string().starts_with("192.")
            });
            assert_eq!(
                found,
                expected.map(|ip| ip.parse().unwrap()),
                "{networks:?}"
            );
        }
    }

    #[test]
    fn addresses_of_the_host_are_known() {
        assert!(is_of_host("127.0.0.1".parse().unwrap()));
        assert!(!is_of_host("192.0.2.1".parse().unwrap()));
    }
}
