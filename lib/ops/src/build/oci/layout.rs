//! An OCI image in an archive, taken apart to be changed and written again.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use gantry_archive::compress::{Compression, Decoder};
use gantry_archive::digest::{Sha256, Sha256Reader};
use gantry_archive::extract::{self, ExtractOptions, Ownership};
use gantry_archive::limits::Limits;
use gantry_types::oci::{
    Algorithm, Descriptor, Digest, Document, ImageConfig, Index, Manifest, Platform,
};
use rustix::fs::AtFlags;

use super::super::begin::{BeginOptions, Start};
use super::super::context::{Build, ROOTFS, UNFINISHED, open_dir, read_file};
use super::super::error::at;
use super::super::remove::remove_tree;
use super::super::write::WriteOptions;
use super::{
    INDEX, LATEST, LAYOUT, MAX_DOCUMENT, OciBuildError, OciImage, OciTarget, REF_NAME, blobs,
};

/// An OCI archive, whose image can be changed without a build in progress.
#[derive(Debug)]
pub struct OciFile {
    path: PathBuf,
    build: Build,
    compression: Compression,
}

impl OciFile {
    /// Takes the archive apart in `scratch`, an empty directory; what stays there is the caller's to remove.
    ///
    /// # Errors
    ///
    /// [`OciBuildError`] for what is no archive of one OCI image.
    pub fn open(path: &Path, scratch: &Path) -> Result<Self, OciBuildError> {
        let failed = |source| OciBuildError::Target {
            path: path.to_owned(),
            source,
        };
        // A FIFO would make the tool wait for ever.
        let metadata = std::fs::metadata(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => OciBuildError::Value {
                what: format!("image doesn't appear to exist: {}.", path.display()),
            },
            _ => failed(source),
        })?;
        if metadata.is_dir() {
            return Err(OciBuildError::Value {
                what: format!("image to modify is a directory: {}.", path.display()),
            });
        }
        if !metadata.is_file() {
            return Err(failed(io::Error::other("it is not a regular file")));
        }
        let file = File::open(path).map_err(failed)?;
        let not_one = |why: &dyn std::error::Error| OciBuildError::NotAnArchive {
            path: path.to_owned(),
            why: why.to_string(),
        };
        let compression = Decoder::new(&file, &Limits::default())
            .map_err(|error| not_one(&error))?
            .compression();
        io::Seek::rewind(&mut &file).map_err(failed)?;
        let options = BeginOptions {
            threads: 1,
            other_owners: false,
            oci: true,
            epoch: None,
        };
        let build = Build::begin_with(scratch, &Start::Nothing, &options)
            .map_err(|error| OciBuildError::Begin(Box::new(error)))?;
        let opened = Self {
            path: path.to_owned(),
            build,
            compression,
        };
        let dir = opened.build.context.dir();
        let name = OsStr::from_bytes(UNFINISHED.to_bytes());
        rustix::fs::mkdirat(dir, name, rustix::fs::Mode::RWXU).map_err(at(name))?;
        let target = open_dir(dir, "unfinished").map_err(at(name))?;
        let options = ExtractOptions {
            ownership: Ownership::CurrentUser,
            ..ExtractOptions::default()
        };
        extract::extract_rootfs(&file, target.as_fd(), &options)
            .map_err(|error| not_one(&error))?;
        let layout = open_dir(target.as_fd(), ROOTFS).map_err(at(name))?;
        let image = opened.take(&layout)?;
        // The layers stay packed: of the tree nothing is needed, and nothing is there.
        let current = opened.build.image.as_fd();
        rustix::fs::unlinkat(current, ROOTFS, AtFlags::REMOVEDIR).map_err(at(ROOTFS))?;
        opened.build.save_oci(&image)?;
        remove_tree(dir, UNFINISHED).map_err(failed)?;
        Ok(opened)
    }

    /// The build, which has no tree.
    #[must_use]
    pub fn build(&self) -> &Build {
        &self.build
    }

    /// Puts the image together again, in the place of the archive, compressed as it was. It is replaced in one step,
    /// and keeps its permissions.
    ///
    /// # Errors
    ///
    /// [`OciBuildError`]; the archive then is as it was.
    pub fn replace(&self) -> Result<(), OciBuildError> {
        let options = WriteOptions {
            overwrite: true,
            epoch: None,
            exact_times: false,
            compression: self.compression,
            threads: 1,
        };
        let target = OciTarget::Replaced(&self.path, self.compression);
        self.build.write_oci(target, None, false, &options)?;
        Ok(())
    }

    /// Takes the one image of a layout over.
    fn take(&self, layout: &OwnedFd) -> Result<OciImage, OciBuildError> {
        let refused = |why: &str| OciBuildError::NotAnArchive {
            path: self.path.clone(),
            why: why.to_owned(),
        };
        let document = |source| OciBuildError::Document {
            what: self.path.display().to_string(),
            source: Box::new(source),
        };
        let (marker, _) = LAYOUT;
        read_file(layout.as_fd(), marker, MAX_DOCUMENT)?
            .ok_or_else(|| refused("it has no oci-layout"))?;
        let index = read_file(layout.as_fd(), INDEX, MAX_DOCUMENT)?
            .ok_or_else(|| refused("it has no index.json"))?;
        let index = Index::from_json(&index, None).map_err(document)?;
        let [named] = &index.manifests[..] else {
            return Err(refused("it holds more or fewer images than one"));
        };
        let tag = named.annotations.get(REF_NAME).cloned();
        let mut bytes = self.read(layout, named)?;
        let mut kind = named.media_type.clone();
        let manifest: Manifest = loop {
            match Document::from_json(&bytes, Some(&kind)).map_err(document)? {
                Document::Manifest(manifest) => break manifest,
                Document::Index(inner) => {
                    let [_] = &inner.manifests[..] else {
                        return Err(refused("its image is one for several platforms"));
                    };
                    let chosen = Platform::host()
                        .choose(&inner.manifests)
                        .map_err(document)?;
                    bytes = self.read(layout, chosen)?;
                    kind = chosen.media_type.clone();
                    if kind.is_index() {
                        return Err(refused("it has an index in an index"));
                    }
                }
            }
        };
        manifest.check_is_image().map_err(document)?;
        let config = self.read(layout, &manifest.config)?;
        let config = ImageConfig::from_json(&config).map_err(document)?;
        manifest.check_config(&config).map_err(document)?;
        for layer in &manifest.layers {
            let file = blobs::open(layout.as_fd(), &layer.digest)?;
            let mut hashed = Sha256Reader::new(&file);
            let copied = io::copy(&mut hashed, &mut io::sink());
            let length = copied.map_err(|source| OciBuildError::Target {
                path: self.path.clone(),
                source,
            })?;
            let (_, digest) = hashed.finish();
            if Digest::sha256(digest) != layer.digest || length != layer.size {
                return Err(refused("a layer is not what its digest says"));
            }
            let file = blobs::open(layout.as_fd(), &layer.digest)?;
            blobs::adopt(self.build.image.as_fd(), &layer.digest, &file)?;
        }
        Ok(OciImage {
            manifest,
            config,
            tag: tag.unwrap_or_else(|| LATEST.to_owned()),
        })
    }

    fn read(&self, layout: &OwnedFd, descriptor: &Descriptor) -> Result<Vec<u8>, OciBuildError> {
        let wrong = || OciBuildError::NotAnArchive {
            path: self.path.clone(),
            why: format!("it does not have {}", descriptor.digest),
        };
        if descriptor.digest.algorithm() != Algorithm::Sha256 {
            return Err(wrong());
        }
        let directory = blobs::directory(layout.as_fd()).map_err(|_| wrong())?;
        let bytes = read_file(directory.as_fd(), descriptor.digest.hex(), MAX_DOCUMENT)?;
        let bytes = bytes.ok_or_else(wrong)?;
        match Digest::sha256(Sha256::of(&bytes)) == descriptor.digest {
            true => Ok(bytes),
            false => Err(wrong()),
        }
    }
}
