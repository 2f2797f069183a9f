//! Brings images into the store: from files, URLs and by name, with everything verified first.
//!
//! ```text
//! reference -> store (by policy) or discovery -> keys -> signature -> download (resumed, one per URL)
//!           -> signature over the whole file -> extraction -> name and labels -> dependencies -> publish
//! ```
//!
//! Nothing of an image is decompressed before its signature is verified. What was verified is what is
//! extracted and kept: all of it reads the same open file. An image that is refused leaves nothing in
//! the store, an interrupted download leaves what came of it.

mod ahead;
mod check;
mod cimd;
mod copy;
mod dependencies;
mod error;
mod import;
mod insecure;
mod known;
mod local;
mod observer;
pub mod oci;
mod place;
mod reference;
mod refetch;
mod remote;
mod render;
mod signature;
mod stream;
mod take_over;
mod taken_in;
#[cfg(test)]
mod tests;
mod verify;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use gantry_archive::extract::Ownership;
use gantry_remote::HttpClient;
use gantry_remote::discovery::DiscoveryOptions;
use gantry_store::{ImageRecord, Lease, ResolveError, Store, StoreError};
use gantry_trust::Keystore;
use gantry_types::render::Chain;
use gantry_types::{ImageId, ImageName};

pub use cimd::CimdError;
pub use dependencies::fetch_dependencies;
pub use error::{FetchError, RequestError};
pub use insecure::{InsecureOptions, InsecureOptionsError};
pub use observer::{Downloading, FetchObserver, Notice, Step};
pub use reference::{ImageReference, LocalFile, ReferenceError};
pub use refetch::{RefetchError, refetch_blob};

pub use stream::{ImportRequest, import};
pub use take_over::{TakeOverError, take_over};

use ahead::Ahead;
use import::Wanted;
pub(crate) use reference::with_version;
use take_over::Sought;

/// When the network is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullPolicy {
    /// Never.
    Never,
    /// If the store does not have the image.
    New,
    /// Always, unless what the server said about freshness still holds.
    Update,
}

/// What to fetch, and how.
#[derive(Debug, Clone)]
pub struct FetchRequest {
    /// Which image.
    pub reference: ImageReference,
    /// A signature to use in place of the one beside the image.
    pub signature: Option<PathBuf>,
    /// When to ask the network.
    pub policy: PullPolicy,
    /// What not to check.
    pub insecure: InsecureOptions,
    /// The machine that an OCI or Docker image is for; this one if nothing is said.
    pub platform: Option<gantry_types::oci::Platform>,
}

/// What a fetch works with.
pub struct FetchContext<'a> {
    /// Where images go.
    pub store: &'a Store,
    /// Who may sign them.
    pub keystore: &'a Keystore,
    /// How servers are asked.
    pub http: &'a HttpClient,
    /// How registries are reached.
    pub registries: &'a oci::Registries,
    /// How discovery pages are asked for.
    pub discovery: DiscoveryOptions,
    /// Whose the extracted files are.
    pub ownership: Ownership,
    /// How many threads may work on one image; the image does not depend on it.
    pub threads: usize,
    /// What time it is.
    pub clock: &'a dyn Fn() -> SystemTime,
    /// Who wants to know.
    pub observer: &'a mut dyn FetchObserver,
}

impl FetchContext<'_> {
    /// Says what will not be checked; signatures only of images that may not be in the store yet.
    fn tell_of_waivers(&mut self, insecure: &InsecureOptions, may_be_new: bool) {
        if insecure.image() && may_be_new {
            self.observer.notice(&Notice::ImageCheckDisabled);
        }
        if insecure.tls() {
            self.observer.notice(&Notice::TlsCheckDisabled);
        }
    }
}

/// How often an image is fetched that is removed again every time before it can be used.
const MAX_TRIES: u32 = 10;

/// Fetches an image, with the images it depends on, and gives its ID.
///
/// # Errors
///
/// [`FetchError`]; the store then has the images that it had before, and dependencies that were complete.
pub fn fetch(
    request: &FetchRequest,
    context: &mut FetchContext<'_>,
) -> Result<ImageId, FetchError> {
    let may_be_new = !matches!(request.reference, ImageReference::Hash(_));
    context.tell_of_waivers(&request.insecure, may_be_new);
    let mut fetcher = Fetcher::new(
        context,
        request.policy,
        &request.insecure,
        request.signature.as_deref(),
    );
    match &request.reference {
        ImageReference::Hash(prefix) => fetcher.by_hash(prefix),
        ImageReference::Path(file) => fetcher.by_path(file),
        ImageReference::Url(url) => fetcher.by_url(url),
        ImageReference::Name(name) => fetcher.by_name(name),
        ImageReference::Registry(image) => fetcher.by_registry(image, request.platform.as_ref()),
        ImageReference::Local(image) => Ok(image.fetch(
            request.platform.as_ref(),
            &request.insecure,
            fetcher.context,
        )?),
    }
}

/// Fetches an image to use it at once: it cannot be removed from the store until the lease is dropped.
///
/// Somebody may remove it in the moment before the lease is taken; then it is fetched again.
///
/// # Errors
///
/// Those of [`fetch`].
pub fn fetch_for_use(
    request: &FetchRequest,
    context: &mut FetchContext<'_>,
) -> Result<(ImageId, Lease), FetchError> {
    let (id, lease, _) = keep(context.store, || fetch(request, context))?;
    Ok((id, lease))
}

/// What `find` finds in the store, or brings there, kept there; somebody may remove it in between.
fn keep(
    store: &Store,
    mut find: impl FnMut() -> Result<ImageId, FetchError>,
) -> Result<(ImageId, Lease, ImageRecord), FetchError> {
    let mut tries = 0;
    loop {
        let id = find()?;
        tries += 1;
        match store.use_image(&id) {
            Ok((lease, record)) => return Ok((id, lease, record)),
            Err(StoreError::Missing { .. }) if tries < MAX_TRIES => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// A fetch under way.
struct Fetcher<'a, 'c> {
    context: &'a mut FetchContext<'c>,
    policy: PullPolicy,
    insecure: &'a InsecureOptions,
    signature: Option<&'a Path>,
    /// The images whose dependencies are being fetched.
    chain: Chain,
    /// Their downloads.
    held: Vec<String>,
    /// Most bytes that the next image may have, if its size is known beforehand.
    limit: Option<u64>,
    /// What of their dependencies was downloaded before it is looked at.
    ahead: Ahead,
}

impl<'a, 'c> Fetcher<'a, 'c> {
    fn new(
        context: &'a mut FetchContext<'c>,
        policy: PullPolicy,
        insecure: &'a InsecureOptions,
        signature: Option<&'a Path>,
    ) -> Self {
        Self {
            context,
            policy,
            insecure,
            signature,
            chain: Chain::default(),
            held: Vec::new(),
            limit: None,
            ahead: Ahead::new(),
        }
    }
}

impl Fetcher<'_, '_> {
    fn now(&self) -> SystemTime {
        (self.context.clock)()
    }

    fn notice(&mut self, notice: &Notice) {
        self.context.observer.notice(notice);
    }

    fn by_hash(&mut self, prefix: &str) -> Result<ImageId, FetchError> {
        let resolved = self.context.store.resolve(prefix);
        if matches!(resolved, Err(ResolveError::None))
            && let Some(id) = self.take_over(Sought::Prefix(prefix))?
        {
            return Ok(id);
        }
        let id = resolved.map_err(|source| FetchError::Resolve {
            prefix: prefix.to_owned(),
            source,
        })?;
        self.notice(&Notice::UsingStoreHash(id));
        Ok(self.used(id))
    }

    fn by_name(&mut self, name: &ImageName) -> Result<ImageId, FetchError> {
        if self.policy != PullPolicy::Update
            && let Some(record) = self.context.store.find(name)?
        {
            self.notice(&Notice::UsingStoreName(record.image_name()));
            return Ok(self.used(record.id));
        }
        let taken = match self.policy {
            PullPolicy::Update => Ok(None),
            PullPolicy::Never | PullPolicy::New => self.take_over(Sought::Name(name)),
        };
        match (taken, self.policy) {
            (Ok(Some(id)), _) => Ok(id),
            (Err(error), PullPolicy::Never) => Err(error),
            (Ok(None), PullPolicy::Never) => Err(FetchError::NotFound {
                kind: "image name",
                text: with_version(name),
            }),
            (taken, _) => {
                if let Err(error) = taken {
                    self.notice(&Notice::Problem(error.to_string()));
                }
                self.by_discovery(name)
            }
        }
    }

    /// Fetches what the name leads to, whatever the store has of this name.
    fn by_discovery(&mut self, name: &ImageName) -> Result<ImageId, FetchError> {
        let (url, place) = self.discover(name)?;
        let latest = name.version().is_none();
        let wanted = Wanted {
            image: with_version(name),
            name: Some(name.clone()),
            latest,
        };
        self.remote(&url, place, &wanted)
    }

    /// Notes the use of an image that was in the store.
    fn used(&mut self, id: ImageId) -> ImageId {
        let store = self.context.store;
        store.touch(&id, self.now());
        if let Ok(record) = store.record(&id)
            && let Some(layer) = record.damaged_layer(store)
        {
            let (digest, key) = (&layer.digest, id.short());
            self.notice(&Notice::Problem(format!(
                "blob {digest} of image {key} is damaged or missing; `rkt image verify --repair {key}` fetches it again"
            )));
        }
        id
    }
}
