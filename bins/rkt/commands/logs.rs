//! `rkt logs`

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum};
use gantry_cli::{Context, Failure, note};
use gantry_pod::{LogRecord, Pod, PodLog};
use gantry_types::log_line::{LogStream, format_time, parse_time};
use gantry_types::{AcName, show};
use serde_json::json;

use crate::cli::Globals;
use crate::duration::{self, Span};
use crate::journal::{Journal, Tail};
use crate::setup::{Setup, one_uuid};

/// How often the files of a running pod are looked at.
const FOLLOW_POLL: Duration = Duration::from_millis(100);

/// How long the journal may take to hand out what it has, after the pod has ended.
const JOURNAL_LAST: Duration = Duration::from_millis(500);

/// Show what the apps of a pod wrote
///
/// Lines of all apps in the order of time, each with its time, app and stream, also of pods that have
/// exited and are not collected yet. What an app wrote is printed as it is. Without a journal on the host
/// the newest 10 MiB of each app are kept.
#[derive(Args, Debug)]
pub(crate) struct LogsArgs {
    /// Only what this app wrote
    #[arg(long, value_name = "NAME")]
    app: Option<AcName>,
    /// Go on with what is written from now on, until the pod ends
    #[arg(long)]
    follow: bool,
    /// Only what is younger: a time (2006-01-02T15:04:05Z) or how long ago (10m)
    #[arg(long, value_name = "TIME|DURATION")]
    since: Option<Since>,
    /// Only the last lines
    #[arg(long, value_name = "N")]
    lines: Option<usize>,
    /// Data for programs in place of lines: one object per line
    #[arg(long, value_name = "FORMAT")]
    format: Option<LogFormat>,
    /// File that holds the UUID
    #[arg(long, value_name = "FILE")]
    uuid_file: Option<PathBuf>,
    /// UUID of the pod, or a prefix of it that no other pod has
    #[arg(value_name = "UUID")]
    uuid: Option<String>,
}

/// How lines are printed for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Json,
}

/// A moment in nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Since(u64);

impl std::str::FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(time) = parse_time(text.as_bytes()) {
            return Ok(Self(time));
        }
        match duration::parse(text) {
            Ok(Span::Positive(ago)) => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH);
                let then = now.unwrap_or_default().saturating_sub(ago);
                Ok(Self(u64::try_from(then.as_nanos()).unwrap_or(u64::MAX)))
            }
            _ => Err(format!(
                "{text:?} is no time: use 2006-01-02T15:04:05Z, or how long ago, such as 30m"
            )),
        }
    }
}

impl LogsArgs {
    /// Prints the lines, and goes on until the pod ends if that is asked for.
    ///
    /// # Errors
    ///
    /// No such pod or app, files that cannot be read, or a journal that cannot be asked.
    pub(crate) fn run(&self, globals: &Globals, context: &mut Context<'_>) -> Result<(), Failure> {
        let uuid = one_uuid(self.uuid.as_deref(), self.uuid_file.as_deref(), 254)?;
        let mut pod = Setup::new(globals)?.pods()?.lookup(&uuid)?;
        // Looked at before reading: what is written later is found by following.
        let mut ended = is_over(&mut pod)?;
        let follow = self.follow && !ended;
        let mut records = self.records(&pod, follow)?;
        let mut printer = Printer {
            format: self.format,
            open: None,
        };
        let mut last = VecDeque::new();
        while let Some(record) = records.next(ended)? {
            match self.lines {
                Some(lines) => {
                    last.push_back(record);
                    if last.len() > lines {
                        last.pop_front();
                    }
                }
                None => printer.print(&record, context)?,
            }
        }
        for record in last {
            printer.print(&record, context)?;
        }
        loop {
            while let Some(record) = records.next(ended)? {
                printer.print(&record, context)?;
            }
            context.out.flush().map_err(Failure::Output)?;
            if ended || !follow {
                break;
            }
            std::thread::sleep(FOLLOW_POLL);
            ended = is_over(&mut pod)?;
        }
        printer.finish(context)?;
        for (app, count) in records.log.damaged() {
            note(
                context.err,
                format_args!("logs: {count} damaged lines of app {app} are left out"),
            );
        }
        Ok(())
    }

    fn records(&self, pod: &Pod, follow: bool) -> Result<Records, Failure> {
        let log = pod.log(self.app.as_ref())?;
        let since = self.since.map(|since| since.0);
        let tail = follow.then_some(Tail(self.lines));
        let journal = log
            .is_in_journal()
            .then(|| Journal::ask(pod.uuid(), self.app.as_ref(), since, tail))
            .transpose()
            .map_err(|error| {
                Failure::environment(format!("cannot run journalctl: {error}"))
                    .with_hint("the lines of this pod are in the journal of this host")
            })?;
        Ok(Records {
            log,
            from_files: None,
            journal,
            from_journal: None,
            follow,
            since: since.unwrap_or_default(),
        })
    }
}

/// Lines from the files and from the journal.
#[derive(Debug)]
struct Records {
    log: PodLog,
    from_files: Option<LogRecord>,
    journal: Option<Journal>,
    from_journal: Option<LogRecord>,
    follow: bool,
    since: u64,
}

impl Records {
    /// The oldest line that is there.
    fn next(&mut self, ended: bool) -> Result<Option<LogRecord>, Failure> {
        while self.from_files.is_none() {
            let Some(record) = self.log.next(ended)? else {
                break;
            };
            self.from_files = Some(record).filter(|record| record.time >= self.since);
        }
        if let Some(journal) = &self.journal {
            let wait = match (self.follow, ended) {
                (false, _) => None,
                (true, true) => Some(JOURNAL_LAST),
                (true, false) => Some(Duration::ZERO),
            };
            while self.from_journal.is_none() {
                let Some(record) = journal.next(wait) else {
                    break;
                };
                self.from_journal = Some(record).filter(|record| record.time >= self.since);
            }
        }
        let journal_first = match (&self.from_files, &self.from_journal) {
            (Some(file), Some(journal)) => journal.time < file.time,
            (None, Some(_)) => true,
            _ => false,
        };
        Ok(if journal_first {
            self.from_journal.take()
        } else {
            self.from_files.take()
        })
    }
}

/// Prints lines, the pieces of a long one after each other.
#[derive(Debug)]
struct Printer {
    format: Option<LogFormat>,
    /// Whose line is not at its end yet.
    open: Option<(String, LogStream)>,
}

impl Printer {
    fn print(&mut self, record: &LogRecord, context: &mut Context<'_>) -> Result<(), Failure> {
        let out = &mut context.out;
        if self.format.is_some() {
            return writeln!(out, "{}", object(record)).map_err(Failure::Output);
        }
        let goes_on = self.open.as_ref().is_some_and(|(app, stream)| {
            (app.as_str(), *stream) == (record.app.as_str(), record.stream)
        });
        let mut print = || -> std::io::Result<()> {
            if !goes_on {
                if self.open.is_some() {
                    writeln!(out)?;
                }
                let time = format_time(record.time);
                let time = String::from_utf8_lossy(&time);
                write!(out, "{time} {} {} ", record.app, record.stream.as_str())?;
            }
            out.write_all(&record.text)?;
            if !record.partial {
                writeln!(out)?;
            }
            Ok(())
        };
        print().map_err(Failure::Output)?;
        self.open = record.partial.then(|| (record.app.clone(), record.stream));
        Ok(())
    }

    fn finish(&mut self, context: &mut Context<'_>) -> Result<(), Failure> {
        match self.open.take() {
            Some(_) => writeln!(context.out).map_err(Failure::Output),
            None => Ok(()),
        }
    }
}

/// A line as JSON. Bytes that are no text are replaced, and then also given in full.
fn object(record: &LogRecord) -> serde_json::Value {
    let text = String::from_utf8_lossy(&record.text);
    let mut object = json!({
        "time": String::from_utf8_lossy(&format_time(record.time)),
        "app": record.app,
        "stream": record.stream.as_str(),
        "partial": record.partial,
        "text": text,
    });
    if matches!(text, std::borrow::Cow::Owned(_)) {
        object["hex"] = show::hex(&record.text).into();
    }
    object
}

/// Whether nothing of the pod runs any more. One that was collected meanwhile is over too.
fn is_over(pod: &mut Pod) -> Result<bool, Failure> {
    match pod.refresh() {
        Ok(()) => Ok(pod.state().has_exited()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(Failure::environment(format!(
            "cannot look at the pod: {error}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_moment_or_how_long_ago() {
        let at = "1970-01-01T00:00:05Z".parse::<Since>();
        assert_eq!(at, Ok(Since(5_000_000_000)));
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_nanos();
        let ago = u128::from("10s".parse::<Since>().unwrap().0);
        assert!(
            (9_900_000_000..10_100_000_000).contains(&(now - ago)),
            "{ago}"
        );
        for bad in ["", "yesterday", "-5s", "10", "2006-01-02"] {
            assert!(bad.parse::<Since>().is_err(), "{bad}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_also_given_in_full() {
        let mut record = LogRecord {
            time: 0,
            app: "web".to_owned(),
            stream: LogStream::Stdout,
            partial: false,
            text: b"a\x1b".to_vec(),
        };
        let expected = r#"{"time":"1970-01-01T00:00:00.000000000Z","app":"web","stream":"stdout","partial":false,"text":"a\u001b"}"#;
        assert_eq!(object(&record).to_string(), expected);
        record.text = b"\xffa".to_vec();
        assert_eq!(object(&record)["hex"], "ff61");
    }
}
