//! Operating systems and architectures, appc's names and Go's.

use crate::diagnostic::usage_errors;

/// The systems of appc, by name, each with its architectures. The order is that of the messages.
const TABLE: [(&str, &[&str]); 3] = [
    ("darwin", &["x86_64", "i386"]),
    ("freebsd", &["amd64", "i386", "arm"]),
    (
        "linux",
        &[
            "amd64",
            "i386",
            "aarch64",
            "aarch64_be",
            "armv6l",
            "armv7l",
            "armv7b",
            "ppc64",
            "ppc64le",
            "s390x",
        ],
    ),
];

/// appc system and architecture beside Go's system, architecture and variant. Where several of Go's mean
/// the same, the first is the one translated back to.
const GO: [(&str, &str, &str, &str); 17] = [
    ("linux", "amd64", "amd64", ""),
    ("linux", "i386", "386", ""),
    ("linux", "aarch64", "arm64", ""),
    ("linux", "armv6l", "arm", "6"),
    ("linux", "armv6l", "arm", ""),
    ("linux", "armv7l", "arm", "7"),
    ("linux", "ppc64", "ppc64", ""),
    ("linux", "ppc64le", "ppc64le", ""),
    ("linux", "s390x", "s390x", ""),
    ("freebsd", "amd64", "amd64", ""),
    ("freebsd", "i386", "386", ""),
    ("freebsd", "arm", "arm", "6"),
    ("freebsd", "arm", "arm", ""),
    ("freebsd", "arm", "arm", "5"),
    ("freebsd", "arm", "arm", "7"),
    ("darwin", "x86_64", "amd64", ""),
    ("darwin", "i386", "386", ""),
];

/// A system or architecture is not one of appc's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OsArchError {
    /// The system is unknown.
    #[error("bad os {os:?} (must be one of: {})", list(TABLE.map(|(name, _)| name)))]
    Os {
        /// What was given.
        os: String,
    },
    /// The system has no such architecture.
    #[error("bad arch {arch:?} for {os} (must be one of: {})", list(architectures(os).iter().copied()))]
    Arch {
        /// The system.
        os: String,
        /// What was given.
        arch: String,
    },
    /// A combination has no name on the other side of the table.
    #[error("unknown arch tuple: {os:?} - {arch:?} - {flavor:?}")]
    Tuple {
        /// The system.
        os: String,
        /// The architecture.
        arch: String,
        /// The variant, empty on appc's side.
        flavor: String,
    },
}
usage_errors!(OsArchError);

fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    format!("[{}]", names.into_iter().collect::<Vec<_>>().join(" "))
}

/// The architectures of a system; none for an unknown one.
pub fn architectures(os: &str) -> &'static [&'static str] {
    TABLE
        .iter()
        .find(|(name, _)| *name == os)
        .map_or(&[], |(_, architectures)| architectures)
}

/// Checks the labels `os` and `arch` of an image. An architecture is looked at only beside a system.
///
/// # Errors
///
/// [`OsArchError::Os`] and [`OsArchError::Arch`], which list what would be right.
pub fn check(os: Option<&str>, arch: Option<&str>) -> Result<(), OsArchError> {
    let Some(os) = os else { return Ok(()) };
    let known = architectures(os);
    match arch {
        _ if known.is_empty() => Err(OsArchError::Os { os: os.to_owned() }),
        Some(arch) if !known.contains(&arch) => Err(OsArchError::Arch {
            os: os.to_owned(),
            arch: arch.to_owned(),
        }),
        _ => Ok(()),
    }
}

/// Translates Go's (and OCI's) system, architecture and variant to appc's architecture.
///
/// # Errors
///
/// [`OsArchError::Tuple`] for a combination that appc has no name for.
pub fn from_go(os: &str, arch: &str, variant: &str) -> Result<&'static str, OsArchError> {
    GO.iter()
        .find(|(go_os, _, go_arch, go_variant)| {
            *go_os == os && *go_arch == arch && *go_variant == variant
        })
        .map(|(_, appc, _, _)| *appc)
        .ok_or_else(|| OsArchError::Tuple {
            os: os.to_owned(),
            arch: arch.to_owned(),
            flavor: variant.to_owned(),
        })
}

/// Translates appc's system and architecture to Go's architecture and variant.
///
/// # Errors
///
/// [`OsArchError::Tuple`] for `aarch64_be`, `armv7b` and whatever appc does not have.
pub fn to_go(os: &str, arch: &str) -> Result<(&'static str, &'static str), OsArchError> {
    GO.iter()
        .find(|(appc_os, appc, _, _)| *appc_os == os && *appc == arch)
        .map(|(_, _, go_arch, variant)| (*go_arch, *variant))
        .ok_or_else(|| OsArchError::Tuple {
            os: os.to_owned(),
            arch: arch.to_owned(),
            flavor: String::new(),
        })
}

/// The system and architecture this program was built for, in appc's names.
pub const fn host() -> (&'static str, &'static str) {
    let arch = if cfg!(target_arch = "x86") {
        "i386"
    } else if cfg!(all(target_arch = "aarch64", target_endian = "big")) {
        "aarch64_be"
    } else if cfg!(target_arch = "aarch64") {
        "aarch64"
    } else if cfg!(target_arch = "arm") {
        "armv7l"
    } else if cfg!(all(target_arch = "powerpc64", target_endian = "little")) {
        "ppc64le"
    } else if cfg!(target_arch = "powerpc64") {
        "ppc64"
    } else if cfg!(target_arch = "s390x") {
        "s390x"
    } else {
        "amd64"
    };
    ("linux", arch)
}

/// The labels `os` and `arch` of images made for this machine.
pub fn host_labels() -> crate::Labels {
    let (os, arch) = host();
    let label = |name: &str, value: &str| {
        name.parse().ok().map(|name| crate::Label {
            name,
            value: value.to_owned(),
        })
    };
    let labels = [label("os", os), label("arch", arch)]
        .into_iter()
        .flatten()
        .collect();
    crate::Labels::new(labels).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_the_table_is_valid_and_others_are_not() {
        // Source: appc spec, schema/types/labels.go.
        for (os, architectures) in TABLE {
            for arch in architectures {
                assert_eq!(check(Some(os), Some(arch)), Ok(()), "{os} {arch}");
            }
            assert_eq!(check(Some(os), None), Ok(()));
        }
        assert_eq!(check(None, Some("anything")), Ok(()));
        let table = [
            (
                ("Linux", None),
                "bad os \"Linux\" (must be one of: [darwin freebsd linux])",
            ),
            (
                ("", Some("amd64")),
                "bad os \"\" (must be one of: [darwin freebsd linux])",
            ),
            (
                ("linux", Some("x86_64")),
                "bad arch \"x86_64\" for linux (must be one of: [amd64 i386 aarch64 aarch64_be armv6l \
                 armv7l armv7b ppc64 ppc64le s390x])",
            ),
            (
                ("darwin", Some("amd64")),
                "bad arch \"amd64\" for darwin (must be one of: [x86_64 i386])",
            ),
            (
                ("freebsd", Some("")),
                "bad arch \"\" for freebsd (must be one of: [amd64 i386 arm])",
            ),
        ];
        for ((os, arch), message) in table {
            assert_eq!(check(Some(os), arch).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn go_names_translate_both_ways() {
        let table = [
            (("linux", "amd64", ""), "amd64", ("amd64", "")),
            (("linux", "386", ""), "i386", ("386", "")),
            (("linux", "arm64", ""), "aarch64", ("arm64", "")),
            (("linux", "arm", ""), "armv6l", ("arm", "6")),
            (("linux", "arm", "6"), "armv6l", ("arm", "6")),
            (("linux", "arm", "7"), "armv7l", ("arm", "7")),
            (("linux", "ppc64le", ""), "ppc64le", ("ppc64le", "")),
            (("linux", "s390x", ""), "s390x", ("s390x", "")),
            (("freebsd", "386", ""), "i386", ("386", "")),
            (("freebsd", "arm", "5"), "arm", ("arm", "6")),
            (("freebsd", "arm", "6"), "arm", ("arm", "6")),
            (("darwin", "amd64", ""), "x86_64", ("amd64", "")),
        ];
        for ((os, arch, variant), appc, back) in table {
            assert_eq!(
                from_go(os, arch, variant),
                Ok(appc),
                "{os} {arch} {variant}"
            );
            assert_eq!(to_go(os, appc), Ok(back), "{os} {appc}");
            assert_eq!(check(Some(os), Some(appc)), Ok(()));
        }
        let unknown = from_go("linux", "arm", "5").unwrap_err();
        assert_eq!(
            unknown.to_string(),
            "unknown arch tuple: \"linux\" - \"arm\" - \"5\""
        );
        for (os, arch) in [
            ("linux", "aarch64_be"),
            ("linux", "armv7b"),
            ("plan9", "amd64"),
        ] {
            assert!(to_go(os, arch).is_err(), "{os} {arch}");
        }
    }

    #[test]
    fn the_host_has_valid_labels() {
        assert_eq!(host_labels().len(), 2);
    }
}
