//! Images in a flat directory, as skopeo's `dir:` has them: `manifest.json`, and each blob by the digits of its digest.
//!
//! Source: containers/image, docs/containers-transports(5), "dir".

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use gantry_types::oci::{Algorithm, Descriptor, Digest};

use super::files;
use super::source::{ImageSource, Root, SourceError};

/// A directory with one image, or an index and its images.
#[derive(Debug)]
pub struct FlatDirectory {
    path: PathBuf,
    root: Vec<u8>,
}

impl FlatDirectory {
    /// Opens the directory.
    ///
    /// # Errors
    ///
    /// [`SourceError`].
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        Ok(Self {
            root: files::document(&path.join("manifest.json"))?,
            path: path.to_owned(),
        })
    }

    fn find(&self, digest: &Digest, suffix: &str) -> Result<(PathBuf, File), SourceError> {
        let plain = format!("{}{suffix}", digest.hex());
        let named = format!("{}-{plain}", digest.algorithm().as_str());
        let name = match digest.algorithm() {
            Algorithm::Sha256 => plain,
            Algorithm::Sha512 => named,
        };
        let path = self.path.join(name);
        match files::open(&path) {
            Ok(file) => Ok((path, file)),
            Err(SourceError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Err(SourceError::NoBlob {
                    place: self.path.display().to_string(),
                    digest: digest.clone(),
                })
            }
            Err(error) => Err(error),
        }
    }
}

impl ImageSource for FlatDirectory {
    fn root(&self) -> Result<Root, SourceError> {
        Ok(Root {
            bytes: self.root.clone(),
            media_type: None,
            digest: None,
        })
    }

    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, SourceError> {
        let (path, file) = self.find(&descriptor.digest, ".manifest.json")?;
        files::read_document(file).map_err(|source| SourceError::Read { path, source })
    }

    fn blob(
        &self,
        descriptor: &Descriptor,
        from: u64,
    ) -> Result<Box<dyn Read + Send + '_>, SourceError> {
        let (path, mut file) = self.find(&descriptor.digest, "")?;
        file.seek(SeekFrom::Start(from))
            .map_err(|source| SourceError::Read { path, source })?;
        Ok(Box::new(file))
    }

    fn is_remote(&self) -> bool {
        false
    }
}
