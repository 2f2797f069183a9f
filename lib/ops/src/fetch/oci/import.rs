//! From a source to an image in the store.

use std::sync::atomic::{AtomicBool, AtomicU64};

use gantry_archive::digest::{Sha256, Sha512};
use gantry_store::{
    ImageKind, ImageRecord, OciParts, Origin, Publication, Source, StoreError, Verdict, nanos,
};
use gantry_types::oci::{
    Algorithm, Descriptor, Digest, Document, ImageConfig, Manifest, OciError, Platform, Provenance,
    to_aci,
};
use gantry_types::{AcIdentifier, ImageId};

use super::layer::Way;
use super::layers::Layers;
use super::{ImageSource, OciFetchError, files};
use crate::fetch::{FetchContext, InsecureOptions, Step};

/// Most indexes below one another.
const MAX_INDEXES: usize = 4;

/// What to import, and how.
pub struct OciRequest<'a> {
    /// The image in messages, and what the user wrote.
    pub image: String,
    /// Where it is.
    pub source: &'a dyn ImageSource,
    /// Its name as an App Container image, such as `registry-1.docker.io/library/redis`.
    pub name: AcIdentifier,
    /// Its tag; empty if it was named otherwise.
    pub tag: String,
    /// The registry; empty if it comes from none.
    pub registry: String,
    /// Its path at the registry, or whatever it is called where it comes from.
    pub repository: String,
    /// The place that the record tells of.
    pub origin: Option<Source>,
    /// What is remembered of the answer, to ask cheaply whether there is something new: for a registry the digest of
    /// what the reference leads to.
    pub etag: Option<String>,
    /// The machine it is for, if somebody said so; otherwise this one.
    pub platform: Option<Platform>,
    /// What not to check.
    pub insecure: InsecureOptions,
    /// How many layers may be on their way at once.
    pub parallel: usize,
}

/// Brings an image into the store and gives its ID; what is there already is not read again.
///
/// # Errors
///
/// [`OciFetchError`]; the store then has what it had before, and what may be resumed of downloads.
pub fn import(
    request: &OciRequest<'_>,
    context: &mut FetchContext<'_>,
) -> Result<ImageId, OciFetchError> {
    Importing { request }.run(context)
}

struct Importing<'a, 'r> {
    request: &'a OciRequest<'r>,
}

impl Importing<'_, '_> {
    fn run(&self, context: &mut FetchContext<'_>) -> Result<ImageId, OciFetchError> {
        let request = self.request;
        let (bytes, manifest) = self.manifest()?;
        manifest
            .check_is_image()
            .map_err(|source| self.document(source))?;
        // Here somebody could vouch for these bytes.
        if !request.insecure.image() {
            return Err(OciFetchError::Unverified {
                image: request.image.clone(),
            });
        }
        let id = ImageId::from_digest(Sha512::of(&bytes));
        let store = context.store;
        let mut publication = store.publication(&id)?;
        let now = nanos((context.clock)());
        if let Some(old) = self.known(&id, context, &mut publication)? {
            let new = ImageRecord {
                last_used: now,
                origins: self.origins(now),
                aliases: Vec::new(),
                ..self.renamed(old)?
            };
            publication.commit(&new)?;
            return Ok(id);
        }
        let config_bytes = self.config(&manifest.config)?;
        let config =
            ImageConfig::from_json(&config_bytes).map_err(|source| self.document(source))?;
        manifest
            .check_config(&config)
            .map_err(|source| self.document(source))?;
        self.check_platform(&config)?;
        let digest = Digest::sha256(Sha256::of(&bytes));
        let oci = OciParts {
            manifest: digest.clone(),
            config: manifest.config.digest.clone(),
            original: request.image.clone(),
            registry: request.registry.clone(),
            repository: request.repository.clone(),
        };
        let provenance = Provenance {
            name: request.name.clone(),
            tag: request.tag.clone(),
            original: request.image.clone(),
            registry: request.registry.clone(),
            repository: request.repository.clone(),
            manifest: digest.clone(),
            top_layer: manifest.layers.last().map(|layer| layer.digest.clone()),
        };
        let aci = to_aci(&config, &provenance).map_err(|source| OciFetchError::Convert {
            image: request.image.clone(),
            source,
        })?;
        let total = manifest.layers.iter().map(|layer| layer.size).sum();
        store.check_room(&format!("the layers of image {}", request.image), total)?;
        publication.named_bytes(digest, &bytes)?;
        publication.named_bytes(manifest.config.digest.clone(), &config_bytes)?;
        let (stop, count) = (AtomicBool::new(false), AtomicU64::new(0));
        let layers = Layers {
            way: Way {
                image: &request.image,
                store,
                source: request.source,
                ownership: context.ownership,
                threads: context.threads,
                stop: &stop,
                count: &count,
            },
            descriptors: &manifest.layers,
            diff_ids: &config.diff_ids,
            parallel: request.parallel,
        };
        let observer = &mut *context.observer;
        let mut told = 0;
        let in_place = layers.bring(&mut publication, &mut |have| {
            if have != told {
                told = have;
                observer.working(Step::Extracting, have.min(total), total);
            }
        })?;
        let size = in_place.layers.iter().map(|layer| layer.unpacked).sum();
        publication.commit(&ImageRecord {
            id,
            kind: ImageKind::Oci,
            name: aci.name,
            labels: aci.labels,
            aliases: Vec::new(),
            layers: in_place.layers,
            trees: in_place.trees,
            flat: None,
            rendered: None,
            size,
            import_time: now,
            last_used: now,
            latest: None,
            origins: self.origins(now),
            verdict: Verdict::Waived {
                option: request.insecure.to_string(),
            },
            signature: None,
            oci: Some(oci),
        })?;
        Ok(id)
    }

    /// The manifest that the reference leads to for this machine.
    fn manifest(&self) -> Result<(Vec<u8>, Manifest), OciFetchError> {
        let root = self.request.source.root()?;
        if let Some(digest) = &root.digest {
            self.check("manifest", digest, &root.bytes)?;
        }
        let host = Platform::host();
        let platform = self.request.platform.as_ref().unwrap_or(&host);
        let (mut bytes, mut declared) = (root.bytes, root.media_type);
        for _ in 0..=MAX_INDEXES {
            let document = Document::from_json(&bytes, declared.as_ref());
            match document.map_err(|source| self.document(source))? {
                Document::Manifest(manifest) => return Ok((bytes, manifest)),
                Document::Index(index) => {
                    let chosen = platform.choose(&index.manifests);
                    let chosen = chosen.map_err(|source| self.document(source))?;
                    bytes = self.request.source.manifest(chosen)?;
                    self.check_size("manifest", chosen, bytes.len() as u64)?;
                    self.check("manifest", &chosen.digest, &bytes)?;
                    declared = Some(chosen.media_type.clone());
                }
            }
        }
        Err(self.document(OciError::MediaType {
            declared: "a manifest".to_owned(),
            found: format!("{MAX_INDEXES} indexes, one in the other"),
        }))
    }

    fn config(&self, descriptor: &Descriptor) -> Result<Vec<u8>, OciFetchError> {
        let reader = self.request.source.blob(descriptor, 0)?;
        let bytes = files::read_document(reader).map_err(|source| OciFetchError::Read {
            image: self.request.image.clone(),
            digest: descriptor.digest.clone(),
            source,
        })?;
        self.check_size("configuration", descriptor, bytes.len() as u64)?;
        self.check("configuration", &descriptor.digest, &bytes)?;
        Ok(bytes)
    }

    /// The record of the image, if everything that it refers to is there, and kept so.
    fn known(
        &self,
        id: &ImageId,
        context: &FetchContext<'_>,
        publication: &mut Publication<'_>,
    ) -> Result<Option<ImageRecord>, OciFetchError> {
        let record = match context.store.record(id) {
            Ok(record) if record.kind == ImageKind::Oci => record,
            Ok(_) => return Ok(None),
            Err(
                StoreError::Missing { .. }
                | StoreError::Damaged { .. }
                | StoreError::Foreign { .. },
            ) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let Some(oci) = &record.oci else {
            return Ok(None);
        };
        for layer in &record.layers {
            if !publication.share_blob(&layer.digest, layer.size)? {
                return Ok(None);
            }
        }
        for tree in &record.trees {
            if !publication.share_tree(tree)? {
                return Ok(None);
            }
        }
        let documents = [&oci.manifest, &oci.config];
        let whole = documents
            .iter()
            .all(|digest| context.store.has_blob(digest));
        Ok(Some(record).filter(|_| whole))
    }

    /// What the record of an image says that arrives again, perhaps under another name.
    fn renamed(&self, mut record: ImageRecord) -> Result<ImageRecord, OciFetchError> {
        record.name = self.request.name.clone();
        record.labels.remove("version");
        let tag = self.request.tag.as_str();
        if !tag.is_empty() {
            let set = "version"
                .parse()
                .map_err(gantry_types::oci::ToAciError::from)
                .and_then(|name| Ok(record.labels.set(name, tag)?));
            set.map_err(|source| OciFetchError::Convert {
                image: self.request.image.clone(),
                source,
            })?;
        }
        record.verdict = Verdict::Waived {
            option: self.request.insecure.to_string(),
        };
        Ok(record)
    }

    fn origins(&self, now: u64) -> Vec<Origin> {
        let origin = self.request.origin.iter().map(|source| Origin {
            source: source.clone(),
            name: None,
            etag: self.request.etag.clone(),
            last_modified: None,
            max_age: None,
            fetched: now,
        });
        origin.collect()
    }

    fn check_platform(&self, config: &ImageConfig) -> Result<(), OciFetchError> {
        let found = Platform::from(config).normalized();
        match &self.request.platform {
            Some(wanted) if !wanted.accepts(&found) => Err(OciFetchError::Platform {
                image: self.request.image.clone(),
                found: found.to_string(),
                wanted: wanted.to_string(),
            }),
            _ => Ok(()),
        }
    }

    fn check(
        &self,
        what: &'static str,
        wanted: &Digest,
        bytes: &[u8],
    ) -> Result<(), OciFetchError> {
        let found = match wanted.algorithm() {
            Algorithm::Sha256 => Digest::sha256(Sha256::of(bytes)),
            Algorithm::Sha512 => Digest::sha512(Sha512::of(bytes)),
        };
        match found == *wanted {
            true => Ok(()),
            false => Err(OciFetchError::Digest {
                image: self.request.image.clone(),
                what,
                wanted: wanted.clone(),
                found,
            }),
        }
    }

    fn check_size(
        &self,
        what: &'static str,
        descriptor: &Descriptor,
        found: u64,
    ) -> Result<(), OciFetchError> {
        match found == descriptor.size {
            true => Ok(()),
            false => Err(OciFetchError::Size {
                image: self.request.image.clone(),
                what,
                digest: descriptor.digest.clone(),
                wanted: descriptor.size,
                found,
            }),
        }
    }

    fn document(&self, source: OciError) -> OciFetchError {
        OciFetchError::Document {
            image: self.request.image.clone(),
            source: Box::new(source),
        }
    }
}
