//! Brings OCI and Docker images into the store.
//!
//! ```text
//! source -> index -> manifest (chosen by platform) -> may it be believed? -> configuration
//!        -> layers, several at a time: source -> blob and its digest -> inflate -> diffID -> tree
//!        -> trees completed from below -> publish
//! ```
//!
//! Nothing of a layer is decompressed before somebody has vouched for the manifest or waived that. A blob is read once
//! and no file of it is seen before both of its digests are right.

mod dir;
mod docker_archive;
mod error;
mod files;
mod import;
mod layer;
mod layers;
mod layout;
mod legacy;
mod local;
mod registries;
mod registry;
mod source;
mod tar_file;

pub use dir::FlatDirectory;
pub use docker_archive::DockerArchive;
pub use error::OciFetchError;
pub use import::{OciRequest, import};
pub use layout::Layout;
pub use local::{LocalImage, Transport};
pub use registries::{DEFAULT_PARALLEL, Registries, RegistrySettings};
pub use registry::RegistryImage;
pub use source::{ImageSource, Root, SourceError};
