//! Whose is what networks left on the host: a pod's that runs, one's that ended, nobody's.

use std::collections::BTreeMap;
use std::io;

use gantry_types::Uuid;

use crate::net_host::{Trace, TraceKind};
use crate::phase::State;
use crate::pods_dir::PodsDir;

/// Whose the traces of a container are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// A pod of this data directory that runs or is about to.
    Running,
    /// A pod of this data directory that has ended; collection takes its networks down.
    Ended,
    /// A pod of another data directory: processes are in its namespace.
    Elsewhere,
    /// A pod that is gone: nothing of it is left but these.
    Gone,
    /// Nothing says that it was a pod's.
    Unknown,
}

impl Owner {
    /// A word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Ended => "ended",
            Self::Elsewhere => "elsewhere",
            Self::Gone => "gone",
            Self::Unknown => "unknown",
        }
    }
}

/// All traces of one container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traces {
    /// Its ID: a pod's is its UUID.
    pub container: String,
    /// The UUID, if the ID is one.
    pub uuid: Option<Uuid>,
    /// Whose they are.
    pub owner: Owner,
    /// At least one.
    pub traces: Vec<Trace>,
}

impl PodsDir {
    /// Sorts traces by container and finds out whose they are.
    ///
    /// A container without a namespace counts as a pod only if its ID is a UUID and `is_own` says of each network
    /// it left something of that no other tool uses it.
    ///
    /// # Errors
    ///
    /// Only if the directories of pods cannot be read.
    pub fn owners(
        &self,
        traces: Vec<Trace>,
        is_own: impl Fn(&str) -> bool,
    ) -> io::Result<Vec<Traces>> {
        let mut by_container: BTreeMap<String, Vec<Trace>> = BTreeMap::new();
        for trace in traces {
            let container = trace.container.clone();
            by_container.entry(container).or_default().push(trace);
        }
        by_container
            .into_iter()
            .map(|(container, traces)| {
                let uuid: Option<Uuid> = container.parse().ok();
                let uuid = uuid.filter(|uuid| uuid.to_string() == container);
                // The pods are looked at after the traces: one that comes meanwhile is in neither.
                let pod = uuid.map(|uuid| self.get(uuid)).transpose()?.flatten();
                let owner = owner(uuid, pod.map(|pod| pod.state()), &traces, &is_own);
                Ok(Traces {
                    container,
                    uuid,
                    owner,
                    traces,
                })
            })
            .collect()
    }
}

fn owner(
    uuid: Option<Uuid>,
    state: Option<State>,
    traces: &[Trace],
    is_own: &dyn Fn(&str) -> bool,
) -> Owner {
    if let Some(state) = state {
        return if state.has_exited() {
            Owner::Ended
        } else {
            Owner::Running
        };
    }
    let mut namespaces = traces
        .iter()
        .filter(|trace| trace.kind == TraceKind::Namespace)
        .peekable();
    let is_pinned = namespaces.peek().is_some();
    if namespaces.any(|trace| trace.in_use) {
        return Owner::Elsewhere;
    }
    let mut networks = traces
        .iter()
        .filter_map(|trace| trace.network.as_deref())
        .peekable();
    let are_own = networks.peek().is_some() && networks.all(is_own);
    match uuid {
        Some(_) if is_pinned || are_own => Owner::Gone,
        _ => Owner::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phase::Phase;
    use crate::sample::{Sample, uuid};

    fn trace(kind: TraceKind, container: &str, network: Option<&str>, in_use: bool) -> Trace {
        Trace {
            kind,
            container: container.to_owned(),
            network: network.map(ToOwned::to_owned),
            what: String::new(),
            in_use,
            interfaces: Vec::new(),
        }
    }

    #[test]
    fn only_what_was_surely_a_pods_and_is_nobodys_counts_as_gone() {
        let sample = Sample::new();
        let mut running = sample.pods.create(uuid(1)).unwrap();
        running.move_to(Phase::Run).unwrap();
        sample
            .pods
            .create(uuid(2))
            .unwrap()
            .move_to(Phase::Run)
            .unwrap();
        let preparing = sample.pods.create(uuid(3)).unwrap();
        let id = |number| uuid(number).to_string();
        let lease = |id: &str, network| trace(TraceKind::Lease, id, Some(network), false);
        let namespace = |id: &str, in_use| trace(TraceKind::Namespace, id, None, in_use);
        let hex = "0".repeat(64);
        let traces = vec![
            namespace(&id(1), false),
            lease(&id(2), "own"),
            namespace(&id(3), true),
            namespace(&id(4), true),
            lease(&id(4), "own"),
            namespace(&id(5), false),
            lease(&id(5), "shared"),
            lease(&id(6), "own"),
            lease(&id(7), "shared"),
            lease(&id(8), "own"),
            trace(TraceKind::Rule, &id(8), Some("shared"), false),
            lease(&hex, "own"),
            namespace("stray", false),
        ];
        let owners = sample.pods.owners(traces, |network| network == "own");
        let owners: BTreeMap<String, Owner> = owners
            .unwrap()
            .into_iter()
            .map(|traces| (traces.container, traces.owner))
            .collect();
        for (container, owner) in [
            (id(1), Owner::Running),
            (id(2), Owner::Ended),
            (id(3), Owner::Running),
            (id(4), Owner::Elsewhere),
            (id(5), Owner::Gone),
            (id(6), Owner::Gone),
            (id(7), Owner::Unknown),
            (id(8), Owner::Unknown),
            (hex, Owner::Unknown),
            ("stray".to_owned(), Owner::Unknown),
        ] {
            assert_eq!(owners[&container], owner, "{container}");
        }
        drop((running, preparing));
    }
}
