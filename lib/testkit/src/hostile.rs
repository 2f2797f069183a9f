//! Archives that attack whoever extracts them, and odd ones that only look as if they did.
//!
//! Every case is an uncompressed App Container Image, built byte by byte.

mod extensions;
mod fields;
mod hard_links;
mod harmless;
mod names;
mod places;
mod sparse;

use std::path::Path;

use crate::archive::ArchiveBuilder;

/// One archive, and what must become of it.
#[derive(Debug, Clone)]
pub struct Case {
    /// What it tries, in a few words.
    pub attack: String,
    /// The archive.
    pub archive: Vec<u8>,
    /// What must become of it.
    pub verdict: Verdict,
    /// Whether it gets that far only where devices can be made.
    pub makes_devices: bool,
}

/// What must become of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is refused, with a message that names the entry (empty where there is none) and the rule.
    Refused {
        /// The entry, as messages print it.
        entry: String,
        /// Words of the rule.
        rule: &'static str,
    },
    /// It is extracted like any other.
    Extracted,
}

/// All cases. `outside` is an absolute path of a directory that some try to reach; it should be short,
/// for it has to fit into a header.
pub fn corpus(outside: &Path) -> Vec<Case> {
    let outside = outside.to_str().expect("a path of letters");
    let mut cases = names::cases(outside);
    cases.extend(places::cases(outside));
    cases.extend(hard_links::cases(outside));
    cases.extend(fields::cases());
    cases.extend(extensions::cases(outside));
    cases.extend(sparse::cases());
    cases.extend(harmless::cases(outside));
    cases
}

fn refused(attack: &str, archive: ArchiveBuilder, entry: &str, rule: &'static str) -> Case {
    Case {
        attack: attack.to_owned(),
        archive: archive.finish(),
        verdict: Verdict::Refused {
            entry: entry.to_owned(),
            rule,
        },
        makes_devices: false,
    }
}

fn extracted(attack: &str, archive: ArchiveBuilder) -> Case {
    Case {
        attack: attack.to_owned(),
        archive: archive.finish(),
        verdict: Verdict::Extracted,
        makes_devices: false,
    }
}

fn with_devices(case: Case) -> Case {
    Case {
        makes_devices: true,
        ..case
    }
}

fn aci() -> ArchiveBuilder {
    ArchiveBuilder::aci()
}
