//! Ports of the host that are forwarded to apps.

use std::net::IpAddr;

use gantry_types::{AcName, ExposedPort, RuntimeApp};

use crate::prepare_error::PrepareError;

/// Ports of the host that a pod takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) name: AcName,
    /// In lower case.
    pub(crate) protocol: String,
    /// All addresses if unset.
    pub(crate) address: Option<IpAddr>,
    pub(crate) first: u64,
    pub(crate) last: u64,
}

impl Claim {
    /// The first port that both take.
    pub(crate) fn clash(&self, other: &Self) -> Option<u64> {
        let one = |address: Option<IpAddr>| address.filter(|ip| !ip.is_unspecified());
        let addresses = match (one(self.address), one(other.address)) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        };
        let first = self.first.max(other.first);
        let ports = first <= self.last.min(other.last);
        (addresses && ports && self.protocol == other.protocol).then_some(first)
    }
}

/// What the forwarded ports of a pod take, each for one port of one app.
pub(crate) fn claims(
    apps: &[RuntimeApp],
    ports: &[ExposedPort],
) -> Result<Vec<Claim>, PrepareError> {
    let claim = |port: &ExposedPort| {
        let declared = match &port.pod_port {
            Some(declared) => declared,
            None => {
                let all = apps.iter().flat_map(|app| &app.app);
                let mut found = all
                    .flat_map(|app| &app.ports)
                    .filter(|declared| declared.name == port.name);
                let declared = found
                    .next()
                    .ok_or_else(|| PrepareError::UnknownPort(port.name.clone()))?;
                if found.next().is_some() {
                    return Err(PrepareError::AmbiguousPort(port.name.clone()));
                }
                declared
            }
        };
        let count = u64::from(declared.count.max(1));
        Ok(Claim {
            name: port.name.clone(),
            protocol: declared.protocol.to_lowercase(),
            address: port.host_ip,
            first: port.host_port,
            last: port.host_port.saturating_add(count - 1),
        })
    };
    ports.iter().map(claim).collect()
}

/// Every forwarded port is one app's, and no two share a port of the host.
pub(crate) fn check(apps: &[RuntimeApp], ports: &[ExposedPort]) -> Result<(), PrepareError> {
    let claims = claims(apps, ports)?;
    for (number, claim) in claims.iter().enumerate() {
        for earlier in &claims[..number] {
            if let Some(host_port) = claim.clash(earlier) {
                return Err(PrepareError::PortConflict {
                    first: earlier.name.clone(),
                    second: claim.name.clone(),
                    host_port,
                });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_addresses_and_protocols_decide_about_clashes() {
        let claim = |protocol: &str, address: &str, first, last| Claim {
            name: "p".parse().unwrap(),
            protocol: protocol.to_owned(),
            address: address.parse().ok(),
            first,
            last,
        };
        let one = claim("tcp", "", 80, 89);
        for (other, port) in [
            (claim("tcp", "", 89, 95), Some(89)),
            (claim("tcp", "127.0.0.1", 70, 80), Some(80)),
            (claim("tcp", "", 90, 95), None),
            (claim("udp", "", 80, 89), None),
        ] {
            assert_eq!((one.clash(&other), other.clash(&one)), (port, port));
        }
        let (a, b) = (
            claim("tcp", "10.0.0.1", 80, 80),
            claim("tcp", "10.0.0.2", 80, 80),
        );
        assert_eq!(a.clash(&b), None);
        assert_eq!(a.clash(&claim("tcp", "0.0.0.0", 80, 80)), Some(80));
    }
}
