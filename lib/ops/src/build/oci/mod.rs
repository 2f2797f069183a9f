//! Builds of OCI images.
//!
//! ```text
//! currentaci/index.json         names the manifest; replaced in one step by every edit
//! currentaci/blobs/sha256/      manifest, configuration, and layers that are finished
//! currentaci/rootfs/            what the image holds: all layers together
//! snapshot                      what rootfs was when the last layer was finished
//! ```
//!
//! The layer in the making is the difference between `rootfs` and the snapshot. So commands work on one tree
//! as in the other mode, without a mount, and finished layers stay byte for byte.

mod blobs;
mod edits;
mod error;
mod layers;
mod layout;
mod stored;
mod time;
mod write;

use std::collections::BTreeMap;
use std::os::fd::{AsFd as _, BorrowedFd};

use gantry_types::ImageManifest;
use gantry_types::oci::{
    Descriptor, Digest, History, ImageConfig, Index, Manifest, MediaType, Platform,
};
use rustix::fs::AtFlags;

pub use edits::appc_only;
pub use error::OciBuildError;
pub use layout::OciFile;
pub use stored::StoredOci;
pub use write::{OciTarget, WrittenOci};

use super::context::{Build, read_file, write_file};
use super::error::at;
use super::history;
use crate::epoch::SourceDateEpoch;

/// The annotation that names an image in a layout. Source: OCI image-spec 1.1, annotations.md.
pub(super) const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// Name of an image that was given none.
pub(super) const LATEST: &str = "latest";

/// The file that marks a layout, and what it holds. Source: OCI image-spec 1.1, image-layout.md.
pub(super) const LAYOUT: (&str, &[u8]) = ("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#);

pub(super) const INDEX: &str = "index.json";
const NEW_INDEX: &str = "index.json.new";

/// Largest document that is read, in bytes. Source: OCI distribution-spec 1.1, "Pushing Manifests".
const MAX_DOCUMENT: u64 = 4 << 20;

/// An OCI image in the making.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OciImage {
    /// The manifest; its configuration and sizes are made anew when it is saved.
    pub manifest: Manifest,
    /// The configuration.
    pub config: ImageConfig,
    /// The name of the image in a layout.
    pub tag: String,
}

impl OciImage {
    /// An image for this machine without any layer, made at `epoch` or now.
    pub(super) fn new(epoch: Option<SourceDateEpoch>) -> Self {
        let host = Platform::host();
        let empty = Descriptor::new(MediaType::OciConfig, Digest::sha256([0; 32]), 0);
        Self {
            manifest: Manifest {
                media_type: MediaType::OciManifest,
                config: empty,
                layers: Vec::new(),
                artifact_type: None,
                subject: None,
                annotations: BTreeMap::new(),
            },
            config: ImageConfig {
                created: time::created(epoch),
                architecture: host.architecture,
                variant: host.variant,
                os: host.os,
                ..ImageConfig::default()
            },
            tag: LATEST.to_owned(),
        }
    }

    /// What an App Container image says of how it is run, as an OCI image says it.
    pub(super) fn of_aci(manifest: &ImageManifest, epoch: Option<SourceDateEpoch>) -> Self {
        let mut image = Self::new(epoch);
        for annotation in manifest.annotations.iter() {
            image.set_annotation(annotation.name.as_str(), &annotation.value);
        }
        if let Some(version) = manifest.labels.get("version") {
            // What is no name in a layout is not lost: it is a label as well.
            let _ = image.set_tag(version);
            image.set_label("version", version);
        }
        let Some(app) = &manifest.app else {
            return image;
        };
        let run = &mut image.config.config;
        run.entrypoint = app.exec.iter().cloned().collect();
        run.working_dir.clone_from(&app.working_directory);
        run.user = format!("{}:{}", app.user, app.group);
        let variables = app.environment.iter();
        run.env = variables
            .map(|variable| format!("{}={}", variable.name, variable.value))
            .collect();
        for mount in &app.mount_points {
            run.volumes.insert(mount.path.clone());
        }
        for port in &app.ports {
            let ports = port.port..=port.port.saturating_add(port.count.saturating_sub(1));
            let named = ports.map(|number| format!("{number}/{}", port.protocol));
            run.exposed_ports.extend(named);
        }
        image
    }

    /// Records a command.
    pub(super) fn record(&mut self, line: &str) {
        let names = self.manifest.annotations.keys().map(String::as_str);
        let name = format!("{}{}", history::PREFIX, history::next_number(names));
        self.manifest.annotations.insert(name, line.to_owned());
    }

    /// Adds a finished layer.
    pub(super) fn add_layer(&mut self, layer: Descriptor, diff_id: Digest, created_by: &str) {
        // Of an image that does not tell how it came about, nothing can be told that is complete.
        let told = self.config.history.iter().filter(|step| !step.empty_layer);
        if told.count() == self.config.diff_ids.len() {
            self.config.history.push(History {
                created: self.config.created.clone(),
                created_by: created_by.to_owned(),
                ..History::default()
            });
        }
        self.manifest.layers.push(layer);
        self.config.diff_ids.push(diff_id);
    }
}

impl Build {
    /// Reads the OCI image of this build.
    ///
    /// # Errors
    ///
    /// [`OciBuildError`] for a build of the other kind, or files that were changed by hand into something else.
    pub fn oci_image(&self) -> Result<OciImage, OciBuildError> {
        self.need_oci()?;
        let image = self.image.as_fd();
        let damaged = |what: &str| OciBuildError::Damaged {
            what: what.to_owned(),
        };
        let text = read_file(image, INDEX, MAX_DOCUMENT)?.ok_or_else(|| damaged(INDEX))?;
        let document = |what: &str| {
            let what = what.to_owned();
            |source| OciBuildError::Document {
                what,
                source: Box::new(source),
            }
        };
        let index = Index::from_json(&text, None).map_err(document(INDEX))?;
        let found = index.manifests.first().ok_or_else(|| damaged(INDEX))?;
        let bytes = blobs::read(image, &found.digest, MAX_DOCUMENT)?;
        let manifest = Manifest::from_json(&bytes, Some(&found.media_type))
            .map_err(document("the manifest"))?;
        let bytes = blobs::read(image, &manifest.config.digest, MAX_DOCUMENT)?;
        let config = ImageConfig::from_json(&bytes).map_err(document("the configuration"))?;
        let tag = found.annotations.get(REF_NAME);
        Ok(OciImage {
            manifest,
            config,
            tag: tag.cloned().unwrap_or_else(|| LATEST.to_owned()),
        })
    }

    /// Changes the OCI image and records `history`, both in one step.
    ///
    /// # Errors
    ///
    /// What `change` gives; the image then stays as it was.
    pub fn edit_oci(
        &self,
        history: Option<&str>,
        change: impl FnOnce(&mut OciImage) -> Result<(), OciBuildError>,
    ) -> Result<(), OciBuildError> {
        let before = self.oci_image()?;
        let mut image = before.clone();
        change(&mut image)?;
        if let Some(line) = history {
            image.record(line);
        }
        self.save_oci(&image)?;
        Ok(())
    }

    /// Replaces manifest and configuration, in one step for who reads the index.
    pub(super) fn save_oci(&self, image: &OciImage) -> Result<(), OciBuildError> {
        let dir = self.image.as_fd();
        let (index, documents) = documents(image)?;
        for (digest, bytes) in &documents {
            blobs::write(dir, digest, bytes)?;
        }
        write_file(dir, NEW_INDEX, &index)?;
        rustix::fs::renameat(dir, NEW_INDEX, dir, INDEX).map_err(at(INDEX))?;
        let layers = image.manifest.layers.iter().map(|layer| &layer.digest);
        let kept: Vec<&Digest> = layers
            .chain(documents.iter().map(|(digest, _)| digest))
            .collect();
        blobs::keep_only(dir, &kept)
    }

    /// Makes the files of a new OCI image in `image`, which is not in its place yet.
    pub(super) fn begin_oci(image: BorrowedFd<'_>, begun: &OciImage) -> Result<(), OciBuildError> {
        let (layout, text) = LAYOUT;
        write_file(image, layout, text)?;
        blobs::make(image)?;
        let (index, documents) = documents(begun)?;
        for (digest, bytes) in &documents {
            blobs::write(image, digest, bytes)?;
        }
        Ok(write_file(image, INDEX, &index)?)
    }

    /// Whether this build makes an OCI image.
    ///
    /// # Errors
    ///
    /// [`OciBuildError::WrongMode`] if it does not.
    fn need_oci(&self) -> Result<(), OciBuildError> {
        match self.is_oci() {
            true => Ok(()),
            false => Err(OciBuildError::WrongMode),
        }
    }

    /// Removes a file of the build, which may be missing.
    fn remove_beside(&self, name: &str) -> Result<(), OciBuildError> {
        match rustix::fs::unlinkat(self.context.dir(), name, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
            Err(error) => Err(at(name)(error).into()),
        }
    }
}

/// Configuration and manifest as they are written, in this order.
type Documents = Vec<(Digest, Vec<u8>)>;

/// The index, and manifest and configuration with their digests. Checks that others will take them.
fn documents(image: &OciImage) -> Result<(Vec<u8>, Documents), OciBuildError> {
    let refused = |source| OciBuildError::Document {
        what: "the image as it would be".to_owned(),
        source: Box::new(source),
    };
    let config = image.config.to_json();
    ImageConfig::from_json(&config).map_err(refused)?;
    let descriptor = |kind, bytes: &[u8]| {
        let digest = Digest::sha256(gantry_archive::digest::Sha256::of(bytes));
        Descriptor::new(kind, digest, bytes.len() as u64)
    };
    let manifest = Manifest {
        config: descriptor(MediaType::OciConfig, &config),
        ..image.manifest.clone()
    };
    let text = manifest.to_json();
    Manifest::from_json(&text, Some(&MediaType::OciManifest)).map_err(refused)?;
    let mut named = descriptor(MediaType::OciManifest, &text);
    named
        .annotations
        .insert(REF_NAME.to_owned(), image.tag.clone());
    named.platform = Some(Platform::from(&image.config));
    let documents = vec![
        (manifest.config.digest.clone(), config),
        (named.digest.clone(), text),
    ];
    Ok((Index::new(vec![named]).to_json(), documents))
}
