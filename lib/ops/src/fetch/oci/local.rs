//! OCI and Docker images in files of this machine.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use gantry_store::{Ingest, Source, Store};
use gantry_types::oci::{Descriptor, Digest, MediaType, Platform, ToAciError};
use gantry_types::{AcIdentifier, ImageId};

use super::import::{OciRequest, import};
use super::source::{ImageSource, SourceError};
use super::{DockerArchive, FlatDirectory, Layout, OciFetchError};
use crate::fetch::{FetchContext, InsecureOptions, Notice};

/// A format in which images lie in files, by the name that containers' tools have for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// `oci:DIR[:NAME]`
    Oci,
    /// `oci-archive:FILE[:NAME]`
    OciArchive,
    /// `docker-archive:FILE[:NAME[:TAG]]`
    DockerArchive,
    /// `dir:DIR`
    Dir,
}

impl Transport {
    const ALL: [Self; 4] = [Self::Oci, Self::OciArchive, Self::DockerArchive, Self::Dir];

    /// What stands before the first colon of a reference.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Oci => "oci",
            Self::OciArchive => "oci-archive",
            Self::DockerArchive => "docker-archive",
            Self::Dir => "dir",
        }
    }
}

/// An image in a file or directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalImage {
    /// Its format.
    pub transport: Transport,
    /// Where it lies: absolute, without `.` in it.
    pub path: PathBuf,
    /// Which image of several; `None` for the only one.
    pub name: Option<String>,
    /// The reference as the user gave it, for messages.
    pub given: String,
}

impl LocalImage {
    /// Reads a reference; `None` if it is of another kind. Relative paths are relative to `directory`. As with
    /// containers' tools a path has no colon in it.
    #[must_use]
    pub fn parse(text: &str, directory: &Path) -> Option<Self> {
        let (scheme, rest) = text.split_once(':')?;
        let transport = Transport::ALL
            .into_iter()
            .find(|known| known.as_str() == scheme)?;
        let (path, name) = match (transport, rest.split_once(':')) {
            (Transport::Dir, _) | (_, None) => (rest, None),
            (_, Some((path, name))) => (path, Some(name.to_owned())),
        };
        Some(Self {
            transport,
            path: directory.join(path).components().collect(),
            name: name.filter(|name| !name.is_empty()),
            given: text.to_owned(),
        })
    }

    /// Brings the image into the store.
    ///
    /// # Errors
    ///
    /// As for [`import`].
    pub fn fetch(
        &self,
        platform: Option<&Platform>,
        insecure: &InsecureOptions,
        context: &mut FetchContext<'_>,
    ) -> Result<ImageId, OciFetchError> {
        let notice = Notice::UsingFile(self.path.clone());
        context.observer.notice(&notice);
        let opened = self.open(context.store)?;
        let (repository, tag) = self.called(opened.name.as_deref());
        let shown = self.path.display();
        let place = match &self.name {
            Some(name) => format!("{}:{shown}:{name}", self.transport.as_str()),
            None => format!("{}:{shown}", self.transport.as_str()),
        };
        let name = AcIdentifier::sanitize(&repository).or_else(|_| "image".parse());
        let request = OciRequest {
            image: self.given.clone(),
            source: &*opened.source,
            name: name.map_err(|error| OciFetchError::Convert {
                image: self.given.clone(),
                source: ToAciError::from(error),
            })?,
            tag,
            registry: String::new(),
            repository,
            origin: Some(Source::Url(place)),
            etag: None,
            platform: platform.cloned(),
            insecure: insecure.clone(),
            parallel: context.threads.clamp(1, 4),
        };
        import(&request, context)
    }

    /// Copies a blob of the image once more to where downloads are; whoever takes it compares its digest.
    ///
    /// At most `most` bytes are taken.
    pub(in crate::fetch) fn blob_again(
        &self,
        store: &Store,
        digest: &Digest,
        most: u64,
    ) -> Result<Ingest, OciFetchError> {
        let opened = self.open(store)?;
        let descriptor = Descriptor::new(MediaType::default(), digest.clone(), most);
        let root;
        let reader: Box<dyn Read + Send + '_> = match opened.source.blob(&descriptor, 0) {
            // In some formats the manifest is no blob.
            Err(SourceError::NoBlob { .. }) => {
                root = opened.source.root()?.bytes;
                Box::new(root.as_slice())
            }
            reader => reader?,
        };
        let mut ingest = store.ingest(&format!("blob {digest}"))?;
        ingest.restart()?;
        match io::copy(&mut reader.take(most), &mut ingest) {
            Ok(_) => Ok(ingest),
            Err(source) => {
                ingest.discard()?;
                Err(OciFetchError::Read {
                    image: self.given.clone(),
                    digest: digest.clone(),
                    source,
                })
            }
        }
    }

    fn open(&self, store: &Store) -> Result<Opened, SourceError> {
        let (path, name) = (self.path.as_path(), self.name.as_deref());
        let scratch = store.root().join("ingest");
        Ok(match self.transport {
            Transport::Oci => Opened::layout(Layout::directory(path, name)?),
            Transport::OciArchive => Opened::layout(Layout::archive(path, name, &scratch)?),
            Transport::DockerArchive => {
                let archive = DockerArchive::open(path, name, &scratch)?;
                Opened {
                    name: archive.image_name().map(str::to_owned),
                    source: Box::new(archive),
                }
            }
            Transport::Dir => Opened {
                name: None,
                source: Box::new(FlatDirectory::open(path)?),
            },
        })
    }

    /// What the image is called, and its tag: by itself, or by its file up to the first dot.
    ///
    /// Names are those of docker2aci: without a registry, and official images below `library`.
    fn called(&self, own: Option<&str>) -> (String, String) {
        let file = self.path.file_name().unwrap_or_default().to_string_lossy();
        let stem = file
            .split('.')
            .find(|part| !part.is_empty())
            .unwrap_or("image");
        let Some(own) = own else {
            return (stem.to_owned(), String::new());
        };
        // Within a layout the tag alone is enough of a name.
        if self.transport != Transport::DockerArchive && !own.contains(['/', ':', '@']) {
            return (stem.to_owned(), own.to_owned());
        }
        let own = own.split('@').next().unwrap_or_default();
        let last = own.rfind('/').map_or(0, |slash| slash + 1);
        let (name, tag) = match own[last..].split_once(':') {
            Some((name, tag)) => (&own[..last + name.len()], tag),
            None => (own, "latest"),
        };
        let repository = match name.split_once('/') {
            Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => rest,
            Some(_) => name,
            None => return (format!("library/{name}"), tag.to_owned()),
        };
        (repository.to_owned(), tag.to_owned())
    }
}

struct Opened {
    name: Option<String>,
    source: Box<dyn ImageSource>,
}

impl Opened {
    fn layout(layout: Layout) -> Self {
        Self {
            name: layout.image_name().map(str::to_owned),
            source: Box::new(layout),
        }
    }
}
