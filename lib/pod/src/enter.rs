//! Entering an app of a running pod.

use std::convert::Infallible;
use std::ffi::{CString, NulError, OsStr, OsString};
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use gantry_types::{Diagnostic, Kind, Uuid};

use crate::info::InfoError;
use crate::phase::State;
use crate::pod::Pod;

/// An app could not be entered.
#[derive(Debug, thiserror::Error)]
pub enum EnterError {
    /// The pod never ran, or ended.
    #[error("pod \"{0}\" is not running")]
    NotRunning(Uuid),
    /// The pod's files cannot be read.
    #[error(transparent)]
    Info(#[from] InfoError),
    /// It is just starting, or ending.
    #[error("unable to determine the pid for pod \"{0}\"")]
    NoProcess(Uuid),
    /// It has no app of that name.
    #[error("no app \"{app}\" in pod \"{uuid}\"")]
    NoApp {
        /// The app.
        app: String,
        /// The pod.
        uuid: Uuid,
    },
    /// The pod has several apps, and none was named.
    #[error("specify app using \"rkt enter --app= ...\"")]
    SeveralApps(Vec<String>),
    /// A pod of no apps.
    #[error("pod \"{0}\" contains no apps")]
    NoApps(Uuid),
    /// The stage1 program cannot be read, copied or started.
    #[error("cannot start {}", path.display())]
    Stage1 {
        /// The program.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// An argument holds a zero byte.
    #[error("an argument of the command holds a zero byte")]
    ZeroByte {
        /// Where.
        source: NulError,
    },
}

impl Diagnostic for EnterError {
    fn kind(&self) -> Kind {
        match self {
            Self::Info(source) => source.kind(),
            Self::NoProcess(_) | Self::Stage1 { .. } => Kind::Environment,
            _ => Kind::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NotRunning(_) => Some("rkt list shows the state of every pod".to_owned()),
            Self::NoProcess(_) => Some("try again in a moment".to_owned()),
            Self::NoApp { .. } => Some("rkt list shows the apps of every pod".to_owned()),
            _ => None,
        }
    }
}

impl Pod {
    /// The app to enter: the one named, else the only one.
    ///
    /// # Errors
    ///
    /// [`EnterError`] if the pod does not run, or it is not clear which app is meant.
    pub fn app_to_enter(&self, wanted: Option<&str>) -> Result<String, EnterError> {
        if self.state() != State::Running {
            return Err(EnterError::NotRunning(self.uuid()));
        }
        let mut apps = self.info()?.app_names;
        match wanted {
            Some(app) if apps.iter().any(|name| name == app) => Ok(app.to_owned()),
            Some(app) => Err(EnterError::NoApp {
                app: app.to_owned(),
                uuid: self.uuid(),
            }),
            None if apps.len() > 1 => Err(EnterError::SeveralApps(apps)),
            None => apps.pop().ok_or(EnterError::NoApps(self.uuid())),
        }
    }

    /// Replaces this process by stage1's `enter`, which runs `command` in `app` and ends as that does;
    /// returns only if that failed. `terminal` is the kind of the caller's terminal (`TERM`).
    ///
    /// What the pod runs may come from another version: of it only what lies in the pod's directory is
    /// used.
    ///
    /// # Errors
    ///
    /// [`EnterError`].
    pub fn enter(
        &self,
        stage1: &Path,
        app: &str,
        command: &[String],
        terminal: Option<&OsStr>,
    ) -> EnterError {
        match self.try_enter(stage1, app, command, terminal) {
            Ok(never) => match never {},
            Err(error) => error,
        }
    }

    fn try_enter(
        &self,
        stage1: &Path,
        app: &str,
        command: &[String],
        terminal: Option<&OsStr>,
    ) -> Result<Infallible, EnterError> {
        let pid = self.info()?.pid.ok_or(EnterError::NoProcess(self.uuid()))?;
        let stage1_error = |source| EnterError::Stage1 {
            path: stage1.to_owned(),
            source,
        };
        let program =
            gantry_sys::sealed::sealed_program(stage1, self.as_fd()).map_err(stage1_error)?;
        let c_string = |s: &OsStr| {
            CString::new(s.as_bytes()).map_err(|source| EnterError::ZeroByte { source })
        };
        let arguments = arguments(pid, app, command);
        let arguments = arguments
            .iter()
            .map(|argument| c_string(argument))
            .collect::<Result<Vec<_>, _>>()?;
        let mut environment = Vec::new();
        if let Some(kind) = terminal {
            let mut pair = OsString::from("TERM=");
            pair.push(kind);
            environment.push(c_string(&pair)?);
        }
        rustix::process::fchdir(self).map_err(|error| stage1_error(error.into()))?;
        gantry_sys::process::exec_file(program.as_fd(), &arguments, &environment)
            .map_err(stage1_error)
    }
}

/// Source: rkt 1.30, Documentation/devel/stage1-implementors-guide.md, `rkt enter`.
fn arguments(pid: u32, app: &str, command: &[String]) -> Vec<OsString> {
    let fixed = [
        "stage1".to_owned(),
        "enter".to_owned(),
        format!("--pid={pid}"),
        format!("--appname={app}"),
        "--".to_owned(),
    ];
    fixed
        .into_iter()
        .chain(command.iter().cloned())
        .map(OsString::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phase::Phase;
    use crate::sample::{Sample, uuid};
    use std::io::Write as _;

    #[test]
    fn arguments_are_those_of_the_interface() {
        let command = ["sh".to_owned(), "-c".to_owned(), "a b".to_owned()];
        let arguments = arguments(7, "web", &command);
        let expected = [
            "stage1",
            "enter",
            "--pid=7",
            "--appname=web",
            "--",
            "sh",
            "-c",
            "a b",
        ];
        assert_eq!(arguments, expected);
    }

    #[test]
    fn the_app_is_the_one_named_or_the_only_one() {
        let sample = Sample::new();
        let mut owner = sample.pods.create(uuid(1)).unwrap();
        let id = format!("sha512-{}", "0".repeat(128));
        let write = |apps: &[&str]| {
            let app = |name: &&str| format!(r#"{{"name":"{name}","image":{{"id":"{id}"}}}}"#);
            let apps: Vec<String> = apps.iter().map(app).collect();
            let path = sample
                .pods
                .get(uuid(1))
                .unwrap()
                .unwrap()
                .path()
                .join("pod");
            let text = format!(
                r#"{{"acVersion":"0.8.11","acKind":"PodManifest","apps":[{}]}}"#,
                apps.join(",")
            );
            std::fs::File::create(path)
                .unwrap()
                .write_all(text.as_bytes())
                .unwrap();
        };
        let pod = || sample.pods.get(uuid(1)).unwrap().unwrap();
        assert!(matches!(
            pod().app_to_enter(None),
            Err(EnterError::NotRunning(_))
        ));
        owner.move_to(Phase::Run).unwrap();
        write(&["web"]);
        assert_eq!(pod().app_to_enter(None).unwrap(), "web");
        assert_eq!(pod().app_to_enter(Some("web")).unwrap(), "web");
        let error = pod().app_to_enter(Some("db")).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("no app \"db\" in pod \"{}\"", uuid(1))
        );
        write(&["web", "db"]);
        assert_eq!(pod().app_to_enter(Some("db")).unwrap(), "db");
        let Err(EnterError::SeveralApps(apps)) = pod().app_to_enter(None) else {
            panic!("no app was named");
        };
        assert_eq!(apps, ["web", "db"]);
        write(&[]);
        assert!(matches!(
            pod().app_to_enter(None),
            Err(EnterError::NoApps(_))
        ));
        // A running pod whose process is not known yet.
        let stage1 = sample.stage1();
        let error = pod().enter(&stage1, "web", &["true".to_owned()], None);
        assert!(matches!(error, EnterError::NoProcess(_)), "{error}");
    }
}
