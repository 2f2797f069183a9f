//! What `actool patch-manifest` changes in a manifest: texts in, manifest out, nothing else touched.

use gantry_types::{
    AcIdentifierError, App, CapabilitySet, Diagnostic, ImageManifest, Isolator, IsolatorError,
    IsolatorValue, Kind, ManifestError, MountPointError, PortError,
};

use super::isolator::{IsolatorTextError, SeccompTextError, isolator, seccomp};

/// Changes of a manifest, each in the text form of the flag of its name; `None` leaves a field alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ManifestEdits {
    /// The image's name.
    pub name: Option<String>,
    /// Program and arguments, separated by single blanks. Makes an app where there is none.
    pub exec: Option<String>,
    /// The user the app runs as.
    pub user: Option<String>,
    /// The group the app runs as.
    pub group: Option<String>,
    /// Further groups by number, separated by commas, in place of those there are.
    pub supplementary_groups: Option<String>,
    /// The only capabilities left, separated by commas; takes the place of both sets of capabilities.
    pub capability: Option<String>,
    /// The capabilities taken away, likewise. Not together with `capability`.
    pub revoke_capability: Option<String>,
    /// Mount points to add, separated by colons.
    pub mounts: Option<String>,
    /// Ports to add, separated by colons.
    pub ports: Option<String>,
    /// Isolators to add, separated by colons.
    pub isolators: Option<String>,
    /// `remove` or `retain`, with `,errno=NAME` if wanted; takes the place of both seccomp sets.
    pub seccomp_mode: Option<String>,
    /// The system calls for it, separated by commas.
    pub seccomp_set: Option<String>,
}

/// A manifest could not be changed. The words are those of the original.
#[derive(Debug, thiserror::Error)]
pub enum EditsError {
    /// What is there is no valid manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// What came out is no valid manifest.
    #[error(transparent)]
    Result(ManifestError),
    /// The name is none.
    #[error(transparent)]
    Name(#[from] AcIdentifierError),
    /// There is no app to be changed.
    #[error("no app in the supplied manifest and no exec command provided")]
    NoApp,
    /// A group is not a number.
    #[error("invalid supplementary group {0:?}: it is not a number")]
    Group(String),
    /// There are two sets of capabilities.
    #[error("conflicting capabilities isolators provided")]
    TwoCapabilitySets,
    /// A mount point is none.
    #[error("cannot parse mount point {text:?}")]
    Mount {
        /// The text.
        text: String,
        /// Why.
        source: MountPointError,
    },
    /// A port is none.
    #[error("cannot parse port {text:?}")]
    Port {
        /// The text.
        text: String,
        /// Why.
        source: PortError,
    },
    /// System calls are named, but not what for.
    #[error("--seccomp-set specified without --seccomp-mode")]
    NoSeccompMode,
    /// The seccomp flags are not right.
    #[error(transparent)]
    Seccomp(#[from] SeccompTextError),
    /// An isolator is not right.
    #[error(transparent)]
    Isolator(#[from] IsolatorTextError),
    /// An isolator cannot stand beside those there are.
    #[error(transparent)]
    Isolators(#[from] IsolatorError),
}

impl Diagnostic for EditsError {
    fn kind(&self) -> Kind {
        match self {
            Self::Manifest(error) => error.kind(),
            _ => Kind::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Manifest(error) => error.hint(),
            Self::NoApp => Some("--exec with --user and --group makes one".to_owned()),
            _ => None,
        }
    }
}

impl ManifestEdits {
    /// Reads a manifest, changes it, and writes it anew: fields that the specification does not know are
    /// lost, and the result is valid.
    ///
    /// # Errors
    ///
    /// [`EditsError`].
    pub fn apply_to_json(&self, stored: &[u8]) -> Result<Vec<u8>, EditsError> {
        let mut manifest = ImageManifest::from_json(stored)?;
        self.apply(&mut manifest)?;
        let json = manifest.to_json();
        ImageManifest::from_json(&json).map_err(EditsError::Result)?;
        Ok(json)
    }

    /// Changes a manifest, in the order of the original. The result may still break rules on the whole,
    /// such as that an app needs a user.
    ///
    /// # Errors
    ///
    /// [`EditsError`]; the manifest may have been changed in part then.
    pub fn apply(&self, manifest: &mut ImageManifest) -> Result<(), EditsError> {
        if let Some(name) = &self.name {
            manifest.name = name.parse()?;
        }
        if let Some(exec) = &self.exec {
            let app = manifest.app.get_or_insert_default();
            app.exec = exec.split(' ').map(str::to_owned).collect();
        }
        if let Some(app) = &mut manifest.app {
            return self.apply_to_app(app);
        }
        if self.seccomp_mode.is_none() && self.seccomp_set.is_some() {
            return Err(EditsError::NoSeccompMode);
        }
        let of_app = [
            &self.user,
            &self.group,
            &self.supplementary_groups,
            &self.capability,
            &self.revoke_capability,
            &self.mounts,
            &self.ports,
            &self.isolators,
            &self.seccomp_mode,
        ];
        if of_app.iter().any(|edit| edit.is_some()) {
            return Err(EditsError::NoApp);
        }
        Ok(())
    }

    fn apply_to_app(&self, app: &mut App) -> Result<(), EditsError> {
        if let Some(user) = &self.user {
            app.user.clone_from(user);
        }
        if let Some(group) = &self.group {
            app.group.clone_from(group);
        }
        if let Some(groups) = &self.supplementary_groups {
            let number = |text: &str| text.parse().map_err(|_| EditsError::Group(text.to_owned()));
            app.supplementary_gids = groups.split(',').map(number).collect::<Result<_, _>>()?;
        }
        let set = |names: &str| CapabilitySet::new(names.split(',').map(str::to_owned).collect());
        let capabilities = match (&self.capability, &self.revoke_capability) {
            (Some(_), Some(_)) => return Err(EditsError::TwoCapabilitySets),
            (Some(names), None) => Some(IsolatorValue::CapabilitiesRetainSet(set(names)?)),
            (None, Some(names)) => Some(IsolatorValue::CapabilitiesRemoveSet(set(names)?)),
            (None, None) => None,
        };
        if let Some(value) = capabilities {
            app.isolators.remove("os/linux/capabilities-remove-set");
            app.isolators.remove("os/linux/capabilities-retain-set");
            app.isolators.push(Isolator::new(value)?)?;
        }
        for text in list(self.mounts.as_deref()) {
            let point = text.parse().map_err(|source| EditsError::Mount {
                text: text.to_owned(),
                source,
            })?;
            app.mount_points.push(point);
        }
        for text in list(self.ports.as_deref()) {
            let port = text.parse().map_err(|source| EditsError::Port {
                text: text.to_owned(),
                source,
            })?;
            app.ports.push(port);
        }
        match (&self.seccomp_mode, &self.seccomp_set) {
            (Some(mode), set) => {
                let isolator = seccomp(mode, set.as_deref().unwrap_or_default())?;
                app.isolators.remove("os/linux/seccomp-remove-set");
                app.isolators.remove("os/linux/seccomp-retain-set");
                app.isolators.push(isolator)?;
            }
            (None, Some(_)) => return Err(EditsError::NoSeccompMode),
            (None, None) => {}
        }
        for text in list(self.isolators.as_deref()) {
            app.isolators.push(isolator(text)?)?;
        }
        Ok(())
    }
}

/// What stands between colons.
fn list(text: Option<&str>) -> impl Iterator<Item = &str> {
    text.into_iter().flat_map(|text| text.split(':'))
}

#[cfg(test)]
mod tests;
