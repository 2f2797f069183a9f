//! Requests to one registry: over https or http, with a login or a token where the registry wants one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use url::Url;

use super::auth_file::Login;
use super::challenge::Challenge;
use super::conf::Endpoint;
use super::error::RegistryError;
use super::realm::{Asking, Sender};
use super::{Access, Registry};
use crate::credentials::is_loopback;
use crate::header::HeaderMap;
use crate::redirect::same_origin;
use crate::{Body, Credential, HttpError, Method, Request, Response, StatusCode, TransportError};

/// What was learnt of registries in this process.
#[derive(Default)]
pub(super) struct Sessions {
    /// Which scheme a host answers to, for those that may be asked over plain http.
    schemes: Mutex<HashMap<String, &'static str>>,
    grants: Mutex<HashMap<GrantKey, Slot>>,
}

/// Host, repository and access.
type GrantKey = (String, String, Access);
/// Held by whoever asks for a grant, so that others wait for its outcome.
type Slot = Arc<Mutex<Option<Arc<Grant>>>>;

/// What lets us in.
struct Grant {
    credential: Credential,
    /// Until when it is good; without an end a login itself.
    until: Option<Instant>,
}

/// What is asked of a registry.
pub(super) struct Ask<'a> {
    pub method: Method,
    pub url: &'a Url,
    pub headers: HeaderMap,
    pub body: Body<'a>,
    pub access: Access,
}

impl<'a> Ask<'a> {
    pub fn get(url: &'a Url) -> Self {
        Self {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: Body::Nothing,
            access: Access::Pull,
        }
    }
}

impl Registry {
    /// Where `path` of the repository of `endpoint` is; it begins after the slash that follows the name.
    pub(super) fn url(&self, endpoint: &Endpoint, path: &str) -> Result<Url, RegistryError> {
        let host = endpoint.reference.registry_host();
        let scheme = self.scheme(endpoint)?;
        let repository = endpoint.reference.repository();
        parse(&format!("{scheme}://{host}/v2/{repository}/{path}"))
    }

    /// Asks a registry, showing who we are where it wants to know; the answer can be any status.
    pub(super) fn ask(
        &self,
        endpoint: &Endpoint,
        ask: &Ask<'_>,
    ) -> Result<Response, RegistryError> {
        let slot = self.slot(endpoint, ask.access);
        let mut grant = current(&slot);
        let answer = self.send(endpoint, ask, grant.as_deref())?;
        // Of a server that we were redirected to it is no concern who we are for the registry.
        if answer.status() != StatusCode::UNAUTHORIZED || !same_origin(answer.url(), ask.url) {
            return Ok(answer);
        }
        let challenges = Challenge::of(answer.headers());
        {
            let mut held = slot.lock().unwrap_or_else(PoisonError::into_inner);
            let is_newer = match (&*held, &grant) {
                (Some(now), Some(used)) => !Arc::ptr_eq(now, used),
                (Some(now), None) => now.is_good(),
                (None, _) => false,
            };
            if !is_newer {
                *held = self.authenticate(endpoint, ask, &challenges)?.map(Arc::new);
            }
            grant.clone_from(&held);
        }
        match &grant {
            Some(grant) => self.send(endpoint, ask, Some(grant)),
            None => Ok(answer),
        }
    }

    /// The error that an answer to `ask` stands for; `what` was asked for.
    pub(super) fn refused(
        &self,
        endpoint: &Endpoint,
        answer: Response,
        what: &str,
    ) -> RegistryError {
        let reference = &endpoint.reference;
        // A helper may ask its user: only where the answer is about logins.
        let denied = matches!(answer.status().as_u16(), 401 | 403);
        let login = denied && self.login(endpoint).is_ok_and(|login| login.is_some());
        RegistryError::of(answer, reference.registry(), &reference.name(), what, login)
    }

    fn login(&self, endpoint: &Endpoint) -> Result<Option<Login>, RegistryError> {
        let reference = &endpoint.reference;
        Ok(self
            .keychain
            .login(reference.registry(), reference.repository())?)
    }

    fn send(
        &self,
        endpoint: &Endpoint,
        ask: &Ask<'_>,
        grant: Option<&Grant>,
    ) -> Result<Response, RegistryError> {
        let request = Request {
            headers: ask.headers.clone(),
            credential: grant.map(|grant| &grant.credential),
            body: ask.body,
            insecure_tls: endpoint.insecure,
            ..Request::new(ask.method.clone(), ask.url)
        };
        Ok(self.http.send(&request)?)
    }

    fn slot(&self, endpoint: &Endpoint, access: Access) -> Slot {
        let reference = &endpoint.reference;
        let host = reference.registry_host().to_owned();
        let key = (host, reference.repository().to_owned(), access);
        let mut grants = self
            .sessions
            .grants
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Arc::clone(grants.entry(key).or_default())
    }

    /// Something that answers one of `challenges`; nothing if we have nothing to show.
    fn authenticate(
        &self,
        endpoint: &Endpoint,
        ask: &Ask<'_>,
        challenges: &[Challenge],
    ) -> Result<Option<Grant>, RegistryError> {
        let by_scheme = |scheme: &str| challenges.iter().find(|c| c.scheme == scheme);
        let login = self.login(endpoint)?;
        if let Some(challenge) = by_scheme("bearer") {
            let asking = Asking {
                challenge,
                scopes: &[ask.access.scope(endpoint.reference.repository())],
                login: login.as_ref(),
            };
            let insecure_tls = endpoint.insecure || self.http.config().insecure_tls;
            let secure = ask.url.scheme() == "https" && !insecure_tls;
            let sender = Sender {
                url: ask.url,
                unproven: !secure && !is_loopback(ask.url),
                plain_allowed: self.allow_http || endpoint.insecure,
                insecure_tls: endpoint.insecure,
            };
            let token = asking.ask(&self.http, &sender);
            let token = token.map_err(|source| RegistryError::Realm {
                name: endpoint.reference.name(),
                source: Box::new(source),
            })?;
            return Ok(Some(Grant {
                credential: token.credential,
                until: Some(token.until),
            }));
        }
        Ok(match (by_scheme("basic"), &login) {
            (Some(_), Some(Login::Password { user, password })) => Some(Grant {
                credential: Credential::basic(user.as_bytes(), password.reveal().as_bytes()),
                until: None,
            }),
            _ => None,
        })
    }

    /// The scheme for a registry: https, unless plain http is allowed and the server knows nothing else.
    ///
    /// Allowed it is by `insecure` in registries.conf, by `--insecure-options=http`, and at this machine's
    /// own addresses. A server with a bad certificate speaks https; it is not asked again without.
    fn scheme(&self, endpoint: &Endpoint) -> Result<&'static str, RegistryError> {
        let host = endpoint.reference.registry_host();
        let here = parse(&format!("http://{host}/")).is_ok_and(|url| is_loopback(&url));
        if !(self.allow_http || endpoint.insecure || here) {
            return Ok("https");
        }
        let known = |sessions: &Sessions| {
            let schemes = sessions
                .schemes
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            schemes.get(host).copied()
        };
        if let Some(scheme) = known(&self.sessions) {
            return Ok(scheme);
        }
        let scheme = match self.probe(endpoint, "https") {
            Ok(()) => "https",
            Err(HttpError::Transport {
                source: TransportError::Certificate(reason),
                request,
            }) => {
                let source = TransportError::Certificate(reason);
                return Err(HttpError::Transport { request, source }.into());
            }
            Err(error) => match self.probe(endpoint, "http") {
                Ok(()) => "http",
                Err(_) => return Err(error.into()),
            },
        };
        tracing::debug!("{host} speaks {scheme}");
        let mut schemes = self
            .sessions
            .schemes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        schemes.insert(host.to_owned(), scheme);
        Ok(scheme)
    }

    fn probe(&self, endpoint: &Endpoint, scheme: &str) -> Result<(), HttpError> {
        let host = endpoint.reference.registry_host();
        let Ok(url) = Url::parse(&format!("{scheme}://{host}/v2/")) else {
            return Ok(());
        };
        let request = Request {
            insecure_tls: endpoint.insecure,
            tries: 1,
            ..Request::new(Method::GET, &url)
        };
        self.http.send(&request).map(drop)
    }
}

impl Grant {
    fn is_good(&self) -> bool {
        self.until.is_none_or(|until| Instant::now() < until)
    }
}

fn current(slot: &Slot) -> Option<Arc<Grant>> {
    let held = slot.lock().unwrap_or_else(PoisonError::into_inner);
    held.clone().filter(|grant| grant.is_good())
}

/// A URL made of a registry and a repository, whose names are of a kind that needs no escapes.
fn parse(text: &str) -> Result<Url, RegistryError> {
    Url::parse(text).map_err(|error| RegistryError::Address {
        text: text.to_owned(),
        source: error,
    })
}
