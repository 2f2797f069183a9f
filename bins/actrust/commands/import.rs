//! `actrust import`

use std::io::Read as _;
use std::path::PathBuf;
use std::time::SystemTime;

use clap::Args;
use gantry_cli::{Context, Failure, note, say};
use gantry_ops::Scope;
use gantry_ops::trust::{
    self, Bundle, MAX_BUNDLE_BYTES, PlannedChange, PlannedKey, digits, keyring_digest,
};
use gantry_types::Kind;
use serde_json::{Value, json};

use crate::cli::{Globals, Target};
use crate::json::{self, Format};
use crate::terminal::ask;

/// Trust the keys of a file made by `actrust export`
///
/// What the file asks for is shown, and every key that would be trusted for more than today has to be
/// accepted: on a terminal one by one, else by its fingerprint or all by --yes. Trust in every name and marks
/// as legacy need --root and --legacy besides. Keys that are disabled here stay so.
#[derive(Args, Debug)]
pub(crate) struct ImportArgs {
    /// Accept this key without asking, and leave those out that are not named
    #[arg(long, value_name = "FINGERPRINT")]
    fingerprint: Vec<String>,
    /// Accept all keys without asking
    #[arg(long, conflicts_with = "fingerprint")]
    yes: bool,
    /// Accept without asking that keys may sign every name
    #[arg(long)]
    root: bool,
    /// Accept without asking that old algorithms of keys are accepted
    #[arg(long)]
    legacy: bool,
    /// Show what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    target: Target,
    /// Data for programs
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl ImportArgs {
    pub(crate) fn run(&self, globals: &Globals, context: &mut Context<'_>) -> Result<(), Failure> {
        let wanted = self.fingerprint.iter().map(|text| whole(text));
        let wanted: Vec<String> = wanted.collect::<Result<_, _>>()?;
        let bytes = self.read()?;
        let bundle = Bundle::parse(&bytes)?;
        let keystore = globals.keystore_to_change(&self.target)?;
        let plan = trust::plan(&bundle, &keystore, SystemTime::now());
        note(
            context.err,
            format_args!("keys: {}\nsha256: {}", plan.len(), keyring_digest(&bytes)),
        );
        let named = |key: &&PlannedKey| {
            wanted.is_empty()
                || wanted
                    .iter()
                    .any(|name| name == key.key.fingerprint().as_str())
        };
        for name in &wanted {
            if !plan
                .iter()
                .any(|key| key.key.fingerprint().as_str() == name)
            {
                return Err(Failure::usage(format!("key {name} is not in the file")));
            }
        }
        let asked = wanted.is_empty() && !self.yes && !self.dry_run;
        let mut accepted = Vec::new();
        for key in plan.iter().filter(named) {
            note(context.err, describe(key));
            if !key.is_change() {
                continue;
            }
            let yes = match asked && key.widens() {
                true => ask(context, "Are you sure you want to trust this key (yes/no)?")
                    .map_err(|error| with_other_ways(&error))?,
                false => true,
            };
            if yes {
                accepted.push(key);
            }
        }
        if !asked && !self.dry_run {
            self.check_width(&accepted)?;
        }
        if !self.dry_run {
            for added in trust::import(accepted.iter().copied(), &keystore)? {
                if self.format.is_none() {
                    say(context.out, added.path.display())?;
                }
            }
        }
        if let Some(format) = self.format {
            let done = |key: &PlannedKey| {
                let place = (&key.scope, key.key.fingerprint());
                let same = |other: &&PlannedKey| (&other.scope, other.key.fingerprint()) == place;
                !self.dry_run && accepted.iter().any(same)
            };
            let rows: Value = plan.iter().map(|key| data(key, done(key))).collect();
            json::print(context, format, &rows)?;
        }
        Ok(())
    }

    /// Reads one byte more than a keyring may have, so that the parser sees that it is too large.
    fn read(&self) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        gantry_ops::open_input(&self.file)
            .and_then(|file| {
                file.take(MAX_BUNDLE_BYTES as u64 + 1)
                    .read_to_end(&mut bytes)
            })
            .map_err(|error| {
                Failure::environment(format!("cannot read {}: {error}", self.file.display()))
            })?;
        Ok(bytes)
    }

    /// Refuses, before anything is written, what nobody has been asked about.
    fn check_width(&self, accepted: &[&PlannedKey]) -> Result<(), Failure> {
        let refused = |key: &PlannedKey, what: &str, option: &str| Failure::Message {
            kind: Kind::Refused,
            text: format!("the file asks that key {} {what}", key.key.fingerprint()),
            hint: Some(format!("if that is meant, repeat with {option}")),
        };
        for key in accepted {
            if key.scope == Scope::Root && key.change == PlannedChange::New && !self.root {
                return Err(refused(key, "may sign every image", "--root"));
            }
            if key.legacy && !self.legacy {
                let what = "may use old algorithms, such as SHA-1 and DSA";
                return Err(refused(key, what, "--legacy"));
            }
        }
        Ok(())
    }
}

/// A whole fingerprint: for less, another key could be made to fit.
fn whole(text: &str) -> Result<String, Failure> {
    let digits = digits(text)?;
    match digits.len() {
        40 | 64 => Ok(digits),
        _ => Err(Failure::usage(format!(
            "{text:?} is not a whole fingerprint"
        ))),
    }
}

fn with_other_ways(error: &trust::ReviewError) -> Failure {
    let failure = Failure::environment(format!("cannot ask about a key: {error}"));
    failure.with_hint("compare the fingerprints above, then repeat with --fingerprint or --yes")
}

/// What the file asks for about one key, for people.
fn describe(key: &PlannedKey) -> String {
    let facts = &key.facts;
    let mut text = format!(
        "\nkey: {}\n    {}, made on {}",
        key.key.fingerprint().spaced(),
        facts.algorithm,
        json::day(facts.created)
    );
    for user_id in &facts.user_ids {
        text.push_str(&format!("\n    {user_id}"));
    }
    text.push_str(&format!("\n    asks to be trusted for {}", key.scope));
    if key.legacy {
        text.push_str(" with its old algorithms");
    }
    let here: Vec<String> = key.trusted_for.iter().map(ToString::to_string).collect();
    match here.is_empty() {
        true => text.push_str("\n    not trusted for anything here"),
        false => text.push_str(&format!("\n    trusted here for {}", here.join(" and "))),
    }
    let change = match key.change {
        PlannedChange::New => "would be new",
        PlannedChange::Update => "the file knows more of it, such as a new expiry date",
        PlannedChange::Nothing => "nothing would change",
        PlannedChange::Disabled => "disabled here, and stays so",
    };
    text.push_str(&format!("\n    {change}"));
    if let Some(unfit) = &key.unfit {
        text.push_str(&format!(
            "\n    warning: its signatures do not count: {unfit}"
        ));
    }
    text
}

fn data(key: &PlannedKey, done: bool) -> Value {
    json!({
        "fingerprint": key.key.fingerprint().to_string(),
        "identities": key.facts.user_ids,
        "algorithm": key.facts.algorithm,
        "scope": json::scope_kind(&key.scope),
        "prefix": json::prefix(&key.scope),
        "legacy": key.legacy,
        "change": match key.change {
            PlannedChange::New => "new",
            PlannedChange::Update => "update",
            PlannedChange::Nothing => "nothing",
            PlannedChange::Disabled => "disabled",
        },
        "widens": key.widens(),
        "trusted_for": key.trusted_for.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "unfit": key.unfit.as_ref().map(ToString::to_string),
        "imported": done,
    })
}
