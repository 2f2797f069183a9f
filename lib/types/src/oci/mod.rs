//! What OCI and Docker images are made of: digests, media types, descriptors, platforms, manifests, indexes and
//! configurations, as JSON says them.
//!
//! The formats are those of OCI image-spec 1.1 and of Docker's image manifest version 2, schema 2. Strict where
//! a second reader could see something else than we do: a key stands once in an object, whatever its case, a
//! document is a manifest or an index and never both, and what says of what type it is, is of that type.
//! Liberal where the world is: unknown keys are ignored, `null` stands for nothing, and what only informs may be
//! missing. Whoever needs the digest of a document keeps its bytes: it is never written anew.

mod config;
mod descriptor;
mod digest;
mod document;
mod error;
mod execution;
mod index;
mod manifest;
mod media_type;
mod platform;
mod reference;
mod strict;
#[cfg(test)]
mod tests;
mod to_aci;

pub use config::{History, ImageConfig};
pub use descriptor::{Descriptor, MAX_BLOB_BYTES};
pub use digest::{Algorithm, Digest, DigestError};
pub use document::Document;
pub use error::OciError;
pub use execution::{Execution, Healthcheck};
pub use index::Index;
pub use manifest::{MAX_LAYERS, Manifest};
pub use media_type::{MediaType, Packing};
pub use platform::{Platform, PlatformError};
pub use reference::{
    DEFAULT_REGISTRY, MAX_NAME_LENGTH, MAX_TAG_LENGTH, Reference, ReferenceError, Version,
    registry_host,
};
pub use to_aci::{Provenance, ToAciError, to_aci};
