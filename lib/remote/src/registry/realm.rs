//! Servers that give out tokens for a registry, and what they may know of us.
//!
//! Source: distribution/distribution, "Token Authentication Specification" and "OAuth2 Token
//! Authentication".
//!
//! A registry says itself where its token server is, in the header `WWW-Authenticate`. So that nobody can
//! fish for logins that way, a token server
//!
//! - is asked over https, or over plain http where the registry itself may be asked so at the same host;
//!   at an address of this machine only for a registry at such an address,
//! - gets the login for the registry only over https, or at an address of this machine, and only if the
//!   registry showed a valid certificate (or is at an address of this machine) and the server belongs to
//!   the same site (see [`same_site`]), as `auth.docker.io` does to `registry-1.docker.io`. A login that is kept
//!   for the host of the token server itself is sent to it wherever it is. Otherwise it is asked as anybody
//!   would.

mod vet;

use std::time::{Duration, Instant};

use gantry_types::{Diagnostic, Kind};
use serde_json::Value;
use url::Url;
use url::form_urlencoded::Serializer;

use super::auth_file::Login;
use super::challenge::Challenge;
use crate::credentials::confidential;
use crate::header::{CONTENT_TYPE, HeaderValue};
use crate::{
    Body, Credential, CredentialError, HttpClient, HttpError, Method, RedactedUrl, Request,
};
pub(super) use vet::Sender;
use vet::{may_be_asked, same_site};

/// Largest answer of a token server that is read, in bytes.
const MAX_ANSWER_BYTES: u64 = 256 * 1024;
/// How long a token holds if nothing is said, and at least. Source: "Token Response Fields" of the
/// specification.
const LEAST_LIFE: Duration = Duration::from_secs(60);
/// The longest that a token is kept.
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// How long before its end a token is no longer used.
const MARGIN: Duration = Duration::from_secs(5);
/// What we are called there.
const CLIENT_ID: &str = "gantry";

/// A token server was not asked, or gave no token.
#[derive(Debug, thiserror::Error)]
pub enum RealmError {
    /// The registry names no token server, or none that may be asked.
    #[error("the registry sends us to {realm:?} for a token, {reason}")]
    Place {
        /// What it names.
        realm: String,
        /// Why it is not asked.
        reason: &'static str,
    },
    /// The token server did not answer, or let nobody in.
    #[error("the token server {realm} gives no token{}", if *withheld { ", and got no login" } else { "" })]
    Refused {
        /// Where it is.
        realm: RedactedUrl,
        /// Whether there is a login that it did not get.
        withheld: bool,
        /// Why.
        source: HttpError,
    },
    /// Its answer holds no token.
    #[error("the answer of the token server {realm} holds no token")]
    Answer {
        /// Where it is.
        realm: RedactedUrl,
    },
    /// Its token cannot be sent.
    #[error("the token of {realm} cannot be used")]
    Token {
        /// Where it is.
        realm: RedactedUrl,
        /// Why.
        source: CredentialError,
    },
}

impl Diagnostic for RealmError {
    fn kind(&self) -> Kind {
        match self {
            Self::Place { .. } => Kind::Refused,
            Self::Refused { source, .. } => source.kind(),
            Self::Answer { .. } | Self::Token { .. } => Kind::Environment,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Refused { withheld: true, .. } => {
                Some("logins go to token servers at the site of the registry only".to_owned())
            }
            Self::Refused { source, .. } => match source.status() {
                Some(401 | 403) => Some("check the login for the registry".to_owned()),
                _ => source.hint(),
            },
            _ => None,
        }
    }
}

/// A token, and until when it is good.
pub(super) struct Token {
    pub credential: Credential,
    pub until: Instant,
}

/// What to ask a token server for.
pub(super) struct Asking<'a> {
    pub challenge: &'a Challenge,
    /// What the token has to allow, each as in `repository:NAME:pull`.
    pub scopes: &'a [String],
    /// The login for the registry.
    pub login: Option<&'a Login>,
}

impl Asking<'_> {
    /// Asks the token server that `sender` names.
    pub fn ask(&self, http: &HttpClient, sender: &Sender<'_>) -> Result<Token, RealmError> {
        let named = self.challenge.get("realm").unwrap_or_default();
        let refuse = |reason| RealmError::Place {
            realm: named.chars().take(200).collect(),
            reason,
        };
        let mut realm = Url::parse(named).map_err(|_| refuse("which is no URL"))?;
        let _ = realm.set_username("");
        let _ = realm.set_password(None);
        realm.set_fragment(None);
        may_be_asked(&realm, sender).map_err(refuse)?;
        let trusted = confidential(&realm) && !sender.unproven && same_site(&realm, sender.url);
        // No login of the server's own host either: it would get a token for what the user has there, and the
        // registry, which chose server and scope, would be shown that token.
        let login = self.login.filter(|_| trusted);
        let withheld = login.is_none() && self.login.is_some();
        let shown = RedactedUrl::new(&realm);
        if withheld {
            tracing::debug!("the login for the registry is not sent to {shown}");
        }
        let answer = self.send(http, &mut realm, login, sender);
        let answer = answer.map_err(|source| RealmError::Refused {
            realm: shown.clone(),
            withheld,
            source,
        })?;
        token(&answer, shown)
    }

    fn send(
        &self,
        http: &HttpClient,
        realm: &mut Url,
        login: Option<&Login>,
        sender: &Sender<'_>,
    ) -> Result<Vec<u8>, HttpError> {
        let service = self.challenge.get("service");
        let scopes = self.all_scopes();
        let same_host = realm.host() == sender.url.host();
        let form;
        let mut credential = None;
        let mut headers = crate::header::HeaderMap::new();
        let body = if let Some(Login::IdentityToken(token)) = login {
            let mut fields = Serializer::new(String::new());
            fields.append_pair("grant_type", "refresh_token");
            fields.extend_pairs(service.map(|service| ("service", service)));
            fields.append_pair("client_id", CLIENT_ID);
            fields.append_pair("scope", &scopes.join(" "));
            fields.append_pair("refresh_token", token.reveal());
            form = fields.finish();
            let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
            headers.insert(CONTENT_TYPE, kind);
            Body::Bytes(form.as_bytes())
        } else {
            let mut query = realm.query_pairs_mut();
            query.extend_pairs(service.map(|service| ("service", service)));
            query.extend_pairs(scopes.iter().map(|scope| ("scope", scope)));
            if let Some(Login::Password { user, password }) = login {
                query.append_pair("account", user);
                let password = password.reveal().as_bytes();
                credential = Some(Credential::basic(user.as_bytes(), password));
            }
            drop(query);
            Body::Nothing
        };
        let method = match body {
            Body::Nothing => Method::GET,
            _ => Method::POST,
        };
        let request = Request {
            headers,
            credential: credential.as_ref(),
            body,
            insecure_tls: same_host && sender.insecure_tls,
            ..Request::new(method, realm)
        };
        http.send(&request)?
            .error_for_status()?
            .read_to_end(MAX_ANSWER_BYTES)
    }

    /// What we need, and what the registry says that is needed.
    fn all_scopes(&self) -> Vec<&str> {
        let named = self.challenge.get("scope").unwrap_or_default();
        let mut scopes: Vec<&str> = self.scopes.iter().map(String::as_str).collect();
        for scope in named.split_ascii_whitespace() {
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        scopes
    }
}

fn token(answer: &[u8], realm: RedactedUrl) -> Result<Token, RealmError> {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let member = |name: &str| answer.get(name)?.as_str().filter(|text| !text.is_empty());
    let Some(token) = member("token").or_else(|| member("access_token")) else {
        return Err(RealmError::Answer { realm });
    };
    let credential = Credential::bearer(token);
    let credential = credential.map_err(|source| RealmError::Token { realm, source })?;
    let seconds = answer.get("expires_in").and_then(Value::as_u64);
    let life = Duration::from_secs(seconds.unwrap_or(0)).clamp(LEAST_LIFE, LONGEST_LIFE);
    Ok(Token {
        credential,
        until: Instant::now() + life.saturating_sub(MARGIN),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_hold_a_token_under_either_name_and_a_life() {
        let realm = RedactedUrl::new(&"https://a.test/".parse().unwrap());
        let read = |text: &str| token(text.as_bytes(), realm.clone());
        let left = |text: &str| {
            let token = read(text).unwrap();
            token
                .until
                .saturating_duration_since(Instant::now())
                .as_secs_f64()
                .round() as u64
        };
        assert_eq!(left(r#"{"token": "x"}"#), 55);
        assert_eq!(left(r#"{"access_token": "x", "expires_in": 300}"#), 295);
        assert_eq!(
            left(r#"{"token": "", "access_token": "x", "expires_in": 1}"#),
            55
        );
        assert_eq!(
            left(r#"{"token": "x", "expires_in": 18446744073709551615}"#),
            86395
        );
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"token": 1}"#,
            r#"{"token": ""}"#,
            r#"{"token": "a\nb"}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
