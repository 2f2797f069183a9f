//! What the pump needs of the host, opened by the supervisor while it can be reached.

use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, Mode as FileMode, OFlags, mkdirat, openat};
use rustix::io::Errno;

use gantry_types::pod_layout;

use super::console::Console;
use super::endpoint::{self, Listener};
use super::journal::Journal;
use super::log_file::LogFile;
use super::modes::Mode;
use crate::arguments::RunArguments;
use crate::failed::{Chain, Failed, Step as _, report};
use crate::plan::AppPlan;

/// Ends of streams outside the pod.
#[derive(Debug)]
pub(crate) struct Outside {
    /// The caller's standard output, and its standard error if that is something else.
    pub(super) consoles: Vec<Console>,
    /// The consoles also get what apps write to their logs.
    pub(super) echo: [bool; 2],
    pub(super) journal: Option<Journal>,
    /// Per app, if one of its streams is kept.
    pub(super) logs: Vec<Option<LogFile>>,
    /// Where apps can be attached to.
    pub(super) listeners: Vec<Listener>,
}

impl Outside {
    /// Opens everything that the streams of `plans` need. The working directory must be the pod
    /// directory; `journal_stream` says which of the caller's streams is the journal.
    pub(crate) fn open(
        plans: &[AppPlan],
        arguments: &RunArguments,
        journal_stream: Option<&str>,
    ) -> Result<Self, Failed> {
        let (out, err) = (rustix::stdio::stdout(), rustix::stdio::stderr());
        let name = || "use the caller's standard output and error";
        let (out_stat, err_stat) = (
            rustix::fs::fstat(out).step(name)?,
            rustix::fs::fstat(err).step(name)?,
        );
        let mut consoles = vec![Console::new(out).step(name)?];
        // One queue for what is one stream keeps the order of its lines.
        if (out_stat.st_dev, out_stat.st_ino) != (err_stat.st_dev, err_stat.st_ino) {
            consoles.push(Console::new(err).step(name)?);
        }
        let keeps = |plan: &AppPlan| plan.modes.each().contains(&Mode::Log);
        let mut outside = Self {
            consoles,
            echo: [true; 2],
            journal: None,
            logs: Vec::new(),
            listeners: Vec::new(),
        };
        outside.logs.resize_with(plans.len(), || None);
        if plans.iter().any(keeps) {
            let pid = rustix::process::getpid().as_raw_nonzero();
            outside.journal = Journal::connect(&arguments.uuid, pid.get().unsigned_abs());
            // A full disk is no reason to run nothing.
            if let Err(error) = outside.keep_logs(plans) {
                report(format_args!(
                    "warning: what the apps write is not kept: {}",
                    Chain(&error)
                ));
            }
        }
        if outside.journal.is_some() {
            // The journal would show each line twice.
            let is_journal = |stat: &rustix::fs::Stat| {
                journal_stream == Some(&format!("{}:{}", stat.st_dev, stat.st_ino))
            };
            outside.echo = [!is_journal(&out_stat), !is_journal(&err_stat)];
        }
        for (number, plan) in plans.iter().enumerate() {
            outside.listeners.extend(endpoint::listen(number, plan)?);
        }
        Ok(outside)
    }

    /// Makes the log files of the apps that need one.
    fn keep_logs(&mut self, plans: &[AppPlan]) -> Result<(), Failed> {
        let directory = log_directory(self.journal.is_some())?;
        for (plan, log) in plans.iter().zip(&mut self.logs) {
            if plan.modes.each().contains(&Mode::Log) {
                let made = LogFile::create(&directory, &plan.name);
                *log = Some(made.step(|| format!("make the log of app {}", plan.name))?);
            }
        }
        Ok(())
    }
}

/// Makes the directory of the logs, with a mark in it if they are in the journal.
fn log_directory(in_journal: bool) -> Result<OwnedFd, Failed> {
    make_directories(pod_layout::LOGS, 0o750)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = openat(CWD, pod_layout::LOGS, flags, FileMode::empty());
    let directory = open.step(|| format!("open {}", pod_layout::LOGS))?;
    if in_journal {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        openat(
            CWD,
            pod_layout::IN_JOURNAL,
            flags,
            FileMode::from_raw_mode(0o640),
        )
        .step(|| format!("make {}", pod_layout::IN_JOURNAL))?;
    }
    Ok(directory)
}

/// Makes the directories of `path`, the last of them with `mode`.
pub(super) fn make_directories(path: &str, mode: u32) -> Result<(), Failed> {
    let mut so_far: Vec<&Path> = Path::new(path).ancestors().collect();
    so_far.pop();
    for directory in so_far.into_iter().rev() {
        let last = directory.as_os_str() == path;
        let mode = FileMode::from_raw_mode(if last { mode } else { 0o755 });
        match mkdirat(CWD, directory, mode) {
            Ok(()) if last => {
                rustix::fs::chmodat(CWD, directory, mode, rustix::fs::AtFlags::empty())
                    .step(|| format!("set the mode of {}", directory.display()))?
            }
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error).step(|| format!("make {}", directory.display())),
        }
    }
    Ok(())
}

/// Whether the caller's standard input is a terminal.
pub(crate) fn stdin_is_terminal() -> bool {
    rustix::termios::isatty(rustix::stdio::stdin().as_fd())
}
