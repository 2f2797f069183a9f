//! Why a registry brought nothing usable.

use std::time::Duration;

use gantry_types::oci::Digest;
use gantry_types::show::harmless;
use gantry_types::{Diagnostic, Kind};
use serde_json::Value;

use super::conf::ConfRouteError;
use super::keychain::KeychainError;
use super::realm::RealmError;
use crate::retry::retry_after;
use crate::{HttpError, RequestLine, Response, StatusCode};

/// Most bytes read of the text that explains a refusal.
const MAX_EXPLANATION_BYTES: usize = 16 * 1024;
/// Most characters shown of it.
const MAX_SHOWN: usize = 300;

/// A registry that brought nothing usable.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The server or the way to it failed.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// A login could not be looked up.
    #[error(transparent)]
    Keychain(#[from] KeychainError),
    /// The name leads nowhere.
    #[error(transparent)]
    Route(#[from] ConfRouteError),
    /// The server that gives out tokens was not asked, or gave none.
    #[error("no access to {name}")]
    Realm {
        /// The repository.
        name: String,
        /// Why.
        source: Box<RealmError>,
    },
    /// The registry lets nobody in without a login, or not with the one that is known.
    #[error("{registry} does not let us at {name}{}", explained(message))]
    Denied {
        /// The registry.
        registry: String,
        /// The repository.
        name: String,
        /// Whether there is a login for it.
        login: bool,
        /// What the registry says, or empty.
        message: String,
    },
    /// What was asked for is not there.
    #[error("{what} is not at {registry}{}", explained(message))]
    Missing {
        /// What was asked for.
        what: String,
        /// The registry.
        registry: String,
        /// What the registry says, or empty.
        message: String,
    },
    /// The registry answered with another status that is no success.
    #[error("{request}: registry answered {status}{}", explained(message))]
    Status {
        /// What was asked for.
        request: RequestLine,
        /// The status.
        status: StatusCode,
        /// What the registry says, or empty.
        message: String,
        /// After which time the registry wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// The bytes are not those that were meant.
    #[error("{what} has the digest {found}, not {expected}")]
    Digest {
        /// What was asked for.
        what: String,
        /// The digest that it has to have.
        expected: Digest,
        /// The digest that it has.
        found: Digest,
    },
    /// Registry and repository make no URL.
    #[error("{text:?} is no URL")]
    Address {
        /// What they make.
        text: String,
        /// Why.
        source: url::ParseError,
    },
    /// The answer is none to what was asked.
    #[error("{request}: {reason}")]
    Answer {
        /// What was asked for.
        request: RequestLine,
        /// What is wrong with the answer.
        reason: String,
    },
}

fn explained(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(" ({message})")
    }
}

impl RegistryError {
    /// The error that an answer which is no success stands for; `what` was asked for in the repository
    /// `name` at `registry`, with a login or without.
    pub(super) fn of(
        answer: Response,
        registry: &str,
        name: &str,
        what: &str,
        login: bool,
    ) -> Self {
        let (request, status) = (answer.request().clone(), answer.status());
        let retry_after = retry_after(answer.headers());
        let message = explanation(answer);
        let registry = registry.to_owned();
        match status.as_u16() {
            401 | 403 => Self::Denied {
                registry,
                name: name.to_owned(),
                login,
                message,
            },
            404 | 410 => Self::Missing {
                what: what.to_owned(),
                registry,
                message,
            },
            _ => Self::Status {
                request,
                status,
                message,
                retry_after,
            },
        }
    }

    /// Whether what was asked for is not there.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing { .. })
    }
}

/// What the registry says about a refusal, in one line.
///
/// Source: OCI distribution-spec 1.1, "Error Codes".
fn explanation(mut answer: Response) -> String {
    let text = answer.excerpt(MAX_EXPLANATION_BYTES);
    let Ok(document) = serde_json::from_slice::<Value>(&text) else {
        return String::new();
    };
    let first = document.get("errors").and_then(|errors| errors.get(0));
    let member = |name: &str| {
        let value = first?.get(name)?.as_str()?.trim();
        (!value.is_empty()).then_some(value)
    };
    let said = [member("code"), member("message")];
    let said: Vec<&str> = said.into_iter().flatten().collect();
    let shown: String = said.join(": ").chars().take(MAX_SHOWN).collect();
    harmless(&shown)
}

impl Diagnostic for RegistryError {
    fn kind(&self) -> Kind {
        match self {
            Self::Http(error) => error.kind(),
            Self::Keychain(error) => error.kind(),
            Self::Route(error) => error.kind(),
            Self::Realm { source, .. } => source.kind(),
            Self::Digest { .. } => Kind::Refused,
            _ => Kind::Environment,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Http(error) => error.hint(),
            Self::Keychain(error) => error.hint(),
            Self::Route(error) => error.hint(),
            Self::Realm { source, .. } => source.hint(),
            Self::Denied { login: true, .. } => {
                Some("check the name, and whether the login may read it".to_owned())
            }
            Self::Denied {
                registry,
                login: false,
                ..
            } => Some(format!(
                "check the name, or give a login for {registry}: `podman login`, `docker login`, or a dockerAuth file"
            )),
            Self::Missing { .. } => Some("check the name, the tag and the registry".to_owned()),
            Self::Status {
                retry_after: Some(time),
                ..
            } => Some(format!("the registry asks to wait for {} s", time.as_secs())),
            Self::Status { status, .. } if *status == StatusCode::TOO_MANY_REQUESTS => {
                Some("the registry limits how often it is asked; wait, or log in".to_owned())
            }
            Self::Digest { .. } => Some(
                "the registry, or somebody on the way to it, sends something else than was published"
                    .to_owned(),
            ),
            Self::Status { .. } | Self::Address { .. } | Self::Answer { .. } => None,
        }
    }
}
