//! Ports of the host that are forwarded to apps.

use gantry_types::{ExposedPort, RuntimeApp};

use crate::prepare_error::PrepareError;

/// Every forwarded port is one app's, and no two share a port of the host.
pub(crate) fn check(apps: &[RuntimeApp], ports: &[ExposedPort]) -> Result<(), PrepareError> {
    let mut taken: Vec<(&ExposedPort, &str)> = Vec::new();
    for port in ports {
        let protocol = if let Some(port) = &port.pod_port {
            port.protocol.as_str()
        } else {
            let declared = || {
                apps.iter()
                    .flat_map(|app| &app.app)
                    .flat_map(|app| &app.ports)
            };
            let mut found = declared().filter(|declared| declared.name == port.name);
            let declared = found
                .next()
                .ok_or_else(|| PrepareError::UnknownPort(port.name.clone()))?;
            if found.next().is_some() {
                return Err(PrepareError::AmbiguousPort(port.name.clone()));
            }
            declared.protocol.as_str()
        };
        let any = |port: &ExposedPort| port.host_ip.is_none_or(|ip| ip.is_unspecified());
        let clash = taken.iter().find(|(other, other_protocol)| {
            other.host_port == port.host_port
                && *other_protocol == protocol
                && (other.host_ip == port.host_ip || any(other) || any(port))
        });
        if let Some((other, _)) = clash {
            return Err(PrepareError::PortConflict {
                first: other.name.clone(),
                second: port.name.clone(),
                host_port: port.host_port,
            });
        }
        taken.push((port, protocol));
    }
    Ok(())
}
