//! The flags of one image on the command line of `run` and `prepare`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, FromArgMatches};
use gantry_cli::Failure;
use gantry_pod::AppRequest;
use gantry_types::{AcIdentifier, AcName, Annotations, ImageId, Isolator, IsolatorValue};

use crate::cli::go_bool;
use crate::commands::isolator_args::PidsLimit;
use crate::commands::pod_args::MountArgs;
use crate::commands::seccomp_arg;
use crate::commands::stream_args::StreamArgs;
use crate::commands::variables::variables;
use crate::grammar::ImagePart;

/// Flags that follow an image and change its app.
#[derive(Args, Debug)]
pub(crate) struct AppArgs {
    /// Name of the app; the last part of the image's name if none is given
    #[arg(long, value_name = "NAME")]
    name: Option<AcName>,
    /// Program in place of the image's, whose arguments are dropped too
    #[arg(long, value_name = "PATH")]
    exec: Option<String>,
    /// User in place of the image's: name, number or path
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Group in place of the image's: name, number or path
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// Further groups in place of the image's
    #[arg(long, value_name = "GID,…", value_delimiter = ',')]
    supplementary_gids: Option<Vec<u32>>,
    /// Working directory in place of the image's
    #[arg(long, value_name = "DIR")]
    working_dir: Option<String>,
    /// Variable of this app
    #[arg(long, value_name = "NAME=VALUE")]
    environment: Vec<String>,
    /// Mount the app's root read-only
    #[arg(long, action = clap::ArgAction::Set, value_parser = go_bool, value_name = "BOOL")]
    readonly_rootfs: Option<bool>,
    /// Most memory the app may use
    #[arg(long, value_name = "QUANTITY")]
    memory: Option<String>,
    /// Most CPU the app may use, in cores
    #[arg(long, value_name = "QUANTITY")]
    cpu: Option<String>,
    /// Share of the CPU: 2 to 262144
    #[arg(long, value_name = "N")]
    cpu_shares: Option<i64>,
    /// Most processes and threads the app may have; the whole pod has 4096 if none says more
    #[arg(long, value_name = "N|unlimited")]
    pids_limit: Option<PidsLimit>,
    /// Who is killed first when memory is short: -1000 to 1000
    #[arg(
        long,
        value_name = "N",
        allow_negative_numbers = true,
        alias = "oom-score-adjust"
    )]
    oom_score_adj: Option<i64>,
    /// Capabilities to keep, all others are dropped
    #[arg(
        long,
        value_name = "CAP,…",
        value_delimiter = ',',
        alias = "cap-retain",
        conflicts_with = "caps_remove"
    )]
    caps_retain: Option<Vec<String>>,
    /// Capabilities to drop from the default ones
    #[arg(
        long,
        value_name = "CAP,…",
        value_delimiter = ',',
        alias = "cap-remove"
    )]
    caps_remove: Option<Vec<String>>,
    // As an attribute: in a doc comment the brackets would be links.
    #[arg(
        long,
        value_name = "FILTER",
        help = "System calls the app may make, or not: mode=retain|remove[,errno=NAME],CALL,… \
                where a set such as @rkt/default-whitelist stands for its calls"
    )]
    seccomp: Option<String>,
    /// Annotation of the app
    #[arg(long, value_name = "NAME=VALUE")]
    annotation: Vec<String>,
    /// Free annotation of the app
    #[arg(long, value_name = "NAME=VALUE")]
    user_annotation: Vec<String>,
    /// Free label of the app
    #[arg(long, value_name = "NAME=VALUE")]
    user_label: Vec<String>,
    /// Signature of the image; FILE.asc beside a local image if none is given
    #[arg(long, value_name = "FILE")]
    pub(crate) signature: Option<PathBuf>,
    /// Mounts of this app only.
    #[command(flatten)]
    mounts: MountArgs,
    /// Its standard streams.
    #[command(flatten)]
    streams: StreamArgs,
}

impl AppArgs {
    /// Parses the flags behind an image.
    ///
    /// # Errors
    ///
    /// A usage error in clap's words.
    pub(crate) fn parse(part: &ImagePart) -> Result<Self, Failure> {
        let command = Self::augment_args(clap::Command::new("app").no_binary_name(true));
        let parsed = command
            .try_get_matches_from(&part.flags)
            .and_then(|matches| Self::from_arg_matches(&matches));
        parsed.map_err(|error| {
            let text = error.render().to_string();
            let first = text
                .lines()
                .next()
                .unwrap_or_default()
                .trim_start_matches("error: ");
            Failure::usage(format!("{}: {first}", part.image))
        })
    }

    /// The app with these flags and `arguments`, once its image is known.
    ///
    /// # Errors
    ///
    /// Values that do not follow the form of their flag.
    pub(crate) fn request(
        self,
        arguments: Vec<String>,
    ) -> Result<impl FnOnce(ImageId) -> AppRequest, Failure> {
        let isolators = self.isolators()?;
        let mut annotations = Annotations::default();
        for (name, value) in variables("annotation", &self.annotation)? {
            let name: AcIdentifier = name
                .parse()
                .map_err(|error| Failure::usage(format!("annotation: {error}")))?;
            annotations
                .set(name, value)
                .map_err(|error| Failure::usage(format!("annotation: {error}")))?;
        }
        if let Some(limit) = &self.pids_limit {
            limit.apply(&mut annotations)?;
        }
        self.streams.annotate(&mut annotations)?;
        let map = |flag, list: &[String]| -> Result<BTreeMap<String, String>, Failure> {
            Ok(variables(flag, list)?.into_iter().collect())
        };
        let environment = variables("environment", &self.environment)?;
        let mounts = self.mounts.mounts()?;
        let user_annotations = map("user-annotation", &self.user_annotation)?;
        let user_labels = map("user-label", &self.user_label)?;
        Ok(move |image| AppRequest {
            name: self.name,
            exec: self.exec,
            args: arguments,
            user: self.user,
            group: self.group,
            supplementary_gids: self.supplementary_gids,
            working_dir: self.working_dir,
            environment,
            mounts,
            isolators,
            readonly_rootfs: self.readonly_rootfs.unwrap_or(false),
            annotations,
            user_annotations,
            user_labels,
            ..AppRequest::new(image)
        })
    }

    fn isolators(&self) -> Result<Vec<Isolator>, Failure> {
        use serde_json::{Value, json};
        let quantity = |text: &String| json!({"request": text, "limit": text});
        let set = |names: &Vec<String>| json!({"set": names});
        let rows: [(&str, &str, Option<Value>); 6] = [
            (
                "memory",
                "resource/memory",
                self.memory.as_ref().map(quantity),
            ),
            ("cpu", "resource/cpu", self.cpu.as_ref().map(quantity)),
            (
                "cpu-shares",
                "os/linux/cpu-shares",
                self.cpu_shares.map(Value::from),
            ),
            (
                "oom-score-adj",
                "os/linux/oom-score-adj",
                self.oom_score_adj.map(Value::from),
            ),
            (
                "caps-retain",
                "os/linux/capabilities-retain-set",
                self.caps_retain.as_ref().map(set),
            ),
            (
                "caps-remove",
                "os/linux/capabilities-remove-set",
                self.caps_remove.as_ref().map(set),
            ),
        ];
        let mut isolators: Vec<Isolator> = Vec::new();
        isolators.extend(
            self.seccomp
                .as_deref()
                .map(seccomp_arg::isolator)
                .transpose()?,
        );
        for (flag, name, value) in rows {
            let Some(value) = value else { continue };
            let wrong = |error: &dyn std::fmt::Display| {
                Failure::usage(format!("invalid value for --{flag}: {error}"))
            };
            let name = name
                .parse::<AcIdentifier>()
                .map_err(|error| wrong(&error))?;
            let isolator = Isolator::from_json_value(name, value.to_string().as_bytes())
                .map_err(|error| wrong(&error))?;
            check_memory(&isolator)?;
            isolators.push(isolator);
        }
        Ok(isolators)
    }
}

/// Least memory that an app can be limited to, in bytes: one page. Source: rkt 1.30, `rkt run --memory`.
const MIN_MEMORY: i64 = 4096;

/// # Errors
///
/// A limit below [`MIN_MEMORY`], usually a number whose unit was forgotten.
fn check_memory(isolator: &Isolator) -> Result<(), Failure> {
    let IsolatorValue::Memory(memory) = isolator.value() else {
        return Ok(());
    };
    match memory.limit.map(|limit| limit.value()) {
        Some(bytes) if bytes < MIN_MEMORY => Err(Failure::usage(format!(
            "memory limit of {bytes} bytes too low"
        ))
        .with_hint("give a unit, as in --memory=16M")),
        _ => Ok(()),
    }
}
