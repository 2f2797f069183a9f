//! The engine of acbuild: an image in the making, kept in a directory between commands.
//!
//! ```text
//! WORK_PATH/.acbuild/
//!   lock                 flock during every command, removed after it
//!   buildMode            `appc` or `oci`
//!   currentaci/manifest  replaced in one step by every edit
//!   currentaci/rootfs/   what the image holds
//!   unfinished/          what `begin` prepares and `end` takes apart
//!   run/ work/ target/   of a command that runs in the image, and `absent`, what the image lacked for it
//!   users                `subordinate` where files in `rootfs` belong to subordinate IDs of a user without root
//! ```
//!
//! A build exists when `currentaci` exists; it gets and loses that name by one rename. So a command
//! killed at any moment leaves the old state or the new one, and the next one cleans up after it.
//! Scripts read and change `currentaci` themselves: its place and form are part of what acbuild promises.
//!
//! Owners: a user without root owns everything in `rootfs`, and the written image says root. So root
//! and every user get the same image from the same input that belongs to root.

mod accounts;
mod begin;
mod context;
mod copy;
pub mod edit;
mod error;
mod history;
mod lock;
mod modify;
mod oci;
mod place;
mod remove;
mod replace;
mod run;
mod script;
mod sign;
mod write;

pub use gantry_archive::compress::Compression;

pub use begin::{BeginError, BeginOptions, Start};
pub use context::Build;
pub use copy::{CopyChoices, CopyError};
pub use edit::EditError;
pub use error::OpenError;
pub use history::{RecordError, command_line};
pub use modify::{ImageFile, ModifyError};
pub use oci::{OciBuildError, OciFile, OciImage, OciTarget, StoredOci, WrittenOci, appc_only};
pub use replace::ReplaceError;
pub use run::RunError;
pub use script::{ScriptCommand, ScriptError, ScriptProblem, parse_script};
pub use sign::SignError;
pub use write::{WriteError, WriteOptions, Written};
