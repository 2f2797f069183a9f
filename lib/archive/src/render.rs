//! From the trees of an image and all that it depends on to one tree.
//!
//! The tree of an image is a directory as extraction makes it: `manifest` and `rootfs`, and beside them a
//! file `implied`, where the image has directories that none of its entries names. What goes where is
//! decided by [`gantry_types::render`]; this module lists the trees for it and carries its plan out.

mod implied;
mod list;
mod make;
#[cfg(test)]
mod tests;

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use gantry_sys::openat::open_beneath;
use gantry_types::render::{FlatList, ImageFiles, Plan, Whitelist, plan};
use gantry_types::{Diagnostic, ImageManifest, Kind, MAX_MANIFEST_BYTES, ManifestError};
use rustix::fs::{Mode, OFlags};

pub use implied::write_implied;

use crate::extract::Ownership;
use crate::room;

/// Images cannot be rendered. What was made before is left for the caller to remove.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A file could not be read or made.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried, such as "create the copy of".
        action: &'static str,
        /// The file in the tree of its image.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The manifest of an image is damaged.
    #[error("the manifest {} is damaged", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<ManifestError>,
    },
}

impl Diagnostic for RenderError {
    fn kind(&self) -> Kind {
        Kind::Environment
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::File { source, .. } => room::hint(source),
            Self::Manifest { .. } => None,
        }
    }
}

impl RenderError {
    /// The error of the file system, if that is what failed.
    #[must_use]
    pub fn io(&self) -> Option<&io::Error> {
        match self {
            Self::File { source, .. } => Some(source),
            Self::Manifest { .. } => None,
        }
    }
}

/// The tree of one image.
#[derive(Debug)]
pub struct ImageTree {
    /// The directory.
    pub directory: OwnedFd,
    /// Its path, for messages.
    pub path: PathBuf,
}

/// An image and all that it depends on, with lists of their files.
#[derive(Debug)]
pub struct Images {
    flat: FlatList,
    /// Of the top image.
    manifest: Vec<u8>,
    trees: Vec<ImageTree>,
    files: Vec<ImageFiles>,
}

impl Images {
    /// Lists the files of the images of `flat`; `trees` are those of [`FlatList::distinct`], in that order.
    ///
    /// # Errors
    ///
    /// [`RenderError`]: what cannot be read.
    pub fn read(flat: FlatList, trees: Vec<ImageTree>) -> Result<Self, RenderError> {
        let mut files = Vec::with_capacity(trees.len());
        let mut top = None;
        for tree in &trees {
            let (text, manifest) = tree.manifest()?;
            top.get_or_insert(text);
            files.push(ImageFiles {
                whitelist: Whitelist::new(&manifest.path_whitelist),
                files: list::files(tree)?,
            });
        }
        Ok(Self {
            flat,
            manifest: top.unwrap_or_default(),
            trees,
            files,
        })
    }

    /// What they look like together.
    #[must_use]
    pub fn plan(&self) -> Plan<'_> {
        plan(&self.flat, &self.files)
    }

    /// Makes the directory `to.1`, which must not exist, in `to.0`, and in it what `plan` says.
    ///
    /// Files are copies, which share their data with the originals where the file system can. Like
    /// [`copy_tree`](crate::copy::copy_tree) it keeps modes, times, holes, devices and, where that is
    /// permitted, extended attributes. `plan` is that of these images. Nothing is synced.
    ///
    /// # Errors
    ///
    /// [`RenderError`]; the caller removes what there is by then.
    pub fn render(
        &self,
        plan: &Plan<'_>,
        to: (BorrowedFd<'_>, &OsStr),
        ownership: Ownership,
    ) -> Result<(), RenderError> {
        make::make(&self.trees, plan, to, ownership)
    }

    /// Makes a tree as that of an image in the empty directory `tree`: `rootfs` as [`render`](Self::render)
    /// does, and the `manifest` of the top image.
    ///
    /// # Errors
    ///
    /// As for [`render`](Self::render).
    pub fn render_tree(
        &self,
        plan: &Plan<'_>,
        tree: BorrowedFd<'_>,
        ownership: Ownership,
    ) -> Result<(), RenderError> {
        self.render(plan, (tree, "rootfs".as_ref()), ownership)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let write = || {
            let file = rustix::fs::openat(tree, "manifest", flags, Mode::from_raw_mode(0o644))?;
            File::from(file).write_all(&self.manifest)
        };
        write().map_err(|source| self.trees[0].failed("create the copy of", b"manifest", source))
    }
}

impl ImageTree {
    /// Opens the tree at `path`.
    ///
    /// # Errors
    ///
    /// [`RenderError::File`].
    pub fn open(path: &Path) -> Result<Self, RenderError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = rustix::fs::open(path, flags, Mode::empty());
        Ok(Self {
            directory: directory.map_err(|error| RenderError::File {
                action: "open",
                path: path.to_owned(),
                source: error.into(),
            })?,
            path: path.to_owned(),
        })
    }

    /// The manifest, as text and as what it says.
    fn manifest(&self) -> Result<(Vec<u8>, ImageManifest), RenderError> {
        let text = self.read("manifest", MAX_MANIFEST_BYTES as u64)?;
        let text =
            text.ok_or_else(|| self.failed("read", b"manifest", io::ErrorKind::NotFound.into()))?;
        let manifest = ImageManifest::from_json(&text).map_err(|source| RenderError::Manifest {
            path: self.path.join("manifest"),
            source: Box::new(source),
        })?;
        Ok((text, manifest))
    }

    /// The content of a small file of the tree, if it is there.
    fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, RenderError> {
        let failed = |error| self.failed("read", name.as_bytes(), error);
        let flags = OFlags::RDONLY | OFlags::NONBLOCK;
        let file = match open_beneath(self.directory.as_fd(), name, flags, Mode::empty()) {
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            file => File::from(file.map_err(|error| failed(error.into()))?),
        };
        let mut text = Vec::new();
        file.take(limit + 1)
            .read_to_end(&mut text)
            .map_err(failed)?;
        match text.len() as u64 > limit {
            true => Err(failed(io::ErrorKind::FileTooLarge.into())),
            false => Ok(Some(text)),
        }
    }

    fn failed(&self, action: &'static str, path: &[u8], source: io::Error) -> RenderError {
        use std::os::unix::ffi::OsStrExt as _;
        RenderError::File {
            action,
            path: self.path.join(OsStr::from_bytes(path)),
            source,
        }
    }
}
