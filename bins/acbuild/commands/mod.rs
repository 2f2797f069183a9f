//! One file per command or family of commands.

pub(crate) mod annotation;
pub(crate) mod begin;
pub(crate) mod cat_manifest;
pub(crate) mod copy;
pub(crate) mod dependency;
mod end;
pub(crate) mod environment;
pub(crate) mod event_handler;
pub(crate) mod isolator;
pub(crate) mod label;
mod layer;
pub(crate) mod mount;
pub(crate) mod port;
pub(crate) mod run;
pub(crate) mod script;
pub(crate) mod set;
mod version;
pub(crate) mod write;

use gantry_cli::Failure;

use crate::cli::Command;
use crate::ending::Ending;
use crate::invocation::Invocation;

/// Runs a command.
pub(crate) fn run(command: Command, invocation: &mut Invocation<'_, '_>) -> Result<(), Ending> {
    check_modify(&command, invocation)?;
    match command {
        Command::Annotation(command) => annotation::run(&command, invocation),
        Command::Begin(args) => begin::run(&args, invocation),
        Command::CatManifest(args) => cat_manifest::run(&args, invocation),
        Command::Copy(args) => copy::run(&args, invocation),
        Command::CopyToDir(args) => copy::run_to_dir(&args, invocation),
        Command::Dependency(command) => dependency::run(&command, invocation),
        Command::End(args) => end::run(&args, invocation),
        Command::Environment(command) => environment::run(&command, invocation),
        Command::Isolator(command) => isolator::run(&command, invocation),
        Command::Label(command) => label::run(&command, invocation),
        Command::Layer(args) => layer::run(&args, invocation),
        Command::Mount(command) => mount::run(&command, invocation),
        Command::Port(command) => port::run(&command, invocation),
        Command::ReplaceManifest(args) => set::replace_manifest(&args, invocation),
        Command::Run(args) => run::run(&args, invocation),
        Command::Script(args) => script::run(&args, invocation),
        Command::SetEventHandler(command) => event_handler::run(&command, invocation),
        Command::SetExec(args) => set::exec(&args, invocation),
        Command::SetGroup(args) => set::group(&args, invocation),
        Command::SetName(args) => set::name(&args, invocation),
        Command::SetSuppGroups(args) => set::supp_groups(&args, invocation),
        Command::SetTag(args) => set::tag(&args, invocation),
        Command::SetUser(args) => set::user(&args, invocation),
        Command::SetWorkingDirectory(args) => set::working_directory(&args, invocation),
        Command::Version(args) => version::run(&args, invocation),
        Command::Write(args) => write::run(&args, invocation),
    }
}

/// Refuses the flags that edit an image file where they make no sense.
fn check_modify(command: &Command, invocation: &Invocation<'_, '_>) -> Result<(), Failure> {
    let globals = invocation.globals;
    match (&globals.modify_appc, &globals.modify_oci) {
        (None, None) => return Ok(()),
        (Some(_), Some(_)) => {
            return Err(Failure::usage(
                "can't modify an appc image and an oci image at the same time",
            ));
        }
        _ => {}
    }
    match command {
        Command::Begin(_)
        | Command::Write(_)
        | Command::End(_)
        | Command::Version(_)
        | Command::Run(_)
        | Command::Script(_) => Err(Failure::usage(format!(
            "Can't use --modify flags with {}.",
            invocation.name
        ))),
        Command::Copy(_) | Command::CopyToDir(_) | Command::Layer(_)
            if globals.modify_oci.is_some() =>
        {
            Err(Failure::usage(format!(
                "Can't use --modify-oci with {}.",
                invocation.name
            )))
        }
        _ => Ok(()),
    }
}
