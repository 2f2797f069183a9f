//! The signature that lies beside an image file.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use gantry_trust::{
    DetachedSignature, MAX_KEY_BYTES, MAX_SIGNATURE_BYTES, PublicKey, Scope, SignatureInfo,
    TrustedKey, Verdict,
};
use gantry_types::AcIdentifier;
use gantry_types::show::one_line;

use super::{InspectError, InspectOptions};

/// What is known of an image's signature.
#[derive(Debug)]
pub struct SignatureReport {
    /// The signature file.
    pub path: PathBuf,
    /// Whether it is ASCII-armoured, as signatures of images are to be.
    pub armored: bool,
    /// What each signature in it says of itself.
    pub signatures: Vec<SignatureInfo>,
    /// What checking it brought.
    pub check: Check,
}

/// What checking a signature brought.
#[derive(Debug)]
pub enum Check {
    /// It was checked with the keys at hand.
    Done(Verdict),
    /// It was not checked, for this reason.
    NotVerified(String),
    /// The file is no signature, for this reason.
    Unreadable(String),
}

impl SignatureReport {
    /// What is wrong with it, if something is. That nobody here knows the signer is not wrong.
    pub(super) fn problem(&self) -> Option<String> {
        let path = self.path.display();
        match &self.check {
            Check::Done(verdict @ Verdict::Bad { .. }) => {
                Some(format!("signature {path}: {verdict}"))
            }
            Check::Unreadable(reason) => Some(format!("signature {path}: {reason}")),
            Check::Done(_) | Check::NotVerified(_) => None,
        }
    }
}

/// Looks for the signature of the image file `image`, called `name`, and checks it if there are keys.
pub(super) fn report(
    image: &Path,
    name: Option<&AcIdentifier>,
    options: &InspectOptions<'_>,
) -> Result<Option<SignatureReport>, InspectError> {
    let (path, named) = match &options.signature {
        Some(path) => (path.clone(), true),
        None => (beside(image), false),
    };
    let opening = |source| InspectError::Open {
        path: path.clone(),
        source,
    };
    let bytes = match read(&path, MAX_SIGNATURE_BYTES) {
        Ok(bytes) => bytes,
        Err(error) if !named && error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(opening(error)),
    };
    let armored = DetachedSignature::is_armored(&bytes);
    let parsed = match DetachedSignature::parse(&bytes) {
        Ok(parsed) => parsed,
        Err(source) if named => return Err(InspectError::Signature { path, source }),
        Err(error) => {
            return Ok(Some(SignatureReport {
                path,
                armored,
                signatures: Vec::new(),
                check: Check::Unreadable(one_line(&error)),
            }));
        }
    };
    let check = check(image, name, &parsed, options)?;
    Ok(Some(SignatureReport {
        path,
        armored,
        signatures: parsed.signatures(),
        check,
    }))
}

fn check(
    image: &Path,
    name: Option<&AcIdentifier>,
    signature: &DetachedSignature,
    options: &InspectOptions<'_>,
) -> Result<Check, InspectError> {
    let mut keys = Vec::new();
    for path in &options.keys {
        keys.push(given_key(path)?);
    }
    if let Some(name) = name {
        keys.extend(options.keystore.keys_for(name).keys);
    }
    if keys.is_empty() {
        return Ok(Check::NotVerified(match name {
            Some(name) => format!("no key is trusted for {name}, and none was given"),
            None => {
                "without a manifest there is no name to find keys by, and none was given".to_owned()
            }
        }));
    }
    let opening = |source| InspectError::Open {
        path: image.to_owned(),
        source,
    };
    let file = crate::open_input(image).map_err(opening)?;
    Ok(match signature.verify(file, &keys, options.now) {
        Ok(verdict @ (Verdict::Good { .. } | Verdict::Bad { .. })) => Check::Done(verdict),
        Ok(Verdict::Unknown { .. }) => Check::NotVerified(
            "it is by none of the keys that are given or trusted for the image's name".to_owned(),
        ),
        Err(error) => Check::NotVerified(one_line(&error)),
    })
}

fn given_key(path: &Path) -> Result<TrustedKey, InspectError> {
    let bytes = read(path, MAX_KEY_BYTES).map_err(|source| InspectError::Open {
        path: path.to_owned(),
        source,
    })?;
    let key = PublicKey::parse(&bytes).map_err(|source| InspectError::Key {
        path: path.to_owned(),
        source,
    })?;
    Ok(TrustedKey::new(key, Scope::Root, Some(path.to_owned())))
}

/// `FILE.asc`.
fn beside(image: &Path) -> PathBuf {
    let mut path = image.as_os_str().to_owned();
    path.push(".asc");
    path.into()
}

/// Reads a file to one byte beyond the limit, for the parser to refuse.
fn read(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    crate::open_input(path)?
        .take(limit as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}
