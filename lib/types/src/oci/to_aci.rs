//! The manifest that an OCI or Docker image has as an App Container image.
//!
//! Names and values are those that appc's docker2aci 0.17 gives images of schema 2 and of OCI; where it left
//! something out that has a place (labels, variants of ARM), or depended on chance (names of volumes), this does
//! better.

use std::collections::BTreeSet;

use super::{Digest, Execution, ImageConfig};
use crate::ac_identifier::{AcIdentifier, AcIdentifierError};
use crate::ac_name::{AcName, AcNameError};
use crate::annotations::{Annotations, AnnotationsError};
use crate::app::App;
use crate::date::Date;
use crate::diagnostic::usage_errors;
use crate::environment::{Environment, EnvironmentError};
use crate::image_manifest::ImageManifest;
use crate::json::Writer;
use crate::labels::{Labels, LabelsError};
use crate::mount_point::MountPoint;
use crate::os_arch;
use crate::port::Port;

/// Where an image came from, which its own documents do not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// Name of the image as an App Container image, such as `registry-1.docker.io/library/redis`.
    pub name: AcIdentifier,
    /// The tag; empty if the image was named otherwise.
    pub tag: String,
    /// What the user wrote.
    pub original: String,
    /// The registry; empty for an image that came from none.
    pub registry: String,
    /// The path of the image at the registry, or whatever it is called where it came from.
    pub repository: String,
    /// Digest of the manifest.
    pub manifest: Digest,
    /// Digest of the topmost layer, if there is any.
    pub top_layer: Option<Digest>,
}

/// An image says something that an App Container image cannot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ToAciError {
    /// A port is no number.
    #[error("error parsing port {0:?}: it is not PORT or PORT/PROTOCOL, with PORT from 1 to 65535")]
    Port(String),
    /// A port or volume leaves nothing for a name.
    #[error("{text:?} makes no name")]
    Name {
        /// The port or the path.
        text: String,
        /// Why.
        source: AcNameError,
    },
    /// A variable's name is not one.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// A label is wrong; only a tag could be.
    #[error(transparent)]
    Labels(#[from] LabelsError),
    /// An annotation is wrong.
    #[error(transparent)]
    Annotations(#[from] AnnotationsError),
    /// The name of a label or an annotation is wrong.
    #[error(transparent)]
    Identifier(#[from] AcIdentifierError),
}
usage_errors!(ToAciError);

/// Makes the manifest of the image as an App Container image that stands for itself, with all its layers.
///
/// # Errors
///
/// [`ToAciError`].
pub fn to_aci(config: &ImageConfig, from: &Provenance) -> Result<ImageManifest, ToAciError> {
    let mut manifest = ImageManifest::new(from.name.clone());
    manifest.labels = labels(config, from)?;
    manifest.app = Some(app(&config.config)?);
    manifest.annotations = annotations(config, from)?;
    Ok(manifest)
}

/// Labels sorted by name. An unknown system or architecture has none: the image then cannot be run by mistake.
fn labels(config: &ImageConfig, from: &Provenance) -> Result<Labels, ToAciError> {
    let mut labels = Labels::default();
    let variant = config.variant.trim_start_matches('v');
    let arch = os_arch::from_go(&config.os, &config.architecture, variant);
    let arch = arch.or_else(|_| os_arch::from_go(&config.os, &config.architecture, ""));
    if let Ok(arch) = arch {
        labels.set("arch".parse()?, arch)?;
        labels.set("os".parse()?, config.os.as_str())?;
    }
    if !from.tag.is_empty() {
        labels.set("version".parse()?, from.tag.as_str())?;
    }
    Ok(labels)
}

fn app(run: &Execution) -> Result<App, ToAciError> {
    let (user, group) = match run.user.split_once(':') {
        Some((user, group)) => (user, group),
        // Where there is no such group, stage1 takes that of the user.
        None => (run.user.as_str(), run.user.as_str()),
    };
    let or_root = |text: &str| match text {
        "" => "0".to_owned(),
        text => text.to_owned(),
    };
    let mut environment = Environment::default();
    for (name, value) in run.env.iter().filter_map(|line| line.split_once('=')) {
        environment.set(name, value)?;
    }
    Ok(App {
        exec: run
            .entrypoint
            .iter()
            .chain(&run.cmd)
            .cloned()
            .collect::<Vec<_>>()
            .into(),
        user: or_root(user),
        group: or_root(group),
        working_directory: match run.working_dir.as_str() {
            absolute if absolute.is_empty() || absolute.starts_with('/') => absolute.to_owned(),
            relative => format!("/{relative}"),
        },
        environment,
        mount_points: mount_points(&run.volumes)?,
        ports: ports(&run.exposed_ports)?,
        user_labels: run.labels.clone(),
        ..App::default()
    })
}

fn mount_points(volumes: &BTreeSet<String>) -> Result<Vec<MountPoint>, ToAciError> {
    let mut names = BTreeSet::new();
    let mut points = Vec::new();
    // In the order of the paths, so that it does not depend on chance which one is numbered.
    for path in volumes {
        let failed = |source| ToAciError::Name {
            text: path.clone(),
            source,
        };
        let base =
            AcName::sanitize(&format!("volume/{}", path.trim_matches('/'))).map_err(failed)?;
        let mut name = base.clone();
        let mut number = 0;
        while !names.insert(name.clone()) {
            number += 1;
            name = AcName::sanitize(&format!("{base}-{number}")).map_err(failed)?;
        }
        points.push(MountPoint {
            name,
            path: path.clone(),
            read_only: false,
        });
    }
    points.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(points)
}

fn ports(exposed: &BTreeSet<String>) -> Result<Vec<Port>, ToAciError> {
    let mut ports = Vec::new();
    for text in exposed {
        let (number, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
        let port = number.parse().ok().filter(|port| digits && *port != 0);
        ports.push(Port {
            name: AcName::sanitize(text).map_err(|source| ToAciError::Name {
                text: text.clone(),
                source,
            })?,
            protocol: protocol.to_owned(),
            port: port.ok_or_else(|| ToAciError::Port(text.clone()))?,
            count: 1,
            socket_activated: false,
        });
    }
    ports.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(ports)
}

fn annotations(config: &ImageConfig, from: &Provenance) -> Result<Annotations, ToAciError> {
    let list = |words: &Vec<String>| match words.is_empty() {
        true => String::new(),
        false => Writer::text_of(words),
    };
    // A date that is none would make the manifest invalid; nothing but reports depends on it.
    let created = config.created.parse::<Date>();
    let created = created.map_or_else(|_| String::new(), |date| date.to_string());
    let top_layer = from.top_layer.as_ref();
    let mut annotations = Annotations::default();
    for (name, value) in [
        ("author", config.author.clone()),
        ("authors", config.author.clone()),
        ("created", created),
        ("docker-comment", config.comment.clone()),
        ("appc.io/docker/originalname", from.original.clone()),
        ("appc.io/docker/registryurl", from.registry.clone()),
        ("appc.io/docker/repository", from.repository.clone()),
        (
            "appc.io/docker/imageid",
            top_layer.map_or_else(String::new, ToString::to_string),
        ),
        ("appc.io/docker/entrypoint", list(&config.config.entrypoint)),
        ("appc.io/docker/cmd", list(&config.config.cmd)),
        ("appc.io/docker/manifesthash", from.manifest.to_string()),
    ] {
        if !value.is_empty() {
            annotations.set(name.parse()?, value)?;
        }
    }
    Ok(annotations)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provenance() -> Provenance {
        Provenance {
            name: "registry-1.docker.io/library/redis".parse().unwrap(),
            tag: "7".to_owned(),
            original: "redis:7".to_owned(),
            registry: "registry-1.docker.io".to_owned(),
            repository: "library/redis".to_owned(),
            manifest: Digest::sha256([1; 32]),
            top_layer: Some(Digest::sha256([2; 32])),
        }
    }

    fn set(items: &[&str]) -> BTreeSet<String> {
        items.iter().map(|item| (*item).to_owned()).collect()
    }

    fn words(items: &[&str]) -> Vec<String> {
        items.iter().map(|item| (*item).to_owned()).collect()
    }

    #[test]
    fn every_field_has_its_place() {
        let config = ImageConfig {
            created: "2024-01-02T03:04:05Z".to_owned(),
            author: "A <a@b.c>".to_owned(),
            architecture: "arm".to_owned(),
            variant: "v7".to_owned(),
            os: "linux".to_owned(),
            config: Execution {
                user: "redis".to_owned(),
                exposed_ports: set(&["6379/tcp", "80", "53/udp"]),
                env: words(&["A=b=c", "NONE", "B=1", "A=last"]),
                entrypoint: words(&["/entry.sh"]),
                cmd: words(&["redis-server", "a<b"]),
                volumes: set(&["/var/tmp", "/var/tmp/", "/data"]),
                working_dir: "/data".to_owned(),
                labels: [("k".to_owned(), "v".to_owned())].into(),
                ..Execution::default()
            },
            comment: "C".to_owned(),
            ..ImageConfig::default()
        };
        let manifest = to_aci(&config, &provenance()).unwrap();
        let digest = |digit: &str| format!("sha256:{}", digit.repeat(32));
        let expected = format!(
            concat!(
                r#"{{"acKind":"ImageManifest","acVersion":"{}","name":"registry-1.docker.io/library/redis","#,
                r#""labels":[{{"name":"arch","value":"armv7l"}},{{"name":"os","value":"linux"}},"#,
                r#"{{"name":"version","value":"7"}}],"app":{{"exec":["/entry.sh","redis-server","a\u003cb"],"#,
                r#""user":"redis","group":"redis","workingDirectory":"/data","environment":["#,
                r#"{{"name":"A","value":"last"}},{{"name":"B","value":"1"}}],"mountPoints":["#,
                r#"{{"name":"volume-data","path":"/data"}},{{"name":"volume-var-tmp","path":"/var/tmp"}},"#,
                r#"{{"name":"volume-var-tmp-1","path":"/var/tmp/"}}],"ports":["#,
                r#"{{"name":"53-udp","protocol":"udp","port":53,"count":1,"socketActivated":false}},"#,
                r#"{{"name":"6379-tcp","protocol":"tcp","port":6379,"count":1,"socketActivated":false}},"#,
                r#"{{"name":"80","protocol":"tcp","port":80,"count":1,"socketActivated":false}}],"#,
                r#""userLabels":{{"k":"v"}}}},"annotations":[{{"name":"author","value":"A \u003ca@b.c\u003e"}},"#,
                r#"{{"name":"authors","value":"A \u003ca@b.c\u003e"}},"#,
                r#"{{"name":"created","value":"2024-01-02T03:04:05Z"}},{{"name":"docker-comment","value":"C"}},"#,
                r#"{{"name":"appc.io/docker/originalname","value":"redis:7"}},"#,
                r#"{{"name":"appc.io/docker/registryurl","value":"registry-1.docker.io"}},"#,
                r#"{{"name":"appc.io/docker/repository","value":"library/redis"}},"#,
                r#"{{"name":"appc.io/docker/imageid","value":"{}"}},"#,
                r#"{{"name":"appc.io/docker/entrypoint","value":"[\"/entry.sh\"]"}},"#,
                r#"{{"name":"appc.io/docker/cmd","value":"[\"redis-server\",\"a\\u003cb\"]"}},"#,
                r#"{{"name":"appc.io/docker/manifesthash","value":"{}"}}]}}"#,
            ),
            manifest.ac_version,
            digest("02"),
            digest("01")
        );
        let written = String::from_utf8(manifest.to_json()).unwrap();
        assert_eq!(written, expected);
        assert_eq!(
            ImageManifest::from_json(written.as_bytes()).unwrap(),
            manifest
        );
    }

    #[test]
    fn what_is_not_said_is_left_out() {
        let config = ImageConfig {
            architecture: "riscv64".to_owned(),
            os: "linux".to_owned(),
            created: "yesterday".to_owned(),
            config: Execution {
                user: ":5".to_owned(),
                working_dir: "w".to_owned(),
                ..Execution::default()
            },
            ..ImageConfig::default()
        };
        let from = Provenance {
            tag: String::new(),
            registry: String::new(),
            top_layer: None,
            ..provenance()
        };
        let manifest = to_aci(&config, &from).unwrap();
        assert!(manifest.labels.is_empty());
        let names: Vec<&str> = manifest
            .annotations
            .iter()
            .map(|a| a.name.as_str())
            .collect();
        let docker = ["originalname", "repository", "manifesthash"];
        assert_eq!(names, docker.map(|name| format!("appc.io/docker/{name}")));
        let app = manifest.app.unwrap();
        assert_eq!((app.user.as_str(), app.group.as_str()), ("0", "5"));
        assert_eq!(app.working_directory, "/w");
        assert!(app.exec.is_empty());
    }

    #[test]
    fn what_has_no_place_is_refused() {
        for port in ["http", "80-90/tcp", "0/tcp", "65536", "+80", "/tcp", ""] {
            let run = Execution {
                exposed_ports: set(&[port]),
                ..Execution::default()
            };
            assert!(app(&run).is_err(), "{port}");
        }
        let run = Execution {
            env: words(&["a b=c"]),
            ..Execution::default()
        };
        let error = app(&run).unwrap_err().to_string();
        assert!(error.contains("a b"), "{error}");
    }
}
