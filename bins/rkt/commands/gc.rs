//! `rkt gc`

use std::time::{Duration, SystemTime};

use clap::Args;
use gantry_cli::{Context, Failure, note, say};
use gantry_pod::{GcEvent, GcOptions, RemoveOptions};

use crate::cli::Globals;
use crate::duration::at_least_zero;
use crate::rootless::{is_root, need_root};
use crate::setup::{Setup, registrar};

/// Collect pods that have ended, were never finished or never run
#[derive(Args, Debug)]
pub(crate) struct GcArgs {
    /// How long a pod stays after it was found to have ended
    #[arg(long, value_name = "DURATION", default_value = "30m", allow_hyphen_values = true, value_parser = at_least_zero)]
    grace_period: Duration,
    /// How long a prepared pod may wait to be run
    #[arg(long, value_name = "DURATION", default_value = "24h", allow_hyphen_values = true, value_parser = at_least_zero)]
    expire_prepared: Duration,
    /// Only mark pods, remove nothing
    #[arg(long)]
    mark_only: bool,
}

impl GcArgs {
    /// Collects. What happens to single pods is printed and does not fail the command.
    ///
    /// # Errors
    ///
    /// When the directories cannot be read at all.
    pub(crate) fn run(&self, globals: &Globals, context: &mut Context<'_>) -> Result<(), Failure> {
        need_root(globals)?;
        let setup = Setup::new(globals)?;
        let (stage1, registrar) = (setup.stage1()?, registrar());
        let options = GcOptions {
            grace_period: self.grace_period,
            expire_prepared: self.expire_prepared,
            mark_only: self.mark_only,
            now: SystemTime::now(),
            remove: RemoveOptions {
                stage1: &stage1,
                local_config: &globals.local_config,
                registrar: &registrar,
                debug: globals.debug,
            },
        };
        let mut printed = Ok(());
        let result = setup.pods()?.gc(&options, |event| {
            let line = print(&event, context);
            printed = std::mem::replace(&mut printed, Ok(())).and(line);
        });
        result.map_err(|error| Failure::environment(format!("cannot read the pods: {error}")))?;
        if !self.mark_only && is_root() {
            super::net_gc::after_pods(globals, context)?;
        }
        printed
    }
}

fn print(event: &GcEvent, context: &mut Context<'_>) -> Result<(), Failure> {
    if event.is_data() {
        return say(context.out, event);
    }
    match event.source() {
        Some(cause) => note(context.err, format_args!("gc: {event}: {cause}")),
        None => note(context.err, format_args!("gc: {event}")),
    }
    Ok(())
}
