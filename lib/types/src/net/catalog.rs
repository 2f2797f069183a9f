//! All networks that are defined, and which of them a pod joins.

use std::io;
use std::path::{Path, PathBuf};

use super::SHARED_DIRECTORY;
use super::definition::NetworkDefinition;
use super::definition_error::DefinitionError;
use super::request::{NetList, NetRequest};
use super::version::CniVersion;
use crate::diagnostic::{Diagnostic, Kind};

/// Where a definition comes from, the most important first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// `net.d` of the local configuration, usually `/etc/rkt/net.d`.
    Local,
    /// `/etc/cni/net.d`, which all container tools of a host share.
    Shared,
    /// Known without a file.
    BuiltIn,
}

impl Origin {
    /// A word for it: `local`, `shared` or `built-in`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Shared => "shared",
            Self::BuiltIn => "built-in",
        }
    }
}

/// A file that may define a network, as it was read.
#[derive(Clone, Debug)]
pub struct Source {
    /// Whose it is.
    pub origin: Origin,
    /// Where it is.
    pub path: PathBuf,
    /// What is in it, or why it cannot be read.
    pub bytes: Result<Vec<u8>, String>,
}

/// More than any definition has, in bytes.
pub const MAX_DEFINITION_BYTES: u64 = 2 * 1024 * 1024;

/// The files of a directory that may define networks, as they were read, or why there are none.
pub type Listing = io::Result<Vec<(PathBuf, io::Result<Vec<u8>>)>>;

/// A network that is defined, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// Whose definition it is.
    pub origin: Origin,
    /// The file; for built-in ones the name that it would have.
    pub path: PathBuf,
    /// The definition.
    pub network: NetworkDefinition,
}

impl Definition {
    /// Whether its plugins are told which attachments are left, so that they remove others (GC).
    ///
    /// Other tools' containers may be in networks of the shared directory, so that nobody knows all of those.
    pub fn is_collected(&self) -> bool {
        self.network.version >= CniVersion::V1_1_0
            && !self.network.disable_gc
            && self.origin != Origin::Shared
    }
}

/// What is defined on a host.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// One per name, in the order in which a pod joins them.
    pub definitions: Vec<Definition>,
    /// Files that cannot be used.
    pub errors: Vec<(Origin, DefinitionError)>,
    /// Definitions that another of the same name overrides: the file, the name, the file that wins.
    pub overridden: Vec<(PathBuf, String, PathBuf)>,
}

/// The networks asked for cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// Nobody defines them.
    #[error("networks not found: {}", .0.join(", "))]
    NotFound(Vec<String>),
    /// The file that would define it, or may, is broken.
    #[error(transparent)]
    Definition(#[from] DefinitionError),
}

impl Diagnostic for SelectError {
    fn kind(&self) -> Kind {
        match self {
            Self::NotFound(_) => Kind::Usage,
            Self::Definition(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound(_) => Some(
                "networks are defined by files in net.d of the local configuration and in /etc/cni/net.d"
                    .to_owned(),
            ),
            Self::Definition(error) => error.hint(),
        }
    }
}

/// The networks that every host has unless a file says otherwise.
///
/// Addresses and properties are those of rkt 1.30, Documentation/networking/overview.md; the version is
/// newer, so that plugins are told at the end what they made.
const BUILT_IN: [(&str, &str); 2] = [
    (
        "99-default.conf",
        r#"{
    "cniVersion": "0.4.0",
    "name": "default",
    "type": "ptp",
    "ipMasq": true,
    "ipam": {
        "type": "host-local",
        "subnet": "172.16.28.0/24",
        "routes": [{ "dst": "0.0.0.0/0" }]
    }
}
"#,
    ),
    (
        "99-default-restricted.conf",
        r#"{
    "cniVersion": "0.4.0",
    "name": "default-restricted",
    "type": "ptp",
    "ipMasq": false,
    "ipam": {
        "type": "host-local",
        "subnet": "172.31.0.0/16"
    }
}
"#,
    ),
];

impl Catalog {
    /// What the files in `net.d` of the local configuration and in `/etc/cni/net.d` define, and the networks that
    /// need no file.
    ///
    /// `list` reads a directory's files; one that is not there has none. What cannot be read is an error in the
    /// catalogue, which matters only to who wants that network.
    pub fn of_host(local_config: &Path, list: impl Fn(&Path) -> Listing) -> Self {
        let local = local_config.join("net.d");
        let mut sources = Vec::new();
        for (origin, directory) in [
            (Origin::Local, local.as_path()),
            (Origin::Shared, Path::new(SHARED_DIRECTORY)),
        ] {
            let files = match list(directory) {
                Ok(files) => files,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => vec![(directory.to_owned(), Err(error))],
            };
            sources.extend(files.into_iter().map(|(path, bytes)| Source {
                origin,
                path,
                bytes: bytes.map_err(|error| error.to_string()),
            }));
        }
        Self::new(sources)
    }

    /// Sorts out what `sources` and the built-in definitions say together.
    ///
    /// Of several definitions of one name that of the most important origin holds, and within one
    /// directory that of the file whose name comes first.
    pub fn new(sources: Vec<Source>) -> Self {
        let built_in = BUILT_IN.iter().map(|(name, text)| Source {
            origin: Origin::BuiltIn,
            path: PathBuf::from(name),
            bytes: Ok(text.as_bytes().to_vec()),
        });
        let mut sources: Vec<Source> = sources.into_iter().chain(built_in).collect();
        sources.sort_by(|a, b| (a.origin, &a.path).cmp(&(b.origin, &b.path)));
        let mut catalog = Self::default();
        for Source {
            origin,
            path,
            bytes,
        } in sources
        {
            let parsed = match bytes {
                Ok(bytes) => NetworkDefinition::parse(&path, &bytes),
                Err(why) => Err(DefinitionError {
                    file: path.clone(),
                    field: String::new(),
                    network: None,
                    problem: super::Problem::Unreadable(why),
                }),
            };
            match parsed {
                Err(error) => catalog.errors.push((origin, error)),
                Ok(network) => match catalog.find(&network.name) {
                    Some(winner) => {
                        let winner = winner.path.clone();
                        catalog.overridden.push((path, network.name, winner));
                    }
                    None => catalog.definitions.push(Definition {
                        origin,
                        path,
                        network,
                    }),
                },
            }
        }
        let base = |path: &Path| path.file_name().map(ToOwned::to_owned);
        catalog
            .definitions
            .sort_by_key(|definition| base(&definition.path));
        catalog
    }

    /// The definition of this name that holds.
    pub fn find(&self, name: &str) -> Option<&Definition> {
        self.definitions.iter().find(|d| d.network.name == name)
    }

    /// The networks that `list` names, in the order in which a pod joins them, with their arguments.
    ///
    /// # Errors
    ///
    /// [`SelectError`]. A broken file never lets a less important definition take its place: it may
    /// be the one that was to override it.
    pub fn select(&self, list: &NetList) -> Result<Vec<(&Definition, NetRequest)>, SelectError> {
        let requests = match list {
            NetList::Host | NetList::None => return Ok(Vec::new()),
            NetList::All => {
                if let Some((_, error)) = self.errors.first() {
                    return Err(error.clone().into());
                }
                let all = self.definitions.iter();
                let all = all.map(|definition| NetRequest {
                    name: definition.network.name.clone(),
                    args: Vec::new(),
                });
                all.collect()
            }
            NetList::Named(requests) => requests.clone(),
        };
        for request in &requests {
            let found = self.find(&request.name).map(|d| d.origin);
            for (origin, error) in &self.errors {
                let may_be_it = match &error.network {
                    Some(name) => *name == request.name,
                    // Other tools' broken files are not ours to stumble over.
                    None => *origin == Origin::Local || found.is_none(),
                };
                if may_be_it && found.is_none_or(|found| *origin < found) {
                    return Err(error.clone().into());
                }
            }
        }
        let missing: Vec<String> = requests
            .iter()
            .filter(|request| self.find(&request.name).is_none())
            .map(|request| request.name.clone())
            .collect();
        if !missing.is_empty() {
            return Err(SelectError::NotFound(missing));
        }
        let chosen = self.definitions.iter().filter_map(|definition| {
            let wanted = |request: &&NetRequest| request.name == definition.network.name;
            Some((definition, requests.iter().find(wanted)?.clone()))
        });
        Ok(chosen.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(origin: Origin, path: &str, json: &str) -> Source {
        Source {
            origin,
            path: path.into(),
            bytes: Ok(json.as_bytes().to_vec()),
        }
    }

    fn conf(name: &str, kind: &str) -> String {
        format!(r#"{{"name":"{name}","type":"{kind}"}}"#)
    }

    #[test]
    fn only_new_networks_of_this_tool_alone_are_collected() {
        let list = |version: &str, more: &str| {
            format!(r#"{{"cniVersion":"{version}","name":"n"{more},"plugins":[{{"type":"x"}}]}}"#)
        };
        for (origin, json, expected) in [
            (Origin::Local, list("1.1.0", ""), true),
            (Origin::Local, list("1.0.0", ""), false),
            (Origin::Local, list("1.1.0", r#","disableGC":true"#), false),
            (Origin::Shared, list("1.1.0", ""), false),
        ] {
            let catalog = Catalog::new(vec![source(origin, "/n/n.conflist", &json)]);
            let found = catalog.find("n").map(Definition::is_collected);
            assert_eq!(found, Some(expected), "{json}");
        }
    }

    fn chosen(catalog: &Catalog, list: &str) -> Result<Vec<String>, String> {
        let list: NetList = list.parse().unwrap();
        let chosen = catalog.select(&list).map_err(|error| error.to_string())?;
        let text = |(d, r): &(&Definition, NetRequest)| {
            format!("{}={} {}", r, d.network.plugins[0].kind, d.path.display())
        };
        Ok(chosen.iter().map(text).collect())
    }

    #[test]
    fn two_networks_need_no_file() {
        let catalog = Catalog::new(Vec::new());
        assert!(catalog.errors.is_empty());
        let default = &catalog.find("default").unwrap().network;
        assert!(default.masquerades());
        let restricted = &catalog.find("default-restricted").unwrap().network;
        assert!(!restricted.masquerades() && !restricted.plugins[0].members.contains_key("routes"));
        assert_eq!(
            chosen(&catalog, "").unwrap(),
            ["default=ptp 99-default.conf"]
        );
        assert_eq!(chosen(&catalog, "all").unwrap().len(), 2);
        assert_eq!(chosen(&catalog, "none").unwrap().len(), 0);
        assert_eq!(
            chosen(&catalog, "x,default,y").unwrap_err(),
            "networks not found: x, y"
        );
    }

    #[test]
    fn local_files_override_shared_ones_and_those_the_built_in_ones() {
        use Origin::{Local, Shared};
        let catalog = Catalog::new(vec![
            source(Shared, "/etc/cni/net.d/05-x.conf", &conf("x", "bridge")),
            source(
                Shared,
                "/etc/cni/net.d/10-default.conf",
                &conf("default", "macvlan"),
            ),
            source(Local, "/etc/rkt/net.d/20-x.conf", &conf("x", "ptp")),
            source(Local, "/etc/rkt/net.d/10-x.conf", &conf("x", "ipvlan")),
            source(Local, "/etc/rkt/net.d/00-z.conf", &conf("z", "vlan")),
        ]);
        // In the order of the files' names, whichever directory they are in.
        assert_eq!(
            chosen(&catalog, "default:IP=1.2.3.4,x,z").unwrap(),
            [
                "z=vlan /etc/rkt/net.d/00-z.conf",
                "default:IP=1.2.3.4=macvlan /etc/cni/net.d/10-default.conf",
                "x=ipvlan /etc/rkt/net.d/10-x.conf",
            ]
        );
        let overridden: Vec<&str> = catalog
            .overridden
            .iter()
            .filter_map(|o| o.0.to_str())
            .collect();
        assert_eq!(
            overridden,
            [
                "/etc/rkt/net.d/20-x.conf",
                "/etc/cni/net.d/05-x.conf",
                "99-default.conf"
            ]
        );
    }

    #[test]
    fn a_broken_file_stops_only_those_whose_network_it_may_define() {
        use Origin::{Local, Shared};
        let catalog = Catalog::new(vec![
            source(Local, "/l/10-x.conf", r#"{"name":"x"}"#),
            source(Shared, "/s/10-x.conf", &conf("x", "bridge")),
            source(Shared, "/s/20-y.conf", "{"),
            source(Local, "/l/30-y.conf", &conf("y", "bridge")),
        ]);
        let broken = "network configuration /l/10-x.conf: type is missing";
        assert_eq!(chosen(&catalog, "x").unwrap_err(), broken);
        assert_eq!(chosen(&catalog, "all").unwrap_err(), broken);
        assert_eq!(chosen(&catalog, "y").unwrap().len(), 1);
        assert_eq!(chosen(&catalog, "default").unwrap().len(), 1);
        let error = chosen(&catalog, "other").unwrap_err();
        assert!(error.contains("/s/20-y.conf is not valid JSON"), "{error}");
        // One that cannot even be read may have been meant to override the built-in one.
        let unreadable = Source {
            origin: Local,
            path: "/l/a.conf".into(),
            bytes: Err("Permission denied".into()),
        };
        assert_eq!(
            chosen(&Catalog::new(vec![unreadable]), "default").unwrap_err(),
            "network configuration /l/a.conf cannot be read: Permission denied"
        );
    }
}
