//! Changes of a manifest, one function per change.
//!
//! They work on the manifest alone; [`Build::edit`] loads it, applies a change, records it in the
//! history and saves the result. What exists already is replaced, so a script can be run twice.

use gantry_types::{
    AcIdentifier, AcIdentifierError, AnnotationsError, App, Dependency, Diagnostic,
    EnvironmentError, Event, EventHandler, ImageManifest, Isolator, IsolatorError, Kind,
    LabelsError, ManifestError, MountPoint, Port,
};

use super::context::Build;
use super::error::OpenError;
use super::history;

/// A manifest could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The build could not be opened, read or saved.
    #[error(transparent)]
    Build(#[from] OpenError),
    /// What shall be removed is not there.
    #[error("no {what} {name:?} to remove: element to be removed does not exist in this ACI")]
    Absent {
        /// What it is, such as a label.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A name is not one.
    #[error("{name:?}: {cause}")]
    Name {
        /// The name.
        name: String,
        /// Why. Shown with it, as one without the other says nothing.
        cause: AcIdentifierError,
    },
    /// A setter was given nothing to set.
    #[error("{what} cannot be empty")]
    Empty {
        /// What it is, such as a label.
        what: &'static str,
    },
    /// The label cannot stand beside the others.
    #[error(transparent)]
    Label(#[from] LabelsError),
    /// The annotation has a value it must not have.
    #[error(transparent)]
    Annotation(#[from] AnnotationsError),
    /// The variable has a name it must not have.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The isolator cannot stand beside the others.
    #[error(transparent)]
    Isolator(#[from] IsolatorError),
    /// The manifest as a whole would not be valid.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

impl Diagnostic for EditError {
    fn kind(&self) -> Kind {
        match self {
            Self::Build(error) => error.kind(),
            _ => Kind::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Build(error) => error.hint(),
            _ => None,
        }
    }
}

impl Build {
    /// Changes the manifest and records `history`, both in one step.
    ///
    /// # Errors
    ///
    /// What `change` gives; the manifest then stays as it was.
    pub fn edit(
        &self,
        history: Option<&str>,
        change: impl FnOnce(&mut ImageManifest) -> Result<(), EditError>,
    ) -> Result<(), EditError> {
        let manifest = changed(self.manifest()?, history, change)?;
        Ok(self.save(&manifest)?)
    }
}

/// The manifest with a change, and with its line in the history.
pub(super) fn changed(
    mut manifest: ImageManifest,
    history: Option<&str>,
    change: impl FnOnce(&mut ImageManifest) -> Result<(), EditError>,
) -> Result<ImageManifest, EditError> {
    change(&mut manifest)?;
    if let Some(line) = history {
        record(&mut manifest, line)?;
    }
    // Types keep their own rules; what holds between them is checked by reading it back.
    ImageManifest::from_json(&manifest.to_json())?;
    Ok(manifest)
}

pub(super) fn record(manifest: &mut ImageManifest, line: &str) -> Result<(), EditError> {
    let names = manifest
        .annotations
        .iter()
        .map(|annotation| annotation.name.as_str());
    let name = format!("{}{}", history::PREFIX, history::next_number(names));
    let name = name
        .parse()
        .expect("the prefix is an identifier, and a number may end one");
    Ok(manifest.annotations.set(name, line)?)
}

/// The name of an annotation or a label.
///
/// # Errors
///
/// [`EditError::Name`] for what is none.
pub fn identifier(name: &str) -> Result<AcIdentifier, EditError> {
    name.parse().map_err(|cause| EditError::Name {
        name: name.to_owned(),
        cause,
    })
}

/// Sets an annotation, in its old place if there is one.
///
/// # Errors
///
/// [`EditError::Annotation`] if the name is one whose values have a form, and this one has not.
pub fn set_annotation(
    manifest: &mut ImageManifest,
    name: AcIdentifier,
    value: &str,
) -> Result<(), EditError> {
    Ok(manifest.annotations.set(name, value)?)
}

/// Removes an annotation.
///
/// # Errors
///
/// [`EditError::Absent`] if there is none of this name; so do all functions that remove something.
pub fn remove_annotation(manifest: &mut ImageManifest, name: &str) -> Result<(), EditError> {
    found(
        "annotation",
        name,
        manifest.annotations.remove(name).is_some(),
    )
}

/// Sets a label and moves it to the end.
///
/// # Errors
///
/// [`EditError::Label`] if the label is called `name` or `os` and `arch` do not go together.
pub fn set_label(
    manifest: &mut ImageManifest,
    name: AcIdentifier,
    value: &str,
) -> Result<(), EditError> {
    manifest.labels.remove(name.as_str());
    Ok(manifest.labels.set(name, value)?)
}

/// Removes a label.
///
/// # Errors
///
/// As [`remove_annotation`].
pub fn remove_label(manifest: &mut ImageManifest, name: &str) -> Result<(), EditError> {
    found("label", name, manifest.labels.remove(name).is_some())
}

/// Sets an environment variable of the app, in its old place if there is one.
///
/// # Errors
///
/// [`EditError::Environment`] if no variable can have this name.
pub fn set_variable(
    manifest: &mut ImageManifest,
    name: &str,
    value: &str,
) -> Result<(), EditError> {
    Ok(app(manifest).environment.set(name, value)?)
}

/// Removes an environment variable of the app.
///
/// # Errors
///
/// As [`remove_annotation`].
pub fn remove_variable(manifest: &mut ImageManifest, name: &str) -> Result<(), EditError> {
    let removed = manifest
        .app
        .as_mut()
        .and_then(|app| app.environment.remove(name));
    found("environment variable", name, removed.is_some())
}

/// Adds a mount point in place of any with its name or its path.
pub fn set_mount_point(manifest: &mut ImageManifest, mount: MountPoint) {
    let mounts = &mut app(manifest).mount_points;
    mounts.retain(|other| {
        other.name != mount.name && other.path != mount.path && other.name.as_str() != mount.path
    });
    mounts.push(mount);
}

/// Removes the mount points whose name or path this is.
///
/// # Errors
///
/// As [`remove_annotation`].
pub fn remove_mount_point(
    manifest: &mut ImageManifest,
    name_or_path: &str,
) -> Result<(), EditError> {
    let removed = manifest.app.as_mut().is_some_and(|app| {
        drop_if(&mut app.mount_points, |mount| {
            mount.name.as_str() == name_or_path || mount.path == name_or_path
        })
    });
    found("mount point", name_or_path, removed)
}

/// Adds a port in place of any with its name or whose number is its name.
pub fn set_port(manifest: &mut ImageManifest, port: Port) {
    let ports = &mut app(manifest).ports;
    ports.retain(|other| other.name != port.name && other.port.to_string() != port.name.as_str());
    ports.push(port);
}

/// Removes the ports whose name or number this is.
///
/// # Errors
///
/// As [`remove_annotation`].
pub fn remove_port(manifest: &mut ImageManifest, name_or_port: &str) -> Result<(), EditError> {
    let removed = manifest.app.as_mut().is_some_and(|app| {
        drop_if(&mut app.ports, |port| {
            port.name.as_str() == name_or_port || port.port.to_string() == name_or_port
        })
    });
    found("port", name_or_port, removed)
}

/// Adds a dependency at the end, in place of any on the same image name.
///
/// The order matters: files of later dependencies hide those of earlier ones.
pub fn set_dependency(manifest: &mut ImageManifest, dependency: Dependency) {
    manifest
        .dependencies
        .retain(|other| other.image_name != dependency.image_name);
    manifest.dependencies.push(dependency);
}

/// Removes the dependency on an image name.
///
/// # Errors
///
/// As [`remove_annotation`].
pub fn remove_dependency(manifest: &mut ImageManifest, name: &str) -> Result<(), EditError> {
    let removed = drop_if(&mut manifest.dependencies, |dependency| {
        dependency.image_name.as_str() == name
    });
    found("dependency", name, removed)
}

/// Sets an isolator of the app in place of any of its name.
///
/// # Errors
///
/// [`EditError::Isolator`] if it is unknown or cannot stand beside the others.
pub fn set_isolator(manifest: &mut ImageManifest, isolator: Isolator) -> Result<(), EditError> {
    let isolators = &mut app(manifest).isolators;
    isolators.remove(isolator.name().as_str());
    Ok(isolators.push(isolator)?)
}

/// Removes an isolator of the app.
///
/// # Errors
///
/// As [`remove_annotation`].
pub fn remove_isolator(manifest: &mut ImageManifest, name: &str) -> Result<(), EditError> {
    let removed = manifest
        .app
        .as_mut()
        .map_or(0, |app| app.isolators.remove(name));
    found("isolator", name, removed > 0)
}

/// Sets the command that is the app.
///
/// # Errors
///
/// [`EditError::Empty`] without a command.
pub fn set_exec(manifest: &mut ImageManifest, exec: Vec<String>) -> Result<(), EditError> {
    if exec.is_empty() {
        return Err(EditError::Empty { what: "command" });
    }
    app(manifest).exec = exec.into();
    Ok(())
}

/// Sets the user the app runs as: a name, a number or a path in the image.
///
/// # Errors
///
/// [`EditError::Empty`] for an empty user.
pub fn set_user(manifest: &mut ImageManifest, user: &str) -> Result<(), EditError> {
    app(manifest).user = non_empty("user", user)?;
    Ok(())
}

/// Sets the group the app runs as: a name, a number or a path in the image.
///
/// # Errors
///
/// [`EditError::Empty`] for an empty group.
pub fn set_group(manifest: &mut ImageManifest, group: &str) -> Result<(), EditError> {
    app(manifest).group = non_empty("group", group)?;
    Ok(())
}

/// Sets the command that is run at an event.
pub fn set_event_handler(manifest: &mut ImageManifest, event: Event, exec: Vec<String>) {
    let handlers = &mut app(manifest).event_handlers;
    handlers.retain(|handler| handler.event != event);
    handlers.push(EventHandler {
        event,
        exec: exec.into(),
    });
}

/// The app of the manifest; one that runs as root is made if there is none.
pub fn app(manifest: &mut ImageManifest) -> &mut App {
    manifest.app.get_or_insert_with(|| App {
        user: "0".to_owned(),
        group: "0".to_owned(),
        ..App::default()
    })
}

/// The name of an image nobody has named yet.
pub(super) fn unnamed() -> AcIdentifier {
    "acbuild-unnamed".parse().expect("a valid name")
}

fn non_empty(what: &'static str, value: &str) -> Result<String, EditError> {
    if value.is_empty() {
        Err(EditError::Empty { what })
    } else {
        Ok(value.to_owned())
    }
}

pub(super) fn found(what: &'static str, name: &str, found: bool) -> Result<(), EditError> {
    if found {
        Ok(())
    } else {
        Err(EditError::Absent {
            what,
            name: name.to_owned(),
        })
    }
}

/// Removes what `matches`, and tells whether there was any.
fn drop_if<T>(list: &mut Vec<T>, mut matches: impl FnMut(&T) -> bool) -> bool {
    let before = list.len();
    list.retain(|item| !matches(item));
    list.len() < before
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(name: &str, path: &str) -> MountPoint {
        MountPoint {
            name: name.parse().unwrap(),
            path: path.to_owned(),
            read_only: false,
        }
    }

    #[test]
    fn a_label_set_again_moves_to_the_end() {
        let mut manifest = ImageManifest::new(unnamed());
        for (name, value) in [("a", "1"), ("b", "1"), ("a", "2")] {
            set_label(&mut manifest, name.parse().unwrap(), value).unwrap();
        }
        let labels = manifest.labels.iter();
        let labels: Vec<_> = labels
            .map(|label| (label.name.as_str(), &*label.value))
            .collect();
        assert_eq!(labels, [("b", "1"), ("a", "2")]);
    }

    #[test]
    fn mount_points_give_way_to_one_of_their_name_or_path() {
        let mut manifest = ImageManifest::new(unnamed());
        for (name, path) in [("a", "/a"), ("b", "/b"), ("a", "/c"), ("d", "/b")] {
            set_mount_point(&mut manifest, mount(name, path));
        }
        let mounts = &app(&mut manifest).mount_points;
        assert_eq!(mounts, &[mount("a", "/c"), mount("d", "/b")]);
        remove_mount_point(&mut manifest, "/b").unwrap();
        remove_mount_point(&mut manifest, "a").unwrap();
        let absent = remove_mount_point(&mut manifest, "a");
        assert!(matches!(absent, Err(EditError::Absent { .. })));
    }

    #[test]
    fn what_needs_an_app_makes_one_and_removing_does_not() {
        let mut manifest = ImageManifest::new(unnamed());
        assert!(remove_variable(&mut manifest, "A").is_err());
        assert!(remove_port(&mut manifest, "80").is_err());
        assert!(manifest.app.is_none());
        set_variable(&mut manifest, "A", "1").unwrap();
        let app = manifest.app.unwrap();
        assert_eq!((&*app.user, &*app.group), ("0", "0"));
    }

    #[test]
    fn history_goes_on_from_what_the_image_has() {
        let mut manifest = ImageManifest::new(unnamed());
        let older = "coreos.com/acbuild/command-7".parse().unwrap();
        set_annotation(&mut manifest, older, "x").unwrap();
        record(&mut manifest, "acbuild end").unwrap();
        let recorded = manifest.annotations.get("coreos.com/acbuild/command-8");
        assert_eq!(recorded, Some("acbuild end"));
    }
}
