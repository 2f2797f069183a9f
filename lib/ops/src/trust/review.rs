//! What the user sees of a key before deciding about it.

use std::io;
use std::path::Path;
use std::time::SystemTime;

use gantry_trust::{Fingerprint, PublicKey, Scope};
use gantry_types::{Diagnostic, Kind};

use super::status::unfit;
use super::{Location, TrustRequest};

/// The question. The answers are `yes` and `no`, in full.
pub const PROMPT: &str = "Are you sure you want to trust this key (yes/no)?";

/// What to say to any other answer before asking again.
pub const PROMPT_AGAIN: &str = "Please enter 'yes' or 'no'";

/// Shows keys to the user and asks about them.
pub trait Reviewer {
    /// Shows a key, once per key and before any question.
    fn show(&mut self, review: &KeyReview);

    /// Asks [`PROMPT`] about the key shown last and tells whether the answer was yes.
    ///
    /// # Errors
    ///
    /// [`ReviewError`] if nobody can be asked.
    fn ask(&mut self, review: &KeyReview) -> Result<bool, ReviewError>;

    /// Says what does not happen, in one line of prose for stderr.
    fn note(&mut self, line: &str);

    /// Says what happens, in one line that rkt writes to stdout.
    fn tell(&mut self, line: &str);
}

/// The user could not be asked about a key.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// stdin or stderr is not a terminal.
    #[error("unable to ask user to review fingerprint due to lack of tty")]
    NoTerminal,
    /// The answer could not be read.
    #[error("error reading input")]
    Input {
        /// Why.
        source: io::Error,
    },
}

impl Diagnostic for ReviewError {
    fn kind(&self) -> Kind {
        Kind::Environment
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoTerminal => Some(
                "compare the fingerprint above, then repeat with --skip-fingerprint-review"
                    .to_owned(),
            ),
            Self::Input { .. } => None,
        }
    }
}

/// A key and what it is about to be trusted for.
#[derive(Clone, Debug)]
pub struct KeyReview {
    /// What the key is to be trusted for.
    pub scope: Scope,
    /// Where it came from.
    pub location: Location,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// Fingerprints of its subkeys.
    pub subkeys: Vec<Fingerprint>,
    /// Who it claims to belong to, fit for a terminal.
    pub user_ids: Vec<String>,
    /// Why none of its signatures will count, or that more of them will: sentences for stderr.
    pub warning: Option<String>,
}

impl KeyReview {
    pub(super) fn new(
        request: &TrustRequest,
        location: &Location,
        key: &PublicKey,
        now: SystemTime,
    ) -> Self {
        let mut warnings = Vec::new();
        if request.legacy {
            let text = "warning: old algorithms of this key will be accepted: SHA-1, DSA, RSA from 1024 bits";
            warnings.push(text.to_owned());
        }
        if let Some(unfit) = unfit(key, request.legacy, now) {
            warnings.push(format!(
                "warning: images signed by this key will be refused as things are: {unfit}"
            ));
        }
        let warning = (!warnings.is_empty()).then(|| warnings.join("\n"));
        Self {
            scope: request.scope.clone(),
            location: location.clone(),
            fingerprint: key.fingerprint(),
            subkeys: key.subkeys(),
            user_ids: key.user_ids(),
            warning,
        }
    }

    /// The prefix and the location, for stderr. For a root key the prefix is empty, as in rkt.
    pub fn heading(&self) -> String {
        format!("prefix: \"{}\"\nkey: \"{}\"", self.prefix(), self.location)
    }

    /// Fingerprints and user IDs, for stdout, without a newline at the end.
    pub fn details(&self) -> String {
        let mut text = format!("gpg key fingerprint is: {}", self.fingerprint.spaced());
        for subkey in &self.subkeys {
            text.push_str("\n    Subkey fingerprint: ");
            text.push_str(&subkey.spaced());
        }
        for user_id in &self.user_ids {
            text.push_str("\n\t");
            text.push_str(user_id);
        }
        text
    }

    fn prefix(&self) -> &str {
        match &self.scope {
            Scope::Root => "",
            Scope::Prefix(prefix) => prefix.as_str(),
        }
    }

    pub(super) fn trusting(&self, asked: bool) -> String {
        let how = if asked { "after" } else { "without" };
        let (location, prefix) = (&self.location, self.prefix());
        format!("Trusting \"{location}\" for prefix \"{prefix}\" {how} fingerprint review.")
    }

    pub(super) fn added(&self, path: &Path) -> String {
        match &self.scope {
            Scope::Root => format!("Added root key at \"{}\"", path.display()),
            Scope::Prefix(prefix) => {
                format!(
                    "Added key for prefix \"{prefix}\" at \"{}\"",
                    path.display()
                )
            }
        }
    }

    pub(super) fn declined(&self) -> String {
        format!("not trusting \"{}\"", self.location)
    }

    pub(super) fn already_known(&self) -> String {
        format!("Key \"{}\" already in the keystore", self.location)
    }
}
