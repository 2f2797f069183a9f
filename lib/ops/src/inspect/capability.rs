//! Capabilities of a file, as the attribute `security.capability` holds them.

use std::fmt;

/// Capabilities that a program has by its file. Source: capabilities(7), "File capability extended
/// attribute versioning"; linux/capability.h, `vfs_ns_cap_data`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileCapabilities {
    /// Whether they are in force from the start.
    pub effective: bool,
    /// Set of bits: gained by whoever runs it.
    pub permitted: u64,
    /// Set of bits: gained if the caller has them as inheritable too.
    pub inheritable: u64,
    /// The user who is root in the user namespaces where they count; 0 for all.
    pub root_uid: u32,
}

/// Names by bit. Source: linux/capability.h of Linux 6.12.
const NAMES: [&str; 41] = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
];

const EFFECTIVE: u32 = 1;
const REVISION: u32 = 0xff00_0000;

impl FileCapabilities {
    /// Reads the attribute's value; none if it is of an unknown revision or the wrong length.
    pub(super) fn parse(value: &[u8]) -> Option<Self> {
        let words: Vec<u32> = value
            .chunks(4)
            .map(|word| Some(u32::from_le_bytes(word.try_into().ok()?)))
            .collect::<Option<_>>()?;
        let (magic, sets) = words.split_first()?;
        let (permitted, inheritable, root_uid) = match (magic & REVISION, sets) {
            (0x0100_0000, [permitted, inheritable]) => {
                (u64::from(*permitted), u64::from(*inheritable), 0)
            }
            (0x0200_0000, [p0, i0, p1, i1]) => (join(*p0, *p1), join(*i0, *i1), 0),
            (0x0300_0000, [p0, i0, p1, i1, root]) => (join(*p0, *p1), join(*i0, *i1), *root),
            _ => return None,
        };
        Some(Self {
            effective: magic & EFFECTIVE != 0,
            permitted,
            inheritable,
            root_uid,
        })
    }
}

fn join(low: u32, high: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

/// As getcap(8) prints them: `cap_net_raw,cap_net_admin=ep`, groups with other flags between blanks.
impl fmt::Display for FileCapabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let effective = if self.effective { "e" } else { "" };
        let groups = [
            (self.permitted & self.inheritable, "ip"),
            (self.permitted & !self.inheritable, "p"),
            (self.inheritable & !self.permitted, "i"),
        ];
        let mut first = true;
        for (set, flags) in groups {
            if set == 0 {
                continue;
            }
            let names = (0..64).filter(|bit| set >> bit & 1 == 1);
            let names = names.map(|bit| match NAMES.get(bit) {
                Some(name) => format!("cap_{name}"),
                None => format!("{bit}"),
            });
            let blank = if first { "" } else { " " };
            first = false;
            let names: Vec<_> = names.collect();
            write!(f, "{blank}{}={effective}{flags}", names.join(","))?;
        }
        if first {
            f.write_str("=")?;
        }
        if self.root_uid != 0 {
            write!(f, " [rootid={}]", self.root_uid)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_every_revision_are_read() {
        let value = |words: &[u32]| -> Vec<u8> {
            words.iter().flat_map(|word| word.to_le_bytes()).collect()
        };
        for (words, text) in [
            // What `setcap cap_net_raw+ep` and its like write.
            (&[0x0200_0001, 1 << 13, 0, 0, 0][..], "cap_net_raw=ep"),
            (
                &[0x0200_0000, 0, 1 << 10, 1 << 7, 0],
                "cap_bpf=p cap_net_bind_service=i",
            ),
            (
                &[0x0200_0001, 1 | 2, 2, 0, 0],
                "cap_dac_override=eip cap_chown=ep",
            ),
            (
                &[0x0300_0001, 1 << 21, 0, 0, 0, 1000],
                "cap_sys_admin=ep [rootid=1000]",
            ),
            (&[0x0100_0001, 1, 0], "cap_chown=ep"),
            (&[0x0200_0000, 0, 0, 1 << 31, 0], "63=p"),
            (&[0x0200_0000, 0, 0, 0, 0], "="),
        ] {
            let parsed = FileCapabilities::parse(&value(words)).unwrap();
            assert_eq!(parsed.to_string(), text);
        }
        for bad in [
            &[][..],
            &[0x0200_0000],
            &[0x0200_0000, 0, 0],
            &[0x0400_0000, 0, 0, 0, 0],
            &[0x0300_0000, 0, 0, 0, 0],
        ] {
            assert_eq!(FileCapabilities::parse(&value(bad)), None, "{bad:?}");
        }
        assert_eq!(FileCapabilities::parse(&[0; 21]), None);
    }
}
