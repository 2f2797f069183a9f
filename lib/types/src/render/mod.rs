//! What an image and all that it depends on look like together, as a plan over lists of files.
//!
//! - [`Chain`] refuses images that depend on themselves, while dependencies are looked for;
//! - [`FlatList`] is the image and what it depends on in the order of their priority;
//! - [`Whitelist`] says which paths of an image, and of all beneath it, are kept;
//! - [`plan()`] decides, path by path, from which image it is taken.
//!
//! Nothing here reads an image: whoever has one makes [`ImageFiles`] of it, from a tree or an archive, and
//! carries out the plan. Source: appc spec, aci.md, "Dependency Matching", ace.md, "Filesystem Setup", and
//! pkg/acirenderer; the rules that differ are told at [`plan()`].

mod chain;
mod flat;
mod plan;
mod whitelist;

pub use chain::{Chain, ChainError};
pub use flat::{FlatImage, FlatList, FlatListError, MAX_PLACES};
pub use plan::{Entry, FileKind, ImageFile, ImageFiles, MAX_LAYERS, Make, Plan, plan};
pub use whitelist::Whitelist;
