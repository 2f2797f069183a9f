//! What every command of acbuild gets, and what they share.

use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;

use gantry_cli::{Context, Failure, available_threads, note};
use gantry_ops::build::{
    self, Build, Compression, CopyError, EditError, ImageFile, ModifyError, OciBuildError, OciFile,
    OciImage, WriteOptions,
};
use gantry_ops::epoch::{SOURCE_DATE_EPOCH, SourceDateEpoch};
use gantry_types::ImageManifest;

use crate::cli::Globals;
use crate::ending::Ending;
use crate::rootless;
use crate::scratch::Scratch;

/// One run of the tool.
pub(crate) struct Invocation<'a, 'b> {
    pub(crate) ctx: &'a mut Context<'b>,
    pub(crate) globals: &'a Globals,
    /// Command and sub-command, such as `label add`.
    pub(crate) name: &'a str,
}

impl Invocation<'_, '_> {
    /// The directory that holds `.acbuild`.
    pub(crate) fn work_path(&self) -> &Path {
        &self.globals.work_path
    }

    /// Opens the build in progress.
    pub(crate) fn open(&self) -> Result<Build, Ending> {
        Ok(Build::open(self.work_path())?)
    }

    /// Opens the build in progress to work on its files.
    pub(crate) fn open_files(&self) -> Result<Build, Ending> {
        rootless::enter_build(self.work_path())?;
        let mut build = self.open()?;
        if rootless::has_many_ids() {
            build.copy_as_own();
        }
        if build.has_killed_run() {
            // First what it held outside the build: control groups, networks. Afterwards nothing knows of them.
            gantry_pod::in_tree::collect(build.directory(), &gantry_pod::own_stage1()?)?;
            build.mend_run()?;
        }
        Ok(build)
    }

    /// What "now" is in the image, if the environment says so.
    pub(crate) fn epoch(&self) -> Result<Option<SourceDateEpoch>, Failure> {
        let value = std::env::var_os(SOURCE_DATE_EPOCH);
        let epoch = SourceDateEpoch::from_variable(value.as_deref());
        epoch.map_err(|error| Failure::usage(error.to_string()))
    }

    /// What the history records of this command: its name and positional arguments.
    pub(crate) fn history<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Option<String> {
        let line = build::command_line(self.name, arguments.iter().map(AsRef::as_ref));
        (!self.globals.no_history).then_some(line)
    }

    /// Changes the manifest of the build in progress, by the one or the other for what it makes.
    pub(crate) fn edit<S: AsRef<OsStr>>(
        &mut self,
        arguments: &[S],
        appc: impl FnOnce(&mut ImageManifest) -> Result<(), EditError>,
        oci: impl FnOnce(&mut OciImage) -> Result<(), OciBuildError>,
    ) -> Result<(), Ending> {
        self.explain(arguments);
        let history = self.history(arguments);
        let history = history.as_deref();
        if self.globals.modify_oci.is_some() {
            return self.change_oci_file(|build| build.edit_oci(history, oci));
        }
        let result = match self.image()? {
            Some(image) => image.edit(history, available_threads(), appc),
            None => {
                let build = self.open()?;
                if build.is_oci() {
                    return Ok(build.edit_oci(history, oci)?);
                }
                build.edit(history, appc).map_err(ModifyError::Edit)
            }
        };
        match result {
            Err(ModifyError::Edit(error @ EditError::Absent { .. })) => {
                Err(Ending::Absent(error.into()))
            }
            result => Ok(result?),
        }
    }

    /// Changes the OCI archive that stands in place of the build in progress.
    pub(crate) fn change_oci_file(
        &self,
        change: impl FnOnce(&Build) -> Result<(), OciBuildError>,
    ) -> Result<(), Ending> {
        self.with_oci_file(|file| {
            change(file.build())?;
            file.replace()
        })
    }

    /// Does something with that archive, taken apart in a place of its own.
    pub(crate) fn with_oci_file<T>(
        &self,
        act: impl FnOnce(&OciFile) -> Result<T, OciBuildError>,
    ) -> Result<T, Ending> {
        let path = self.globals.modify_oci.as_deref().unwrap_or(Path::new(""));
        let scratch = Scratch::new()?;
        let result = OciFile::open(path, scratch.path()).and_then(|file| act(&file));
        let ended = scratch.end();
        let done = result?;
        ended?;
        Ok(done)
    }

    /// The image that is changed in place of the build in progress, if there is one.
    pub(crate) fn image(&self) -> Result<Option<ImageFile<'_>>, ModifyError> {
        let image = self.globals.modify_appc.as_deref();
        image.map(ImageFile::open).transpose()
    }

    /// Changes files of the build in progress, or of the image in its place.
    pub(crate) fn change_files(
        &self,
        change: impl FnOnce(&Build) -> Result<(), CopyError>,
    ) -> Result<(), Ending> {
        let Some(image) = self.image()? else {
            return Ok(change(&self.open_files()?)?);
        };
        let scratch = Scratch::new()?;
        let options = WriteOptions {
            overwrite: true,
            epoch: self.epoch()?,
            exact_times: false,
            // Of no effect: the image keeps what it has.
            compression: Compression::default(),
            threads: available_threads(),
        };
        let result = image.rebuild(scratch.path(), &options, change);
        let ended = scratch.end();
        result?;
        Ok(ended?)
    }

    /// With `--debug`, says what is about to be done.
    pub(crate) fn explain<S: AsRef<OsStr>>(&mut self, arguments: &[S]) {
        if self.globals.debug {
            let line = build::command_line(self.name, arguments.iter().map(AsRef::as_ref));
            note(self.ctx.err, line);
        }
    }
}

/// The arguments as exactly `N` pieces of text.
///
/// # Errors
///
/// [`Ending::Usage`] if there are none, a failure if there are more or fewer, or if one is not UTF-8:
/// manifests are JSON.
pub(crate) fn texts<const N: usize>(arguments: &[OsString]) -> Result<[&str; N], Ending> {
    let mut texts = [""; N];
    for (text, argument) in texts.iter_mut().zip(exactly::<N>(arguments)?) {
        *text = self::text(argument)?;
    }
    Ok(texts)
}

/// An argument read as what it stands for; a failure shows it.
pub(crate) fn parsed<T: FromStr<Err: Display>>(text: &str) -> Result<T, Failure> {
    text.parse()
        .map_err(|error| Failure::usage(format!("{text:?}: {error}")))
}

/// The arguments as exactly `N` pieces.
pub(crate) fn exactly<const N: usize>(arguments: &[OsString]) -> Result<&[OsString; N], Ending> {
    if arguments.is_empty() && N > 0 {
        return Err(Ending::Usage);
    }
    arguments.try_into().map_err(|_| Ending::WrongCount)
}

/// An argument that has to be text.
pub(crate) fn text(argument: &OsStr) -> Result<&str, Ending> {
    argument
        .to_str()
        .ok_or_else(|| Failure::usage(format!("argument {argument:?} is not valid UTF-8")).into())
}
