//! Finding a pod by its UUID or the beginning of it.

use std::io;
use std::path::PathBuf;

use gantry_types::{Diagnostic, Kind, Uuid};

use crate::phase::Phase;
use crate::pod::Pod;
use crate::pods_dir::PodsDir;

/// No pod, or more than one, goes by a UUID or prefix.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// An empty string was given.
    #[error("UUID cannot be empty")]
    Empty,
    /// Nothing begins like that.
    #[error("no matches found for {0:?}")]
    NotFound(String),
    /// Several pods do.
    #[error("ambiguous uuid, {0} matches")]
    Ambiguous(usize),
    /// The directories cannot be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// The directory or pod.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Diagnostic for LookupError {
    fn kind(&self) -> Kind {
        match self {
            Self::Io { .. } | Self::NotFound(_) => Kind::Environment,
            Self::Empty | Self::Ambiguous(_) => Kind::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound(_) => Some("\"rkt list\" shows all pods".to_owned()),
            Self::Ambiguous(_) => Some("give more characters of the UUID".to_owned()),
            Self::Empty | Self::Io { .. } => None,
        }
    }
}

impl PodsDir {
    /// Opens the one pod whose UUID begins with `prefix`, in upper or lower case.
    ///
    /// Pods not yet locked and pods that never ran and are garbage are not looked at.
    ///
    /// # Errors
    ///
    /// [`LookupError`], with the messages scripts know.
    pub fn lookup(&self, prefix: &str) -> Result<Pod, LookupError> {
        const PHASES: [Phase; 4] = [
            Phase::Prepare,
            Phase::Prepared,
            Phase::Run,
            Phase::ExitedGarbage,
        ];
        if prefix.is_empty() {
            return Err(LookupError::Empty);
        }
        let lower = prefix.to_ascii_lowercase();
        let not_found = || LookupError::NotFound(prefix.to_owned());
        let fail = |source| LookupError::Io {
            path: self.path().to_owned(),
            source,
        };
        // A whole UUID needs no look through thousands of pods.
        let uuid = if let Ok(uuid) = lower.parse::<Uuid>() {
            uuid
        } else {
            let pods = self.scan(&PHASES, &lower).map_err(fail)?.pods;
            match pods.len() {
                0 => return Err(not_found()),
                1 => pods.into_keys().next().ok_or_else(not_found)?,
                n => return Err(LookupError::Ambiguous(n)),
            }
        };
        match self.get(uuid).map_err(fail)? {
            Some(pod) if PHASES.contains(&pod.phase()) => Ok(pod),
            _ => Err(not_found()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sample::{Sample, uuid};

    #[test]
    fn lookup_by_prefix_says_what_scripts_know() {
        let sample = Sample::new();
        let first: Uuid = "abcdef00-0000-4000-8000-000000000001".parse().unwrap();
        let second: Uuid = "abcdef00-0000-4000-8000-000000000002".parse().unwrap();
        let garbage: Uuid = "ffffff00-0000-4000-8000-000000000003".parse().unwrap();
        let _first = sample.pods.create(first).unwrap();
        let mut pod = sample.pods.create(second).unwrap();
        pod.move_to(Phase::Prepared).unwrap();
        sample
            .pods
            .create(garbage)
            .unwrap()
            .move_to(Phase::Garbage)
            .unwrap();
        let error = |prefix: &str| sample.pods.lookup(prefix).unwrap_err().to_string();
        assert_eq!(error(""), "UUID cannot be empty");
        assert_eq!(error("x"), "no matches found for \"x\"");
        assert_eq!(error("ffffff"), "no matches found for \"ffffff\"");
        assert_eq!(
            error(&garbage.to_string()),
            format!("no matches found for \"{garbage}\"")
        );
        assert_eq!(error("ABC"), "ambiguous uuid, 2 matches");
        assert_eq!(error("../"), "no matches found for \"../\"");
        for prefix in [second.to_string(), second.to_string().to_uppercase()] {
            assert_eq!(sample.pods.lookup(&prefix).unwrap().uuid(), second);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]
        #[test]
        fn a_prefix_finds_exactly_the_pods_that_begin_with_it(
            // Few different bytes, so that prefixes do collide.
            seeds in proptest::collection::btree_set(0_u8..6, 1..6),
            length in 1_usize..37,
            pick in 0_usize..6,
        ) {
            let sample = Sample::new();
            let uuids: Vec<Uuid> = seeds.iter().map(|n| uuid(0x10 | *n)).collect();
            for uuid in &uuids {
                sample.pods.create(*uuid).unwrap();
            }
            let wanted = uuids[pick % uuids.len()];
            let prefix = &wanted.to_string()[..length];
            let matching = uuids.iter().filter(|u| u.to_string().starts_with(prefix)).count();
            match sample.pods.lookup(prefix) {
                Ok(pod) => prop_assert!(matching == 1 && pod.uuid() == wanted),
                Err(LookupError::Ambiguous(n)) => prop_assert!(n == matching && n > 1),
                Err(error) => prop_assert!(false, "{error}"),
            }
        }
    }
}
