//! Making an image file of an image layout, a directory with `manifest` and `rootfs`.

mod error;
mod root;

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use gantry_archive::compress::Compression;
use gantry_archive::write::{self as archive, Owner};
use gantry_types::{ImageManifest, MAX_MANIFEST_BYTES};
use rustix::fs::{Mode, OFlags};

use crate::epoch::SourceDateEpoch;
use crate::new_file::{NewFile, NewFileError, Place};
use crate::validate::{LayoutError, Subject, ValidateError, validate};
pub use error::PackError;
pub use root::{PackRootOptions, pack_root};

/// What the name of an image file ends in. Source: appc spec, schema/image.go.
const EXTENSION: &str = ".aci";

/// Output is written in pieces of this size, in bytes.
const WRITE_BUFFER: usize = 256 << 10;

/// How an image is made of a layout.
#[derive(Debug, Clone, Copy, Default)]
pub struct PackOptions {
    /// Whether a file that exists already is replaced.
    pub overwrite: bool,
    /// Whether the archive stays a plain tar; otherwise it is compressed with gzip.
    pub uncompressed: bool,
    /// Whether everything in the image belongs to root; otherwise owners are those on disk.
    pub owner_root: bool,
    /// What "now" is in the image.
    pub epoch: Option<SourceDateEpoch>,
    /// How many threads may compress; the file does not depend on it.
    pub threads: usize,
}

/// Makes the image file `file` of the layout in `directory`.
///
/// The layout is checked first, as [`crate::validate`] does. The manifest is decoded and written anew, so
/// that fields which the specification does not know are lost. The same layout and options give the same
/// bytes. `file` gets its name when it is complete and on stable storage, and a symbolic link to a file
/// stays; on failure nothing is left, and what was there before is untouched.
///
/// # Errors
///
/// [`PackError`]. A `file` within the layout is one: it would become part of itself.
pub fn pack(directory: &Path, file: &Path, options: &PackOptions) -> Result<(), PackError> {
    let extension = extension(file);
    if extension != EXTENSION.as_bytes() {
        let extension = String::from_utf8_lossy(extension).into_owned();
        return Err(PackError::Extension { extension });
    }
    check_layout(directory)?;
    let open = |source| PackError::Open {
        path: file.to_owned(),
        source,
    };
    let refused = |error| refused(file, error);
    let place = Place::new(file, options.overwrite).map_err(refused)?;
    let rootfs = open_rootfs(directory).map_err(|source| PackError::Layout {
        source: LayoutError::Access { source },
    })?;
    if lies_within(place.directory(), directory).map_err(open)? {
        return Err(PackError::Inside {
            path: file.to_owned(),
            directory: directory.to_owned(),
        });
    }
    let new = place.create(".actool-").map_err(open)?;
    let manifest = read_manifest(&directory.join("manifest"))?;
    write(&manifest, &rootfs, &new, options).map_err(|error| match error {
        archive::WriteError::Output { source } => PackError::Write {
            path: file.to_owned(),
            source,
        },
        source => PackError::Walk { source },
    })?;
    new.publish().map_err(|error| match error {
        NewFileError::Exists => PackError::Exists,
        NewFileError::NotAFile => refused(error),
        NewFileError::Failed(source) => PackError::Close {
            path: file.to_owned(),
            source,
        },
    })
}

fn write(
    manifest: &ImageManifest,
    rootfs: &OwnedFd,
    new: &NewFile,
    options: &PackOptions,
) -> Result<(), archive::WriteError> {
    let options = archive::WriteOptions {
        compression: if options.uncompressed {
            Compression::None
        } else {
            Compression::Gzip
        },
        owner: if options.owner_root {
            Owner::Root
        } else {
            Owner::Keep
        },
        exact_times: false,
        source_date_epoch: options.epoch.map(SourceDateEpoch::seconds),
        threads: options.threads,
    };
    let mut output = BufWriter::with_capacity(WRITE_BUFFER, new.file());
    archive::write_aci_without_id(&manifest.to_json(), rootfs.as_fd(), &mut output, &options)?;
    output
        .flush()
        .map_err(|source| archive::WriteError::Output { source })
}

/// What stands against a file, before anything was written to it.
fn refused(file: &Path, error: NewFileError) -> PackError {
    let open = |source| PackError::Open {
        path: file.to_owned(),
        source,
    };
    match error {
        NewFileError::Exists => PackError::Exists,
        NewFileError::NotAFile => open(io::Error::other("it is not a regular file")),
        NewFileError::Failed(source) => open(source),
    }
}

/// The last component from its last dot on. Source: Go, path/filepath, `Ext`.
fn extension(file: &Path) -> &[u8] {
    let path = file.as_os_str().as_bytes();
    let last = path.iter().rposition(|byte| matches!(byte, b'.' | b'/'));
    match last {
        Some(at) if path[at] == b'.' => &path[at..],
        _ => b"",
    }
}

fn check_layout(directory: &Path) -> Result<(), PackError> {
    let source = match validate(directory, Some(Subject::Layout)) {
        Ok(_) => return Ok(()),
        Err(ValidateError::Layout { source, .. }) => source,
        Err(ValidateError::Access { source, .. }) => LayoutError::Access { source },
        // Nothing else is looked at in a layout.
        Err(other) => LayoutError::Access {
            source: io::Error::other(other.chain()),
        },
    };
    Err(PackError::Layout { source })
}

fn open_rootfs(directory: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::open(
        directory.join("rootfs"),
        flags,
        Mode::empty(),
    )?)
}

/// Whether `inner` is the layout or lies in it, by whatever path.
fn lies_within(inner: &Path, layout: &Path) -> io::Result<bool> {
    let inner = fs::canonicalize(inner)?;
    let layout = fs::canonicalize(layout)?;
    Ok(inner.starts_with(layout))
}

/// Reads the manifest once more, now to be written: what was checked may have been replaced.
fn read_manifest(path: &Path) -> Result<ImageManifest, PackError> {
    let unreadable = |source| PackError::ReadManifest { source };
    // Should a FIFO have taken the file's place, opening must not wait for its writer.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty())
        .map(File::from)
        .map_err(|error| unreadable(error.into()))?;
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(unreadable(io::Error::other("not a regular file")));
    }
    let mut text = Vec::new();
    // One byte beyond the limit at most: then the parser refuses it.
    file.take(MAX_MANIFEST_BYTES as u64 + 1)
        .read_to_end(&mut text)
        .map_err(unreadable)?;
    ImageManifest::from_json(&text).map_err(|source| PackError::LoadManifest { source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extension_is_what_go_takes_for_one() {
        for (file, expected) in [
            ("a.aci", ".aci"),
            (".aci", ".aci"),
            ("dir.aci/a", ""),
            ("a.aci/", ""),
            ("a", ""),
            ("", ""),
            ("a.tar.gz", ".gz"),
            ("a.", "."),
            ("a.ACI", ".ACI"),
            ("dir/a.aci.asc", ".asc"),
        ] {
            assert_eq!(extension(Path::new(file)), expected.as_bytes(), "{file}");
        }
    }
}
