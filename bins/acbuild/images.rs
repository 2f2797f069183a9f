//! Images by name: rkt's store, the keys that rkt trusts, and the network.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use gantry_cli::{Context, Failure, Progress, available_threads, note};
use gantry_ops::config::{Config, Section};
use gantry_ops::fetch::oci::{Registries, RegistrySettings};
use gantry_ops::fetch::{
    Downloading, FetchContext, FetchObserver, FetchRequest, ImageReference, InsecureOptions,
    Notice, PullPolicy, Step, fetch_dependencies, fetch_for_use,
};
use gantry_ops::{
    ClientConfig, ConnectTo, DataDirRequest, DiscoveryOptions, HttpClient, Keystore, Lease, Store,
};
use gantry_types::{ImageId, ImageManifest};

use crate::rootless;

/// What `--insecure` waives.
const WAIVED: &str = "image,tls,http";

/// Flags of commands that may need other images.
#[derive(clap::Args, Debug)]
pub(crate) struct ImageArgs {
    /// Fetch images without their signatures, and without https and its certificates
    #[arg(long)]
    pub(crate) insecure: bool,
    /// Data directory of rkt, whose images are used and added to
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Directory of the vendor's configuration and keys
    #[arg(long, value_name = "DIR", default_value = "/usr/lib/rkt")]
    system_config: PathBuf,
    /// Directory of this host's configuration and keys
    #[arg(long, value_name = "DIR", default_value = "/etc/rkt")]
    pub(crate) local_config: PathBuf,
    /// Directory of the user's configuration, used only when given
    #[arg(long, value_name = "DIR")]
    user_config: Option<PathBuf>,
    /// Where a name leads, as curl's option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO
    #[arg(long, value_name = "H1:P1:H2:P2")]
    connect_to: Vec<String>,
}

/// Everything that fetching needs.
pub(crate) struct Images {
    store: Store,
    keystore: Keystore,
    http: HttpClient,
    registries: Registries,
    insecure: InsecureOptions,
    debug: bool,
}

impl Images {
    /// Opens the store and prepares the client; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// A store that cannot be opened, or flags, configuration and environment that mean nothing.
    pub(crate) fn open(
        args: &ImageArgs,
        command: &str,
        debug: bool,
        ctx: &mut Context<'_>,
    ) -> Result<Self, Failure> {
        let directories: Vec<&Path> = [&args.system_config, &args.local_config]
            .into_iter()
            .chain(&args.user_config)
            .map(PathBuf::as_path)
            .collect();
        let data_dir = gantry_ops::data_dir(&DataDirRequest {
            given: args.dir.as_deref(),
            configuration: &directories,
            user_config: args.user_config.as_deref(),
            is_root: rootless::is_root(),
            xdg_data_home: std::env::var_os("XDG_DATA_HOME"),
            home: std::env::var_os("HOME"),
        })?;
        let waived = if args.insecure { WAIVED } else { "none" };
        let insecure: InsecureOptions = waived
            .parse()
            .map_err(|error| Failure::usage(format!("--insecure: {error}")))?;
        let configured = Config::load(&directories, &[Section::Auth])?;
        let (credentials, problems) = configured.host_credentials();
        for problem in configured.problems.iter().chain(&problems) {
            note(ctx.err, format_args!("{command}: warning: {problem}"));
        }
        let mut config = ClientConfig::new(concat!("acbuild/", env!("CARGO_PKG_VERSION")));
        for rule in &args.connect_to {
            let rule: ConnectTo = rule
                .parse()
                .map_err(|error| Failure::usage(format!("--connect-to: {error}")))?;
            config.connect_to.push(rule);
        }
        config.insecure_tls = insecure.tls();
        config.allow_downgrade = insecure.http();
        config.credentials = credentials;
        let variable = |name: &str| std::env::var_os(name);
        let config = config.with_environment(variable)?;
        let user = rustix::process::getuid().as_raw();
        let registries =
            RegistrySettings::of_environment(&config, &configured, &insecure, variable, user);
        let keystore = Keystore::new(Some(args.system_config.clone()), args.local_config.clone())
            .with_user(args.user_config.clone());
        Ok(Self {
            store: gantry_ops::open_store(&data_dir)?,
            keystore,
            http: HttpClient::new(config),
            registries: Registries::new(registries),
            insecure,
            debug,
        })
    }

    /// The store.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Brings one image into the store, or finds it there, and keeps it there.
    ///
    /// # Errors
    ///
    /// Whatever stands between the text and an image that may be used.
    pub(crate) fn fetch(
        &self,
        image: &str,
        ctx: &mut Context<'_>,
    ) -> Result<(ImageId, Lease), Failure> {
        let directory = std::env::current_dir()
            .map_err(|error| Failure::environment(format!("no working directory: {error}")))?;
        let reference = ImageReference::parse(image, &directory, &|_| false)?;
        if matches!(reference, ImageReference::Path(_)) {
            return Err(Failure::usage(format!("{image:?} is no name of an image")));
        }
        let request = FetchRequest {
            reference,
            signature: None,
            policy: PullPolicy::New,
            insecure: self.insecure.clone(),
            platform: None,
        };
        Ok(self.with_context(ctx, |fetching| fetch_for_use(&request, fetching))?)
    }

    /// The same for all that an image with this manifest depends on, in its order.
    ///
    /// # Errors
    ///
    /// As for [`Self::fetch`].
    pub(crate) fn fetch_dependencies(
        &self,
        manifest: &ImageManifest,
        ctx: &mut Context<'_>,
    ) -> Result<Vec<(ImageId, Lease)>, Failure> {
        Ok(self.with_context(ctx, |fetching| {
            fetch_dependencies(manifest, PullPolicy::New, &self.insecure, fetching)
        })?)
    }

    fn with_context<T>(
        &self,
        ctx: &mut Context<'_>,
        act: impl FnOnce(&mut FetchContext<'_>) -> T,
    ) -> T {
        let mut observer = Observer {
            progress: Progress::new(ctx.err_is_terminal),
            current: None,
            debug: self.debug,
            ctx,
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
            ownership: gantry_pod::ownership(),
            threads: available_threads(),
            clock: &SystemTime::now,
            observer: &mut observer,
        };
        act(&mut fetching)
    }
}

/// Shows how a fetch goes on.
struct Observer<'a, 'b> {
    progress: Progress,
    /// What the progress shown is of.
    current: Option<String>,
    debug: bool,
    ctx: &'a mut Context<'b>,
}

impl Observer<'_, '_> {
    fn advance(&mut self, label: &str, have: u64, total: Option<u64>) {
        if self.current.as_deref() != Some(label) {
            self.current = Some(label.to_owned());
            self.progress.begin(label, have, total);
        }
        self.progress.set(have);
        if total == Some(have) {
            self.progress.end();
            self.current = None;
        }
    }
}

impl FetchObserver for Observer<'_, '_> {
    fn notice(&mut self, notice: &Notice) {
        if notice.is_warning() || self.debug || matches!(notice, Notice::SignatureVerified(_)) {
            // Not being able to tell is no reason to stop.
            let _ = self
                .progress
                .suspend(|| writeln!(self.ctx.err, "image: {notice}"));
        }
    }

    fn progress(&mut self, what: Downloading, have: u64, total: Option<u64>) {
        self.advance(&format!("Downloading {what}"), have, total);
    }

    fn working(&mut self, step: Step, have: u64, total: u64) {
        if self.ctx.err_is_terminal {
            self.advance(&step.to_string(), have, Some(total));
        }
    }

    fn keys_missing(&mut self, _name: &gantry_types::AcIdentifier) {
        // A build trusts whom rkt trusts, and asks nobody.
        self.progress.end();
    }
}
