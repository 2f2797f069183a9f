//! `rkt image …`

use clap::{Args, Subcommand};
use gantry_cli::{Context, Failure, note, report, say};
use gantry_ops::Store;
use gantry_ops::image;
use gantry_types::ImageId;

use super::image_export::ExportArgs;
use super::image_gc::GcArgs;
use super::image_import::ImportArgs;
use super::image_list::ListArgs;
use super::image_output::OutputArgs;
use super::image_verify::VerifyArgs;
use crate::cli::{Globals, go_bool};
use crate::images::find;
use crate::setup::Setup;

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
    /// Write an image to an image file
    Export(ExportArgs),
    /// Write an image to a directory, without what it depends on
    Extract(OutputArgs),
    /// Remove images that were not used for long, and all that nothing refers to
    Gc(GcArgs),
    /// Bring images into the store without a network: from files, a pipe, or the store of rkt 1.x
    Import(ImportArgs),
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
    /// Compare images with what was fetched, and rebuild damaged trees
    Verify(VerifyArgs),
    /// A command that does not exist, and its arguments.
    #[command(external_subcommand)]
    Unknown(Vec<String>),
}

impl ImageArgs {
    /// The name of the command at the end of the line.
    pub(crate) fn leaf(&self) -> &'static str {
        match self.command {
            ImageCommand::CatManifest { .. } => "cat-manifest",
            ImageCommand::Export(_) => "export",
            ImageCommand::Extract(_) => "extract",
            ImageCommand::Gc(_) => "gc",
            ImageCommand::Import(_) => "import",
            ImageCommand::List(_) => "list",
            ImageCommand::Render(_) => "render",
            ImageCommand::Rm { .. } => "rm",
            ImageCommand::Unknown(_) => "image",
            ImageCommand::Verify(_) => "verify",
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
        if !matches!(
            self.command,
            ImageCommand::List(_) | ImageCommand::CatManifest { .. } | ImageCommand::Export(_)
        ) {
            crate::rootless::keep_owners(globals);
        }
        let setup = Setup::new(globals)?;
        let store = setup.store()?;
        match &self.command {
            ImageCommand::Unknown(_) => Ok(()),
            ImageCommand::Verify(args) => args.run(&setup, globals, context),
            ImageCommand::CatManifest {
                pretty_print,
                image: name,
            } => {
                let id = find(&store, name, &setup, globals, context)?;
                let manifest = image::manifest(&store, &id)?;
                let text = match pretty_print {
                    true => manifest.to_json_pretty("\t"),
                    false => manifest.to_json(),
                };
                say(context.out, String::from_utf8_lossy(&text))
            }
            ImageCommand::Export(args) => args.run(&store, &setup, globals, context),
            ImageCommand::Extract(args) => args.extract(&store, &setup, globals, context),
            ImageCommand::Gc(args) => args.run(&store, &setup, globals, context),
            ImageCommand::Import(args) => args.run(&setup, globals, context),
            ImageCommand::List(args) => args.run(&store, globals, context),
            ImageCommand::Render(args) => args.render(&store, &setup, globals, context),
            ImageCommand::Rm { images } => remove(&store, &setup, images, globals, context),
        }
    }
}

/// Shows the help in place of a command that does not exist, and ends with success, as the original does.
fn unknown(words: &[String], context: &mut Context<'_>) -> Result<(), Failure> {
    let name = words.first().map_or("", String::as_str);
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
    let mut in_use = setup.in_use(store)?;
    let (mut removed, mut failed) = (0_usize, false);
    for name in images {
        let id: ImageId = match image::find_to_remove(store, name) {
            Ok(id) => id,
            Err(error) => {
                report("rm", &error.into(), globals.debug, context.err);
                continue;
            }
        };
        match image::remove(store, &id, &mut in_use) {
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
