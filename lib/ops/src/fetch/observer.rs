//! What a fetch tells while it works.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use gantry_types::{AcIdentifier, ImageId, ImageName};

use super::reference::with_version;

/// Whoever started a fetch and wants to know how it goes on.
pub trait FetchObserver {
    /// Something happened that a user or a log may want to know.
    fn notice(&mut self, notice: &Notice);

    /// A download grew to `have` bytes of `total`.
    fn progress(&mut self, what: Downloading, have: u64, total: Option<u64>);

    /// A step on this machine got through `have` of the `total` bytes of an image file.
    fn working(&mut self, step: Step, have: u64, total: u64) {
        let _ = (step, have, total);
    }

    /// No key is trusted for `name`: the last moment to add one before the fetch is refused.
    fn keys_missing(&mut self, name: &AcIdentifier) {
        let _ = name;
    }
}

/// What is being downloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Downloading {
    /// An image; displayed as `ACI`.
    Image,
    /// Its signature.
    Signature,
}

impl fmt::Display for Downloading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Image => "ACI",
            Self::Signature => "signature",
        })
    }
}

/// A step on the way of a downloaded file into the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Its signature is checked.
    Verifying,
    /// Its files are extracted.
    Extracting,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Verifying => "Verifying",
            Self::Extracting => "Extracting",
        })
    }
}

/// Counts what is read from it, for whoever looks on from another thread.
pub(super) struct Counted<'a, R> {
    pub(super) inner: R,
    pub(super) count: &'a AtomicU64,
}

impl<R: io::Read> io::Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// One thing that happened; displayed with the texts of rkt 1.30, which scripts know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A local file is imported.
    UsingFile(PathBuf),
    /// The store has the image of this name.
    UsingStoreName(ImageName),
    /// The store has what this URL led to.
    UsingStoreUrl(String),
    /// The store has the image of this ID.
    UsingStoreHash(ImageId),
    /// What the URL led to still holds, so the server is not asked.
    NotExpired(String),
    /// The image is taken over from the user with this ID.
    TakingOver(ImageId, u32),
    /// Discovery begins.
    Searching(ImageName),
    /// A URL is about to be asked.
    RemoteFetching(String),
    /// A signature is about to be downloaded.
    DownloadingSignature(String),
    /// Keys for the name are there, so none are looked for.
    KeysExist(AcIdentifier),
    /// The server makes the signature while we fetch the image.
    SignatureDeferred,
    /// So many images are about to be downloaded, several at a time, without a report on each.
    DownloadingAhead(usize),
    /// A download goes on at this byte.
    Resumed(u64),
    /// The signature is good.
    SignatureVerified(Vec<String>),
    /// Nobody checks the signature.
    ImageCheckDisabled,
    /// Nobody checks certificates.
    TlsCheckDisabled,
    /// A file stood in the way of something that worked nevertheless.
    Problem(String),
}

impl Notice {
    /// Whether the user should see it without asking for details.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        matches!(
            self,
            Self::ImageCheckDisabled | Self::TlsCheckDisabled | Self::Problem(_)
        )
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UsingFile(path) => write!(f, "using image from file {}", path.display()),
            Self::UsingStoreName(name) => {
                write!(
                    f,
                    "using image from local store for image name {}",
                    with_version(name)
                )
            }
            Self::UsingStoreUrl(url) => write!(f, "using image from local store for url {url}"),
            Self::UsingStoreHash(id) => {
                write!(f, "using image from the store with hash {}", id.short())
            }
            Self::TakingOver(id, uid) => {
                write!(f, "taking over image {} of user {uid}", id.short())
            }
            Self::NotExpired(url) => write!(f, "image for {url} isn't expired, not fetching."),
            Self::Searching(name) => write!(f, "searching for app image {}", name.name),
            Self::RemoteFetching(url) => write!(f, "remote fetching from URL \"{url}\""),
            Self::DownloadingSignature(url) => write!(f, "downloading signature from {url}"),
            Self::KeysExist(name) => {
                write!(
                    f,
                    "keys already exist for prefix \"{name}\", not fetching again"
                )
            }
            Self::SignatureDeferred => {
                f.write_str("server requested deferring the signature download")
            }
            Self::DownloadingAhead(count) => write!(f, "downloading {count} dependencies"),
            Self::Resumed(at) => write!(f, "resuming the download at byte {at}"),
            Self::SignatureVerified(identities) => {
                f.write_str("signature verified:")?;
                identities
                    .iter()
                    .try_for_each(|identity| write!(f, "\n  {identity}"))
            }
            Self::ImageCheckDisabled => {
                f.write_str("warning: image signature verification has been disabled")
            }
            Self::TlsCheckDisabled => f.write_str("warning: TLS verification has been disabled"),
            Self::Problem(problem) => write!(f, "warning: {problem}"),
        }
    }
}
