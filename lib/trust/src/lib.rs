//! Who may sign which image, and whether somebody who may has.
//!
//! Trusted keys lie where rkt has them, once beneath the system's configuration directory
//! (`/usr/lib/rkt`) and once beneath the machine's own (`/etc/rkt`):
//!
//! ```text
//! trustedkeys/root.d/FINGERPRINT             may sign every image
//! trustedkeys/prefix.d/NAME/FINGERPRINT      may sign images named NAME or beneath NAME/
//! trustedkeys/legacy.d/FINGERPRINT           its old algorithms are accepted, too
//! trustedkeys/disabled.d/…                   keys that wait to be enabled again
//! ```
//!
//! A file holds one ASCII-armoured public key and is named by its fingerprint; an empty file takes the
//! trust in that key away again. [`Keystore`] reads and writes these files, [`PublicKey`] is one key,
//! [`DetachedSignature`] one signature file, and [`verify_detached`] brings the three together in a
//! [`Verdict`]: good, unknown or bad, and never a plain yes or no.
//!
//! Nothing here opens a connection or prints; clock and directories are values.

#![forbid(unsafe_code)]

mod armor;
mod bundle;
mod content;
mod durable;
mod examine;
mod facts;
mod findings;
mod fingerprint;
mod fitness;
#[cfg(test)]
mod gpg_tests;
mod keystore;
mod public_key;
mod rules;
mod scope;
mod signature;
mod signature_info;
mod verdict;
mod verify;

pub use bundle::{Bundle, BundleEntry, BundleError, MAX_BUNDLE_BYTES, MAX_BUNDLE_KEYS};
pub use content::SignedContent;
pub use fingerprint::{Fingerprint, FingerprintError};
pub use fitness::Unfit;
pub use keystore::{
    Change, KeyContent, KeyDir, KeyFile, KeyProblem, KeyProblemCause, KeySet, Keystore, Layer,
    WriteError,
};
pub use public_key::{MAX_KEY_BYTES, PublicKey, PublicKeyError};
pub use scope::{Scope, TrustedKey};
pub use signature::{
    DetachedSignature, Issuer, MAX_SIGNATURE_BYTES, MAX_SIGNATURES, SignatureError,
};
pub use signature_info::SignatureInfo;
pub use verdict::{Refusal, RefusalCause, Rejection, Signer, Verdict};
pub use verify::{VerifyError, verify_detached};
