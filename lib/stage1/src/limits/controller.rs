//! The controllers that limits need, by their names in both versions.

use gantry_sys::cgroup::Version;

/// A part of the kernel that limits something for a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Controller {
    Memory,
    Cpu,
    Block,
    Pids,
}

impl Controller {
    /// Its name in hierarchies of a version. Source: cgroups(7).
    pub(crate) fn name(self, version: Version) -> &'static str {
        match (self, version) {
            (Self::Memory, _) => "memory",
            (Self::Cpu, _) => "cpu",
            (Self::Block, Version::One) => "blkio",
            (Self::Block, Version::Two) => "io",
            (Self::Pids, _) => "pids",
        }
    }
}
