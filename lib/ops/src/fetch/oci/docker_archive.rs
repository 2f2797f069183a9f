//! Images as `docker save` writes them: an archive with `manifest.json`, or, before Docker 1.10, `repositories`.
//!
//! There is no manifest of the kind that registries have, so one is made. It names the layers as they lie in the
//! archive, most often uncompressed, and so its digest says what is in the archive and nothing about a registry.
//! Source: moby, image/tarexport; docker2aci, lib/internal/backend/file.

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::Path;

use gantry_archive::compress::sniff;
use gantry_archive::digest::{Sha256, Sha256Reader};
use gantry_types::oci::{Descriptor, Digest, Manifest, MediaType, Packing};
use serde::Deserialize;

use super::files;
use super::legacy::Legacy;
use super::source::{ImageSource, Root, SourceError};
use super::tar_file::{Member, TarFile};

const FORMAT: &str = "archive of docker save";

/// Bytes that tell how a layer is compressed.
const HEAD: u64 = 512;

/// An archive of `docker save`, and which of its images is meant.
#[derive(Debug)]
pub struct DockerArchive {
    archive: TarFile,
    manifest: Vec<u8>,
    blobs: HashMap<Digest, Blob>,
    name: Option<String>,
}

#[derive(Debug)]
enum Blob {
    Member(Member),
    Bytes(Vec<u8>),
}

/// One image in `manifest.json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Option<Vec<String>>,
}

impl Saved {
    fn tags(&self) -> &[String] {
        self.repo_tags.as_deref().unwrap_or_default()
    }
}

/// Parts of an image that lie in the archive.
pub(super) struct Parts {
    pub(super) config: Vec<u8>,
    /// Lowest first.
    pub(super) layers: Vec<Member>,
    pub(super) name: Option<String>,
}

impl DockerArchive {
    /// Opens the archive `path`, compressed or not; `name` is that of the image, needed if there are several, and
    /// `scratch` a directory for an uncompressed copy.
    ///
    /// # Errors
    ///
    /// [`SourceError`].
    pub fn open(path: &Path, name: Option<&str>, scratch: &Path) -> Result<Self, SourceError> {
        let archive = TarFile::open(path, scratch)?;
        let parts = match archive.member("manifest.json") {
            Some(_) => Self::saved(&archive, name)?,
            None => Legacy::parts(&archive, name)?,
        };
        let mut blobs = HashMap::new();
        let mut layers = Vec::new();
        for member in &parts.layers {
            let (digest, packing) = examine(&archive, *member)?;
            let kind = MediaType::DockerLayer(packing);
            layers.push(Descriptor::new(kind, digest.clone(), member.size));
            blobs.insert(digest, Blob::Member(*member));
        }
        let config = Digest::sha256(Sha256::of(&parts.config));
        let manifest = Manifest {
            media_type: MediaType::DockerManifest,
            config: Descriptor::new(
                MediaType::DockerConfig,
                config.clone(),
                parts.config.len() as u64,
            ),
            layers,
            artifact_type: None,
            subject: None,
            annotations: std::collections::BTreeMap::new(),
        };
        blobs.insert(config, Blob::Bytes(parts.config));
        Ok(Self {
            archive,
            manifest: manifest.to_json(),
            blobs,
            name: parts.name,
        })
    }

    /// The name that the archive has for the image, if it has one.
    #[must_use]
    pub fn image_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn saved(archive: &TarFile, name: Option<&str>) -> Result<Parts, SourceError> {
        let malformed = |reason: String| SourceError::Format {
            path: archive.path().to_owned(),
            format: FORMAT,
            reason,
        };
        let json = archive.document("manifest.json", FORMAT)?;
        let images: Vec<Saved> = serde_json::from_slice(&json)
            .map_err(|error| malformed(format!("manifest.json: {error}")))?;
        let (image, name) =
            choose(&images, name).map_err(|offered| several(archive.path(), name, offered))?;
        let config = archive.document(&image.config, FORMAT)?;
        let layers = image.layers.iter().flatten().map(|layer| {
            let member = archive.member(layer);
            member.ok_or_else(|| malformed(format!("it has no {layer:?}")))
        });
        Ok(Parts {
            config,
            layers: layers.collect::<Result<_, _>>()?,
            name,
        })
    }
}

/// The error for a choice that cannot be made.
pub(super) fn several(path: &Path, name: Option<&str>, offered: Vec<String>) -> SourceError {
    let place = path.display().to_string();
    match name {
        Some(name) => SourceError::NoImage {
            place,
            wanted: name.to_owned(),
            offered,
        },
        None => SourceError::Several { place, offered },
    }
}

/// The image with the name, or the only one, and its name; the names that there are otherwise.
fn choose<'a>(
    images: &'a [Saved],
    name: Option<&str>,
) -> Result<(&'a Saved, Option<String>), Vec<String>> {
    let offered = || {
        images
            .iter()
            .flat_map(Saved::tags)
            .take(64)
            .cloned()
            .collect()
    };
    match (name, images) {
        (None, [only]) => Ok((only, only.tags().first().cloned())),
        (None, _) => Err(offered()),
        (Some(name), _) => {
            let found = images
                .iter()
                .flat_map(|image| image.tags().iter().map(move |tag| (image, tag)))
                .find(|(_, tag)| is_called(tag, name));
            found
                .map(|(image, tag)| (image, Some(tag.clone())))
                .ok_or_else(offered)
        }
    }
}

/// Whether an image that is tagged `tag` is meant by `name`, which may leave out what is the default.
pub(super) fn is_called(tag: &str, name: &str) -> bool {
    let whole = |text: &str| {
        let text = text.strip_prefix("docker.io/").unwrap_or(text);
        let text = text.strip_prefix("library/").unwrap_or(text);
        let last = text.rsplit('/').next().unwrap_or_default();
        match last.contains(':') {
            true => text.to_owned(),
            false => format!("{text}:latest"),
        }
    };
    whole(tag) == whole(name)
}

/// Digest of a member, and how it is compressed.
pub(super) fn examine(archive: &TarFile, member: Member) -> Result<(Digest, Packing), SourceError> {
    let read = |source| SourceError::Read {
        path: archive.path().to_owned(),
        source,
    };
    let mut head = Vec::new();
    let start = archive.reader(member, 0).take(HEAD).read_to_end(&mut head);
    start.map_err(read)?;
    let packing = match sniff(&head).map(|found| found.name()) {
        Some("gzip") => Packing::Gzip,
        Some("zstd") => Packing::Zstd,
        // Whatever else it may be is found out when it is read.
        _ => Packing::Plain,
    };
    let mut reader = Sha256Reader::new(archive.reader(member, 0));
    io::copy(&mut reader, &mut io::sink()).map_err(read)?;
    Ok((Digest::sha256(reader.finish().1), packing))
}

impl ImageSource for DockerArchive {
    fn root(&self) -> Result<Root, SourceError> {
        Ok(Root {
            bytes: self.manifest.clone(),
            media_type: Some(MediaType::DockerManifest),
            digest: None,
        })
    }

    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, SourceError> {
        let reader = self.blob(descriptor, 0)?;
        files::read_document(reader).map_err(|source| SourceError::Read {
            path: self.archive.path().to_owned(),
            source,
        })
    }

    fn blob(
        &self,
        descriptor: &Descriptor,
        from: u64,
    ) -> Result<Box<dyn Read + Send + '_>, SourceError> {
        match self.blobs.get(&descriptor.digest) {
            Some(Blob::Member(member)) => Ok(Box::new(self.archive.reader(*member, from))),
            Some(Blob::Bytes(bytes)) => {
                let from = usize::try_from(from).unwrap_or(usize::MAX).min(bytes.len());
                Ok(Box::new(&bytes[from..]))
            }
            None => Err(SourceError::NoBlob {
                place: self.archive.path().display().to_string(),
                digest: descriptor.digest.clone(),
            }),
        }
    }

    fn is_remote(&self) -> bool {
        false
    }
}
