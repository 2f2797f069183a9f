//! Registries of OCI and Docker images.
//!
//! A [`Registry`] stands for all of them. What a reference means here and where it is to be had say
//! registries.conf and its kin ([`RegistriesConf`]); who we are for whom, the [`Keychain`]. An image is had from
//! the first [`Endpoint`] that has it: [`manifest`](Registry::manifest) and [`head`](Registry::head) ask one of
//! them, [`blob`](Registry::blob) goes on with the next where one fails. What is content-addressed is read by
//! digest, and every document is compared with the digest that it is asked by or said to have.
//!
//! Source: OCI distribution-spec 1.1.

mod auth_file;
mod blob;
mod challenge;
mod conf;
mod error;
mod helper;
mod keychain;
mod manifest;
mod push;
mod realm;
mod session;
mod tags;
#[cfg(test)]
mod tests;

use gantry_types::oci::Reference;

pub use auth_file::{AuthFile, AuthFileError, Entry, Login};
pub use blob::BlobReader;
pub use challenge::Challenge;
pub use conf::{
    ConfError, ConfPaths, ConfRouteError, Endpoint, LoadError, MAX_CONF_BYTES, RegistriesConf,
    ShortNameMode, load, parse,
};
pub use error::RegistryError;
pub use helper::{HelperError, Helpers};
pub use keychain::{Keychain, KeychainError};
pub use manifest::{Head, MAX_MANIFEST_BYTES, RawManifest};
pub use push::{Upload, Uploaded};
pub use realm::RealmError;

use crate::HttpClient;
use session::Sessions;

/// All registries, by what this machine says of them.
///
/// What is learnt on the way, such as tokens, is kept in memory, and shared between threads.
pub struct Registry {
    http: HttpClient,
    keychain: Keychain,
    conf: RegistriesConf,
    allow_http: bool,
    sessions: Sessions,
}

/// What somebody wants to do with a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Read it.
    Pull,
    /// Read and write it.
    Push,
}

impl Access {
    /// The scope of a token for it. Source: distribution, "Token Scope Documentation".
    fn scope(self, repository: &str) -> String {
        let actions = match self {
            Self::Pull => "pull",
            Self::Push => "pull,push",
        };
        format!("repository:{repository}:{actions}")
    }
}

impl Registry {
    /// Registries that are asked with `http`; over plain http only where that is allowed for one of them,
    /// at this machine's own addresses, and everywhere with `allow_http`.
    ///
    /// Credentials configured for web servers are not shown to registries: [`Keychain`] has theirs.
    #[must_use]
    pub fn new(
        http: HttpClient,
        mut keychain: Keychain,
        conf: RegistriesConf,
        allow_http: bool,
    ) -> Self {
        if let Some(order) = &conf.credential_helpers {
            keychain.set_order(order.clone());
        }
        Self {
            http,
            keychain,
            conf,
            allow_http,
            sessions: Sessions::default(),
        }
    }

    /// Where `reference` itself is kept, to bring something there: never a mirror.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Route`].
    pub fn home(&self, reference: &Reference) -> Result<Endpoint, RegistryError> {
        let mut endpoints = self.conf.endpoints(reference)?;
        Ok(endpoints.pop().unwrap_or_else(|| Endpoint {
            reference: reference.clone(),
            insecure: false,
        }))
    }

    /// The images that `reference` can mean here, and for each the places to ask for it, in the order in
    /// which to try them.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Route`].
    pub fn places(
        &self,
        reference: &Reference,
    ) -> Result<Vec<(Reference, Vec<Endpoint>)>, RegistryError> {
        let candidates = self.conf.candidates(reference)?;
        let with_endpoints = |candidate: Reference| {
            let endpoints = self.conf.endpoints(&candidate)?;
            Ok((candidate, endpoints))
        };
        candidates.into_iter().map(with_endpoints).collect()
    }
}
