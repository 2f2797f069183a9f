//! `rkt list`

use clap::Args;
use gantry_cli::{Context, Failure, Table, full_time, note, relative_time, say};
use gantry_pod::{AppInfo, PodInfo};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::Globals;
use crate::setup::{Format, Setup, json};

/// List pods
#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    /// Leave the headings out
    #[arg(long)]
    no_legend: bool,
    /// Whole UUIDs, image IDs and exact times
    #[arg(long)]
    full: bool,
    /// Data for programs in place of the table
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
}

impl ListArgs {
    /// Prints a row per app. Pods that cannot be read are reported and do not fail the command.
    ///
    /// # Errors
    ///
    /// When the directory of pods cannot be read at all.
    pub(crate) fn run(&self, globals: &Globals, context: &mut Context<'_>) -> Result<(), Failure> {
        let listing = Setup::new(globals)?.pods()?.list()?;
        match self.format {
            Some(format) => say(context.out, json(&listing.to_json(), format)?)?,
            None => {
                let table = self.table(&listing.pods, Timestamp::now());
                write!(context.out, "{table}").map_err(Failure::Output)?;
            }
        }
        if !listing.errors.is_empty() {
            let count = listing.errors.len();
            note(
                context.err,
                format_args!("list: {count} error(s) encountered when listing pods:"),
            );
            for error in listing.errors {
                gantry_cli::report("list", &error.into(), globals.debug, context.err);
            }
        }
        Ok(())
    }

    fn table(&self, pods: &[PodInfo], now: Timestamp) -> Table {
        let mut table = Table::new();
        let mut legend = vec!["UUID", "APP", "IMAGE NAME"];
        if self.full {
            legend.push("IMAGE ID");
        }
        legend.extend(["STATE", "CREATED", "STARTED", "NETWORKS"]);
        if !self.no_legend {
            table.row(&legend);
        }
        for pod in pods {
            let uuid = pod.uuid.to_string();
            let networks: Vec<String> = pod
                .networks
                .iter()
                .flat_map(gantry_pod::NetInfo::addresses)
                .collect();
            let pod_cells = [
                pod.state.to_string(),
                self.time(pod.created, now),
                self.time(pod.started, now),
                networks.join(", "),
            ];
            let uuid = if self.full {
                uuid
            } else {
                uuid[..8].to_owned()
            };
            if pod.apps.is_empty() {
                table.row(self.row(uuid, None, pod_cells));
                continue;
            }
            for (number, app) in pod.apps.iter().enumerate() {
                let row = match number {
                    0 => self.row(uuid.clone(), Some(app), pod_cells.clone()),
                    _ => self.row(String::new(), Some(app), Default::default()),
                };
                table.row(row);
            }
        }
        table
    }

    fn row(&self, uuid: String, app: Option<&AppInfo>, pod: [String; 4]) -> Vec<String> {
        let dash = || "-".to_owned();
        let mut row = vec![uuid, app.map_or_else(dash, |app| app.name.clone())];
        row.push(
            app.and_then(|app| app.image_name.clone())
                .unwrap_or_else(dash),
        );
        if self.full {
            let short = |app: &AppInfo| app.image_id.chars().take(19).collect();
            row.push(app.map_or_else(dash, short));
        }
        row.extend(pod);
        row
    }

    fn time(&self, nanos: Option<i64>, now: Timestamp) -> String {
        let time = nanos.and_then(|nanos| Timestamp::from_nanosecond(nanos.into()).ok());
        match time {
            None => String::new(),
            Some(time) if self.full => full_time(time, &TimeZone::system()),
            Some(time) => relative_time(time, now),
        }
    }
}
