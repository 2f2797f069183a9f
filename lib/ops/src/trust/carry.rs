//! Carrying a keyring from one machine to another: what goes out, and what comes in.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use gantry_archive::digest::Sha256;
use gantry_trust::{
    Bundle, Fingerprint, KeyContent, Keystore, PublicKey, Scope, Unfit, WriteError,
};
use gantry_types::show::hex;
use gantry_types::{Diagnostic, Kind};

use super::AddedKey;
use super::status::{KeyFacts, unfit};
use crate::new_file::{NewFileError, Place};

/// The keys that count on this machine, or those of them that `wanted` accepts.
///
/// Keys that are disabled or masked stay out. Where several layers trust a key for one scope, it goes out
/// once, with everything that its copies know.
pub fn export(keystore: &Keystore, wanted: &dyn Fn(&Scope, &Fingerprint) -> bool) -> Bundle {
    let mut bundle = Bundle::default();
    let mut add = |keys: Vec<gantry_trust::TrustedKey>| {
        for trusted in keys {
            if wanted(trusted.scope(), &trusted.key().fingerprint()) {
                bundle.add(trusted.scope(), trusted.key(), trusted.is_legacy());
            }
        }
    };
    add(keystore.all_keys().keys);
    bundle
}

/// What a keyring asks this machine to do about one key.
#[derive(Clone, Debug)]
pub struct PlannedKey {
    /// The key.
    pub key: PublicKey,
    /// What it is known by.
    pub facts: KeyFacts,
    /// What it is to be trusted for.
    pub scope: Scope,
    /// The keyring asks to accept its old algorithms, and this machine does not do so yet.
    pub legacy: bool,
    /// What would change.
    pub change: PlannedChange,
    /// What this machine trusts the key for already.
    pub trusted_for: Vec<Scope>,
    /// Why its signatures would not count, even so.
    pub unfit: Option<Unfit>,
}

/// What a keyring would change about one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlannedChange {
    /// The key is not trusted for the scope yet, nor for a wider one.
    New,
    /// It is trusted for the scope, and the keyring knows more of it, such as a new expiry date.
    Update,
    /// Nothing.
    Nothing,
    /// It is disabled here, which a keyring does not change.
    Disabled,
}

impl PlannedKey {
    /// Whether anything would be written.
    pub fn is_change(&self) -> bool {
        let writes = matches!(self.change, PlannedChange::New | PlannedChange::Update);
        writes || (self.legacy && self.change != PlannedChange::Disabled)
    }

    /// Whether more would be accepted than today.
    pub fn widens(&self) -> bool {
        self.change == PlannedChange::New || (self.legacy && self.is_change())
    }
}

/// Compares a keyring with the keystore; changes nothing.
pub fn plan(bundle: &Bundle, keystore: &Keystore, now: SystemTime) -> Vec<PlannedKey> {
    let files = keystore.files();
    let marked = keystore.legacy_keys();
    let trusted = keystore.all_keys().keys;
    let plan = bundle.entries().map(|entry| {
        let name = entry.key.fingerprint();
        let same = |scope: &Scope, key: &Fingerprint| *scope == *entry.scope && *key == name;
        let here = trusted
            .iter()
            .rfind(|known| same(known.scope(), &known.key().fingerprint()));
        let disabled = files.iter().any(|file| match &file.content {
            KeyContent::Empty(masked) => same(&file.dir.scope, masked),
            _ => false,
        });
        let change = match here {
            Some(known) => match known.key().merged_with(entry.key) {
                // Bytes stay as they are when nothing is new, whatever the armour looks like.
                Some(merged) if merged.armored() != known.key().armored() => PlannedChange::Update,
                _ => PlannedChange::Nothing,
            },
            None if disabled => PlannedChange::Disabled,
            None => PlannedChange::New,
        };
        let legacy = entry.legacy && !marked.contains(&name);
        let scopes = trusted
            .iter()
            .filter(|known| known.key().fingerprint() == name)
            .map(|known| known.scope().clone());
        let mut trusted_for: Vec<Scope> = scopes.collect();
        trusted_for.sort();
        trusted_for.dedup();
        PlannedKey {
            facts: KeyFacts::of(entry.key, now),
            scope: entry.scope.clone(),
            legacy,
            change,
            trusted_for,
            unfit: unfit(entry.key, entry.legacy || marked.contains(&name), now),
            key: entry.key.clone(),
        }
    });
    plan.collect()
}

/// Carries out the part of a plan that was agreed to. Gives the files that were written.
///
/// # Errors
///
/// [`WriteError`] at the first file that cannot be written; those before it stay.
pub fn import<'a>(
    plan: impl IntoIterator<Item = &'a PlannedKey>,
    keystore: &Keystore,
) -> Result<Vec<AddedKey>, WriteError> {
    let mut added = Vec::new();
    for planned in plan {
        let fingerprint = planned.key.fingerprint();
        let mut written = |path: PathBuf| {
            added.push(AddedKey {
                fingerprint: fingerprint.clone(),
                scope: planned.scope.clone(),
                path,
            });
        };
        if matches!(planned.change, PlannedChange::New | PlannedChange::Update) {
            written(keystore.add(&planned.scope, &planned.key)?);
        }
        if planned.legacy && planned.change != PlannedChange::Disabled {
            written(keystore.mark_legacy(&fingerprint)?);
        }
    }
    Ok(added)
}

/// The SHA-256 of a keyring file in hex, for people to compare.
pub fn keyring_digest(bytes: &[u8]) -> String {
    hex(&Sha256::of(bytes))
}

/// A keyring could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteKeyringError {
    /// Something has the name.
    #[error("{} exists", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The system refuses.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Diagnostic for WriteKeyringError {
    fn kind(&self) -> Kind {
        match self {
            Self::Exists { .. } => Kind::Usage,
            Self::Write { .. } => Kind::Environment,
        }
    }
}

/// Writes a keyring into a new file, which gets its name when it is complete.
///
/// # Errors
///
/// [`WriteKeyringError`].
pub fn write_keyring(path: &Path, bytes: &[u8]) -> Result<(), WriteKeyringError> {
    let write = || {
        let file = Place::new(path, false)?.create(".actrust-")?;
        let mut target = file.file();
        target.write_all(bytes)?;
        file.publish()
    };
    write().map_err(|error| {
        let path = path.to_owned();
        match error {
            NewFileError::Exists => WriteKeyringError::Exists { path },
            NewFileError::NotAFile => WriteKeyringError::Write {
                path,
                source: std::io::Error::other("not a regular file"),
            },
            NewFileError::Failed(source) => WriteKeyringError::Write { path, source },
        }
    })
}
