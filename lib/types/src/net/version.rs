//! Versions of the CNI specification.

use std::fmt;

/// A version that is spoken here, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CniVersion {
    /// 0.1.0: results have `ip4` and `ip6`.
    V0_1_0,
    /// 0.2.0: the same form.
    V0_2_0,
    /// 0.3.0: results have lists, plugins form chains.
    V0_3_0,
    /// 0.3.1
    V0_3_1,
    /// 0.4.0: CHECK, and DEL gets the result of ADD.
    V0_4_0,
    /// 1.0.0: addresses have no `version` any more.
    V1_0_0,
    /// 1.1.0: GC and STATUS.
    V1_1_0,
}

impl CniVersion {
    /// All, oldest first.
    pub const ALL: [Self; 7] = [
        Self::V0_1_0,
        Self::V0_2_0,
        Self::V0_3_0,
        Self::V0_3_1,
        Self::V0_4_0,
        Self::V1_0_0,
        Self::V1_1_0,
    ];

    /// The version of this name, if it is spoken here. No version at all is the oldest.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "" => Some(Self::V0_1_0),
            name => Self::ALL.into_iter().find(|v| v.as_str() == name),
        }
    }

    /// The name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V0_1_0 => "0.1.0",
            Self::V0_2_0 => "0.2.0",
            Self::V0_3_0 => "0.3.0",
            Self::V0_3_1 => "0.3.1",
            Self::V0_4_0 => "0.4.0",
            Self::V1_0_0 => "1.0.0",
            Self::V1_1_0 => "1.1.0",
        }
    }
}

impl fmt::Display for CniVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_versions_are_in_order() {
        for version in CniVersion::ALL {
            assert_eq!(CniVersion::from_name(version.as_str()), Some(version));
        }
        assert!(CniVersion::ALL.is_sorted());
        assert_eq!(CniVersion::from_name(""), Some(CniVersion::V0_1_0));
        for unknown in ["0.5.0", "1", "v1.0.0", "1.2.0", " 1.0.0"] {
            assert_eq!(CniVersion::from_name(unknown), None);
        }
    }
}
