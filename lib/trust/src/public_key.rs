//! One public key, as its owner publishes it.

use std::collections::BTreeSet;
use std::time::SystemTime;

use gantry_types::show::harmless;
use gantry_types::{Diagnostic, Kind};
use sequoia_openpgp::cert::CertParser;
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::serialize::SerializeInto as _;
use sequoia_openpgp::{Cert, KeyHandle};

use crate::rules::Rules;
use crate::{Fingerprint, Unfit, armor, fitness};

/// Largest key file accepted, in bytes. A key with a hundred certifications has some 50 KiB.
pub const MAX_KEY_BYTES: usize = 1024 * 1024;

/// A public key with its subkeys and user IDs, and the armoured bytes it came in.
#[derive(Clone, Debug)]
pub struct PublicKey {
    armored: Vec<u8>,
    cert: Cert,
    /// Fingerprints and key IDs of the primary key and all subkeys, for look-up by issuer.
    handles: Vec<KeyHandle>,
}

/// A file is not one ASCII-armoured public key.
#[derive(Debug, thiserror::Error)]
pub enum PublicKeyError {
    /// The file is larger than any key.
    #[error("key has {found} bytes, more than the {MAX_KEY_BYTES} allowed")]
    TooLarge {
        /// Length of the file in bytes.
        found: usize,
    },
    /// The file is binary.
    #[error("key is not ASCII-armored")]
    NotArmored,
    /// The file holds no public key.
    #[error("no ASCII-armored public key in it{}", other_label(.label.as_deref()))]
    NoKey {
        /// What it holds instead, if that is known.
        label: Option<String>,
    },
    /// The file holds a private key, which nobody should publish.
    #[error("it holds a private key")]
    PrivateKey,
    /// The file holds more than one key, so that a review of one says nothing of the others.
    #[error("it holds {found} keys, expected exactly one")]
    KeyCount {
        /// Number of keys found.
        found: usize,
    },
    /// The armour or the packets in it are damaged.
    #[error("key is damaged or not understood")]
    Malformed {
        /// What the parser says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

fn other_label(label: Option<&str>) -> String {
    label.map_or_else(String::new, |label| format!(" (found PGP {label})"))
}

impl Diagnostic for PublicKeyError {
    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::KeyCount { .. } => Some("export one key per file".to_owned()),
            Self::NotArmored | Self::NoKey { .. } | Self::PrivateKey => {
                Some("export the public key with `gpg --armor --export FINGERPRINT`".to_owned())
            }
            Self::TooLarge { .. } => Some(
                "export it with `gpg --armor --export-options export-minimal --export FINGERPRINT`"
                    .to_owned(),
            ),
            Self::Malformed { .. } => None,
        }
    }
}

impl PublicKey {
    /// Reads the one ASCII-armoured public key in `bytes`.
    ///
    /// Whether the key is fit to sign anything is another matter: see [`PublicKey::unfit`].
    ///
    /// # Errors
    ///
    /// [`PublicKeyError`] if there is no key, more than one, a private one, or damage.
    pub fn parse(bytes: &[u8]) -> Result<Self, PublicKeyError> {
        if bytes.len() > MAX_KEY_BYTES {
            return Err(PublicKeyError::TooLarge { found: bytes.len() });
        }
        if armor::is_binary(bytes) {
            return Err(PublicKeyError::NotArmored);
        }
        let mut certs = Vec::new();
        let mut other = None;
        for block in armor::blocks(bytes) {
            match block.label {
                "PUBLIC KEY BLOCK" => certs.append(&mut certs_of(&block)?),
                "PRIVATE KEY BLOCK" => return Err(PublicKeyError::PrivateKey),
                label => other = Some(label.to_owned()),
            }
        }
        let found = certs.len();
        match (certs.pop(), found) {
            (None, _) => Err(PublicKeyError::NoKey { label: other }),
            (Some(cert), 1) => Ok(Self::new(bytes.to_vec(), cert)),
            (Some(_), found) => Err(PublicKeyError::KeyCount { found }),
        }
    }

    fn new(armored: Vec<u8>, cert: Cert) -> Self {
        let mut handles = Vec::new();
        for key in cert.keys() {
            handles.push(KeyHandle::from(key.key().fingerprint()));
            handles.push(KeyHandle::from(key.key().keyid()));
        }
        Self {
            armored,
            cert,
            handles,
        }
    }

    /// The fingerprint of the primary key.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.cert.fingerprint())
    }

    /// The fingerprints of the subkeys, in the order of the file.
    pub fn subkeys(&self) -> Vec<Fingerprint> {
        self.cert
            .keys()
            .subkeys()
            .map(|key| Fingerprint::of(&key.key().fingerprint()))
            .collect()
    }

    /// The user IDs, in the order of the file, fit for a terminal: control characters are escaped.
    ///
    /// They are what the key claims; nothing vouches for them.
    pub fn user_ids(&self) -> Vec<String> {
        self.cert
            .userids()
            .map(|id| printable(id.userid().value()))
            .collect()
    }

    /// The bytes that were parsed, armour and all.
    pub fn armored(&self) -> &[u8] {
        &self.armored
    }

    /// Tells why no signature of this key counts at the time `now`, if that is so.
    pub fn unfit(&self, now: SystemTime) -> Option<Unfit> {
        fitness::unfit(&self.cert, &Rules::current(now), now)
    }

    /// The same for a key that is marked as legacy: old algorithms are no flaw then.
    pub fn unfit_as_legacy(&self, now: SystemTime) -> Option<Unfit> {
        fitness::unfit(&self.cert, &Rules::legacy(now), now)
    }

    /// The key with everything that either copy knows of it; `None` if `other` is another key.
    ///
    /// A copy that knows of a revocation or of an expiry must not be undone by one that does not. If
    /// this copy knows all that the other does, its bytes stay as they are.
    pub fn merged_with(&self, other: &Self) -> Option<Self> {
        if self.armored == other.armored {
            return Some(self.clone());
        }
        let merged = self.cert.clone().merge_public(other.cert.clone()).ok()?;
        if merged == self.cert {
            return Some(self.clone());
        }
        if merged == other.cert {
            return Some(other.clone());
        }
        let armored = merged.armored().to_vec().ok()?;
        Some(Self::new(armored, merged))
    }

    pub(crate) fn cert(&self) -> &Cert {
        &self.cert
    }

    /// Tells whether `handle` names the primary key or a subkey.
    pub(crate) fn answers_to(&self, handle: &KeyHandle) -> bool {
        self.handles.iter().any(|own| own.aliases(handle))
    }
}

/// Parses the keys of one block. The same key twice in a file counts once.
fn certs_of(block: &armor::Block<'_>) -> Result<Vec<Cert>, PublicKeyError> {
    let packets = block.decode().map_err(|source| PublicKeyError::Malformed {
        source: Box::new(source),
    })?;
    let parser = CertParser::from_bytes(&packets).map_err(|source| PublicKeyError::Malformed {
        source: source.into(),
    })?;
    let mut seen = BTreeSet::new();
    let mut certs = Vec::new();
    for cert in parser {
        let cert = cert.map_err(|source| PublicKeyError::Malformed {
            source: source.into(),
        })?;
        if cert.is_tsk() {
            return Err(PublicKeyError::PrivateKey);
        }
        if seen.insert(cert.fingerprint()) {
            certs.push(cert);
        }
    }
    Ok(certs)
}

/// Text of a stranger for a terminal.
pub(crate) fn printable(bytes: &[u8]) -> String {
    harmless(&String::from_utf8_lossy(bytes))
}
