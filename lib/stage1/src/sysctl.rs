//! Kernel parameters of the pod's own namespaces.

use std::path::PathBuf;

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;

use gantry_types::{Isolator, IsolatorValue};

use crate::arguments::{Network, RunArguments};
use crate::failed::{Failed, Step as _};

/// A parameter to be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parameter {
    name: String,
    value: String,
}

/// A parameter cannot be set for a pod.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum SysctlError {
    /// The name is none.
    #[error("{0:?} is no name of a kernel parameter")]
    Name(String),
    /// It is one for the whole machine.
    #[error("kernel parameter {0} is that of the whole host, not of the pod")]
    Host(String),
    /// The pod has the host's namespace.
    #[error("kernel parameter {name} is that of the host, since the pod shares its {what}")]
    Shared { name: String, what: &'static str },
    /// Another option does it.
    #[error("the host name is set by --hostname, not as a kernel parameter")]
    HostName,
    /// There are two values.
    #[error("kernel parameter {name} is to be both {first:?} and {second:?} in one pod")]
    Conflict {
        name: String,
        first: String,
        second: String,
    },
}

/// The isolator that holds parameters.
pub(crate) const ISOLATOR: &str = "os/unix/sysctl";

/// Parameters of an IPC namespace. Source: ipc_namespaces(7), sysctl(5).
const IPC: [&str; 11] = [
    "kernel.msg_next_id",
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.sem",
    "kernel.sem_next_id",
    "kernel.shm_next_id",
    "kernel.shm_rmid_forced",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
];

/// Adds the parameters among `isolators` to those of the pod.
pub(crate) fn collect<'a>(
    isolators: impl Iterator<Item = &'a Isolator>,
    arguments: &RunArguments,
    parameters: &mut Vec<Parameter>,
) -> Result<(), SysctlError> {
    for isolator in isolators {
        let IsolatorValue::Sysctl(wanted) = isolator.value() else {
            continue;
        };
        for (name, value) in wanted {
            check(name, arguments)?;
            match parameters.iter().find(|known| known.name == *name) {
                None => parameters.push(Parameter {
                    name: name.clone(),
                    value: value.clone(),
                }),
                Some(known) if known.value == *value => {}
                Some(known) => {
                    return Err(SysctlError::Conflict {
                        name: name.clone(),
                        first: known.value.clone(),
                        second: value.clone(),
                    });
                }
            }
        }
    }
    Ok(())
}

fn check(name: &str, arguments: &RunArguments) -> Result<(), SysctlError> {
    let shared = |what| SysctlError::Shared {
        name: name.to_owned(),
        what,
    };
    if path(name).is_none() {
        return Err(SysctlError::Name(name.to_owned()));
    }
    if IPC.contains(&name) || name.starts_with("fs.mqueue.") {
        return match arguments.parent_ipc {
            true => Err(shared("IPC namespace (--ipc=parent)")),
            false => Ok(()),
        };
    }
    if name.starts_with("net.") {
        return match arguments.network {
            Network::Host => Err(shared("network (--net=host)")),
            Network::Own(_) => Ok(()),
        };
    }
    match name {
        "kernel.domainname" => Ok(()),
        "kernel.hostname" => Err(SysctlError::HostName),
        _ => Err(SysctlError::Host(name.to_owned())),
    }
}

/// Where a parameter lies below `/proc/sys`. A slash in a name stands for a dot, as in the name of a
/// network device. Source: sysctl(8).
fn path(name: &str) -> Option<PathBuf> {
    let parts = name.split('.').map(|part| part.replace('/', "."));
    let mut path = PathBuf::from("/proc/sys");
    for part in parts {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:@".contains(&byte);
        if part.is_empty() || part.bytes().all(|byte| byte == b'.') || !part.bytes().all(known) {
            return None;
        }
        path.push(part);
    }
    Some(path)
}

/// Sets the parameters. The process must be in the pod's namespaces, with the pod's `/proc`, where
/// nothing is protected yet.
pub(crate) fn apply(parameters: &[Parameter]) -> Result<(), Failed> {
    for Parameter { name, value } in parameters {
        let step = || format!("set kernel parameter {name} to {value:?}");
        let path = path(name).ok_or(Errno::INVAL).step(step)?;
        let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(CWD, path, flags, Mode::empty()).step(step)?;
        rustix::io::write(&file, value.as_bytes()).step(step)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn arguments(network: Network, parent_ipc: bool) -> RunArguments {
        RunArguments {
            network,
            parent_ipc,
            ..RunArguments::of_running(String::new(), String::new())
        }
    }

    #[test]
    fn only_what_is_the_pods_own_is_set() {
        let own = arguments(Network::Own(gantry_types::net::NetList::None), false);
        let shared = arguments(Network::Host, true);
        let is_shared =
            |name: &str| matches!(check(name, &shared), Err(SysctlError::Shared { .. }));
        for name in [
            "net.ipv4.ip_forward",
            "net.core.somaxconn",
            "kernel.sem",
            "fs.mqueue.msg_max",
        ] {
            assert_eq!(check(name, &own), Ok(()), "{name}");
            assert!(is_shared(name), "{name}");
        }
        assert_eq!(check("net.ipv4.conf.eth0/100.rp_filter", &own), Ok(()));
        assert_eq!(check("kernel.domainname", &shared), Ok(()));
        assert_eq!(check("kernel.hostname", &own), Err(SysctlError::HostName));
        for name in [
            "kernel.core_pattern",
            "vm.swappiness",
            "fs.file-max",
            "kernel.shm",
            "user.max_user_namespaces",
        ] {
            assert_eq!(check(name, &own), Err(SysctlError::Host(name.to_owned())));
        }
        for name in [
            "",
            ".",
            "net",
            "net..x",
            "net.//.x",
            "net./",
            "net.a b",
            "net.a\n",
            "net.x/../y",
        ] {
            let refused = check(name, &own);
            assert!(refused.is_err(), "{name:?}");
        }
    }

    #[test]
    fn names_become_paths() {
        for (name, expected) in [
            ("net.ipv4.ip_forward", Some("/proc/sys/net/ipv4/ip_forward")),
            (
                "net.ipv4.conf.eth0/1.rp_filter",
                Some("/proc/sys/net/ipv4/conf/eth0.1/rp_filter"),
            ),
            ("net.//.kernel", None),
            ("../../etc/passwd", None),
        ] {
            assert_eq!(path(name), expected.map(PathBuf::from), "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_name_leads_out_of_proc_sys(name in "[a-z./]{0,20}") {
            if let Some(path) = path(&name) {
                prop_assert!(path.starts_with("/proc/sys"));
                prop_assert!(path.components().all(|part| part != std::path::Component::ParentDir));
            }
        }
    }
}
