//! The lines of a pod that went to the host's journal, by way of journalctl(1).

use std::io::{self, BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use gantry_pod::LogRecord;
use gantry_types::log_line::LogStream;
use gantry_types::{AcName, Uuid};
use serde_json::Value;

/// A running journalctl.
#[derive(Debug)]
pub(crate) struct Journal {
    child: Child,
    lines: Receiver<LogRecord>,
}

/// How many lines a journal that is followed begins with; all of them if none are given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tail(pub(crate) Option<usize>);

impl Journal {
    /// Asks for the lines of a pod, or of one app, since a time in nanoseconds since 1970.
    ///
    /// # Errors
    ///
    /// If there is no journalctl.
    pub(crate) fn ask(
        uuid: Uuid,
        app: Option<&AcName>,
        since: Option<u64>,
        follow: Option<Tail>,
    ) -> io::Result<Self> {
        let mut command = Command::new("journalctl");
        command
            .args(["--output=json", "--all", "--quiet", "--no-pager"])
            .arg(format!("RKT_POD_UUID={uuid}"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        if let Some(app) = app {
            command.arg(format!("CONTAINER_NAME={app}"));
        }
        if let Some(since) = since {
            command.arg(format!("--since=@{}", since / 1_000_000_000));
        }
        match follow {
            None => {}
            Some(Tail(None)) => {
                command.args(["--follow", "--no-tail"]);
            }
            Some(Tail(Some(lines))) => {
                command.arg("--follow").arg(format!("--lines={lines}"));
            }
        }
        let mut child = command.spawn()?;
        let stdout = child.stdout.take();
        // A few, so that one who reads slowly does not have the journal in memory.
        let (sender, lines) = mpsc::sync_channel(256);
        std::thread::spawn(move || {
            let Some(stdout) = stdout else { return };
            for line in BufReader::new(stdout).split(b'\n') {
                let Ok(line) = line else { return };
                if let Some(record) = record(&line)
                    && sender.send(record).is_err()
                {
                    return;
                }
            }
        });
        Ok(Self { child, lines })
    }

    /// The next line. Without `time` it is waited for until journalctl has printed everything.
    pub(crate) fn next(&self, time: Option<Duration>) -> Option<LogRecord> {
        match time {
            None => self.lines.recv().ok(),
            Some(time) => self.lines.recv_timeout(time).ok(),
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // It is our own child and not waited for yet, so the number is its own.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A line as journalctl prints it in JSON; `None` for what no app of ours wrote.
fn record(line: &[u8]) -> Option<LogRecord> {
    let entry: Value = serde_json::from_slice(line).ok()?;
    let text = |name: &str| entry.get(name).and_then(Value::as_str);
    let micros: u64 = text("__REALTIME_TIMESTAMP")?.parse().ok()?;
    let bytes = match entry.get("MESSAGE")? {
        Value::String(text) => text.as_bytes().to_vec(),
        // What is no text is printed as numbers.
        Value::Array(bytes) => bytes
            .iter()
            .map(|byte| byte.as_u64().and_then(|byte| u8::try_from(byte).ok()))
            .collect::<Option<_>>()?,
        _ => return None,
    };
    Some(LogRecord {
        time: micros.checked_mul(1000)?,
        app: text("CONTAINER_NAME")?.to_owned(),
        stream: match text("RKT_STREAM")? {
            "stdout" => LogStream::Stdout,
            "stderr" => LogStream::Stderr,
            _ => return None,
        },
        partial: text("CONTAINER_PARTIAL_MESSAGE") == Some("true"),
        text: bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_as_journalctl_prints_them() {
        let good = br#"{"__REALTIME_TIMESTAMP":"5000001","CONTAINER_NAME":"web","RKT_STREAM":"stderr","MESSAGE":"x y"}"#;
        let record_of = record(good).unwrap();
        assert_eq!(
            (record_of.time, record_of.app.as_str()),
            (5_000_001_000, "web")
        );
        assert_eq!(record_of.text, b"x y");
        assert!(!record_of.partial && record_of.stream == LogStream::Stderr);
        let bytes = br#"{"__REALTIME_TIMESTAMP":"1","CONTAINER_NAME":"web","RKT_STREAM":"stdout","MESSAGE":[255,0,10],"CONTAINER_PARTIAL_MESSAGE":"true"}"#;
        let record_of = record(bytes).unwrap();
        assert_eq!(record_of.text, b"\xff\0\n");
        assert!(record_of.partial);
    }

    #[test]
    fn what_no_app_of_ours_wrote_is_passed_over() {
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"__REALTIME_TIMESTAMP":"1","MESSAGE":"x"}"#,
            r#"{"__REALTIME_TIMESTAMP":"-1","CONTAINER_NAME":"web","RKT_STREAM":"stdout","MESSAGE":"x"}"#,
            r#"{"__REALTIME_TIMESTAMP":"99999999999999999999","CONTAINER_NAME":"web","RKT_STREAM":"stdout","MESSAGE":"x"}"#,
            r#"{"__REALTIME_TIMESTAMP":"18446744073709551615","CONTAINER_NAME":"web","RKT_STREAM":"stdout","MESSAGE":"x"}"#,
            r#"{"__REALTIME_TIMESTAMP":"1","CONTAINER_NAME":"web","RKT_STREAM":"bogus","MESSAGE":"x"}"#,
            r#"{"__REALTIME_TIMESTAMP":"1","CONTAINER_NAME":"web","RKT_STREAM":"stdout","MESSAGE":null}"#,
            r#"{"__REALTIME_TIMESTAMP":"1","CONTAINER_NAME":"web","RKT_STREAM":"stdout","MESSAGE":[256]}"#,
        ] {
            assert_eq!(record(bad.as_bytes()), None, "{bad}");
        }
    }
}
