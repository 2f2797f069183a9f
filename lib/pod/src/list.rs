//! Describing all pods at once.

use std::num::NonZero;
use std::thread;

use gantry_types::Uuid;

use crate::info::{InfoError, Listing, PodInfo};
use crate::phase::Phase;
use crate::pods_dir::{Inventory, PodsDir};

/// Pods that are read one after the other in less time than threads take to start.
const FEW: usize = 128;

impl PodsDir {
    /// Describes all pods, on all processors if they are many. A pod that vanishes meanwhile is left out
    /// without a word.
    ///
    /// # Errors
    ///
    /// Only if the directories cannot be read at all.
    pub fn list(&self) -> Result<Listing, InfoError> {
        let read = |source| InfoError::Read {
            path: self.path().to_owned(),
            source,
        };
        let Inventory { pods, foreign } = self.pods().map_err(read)?;
        let pods: Vec<(Uuid, Phase)> = pods.into_iter().collect();
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        let share = pods.len().div_ceil(processors).max(FEW);
        let mut listing = Listing {
            pods: Vec::with_capacity(pods.len()),
            errors: foreign.into_iter().map(InfoError::Foreign).collect(),
        };
        let mut shares = pods.chunks(share);
        let own = shares.next().unwrap_or_default();
        thread::scope(|scope| {
            let others: Vec<_> = shares
                .map(|share| {
                    // Where no thread can be had, its share is read by this one.
                    let describe = move || self.describe(share);
                    let started = thread::Builder::new().spawn_scoped(scope, describe);
                    (share, started)
                })
                .collect();
            listing.take(self.describe(own));
            for (share, started) in others {
                let described = started.ok().and_then(|thread| thread.join().ok());
                listing.take(described.unwrap_or_else(|| self.describe(share)));
            }
        });
        Ok(listing)
    }

    fn describe(&self, pods: &[(Uuid, Phase)]) -> Vec<Result<PodInfo, InfoError>> {
        let describe = |&(uuid, phase): &(Uuid, Phase)| match self.reopen(uuid, phase) {
            Ok(pod) => pod.map(|pod| pod.info()),
            Err(source) => {
                let path = self.path().join(phase.dir_name()).join(uuid.to_string());
                Some(Err(InfoError::Read { path, source }))
            }
        };
        pods.iter().filter_map(describe).collect()
    }
}

impl Listing {
    fn take(&mut self, described: Vec<Result<PodInfo, InfoError>>) {
        for info in described {
            match info {
                Ok(info) => self.pods.push(info),
                Err(error) => self.errors.push(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Sample;

    #[test]
    fn many_pods_come_in_order_with_every_error() {
        let sample = Sample::new();
        for number in 0..800 {
            let mut pod = sample.pods.create(numbered(number)).unwrap();
            if number % 100 == 7 {
                std::fs::write(pod.path().join("pod"), "no JSON").unwrap();
            }
            pod.move_to(Phase::Prepared).unwrap();
        }
        let listing = sample.pods.list().unwrap();
        assert_eq!(listing.pods.len(), 792);
        assert_eq!(listing.errors.len(), 8);
        assert!(listing.pods.is_sorted_by_key(|pod| pod.uuid));
    }

    fn numbered(number: u32) -> Uuid {
        format!("{number:08x}-bbbb-4ccc-8ddd-eeeeeeeeeeee")
            .parse()
            .unwrap()
    }
}
