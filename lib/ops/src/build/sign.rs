//! Signing what is written, by the user's own gpg.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::process::{Command, ExitStatus, Stdio};

use gantry_types::{Diagnostic, Kind};

/// An image could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// gpg could not be started.
    #[error("cannot start gpg")]
    Start {
        /// Why.
        source: io::Error,
    },
    /// gpg has said why.
    #[error("gpg failed: {status}")]
    Failed {
        /// How it ended.
        status: ExitStatus,
    },
    /// The arguments have it do something else.
    #[error("gpg wrote no armoured signature")]
    NoSignature,
}

impl Diagnostic for SignError {
    fn kind(&self) -> Kind {
        Kind::Environment
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Start { .. } => Some("install gpg, in Debian the package gnupg".to_owned()),
            Self::Failed { .. } => Some(
                "arguments after -- go to gpg, such as: write --sign app.aci -- --local-user KEY"
                    .to_owned(),
            ),
            Self::NoSignature => {
                Some("leave out arguments about the output: it becomes FILE.asc".to_owned())
            }
        }
    }
}

/// The detached, armoured signature of `content`, made by gpg with more `arguments`.
///
/// It may ask for a passphrase on the terminal; what it says goes to standard error.
///
/// # Errors
///
/// [`SignError`].
pub(super) fn sign(content: File, arguments: &[OsString]) -> Result<Vec<u8>, SignError> {
    let output = Command::new("gpg")
        .args(["--armor", "--detach-sign"])
        .args(arguments)
        .stdin(content)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|source| SignError::Start { source })?;
    if !output.status.success() {
        return Err(SignError::Failed {
            status: output.status,
        });
    }
    match output.stdout.starts_with(b"-----BEGIN PGP SIGNATURE-----") {
        true => Ok(output.stdout),
        false => Err(SignError::NoSignature),
    }
}
