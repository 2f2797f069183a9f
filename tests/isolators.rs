//! Limits by the flags of `rkt run`, what `rkt status` says of them, and what is left of them.

mod support;

use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use support::{World, can_run_pods};

const SHELL: &[&str] = &["/bin/busybox", "sh", "-c"];

fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A pod that runs until it is told to stop.
struct Running<'a> {
    world: &'a World,
    child: Child,
    uuid: String,
}

impl<'a> Running<'a> {
    fn start(world: &'a World, arguments: &[&str]) -> Self {
        let file = world.env.path("uuid");
        let _ = std::fs::remove_file(&file);
        let child = world
            .rkt_command()
            .args(["run", "--net=host"])
            .arg(format!("--uuid-file-save={}", file.display()))
            .args(arguments)
            .stdout(Stdio::null())
            .spawn()
            .expect("rkt run");
        let uuid = wait_for("the UUID", || {
            std::fs::read_to_string(&file)
                .ok()
                .filter(|uuid| uuid.len() == 36)
        });
        let running = Self { world, child, uuid };
        wait_for("the pod is ready", || {
            let ready = world.rkt(["status", "--wait-ready=20s", &running.uuid]);
            (ready.status == 0).then_some(())
        });
        running
    }

    fn kill(&mut self) {
        self.child.kill().expect("kill");
        self.child.wait().expect("wait");
    }

    /// The pod's control groups, as its directory names them.
    fn groups(&self) -> Vec<PathBuf> {
        let path = format!("rkt/pods/run/{}/cgroups.json", self.uuid);
        let text = std::fs::read(self.world.env.path(path)).expect("cgroups.json");
        let record: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
        let groups = record["groups"].as_array().expect("a list");
        let directory =
            |group: &serde_json::Value| PathBuf::from(group["directory"].as_str().expect("a path"));
        groups.iter().map(directory).collect()
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Its groups too, where a test did not come to that.
        for _ in 0..2 {
            self.world.rkt(["gc", "--grace-period=0s"]);
        }
    }
}

/// The lines of `rkt status --isolators` that are about isolators, without what is in brackets.
fn isolators(world: &World, uuid: &str) -> Vec<String> {
    let status = world.rkt(["status", "--isolators", uuid]).expect(0);
    let lines = status
        .stdout
        .lines()
        .filter(|line| line.starts_with("isolator"));
    lines
        .map(|line| line.split(" (").next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn flags_limit_an_app_and_status_tells_what_became_of_them() {
    if !can_run_pods() {
        return;
    }
    let Some(world) = World::new() else { return };
    let id = world.import(&world.build("hello", "1.0.0", SHELL));
    let mut pod = Running::start(
        &world,
        &[
            &id,
            "--memory=64Mi",
            "--cpu=500m",
            "--cpu-shares=512",
            "--oom-score-adj=7",
            "--pids-limit=50",
            "--",
            "/bin/busybox sleep 1000",
        ],
    );
    let expected = [
        "isolator-hello=resource/memory enforced",
        "isolator-hello=resource/cpu enforced",
        "isolator-hello=os/linux/cpu-shares enforced",
        "isolator-hello=coreos.com/rkt/stage2/pids-limit enforced",
        "isolator-hello=os/linux/oom-score-adj enforced",
    ];
    let found = isolators(&world, &pod.uuid);
    if found.iter().any(|line| line.ends_with(" ignored")) {
        eprintln!("skipped: not all controllers can be used here");
        return;
    }
    assert_eq!(found, expected);
    let groups = pod.groups();
    let value = |file: &str| {
        let texts = groups
            .iter()
            .map(|group| group.join("app-hello").join(file));
        texts
            .filter_map(|path| std::fs::read_to_string(path).ok())
            .next()
    };
    assert_eq!(value("pids.max").as_deref(), Some("50\n"));

    let json = world
        .rkt(["status", "--isolators", "--format=json", &pod.uuid])
        .expect(0);
    let value: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    let memory = &value["isolators"][0];
    assert_eq!(
        (&memory["app"], &memory["name"], &memory["status"]),
        (
            &"hello".into(),
            &"resource/memory".into(),
            &"enforced".into()
        )
    );
    // Without the flag the object is that of rkt.
    let plain = world.rkt(["status", "--format=json", &pod.uuid]).expect(0);
    assert!(!plain.stdout.contains("isolators"), "{plain}");

    world.rkt(["stop", &pod.uuid]).expect(0);
    pod.child.wait().expect("the end");
    assert!(groups.iter().all(|group| !group.exists()), "{groups:?}");
    assert_eq!(isolators(&world, &pod.uuid), expected);
    world.rkt(["rm", &pod.uuid]).expect(0);
}

#[test]
fn a_strict_pod_runs_with_all_isolators_or_not_at_all() {
    if !can_run_pods() {
        return;
    }
    let Some(world) = World::new() else { return };
    let bandwidth = &["isolator", "add", "resource/network-bandwidth"];
    let file = world.env.path("bandwidth");
    std::fs::write(&file, r#"{"default":true,"limit":"1G"}"#).expect("file");
    let add = [bandwidth, &[file.to_str().expect("UTF-8")][..]].concat();
    let image = world.build_with("limited", "1.0.0", SHELL, &[&add]);
    let id = world.import(&image);
    let says = "isolator resource/network-bandwidth of app limited";
    let warned = world
        .rkt(["run", "--net=host", &id, "--", "echo up"])
        .expect(0);
    assert!(warned.stdout.ends_with("up\n"), "{warned}");
    warned.says(&format!("{says} is not enforced"));
    let strict = world
        .rkt([
            "run",
            "--net=host",
            "--isolators=strict",
            &id,
            "--",
            "echo up",
        ])
        .expect(254);
    assert_eq!(strict.stdout, "");
    strict.says(&format!("{says} cannot be enforced"));

    // What was asked for when the pod was prepared counts when it is run.
    let prepared = world
        .rkt(["prepare", "--isolators=strict", &id, "--", "echo up"])
        .expect(0);
    let uuid = prepared.line().to_owned();
    world
        .rkt(["run-prepared", "--net=host", &uuid])
        .expect(254)
        .says(says);
    let report = isolators(&world, &uuid);
    assert_eq!(report, Vec::<String>::new(), "the pod never started");

    let id = world.import(&world.build("plain", "1.0.0", SHELL));
    let fine = world
        .rkt([
            "run",
            "--net=host",
            "--isolators=strict",
            &id,
            "--oom-score-adj=5",
            "--",
            "echo up",
        ])
        .expect(0);
    assert!(fine.stdout.ends_with("up\n"), "{fine}");
    world
        .rkt(["run", "--isolators=maybe", &id])
        .expect(254)
        .says("strict");
    world
        .rkt(["run", &id, "--pids-limit=0"])
        .expect(254)
        .says("pids-limit");
    world.gc();
}

#[test]
fn nothing_is_left_of_a_pod_that_was_killed_once_it_is_collected() {
    if !can_run_pods() {
        return;
    }
    let Some(world) = World::new() else { return };
    let id = world.import(&world.build("hello", "1.0.0", SHELL));
    // Two forks away from the app, deaf to signals.
    let script = "(trap '' TERM HUP INT; /bin/busybox sleep 1000 & /bin/busybox sleep 1000) & \
                  exec /bin/busybox sleep 1000";
    for remove in [&["gc", "--grace-period=0s"][..], &["rm"]] {
        let mut pod = Running::start(&world, &[&id, "--memory=64Mi", "--", script]);
        let groups = pod.groups();
        let processes = || -> usize {
            let lists = groups
                .iter()
                .map(|group| group.join("app-hello/cgroup.procs"));
            let text = |path| std::fs::read_to_string(path).unwrap_or_default();
            lists.map(|path| text(path).lines().count()).sum()
        };
        wait_for("all have forked", || (processes() >= 4).then_some(()));
        pod.kill();
        assert!(groups.iter().all(|group| group.exists()));
        // Until its first process is gone as well the pod counts as running.
        wait_for("the pod is collected", || {
            let uuid = (remove[0] == "rm").then_some(pod.uuid.as_str());
            let removed = world.rkt(remove.iter().copied().chain(uuid));
            let gone = world.pods().is_empty() && groups.iter().all(|group| !group.exists());
            gone.then(|| assert_eq!(removed.status, 0, "{removed}"))
        });
        assert_eq!(processes(), 0);
        assert!(groups.iter().all(|group| !group.exists()), "{groups:?}");
        assert_eq!(world.pods(), Vec::<String>::new());
        assert_eq!(world.processes(), Vec::<String>::new());
    }
}
