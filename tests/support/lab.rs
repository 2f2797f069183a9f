//! A host of its own for tests of networks: network, mount and PID namespaces, its own /run and leases, and
//! beside it another host, "the world", that knows no address of pods.
//!
//! Everything in it ends with its first process, also when a test fails: pods, mounts, interfaces, rules.

#![allow(dead_code, reason = "each test file uses another part of it")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use gantry_testkit::{Outcome, busybox, needs_program, needs_root};

use super::World;

/// Addresses of the host, as the world reaches them.
pub const HOST4: &str = "10.99.0.1";
pub const HOST6: &str = "fd99::1";
/// Addresses of the world, where a web server says `world`.
pub const WORLD4: &str = "10.99.0.2";
pub const WORLD6: &str = "fd99::2";

/// Makes the host and the world; what comes on standard input afterwards keeps them.
const SET_UP: &str = r#"set -e
for place in /run /var/lib /opt; do mount -t tmpfs tmpfs $place; done
mkdir -p /etc/cni /run/lock
mount -t tmpfs tmpfs /etc/cni
ip link set lo up
ip netns add world
ip link add up0 type veth peer name down0 netns world
ip addr add 10.99.0.1/24 dev up0
ip addr add fd99::1/64 dev up0 nodad
ip link set up0 up
ip -n world link set lo up
ip -n world addr add 10.99.0.2/24 dev down0
ip -n world addr add fd99::2/64 dev down0 nodad
ip -n world link set down0 up
mkdir /run/www; echo world >/run/www/index.html
ip netns exec world $BUSYBOX httpd -p 80 -h /run/www
echo ready
exec cat >/dev/null
"#;

pub struct Lab {
    pub world: World,
    pub image: String,
    holder: Child,
    init: u32,
}

/// A pod that runs in the lab, until the lab ends.
pub struct LabPod {
    pub uuid: String,
    pub child: Child,
}

impl Lab {
    /// The lab, with an image of busybox that runs a shell script; a reported skip without root or plugins.
    pub fn new() -> Option<Self> {
        Self::with_image(&[])
    }

    /// The same with further acbuild commands for the image.
    pub fn with_image(more: &[&[&str]]) -> Option<Self> {
        let programs = ["ip", "iptables", "ip6tables", "nsenter", "unshare"];
        let plugins = std::path::Path::new("/usr/lib/cni/portmap");
        if !needs_root() || !programs.into_iter().all(needs_program) {
            return None;
        }
        assert!(plugins.exists(), "install containernetworking-plugins");
        let world = World::new()?;
        let image = world.build_with("net", "1.0.0", &["/bin/busybox", "sh", "-c"], more);
        let image = world.import(&image);
        let mut holder = Command::new("unshare")
            .args([
                "--mount",
                "--net",
                "--pid",
                "--fork",
                "--kill-child",
                "--mount-proc",
            ])
            .args(["--propagation", "private", "sh", "-c", SET_UP])
            .env("BUSYBOX", busybox())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare");
        let stdout = holder.stdout.take().expect("a pipe");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        assert_eq!(line, "ready\n", "the lab cannot be set up");
        let children = format!("/proc/{0}/task/{0}/children", holder.id());
        let children = std::fs::read_to_string(children).expect("children");
        let init = children.trim().parse().expect("one child");
        Some(Self {
            world,
            image,
            holder,
            init,
        })
    }

    /// `command`, run on the lab's host.
    pub fn inside(&self, command: &Command) -> Command {
        let mut inside = self.world.env.command("nsenter");
        inside
            .args(["-t", &self.init.to_string(), "-m", "-n", "-p", "--"])
            .arg(command.get_program())
            .args(command.get_args());
        inside
    }

    pub fn rkt_command(&self, arguments: &[&str]) -> Command {
        let mut command = self.world.rkt_command();
        command.args(arguments);
        self.inside(&command)
    }

    pub fn rkt(&self, arguments: &[&str]) -> Outcome {
        self.world.env.outcome(&mut self.rkt_command(arguments))
    }

    /// A shell script on the host.
    pub fn sh(&self, script: &str) -> Outcome {
        let mut command = Command::new("env");
        let path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
        let busybox = format!("BUSYBOX={}", busybox().display());
        command.args([path, &busybox, "sh", "-c", script]);
        self.world.env.outcome(&mut self.inside(&command))
    }

    /// A shell script in the world.
    pub fn out(&self, script: &str) -> Outcome {
        let quoted = script.replace('\'', r"'\''");
        self.sh(&format!("exec ip netns exec world sh -c '{quoted}'"))
    }

    /// Defines a network.
    pub fn define(&self, file: &str, json: &str) {
        self.world.env.write(format!("etc/net.d/{file}"), json);
    }

    /// Runs a script in a pod with these options to its end.
    pub fn run(&self, options: &[&str], script: &str) -> Outcome {
        let image = self.image.as_str();
        let mut outcome = self.rkt(&[&["run"], options, &[image, "--", script]].concat());
        // Without the origin that stands in front of each line: `[TIME] net[NUMBER]: `.
        let bare = |line: &str| match line.split_once("]: ") {
            Some((origin, text)) if origin.starts_with('[') => format!("{text}\n"),
            _ => format!("{line}\n"),
        };
        outcome.stdout = outcome.stdout.lines().map(bare).collect();
        outcome
    }

    /// Starts a pod that serves its name on port 80, and what `options` say of it.
    pub fn serve(&self, name: &str, options: &[&str]) -> LabPod {
        let script = format!(
            "/bin/busybox mkdir -p /www; echo {name} >/www/index.html; exec /bin/busybox httpd -f -p 80 -h /www"
        );
        let pod = self.start(options, &script);
        let address = self.address(&pod);
        let address = match address.contains(':') {
            true => format!("[{address}]"),
            false => address,
        };
        let ask = format!("timeout 3 $BUSYBOX wget -q -O- http://{address}/");
        eventually("the pod answers the host", || {
            self.sh(&ask).stdout == format!("{name}\n")
        });
        pod
    }

    /// Starts a pod and waits until it has its networks and runs.
    pub fn start(&self, options: &[&str], script: &str) -> LabPod {
        let file = self.world.env.path(format!("uuid-{:?}", Instant::now()));
        let save = format!("--uuid-file-save={}", file.display());
        let image = self.image.as_str();
        let arguments = [&["run", save.as_str()], options, &[image, "--", script]].concat();
        let mut child = self.rkt_command(&arguments).spawn().expect("rkt run");
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(status) = child.try_wait().expect("wait") {
                panic!("rkt run ended: {status}");
            }
            let uuid = std::fs::read_to_string(&file).unwrap_or_default();
            if uuid.len() == 36 && self.rkt(&["status", "--wait-ready=10s", &uuid]).status == 0 {
                return LabPod { uuid, child };
            }
            assert!(Instant::now() < deadline, "the pod does not start");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The pod's first address.
    pub fn address(&self, pod: &LabPod) -> String {
        let status = self.status(&pod.uuid);
        status["networks"][0]["ip"]
            .as_str()
            .expect("an address")
            .to_owned()
    }

    pub fn status(&self, uuid: &str) -> serde_json::Value {
        let outcome = self.rkt(&["status", "--format=json", uuid]).expect(0);
        serde_json::from_str(&outcome.stdout).expect("JSON")
    }

    /// What pods may leave on the host: interfaces, namespaces, rules, leases.
    pub fn leftovers(&self) -> String {
        let script = r"
            ip -o link | sed -n 's/^[0-9]*: \([^:@]*\).*/interface \1/p' | grep -v -e ' lo$' -e ' up0$'
            ls /run/netns | grep -v '^world$'
            grep /run/netns/rkt- /proc/self/mountinfo
            iptables-save -t nat | grep -e '^-A' -e '^:CNI-[^H]' | grep -v HOSTPORT
            ip6tables-save -t nat | grep -e '^-A' -e '^:CNI-[^H]' | grep -v HOSTPORT
            iptables-save -t nat | grep -e '-A CNI-HOSTPORT-DNAT'
            find /var/lib/cni -type f -name '*[.:]*' | grep -v last_reserved
            true";
        self.sh(script).stdout
    }

    /// Waits until nothing is left; the kernel removes interfaces of a namespace when it has the time.
    pub fn nothing_left(&self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let left = self.leftovers();
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "left on the host:\n{left}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl LabPod {
    /// Kills the supervisor, and with it the pod.
    pub fn kill(&mut self, lab: &Lab) {
        // Through nsenter the child is not the supervisor itself.
        lab.rkt(&["stop", "--force", &self.uuid]);
        self.child.wait().expect("wait");
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // The kernel ends all that is in its PID namespace.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// Waits for something that must become true soon.
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
