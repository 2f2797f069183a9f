//! Making the attempts, in pods and outside.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::{App, Pod, can_run_pods, children, stage1};

const OPEN_POD: &[&str] = &[
    "--net=host",
    "--disable-seccomp",
    "--disable-paths",
    "--disable-capabilities-restriction",
];

/// What the caller leaves open; one is the host's root.
const LEAKS: &str = "exec 5</ 6</proc 7</dev/null";

/// Builds the program, once for each version of its source.
fn attack() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/attack.c");
    let text = fs::read(&source).unwrap();
    let digest = text.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("attack-{digest:x}"));
    if !program.exists() {
        // Tests run at once: each builds its own, and the last one stays.
        let own = program.with_extension(std::process::id().to_string());
        let status = Command::new("cc")
            .args(["-O1", "-static", "-Wall", "-Werror", "-o"])
            .args([&own, &source])
            .status()
            .unwrap();
        assert!(status.success());
        fs::rename(&own, &program).unwrap();
    }
    program
}

/// The names of all attempts.
pub(crate) fn names() -> Vec<String> {
    let output = Command::new(attack()).arg("list").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// A process that is killed when this is dropped.
struct Victim(Child);

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What lies on the host for the taking.
struct Host {
    victim: Victim,
    _abstract_socket: UnixListener,
    socket: String,
    port: TcpListener,
    directory: tempfile::TempDir,
    handle: String,
    disk: String,
}

impl Host {
    fn new() -> Self {
        let victim = Victim(Command::new("sleep").arg("1000").spawn().unwrap());
        let socket = format!("gantry-hostile-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&socket).unwrap();
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("volume")).unwrap();
        let mark = directory.path().join("mark");
        File::create(&mark).unwrap();
        let output = Command::new(attack()).arg("handle").arg(&mark).output();
        let handle = String::from_utf8(output.unwrap().stdout).unwrap();
        let partitions = fs::read_to_string("/proc/partitions").unwrap_or_default();
        let disk = partitions.lines().find_map(|line| {
            let mut fields = line.split_ascii_whitespace();
            let (major, minor) = (fields.next()?, fields.next()?);
            major.parse::<u32>().ok()?;
            Some(format!("{major}:{minor}"))
        });
        Self {
            victim,
            _abstract_socket: UnixListener::bind_addr(&address).unwrap(),
            socket,
            port: TcpListener::bind("127.0.0.1:0").unwrap(),
            directory,
            // A file system without handles has none to be opened.
            handle: if handle.is_empty() {
                "0:".to_owned()
            } else {
                handle
            },
            disk: disk.unwrap_or_else(|| "0:0".to_owned()),
        }
    }

    fn volume(&self) -> PathBuf {
        self.directory.path().join("volume")
    }

    fn variables(&self, open: bool, volume: &Path) -> Vec<(&'static str, String)> {
        let mut all = vec![
            ("VICTIM", self.victim.0.id().to_string()),
            (
                "MARK",
                self.directory.path().join("mark").display().to_string(),
            ),
            ("SOCKET", self.socket.clone()),
            ("PORT", self.port.local_addr().unwrap().port().to_string()),
            ("DEVICE", self.disk.clone()),
            ("HANDLE", self.handle.clone()),
            ("VOLUME", volume.display().to_string()),
        ];
        if open {
            all.push(("OPEN", "1".to_owned()));
        }
        all
    }

    /// A pod of one app, which has the program and a volume of the host.
    fn pod(&self, script: &str, open: bool) -> Pod {
        let environment: Vec<Value> = self
            .variables(open, Path::new("/volume"))
            .into_iter()
            .map(|(name, value)| json!({"name": name, "value": value}))
            .collect();
        let app = App::shell("app", script)
            .with("environment", json!(environment))
            .mount("vol", "/volume");
        let volume = json!([{"name": "vol", "kind": "host", "source": self.volume()}]);
        let pod = Pod::with_volumes(vec![app], volume);
        fs::copy(attack(), pod.image("app").join("bin/attack")).unwrap();
        fs::create_dir_all(pod.image("app").join("tmp")).unwrap();
        pod
    }

    /// The attempt by root, outside of any pod, among mounts of its own.
    fn outside(&self, name: &str) -> Option<String> {
        let script = format!("{LEAKS}; exec \"$0\" {name}");
        let output = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "sh", "-c", &script])
            .arg(attack())
            .envs(self.variables(true, &self.volume()))
            .current_dir(self.volume())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        result(name, &String::from_utf8(output.stdout).unwrap())
    }
}

/// What became of an attempt: nothing if it reached its aim, else why not.
fn result(name: &str, output: &str) -> Option<String> {
    let mut lines = output.lines().filter_map(|line| line.split_once(' '));
    let found = lines.find(|(attempt, _)| *attempt == name);
    match found
        .unwrap_or_else(|| panic!("nothing of {name}: {output}"))
        .1
    {
        "reached" => None,
        rest => Some(rest.strip_prefix("denied ").unwrap().to_owned()),
    }
}

/// Makes an attempt, which must fail in a pod; if it is `sure`, it must reach its aim elsewhere.
pub(crate) fn check(name: &str, sure: bool) {
    if !can_run_pods() {
        return;
    }
    let host = Host::new();
    let script = format!("attack {name}; echo done; exec sleep 1000");

    let pod = host.pod(&script, false);
    let running = pod.start_with(LEAKS, &["--net=none"]);
    running.says("done");
    let in_pod = result(name, &pod.text("stdout"));
    let init = format!("--pid={}", children(running.pid())[0]);
    let entered = Command::new(stage1())
        .args(["enter", &init, "--appname=app", "--", "attack", name])
        .current_dir(pod.path("."))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(entered.status.success(), "{entered:?}");
    let entered = result(name, &String::from_utf8(entered.stdout).unwrap());
    running.signal("TERM");
    running.finish();

    let script = format!("attack {name}");
    let open = host.pod(&script, true);
    let in_open = result(name, &open.run_with(LEAKS, OPEN_POD).stdout);
    let outside = host.outside(name);

    let is_real = in_open.is_none() || outside.is_none();
    let verdict = match (is_real, in_pod.is_some() && entered.is_some()) {
        (_, false) => "NOT CONFINED",
        (true, true) => "confined",
        (false, true) => "skipped: cannot be done on this machine anyway",
    };
    let tell = |result: Option<String>| result.unwrap_or_else(|| "REACHED".to_owned());
    let report = format!(
        "{name}: {verdict} (pod {}, entered {}, open pod {}, outside {})",
        tell(in_pod),
        tell(entered),
        tell(in_open),
        tell(outside)
    );
    eprintln!("{report}");
    assert_ne!(verdict, "NOT CONFINED", "{report}");
    assert!(is_real || !sure, "{report}");
}

/// The effective user of a setuid program of root's that user 33 runs.
pub(crate) fn setuid(arguments: &[&str], isolators: Value) -> String {
    let app = App::exec("app", &["/bin/attack", "euid"])
        .with("user", json!("33"))
        .with("isolators", isolators);
    let pod = Pod::new(vec![app]);
    let program = pod.image("app").join("bin/attack");
    fs::copy(attack(), &program).unwrap();
    fs::set_permissions(&program, PermissionsExt::from_mode(0o4755)).unwrap();
    pod.run_with("", arguments).stdout
}

/// A command that enters an app from a terminal cannot type into it.
pub(crate) fn check_terminal() {
    if !can_run_pods() {
        return;
    }
    let host = Host::new();
    let pod = host.pod("echo up; exec sleep 1000", false);
    let running = pod.start_with("", &["--net=none"]);
    running.says("up");
    let init = children(running.pid())[0].to_string();
    let stage1 = stage1().display().to_string();
    let enter = [
        &stage1,
        "enter",
        &format!("--pid={init}"),
        "--appname=app",
        "--",
        "attack",
        "type_into_terminal",
    ];
    let attack = attack().display().to_string();
    let directly = [&*attack, "type_into_terminal"];
    let mut outcomes = Vec::new();
    for command in [&enter[..], &directly] {
        let flags = rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY;
        let outer = rustix::pty::openpt(flags).unwrap();
        rustix::pty::unlockpt(&outer).unwrap();
        let inner = File::from(rustix::pty::ioctl_tiocgptpeer(&outer, flags).unwrap());
        // Bytes are to be readable without a line's end.
        let mut attributes = rustix::termios::tcgetattr(&inner).unwrap();
        attributes.make_raw();
        let now = rustix::termios::OptionalActions::Now;
        rustix::termios::tcsetattr(&inner, now, &attributes).unwrap();
        // Once the session is over its terminal is too, so what was typed is looked for within.
        let script =
            "\"$@\"; echo typed $(timeout --foreground 1 dd bs=1 count=1 2>/dev/null | wc -c)";
        let mut child = Command::new("setsid")
            .args(["--ctty", "--wait", "sh", "-c", script, "sh"])
            .args(command)
            .current_dir(pod.path("."))
            .envs(host.variables(false, &host.volume()))
            .stdin(inner.try_clone().unwrap())
            .stdout(inner)
            .spawn()
            .unwrap();
        let lines = BufReader::new(File::from(outer)).lines();
        let said: Vec<String> = lines.map_while(Result::ok).collect();
        assert!(child.wait().unwrap().success());
        outcomes.push(said);
    }
    running.signal("TERM");
    running.finish();
    eprintln!("entered: {:?}, directly: {:?}", outcomes[0], outcomes[1]);
    if outcomes[1] != ["type_into_terminal reached", "typed 1"] {
        eprintln!("skipped: this kernel does not take TIOCSTI");
        return;
    }
    // The entered one typed into the terminal that it was given, which is the pod's and shows it.
    assert_eq!(outcomes[0], ["!type_into_terminal reached", "typed 0"]);
}
