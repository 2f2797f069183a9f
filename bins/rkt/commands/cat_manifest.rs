//! `rkt cat-manifest`

use std::path::PathBuf;

use clap::Args;
use gantry_cli::{Context, Failure, Statuses, say};
use gantry_types::{PodManifest, pod_layout};

use crate::cli::{Globals, go_bool};
use crate::setup::{Setup, one_uuid};

/// Print the manifest of a pod
#[derive(Args, Debug)]
pub(crate) struct CatManifestArgs {
    /// Indent the JSON
    #[arg(long, action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_value = "true", default_missing_value = "true", value_parser = go_bool,
          value_name = "BOOL", hide_possible_values = true)]
    pretty_print: bool,
    /// File that holds the UUID
    #[arg(long, value_name = "FILE")]
    uuid_file: Option<PathBuf>,
    /// UUID of the pod, or a prefix of it that no other pod has
    #[arg(value_name = "UUID")]
    uuid: Option<String>,
}

impl CatManifestArgs {
    /// Prints it.
    ///
    /// # Errors
    ///
    /// No such pod, or a pod without a readable manifest.
    pub(crate) fn run(&self, globals: &Globals, context: &mut Context<'_>) -> Result<(), Failure> {
        let uuid = one_uuid(
            self.uuid.as_deref(),
            self.uuid_file.as_deref(),
            Statuses::RKT.environment,
        )?;
        let pod = Setup::new(globals)?.pods()?.lookup(&uuid)?;
        let uuid = pod.uuid();
        let unreadable = |why: String| {
            Failure::environment(format!("cannot read the manifest of pod \"{uuid}\": {why}"))
        };
        let json = pod
            .read(pod_layout::POD)
            .map_err(|error| unreadable(error.to_string()))?
            .ok_or_else(|| unreadable("it has none".to_owned()))?;
        let manifest =
            PodManifest::from_json(&json).map_err(|error| unreadable(error.to_string()))?;
        let text = if self.pretty_print {
            manifest.to_json_pretty("\t")
        } else {
            manifest.to_json()
        };
        say(context.out, String::from_utf8_lossy(&text))
    }
}
