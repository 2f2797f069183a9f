//! How registries are reached, before one is needed.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::OnceLock;

use gantry_remote::registry::{ConfPaths, Keychain, LoadError, Login, Registry, load};
use gantry_remote::{ClientConfig, HostCredentials, HttpClient};

use crate::config::Config;
use crate::fetch::InsecureOptions;

/// How many layers are brought at a time unless somebody says otherwise.
///
/// As with podman and Docker: more connections than that bring nothing on most lines, and some registries
/// count them.
pub const DEFAULT_PARALLEL: usize = 3;

/// All registries, opened when the first is needed.
pub struct Registries {
    settings: RegistrySettings,
    opened: OnceLock<Registry>,
}

/// How registries are reached.
pub struct RegistrySettings {
    /// How servers are asked.
    pub client: ClientConfig,
    /// Who we are for whom.
    pub keychain: Keychain,
    /// Where the files lie that say which servers stand for which.
    pub conf: ConfPaths,
    /// Whether any registry may be asked over plain http.
    pub allow_http: bool,
    /// How many layers of an image to bring at a time.
    pub parallel: usize,
}

impl RegistrySettings {
    /// Servers are asked as `client` says; nobody is known to any, and every name means itself.
    #[must_use]
    pub fn new(client: ClientConfig) -> Self {
        Self {
            client,
            keychain: Keychain::default(),
            conf: ConfPaths::default(),
            allow_http: false,
            parallel: DEFAULT_PARALLEL,
        }
    }

    /// The same as rkt's configuration, podman's and Docker's files say: the kind `dockerAuth`, auth.json and its
    /// kin, registries.conf and certs.d, at the places that the environment leads the user `user_id` to.
    ///
    /// `client` is that for web servers, whose credentials no registry gets.
    #[must_use]
    pub fn of_environment(
        client: &ClientConfig,
        configured: &Config,
        insecure: &InsecureOptions,
        variable: impl Fn(&str) -> Option<OsString>,
        user_id: u32,
    ) -> Self {
        let mut keychain = Keychain::of_environment(&variable, user_id);
        for (registry, stated) in &configured.docker_auth {
            let login = Login::Password {
                user: stated.value.user.clone(),
                password: stated.value.password.clone(),
            };
            keychain.configure(registry, login);
        }
        Self {
            client: ClientConfig {
                credentials: HostCredentials::default(),
                certificates: certificates(&variable),
                ..client.clone()
            },
            keychain,
            conf: ConfPaths::of_environment(&variable),
            allow_http: insecure.http(),
            parallel: DEFAULT_PARALLEL,
        }
    }
}

/// Where certificates of single hosts are kept, the user's first. Source: containers-certs.d(5).
fn certificates(variable: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let set = |name: &str| {
        variable(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let own = set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")));
    let own = own.map(|config| config.join("containers/certs.d"));
    let system = ["/etc/containers/certs.d", "/etc/docker/certs.d"].map(PathBuf::from);
    own.into_iter().chain(system).collect()
}

impl Registries {
    /// Nothing is read before an image of a registry is asked for.
    #[must_use]
    pub fn new(settings: RegistrySettings) -> Self {
        Self {
            settings,
            opened: OnceLock::new(),
        }
    }

    /// Sets how many layers of an image to bring at a time.
    pub fn set_parallel(&mut self, layers: usize) {
        self.settings.parallel = layers;
    }

    /// How many layers of an image to bring at a time.
    pub(crate) fn parallel(&self) -> usize {
        self.settings.parallel.max(1)
    }

    /// The registries, by what the files say.
    ///
    /// # Errors
    ///
    /// A file that cannot be used.
    pub fn get(&self) -> Result<&Registry, LoadError> {
        if let Some(opened) = self.opened.get() {
            return Ok(opened);
        }
        let settings = &self.settings;
        let registry = Registry::new(
            HttpClient::new(settings.client.clone()),
            settings.keychain.clone(),
            load(&settings.conf)?,
            settings.allow_http,
        );
        Ok(self.opened.get_or_init(|| registry))
    }
}
