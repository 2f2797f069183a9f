//! `actool validate`.

mod json;

use std::ffi::OsString;
use std::path::Path;

use clap::ValueEnum;
use clap::builder::ValueParser;
use gantry_cli::{Context, Failure, note, say};
use gantry_ops::validate::{Subject, ValidateError, report, validate};

/// Validate that one or more images or manifests meet the AppContainer specification
#[derive(clap::Args, Debug)]
#[command(
    long_about = "Validate one or more AppContainer files",
    after_long_help = "What a file is, is found out by looking at it, unless --type says so. The status is 1 if \
        one is not valid.\n\n\
        With --format=text the first error of each file is printed on standard error, and what cannot be read \
        at all ends the command. With --format=json all files are looked at, and an array with one object for \
        each is printed on standard output: file (and fileHex, its bytes, where the name is no text), type, \
        manifest (its kind), valid, findings and omitted (how many findings are left out). A finding has \
        severity (error or warning), rule, entry (of an image or layout), path, line and column (in a \
        manifest), message and hint; what does not apply is null. Warnings never make a file invalid. The rules are \
        listed in validate-rules.md.",
    override_usage = "actool validate [--type=TYPE] [--format=text|json] FILE..."
)]
pub(crate) struct ValidateArgs {
    /// Type of file to validate. If unset, actool will try to detect the type. One of "appimage,layout,manifest"
    #[arg(long = "type", default_value = "", value_name = "TYPE")]
    subject: String,
    /// Form of the output: text or json
    #[arg(long, default_value = "text", value_name = "FORMAT")]
    format: Format,
    /// Images, image layouts and manifests
    #[arg(value_name = "FILE", value_parser = ValueParser::os_string())]
    files: Vec<OsString>,
}

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

impl ValidateArgs {
    pub(crate) fn run(self, debug: bool, context: &mut Context<'_>) -> Result<(), Failure> {
        if self.files.is_empty() {
            return Err(Failure::environment("must pass one or more files"));
        }
        let subject = match &*self.subject {
            "" => Ok(None),
            "appimage" => Ok(Some(Subject::Image)),
            "layout" => Ok(Some(Subject::Layout)),
            "manifest" => Ok(Some(Subject::Manifest)),
            _ => Err(()),
        };
        let files = self.files.iter().map(Path::new);
        let valid = match (self.format, subject) {
            (_, Err(())) => no_such_type(files, context),
            (Format::Text, Ok(subject)) => text(files, subject, debug, context),
            (Format::Json, Ok(subject)) => {
                let reports = files.map(|file| (file, report(file, subject)));
                let (document, valid) = json::document(reports);
                say(context.out, document)?;
                valid
            }
        };
        if valid {
            Ok(())
        } else {
            Err(Failure::Status(1))
        }
    }
}

/// Prints the first error of each file, and tells whether there is none.
fn text<'a>(
    files: impl Iterator<Item = &'a Path>,
    subject: Option<Subject>,
    debug: bool,
    context: &mut Context<'_>,
) -> bool {
    let mut all_valid = true;
    for file in files {
        match validate(file, subject) {
            Ok(valid) if debug => {
                let (file, name) = (file.display(), valid.name());
                note(context.err, format_args!("{file}: valid {name}"));
            }
            Ok(_) => {}
            Err(error) => {
                // Every message begins with the file it is about, so none is left to the end.
                note(context.err, error.chain());
                all_valid = false;
                if error.stops() {
                    break;
                }
            }
        }
    }
    all_valid
}

/// A type that does not exist is found out at the first file that exists, in the words used for unknown files.
fn no_such_type<'a>(mut files: impl Iterator<Item = &'a Path>, context: &mut Context<'_>) -> bool {
    if let Some(file) = files.next() {
        let path = file.to_owned();
        let error = match std::fs::metadata(file) {
            Ok(_) => ValidateError::Unknown { path },
            Err(source) => ValidateError::Access { path, source },
        };
        note(context.err, error.chain());
    }
    false
}
