//! Look-up of images by name, version, URL and short ID, in a time that the number of images does not
//! change.
//!
//! `store/names/KEY/` holds one empty file per image that has the key, named by the image's ID, and a
//! symlink `latest` whose target is the ID of the image that last was the answer to a fetch. KEY is the
//! SHA-256 of the kind and text of the key. Entries are hints: they are made before the record appears
//! and removed after it is gone, so an entry without a record means nothing, and every answer is checked
//! against the record.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;

use gantry_types::show::hex;
use gantry_types::{AcIdentifier, ImageId};

use crate::error::StoreError;
use crate::record::{ImageRecord, Source};
use crate::staged_file::hidden_name;
use crate::store::{Store, share_mode};

const LATEST: &str = "latest";

/// What an image can be looked up by.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Key<'a> {
    /// Name without labels.
    Name(&'a AcIdentifier),
    /// Name and version.
    Version(&'a AcIdentifier, &'a str),
    /// URL or path it was fetched from.
    Source(&'a Source),
    /// First [`ID_DIGITS`] digits of the ID.
    Id(&'a str),
}

/// Digits of an ID under which it can be looked up: those that `rkt image list` prints.
pub(crate) const ID_DIGITS: usize = 12;

impl Key<'_> {
    fn directory(&self, store: &Store) -> PathBuf {
        let text = match self {
            Self::Name(name) => format!("name {name}"),
            Self::Version(name, version) => format!("version {name} {version}"),
            Self::Source(Source::Url(url)) => format!("url {url}"),
            Self::Source(Source::Path(path)) => format!("path {path}"),
            Self::Id(digits) => format!("id {digits}"),
        };
        let sum = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        store.names_dir().join(hex(sum.as_ref()))
    }

    /// Makes `id` an image of this key, and the latest one if `latest`.
    pub(crate) fn enter(
        &self,
        store: &Store,
        id: &ImageId,
        latest: bool,
    ) -> Result<(), StoreError> {
        let dir = self.directory(store);
        loop {
            match enter(&dir, id, latest) {
                // The last image of the key was removed between our making the directory and using it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                result => return result.map_err(StoreError::io("enter an image in", dir)),
            }
        }
    }

    /// Undoes [`enter`](Self::enter).
    pub(crate) fn leave(&self, store: &Store, id: &ImageId) -> Result<(), StoreError> {
        let dir = self.directory(store);
        let gone = |result: io::Result<()>| match result {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        };
        if latest(&dir).as_ref() == Some(id) {
            gone(fs::remove_file(dir.join(LATEST))).map_err(StoreError::io("clean", &dir))?;
        }
        gone(fs::remove_file(dir.join(id.to_string()))).map_err(StoreError::io("clean", &dir))?;
        // Fails, rightly, while other images have the key.
        let _ = fs::remove_dir(&dir);
        Ok(())
    }

    /// The image entered last as the latest one.
    pub(crate) fn latest(&self, store: &Store) -> Option<ImageId> {
        latest(&self.directory(store))
    }

    /// All images of this key.
    pub(crate) fn images(&self, store: &Store) -> Result<Vec<ImageId>, StoreError> {
        let dir = self.directory(store);
        let entries = match fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(StoreError::io("read", dir)(error)),
        };
        let mut ids = Vec::new();
        for entry in entries {
            let entry = entry.map_err(StoreError::io("read", &dir))?;
            ids.extend(
                entry
                    .file_name()
                    .to_str()
                    .and_then(|name| name.parse::<ImageId>().ok()),
            );
        }
        Ok(ids)
    }
}

/// Enters a record under every key it has.
pub(crate) fn enter_record(store: &Store, record: &ImageRecord) -> Result<(), StoreError> {
    each_key(record, |key| {
        let latest = match key {
            Key::Name(_) => record.latest.is_some(),
            Key::Source(source) => record.origin_of(source) == record.origin(),
            Key::Version(..) | Key::Id(_) => false,
        };
        key.enter(store, &record.id, latest)
    })
}

/// Undoes [`enter_record`].
pub(crate) fn leave_record(store: &Store, record: &ImageRecord) -> Result<(), StoreError> {
    each_key(record, |key| key.leave(store, &record.id))
}

fn each_key(
    record: &ImageRecord,
    mut act: impl FnMut(Key<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    act(Key::Id(&record.id.hex()[..ID_DIGITS]))?;
    let own = (&record.name, &record.labels);
    let aliases = record
        .aliases
        .iter()
        .map(|alias| (&alias.name, &alias.labels));
    for (name, labels) in std::iter::once(own).chain(aliases) {
        act(Key::Name(name))?;
        if let Some(version) = labels.get("version") {
            act(Key::Version(name, version))?;
        }
    }
    for origin in &record.origins {
        act(Key::Source(&origin.source))?;
    }
    Ok(())
}

fn enter(dir: &std::path::Path, id: &ImageId, latest: bool) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o750).create(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        Err(_) => {}
        Ok(()) => share_mode(dir, 0o750)?,
    }
    fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o440)
        .open(dir.join(id.to_string()))
        .or_else(|error| match error.kind() {
            // It is there and read-only, and we are not root.
            io::ErrorKind::PermissionDenied => fs::File::open(dir.join(id.to_string())),
            _ => Err(error),
        })?;
    if latest {
        let hidden = dir.join(hidden_name()?);
        std::os::unix::fs::symlink(id.to_string(), &hidden)?;
        fs::rename(&hidden, dir.join(LATEST))?;
    }
    Ok(())
}

fn latest(dir: &std::path::Path) -> Option<ImageId> {
    fs::read_link(dir.join(LATEST)).ok()?.to_str()?.parse().ok()
}
