//! `rkt status`

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use gantry_cli::{Context, Failure, full_time, say};
use gantry_pod::{Pod, PodInfo, State};
use gantry_types::IsolatorReport;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::Globals;
use crate::setup::{Format, Setup, UUID_FILE_STATUS, json, one_uuid};

/// How often the state of a pod is looked at while waiting. Source: rkt 1.30, pkg/pod/wait.go.
const POLL: Duration = Duration::from_millis(100);

/// Show the state of a pod
#[derive(Args, Debug)]
pub(crate) struct StatusArgs {
    /// Wait until the pod has ended: true, false, or for how long
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false",
          default_missing_value = "true", value_name = "BOOL|DURATION")]
    wait: Wait,
    /// Wait until the pod takes orders: true, false, or for how long
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false",
          default_missing_value = "true", value_name = "BOOL|DURATION")]
    wait_ready: Wait,
    /// Also what was done about each isolator: enforced, narrowed or ignored
    #[arg(long)]
    isolators: bool,
    /// Data for programs in place of lines
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// File that holds the UUID
    #[arg(long, value_name = "FILE")]
    uuid_file: Option<PathBuf>,
    /// UUID of the pod, or a prefix of it that no other pod has
    #[arg(value_name = "UUID")]
    uuid: Option<String>,
}

/// How long to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    No,
    Forever,
    AtMost(Duration),
}

impl std::str::FromStr for Wait {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(on) = gantry_types::go_bool::parse(text) {
            return Ok(if on { Self::Forever } else { Self::No });
        }
        Ok(match crate::duration::parse(text)? {
            crate::duration::Span::Negative => Self::Forever,
            crate::duration::Span::Positive(time) if time.is_zero() => Self::No,
            crate::duration::Span::Positive(time) => Self::AtMost(time),
        })
    }
}

impl StatusArgs {
    /// Waits as asked and prints what is known.
    ///
    /// # Errors
    ///
    /// No such pod, or one that cannot be read; status 1 where a UUID file does not help.
    pub(crate) fn run(&self, globals: &Globals, context: &mut Context<'_>) -> Result<(), Failure> {
        let uuid = one_uuid(
            self.uuid.as_deref(),
            self.uuid_file.as_deref(),
            UUID_FILE_STATUS,
        )?;
        let mut pod = Setup::new(globals)?.pods()?.lookup(&uuid)?;
        self.wait_for(&mut pod)?;
        let info = pod.info()?;
        let isolators = self.isolators.then(|| pod.isolators()).transpose()?;
        match self.format {
            Some(format) => {
                let mut value = serde_json::to_value(&info);
                if let (Ok(value), Some(isolators)) = (&mut value, isolators) {
                    value["isolators"] = serde_json::json!(isolators);
                }
                say(context.out, json(&value, format)?)
            }
            None => {
                lines(&info, context)?;
                isolator_lines(&isolators.unwrap_or_default(), context)
            }
        }
    }

    fn wait_for(&self, pod: &mut Pod) -> Result<(), Failure> {
        let waits = [
            (
                self.wait_ready,
                "readiness",
                "become ready",
                ready as Reached,
            ),
            (self.wait, "to finish", "end", finished),
        ];
        for (wait, what, goal, reached) in waits {
            let limit = match wait {
                Wait::No => continue,
                Wait::Forever => None,
                Wait::AtMost(time) => Some(time),
            };
            let waiting = format!("error waiting for pod {what}");
            let came = until(pod, limit, reached)
                .map_err(|error| Failure::environment(format!("{waiting}: {error}")))?;
            if !came {
                return Err(Failure::environment(format!(
                    "{waiting}: it did not {goal} in time, its state is {}",
                    pod.state()
                )));
            }
        }
        Ok(())
    }
}

/// Tells whether what is waited for has come; an error if it never will.
type Reached = fn(&Pod, Option<Duration>) -> std::io::Result<bool>;

fn ready(pod: &Pod, _: Option<Duration>) -> std::io::Result<bool> {
    if pod.state().is_finished() {
        return Err(std::io::Error::other("the pod has ended"));
    }
    Ok(pod.state() == State::Running && pod.is_ready()?)
}

fn finished(pod: &Pod, left: Option<Duration>) -> std::io::Result<bool> {
    if !pod.state().is_finished() {
        // Returns at once for a pod that is still to be run, which nobody holds.
        pod.wait_unlocked(left)?;
    }
    Ok(pod.state().is_finished())
}

/// Looks at the pod until `reached` or the time is over, and tells which.
fn until(pod: &mut Pod, limit: Option<Duration>, reached: Reached) -> std::io::Result<bool> {
    let start = std::time::Instant::now();
    loop {
        let left = limit.map(|limit| limit.saturating_sub(start.elapsed()));
        if reached(pod, left)? {
            return Ok(true);
        }
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(false);
        }
        std::thread::sleep(left.unwrap_or(POLL).min(POLL));
        match pod.refresh() {
            // Collected meanwhile: it has ended, but nothing is left to be shown.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(std::io::Error::other("the pod was removed"));
            }
            other => other?,
        }
    }
}

fn lines(pod: &PodInfo, context: &mut Context<'_>) -> Result<(), Failure> {
    let zone = TimeZone::system();
    let time = |nanos: i64| {
        Timestamp::from_nanosecond(nanos.into())
            .map(|time| full_time(time, &zone))
            .unwrap_or_default()
    };
    say(context.out, format_args!("state={}", pod.state))?;
    if let Some(created) = pod.created {
        say(context.out, format_args!("created={}", time(created)))?;
    }
    if let Some(started) = pod.started {
        say(context.out, format_args!("started={}", time(started)))?;
    }
    let running = pod.state == State::Running;
    if !running && !pod.state.has_exited() {
        return Ok(());
    }
    let networks: Vec<String> = pod
        .networks
        .iter()
        .flat_map(gantry_pod::NetInfo::addresses)
        .collect();
    say(
        context.out,
        format_args!("networks={}", networks.join(", ")),
    )?;
    if let Some(pid) = pod.pid {
        say(context.out, format_args!("pid={pid}"))?;
    }
    say(context.out, format_args!("exited={}", !running))?;
    if !running {
        for app in &pod.apps {
            if let Some(code) = app.exit_code {
                say(context.out, format_args!("app-{}={code}", app.name))?;
            }
        }
    }
    Ok(())
}

/// `isolator-APP=NAME STATUS`, `isolator=NAME STATUS` for one of the pod as a whole, and why.
fn isolator_lines(report: &IsolatorReport, context: &mut Context<'_>) -> Result<(), Failure> {
    for outcome in &report.0 {
        let app = outcome.app.as_ref();
        let app = app.map_or_else(String::new, |app| format!("-{app}"));
        let why = match outcome.detail.as_str() {
            "" => String::new(),
            detail => format!(" ({detail})"),
        };
        let (name, status) = (&outcome.name, outcome.status.as_str());
        say(
            context.out,
            format_args!("isolator{app}={name} {status}{why}"),
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_takes_switches_and_durations() {
        for (text, expected) in [
            ("true", Wait::Forever),
            ("false", Wait::No),
            ("1", Wait::Forever),
            ("0", Wait::No),
            ("0s", Wait::No),
            ("-5s", Wait::Forever),
            ("1.5s", Wait::AtMost(Duration::from_millis(1500))),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        assert!("soon".parse::<Wait>().is_err());
    }
}
