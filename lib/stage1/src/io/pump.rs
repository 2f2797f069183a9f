//! Moves what apps write and read, while init waits for signals.

mod clients;
mod ready;

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::Signal;
use rustix::time::{ClockId, clock_gettime};

use gantry_sys::signal::SignalSet;
use gantry_types::log_line::{LogLine, LogStream};

use clients::Client;
use ready::Token;

use super::console::Console;
use super::endpoint::{Listener, Target};
use super::journal::{Journal, Origin};
use super::lines::{Lines, Piece};
use super::log_file::LogFile;
use super::modes::Mode;
use super::outside::Outside;
use super::patience::Patience;
use super::queue::Queue;
use super::streams::{self, AppEnds};
use super::terminal::{Escape, copy_window_size};
use crate::failed::{Failed, Step as _};
use crate::notify::Readiness;
use crate::plan::AppPlan;

/// Bytes taken from one stream at a time, before it is the next one's turn.
const CHUNK_BYTES: usize = 8 * 1024;

/// How long those who are attached may take to read the last words of a pod.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Where the output of an app goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum To {
    Log(LogStream),
    Attached(Target),
    Caller,
}

/// A stream that an app writes.
#[derive(Debug)]
struct Source {
    app: usize,
    fd: OwnedFd,
    to: To,
    lines: Lines,
    /// Nothing more comes.
    ended: bool,
}

/// A stream that an app reads.
#[derive(Debug)]
struct Input {
    app: usize,
    target: Target,
    queue: Queue,
}

/// What init knows of an app whose output it handles.
#[derive(Debug)]
struct Named {
    name: String,
    /// Its number in the pod.
    pid: u32,
    /// Kept for its handlers, and so that a terminal stays one.
    ends: Option<AppEnds>,
}

/// All streams of the pod.
#[derive(Debug)]
pub(crate) struct Pump {
    signals: OwnedFd,
    /// What the service manager is told.
    pub(crate) readiness: Readiness,
    consoles: Vec<Console>,
    echo: [bool; 2],
    journal: Option<Journal>,
    logs: Vec<Option<LogFile>>,
    listeners: Vec<Listener>,
    apps: Vec<Named>,
    sources: Vec<Source>,
    inputs: Vec<Input>,
    clients: Vec<Client>,
    /// The caller's terminal is read.
    caller_input: bool,
    escape: Escape,
    /// Whose turn is first, so that nobody always is.
    first: usize,
}

impl Pump {
    /// A pump without apps. `signals` are blocked.
    pub(crate) fn new(
        outside: Outside,
        signals: &SignalSet,
        readiness: Readiness,
    ) -> Result<Self, Failed> {
        Ok(Self {
            readiness,
            signals: signals.descriptor().step(|| "wait for signals")?,
            consoles: outside.consoles,
            echo: outside.echo,
            journal: outside.journal,
            logs: outside.logs,
            listeners: outside.listeners,
            apps: Vec::new(),
            sources: Vec::new(),
            inputs: Vec::new(),
            clients: Vec::new(),
            caller_input: false,
            escape: Escape::default(),
            first: 0,
        })
    }

    /// Makes the streams of the next app, in the order of the plans.
    pub(crate) fn open(&mut self, plan: &AppPlan) -> Result<&AppEnds, Failed> {
        let name = || format!("make the standard streams of app {}", plan.name);
        let app = self.apps.len();
        let modes = plan.modes;
        let (mut ends, ours) = streams::make(modes).step(name)?;
        if plan.notifies {
            ends.notify = Some(self.readiness.app(app, &plan.name).step(name)?);
        }
        if let Some(fd) = ours.stdin {
            self.inputs.push(Input {
                app,
                target: Target::Stdin,
                queue: Queue::new(fd),
            });
        }
        if let Some(master) = ours.terminal {
            let of_caller = modes.has_callers_terminal();
            if of_caller {
                self.caller_input = true;
                copy_window_size(&master);
            }
            let writer = rustix::io::fcntl_dupfd_cloexec(&master, 3).step(name)?;
            self.inputs.push(Input {
                app,
                target: Target::Tty,
                queue: Queue::new(writer),
            });
            let to = if of_caller {
                To::Caller
            } else {
                To::Attached(Target::Tty)
            };
            self.source(app, master, to);
        }
        for (fd, mode, stream, target) in [
            (ours.stdout, modes.stdout, LogStream::Stdout, Target::Stdout),
            (ours.stderr, modes.stderr, LogStream::Stderr, Target::Stderr),
        ] {
            let Some(fd) = fd else { continue };
            let to = match mode {
                Mode::Stream => To::Attached(target),
                _ => To::Log(stream),
            };
            self.source(app, fd, to);
        }
        self.apps.push(Named {
            name: plan.name.clone(),
            pid: 0,
            ends: None,
        });
        Ok(self.apps[app].ends.insert(ends))
    }

    fn source(&mut self, app: usize, fd: OwnedFd, to: To) {
        self.sources.push(Source {
            app,
            fd,
            to,
            lines: Lines::default(),
            ended: false,
        });
    }

    /// Takes note of the number, in the pod, of the app that was opened last.
    pub(crate) fn started(&mut self, pid: u32) {
        if let Some(app) = self.apps.last_mut() {
            app.pid = pid;
        }
    }

    /// The app's own ends, for its handler; none once it has ended for good.
    pub(crate) fn ends(&self, app: usize) -> Option<&AppEnds> {
        self.apps.get(app)?.ends.as_ref()
    }

    /// Takes note that an app and its handlers have ended. What they left running may still write.
    pub(crate) fn ended(&mut self, app: usize) {
        self.readiness.app_ended(app);
        if let Some(app) = self.apps.get_mut(app) {
            app.ends = None;
        }
    }

    /// Takes one pending signal, waiting for it at most `timeout`, and moves bytes meanwhile.
    ///
    /// A caller at its terminal who asks for the end by `^]^]^]` is told as [`Signal::KILL`].
    pub(crate) fn wait(
        &mut self,
        signals: &SignalSet,
        timeout: Option<Duration>,
    ) -> Result<Option<Signal>, Failed> {
        let name = || "wait for signals";
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            // An app that notifies gives a sign of life itself; for others init does.
            let next_sign = self.readiness.next_sign();
            let until = match (left, next_sign) {
                (Some(left), Some(next)) => Some(left.min(next)),
                (left, next) => left.or(next),
            };
            let ready = self.poll(until, false).step(name)?;
            self.readiness.give_sign();
            let mut signal = None;
            for (token, flags) in ready {
                match token {
                    Token::Signals => signal = signals.wait(Some(Duration::ZERO)).step(name)?,
                    token => self.handle(token, flags),
                }
            }
            self.settle();
            if signal == Some(Signal::WINCH) {
                self.resize();
                continue;
            }
            if self.escape.take() {
                return Ok(Some(Signal::KILL));
            }
            if signal.is_some() || left == Some(Duration::ZERO) {
                return Ok(signal);
            }
        }
    }

    /// Moves everything that is left, once nothing in the pod runs any more.
    ///
    /// A caller that does not read is waited for until it is asked for the pod's end, and then for
    /// `patience`.
    pub(crate) fn finish(&mut self, signals: &SignalSet, mut patience: Patience) {
        for app in &mut self.apps {
            app.ends = None;
        }
        self.caller_input = false;
        self.inputs.clear();
        self.listeners.clear();
        let end_of_words = Instant::now() + LAST_WORDS;
        loop {
            for number in 0..self.sources.len() {
                // Whoever could write is gone: what is not there now never comes.
                while self.has_room(number) && !self.sources[number].ended {
                    if !self.read(number) {
                        self.end(number);
                    }
                }
            }
            self.settle();
            let now = Instant::now();
            if now >= end_of_words {
                self.clients.clear();
            }
            if patience.deadline.is_some_and(|deadline| now >= deadline) {
                for console in &mut self.consoles {
                    console.close();
                }
                self.journal = None;
                self.clients.clear();
            }
            let caller_waits = self
                .consoles
                .iter()
                .any(|console| console.waits().is_some())
                || self.journal.as_ref().is_some_and(|j| j.waits().is_some());
            let client_waits = self.clients.iter().any(|client| client.queue.waits());
            if self.sources.is_empty() && !caller_waits && !client_waits {
                return;
            }
            if !caller_waits && !client_waits {
                continue;
            }
            let until = match (client_waits, patience.deadline) {
                (true, Some(deadline)) => Some(deadline.min(end_of_words)),
                (true, None) => Some(end_of_words),
                (false, deadline) => deadline,
            };
            let left = until.map(|until| until.saturating_duration_since(now));
            let Ok(ready) = self.poll(left, true) else {
                return;
            };
            for (token, flags) in ready {
                match token {
                    Token::Signals => match signals.wait(Some(Duration::ZERO)) {
                        Ok(Some(Signal::CHILD | Signal::WINCH) | None) => {}
                        Ok(Some(_)) => patience.end_soon(),
                        Err(_) => return,
                    },
                    token => self.handle(token, flags),
                }
            }
        }
    }

    /// The console that shows the lines of a stream.
    fn console(&self, stream: LogStream) -> Option<usize> {
        let number = usize::from(stream == LogStream::Stderr);
        self.echo[number].then(|| number.min(self.consoles.len() - 1))
    }

    /// Takes some bytes of a source and hands them on; false if there are none now.
    fn read(&mut self, number: usize) -> bool {
        let mut bytes = [0; CHUNK_BYTES];
        match rustix::io::read(&self.sources[number].fd, &mut bytes) {
            Ok(0) => self.end(number),
            Ok(count) => {
                self.take(number, &bytes[..count]);
                return true;
            }
            Err(Errno::INTR) => return true,
            Err(Errno::AGAIN) => {}
            // A terminal that nobody has open any more.
            Err(_) => self.end(number),
        }
        false
    }

    fn take(&mut self, number: usize, bytes: &[u8]) {
        let source = &mut self.sources[number];
        match source.to {
            To::Log(stream) => {
                let mut lines = std::mem::take(&mut source.lines);
                let app = source.app;
                lines.push(bytes, |piece| self.log(app, stream, piece));
                self.sources[number].lines = lines;
            }
            To::Attached(target) => {
                let app = source.app;
                for client in &mut self.clients {
                    if (client.app, client.target) == (app, target) {
                        client.queue.push(bytes);
                    }
                }
            }
            To::Caller => self.consoles[0].raw(bytes),
        }
    }

    /// Takes note that a source has ended: what is left of a line is one.
    fn end(&mut self, number: usize) {
        let source = &mut self.sources[number];
        source.ended = true;
        if let To::Log(stream) = source.to {
            let mut lines = std::mem::take(&mut source.lines);
            let app = source.app;
            lines.finish(|piece| self.log(app, stream, piece));
        }
    }

    fn log(&mut self, app: usize, stream: LogStream, piece: Piece<'_>) {
        let console = self.console(stream);
        let Named { name, pid, .. } = &self.apps[app];
        if let Some(number) = console {
            self.consoles[number].line(name, *pid, piece);
        }
        let origin = Origin {
            app: name,
            pid: *pid,
            stream,
        };
        if let Some(journal) = &mut self.journal {
            if journal.line(origin, piece) {
                return;
            }
            // The files are there for this.
            self.journal = None;
        }
        if let Some(log) = &mut self.logs[app] {
            let line = LogLine {
                time: now(),
                stream,
                partial: piece.partial,
                text: piece.text,
            };
            line.write(log.batch());
        }
    }

    /// Gives the app's terminal the size of the caller's.
    fn resize(&self) {
        for source in &self.sources {
            if source.to == To::Caller {
                copy_window_size(&source.fd);
            }
        }
    }

    /// Writes what was collected, and forgets what has ended.
    fn settle(&mut self) {
        for log in self.logs.iter_mut().flatten() {
            log.flush();
        }
        for console in &mut self.consoles {
            console.flush();
        }
        if self
            .journal
            .as_mut()
            .is_some_and(|journal| !journal.flush())
        {
            self.journal = None;
        }
        self.sources.retain(|source| !source.ended);
        let (apps, sources) = (&self.apps, &self.sources);
        let over = |app: usize| {
            apps.get(app).is_some_and(|app| app.ends.is_none())
                && !sources.iter().any(|source| source.app == app)
        };
        self.inputs.retain(|input| !over(input.app));
        self.listeners.retain(|listener| !over(listener.app));
        // Who is attached to an app that has ended gets its last words.
        let done = |client: &Client| over(client.app) && !client.queue.waits();
        self.clients
            .retain(|client| !client.queue.is_closed() && !done(client));
        self.first = self.first.wrapping_add(1);
    }
}

fn now() -> u64 {
    let now = clock_gettime(ClockId::Realtime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    seconds * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or_default()
}
