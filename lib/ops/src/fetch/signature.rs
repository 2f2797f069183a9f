//! Where signatures come from, and what they are checked with.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use gantry_remote::{RedactedUrl, Url};
use gantry_trust::{DetachedSignature, KeySet, MAX_SIGNATURE_BYTES, TrustedKey, Verdict};
use gantry_types::AcIdentifier;

use super::reference::LocalFile;
use super::taken_in::TakenIn;
use super::{Downloading, FetchError, Fetcher, Notice, RequestError};

/// Where a signature is.
#[derive(Debug, Clone)]
pub(super) enum SignaturePlace {
    /// In a file, with its path as the user knows it.
    File {
        /// Where it is.
        path: PathBuf,
        /// For messages.
        given: PathBuf,
    },
    /// On a server.
    Url(Url),
}

/// How an image is checked.
#[derive(Debug)]
pub(super) enum Check {
    /// Not at all.
    Waived,
    /// By this signature.
    Signed(Signature),
}

impl Check {
    /// What takes in the file of `image` for the signature, if there is one.
    pub(super) fn taking_in(&self, image: &str) -> Result<Option<TakenIn>, FetchError> {
        let Self::Signed(signature) = self else {
            return Ok(None);
        };
        let taking_in = TakenIn::new(signature.parsed.content());
        taking_in.map(Some).map_err(|source| FetchError::Read {
            image: image.to_owned(),
            source,
        })
    }
}

/// What is known of the check before the first byte of the image is downloaded.
#[derive(Debug)]
pub(super) enum Prepared {
    /// All of it.
    Check(Check),
    /// The server is still making the signature.
    Deferred {
        /// Where it will be.
        url: Url,
        /// Who may have made it.
        keys: Candidates,
    },
}

/// Whose signature counts.
#[derive(Debug)]
pub(super) enum Candidates {
    /// That of one of these keys.
    These(Vec<TrustedKey>),
    /// That of any trusted key: which of them are read is a matter of the signature.
    Any,
}

/// A signature and the keys that may have made it.
#[derive(Debug)]
pub(super) struct Signature {
    pub(super) bytes: Vec<u8>,
    pub(super) parsed: DetachedSignature,
    pub(super) keys: Vec<TrustedKey>,
}

impl SignaturePlace {
    /// A file that the user named.
    pub(super) fn named(file: &Path) -> Self {
        Self::File {
            path: file.to_owned(),
            given: file.to_owned(),
        }
    }

    /// The place for an image file: `x.aci.asc` for `x.aci` and for `x`, or else `x.asc` for `x`.
    pub(super) fn beside(image: &LocalFile) -> Self {
        let with = |path: &Path, suffix: &str| {
            let mut path = path.as_os_str().to_owned();
            path.push(suffix);
            PathBuf::from(path)
        };
        let named = image
            .path
            .extension()
            .is_some_and(|extension| extension == "aci");
        let suffix = match !named && with(&image.path, ".aci.asc").exists() {
            true => ".aci.asc",
            false => ".asc",
        };
        Self::File {
            path: with(&image.path, suffix),
            given: with(&image.given, suffix),
        }
    }

    /// The place for an image URL: `x.aci.asc` for `x.aci` and for `x`.
    pub(super) fn of_url(image: &Url) -> Self {
        let mut url = image.clone();
        let path = image.path().strip_suffix(".aci").unwrap_or(image.path());
        url.set_path(&format!("{path}.aci.asc"));
        Self::Url(url)
    }
}

impl Fetcher<'_, '_> {
    /// Gets keys and signature, and refuses what has no chance before anything large is downloaded.
    ///
    /// Without a `name` (files and URLs tell theirs only in the manifest) any trusted key is a
    /// candidate; whether the signer may sign the image is decided when the name is known.
    pub(super) fn prepare_check(
        &mut self,
        image: &str,
        name: Option<&AcIdentifier>,
        place: &SignaturePlace,
    ) -> Result<Prepared, FetchError> {
        if self.insecure.image() {
            return Ok(Prepared::Check(Check::Waived));
        }
        let keys = self.keys(image, name)?;
        let bytes = match place {
            SignaturePlace::File { path, given } => {
                read_signature(path).map_err(|source| FetchError::OpenSignature {
                    path: given.clone(),
                    source,
                })?
            }
            SignaturePlace::Url(url) => match self.download_signature(url)? {
                Some(bytes) => bytes,
                None => {
                    self.notice(&Notice::SignatureDeferred);
                    return Ok(Prepared::Deferred {
                        url: url.clone(),
                        keys,
                    });
                }
            },
        };
        let signature = self.signature(image, bytes, keys)?;
        Ok(Prepared::Check(Check::Signed(signature)))
    }

    /// Gets a signature that was put off, now that the image is here.
    pub(super) fn settle(&mut self, image: &str, prepared: Prepared) -> Result<Check, FetchError> {
        let (url, keys) = match prepared {
            Prepared::Check(check) => return Ok(check),
            Prepared::Deferred { url, keys } => (url, keys),
        };
        let Some(bytes) = self.download_signature(&url)? else {
            return Err(FetchError::SignatureDeferred {
                url: RedactedUrl::new(&url).to_string(),
            });
        };
        self.signature(image, bytes, keys).map(Check::Signed)
    }

    pub(super) fn signature(
        &mut self,
        image: &str,
        bytes: Vec<u8>,
        keys: Candidates,
    ) -> Result<Signature, FetchError> {
        let parsed = DetachedSignature::parse(&bytes).map_err(|source| FetchError::Signature {
            image: image.to_owned(),
            source,
        })?;
        let keys = match keys {
            Candidates::These(keys) => keys,
            Candidates::Any => {
                let set = self.context.keystore.keys_of(&parsed);
                self.usable(set)
            }
        };
        if keys.is_empty() {
            return Err(FetchError::NoKeysAtAll {
                image: image.to_owned(),
            });
        }
        if !parsed.is_by_one_of(&keys) {
            let verdict = Verdict::Unknown {
                issuers: parsed.issuers().to_vec(),
            };
            return match verdict.signers() {
                Err(source) => Err(FetchError::Rejected {
                    image: image.to_owned(),
                    source,
                }),
                Ok(_) => Err(FetchError::NoKeysAtAll {
                    image: image.to_owned(),
                }),
            };
        }
        Ok(Signature {
            bytes,
            parsed,
            keys,
        })
    }

    pub(super) fn keys(
        &mut self,
        image: &str,
        name: Option<&AcIdentifier>,
    ) -> Result<Candidates, FetchError> {
        let Some(name) = name else {
            return match self.context.keystore.has_files() {
                true => Ok(Candidates::Any),
                false => Err(FetchError::NoKeysAtAll {
                    image: image.to_owned(),
                }),
            };
        };
        let mut set = self.context.keystore.keys_for(name);
        if set.keys.is_empty() {
            self.context.observer.keys_missing(name);
            set = self.context.keystore.keys_for(name);
        } else {
            self.notice(&Notice::KeysExist(name.clone()));
        }
        let keys = self.usable(set);
        if keys.is_empty() {
            return Err(FetchError::NoKeys { name: name.clone() });
        }
        Ok(Candidates::These(keys))
    }

    fn usable(&mut self, set: KeySet) -> Vec<TrustedKey> {
        for problem in &set.problems {
            self.notice(&Notice::Problem(format!("{problem}: {}", problem.source)));
        }
        set.keys
    }

    /// `None` if the server says that it is still making the signature.
    pub(super) fn download_signature(&mut self, url: &Url) -> Result<Option<Vec<u8>>, FetchError> {
        let shown = RedactedUrl::new(url).to_string();
        self.notice(&Notice::DownloadingSignature(shown.clone()));
        let wrong = |error| FetchError::DownloadSignature {
            source: RequestError::http(&shown, error),
        };
        let answer = self.context.http.get(url).map_err(wrong)?;
        if answer.status().as_u16() == 202 {
            return Ok(None);
        }
        let answer = answer.error_for_status().map_err(wrong)?;
        let bytes = answer
            .read_to_end(MAX_SIGNATURE_BYTES as u64)
            .map_err(wrong)?;
        let size = bytes.len() as u64;
        self.context
            .observer
            .progress(Downloading::Signature, size, Some(size));
        Ok(Some(bytes))
    }
}

pub(super) fn read_signature(path: &Path) -> io::Result<Vec<u8>> {
    let file = crate::open_input(path)?;
    let mut bytes = Vec::new();
    // One byte more than allowed, for the parser to refuse.
    file.take(MAX_SIGNATURE_BYTES as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}
