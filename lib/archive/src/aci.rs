//! The layout of an App Container Image: a file `manifest`, a directory `rootfs`, and nothing else.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufReader, Read};

use gantry_types::{Diagnostic, ImageManifest, Kind, ManifestError};

use crate::compress::{DecodeError, Decoder};
use crate::limits::Limits;
use crate::member::Member;
use crate::refusal::{EntryName, Refusal, Rule};
use crate::tar::{Entry, EntryKind, Reader, TarError};

/// Size of the buffer between decompression and the tar reader, in bytes.
pub(crate) const STREAM_BUFFER: usize = 256 << 10;

/// A stream is no valid App Container Image. The words are those of the original tools.
#[derive(Debug, thiserror::Error)]
pub enum AciError {
    /// It cannot be decompressed.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It cannot be read as a tar archive, or an entry breaks a rule.
    #[error(transparent)]
    Archive(#[from] TarError),
    /// There is no `manifest`.
    #[error("no image manifest found in layout")]
    ManifestMissing,
    /// There is no `rootfs`.
    #[error("no rootfs found in layout")]
    RootfsMissing,
    /// `rootfs` is a file or a link: extraction would follow it.
    #[error("rootfs is not a directory")]
    RootfsNotDirectory,
    /// `manifest` is a directory or a link.
    #[error("error reading image manifest: it is not a regular file")]
    ManifestNotFile,
    /// A second entry of the same name.
    #[error("duplicate file entry in archive: {entry}")]
    Duplicate {
        /// Its cleaned name.
        entry: EntryName,
    },
    /// The manifest is not what it should be.
    #[error("image manifest validation failed")]
    Manifest {
        /// Why.
        source: ManifestError,
    },
    /// Something stands beside `manifest` and `rootfs`.
    #[error("unrecognized file path in layout: {path:?}")]
    Unrecognized {
        /// Its cleaned name.
        path: EntryName,
    },
}

impl From<Refusal> for AciError {
    fn from(refusal: Refusal) -> Self {
        Self::Archive(refusal.into())
    }
}

impl Diagnostic for AciError {
    fn kind(&self) -> Kind {
        match self {
            Self::Decode(error) => error.kind(),
            Self::Archive(error) => error.kind(),
            _ => Kind::Refused,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Decode(error) => error.hint(),
            Self::Archive(error) => error.hint(),
            Self::Manifest { source } => source.hint(),
            _ => None,
        }
    }
}

/// Checks a whole image, compressed or not, against the layout rules, and gives its manifest.
///
/// Entries may come in any order. The checks come in the order of the original: duplicates as they are
/// met, then manifest, rootfs, the manifest's content, and stray files last.
///
/// # Errors
///
/// [`AciError`] with the first rule broken. Whether the manifest's `acVersion` is too old is for the
/// caller to say. Source: appc spec, aci/layout.go.
pub fn validate(source: impl Read) -> Result<ImageManifest, AciError> {
    validate_with(source, &Limits::default())
}

/// [`validate`] with limits of the caller's choice.
///
/// # Errors
///
/// As [`validate`].
pub fn validate_with(source: impl Read, limits: &Limits) -> Result<ImageManifest, AciError> {
    let mut reader = open(source, limits)?;
    let mut layout = Layout::default();
    let mut names = Names::default();
    let mut stray = None;
    while let Some(entry) = reader.next_entry()? {
        match layout.place(&entry, &mut reader, limits) {
            Ok(Some(path)) if !path.is_empty() && !names.insert(&path) => {
                let entry = [b"rootfs/", path.as_slice()].concat().as_slice().into();
                return Err(AciError::Duplicate { entry });
            }
            Ok(_) => {}
            Err(AciError::Unrecognized { path }) => {
                stray.get_or_insert(path);
            }
            Err(error) => return Err(error),
        }
    }
    reader.finish()?;
    let manifest = layout.finish()?;
    let manifest =
        ImageManifest::from_json(&manifest).map_err(|source| AciError::Manifest { source })?;
    match stray {
        Some(path) => Err(AciError::Unrecognized { path }),
        None => Ok(manifest),
    }
}

/// Finds the manifest of an image, compressed or not, and gives its bytes as they are stored.
///
/// Reads no further than the manifest, and checks nothing else but that names are no riddles.
///
/// # Errors
///
/// [`AciError::ManifestMissing`] at the end of an archive without one.
pub fn read_manifest(source: impl Read) -> Result<Vec<u8>, AciError> {
    let limits = Limits::default();
    let mut reader = open(source, &limits)?;
    while let Some(entry) = reader.next_entry()? {
        // A name that other readers would resolve may lead to what they take for the manifest.
        let member = Member::parse(&entry.path, &limits);
        if member.map_err(|rule| Refusal::new(&entry.path, rule))? == Member::Manifest {
            return read_manifest_entry(&entry, &mut reader, &limits);
        }
    }
    Err(AciError::ManifestMissing)
}

/// Which of `manifest` and `rootfs` an archive, compressed or not, has no entry of, if one is missing:
/// then it is no image, but may be an archive of a root file system.
///
/// Looks at names alone.
///
/// # Errors
///
/// [`AciError::Decode`] and [`AciError::Archive`].
pub fn missing_part(source: impl Read) -> Result<Option<&'static str>, AciError> {
    let limits = Limits::default();
    let mut reader = open(source, &limits)?;
    let (mut manifest, mut rootfs) = (false, false);
    while let Some(entry) = reader.next_entry()? {
        match Member::parse(&entry.path, &limits) {
            Ok(Member::Manifest) => manifest = true,
            Ok(Member::Rootfs | Member::Beneath(_)) => rootfs = true,
            _ => {}
        }
    }
    Ok(match (manifest, rootfs) {
        (false, _) => Some("manifest"),
        (true, false) => Some("rootfs"),
        (true, true) => None,
    })
}

type Stream<R> = Reader<BufReader<Decoder<R>>>;

fn open<R: Read>(source: R, limits: &Limits) -> Result<Stream<R>, AciError> {
    let decoder = Decoder::new(source, limits)?;
    Ok(Reader::new(
        BufReader::with_capacity(STREAM_BUFFER, decoder),
        limits,
    ))
}

/// What has been seen of an image so far.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    manifest: Option<Vec<u8>>,
    rootfs: bool,
}

impl Layout {
    /// Takes in one entry; gives its path beneath `rootfs` if that is where it belongs, and an empty
    /// one for `rootfs` itself.
    ///
    /// A second `rootfs` directory is no error, as upstream; a second manifest is one.
    pub(crate) fn place<R: std::io::BufRead>(
        &mut self,
        entry: &Entry,
        reader: &mut Reader<R>,
        limits: &Limits,
    ) -> Result<Option<Vec<u8>>, AciError> {
        let refuse = |rule| Refusal::new(&entry.path, rule);
        match Member::parse(&entry.path, limits).map_err(refuse)? {
            Member::Top if entry.kind == EntryKind::Directory => Ok(None),
            Member::Top => Err(AciError::Unrecognized {
                path: b".".as_slice().into(),
            }),
            Member::Rootfs if entry.kind == EntryKind::Directory => {
                self.rootfs = true;
                Ok(Some(Vec::new()))
            }
            Member::Rootfs => Err(AciError::RootfsNotDirectory),
            Member::Manifest if self.manifest.is_some() => Err(AciError::Duplicate {
                entry: b"manifest".as_slice().into(),
            }),
            Member::Manifest => {
                self.manifest = Some(read_manifest_entry(entry, reader, limits)?);
                Ok(None)
            }
            Member::Beneath(path) => Ok(Some(path)),
            Member::Stray(path) => Err(AciError::Unrecognized {
                path: path.as_slice().into(),
            }),
        }
    }

    /// Whether a manifest was taken in.
    pub(crate) fn has_manifest(&self) -> bool {
        self.manifest.is_some()
    }

    /// The bytes of the manifest, if it was there.
    pub(crate) fn into_manifest(self) -> Option<Vec<u8>> {
        self.manifest
    }

    /// The bytes of the manifest, if both parts were there.
    pub(crate) fn finish(self) -> Result<Vec<u8>, AciError> {
        let manifest = self.manifest.ok_or(AciError::ManifestMissing)?;
        if self.rootfs {
            Ok(manifest)
        } else {
            Err(AciError::RootfsMissing)
        }
    }
}

pub(crate) fn read_manifest_entry<R: std::io::BufRead>(
    entry: &Entry,
    reader: &mut Reader<R>,
    limits: &Limits,
) -> Result<Vec<u8>, AciError> {
    if entry.kind != EntryKind::File || entry.sparse.is_some() {
        return Err(AciError::ManifestNotFile);
    }
    if entry.size > limits.max_manifest {
        return Err(Refusal::new(&entry.path, Rule::LargeManifest(limits.max_manifest)).into());
    }
    Ok(reader.read_data(entry.size)?)
}

/// The names seen so far, as keyed hashes of 64 bits: nine bytes each, however long they are.
///
/// Two of a million different names look the same in one run of ten million, and the key differs from
/// run to run, so nobody can prepare names that do.
#[derive(Debug, Default)]
pub(crate) struct Names {
    key: RandomState,
    hashes: HashSet<u64>,
}

impl Names {
    /// False if the name was there already.
    pub(crate) fn insert(&mut self, name: &[u8]) -> bool {
        self.hashes.insert(self.key.hash_one(name))
    }
}

#[cfg(test)]
mod tests;
