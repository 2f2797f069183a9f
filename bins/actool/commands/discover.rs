//! `actool discover`.

use gantry_cli::{Context, Failure, note, report, say};
use gantry_ops::discover::{Attempt, DiscoverError, Discovered, Endpoint, discover};
use gantry_ops::{ClientConfig, ConnectTo, DiscoveryOptions, HttpClient};
use serde_json::json;

/// Discover the download URLs for one or more app container images
#[derive(clap::Args, Debug)]
#[command(
    long_about = "Discover the download URLs for an app",
    after_long_help = "Prints the places of the image and its signature, and of the public keys, that the \
        pages of the name's domain give. A name is NAME, NAME:VERSION or NAME:VERSION,LABEL=VALUE,..."
)]
pub(crate) struct DiscoverArgs {
    /// Output result as JSON
    #[arg(long)]
    json: bool,
    /// Port to connect to when performing discovery
    ///
    /// 0 is the scheme's own.
    #[arg(long, default_value_t = 0, value_parser = crate::go_flags::unsigned::<u16>)]
    port: u16,
    /// Don't check TLS certificates and allow insecure non-TLS downloads over http
    #[arg(long)]
    insecure: bool,
    /// Where a name leads, as curl's option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO
    #[arg(long, value_name = "H1:P1:H2:P2")]
    connect_to: Vec<ConnectTo>,
    /// Image names
    #[arg(value_name = "APP")]
    apps: Vec<String>,
}

impl DiscoverArgs {
    /// Discovers each name; one that fails does not keep the others from being printed.
    pub(crate) fn run(self, debug: bool, context: &mut Context<'_>) -> Result<(), Failure> {
        if self.apps.is_empty() {
            return Err(Failure::environment("discover: at least one name required"));
        }
        let mut config = ClientConfig::new("actool/0.8.11");
        config.insecure_tls = self.insecure;
        config.allow_downgrade = self.insecure;
        config.connect_to = self.connect_to;
        let client = HttpClient::new(config.with_environment(|name| std::env::var_os(name))?);
        let options = DiscoveryOptions {
            allow_http: self.insecure,
            port: (self.port != 0).then_some(self.port),
        };
        let mut failed = false;
        for app in &self.apps {
            let outcome = discover(&client, app, options)
                .map_err(Failed::Discovery)
                .and_then(|found| print(found, self.json, context));
            match outcome {
                Ok(()) => {}
                Err(Failed::Output(failure)) => return Err(failure),
                Err(Failed::Discovery(error)) => {
                    failed = true;
                    explain(&error, context);
                    report("", &error.into(), debug, context.err);
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

/// Why a name was not printed.
enum Failed {
    /// Nothing was found for it.
    Discovery(DiscoverError),
    /// Nothing can be printed at all.
    Output(Failure),
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Self::Output(failure)
    }
}

/// Prints what was found; without keys, as the original does, the places of the image are held back.
fn print(found: Discovered, as_json: bool, context: &mut Context<'_>) -> Result<(), Failed> {
    walk("endpoints", &found.endpoints.attempts, context)?;
    let keys = found.keys.map_err(Failed::Discovery)?;
    walk("public keys", &keys.attempts, context)?;
    let (endpoints, keys) = (&found.endpoints.items, &keys.items);
    if as_json {
        say(context.out, json(endpoints, keys))?;
        return Ok(());
    }
    for endpoint in endpoints {
        let (aci, asc) = (&endpoint.aci, &endpoint.asc);
        say(context.out, format_args!("ACI: {aci}, ASC: {asc}"))?;
    }
    say(context.out, format_args!("PublicKeys: {}", keys.join(",")))?;
    Ok(())
}

/// Prints the prefixes that brought no page; a page that says nothing of use is none of these.
fn walk(what: &str, attempts: &[Attempt], context: &mut Context<'_>) -> Result<(), Failure> {
    let mut missing = attempts.iter().filter(|attempt| attempt.error.is_no_page());
    missing.try_for_each(|attempt| say(context.out, walk_line(what, attempt)))
}

/// The document of the original, indented by four blanks and with the escapes of Go.
fn json(endpoints: &[Endpoint], keys: &[String]) -> String {
    let endpoints = endpoints.iter();
    let endpoints = endpoints.map(|endpoint| json!({"ACI": endpoint.aci, "ASC": endpoint.asc}));
    let document = json!({
        "ACIEndpoints": endpoints.collect::<Vec<_>>(),
        "PublicKeys": keys,
    });
    let two = serde_json::to_string_pretty(&document).unwrap_or_default();
    let four = two.lines().map(|line| {
        let text = line.trim_start_matches(' ');
        format!("{}{text}", "  ".repeat(line.len() - text.len()))
    });
    let text = four.collect::<Vec<_>>().join("\n");
    // These stand inside strings only.
    text.replace('&', "\\u0026")
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

fn walk_line(what: &str, attempt: &Attempt) -> String {
    format!("discover {what} walk: {attempt}")
}

/// Says what was tried in vain; the original keeps it to itself when nothing is found at all.
fn explain(error: &DiscoverError, context: &mut Context<'_>) {
    let what = match error {
        DiscoverError::Name { .. } => return,
        DiscoverError::Endpoints { .. } => "endpoints",
        DiscoverError::Keys { .. } => "public keys",
    };
    for attempt in error.attempts() {
        note(context.err, walk_line(what, attempt));
    }
}
