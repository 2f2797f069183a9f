//! Images that come out of something without a name of its own: a pipe, the store of another tool.

use std::io::{self, Read};
use std::path::PathBuf;

use gantry_store::{Algorithm, Digest, DigestReader, StoreError, nanos};
use gantry_types::ImageId;
use gantry_types::render::Chain;

use super::ahead::Ahead;
use super::import::{Arrived, Wanted};
use super::signature::SignaturePlace;
use super::{FetchContext, FetchError, Fetcher, InsecureOptions, Notice, PullPolicy};
use crate::room::is_full;

/// What to import, and how.
#[derive(Debug, Clone)]
pub struct ImportRequest {
    /// The image in messages.
    pub image: String,
    /// Its signature; without one it has to be waived.
    pub signature: PathBuf,
    /// What not to check.
    pub insecure: InsecureOptions,
    /// What a record says of an image that was not checked, besides the option.
    pub note: Option<&'static str>,
    /// The beginning of the hex digits that the SHA-512 of its bytes has, if that is known.
    pub digits: Option<String>,
}

/// Imports the image that `source` holds, by the rules of a fetch, and gives its ID.
///
/// The network is not asked: what the image depends on has to be in the store.
///
/// # Errors
///
/// As for [`fetch`](super::fetch).
pub fn import(
    source: impl Read + Send,
    request: &ImportRequest,
    context: &mut FetchContext<'_>,
) -> Result<ImageId, FetchError> {
    if request.insecure.image() {
        context.observer.notice(&Notice::ImageCheckDisabled);
    }
    let mut fetcher = Fetcher {
        context,
        policy: PullPolicy::Never,
        insecure: &request.insecure,
        signature: None,
        chain: Chain::default(),
        held: Vec::new(),
        limit: None,
        ahead: Ahead::new(),
    };
    fetcher.by_stream(source, request)
}

impl Fetcher<'_, '_> {
    fn by_stream(
        &mut self,
        source: impl Read + Send,
        request: &ImportRequest,
    ) -> Result<ImageId, FetchError> {
        let image = request.image.clone();
        let place = SignaturePlace::named(&request.signature);
        let prepared = self.prepare_check(&image, None, &place)?;
        let check = self.settle(&image, prepared)?;
        // Never the same twice: nobody else brings what comes out of this.
        let unique = format!("stream {} {}", std::process::id(), nanos(self.now()));
        let mut ingest = self.context.store.ingest(&unique)?;
        ingest.restart()?;
        let mut taking_in = check.taking_in(&image)?;
        let copied = match (&request.digits, &mut taking_in) {
            (Some(_), None) => {
                let mut source = DigestReader::new(Algorithm::Sha512, source);
                self.copy_all(&mut source, 0, &mut ingest, None)
                    .and_then(|()| source.finish())
                    .map(Some)
            }
            (_, taking_in) => self
                .copy_all(source, 0, &mut ingest, taking_in.as_mut())
                .map(|()| (taking_in.as_ref()).map(|all| Digest::sha512(all.content.sha512()))),
        };
        let failed = |source| match is_full(&source) {
            true => FetchError::Store(StoreError::Io {
                operation: "copy an image to",
                path: self.context.store.root().to_owned(),
                source,
            }),
            false => FetchError::OpenImage {
                path: PathBuf::from(&image),
                source,
            },
        };
        let wrong = match (copied, &request.digits) {
            (Err(error), _) => Some(failed(error)),
            (Ok(Some(sum)), Some(digits)) if !sum.hex().starts_with(digits) => {
                Some(failed(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "it is damaged: its name is another digest",
                )))
            }
            (Ok(_), _) => None,
        };
        if let Some(error) = wrong {
            ingest.discard()?;
            return Err(error);
        }
        let arrived = Arrived {
            ingest,
            content: taking_in,
            source: None,
            etag: None,
            last_modified: None,
            max_age: None,
            note: request.note.map(str::to_owned),
        };
        let wanted = Wanted {
            image,
            name: None,
            latest: false,
        };
        self.import(arrived, &check, &wanted)
    }
}
