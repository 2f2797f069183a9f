//! Forwarded ports, as the plugin that forwards them gets them.

use serde_json::{Value, json};

use gantry_types::{ExposedPort, PodManifest, Port};

use super::error::NetError;

/// The value of the capability `portMappings`: an entry per port of the host.
///
/// Source: CNI conventions, "Well-known Capabilities".
pub(super) fn mappings(pod: &PodManifest) -> Result<Vec<Value>, NetError> {
    let mut mappings = Vec::new();
    for exposed in &pod.ports {
        let wrong = |why| NetError::Port {
            name: exposed.name.to_string(),
            why,
        };
        let port = declared(pod, exposed).ok_or_else(|| wrong("no app has a port of this name"))?;
        let protocol = port.protocol.to_lowercase();
        if !["tcp", "udp", "sctp"].contains(&protocol.as_str()) {
            return Err(wrong("its protocol is none of tcp, udp and sctp"));
        }
        for offset in 0..port.count.max(1) {
            let host = exposed.host_port + u64::from(offset);
            let host = u16::try_from(host).ok().filter(|host| *host > 0);
            let host = host.ok_or_else(|| wrong("the host's ports are 1 to 65535"))?;
            let mut mapping = json!({
                "hostPort": host,
                "containerPort": port.port + offset,
                "protocol": protocol,
            });
            if let Some(address) = exposed.host_ip {
                mapping["hostIP"] = address.to_string().into();
            }
            mappings.push(mapping);
        }
    }
    Ok(mappings)
}

fn declared<'a>(pod: &'a PodManifest, exposed: &'a ExposedPort) -> Option<&'a Port> {
    let apps = pod.apps.iter().flat_map(|app| &app.app);
    let mut declared = apps.flat_map(|app| &app.ports);
    let found = || declared.find(|port| port.name == exposed.name);
    exposed.pod_port.as_ref().or_else(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ports: &str, exposed: &str) -> Result<String, String> {
        let id = "0".repeat(128);
        let json = format!(
            r#"{{"acKind":"PodManifest","acVersion":"0.8.11","apps":[{{"name":"a","image":{{"id":"sha512-{id}"}},
            "app":{{"exec":["/a"],"user":"0","group":"0","ports":{ports}}}}}],"ports":{exposed}}}"#
        );
        let pod = PodManifest::from_json(json.as_bytes()).unwrap();
        mappings(&pod)
            .map(|mappings| Value::from(mappings).to_string())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn ports_and_ranges_become_mappings() {
        let ports = r#"[{"name":"www","protocol":"tcp","port":80},{"name":"rtp","protocol":"UDP","port":5000,"count":2}]"#;
        assert_eq!(
            of(ports, r#"[{"name":"www","hostPort":8080,"hostIP":"127.0.0.1"},{"name":"rtp","hostPort":6000}]"#).unwrap(),
            r#"[{"hostPort":8080,"containerPort":80,"protocol":"tcp","hostIP":"127.0.0.1"},{"hostPort":6000,"containerPort":5000,"protocol":"udp"},{"hostPort":6001,"containerPort":5001,"protocol":"udp"}]"#
        );
        assert_eq!(
            of(
                "[]",
                r#"[{"name":"x","hostPort":1,"podPort":{"name":"x","protocol":"sctp","port":2}}]"#
            )
            .unwrap(),
            r#"[{"hostPort":1,"containerPort":2,"protocol":"sctp"}]"#
        );
    }

    #[test]
    fn what_cannot_be_forwarded_is_named() {
        let ports = r#"[{"name":"www","protocol":"icmp","port":80},{"name":"rtp","protocol":"udp","port":1,"count":9}]"#;
        for (exposed, why) in [
            (
                r#"[{"name":"ftp","hostPort":21}]"#,
                "port ftp cannot be forwarded: no app has a port of this name",
            ),
            (
                r#"[{"name":"www","hostPort":80}]"#,
                "port www cannot be forwarded: its protocol is none of tcp, udp and sctp",
            ),
            (
                r#"[{"name":"rtp","hostPort":0}]"#,
                "port rtp cannot be forwarded: the host's ports are 1 to 65535",
            ),
            (
                r#"[{"name":"rtp","hostPort":65530}]"#,
                "port rtp cannot be forwarded: the host's ports are 1 to 65535",
            ),
        ] {
            assert_eq!(of(ports, exposed).unwrap_err(), why);
        }
    }
}
