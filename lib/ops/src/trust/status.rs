//! Every key of the keystore, and whether it counts today.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::SystemTime;

use gantry_trust::{Fingerprint, KeyContent, KeyFile, Keystore, Layer, PublicKey, Scope, Unfit};
use gantry_types::show::one_line;

/// A file of the keystore.
#[derive(Clone, Debug)]
pub struct KeyRow {
    /// Where it is.
    pub path: PathBuf,
    /// Whose word it is.
    pub layer: Layer,
    /// What the key may sign.
    pub scope: Scope,
    /// The key's fingerprint, as far as the file or its name tells.
    pub fingerprint: Option<Fingerprint>,
    /// What is known of the key, if it could be read.
    pub facts: Option<KeyFacts>,
    /// Its old algorithms are accepted.
    pub legacy: bool,
    /// Whether it counts.
    pub status: KeyStatus,
    /// Why it does not count, in words.
    pub reason: Option<String>,
    /// What to do about it, where that is known.
    pub hint: Option<String>,
    /// Everybody may write to it.
    pub exposed: bool,
}

/// What a key says of itself.
#[derive(Clone, Debug)]
pub struct KeyFacts {
    /// User IDs, fit for a terminal.
    pub user_ids: Vec<String>,
    /// Fingerprints of the subkeys.
    pub subkeys: Vec<Fingerprint>,
    /// Algorithm and size, such as `rsa3072`.
    pub algorithm: String,
    /// Version of the key's format.
    pub version: u8,
    /// When it was made.
    pub created: SystemTime,
    /// When it expires.
    pub expires: Option<SystemTime>,
}

/// Whether a key counts; displays as one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStatus {
    /// Its signatures count.
    Good,
    /// It has expired.
    Expired,
    /// It is not valid yet.
    Future,
    /// Its owner revoked it.
    Revoked,
    /// It uses algorithms that are not accepted any more.
    Weak,
    /// It uses algorithms that this program has no code for.
    Unsupported,
    /// It may not sign.
    CannotSign,
    /// It is not valid.
    Invalid,
    /// A file of another layer takes the trust in it back.
    Masked,
    /// This is an empty file, which takes the trust in a key back.
    Disabled,
    /// The file could not be used.
    Unreadable,
}

impl fmt::Display for KeyStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Good => "good",
            Self::Expired => "expired",
            Self::Future => "future",
            Self::Revoked => "revoked",
            Self::Weak => "weak",
            Self::Unsupported => "unsupported",
            Self::CannotSign => "cannot-sign",
            Self::Invalid => "invalid",
            Self::Masked => "masked",
            Self::Disabled => "disabled",
            Self::Unreadable => "unreadable",
        })
    }
}

impl From<&Unfit> for KeyStatus {
    fn from(unfit: &Unfit) -> Self {
        match unfit {
            Unfit::Expired(_) => Self::Expired,
            Unfit::NotYetValid(_) => Self::Future,
            Unfit::Revoked(_) => Self::Revoked,
            Unfit::Weak(_) => Self::Weak,
            Unfit::Unsupported(_) => Self::Unsupported,
            Unfit::NotForSigning => Self::CannotSign,
            Unfit::Invalid(_) => Self::Invalid,
        }
    }
}

impl KeyFacts {
    pub(super) fn of(key: &PublicKey, now: SystemTime) -> Self {
        Self {
            user_ids: key.user_ids(),
            subkeys: key.subkeys(),
            algorithm: key.algorithm(),
            version: key.version(),
            created: key.created(),
            expires: key.expires(now),
        }
    }
}

/// Why a key does not count at `now`, if that is so.
pub(super) fn unfit(key: &PublicKey, legacy: bool, now: SystemTime) -> Option<Unfit> {
    match legacy {
        true => key.unfit_as_legacy(now),
        false => key.unfit(now),
    }
}

/// All files of the keystore: root keys first, then prefixes, the vendor's before the machine's.
pub fn list(keystore: &Keystore, now: SystemTime) -> Vec<KeyRow> {
    let files = keystore.files();
    // Which keys a file of the same scope takes back, and which it is.
    let mut masks = BTreeMap::new();
    let mut trusted = BTreeMap::new();
    for (index, file) in files.iter().enumerate() {
        match &file.content {
            KeyContent::Empty(name) => {
                masks.insert((&file.dir.scope, name.clone()), (index, &file.path));
            }
            KeyContent::Key(key) => {
                trusted.insert((&file.dir.scope, key.fingerprint()), key.as_ref());
            }
            KeyContent::Problem(_) => {}
        }
    }
    let rows = files.iter().enumerate().map(|(index, file)| {
        let mut row = row(file, now);
        let Some(name) = row.fingerprint.clone() else {
            return row;
        };
        let place = (&file.dir.scope, name);
        match (&file.content, masks.get(&place)) {
            (KeyContent::Key(_), Some((mask, path))) if *mask > index => {
                row.status = KeyStatus::Masked;
                row.reason = Some(format!("taken back by the empty file {}", path.display()));
                row.hint = None;
            }
            (KeyContent::Empty(name), _) => {
                let kept = keystore.disabled_key(&row.scope, name);
                let key = kept.as_ref().or(trusted.get(&place).copied());
                row.facts = key.map(|key| KeyFacts::of(key, now));
            }
            _ => {}
        }
        row
    });
    rows.collect()
}

/// What a file says by itself.
pub(super) fn row(file: &KeyFile, now: SystemTime) -> KeyRow {
    let mut row = KeyRow {
        path: file.path.clone(),
        layer: file.dir.layer,
        scope: file.dir.scope.clone(),
        fingerprint: None,
        facts: None,
        legacy: file.legacy,
        status: KeyStatus::Good,
        reason: None,
        hint: None,
        exposed: file.exposed,
    };
    match &file.content {
        KeyContent::Key(key) => {
            row.fingerprint = Some(key.fingerprint());
            row.facts = Some(KeyFacts::of(key, now));
            if let Some(unfit) = unfit(key, file.legacy, now) {
                row.status = KeyStatus::from(&unfit);
                row.reason = Some(unfit.to_string());
                row.hint = gantry_trust::RefusalCause::Key(unfit).hint();
            }
        }
        KeyContent::Empty(name) => {
            row.fingerprint = Some(name.clone());
            row.status = KeyStatus::Disabled;
            row.reason = Some("an empty file takes the trust in this key back".to_owned());
        }
        KeyContent::Problem(cause) => {
            let name = file.path.file_name().and_then(|name| name.to_str());
            row.fingerprint = name.and_then(|name| name.parse().ok());
            row.status = KeyStatus::Unreadable;
            row.reason = Some(one_line(cause));
            row.hint = cause.hint();
        }
    }
    row
}
