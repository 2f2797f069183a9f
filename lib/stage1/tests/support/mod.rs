//! Pod directories made by hand, as stage0 would leave them, and pods run from them.
//!
//! Nothing here uses the code under test. Every pod runs in a mount namespace of its own with private
//! propagation, so that a mistake cannot reach the machine's mount table.

#![allow(dead_code, reason = "each test file uses its own part of this module")]
#![expect(clippy::unwrap_used, reason = "what goes wrong here fails the test")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Hides the machine's own journal from a pod, in the pod's mount namespace.
const NO_JOURNAL: &str =
    "[ ! -e /run/systemd/journal ] || mount -t tmpfs none /run/systemd/journal";

/// Reports a skip where pods cannot be made.
pub fn can_run_pods() -> bool {
    gantry_testkit::needs_root()
}

/// An app whose program is a shell script, as user and group 0 unless changed.
pub struct App {
    name: String,
    pub app: Value,
    pub runtime: Value,
}

impl App {
    pub fn shell(name: &str, script: &str) -> Self {
        Self::exec(name, &["/bin/sh", "-c", script])
    }

    pub fn exec(name: &str, exec: &[&str]) -> Self {
        let app = json!({"exec": exec, "user": "0", "group": "0"});
        Self {
            name: name.to_owned(),
            app,
            runtime: json!({}),
        }
    }

    /// Sets a member of the `app` object.
    pub fn with(mut self, member: &str, value: Value) -> Self {
        self.app[member] = value;
        self
    }

    /// Sets a member of the runtime app, beside `app`.
    pub fn runtime(mut self, member: &str, value: Value) -> Self {
        self.runtime[member] = value;
        self
    }

    pub fn mount(self, volume: &str, path: &str) -> Self {
        let mut mounts = self.runtime["mounts"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        mounts.push(json!({"volume": volume, "path": path}));
        self.runtime("mounts", Value::Array(mounts))
    }
}

/// A pod directory.
pub struct Pod {
    directory: TempDir,
    /// Control groups are named by it, so no two pods of this machine may have the same.
    pub uuid: String,
}

fn new_uuid() -> String {
    static COUNT: AtomicU16 = AtomicU16::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!(
        "6f5cd21b-7d2f-4d52-8e5b-{:08x}{count:04x}",
        std::process::id()
    )
}

/// What a pod left.
#[derive(Debug)]
pub struct Outcome {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Pod {
    pub fn new(apps: Vec<App>) -> Self {
        Self::with_volumes(apps, json!([]))
    }

    pub fn with_volumes(apps: Vec<App>, volumes: Value) -> Self {
        let directory = tempfile::Builder::new()
            .prefix("gantry-pod")
            .tempdir()
            .unwrap();
        let uuid = new_uuid();
        let pod = Self { directory, uuid };
        fs::create_dir_all(pod.path("stage1/rootfs")).unwrap();
        let id = format!("sha512-{}", "0".repeat(128));
        let mut runtime_apps = Vec::new();
        let mut roots = Vec::new();
        for app in apps {
            let name = &app.name;
            let mut runtime = json!({"name": name, "image": {"id": id}, "app": app.app});
            for (member, value) in app.runtime.as_object().unwrap() {
                runtime[member] = value.clone();
            }
            runtime_apps.push(runtime);
            pod.make_image(name);
            let upper = Path::new("overlay/upper").join(name);
            let work = Path::new("overlay/work").join(name);
            fs::create_dir_all(pod.path(&upper)).unwrap();
            fs::create_dir_all(pod.path(&work)).unwrap();
            let lower = [pod.image(name)];
            let overlay = json!({"lower": lower, "upper": upper, "work": work});
            roots.push(json!({"name": name, "kind": {"overlay": overlay}}));
        }
        let manifest = json!({
            "acKind": "PodManifest",
            "acVersion": "0.8.11",
            "apps": runtime_apps,
            "volumes": volumes,
        });
        fs::write(pod.path("pod"), manifest.to_string()).unwrap();
        fs::write(pod.path("rootfs.json"), json!({"apps": roots}).to_string()).unwrap();
        pod
    }

    fn make_image(&self, app: &str) {
        let image = self.image(app);
        for directory in ["bin", "etc", "srv"] {
            fs::create_dir_all(image.join(directory)).unwrap();
        }
        // Debian's busybox-static: a whole userland that needs no library.
        fs::copy(gantry_testkit::busybox(), image.join("bin/busybox")).unwrap();
        for applet in [
            "sh", "true", "false", "ls", "cat", "id", "mount", "umount", "sleep", "ps", "env",
            "grep", "touch", "stat", "hostname", "ip", "wc", "readlink", "mkdir", "rm", "chmod",
            "nc", "pwd", "dd", "ln", "kill", "mknod", "test",
        ] {
            symlink("busybox", image.join("bin").join(applet)).unwrap();
        }
        fs::write(
            image.join("etc/passwd"),
            "root:x:0:0::/:\nweb:x:33:44::/:\n1000:x:0:0::/:\n",
        )
        .unwrap();
        fs::write(image.join("etc/group"), "root:x:0:\nweb:x:44:\n").unwrap();
    }

    /// Sets a member of the pod manifest.
    pub fn set(&self, member: &str, value: Value) {
        let mut manifest: Value = serde_json::from_str(&self.text("pod")).unwrap();
        manifest[member] = value;
        fs::write(self.path("pod"), manifest.to_string()).unwrap();
    }

    /// A path in the pod directory.
    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.directory.path().join(relative)
    }

    /// The image of an app, which a test may change before the pod runs.
    pub fn image(&self, app: &str) -> PathBuf {
        self.path("images").join(app)
    }

    /// What the app wrote over its image.
    pub fn upper(&self, app: &str) -> PathBuf {
        self.path("overlay/upper").join(app)
    }

    pub fn status(&self, app: &str) -> Option<String> {
        fs::read_to_string(self.path("stage1/rootfs/rkt/status").join(app)).ok()
    }

    /// Runs the pod on the host's network to its end.
    pub fn run(&self) -> Outcome {
        self.run_with("", &["--net=host"])
    }

    /// Runs the pod to its end, after some shell lines in its mount namespace.
    pub fn run_with(&self, prologue: &str, arguments: &[&str]) -> Outcome {
        self.start_with(prologue, arguments).finish()
    }

    pub fn start(&self) -> Running<'_> {
        self.start_with("", &["--net=host"])
    }

    pub fn start_with(&self, prologue: &str, arguments: &[&str]) -> Running<'_> {
        let child = self
            .command(prologue, arguments)
            .stdout(fs::File::create(self.path("stdout")).unwrap())
            .stderr(fs::File::create(self.path("stderr")).unwrap())
            .spawn()
            .unwrap();
        Running { pod: self, child }
    }

    /// Starts the pod after `change` to the command, whose output goes to the test's own.
    pub fn spawn(&self, arguments: &[&str], change: impl FnOnce(&mut Command)) -> Child {
        self.spawn_with("", arguments, change)
    }

    /// The same after some shell lines in its mount namespace.
    pub fn spawn_with(
        &self,
        prologue: &str,
        arguments: &[&str],
        change: impl FnOnce(&mut Command),
    ) -> Child {
        let mut command = self.command(prologue, arguments);
        change(&mut command);
        command.spawn().unwrap()
    }

    fn command(&self, prologue: &str, arguments: &[&str]) -> Command {
        let script = format!(
            "{NO_JOURNAL}\n{prologue}\n\
             exec 9<. && flock -x 9 && RKT_LOCK_FD=9 exec \"$0\" run \"$@\" {}",
            self.uuid
        );
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "--propagation", "private", "sh", "-ec", &script])
            .arg(stage1())
            .args(arguments)
            .current_dir(self.directory.path())
            .stdin(Stdio::null());
        command
    }

    fn entrypoint_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(stage1());
        command
            .args(arguments)
            .arg(&self.uuid)
            .current_dir(self.directory.path());
        command
    }

    /// Runs another entrypoint in the pod directory.
    pub fn entrypoint(&self, arguments: &[&str]) -> Outcome {
        let output = self.entrypoint_command(arguments).output().unwrap();
        Outcome {
            status: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        let Ok(record) = fs::read(self.path("cgroups.json")) else {
            return;
        };
        // Also ends what a failed test left running.
        let collected = self.entrypoint_command(&["gc"]).output();
        if std::thread::panicking() {
            return;
        }
        let record: Value = serde_json::from_slice(&record).unwrap_or_default();
        let groups = record["groups"].as_array().into_iter().flatten();
        for group in groups.filter_map(|group| group["directory"].as_str()) {
            assert!(!Path::new(group).exists(), "{group} stays: {collected:?}");
        }
    }
}

/// A pod that has been started.
pub struct Running<'a> {
    pod: &'a Pod,
    child: Child,
}

impl Running<'_> {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the pod to end by itself; one that hangs is killed and fails the test.
    pub fn finish(mut self) -> Outcome {
        let deadline = Instant::now() + Duration::from_secs(60);
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > deadline {
                self.child.kill().unwrap();
                self.child.wait().unwrap();
                panic!("the pod hangs: {}", self.pod.text("stderr"));
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        Outcome {
            status: status.code(),
            stdout: self.pod.text("stdout"),
            stderr: self.pod.text("stderr"),
        }
    }

    /// Kills the supervisor without a warning.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn signal(&self, signal: &str) {
        signal_process(self.pid(), signal);
    }

    /// Waits until the apps' output holds `text`.
    pub fn says(&self, text: &str) {
        eventually(&format!("the pod says {text:?}"), || {
            self.pod.text("stdout").contains(text)
        });
    }
}

impl Pod {
    /// The text of a file in the pod directory; of the pod's own output what the apps wrote, without
    /// the time and the name before each line.
    pub fn text(&self, file: &str) -> String {
        let text = self.raw_text(file);
        match file {
            "stdout" | "stderr" => text.split_inclusive('\n').map(without_origin).collect(),
            _ => text,
        }
    }

    pub fn raw_text(&self, file: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.path(file)).unwrap()).into_owned()
    }
}

/// A line without `[uptime] app[n]: ` at its beginning.
fn without_origin(line: &str) -> &str {
    let rest = line
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("] "));
    let rest = rest.and_then(|(_, rest)| rest.split_once("]: "));
    rest.map_or(line, |(_, text)| text)
}

pub fn signal_process(pid: u32, signal: &str) {
    let pid = rustix::process::Pid::from_raw(pid.try_into().unwrap()).unwrap();
    let signal = match signal {
        "TERM" => rustix::process::Signal::TERM,
        "INT" => rustix::process::Signal::INT,
        "KILL" => rustix::process::Signal::KILL,
        other => panic!("{other}"),
    };
    rustix::process::kill_process(pid, signal).unwrap();
}

/// Waits for something that must become true soon.
pub fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The numbers of the children of a process.
pub fn children(pid: u32) -> Vec<u32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_ascii_whitespace()
        .map(|number| number.parse().unwrap())
        .collect()
}

/// This crate's program, which cargo builds as an example before the tests.
pub fn stage1() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(2).unwrap().join("examples/stage1")
}
