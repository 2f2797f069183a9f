//! What the standard streams of an app are.

use gantry_types::RuntimeApp;
use rustix::fs::{Gid, Uid, fchown};
use rustix::io::Errno;

/// The annotations that stage0 leaves. Source: rkt 1.30, stage1-implementors-guide.md.
const STDIN: &str = "coreos.com/rkt/stage2/stdin";
const STDOUT: &str = "coreos.com/rkt/stage2/stdout";
const STDERR: &str = "coreos.com/rkt/stage2/stderr";

/// One standard stream of an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// /dev/null.
    Null,
    /// Lines for the journal or the log files, and for the caller.
    Log,
    /// A pipe to whoever attaches.
    Stream,
    /// A terminal that others attach to.
    Tty,
    /// A terminal that the caller's terminal is connected with.
    CallerTty,
    /// The caller's own.
    Caller,
}

/// The three standard streams of an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Modes {
    pub(crate) stdin: Mode,
    pub(crate) stdout: Mode,
    pub(crate) stderr: Mode,
}

/// A stream of an app is to be what it cannot be.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{mode:?} is no mode for {stream}: {}", if *.stream == "stdin" {
    "null, stream or tty"
} else {
    "log, null, stream or tty"
})]
pub(crate) struct ModeError {
    stream: &'static str,
    mode: String,
}

/// What the caller gives the one app of an interactive pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interactive {
    No,
    /// Its standard streams.
    Streams,
    /// Its terminal.
    Terminal,
}

impl Modes {
    /// The streams of an app as its annotations say.
    pub(crate) fn of(app: &RuntimeApp, interactive: Interactive) -> Result<Self, ModeError> {
        let all = |mode| Self {
            stdin: mode,
            stdout: mode,
            stderr: mode,
        };
        match interactive {
            Interactive::Streams => return Ok(all(Mode::Caller)),
            Interactive::Terminal => return Ok(all(Mode::CallerTty)),
            Interactive::No => {}
        }
        let mode = |stream, annotation, default| {
            let Some(mode) = app.annotations.get(annotation) else {
                return Ok(default);
            };
            Ok(match mode {
                "null" => Mode::Null,
                "log" if stream != "stdin" => Mode::Log,
                "stream" => Mode::Stream,
                "tty" => Mode::Tty,
                // What rkt's stage0 writes for the app of an interactive pod.
                "interactive" => Mode::Caller,
                other => {
                    return Err(ModeError {
                        stream,
                        mode: other.to_owned(),
                    });
                }
            })
        };
        Ok(Self {
            stdin: mode("stdin", STDIN, Mode::Null)?,
            stdout: mode("stdout", STDOUT, Mode::Log)?,
            stderr: mode("stderr", STDERR, Mode::Log)?,
        })
    }

    /// The three, in the order of their descriptors.
    pub(crate) fn each(&self) -> [Mode; 3] {
        [self.stdin, self.stdout, self.stderr]
    }

    /// Whether one of them is a terminal.
    pub(crate) fn terminal(&self) -> bool {
        let is_terminal = |mode: &Mode| matches!(mode, Mode::Tty | Mode::CallerTty);
        self.each().iter().any(is_terminal)
    }

    /// Whether the caller's terminal is connected with the app's.
    pub(crate) fn has_callers_terminal(&self) -> bool {
        self.each().contains(&Mode::CallerTty)
    }

    /// Gives the standard streams of this process to the app's user, who may open them anew through
    /// `/dev/stdout`; what is the caller's stays the caller's.
    pub(crate) fn give_to(&self, uid: u32, gid: u32) -> Result<(), Errno> {
        let streams = [
            rustix::stdio::stdin(),
            rustix::stdio::stdout(),
            rustix::stdio::stderr(),
        ];
        for (mode, fd) in self.each().into_iter().zip(streams) {
            let group = match mode {
                Mode::Log | Mode::Stream => Some(Gid::from_raw(gid)),
                Mode::Tty | Mode::CallerTty => None,
                Mode::Null | Mode::Caller => continue,
            };
            fchown(fd, Some(Uid::from_raw(uid)), group)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(annotations: &[(&str, &str)]) -> RuntimeApp {
        let annotations: Vec<_> = annotations
            .iter()
            .map(|(name, value)| serde_json::json!({"name": name, "value": value}))
            .collect();
        let manifest = serde_json::json!({
            "acKind": "PodManifest",
            "acVersion": "0.8.11",
            "apps": [{
                "name": "web",
                "image": {"id": format!("sha512-{}", "0".repeat(128))},
                "annotations": annotations,
            }],
        });
        let manifest = gantry_types::PodManifest::from_json(manifest.to_string().as_bytes());
        manifest.unwrap().apps.iter().next().unwrap().clone()
    }

    #[test]
    fn an_app_logs_unless_its_annotations_say_otherwise() {
        let modes = Modes::of(&app(&[]), Interactive::No).unwrap();
        assert_eq!(modes.each(), [Mode::Null, Mode::Log, Mode::Log]);
        let other = app(&[(STDIN, "stream"), (STDOUT, "tty"), (STDERR, "null")]);
        let modes = Modes::of(&other, Interactive::No).unwrap();
        assert_eq!(modes.each(), [Mode::Stream, Mode::Tty, Mode::Null]);
        assert!(modes.terminal());
        let modes = Modes::of(&other, Interactive::Streams).unwrap();
        assert_eq!(modes.each(), [Mode::Caller; 3]);
        assert!(!modes.terminal());
    }

    #[test]
    fn what_is_no_mode_is_refused() {
        for (annotation, mode, says) in [
            (
                STDIN,
                "log",
                "\"log\" is no mode for stdin: null, stream or tty",
            ),
            (
                STDOUT,
                "",
                "\"\" is no mode for stdout: log, null, stream or tty",
            ),
            (
                STDERR,
                "\x1b",
                "\"\\u{1b}\" is no mode for stderr: log, null, stream or tty",
            ),
        ] {
            let error = Modes::of(&app(&[(annotation, mode)]), Interactive::No).unwrap_err();
            assert_eq!(error.to_string(), says);
        }
    }
}
