//! The commands that set one field of the manifest, and the one that replaces all of it.

use std::ffi::OsString;
use std::path::Path;

use gantry_cli::{Failure, available_threads};
use gantry_ops::build::{appc_only, edit};
use gantry_types::AcIdentifier;

use crate::ending::Ending;
use crate::invocation::{Invocation, exactly, parsed, text, texts};

#[derive(clap::Args, Debug)]
#[command(override_usage = "acbuild set-name NAME")]
pub(crate) struct NameArgs {
    /// Name of the image, such as `example.com/app`
    #[arg(value_name = "NAME")]
    arguments: Vec<OsString>,
}

pub(crate) fn name(args: &NameArgs, invocation: &mut Invocation<'_, '_>) -> Result<(), Ending> {
    let [name] = texts(&args.arguments)?;
    if name.is_empty() {
        return Err(Failure::usage("name cannot be empty").into());
    }
    let name: AcIdentifier = parsed(name)?;
    invocation.edit(
        &args.arguments,
        |manifest| {
            manifest.name = name;
            Ok(())
        },
        |_| appc_only("setting names"),
    )
}

#[derive(clap::Args, Debug)]
#[command(override_usage = "acbuild set-exec -- COMMAND [ARGUMENT]...")]
pub(crate) struct ExecArgs {
    /// The command and its arguments
    #[arg(value_name = "COMMAND")]
    arguments: Vec<OsString>,
}

pub(crate) fn exec(args: &ExecArgs, invocation: &mut Invocation<'_, '_>) -> Result<(), Ending> {
    let exec = command_line(&args.arguments)?;
    let of_oci = exec.clone();
    invocation.edit(
        &args.arguments,
        |manifest| edit::set_exec(manifest, exec),
        |image| {
            image.set_exec(of_oci);
            Ok(())
        },
    )
}

#[derive(clap::Args, Debug)]
#[command(override_usage = "acbuild set-user USER")]
pub(crate) struct UserArgs {
    /// A name or number, or a file of the image whose owner it is
    #[arg(value_name = "USER")]
    arguments: Vec<OsString>,
}

pub(crate) fn user(args: &UserArgs, invocation: &mut Invocation<'_, '_>) -> Result<(), Ending> {
    let [user] = texts(&args.arguments)?;
    invocation.edit(
        &args.arguments,
        |manifest| edit::set_user(manifest, user),
        |image| image.set_user(user),
    )
}

#[derive(clap::Args, Debug)]
#[command(override_usage = "acbuild set-group GROUP")]
pub(crate) struct GroupArgs {
    /// A name or number, or a file of the image whose group it is
    #[arg(value_name = "GROUP")]
    arguments: Vec<OsString>,
}

pub(crate) fn group(args: &GroupArgs, invocation: &mut Invocation<'_, '_>) -> Result<(), Ending> {
    let [group] = texts(&args.arguments)?;
    invocation.edit(
        &args.arguments,
        |manifest| edit::set_group(manifest, group),
        |image| image.set_group(group),
    )
}

#[derive(clap::Args, Debug)]
#[command(override_usage = "acbuild set-supp-groups GROUP...")]
pub(crate) struct SuppGroupsArgs {
    /// Numbers of groups
    #[arg(value_name = "GROUP")]
    arguments: Vec<OsString>,
}

pub(crate) fn supp_groups(
    args: &SuppGroupsArgs,
    invocation: &mut Invocation<'_, '_>,
) -> Result<(), Ending> {
    if args.arguments.is_empty() {
        return Err(Ending::Usage);
    }
    let groups = args.arguments.iter().map(group_number);
    let groups = groups.collect::<Result<_, Ending>>()?;
    invocation.edit(
        &args.arguments,
        |manifest| {
            edit::app(manifest).supplementary_gids = groups;
            Ok(())
        },
        |_| appc_only("supplementary groups"),
    )
}

#[derive(clap::Args, Debug)]
#[command(override_usage = "acbuild set-tag TAG")]
pub(crate) struct TagArgs {
    /// The version, such as `1.0.0`
    #[arg(value_name = "TAG")]
    arguments: Vec<OsString>,
}

pub(crate) fn tag(args: &TagArgs, invocation: &mut Invocation<'_, '_>) -> Result<(), Ending> {
    let [tag] = texts(&args.arguments)?;
    let version: AcIdentifier = "version".parse()?;
    invocation.edit(
        &args.arguments,
        |manifest| edit::set_label(manifest, version, tag),
        |image| image.set_tag(tag),
    )
}

#[derive(clap::Args, Debug)]
#[command(override_usage = "acbuild set-working-directory DIR")]
pub(crate) struct WorkingDirectoryArgs {
    /// An absolute path in the image
    #[arg(value_name = "DIR")]
    arguments: Vec<OsString>,
}

pub(crate) fn working_directory(
    args: &WorkingDirectoryArgs,
    invocation: &mut Invocation<'_, '_>,
) -> Result<(), Ending> {
    let [dir] = texts(&args.arguments)?;
    invocation.edit(
        &args.arguments,
        |manifest| {
            edit::app(manifest).working_directory = dir.to_owned();
            Ok(())
        },
        |image| {
            image.set_working_directory(dir);
            Ok(())
        },
    )
}

#[derive(clap::Args, Debug)]
#[command(override_usage = "acbuild replace-manifest FILE")]
pub(crate) struct ReplaceManifestArgs {
    /// A manifest; what it does not say stays as it is
    #[arg(value_name = "FILE")]
    arguments: Vec<OsString>,
}

pub(crate) fn replace_manifest(
    args: &ReplaceManifestArgs,
    invocation: &mut Invocation<'_, '_>,
) -> Result<(), Ending> {
    let [file] = exactly(&args.arguments)?;
    invocation.explain(&args.arguments);
    let history = invocation.history(&args.arguments);
    let (file, history) = (Path::new(file), history.as_deref());
    if invocation.globals.modify_oci.is_some() {
        return invocation
            .change_oci_file(|build| build.edit_oci(history, |image| image.replace_config(file)));
    }
    match invocation.image()? {
        Some(image) => Ok(image.replace_manifest(file, history, available_threads())?),
        None => {
            let build = invocation.open()?;
            match build.is_oci() {
                true => Ok(build.edit_oci(history, |image| image.replace_config(file))?),
                false => Ok(build.replace_manifest(file, history)?),
            }
        }
    }
}

/// A command and its arguments, as text.
pub(super) fn command_line(arguments: &[OsString]) -> Result<Vec<String>, Ending> {
    if arguments.is_empty() {
        return Err(Ending::Usage);
    }
    arguments
        .iter()
        .map(|argument| Ok(text(argument)?.to_owned()))
        .collect()
}

fn group_number(group: &OsString) -> Result<i64, Ending> {
    let group = text(group)?;
    group
        .parse()
        .map_err(|_| Failure::usage(format!("group {group:?} is not a number")).into())
}
