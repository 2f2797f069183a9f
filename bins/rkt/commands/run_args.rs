//! The flags of `run` and `run-prepared` that say how a pod is run.

use clap::Args;
use gantry_cli::{Context, Failure, note};
use gantry_pod::RunOptions;

use crate::cli::Globals;
use crate::setup::Setup;

/// Flags that say how a pod is run.
#[derive(Args, Debug)]
pub(crate) struct RunOptionArgs {
    /// Networks: host, or none for a network of the pod's own with loopback only
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "default",
          value_name = "host|none|default")]
    net: Option<String>,
    /// Host name in the pod; rkt-UUID if none is given
    #[arg(long, value_name = "NAME")]
    hostname: Option<String>,
    /// Give the one app the terminal and standard input of the caller
    #[arg(long)]
    pub(crate) interactive: bool,
}

impl RunOptionArgs {
    /// How to run the pod.
    ///
    /// # Errors
    ///
    /// A network that is not there, an insecure option that means nothing, or no stage1.
    pub(crate) fn options(&self, setup: &Setup, globals: &Globals) -> Result<RunOptions, Failure> {
        let net = match self.net.as_deref() {
            Some(net @ ("host" | "none")) => net,
            None | Some("" | "default") => "none",
            Some(other) => {
                return Err(Failure::environment(format!(
                    "network {other:?} is not available yet"
                ))
                .with_hint("use --net=host or --net=none"));
            }
        };
        let insecure = setup.insecure();
        let mut options = RunOptions::new(setup.stage1()?, globals.local_config.clone());
        net.clone_into(&mut options.net);
        options.hostname.clone_from(&self.hostname);
        options.interactive = self.interactive;
        options.debug = globals.debug;
        options.disable_capabilities = insecure.capabilities();
        options.disable_paths = insecure.paths();
        options.disable_seccomp = insecure.seccomp();
        options.environment = std::env::vars_os()
            .filter(|(name, _)| {
                matches!(
                    name.to_str(),
                    Some("PATH" | "TERM" | "LISTEN_FDS" | "LISTEN_PID" | "NOTIFY_SOCKET")
                )
            })
            .collect();
        Ok(options)
    }

    /// Says what the pod will miss; called when nothing else stands against running it.
    pub(crate) fn warn(&self, command: &str, context: &mut Context<'_>) {
        if let None | Some("" | "default") = self.net.as_deref() {
            note(
                context.err,
                format_args!(
                    "{command}: warning: the default network is not available yet: \
                     the pod has loopback only (--net=none), use --net=host to reach others"
                ),
            );
        }
    }
}
