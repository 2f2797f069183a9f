//! `rkt attach`

use std::ffi::OsString;

use clap::Args;
use gantry_cli::{Context, Failure};
use gantry_pod::State;
use gantry_types::{AcName, PodManifest, pod_layout};

use crate::cli::Globals;
use crate::rootless::need_root;
use crate::setup::{Setup, one_uuid};

/// Attach to the streams or the terminal of a running app
///
/// The app has to be run with --stdin, --stdout or --stderr set to stream or tty. Any number may attach at
/// the same time; what was written before is not shown. Leaving ends nothing: end this command by a
/// signal, or at a terminal press Ctrl-] three times within a second.
#[derive(Args, Debug)]
pub(crate) struct AttachArgs {
    /// Name of the app, where the pod has several
    #[arg(long, value_name = "NAME")]
    app: Option<AcName>,
    /// What to attach to: auto, list (print what there is), or some of stdin, stdout, stderr, or some of
    /// tty, tty-in, tty-out, separated by commas
    #[arg(long, value_name = "MODE", default_value = "auto")]
    mode: Mode,
    /// UUID of the pod, or a prefix of it that no other pod has
    #[arg(value_name = "UUID")]
    uuid: Option<String>,
}

/// What to attach to, as arguments of stage1.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mode(Vec<&'static str>);

impl std::str::FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => return Ok(Self(vec!["--action=auto-attach"])),
            "list" => return Ok(Self(vec!["--action=list"])),
            _ => {}
        }
        let (mut streams, mut terminal) = (Vec::new(), Vec::new());
        for word in text.split(',') {
            match word {
                "stdin" => streams.push("--stdin=true"),
                "stdout" => streams.push("--stdout=true"),
                "stderr" => streams.push("--stderr=true"),
                "tty" => terminal.extend(["--tty-in=true", "--tty-out=true"]),
                "tty-in" => terminal.push("--tty-in=true"),
                "tty-out" => terminal.push("--tty-out=true"),
                _ => {
                    return Err(format!(
                        "{word:?} is no mode: auto, list, or some of stdin,stdout,stderr or of \
                         tty,tty-in,tty-out"
                    ));
                }
            }
        }
        if !streams.is_empty() && !terminal.is_empty() {
            return Err("a terminal and streams cannot be attached to at once".to_owned());
        }
        let mut arguments = vec!["--action=custom-attach"];
        arguments.extend(streams);
        arguments.extend(terminal);
        Ok(Self(arguments))
    }
}

impl AttachArgs {
    /// Becomes the entrypoint of stage1 that does it.
    ///
    /// # Errors
    ///
    /// No such pod or app, or a pod that is not running.
    pub(crate) fn run(&self, globals: &Globals, context: &mut Context<'_>) -> Result<(), Failure> {
        need_root(globals)?;
        let uuid = one_uuid(self.uuid.as_deref(), None, 254)?;
        let setup = Setup::new(globals)?;
        let pod = setup.pods()?.lookup(&uuid)?;
        let uuid = pod.uuid();
        if pod.state() != State::Running {
            return Err(Failure::environment(format!(
                "pod \"{uuid}\" isn't currently running"
            )));
        }
        let unreadable = |why: String| {
            Failure::environment(format!("cannot read the manifest of pod \"{uuid}\": {why}"))
        };
        let manifest = pod
            .read(pod_layout::POD)
            .map_err(|error| unreadable(error.to_string()))?
            .ok_or_else(|| unreadable("it has none".to_owned()))?;
        let manifest =
            PodManifest::from_json(&manifest).map_err(|error| unreadable(error.to_string()))?;
        let names: Vec<&str> = manifest.apps.iter().map(|app| app.name.as_str()).collect();
        let app = match (&self.app, names.as_slice()) {
            (Some(app), names) if names.contains(&app.as_str()) => app.as_str(),
            (None, [only]) => only,
            (Some(app), names) => {
                return Err(Failure::usage(format!(
                    "pod \"{uuid}\" has no app \"{app}\": it has {}",
                    names.join(", ")
                )));
            }
            (None, names) => {
                return Err(Failure::usage("pod contains multiple apps")
                    .with_hint(format!("specify one using --app: {}", names.join(", "))));
            }
        };
        let mut arguments: Vec<OsString> = self.mode.0.iter().map(OsString::from).collect();
        arguments.push(format!("--app={app}").into());
        if globals.debug {
            arguments.push("--debug".into());
        }
        context.out.flush().map_err(Failure::Output)?;
        Err(pod
            .become_entrypoint(&setup.stage1()?, "attach", &arguments)
            .into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_those_of_rkt() {
        let parse = |text: &str| text.parse::<Mode>().map(|mode| mode.0.join(" "));
        for (text, expected) in [
            ("auto", "--action=auto-attach"),
            ("list", "--action=list"),
            (
                "stdin,stderr",
                "--action=custom-attach --stdin=true --stderr=true",
            ),
            ("tty", "--action=custom-attach --tty-in=true --tty-out=true"),
            ("tty-out", "--action=custom-attach --tty-out=true"),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(expected));
        }
        for bad in ["", "bogus", "auto,list", "stdin,tty", "stdin,,stdout"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
