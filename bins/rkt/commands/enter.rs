//! `rkt enter`

use clap::Args;
use gantry_cli::{Context, Failure, note};
use gantry_pod::EnterError;

use crate::cli::Globals;
use crate::rootless::need_own;
use crate::setup::Setup;

/// What is run where no command is given.
const DEFAULT_COMMAND: &str = "/bin/bash";

/// Run a command in an app of a running pod
///
/// The command runs as the app does: its user, environment, working directory, capabilities, system calls and
/// limits. From a terminal it gets one of the pod's own. The exit status is that of the command.
#[derive(Args, Debug)]
#[command(override_usage = "rkt enter [--app=APPNAME] UUID [CMD [ARGS …]]")]
pub(crate) struct EnterArgs {
    /// App to enter; not needed where the pod has one
    #[arg(long, value_name = "APPNAME")]
    app: Option<String>,
    /// UUID of the pod, or a prefix of it that no other pod has
    #[arg(value_name = "UUID", required = true)]
    uuid: String,
    /// Command and its arguments; /bin/bash if there is none
    #[arg(
        value_name = "CMD",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    command: Vec<String>,
}

impl EnterArgs {
    /// Becomes stage1, which becomes the command.
    ///
    /// # Errors
    ///
    /// Whatever keeps the command from running; on success this does not return.
    pub(crate) fn run(&self, globals: &Globals, context: &mut Context<'_>) -> Result<(), Failure> {
        // The pod's namespaces are joined by stage1, from the outside.
        need_own(globals)?;
        let setup = Setup::new(globals)?;
        let pod = setup.pods()?.lookup(&self.uuid)?;
        let app = pod.app_to_enter(self.app.as_deref()).inspect_err(|error| {
            if let EnterError::SeveralApps(apps) = error {
                note(context.err, "enter: pod contains multiple apps:");
                for app in apps {
                    note(context.err, format_args!("\t{app}"));
                }
            }
        })?;
        let mut command = self.command.clone();
        if command.first().is_some_and(|first| first == "--") {
            command.remove(0);
        }
        if command.is_empty() {
            note(
                context.err,
                format_args!("enter: no command specified, assuming \"{DEFAULT_COMMAND}\""),
            );
            command.push(DEFAULT_COMMAND.to_owned());
        }
        context.out.flush().map_err(Failure::Output)?;
        let terminal = std::env::var_os("TERM");
        Err(pod
            .enter(&setup.stage1()?, &app, &command, terminal.as_deref())
            .into())
    }
}
