//! The blobs of an OCI image in the making.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use gantry_archive::digest::Sha256;
use gantry_types::oci::{Algorithm, Digest};
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::super::context::{open_dir, read_file, write_file};
use super::super::error::{OpenError, at};
use super::OciBuildError;

/// Where blobs are, beneath the image.
pub(super) const DIRECTORY: [&str; 2] = ["blobs", "sha256"];

/// A blob that is being written.
const NEW: &str = "new";

/// Makes the directories where they are missing.
pub(super) fn make(image: BorrowedFd<'_>) -> Result<(), OpenError> {
    let mut path = String::new();
    for name in DIRECTORY {
        path.push_str(name);
        match rustix::fs::mkdirat(image, &path, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(at(&*path)(error)),
        }
        path.push('/');
    }
    Ok(())
}

/// Opens the directory.
pub(super) fn directory(image: BorrowedFd<'_>) -> Result<OwnedFd, OpenError> {
    let [outer, inner] = DIRECTORY;
    let outer = open_dir(image, outer).map_err(at(outer))?;
    open_dir(outer.as_fd(), inner).map_err(at(inner))
}

/// Reads a document of at most `limit` bytes, and compares its digest.
pub(super) fn read(
    image: BorrowedFd<'_>,
    digest: &Digest,
    limit: u64,
) -> Result<Vec<u8>, OciBuildError> {
    let bytes = read_file(directory(image)?.as_fd(), digest.hex(), limit)?;
    let is_right = |bytes: &Vec<u8>| match digest.algorithm() {
        Algorithm::Sha256 => Digest::sha256(Sha256::of(bytes)) == *digest,
        Algorithm::Sha512 => false,
    };
    let bytes = bytes.filter(is_right);
    bytes.ok_or_else(|| OciBuildError::Damaged {
        what: format!("blobs/{}/{}", digest.algorithm().as_str(), digest.hex()),
    })
}

/// Opens a blob to be read.
pub(super) fn open(image: BorrowedFd<'_>, digest: &Digest) -> Result<File, OpenError> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let directory = directory(image)?;
    let file = rustix::fs::openat(&directory, digest.hex(), flags, Mode::empty());
    Ok(file.map_err(at(digest.hex()))?.into())
}

/// Writes a document.
pub(super) fn write(image: BorrowedFd<'_>, digest: &Digest, bytes: &[u8]) -> Result<(), OpenError> {
    let directory = directory(image)?;
    write_file(directory.as_fd(), NEW, bytes)?;
    rustix::fs::renameat(&directory, NEW, &directory, digest.hex()).map_err(at(digest.hex()))
}

/// Removes every blob that the image does not have any more.
pub(super) fn keep_only(image: BorrowedFd<'_>, kept: &[&Digest]) -> Result<(), OciBuildError> {
    let directory = directory(image)?;
    let entries = rustix::fs::Dir::read_from(&directory).map_err(at("blobs"))?;
    for entry in entries {
        let entry = entry.map_err(at("blobs"))?;
        let name = entry.file_name();
        let is_kept = kept
            .iter()
            .any(|digest| digest.hex().as_bytes() == name.to_bytes());
        if is_kept || matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        match rustix::fs::unlinkat(&directory, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(at("blobs")(error).into()),
        }
    }
    Ok(())
}

/// Copies a file into the blobs under its digest.
pub(super) fn adopt(
    image: BorrowedFd<'_>,
    digest: &Digest,
    mut file: &File,
) -> Result<(), OpenError> {
    let directory = directory(image)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
    let new = rustix::fs::openat(&directory, NEW, flags, Mode::from_raw_mode(0o644));
    let mut new = File::from(new.map_err(at(NEW))?);
    let copied = io::copy(&mut file.by_ref(), &mut new).and_then(|_| new.sync_data());
    copied.map_err(|source| OpenError::Io {
        path: NEW.into(),
        source,
    })?;
    rustix::fs::renameat(&directory, NEW, &directory, digest.hex()).map_err(at(digest.hex()))
}
