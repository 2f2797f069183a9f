//! A keyring in one file, to be carried to machines without a network.
//!
//! ```json
//! {
//!   "gantryKeyring": 1,
//!   "keys": [
//!     {
//!       "prefix": "example.com/app",
//!       "fingerprint": "9a13…34fd",
//!       "key": "-----BEGIN PGP PUBLIC KEY BLOCK-----\n…"
//!     }
//!   ]
//! }
//! ```
//!
//! Without `prefix` a key may sign every image; `"legacy": true` marks it as legacy. The entries are sorted
//! by scope and fingerprint, so the same keyring always makes the same bytes. Nothing in the file is
//! protected by anything: whoever imports it looks at what it asks for.

use std::collections::BTreeMap;

use gantry_types::{AcIdentifier, Diagnostic, Kind};
use serde::{Deserialize, Serialize};

use crate::{Fingerprint, PublicKey, PublicKeyError, Scope};

/// Largest keyring file accepted, in bytes.
pub const MAX_BUNDLE_BYTES: usize = 64 * 1024 * 1024;

/// Most keys accepted in one file.
pub const MAX_BUNDLE_KEYS: usize = 16 * 1024;

const VERSION: u64 = 1;

/// Keys with what they are trusted for.
#[derive(Clone, Debug, Default)]
pub struct Bundle {
    entries: BTreeMap<(Scope, Fingerprint), (PublicKey, bool)>,
}

/// One key of a [`Bundle`].
#[derive(Clone, Copy, Debug)]
pub struct BundleEntry<'a> {
    /// What it is to be trusted for.
    pub scope: &'a Scope,
    /// The key.
    pub key: &'a PublicKey,
    /// Its old algorithms are to be accepted.
    pub legacy: bool,
}

/// A file is no keyring.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It is larger than any keyring.
    #[error("keyring has {found} bytes, more than the {MAX_BUNDLE_BYTES} allowed")]
    TooLarge {
        /// Length of the file in bytes.
        found: usize,
    },
    /// It is not JSON, or not of this shape.
    #[error("not a keyring made by `actrust export`")]
    Syntax {
        /// What is wrong, and where.
        source: serde_json::Error,
    },
    /// It is of a version that this program does not know.
    #[error("keyring is of version {found}; this program knows version {VERSION}")]
    Version {
        /// The version in the file.
        found: u64,
    },
    /// It has more keys than are accepted.
    #[error("keyring has {found} keys, more than the {MAX_BUNDLE_KEYS} allowed")]
    TooMany {
        /// Number of keys.
        found: usize,
    },
    /// A prefix is no name, or cannot be a path beneath the keystore.
    #[error("key {fingerprint} has an invalid prefix {prefix:?}")]
    Prefix {
        /// Fingerprint as written in the file, cut to a sensible length.
        fingerprint: String,
        /// The prefix, likewise.
        prefix: String,
    },
    /// A fingerprint is none, or that of another key.
    #[error("key {found} is named {named:?}")]
    Fingerprint {
        /// What the file says.
        named: String,
        /// What the key is.
        found: Fingerprint,
    },
    /// A key is damaged.
    #[error("key {named:?} cannot be read")]
    Key {
        /// What the file says.
        named: String,
        /// Why.
        source: PublicKeyError,
    },
    /// A key is there twice for one scope.
    #[error("key {fingerprint} is in it twice for {scope}")]
    Twice {
        /// The key.
        fingerprint: Fingerprint,
        /// The scope.
        scope: Scope,
    },
}

impl Diagnostic for BundleError {
    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Version { .. } => Some("use the program that made it, or a newer one".to_owned()),
            _ => Some("make it again with `actrust export`, and carry it over whole".to_owned()),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FileJson {
    gantry_keyring: u64,
    keys: Vec<KeyJson>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyJson {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
    fingerprint: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    legacy: bool,
    key: String,
}

impl Bundle {
    /// Adds a key. Copies of one key for one scope become one that knows what all of them knew.
    pub fn add(&mut self, scope: &Scope, key: &PublicKey, legacy: bool) {
        let place = (scope.clone(), key.fingerprint());
        let merged = match self.entries.get(&place) {
            Some((older, _)) => key.merged_with(older).unwrap_or_else(|| key.clone()),
            None => key.clone(),
        };
        self.entries.insert(place, (merged, legacy));
    }

    /// The keys, in the order of the file.
    pub fn entries(&self) -> impl Iterator<Item = BundleEntry<'_>> {
        let entries = self.entries.iter();
        entries.map(|((scope, _), (key, legacy))| BundleEntry {
            scope,
            key,
            legacy: *legacy,
        })
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no key at all.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The bytes of the file: the same for the same keys.
    pub fn to_bytes(&self) -> Vec<u8> {
        let keys = self.entries().map(|entry| KeyJson {
            prefix: match entry.scope {
                Scope::Root => None,
                Scope::Prefix(prefix) => Some(prefix.to_string()),
            },
            fingerprint: entry.key.fingerprint().to_string(),
            legacy: entry.legacy,
            // Armour is ASCII; text around it need not be, and is of no use to anybody.
            key: String::from_utf8_lossy(entry.key.armored()).into_owned(),
        });
        let file = FileJson {
            gantry_keyring: VERSION,
            keys: keys.collect(),
        };
        // Strings, numbers and lists only: nothing that serde_json could refuse to write.
        let mut json = serde_json::to_vec_pretty(&file).unwrap_or_default();
        json.push(b'\n');
        json
    }

    /// Reads a file. It is refused as a whole if anything in it is wrong.
    ///
    /// # Errors
    ///
    /// [`BundleError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, BundleError> {
        if bytes.len() > MAX_BUNDLE_BYTES {
            return Err(BundleError::TooLarge { found: bytes.len() });
        }
        let file: FileJson =
            serde_json::from_slice(bytes).map_err(|source| BundleError::Syntax { source })?;
        if file.gantry_keyring != VERSION {
            let found = file.gantry_keyring;
            return Err(BundleError::Version { found });
        }
        if file.keys.len() > MAX_BUNDLE_KEYS {
            let found = file.keys.len();
            return Err(BundleError::TooMany { found });
        }
        let mut bundle = Self::default();
        for entry in file.keys {
            let (scope, key) = entry.check()?;
            let fingerprint = key.fingerprint();
            let place = (scope, fingerprint);
            if bundle.entries.contains_key(&place) {
                let (scope, fingerprint) = place;
                return Err(BundleError::Twice { fingerprint, scope });
            }
            bundle.entries.insert(place, (key, entry.legacy));
        }
        Ok(bundle)
    }
}

impl KeyJson {
    fn check(&self) -> Result<(Scope, PublicKey), BundleError> {
        let short = |text: &str| text.chars().take(80).collect::<String>();
        let named = short(&self.fingerprint);
        let scope = match &self.prefix {
            None => Scope::Root,
            Some(prefix) => match prefix.parse::<AcIdentifier>() {
                Ok(name) if Scope::Prefix(name.clone()).has_place() => Scope::Prefix(name),
                _ => {
                    return Err(BundleError::Prefix {
                        fingerprint: named,
                        prefix: short(prefix),
                    });
                }
            },
        };
        let key = match PublicKey::parse(self.key.as_bytes()) {
            Ok(key) => key,
            Err(source) => return Err(BundleError::Key { named, source }),
        };
        let found = key.fingerprint();
        match found.as_str() == self.fingerprint {
            true => Ok((scope, key)),
            false => Err(BundleError::Fingerprint { named, found }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BUILDER: &[u8] = include_bytes!("../../../fixtures/fuzz/public_key/builder.asc");
    const RELEASE: &[u8] = include_bytes!("../../../fixtures/fuzz/public_key/release.asc");

    fn bundle(prefixes: &[&str]) -> Bundle {
        let mut bundle = Bundle::default();
        let builder = PublicKey::parse(BUILDER).unwrap();
        for prefix in prefixes {
            bundle.add(&Scope::Prefix(prefix.parse().unwrap()), &builder, false);
        }
        bundle.add(&Scope::Root, &PublicKey::parse(RELEASE).unwrap(), true);
        bundle
    }

    #[test]
    fn the_order_of_adding_does_not_show() {
        let one = bundle(&["a.com", "b.com", "a.com/x"]).to_bytes();
        let other = bundle(&["a.com/x", "b.com", "a.com", "b.com"]).to_bytes();
        assert_eq!(one, other);
        let read = Bundle::parse(&one).unwrap();
        assert_eq!((read.len(), read.to_bytes()), (4, one));
        let first = read.entries().next().unwrap();
        assert_eq!((first.scope, first.legacy), (&Scope::Root, true));
    }

    #[test]
    fn a_keyring_with_anything_wrong_in_it_is_refused_as_a_whole() {
        let good = String::from_utf8(bundle(&["a.com"]).to_bytes()).unwrap();
        let cases = [
            ("\"gantryKeyring\": 1", "\"gantryKeyring\": 2", "version 2"),
            ("\"gantryKeyring\"", "\"keyring\"", "not a keyring"),
            ("\"a.com\"", "\"A.com\"", "invalid prefix \"A.com\""),
            ("\"a.com\"", "\"../root.d\"", "invalid prefix"),
            ("\"a.com\"", "\"a/../../root.d\"", "invalid prefix"),
            ("\"a.com\"", "\"\"", "invalid prefix"),
            ("9a137db7", "9A137DB7", "is named"),
            ("9a137db7", "00000000", "is named"),
            ("\"legacy\": true", "\"legacy\": \"yes\"", "not a keyring"),
            ("\"legacy\": true", "\"weak\": true", "not a keyring"),
            ("BEGIN PGP PUBLIC", "BEGIN PGP PRIVATE", "cannot be read"),
            ("      \"prefix\": \"a.com\",\n", "", ""),
        ];
        for (from, to, expected) in cases {
            let bad = good.replace(from, to);
            assert_ne!(bad, good, "{from}");
            match Bundle::parse(bad.as_bytes()) {
                Ok(_) => assert_eq!(expected, "", "{to}"),
                Err(error) => assert!(error.to_string().contains(expected), "{to}: {error}"),
            }
        }
        let (head, keys) = good.split_once("[\n").unwrap();
        let key = keys.split_once("    }").unwrap().0;
        let twice = format!("{head}[\n{key}    }},\n{key}    }}\n  ]\n}}\n");
        let error = Bundle::parse(twice.as_bytes()).unwrap_err().to_string();
        assert!(error.ends_with("is in it twice for every name"), "{error}");
        assert!(Bundle::parse(b"").is_err());
        let many = format!(
            "{{\"gantryKeyring\":1,\"keys\":[{}]}}",
            vec!["{\"fingerprint\":\"\",\"key\":\"\"}"; MAX_BUNDLE_KEYS + 1].join(",")
        );
        let error = Bundle::parse(many.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("more than the"), "{error}");
    }

    proptest! {
        #[test]
        fn no_bytes_are_a_panic_and_none_read_without_being_a_keyring(bytes: Vec<u8>) {
            prop_assert!(Bundle::parse(&bytes).is_err());
        }

        #[test]
        fn a_keyring_cut_anywhere_is_none(cut in 0_usize..2000) {
            let good = bundle(&["a.com"]).to_bytes();
            let cut = cut.min(good.len() - 2);
            prop_assert!(Bundle::parse(&good[..cut]).is_err());
        }
    }
}
