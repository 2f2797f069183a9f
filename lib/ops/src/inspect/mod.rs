//! A picture of an image: what it is, what lies in it, what it needs, who signed it, what is wrong with it.

mod capability;
mod dependencies;
mod error;
mod notable;
mod problems;
mod signature;
mod usage;

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use gantry_archive::compress::Compression;
use gantry_archive::list::{FileList, ListOptions, list_tree, survey};
use gantry_trust::Keystore;
use gantry_types::show::one_line;
use gantry_types::{ImageId, ImageManifest};

pub use capability::FileCapabilities;
pub use dependencies::{DependencyLine, Resolution};
pub use error::InspectError;
pub use gantry_trust::{SignatureInfo, Verdict};
pub use notable::{Notable, Trait};
pub use signature::{Check, SignatureReport};
pub use usage::{Counts, DirectoryUsage, LargeFile};

use crate::layout::LayoutParts;

/// How to look at an image.
#[derive(Debug)]
pub struct InspectOptions<'a> {
    /// Sizes are told for directories down to this level beneath the root.
    pub depth: usize,
    /// How many of the largest files are told.
    pub top: usize,
    /// Image files among which dependencies are looked for.
    pub dependencies: Vec<PathBuf>,
    /// The signature file; without it, `IMAGE.asc` if there is one.
    pub signature: Option<PathBuf>,
    /// Key files to check the signature with, whatever the image's name.
    pub keys: Vec<PathBuf>,
    /// The keys of this machine, which count for the names they are trusted for.
    pub keystore: &'a Keystore,
    /// The time at which keys and signatures have to be valid.
    pub now: SystemTime,
}

/// The picture of an image.
#[derive(Debug)]
pub struct Inspection {
    /// Size of the image file in bytes; none for a layout.
    pub file_size: Option<u64>,
    /// Compression of the image file; none for a layout.
    pub compression: Option<Compression>,
    /// The image ID, if the whole file could be decompressed; none for a layout.
    pub image_id: Option<ImageId>,
    /// Size of the uncompressed archive in bytes, where there is an ID.
    pub archive_size: Option<u64>,
    /// The manifest as it is stored, if it was found.
    pub manifest_text: Option<Vec<u8>>,
    /// The manifest, if it is valid.
    pub manifest: Option<ImageManifest>,
    /// Number of entries of each type, and size of all files.
    pub counts: Counts,
    /// Sizes by directory, parents before what lies in them; the root comes first.
    pub directories: Vec<DirectoryUsage>,
    /// The largest files, largest first.
    pub largest: Vec<LargeFile>,
    /// Files with special rights, devices, and what everybody can write to; sorted by path.
    pub notable: Vec<Notable>,
    /// What the image depends on, as far as the files are at hand; parents before children.
    pub dependencies: Vec<DependencyLine>,
    /// The signature of an image file, if there is one.
    pub signature: Option<SignatureReport>,
    /// Everything that is wrong, in words.
    pub problems: Vec<String>,
}

/// Looks at an image file of any compression, or at a layout.
///
/// A damaged image is no error: what can be read of it is told, and what is wrong is in
/// [`Inspection::problems`]. An image file is read once, and once more if its signature can be checked.
///
/// # Errors
///
/// [`InspectError`] where nothing can be told: no such file, no archive at all, a directory that is no
/// layout, a dependency or key that cannot be used.
pub fn inspect(path: &Path, options: &InspectOptions<'_>) -> Result<Inspection, InspectError> {
    let opening = |source| InspectError::Open {
        path: path.to_owned(),
        source,
    };
    let metadata = std::fs::metadata(path).map_err(opening)?;
    let (mut inspection, files) = if metadata.is_dir() {
        layout(path)?
    } else {
        let mut found = image(path)?;
        found.0.file_size = metadata.is_file().then_some(metadata.len());
        found
    };
    if let Some(text) = &inspection.manifest_text {
        match ImageManifest::from_json(text) {
            Ok(manifest) => inspection.manifest = Some(manifest),
            Err(error) => {
                let problem = one_line(&error);
                inspection
                    .problems
                    .push(format!("manifest: {}", problem.trim_start()));
            }
        }
    }
    inspection.problems.extend(problems::of_files(&files));
    usage::fill(&mut inspection, &files, options);
    inspection.notable = notable::find(&files);
    drop(files);
    if let Some(manifest) = &inspection.manifest {
        inspection.dependencies = dependencies::resolve(manifest, &options.dependencies)?;
    }
    if metadata.is_file() {
        let name = inspection.manifest.as_ref().map(|manifest| &manifest.name);
        inspection.signature = signature::report(path, name, options)?;
        let signature = inspection.signature.as_ref();
        let problem = signature.and_then(SignatureReport::problem);
        inspection.problems.extend(problem);
    }
    Ok(inspection)
}

/// Nothing but what is known before anything is counted.
fn empty() -> Inspection {
    Inspection {
        file_size: None,
        compression: None,
        image_id: None,
        archive_size: None,
        manifest_text: None,
        manifest: None,
        counts: Counts::default(),
        directories: Vec::new(),
        largest: Vec::new(),
        notable: Vec::new(),
        dependencies: Vec::new(),
        signature: None,
        problems: Vec::new(),
    }
}

fn image(path: &Path) -> Result<(Inspection, FileList), InspectError> {
    let file = crate::open_input(path).map_err(|source| InspectError::Open {
        path: path.to_owned(),
        source,
    })?;
    let survey = survey(file, &ListOptions::default()).map_err(|source| InspectError::Image {
        path: path.to_owned(),
        source,
    })?;
    let problems = survey.problems.iter();
    let inspection = Inspection {
        compression: Some(survey.compression),
        image_id: survey.stream.map(|(id, _)| id),
        archive_size: survey.stream.map(|(_, size)| size),
        manifest_text: survey.manifest.map(|(text, _)| text),
        problems: problems.map(one_line).collect(),
        ..empty()
    };
    Ok((inspection, survey.files))
}

fn layout(path: &Path) -> Result<(Inspection, FileList), InspectError> {
    let parts = LayoutParts::read(path)
        .and_then(LayoutParts::without_stray)
        .map_err(|source| InspectError::Layout {
            path: path.to_owned(),
            source,
        })?;
    let listing = list_tree(
        &parts.manifest,
        parts.rootfs.as_fd(),
        &ListOptions::default(),
    );
    let listing = listing.map_err(|source| InspectError::Tree {
        path: path.to_owned(),
        source,
    })?;
    let inspection = Inspection {
        manifest_text: Some(parts.manifest),
        ..empty()
    };
    Ok((inspection, listing.files))
}
