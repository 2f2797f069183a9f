//! Finding images, and what lies in the way of some.

use std::fs;
use std::io;
use std::os::fd::AsFd as _;
use std::time::SystemTime;

use gantry_types::{ImageId, ImageName};

use crate::error::{ResolveError, StoreError};
use crate::names::{ID_DIGITS, Key};
use crate::record::{ImageRecord, Source};
use crate::record_file::Records;
use crate::staged_file::HIDDEN;
use crate::store::Store;

/// All images, and the files that should be records and are not.
#[derive(Debug, Default)]
pub struct Listing {
    /// Images in the order of their import, oldest first.
    pub images: Vec<ImageRecord>,
    /// Damaged and foreign files: to be reported, not to stop anything.
    pub problems: Vec<StoreError>,
}

impl Store {
    /// Reads the record of `id`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Missing`] if there is none, [`StoreError::Damaged`] or [`StoreError::Foreign`] if
    /// the file is not its record.
    pub fn record(&self, id: &ImageId) -> Result<ImageRecord, StoreError> {
        let path = self.record_path(id);
        match Records::beside(rustix::fs::CWD).read(&path, &path, id) {
            Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Err(StoreError::Missing { id: *id })
            }
            result => result,
        }
    }

    /// Finds the image whose ID starts with `prefix`.
    ///
    /// # Errors
    ///
    /// [`ResolveError`]: too short, ambiguous, none, or no prefix of an ID at all.
    pub fn resolve(&self, prefix: &str) -> Result<ImageId, ResolveError> {
        let digits = prefix
            .strip_prefix(ImageId::PREFIX)
            .ok_or(ResolveError::WrongPrefix)?;
        if digits.len() < 2 {
            return Err(ResolveError::TooShort);
        }
        let hexadecimal = digits
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if !hexadecimal || digits.len() > 128 {
            return Err(ResolveError::None);
        }
        let matching = |ids: Vec<ImageId>| {
            ids.into_iter()
                .filter(|id| id.hex().starts_with(digits) && self.record_path(id).exists())
                .collect::<Vec<_>>()
        };
        let known = match digits.get(..ID_DIGITS) {
            Some(head) => matching(Key::Id(head).images(self)?),
            None => Vec::new(),
        };
        // Short prefixes, and images that somebody copied into the directory, need the long way.
        let found = if known.is_empty() {
            matching(self.ids()?)
        } else {
            known
        };
        match found.as_slice() {
            [] => Err(ResolveError::None),
            [id] => Ok(*id),
            _ => Err(ResolveError::Ambiguous {
                prefix: prefix.to_owned(),
            }),
        }
    }

    /// Finds the image with the name and at least the labels of `wanted`.
    ///
    /// Among several, without a version asked for, the one last fetched without a version comes first,
    /// then the one imported last. Damaged records are passed over.
    ///
    /// # Errors
    ///
    /// Those of reading, and the damage of a record if nothing but damaged ones could be the answer.
    pub fn find(&self, wanted: &ImageName) -> Result<Option<ImageRecord>, StoreError> {
        let version = wanted.labels.get("version");
        let key = match version {
            Some(version) => Key::Version(&wanted.name, version),
            None => Key::Name(&wanted.name),
        };
        if version.is_none()
            && let Some(id) = key.latest(self)
            && let Ok(record) = self.record(&id)
            && record.answers(wanted)
        {
            return Ok(Some(record));
        }
        self.best(
            key,
            |record| record.answers(wanted),
            |record| match version {
                Some(_) => (None, record.import_time),
                None => (record.latest, record.import_time),
            },
        )
    }

    /// Finds the image that `source` last led to.
    ///
    /// # Errors
    ///
    /// As for [`Store::find`].
    pub fn by_origin(&self, source: &Source) -> Result<Option<ImageRecord>, StoreError> {
        let key = Key::Source(source);
        if let Some(id) = key.latest(self)
            && let Ok(record) = self.record(&id)
            && record.origin_of(source).is_some()
        {
            return Ok(Some(record));
        }
        let fetched = |record: &ImageRecord| record.origin_of(source).map(|origin| origin.fetched);
        self.best(key, |record| fetched(record).is_some(), fetched)
    }

    /// Reads all records.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if the directory cannot be read; what is wrong with single files is in the
    /// listing.
    pub fn list(&self) -> Result<Listing, StoreError> {
        let mut listing = Listing::default();
        let dir = self.images_dir();
        let open = fs::File::open(&dir).map_err(StoreError::io("read", &dir))?;
        let mut records = Records::beside(open.as_fd());
        for entry in fs::read_dir(&dir).map_err(StoreError::io("read", &dir))? {
            let file = entry.map_err(StoreError::io("read", &dir))?.file_name();
            let name = file.to_str().unwrap_or_default();
            if name.starts_with(HIDDEN) {
                continue;
            }
            let Some(id) = name.strip_suffix(".json").and_then(|id| id.parse().ok()) else {
                let reason = "is none: its name is not an image ID and .json";
                let path = dir.join(&file);
                listing.problems.push(StoreError::Foreign { path, reason });
                continue;
            };
            match records.read(name, &dir.join(&file), &id) {
                Ok(record) => listing.images.push(record),
                // Removed while we were reading.
                Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
                Err(problem) => listing.problems.push(problem),
            }
        }
        listing
            .images
            .sort_by(|a, b| (a.import_time, &a.id).cmp(&(b.import_time, &b.id)));
        Ok(listing)
    }

    /// Notes that the image was used at `now`.
    ///
    /// Changes a time stamp only, which needs no space; failure (no permission, read-only file system)
    /// only makes the image seem unused for longer, so none is reported.
    pub fn touch(&self, id: &ImageId, now: SystemTime) {
        if let Ok(file) = fs::File::open(self.record_path(id)) {
            let _ = file.set_modified(now);
        }
    }

    /// IDs of all files in the place of records.
    fn ids(&self) -> Result<Vec<ImageId>, StoreError> {
        let dir = self.images_dir();
        let mut ids = Vec::new();
        for entry in fs::read_dir(&dir).map_err(StoreError::io("read", &dir))? {
            let name = entry.map_err(StoreError::io("read", &dir))?.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".json"));
            ids.extend(id.and_then(|id| id.parse::<ImageId>().ok()));
        }
        Ok(ids)
    }

    fn best<T: Ord>(
        &self,
        key: Key<'_>,
        matches: impl Fn(&ImageRecord) -> bool,
        rank: impl Fn(&ImageRecord) -> T,
    ) -> Result<Option<ImageRecord>, StoreError> {
        let mut found = Vec::new();
        let mut problem = None;
        for id in key.images(self)? {
            match self.record(&id) {
                Ok(record) if matches(&record) => found.push(record),
                Ok(_) | Err(StoreError::Missing { .. }) => {}
                Err(error) => problem = Some(error),
            }
        }
        match (found.into_iter().max_by_key(rank), problem) {
            (None, Some(problem)) => Err(problem),
            (found, _) => Ok(found),
        }
    }
}
