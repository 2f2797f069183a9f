//! The groups of a pod: made and set before it starts, removed when it has ended.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::time::Duration;

use gantry_sys::cgroup::{Group, Hierarchies, Version};
use gantry_types::{IsolatorOutcome, IsolatorReport, IsolatorStatus, pod_layout};

use super::controller::Controller;
use super::joined::AppGroup;
use super::knobs;
use super::lanes::{Lane, Lanes};
use super::pids;
use super::record;
use super::wanted::{Asked, Limit};
use crate::failed::{Failed, Step as _};
use crate::plan::{AppPlan, PodPlan};

/// How long the end of a pod waits for its groups to be empty; what takes longer is left to gc.
const PATIENCE: Duration = Duration::from_millis(200);

/// The limits of a pod could not be set.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LimitError {
    /// A step was refused.
    #[error(transparent)]
    Failed(#[from] Failed),
    /// Something cannot be enforced, and the pod is to run only if everything can.
    #[error(
        "isolator {name}{} cannot be enforced, as --isolators=strict demands{}",
        of(app.as_deref()), because(detail)
    )]
    Ignored {
        app: Option<String>,
        name: String,
        detail: String,
    },
}

fn of(app: Option<&str>) -> String {
    app.map_or_else(String::new, |app| format!(" of app {app}"))
}

fn because(detail: &str) -> String {
    match detail {
        "" => String::new(),
        detail => format!(": {detail}"),
    }
}

/// The groups of a pod. They are removed when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct PodGroups {
    pods: Vec<Group>,
    apps: Vec<AppGroup>,
    /// The value of `kernel.pid_max` for the pod, where no group bounds its processes.
    pub(crate) max_pid: Option<u32>,
}

impl PodGroups {
    /// Makes the groups that the pod in the working directory needs, and sets its limits.
    ///
    /// What is done about each isolator is written to the pod directory, and `warn` gets what is
    /// not enforced.
    pub(crate) fn make(
        pod: &PodPlan,
        uuid: &str,
        warn: &mut dyn FnMut(String),
    ) -> Result<Self, LimitError> {
        let hierarchies = Hierarchies::of_caller()
            .unwrap_or_else(|_| Hierarchies::at(Path::new("/nonexistent"), ""));
        let systemd = Path::new("/run/systemd/system").exists();
        let (groups, report) = Self::make_in(&hierarchies, systemd, pod, uuid)?;
        let ignored = |outcome: &&IsolatorOutcome| outcome.status == IsolatorStatus::Ignored;
        for outcome in report.0.iter().filter(ignored) {
            if pod.strict {
                return Err(LimitError::Ignored {
                    app: outcome.app.clone(),
                    name: outcome.name.clone(),
                    detail: outcome.detail.clone(),
                });
            }
            warn(format!(
                "warning: isolator {}{} is not enforced{}",
                outcome.name,
                of(outcome.app.as_deref()),
                because(&outcome.detail)
            ));
        }
        if !report.0.is_empty() {
            record::write_file(pod_layout::ISOLATORS, &report.to_json())?;
        }
        Ok(groups)
    }

    fn make_in(
        hierarchies: &Hierarchies,
        systemd: bool,
        pod: &PodPlan,
        uuid: &str,
    ) -> Result<(Self, IsolatorReport), Failed> {
        let all = pod
            .limits
            .iter()
            .chain(pod.apps.iter().flat_map(|app| &app.limits));
        let mut needed: BTreeSet<Controller> = all
            .filter_map(|asked| asked.limit.ok()?.controller())
            .collect();
        let most = pids::of_pod(pod.apps.iter().map(|app| &app.limits[..]));
        let max_pid = most.and_then(pids::maximum_number);
        if most.is_some() && max_pid.is_none() {
            needed.insert(Controller::Pids);
        }
        let mut lanes = Lanes::choose(
            hierarchies,
            &needed,
            &pod_layout::machine_scope(uuid),
            systemd,
        );
        record::write(lanes.list(), lanes.tracking())?;
        // From here on what was made is removed again on failure.
        let mut groups = Self::default();
        let pods = lanes.list().iter().map(|lane| lane.pod.clone());
        groups.pods.extend(pods);
        lanes.make();
        groups.max_pid = match (lanes.of(Controller::Pids), most) {
            (Ok(lane), Some(most)) => {
                let step = || "limit the processes of the pod";
                lane.pod.write("pids.max", &most.to_string()).step(step)?;
                None
            }
            _ => max_pid,
        };
        let disks = if needed.contains(&Controller::Block) {
            knobs::disks()
        } else {
            Vec::new()
        };
        let mut report = pod.outcomes.clone();
        for asked in &pod.limits {
            report.push(apply(
                asked,
                None,
                &lanes,
                &|lane: &Lane| lane.pod.clone(),
                &disks,
            ));
        }
        for app in &pod.apps {
            groups
                .apps
                .push(make_app(app, &lanes, &disks, &mut report)?);
        }
        Ok((groups, IsolatorReport(report)))
    }

    /// The groups of the apps, in the order of the pod's list, with their descriptors.
    pub(crate) fn take_apps(&mut self) -> Vec<AppGroup> {
        std::mem::take(&mut self.apps)
    }
}

impl Drop for PodGroups {
    fn drop(&mut self) {
        for group in &self.pods {
            // What is still in use goes with gc.
            let _ = group.end(PATIENCE);
        }
    }
}

fn make_app(
    app: &AppPlan,
    lanes: &Lanes,
    disks: &[String],
    report: &mut Vec<IsolatorOutcome>,
) -> Result<AppGroup, Failed> {
    let name = record::app_group_name(&app.name);
    let group = |lane: &Lane| lane.pod.child(&name);
    let own: Vec<(Version, Group)> = lanes
        .list()
        .iter()
        .map(|lane| (lane.version, group(lane)))
        .collect();
    for (_, group) in &own {
        let step = || format!("make the control group {}", group.directory().display());
        group.make().step(step)?;
    }
    report.extend(app.outcomes.iter().cloned());
    for asked in &app.limits {
        report.push(apply(asked, Some(&app.name), lanes, &group, disks));
    }
    AppGroup::open(own.iter().map(|(version, group)| (*version, group)))
}

/// Writes a limit to its group, and tells how that went.
fn apply(
    asked: &Asked,
    app: Option<&str>,
    lanes: &Lanes,
    group: &dyn Fn(&Lane) -> Group,
    disks: &[String],
) -> IsolatorOutcome {
    let ignored = |why: String| asked.outcome(app, IsolatorStatus::Ignored, why);
    let limit = match asked.limit {
        Ok(limit) => limit,
        Err(why) => return ignored(why.to_owned()),
    };
    let mut notes: Vec<String> = Vec::new();
    if let Some(controller) = limit.controller() {
        let lane = match lanes.of(controller) {
            Ok(lane) => lane,
            Err(why) => {
                let name = controller.name(Version::Two);
                return ignored(format!("no controller {name}: {why}"));
            }
        };
        let settings = knobs::settings(limit, lane.version, disks);
        if settings.is_empty() {
            return ignored("there is nothing that it could be set for".to_owned());
        }
        let group = group(lane);
        for setting in settings {
            match group.write(setting.file, &setting.value) {
                Err(error) if setting.optional && error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    let file = group.directory().join(setting.file);
                    return ignored(format!("cannot write {}: {error}", file.display()));
                }
                Ok(()) => notes.push(format!("{}={}", setting.file, setting.value)),
            }
        }
    } else if let Limit::OomScoreAdj(score) = limit
        && let Some(why) = oom_refusal(app, score)
    {
        return ignored(why);
    }
    let status = match &asked.narrowed {
        Some(why) => {
            notes.insert(0, why.clone());
            IsolatorStatus::Narrowed
        }
        None => IsolatorStatus::Enforced,
    };
    asked.outcome(app, status, notes.join("; "))
}

/// Why the score of an app's processes cannot be set.
fn oom_refusal(app: Option<&str>, score: i32) -> Option<String> {
    if app.is_none() {
        return Some("it is set for apps, not for a pod as a whole".to_owned());
    }
    let own = std::fs::read_to_string("/proc/self/oom_score_adj").ok()?;
    let own: i32 = own.trim().parse().ok()?;
    (score < own && !may_lower_score())
        .then(|| format!("only a privileged process may have less than its parent's {own}"))
}

fn may_lower_score() -> bool {
    use gantry_sys::capability::Capabilities;
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let set = text.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let bits = set.and_then(|set| u64::from_str_radix(set.trim(), 16).ok());
    let needed = Capabilities::from_name("CAP_SYS_RESOURCE").map_or(0, Capabilities::bits);
    bits.is_some_and(|bits| bits & needed != 0)
}
