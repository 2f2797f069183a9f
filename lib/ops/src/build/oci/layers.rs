//! The layer in the making.

use std::fs::File;
use std::os::fd::{AsFd as _, AsRawFd as _};

use gantry_archive::snapshot::Snapshot;
use gantry_archive::write::{Counted, WrittenLayer, write_layer};
use gantry_types::oci::{Descriptor, Digest, MediaType, Packing};
use rustix::fs::{Mode, OFlags};

use super::super::context::{Build, read_file, write_file};
use super::super::error::at;
use super::super::write::{WriteOptions, archive_options};
use super::{OciBuildError, OciImage, blobs};
use gantry_archive::compress::Compression;

/// What the tree was when the last layer was finished, and its next version.
pub(super) const SNAPSHOT: &str = "snapshot";
const NEW_SNAPSHOT: &str = "snapshot.new";

/// Largest snapshot, in bytes: some hundred for each of ten million files.
const MAX_SNAPSHOT: u64 = 1 << 31;

/// What is told of a layer that was not asked for by a command of its own.
pub(super) const CREATED_BY: &str = "acbuild";

/// A layer in a file without a name.
pub(super) struct PackedLayer {
    pub(super) file: File,
    pub(super) descriptor: Descriptor,
    pub(super) diff_id: Digest,
    pub(super) entries: u64,
}

impl Build {
    /// Finishes the layer in the making, so that what comes after is in another one. Without any change since the last
    /// one there is nothing to finish.
    ///
    /// # Errors
    ///
    /// [`OciBuildError`].
    pub fn finish_layer(
        &self,
        history: Option<&str>,
        options: &WriteOptions,
    ) -> Result<(), OciBuildError> {
        let mut image = self.oci_image()?;
        let rootfs = self.rootfs()?;
        let layer = self.pack(&self.snapshot()?, options)?;
        if layer.entries > 0 {
            blobs::adopt(self.image.as_fd(), &layer.descriptor.digest, &layer.file)?;
            image.add_layer(layer.descriptor, layer.diff_id, CREATED_BY);
        }
        if let Some(line) = history {
            image.record(line);
        }
        // A command that is killed between the two steps makes the next layer hold the same once more, which
        // changes nothing of the image.
        let taken = Snapshot::take(rootfs.as_fd())?.to_bytes();
        write_file(self.context.dir(), NEW_SNAPSHOT, &taken)?;
        self.save_oci(&image)?;
        let dir = self.context.dir();
        Ok(rustix::fs::renameat(dir, NEW_SNAPSHOT, dir, SNAPSHOT).map_err(at(SNAPSHOT))?)
    }

    /// What the tree was when the last layer was finished.
    pub(super) fn snapshot(&self) -> Result<Snapshot, OciBuildError> {
        self.remove_beside(NEW_SNAPSHOT)?;
        match read_file(self.context.dir(), SNAPSHOT, MAX_SNAPSHOT)? {
            None => Ok(Snapshot::default()),
            Some(bytes) => {
                let snapshot = Snapshot::from_bytes(&bytes);
                snapshot.ok_or_else(|| OciBuildError::Damaged {
                    what: format!("../{SNAPSHOT}"),
                })
            }
        }
    }

    /// Packs what has changed since `before`.
    pub(super) fn pack(
        &self,
        before: &Snapshot,
        options: &WriteOptions,
    ) -> Result<PackedLayer, OciBuildError> {
        let packing = match options.compression {
            Compression::None => Packing::Plain,
            Compression::Gzip => Packing::Gzip,
            Compression::Zstd => Packing::Zstd,
            Compression::Xz | Compression::Bzip2 => {
                return Err(OciBuildError::Unsupported {
                    what: "this compression of layers",
                });
            }
        };
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW;
        let name = "layer.new";
        let mode = Mode::from_raw_mode(0o600);
        let file = rustix::fs::openat(self.context.dir(), name, flags | OFlags::CLOEXEC, mode);
        let file = File::from(file.map_err(at(name))?);
        // It needs no name, and is gone with this process.
        self.remove_beside(name)?;
        let rootfs = self.rootfs()?;
        let mut counted = Counted::new(std::io::BufWriter::with_capacity(1 << 18, &file));
        let written = write_layer(
            rootfs.as_fd(),
            before,
            &mut counted,
            &archive_options(options),
        )?;
        let WrittenLayer { diff_id, entries } = written;
        let (buffered, digest, length) = counted.finish();
        let failed = |source| OciBuildError::Target {
            path: name.into(),
            source,
        };
        buffered
            .into_inner()
            .map_err(|error| failed(error.into_error()))?;
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        let file = File::open(path).map_err(failed)?;
        Ok(PackedLayer {
            file,
            descriptor: Descriptor::new(
                MediaType::OciLayer(packing),
                Digest::sha256(digest),
                length,
            ),
            diff_id: Digest::sha256(diff_id),
            entries,
        })
    }
}

impl OciImage {
    /// Forgets all layers, for one that has all of it.
    pub(super) fn forget_layers(&mut self) {
        self.manifest.layers.clear();
        self.config.diff_ids.clear();
        self.config.history.clear();
    }
}
