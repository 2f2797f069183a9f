//! Sockets that the service manager listens on for the pod, handed to the apps they are for.
//!
//! Source: sd_listen_fds(3); rkt 1.30, Documentation/using-rkt-with-systemd.md, "Socket-activated
//! service".

use std::ffi::CString;
use std::net::SocketAddr;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};

use gantry_sys::process::{place_from, take_listening};
use gantry_types::{App, PodManifest};
use rustix::io::Errno;
use rustix::net::{SocketType, getsockname, sockopt};

use crate::failed::{Failed, Step as _};
use crate::plan::AppPlan;

/// Most sockets that are taken.
const MAX_SOCKETS: u32 = 1024;

/// A port of an app that the service manager listens on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ActivatedPort {
    name: String,
    /// `tcp` or `udp`.
    protocol: String,
    /// First number and how many, on the host.
    numbers: (u64, u64),
}

/// The ports of an app that are activated, with the numbers that they have on the host.
pub(crate) fn ports(app: &App, pod: &PodManifest) -> Vec<ActivatedPort> {
    let activated = app.ports.iter().filter(|port| port.socket_activated);
    activated
        .map(|port| {
            let exposed = pod.ports.iter().find(|exposed| exposed.name == port.name);
            ActivatedPort {
                name: port.name.as_str().to_owned(),
                protocol: port.protocol.clone(),
                numbers: (
                    exposed.map_or(port.port.into(), |exposed| exposed.host_port),
                    port.count.into(),
                ),
            }
        })
        .collect()
}

/// A socket for an app.
#[derive(Debug)]
pub(crate) struct Listening {
    fd: OwnedFd,
    name: String,
}

/// What the environment says about sockets.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Announced<'a> {
    /// `LISTEN_FDS`.
    pub(crate) count: Option<&'a str>,
    /// `LISTEN_PID`.
    pub(crate) pid: Option<&'a str>,
    /// `LISTEN_FDNAMES`.
    pub(crate) names: Option<&'a str>,
}

impl Announced<'_> {
    /// Takes the sockets that were handed to this process, whose number is `own_pid`.
    ///
    /// They are the first descriptors there are, before `lock`.
    pub(crate) fn take(&self, own_pid: u32, lock: &OwnedFd) -> Result<Vec<OwnedFd>, Failed> {
        let name = || "take the sockets of the service manager";
        let count = self.count.and_then(|count| count.parse().ok());
        let count: u32 = match (count, self.pid.map(str::parse::<u32>)) {
            (Some(count @ 1..=MAX_SOCKETS), Some(Ok(pid))) if own_pid == pid => count,
            _ => return Ok(Vec::new()),
        };
        // Fewer than announced: what follows them is not the service manager's.
        if lock.as_raw_fd().cast_unsigned() < count + 3 {
            return Err(Errno::BADF).step(name);
        }
        take_listening(count).step(name)
    }
}

/// Gives each socket to the app that has its port; `warn` is told of those that no app has.
pub(crate) fn distribute(
    sockets: Vec<OwnedFd>,
    announced: &Announced<'_>,
    plans: &mut [AppPlan],
    warn: &mut dyn FnMut(String),
) {
    let mut names = announced.names.unwrap_or_default().split(':');
    for fd in sockets {
        let name = names.next().unwrap_or_default();
        let facts = Facts::of(&fd);
        let mut apps = plans.iter_mut();
        let found = apps.find_map(|plan| {
            let port = plan.activated.iter().find(|port| facts.fit(port, name))?;
            let port = port.name.clone();
            Some((plan, port))
        });
        match found {
            Some((plan, port)) => plan.listening.push(Listening {
                fd,
                name: if name.is_empty() {
                    port
                } else {
                    name.to_owned()
                },
            }),
            None => warn(format!(
                "warning: the socket {name:?} of the service manager is for no app of this pod: none has a \
                 socket-activated port with its number, nor with its name"
            )),
        }
    }
}

/// What decides whose a socket is.
#[derive(Debug)]
struct Facts {
    kind: Option<SocketType>,
    port: Option<u16>,
}

impl Facts {
    fn of(fd: &OwnedFd) -> Self {
        let address = getsockname(fd).ok();
        let address = address.and_then(|address| SocketAddr::try_from(address).ok());
        Self {
            kind: sockopt::socket_type(fd).ok(),
            port: address.map(|address| address.port()),
        }
    }

    fn fit(&self, port: &ActivatedPort, name: &str) -> bool {
        let kind = match port.protocol.as_str() {
            "tcp" => Some(SocketType::STREAM),
            "udp" => Some(SocketType::DGRAM),
            _ => None,
        };
        let (first, count) = port.numbers;
        let number = self.port.map(u64::from);
        let in_range = number.is_some_and(|n| n >= first && n - first < count.max(1));
        // One without a number, as those of the unix family, is known by its name.
        in_range && (kind.is_none() || self.kind == kind) || number.is_none() && name == port.name
    }
}

/// Puts the sockets of an app where it looks for them, and closes every other descriptor.
///
/// For a process that is about to become the app, as [`place_from`].
pub(crate) fn place(sockets: &[Listening]) -> std::io::Result<()> {
    let fds: Vec<_> = sockets.iter().map(|socket| socket.fd.as_fd()).collect();
    place_from(3, &fds)
}

/// The variables that tell the app about its sockets; this process is to become the app.
pub(crate) fn variables(sockets: &[Listening]) -> Vec<CString> {
    if sockets.is_empty() {
        return Vec::new();
    }
    let pid = rustix::process::getpid().as_raw_nonzero();
    let names: Vec<&str> = sockets.iter().map(|socket| socket.name.as_str()).collect();
    let variables = [
        format!("LISTEN_FDS={}", sockets.len()),
        format!("LISTEN_PID={pid}"),
        format!("LISTEN_FDNAMES={}", names.join(":")),
    ];
    // No name comes from anything that could hold a zero byte.
    variables
        .into_iter()
        .filter_map(|variable| CString::new(variable).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(protocol: &str, numbers: (u64, u64)) -> ActivatedPort {
        ActivatedPort {
            name: "www".to_owned(),
            protocol: protocol.to_owned(),
            numbers,
        }
    }

    #[test]
    fn a_socket_is_for_the_port_with_its_number_or_name() {
        let stream = |port| Facts {
            kind: Some(SocketType::STREAM),
            port,
        };
        for (facts, port, name, fits) in [
            (stream(Some(80)), port("tcp", (80, 1)), "", true),
            (stream(Some(80)), port("tcp", (80, 0)), "web.socket", true),
            (stream(Some(81)), port("tcp", (80, 2)), "", true),
            (stream(Some(82)), port("tcp", (80, 2)), "", false),
            (stream(Some(79)), port("tcp", (80, 2)), "www", false),
            (stream(Some(80)), port("udp", (80, 1)), "", false),
            (stream(Some(80)), port("sctp", (80, 1)), "", true),
            (stream(None), port("tcp", (80, 1)), "www", true),
            (stream(None), port("tcp", (80, 1)), "other", false),
        ] {
            assert_eq!(facts.fit(&port, name), fits, "{facts:?} {port:?} {name}");
        }
    }

    #[test]
    fn facts_of_real_sockets() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let number = listener.local_addr().unwrap().port();
        let facts = Facts::of(&listener.into());
        assert_eq!(facts.port, Some(number));
        assert_eq!(facts.kind, Some(SocketType::STREAM));
        let file = std::fs::File::open("/dev/null").unwrap();
        let facts = Facts::of(&file.into());
        assert!(facts.kind.is_none() && facts.port.is_none());
    }
}
