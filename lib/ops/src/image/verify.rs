//! Whether images of the store are still what was verified when they were fetched.
//!
//! A blob is compared with its digest, and the extracted tree with the archive in the blob, entry by entry;
//! a rendered tree with the same one rendered anew, and that of a layer with the same one extracted anew. What is damaged of trees is made again from good blobs,
//! and a damaged blob is fetched again if that is wanted.

mod compare;
mod layers;
mod report;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::thread;

use gantry_archive::aci::AciError;
use gantry_archive::extract::{ExtractOptions, Ownership, extract_aci};
use gantry_archive::list::{Listing, list};
use gantry_archive::render::{ImageTree, Images, write_implied};
use gantry_store::{
    AskInUse, Digest, DigestReader, ImageRecord, Replaced, Store, StoreError, TreeId, TreeStaging,
};
use gantry_types::ImageId;
use gantry_types::show::one_line;

pub use report::{BlobFault, BlobReport, ImageReport, TreeError, TreeReport, TreeState};

use super::export::layer_of;
use crate::fetch::{FetchContext, refetch_blob};
use compare::{FoundTree, differences, faults, options};

/// What verification works with.
pub struct VerifyContext<'a> {
    /// Where the images are.
    pub store: &'a Store,
    /// Whose the extracted files are.
    pub ownership: Ownership,
    /// What pods use.
    pub in_use: &'a mut AskInUse<'a>,
}

/// Verifies images, each once, however many others depend on it.
pub struct Verifier<'a> {
    context: VerifyContext<'a>,
    done: HashMap<ImageId, ImageReport>,
}

impl<'a> Verifier<'a> {
    /// Nothing is read yet.
    #[must_use]
    pub fn new(context: VerifyContext<'a>) -> Self {
        Self {
            context,
            done: HashMap::new(),
        }
    }

    /// What was found of an image that was verified.
    #[must_use]
    pub fn report(&self, id: &ImageId) -> Option<&ImageReport> {
        self.done.get(id)
    }

    /// Verifies an image and those it depends on, whose trees are parts of its root; gives the IDs of all of
    /// them, its own first.
    ///
    /// Blob and tree of an image are read at the same time, by a thread each. With `repair` a damaged blob is
    /// fetched from where it came from.
    ///
    /// # Errors
    ///
    /// [`StoreError::Missing`] if the image, or one it depends on, is not in the store, and what prevents
    /// reading of records. What is wrong with blobs and trees is in the reports.
    pub fn verify(
        &mut self,
        id: &ImageId,
        mut repair: Option<&mut FetchContext<'_>>,
    ) -> Result<Vec<ImageId>, StoreError> {
        let record = self.context.store.record(id)?;
        let images = record.flat_list().distinct();
        // Those beneath first: the rendered tree is made of their trees.
        for image in images.iter().rev() {
            if !self.done.contains_key(image) {
                let report = self.image(image, repair.as_deref_mut())?;
                self.done.insert(*image, report);
            }
        }
        let rendered = record.rendered.clone();
        if let Some(rendered) = rendered
            && !(self.done.get(id)).is_some_and(|r| r.trees.iter().any(|tree| tree.id == rendered))
        {
            let parts = images
                .iter()
                .all(|image| self.done.get(image).is_some_and(ImageReport::is_good));
            let state = match parts {
                true => self.rendered(&record, &rendered)?,
                false => TreeState::Unknown,
            };
            if let Some(report) = self.done.get_mut(id) {
                let id = rendered;
                report.trees.push(TreeReport { id, state });
            }
        }
        Ok(images)
    }

    fn image(
        &mut self,
        id: &ImageId,
        repair: Option<&mut FetchContext<'_>>,
    ) -> Result<ImageReport, StoreError> {
        let store = self.context.store;
        let (lease, record) = store.use_image(id)?;
        let mut report = ImageReport {
            id: *id,
            blobs: Vec::new(),
            trees: Vec::new(),
        };
        let own = layer_of(&record);
        for digest in record
            .blobs()
            .filter(|d| own.is_none_or(|own| own.digest != **d))
        {
            let fault = check(store, digest).err();
            report.blobs.push(BlobReport {
                digest: digest.clone(),
                fault,
                repair: None,
            });
        }
        let Some(own) = own else {
            mend(&record, &mut report.blobs, repair);
            report.trees = self.layers(&record, &report.blobs, lease);
            return Ok(report);
        };
        let tree_id = TreeId::of_images(&[*id]);
        let path = store.tree_path(&tree_id);
        let (archive, tree) = thread::scope(|scope| {
            let archive = scope.spawn(|| read_archive(store, &own.digest));
            let tree = FoundTree::read(&path);
            let archive = archive
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            (archive, tree)
        });
        let (mut archive, fault) = match archive {
            Ok(archive) => (Some(archive), None),
            Err(fault) => (None, Some(fault)),
        };
        report.blobs.insert(
            0,
            BlobReport {
                digest: own.digest.clone(),
                fault,
                repair: None,
            },
        );
        mend(&record, &mut report.blobs, repair);
        if archive.is_none() && report.blobs[0].is_good() {
            archive = read_archive(store, &own.digest).ok();
        }
        let state = match archive {
            None => TreeState::Unknown,
            Some(Err(source)) => TreeState::Damaged(Vec::new(), TreeError::List { source }),
            Some(Ok(archive)) => {
                let wrong = match &tree {
                    Ok(tree) => faults(&archive, tree, self.context.ownership),
                    Err(error) => vec![one_line(error)],
                };
                drop((archive, tree));
                match wrong.is_empty() {
                    true => TreeState::Good,
                    false => self.rebuild(wrong, &tree_id, Some(lease), |staging, ownership| {
                        extract(store, &own.digest, staging, ownership)
                    }),
                }
            }
        };
        report.trees.push(TreeReport { id: tree_id, state });
        Ok(report)
    }

    /// Compares the rendered tree with what rendering gives now.
    fn rendered(&mut self, record: &ImageRecord, id: &TreeId) -> Result<TreeState, StoreError> {
        let store = self.context.store;
        let lease = store.lease(&record.id)?;
        if !store.has_tree(id) {
            return Ok(TreeState::NotRendered);
        }
        let staging = TreeStaging::new(store)?;
        let ownership = self.context.ownership;
        let render = || {
            let trees = record.trees.iter();
            let trees = trees.map(|tree| ImageTree::open(&store.tree_path(tree)));
            let images = Images::read(record.flat_list(), trees.collect::<Result<_, _>>()?)?;
            images.render_tree(&images.plan(), staging.dir(), ownership)
        };
        if let Err(source) = render() {
            return Ok(TreeState::Damaged(Vec::new(), TreeError::Render { source }));
        }
        let path = store.tree_path(id);
        let (good, found) = thread::scope(|scope| {
            let good = scope.spawn(|| FoundTree::read(staging.path()));
            let found = FoundTree::read(&path);
            let good = good
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            (good, found)
        });
        let good = match good {
            Ok(good) => good,
            Err(error) => {
                let reason = one_line(&error);
                return Ok(TreeState::Damaged(Vec::new(), TreeError::Again { reason }));
            }
        };
        let wrong = match &found {
            Ok(found) => differences(&good, found),
            Err(error) => vec![one_line(error)],
        };
        Ok(match wrong.is_empty() {
            true => TreeState::Good,
            false => {
                drop(lease);
                self.replace(wrong, id, staging)
            }
        })
    }

    fn rebuild(
        &mut self,
        wrong: Vec<String>,
        id: &TreeId,
        lease: Option<gantry_store::Lease>,
        make: impl FnOnce(&TreeStaging, Ownership) -> Result<(), TreeError>,
    ) -> TreeState {
        let made = TreeStaging::new(self.context.store)
            .map_err(TreeError::from)
            .and_then(|staging| make(&staging, self.context.ownership).map(|()| staging));
        drop(lease);
        match made {
            Ok(staging) => self.replace(wrong, id, staging),
            Err(error) => TreeState::Damaged(wrong, error),
        }
    }

    fn replace(&mut self, wrong: Vec<String>, id: &TreeId, staging: TreeStaging) -> TreeState {
        let store = self.context.store;
        match store.replace_tree(id, staging, self.context.in_use) {
            Ok(Replaced::Done) => TreeState::Rebuilt(wrong),
            Ok(Replaced::InUse) => TreeState::Damaged(wrong, TreeError::InUse),
            Ok(Replaced::Unwanted) => TreeState::Damaged(wrong, TreeError::Gone),
            Err(error) => TreeState::Damaged(wrong, error.into()),
        }
    }
}

/// Fetches damaged blobs again, if that is wanted.
fn mend(record: &ImageRecord, blobs: &mut [BlobReport], repair: Option<&mut FetchContext<'_>>) {
    let Some(repair) = repair else { return };
    for blob in blobs.iter_mut().filter(|blob| blob.fault.is_some()) {
        blob.repair = Some(refetch_blob(record, &blob.digest, repair));
    }
}

/// Reads a blob to its end.
fn check(store: &Store, digest: &Digest) -> Result<(), BlobFault> {
    let found = DigestReader::new(digest.algorithm(), open(store, digest)?).finish();
    same(digest, found)
}

/// Reads a blob to its end, and lists the archive that it is if it is good.
fn read_archive(store: &Store, digest: &Digest) -> Result<Result<Listing, AciError>, BlobFault> {
    let mut reader = DigestReader::new(digest.algorithm(), open(store, digest)?);
    let listing = list(&mut reader, &options());
    same(digest, reader.finish())?;
    Ok(listing)
}

fn open(store: &Store, digest: &Digest) -> Result<File, BlobFault> {
    File::open(store.blob_path(digest)).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => BlobFault::Missing,
        _ => BlobFault::Read { source },
    })
}

fn same(digest: &Digest, found: io::Result<Digest>) -> Result<(), BlobFault> {
    match found {
        Ok(found) if found == *digest => Ok(()),
        Ok(_) => Err(BlobFault::Damaged),
        Err(source) => Err(BlobFault::Read { source }),
    }
}

#[expect(
    clippy::field_reassign_with_default,
    reason = "the options may get more fields, so there is no other way to fill them in"
)]
fn extract(
    store: &Store,
    digest: &Digest,
    staging: &TreeStaging,
    ownership: Ownership,
) -> Result<(), TreeError> {
    let path = store.blob_path(digest);
    let failed = |operation| {
        let path = path.clone();
        move |source| StoreError::Io {
            operation,
            path,
            source,
        }
    };
    let blob = File::open(&path).map_err(failed("read"))?;
    // It was good a moment ago; what is extracted is what counts.
    let mut reader = DigestReader::new(digest.algorithm(), blob);
    let mut options = ExtractOptions::default();
    options.ownership = ownership;
    let extracted = extract_aci(&mut reader, staging.dir(), &options)
        .map_err(|source| TreeError::Extract { source })?;
    if reader.finish().map_err(failed("read"))? != *digest {
        return Err(failed("read")(io::Error::other("it changed while it was read")).into());
    }
    write_implied(staging.dir(), &extracted.implied).map_err(failed("extract"))?;
    Ok(())
}
