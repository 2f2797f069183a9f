//! Forwarded ports against those of other pods and of the host's own programs, before a pod starts.

use std::io;
use std::net::{IpAddr, Ipv4Addr, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;

use gantry_types::{PodManifest, Uuid};
use rustix::fs::FlockOperation;

use crate::file;
use crate::phase::{Phase, State};
use crate::pod::Pod;
use crate::ports::{self, Claim};

/// A port of the host that a pod wants and somebody else has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) name: String,
    pub(crate) protocol: String,
    pub(crate) port: u64,
    /// The pod that has it; a program of the host if unset.
    pub(crate) by: Option<Uuid>,
}

/// Makes sure that nobody has the ports of the host that `pod` wants.
///
/// The lock that is returned keeps pods with forwarded ports from starting; it is to be held until the
/// pod is among the running ones. A pod that was killed may still have its ports: `release` is told.
pub(crate) fn check(
    pod: &Pod,
    mut release: impl FnMut(&Pod) -> io::Result<()>,
) -> io::Result<Result<Option<OwnedFd>, Taken>> {
    let wanted = claims(pod)?;
    if wanted.is_empty() {
        return Ok(Ok(None));
    }
    let pods = pod.siblings();
    let lock = file::open_dir(pods.phase_dir(Phase::Run)?, c".")?;
    rustix::io::retry_on_intr(|| rustix::fs::flock(&lock, FlockOperation::LockExclusive))?;
    let others = pods.scan(&[Phase::Run, Phase::ExitedGarbage], "")?.pods;
    for (uuid, phase) in others {
        if uuid == pod.uuid() {
            continue;
        }
        let Some(mut other) = pods.reopen(uuid, phase)? else {
            continue;
        };
        // What is no pod, or a broken one, has no ports.
        let theirs = claims(&other).unwrap_or_default();
        let clash = wanted.iter().find_map(|claim| {
            let port = theirs.iter().find_map(|their| claim.clash(their))?;
            Some(taken(claim, port, Some(uuid)))
        });
        let Some(clash) = clash else { continue };
        match other.state() {
            State::Running if uses_networks(&other) => return Ok(Err(clash)),
            State::Exited | State::ExitedGarbage if other.try_lock()? => release(&other)?,
            _ => {}
        }
    }
    for claim in &wanted {
        for port in claim.first..=claim.last {
            if is_used(claim, port) {
                return Ok(Err(taken(claim, port, None)));
            }
        }
    }
    Ok(Ok(Some(lock)))
}

fn taken(claim: &Claim, port: u64, by: Option<Uuid>) -> Taken {
    Taken {
        name: claim.name.to_string(),
        protocol: claim.protocol.clone(),
        port,
        by,
    }
}

impl Pod {
    /// Whether ports of the host are to lead to the pod, where it has a network that they can lead into.
    ///
    /// # Errors
    ///
    /// If its manifest cannot be read.
    pub fn wants_ports(&self) -> io::Result<bool> {
        Ok(!claims(self)?.is_empty())
    }
}

fn claims(pod: &Pod) -> io::Result<Vec<Claim>> {
    let Some(bytes) = pod.read("pod")? else {
        return Ok(Vec::new());
    };
    let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
    let manifest = PodManifest::from_json(&bytes).map_err(invalid)?;
    let claims = ports::claims(&manifest.apps, &manifest.ports);
    // A manifest with ports of no app was refused when the pod was prepared.
    Ok(claims.unwrap_or_default())
}

/// Whether the pod has networks of its own, or is just setting them up. On the host's network its ports
/// are not forwarded, and seen like those of other programs.
fn uses_networks(pod: &Pod) -> bool {
    let exists = |name| matches!(pod.read(name), Ok(Some(_)));
    exists("net/attachments.json") || !exists("ppid")
}

/// Whether a program of the host listens there.
fn is_used(claim: &Claim, port: u64) -> bool {
    let Ok(port) = u16::try_from(port) else {
        return false;
    };
    let address = claim.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let bound = match claim.protocol.as_str() {
        "tcp" => TcpListener::bind((address, port)).map(drop),
        "udp" => UdpSocket::bind((address, port)).map(drop),
        _ => return false,
    };
    bound.is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse)
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;

    use super::*;
    use crate::sample::{Sample, uuid};

    fn with_port(sample: &Sample, number: u8, port: u16, protocol: &str) -> Pod {
        let id = format!("sha512-{}", "0".repeat(128));
        let manifest = format!(
            r#"{{"acKind":"PodManifest","acVersion":"0.8.11","apps":[{{"name":"a","image":{{"id":"{id}"}},
            "app":{{"exec":["/a"],"user":"0","group":"0","ports":[{{"name":"p","protocol":"{protocol}","port":80}}]}}}}],
            "ports":[{{"name":"p","hostPort":{port},"hostIP":"127.0.0.1"}}]}}"#
        );
        let pod = sample.pods.create(uuid(number)).unwrap();
        file::create(pod.as_fd(), "pod".as_ref(), 0o640, manifest.as_bytes()).unwrap();
        pod
    }

    /// A port that nobody has.
    fn free() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    }

    #[test]
    fn a_port_of_another_pod_or_of_a_program_is_not_taken_again() {
        let sample = Sample::new();
        let port = free();
        let pod = with_port(&sample, 1, port, "tcp");
        let mut other = with_port(&sample, 2, port, "tcp");
        let never = |_: &Pod| -> io::Result<()> { panic!("nothing to release") };
        assert!(check(&pod, never).unwrap().unwrap().is_some());
        other.move_to(Phase::Run).unwrap();
        let by_pod = check(&pod, never).unwrap().unwrap_err();
        assert_eq!((by_pod.port, by_pod.by), (u64::from(port), Some(uuid(2))));
        // On the host's network it has no forwarded port.
        file::create(other.as_fd(), "ppid".as_ref(), 0o644, b"1").unwrap();
        assert!(check(&pod, never).unwrap().is_ok());
        // Another protocol is another port.
        let datagrams = with_port(&sample, 3, port, "udp");
        assert!(check(&datagrams, never).unwrap().is_ok());
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        assert_eq!(check(&pod, never).unwrap().unwrap_err().by, None);
        assert!(check(&datagrams, never).unwrap().is_ok());
        drop(listener);
    }

    #[test]
    fn the_port_of_a_killed_pod_is_released() {
        let sample = Sample::new();
        let port = free();
        let pod = with_port(&sample, 1, port, "tcp");
        let mut dead = with_port(&sample, 2, port, "tcp");
        dead.move_to(Phase::Run).unwrap();
        drop(dead);
        crate::sample::eventually("nobody holds the lock", || {
            sample.pods.get(uuid(2)).unwrap().unwrap().state() == State::Exited
        });
        let mut released = Vec::new();
        let lock = check(&pod, |dead| {
            released.push(dead.uuid());
            Ok(())
        });
        assert!(lock.unwrap().unwrap().is_some());
        assert_eq!(released, [uuid(2)]);
    }
}
