//! What the apps of a pod wrote, in the order of time.

use std::io;
use std::os::fd::AsFd as _;

use gantry_types::{AcName, Diagnostic, Kind, PodManifest, Uuid, pod_layout};

use crate::app_log::{AppLog, LogRecord};
use crate::pod::Pod;

/// The log of a pod cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The pod's manifest says which apps there are.
    #[error("cannot read the manifest of pod \"{uuid}\"")]
    Manifest {
        /// The pod.
        uuid: Uuid,
        /// Why.
        source: io::Error,
    },
    /// No app has this name.
    #[error("pod \"{uuid}\" has no app \"{app}\": it has {}", apps.join(", "))]
    NoApp {
        /// The pod.
        uuid: Uuid,
        /// What was asked for.
        app: AcName,
        /// What there is.
        apps: Vec<String>,
    },
    /// A file cannot be read.
    #[error("cannot read the log of app \"{app}\" of pod \"{uuid}\"")]
    Read {
        /// The pod.
        uuid: Uuid,
        /// The app.
        app: String,
        /// Why.
        source: io::Error,
    },
}

impl Diagnostic for LogError {
    fn kind(&self) -> Kind {
        match self {
            Self::NoApp { .. } => Kind::Usage,
            Self::Manifest { .. } | Self::Read { .. } => Kind::Environment,
        }
    }
}

/// A reader of all logs of a pod.
#[derive(Debug)]
pub struct PodLog {
    uuid: Uuid,
    apps: Vec<Source>,
    in_journal: bool,
}

#[derive(Debug)]
struct Source {
    name: String,
    log: AppLog,
    /// Read, and not handed out yet.
    next: Option<LogRecord>,
}

impl Pod {
    /// What the apps of this pod wrote, or one of them.
    ///
    /// # Errors
    ///
    /// [`LogError`]. An app without a log has written nothing.
    pub fn log(&self, app: Option<&AcName>) -> Result<PodLog, LogError> {
        let uuid = self.uuid();
        let manifest = |source| LogError::Manifest { uuid, source };
        let bytes = self.read(pod_layout::POD).map_err(manifest)?;
        let bytes = bytes.ok_or_else(|| manifest(io::ErrorKind::NotFound.into()))?;
        let pod = PodManifest::from_json(&bytes)
            .map_err(|error| manifest(io::Error::new(io::ErrorKind::InvalidData, error)))?;
        let names: Vec<AcName> = pod.apps.iter().map(|app| app.name.clone()).collect();
        if let Some(app) = app
            && !names.contains(app)
        {
            return Err(LogError::NoApp {
                uuid,
                app: app.clone(),
                apps: names.iter().map(ToString::to_string).collect(),
            });
        }
        let mut apps = Vec::new();
        for name in names
            .iter()
            .filter(|name| app.is_none_or(|app| app == *name))
        {
            let read = |source| LogError::Read {
                uuid,
                app: name.to_string(),
                source,
            };
            let log = AppLog::open(self.as_fd(), name).map_err(read)?;
            apps.extend(log.map(|log| Source {
                name: name.to_string(),
                log,
                next: None,
            }));
        }
        let mark = self.read(pod_layout::IN_JOURNAL);
        Ok(PodLog {
            uuid,
            apps,
            in_journal: mark.is_ok_and(|mark| mark.is_some()),
        })
    }
}

impl PodLog {
    /// Whether the lines went to the host's journal, which then has what is not here.
    #[must_use]
    pub fn is_in_journal(&self) -> bool {
        self.in_journal
    }

    /// The oldest record that was not handed out yet; `None` if there is none now.
    ///
    /// `ended` says that nothing is written any more.
    ///
    /// # Errors
    ///
    /// [`LogError::Read`].
    pub fn next(&mut self, ended: bool) -> Result<Option<LogRecord>, LogError> {
        for source in &mut self.apps {
            if source.next.is_none() {
                source.next = source.log.next(ended).map_err(|error| LogError::Read {
                    uuid: self.uuid,
                    app: source.name.clone(),
                    source: error,
                })?;
            }
        }
        let with_next = self.apps.iter_mut().filter(|source| source.next.is_some());
        let oldest = with_next.min_by_key(|source| source.next.as_ref().map(|next| next.time));
        Ok(oldest.and_then(|source| source.next.take()))
    }

    /// The apps whose logs had lines that were no records, with their number.
    pub fn damaged(&self) -> impl Iterator<Item = (&str, u64)> {
        let apps = self.apps.iter();
        let counts = apps.map(|source| (source.name.as_str(), source.log.damaged()));
        counts.filter(|(_, count)| *count > 0)
    }
}
