//! Changes of an OCI image, one function per change.

use super::super::replace::{overlay, read_object};
use super::{OciBuildError, OciImage};
use gantry_types::oci::ImageConfig;
use serde_json::Value;
use std::path::Path;

/// Annotations that keep names which OCI has no place for. Source: acbuild, lib/oci.
const MOUNT: &str = "coreos.com/acbuild/mount/";
const PORT: &str = "coreos.com/acbuild/port/";

/// The failure of what only App Container images have.
///
/// # Errors
///
/// Always [`OciBuildError::AppcOnly`].
pub fn appc_only(what: &'static str) -> Result<(), OciBuildError> {
    Err(OciBuildError::AppcOnly { what })
}

fn absent(what: &'static str, name: &str) -> OciBuildError {
    OciBuildError::Absent {
        what,
        name: name.to_owned(),
    }
}

impl OciImage {
    /// Sets an annotation of the manifest.
    pub fn set_annotation(&mut self, name: &str, value: &str) {
        let annotations = &mut self.manifest.annotations;
        annotations.insert(name.to_owned(), value.to_owned());
    }

    /// Removes an annotation of the manifest.
    ///
    /// # Errors
    ///
    /// [`OciBuildError::Absent`] if there is none; so do all functions that remove something.
    pub fn remove_annotation(&mut self, name: &str) -> Result<(), OciBuildError> {
        match self.manifest.annotations.remove(name) {
            Some(_) => Ok(()),
            None => Err(OciBuildError::Value {
                what: format!("no annotation with name {name:?} to remove"),
            }),
        }
    }

    /// Sets a label.
    pub fn set_label(&mut self, name: &str, value: &str) {
        let labels = &mut self.config.config.labels;
        labels.insert(name.to_owned(), value.to_owned());
    }

    /// Removes a label.
    ///
    /// # Errors
    ///
    /// [`OciBuildError::Absent`].
    pub fn remove_label(&mut self, name: &str) -> Result<(), OciBuildError> {
        let removed = self.config.config.labels.remove(name);
        removed.map(drop).ok_or_else(|| absent("label", name))
    }

    /// Sets a variable, and moves it to the end.
    ///
    /// # Errors
    ///
    /// [`OciBuildError::Value`] for a name that no variable can have.
    pub fn set_variable(&mut self, name: &str, value: &str) -> Result<(), OciBuildError> {
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            return Err(OciBuildError::Value {
                what: format!("{name:?} is no name of a variable"),
            });
        }
        let variables = &mut self.config.config.env;
        variables.retain(|known| !is_variable(known, name));
        variables.push(format!("{name}={value}"));
        Ok(())
    }

    /// Removes a variable.
    ///
    /// # Errors
    ///
    /// [`OciBuildError::Absent`].
    pub fn remove_variable(&mut self, name: &str) -> Result<(), OciBuildError> {
        let variables = &mut self.config.config.env;
        let count = variables.len();
        variables.retain(|known| !is_variable(known, name));
        match variables.len() < count {
            true => Ok(()),
            false => Err(absent("environment variable", name)),
        }
    }

    /// Adds a place for a volume under a name.
    ///
    /// # Errors
    ///
    /// [`OciBuildError::Unsupported`] for one that is only read, [`OciBuildError::Exists`] for a name that is taken.
    pub fn add_mount(
        &mut self,
        name: &str,
        path: &str,
        read_only: bool,
    ) -> Result<(), OciBuildError> {
        if read_only {
            return Err(OciBuildError::Unsupported {
                what: "read only mounts",
            });
        }
        self.add_named(MOUNT, "mount", name, format!("path:{path}"))?;
        self.config.config.volumes.insert(path.to_owned());
        Ok(())
    }

    /// Removes a place for a volume by path or name.
    ///
    /// # Errors
    ///
    /// [`OciBuildError::Value`] if there is none.
    pub fn remove_mount(&mut self, name: &str) -> Result<(), OciBuildError> {
        let path = match self.config.config.volumes.contains(name) {
            true => name.to_owned(),
            false => {
                let value = self.manifest.annotations.get(&format!("{MOUNT}{name}"));
                let path = value.and_then(|value| value.strip_prefix("path:"));
                path.map(str::to_owned)
                    .ok_or_else(|| OciBuildError::Value {
                        what: format!("no such mount: {name}"),
                    })?
            }
        };
        self.config.config.volumes.remove(&path);
        let value = format!("path:{path}");
        let annotations = &mut self.manifest.annotations;
        annotations.retain(|key, known| !(key.starts_with(MOUNT) && *known == value));
        Ok(())
    }

    /// Adds a port under a name.
    ///
    /// # Errors
    ///
    /// [`OciBuildError::Unsupported`] for several ports or a socket, [`OciBuildError::Exists`] for a name that is
    /// taken.
    pub fn add_port(
        &mut self,
        name: &str,
        protocol: &str,
        (port, count): (u16, u16),
        socket_activated: bool,
    ) -> Result<(), OciBuildError> {
        if count != 1 {
            return Err(OciBuildError::Unsupported {
                what: "port counts",
            });
        }
        if socket_activated {
            return Err(OciBuildError::Unsupported {
                what: "socket activation",
            });
        }
        let value = format!("number:{port} protocol:{protocol}");
        self.add_named(PORT, "port", name, value)?;
        let ports = &mut self.config.config.exposed_ports;
        ports.insert(format!("{port}/{protocol}"));
        Ok(())
    }

    /// Removes a port by number, number and protocol, or name.
    ///
    /// # Errors
    ///
    /// [`OciBuildError::Value`] if there is none.
    pub fn remove_port(&mut self, name: &str) -> Result<(), OciBuildError> {
        let value = self.manifest.annotations.get(&format!("{PORT}{name}"));
        let named = value.and_then(|value| {
            let (number, protocol) = value.strip_prefix("number:")?.split_once(" protocol:")?;
            Some(format!("{number}/{protocol}"))
        });
        let ports = &mut self.config.config.exposed_ports;
        let gone: Vec<String> = ports
            .iter()
            .filter(|port| {
                let number = port.split('/').next().unwrap_or_default();
                *port == name || number == name || Some(*port) == named.as_ref()
            })
            .cloned()
            .collect();
        if gone.is_empty() {
            return Err(OciBuildError::Value {
                what: format!("no such port {name:?}"),
            });
        }
        for port in gone {
            ports.remove(&port);
            let (number, protocol) = port.split_once('/').unwrap_or((&port, "tcp"));
            let value = format!("number:{number} protocol:{protocol}");
            let annotations = &mut self.manifest.annotations;
            annotations.retain(|key, known| !(key.starts_with(PORT) && *known == value));
        }
        Ok(())
    }

    /// Sets the command that is run: the program, and arguments if there are any.
    pub fn set_exec(&mut self, mut exec: Vec<String>) {
        let arguments = exec.split_off(exec.len().min(1));
        self.config.config.entrypoint = exec;
        if !arguments.is_empty() {
            self.config.config.cmd = arguments;
        }
    }

    /// Sets the user that the image is run as.
    ///
    /// # Errors
    ///
    /// [`OciBuildError::Value`] for no name, or one with a colon.
    pub fn set_user(&mut self, user: &str) -> Result<(), OciBuildError> {
        check_account("user", user)?;
        let group = self.config.config.user.split_once(':');
        self.config.config.user = match group {
            Some((_, group)) => format!("{user}:{group}"),
            None => user.to_owned(),
        };
        Ok(())
    }

    /// Sets the group that the image is run as.
    ///
    /// # Errors
    ///
    /// As [`OciImage::set_user`].
    pub fn set_group(&mut self, group: &str) -> Result<(), OciBuildError> {
        check_account("group", group)?;
        let user = self
            .config
            .config
            .user
            .split(':')
            .next()
            .unwrap_or_default();
        self.config.config.user = format!("{user}:{group}");
        Ok(())
    }

    /// Sets the directory that the image is run in.
    pub fn set_working_directory(&mut self, directory: &str) {
        directory.clone_into(&mut self.config.config.working_dir);
    }

    /// Sets the name of the image in a layout.
    ///
    /// # Errors
    ///
    /// [`OciBuildError::Value`] for what is no such name.
    pub fn set_tag(&mut self, tag: &str) -> Result<(), OciBuildError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-._:@+/".contains(c);
        if tag.is_empty() || !tag.chars().all(fits) {
            return Err(OciBuildError::Value {
                what: format!("{tag:?} is no name of an image in a layout"),
            });
        }
        tag.clone_into(&mut self.tag);
        Ok(())
    }

    /// Lays the configuration in `file` over the one of the image: what it does not say stays.
    ///
    /// # Errors
    ///
    /// [`OciBuildError`].
    pub fn replace_config(&mut self, file: &Path) -> Result<(), OciBuildError> {
        let over = read_object(file).map_err(|error| OciBuildError::Value {
            what: error.to_string(),
        })?;
        let refused = |source| OciBuildError::Document {
            what: file.display().to_string(),
            source: Box::new(source),
        };
        let base = serde_json::from_slice(&self.config.to_json()).unwrap_or_default();
        let Value::Object(mut base) = base else {
            return Ok(());
        };
        overlay(&mut base, over, &["config"]);
        let json = Value::Object(base).to_string();
        let config = ImageConfig::from_json(json.as_bytes()).map_err(refused)?;
        if config.diff_ids != self.config.diff_ids {
            return Err(OciBuildError::Value {
                what: "the layers of an image are changed by \"layer\", not by its configuration"
                    .to_owned(),
            });
        }
        self.config = config;
        Ok(())
    }

    fn add_named(
        &mut self,
        prefix: &str,
        what: &'static str,
        name: &str,
        value: String,
    ) -> Result<(), OciBuildError> {
        let key = format!("{prefix}{name}");
        if self.manifest.annotations.contains_key(&key) {
            return Err(OciBuildError::Exists {
                what,
                name: name.to_owned(),
            });
        }
        self.manifest.annotations.insert(key, value);
        Ok(())
    }
}

fn is_variable(variable: &str, name: &str) -> bool {
    variable
        .strip_prefix(name)
        .is_some_and(|rest| rest.starts_with('='))
}

fn check_account(what: &str, name: &str) -> Result<(), OciBuildError> {
    let wrong = match name {
        "" => "cannot be empty",
        name if name.contains(':') => "cannot contain a ':' character",
        _ => return Ok(()),
    };
    Err(OciBuildError::Value {
        what: format!("{what} {wrong}"),
    })
}
