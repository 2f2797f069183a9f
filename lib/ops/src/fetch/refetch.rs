//! One blob of an image once more, from where it came from.

use std::path::Path;

use gantry_remote::Url;
use gantry_remote::download::Complete;
use gantry_store::{Digest, ImageKind, ImageRecord, Ingest, Origin, Replaced, Source, StoreError};
use gantry_types::render::Chain;
use gantry_types::{Diagnostic, ImageId, Kind};

use super::ahead::Ahead;
use super::local::open_regular;
use super::oci::LocalImage;
use super::reference::LocalFile;
use super::signature::{SignaturePlace, read_signature};
use super::{FetchContext, FetchError, Fetcher, InsecureOptions, PullPolicy};

/// A blob could not be fetched again; the store is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RefetchError {
    /// Nobody knows where the image came from.
    #[error("the record of image {} names no place that it came from", id.short())]
    NoOrigin {
        /// The image.
        id: ImageId,
    },
    /// The place is known in part only: what was secret in it was left out.
    #[error("{place} had credentials or other secrets, which are not kept")]
    Secret {
        /// The place, without them.
        place: String,
    },
    /// The place has something else than what came from there before.
    #[error("{place} has other bytes now than those that were verified when the image was fetched")]
    OtherBytes {
        /// The place.
        place: String,
    },
    /// The blob is being used, so that it cannot be replaced.
    #[error("another command uses the blob that {place} has good bytes of")]
    InUse {
        /// The place.
        place: String,
    },
    /// The place cannot be read.
    #[error(transparent)]
    Fetch(#[from] FetchError),
}

impl From<StoreError> for RefetchError {
    fn from(error: StoreError) -> Self {
        Self::Fetch(error.into())
    }
}

impl Diagnostic for RefetchError {
    fn kind(&self) -> Kind {
        match self {
            Self::NoOrigin { .. } | Self::Secret { .. } | Self::InUse { .. } => Kind::Environment,
            Self::OtherBytes { .. } => Kind::Refused,
            Self::Fetch(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoOrigin { .. } | Self::Secret { .. } | Self::OtherBytes { .. } => {
                Some("remove the image with `rkt image rm`, then fetch it again".to_owned())
            }
            Self::InUse { .. } => Some("try again when it has ended".to_owned()),
            Self::Fetch(error) => error.hint(),
        }
    }
}

/// Fetches a blob of `record` that is damaged or missing, and gives the place that had it.
///
/// The places that the image came from are tried, the last one first, and bytes of the recorded digest alone
/// are taken, so that what was verified then is what is there now.
///
/// # Errors
///
/// [`RefetchError`] of the place that was tried last; the store is as it was.
pub fn refetch_blob(
    record: &ImageRecord,
    digest: &Digest,
    context: &mut FetchContext<'_>,
) -> Result<String, RefetchError> {
    let insecure = InsecureOptions::default();
    let layer = record.layers.iter().find(|layer| layer.digest == *digest);
    let mut fetcher = Fetcher {
        context,
        policy: PullPolicy::Update,
        insecure: &insecure,
        signature: None,
        chain: Chain::default(),
        held: Vec::new(),
        limit: layer.map(|layer| layer.size),
        ahead: Ahead::new(),
    };
    let mut last = RefetchError::NoOrigin { id: record.id };
    for origin in record.origins.iter().rev() {
        let tried = match layer {
            _ if record.kind == ImageKind::Oci => {
                fetcher.part_again(origin, digest, layer.map(|layer| layer.size))
            }
            Some(_) => fetcher.blob_again(origin, digest),
            None => fetcher.signature_again(origin, digest),
        };
        match tried {
            Ok(()) => return Ok(name(origin).to_owned()),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn name(origin: &Origin) -> &str {
    let (Source::Url(place) | Source::Path(place)) = &origin.source;
    place
}

/// The URL as it was, if the record has all of it: secrets in it were left out, and a digest put in its
/// fragment.
fn url(origin: &Origin, text: &str) -> Result<Url, RefetchError> {
    let parsed = Url::parse(text).ok();
    parsed
        .filter(|url| url.fragment().is_none() && matches!(url.scheme(), "http" | "https"))
        .ok_or_else(|| RefetchError::Secret {
            place: name(origin).to_owned(),
        })
}

impl Fetcher<'_, '_> {
    fn blob_again(&mut self, origin: &Origin, digest: &Digest) -> Result<(), RefetchError> {
        let ingest = match &origin.source {
            Source::Url(text) => {
                let url = url(origin, text)?;
                let (_need, mut ingest) = self.take_download(text, text)?;
                let downloaded = self.download(&url, &mut ingest, None, &origin.source)?;
                let _: Option<Complete> = downloaded;
                ingest
            }
            Source::Path(path) => self.copy_again(path)?,
        };
        let replaced = self.context.store.replace_blob(digest, ingest)?;
        settled(replaced, origin)
    }

    /// A blob of an OCI image that lies in a file.
    fn part_again(
        &mut self,
        origin: &Origin,
        digest: &Digest,
        size: Option<u64>,
    ) -> Result<(), RefetchError> {
        let place = name(origin).to_owned();
        let Some(image) = LocalImage::parse(&place, Path::new("/")) else {
            return Err(RefetchError::Secret { place });
        };
        let most = size.unwrap_or(gantry_types::MAX_MANIFEST_BYTES as u64);
        let store = self.context.store;
        let ingest = image.blob_again(store, digest, most);
        let ingest = ingest.map_err(FetchError::from)?;
        settled(store.replace_blob(digest, ingest)?, origin)
    }

    fn copy_again(&mut self, path: &str) -> Result<Ingest, FetchError> {
        let failed = |source| FetchError::OpenImage {
            path: path.into(),
            source,
        };
        let file = open_regular(Path::new(path)).map_err(failed)?;
        self.copy_in(
            &file,
            &format!("path {path}"),
            Path::new(path),
            path,
            u64::MAX,
            None,
        )
    }

    fn signature_again(&mut self, origin: &Origin, digest: &Digest) -> Result<(), RefetchError> {
        let place = match &origin.source {
            Source::Url(text) => SignaturePlace::of_url(&url(origin, text)?),
            Source::Path(path) => SignaturePlace::beside(&LocalFile {
                path: path.into(),
                given: path.into(),
            }),
        };
        let bytes = match place {
            SignaturePlace::Url(url) => self.download_signature(&url)?.unwrap_or_default(),
            SignaturePlace::File { path, given } => {
                read_signature(&path).map_err(|source| FetchError::OpenSignature {
                    path: given,
                    source,
                })?
            }
        };
        let replaced = self.context.store.replace_bytes(digest, &bytes)?;
        settled(replaced, origin)
    }
}

fn settled(replaced: Replaced, origin: &Origin) -> Result<(), RefetchError> {
    let place = name(origin).to_owned();
    match replaced {
        Replaced::Done => Ok(()),
        Replaced::InUse => Err(RefetchError::InUse { place }),
        Replaced::Unwanted => Err(RefetchError::OtherBytes { place }),
    }
}
