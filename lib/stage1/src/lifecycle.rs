//! When a pod ends, and with which status.

use crate::status::Exit;

/// Signal that asks an app to end. Source: appc SPEC, stopping.
const TERM: u8 = 15;

/// What is known of the end of a pod.
///
/// An immutable pod is one unit: the first app that fails ends it with its status; an app that
/// returns 0 lets the others go on. Source: rkt 1.30, Documentation/devel/architecture.md,
/// "Immutable vs. mutable pods".
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    failed: Option<u8>,
    /// Why the apps that are left are being ended.
    stopping: Option<Stop>,
}

/// Why a pod is being stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// From outside, by a signal.
    Requested,
    /// An app failed.
    Failure,
}

impl Outcome {
    /// Takes note of a request to stop; true if stopping begins with it.
    pub(crate) fn stop_requested(&mut self) -> bool {
        let begins = self.stopping.is_none();
        self.stopping.get_or_insert(Stop::Requested);
        begins
    }

    /// Takes note of how an app ended; true if the other apps are to be stopped now.
    pub(crate) fn app_ended(&mut self, exit: Exit) -> bool {
        if exit == Exit::Status(0) {
            return false;
        }
        // Whoever is asked to end and dies of the question has done as asked.
        if exit == Exit::Signal(TERM) && self.stopping.is_some() {
            return false;
        }
        self.failed.get_or_insert(exit.number());
        let begins = self.stopping.is_none();
        self.stopping.get_or_insert(Stop::Failure);
        begins
    }

    /// The status of the pod, once every app has ended.
    pub(crate) fn status(&self) -> u8 {
        self.failed.unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_of_one_app_lets_the_others_go_on() {
        let mut pod = Outcome::default();
        assert!(!pod.app_ended(Exit::Status(0)));
        assert!(!pod.app_ended(Exit::Status(0)));
        assert_eq!(pod.status(), 0);
    }

    #[test]
    fn the_first_failure_ends_the_pod_with_its_status() {
        let mut pod = Outcome::default();
        assert!(pod.app_ended(Exit::Status(3)));
        assert!(!pod.app_ended(Exit::Signal(15)));
        assert!(!pod.app_ended(Exit::Status(4)));
        assert_eq!(pod.status(), 3);
    }

    #[test]
    fn a_signal_counts_as_a_failure_with_its_number() {
        let mut pod = Outcome::default();
        assert!(pod.app_ended(Exit::Signal(15)));
        assert_eq!(pod.status(), 15);
    }

    #[test]
    fn a_pod_that_stops_when_asked_succeeds() {
        let mut pod = Outcome::default();
        assert!(pod.stop_requested());
        assert!(!pod.stop_requested());
        assert!(!pod.app_ended(Exit::Signal(15)));
        assert!(!pod.app_ended(Exit::Status(0)));
        assert_eq!(pod.status(), 0);
        assert!(!pod.app_ended(Exit::Signal(9)));
        assert_eq!(pod.status(), 9);
    }
}
