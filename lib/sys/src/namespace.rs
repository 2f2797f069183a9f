//! Kinds of namespaces.

use std::ops::{BitOr, BitOrAssign};

/// A set of kinds of namespaces. Source: namespaces(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Namespaces(libc::c_int);

impl Namespaces {
    /// Mount points.
    pub const MOUNT: Self = Self(libc::CLONE_NEWNS);
    /// Process numbers.
    pub const PID: Self = Self(libc::CLONE_NEWPID);
    /// System V IPC and POSIX message queues.
    pub const IPC: Self = Self(libc::CLONE_NEWIPC);
    /// Host name.
    pub const UTS: Self = Self(libc::CLONE_NEWUTS);
    /// Network devices, addresses, ports.
    pub const NET: Self = Self(libc::CLONE_NEWNET);
    /// The root of the visible control groups.
    pub const CGROUP: Self = Self(libc::CLONE_NEWCGROUP);

    /// User and group IDs, capabilities, key rings; what else is made with it belongs to it.
    pub const USER: Self = Self(libc::CLONE_NEWUSER);

    /// None.
    #[must_use]
    pub const fn empty() -> Self {
        Self(0)
    }

    /// This set without those of `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether all of `other` are in this set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(crate) const fn bits(self) -> libc::c_int {
        self.0
    }
}

impl BitOr for Namespaces {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Namespaces {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_combine_and_split() {
        let both = Namespaces::MOUNT | Namespaces::PID;
        assert!(both.contains(Namespaces::PID));
        assert!(!both.contains(Namespaces::NET));
        assert_eq!(both.without(Namespaces::PID), Namespaces::MOUNT);
        assert!(both.contains(Namespaces::empty()));
    }
}
