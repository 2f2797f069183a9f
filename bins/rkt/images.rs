//! The store, the network and the keys behind a command line, and what the user sees of a fetch.

use std::path::Path;
use std::time::SystemTime;

use gantry_cli::{Context, Failure, Progress, available_threads, note};
use gantry_ops::config::Section;
use gantry_ops::fetch::oci::{Registries, RegistrySettings};
use gantry_ops::fetch::{
    Downloading, FetchContext, FetchError, FetchObserver, FetchRequest, ImageReference,
    InsecureOptions, Notice, PullPolicy, Step, fetch, fetch_for_use, take_over,
};
use gantry_ops::image;
use gantry_ops::trust::{
    self, KeyReview, KnownKeys, PROMPT, PROMPT_AGAIN, ReviewError, ReviewPolicy, Reviewer,
    TrustRequest,
};
use gantry_ops::{
    ClientConfig, ConnectTo, DiscoveryOptions, HttpClient, Keystore, Lease, Scope, Store,
};
use gantry_types::oci::Platform;
use gantry_types::{AcIdentifier, ImageId};

use crate::cli::Globals;
use crate::commands::pull_args::OciArgs;
use crate::setup::{Setup, configuration};

/// Everything that fetching needs.
pub(crate) struct Fetcher {
    store: Store,
    keystore: Keystore,
    http: HttpClient,
    registries: Registries,
    policy: PullPolicy,
    insecure: InsecureOptions,
    platform: Option<Platform>,
    trust_https: bool,
    quiet: bool,
    debug: bool,
}

impl Fetcher {
    /// Opens the store and prepares the client; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// A store that cannot be opened, or flags and environment that mean nothing.
    pub(crate) fn new(
        setup: &Setup,
        globals: &Globals,
        policy: &str,
        quiet: bool,
        context: &mut Context<'_>,
    ) -> Result<Self, Failure> {
        let (http, registries) = clients(globals, setup.insecure(), context)?;
        Ok(Self {
            store: setup.store()?,
            keystore: keystore(globals),
            http,
            registries,
            policy: match policy {
                "never" => PullPolicy::Never,
                "update" => PullPolicy::Update,
                // As in the original, whatever else is given.
                _ => PullPolicy::New,
            },
            insecure: setup.insecure().clone(),
            platform: None,
            trust_https: globals.trust_keys_from_https,
            quiet,
            debug: globals.debug,
        })
    }

    /// The same, but for images that are trusted for the place they lie in.
    pub(crate) fn without_signatures(mut self) -> Self {
        // As if asked for, which is what the image's record says; nothing but files is fetched so.
        self.insecure = "image".parse().unwrap_or(self.insecure);
        self
    }

    /// The same, but for OCI and Docker images as was asked for.
    pub(crate) fn of_kind(mut self, args: &OciArgs) -> Self {
        self.platform = args.platform.clone();
        self.registries.set_parallel(args.max_parallel.into());
        self
    }

    /// Where images are kept.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Brings one image into the store, or finds it there.
    ///
    /// # Errors
    ///
    /// Whatever stands between the text and an image that may be used.
    pub(crate) fn fetch(
        &mut self,
        image: &str,
        signature: Option<&Path>,
        context: &mut Context<'_>,
    ) -> Result<ImageId, Failure> {
        self.fetch_by(fetch, image, signature, context)
    }

    /// The same for an image that is used at once: nobody removes it while the lease is held.
    ///
    /// # Errors
    ///
    /// As for [`Self::fetch`].
    pub(crate) fn fetch_for_use(
        &mut self,
        image: &str,
        signature: Option<&Path>,
        context: &mut Context<'_>,
    ) -> Result<(ImageId, Lease), Failure> {
        self.fetch_by(fetch_for_use, image, signature, context)
    }

    fn fetch_by<T>(
        &mut self,
        how: impl FnOnce(&FetchRequest, &mut FetchContext<'_>) -> Result<T, FetchError>,
        image: &str,
        signature: Option<&Path>,
        context: &mut Context<'_>,
    ) -> Result<T, Failure> {
        let directory = std::env::current_dir()
            .map_err(|error| Failure::environment(format!("no working directory: {error}")))?;
        let request = FetchRequest {
            reference: ImageReference::parse(image, &directory, &|path| path.is_file())?,
            signature: signature.map(Path::to_owned),
            policy: self.policy,
            insecure: self.insecure.clone(),
            platform: self.platform.clone(),
        };
        Ok(self.with_context(context, |fetching| how(&request, fetching))?)
    }

    /// Does something with what fetching needs, and shows how it goes on.
    pub(crate) fn with_context<T>(
        &mut self,
        context: &mut Context<'_>,
        act: impl FnOnce(&mut FetchContext<'_>) -> T,
    ) -> T {
        let progress = match self.quiet {
            true => Progress::quiet(),
            false => Progress::new(context.err_is_terminal),
        };
        let mut observer = Observer {
            current: None,
            progress,
            debug: self.debug,
            quiet: self.quiet,
            fetcher: self,
            context,
        };
        let mut fetching = FetchContext {
            store: &self.store,
            keystore: &self.keystore,
            http: &self.http,
            registries: &self.registries,
            discovery: DiscoveryOptions {
                allow_http: self.insecure.http(),
                port: None,
            },
            ownership: crate::rootless::ownership(),
            threads: available_threads(),
            clock: &SystemTime::now,
            observer: &mut observer,
        };
        act(&mut fetching)
    }

    /// Looks for keys by discovery before a fetch is refused for want of them.
    fn offer_keys(&self, name: &AcIdentifier, context: &mut Context<'_>) {
        let review = match self.trust_https {
            true => ReviewPolicy::TrustHttps,
            false if context.can_ask => ReviewPolicy::Ask,
            false => return,
        };
        let request = TrustRequest {
            keys: Vec::new(),
            scope: Scope::Prefix(name.clone()),
            review,
            known: KnownKeys::Keep,
            allow_http: self.insecure.pubkey(),
            legacy: false,
        };
        let mut terminal = Terminal {
            context,
            tells_on_stdout: false,
        };
        // Not fatal: without a key the fetch itself says what is missing.
        if let Err(error) = trust::add(
            &request,
            &self.keystore,
            &self.http,
            &mut terminal,
            SystemTime::now(),
        ) {
            gantry_cli::report("pubkey", &error.into(), self.debug, context.err);
        }
    }
}

/// Finds an image for a command that uses it: in the store, or else with others who share the data directory, from whom
/// it is taken over.
///
/// # Errors
///
/// An image that nobody has, or that must not be used.
pub(crate) fn find(
    store: &Store,
    text: &str,
    setup: &Setup,
    globals: &Globals,
    context: &mut Context<'_>,
) -> Result<ImageId, Failure> {
    let error = match image::find(store, text) {
        Err(error) if error.is_missing() && !store.neighbours().is_empty() => error,
        found => return Ok(found?),
    };
    let mut fetcher = Fetcher::new(setup, globals, "never", true, context)?;
    let taken = fetcher.with_context(context, |fetching| {
        take_over(text, setup.insecure(), fetching)
    })?;
    Ok(taken.ok_or(error)?)
}

/// The keystore of the configuration directories.
pub(crate) fn keystore(globals: &Globals) -> Keystore {
    Keystore::new(
        Some(globals.system_config.clone()),
        globals.local_config.clone(),
    )
    .with_user(globals.user_config.clone())
}

/// A client with the flags, the configured credentials and the environment of this process.
///
/// # Errors
///
/// A `--connect-to`, a file of the configuration or a variable that means nothing.
pub(crate) fn http_client(
    globals: &Globals,
    insecure: &InsecureOptions,
    context: &mut Context<'_>,
) -> Result<HttpClient, Failure> {
    Ok(clients(globals, insecure, context)?.0)
}

/// The same with registries, which have clients and credentials of their own.
fn clients(
    globals: &Globals,
    insecure: &InsecureOptions,
    context: &mut Context<'_>,
) -> Result<(HttpClient, Registries), Failure> {
    let mut config = ClientConfig::new(concat!("rkt/", env!("CARGO_PKG_VERSION")));
    for rule in &globals.connect_to {
        let rule: ConnectTo = rule
            .parse()
            .map_err(|error| Failure::usage(format!("--connect-to: {error}")))?;
        config.connect_to.push(rule);
    }
    config.insecure_tls = insecure.tls();
    config.allow_downgrade = insecure.http();
    let configured = configuration(globals, &[Section::Auth])?;
    let (credentials, problems) = configured.host_credentials();
    config.credentials = credentials;
    for problem in configured.problems.iter().chain(&problems) {
        note(context.err, format_args!("image: warning: {problem}"));
    }
    let variable = |name: &str| std::env::var_os(name);
    let config = config.with_environment(variable)?;
    let user = rustix::process::getuid().as_raw();
    let settings = RegistrySettings::of_environment(&config, &configured, insecure, variable, user);
    Ok((HttpClient::new(config), Registries::new(settings)))
}

/// Shows how a fetch goes on.
struct Observer<'a, 'c> {
    fetcher: &'a Fetcher,
    context: &'a mut Context<'c>,
    progress: Progress,
    /// What the progress shown is of.
    current: Option<String>,
    debug: bool,
    quiet: bool,
}

impl Observer<'_, '_> {
    /// Shows that the work called `label` has got so far.
    fn advance(&mut self, label: &str, have: u64, total: Option<u64>) {
        if self.current.as_deref() != Some(label) {
            self.current = Some(label.to_owned());
            self.progress.begin(label, have, total);
        }
        self.progress.set(have);
        if total == Some(have) {
            self.progress.end();
            // The next image begins with the same words.
            self.current = None;
        }
    }
}

impl FetchObserver for Observer<'_, '_> {
    fn notice(&mut self, notice: &Notice) {
        let shown = notice.is_warning()
            || self.debug
            || (!self.quiet && matches!(notice, Notice::SignatureVerified(_)));
        if shown {
            // Not being able to tell is no reason to stop.
            let _ = self
                .progress
                .suspend(|| writeln!(self.context.err, "image: {notice}"));
        }
    }

    fn progress(&mut self, what: Downloading, have: u64, total: Option<u64>) {
        self.advance(&format!("Downloading {what}"), have, total);
    }

    fn working(&mut self, step: Step, have: u64, total: u64) {
        // A log is told of what comes over the network only: the rest is short, and often nothing.
        if self.context.err_is_terminal {
            self.advance(&step.to_string(), have, Some(total));
        }
    }

    fn keys_missing(&mut self, name: &AcIdentifier) {
        self.progress.end();
        self.fetcher.offer_keys(name, self.context);
    }
}

/// Shows keys on the streams of a command and asks on its terminal.
pub(crate) struct Terminal<'a, 'c> {
    pub(crate) context: &'a mut Context<'c>,
    /// Where rkt says what it did: `trust` on standard output; `fetch` on standard error, because its
    /// output is the image's ID.
    pub(crate) tells_on_stdout: bool,
}

impl Reviewer for Terminal<'_, '_> {
    fn show(&mut self, review: &KeyReview) {
        // Order matters where both streams are one terminal.
        note(
            self.context.err,
            format_args!("pubkey: {}", review.heading()),
        );
        let _ = writeln!(self.context.out, "{}", review.details());
        let _ = self.context.out.flush();
        if let Some(warning) = &review.warning {
            note(self.context.err, format_args!("pubkey: {warning}"));
        }
    }

    fn ask(&mut self, _review: &KeyReview) -> Result<bool, ReviewError> {
        if !self.context.can_ask {
            return Err(ReviewError::NoTerminal);
        }
        let answer = self.context.ask(PROMPT, PROMPT_AGAIN);
        answer.map_err(|source| ReviewError::Input { source })
    }

    fn note(&mut self, line: &str) {
        note(self.context.err, format_args!("pubkey: {line}"));
    }

    fn tell(&mut self, line: &str) {
        match self.tells_on_stdout {
            true => {
                let _ = writeln!(self.context.out, "{line}");
                let _ = self.context.out.flush();
            }
            false => note(self.context.err, line),
        }
    }
}
