//! Capabilities: their names, and the sets of the calling thread.

use std::fmt;
use std::io;

use rustix::thread::{CapabilitySet, CapabilitySets};

/// The names, by number. Source: capabilities(7), linux/capability.h.
const NAMES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// A set of capabilities, by their numbers.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities(u64);

impl Capabilities {
    /// No capability.
    pub const NONE: Self = Self(0);
    /// Every number there can be, also those that this program has no name for.
    pub const ALL: Self = Self(u64::MAX);

    /// The capability of this name, such as `CAP_CHOWN`; `None` if there is none.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.strip_prefix("CAP_")?;
        NAMES
            .iter()
            .position(|known| *known == name)
            .map(|number| Self(1 << number))
    }

    /// The capabilities of either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The capabilities of both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// This set without those of `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The bits, as `/proc/PID/status` shows them.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }
}

impl FromIterator<Capabilities> for Capabilities {
    fn from_iter<T: IntoIterator<Item = Self>>(sets: T) -> Self {
        sets.into_iter().fold(Self::NONE, Self::union)
    }
}

impl fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#018x}", self.0)
    }
}

/// Takes every capability outside `keep` from the bounding set, and with it from whatever this
/// thread executes from now on.
///
/// # Errors
///
/// `EPERM` without `CAP_SETPCAP`. Source: capabilities(7).
pub fn limit_bounding_set(keep: Capabilities) -> io::Result<()> {
    for number in 0..64 {
        if keep.0 & (1 << number) != 0 {
            continue;
        }
        // SAFETY: the call takes integers only.
        let rc = unsafe { libc::prctl(libc::PR_CAPBSET_DROP, number, 0, 0, 0) };
        if rc != 0 {
            let error = io::Error::last_os_error();
            // EINVAL: past the last capability of this kernel.
            return if error.raw_os_error() == Some(libc::EINVAL) {
                Ok(())
            } else {
                Err(error)
            };
        }
    }
    Ok(())
}

/// Gives the calling thread exactly those of the capabilities in `keep` that it has: permitted and
/// effective, nothing inheritable and hence nothing ambient.
///
/// # Errors
///
/// None in practice, since nothing is added. Source: capset(2).
pub fn limit_own(keep: Capabilities) -> io::Result<()> {
    let permitted = rustix::thread::capabilities(None)?.permitted;
    let kept = permitted & CapabilitySet::from_bits_retain(keep.0);
    let sets = CapabilitySets {
        effective: kept,
        permitted: kept,
        inheritable: CapabilitySet::empty(),
    };
    Ok(rustix::thread::set_capabilities(None, sets)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_kernels() {
        assert_eq!(Capabilities::from_name("CAP_CHOWN").unwrap().bits(), 1);
        assert_eq!(
            Capabilities::from_name("CAP_SYS_ADMIN").unwrap().bits(),
            1 << 21
        );
        assert_eq!(
            Capabilities::from_name("CAP_SETFCAP").unwrap().bits(),
            1 << 31
        );
        assert_eq!(
            Capabilities::from_name("CAP_CHECKPOINT_RESTORE")
                .unwrap()
                .bits(),
            1 << 40
        );
        for bad in ["CAP_PONIES", "CHOWN", "cap_chown", "CAP_", ""] {
            assert_eq!(Capabilities::from_name(bad), None, "{bad}");
        }
    }

    #[test]
    fn sets_behave_as_sets() {
        let a: Capabilities = ["CAP_CHOWN", "CAP_KILL"]
            .iter()
            .filter_map(|n| Capabilities::from_name(n))
            .collect();
        let kill = Capabilities::from_name("CAP_KILL").unwrap();
        assert_eq!(a.bits(), 0b10_0001);
        assert_eq!(a.without(kill).bits(), 1);
        assert_eq!(a.intersection(kill), kill);
        assert_eq!(Capabilities::ALL.intersection(a), a);
    }
}
