//! `net-info.json`: what the networks gave a pod, for `rkt list`, `rkt status` and orchestrators.

use std::fs;

use serde_json::{Value, json};

use gantry_types::net::Answer;
use gantry_types::pod_layout;

use super::record::Attachment;
use crate::failed::{Failed, Step as _};

/// Writes the file; readers find it whole.
pub(super) fn write(attachments: &[Attachment], answers: &[Answer]) -> Result<(), Failed> {
    let name = || format!("write {}", pod_layout::NET_INFO);
    let pairs = attachments.iter().zip(answers);
    let list: Vec<Value> = pairs
        .map(|(attachment, answer)| entry(attachment, answer))
        .collect();
    let staged = format!(".{}", pod_layout::NET_INFO);
    fs::write(&staged, Value::from(list).to_string()).step(name)?;
    fs::rename(staged, pod_layout::NET_INFO).step(name)
}

/// Members up to `mask` are rkt's; where a pod has no IPv4 address, `ip` is its first IPv6 one.
///
/// Source: rkt 1.30, networking/netinfo/netinfo.go.
fn entry(attachment: &Attachment, answer: &Answer) -> Value {
    let is_four = |ip: &&gantry_types::net::IpConfig| ip.address.address.is_ipv4();
    let first = answer.ips.iter().find(is_four).or(answer.ips.first());
    let text = |text: Option<String>| text.unwrap_or_default();
    let program = attachment.plugins.first().map(|plugin| &plugin.program);
    let mut entry = json!({
        "netName": attachment.network,
        "netConf": attachment.copy,
        "pluginPath": text(program.map(|path| path.to_string_lossy().into_owned())),
        "ifName": attachment.interface,
        "ip": text(first.map(|ip| ip.address.address.to_string())),
        "args": attachment.args,
        "mask": text(first.map(|ip| ip.address.mask().to_string())),
    });
    let all: Vec<String> = answer.ips.iter().map(|ip| ip.address.to_string()).collect();
    entry["ips"] = all.into();
    if let Some(gateway) = first.and_then(|ip| ip.gateway) {
        entry["gateway"] = gateway.to_string().into();
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_types::net::CniVersion;

    #[test]
    fn entries_hold_what_rkt_writes_and_every_address() {
        let attachment = Attachment {
            network: "n".to_owned(),
            file: "/n/n.conf".into(),
            copy: "net/n.conf".to_owned(),
            interface: "eth1".to_owned(),
            args: "A=B".to_owned(),
            disable_check: false,
            plugins: Vec::new(),
            result: None,
        };
        for (ips, expected) in [
            (
                r#"[{"address":"fd00::2/64"},{"address":"10.0.0.2/24","gateway":"10.0.0.1"}]"#,
                r#"{"netName":"n","netConf":"net/n.conf","pluginPath":"","ifName":"eth1","ip":"10.0.0.2","args":"A=B","mask":"255.255.255.0","ips":["fd00::2/64","10.0.0.2/24"],"gateway":"10.0.0.1"}"#,
            ),
            (
                r#"[{"address":"fd00::2/64"}]"#,
                r#"{"netName":"n","netConf":"net/n.conf","pluginPath":"","ifName":"eth1","ip":"fd00::2","args":"A=B","mask":"ffff:ffff:ffff:ffff::","ips":["fd00::2/64"]}"#,
            ),
            (
                "[]",
                r#"{"netName":"n","netConf":"net/n.conf","pluginPath":"","ifName":"eth1","ip":"","args":"A=B","mask":"","ips":[]}"#,
            ),
        ] {
            let json = format!(r#"{{"ips":{ips}}}"#);
            let answer = Answer::parse(CniVersion::V1_0_0, json.as_bytes()).unwrap();
            assert_eq!(entry(&attachment, &answer).to_string(), expected);
        }
    }
}
