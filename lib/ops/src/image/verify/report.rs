//! What verification found.

use std::io;

use gantry_archive::aci::AciError;
use gantry_archive::extract::ExtractError;
use gantry_archive::layer::LayerError;
use gantry_archive::render::RenderError;
use gantry_store::{Digest, StoreError, TreeId};
use gantry_types::{Diagnostic, ImageId, Kind};

use crate::fetch::RefetchError;

/// What is wrong with a blob.
#[derive(Debug, thiserror::Error)]
pub enum BlobFault {
    /// It is not there.
    #[error("it is missing")]
    Missing,
    /// It has another digest.
    #[error("it is damaged")]
    Damaged,
    /// It cannot be read.
    #[error("it cannot be read")]
    Read {
        /// Why.
        source: io::Error,
    },
}

/// One blob as found.
#[derive(Debug)]
pub struct BlobReport {
    /// Which.
    pub digest: Digest,
    /// What was wrong with it, if anything was.
    pub fault: Option<BlobFault>,
    /// Where good bytes came from, or why none could be had; `None` if nothing was tried.
    pub repair: Option<Result<String, RefetchError>>,
}

impl BlobReport {
    /// Whether it is good now.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.fault.is_none() || matches!(self.repair, Some(Ok(_)))
    }
}

/// What was found of a tree.
#[derive(Debug)]
pub enum TreeState {
    /// It is what it should be.
    Good,
    /// It is made when the image is run.
    NotRendered,
    /// Its blob is damaged, or that of an image it is made of: there is nothing to compare it with.
    Unknown,
    /// It was damaged, as told by name, and has been made anew.
    Rebuilt(Vec<String>),
    /// It is damaged, as told by name, and could not be made anew.
    Damaged(Vec<String>, TreeError),
}

/// One tree as found.
#[derive(Debug)]
pub struct TreeReport {
    /// Which.
    pub id: TreeId,
    /// What was found.
    pub state: TreeState,
}

/// A damaged tree could not be made anew.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// Somebody uses it.
    #[error("a pod or a running command uses the tree")]
    InUse,
    /// The image was removed meanwhile.
    #[error("the image was removed meanwhile")]
    Gone,
    /// The archive cannot be listed, though its bytes are those that were fetched.
    #[error("cannot list the image")]
    List {
        /// Why.
        source: AciError,
    },
    /// The archive cannot be extracted.
    #[error("cannot extract the image")]
    Extract {
        /// Why.
        source: ExtractError,
    },
    /// The layers cannot be put over each other.
    #[error("cannot extract the image")]
    Layer {
        /// Why.
        source: LayerError,
    },
    /// The images cannot be rendered.
    #[error("cannot render the image")]
    Render {
        /// Why.
        source: RenderError,
    },
    /// What was made anew cannot be read back.
    #[error("cannot read the tree that was made anew: {reason}")]
    Again {
        /// Why.
        reason: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Diagnostic for TreeError {
    fn kind(&self) -> Kind {
        match self {
            Self::InUse | Self::Gone | Self::Again { .. } => Kind::Environment,
            Self::List { source } => source.kind(),
            Self::Extract { source } => source.kind(),
            Self::Layer { source } => source.kind(),
            Self::Render { source } => source.kind(),
            Self::Store(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::InUse => {
                Some("stop and remove the pods of the image, then verify again".to_owned())
            }
            Self::List { source } => source.hint(),
            Self::Extract { source } => source.hint(),
            Self::Layer { source } => source.hint(),
            Self::Render { source } => source.hint(),
            Self::Store(error) => error.hint(),
            Self::Gone | Self::Again { .. } => None,
        }
    }
}

/// One image as found.
#[derive(Debug)]
pub struct ImageReport {
    /// Which.
    pub id: ImageId,
    /// Its blobs, the signature's among them.
    pub blobs: Vec<BlobReport>,
    /// Its own tree, and the one that was rendered of it and what it depends on.
    pub trees: Vec<TreeReport>,
}

impl ImageReport {
    /// Whether every part is good now.
    #[must_use]
    pub fn is_good(&self) -> bool {
        let good = |tree: &TreeReport| {
            matches!(
                tree.state,
                TreeState::Good | TreeState::NotRendered | TreeState::Rebuilt(_)
            )
        };
        self.blobs.iter().all(BlobReport::is_good) && self.trees.iter().all(good)
    }
}
