//! Whether the trees of an OCI image are what its layers say.
//!
//! Each layer is extracted again, from the lowest up, and compared with the tree in the store.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;

use gantry_archive::extract::{ExtractOptions, extract_layer};
use gantry_archive::layer::complete;
use gantry_store::{ImageRecord, Layer, Lease, StoreError, TreeId, TreeStaging};
use gantry_types::show::one_line;

use super::compare::{FoundTree, differences};
use super::{BlobReport, TreeError, TreeReport, TreeState, Verifier};

impl Verifier<'_> {
    /// Verifies the trees of an image whose blobs were verified, and makes damaged ones anew.
    pub(super) fn layers(
        &mut self,
        record: &ImageRecord,
        blobs: &[BlobReport],
        lease: Lease,
    ) -> Vec<TreeReport> {
        let mut reports = Vec::new();
        let mut damaged = Vec::new();
        let mut below: Vec<File> = Vec::new();
        let mut unsure = false;
        // The lowest layers may have no tree: one above hides all of them.
        let layers = record.layers.iter().rev().zip(&record.trees).rev();
        for (layer, id) in layers {
            let good = (blobs.iter()).any(|blob| blob.digest == layer.digest && blob.is_good());
            unsure |= !good;
            if unsure {
                let (id, state) = (id.clone(), TreeState::Unknown);
                reports.push(TreeReport { id, state });
                continue;
            }
            let state = match self.layer(layer, &below) {
                Err(error) => {
                    unsure = true;
                    TreeState::Damaged(Vec::new(), error)
                }
                Ok(again) => {
                    let wrong = self.compare(id, &again);
                    let is_good = matches!(&wrong, Ok(wrong) if wrong.is_empty());
                    let place = match is_good {
                        true => self.context.store.tree_path(id),
                        false => again.path().to_owned(),
                    };
                    match File::open(&place) {
                        Ok(directory) => below.push(directory),
                        Err(_) => unsure = true,
                    }
                    match wrong {
                        Ok(_) if is_good => TreeState::Good,
                        Ok(wrong) => {
                            damaged.push((reports.len(), again));
                            TreeState::Rebuilt(wrong)
                        }
                        Err(error) => TreeState::Damaged(Vec::new(), error),
                    }
                }
            };
            let id = id.clone();
            reports.push(TreeReport { id, state });
        }
        drop((lease, below));
        for (place, staging) in damaged {
            let report: &mut TreeReport = &mut reports[place];
            if let TreeState::Rebuilt(wrong) = &report.state {
                report.state = self.replace(wrong.clone(), &report.id, staging);
            }
        }
        reports
    }

    /// What is wrong with a tree of the store.
    fn compare(&self, id: &TreeId, again: &TreeStaging) -> Result<Vec<String>, TreeError> {
        let good = FoundTree::read_layer(again.path()).map_err(|error| TreeError::Again {
            reason: one_line(&error),
        })?;
        Ok(
            match FoundTree::read_layer(&self.context.store.tree_path(id)) {
                Ok(found) => differences(&good, &found),
                Err(error) => vec![one_line(&error)],
            },
        )
    }

    #[expect(
        clippy::field_reassign_with_default,
        reason = "the options may get more fields, so there is no other way to fill them in"
    )]
    fn layer(&self, layer: &Layer, below: &[File]) -> Result<TreeStaging, TreeError> {
        let path = self.context.store.blob_path(&layer.digest);
        let failed = |source| StoreError::Io {
            operation: "read",
            path: path.clone(),
            source,
        };
        let blob = File::open(&path).map_err(failed)?;
        let staging = TreeStaging::new(self.context.store)?;
        let mut options = ExtractOptions::default();
        options.ownership = self.context.ownership;
        let algorithm = layer.diff_id.algorithm();
        let extracted = extract_layer(blob, staging.dir(), algorithm, &options, &mut || {})
            .map_err(|source| TreeError::Extract { source })?;
        if extracted.diff_id != layer.diff_id {
            return Err(failed(io::Error::other("it changed while it was read")).into());
        }
        let lower: Vec<_> = below.iter().rev().map(AsFd::as_fd).collect();
        complete(
            staging.dir(),
            &lower,
            &extracted.needs,
            self.context.ownership,
        )
        .map_err(|source| TreeError::Layer { source })?;
        Ok(staging)
    }
}
