//! From a complete file to an image in the store: verify, extract, compare, publish.

use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};

use gantry_archive::digest::Sha512Reader;
use gantry_archive::extract::{ExtractError, ExtractOptions, Extracted, extract_aci_and_tell};
use gantry_archive::list::{ListOptions, list};
use gantry_archive::pipeline::read_ahead;
use gantry_archive::render::write_implied;
use gantry_archive::seal::SealedReader;
use gantry_store::{
    Digest, ImageKind, ImageRecord, Ingest, Layer, Lease, Origin, Source, StoreError, TreeId,
    TreeStaging, Verdict, nanos,
};
use gantry_types::render::FlatList;
use gantry_types::{ImageId, ImageManifest, ImageName};

use super::check::check_identity;
use super::dependencies::Dependencies;
use super::observer::{Counted, Step};
use super::render::Root;
use super::signature::Check;
use super::taken_in::TakenIn;
use super::verify::Signed;
use super::{FetchError, Fetcher};
use crate::room::is_full;

/// What files and directories take on a disk in multiples of, usually, in bytes.
const BLOCK: u64 = 4096;

/// A complete image file in the store's keeping.
pub(super) struct Arrived {
    pub(super) ingest: Ingest,
    /// Its bytes as the signature of its check needs them, if they were hashed when they came.
    pub(super) content: Option<TakenIn>,
    /// Where it came from, if that is a place that can be gone back to.
    pub(super) source: Option<Source>,
    /// What the record says, besides the option, of an image that was not checked.
    pub(super) note: Option<String>,
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<String>,
    /// In seconds.
    pub(super) max_age: Option<u64>,
}

/// What was asked for.
pub(super) struct Wanted {
    /// For messages.
    pub(super) image: String,
    /// Name and labels, where those are what was asked for.
    pub(super) name: Option<ImageName>,
    /// No version was asked for.
    pub(super) latest: bool,
}

/// The content of an image.
pub(super) struct Content {
    pub(super) id: ImageId,
    /// Of the file as received.
    pub(super) digest: Digest,
    pub(super) manifest: Vec<u8>,
    /// Sum of the sizes of all files.
    pub(super) size: u64,
    pub(super) files: Files,
}

/// The extracted files of an image.
pub(super) enum Files {
    /// Here.
    Extracted(TreeStaging),
    /// In the store since an earlier fetch, and kept there by the lease.
    Kept { _lease: Lease },
}

/// What is known of a file once everything about it is right.
struct Examined {
    content: Content,
    manifest: ImageManifest,
    verdict: Verdict,
    /// Kept in the store until the image refers to their trees.
    _dependencies: Dependencies,
    flat: FlatList,
    root: Root,
}

impl Fetcher<'_, '_> {
    /// Imports what arrived, or deletes it if it is bad.
    pub(super) fn import(
        &mut self,
        mut arrived: Arrived,
        check: &Check,
        wanted: &Wanted,
    ) -> Result<ImageId, FetchError> {
        match self.examine(&mut arrived, check, wanted) {
            Ok(examined) => self.publish(arrived, examined, check, wanted),
            Err(error) => {
                // A copy of a local file is made anew every time, so it is only a burden.
                if !error.spares_data() || !matches!(arrived.source, Some(Source::Url(_))) {
                    arrived.ingest.discard()?;
                }
                Err(error)
            }
        }
    }

    fn examine(
        &mut self,
        arrived: &mut Arrived,
        check: &Check,
        wanted: &Wanted,
    ) -> Result<Examined, FetchError> {
        let (mut verdict, signed) = match check {
            Check::Signed(signature) => {
                let (by, signed) = self.verify(arrived, signature, wanted)?;
                (Verdict::Signed { by }, Some(signed))
            }
            Check::Waived => {
                let option = match &arrived.note {
                    Some(note) if self.insecure.image() => format!("{note}: {}", self.insecure),
                    Some(note) => note.clone(),
                    None => self.insecure.to_string(),
                };
                (Verdict::Waived { option }, None)
            }
        };
        let digest = signed.as_ref().map(|signed| &signed.digest);
        let content = match self.known_copy(arrived, digest)? {
            Some(known) => known,
            None => match self.extract(arrived, signed.as_ref(), wanted) {
                Ok(content) => content,
                Err(error) => return Err(self.told_of_room(error, arrived, wanted)),
            },
        };
        let manifest = ImageManifest::from_json(&content.manifest).map_err(|source| {
            let image = wanted.image.clone();
            FetchError::Manifest { image, source }
        })?;
        self.check_scope(&manifest, &mut verdict)?;
        if !self.insecure.image()
            && let Some(name) = &wanted.name
        {
            check_identity(name, &manifest)?;
        }
        let dependencies = self.dependencies(content.id, &manifest, arrived.ingest.url())?;
        let flat = dependencies.flat_list(content.id).map_err(|source| {
            let name = manifest.name.clone();
            FetchError::TooMany { name, source }
        })?;
        let alone = manifest.dependencies.is_empty() && manifest.path_whitelist.is_empty();
        let root = match &content.files {
            _ if alone => Root::Overlay,
            Files::Extracted(tree) => {
                let own = tree.path().to_owned();
                self.root(&flat, own, &wanted.image)?
            }
            Files::Kept { .. } => {
                let store = self.context.store;
                let own = store.tree_path(&TreeId::of_images(&[content.id]));
                self.root(&flat, own, &wanted.image)?
            }
        };
        Ok(Examined {
            content,
            manifest,
            verdict,
            _dependencies: dependencies,
            flat,
            root,
        })
    }

    /// Extracts the file, which was read before if it is `signed`.
    ///
    /// A disk that fails, or whoever else can write to it, must not be able to put other bytes in the place
    /// of those that were signed.
    fn extract(
        &mut self,
        arrived: &Arrived,
        signed: Option<&Signed>,
        wanted: &Wanted,
    ) -> Result<Content, FetchError> {
        let count = AtomicU64::new(0);
        let reader = Counted {
            inner: arrived.ingest.reader()?,
            count: &count,
        };
        let total = arrived.ingest.len();
        let Some(signed) = signed else {
            let reader = Sha512Reader::new(reader);
            let (reader, extracted) = self.extract_from(reader, (&count, total), wanted);
            return content_of(extracted?, Digest::sha512(reader.finish().1));
        };
        let reader = SealedReader::new(reader, &signed.sealed);
        let (reader, extracted) = self.extract_from(reader, (&count, total), wanted);
        match reader.has_changed() {
            true => Err(FetchError::Changed {
                image: wanted.image.clone(),
            }),
            false => content_of(extracted?, signed.digest.clone()),
        }
    }

    #[expect(
        clippy::field_reassign_with_default,
        reason = "the options may get more fields, so there is no other way to fill them in"
    )]
    fn extract_from<R: Read + Send>(
        &mut self,
        reader: R,
        (count, total): (&AtomicU64, u64),
        wanted: &Wanted,
    ) -> (R, Result<(Extracted, TreeStaging), FetchError>) {
        let tree = match TreeStaging::new(self.context.store) {
            Ok(tree) => tree,
            Err(error) => return (reader, Err(error.into())),
        };
        let mut options = ExtractOptions::default();
        options.ownership = self.context.ownership;
        options.threads = self.context.threads;
        let observer = &mut *self.context.observer;
        let mut told = 0;
        let mut on_way = || {
            let have = count.load(Ordering::Relaxed);
            if have != told {
                told = have;
                observer.working(Step::Extracting, have, total);
            }
        };
        let (reader, extracted) = read_ahead(reader, None, options.threads, |mut ahead| {
            let extracted = extract_aci_and_tell(&mut ahead, tree.dir(), &options, &mut on_way);
            let extracted = extracted.map_err(|source| FetchError::Extract {
                image: wanted.image.clone(),
                source,
            })?;
            // Bytes behind the compressed stream are part of the blob, though not of the image.
            io::copy(&mut ahead, &mut io::sink()).map_err(|source| FetchError::Read {
                image: wanted.image.clone(),
                source,
            })?;
            Ok(extracted)
        });
        (reader, extracted.map(|extracted| (extracted, tree)))
    }

    /// `error` with numbers, if the files did not fit: those extracted so far are gone again.
    fn told_of_room(&self, error: FetchError, arrived: &Arrived, wanted: &Wanted) -> FetchError {
        let FetchError::Extract {
            source: ExtractError::File { source, .. },
            ..
        } = &error
        else {
            return error;
        };
        let listing = match arrived.ingest.reader() {
            Ok(reader) if is_full(source) => list(reader, &ListOptions::default()),
            _ => return error,
        };
        let Ok(listing) = listing else { return error };
        let files = listing.files.files().iter();
        let needed = files
            .map(|file| file.size.next_multiple_of(BLOCK) + BLOCK)
            .sum();
        let what = format!("the files of image {}", wanted.image);
        // Otherwise it was not for want of bytes: there is a quota, or a limit on the number of files.
        match self.context.store.check_room(&what, needed) {
            Err(numbers) => numbers.into(),
            Ok(()) => error,
        }
    }

    fn publish(
        &mut self,
        arrived: Arrived,
        examined: Examined,
        check: &Check,
        wanted: &Wanted,
    ) -> Result<ImageId, FetchError> {
        let now = nanos(self.now());
        let Arrived {
            ingest,
            source,
            etag,
            last_modified,
            max_age,
            ..
        } = arrived;
        let Examined {
            content,
            manifest,
            verdict,
            _dependencies,
            flat,
            root,
        } = examined;
        let id = content.id;
        let store = self.context.store;
        let mut publication = store.publication(&id)?;
        let own = TreeId::of_images(&[id]);
        if !publication.share_tree(&own)?
            && let Files::Extracted(tree) = content.files
        {
            publication.tree(own.clone(), tree);
        }
        let rendered = match root {
            Root::Overlay => None,
            Root::RenderedLater => Some(TreeId::rendered(&flat)),
            Root::Rendered(tree) => {
                let id = TreeId::rendered(&flat);
                publication.tree(id.clone(), tree);
                Some(id)
            }
        };
        let signature = match check {
            Check::Signed(signature) => Some(publication.bytes(&signature.bytes)?),
            _ => None,
        };
        let layer = Layer {
            digest: content.digest.clone(),
            diff_id: Digest::sha512(*id.digest()),
            size: ingest.len(),
            unpacked: content.size,
        };
        publication.blob(content.digest, ingest);
        let record = ImageRecord {
            id,
            kind: ImageKind::Aci,
            name: manifest.name,
            labels: manifest.labels,
            aliases: Vec::new(),
            layers: vec![layer],
            trees: (flat.distinct().iter())
                .map(|id| TreeId::of_images(&[*id]))
                .collect(),
            flat: Some(flat).filter(|flat| flat.places().len() > 1),
            rendered,
            size: content.size,
            import_time: now,
            last_used: now,
            latest: wanted.latest.then_some(now),
            origins: (source.into_iter())
                .map(|source| Origin {
                    source,
                    name: wanted.name.clone(),
                    etag: etag.clone(),
                    last_modified: last_modified.clone(),
                    max_age,
                    fetched: now,
                })
                .collect(),
            verdict,
            signature,
            oci: None,
        };
        publication.commit(&record)?;
        Ok(id)
    }
}

/// What was extracted, and the digest of the file.
fn content_of(
    (extracted, tree): (Extracted, TreeStaging),
    digest: Digest,
) -> Result<Content, FetchError> {
    write_implied(tree.dir(), &extracted.implied).map_err(|source| StoreError::Io {
        operation: "write to",
        path: tree.path().to_owned(),
        source,
    })?;
    Ok(Content {
        id: extracted.image_id,
        digest,
        manifest: extracted.manifest,
        size: extracted.bytes,
        files: Files::Extracted(tree),
    })
}
