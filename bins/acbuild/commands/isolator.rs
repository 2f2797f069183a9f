//! `isolator add` and `isolator remove`.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read};

use gantry_cli::Failure;
use gantry_ops::build::{appc_only, edit};
use gantry_types::{Isolator, IsolatorValue};

use crate::ending::Ending;
use crate::invocation::{Invocation, exactly, parsed, text, texts};

/// Largest isolator value read, in bytes: a seccomp set with every system call is below 10 KiB.
const MAX_VALUE_BYTES: u64 = 1024 * 1024;

#[derive(clap::Subcommand, Debug)]
pub(crate) enum Command {
    /// Set an isolator
    #[command(override_usage = "acbuild isolator add NAME FILE|-")]
    Add {
        /// Name, such as `resource/memory`, and a file with its value in JSON, or - for standard input
        #[arg(value_names = ["NAME", "FILE"], num_args = 0..)]
        arguments: Vec<OsString>,
    },
    /// Remove an isolator
    #[command(override_usage = "acbuild isolator remove NAME", visible_alias = "rm")]
    Remove {
        /// Name of the isolator
        #[arg(value_name = "NAME")]
        arguments: Vec<OsString>,
    },
}

pub(crate) fn run(command: &Command, invocation: &mut Invocation<'_, '_>) -> Result<(), Ending> {
    match command {
        Command::Add { arguments } => {
            let [name, file] = exactly(arguments)?;
            let name = parsed(text(name)?)?;
            let isolator = Isolator::from_json_value(name, &value(file)?)
                .map_err(|error| Failure::usage(format!("value in {}: {error}", shown(file))))?;
            // A sysctl belongs to a pod, not to an app.
            if matches!(
                isolator.value(),
                IsolatorValue::Unknown | IsolatorValue::Sysctl(_)
            ) {
                return Err(
                    Failure::usage(format!("unknown isolator name: {}", isolator.name())).into(),
                );
            }
            invocation.edit(
                arguments,
                |manifest| edit::set_isolator(manifest, isolator),
                |_| appc_only("isolators"),
            )
        }
        Command::Remove { arguments } => {
            let [name] = texts(arguments)?;
            // Here a missing element is a failure like any other; scripts know it so.
            invocation
                .edit(
                    arguments,
                    |manifest| edit::remove_isolator(manifest, name),
                    |_| appc_only("isolators"),
                )
                .map_err(|ending| match ending {
                    Ending::Absent(failure) => Ending::Failed(failure),
                    other => other,
                })
        }
    }
}

/// What a message calls the file.
fn shown(file: &OsStr) -> Cow<'_, str> {
    if file == "-" {
        Cow::Borrowed("standard input")
    } else {
        file.to_string_lossy()
    }
}

fn value(file: &OsStr) -> Result<Vec<u8>, Failure> {
    let failed =
        |error: io::Error| Failure::environment(format!("cannot read {}: {error}", shown(file)));
    let mut value = Vec::new();
    let source: Box<dyn Read> = if file == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(gantry_ops::open_input(file.as_ref()).map_err(failed)?)
    };
    source
        .take(MAX_VALUE_BYTES + 1)
        .read_to_end(&mut value)
        .map_err(failed)?;
    if value.len() as u64 > MAX_VALUE_BYTES {
        return Err(Failure::usage(format!(
            "{} is larger than {MAX_VALUE_BYTES} bytes",
            shown(file)
        )));
    }
    Ok(value)
}
