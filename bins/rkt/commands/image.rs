//! `rkt image …`

use std::time::{Duration, SystemTime};

use clap::{Args, Subcommand, ValueEnum};
use gantry_cli::{Context, Failure, Table, full_time, note, relative_time, report, say, size};
use gantry_ops::image::{self, Row};
use gantry_ops::{Store, Verdict};
use gantry_types::ImageId;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use super::image_output::OutputArgs;
use crate::cli::{Globals, go_bool};
use crate::duration::at_least_zero;
use crate::setup::{Format, Setup, json as printed};

/// Look after images in the store
#[derive(Args, Debug)]
#[command(arg_required_else_help = true, infer_subcommands = true)]
pub(crate) struct ImageArgs {
    /// What to do.
    #[command(subcommand)]
    command: ImageCommand,
}

#[derive(Subcommand, Debug)]
enum ImageCommand {
    /// Print the manifest of an image
    CatManifest {
        /// Indent the JSON
        #[arg(long, action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true,
              default_value = "true", default_missing_value = "true", value_parser = go_bool,
              value_name = "BOOL", hide_possible_values = true)]
        pretty_print: bool,
        /// ID, a prefix of it, or name of the image
        #[arg(value_name = "IMAGE")]
        image: String,
    },
    /// Write an image to a directory, without what it depends on
    Extract(OutputArgs),
    /// Remove images that were not used for long, and all that nothing refers to
    Gc {
        /// How long an image may go unused
        #[arg(long, value_name = "DURATION", default_value = "24h", allow_hyphen_values = true, value_parser = at_least_zero)]
        grace_period: Duration,
    },
    /// List images
    List(ListArgs),
    /// Write an image to a directory, together with all that it depends on
    Render(OutputArgs),
    /// Remove images
    Rm {
        /// IDs, prefixes of them, or names of images
        #[arg(value_name = "IMAGE", required = true)]
        images: Vec<String>,
    },
    /// A command that does not exist, and its arguments.
    #[command(external_subcommand)]
    Unknown(Vec<String>),
}

/// Commands of `rkt image` that are still to come.
const NOT_YET: [&str; 3] = ["export", "fetch", "verify"];

#[derive(Args, Debug)]
struct ListArgs {
    /// Columns to show: id, name, size, importtime, lastused, verdict
    #[arg(
        long,
        value_name = "FIELD,…",
        value_delimiter = ',',
        default_value = "id,name,size,importtime,lastused"
    )]
    fields: Vec<Field>,
    /// Column to sort by: name, importtime, lastused or size
    #[arg(long, value_name = "FIELD", default_value = "importtime")]
    sort: Field,
    /// asc or desc
    #[arg(long, value_name = "ORDER", default_value = "asc")]
    order: Order,
    /// Leave the headings out
    #[arg(long)]
    no_legend: bool,
    /// Whole IDs, bytes and exact times
    #[arg(long)]
    full: bool,
    /// Data for programs in place of the table
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "lower")]
enum Field {
    Id,
    Name,
    Size,
    ImportTime,
    LastUsed,
    Verdict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Order {
    Asc,
    Desc,
}

impl ImageArgs {
    /// The name of the command at the end of the line.
    pub(crate) fn leaf(&self) -> &'static str {
        match self.command {
            ImageCommand::CatManifest { .. } => "cat-manifest",
            ImageCommand::Extract(_) => "extract",
            ImageCommand::Gc { .. } => "gc",
            ImageCommand::List(_) => "list",
            ImageCommand::Render(_) => "render",
            ImageCommand::Rm { .. } => "rm",
            ImageCommand::Unknown(_) => "image",
        }
    }

    /// Does it.
    ///
    /// # Errors
    ///
    /// A store that cannot be opened, and what the single commands say.
    pub(crate) fn run(&self, globals: &Globals, context: &mut Context<'_>) -> Result<(), Failure> {
        if let ImageCommand::Unknown(words) = &self.command {
            return unknown(words, context);
        }
        let setup = Setup::new(globals)?;
        let store = Store::open(setup.data_dir())?;
        match &self.command {
            ImageCommand::Unknown(_) => Ok(()),
            ImageCommand::CatManifest {
                pretty_print,
                image: name,
            } => {
                let manifest = image::manifest(&store, &image::find(&store, name)?)?;
                let text = match pretty_print {
                    true => manifest.to_json_pretty("\t"),
                    false => manifest.to_json(),
                };
                say(context.out, String::from_utf8_lossy(&text))
            }
            ImageCommand::Extract(args) => args.extract(&store),
            ImageCommand::Gc { grace_period } => {
                collect(&store, &setup, *grace_period, globals, context)
            }
            ImageCommand::List(args) => args.run(&store, globals, context),
            ImageCommand::Render(args) => args.render(&store),
            ImageCommand::Rm { images } => remove(&store, &setup, images, globals, context),
        }
    }
}

/// Shows the help in place of a command that does not exist, and ends with success, as the original does.
fn unknown(words: &[String], context: &mut Context<'_>) -> Result<(), Failure> {
    let name = words.first().map_or("", String::as_str);
    if NOT_YET.contains(&name) {
        return Err(Failure::environment(format!("{name} is not supported yet")));
    }
    note(
        context.err,
        format_args!("image: there is no command {name:?}"),
    );
    let mut parser = crate::cli::parser();
    parser.build();
    let group = parser
        .find_subcommand_mut("image")
        .map(clap::Command::render_help);
    say(
        context.out,
        group.unwrap_or_default().to_string().trim_end(),
    )
}

/// Removes each image. Unknown ones are reported and do not fail the command, as in the original.
fn remove(
    store: &Store,
    setup: &Setup,
    images: &[String],
    globals: &Globals,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let pods = setup.pods()?;
    let (mut removed, mut failed) = (0_usize, false);
    for name in images {
        let id: ImageId = match image::find(store, name) {
            Ok(id) => id,
            Err(error) => {
                report("rm", &error.into(), globals.debug, context.err);
                continue;
            }
        };
        match image::remove(store, &id, &mut || pods.in_use()) {
            Ok(()) => {
                let key = id.key();
                say(
                    context.out,
                    format_args!("successfully removed aci for image: \"{key}\""),
                )?;
                removed += 1;
            }
            Err(error) => {
                report("rm", &error.into(), globals.debug, context.err);
                failed = true;
            }
        }
    }
    if removed > 0 {
        note(
            context.err,
            format_args!("rm: {removed} image(s) successfully removed"),
        );
    }
    if failed {
        return Err(Failure::environment("error(s) found while removing images"));
    }
    Ok(())
}

fn collect(
    store: &Store,
    setup: &Setup,
    grace: Duration,
    globals: &Globals,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let pods = setup.pods()?;
    let done = image::gc(store, grace, SystemTime::now(), &mut || pods.in_use())?;
    for tree in &done.trees {
        note(
            context.err,
            format_args!("gc: removed treestore \"{tree}\""),
        );
    }
    for id in &done.images {
        say(
            context.out,
            format_args!("successfully removed aci for image: \"{}\"", id.key()),
        )?;
    }
    if !done.images.is_empty() {
        let count = done.images.len();
        note(
            context.err,
            format_args!("gc: {count} image(s) successfully removed"),
        );
    }
    for problem in done.problems {
        report("gc", &problem.into(), globals.debug, context.err);
    }
    Ok(())
}

impl ListArgs {
    fn run(
        &self,
        store: &Store,
        globals: &Globals,
        context: &mut Context<'_>,
    ) -> Result<(), Failure> {
        if !matches!(
            self.sort,
            Field::Name | Field::ImportTime | Field::LastUsed | Field::Size
        ) {
            return Err(Failure::usage(
                "--sort takes name, importtime, lastused or size",
            ));
        }
        let (mut rows, problems) = image::list(store)?;
        rows.sort_by(|a, b| match self.sort {
            Field::Name => a.name.cmp(&b.name),
            Field::LastUsed => a.last_used.cmp(&b.last_used),
            Field::Size => a.size.cmp(&b.size),
            _ => a.import_time.cmp(&b.import_time),
        });
        if self.order == Order::Desc {
            rows.reverse();
        }
        match self.format {
            Some(format) => say(
                context.out,
                printed(&Ok(rows.iter().map(data).collect()), format)?,
            )?,
            None => write!(context.out, "{}", self.table(&rows)).map_err(Failure::Output)?,
        }
        for problem in problems {
            report("list", &problem.into(), globals.debug, context.err);
        }
        Ok(())
    }

    fn table(&self, rows: &[Row]) -> Table {
        let now = Timestamp::now();
        let mut table = Table::new();
        if !self.no_legend {
            table.row(self.fields.iter().map(|field| match field {
                Field::Id => "ID",
                Field::Name => "NAME",
                Field::Size => "SIZE",
                Field::ImportTime => "IMPORT TIME",
                Field::LastUsed => "LAST USED",
                Field::Verdict => "VERDICT",
            }));
        }
        for row in rows {
            table.row(self.fields.iter().map(|field| match field {
                Field::Id if self.full => row.id.key(),
                Field::Id => row.id.list_id(),
                Field::Name => row.name.clone(),
                Field::Size if self.full => row.size.to_string(),
                Field::Size => size(row.size),
                Field::ImportTime => self.time(row.import_time, now),
                Field::LastUsed => self.time(row.last_used, now),
                Field::Verdict => verdict(&row.verdict),
            }));
        }
        table
    }

    fn time(&self, nanos: u64, now: Timestamp) -> String {
        match Timestamp::from_nanosecond(nanos.into()) {
            Err(_) => String::new(),
            Ok(time) if self.full => full_time(time, &TimeZone::system()),
            Ok(time) => relative_time(time, now),
        }
    }
}

/// Why an image is believed, in few words.
fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Signed { by } => {
            let keys: Vec<String> = by
                .iter()
                .map(|signer| match signer.legacy {
                    true => format!("{} (legacy key)", signer.fingerprint),
                    false => signer.fingerprint.clone(),
                })
                .collect();
            format!("signed by {}", keys.join(", "))
        }
        Verdict::Waived { option } => format!("not checked ({option})"),
    }
}

fn data(row: &Row) -> serde_json::Value {
    json!({
        "id": row.id.key(),
        "name": row.name,
        "import_time": row.import_time,
        "last_used_time": row.last_used,
        "size": row.size,
        "verdict": verdict(&row.verdict),
    })
}
