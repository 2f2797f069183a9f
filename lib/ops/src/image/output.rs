//! An image of the store as files elsewhere.

mod place;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use gantry_archive::copy::{CopyError, CopyOptions, copy_tree};
use gantry_archive::extract::Ownership;
use gantry_archive::layer::{LayerError, flatten};
use gantry_archive::render::{ImageTree, Images, RenderError};
use gantry_store::{ImageKind, ImageRecord, Store, StoreError, TreeId};
use gantry_types::{Diagnostic, ImageId, Kind};

use crate::room::is_full;
use place::Place;

/// Where an image goes.
#[derive(Debug, Clone, Copy)]
pub struct Output<'a> {
    /// The directory.
    pub directory: &'a Path,
    /// The directory becomes the root file system itself, in place of holding `manifest` and `rootfs`.
    pub rootfs_only: bool,
    /// A directory that is there gives way.
    pub overwrite: bool,
    /// Whose the files are.
    pub ownership: Ownership,
}

/// An image could not be written to a directory, which is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// It is there.
    #[error("output directory {} exists", path.display())]
    Exists {
        /// The directory.
        path: PathBuf,
    },
    /// It is one that must not be replaced.
    #[error("refusing to replace {}: {reason}", path.display())]
    Precious {
        /// The directory.
        path: PathBuf,
        /// Why not.
        reason: &'static str,
    },
    /// A file operation failed.
    #[error("cannot {operation} {}", path.display())]
    File {
        /// What was tried, as a verb.
        operation: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The image cannot be rendered.
    #[error("cannot render image {}", id.short())]
    Render {
        /// The image.
        id: ImageId,
        /// Why.
        source: RenderError,
    },
    /// The files of the image cannot be copied.
    #[error("cannot extract image {}", id.short())]
    Copy {
        /// The image.
        id: ImageId,
        /// Why.
        source: CopyError,
    },
    /// The layers of the image cannot be put together.
    #[error("cannot extract image {}", id.short())]
    Layers {
        /// The image.
        id: ImageId,
        /// Why.
        source: LayerError,
    },
    /// The new directory is there; what it replaced is not gone.
    #[error("cannot remove all of what was in {} before", path.display())]
    Leftover {
        /// The directory.
        path: PathBuf,
        /// What stays, and why.
        source: io::Error,
    },
}

impl Diagnostic for OutputError {
    fn kind(&self) -> Kind {
        match self {
            Self::Exists { .. } | Self::Precious { .. } => Kind::Usage,
            Self::Store(error) => error.kind(),
            Self::Render { source, .. } => source.kind(),
            Self::Copy { source, .. } => source.kind(),
            Self::Layers { source, .. } => source.kind(),
            Self::File { .. } | Self::Leftover { .. } => Kind::Environment,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Exists { .. } => Some("give another one, or --overwrite".to_owned()),
            Self::Store(error) => error.hint(),
            Self::Render { source, .. } => source.hint(),
            Self::Copy { source, .. } => source.hint(),
            Self::Layers { source, .. } => source.hint(),
            Self::File { source, path, .. } if is_full(source) => Some(format!(
                "make room on the file system of {}",
                path.display()
            )),
            _ => None,
        }
    }
}

/// The part of a tree that is not `manifest`.
const ROOTFS: &str = "rootfs";

fn failed(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OutputError {
    let path = path.to_owned();
    move |source| OutputError::File {
        operation,
        path,
        source,
    }
}

/// Writes an image, together with all that it depends on, to a directory.
///
/// The files get their place in one step once all of them are on stable storage.
///
/// # Errors
///
/// [`OutputError`]; what was there before is still there.
pub fn render(store: &Store, id: &ImageId, output: &Output<'_>) -> Result<(), OutputError> {
    let (_lease, record) = store.use_image(id)?;
    if record.kind == ImageKind::Oci {
        return write(store, &record, output, 0o700, |into| {
            layers(store, &record, into, output.ownership)
        });
    }
    write(store, &record, output, 0o700, |into| {
        let render = || {
            let trees = record
                .trees
                .iter()
                .map(|tree| ImageTree::open(&store.tree_path(tree)));
            let images = Images::read(record.flat_list(), trees.collect::<Result<_, _>>()?)?;
            images.render(
                &images.plan(),
                (into.as_fd(), OsStr::new(ROOTFS)),
                output.ownership,
            )
        };
        render().map_err(|source| OutputError::Render { id: *id, source })
    })
}

/// Writes an image as it is, without what it depends on, to a directory.
///
/// # Errors
///
/// As for [`render`].
pub fn extract(store: &Store, id: &ImageId, output: &Output<'_>) -> Result<(), OutputError> {
    let (_lease, record) = store.use_image(id)?;
    if record.kind == ImageKind::Oci {
        return write(store, &record, output, 0o644, |into| {
            layers(store, &record, into, output.ownership)
        });
    }
    write(store, &record, output, 0o644, |into| {
        let from = store.tree_path(&TreeId::of_images(&[*id])).join(ROOTFS);
        let options = CopyOptions {
            ownership: output.ownership,
            ..CopyOptions::default()
        };
        copy_tree(
            (rustix::fs::CWD, &from),
            (into.as_fd(), OsStr::new(ROOTFS)),
            &options,
        )
        .map_err(|source| OutputError::Copy { id: *id, source })
    })
}

/// Puts the layers of an OCI image together as `rootfs`.
fn layers(
    store: &Store,
    record: &ImageRecord,
    into: &File,
    ownership: Ownership,
) -> Result<(), OutputError> {
    let mut roots = Vec::new();
    for tree in &record.trees {
        let path = store.tree_path(tree).join(ROOTFS);
        roots.push(File::open(&path).map_err(failed("open", &path))?);
    }
    let roots: Vec<_> = roots.iter().map(AsFd::as_fd).collect();
    let to = (into.as_fd(), OsStr::new(ROOTFS));
    flatten(&roots, to, ownership).map_err(|source| OutputError::Layers {
        id: record.id,
        source,
    })
}

/// Has `make` put `rootfs` into a hidden directory, adds the manifest with this mode, and gives it its name.
fn write(
    store: &Store,
    record: &ImageRecord,
    output: &Output<'_>,
    manifest_mode: u32,
    make: impl FnOnce(&File) -> Result<(), OutputError>,
) -> Result<(), OutputError> {
    let place = Place::find(output, store.root())?;
    let staging = place.stage()?;
    let directory = File::open(staging.path()).map_err(failed("open", staging.path()))?;
    make(&directory)?;
    if output.rootfs_only {
        return place.publish(&staging, ROOTFS);
    }
    let text = match store.derived_manifest(record)? {
        Some(manifest) => manifest.to_json(),
        None => {
            let own = store.tree_path(&TreeId::of_images(&[record.id]));
            let original = own.join("manifest");
            fs::read(&original).map_err(failed("read", &original))?
        }
    };
    let manifest = staging.path().join("manifest");
    File::options()
        .write(true)
        .create_new(true)
        .mode(manifest_mode)
        .open(&manifest)
        .and_then(|mut file| io::Write::write_all(&mut file, &text))
        .map_err(failed("write", &manifest))?;
    // Not left to the umask of the process.
    for (path, mode) in [(manifest.as_path(), manifest_mode), (staging.path(), 0o755)] {
        fs::set_permissions(path, PermissionsExt::from_mode(mode))
            .map_err(failed("set mode of", path))?;
    }
    place.publish(&staging, "")
}
