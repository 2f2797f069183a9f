//! References to images in registries: `[HOST[:PORT]/]NAME[:TAG][@DIGEST]`.
//!
//! The grammar is that of the distribution project (distribution/reference, grammar in its reference.go)
//! and of the OCI distribution specification 1.1, "Pulling manifests"; how a name without a registry is
//! completed is what Docker and docker2aci do.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::{Digest, DigestError};
use crate::diagnostic::usage_errors;

/// The registry of names that state none.
pub const DEFAULT_REGISTRY: &str = "docker.io";
/// Where the default registry answers.
const DEFAULT_REGISTRY_HOST: &str = "registry-1.docker.io";
/// Another name of the default registry, from its first years.
const LEGACY_REGISTRY: &str = "index.docker.io";
/// What stands before names of one part at the default registry.
const OFFICIAL: &str = "library/";
/// The tag that is meant where neither tag nor digest is given.
const DEFAULT_TAG: &str = "latest";

/// Most characters of registry and repository together.
///
/// Source: distribution/reference, `NameTotalLengthMax`.
pub const MAX_NAME_LENGTH: usize = 255;
/// Most characters of a tag. Source: OCI distribution-spec 1.1, "Pulling manifests".
pub const MAX_TAG_LENGTH: usize = 128;

/// An image in a registry, with everything that was left out filled in.
///
/// A digest beats a tag: of `name:tag@digest` the tag is checked and forgotten, as docker2aci does.
///
/// ```
/// let reference: gantry_types::oci::Reference = "busybox".parse().unwrap();
/// assert_eq!(reference.to_string(), "docker.io/library/busybox:latest");
/// assert_eq!(reference.registry_host(), "registry-1.docker.io");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    registry: String,
    repository: String,
    version: Version,
    /// Whether the registry was left out.
    short: bool,
}

/// Which image of a repository.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// The one that has this tag at the moment.
    Tag(String),
    /// The one whose manifest has this digest.
    Digest(Digest),
}

/// A text does not name an image of a registry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// There is no name.
    #[error("the name of the image is empty")]
    Empty,
    /// What stands before the first slash is no host.
    #[error("{registry:?} is not a registry (HOST or HOST:PORT)")]
    Registry {
        /// The text.
        registry: String,
    },
    /// The name itself has capitals.
    #[error("the name {name:?} must be lower-case")]
    Capitals {
        /// The name.
        name: String,
    },
    /// A part of the name breaks a rule.
    #[error(
        "{name:?} is not a name: its parts are lower-case letters and digits, joined by \".\", \"_\", \"__\" or dashes"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// Registry and name are too long together.
    #[error("the name is longer than {MAX_NAME_LENGTH} characters")]
    TooLong,
    /// A name that reads like the ID of an image.
    #[error("{name:?} is an image ID, not a name")]
    Identifier {
        /// The name.
        name: String,
    },
    /// The tag breaks a rule.
    #[error(
        "{tag:?} is not a tag: at most {MAX_TAG_LENGTH} letters, digits, \"_\", \".\" and \"-\", beginning with none of the last two"
    )]
    Tag {
        /// The tag.
        tag: String,
    },
    /// What follows the `@` is no digest.
    #[error(transparent)]
    Digest(#[from] DigestError),
}
usage_errors!(ReferenceError);

impl Reference {
    /// The registry as people write it, such as `docker.io` or `localhost:5000`.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The host that answers for the registry, with its port if it has one.
    pub fn registry_host(&self) -> &str {
        registry_host(&self.registry)
    }

    /// The name within the registry, such as `library/busybox`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Which image of the repository.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// The tag, if the image is not named by digest.
    pub fn tag(&self) -> Option<&str> {
        match &self.version {
            Version::Tag(tag) => Some(tag),
            Version::Digest(_) => None,
        }
    }

    /// The digest, if the image is named by it.
    pub fn digest(&self) -> Option<&Digest> {
        match &self.version {
            Version::Tag(_) => None,
            Version::Digest(digest) => Some(digest),
        }
    }

    /// Registry and repository, such as `docker.io/library/busybox`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// The name as written if no registry was, such as `busybox`.
    pub fn short_name(&self) -> Option<&str> {
        let written = self.repository.strip_prefix(OFFICIAL);
        self.short
            .then(|| written.filter(|name| !name.contains('/')))
            .map(|written| written.unwrap_or(&self.repository))
    }

    /// An image whose registry is known, and whose name is complete.
    ///
    /// # Errors
    ///
    /// A registry or repository that is none.
    pub fn new(registry: &str, repository: &str, version: Version) -> Result<Self, ReferenceError> {
        check_registry(registry)?;
        check_repository(repository)?;
        if registry.len() + 1 + repository.len() > MAX_NAME_LENGTH {
            return Err(ReferenceError::TooLong);
        }
        Ok(Self {
            // Hosts know no capitals, and credentials and mirrors are looked up by them.
            registry: registry.to_ascii_lowercase(),
            repository: repository.to_owned(),
            version,
            short: false,
        })
    }

    /// The same version at another place, `name` being a registry and a repository.
    ///
    /// # Errors
    ///
    /// A `name` that is none, or has a tag or digest of its own.
    pub fn at(&self, name: &str) -> Result<Self, ReferenceError> {
        complete(name, self.version.clone())
    }

    /// The same repository by digest.
    #[must_use]
    pub fn with_digest(&self, digest: Digest) -> Self {
        Self {
            version: Version::Digest(digest),
            ..self.clone()
        }
    }
}

/// The host that answers for `registry`.
pub fn registry_host(registry: &str) -> &str {
    match registry {
        DEFAULT_REGISTRY => DEFAULT_REGISTRY_HOST,
        other => other,
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => f.write_str(tag),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.version {
            Version::Tag(_) => ':',
            Version::Digest(_) => '@',
        };
        write!(
            f,
            "{}/{}{sign}{}",
            self.registry, self.repository, self.version
        )
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.parse::<Digest>()?)),
            None => (text, None),
        };
        // A colon before the last slash is that of a port.
        let (name, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(checked_tag(tag)?)),
            _ => (rest, None),
        };
        let version = match (digest, tag) {
            (Some(digest), _) => Version::Digest(digest),
            (None, tag) => Version::Tag(tag.unwrap_or(DEFAULT_TAG).to_owned()),
        };
        complete(name, version)
    }
}

/// The image that a name and a version mean.
fn complete(name: &str, version: Version) -> Result<Reference, ReferenceError> {
    let (registry, rest) = match name.split_once('/') {
        Some((first, rest)) if is_registry(first) => (Some(first), rest),
        _ => (None, name),
    };
    if registry.is_none() && rest.len() == 64 && rest.bytes().all(|b| b.is_ascii_hexdigit()) {
        let name = rest.to_owned();
        return Err(ReferenceError::Identifier { name });
    }
    let full = match registry {
        None | Some(LEGACY_REGISTRY) => DEFAULT_REGISTRY,
        Some(registry) => registry,
    };
    let official = full == DEFAULT_REGISTRY && !rest.is_empty() && !rest.contains('/');
    let repository = match official {
        true => Cow::Owned(format!("{OFFICIAL}{rest}")),
        false => Cow::Borrowed(rest),
    };
    let reference = Reference::new(full, &repository, version)?;
    let short = registry.is_none();
    Ok(Reference { short, ..reference })
}

fn check_registry(registry: &str) -> Result<(), ReferenceError> {
    match host_reads(registry) {
        true => Ok(()),
        false => Err(ReferenceError::Registry {
            registry: registry.to_owned(),
        }),
    }
}

/// Whether the first part of a name is a registry, which is told by a dot, a port, or being `localhost`.
///
/// The original takes a part with capitals for one as well, which only ever hides a mistake: hosts have none.
fn is_registry(first: &str) -> bool {
    first.contains(['.', ':']) || first == "localhost"
}

/// Whether `text` is a host name, an IPv4 address or an IPv6 address in brackets, maybe with a port.
fn host_reads(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let port_reads = port.is_none_or(|port| {
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        digits && port.parse::<u16>().is_ok_and(|port| port != 0)
    });
    let address = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let host_reads = match address {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.split('.').all(|part| {
            let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            !part.is_empty()
                && part.bytes().all(inner)
                && !part.starts_with('-')
                && !part.ends_with('-')
        }),
    };
    port_reads && host_reads
}

fn check_repository(name: &str) -> Result<(), ReferenceError> {
    if name.is_empty() {
        return Err(ReferenceError::Empty);
    }
    if name.split('/').all(part_reads) {
        return Ok(());
    }
    let name = name.to_owned();
    let lower = name.to_ascii_lowercase();
    match lower != name && lower.split('/').all(part_reads) {
        true => Err(ReferenceError::Capitals { name }),
        false => Err(ReferenceError::Name { name }),
    }
}

/// Whether `part` is runs of letters and digits, each joined to the next by `.`, `_`, `__` or dashes.
fn part_reads(part: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let allowed = part.chars().all(|c| plain(c) || "._-".contains(c));
    let mut separators = part.split(plain).filter(|separator| !separator.is_empty());
    let joined = separators.all(|separator| {
        matches!(separator, "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-')
    });
    allowed && joined && part.starts_with(plain) && part.ends_with(plain)
}

fn checked_tag(tag: &str) -> Result<&str, ReferenceError> {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let mut bytes = tag.bytes();
    let reads = bytes.next().is_some_and(word)
        && bytes.all(|byte| word(byte) || b".-".contains(&byte))
        && tag.len() <= MAX_TAG_LENGTH;
    match reads {
        true => Ok(tag),
        false => Err(ReferenceError::Tag {
            tag: tag.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests;
