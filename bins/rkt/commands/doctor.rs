//! `rkt doctor`

use std::time::{Duration, SystemTime};

use clap::Args;
use gantry_cli::{Context, Failure, say};
use gantry_ops::config::{Config, Section};
use gantry_ops::trust::{Severity, check};
use gantry_pod::doctor::{Finding, Host, Level, examine};
use serde_json::{Value, json};

use crate::cli::Globals;
use crate::images::keystore;
use crate::rootless::{host_files, is_root};
use crate::setup::{Format, Setup, config_dirs, json as text};

/// How long before a key expires it is named.
const SOON: Duration = Duration::from_secs(30 * 24 * 3600);

/// Find out what this host can and cannot do for pods, with what follows and what to do
///
/// Changes nothing. Exit status 0 if pods can run, 1 if not.
#[derive(Args, Debug)]
pub(crate) struct DoctorArgs {
    /// Data for programs in place of lines
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
}

impl DoctorArgs {
    /// Looks, and prints what it found.
    ///
    /// # Errors
    ///
    /// Status 1 if pods cannot run.
    pub(crate) fn run(&self, globals: &Globals, context: &mut Context<'_>) -> Result<(), Failure> {
        let mut findings = Vec::new();
        match Setup::new(globals) {
            Ok(setup) => findings.extend(examine(&Host {
                root: "/".into(),
                data_dir: setup.data_dir().to_owned(),
                local_config: globals.local_config.clone(),
                stage1: setup.stage1().ok(),
                is_root: is_root(),
                path: host_files().path,
            })),
            Err(failure) => findings.push(Finding::bad(
                "data-directory",
                failure.to_string(),
                "neither images nor pods can be kept",
                "name one with --dir",
            )),
        }
        findings.push(configuration(globals));
        findings.push(keys(globals));
        match self.format {
            Some(format) => {
                let all: Value = findings.iter().map(data).collect();
                say(context.out, text(&Ok(all), format)?)?;
            }
            None => findings
                .iter()
                .try_for_each(|finding| lines(finding, context))?,
        }
        match findings.iter().any(|finding| finding.level == Level::Bad) {
            true => Err(Failure::Status(1)),
            false => Ok(()),
        }
    }
}

fn lines(finding: &Finding, context: &mut Context<'_>) -> Result<(), Failure> {
    let Finding {
        name,
        found,
        consequence,
        remedy,
        ..
    } = finding;
    let level = finding.level.as_str();
    say(context.out, format_args!("{level:<8} {name}: {found}"))?;
    if !consequence.is_empty() {
        say(context.out, format_args!("         so: {consequence}"))?;
    }
    if !remedy.is_empty() {
        say(context.out, format_args!("         do: {remedy}"))?;
    }
    Ok(())
}

fn data(finding: &Finding) -> Value {
    json!({
        "name": finding.name,
        "level": finding.level.as_str(),
        "found": finding.found,
        "consequence": finding.consequence,
        "remedy": finding.remedy,
    })
}

/// Whether the files of the configuration can be read.
fn configuration(globals: &Globals) -> Finding {
    const NAME: &str = "configuration";
    let dirs = config_dirs(globals);
    let load = |sections: &[Section]| Config::load(&dirs, sections);
    // Each by itself, so that one does not hide another.
    for (section, needed, consequence) in [
        (
            Section::Paths,
            // Without --dir nothing works that keeps data.
            globals.dir.is_none(),
            "commands that need the data directory end with this error",
        ),
        (
            Section::Stage1,
            false,
            "commands that need the stage1 image's name end with this error",
        ),
        (
            Section::Isolators,
            true,
            "run and prepare end with this error",
        ),
        (Section::Auth, false, "nothing is downloaded"),
    ] {
        let found = match load(&[section]) {
            Err(error) => error.to_string(),
            Ok(config) => match config.problems.first() {
                Some(problem) => problem.to_string(),
                None => continue,
            },
        };
        let remedy = "mend the file, or move it away";
        return match needed {
            true => Finding::bad(NAME, found, consequence, remedy),
            false => Finding::limited(NAME, found, consequence, remedy),
        };
    }
    Finding::good(NAME, "every file can be read")
}

/// Whether a key needs somebody's attention.
fn keys(globals: &Globals) -> Finding {
    const NAME: &str = "keys";
    let findings = check(&keystore(globals), SOON, SystemTime::now());
    let worst = findings
        .iter()
        .find(|finding| finding.severity == Severity::Error)
        .or_else(|| findings.first());
    match worst {
        None => Finding::good(NAME, "none needs attention"),
        Some(worst) => Finding::limited(
            NAME,
            format!("{}: {}", worst.path.display(), worst.text),
            format!(
                "images may be refused; {} key(s) or file(s) need attention",
                findings.len()
            ),
            "see \"actrust check\"",
        ),
    }
}
