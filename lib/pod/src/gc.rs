//! Collection of pods that ended, were never finished or never run.

use std::fmt;
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gantry_types::Uuid;
use rustix::fs::AtFlags;

use crate::file;
use crate::phase::{Phase, State};
use crate::pod::Pod;
use crate::pods_dir::{ForeignEntry, PodsDir};
use crate::remove::{RemoveError, RemoveOptions};

/// What to collect.
#[derive(Debug, Clone, Copy)]
pub struct GcOptions<'a> {
    /// How long an exited pod stays after it was marked.
    pub grace_period: Duration,
    /// How long a prepared pod may wait to be run.
    pub expire_prepared: Duration,
    /// Only mark pods as garbage, remove nothing.
    pub mark_only: bool,
    /// The time now.
    pub now: SystemTime,
    /// How pods are removed.
    pub remove: RemoveOptions<'a>,
}

/// One thing that the collection did or could not do; `Display` is the line to print.
#[derive(Debug)]
pub enum GcEvent {
    /// An exited pod was marked.
    MovedExited(Uuid),
    /// A pod whose preparation was cut short was marked.
    MovedAborted(Uuid),
    /// A prepared pod that nobody ran was marked.
    MovedExpired(Uuid),
    /// A marked pod stays for now.
    WithinGrace(Uuid, Duration),
    /// A pod is being removed. The one line for stdout.
    Collecting(Uuid),
    /// A pod could not be opened, looked at or marked.
    Failed {
        /// The pod.
        uuid: Uuid,
        /// Why.
        source: io::Error,
    },
    /// A pod could not be removed.
    NotRemoved(RemoveError),
    /// Something that is not a pod lies in a phase directory.
    Foreign(ForeignEntry),
}

impl GcEvent {
    /// Whether the line goes to stdout; all others go to stderr.
    #[must_use]
    pub fn is_data(&self) -> bool {
        matches!(self, Self::Collecting(_))
    }

    /// The error to print the causes of, if it is one.
    #[must_use]
    pub fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Failed { source, .. } => Some(source),
            Self::NotRemoved(error) => std::error::Error::source(error),
            _ => None,
        }
    }
}

impl fmt::Display for GcEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MovedExited(uuid) => write!(f, "moving pod \"{uuid}\" to garbage"),
            Self::MovedAborted(uuid) => write!(f, "moving failed prepare \"{uuid}\" to garbage"),
            Self::MovedExpired(uuid) => {
                write!(f, "moving expired prepared pod \"{uuid}\" to garbage")
            }
            Self::WithinGrace(uuid, grace) => {
                let grace = GoDuration(*grace);
                write!(
                    f,
                    "pod \"{uuid}\" not removed: still within grace period ({grace})"
                )
            }
            Self::Collecting(uuid) => write!(f, "Garbage collecting pod \"{uuid}\""),
            Self::Failed { uuid, .. } => write!(f, "cannot collect pod \"{uuid}\""),
            Self::NotRemoved(error) => error.fmt(f),
            Self::Foreign(entry) => write!(f, "{entry}; move it away"),
        }
    }
}

/// A duration as Go prints it: `30m0s`, `1h0m0s`, `24h0m0s`, `5s`, `1.5s`, `0s`.
struct GoDuration(Duration);

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        if h > 0 {
            write!(f, "{h}h")?;
        }
        if seconds >= 60 {
            write!(f, "{m}m")?;
        }
        let nanos = self.0.subsec_nanos();
        if seconds == 0 && nanos > 0 {
            // Below a second Go changes the unit.
            let (value, unit) = match nanos {
                n if n >= 1_000_000 => (f64::from(n) / 1e6, "ms"),
                n if n >= 1_000 => (f64::from(n) / 1e3, "µs"),
                n => (f64::from(n), "ns"),
            };
            return write!(f, "{value}{unit}");
        }
        write!(f, "{s}")?;
        if nanos > 0 {
            write!(f, ".{}", format!("{nanos:09}").trim_end_matches('0'))?;
        }
        f.write_str("s")
    }
}

impl PodsDir {
    /// Marks and removes what has had its day.
    ///
    /// One pod's trouble does not stop the others: all that happens goes to `event`. Any number of
    /// collectors may run at once, and none touches a pod whose lock somebody holds.
    ///
    /// # Errors
    ///
    /// Only if the directories cannot be read at all.
    pub fn gc(&self, options: &GcOptions<'_>, mut event: impl FnMut(GcEvent)) -> io::Result<()> {
        let (pods, foreign) = self.pods()?;
        foreign
            .into_iter()
            .for_each(|entry| event(GcEvent::Foreign(entry)));
        for seen in pods {
            let uuid = seen.0;
            let result = match self.reopen(seen) {
                Ok(Some(pod)) => collect(pod, options, &mut event),
                Ok(None) => Ok(()),
                Err(e) => Err(e),
            };
            if let Err(source) = result {
                event(GcEvent::Failed { uuid, source });
            }
        }
        Ok(())
    }
}

fn collect(
    mut pod: Pod,
    options: &GcOptions<'_>,
    event: &mut impl FnMut(GcEvent),
) -> io::Result<()> {
    let uuid = pod.uuid();
    match pod.state() {
        State::Running | State::Preparing | State::Deleting | State::ExitedDeleting => {
            return Ok(());
        }
        State::Exited => {
            if !pod.try_lock()? {
                return Ok(());
            }
            event(GcEvent::MovedExited(uuid));
            pod.move_to(Phase::ExitedGarbage)?;
        }
        State::AbortedPrepare => {
            if !pod.try_lock()? {
                return Ok(());
            }
            event(GcEvent::MovedAborted(uuid));
            pod.move_to(Phase::Garbage)?;
        }
        // An embryo is an empty directory that its maker, if it lives, will make again.
        State::Embryo => {
            if options.mark_only || !pod.try_lock()? {
                return Ok(());
            }
            return match rustix::fs::unlinkat(pod.parent()?, uuid.to_string(), AtFlags::REMOVEDIR) {
                Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
                Err(e) => Err(e.into()),
            };
        }
        State::Prepared => {
            let expired = age(&pod, options.now)? > options.expire_prepared;
            if options.mark_only || !expired || !pod.try_lock()? {
                return Ok(());
            }
            event(GcEvent::MovedExpired(uuid));
            pod.move_to(Phase::Garbage)?;
        }
        State::ExitedGarbage | State::Garbage => {
            if options.mark_only || !pod.try_lock()? {
                return Ok(());
            }
        }
    }
    if options.mark_only {
        return Ok(());
    }
    if pod.phase() == Phase::ExitedGarbage && age(&pod, options.now)? < options.grace_period {
        event(GcEvent::WithinGrace(uuid, options.grace_period));
        return Ok(());
    }
    event(GcEvent::Collecting(uuid));
    if let Err(error) = pod.delete(&options.remove) {
        event(GcEvent::NotRemoved(error));
    }
    Ok(())
}

/// How long ago the pod's directory was last changed, which renaming it does; zero for a change after
/// `now`, as that of a pod marked a moment ago is.
fn age(pod: &Pod, now: SystemTime) -> io::Result<Duration> {
    let st = rustix::fs::fstat(pod)?;
    let changed = file::nanoseconds(st.st_ctime, st.st_ctime_nsec.cast_signed());
    let changed = UNIX_EPOCH + Duration::from_nanos(u64::try_from(changed).unwrap_or(0));
    Ok(now.duration_since(changed).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_in_go() {
        for (duration, want) in [
            (Duration::ZERO, "0s"),
            (Duration::from_secs(5), "5s"),
            (Duration::from_millis(1500), "1.5s"),
            (Duration::from_millis(250), "250ms"),
            (Duration::from_secs(60), "1m0s"),
            (Duration::from_secs(1800), "30m0s"),
            (Duration::from_secs(24 * 3600), "24h0m0s"),
        ] {
            assert_eq!(GoDuration(duration).to_string(), want);
        }
    }
}
