//! Images that lie in files of this machine.

use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use gantry_store::Source;
use gantry_types::ImageId;

use super::import::{Arrived, Wanted};
use super::reference::LocalFile;
use super::signature::SignaturePlace;
use super::{FetchError, Fetcher, Notice};

impl Fetcher<'_, '_> {
    pub(super) fn by_path(&mut self, file: &LocalFile) -> Result<ImageId, FetchError> {
        let LocalFile { path, given } = file;
        self.notice(&Notice::UsingFile(given.clone()));
        let open = |source| FetchError::OpenImage {
            path: given.clone(),
            source,
        };
        // First of all: who misspelt the name must not hear of signatures.
        let opened = open_regular(path).map_err(open)?;
        let place = match self.signature {
            Some(file) => SignaturePlace::named(file),
            None => SignaturePlace::beside(file),
        };
        let image = given.display().to_string();
        let prepared = self.prepare_check(&image, None, &place)?;
        let check = self.settle(&image, prepared)?;
        let place = path.display().to_string();
        let mut content = check.taking_in(&image)?;
        let key = format!("path {place}");
        let ingest = self.copy_in(&opened, &key, given, &image, u64::MAX, content.as_mut())?;
        let source = Source::Path(place);
        let arrived = Arrived {
            ingest,
            content,
            source: Some(source),
            note: None,
            etag: None,
            last_modified: None,
            max_age: None,
        };
        self.import(
            arrived,
            &check,
            &Wanted {
                image,
                name: None,
                latest: false,
            },
        )
    }
}

/// Opens a regular file, without waiting for the other end of a FIFO.
pub(super) fn open_regular(path: &Path) -> io::Result<File> {
    let file = File::options()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed())
        .open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("not a regular file")),
    }
}
