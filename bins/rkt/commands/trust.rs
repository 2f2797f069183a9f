//! `rkt trust`

use std::time::SystemTime;

use clap::Args;
use gantry_cli::{Context, Failure, Statuses, say};
use gantry_ops::trust::{
    self, KnownKeys, Location, ReviewPolicy, ScopeError, TrustError, TrustRequest, scope,
};
use gantry_types::{Diagnostic, Kind};

use crate::cli::Globals;
use crate::images::{Terminal, http_client, keystore};
use crate::setup::Setup;

/// Trust keys to sign images
///
/// Without PUBKEY the keys are looked for by discovery at the prefix. Each key's fingerprint is shown
/// and has to be accepted.
#[derive(Args, Debug)]
pub(crate) struct TrustArgs {
    /// Names that the keys may sign: this one and those beneath it
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,
    /// The keys may sign every image
    #[arg(long)]
    root: bool,
    /// Do not ask
    #[arg(long)]
    skip_fingerprint_review: bool,
    /// Take keys over plain http, too
    #[arg(long)]
    insecure_allow_http: bool,
    /// Files or URLs of public keys
    #[arg(value_name = "PUBKEY")]
    keys: Vec<String>,
}

impl TrustArgs {
    /// Finds, shows, asks and writes.
    ///
    /// # Errors
    ///
    /// A scope that is none, or the first key that cannot be had, reviewed or written.
    pub(crate) fn run(&self, globals: &Globals, context: &mut Context<'_>) -> Result<(), Failure> {
        let scope = match scope(self.prefix.as_deref(), self.root, !self.keys.is_empty()) {
            Err(ScopeError::Missing) => return usage(context),
            given => given?,
        };
        let setup = Setup::new(globals)?;
        if setup.insecure().image() {
            return Err(
                Failure::usage("could not get the keystore: checking is waived")
                    .with_hint("leave out --insecure-options=image"),
            );
        }
        let keys = self
            .keys
            .iter()
            .map(|key| Location::parse(key))
            .collect::<Result<_, _>>()?;
        let review = match (self.skip_fingerprint_review, globals.trust_keys_from_https) {
            (true, _) => ReviewPolicy::Skip,
            (_, true) => ReviewPolicy::TrustHttps,
            _ => ReviewPolicy::Ask,
        };
        let request = TrustRequest {
            keys,
            scope,
            review,
            known: KnownKeys::Replace,
            allow_http: self.insecure_allow_http,
            legacy: false,
        };
        let http = http_client(globals, setup.insecure(), context)?;
        let mut terminal = Terminal {
            context,
            tells_on_stdout: true,
        };
        let keystore = keystore(globals);
        let now = SystemTime::now();
        match trust::add(&request, &keystore, &http, &mut terminal, now) {
            Ok(_) => Ok(()),
            // These say themselves what could not be done.
            Err(error @ (TrustError::NothingToAdd | TrustError::Discovery { .. })) => {
                Err(error.into())
            }
            Err(source) => Err(AddingKeys { source }.into()),
        }
    }
}

/// The words that rkt puts before whatever went wrong with a key.
#[derive(Debug, thiserror::Error)]
#[error("error adding keys")]
struct AddingKeys {
    source: TrustError,
}

impl Diagnostic for AddingKeys {
    fn kind(&self) -> Kind {
        self.source.kind()
    }

    fn hint(&self) -> Option<String> {
        self.source.hint()
    }
}

/// Who names neither key nor prefix wants to know how; the status says that nothing was done.
fn usage(context: &mut Context<'_>) -> Result<(), Failure> {
    let mut parser = crate::cli::parser();
    parser.build();
    let command = parser.find_subcommand_mut("trust");
    let help = command.map(clap::Command::render_help).unwrap_or_default();
    say(context.out, help.to_string().trim_end())?;
    Err(Failure::Status(Statuses::RKT.usage))
}
