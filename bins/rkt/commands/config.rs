//! `rkt config`

use clap::Args;
use gantry_cli::{Context, Failure, note, say};
use gantry_ops::config::{Config, Section};
use gantry_types::config_file::{AuthCredentials, BasicCredentials};
use serde_json::{Value, json};

use crate::cli::{Globals, go_bool};
use crate::setup::{Format, configuration, json as text};

/// Print the configuration as the files in all configuration directories make it, with credentials
#[derive(Args, Debug)]
pub(crate) struct ConfigArgs {
    /// Indent the JSON
    #[arg(long, action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_value = "true", default_missing_value = "true", value_parser = go_bool,
          value_name = "BOOL", hide_possible_values = true)]
    pretty_print: bool,
}

impl ConfigArgs {
    /// Prints it.
    ///
    /// # Errors
    ///
    /// The first file that is not as it should be.
    pub(crate) fn run(&self, globals: &Globals, context: &mut Context<'_>) -> Result<(), Failure> {
        let config = configuration(globals, &Section::ALL)?;
        for problem in &config.problems {
            note(context.err, format_args!("config: warning: {problem}"));
        }
        let format = match self.pretty_print {
            true => Format::JsonPretty,
            false => Format::Json,
        };
        say(context.out, text(&Ok(merged(&config)), format)?)
    }
}

/// The configuration as entries of the form of its files: one for each server and registry, in the
/// order of their names, then one of each other kind.
fn merged(config: &Config) -> Value {
    let mut entries = Vec::new();
    for (domain, stated) in &config.auth {
        let (kind, credentials) = auth(&stated.value);
        entries.push(json!({
            "rktVersion": "v1",
            "rktKind": "auth",
            "domains": [domain],
            "type": kind,
            "credentials": credentials,
        }));
    }
    for (registry, stated) in &config.docker_auth {
        entries.push(json!({
            "rktVersion": "v1",
            "rktKind": "dockerAuth",
            "registries": [registry],
            "credentials": basic(&stated.value),
        }));
    }
    let data = config.data.as_ref().map(|stated| &stated.value);
    let images = config.stage1_images.as_ref().map(|stated| &stated.value);
    entries.push(json!({
        "rktVersion": "v1",
        "rktKind": "paths",
        "data": data.cloned().unwrap_or_default(),
        "stage1-images": images.cloned().unwrap_or_default(),
    }));
    let named = config.stage1_name.as_ref().map(|stated| &stated.value);
    let location = config.stage1_location.as_ref().map(|stated| &*stated.value);
    entries.push(json!({
        "rktVersion": "v1",
        "rktKind": "stage1",
        "name": named.map_or("", |named| &named.name),
        "version": named.map_or("", |named| &named.version),
        "location": location.unwrap_or_default(),
    }));
    // The original knows nothing of it, so it is there only if somebody says something.
    if let Some(stated) = &config.unverified_images {
        entries.push(json!({
            "rktVersion": "v1",
            "rktKind": "isolators",
            "unverifiedImages": stated.value.as_str(),
        }));
    }
    json!({ "stage0": entries })
}

fn auth(credentials: &AuthCredentials) -> (&'static str, Value) {
    match credentials {
        AuthCredentials::Basic(credentials) => ("basic", basic(credentials)),
        AuthCredentials::OAuth { token } => ("oauth", json!({ "token": token.reveal() })),
        AuthCredentials::Aws {
            access_key_id,
            secret_access_key,
            region,
        } => (
            "aws",
            json!({
                "accessKeyID": access_key_id,
                "secretAccessKey": secret_access_key.reveal(),
                "awsRegion": region,
            }),
        ),
    }
}

fn basic(credentials: &BasicCredentials) -> Value {
    json!({ "user": credentials.user, "password": credentials.password.reveal() })
}
