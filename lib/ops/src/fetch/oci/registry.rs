//! Images in registries: `docker://[HOST[:PORT]/]NAME[:TAG|@DIGEST]`.

use std::collections::HashMap;
use std::io::Read;
use std::sync::{Mutex, PoisonError};

use gantry_remote::registry::{Endpoint, RawManifest, Registry};
use gantry_store::{ImageRecord, Source};
use gantry_types::oci::{Descriptor, Digest, MediaType, Platform, Reference, ToAciError};
use gantry_types::{AcIdentifier, Diagnostic, ImageId};

use super::OciFetchError;
use super::import::{OciRequest, import};
use super::source::{ImageSource, Root, SourceError};
use crate::fetch::{FetchError, Fetcher, Notice, PullPolicy};

/// An image in a registry, as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryImage {
    /// The image.
    pub reference: Reference,
    /// What the user wrote.
    pub given: String,
}

/// An image at the first place that has it.
struct RegistrySource<'a> {
    registry: &'a Registry,
    /// What the name means here.
    reference: Reference,
    /// The place that has it, and those to go on with if that fails.
    endpoints: Vec<Endpoint>,
    root: RawManifest,
    /// How often each blob was begun. One that is begun again had wrong bytes, and comes from elsewhere.
    begun: Mutex<HashMap<Digest, usize>>,
}

impl<'a> RegistrySource<'a> {
    /// Finds the image.
    fn find(registry: &'a Registry, image: &RegistryImage) -> Result<Self, SourceError> {
        let places = registry.places(&image.reference);
        let mut last = None;
        for (reference, endpoints) in places.map_err(|error| remote(&image.given, error))? {
            for (at, endpoint) in endpoints.iter().enumerate() {
                match registry.manifest(endpoint) {
                    Ok(root) => {
                        return Ok(Self {
                            registry,
                            reference,
                            endpoints: endpoints[at..].to_vec(),
                            root,
                            begun: Mutex::default(),
                        });
                    }
                    Err(error) => {
                        if let Some(passed_over) = last.replace(error) {
                            tracing::warn!("{passed_over}");
                        }
                    }
                }
            }
        }
        Err(match last {
            Some(error) => remote(&image.given, error),
            None => SourceError::NoImage {
                place: "registries.conf".to_owned(),
                wanted: image.given.clone(),
                offered: Vec::new(),
            },
        })
    }
}

/// What `reference` leads to at the moment, if the first place that answers says so.
fn current(registry: &Registry, image: &RegistryImage) -> Option<Digest> {
    let places = registry.places(&image.reference).ok()?;
    let mut endpoints = places.iter().flat_map(|(_, endpoints)| endpoints);
    // Whatever is wrong is told when the image itself is asked for.
    let head = endpoints.find_map(|endpoint| registry.head(endpoint).ok())?;
    head.map(|head| head.digest)
}

/// The error of asking for `place`.
fn remote<E>(place: impl ToString, error: E) -> SourceError
where
    E: Diagnostic + Send + Sync + 'static,
{
    SourceError::Remote {
        place: place.to_string(),
        kind: error.kind(),
        hint: error.hint(),
        source: Box::new(error),
    }
}

impl ImageSource for RegistrySource<'_> {
    fn root(&self) -> Result<Root, SourceError> {
        let declared = Some(self.root.media_type.as_str()).filter(|text| !text.is_empty());
        Ok(Root {
            bytes: self.root.bytes.clone(),
            media_type: declared.map(MediaType::from_content_type),
            digest: Some(self.root.digest.clone()),
        })
    }

    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, SourceError> {
        let mut last = None;
        for endpoint in &self.endpoints {
            let endpoint = Endpoint {
                reference: endpoint.reference.with_digest(descriptor.digest.clone()),
                ..endpoint.clone()
            };
            match self.registry.manifest(&endpoint) {
                Ok(manifest) => return Ok(manifest.bytes),
                Err(error) => last = Some(error),
            }
        }
        Err(match last {
            Some(error) => remote(&self.reference, error),
            None => SourceError::NoBlob {
                place: self.reference.to_string(),
                digest: descriptor.digest.clone(),
            },
        })
    }

    fn blob(
        &self,
        descriptor: &Descriptor,
        from: u64,
    ) -> Result<Box<dyn Read + Send + '_>, SourceError> {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let times = begun.entry(descriptor.digest.clone()).or_default();
        let first = *times % self.endpoints.len().max(1);
        *times += 1;
        let endpoints = &self.endpoints[first..];
        let reader = self
            .registry
            .blob(endpoints, &descriptor.digest, descriptor.size, from);
        Ok(Box::new(reader.or_at(&descriptor.urls)))
    }

    fn is_remote(&self) -> bool {
        true
    }

    fn places(&self) -> usize {
        self.endpoints.len()
    }
}

impl RegistryImage {
    /// The place that the store remembers: the image, and the machine it is for if somebody said that.
    fn place(&self, platform: Option<&Platform>) -> Source {
        let reference = &self.reference;
        Source::Url(match platform {
            Some(platform) => format!("docker://{reference}#{platform}"),
            None => format!("docker://{reference}"),
        })
    }
}

impl Fetcher<'_, '_> {
    /// Fetches an image of a registry, unless the store has it and it still holds.
    pub(in crate::fetch) fn by_registry(
        &mut self,
        image: &RegistryImage,
        platform: Option<&Platform>,
    ) -> Result<ImageId, FetchError> {
        let place = image.place(platform);
        let (Source::Url(shown) | Source::Path(shown)) = &place;
        match (self.context.store.by_origin(&place)?, self.policy) {
            (Some(record), PullPolicy::Never | PullPolicy::New) => {
                self.notice(&Notice::UsingStoreUrl(shown.clone()));
                return Ok(self.used(record.id));
            }
            (None, PullPolicy::Never) => {
                return Err(FetchError::NotFound {
                    kind: "docker URL",
                    text: shown.clone(),
                });
            }
            _ => {}
        }
        self.notice(&Notice::RemoteFetching(shown.clone()));
        let registry = self.context.registries.get();
        let registry =
            registry.map_err(|error| OciFetchError::from(remote(&image.given, error)))?;
        if let Some(record) = self.reusable(&place, None)?
            && still_holds(registry, image, &record, &place)
        {
            self.notice(&Notice::UsingStoreUrl(shown.clone()));
            return Ok(self.used(record.id));
        }
        let source = RegistrySource::find(registry, image).map_err(OciFetchError::from)?;
        let found = &source.reference;
        let (host, repository) = (found.registry_host(), found.repository());
        let name = AcIdentifier::sanitize(&format!("{host}/{repository}"));
        let request = OciRequest {
            image: image.given.clone(),
            source: &source,
            name: name.map_err(|error| OciFetchError::Convert {
                image: image.given.clone(),
                source: ToAciError::from(error),
            })?,
            tag: found.tag().unwrap_or_default().to_owned(),
            registry: host.to_owned(),
            repository: repository.to_owned(),
            etag: Some(source.root.digest.to_string()),
            origin: Some(place),
            platform: platform.cloned(),
            insecure: self.insecure.clone(),
            parallel: self.context.registries.parallel(),
        };
        Ok(import(&request, self.context)?)
    }
}

/// Whether what the store has from `place` is what the registry would give: bytes that a digest names are, and
/// of a tag the registry tells the digest without sending anything.
fn still_holds(
    registry: &Registry,
    image: &RegistryImage,
    record: &ImageRecord,
    place: &Source,
) -> bool {
    if image.reference.digest().is_some() {
        return true;
    }
    let known = record
        .origin_of(place)
        .and_then(|origin| origin.etag.as_deref());
    let now = || Some(current(registry, image)?.to_string());
    known.is_some_and(|known| now().as_deref() == Some(known))
}
