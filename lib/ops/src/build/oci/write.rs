//! Writing an OCI image: an archive in one file, or a layout directory.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use gantry_archive::compress::{Compression, Encoder};
use gantry_archive::rename::exchange;
use gantry_archive::snapshot::Snapshot;
use gantry_archive::sync::syncfs;
use gantry_archive::tar::{END, Entry, EntryKind, Timestamp, data_padding, encode};
use gantry_types::oci::Digest;

use super::super::context::Build;
use super::super::write::WriteOptions;
use super::layers::{CREATED_BY, PackedLayer};
use super::{INDEX, LAYOUT, OciBuildError, OciImage, blobs, documents, time};
use crate::epoch::SourceDateEpoch;
use crate::new_file::{NewFileError, Place};

/// Output is written in pieces of this size, in bytes.
const BUFFER: usize = 256 << 10;

/// Where an OCI image is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OciTarget<'a> {
    /// A layout in a tar archive.
    Archive(&'a Path),
    /// A layout in a directory.
    Layout(&'a Path),
    /// An archive in the place of another one, compressed like that.
    Replaced(&'a Path, Compression),
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenOci {
    /// That of the manifest.
    pub digest: Digest,
    /// Whether nothing says what to execute.
    pub exec_missing: bool,
}

/// The content of a file to be written.
enum Content<'a> {
    Bytes(&'a [u8]),
    File(File, u64),
}

impl Build {
    /// Writes the image, with the layer in the making; the build goes on.
    ///
    /// What is written gets its name when it is complete and on stable storage. With `squash` the image has one layer,
    /// otherwise those that it has, and the one in the making if anything has changed.
    ///
    /// # Errors
    ///
    /// [`OciBuildError`].
    pub fn write_oci(
        &self,
        target: OciTarget<'_>,
        tag: Option<&str>,
        squash: bool,
        options: &WriteOptions,
    ) -> Result<WrittenOci, OciBuildError> {
        let mut image = self.oci_image()?;
        if let Some(tag) = tag {
            image.set_tag(tag)?;
        }
        let created = options.epoch.map(SourceDateEpoch::seconds);
        if let Some(seconds) = created.or(options.exact_times.then_some(0)) {
            image.config.created = time::rfc3339(seconds.cast_unsigned());
        }
        let layer = match target {
            // It was not taken apart any further.
            OciTarget::Replaced(..) => None,
            OciTarget::Archive(_) | OciTarget::Layout(_) => {
                let before = match squash {
                    true => Snapshot::default(),
                    false => self.snapshot()?,
                };
                if squash {
                    image.forget_layers();
                }
                let layer = self.pack(&before, options)?;
                // An image has at least one layer, if only an empty one.
                (layer.entries > 0 || image.manifest.layers.is_empty()).then_some(layer)
            }
        };
        if let Some(layer) = &layer {
            image.add_layer(layer.descriptor.clone(), layer.diff_id.clone(), CREATED_BY);
        }
        let (index, documents) = documents(&image)?;
        let files = self.files(&image, &index, &documents, layer)?;
        match target {
            OciTarget::Archive(file) => {
                write_archive(file, files, options, None)?;
            }
            OciTarget::Replaced(file, compression) => {
                write_archive(file, files, options, Some(compression))?;
            }
            OciTarget::Layout(directory) => write_layout(directory, files, options.overwrite)?,
        }
        let run = &image.config.config;
        let (_, manifest) = documents
            .split_first()
            .map_or((None, None), |(config, rest)| (Some(config), rest.first()));
        let digest = manifest.map(|(digest, _)| digest.clone());
        Ok(WrittenOci {
            digest: digest.ok_or_else(|| OciBuildError::Damaged {
                what: INDEX.to_owned(),
            })?,
            exec_missing: run.entrypoint.is_empty() && run.cmd.is_empty(),
        })
    }

    /// The files of the layout, sorted by path.
    fn files<'a>(
        &self,
        image: &OciImage,
        index: &'a [u8],
        documents: &'a [(Digest, Vec<u8>)],
        layer: Option<PackedLayer>,
    ) -> Result<Vec<(String, Content<'a>)>, OciBuildError> {
        let path =
            |digest: &Digest| format!("blobs/{}/{}", digest.algorithm().as_str(), digest.hex());
        let mut files = Vec::new();
        for (digest, bytes) in documents {
            files.push((path(digest), Content::Bytes(bytes)));
        }
        for descriptor in &image.manifest.layers {
            let of_making = layer
                .as_ref()
                .filter(|layer| layer.descriptor == *descriptor);
            let file = match of_making {
                Some(layer) => layer
                    .file
                    .try_clone()
                    .map_err(|source| OciBuildError::Target {
                        path: path(&descriptor.digest).into(),
                        source,
                    })?,
                None => blobs::open(self.image.as_fd(), &descriptor.digest)?,
            };
            files.push((
                path(&descriptor.digest),
                Content::File(file, descriptor.size),
            ));
        }
        files.push((INDEX.to_owned(), Content::Bytes(index)));
        let (layout, text) = LAYOUT;
        files.push((layout.to_owned(), Content::Bytes(text)));
        files.sort_by(|a, b| a.0.cmp(&b.0));
        // Two layers may be the same.
        files.dedup_by(|a, b| a.0 == b.0);
        Ok(files)
    }
}

impl Content<'_> {
    fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File(_, size) => *size,
        }
    }

    fn write_to(self, out: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Bytes(bytes) => out.write_all(bytes),
            Self::File(file, size) => {
                let copied = io::copy(&mut file.take(size), out)?;
                match copied == size {
                    true => Ok(()),
                    false => Err(io::Error::other("a layer of the build was cut short")),
                }
            }
        }
    }
}

fn target(path: &Path) -> impl Fn(io::Error) -> OciBuildError {
    let path = path.to_owned();
    move |source| OciBuildError::Target {
        path: path.clone(),
        source,
    }
}

fn write_archive(
    file: &Path,
    files: Vec<(String, Content<'_>)>,
    options: &WriteOptions,
    replaced: Option<Compression>,
) -> Result<(), OciBuildError> {
    let failed = target(file);
    let refused = |error| match error {
        NewFileError::Exists => OciBuildError::Occupied {
            path: file.to_owned(),
        },
        NewFileError::NotAFile => failed(io::Error::other("it is not a regular file")),
        NewFileError::Failed(source) => failed(source),
    };
    let place = Place::new(file, options.overwrite).map_err(refused)?;
    let new = place.create(".acbuild-").map_err(target(file))?;
    let buffered = BufWriter::with_capacity(BUFFER, new.file());
    let compression = replaced.unwrap_or(Compression::None);
    let mut out = Encoder::new(buffered, compression).map_err(target(file))?;
    // The time of these files says nothing of the image.
    let seconds = options.epoch.map_or(0, SourceDateEpoch::seconds);
    let entry = |path: &str, kind, size| {
        let mode = if kind == EntryKind::Directory {
            0o755
        } else {
            0o644
        };
        encode(&Entry {
            path: path.as_bytes().to_vec(),
            kind,
            mode,
            uid: 0,
            gid: 0,
            mtime: Timestamp {
                seconds,
                nanoseconds: 0,
            },
            size,
            xattrs: Vec::new(),
            sparse: None,
        })
    };
    let write = move || -> io::Result<()> {
        for directory in ["blobs", "blobs/sha256"] {
            out.write_all(&entry(directory, EntryKind::Directory, 0))?;
        }
        for (path, content) in files {
            let size = content.size();
            out.write_all(&entry(&path, EntryKind::File, size))?;
            content.write_to(&mut out)?;
            out.write_all(data_padding(size))?;
        }
        out.write_all(&END)?;
        out.finish()?.flush()
    };
    write().map_err(target(file))?;
    if replaced.is_some() {
        let before = fs::metadata(file).map_err(target(file))?;
        new.keep_permissions(&before).map_err(target(file))?;
    }
    new.publish().map_err(refused)
}

fn write_layout(
    directory: &Path,
    files: Vec<(String, Content<'_>)>,
    overwrite: bool,
) -> Result<(), OciBuildError> {
    let exists = fs::symlink_metadata(directory).is_ok();
    if exists && !overwrite {
        return Err(OciBuildError::Occupied {
            path: directory.to_owned(),
        });
    }
    if exists && !directory.join(LAYOUT.0).is_file() {
        return Err(OciBuildError::NotALayout {
            path: directory.to_owned(),
        });
    }
    let parent = match directory.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let mut builder = tempfile::Builder::new();
    let staged = builder
        .prefix(".acbuild-")
        .tempdir_in(&parent)
        .map_err(target(directory))?;
    let write = || -> io::Result<()> {
        fs::create_dir_all(staged.path().join("blobs/sha256"))?;
        for (path, content) in files {
            let mut out = BufWriter::with_capacity(BUFFER, File::create(staged.path().join(path))?);
            content.write_to(&mut out)?;
            out.flush()?;
        }
        let dir = File::open(staged.path())?;
        // The directory of a temporary file is closed to others.
        rustix::fs::fchmod(&dir, rustix::fs::Mode::from_raw_mode(0o755))?;
        syncfs(dir.as_fd())?;
        match exists {
            // What was there goes with the staging directory.
            true if exchange(staged.path(), directory)? => Ok(()),
            true => {
                fs::remove_dir_all(directory)?;
                fs::rename(staged.path(), directory)
            }
            false => fs::rename(staged.path(), directory),
        }
    };
    write().map_err(target(directory))
}
