//! Extraction of one layer of an OCI or Docker image, for an overlay.

use std::io::{self, BufRead, Read};
use std::os::fd::BorrowedFd;

use gantry_types::oci::{Algorithm, Digest};
use rustix::fs::{AtFlags, Mode};

use super::{ExtractError, ExtractOptions, Telling, Tree};
use crate::aci::AciError;
use crate::compress::Decoder;
use crate::digest::{Sha256, Sha512};
use crate::layer::{LayerName, Needs};
use crate::member::Naming;
use crate::pipeline::read_ahead;
use crate::refusal::{Refusal, Rule};
use crate::tar::{EntryKind, Reader};

/// A layer that was extracted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExtractedLayer {
    /// Of the whole uncompressed stream, with what follows the end marker.
    pub diff_id: Digest,
    /// Number of entries.
    pub entries: u64,
    /// Sum of the sizes of all files, holes included.
    pub bytes: u64,
    /// What it needs of the layers below before it is complete.
    pub needs: Needs,
}

/// A running digest of either kind.
enum Hash {
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Hash {
    fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::Sha256(Sha256::default()),
            Algorithm::Sha512 => Self::Sha512(Sha512::default()),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hash) => hash.update(bytes),
            Self::Sha512(hash) => hash.update(bytes),
        }
    }

    fn finish(self) -> Digest {
        match self {
            Self::Sha256(hash) => Digest::sha256(hash.finish()),
            Self::Sha512(hash) => Digest::sha512(hash.finish()),
        }
    }
}

/// Extracts a layer, compressed or not, to `rootfs` beneath an empty directory, so that an overlay of it and
/// the layers below shows what the image has.
///
/// The rules are those of [`extract_aci`](super::extract_aci), but for what layers need: names may begin with a
/// slash; of two entries with one name the last one counts; what the layer removes from those below becomes
/// whiteouts and opaque directories of the kernel's overlay; an end marker may be missing, since the caller
/// compares the digest; and what the layer has of those below is told as [`Needs`]. `algorithm` is that of the
/// digest wanted. `on_way` is called on the caller's thread again and again.
///
/// # Errors
///
/// As [`extract_aci`](super::extract_aci).
pub fn extract_layer(
    source: impl Read + Send,
    target: BorrowedFd<'_>,
    algorithm: Algorithm,
    options: &ExtractOptions,
    on_way: &mut dyn FnMut(),
) -> Result<ExtractedLayer, ExtractError> {
    let decoder = Decoder::of_tar(source, &options.limits).map_err(AciError::from)?;
    let mut hash = Hash::new(algorithm);
    let mut tap = |bytes: &[u8]| hash.update(bytes);
    let (_, extracted) = read_ahead(decoder, Some(&mut tap), options.threads, |inner| {
        extract_layer_stream(Telling { inner, on_way }, target, options)
    });
    let (entries, bytes, needs) = extracted?;
    Ok(ExtractedLayer {
        diff_id: hash.finish(),
        entries,
        bytes,
        needs,
    })
}

/// The digest of an uncompressed layer, without extracting it.
///
/// # Errors
///
/// [`ExtractError`] if it cannot be read or decompressed.
pub fn check_layer(
    source: impl Read + Send,
    algorithm: Algorithm,
    options: &ExtractOptions,
) -> Result<Digest, ExtractError> {
    let decoder = Decoder::of_tar(source, &options.limits).map_err(AciError::from)?;
    let mut hash = Hash::new(algorithm);
    let (_, read) = read_ahead(decoder, None, options.threads, |mut stream| {
        loop {
            let length = match stream.fill_buf() {
                Ok([]) => return Ok(()),
                Ok(bytes) => {
                    hash.update(bytes);
                    bytes.len()
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
                Err(error) => return Err(error),
            };
            stream.consume(length);
        }
    });
    read.map_err(|source| AciError::from(crate::compress::DecodeError::Read { source }))?;
    Ok(hash.finish())
}

fn extract_layer_stream(
    stream: impl BufRead,
    target: BorrowedFd<'_>,
    options: &ExtractOptions,
) -> Result<(u64, u64, Needs), ExtractError> {
    let limits = &options.limits;
    let mut reader = Reader::without_end(stream, limits);
    let mut tree = Tree::create(target, options, Naming::Layer)?;
    let (mut entries, mut bytes, mut root_named) = (0, 0, false);
    while let Some(entry) = reader.next_entry().map_err(AciError::from)? {
        entries += 1;
        bytes += entry.size;
        let refuse = |rule| Refusal::new(&entry.path, rule);
        let path = Naming::Layer.beneath(&entry.path, limits);
        let path = path.map_err(refuse)?.unwrap_or_default();
        match LayerName::of(path).map_err(refuse)? {
            LayerName::Ignored => {}
            LayerName::Whiteout(path) => tree.whiteout(&path, &entry.path)?,
            LayerName::Opaque(directory) => tree.opaque(&directory, &entry.path)?,
            LayerName::Plain(path) => {
                let is_root = path.is_empty();
                let reserved = EntryKind::CharDevice { major: 0, minor: 0 };
                if is_root && entry.kind != EntryKind::Directory {
                    return Err(refuse(Rule::EmptyName).into());
                }
                if entry.kind == reserved {
                    return Err(refuse(Rule::ReservedDevice).into());
                }
                root_named |= is_root;
                tree.add(&path, entry, &mut reader)?;
            }
        }
    }
    let finished = tree.finish()?;
    reader.finish().map_err(AciError::from)?;
    let mut implied = finished.implied;
    if !root_named {
        let mode = Mode::from_raw_mode(0o755);
        rustix::fs::chmodat(target, "rootfs", mode, AtFlags::empty()).map_err(|error| {
            ExtractError::File {
                action: "set mode of",
                entry: b".".as_slice().into(),
                source: error.into(),
            }
        })?;
        // The empty path sorts before all others.
        implied.insert(0, Vec::new());
    }
    let needs = Needs {
        implied,
        links: finished.missing_links,
        whiteouts: finished.whiteouts,
    };
    Ok((entries, bytes, needs))
}
