//! The way of one layer: from its source through both digests to a tree, in one pass.

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use gantry_archive::extract::{ExtractOptions, Ownership, check_layer, extract_layer};
use gantry_archive::layer::Needs;
use gantry_archive::pipeline::read_ahead;
use gantry_store::{DigestReader, Ingest, Store, StoreError, TreeStaging};
use gantry_types::oci::{Descriptor, Digest};

use super::{ImageSource, OciFetchError};
use crate::fetch::observer::Counted;

/// What the ways of all layers have in common.
pub(super) struct Way<'a> {
    pub(super) image: &'a str,
    pub(super) store: &'a Store,
    pub(super) source: &'a dyn ImageSource,
    pub(super) ownership: Ownership,
    pub(super) threads: usize,
    /// Whether another layer has failed, so that there is no use in going on.
    pub(super) stop: &'a AtomicBool,
    /// Bytes of blobs that were read, for a report on how far it has got.
    pub(super) count: &'a AtomicU64,
}

/// A layer to bring in.
pub(super) struct Wanted<'a> {
    pub(super) descriptor: &'a Descriptor,
    pub(super) diff_id: &'a Digest,
    /// What there is of the blob, to be completed; without it the store has it.
    pub(super) ingest: Option<Ingest>,
    /// Whether the tree is needed, or only the proof that the blob is that layer.
    pub(super) extract: bool,
}

/// A layer that was brought in.
pub(super) struct Brought {
    pub(super) ingest: Option<Ingest>,
    pub(super) tree: Option<(TreeStaging, Needs)>,
    /// Sum of the sizes of all files; 0 without a tree.
    pub(super) unpacked: u64,
}

impl Way<'_> {
    /// Reads the blob to its end, keeps it and makes the tree.
    ///
    /// Where its bytes are wrong it is read again from its beginning: from another place, if there is one, and where
    /// what was there from an earlier try may be to blame.
    pub(super) fn bring(&self, mut wanted: Wanted<'_>) -> Result<Brought, OciFetchError> {
        let resumed = wanted
            .ingest
            .as_ref()
            .is_some_and(|ingest| !ingest.is_empty());
        let mut places = match self.source.is_remote() {
            true => self.source.places() + usize::from(resumed),
            false => 1,
        };
        loop {
            places -= 1;
            let (error, ingest) = match self.try_once(&mut wanted)? {
                Ok(brought) => return Ok(brought),
                Err(failed) => failed,
            };
            match ingest {
                Some(mut ingest) if places > 0 && !error.spares_data() => {
                    tracing::warn!("{error}; asking elsewhere");
                    ingest.restart()?;
                    wanted.ingest = Some(ingest);
                }
                ingest => {
                    self.give_up(ingest, &error)?;
                    return Err(error);
                }
            }
        }
    }

    /// One try; what went wrong with the blob, and what there is of it.
    fn try_once(
        &self,
        wanted: &mut Wanted<'_>,
    ) -> Result<Result<Brought, (OciFetchError, Option<Ingest>)>, OciFetchError> {
        let tree = match wanted.extract {
            true => Some(TreeStaging::new(self.store)?),
            false => None,
        };
        let mut ingest = wanted.ingest.take();
        if let Some(ingest) = &mut ingest
            && ingest.len() > wanted.descriptor.size
        {
            ingest.restart()?;
        }
        let skip = ingest.as_ref().map_or(u64::MAX, Ingest::len);
        let input = match self.open(wanted.descriptor, ingest.as_mut()) {
            Ok(input) => input,
            Err(error) => return Ok(Err((error, ingest))),
        };
        let mut kept = Kept {
            input,
            skip,
            read: 0,
            ingest,
            most: wanted.descriptor.size,
            stop: self.stop,
        };
        let passed = self.pass(&mut kept, wanted.descriptor, wanted.diff_id, tree.as_ref());
        Ok(match passed {
            Ok((unpacked, needs)) => Ok(Brought {
                ingest: kept.ingest,
                tree: tree.map(|tree| (tree, needs)),
                unpacked,
            }),
            Err(error) => Err((error, kept.ingest)),
        })
    }

    /// What there is of the blob, and the rest from its source.
    fn open(
        &self,
        descriptor: &Descriptor,
        ingest: Option<&mut Ingest>,
    ) -> Result<Box<dyn Read + Send + '_>, OciFetchError> {
        let Some(ingest) = ingest else {
            let blob = File::open(self.store.blob_path(&descriptor.digest));
            return Ok(Box::new(
                blob.map_err(|source| self.failed(descriptor, source))?,
            ));
        };
        let have = ingest.len();
        if self.source.is_remote() {
            ingest.started(None, None, Some(descriptor.size), have)?;
        }
        let rest = self.source.blob(descriptor, have)?;
        Ok(Box::new(ingest.reader()?.take(have).chain(rest)))
    }

    /// Removes what is of no use to the next try.
    fn give_up(&self, ingest: Option<Ingest>, error: &OciFetchError) -> Result<(), StoreError> {
        match ingest {
            Some(ingest)
                if ingest.is_empty() || !self.source.is_remote() || !error.spares_data() =>
            {
                ingest.discard()
            }
            _ => Ok(()),
        }
    }

    fn pass(
        &self,
        kept: &mut Kept<'_>,
        descriptor: &Descriptor,
        diff_id: &Digest,
        tree: Option<&TreeStaging>,
    ) -> Result<(u64, Needs), OciFetchError> {
        let options = self.options();
        let counted = Counted {
            inner: DigestReader::new(descriptor.digest.algorithm(), kept),
            count: self.count,
        };
        let (counted, done) = read_ahead(counted, None, self.threads, |mut ahead| {
            let extracted = match tree {
                Some(tree) => extract_layer(
                    &mut ahead,
                    tree.dir(),
                    diff_id.algorithm(),
                    &options,
                    &mut || {},
                )
                .map(|layer| (layer.diff_id, layer.bytes, layer.needs)),
                None => check_layer(&mut ahead, diff_id.algorithm(), &options)
                    .map(|found| (found, 0, Needs::default())),
            };
            let extracted = extracted.map_err(|source| OciFetchError::Extract {
                image: self.image.to_owned(),
                digest: descriptor.digest.clone(),
                source: Box::new(source),
            })?;
            // Bytes behind the compressed stream are part of the blob.
            io::copy(&mut ahead, &mut io::sink())
                .map_err(|source| self.failed(descriptor, source))?;
            Ok::<_, OciFetchError>(extracted)
        });
        let kept_there = &counted.inner;
        let (found_size, failure) = (
            kept_there.get_ref().read,
            kept_there.get_ref().is_too_long(),
        );
        // A blob that is not what it should be explains whatever went wrong with it.
        if failure || done.is_ok() && found_size != descriptor.size {
            return Err(OciFetchError::Size {
                image: self.image.to_owned(),
                what: "layer",
                digest: descriptor.digest.clone(),
                wanted: descriptor.size,
                found: found_size,
            });
        }
        let (found_diff, unpacked, needs) = done?;
        let found = counted
            .inner
            .finish()
            .map_err(|source| self.failed(descriptor, source))?;
        for (what, wanted, found) in [
            ("layer", &descriptor.digest, found),
            ("uncompressed layer", diff_id, found_diff),
        ] {
            if *wanted != found {
                return Err(OciFetchError::Digest {
                    image: self.image.to_owned(),
                    what,
                    wanted: wanted.clone(),
                    found,
                });
            }
        }
        Ok((unpacked, needs))
    }

    /// Extracts a layer once more that was brought in, for another place among the layers.
    pub(super) fn again(
        &self,
        descriptor: &Descriptor,
        diff_id: &Digest,
        ingest: Option<&Ingest>,
    ) -> Result<(TreeStaging, Needs), OciFetchError> {
        let tree = TreeStaging::new(self.store)?;
        let input: Box<dyn Read + Send> = match ingest {
            Some(ingest) => Box::new(ingest.reader()?),
            None => Box::new(
                File::open(self.store.blob_path(&descriptor.digest))
                    .map_err(|source| self.failed(descriptor, source))?,
            ),
        };
        let options = self.options();
        let layer = extract_layer(input, tree.dir(), diff_id.algorithm(), &options, &mut || {});
        let layer = layer.map_err(|source| OciFetchError::Extract {
            image: self.image.to_owned(),
            digest: descriptor.digest.clone(),
            source: Box::new(source),
        })?;
        match layer.diff_id == *diff_id {
            true => Ok((tree, layer.needs)),
            false => Err(OciFetchError::Digest {
                image: self.image.to_owned(),
                what: "uncompressed layer",
                wanted: diff_id.clone(),
                found: layer.diff_id,
            }),
        }
    }

    #[expect(
        clippy::field_reassign_with_default,
        reason = "the options may get more fields, so there is no other way to fill them in"
    )]
    fn options(&self) -> ExtractOptions {
        let mut options = ExtractOptions::default();
        options.ownership = self.ownership;
        options.threads = self.threads;
        options
    }

    fn failed(&self, descriptor: &Descriptor, source: io::Error) -> OciFetchError {
        OciFetchError::Read {
            image: self.image.to_owned(),
            digest: descriptor.digest.clone(),
            source,
        }
    }
}

/// Passes the bytes of a blob on, and keeps those that the store does not have yet.
struct Kept<'a> {
    input: Box<dyn Read + Send + 'a>,
    /// Bytes at the beginning that are there.
    skip: u64,
    read: u64,
    ingest: Option<Ingest>,
    /// Bytes that the blob has.
    most: u64,
    stop: &'a AtomicBool,
}

impl Kept<'_> {
    fn is_too_long(&self) -> bool {
        self.read > self.most
    }
}

impl Read for Kept<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("another layer has failed"));
        }
        let length = self.input.read(buffer)?;
        let new = self.read.saturating_add(length as u64);
        if new > self.most {
            self.read = new;
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "it is longer than it should be",
            ));
        }
        let have = self.skip.saturating_sub(self.read).min(length as u64);
        if let Some(ingest) = &mut self.ingest {
            let have = usize::try_from(have).unwrap_or(length);
            ingest.write_all(&buffer[have..length])?;
        }
        self.read = new;
        Ok(length)
    }
}
