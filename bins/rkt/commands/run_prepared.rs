//! `rkt run-prepared`

use clap::Args;
use gantry_cli::{Context, Failure};

use crate::cli::Globals;
use crate::commands::run_args::{RunOptionArgs, warn_of_no_scope};
use crate::rootless::need_root;
use crate::setup::Setup;

/// Run a pod that was prepared before
#[derive(Args, Debug)]
pub(crate) struct RunPreparedArgs {
    /// How it is run.
    #[command(flatten)]
    options: RunOptionArgs,
    /// UUID of the pod, or a prefix of it that no other pod has
    #[arg(value_name = "UUID")]
    uuid: String,
}

impl RunPreparedArgs {
    /// Becomes the pod.
    ///
    /// # Errors
    ///
    /// Whatever keeps the pod from running; on success this does not return.
    pub(crate) fn run(&self, globals: &Globals, context: &mut Context<'_>) -> Result<(), Failure> {
        need_root(globals)?;
        let setup = Setup::new(globals)?;
        let pod = setup.pods()?.lookup(&self.uuid)?;
        if !pod.is_prepared() {
            let uuid = pod.uuid();
            return Err(Failure::usage(format!("pod \"{uuid}\" is not prepared")));
        }
        if self.options.interactive && pod.info()?.app_names.len() > 1 {
            return Err(Failure::usage(
                "interactive option only supports pods with one app",
            ));
        }
        let options = self.options.options(&setup, globals)?;
        self.options.warn_without_root("run-prepared", context);
        let ports = pod.wants_ports();
        if ports.map_err(|error| Failure::environment(format!("cannot read the pod: {error}")))? {
            self.options.warn_of_ports("run-prepared", context);
        }
        RunOptionArgs::warn_of_lost("run-prepared", pod.lost_options(&options), context)?;
        warn_of_no_scope("run-prepared", pod.enter_scope(), context);
        context.out.flush().map_err(Failure::Output)?;
        Err(pod.run_prepared(&options).into())
    }
}
