//! Images in OCI layouts: a directory, or an archive of one.
//!
//! Source: OCI image-spec 1.1, image-layout.md.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use gantry_types::oci::{Descriptor, Index};

use super::files;
use super::source::{ImageSource, Root, SourceError};
use super::tar_file::TarFile;

/// Annotation with the name of an image within a layout.
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// Annotation with the whole name of an image, as containerd and buildkit write it.
const FULL_NAME: &str = "io.containerd.image.name";

/// A layout, and which of its images is meant.
#[derive(Debug)]
pub struct Layout {
    files: Files,
    path: PathBuf,
    index: Vec<u8>,
    wanted: Option<Descriptor>,
}

/// Where the files of a layout lie.
#[derive(Debug)]
enum Files {
    Directory,
    Archive(TarFile),
}

impl Layout {
    /// Opens the directory `path`; `name` is that of the image, needed if there are several.
    ///
    /// # Errors
    ///
    /// [`SourceError`].
    pub fn directory(path: &Path, name: Option<&str>) -> Result<Self, SourceError> {
        let index = files::document(&path.join("index.json"))?;
        let layout = files::document(&path.join("oci-layout"))?;
        Self::open(Files::Directory, path, index, &layout, name)
    }

    /// Opens the archive `path`, compressed or not; `scratch` is a directory for an uncompressed copy.
    ///
    /// # Errors
    ///
    /// [`SourceError`].
    pub fn archive(path: &Path, name: Option<&str>, scratch: &Path) -> Result<Self, SourceError> {
        let archive = TarFile::open(path, scratch)?;
        let index = archive.document("index.json", FORMAT_ARCHIVE)?;
        let layout = archive.document("oci-layout", FORMAT_ARCHIVE)?;
        Self::open(Files::Archive(archive), path, index, &layout, name)
    }

    fn open(
        files: Files,
        path: &Path,
        index: Vec<u8>,
        layout: &[u8],
        name: Option<&str>,
    ) -> Result<Self, SourceError> {
        let version = serde_json::from_slice::<Version>(layout);
        let reason = match version {
            Ok(Version { version }) if version.starts_with("1.") => None,
            Ok(Version { version }) => Some(format!("its version is {version:?}, not 1.0.0")),
            Err(error) => Some(format!("oci-layout: {error}")),
        };
        if let Some(reason) = reason {
            return Err(SourceError::Format {
                path: path.to_owned(),
                format: FORMAT,
                reason,
            });
        }
        let parsed = Index::from_json(&index, None).map_err(|source| SourceError::Document {
            path: path.join("index.json"),
            format: "OCI image index",
            source: Box::new(source),
        })?;
        let wanted = choose(&parsed, name).map_err(|offered| match name {
            Some(name) => SourceError::NoImage {
                place: path.display().to_string(),
                wanted: name.to_owned(),
                offered,
            },
            None => SourceError::Several {
                place: path.display().to_string(),
                offered,
            },
        })?;
        Ok(Self {
            files,
            path: path.to_owned(),
            index,
            wanted,
        })
    }

    /// The name that the layout has for the image, if it has one.
    #[must_use]
    pub fn image_name(&self) -> Option<&str> {
        let annotations = &self.wanted.as_ref()?.annotations;
        let name = annotations.get(FULL_NAME).or(annotations.get(REF_NAME));
        name.map(String::as_str)
    }

    fn open_blob(
        &self,
        descriptor: &Descriptor,
        from: u64,
    ) -> Result<Box<dyn Read + Send + '_>, SourceError> {
        let digest = &descriptor.digest;
        let name = format!("blobs/{}/{}", digest.algorithm().as_str(), digest.hex());
        let missing = || SourceError::NoBlob {
            place: self.path.display().to_string(),
            digest: digest.clone(),
        };
        match &self.files {
            Files::Directory => {
                let path = self.path.join(name);
                let mut file = match files::open(&path) {
                    Err(SourceError::Read { source, .. })
                        if source.kind() == io::ErrorKind::NotFound =>
                    {
                        return Err(missing());
                    }
                    file => file?,
                };
                file.seek(SeekFrom::Start(from))
                    .map_err(|source| SourceError::Read { path, source })?;
                Ok(Box::new(file))
            }
            Files::Archive(archive) => {
                let member = archive.member(&name).ok_or_else(missing)?;
                Ok(Box::new(archive.reader(member, from)))
            }
        }
    }
}

const FORMAT: &str = "OCI layout";
const FORMAT_ARCHIVE: &str = "archive of an OCI layout";

/// The file `oci-layout`.
#[derive(serde::Deserialize)]
struct Version {
    #[serde(rename = "imageLayoutVersion")]
    version: String,
}

/// The image with the name, or the only one; `None` if all of them are one image for several platforms. The names
/// that there are if neither can be said.
fn choose(index: &Index, name: Option<&str>) -> Result<Option<Descriptor>, Vec<String>> {
    let names = |image: &Descriptor| {
        let full = image.annotations.get(FULL_NAME);
        let short = image.annotations.get(REF_NAME);
        [full.cloned(), short.cloned()]
    };
    let offered = || {
        let mut all: Vec<String> = index.manifests.iter().flat_map(names).flatten().collect();
        all.sort();
        all.dedup();
        all.truncate(64);
        all
    };
    let Some(name) = name else {
        let unnamed = |image: &&Descriptor| names(image) == [None, None];
        return match index.manifests.as_slice() {
            [only] => Ok(Some(only.clone())),
            [] => Err(Vec::new()),
            all if all
                .iter()
                .all(|image| unnamed(&image) && image.platform.is_some()) =>
            {
                Ok(None)
            }
            _ => Err(offered()),
        };
    };
    let mut found = index.manifests.iter().filter(|image| {
        let names = names(image);
        names.iter().flatten().any(|known| known == name)
    });
    // What is written again under a name takes the place of the old one, so there are not two; of several, as of
    // old tools, the last one is the newest.
    found.next_back().cloned().map(Some).ok_or_else(offered)
}

impl ImageSource for Layout {
    fn root(&self) -> Result<Root, SourceError> {
        let Some(wanted) = &self.wanted else {
            return Ok(Root {
                bytes: self.index.clone(),
                media_type: None,
                digest: None,
            });
        };
        Ok(Root {
            bytes: self.manifest(wanted)?,
            media_type: Some(wanted.media_type.clone()),
            digest: Some(wanted.digest.clone()),
        })
    }

    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, SourceError> {
        let reader = self.open_blob(descriptor, 0)?;
        files::read_document(reader).map_err(|source| SourceError::Read {
            path: self.path.clone(),
            source,
        })
    }

    fn blob(
        &self,
        descriptor: &Descriptor,
        from: u64,
    ) -> Result<Box<dyn Read + Send + '_>, SourceError> {
        self.open_blob(descriptor, from)
    }

    fn is_remote(&self) -> bool {
        false
    }
}
