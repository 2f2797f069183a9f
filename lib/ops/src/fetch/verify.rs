//! Whether somebody signed the file who may.

use std::io::{self, BufRead};

use gantry_archive::pipeline::read_ahead;
use gantry_archive::seal::Sealed;
use gantry_store::{Digest, Signer, Verdict};
use gantry_trust::VerifyError;
use gantry_types::ImageManifest;

use super::import::{Arrived, Wanted};
use super::observer::Step;
use super::signature::Signature;
use super::taken_in::TakenIn;
use super::{FetchError, Fetcher, Notice};

/// The bytes that were signed.
pub(super) struct Signed {
    pub(super) digest: Digest,
    pub(super) sealed: Sealed,
}

impl Fetcher<'_, '_> {
    /// Checks the signature over the whole file, and tells which bytes were signed.
    pub(super) fn verify(
        &mut self,
        arrived: &mut Arrived,
        signature: &Signature,
        wanted: &Wanted,
    ) -> Result<(Vec<Signer>, Signed), FetchError> {
        let image = || wanted.image.clone();
        let (now, size) = (self.now(), arrived.ingest.len());
        let TakenIn { content, seal } = match arrived.content.take() {
            Some(taken_in) => taken_in,
            None => self
                .take_in(arrived, signature)
                .map_err(|source| FetchError::Verify {
                    image: image(),
                    source: VerifyError::Read { source },
                })?,
        };
        let verdict = signature.parsed.judge(&content, &signature.keys, now);
        let verdict = verdict.map_err(|source| FetchError::Verify {
            image: image(),
            source,
        })?;
        let signers = verdict.signers().map_err(|source| FetchError::Rejected {
            image: image(),
            source,
        })?;
        self.context.observer.working(Step::Verifying, size, size);
        let identities = signers.iter().map(|signer| {
            signer
                .user_id
                .clone()
                .unwrap_or_else(|| signer.fingerprint.to_string())
        });
        self.notice(&Notice::SignatureVerified(identities.collect()));
        let signers = signers.into_iter().map(|signer| Signer {
            fingerprint: signer.fingerprint.to_string(),
            user_id: signer.user_id.unwrap_or_default(),
            legacy: signer.legacy,
        });
        let signed = Signed {
            digest: Digest::sha512(content.sha512()),
            sealed: seal.finish(),
        };
        Ok((signers.collect(), signed))
    }

    /// Hashes the whole file, one thread reading and another at work on what was read.
    fn take_in(&mut self, arrived: &Arrived, signature: &Signature) -> io::Result<TakenIn> {
        let (observer, size) = (&mut *self.context.observer, arrived.ingest.len());
        observer.working(Step::Verifying, 0, size);
        let mut taken_in = TakenIn::new(signature.parsed.content())?;
        let reader = arrived.ingest.reader().map_err(io::Error::other)?;
        let (_, read) = read_ahead(reader, None, self.context.threads, |mut ahead| {
            let mut have = 0;
            loop {
                let bytes = ahead.fill_buf()?;
                let length = bytes.len();
                if length == 0 {
                    return Ok(());
                }
                taken_in.update(bytes);
                ahead.consume(length);
                have += length as u64;
                observer.working(Step::Verifying, have, size);
            }
        });
        let read: io::Result<()> = read;
        read.map(|()| taken_in)
    }

    /// Leaves only those signers that may sign images of this name; there must be one.
    pub(super) fn check_scope(
        &self,
        manifest: &ImageManifest,
        verdict: &mut Verdict,
    ) -> Result<(), FetchError> {
        let Verdict::Signed { by } = verdict else {
            return Ok(());
        };
        let Some(first) = by.first().map(|signer| signer.fingerprint.clone()) else {
            return Err(FetchError::NoKeys {
                name: manifest.name.clone(),
            });
        };
        let signers: Vec<&str> = by.iter().map(|by| by.fingerprint.as_str()).collect();
        let keystore = self.context.keystore;
        let trusted = keystore.keys_for_among(&manifest.name, &signers).keys;
        by.retain(|signer| {
            trusted
                .iter()
                .any(|key| key.key().fingerprint().as_str() == signer.fingerprint)
        });
        by.dedup();
        if by.is_empty() {
            return Err(FetchError::Scope {
                name: manifest.name.clone(),
                signer: first,
            });
        }
        Ok(())
    }
}
