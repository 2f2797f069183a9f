//! The metadata service: tells apps about their pod and image, and signs for pods.
//!
//! ```text
//! rkt run --mds-register                         rkt metadata-service
//!   PUT /pods/UUID?token=T, PUT /pods/UUID/APP --> registration socket, for root
//!   gives the app AC_METADATA_URL = http://HOST:18112/T
//! app
//!   GET  T/acMetadata/v1/…                     --> public port
//!   POST T/acMetadata/v1/pod/hmac/sign, verify
//! ```
//!
//! On disk there are the key that signs, `metadata-service/hmac-key` in the data directory, 64 random bytes
//! with mode 0600, and in the directory of each registered pod the file `mds-registered`, which holds the
//! pod's token. Of these, and of the manifests beside it, a service that starts knows the pods again that are
//! alive, so that its restart is no event for them. Pods of other data directories have to be registered
//! again. Source: appc spec 0.8.11, ace.md; rkt 1.30, Documentation/subcommands/metadata-service.md.

mod connections;
mod endpoint;
mod exchange;
mod form;
mod incoming;
mod key;
mod listeners;
mod log;
mod public;
mod register;
mod registration;
mod registry;
mod request;
mod restore;
mod server;
#[cfg(test)]
mod serving;
mod state;

pub use key::{KeyError, SigningKey};
pub use listeners::{ListenError, Listeners, Requested};
pub(crate) use registration::Registered;
pub use registration::{Registrar, RegistrationError};
pub use request::{MetadataReply, MetadataRequest};
pub use server::{ServeError, serve};
pub use state::{MetadataState, Surface};
