//! Why a tar stream cannot be read.

use std::io;

use gantry_types::{Diagnostic, Kind};

use crate::refusal::{EntryName, Refusal};

/// A tar stream cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum TarError {
    /// The source failed; a decompressor's complaint comes this way too.
    #[error("cannot read the archive{}", after(entry.as_ref()))]
    Read {
        /// The last entry whose name was read.
        entry: Option<EntryName>,
        /// Why.
        source: io::Error,
    },
    /// The archive ends inside an entry.
    #[error("the archive is truncated: it ends within entry {entry:?}")]
    TruncatedEntry {
        /// The entry.
        entry: EntryName,
    },
    /// The archive ends where an entry or the end marker should begin.
    #[error("the archive is truncated: it ends without the end marker, after {entries} entries")]
    MissingEnd {
        /// Number of entries before that point.
        entries: u64,
    },
    /// What should be a header is none.
    #[error("not a tar archive: there is no valid header at byte {offset}")]
    BadHeader {
        /// Position in the uncompressed stream.
        offset: u64,
    },
    /// An entry breaks a rule.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl Diagnostic for TarError {
    fn kind(&self) -> Kind {
        match self {
            Self::Read { source, .. }
                if source.get_ref().is_none() && source.raw_os_error().is_some() =>
            {
                Kind::Environment
            }
            Self::Refused(refusal) => refusal.kind(),
            _ => Kind::Refused,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::TruncatedEntry { .. } | Self::MissingEnd { .. } => {
                Some("the file is incomplete; get it again".to_owned())
            }
            Self::Refused(refusal) => refusal.hint(),
            Self::Read { .. } | Self::BadHeader { .. } => None,
        }
    }
}

fn after(entry: Option<&EntryName>) -> String {
    entry.map_or(String::new(), |entry| format!(" beyond entry {entry:?}"))
}
