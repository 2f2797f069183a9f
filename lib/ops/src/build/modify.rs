//! Changing an image file without a build in progress.
//!
//! A change of the manifest copies the image as it is, entry for entry, with another manifest in it, so nothing
//! else of it depends on who does this. New files need the image's own on disk: it is taken apart in a
//! directory of the caller's and put together again.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use gantry_archive::aci::AciError;
use gantry_archive::compress::Decoder;
use gantry_archive::limits::Limits;
use gantry_archive::rewrite::{RewriteError, RewriteOptions, replace_manifest};
use gantry_archive::write as archive;
use gantry_types::{Diagnostic, ImageManifest, Kind};

use super::begin::{BeginError, Start};
use super::context::Build;
use super::copy::CopyError;
use super::edit::{EditError, changed};
use super::replace::{ReplaceError, lay_over, read_object};
use super::write::{WRITE_BUFFER, WriteError, WriteOptions, archive_options};
use crate::new_file::{NewFile, NewFileError, Place};
use crate::room::is_full;

/// An image file could not be changed. It is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ModifyError {
    /// There is no such file.
    #[error("image doesn't appear to exist: {}.", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// It is a directory.
    #[error("image to modify is a directory: {}.", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
    },
    /// It is a device, a FIFO or a socket.
    #[error("image to modify is not a regular file: {}", path.display())]
    NotAFile {
        /// The device, FIFO or socket.
        path: PathBuf,
    },
    /// It cannot be opened.
    #[error("error accessing image to modify: {}", path.display())]
    Access {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no image.
    #[error("cannot read {}", path.display())]
    Image {
        /// The file.
        path: PathBuf,
        /// Why.
        source: AciError,
    },
    /// It has no manifest or no root file system.
    #[error("{} is no image: {missing} is missing", path.display())]
    Lacking {
        /// The file.
        path: PathBuf,
        /// What it lacks.
        missing: &'static str,
    },
    /// Its manifest cannot be changed so.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// Its manifest cannot be replaced so.
    #[error(transparent)]
    Replace(#[from] ReplaceError),
    /// It cannot be taken apart.
    #[error(transparent)]
    Begin(#[from] BeginError),
    /// The files cannot be copied into it.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// It cannot be put together again.
    #[error(transparent)]
    Assemble(#[from] WriteError),
    /// The changed image cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Diagnostic for ModifyError {
    fn kind(&self) -> Kind {
        match self {
            Self::Missing { .. }
            | Self::Directory { .. }
            | Self::NotAFile { .. }
            | Self::Lacking { .. } => Kind::Usage,
            Self::Access { .. } | Self::Write { .. } => Kind::Environment,
            Self::Image { source, .. } => source.kind(),
            Self::Edit(error) => error.kind(),
            Self::Replace(error) => error.kind(),
            Self::Begin(error) => error.kind(),
            Self::Copy(error) => error.kind(),
            Self::Assemble(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Image { source, .. } => source.hint(),
            Self::Edit(error) => error.hint(),
            Self::Replace(error) => error.hint(),
            Self::Begin(error) => error.hint(),
            Self::Copy(error) => error.hint(),
            Self::Assemble(error) => error.hint(),
            Self::Lacking { .. } => {
                Some("\"acbuild begin\" takes archives of a root file system".into())
            }
            Self::Write { source, .. } if is_full(source) => {
                Some("make room on its file system".into())
            }
            _ => None,
        }
    }
}

/// An image file that is changed without a build in progress.
#[derive(Debug)]
pub struct ImageFile<'a> {
    path: &'a Path,
    file: File,
}

impl<'a> ImageFile<'a> {
    /// Opens the image.
    ///
    /// # Errors
    ///
    /// [`ModifyError`] if it is not there, is no regular file or cannot be opened.
    pub fn open(path: &'a Path) -> Result<Self, ModifyError> {
        let shown = || path.to_owned();
        let access = |source| ModifyError::Access {
            path: shown(),
            source,
        };
        // A FIFO would make the tool wait for ever.
        let metadata = std::fs::metadata(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => ModifyError::Missing { path: shown() },
            _ => access(source),
        })?;
        if metadata.is_dir() {
            return Err(ModifyError::Directory { path: shown() });
        }
        if !metadata.is_file() {
            return Err(ModifyError::NotAFile { path: shown() });
        }
        let file = File::open(path).map_err(access)?;
        Ok(Self { path, file })
    }

    /// The manifest.
    ///
    /// # Errors
    ///
    /// [`ModifyError`] if the file is no image.
    pub fn manifest(&self) -> Result<ImageManifest, ModifyError> {
        let json = gantry_archive::aci::read_manifest(&self.file).map_err(|e| self.image(e))?;
        Ok(ImageManifest::from_json(&json).map_err(EditError::from)?)
    }

    /// Changes the manifest and records `history`; the rest of the image stays byte for byte, its compression
    /// too. The file is replaced in one step once the new one is on stable storage, and keeps its permissions.
    ///
    /// # Errors
    ///
    /// What `change` gives, and [`ModifyError`]; the image then is as it was.
    pub fn edit(
        &self,
        history: Option<&str>,
        threads: usize,
        change: impl FnOnce(&mut ImageManifest) -> Result<(), EditError>,
    ) -> Result<(), ModifyError> {
        let new = self.begin_new()?;
        let mut out = BufWriter::with_capacity(WRITE_BUFFER, new.file());
        let options = RewriteOptions {
            compression: None,
            threads,
        };
        let edit = |stored: &[u8]| {
            let manifest = ImageManifest::from_json(stored)?;
            changed(manifest, history, change).map(|manifest| manifest.to_json())
        };
        replace_manifest(&self.file, &mut out, options, edit).map_err(|error| match error {
            RewriteError::Image(error) => self.image(error),
            RewriteError::Manifest(error) => ModifyError::Edit(error),
            RewriteError::Output { source } => self.write(source),
        })?;
        out.flush().map_err(|source| self.write(source))?;
        drop(out);
        self.finish(new)
    }

    /// Lays the manifest in `file` over that of the image, see [`Build::replace_manifest`].
    ///
    /// # Errors
    ///
    /// As [`ImageFile::edit`].
    pub fn replace_manifest(
        &self,
        file: &Path,
        history: Option<&str>,
        threads: usize,
    ) -> Result<(), ModifyError> {
        let over = read_object(file)?;
        self.edit(history, threads, |manifest| lay_over(manifest, over))
    }

    /// Takes the image apart in `scratch`, an empty directory, lets `change` work on it and puts it together
    /// again, compressed as it was. What stays in the directory is the caller's to remove.
    ///
    /// # Errors
    ///
    /// What `change` gives, and [`ModifyError`]; the image then is as it was.
    pub fn rebuild(
        &self,
        scratch: &Path,
        options: &WriteOptions,
        change: impl FnOnce(&Build) -> Result<(), CopyError>,
    ) -> Result<(), ModifyError> {
        let compression = Decoder::new(&self.file, &Limits::default())
            .map_err(|error| self.image(error.into()))?
            .compression();
        let build = Build::begin(scratch, &Start::Local(self.path.to_owned()))?;
        if let Some(missing) = build.lacking() {
            return Err(ModifyError::Lacking {
                path: self.path.to_owned(),
                missing,
            });
        }
        change(&build)?;
        let new = self.begin_new()?;
        let mut out = BufWriter::with_capacity(WRITE_BUFFER, new.file());
        let options = archive::WriteOptions {
            compression,
            ..archive_options(options)
        };
        build.put_together(self.path, &mut out, &options)?;
        out.flush().map_err(|source| self.write(source))?;
        drop(out);
        self.finish(new)
    }

    fn begin_new(&self) -> Result<NewFile, ModifyError> {
        let place = Place::new(self.path, true).map_err(|error| self.refused(error))?;
        place
            .create(".acbuild-")
            .map_err(|source| self.write(source))
    }

    fn finish(&self, new: NewFile) -> Result<(), ModifyError> {
        let replaced = self.file.metadata().map_err(|source| self.write(source))?;
        new.keep_permissions(&replaced)
            .map_err(|source| self.write(source))?;
        new.publish().map_err(|error| self.refused(error))
    }

    fn image(&self, source: AciError) -> ModifyError {
        let path = self.path.to_owned();
        ModifyError::Image { path, source }
    }

    fn write(&self, source: io::Error) -> ModifyError {
        let path = self.path.to_owned();
        ModifyError::Write { path, source }
    }

    fn refused(&self, error: NewFileError) -> ModifyError {
        match error {
            NewFileError::NotAFile => ModifyError::NotAFile {
                path: self.path.to_owned(),
            },
            NewFileError::Exists => self.write(io::ErrorKind::AlreadyExists.into()),
            NewFileError::Failed(source) => self.write(source),
        }
    }
}
