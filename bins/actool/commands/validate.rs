//! `actool validate`.

use std::path::PathBuf;

use gantry_cli::{Context, Failure, note};
use gantry_ops::validate::{Subject, ValidateError, validate};

/// Validate that one or more images or manifests meet the AppContainer specification
#[derive(clap::Args, Debug)]
#[command(
    long_about = "Validate one or more AppContainer files",
    after_long_help = "What a file is, is found out by looking at it, unless --type says so. All files are \
        looked at; the status is 1 if one is not valid."
)]
pub(crate) struct ValidateArgs {
    /// Type of file to validate. If unset, actool will try to detect the type. One of "appimage,layout,manifest"
    #[arg(long = "type", default_value = "", value_name = "TYPE")]
    subject: String,
    /// Images, image layouts and manifests
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl ValidateArgs {
    pub(crate) fn run(self, debug: bool, context: &mut Context<'_>) -> Result<(), Failure> {
        if self.files.is_empty() {
            return Err(Failure::environment("must pass one or more files"));
        }
        let mut failed = false;
        for file in &self.files {
            let subject = match &*self.subject {
                "" => None,
                "appimage" => Some(Subject::Image),
                "layout" => Some(Subject::Layout),
                "manifest" => Some(Subject::Manifest),
                _ => return Err(unknown(file, context)),
            };
            match validate(file, subject) {
                Ok(valid) if debug => {
                    note(
                        context.err,
                        format_args!("{}: valid {}", file.display(), valid.name()),
                    );
                }
                Ok(_) => {}
                Err(error) => {
                    // Every message begins with the file it is about, so none is left to the end.
                    note(context.err, error.chain());
                    failed = true;
                    if error.stops() {
                        break;
                    }
                }
            }
        }
        if failed {
            Err(Failure::Status(1))
        } else {
            Ok(())
        }
    }
}

/// A type that does not exist is found out at the first file, in the words used for unknown files.
fn unknown(file: &std::path::Path, context: &mut Context<'_>) -> Failure {
    let error = ValidateError::Unknown {
        path: file.to_owned(),
    };
    note(context.err, error.chain());
    Failure::Status(1)
}
