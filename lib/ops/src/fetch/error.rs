//! Why a fetch fails.

use std::io;
use std::path::PathBuf;

use gantry_archive::extract::ExtractError;
use gantry_archive::render::RenderError;
use gantry_remote::discovery::DiscoveryError;
use gantry_remote::download::DownloadError;
use gantry_remote::{HttpError, StatusCode};
use gantry_store::{ResolveError, StoreError};
use gantry_trust::{Rejection, SignatureError, VerifyError};
use gantry_types::render::{ChainError, FlatListError};
use gantry_types::{AcIdentifier, Diagnostic, Hash, Kind, ManifestError};

use super::take_over::TakeOverError;
use crate::room::is_full;

/// An image could not be fetched; the store holds what it held before.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
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

/// A request over HTTP failed.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The server said no. The first words are those that scripts look for.
    #[error("bad HTTP status code: {} for {url}", status.as_u16())]
    Status {
        /// What was asked for.
        url: String,
        /// The answer.
        status: StatusCode,
        /// The next thing to try, as the answer tells it.
        hint: Option<String>,
    },
    /// No usable answer.
    #[error(transparent)]
    Http(HttpError),
    /// The download could not be completed.
    #[error(transparent)]
    Download(DownloadError),
}

impl RequestError {
    pub(crate) fn http(url: &str, error: HttpError) -> Self {
        let hint = match error.status() {
            Some(401 | 403) => Some(
                "the server wants credentials for this host: a file in auth.d of a configuration \
                 directory may name them"
                    .to_owned(),
            ),
            _ => error.hint(),
        };
        match error {
            HttpError::Status { status, .. } => Self::Status {
                url: url.to_owned(),
                status,
                hint,
            },
            error => Self::Http(error),
        }
    }

    pub(super) fn download(url: &str, error: DownloadError) -> Self {
        match error {
            DownloadError::Http(error) => Self::http(url, error),
            error => Self::Download(error),
        }
    }
}

impl Diagnostic for RequestError {
    fn kind(&self) -> Kind {
        match self {
            Self::Status { .. } => Kind::Environment,
            Self::Http(error) => error.kind(),
            Self::Download(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Status { hint, .. } => hint.clone(),
            Self::Http(error) => error.hint(),
            Self::Download(DownloadError::Write { source, .. }) if is_full(source) => make_room(),
            Self::Download(DownloadError::Stopped { source, .. }) => match store_error(source) {
                Some(error) => error.hint(),
                None => is_full(source).then(make_room).flatten(),
            },
            Self::Download(error) => error.hint(),
        }
    }
}

fn make_room() -> Option<String> {
    Some("make room on the file system of --dir; `rkt image gc` and `rkt gc` need none".to_owned())
}

/// What the store said when it was told of the progress of a download.
fn store_error(error: &io::Error) -> Option<&StoreError> {
    error.get_ref()?.downcast_ref()
}

impl FetchError {
    /// Whether a server sent, or announced, more than any image may have.
    pub(super) fn is_too_large(&self) -> bool {
        let Self::Download { source } = self else {
            return false;
        };
        matches!(source, RequestError::Http(HttpError::TooLarge { .. }))
    }

    /// Whether the downloaded data may still be good: the machine or the network failed, or a
    /// dependency, and not the image.
    /// Whether nobody knew, or could be asked, where an image is.
    pub(super) fn is_of_discovery(&self) -> bool {
        matches!(self, Self::Discovery { .. } | Self::NoEndpoint { .. })
    }

    pub(super) fn spares_data(&self) -> bool {
        match self {
            Self::Store(_) | Self::Read { .. } | Self::Dependency { .. } => true,
            Self::DownloadSignature { .. } | Self::SignatureDeferred { .. } => true,
            Self::Render { .. } => true,
            Self::Extract { source, .. } => source.kind() == Kind::Environment,
            Self::Verify { source, .. } => source.kind() == Kind::Environment,
            _ => false,
        }
    }
}

impl Diagnostic for FetchError {
    fn kind(&self) -> Kind {
        match self {
            Self::Resolve { source, .. } => source.kind(),
            Self::Store(error) => error.kind(),
            Self::TakeOver(error) => error.kind(),
            Self::Discovery { source, .. } => source.kind(),
            Self::Download { source } => source.kind(),
            Self::Extract { source, .. } => source.kind(),
            Self::Verify { source, .. } => source.kind(),
            Self::Dependency { source, .. } => source.kind(),
            Self::NotFound { .. }
            | Self::OpenImage { .. }
            | Self::NoEndpoint { .. }
            | Self::SignatureDeferred { .. }
            | Self::Read { .. }
            | Self::Render { .. } => Kind::Environment,
            Self::DownloadSignature { source } => match source {
                RequestError::Status { .. } => Kind::Refused,
                source => source.kind(),
            },
            Self::NoKeys { .. }
            | Self::NoKeysAtAll { .. }
            | Self::OpenSignature { .. }
            | Self::Signature { .. }
            | Self::Rejected { .. }
            | Self::Changed { .. }
            | Self::Scope { .. }
            | Self::Manifest { .. }
            | Self::Name { .. }
            | Self::Label { .. }
            | Self::LabelMissing { .. }
            | Self::Chain(_)
            | Self::Circle { .. }
            | Self::TooMany { .. }
            | Self::DependencyKind { .. }
            | Self::DependencyId { .. }
            | Self::DependencySize { .. } => Kind::Refused,
        }
    }

    fn hint(&self) -> Option<String> {
        const WAIVE: &str = "or waive the check with --insecure-options=image";
        match self {
            Self::Resolve { source, .. } => source.hint(),
            Self::Store(error) => error.hint(),
            Self::TakeOver(error) => error.hint(),
            Self::Discovery { source, .. } => source.hint(),
            Self::Download { source } => source.hint(),
            Self::Extract {
                source: ExtractError::File { source, .. },
                ..
            } if is_full(source) => make_room(),
            Self::Render { source, .. } if source.io().is_some_and(is_full) => make_room(),
            Self::Extract { source, .. } => source.hint(),
            Self::Verify { source, .. } => source.hint(),
            Self::Signature { source, .. } => source.hint(),
            Self::Rejected { source, .. } => source.hint(),
            Self::Dependency { source, .. } => source.hint(),
            Self::NoKeys { name } => Some(format!(
                "to trust the publisher's key run `rkt trust --prefix={}`, {WAIVE}",
                name.as_str().split('/').next().unwrap_or_default()
            )),
            Self::NoKeysAtAll { .. } => Some(format!(
                "to trust the publisher's key run `rkt trust --prefix=NAME PUBKEY`, {WAIVE}"
            )),
            Self::OpenSignature { .. } => {
                Some(format!("name the signature with --signature=FILE, {WAIVE}"))
            }
            Self::DownloadSignature { source } => source.hint().or_else(|| {
                Some(format!(
                    "if the image is not signed, give a signature with --signature=FILE, {WAIVE}"
                ))
            }),
            Self::SignatureDeferred { .. } => Some("try again later".to_owned()),
            Self::Scope { name, .. } => Some(format!(
                "if that key may sign it, run `rkt trust --prefix={name} PUBKEY`"
            )),
            Self::NotFound { .. } => Some("allow the network with --pull-policy=new".to_owned()),
            Self::Changed { .. } => Some(
                "fetch it again; if that repeats, look for a failing disk or an intruder"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_wherever_it_comes() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let url = || gantry_remote::RedactedUrl::new(&"https://a.test/a".parse().unwrap());
        let store = StoreError::Io {
            operation: "write to",
            path: "/data/store".into(),
            source: full(),
        };
        let download = |source| FetchError::Download {
            source: RequestError::Download(source),
        };
        let stopped = io::Error::other(store);
        for error in [
            download(DownloadError::Write {
                url: url(),
                source: full(),
            }),
            download(DownloadError::Stopped {
                url: url(),
                source: stopped,
            }),
            FetchError::Extract {
                image: "a.test/a:1".to_owned(),
                source: ExtractError::File {
                    action: "write",
                    entry: b"rootfs/a".as_slice().into(),
                    source: full(),
                },
            },
        ] {
            let hint = error.hint().unwrap_or_default();
            assert!(hint.contains("make room"), "{error}: {hint}");
            assert_eq!(error.kind(), Kind::Environment, "{error}");
            assert!(error.spares_data() || matches!(error, FetchError::Download { .. }));
        }
    }
}
