//! What the libraries note on their way, for whoever looks for the cause of something.

use std::fmt;
use std::io;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, MakeWriter, layer};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::printable;

/// Only our own crates are listened to: what others note may hold what must not be printed.
const OURS: &str = "gantry";

/// With `debug`, prints to standard error from now on what the libraries note: requests, redirects,
/// what was tried again and what was passed over.
pub fn show_notes(debug: bool) {
    if debug {
        // Only a second call fails, and the first one does what it should.
        let _ = subscriber(io::stderr).try_init();
    }
}

fn subscriber<W>(out: W) -> impl tracing::Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let ours = Targets::new().with_target(OURS, LevelFilter::DEBUG);
    // An error output that is closed must not end the program, as a complaint about it would.
    let lines = layer()
        .event_format(Line)
        .with_writer(out)
        .log_internal_errors(false);
    tracing_subscriber::registry().with(lines.with_filter(ours))
}

/// One line: how much it matters, and the text.
struct Line;

impl<S, N> FormatEvent<S, N> for Line
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &tracing::Event<'_>,
    ) -> fmt::Result {
        let mut text = String::new();
        context.format_fields(Writer::new(&mut text), event)?;
        let word = match *event.metadata().level() {
            tracing::Level::ERROR | tracing::Level::WARN => "warning",
            _ => "debug",
        };
        writeln!(out, "{word}: {}", printable(text.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn notes_of_our_own_are_lines_that_nobody_can_forge() {
        let kept = Kept::default();
        let out = kept.clone();
        tracing::subscriber::with_default(subscriber(move || out.clone()), || {
            tracing::debug!("asked for {}", "a\nwarning: b");
            tracing::warn!("passed over");
            tracing::trace!("too much");
            tracing::debug!(target: "hyper", "authorization: secret");
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        assert_eq!(
            text,
            "debug: asked for a\\nwarning: b\nwarning: passed over\n"
        );
    }
}
