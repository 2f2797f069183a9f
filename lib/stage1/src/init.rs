//! PID 1 of a pod: makes its root, starts its apps, reaps, and ends it.

use std::os::fd::{AsFd as _, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{
    Pid, Signal, WaitOptions, kill_process_group, set_parent_process_death_signal, setsid, wait,
};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use gantry_sys::namespace::Namespaces;
use gantry_sys::netif::loopback_up;
use gantry_sys::process::{Fork, exit_now, unshare};
use gantry_sys::signal::{self, SignalSet};

use crate::app_root::Parts;
use crate::arguments::{Network, RunArguments};
use crate::failed::{Chain, Failed, Step as _, report};
use crate::harden;
use crate::io::AppEnds;
use crate::io::outside::Outside;
use crate::io::patience::Patience;
use crate::io::pump::Pump;
use crate::launch;
use crate::lifecycle::Outcome;
use crate::limits::{AppGroup, PodGroups};
use crate::metadata;
use crate::net::Gate;
use crate::notify::Readiness;
use crate::plan::AppPlan;
use crate::pod_root;
use crate::status::{self, Exit, SETUP_FAILED};
use crate::sysctl::Parameter;
use crate::users::{Private, Taken};

/// What an app is doing.
#[derive(Debug)]
enum Phase {
    Running(Pid),
    /// Its post-stop handler runs.
    PostStop(Pid),
    Ended,
}

#[derive(Debug)]
struct AppState<'a> {
    plan: &'a AppPlan,
    /// Its groups, for as long as something is yet to be started there.
    group: Option<AppGroup>,
    phase: Phase,
    /// The app's mount namespace: for its post-stop handler, and so that the kernel takes it down at
    /// the end of the pod, not while the end of the app is waited for.
    mounts: OwnedFd,
}

/// Runs the pod to its end and returns its status.
///
/// `supervisor` is a descriptor of the parent process, and `lock` one of the locked pod directory;
/// `signals` are blocked. Where the pod has networks, apps start once `gate` is open.
pub(crate) fn run(
    plans: &mut [AppPlan],
    groups: &mut PodGroups,
    arguments: &RunArguments,
    supervisor: OwnedFd,
    lock: &mut Option<OwnedFd>,
    signals: &SignalSet,
    (outside, readiness, gate, private): (Outside, Readiness, Option<Gate>, Option<Private>),
) -> u8 {
    // A change of users takes back that the end of the supervisor ends this process.
    let taken = private.map(Private::become_root).transpose();
    // Only for the parent's end, of which the kernel tells from then on: through this descriptor
    // an app that gets at this process would get at that one.
    let followed = taken.and_then(|taken| follow(&supervisor).map(|()| taken));
    drop(supervisor);
    let result = followed.and_then(|taken| Ok((Pump::new(outside, signals, readiness)?, taken)));
    let mut patience = Patience {
        deadline: None,
        when_asked: arguments.stop_timeout,
    };
    let (result, pump) = match result {
        Ok((mut pump, taken)) => {
            let result = set_up(plans, groups, arguments, taken)
                .and_then(|parts| await_networks(plans, parts, gate))
                .and_then(|parts| {
                    let streams = (&mut pump, &mut patience);
                    supervise(plans, parts, groups, arguments, lock, signals, streams)
                });
            (result, Some(pump))
        }
        Err(error) => (Err(error), None),
    };
    let status = result.unwrap_or_else(|error| {
        report(format_args!("{}", Chain(&error)));
        SETUP_FAILED
    });
    end_the_rest();
    if let Some(mut pump) = pump {
        pump.finish(signals, patience);
    }
    status
}

/// Ends what apps left behind, so that nothing of the pod runs, writes or listens any more when it
/// counts as exited: the kernel would end it, but only after the lock is gone.
fn end_the_rest() {
    if rustix::process::getpid() != Pid::INIT {
        return;
    }
    // To the group of number 1 means to everybody else in this PID namespace. Source: kill(2).
    if kill_process_group(Pid::INIT, Signal::KILL).is_err() {
        return;
    }
    while matches!(wait(WaitOptions::empty()), Ok(_) | Err(Errno::INTR)) {}
}

/// Makes sure that the pod does not outlive its supervisor.
fn follow(supervisor: &OwnedFd) -> Result<(), Failed> {
    let name = || "follow the supervisor";
    set_parent_process_death_signal(Some(Signal::KILL)).step(name)?;
    // If it died before the line above, no signal will come.
    let mut ended = [PollFd::new(supervisor, PollFlags::IN)];
    if poll(&mut ended, Some(&Timespec::default())).step(name)? > 0 {
        return Err(Errno::SRCH).step(name);
    }
    Ok(())
}

fn set_up(
    plans: &[AppPlan],
    groups: &PodGroups,
    arguments: &RunArguments,
    taken: Option<Taken>,
) -> Result<Vec<Parts>, Failed> {
    // A process name helps whoever looks at the host's process list.
    let _ = rustix::thread::set_name(c"stage1-init");
    rustix::process::umask(Mode::empty());
    // A terminal's signals go to the supervisor, which forwards them.
    setsid().step(|| "leave the caller's session")?;
    rustix::system::sethostname(arguments.hostname.as_bytes()).step(|| "set the host name")?;
    if arguments.network != Network::Host {
        loopback_up().step(|| "bring up the loopback interface")?;
    }
    pod_root::seclude()?;
    let parameters: Vec<Parameter> = plans.iter().flat_map(|p| p.parameters.clone()).collect();
    let Taken { parts, host } = match taken {
        Some(taken) => taken,
        None => Taken::take(plans, arguments, None)?,
    };
    pod_root::enter(arguments, &host, groups.max_pid, &parameters)?;
    for (plan, parts) in plans.iter().zip(&parts) {
        parts.attach_root(&plan.name)?;
    }
    if !arguments.interactive {
        pod_root::null_stdin(&host)?;
    }
    Ok(parts)
}

/// Waits until the pod has its networks, which the supervisor sees to, and takes what they say about
/// name servers, and where the metadata service is.
fn await_networks(
    plans: &mut [AppPlan],
    mut parts: Vec<Parts>,
    gate: Option<Gate>,
) -> Result<Vec<Parts>, Failed> {
    let word = gate.map(Gate::pass).transpose()?.unwrap_or_default();
    if let Some(url) = &word.metadata_url {
        metadata::tell(url, plans);
    }
    if let Some(text) = word.resolv_conf {
        std::fs::write(RESOLV_CONF, text).step(|| format!("write {RESOLV_CONF}"))?;
        for parts in &mut parts {
            parts.take_resolv_conf(RESOLV_CONF.as_ref())?;
        }
    }
    Ok(parts)
}

/// What networks say about name servers, in the pod's root.
const RESOLV_CONF: &str = "/resolv.conf";

fn supervise(
    plans: &[AppPlan],
    parts: Vec<Parts>,
    groups: &mut PodGroups,
    arguments: &RunArguments,
    lock: &mut Option<OwnedFd>,
    signals: &SignalSet,
    (pump, patience): (&mut Pump, &mut Patience),
) -> Result<u8, Failed> {
    let mut apps = Vec::with_capacity(plans.len());
    for ((plan, parts), group) in plans.iter().zip(&parts).zip(groups.take_apps()) {
        apps.push(start(plan, parts, group, pump)?);
    }
    // The apps have them now.
    drop(parts);
    harden::give_up(plans, lock)?;
    pump.readiness.all_started();
    let mut outcome = Outcome::default();
    let mut deadline: Option<Instant> = None;
    while apps.iter().any(|app| !matches!(app.phase, Phase::Ended)) {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let begin_stop = match pump.wait(signals, left)? {
            None => {
                // Again later: an app that is killed may have a handler that does not end either.
                deadline = after(arguments.stop_timeout.max(MIN_REPEAT));
                signal_running(&apps, Signal::KILL);
                false
            }
            Some(Signal::CHILD) => reap(&mut apps, &mut outcome, pump)?,
            Some(Signal::KILL) => {
                outcome.stop_requested();
                signal_running(&apps, Signal::KILL);
                false
            }
            Some(signal @ (Signal::USR1 | Signal::USR2)) => {
                pass_on(&apps, signal);
                false
            }
            Some(_) => outcome.stop_requested(),
        };
        if begin_stop {
            deadline = after(arguments.stop_timeout);
            pump.readiness.stopping();
            signal_running(&apps, Signal::TERM);
        }
        patience.deadline = deadline;
    }
    Ok(outcome.status())
}

/// Shortest time between two rounds of killing.
const MIN_REPEAT: Duration = Duration::from_secs(1);

/// The moment after `time`; `None` for one so far away that it never comes.
fn after(time: Duration) -> Option<Instant> {
    Instant::now().checked_add(time)
}

fn start<'a>(
    plan: &'a AppPlan,
    parts: &Parts,
    group: AppGroup,
    pump: &mut Pump,
) -> Result<AppState<'a>, Failed> {
    let name = || format!("start app {}", plan.name);
    let ends = pump.open(plan)?;
    let (known, noted) = pipe_with(PipeFlags::CLOEXEC).step(name)?;
    let (fork, mounts) = fork_with_mounts(&group).step(name)?;
    let child = match fork {
        Fork::Parent(child) => child,
        Fork::Child => {
            drop(noted);
            let ready = group
                .settle(plan)
                .and_then(|()| begin_session(Some(ends)))
                .and_then(|()| parts.enter(plan))
                .and_then(|()| ends.settle_in())
                .and_then(|()| end_of(&known).step(name));
            exit_now(launch::failure(
                plan,
                ready.map_err(Into::into).and_then(|()| launch::app(plan)),
            ))
        }
    };
    write_pid(&plan.name, child.pid).step(name)?;
    pump.started(child.pid.as_raw_nonzero().get().unsigned_abs());
    // The app goes on only now that whoever enters it finds it.
    drop((known, noted));
    Ok(AppState {
        plan,
        group: plan.post_stop.is_some().then_some(group),
        phase: Phase::Running(child.pid),
        mounts,
    })
}

/// Waits until nobody can write to a pipe any more.
fn end_of(pipe: &OwnedFd) -> Result<(), Errno> {
    while rustix::io::retry_on_intr(|| rustix::io::read(pipe, &mut [0_u8]))? > 0 {}
    Ok(())
}

/// Gives a child of init what a program expects: a session of its own, signals as usual, and its
/// standard streams.
fn begin_session(ends: Option<&AppEnds>) -> Result<(), Failed> {
    signal::reset().step(|| "reset signals")?;
    setsid().step(|| "begin a session")?;
    ends.map_or(Ok(()), AppEnds::take)
}

/// Where, in the pod's root, the number of an app's process is for as long as it runs.
pub(crate) fn pid_file(app: &str) -> String {
    format!("/opt/stage2/{app}/pid")
}

/// Tells `enter` which process the app is; the file never leaves the pod's own root.
fn write_pid(app: &str, pid: Pid) -> Result<(), Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::CLOEXEC;
    let file = rustix::fs::open(pid_file(app), flags, Mode::from_raw_mode(0o600))?;
    let number = pid.as_raw_nonzero().to_string();
    rustix::io::write(&file, number.as_bytes()).map(drop)
}

/// Copies this process into a mount namespace of its own, and gives that to the parent too.
///
/// The parent makes it and leaves it again, since in a pod with private users it may not look at the
/// namespaces of another process that has not executed anything yet.
fn fork_with_mounts(group: &AppGroup) -> std::io::Result<(Fork, OwnedFd)> {
    let own_namespace = || {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        rustix::fs::openat(CWD, "/proc/self/ns/mnt", flags, Mode::empty())
    };
    let pods = own_namespace()?;
    unshare(Namespaces::MOUNT)?;
    let apps = own_namespace()?;
    let fork = group.fork(Namespaces::empty());
    if !matches!(fork, Ok(Fork::Child)) {
        move_into_link_name_space(pods.as_fd(), Some(LinkNameSpaceType::Mount))?;
    }
    Ok((fork?, apps))
}

/// Takes note of every child that has ended; true if the other apps are to be stopped now.
fn reap(apps: &mut [AppState<'_>], outcome: &mut Outcome, pump: &mut Pump) -> Result<bool, Failed> {
    let mut begin_stop = false;
    loop {
        let (pid, status) = match wait(WaitOptions::NOHANG) {
            Ok(Some(ended)) => ended,
            Ok(None) | Err(Errno::CHILD) => return Ok(begin_stop),
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error).step(|| "wait for processes"),
        };
        let Some(exit) = Exit::of(status) else {
            continue;
        };
        // A process that no app's is was left to init by its parent.
        for (number, app) in apps.iter_mut().enumerate() {
            match app.phase {
                Phase::Running(main) if main == pid => {
                    // From here on the number may become another process's.
                    rustix::fs::unlink(pid_file(&app.plan.name))
                        .step(|| format!("forget the process of app {}", app.plan.name))?;
                    // A full disk is no reason to end the other apps.
                    go_on(status::record(&app.plan.name, exit));
                    begin_stop |= outcome.app_ended(exit);
                    app.phase = go_on(post_stop(app, pump.ends(number))).unwrap_or(Phase::Ended);
                }
                Phase::PostStop(handler) if handler == pid => {
                    if exit != Exit::Status(0) {
                        let status = exit.number();
                        let name = &app.plan.name;
                        report(format_args!(
                            "app {name}: post-stop handler failed with status {status}"
                        ));
                    }
                    app.phase = Phase::Ended;
                }
                _ => continue,
            }
            if matches!(app.phase, Phase::Ended) {
                pump.ended(number);
            }
        }
    }
}

/// Reports a failure that is no reason to end the pod.
fn go_on<T>(result: Result<T, Failed>) -> Option<T> {
    result
        .inspect_err(|error| report(format_args!("{}", Chain(error))))
        .ok()
}

/// Starts the post-stop handler of an app that has ended, among the app's mounts.
fn post_stop(app: &AppState<'_>, ends: Option<&AppEnds>) -> Result<Phase, Failed> {
    let AppState {
        plan,
        group,
        mounts,
        ..
    } = app;
    let (Some(program), Some(group)) = (&plan.post_stop, group) else {
        return Ok(Phase::Ended);
    };
    let name = || format!("start the post-stop handler of app {}", plan.name);
    match group.fork(Namespaces::empty()).step(name)? {
        Fork::Parent(child) => Ok(Phase::PostStop(child.pid)),
        Fork::Child => {
            let kind = Some(LinkNameSpaceType::Mount);
            let ready = group
                .settle(plan)
                .and_then(|()| begin_session(ends))
                .and_then(|()| move_into_link_name_space(mounts.as_fd(), kind).step(name));
            exit_now(launch::failure(
                plan,
                ready
                    .map_err(Into::into)
                    .and_then(|()| launch::handler(plan, program)),
            ))
        }
    }
}

/// Sends the signal to each app that runs, as if it had been sent to the app itself.
fn pass_on(apps: &[AppState<'_>], signal: Signal) {
    for app in apps {
        if let Phase::Running(pid) = app.phase {
            // An app that has just ended needs it no more.
            let _ = rustix::process::kill_process(pid, signal);
        }
    }
}

/// Sends a signal to each process that is waited for, and to the rest of its process group.
fn signal_running(apps: &[AppState<'_>], signal: Signal) {
    for app in apps {
        match app.phase {
            // TERM would cut short the handler of an app that has already ended.
            Phase::PostStop(_) if signal == Signal::TERM => {}
            Phase::Running(pid) | Phase::PostStop(pid) => {
                // Just started, it has no group of its own yet.
                if kill_process_group(pid, signal).is_err() {
                    let _ = rustix::process::kill_process(pid, signal);
                }
            }
            Phase::Ended => {}
        }
    }
}
