//! `actool discover`.

use gantry_cli::{Context, Failure, note, report, say};
use gantry_ops::discover::{Attempt, DiscoverError, Discovered, discover};
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
            let found = discover(&client, app, options).and_then(Complete::new);
            match found {
                Ok(found) => found.print(self.json, context)?,
                Err(error) => {
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

/// An image with its keys: without keys nothing of it is printed, as the original does.
struct Complete {
    endpoints: gantry_ops::discover::FoundEndpoints,
    keys: gantry_ops::discover::FoundKeys,
}

impl Complete {
    fn new(found: Discovered) -> Result<Self, DiscoverError> {
        Ok(Self {
            endpoints: found.endpoints,
            keys: found.keys?,
        })
    }

    fn print(&self, as_json: bool, context: &mut Context<'_>) -> Result<(), Failure> {
        let walks = [
            ("endpoints", &self.endpoints.attempts),
            ("public keys", &self.keys.attempts),
        ];
        for (what, attempts) in walks {
            for attempt in attempts {
                say(context.out, walk_line(what, attempt))?;
            }
        }
        if as_json {
            return say(context.out, self.json());
        }
        for endpoint in &self.endpoints.items {
            let (aci, asc) = (&endpoint.aci, &endpoint.asc);
            say(context.out, format_args!("ACI: {aci}, ASC: {asc}"))?;
        }
        let keys = self.keys.items.join(",");
        say(context.out, format_args!("PublicKeys: {keys}"))
    }

    /// The document of the original, indented by four blanks and with the escapes of Go.
    fn json(&self) -> String {
        let endpoints = self.endpoints.items.iter();
        let endpoints = endpoints.map(|endpoint| json!({"ACI": endpoint.aci, "ASC": endpoint.asc}));
        let document = json!({
            "ACIEndpoints": endpoints.collect::<Vec<_>>(),
            "PublicKeys": self.keys.items,
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
    }
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
