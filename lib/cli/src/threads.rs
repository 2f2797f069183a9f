//! How many threads are worth having.

use std::num::NonZero;

/// Number of processors that this process may use at once, by affinity and by the quota of its cgroup; 1
/// where the system does not say.
pub fn available_threads() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}
