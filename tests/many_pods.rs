//! A thousand pods started, stopped, killed and collected, and two hundred at once: nothing is left.

mod support;

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::fault::Dice;
use support::{World, can_run_pods, soak};

/// How long a pod may take to be there or to be gone on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What an app does that tells when it runs and then waits to be stopped.
const WAITS: [&str; 4] = [
    "/bin/busybox",
    "sh",
    "-c",
    "trap 'exit 0' TERM; echo running; while :; do /bin/busybox sleep 1000 & wait; done",
];

/// What a host has that a pod could leave behind.
#[derive(Debug, PartialEq, Eq)]
struct Traces {
    mounts: Vec<String>,
    cgroups: BTreeSet<PathBuf>,
    namespaces: BTreeSet<String>,
    processes: Vec<String>,
    pods: Vec<String>,
    stored: Vec<String>,
}

impl Traces {
    /// Of this machine those that name `world`'s pods or come from its processes.
    fn of(world: &World) -> Self {
        let data = world.env.path("rkt");
        let data = data.to_str().expect("UTF-8");
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("mountinfo");
        Self {
            mounts: mounts
                .lines()
                .filter(|line| line.contains(data))
                .map(str::to_owned)
                .collect(),
            cgroups: cgroups(),
            namespaces: namespaces(),
            processes: world.processes(),
            pods: world.pods(),
            stored: world.env.tree("rkt/store"),
        }
    }

    /// What is here and was not there `before`, apart from what other tests do at the same time.
    fn beyond(&self, before: &Self, ended: &Ended) -> Vec<String> {
        let ours = |path: &Path| {
            let path = path.to_string_lossy();
            ended.uuids.iter().any(|uuid| path.contains(uuid))
        };
        let mut left = Vec::new();
        left.extend(self.mounts.iter().map(|m| format!("mount {m}")));
        left.extend(
            self.cgroups
                .iter()
                .filter(|path| ours(path))
                .map(|path| format!("cgroup {}", path.display())),
        );
        let alive = self.namespaces.intersection(&ended.namespaces);
        left.extend(alive.map(|n| format!("namespace {n}")));
        left.extend(self.processes.iter().map(|p| format!("process {p}")));
        left.extend(self.pods.iter().map(|p| format!("pod {p}")));
        let stored = self.stored.iter().filter(|f| !before.stored.contains(f));
        left.extend(stored.map(|f| format!("file {f}")));
        left
    }
}

/// All cgroup directories of all hierarchies.
fn cgroups() -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut open = vec![PathBuf::from("/sys/fs/cgroup")];
    while let Some(dir) = open.pop() {
        let entries = std::fs::read_dir(&dir).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
            found.insert(entry.path());
            open.push(entry.path());
        }
    }
    found
}

/// The namespaces of all processes.
fn namespaces() -> BTreeSet<String> {
    let processes = std::fs::read_dir("/proc").expect("/proc").flatten();
    processes
        .flat_map(|process| namespaces_of(&process.path()))
        .collect()
}

/// The namespaces of a process, of which `process` is the directory in /proc.
fn namespaces_of(process: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(process.join("ns"));
    let links = entries.into_iter().flatten().flatten();
    links
        .filter_map(|entry| std::fs::read_link(entry.path()).ok())
        .map(|link| link.to_string_lossy().into_owned())
        .collect()
}

/// What is known of the pods that have ended, to look for what they left.
#[derive(Debug, Default)]
struct Ended {
    uuids: BTreeSet<String>,
    /// Of their first processes, without those that are the host's.
    namespaces: BTreeSet<String>,
}

/// A pod that was started in the background.
struct Started {
    rkt: Child,
    uuid: String,
    uuid_file: PathBuf,
    output: BufReader<std::process::ChildStdout>,
}

impl Started {
    /// Starts `rkt run`; `number` tells its files apart.
    fn begin(world: &World, image: &str, number: usize) -> Self {
        let uuid_file = world.env.path(format!("uuid-{number}"));
        let mut rkt = world
            .rkt_command()
            .args(["run", "--net=none", "--uuid-file-save"])
            .arg(&uuid_file)
            .arg(image)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("rkt starts");
        let output = BufReader::new(rkt.stdout.take().expect("a pipe"));
        Self {
            rkt,
            uuid: String::new(),
            uuid_file,
            output,
        }
    }

    /// Waits for the app's first line.
    fn wait_until_it_runs(&mut self) {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("output");
        assert!(line.contains("running"), "{line:?}");
        self.uuid = std::fs::read_to_string(&self.uuid_file).expect("the UUID");
    }

    /// Takes note of what would show that the pod is still there.
    fn note(&self, world: &World, ended: &mut Ended) {
        let init = self.init(world);
        let own = namespaces_of(Path::new("/proc/self"));
        let pods = namespaces_of(&PathBuf::from(format!("/proc/{init}")));
        ended
            .namespaces
            .extend(pods.into_iter().filter(|n| !own.contains(n)));
        ended.uuids.insert(self.uuid.clone());
    }

    /// The number of the pod's first process: the one child of the supervisor that `ppid` names.
    fn init(&self, world: &World) -> i32 {
        let file = world.env.path(format!("rkt/pods/run/{}/ppid", self.uuid));
        let supervisor = std::fs::read_to_string(&file).expect("ppid");
        let supervisor = supervisor.trim();
        let children = format!("/proc/{supervisor}/task/{supervisor}/children");
        let children = std::fs::read_to_string(children).expect("children");
        children.trim().parse().expect("one child")
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.rkt.kill();
        let _ = self.rkt.wait();
    }
}

/// How a pod meets its end.
#[derive(Debug, Clone, Copy)]
enum End {
    /// `rkt stop`.
    Stop,
    /// `rkt stop --force`.
    StopByForce,
    /// SIGTERM to what `rkt run` has become.
    Terminate,
    /// SIGKILL to what `rkt run` has become.
    KillSupervisor,
    /// SIGKILL to the pod's first process.
    KillInit,
    /// SIGKILL to `rkt run` before anybody knows how far it is.
    KillEarly,
}

const ENDS: [End; 6] = [
    End::Stop,
    End::StopByForce,
    End::Terminate,
    End::KillSupervisor,
    End::KillInit,
    End::KillEarly,
];

fn kill(pid: i32, signal: &str) {
    let sent = Command::new("kill")
        .args([&format!("-{signal}"), &pid.to_string()])
        .status();
    assert!(sent.expect("kill").success(), "kill -{signal} {pid}");
}

fn cycle(world: &World, image: &str, number: usize, end: End, dice: &mut Dice, ended: &mut Ended) {
    let mut pod = Started::begin(world, image, number);
    if let End::KillEarly = end {
        let moment = Duration::from_micros(dice.below(30_000) as u64);
        std::thread::sleep(moment);
        let _ = pod.rkt.kill();
        let status = pod.rkt.wait().expect("it ends");
        assert_eq!(status.signal(), Some(9));
        let uuid = std::fs::read_to_string(&pod.uuid_file).unwrap_or_default();
        ended.uuids.extend((!uuid.is_empty()).then_some(uuid));
        return;
    }
    pod.wait_until_it_runs();
    pod.note(world, ended);
    match end {
        End::Stop => drop(world.rkt(["stop", &pod.uuid]).expect(0)),
        End::StopByForce => drop(world.rkt(["stop", "--force", &pod.uuid]).expect(0)),
        End::Terminate => kill(pod.rkt.id().cast_signed(), "TERM"),
        End::KillSupervisor => kill(pod.rkt.id().cast_signed(), "KILL"),
        End::KillInit => kill(pod.init(world), "KILL"),
        End::KillEarly => unreachable!("ended above"),
    }
    pod.rkt.wait().expect("the pod ends");
}

/// Collects until no pod is left; the kernel takes a killed pod's processes down on its own time.
fn collect_all(world: &World) {
    let deadline = Instant::now() + PATIENCE;
    while !world.pods().is_empty() {
        assert!(Instant::now() < deadline, "left: {:?}", world.pods());
        world
            .rkt(["gc", "--grace-period=0s", "--expire-prepared=0s"])
            .expect(0);
    }
}

/// The last namespaces go with the last process, a moment after it can no longer be seen.
fn expect_nothing_beyond(world: &World, before: &Traces, ended: &Ended) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = Traces::of(world).beyond(before, ended);
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "left behind: {left:#?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn pods_that_end_in_every_way_leave_nothing() {
    if !can_run_pods() {
        return;
    }
    let Some(world) = World::new() else { return };
    let image = world.import(&world.build("waits", "1.0.0", &WAITS));
    let cycles = if soak() { 1000 } else { 60 };
    // The first run may make what stays for all the others.
    let mut dice = Dice::new();
    let mut ended = Ended::default();
    cycle(&world, &image, 0, End::Stop, &mut dice, &mut ended);
    collect_all(&world);
    let before = Traces::of(&world);
    for number in 0..cycles {
        let end = ENDS[number % ENDS.len()];
        cycle(&world, &image, number, end, &mut dice, &mut ended);
        // Collected one at a time and many at once.
        if number % 7 == 0 {
            world.rkt(["gc", "--grace-period=0s"]).expect(0);
        }
    }
    let ran = ended.uuids.len();
    assert!(ran > cycles * 4 / 5, "only {ran} pods ran");
    collect_all(&world);
    expect_nothing_beyond(&world, &before, &ended);
    let exec = "--exec=/bin/busybox";
    world
        .rkt(["run", "--net=none", &image, exec, "--", "true"])
        .expect(0);
}

#[test]
fn many_pods_run_at_once() {
    if !can_run_pods() {
        return;
    }
    let Some(world) = World::new() else { return };
    let image = world.import(&world.build("waits", "1.0.0", &WAITS));
    let count = if soak() { 200 } else { 25 };
    let mut ended = Ended::default();
    let mut dice = Dice::seeded(0);
    cycle(&world, &image, 0, End::Stop, &mut dice, &mut ended);
    collect_all(&world);
    let before = Traces::of(&world);
    let mut pods: Vec<_> = (0..count)
        .map(|number| Started::begin(&world, &image, number))
        .collect();
    for pod in &mut pods {
        pod.wait_until_it_runs();
        pod.note(&world, &mut ended);
    }
    let uuids: BTreeSet<_> = pods.iter().map(|pod| pod.uuid.clone()).collect();
    assert_eq!(uuids.len(), count, "every pod has a UUID of its own");
    let listed = world
        .rkt(["list", "--full", "--no-legend"])
        .expect(0)
        .stdout;
    let running = listed.lines().filter(|line| line.contains("running"));
    assert_eq!(running.count(), count, "{listed}");
    let seen: BTreeSet<_> = pods
        .iter()
        .map(|pod| {
            let init = pod.init(&world);
            std::fs::read_link(format!("/proc/{init}/ns/pid")).expect("a namespace")
        })
        .collect();
    assert_eq!(seen.len(), count, "every pod has processes of its own");
    let mut stop = vec!["stop"];
    stop.extend(uuids.iter().map(String::as_str));
    world.rkt(stop).expect(0);
    for pod in &mut pods {
        let status = pod.rkt.wait().expect("the pod ends");
        assert_eq!(status.code(), Some(0), "{}", pod.uuid);
    }
    drop(pods);
    collect_all(&world);
    expect_nothing_beyond(&world, &before, &ended);
}
