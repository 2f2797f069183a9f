//! The images beneath an image.

use gantry_store::{
    ImageKind, ImageRecord, Ingest, IngestNeed, Lease, ResolveError, Source, Verdict,
};
use gantry_types::render::{FlatList, FlatListError};
use gantry_types::{Dependency, Hash, ImageId, ImageManifest, ImageName};

use super::take_over::Sought;
use super::{
    FetchContext, FetchError, Fetcher, InsecureOptions, Notice, PullPolicy, keep, with_version,
};

/// The dependencies of one image, kept in the store while they are held here.
#[derive(Debug, Default)]
pub(super) struct Dependencies {
    images: Vec<(Lease, ImageRecord)>,
}

impl Dependencies {
    /// The list of an image with these dependencies.
    pub(super) fn flat_list(&self, id: ImageId) -> Result<FlatList, FlatListError> {
        let below: Vec<FlatList> = (self.images.iter())
            .map(|(_, record)| record.flat_list())
            .collect();
        FlatList::over(id, &below)
    }
}

/// Fetches what an image with this manifest depends on, in the order of the manifest; nobody removes the images
/// from the store while the leases are held.
///
/// # Errors
///
/// [`FetchError`]; what was complete by then is in the store.
pub fn fetch_dependencies(
    manifest: &ImageManifest,
    policy: PullPolicy,
    insecure: &InsecureOptions,
    context: &mut FetchContext<'_>,
) -> Result<Vec<(ImageId, Lease)>, FetchError> {
    context.tell_of_waivers(insecure, true);
    let mut fetcher = Fetcher::new(context, policy, insecure, None);
    fetcher.download_ahead(&manifest.dependencies);
    let fetched = manifest.dependencies.iter().map(|dependency| {
        fetcher.limit = Some(dependency.size).filter(|size| *size > 0);
        let (lease, record) = fetcher.dependency(dependency)?;
        fetcher.warn_of_waiver(&record, manifest);
        Ok((record.id, lease))
    });
    fetched.collect()
}

impl Fetcher<'_, '_> {
    /// Fetches what the image `id` with this manifest depends on, while its download `held` is ours.
    pub(super) fn dependencies(
        &mut self,
        id: ImageId,
        manifest: &ImageManifest,
        held: &str,
    ) -> Result<Dependencies, FetchError> {
        let mut found = Dependencies::default();
        if manifest.dependencies.is_empty() {
            return Ok(found);
        }
        self.chain.enter(id, manifest.image_name())?;
        self.held.push(held.to_owned());
        // A signature given by the user is that of the image asked for, not of those beneath it.
        let signature = self.signature.take();
        self.download_ahead(&manifest.dependencies);
        let limit = self.limit;
        let fetched = manifest.dependencies.iter().try_for_each(|dependency| {
            self.limit = Some(dependency.size).filter(|size| *size > 0);
            let (lease, record) = self.dependency(dependency)?;
            self.warn_of_waiver(&record, manifest);
            found.images.push((lease, record));
            Ok(())
        });
        self.limit = limit;
        self.signature = signature;
        self.held.pop();
        self.chain.leave();
        fetched.map(|()| found)
    }

    /// A signed image is listed as signed whatever lies beneath it, so this is the moment to tell.
    fn warn_of_waiver(&mut self, dependency: &ImageRecord, manifest: &ImageManifest) {
        if let Verdict::Waived { option } = &dependency.verdict
            && !self.insecure.image()
        {
            self.notice(&Notice::Problem(format!(
                "dependency {} of {} was not checked when it was fetched with {option}",
                with_version(&dependency.image_name()),
                manifest.name
            )));
        }
    }

    fn dependency(&mut self, wanted: &Dependency) -> Result<(Lease, ImageRecord), FetchError> {
        self.chain.check(wanted)?;
        let name = ImageName {
            name: wanted.image_name.clone(),
            labels: wanted.labels.clone(),
        };
        let found = keep(self.context.store, || match &wanted.image_id {
            Some(hash) => self.by_pin(hash, &name),
            None => self.by_name_or_there(&name),
        });
        let (id, lease, record) = found.map_err(|source| match source {
            // Told once, from the top.
            FetchError::Chain(_) | FetchError::Circle { .. } => source,
            source => FetchError::Dependency {
                name: name.name.clone(),
                source: Box::new(source),
            },
        })?;
        if let Some(hash) = &wanted.image_id
            && !id.hex().starts_with(hash.value())
        {
            return Err(FetchError::DependencyId {
                name: name.name,
                found: id.to_string(),
                wanted: hash.clone(),
            });
        }
        let size = record.layers.iter().map(|layer| layer.size).sum();
        if wanted.size != 0 && size != wanted.size {
            let name = name.name;
            return Err(FetchError::DependencySize {
                name,
                found: size,
                wanted: wanted.size,
            });
        }
        match record.kind {
            ImageKind::Aci => Ok((lease, record)),
            ImageKind::Oci => Err(FetchError::DependencyKind { name: name.name }),
        }
    }

    /// What the name leads to; but the image of this name in the store if that did not come from a server, or if nobody
    /// can be asked where it is.
    ///
    /// To be asked first is what the policy `update` says. A base and what stands on it can be fetched from files all
    /// the same, one after the other, whether or not there is a network.
    fn by_name_or_there(&mut self, name: &ImageName) -> Result<ImageId, FetchError> {
        let local = |record: &ImageRecord| {
            !record
                .origins
                .iter()
                .any(|origin| matches!(origin.source, Source::Url(_)))
        };
        if let Some(record) = self.context.store.find(name)?.filter(local) {
            self.notice(&Notice::UsingStoreName(record.image_name()));
            return Ok(self.used(record.id));
        }
        let error = match self.by_name(name) {
            Err(error) if error.is_of_discovery() => error,
            found => return found,
        };
        match self.context.store.find(name)? {
            Some(record) => {
                self.notice(&Notice::Problem(format!(
                    "{}: using {} of the store, as nobody can be asked for it: {error}",
                    name.name,
                    record.id.short()
                )));
                Ok(self.used(record.id))
            }
            None => self.take_over(Sought::Name(name))?.ok_or(error),
        }
    }

    /// Takes the download `key` of an image, waiting for whoever has it, unless those wait for us.
    pub(super) fn take_download(
        &self,
        key: &str,
        image: &str,
    ) -> Result<(Option<IngestNeed>, Ingest), FetchError> {
        let store = self.context.store;
        // Whoever waits for what we have learns that it waits for this one.
        let need = match self.held.last() {
            Some(held) => Some(store.ingest_needs(held, key)?),
            None => None,
        };
        match store.try_ingest(key)? {
            Some(ingest) => Ok((need, ingest)),
            None if store.ingest_waits_for(key, &self.held)? => Err(FetchError::Circle {
                image: image.to_owned(),
            }),
            None => Ok((need, store.ingest(key)?)),
        }
    }

    /// The image of this ID in the store, whatever its name, or else what the name leads to now.
    fn by_pin(&mut self, hash: &Hash, name: &ImageName) -> Result<ImageId, FetchError> {
        let prefix = hash.to_string();
        match self.context.store.resolve(&prefix) {
            Ok(id) => {
                self.notice(&Notice::UsingStoreHash(id));
                Ok(self.used(id))
            }
            Err(source @ (ResolveError::Store(_) | ResolveError::Ambiguous { .. })) => {
                Err(FetchError::Resolve { prefix, source })
            }
            Err(_) => match (self.take_over(Sought::Prefix(&prefix)), self.policy) {
                (Ok(Some(id)), _) => Ok(id),
                (Err(error), PullPolicy::Never) => Err(error),
                (Ok(None), PullPolicy::Never) => Err(FetchError::NotFound {
                    kind: "image ID",
                    text: prefix,
                }),
                // The store may have another image of this name, which is not asked for.
                _ => self.by_discovery(name),
            },
        }
    }
}
