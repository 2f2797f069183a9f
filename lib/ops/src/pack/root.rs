//! Making an image file of a root file system and a manifest.

use std::io::{BufWriter, Write};
use std::os::fd::BorrowedFd;
use std::path::Path;

use gantry_archive::compress::Compression;
use gantry_archive::write::{self as archive, Owner};
use gantry_types::ImageManifest;

use super::{EXTENSION, PackError, WRITE_BUFFER, extension, refused};
use crate::new_file::{NewFileError, Place};

/// How an image is made of a root file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct PackRootOptions {
    /// Whether a file that exists already is replaced.
    pub overwrite: bool,
    /// First ID and number of IDs, of users and of groups, that are 0 and up in the image.
    pub users: Option<(u32, u32)>,
    /// How many threads may compress; the file does not depend on it.
    pub threads: usize,
}

/// Makes the image file `file`, compressed with gzip, of the tree beneath `root`.
///
/// `file` gets its name when it is complete and on stable storage; on failure nothing is left, and what was
/// there before is untouched. The same tree, manifest and options give the same bytes.
///
/// # Errors
///
/// [`PackError`].
pub fn pack_root(
    manifest: &ImageManifest,
    root: BorrowedFd<'_>,
    file: &Path,
    options: &PackRootOptions,
) -> Result<(), PackError> {
    let given = extension(file);
    if given != EXTENSION.as_bytes() {
        let extension = String::from_utf8_lossy(given).into_owned();
        return Err(PackError::Extension { extension });
    }
    let refused = |error| refused(file, error);
    let place = Place::new(file, options.overwrite).map_err(refused)?;
    let new = place
        .create(".rkt-")
        .map_err(|error| refused(NewFileError::Failed(error)))?;
    let options = archive::WriteOptions {
        compression: Compression::Gzip,
        owner: match options.users {
            Some((first, count)) => Owner::Unshift { first, count },
            None => Owner::Keep,
        },
        source_date_epoch: None,
        exact_times: false,
        threads: options.threads,
    };
    let mut output = BufWriter::with_capacity(WRITE_BUFFER, new.file());
    archive::write_aci_without_id(&manifest.to_json(), root, &mut output, &options)
        .and_then(|()| {
            output
                .flush()
                .map_err(|source| archive::WriteError::Output { source })
        })
        .map_err(|error| match error {
            archive::WriteError::Output { source } => PackError::Write {
                path: file.to_owned(),
                source,
            },
            source => PackError::Walk { source },
        })?;
    drop(output);
    new.publish().map_err(|error| match error {
        NewFileError::Failed(source) => PackError::Close {
            path: file.to_owned(),
            source,
        },
        other => refused(other),
    })
}
