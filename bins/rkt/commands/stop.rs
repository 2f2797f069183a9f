//! `rkt stop`

use std::path::PathBuf;

use clap::Args;
use gantry_cli::{Context, Failure, report, say};
use gantry_pod::{PodsDir, Stopped};

use crate::cli::Globals;
use crate::setup::{Setup, UUID_FILE_STATUS, uuids};

/// Stop running pods
#[derive(Args, Debug)]
pub(crate) struct StopArgs {
    /// Kill the apps at once
    #[arg(long)]
    force: bool,
    /// File that holds the UUID
    #[arg(long, value_name = "FILE")]
    uuid_file: Option<PathBuf>,
    /// UUIDs of pods, or prefixes of them
    #[arg(value_name = "UUID")]
    uuids: Vec<String>,
}

impl StopArgs {
    /// Asks each pod to stop and prints its UUID, quoted as rkt does.
    ///
    /// # Errors
    ///
    /// When at least one pod could not be stopped.
    pub(crate) fn run(&self, globals: &Globals, context: &mut Context<'_>) -> Result<(), Failure> {
        let uuids = uuids(&self.uuids, self.uuid_file.as_deref(), UUID_FILE_STATUS)?;
        let setup = Setup::new(globals)?;
        let (pods, stage1) = (setup.pods()?, setup.stage1()?);
        let mut failed = 0_usize;
        for uuid in &uuids {
            if let Err(failure) = self.stop(uuid, &pods, &stage1, context) {
                report("stop", &failure, globals.debug, context.err);
                failed += 1;
            }
        }
        match failed {
            0 => Ok(()),
            _ => Err(Failure::environment(format!(
                "failed to stop {failed} pod(s)"
            ))),
        }
    }

    fn stop(
        &self,
        uuid: &str,
        pods: &PodsDir,
        stage1: &std::path::Path,
        context: &mut Context<'_>,
    ) -> Result<(), Failure> {
        let mut pod = pods.lookup(uuid)?;
        match pod.stop(stage1, self.force)? {
            Stopped::Asked => say(context.out, format_args!("\"{}\"", pod.uuid())),
            Stopped::Already => say(
                context.out,
                format_args!("pod \"{}\" is already stopped", pod.uuid()),
            ),
        }
    }
}
