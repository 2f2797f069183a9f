//! `rkt rm`

use std::path::PathBuf;

use clap::Args;
use gantry_cli::{Context, Failure, Statuses, note, report, say};
use gantry_pod::{RemoveOptions, State};

use crate::cli::Globals;
use crate::rootless::need_root;
use crate::setup::{Setup, registrar, uuids};

/// Remove pods that have ended or never ran
#[derive(Args, Debug)]
pub(crate) struct RmArgs {
    /// File that holds the UUID
    #[arg(long, value_name = "FILE")]
    uuid_file: Option<PathBuf>,
    /// UUIDs of pods, or prefixes of them
    #[arg(value_name = "UUID")]
    uuids: Vec<String>,
}

impl RmArgs {
    /// Removes each pod and prints its UUID, quoted as rkt does.
    ///
    /// # Errors
    ///
    /// When at least one pod could not be removed.
    pub(crate) fn run(&self, globals: &Globals, context: &mut Context<'_>) -> Result<(), Failure> {
        need_root(globals)?;
        let uuids = uuids(
            &self.uuids,
            self.uuid_file.as_deref(),
            Statuses::RKT.environment,
        )?;
        let setup = Setup::new(globals)?;
        let (pods, stage1) = (setup.pods()?, setup.stage1()?);
        let registrar = registrar();
        let options = RemoveOptions {
            stage1: &stage1,
            local_config: &globals.local_config,
            registrar: &registrar,
            debug: globals.debug,
        };
        let mut failed = false;
        for uuid in &uuids {
            let removed = pods.lookup(uuid).map_err(Failure::from).and_then(|pod| {
                let full = pod.uuid();
                match pod.state() {
                    State::AbortedPrepare => note(
                        context.err,
                        format_args!("rm: moving failed prepare \"{full}\" to garbage"),
                    ),
                    State::Prepared => note(
                        context.err,
                        format_args!("rm: moving expired prepared pod \"{full}\" to garbage"),
                    ),
                    _ => {}
                }
                pod.remove(&options)?;
                Ok(full)
            });
            match removed {
                Ok(full) => say(context.out, format_args!("\"{full}\""))?,
                Err(failure) => {
                    report("rm", &failure, globals.debug, context.err);
                    failed = true;
                }
            }
        }
        if failed {
            Err(Failure::environment("failed to remove one or more pods"))
        } else {
            Ok(())
        }
    }
}
