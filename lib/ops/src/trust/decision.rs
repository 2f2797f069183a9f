//! Whether a file or image may be used, and why.

use std::fmt;

use gantry_trust::{KeySet, Keystore, Signer, Verdict};
use gantry_types::{AcIdentifier, Diagnostic as _};

/// Whether a file may be used, and why.
#[derive(Clone, Debug)]
pub enum Decision {
    /// Keys that may sign the name did.
    Accepted {
        /// Which.
        signers: Vec<Signer>,
    },
    /// No signature counts.
    Rejected {
        /// Why.
        verdict: Verdict,
    },
    /// The signature is good, but its key is not trusted for the name.
    OutOfScope {
        /// The name.
        name: AcIdentifier,
        /// Who signed, with what that key is trusted for.
        signers: Vec<Signer>,
    },
    /// The signature is good, but its key is trusted for certain names only, and the file has none.
    Nameless {
        /// Who signed.
        signers: Vec<Signer>,
    },
    /// The image has another name than the one asked about.
    OtherName {
        /// Its name.
        found: AcIdentifier,
    },
    /// There is no signature: nobody checked the image when it was fetched.
    Unsigned {
        /// The option that said so.
        option: String,
    },
}

impl Decision {
    /// Whether the file may be used.
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted { .. })
    }

    /// One word for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "good",
            Self::Rejected {
                verdict: Verdict::Unknown { .. },
            } => "unknown",
            Self::Rejected { .. } => "bad",
            Self::OutOfScope { .. } => "out-of-scope",
            Self::Nameless { .. } => "no-name",
            Self::OtherName { .. } => "other-name",
            Self::Unsigned { .. } => "unsigned",
        }
    }

    /// What to try next, if anything helps.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Accepted { .. } => None,
            Self::Rejected { verdict } => match verdict.clone().signers() {
                Err(rejection) => rejection.hint(),
                Ok(_) => None,
            },
            Self::OutOfScope { .. } => Some(
                "if the signer may sign this name, add the key with `rkt trust --prefix=NAME`"
                    .to_owned(),
            ),
            Self::Nameless { .. } => Some("say which name it is for with --name".to_owned()),
            Self::OtherName { .. } => None,
            Self::Unsigned { .. } => Some("fetch it again without that option".to_owned()),
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted { signers } => {
                f.write_str("good signature by ")?;
                list(f, signers)
            }
            Self::Rejected { verdict } => write!(f, "{verdict}"),
            Self::OutOfScope { name, signers } => {
                write!(f, "the signer is not trusted for {name}: ")?;
                list(f, signers)
            }
            Self::Nameless { signers } => {
                f.write_str("the file has no name, and the signer may not sign every name: ")?;
                list(f, signers)
            }
            Self::OtherName { found } => write!(f, "the image is named {found}"),
            Self::Unsigned { option } if option.is_empty() => f.write_str("no signature was kept"),
            Self::Unsigned { option } => {
                write!(f, "nobody checked it when it was fetched ({option})")
            }
        }
    }
}

fn list(f: &mut fmt::Formatter<'_>, signers: &[Signer]) -> fmt::Result {
    for (index, signer) in signers.iter().enumerate() {
        if index > 0 {
            f.write_str("; ")?;
        }
        write!(f, "{signer}")?;
    }
    Ok(())
}

/// Leaves those signers that may sign images of this name.
pub(super) fn in_scope(signers: Vec<Signer>, name: &AcIdentifier, keystore: &Keystore) -> Decision {
    let accepted = among(&signers, &keystore.keys_for(name));
    match accepted.is_empty() {
        true => Decision::OutOfScope {
            name: name.clone(),
            signers,
        },
        false => Decision::Accepted { signers: accepted },
    }
}

/// A file that is no image has no name, so only keys for every name say anything about it.
pub(super) fn nameless(signers: Vec<Signer>, keystore: &Keystore) -> Decision {
    let root = among(&signers, &keystore.root_keys());
    match root.is_empty() {
        true => Decision::Nameless { signers },
        false => Decision::Accepted { signers: root },
    }
}

/// Those of the signers whose keys are in a set, each with the narrowest scope that it has there.
fn among(signers: &[Signer], set: &KeySet) -> Vec<Signer> {
    let mut found = Vec::new();
    for signer in signers {
        // The last entry is the one with the narrowest scope.
        let mut keys = set.keys.iter().rev();
        let key = keys.find(|key| key.key().fingerprint() == signer.fingerprint);
        found.extend(key.map(|key| Signer {
            scope: key.scope().clone(),
            ..signer.clone()
        }));
    }
    found
}
