//! Checks a file on this machine against its signature, as a fetch would, and says why.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use gantry_archive::aci;
use gantry_archive::seal::{Seal, Sealed, SealedReader};
use gantry_trust::{
    DetachedSignature, KeyProblem, KeySet, Keystore, MAX_SIGNATURE_BYTES, SignatureError,
    SignedContent, Verdict, VerifyError,
};
use gantry_types::{AcIdentifier, Diagnostic, ImageManifest, Kind};

use super::decision::{Decision, in_scope, nameless};

/// How much of a file is read at a time, in bytes.
const READ_BYTES: usize = 256 << 10;

/// What to check.
#[derive(Clone, Debug)]
pub struct FileRequest {
    /// The file.
    pub file: PathBuf,
    /// Its signature; without one it is looked for beside the file.
    pub signature: Option<PathBuf>,
    /// The name whose keys count; without one it is read from the image, once its signature is good.
    pub name: Option<AcIdentifier>,
}

/// What came out.
#[derive(Debug)]
pub struct FileReport {
    /// The signature that was checked.
    pub signature: PathBuf,
    /// The name whose keys counted, if one is known.
    pub name: Option<AcIdentifier>,
    /// Whether the file may be used.
    pub decision: Decision,
    /// Files of the keystore that could not be used.
    pub problems: Vec<KeyProblem>,
}

/// A file could not be checked at all.
#[derive(Debug, thiserror::Error)]
pub enum VerifyFileError {
    /// The file could not be opened.
    #[error("cannot open {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The signature could not be read.
    #[error("cannot read signature {}", path.display())]
    ReadSignature {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The signature file is none.
    #[error("{} is no detached signature", path.display())]
    Signature {
        /// The file.
        path: PathBuf,
        /// Why.
        source: SignatureError,
    },
    /// The check broke off.
    #[error("cannot check {}", path.display())]
    Verify {
        /// The file.
        path: PathBuf,
        /// Why.
        source: VerifyError,
    },
    /// The file could not be read again.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its bytes are not those that were checked.
    #[error("{} was changed while it was checked", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
}

impl Diagnostic for VerifyFileError {
    fn kind(&self) -> Kind {
        match self {
            Self::Open { .. } | Self::ReadSignature { .. } | Self::Read { .. } => Kind::Environment,
            Self::Signature { .. } | Self::Changed { .. } => Kind::Refused,
            Self::Verify { source, .. } => source.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::ReadSignature { .. } => Some("name it with --signature".to_owned()),
            Self::Signature { source, .. } => source.hint(),
            Self::Verify { source, .. } => source.hint(),
            Self::Changed { .. } => Some("try again".to_owned()),
            _ => None,
        }
    }
}

/// Checks a file as a fetch would: the signature first, then whether its key may sign the name.
///
/// Nothing is decompressed before the signature is good.
///
/// # Errors
///
/// [`VerifyFileError`] if file or signature cannot be read. That the file may not be used is no error
/// but a [`Decision`].
pub fn verify_file(
    request: &FileRequest,
    keystore: &Keystore,
    now: SystemTime,
) -> Result<FileReport, VerifyFileError> {
    let path = || request.file.clone();
    let mut file = open(&request.file)?;
    let (place, signature) = signature(request)?;
    let KeySet { keys, problems } = match &request.name {
        Some(name) => keystore.keys_for(name),
        None => keystore.keys_of(&signature),
    };
    let mut report = FileReport {
        signature: place,
        name: request.name.clone(),
        decision: Decision::Nameless {
            signers: Vec::new(),
        },
        problems,
    };
    let checked = take_in(&signature, &file).and_then(|(content, sealed)| {
        let verdict = signature.judge(&content, &keys, now)?;
        Ok((verdict, sealed))
    });
    let (verdict, sealed) = checked.map_err(|source| VerifyFileError::Verify {
        path: path(),
        source,
    })?;
    let signers = match verdict {
        Verdict::Good { signers } => signers,
        verdict => {
            report.decision = Decision::Rejected { verdict };
            return Ok(report);
        }
    };
    let read = |source| VerifyFileError::Read {
        path: path(),
        source,
    };
    file.rewind().map_err(read)?;
    let mut again = SealedReader::new(&file, &sealed);
    let manifest = aci::read_manifest(&mut again).ok();
    if again.has_changed() {
        return Err(VerifyFileError::Changed { path: path() });
    }
    let found = manifest.and_then(|json| ImageManifest::from_json(&json).ok());
    let found = found.map(|manifest| manifest.name);
    report.decision = match (&request.name, found) {
        (Some(given), Some(found)) if *given != found => Decision::OtherName { found },
        (Some(_), _) => Decision::Accepted { signers },
        (None, Some(name)) => {
            let decision = in_scope(signers, &name, keystore);
            report.name = Some(name);
            decision
        }
        (None, None) => nameless(signers, keystore),
    };
    Ok(report)
}

/// Reads all bytes of `data`: what the signature is about, and what tells when they are others the next time.
pub(super) fn take_in(
    signature: &DetachedSignature,
    data: impl Read,
) -> Result<(SignedContent, Sealed), VerifyError> {
    let read = |source| VerifyError::Read { source };
    let mut content = signature.content();
    let mut seal = Seal::new().map_err(read)?;
    let mut data = BufReader::with_capacity(READ_BYTES, data);
    loop {
        let bytes = match data.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            bytes => bytes.map_err(read)?,
        };
        if bytes.is_empty() {
            return Ok((content, seal.finish()));
        }
        content.update(bytes);
        seal.update(bytes);
        let length = bytes.len();
        data.consume(length);
    }
}

fn open(path: &Path) -> Result<File, VerifyFileError> {
    let wrong = |source| VerifyFileError::Open {
        path: path.to_owned(),
        source,
    };
    let file = File::options()
        .read(true)
        // Without waiting for the other end of a FIFO.
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed())
        .open(path)
        .map_err(wrong)?;
    match file.metadata().map_err(wrong)?.is_file() {
        true => Ok(file),
        false => Err(wrong(io::Error::other("not a regular file"))),
    }
}

/// The signature that was named, or the first that lies beside the file.
fn signature(request: &FileRequest) -> Result<(PathBuf, DetachedSignature), VerifyFileError> {
    let beside = |suffix: &str| {
        let mut path = request.file.as_os_str().to_owned();
        path.push(suffix);
        PathBuf::from(path)
    };
    let place = match &request.signature {
        Some(given) => given.clone(),
        None => {
            let places = [".asc", ".aci.asc", ".sig"].map(beside);
            let found = places.iter().find(|place| place.exists());
            found.unwrap_or(&places[0]).clone()
        }
    };
    let bytes = read_limited(&place).map_err(|source| VerifyFileError::ReadSignature {
        path: place.clone(),
        source,
    })?;
    let parsed = DetachedSignature::parse(&bytes);
    match parsed {
        Ok(parsed) => Ok((place, parsed)),
        Err(source) => Err(VerifyFileError::Signature {
            path: place,
            source,
        }),
    }
}

/// Reads one byte more than a signature may have, so that the parser sees that it is too large.
fn read_limited(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    crate::open_input(path)?
        .take(MAX_SIGNATURE_BYTES as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}
