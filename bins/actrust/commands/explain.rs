//! `actrust explain`

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::Args;
use gantry_cli::{Context, Failure, say};
use gantry_ops::Keystore;
use gantry_ops::trust::{
    Decision, Explanation, FileRequest, KeyRow, KeyStatus, explain, verify_file,
};
use gantry_types::{AcIdentifier, ImageName};
use serde_json::{Value, json};

use super::list::status;
use super::verify;
use crate::cli::Globals;
use crate::json::{self, Format};

/// What `rkt fetch` takes to do without a signature.
const WAIVER: &str = "--insecure-options=image";

/// Explain which keys speak for a name or file, and why others do not
///
/// Every directory that is read for the name is shown in its order, with its keys, and for a file what
/// verification found.
#[derive(Args, Debug)]
pub(crate) struct ExplainArgs {
    /// The signature of the file; by default FILE.asc, FILE.aci.asc or FILE.sig
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// Data for programs
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Name of an image, or a file
    #[arg(value_name = "NAME|FILE")]
    subject: String,
}

impl ExplainArgs {
    pub(crate) fn run(&self, globals: &Globals, context: &mut Context<'_>) -> Result<(), Failure> {
        let keystore = globals.keystore();
        let file = Path::new(&self.subject);
        if file.is_file() || self.signature.is_some() {
            return self.file(file, &keystore, context);
        }
        let name: ImageName = self.subject.parse().map_err(|error| {
            let subject = &self.subject;
            Failure::usage(format!("{subject:?} is neither a file nor a name: {error}"))
        })?;
        let explanation = explain(&keystore, &name.name, SystemTime::now());
        match self.format {
            Some(format) => json::print(context, format, &data(&name.name, &explanation)),
            None => print(&name.name, &explanation, context),
        }
    }

    /// Explains a file; that it would be refused is no failure of the explanation.
    fn file(
        &self,
        file: &Path,
        keystore: &Keystore,
        context: &mut Context<'_>,
    ) -> Result<(), Failure> {
        let request = FileRequest {
            file: file.to_owned(),
            signature: self.signature.clone(),
            name: None,
        };
        let now = SystemTime::now();
        let report = verify_file(&request, keystore, now)?;
        let explanation = report
            .name
            .as_ref()
            .map(|name| explain(keystore, name, now));
        if let Some(format) = self.format {
            let mut value = verify::data(file, &report);
            value["waived_by"] = WAIVER.into();
            if let (Some(name), Some(explanation)) = (&report.name, &explanation) {
                value["explanation"] = data(name, explanation);
            }
            return json::print(context, format, &value);
        }
        let word = match report.decision {
            Decision::Accepted { .. } => "accepted",
            _ => "refused",
        };
        let decision = &report.decision;
        say(
            context.out,
            format_args!("{}: {word}: {decision}", file.display()),
        )?;
        say(
            context.out,
            format_args!("signature: {}", report.signature.display()),
        )?;
        match (&report.name, &explanation) {
            (Some(name), Some(explanation)) => print(name, explanation, context)?,
            _ => say(
                context.out,
                "name: not known, because nothing is read from an image before its signature is good; \
                 see `actrust explain NAME`",
            )?,
        }
        if let Some(hint) = report.decision.hint() {
            say(context.out, format_args!("hint: {hint}"))?;
        }
        Ok(())
    }
}

fn print(
    name: &AcIdentifier,
    explanation: &Explanation,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let out = &mut *context.out;
    say(out, format_args!("name: {name}"))?;
    for dir in &explanation.dirs {
        let (layer, path) = (dir.dir.layer, dir.dir.path.display());
        let note = if dir.exists { "" } else { ", not there" };
        say(
            out,
            format_args!("keys for {}: {path} ({layer}{note})", dir.dir.scope),
        )?;
        for key in &dir.keys {
            say(out, format_args!("    {}", line(key)))?;
        }
    }
    let count = explanation.accepted().count();
    match count {
        0 => say(
            out,
            format_args!("no key speaks for it: images of this name are refused"),
        )?,
        _ => say(
            out,
            "accepted: images with a signature by one of the keys called good above",
        )?,
    }
    say(
        out,
        format_args!("waived by: {WAIVER}, which the image's record keeps"),
    )
}

/// One key, and why it counts or not.
fn line(key: &KeyRow) -> String {
    let name = match &key.fingerprint {
        Some(name) => name.to_string(),
        None => key.path.display().to_string(),
    };
    let mut line = format!("{}: {name}", status(key));
    let facts = key.facts.as_ref();
    if let Some(user_id) = facts.and_then(|facts| facts.user_ids.first()) {
        line.push_str(&format!(" ({user_id})"));
    }
    if let Some(reason) = &key.reason {
        line.push_str(&format!(": {reason}"));
    }
    line
}

fn data(name: &AcIdentifier, explanation: &Explanation) -> Value {
    let dirs = explanation.dirs.iter().map(|dir| {
        json!({
            "directory": dir.dir.layer.to_string(),
            "scope": json::scope_kind(&dir.dir.scope),
            "prefix": json::prefix(&dir.dir.scope),
            "path": dir.dir.path.display().to_string(),
            "exists": dir.exists,
            "keys": dir.keys.iter().map(json::key).collect::<Value>(),
        })
    });
    let good = explanation
        .accepted()
        .filter_map(|key| key.fingerprint.as_ref());
    let mut good: Vec<String> = good.map(ToString::to_string).collect();
    good.sort();
    good.dedup();
    json!({
        "name": name.to_string(),
        "directories": dirs.collect::<Value>(),
        "accepted_keys": good,
        "masked": explanation.dirs.iter().flat_map(|dir| &dir.keys)
            .filter(|key| key.status == KeyStatus::Masked)
            .filter_map(|key| key.fingerprint.as_ref().map(ToString::to_string))
            .collect::<Vec<_>>(),
        "waived_by": WAIVER,
    })
}
