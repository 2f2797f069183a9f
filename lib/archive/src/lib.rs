//! Tar, compression, safe extraction, deterministic writing.
//!
//! - [`compress`] recognises and decodes what an image file may be compressed with;
//! - [`tar`] reads a tar stream entry by entry, and writes headers;
//! - [`aci`] says whether a stream is an App Container Image, and finds its manifest;
//! - [`list`] says what lies in an image, file by file;
//! - [`extract`] puts an image's files beneath a directory, and nowhere else;
//! - [`layer`] has what is special about the layers of OCI and Docker images;
//! - [`mod@write`] makes an image of a directory, the same bytes on every run;
//! - [`rewrite`] copies an image and puts another manifest into it;
//! - [`snapshot`] tells later what has changed in a tree, which [`write::write_layer`] makes a layer of;
//! - [`copy`] copies a tree of files with everything that belongs to them;
//! - [`render`] makes one tree of those of an image and all that it depends on;
//! - [`overlay_marks`] takes out of a tree what an overlay left in it;
//! - [`remove_tree`] removes what was extracted or copied, [`rename`] and [`sync`] give it its name for good,
//!   [`lock`] keeps others away;
//! - [`digest`] hashes what passes through, [`seal`] knows it again;
//! - [`pipeline`] has the stages of all that run side by side.
//!
//! Every byte read here is a stranger's until a signature says otherwise, so each reader has
//! [`limits`], and each refusal names the entry and the rule it broke ([`refusal`]).
//!
//! The tar format is read and written by this crate itself: the `tar` crate reads extension headers of
//! any size into memory, drops the high bytes of large numbers, takes a missing end for the end, and
//! knows no PAX sparse files.

#![forbid(unsafe_code)]

pub mod aci;
pub mod compress;
pub mod copy;
pub mod digest;
pub mod extract;
pub mod layer;
pub mod limits;
pub mod list;
pub mod overlay_marks;
pub mod pipeline;
pub mod refusal;
pub mod render;
pub mod rewrite;
pub mod seal;
pub mod snapshot;
pub mod tar;
pub mod write;

pub use gantry_sys::{lock, remove_tree, rename, sync};

mod member;
mod metadata;
mod owner_note;
mod room;
mod shift;
