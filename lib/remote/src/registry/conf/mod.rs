//! Which servers stand for which registry: `registries.conf`, version 2, and the files of its `.d`.
//!
//! Source: containers-registries.conf(5) and containers-registries.conf.d(5).

mod paths;
mod read;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;

use gantry_types::oci::{Reference, ReferenceError, Version};
use gantry_types::{Diagnostic, Kind};

pub use paths::ConfPaths;
pub use read::{ConfError, MAX_CONF_BYTES, parse};

/// What the files say together; without any file nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegistriesConf {
    /// Registries at which names without one are looked for, in this order.
    pub(crate) search: Option<Vec<String>>,
    /// Who is asked for logins, in this order: credential helpers, and `containers-auth.json` for the files.
    pub(crate) credential_helpers: Option<Vec<String>>,
    /// What to do when such a name can mean several images.
    pub(crate) short_name_mode: Option<ShortNameMode>,
    /// Short names, and the names that they stand for.
    pub(crate) aliases: BTreeMap<String, String>,
    /// Rules, by the prefix of the names that they are about.
    pub(crate) rules: BTreeMap<String, Rule>,
}

/// What to do when a name without a registry can mean images of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShortNameMode {
    /// Refuse it.
    Enforcing,
    /// Look for it at each registry in turn.
    Permissive,
}

/// What is said of the names under one prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    /// What takes the place of the prefix; nothing leaves it as it is.
    pub location: Option<String>,
    pub insecure: bool,
    pub blocked: bool,
    pub mirrors: Vec<Mirror>,
}

/// A server to be asked before the one that the name says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mirror {
    pub location: String,
    pub insecure: bool,
    pub serves: Serves,
}

/// What a mirror is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Serves {
    All,
    Digests,
    Tags,
}

/// A place where an image may be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The image as it is called there.
    pub reference: Reference,
    /// Whether neither the certificate of the server nor even https is insisted on.
    pub insecure: bool,
}

/// A name leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfRouteError {
    /// A rule forbids the names under its prefix.
    #[error("{reference} must not be used: registries.conf blocks {prefix}")]
    Blocked {
        /// The image.
        reference: Box<Reference>,
        /// The prefix of the rule.
        prefix: String,
    },
    /// A name without a registry can mean images of several.
    #[error("{name:?} can be an image of {}", registries.join(" or of "))]
    Ambiguous {
        /// The name.
        name: String,
        /// The registries.
        registries: Vec<String>,
    },
    /// A rule makes of a name what is none.
    #[error("registries.conf makes {name:?} of {reference}, which is no name")]
    Name {
        /// The image.
        reference: Box<Reference>,
        /// What the rule makes of its name.
        name: String,
        /// Why it is no name.
        source: ReferenceError,
    },
}

impl Diagnostic for ConfRouteError {
    fn kind(&self) -> Kind {
        match self {
            Self::Blocked { .. } => Kind::Refused,
            Self::Ambiguous { .. } | Self::Name { .. } => Kind::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Ambiguous { name, registries } => registries.first().map(|registry| {
                format!("write the registry too, such as docker://{registry}/{name}, or add an alias to registries.conf")
            }),
            _ => None,
        }
    }
}

impl RegistriesConf {
    /// Adds what a later file says: it replaces what is said of the same prefix, alias or setting.
    pub fn override_with(&mut self, later: Self) {
        self.search = later.search.or(self.search.take());
        self.credential_helpers = later.credential_helpers.or(self.credential_helpers.take());
        self.short_name_mode = later.short_name_mode.or(self.short_name_mode);
        self.aliases.extend(later.aliases);
        self.rules.extend(later.rules);
    }

    /// The images that `reference` can mean, in the order in which they are to be tried.
    ///
    /// A name with a registry means itself. One without stands for its alias, or else is looked for at the
    /// registries of `unqualified-search-registries`, or else is Docker's, as it always was for rkt.
    ///
    /// # Errors
    ///
    /// [`ConfRouteError::Ambiguous`], unless the files allow to try several, and
    /// [`ConfRouteError::Name`].
    pub fn candidates(&self, reference: &Reference) -> Result<Vec<Reference>, ConfRouteError> {
        let Some(short) = reference.short_name() else {
            return Ok(vec![reference.clone()]);
        };
        let at = |name: String| {
            reference.at(&name).map_err(|source| ConfRouteError::Name {
                reference: Box::new(reference.clone()),
                name,
                source,
            })
        };
        // An empty alias takes away one of an earlier file.
        if let Some(full) = self.aliases.get(short).filter(|full| !full.is_empty()) {
            return Ok(vec![at(full.clone())?]);
        }
        let registries = self.search.as_deref().unwrap_or_default();
        let enforcing = self.short_name_mode.unwrap_or(ShortNameMode::Enforcing);
        match registries {
            [] => Ok(vec![reference.clone()]),
            [_, _, ..] if enforcing == ShortNameMode::Enforcing => Err(ConfRouteError::Ambiguous {
                name: short.to_owned(),
                registries: registries.to_vec(),
            }),
            registries => {
                let full = registries.iter();
                full.map(|registry| at(format!("{registry}/{short}")))
                    .collect()
            }
        }
    }

    /// The places to ask for `reference`, mirrors first.
    ///
    /// # Errors
    ///
    /// [`ConfRouteError::Blocked`] and [`ConfRouteError::Name`].
    pub fn endpoints(&self, reference: &Reference) -> Result<Vec<Endpoint>, ConfRouteError> {
        let name = reference.name();
        let plain = Endpoint {
            reference: reference.clone(),
            insecure: false,
        };
        let matches =
            |prefix: &str| matched(&name, prefix).map(|length| (length, prefix.to_owned()));
        let longest = self.rules.keys().filter_map(|prefix| matches(prefix)).max();
        let Some((length, prefix)) = longest else {
            return Ok(vec![plain]);
        };
        let Some(rule) = self.rules.get(&prefix) else {
            return Ok(vec![plain]);
        };
        if rule.blocked {
            return Err(ConfRouteError::Blocked {
                reference: Box::new(reference.clone()),
                prefix,
            });
        }
        let rest = &name[length..];
        let at = |location: &str, insecure: bool| {
            let name = format!("{location}{rest}");
            let (registry, repository) = name.split_once('/').unwrap_or((&name, ""));
            Reference::new(registry, repository, reference.version().clone())
                .map(|reference| Endpoint {
                    reference,
                    insecure,
                })
                .map_err(|source| ConfRouteError::Name {
                    reference: Box::new(reference.clone()),
                    name: name.clone(),
                    source,
                })
        };
        let by_digest = matches!(reference.version(), Version::Digest(_));
        let wanted = |mirror: &&Mirror| match mirror.serves {
            Serves::All => true,
            Serves::Digests => by_digest,
            Serves::Tags => !by_digest,
        };
        let mut endpoints = Vec::new();
        for mirror in rule.mirrors.iter().filter(wanted) {
            endpoints.push(at(&mirror.location, mirror.insecure)?);
        }
        endpoints.push(match &rule.location {
            Some(location) => at(location, rule.insecure)?,
            None => Endpoint {
                insecure: rule.insecure,
                ..plain
            },
        });
        Ok(endpoints)
    }
}

/// How much of `name` a rule for `prefix` is about, if it is: whole parts, or for `*.example.com` the host.
fn matched(name: &str, prefix: &str) -> Option<usize> {
    if let Some(domain) = prefix.strip_prefix('*') {
        let (host, _) = name.split_once('/')?;
        let inside = host.len() > domain.len() && host.ends_with(domain);
        return inside.then_some(host.len());
    }
    let rest = name.strip_prefix(prefix)?;
    (rest.is_empty() || rest.starts_with('/')).then_some(prefix.len())
}

/// Reads all files at `paths`, each of which overrides those before it.
///
/// # Errors
///
/// The first file that cannot be read or says something wrong.
pub fn load(paths: &ConfPaths) -> Result<RegistriesConf, LoadError> {
    let mut conf = RegistriesConf::default();
    for path in paths.files()? {
        let Some(text) = paths::content(&path).map_err(|source| LoadError::Read {
            path: path.clone(),
            source,
        })?
        else {
            continue;
        };
        let said = parse(&text).map_err(|source| LoadError::Parse {
            path: path.clone(),
            source,
        })?;
        conf.override_with(said);
    }
    Ok(conf)
}

/// The files that say which servers to ask could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file or directory cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file says something wrong.
    #[error("{} is not a registries.conf of version 2", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: ConfError,
    },
}

impl Diagnostic for LoadError {
    fn kind(&self) -> Kind {
        Kind::Environment
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Read { .. } => None,
            Self::Parse { .. } => Some("mend it as containers-registries.conf(5) says".to_owned()),
        }
    }
}
