//! Control groups as the directories that they are. Source: cgroups(7), and the kernel's
//! Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst.
//!
//! ```text
//! version 2   one hierarchy for all controllers: /sys/fs/cgroup
//! version 1   one hierarchy per controller: /sys/fs/cgroup/memory, /sys/fs/cgroup/cpu,cpuacct …
//! hybrid      as version 1, and a hierarchy of version 2 for what no other has: /sys/fs/cgroup/unified
//! ```

mod group;
mod hierarchy;

pub use group::Group;
pub use hierarchy::{Hierarchies, Hierarchy, Version};
