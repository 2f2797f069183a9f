//! Collection of pods that ended, were never finished or never run.

use std::fmt;
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gantry_types::Uuid;
use rustix::fs::AtFlags;

use crate::file;
use crate::phase::{Phase, State};
use crate::pod::Pod;
use crate::pods_dir::{ForeignEntry, Inventory, PodsDir};
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
        let Inventory { pods, foreign } = self.pods()?;
        foreign
            .into_iter()
            .for_each(|entry| event(GcEvent::Foreign(entry)));
        for (uuid, phase) in pods {
            let result = match self.reopen(uuid, phase) {
                Ok(Some(pod)) => collect(pod, options, &mut event),
                Ok(None) => Ok(()),
                Err(e) => Err(e),
            };
            if let Err(source) = result {
                event(GcEvent::Failed { uuid, source });
            }
        }
        if !options.mark_only {
            self.sweep_users()?;
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
    use crate::sample::{Sample, gc_options, uuid};

    /// One pod in each phase that nobody holds, with the number of the phase as UUID.
    fn pods_in_all_phases(sample: &Sample) {
        for phase in Phase::ALL {
            let mut pod = sample.pods.create(uuid(phase as u8)).unwrap();
            if phase != Phase::Prepare {
                pod.move_to(phase).unwrap();
            }
        }
    }

    fn events(sample: &Sample, options: &GcOptions<'_>) -> Vec<String> {
        let mut lines = Vec::new();
        sample
            .pods
            .gc(options, |event| lines.push(event.to_string()))
            .unwrap();
        lines
    }

    #[test]
    fn marking_renames_what_ended_and_removes_nothing() {
        let sample = Sample::new();
        let stage1 = sample.stage1();
        pods_in_all_phases(&sample);
        let options = GcOptions {
            mark_only: true,
            ..gc_options(&stage1)
        };
        assert_eq!(
            events(&sample, &options),
            [
                format!("moving failed prepare \"{}\" to garbage", uuid(1)),
                format!("moving pod \"{}\" to garbage", uuid(3)),
            ]
        );
        let count = |phase| sample.phase(phase).len();
        assert_eq!(
            [
                "embryo",
                "prepare",
                "prepared",
                "run",
                "exited-garbage",
                "garbage"
            ]
            .map(count),
            [1, 0, 1, 0, 2, 2]
        );
        assert!(sample.calls().is_empty());
    }

    #[test]
    fn exited_pods_stay_for_the_grace_period_and_prepared_ones_until_they_expire() {
        let sample = Sample::new();
        let stage1 = sample.stage1();
        pods_in_all_phases(&sample);
        let hour = Duration::from_secs(3600);
        let options = GcOptions {
            grace_period: hour / 2,
            ..gc_options(&stage1)
        };
        let lines = events(&sample, &options);
        let within = |n| {
            format!(
                "pod \"{}\" not removed: still within grace period (30m0s)",
                uuid(n)
            )
        };
        assert!(
            lines.contains(&within(3)) && lines.contains(&within(4)),
            "{lines:?}"
        );
        assert!(
            lines.contains(&format!("Garbage collecting pod \"{}\"", uuid(5))),
            "{lines:?}"
        );
        let count = |phase| sample.phase(phase).len();
        let phases = [
            "embryo",
            "prepare",
            "prepared",
            "run",
            "exited-garbage",
            "garbage",
        ];
        assert_eq!(phases.map(count), [0, 0, 1, 0, 2, 0]);

        let later = GcOptions {
            now: options.now + hour,
            ..options
        };
        events(&sample, &later);
        assert_eq!(phases.map(count), [0, 0, 1, 0, 0, 0]);
        assert_eq!(sample.calls().lines().count(), 2);

        let next_day = GcOptions {
            now: options.now + 25 * hour,
            ..options
        };
        let lines = events(&sample, &next_day);
        let moved = format!("moving expired prepared pod \"{}\" to garbage", uuid(2));
        assert_eq!(lines.first(), Some(&moved));
        assert_eq!(phases.map(count), [0; 6]);
    }

    #[test]
    fn pods_in_use_and_strangers_are_left_alone() {
        let sample = Sample::new();
        let stage1 = sample.stage1();
        let mut running = sample.pods.create(uuid(7)).unwrap();
        running.move_to(Phase::Run).unwrap();
        let _preparing = sample.pods.create(uuid(8)).unwrap();
        std::fs::write(sample.data().join("pods/run/notes"), "x").unwrap();
        let lines = events(&sample, &gc_options(&stage1));
        assert_eq!(lines.len(), 1);
        assert!(
            lines[0].ends_with("pods/run/notes is not a pod; move it away"),
            "{lines:?}"
        );
        assert_eq!(
            (sample.phase("run").len(), sample.phase("prepare").len()),
            (2, 1)
        );
    }

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

    #[test]
    fn child_fills_a_small_disk_and_cleans_up() {
        let Some(data) = std::env::var_os("GANTRY_TEST_FULL") else {
            return;
        };
        let data = std::path::Path::new(&data);
        rustix::mount::mount(
            "tmpfs",
            data,
            "tmpfs",
            rustix::mount::MountFlags::empty(),
            c"size=64k",
        )
        .unwrap();
        let pods = PodsDir::open(data).unwrap();
        for n in 0..3 {
            let mut pod = pods.create(uuid(n)).unwrap();
            file::create(std::os::fd::AsFd::as_fd(&pod), "pod".as_ref(), 0o640, b"{}").unwrap();
            pod.move_to(Phase::Run).unwrap();
        }
        std::fs::write(data.join("ballast"), [0; 128 * 1024]).unwrap_err();
        assert!(
            std::fs::write(data.join("more"), [1; 4096]).is_err(),
            "the disk is full"
        );
        let pods = PodsDir::open(data).unwrap();
        let listing = pods.list().unwrap();
        assert_eq!((listing.pods.len(), listing.errors.len()), (3, 0));
        let stage1 = std::path::Path::new("/bin/true");
        pods.lookup(&uuid(0).to_string())
            .unwrap()
            .remove(&gc_options(stage1).remove)
            .unwrap();
        let mut problems = Vec::new();
        pods.gc(&gc_options(stage1), |event| {
            problems.extend(event.source().map(ToString::to_string))
        })
        .unwrap();
        assert!(problems.is_empty(), "{problems:?}");
        assert!(pods.pods().unwrap().pods.is_empty());
    }

    #[test]
    fn listing_and_removal_work_on_a_full_disk() {
        if !gantry_testkit::needs_root() {
            return;
        }
        let temp = tempfile::tempdir().unwrap();
        let status = std::process::Command::new("unshare")
            .args(["--mount", "--propagation", "private"])
            .arg(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "gc::tests::child_fills_a_small_disk_and_cleans_up",
            ])
            .env("GANTRY_TEST_FULL", temp.path())
            .stdout(std::process::Stdio::null())
            .status()
            .unwrap();
        assert!(status.success());
    }
}
