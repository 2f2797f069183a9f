//! Commands that stand still at a chosen system call while others work, and then go on: by strace's `--inject`.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use gantry_testkit::TestEnv;

use super::fault::{CHANGING, Call, Ending};

/// How long it may take until the command comes to the call, or to its end.
const LIMIT: Duration = Duration::from_secs(60);

/// A command that stands still, or has ended before.
pub struct Stopped {
    strace: Child,
    log: PathBuf,
}

/// Runs `command`, made by [`TestEnv::command`], until it has made `call`; `None` if it ended before.
pub fn stopped_at(env: &TestEnv, command: &Command, call: &Call) -> Option<Stopped> {
    let log = env.path("trace");
    let _ = std::fs::remove_file(&log);
    let mut strace = env.command("strace");
    let inject = format!("inject={}:signal=STOP:when={}", call.name, call.number);
    strace
        .args(["-f", "-y", "-s", "0", "-o"])
        .arg(&log)
        .args(["-e", &format!("trace={CHANGING}"), "-e", &inject])
        .arg(command.get_program())
        .args(command.get_args())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let strace = strace.spawn().expect("strace starts");
    let mut stopped = Stopped { strace, log };
    let start = Instant::now();
    while stopped.thread().is_none() {
        if stopped
            .strace
            .try_wait()
            .expect("a child of ours")
            .is_some()
        {
            return None;
        }
        assert!(start.elapsed() < LIMIT, "it neither stops nor ends");
        std::thread::sleep(Duration::from_millis(2));
    }
    Some(stopped)
}

impl Stopped {
    /// A thread that stands still, as the log has it.
    fn thread(&self) -> Option<String> {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let line = log
            .lines()
            .find(|line| line.contains("--- stopped by SIGSTOP"))?;
        Some(line.split_whitespace().next()?.to_owned())
    }

    /// Lets it go on to its end.
    pub fn go_on(mut self) -> Ending {
        let thread = self.thread().expect("it stands still");
        let status = Path::new("/proc").join(thread).join("status");
        let status = std::fs::read_to_string(status).expect("it is there");
        let group = status.lines().find_map(|line| line.strip_prefix("Tgid:"));
        let group = group.expect("its group").trim().to_owned();
        let read = |mut from: Box<dyn Read + Send>| {
            std::thread::spawn(move || {
                let mut text = Vec::new();
                let _ = from.read_to_end(&mut text);
                String::from_utf8_lossy(&text).into_owned()
            })
        };
        let stdout = read(Box::new(self.strace.stdout.take().expect("a pipe")));
        let stderr = read(Box::new(self.strace.stderr.take().expect("a pipe")));
        let start = Instant::now();
        let ended = loop {
            if let Some(status) = self.strace.try_wait().expect("a child of ours") {
                break status;
            }
            assert!(start.elapsed() < LIMIT, "it does not go on");
            // Another thread of it may come to a call of this number too.
            let _ = Command::new("kill")
                .args(["-CONT", &group])
                .stderr(Stdio::null())
                .status();
            std::thread::sleep(Duration::from_millis(10));
        };
        Ending {
            status: ended.code().unwrap_or(-1),
            stdout: stdout.join().expect("a reader"),
            stderr: stderr.join().expect("a reader"),
            disturbed: true,
        }
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        // What strace has started ends with it, for it was attached to.
        if let Ok(None) = self.strace.try_wait() {
            if let Some(thread) = self.thread() {
                let _ = Command::new("kill")
                    .args(["-KILL", &thread])
                    .stderr(Stdio::null())
                    .status();
            }
            let _ = self.strace.kill();
            let _ = self.strace.wait();
        }
    }
}
