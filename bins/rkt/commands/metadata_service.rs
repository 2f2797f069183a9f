//! `rkt metadata-service`

use std::os::unix::net::UnixStream;
use std::path::Path;

use clap::Args;
use gantry_cli::{Context, Failure, note};
use gantry_pod::metadata::{Listeners, MetadataState, Requested, SigningKey, serve};
use gantry_types::metadata::{PORT, REGISTRATION_SOCKET};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::pipe;

use crate::cli::Globals;
use crate::service::tell;
use crate::setup::Setup;

/// Tell apps about their pod and its images, and sign for them
///
/// Pods that are run with --mds-register are made known on /run/rkt/metadata-svc.sock, or on the Unix socket that
/// a service manager hands over; apps find the address in AC_METADATA_URL. After a restart the pods of this data
/// directory are known again, and what was signed before is still verified. SIGTERM and SIGINT end the service.
#[derive(Args, Debug)]
pub(crate) struct MetadataServiceArgs {
    /// Port for apps, on all addresses of the host, unless a service manager hands over a TCP socket
    #[arg(long, value_name = "PORT", default_value_t = PORT)]
    listen_port: u16,
}

impl MetadataServiceArgs {
    /// Serves until a signal asks for the end.
    ///
    /// # Errors
    ///
    /// When the sockets or the key cannot be had.
    pub(crate) fn run(&self, globals: &Globals, context: &mut Context<'_>) -> Result<(), Failure> {
        let variable = |name| std::env::var(name).ok();
        let (inherited, meant) = (variable("LISTEN_FDS"), variable("LISTEN_PID"));
        say(context, "metadata service starting...");
        // First the sockets of the service manager, before this process opens anything else.
        let listeners = Listeners::open(&Requested {
            socket: Path::new(REGISTRATION_SOCKET),
            port: self.listen_port,
            inherited: inherited.as_deref(),
            meant: meant.as_deref(),
        })?;
        let setup = Setup::new(globals)?;
        let pods = setup.pods()?;
        let mut state = MetadataState::new(SigningKey::of(setup.data_dir())?);
        state
            .restore(&pods, |warning| say(context, &warning))
            .map_err(|error| Failure::environment(format!("cannot read the pods: {error}")))?;
        let (stop, stopper) = signals()
            .map_err(|error| Failure::environment(format!("cannot wait for signals: {error}")))?;
        say(context, "metadata service running...");
        tell("READY=1");
        let served = serve(state, listeners, stop, &mut |line| say(context, line));
        tell("STOPPING=1");
        drop(stopper);
        served?;
        say(context, "metadata service exiting...");
        Ok(())
    }
}

/// A line as rkt's, under the name of the command.
fn say(context: &mut Context<'_>, line: &str) {
    note(context.err, format_args!("metadata-service: {line}"));
}

/// A descriptor that can be read once the service is to end, and what keeps it from that until then.
fn signals() -> std::io::Result<(UnixStream, UnixStream)> {
    let (stop, stopper) = UnixStream::pair()?;
    for signal in [SIGTERM, SIGINT] {
        pipe::register(signal, stopper.try_clone()?)?;
    }
    Ok((stop, stopper))
}
