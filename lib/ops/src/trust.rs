//! Adding keys to the keystore, and looking after it: who may sign what, and why.
//!
//! [`add`] finds keys, shows them, asks, and writes them, in the words of rkt 1.30; what goes to stdout and
//! what to stderr is the caller's to keep: [`KeyReview`] says which is which. Everything else works without
//! a network: [`list`](list()), [`check`](check()), [`explain`](explain()), [`verify_file`],
//! [`verify_image`], and [`export`] and [`import`] for machines that have none.

mod carry;
mod check;
mod decision;
mod explain;
mod location;
mod review;
mod scope;
mod select;
mod source;
mod status;
mod stored;
mod verify;

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use gantry_trust::{Keystore, MAX_KEY_BYTES, PublicKey, PublicKeyError, Scope, WriteError};
use gantry_types::{AcIdentifier, Diagnostic, Kind};

use crate::fetch::RequestError;

// What the tools that call these have to name.
pub use gantry_remote::discovery::{DiscoveryError, Wanted};
pub use gantry_remote::{HttpError, RedactedUrl, Url};
pub use gantry_trust::{
    Bundle, BundleError, Change, Fingerprint, KeyProblem, Layer, MAX_BUNDLE_BYTES, Signer, Verdict,
};

pub use carry::{
    PlannedChange, PlannedKey, WriteKeyringError, export, import, keyring_digest, plan,
    write_keyring,
};
pub use check::{Finding, Severity, check};
pub use decision::Decision;
pub use explain::{ExplainedDir, Explanation, explain};
pub use location::{Location, LocationError};
pub use review::{KeyReview, PROMPT, PROMPT_AGAIN, ReviewError, Reviewer};
pub use scope::{ScopeError, scope};
pub use select::{SelectError, digits, select};
pub use source::KeySource;
pub use status::{KeyFacts, KeyRow, KeyStatus, list};
pub use stored::{StoredError, StoredReport, verify_image};
pub use verify::{FileReport, FileRequest, VerifyFileError, verify_file};

/// What to add and how.
#[derive(Clone, Debug)]
pub struct TrustRequest {
    /// Where the keys are; if empty, they are looked for at the prefix.
    pub keys: Vec<Location>,
    /// What they may sign.
    pub scope: Scope,
    /// Who looks at the fingerprints.
    pub review: ReviewPolicy,
    /// What happens to keys that are trusted for the scope already.
    pub known: KnownKeys,
    /// Allows discovery and download over plain http.
    pub allow_http: bool,
    /// Accepts the old algorithms of these keys.
    pub legacy: bool,
}

/// Who looks at the fingerprint of a key before it is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReviewPolicy {
    /// The user is asked about every key.
    Ask,
    /// Keys that came over https are trusted unseen, for `--trust-keys-from-https`.
    TrustHttps,
    /// Nobody, for `--skip-fingerprint-review`.
    Skip,
}

/// What happens to a key that is trusted for the scope already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownKeys {
    /// It is reviewed and written again, which brings in new expiry dates and subkeys.
    Replace,
    /// It is left alone.
    Keep,
}

/// A key that is trusted from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedKey {
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// What it may sign.
    pub scope: Scope,
    /// The file that says so.
    pub path: PathBuf,
}

/// Keys could not be added.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// There is neither a key nor a prefix at which to look for one.
    #[error("error determining key location: empty prefix")]
    NothingToAdd,
    /// No key was found at the prefix.
    #[error("error determining key location: prefix meta discovery error")]
    Discovery {
        /// What was tried.
        source: DiscoveryError,
    },
    /// The discovery page names a place that keys cannot be had from.
    #[error("error accessing the key {location}")]
    Location {
        /// The place as the page names it.
        location: String,
        /// Why.
        source: LocationError,
    },
    /// The key is at a plain http URL.
    #[error("error accessing the key {location}: --insecure-allow-http required for http URLs")]
    PlainHttp {
        /// Where the key is.
        location: Location,
    },
    /// The key file could not be read.
    #[error("error accessing the key {location}")]
    ReadFile {
        /// Where the key is.
        location: Location,
        /// Why.
        source: io::Error,
    },
    /// The key could not be downloaded.
    #[error("error accessing the key {location}")]
    Download {
        /// Where the key is.
        location: Location,
        /// Why.
        source: Box<RequestError>,
    },
    /// What is there is not one public key.
    #[error("error reading the key {location}")]
    Parse {
        /// Where the key is.
        location: Location,
        /// Why.
        source: PublicKeyError,
    },
    /// Nobody could be asked.
    #[error("error reviewing key")]
    Review {
        /// Why.
        source: ReviewError,
    },
    /// The keystore could not be written.
    #[error("error adding key for {scope}")]
    Add {
        /// What the key was to be trusted for.
        scope: Scope,
        /// Why.
        source: WriteError,
    },
}

impl Diagnostic for TrustError {
    fn kind(&self) -> Kind {
        match self {
            Self::NothingToAdd | Self::PlainHttp { .. } => Kind::Usage,
            Self::Discovery { source } => source.kind(),
            Self::Location { source, .. } => source.kind(),
            Self::ReadFile { .. } => Kind::Environment,
            Self::Download { source, .. } => source.kind(),
            Self::Parse { source, .. } => source.kind(),
            Self::Review { source } => source.kind(),
            Self::Add { source, .. } => source.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Discovery { source } => source.hint(),
            Self::Download { source, .. } => source.hint(),
            Self::Parse { source, .. } => source.hint(),
            Self::Review { source } => source.hint(),
            Self::Add { source, .. } => source.hint(),
            Self::NothingToAdd => {
                Some("give a key file: a key for every name is never looked for".to_owned())
            }
            _ => None,
        }
    }
}

/// Adds the keys of `request` to `keystore`, each after `reviewer` has seen and accepted it.
///
/// Keys that the reviewer declines are left out. `now` decides what warnings a key gets.
///
/// # Errors
///
/// [`TrustError`] at the first key that cannot be had, reviewed or written; those before it stay added.
pub fn add(
    request: &TrustRequest,
    keystore: &Keystore,
    source: &dyn KeySource,
    reviewer: &mut dyn Reviewer,
    now: SystemTime,
) -> Result<Vec<AddedKey>, TrustError> {
    let found;
    let locations = match (&request.scope, request.keys.as_slice()) {
        (Scope::Root, []) => return Err(TrustError::NothingToAdd),
        (Scope::Prefix(prefix), []) => {
            found = discover(prefix, request.allow_http, source)?;
            &found
        }
        (_, given) => given,
    };
    let mut added = Vec::new();
    for location in locations {
        let key = read(location, request.allow_http, source)?;
        let review = KeyReview::new(request, location, &key, now);
        reviewer.show(&review);
        if request.known == KnownKeys::Keep && is_known(keystore, &request.scope, &key) {
            reviewer.note(&review.already_known());
            continue;
        }
        let asked = request.review.asks_about(location);
        if asked
            && !reviewer
                .ask(&review)
                .map_err(|source| TrustError::Review { source })?
        {
            reviewer.note(&review.declined());
            continue;
        }
        reviewer.tell(&review.trusting(asked));
        let path = keystore
            .add(&request.scope, &key)
            .map_err(|source| TrustError::Add {
                scope: request.scope.clone(),
                source,
            })?;
        if request.legacy {
            let marked = keystore.mark_legacy(&key.fingerprint());
            marked.map_err(|source| TrustError::Add {
                scope: request.scope.clone(),
                source,
            })?;
        }
        reviewer.tell(&review.added(&path));
        added.push(AddedKey {
            fingerprint: key.fingerprint(),
            scope: request.scope.clone(),
            path,
        });
    }
    Ok(added)
}

impl ReviewPolicy {
    fn asks_about(self, location: &Location) -> bool {
        match self {
            Self::Ask => true,
            Self::Skip => false,
            Self::TrustHttps => !matches!(location, Location::Url(url) if url.scheme() == "https"),
        }
    }
}

fn discover(
    prefix: &AcIdentifier,
    allow_http: bool,
    source: &dyn KeySource,
) -> Result<Vec<Location>, TrustError> {
    let found = source
        .discover_keys(prefix, allow_http)
        .map_err(|source| TrustError::Discovery { source })?;
    let remote = |text: String| match Location::remote(&text) {
        Ok(location) => Ok(location),
        Err(source) => Err(TrustError::Location {
            location: text,
            source,
        }),
    };
    found.into_iter().map(remote).collect()
}

fn read(
    location: &Location,
    allow_http: bool,
    source: &dyn KeySource,
) -> Result<PublicKey, TrustError> {
    let bytes = match location {
        Location::File(path) => read_file(path).map_err(|source| TrustError::ReadFile {
            location: location.clone(),
            source,
        })?,
        Location::Url(url) => download(location, url, allow_http, source)?,
    };
    PublicKey::parse(&bytes).map_err(|source| TrustError::Parse {
        location: location.clone(),
        source,
    })
}

/// Reads one byte more than a key may have, so that the parser sees that it is too large.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    crate::open_input(path)?
        .take(MAX_KEY_BYTES as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn download(
    location: &Location,
    url: &Url,
    allow_http: bool,
    source: &dyn KeySource,
) -> Result<Vec<u8>, TrustError> {
    if url.scheme() == "http" && !allow_http {
        return Err(TrustError::PlainHttp {
            location: location.clone(),
        });
    }
    source
        .read_key(url, MAX_KEY_BYTES as u64)
        .map_err(|error| TrustError::Download {
            location: location.clone(),
            source: Box::new(RequestError::http(&location.to_string(), error)),
        })
}

fn is_known(keystore: &Keystore, scope: &Scope, key: &PublicKey) -> bool {
    let trusted = match scope {
        Scope::Root => keystore.root_keys(),
        Scope::Prefix(prefix) => keystore.keys_for(prefix),
    };
    trusted
        .keys
        .iter()
        .any(|trusted| trusted.key().fingerprint() == key.fingerprint())
}

#[cfg(test)]
mod tests;
