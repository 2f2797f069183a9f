//! Why a fetch fails.

mod diagnostic;
mod request;

use std::io;
use std::path::PathBuf;

use gantry_archive::extract::ExtractError;
use gantry_archive::render::RenderError;
use gantry_remote::discovery::DiscoveryError;
use gantry_store::{ResolveError, StoreError};
use gantry_trust::{Rejection, SignatureError, VerifyError};
use gantry_types::render::{ChainError, FlatListError};
use gantry_types::{AcIdentifier, Hash, ManifestError};

pub use request::RequestError;

use super::take_over::TakeOverError;

/// An image could not be fetched; the store holds what it held before.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// An OCI or Docker image could not be fetched.
    #[error(transparent)]
    Oci(#[from] super::oci::OciFetchError),
    /// The start of an image ID names no single image.
    #[error("could not resolve image {prefix:?}")]
    Resolve {
        /// The start of the ID.
        prefix: String,
        /// Why not.
        source: ResolveError,
    },
    /// The policy keeps us from the network and the store does not have it.
    #[error(
        "unable to fetch image from {kind} {text:?}: either image was not found in the store or store \
         was disabled and fetching from remote yielded nothing or it was disabled"
    )]
    NotFound {
        /// What the text is.
        kind: &'static str,
        /// What was asked for.
        text: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Somebody else brought it, and has not what it takes to use it.
    #[error(transparent)]
    TakeOver(#[from] TakeOverError),
    /// A local image file cannot be copied into the store.
    #[error("cannot import image file {}", path.display())]
    OpenImage {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No place to download from could be found.
    #[error("cannot find image {name}")]
    Discovery {
        /// The image.
        name: AcIdentifier,
        /// Why.
        source: DiscoveryError,
    },
    /// Places were found, and all are of other kinds than http and https.
    #[error("discovery of {name} found no http or https place of the image: {}", places.join(" "))]
    NoEndpoint {
        /// The image.
        name: AcIdentifier,
        /// What was found.
        places: Vec<String>,
    },
    /// The image could not be downloaded.
    #[error("error downloading the image")]
    Download {
        /// Why.
        source: RequestError,
    },
    /// No key may sign the image.
    #[error("no key is trusted for {name}, so its signature cannot be checked")]
    NoKeys {
        /// The image.
        name: AcIdentifier,
    },
    /// No key is trusted for anything.
    #[error("no key is trusted for any name, so the signature of {image} cannot be checked")]
    NoKeysAtAll {
        /// The image.
        image: String,
    },
    /// The signature cannot be read.
    #[error("error opening signature file {}", path.display())]
    OpenSignature {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The signature could not be downloaded.
    #[error("error downloading the signature file")]
    DownloadSignature {
        /// Why.
        source: RequestError,
    },
    /// The server put the signature off twice.
    #[error("server still defers the signature {url} after the image was downloaded")]
    SignatureDeferred {
        /// Where it should be.
        url: String,
    },
    /// The signature is none.
    #[error("cannot use the signature of {image}")]
    Signature {
        /// The image.
        image: String,
        /// Why.
        source: SignatureError,
    },
    /// The signature could not be checked.
    #[error("cannot check the signature of {image}")]
    Verify {
        /// The image.
        image: String,
        /// Why.
        source: VerifyError,
    },
    /// The signature does not count.
    #[error("image {image} is refused")]
    Rejected {
        /// The image.
        image: String,
        /// Why.
        source: Rejection,
    },
    /// The file was another one when it was extracted than when it was verified.
    #[error("the file of image {image} changed after its signature was verified")]
    Changed {
        /// The image.
        image: String,
    },
    /// Who signed may sign, but not images of this name.
    #[error("image {name} is signed by {signer}, which is not trusted for this name")]
    Scope {
        /// Name in the manifest.
        name: AcIdentifier,
        /// Fingerprint.
        signer: String,
    },
    /// The image cannot be extracted.
    #[error("cannot extract image {image}")]
    Extract {
        /// The image.
        image: String,
        /// Why.
        source: ExtractError,
    },
    /// The downloaded file could not be read.
    #[error("cannot read the download of {image}")]
    Read {
        /// The image.
        image: String,
        /// Why.
        source: io::Error,
    },
    /// The manifest is none.
    #[error("bad manifest in image {image}")]
    Manifest {
        /// The image.
        image: String,
        /// Why.
        source: ManifestError,
    },
    /// The image is another one.
    #[error("requested image {wanted} differs from the name in the image manifest: {found}")]
    Name {
        /// What was asked for.
        wanted: AcIdentifier,
        /// What came.
        found: AcIdentifier,
    },
    /// A label has another value.
    #[error(
        "requested value for label {label:?}: {wanted:?} differs from fetched aci label value: {found:?}"
    )]
    Label {
        /// Name of the label.
        label: String,
        /// What was asked for.
        wanted: String,
        /// What came.
        found: String,
    },
    /// A label is missing.
    #[error("requested label {label:?} not provided by the image manifest")]
    LabelMissing {
        /// Name of the label.
        label: String,
    },
    /// An image depends on itself, or on too many images below one another.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A dependency is being fetched by somebody who waits for the image that needs it.
    #[error("{image} and an image that depends on it depend on each other")]
    Circle {
        /// The dependency.
        image: String,
    },
    /// An image needs too many images.
    #[error("image {name} has too many dependencies")]
    TooMany {
        /// The image.
        name: AcIdentifier,
        /// What is too many.
        source: FlatListError,
    },
    /// A dependency is another image than the manifest says.
    #[error("dependency {name} has image ID {found}, but {wanted} is required")]
    DependencyId {
        /// The dependency.
        name: AcIdentifier,
        /// What came.
        found: String,
        /// What the manifest says.
        wanted: Hash,
    },
    /// A dependency is not as long as the manifest says.
    #[error("dependency {name} has {found} bytes, but {wanted} are required")]
    DependencySize {
        /// The dependency.
        name: AcIdentifier,
        /// What came.
        found: u64,
        /// What the manifest says.
        wanted: u64,
    },
    /// A dependency could not be fetched.
    #[error("cannot fetch dependency {name}")]
    Dependency {
        /// The dependency.
        name: AcIdentifier,
        /// Why.
        source: Box<FetchError>,
    },
    /// A dependency is no ACI.
    #[error("dependency {name} is no App Container image")]
    DependencyKind {
        /// The dependency.
        name: AcIdentifier,
    },
    /// The image and those it depends on cannot be made into one tree.
    #[error("cannot render image {image}")]
    Render {
        /// The image.
        image: String,
        /// Why.
        source: RenderError,
    },
}
