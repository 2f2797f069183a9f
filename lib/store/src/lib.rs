//! The image store: blobs, extracted trees, image records, locks, garbage collection.
//!
//! ```text
//! store/version                the number 1; `migrate.rs` knows how older layouts become this one
//! store/blobs/ALGO/HEX         bytes exactly as received, read-only, named by digest
//! store/trees/TREEID/          extracted image: `manifest`, `rootfs`, perhaps `implied`; or one rendered
//!                              together with what it depends on; or `rootfs` of one layer of an OCI
//!                              image; hidden (`.new-…`) while filled
//! store/images/ID.json         ImageRecord; the image is in the store if and only if this file is
//! store/names/KEY/             look-up by name, name and version, URL and short ID; hints only
//! store/ingest/                partial downloads (see `Ingest`) and hidden files being written
//! store/locks/ID               leases on images; store/locks/publish: one record is changed at a time
//! ```
//!
//! Plain files, one `rename` to publish, `flock` to exclude, no database and no daemon. Three rules make
//! every moment safe to stop at, for the process and for the machine:
//!
//! - what has its final name in `blobs` or `trees` is complete and was durable before it got the name;
//! - the record appears last and disappears first, so a visible image has all it needs;
//! - everything else is found by the collector as garbage, because nothing refers to it and nobody
//!   locks it.
//!
//! A data directory may be shared by root and the members of a group; `shared.rs` says how, and why so.
//!
//! `publish.rs` and `gc.rs` give the order of steps, `ingest.rs` that of downloads. Time of last use is
//! the modification time of the record: noting it needs no space on the disk.

#![forbid(unsafe_code)]

mod crash;
mod digest;
mod digest_reader;
mod error;
mod find;
mod gc;
mod ingest;
mod ingest_need;
mod lease;
mod leftovers;
mod migrate;
mod names;
mod oci;
mod publish;
mod record;
mod record_file;
mod record_json;
mod replace;
mod room;
mod shared;
mod shrink;
mod sidecar;
mod staged_file;
mod store;
#[cfg(test)]
mod store_tests;
#[cfg(test)]
mod test_image;
mod tree;
mod tree_id;

pub use digest::{Algorithm, Digest, DigestError, sha512_of};
pub use digest_reader::DigestReader;
pub use error::{ResolveError, StoreError};
pub use find::Listing;
pub use gc::{AskInUse, GcReport, InUse};
pub use ingest::{Ingest, IngestReader};
pub use ingest_need::IngestNeed;
pub use lease::Lease;
pub use oci::OciParts;
pub use publish::Publication;
pub use record::{
    ImageKind, ImageRecord, Layer, MAX_ORIGINS, MAX_RECORD_BYTES, Origin, Signer, Source, Verdict,
    nanos,
};
pub use replace::Replaced;
pub use shared::{Neighbour, group_of, is_member};
pub use sidecar::Sidecar;
pub use store::{Store, VERSION};
pub use tree::TreeStaging;
pub use tree_id::{TreeId, TreeIdError};
