//! `copy` and `copy-to-dir`.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use gantry_cli::Failure;
use gantry_ops::build::{Build, CopyChoices, CopyError};

use crate::ending::Ending;
use crate::invocation::{Invocation, exactly};
use crate::rootless;

/// How files are copied.
#[derive(clap::Args, Debug)]
pub(crate) struct ChoiceArgs {
    /// User and group of the copies, names of the image or numbers; without a group its number is the user's
    #[arg(long, value_name = "USER[:GROUP]")]
    chown: Option<String>,
    /// Leave out files of a directory, in addition to those that its file `.acbuildignore` names; may be repeated
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<OsString>,
}

impl ChoiceArgs {
    /// Gets the right to give files to others, if the user has it and wants that.
    fn get_rights(&self, invocation: &Invocation<'_, '_>) -> Result<(), Ending> {
        if self.chown.is_some() && invocation.globals.modify_appc.is_none() {
            // Without a build there is nothing to have rights for.
            drop(invocation.open()?);
            rootless::keep_owners()?;
            if rootless::has_many_ids() {
                invocation.open()?.note_other_owners()?;
            }
        }
        Ok(())
    }

    fn choices(&self, build: &Build) -> Result<CopyChoices, CopyError> {
        let owner = match &self.chown {
            None => None,
            Some(text) => Some(owner(text, build)?),
        };
        Ok(CopyChoices {
            owner,
            exclude: self
                .exclude
                .iter()
                .map(|pattern| pattern.as_bytes().to_vec())
                .collect(),
        })
    }
}

/// The numbers of `USER[:GROUP]` in the image.
fn owner(text: &str, build: &Build) -> Result<(u32, u32), CopyError> {
    let number = |name: &str, file: &str| -> Result<u32, CopyError> {
        // Digits are a number and never a name; the highest stands for no user.
        if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) {
            let number = name.parse().ok().filter(|number| *number != u32::MAX);
            return number.ok_or_else(|| CopyError::NoAccount {
                name: name.to_owned(),
                file: file.to_owned(),
            });
        }
        let found = gantry_stage1::find_account(&build.accounts(file)?, name);
        found.ok_or_else(|| CopyError::NoAccount {
            name: name.to_owned(),
            file: file.to_owned(),
        })
    };
    let (user, group) = match text.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (text, None),
    };
    let uid = number(user, "etc/passwd")?;
    let gid = group.map_or(Ok(uid), |group| number(group, "etc/group"))?;
    Ok((uid, gid))
}

#[derive(clap::Args, Debug)]
#[command(override_usage = "acbuild copy [OPTIONS] FROM TO")]
pub(crate) struct Args {
    #[command(flatten)]
    choices: ChoiceArgs,
    /// A file or directory, and what it becomes in the image
    #[arg(value_names = ["FROM", "TO"], num_args = 0..)]
    arguments: Vec<OsString>,
}

pub(crate) fn run(args: &Args, invocation: &mut Invocation<'_, '_>) -> Result<(), Ending> {
    let [from, to] = exactly(&args.arguments)?;
    if to.as_bytes().ends_with(b"/") {
        return Err(Failure::usage(format!("target {to:?} ends in a slash"))
            .with_hint("copy-to-dir copies into a directory; copy needs the full target")
            .into());
    }
    invocation.explain(&args.arguments);
    let history = invocation.history(&args.arguments);
    args.choices.get_rights(invocation)?;
    invocation.change_files(|build| {
        let choices = args.choices.choices(build)?;
        build.copy(Path::new(from), Path::new(to), &choices, history.as_deref())
    })
}

#[derive(clap::Args, Debug)]
#[command(override_usage = "acbuild copy-to-dir [OPTIONS] FROM... DIR")]
pub(crate) struct ToDirArgs {
    #[command(flatten)]
    choices: ChoiceArgs,
    /// Files and directories, and the directory in the image they are copied into
    #[arg(value_names = ["FROM", "DIR"], num_args = 0..)]
    arguments: Vec<OsString>,
}

pub(crate) fn run_to_dir(
    args: &ToDirArgs,
    invocation: &mut Invocation<'_, '_>,
) -> Result<(), Ending> {
    let (dir, sources) = args.arguments.split_last().ok_or(Ending::Usage)?;
    if sources.is_empty() {
        return Err(Ending::WrongCount);
    }
    invocation.explain(&args.arguments);
    let history = invocation.history(&args.arguments);
    let sources: Vec<PathBuf> = sources.iter().map(PathBuf::from).collect();
    args.choices.get_rights(invocation)?;
    invocation.change_files(|build| {
        let choices = args.choices.choices(build)?;
        build.copy_to_dir(&sources, Path::new(dir), &choices, history.as_deref())
    })
}
