//! The flags of `run` and `run-prepared` that say how a pod is run.

use clap::Args;
use gantry_cli::{Context, Failure, note};
use gantry_pod::metadata::Registrar;
use gantry_pod::{RunOptions, ScopeError};
use gantry_types::net::NetList;

use crate::cli::Globals;
use crate::commands::dns_args::DnsArgs;
use crate::setup::{Setup, registrar};

/// Flags that say how a pod is run.
#[derive(Args, Debug)]
pub(crate) struct RunOptionArgs {
    /// Networks that the pod joins: host, none, all, or names with arguments NAME:KEY=VALUE;KEY=VALUE
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "default",
          value_name = "NAME[:ARGS],…")]
    net: Vec<String>,
    /// Host name in the pod; rkt-UUID if none is given
    #[arg(long, value_name = "NAME")]
    hostname: Option<String>,
    /// Give the one app the terminal and standard input of the caller
    #[arg(long)]
    pub(crate) interactive: bool,
    /// Name resolution in the pod.
    #[command(flatten)]
    dns: DnsArgs,
    /// System V and POSIX message queues, semaphores and shared memory: the pod's own, or the caller's
    #[arg(long, value_name = "auto|private|parent")]
    ipc: Option<Ipc>,
    /// Make the pod known to the metadata service
    #[arg(long)]
    mds_register: bool,
}

/// Whose IPC namespace a pod has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ipc {
    Auto,
    Private,
    Parent,
}

impl std::str::FromStr for Ipc {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            // As without the flag.
            "" | "auto" => Ok(Self::Auto),
            "private" => Ok(Self::Private),
            "parent" => Ok(Self::Parent),
            _ => Err("must be auto, private or parent".to_owned()),
        }
    }
}

impl Ipc {
    fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Private => "private",
            Self::Parent => "parent",
        }
    }
}

impl RunOptionArgs {
    /// How to run the pod.
    ///
    /// # Errors
    ///
    /// A network that is not there, an insecure option that means nothing, no stage1, or no metadata service.
    pub(crate) fn options(&self, setup: &Setup, globals: &Globals) -> Result<RunOptions, Failure> {
        let net = self.networks()?;
        if net.has_networks() && !crate::rootless::is_root() {
            return Err(
                Failure::environment(format!("network {net} can be set up by root only"))
                    .with_hint("use --net=host or --net=none, or run it as root"),
            );
        }
        // A network that nobody defines is better told before anything is fetched.
        if net.has_networks() {
            gantry_pod::network_catalog(&globals.local_config).select(&net)?;
        }
        if self.mds_register && net == NetList::None {
            return Err(Failure::usage(
                "--mds-register flag does not work with --net=none. Please use 'host', 'default' \
                 or an equivalent network",
            ));
        }
        let registrar = self.mds_register.then(registrar);
        // As is better told before anything is fetched, or a prepared pod taken.
        registrar.as_ref().map_or(Ok(()), Registrar::check)?;
        let insecure = setup.insecure();
        let mut options = RunOptions::new(setup.stage1()?, globals.local_config.clone());
        options.net = net.to_string();
        options.hostname.clone_from(&self.hostname);
        options.interactive = self.interactive;
        options.conf_files = self.dns.files()?;
        options.ipc = self.ipc.map(|ipc| ipc.as_str().to_owned());
        options.registrar = registrar;
        options.debug = globals.debug;
        options.disable_capabilities = insecure.capabilities();
        options.disable_paths = insecure.paths();
        options.disable_seccomp = insecure.seccomp();
        options.caller_environment = std::env::vars_os().collect();
        options.environment = std::env::vars_os()
            .filter(|(name, _)| {
                matches!(
                    name.to_str(),
                    Some(
                        "PATH"
                            | "TERM"
                            | "LISTEN_FDS"
                            | "LISTEN_PID"
                            | "LISTEN_FDNAMES"
                            | "NOTIFY_SOCKET"
                            | "WATCHDOG_USEC"
                            | "WATCHDOG_PID"
                            | "JOURNAL_STREAM"
                    )
                )
            })
            .collect();
        Ok(options)
    }

    /// Says that a pod has no network where nothing was said and the caller can give it none.
    pub(crate) fn warn_without_root(&self, command: &str, context: &mut Context<'_>) {
        if self.net.is_empty() && !crate::rootless::is_root() {
            note(
                context.err,
                format_args!(
                    "{command}: warning: only root sets up networks: the pod has loopback only (--net=none), \
                     use --net=host to reach others"
                ),
            );
        }
    }

    /// The value of `--net`; without root nothing means none.
    fn networks(&self) -> Result<NetList, Failure> {
        if self.net.is_empty() && !crate::rootless::is_root() {
            return Ok(NetList::None);
        }
        NetList::from_values(self.net.iter().map(String::as_str))
            .map_err(|error| Failure::usage(format!("--net: {error}")))
    }

    /// Makes sure that ports of the host lead somewhere: into a network of the pod's own.
    ///
    /// # Errors
    ///
    /// The pod has no such network.
    pub(crate) fn check_ports(&self) -> Result<(), Failure> {
        match self.networks()? {
            net @ (NetList::Host | NetList::None) => Err(Failure::usage(format!(
                "--port flag does not work with '{net}' networking"
            ))),
            NetList::All | NetList::Named(_) => Ok(()),
        }
    }

    /// Says that ports of the host lead nowhere, for a pod that was prepared without knowing its networks.
    pub(crate) fn warn_of_ports(&self, command: &str, context: &mut Context<'_>) {
        if let Ok(net @ (NetList::Host | NetList::None)) = self.networks() {
            note(
                context.err,
                format_args!(
                    "{command}: warning: the pod's ports are not forwarded with '{net}' networking"
                ),
            );
        }
    }

    /// Says which flags the pod's stage1, where that is an image, knows nothing of.
    ///
    /// # Errors
    ///
    /// If that image cannot be read.
    pub(crate) fn warn_of_lost(
        command: &str,
        lost: std::io::Result<Vec<&'static str>>,
        context: &mut Context<'_>,
    ) -> Result<(), Failure> {
        let lost = lost.map_err(|error| {
            Failure::environment(format!("cannot read the pod's stage1: {error}"))
        })?;
        for flag in lost {
            note(
                context.err,
                format_args!("{command}: warning: {flag} option is not supported by stage1"),
            );
        }
        Ok(())
    }
}

/// Says why the pod has no unit of its own, without which it runs as well.
pub(crate) fn warn_of_no_scope(
    command: &str,
    entered: Result<(), ScopeError>,
    context: &mut Context<'_>,
) {
    if let Err(error) = entered {
        let cause = gantry_types::show::one_line(&error);
        note(
            context.err,
            format_args!("{command}: warning: {cause}; the pod stays in the caller's unit"),
        );
    }
}
