//! Progress of long work: a bar on a terminal, plain lines elsewhere.

use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::size;

/// The progress of one transfer after the other, on standard error.
///
/// On a terminal a bar shows size, speed and time left. Elsewhere one line is written when a transfer
/// begins and one when it ends, so that a log says what happened without thousands of updates. A quiet
/// one writes nothing.
pub struct Progress {
    mode: Mode,
    current: Option<Transfer>,
}

enum Mode {
    Bar,
    Lines,
    Quiet,
}

struct Transfer {
    label: String,
    done: u64,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Bars when `terminal`, plain lines otherwise.
    pub fn new(terminal: bool) -> Self {
        Self {
            mode: if terminal { Mode::Bar } else { Mode::Lines },
            current: None,
        }
    }

    /// Writes nothing at all.
    pub fn quiet() -> Self {
        Self {
            mode: Mode::Quiet,
            current: None,
        }
    }

    /// A piece of work begins: `label` such as `Downloading ACI`, `done` bytes of `total` are there.
    pub fn begin(&mut self, label: &str, done: u64, total: Option<u64>) {
        self.end();
        let bar = match self.mode {
            Mode::Quiet => None,
            Mode::Lines => {
                let of = total.map_or(String::new(), |total| format!(" ({})", size(total)));
                // Progress is a courtesy: work goes on when standard error is closed.
                let _ = writeln!(io::stderr(), "{label}{of}");
                None
            }
            Mode::Bar => {
                let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
                let template = if total.is_some() {
                    "{msg}: [{bar:30}] {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} eta {eta}"
                } else {
                    "{msg}: {binary_bytes} {binary_bytes_per_sec}"
                };
                if let Ok(style) = ProgressStyle::with_template(template) {
                    bar.set_style(style.progress_chars("=> "));
                }
                bar.set_message(label.to_owned());
                bar.set_position(done);
                bar.reset_eta();
                Some(bar)
            }
        };
        self.current = Some(Transfer {
            label: label.to_owned(),
            done,
            bar,
        });
    }

    /// `done` bytes are there now.
    pub fn set(&mut self, done: u64) {
        if let Some(transfer) = &mut self.current {
            transfer.done = done;
            if let Some(bar) = &transfer.bar {
                bar.set_position(done);
            }
        }
    }

    /// Runs `write` with the bar out of the way, for messages in between.
    pub fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        match self
            .current
            .as_ref()
            .and_then(|transfer| transfer.bar.as_ref())
        {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// The piece of work is over; its last state stays visible.
    pub fn end(&mut self) {
        let Some(transfer) = self.current.take() else {
            return;
        };
        match (&self.mode, transfer.bar) {
            (_, Some(bar)) => bar.abandon(),
            (Mode::Lines, None) => {
                let _ = writeln!(
                    io::stderr(),
                    "{}: {} done",
                    transfer.label,
                    size(transfer.done)
                );
            }
            _ => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}
