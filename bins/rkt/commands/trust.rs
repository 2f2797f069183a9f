//! `rkt trust`

use std::time::SystemTime;

use clap::Args;
use gantry_cli::{Context, Failure};
use gantry_ops::trust::{self, KnownKeys, Location, ReviewPolicy, TrustRequest, scope};

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
        let scope = scope(self.prefix.as_deref(), self.root, !self.keys.is_empty())?;
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
        };
        let http = http_client(globals, setup.insecure(), context)?;
        let mut terminal = Terminal { context };
        trust::add(
            &request,
            &keystore(globals),
            &http,
            &mut terminal,
            SystemTime::now(),
        )?;
        Ok(())
    }
}
