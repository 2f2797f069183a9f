//! Images that others have brought into a shared data directory, taken over into the caller's own store.
//!
//! To what another user's store says of an image nothing is owed (see `gantry_store`, `shared.rs`). Its blob is copied
//! first, and then checked as if it had been downloaded: the signature over all of it, by keys that the caller trusts
//! for the name, and the name itself where that is what was asked for. Root's word alone counts for others, in one
//! thing: what root used without a check, a member may take over without one, and it stays noted.
//!
//! It is copied whole even where root has it: a hard link would be root's file still, which its owner may change after
//! the check, and the kernel lets nobody link what is not his to write; the tree is extracted anew, for its files have
//! to belong to whoever runs them.

use std::fs::File;
use std::io::{self, Read};

use gantry_store::{ImageKind, ImageRecord, Neighbour, ResolveError, StoreError, Verdict};
use gantry_trust::MAX_SIGNATURE_BYTES;
use gantry_types::render::Chain;
use gantry_types::{Diagnostic, ImageId, ImageName, Kind};

use super::ahead::Ahead;
use super::import::{Arrived, Wanted};
use super::signature::Check;
use super::{FetchContext, FetchError, Fetcher, InsecureOptions, Notice, PullPolicy};

/// An image of somebody else cannot be taken over.
#[derive(Debug, thiserror::Error)]
pub enum TakeOverError {
    /// There is no signature.
    #[error(
        "image {} was brought by user {uid}, who did not check it and has no signature of it", id.short()
    )]
    NotChecked {
        /// The image.
        id: ImageId,
        /// Who brought it.
        uid: u32,
    },
    /// The bytes are those of another image than the record says.
    #[error("what user {uid} has in the store as image {claimed} is another image, {found}")]
    Other {
        /// Who brought it.
        uid: u32,
        /// Short ID as the record has it.
        claimed: String,
        /// Short ID by its content.
        found: String,
    },
}

impl Diagnostic for TakeOverError {
    fn kind(&self) -> Kind {
        Kind::Refused
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NotChecked { .. } => Some(
                "fetch it with its signature, or waive the check with --insecure-options=image"
                    .to_owned(),
            ),
            Self::Other { .. } => Some("fetch the image from where it came from".to_owned()),
        }
    }
}

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sought<'a> {
    /// The start of an ID.
    Prefix(&'a str),
    /// A name and labels.
    Name(&'a ImageName),
}

impl Sought<'_> {
    fn is(self, record: &ImageRecord) -> bool {
        match self {
            Self::Prefix(prefix) => record.id.to_string().starts_with(prefix),
            Self::Name(name) => record.answers(name),
        }
    }
}

/// Takes an image over from whoever else shares the data directory: by the start of its ID, or by name and labels.
/// `None` if nobody has it.
///
/// The network is not asked: what the image depends on has to be there as well.
///
/// # Errors
///
/// As for [`fetch`](super::fetch).
pub fn take_over(
    text: &str,
    insecure: &InsecureOptions,
    context: &mut FetchContext<'_>,
) -> Result<Option<ImageId>, FetchError> {
    let mut fetcher = Fetcher {
        context,
        policy: PullPolicy::Never,
        insecure,
        signature: None,
        chain: Chain::default(),
        held: Vec::new(),
        limit: None,
        ahead: Ahead::new(),
    };
    if text.starts_with(ImageId::PREFIX) {
        return fetcher.take_over(Sought::Prefix(text));
    }
    match text.parse::<ImageName>() {
        Ok(name) => fetcher.take_over(Sought::Name(&name)),
        Err(_) => Ok(None),
    }
}

impl Fetcher<'_, '_> {
    /// Takes over the first that is as it should be of the images of others that are what is sought.
    ///
    /// What somebody merely claims must not keep us from the image of somebody else, so a refusal counts only if there
    /// is no other.
    pub(super) fn take_over(&mut self, sought: Sought<'_>) -> Result<Option<ImageId>, FetchError> {
        let mut found = Vec::new();
        for neighbour in self.context.store.neighbours() {
            let Ok(listing) = neighbour.list() else {
                continue;
            };
            let mut images = listing.images;
            images.retain(|record| sought.is(record) && record.kind == ImageKind::Aci);
            images.sort_by_key(|record| std::cmp::Reverse((record.latest, record.import_time)));
            found.extend(images.into_iter().map(|record| (neighbour.clone(), record)));
        }
        if let Sought::Prefix(prefix) = sought
            && let Some((_, first)) = found.first()
            && found.iter().any(|(_, record)| record.id != first.id)
        {
            let prefix = prefix.to_owned();
            return Err(FetchError::Resolve {
                prefix: prefix.clone(),
                source: ResolveError::Ambiguous { prefix },
            });
        }
        let mut refused = None;
        for (neighbour, record) in found {
            match self.take_over_from(&neighbour, &record, sought) {
                Ok(id) => return Ok(Some(id)),
                Err(error) => {
                    if let Some(error) = refused.replace(error) {
                        self.notice(&Notice::Problem(error.to_string()));
                    }
                }
            }
        }
        refused.map_or(Ok(None), Err)
    }

    fn take_over_from(
        &mut self,
        neighbour: &Neighbour,
        record: &ImageRecord,
        sought: Sought<'_>,
    ) -> Result<ImageId, FetchError> {
        let uid = neighbour.uid();
        let image = format!("{} of user {uid}", record.id.short());
        let name = match sought {
            Sought::Prefix(_) => None,
            Sought::Name(name) => Some(name),
        };
        self.notice(&Notice::TakingOver(record.id, uid));
        let (check, note) = self.check_of(neighbour, record, name, &image)?;
        let not_checked = || TakeOverError::NotChecked { id: record.id, uid };
        let [layer] = record.layers.as_slice() else {
            return Err(not_checked().into());
        };
        let blob = neighbour.open_blob(&layer.digest)?;
        let path = self.context.store.blob_path(&layer.digest);
        let key = format!("user {uid} {}", layer.digest);
        let length = blob.metadata().map_or(0, |meta| meta.len());
        let mut content = check.taking_in(&image)?;
        let ingest = self.copy_in(&blob, &key, &path, &image, length, content.as_mut())?;
        let arrived = Arrived {
            ingest,
            content,
            // Where the other user says that it came from is not known to be true.
            source: None,
            note,
            etag: None,
            last_modified: None,
            max_age: None,
        };
        let wanted = Wanted {
            image,
            name: name.cloned(),
            latest: name.is_some_and(|name| name.version().is_none()),
        };
        let id = self.import(arrived, &check, &wanted)?;
        // Without a check of the image its name is not compared either.
        let is_sought = match sought {
            Sought::Prefix(_) => id == record.id,
            Sought::Name(name) => self.context.store.record(&id)?.answers(name),
        };
        match is_sought {
            true => Ok(id),
            false => Err(TakeOverError::Other {
                uid,
                claimed: record.id.short(),
                found: id.short(),
            }
            .into()),
        }
    }

    /// How the image is checked, and what is noted of it if it is not.
    fn check_of(
        &mut self,
        neighbour: &Neighbour,
        record: &ImageRecord,
        name: Option<&ImageName>,
        image: &str,
    ) -> Result<(Check, Option<String>), FetchError> {
        if self.insecure.image() {
            return Ok((Check::Waived, None));
        }
        if let Some(digest) = &record.signature {
            let signature = neighbour.open_blob(digest)?;
            let bytes = read_signature(signature).map_err(|source| StoreError::Io {
                operation: "read a signature of",
                path: self.context.store.root().to_owned(),
                source,
            })?;
            let keys = self.keys(image, name.map(|name| &name.name))?;
            let signature = self.signature(image, bytes, keys)?;
            return Ok((Check::Signed(signature), None));
        }
        match &record.verdict {
            // Root's store is written by root alone.
            Verdict::Waived { option } if neighbour.uid() == 0 => {
                Ok((Check::Waived, Some(option.clone())))
            }
            _ => Err(TakeOverError::NotChecked {
                id: record.id,
                uid: neighbour.uid(),
            }
            .into()),
        }
    }
}

fn read_signature(file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more than allowed, for the parser to refuse.
    file.take(MAX_SIGNATURE_BYTES as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}
