//! What need not be extracted, because the store has it.

use std::io;

use gantry_archive::digest::Sha512Reader;
use gantry_store::{Digest, StoreError, TreeId};

use super::import::{Arrived, Content, Files};
use super::{FetchError, Fetcher};

impl Fetcher<'_, '_> {
    /// The image that came from the same place before, if these are the very same bytes: then nothing
    /// has to be extracted.
    pub(super) fn known_copy(
        &self,
        arrived: &Arrived,
        digest: Option<&Digest>,
    ) -> Result<Option<Content>, FetchError> {
        let store = self.context.store;
        let Some(source) = &arrived.source else {
            return Ok(None);
        };
        let Some(found) = store.by_origin(source)? else {
            return Ok(None);
        };
        let (lease, record) = match store.use_image(&found.id) {
            Ok(used) => used,
            Err(StoreError::Missing { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let [layer] = record.layers.as_slice() else {
            return Ok(None);
        };
        let whole = layer.size == arrived.ingest.len()
            && record.damaged_layer(store).is_none()
            && record.blobs().all(|blob| store.has_blob(blob))
            && record.trees.iter().all(|tree| store.has_tree(tree));
        if !whole {
            return Ok(None);
        }
        let same = match digest {
            Some(digest) => *digest == layer.digest,
            None => {
                let mut reader = Sha512Reader::new(arrived.ingest.reader()?);
                io::copy(&mut reader, &mut io::sink()).is_ok()
                    && Digest::sha512(reader.finish().1) == layer.digest
            }
        };
        let own = store
            .tree_path(&TreeId::of_images(&[record.id]))
            .join("manifest");
        match std::fs::read(own) {
            Ok(manifest) if same => Ok(Some(Content {
                id: record.id,
                digest: layer.digest.clone(),
                manifest,
                size: record.size,
                files: Files::Kept { _lease: lease },
            })),
            _ => Ok(None),
        }
    }
}
