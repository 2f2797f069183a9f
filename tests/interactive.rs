//! `rkt run --interactive` and `rkt attach` at a terminal: bytes, keys, sizes, and the terminal afterwards.

mod support;

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{LocalModes, Termios, Winsize, tcgetattr, tcsetwinsize};
use support::{World, can_run_pods};

const SHELL: [&str; 3] = ["/bin/busybox", "sh", "-c"];

fn world() -> Option<(World, String)> {
    if !can_run_pods() {
        return None;
    }
    let world = World::new()?;
    let image = world.build("shell", "1.0.0", &SHELL);
    let id = world.import(&image);
    Some((world, id))
}

/// A terminal of this test's, and a program at it that leads a session of its own.
struct Session {
    ours: File,
    theirs: OwnedFd,
    before: Termios,
    child: Child,
    seen: String,
}

impl Session {
    fn start(world: &World, arguments: &[&str]) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let ours = openpt(flags).expect("a terminal");
        unlockpt(&ours).expect("a terminal");
        let theirs = ioctl_tiocgptpeer(&ours, flags).expect("a terminal");
        size(&theirs, 40, 100);
        let before = tcgetattr(&theirs).expect("modes");
        let rkt = world.rkt_command();
        // setsid(1) makes it the controlling terminal, as a shell's is.
        let mut command = world.env.command("setsid");
        let copy = || theirs.try_clone().expect("a copy");
        let child = command
            .args(["--ctty", "--wait"])
            .arg(rkt.get_program())
            .args(rkt.get_args())
            .args(arguments)
            .env("TERM", "xterm")
            .stdin(copy())
            .stdout(copy())
            .stderr(copy())
            .spawn()
            .expect("setsid");
        Self {
            ours: File::from(ours),
            theirs,
            before,
            child,
            seen: String::new(),
        }
    }

    fn types(&mut self, text: &str) {
        self.ours.write_all(text.as_bytes()).expect("typed");
    }

    /// Reads until `text` appears; what was read before it is forgotten.
    fn sees(&mut self, text: &str) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !self.seen.contains(text) {
            assert!(Instant::now() < deadline, "no {text:?} in {:?}", self.seen);
            let mut ready = [rustix::event::PollFd::new(
                &self.ours,
                rustix::event::PollFlags::IN,
            )];
            let second = rustix::event::Timespec {
                tv_sec: 1,
                tv_nsec: 0,
            };
            if rustix::event::poll(&mut ready, Some(&second)).expect("poll") == 0 {
                continue;
            }
            let mut bytes = [0; 1024];
            let count = self.ours.read(&mut bytes).expect("output");
            self.seen
                .push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
        let (_, rest) = self.seen.split_once(text).expect("seen");
        self.seen = rest.to_owned();
    }

    fn is_raw(&self) -> bool {
        let now = tcgetattr(&self.theirs).expect("modes");
        !now.local_modes
            .intersects(LocalModes::ECHO | LocalModes::ISIG)
    }

    /// Waits for the end, and returns the status with which the terminal is as it was.
    fn ends(&mut self) -> Option<i32> {
        let status = self.child.wait().expect("the end");
        let after = tcgetattr(&self.theirs).expect("modes");
        assert_eq!(self.before.local_modes, after.local_modes);
        assert_eq!(self.before.input_modes, after.input_modes);
        assert_eq!(self.before.output_modes, after.output_modes);
        status.code()
    }
}

fn size(terminal: &OwnedFd, rows: u16, columns: u16) {
    let size = Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(terminal, size).expect("a size");
}

#[test]
fn an_app_has_a_terminal_of_the_callers_size_keys_and_kind() {
    let Some((world, id)) = world() else { return };
    let script = "stty() { /bin/busybox stty \"$@\"; }; tty() { /bin/busybox tty; }; \
                  stty size; tty; echo \"kind $TERM\"; echo x >/dev/tty; trap 'echo got INT' INT; \
                  trap 'stty size' WINCH; echo ready; \
                  while read line; do [ \"$line\" = end ] && exit 6; echo \"<$line>\"; done; \
                  while true; do read line && [ \"$line\" = end ] && exit 6; echo \"<$line>\"; done";
    let mut session = Session::start(
        &world,
        &["run", "--net=host", "--interactive", &id, "--", script],
    );
    session.sees("40 100\r\n");
    session.sees("/dev/pts/0\r\n");
    session.sees("kind xterm\r\n");
    session.sees("x\r\n");
    session.sees("ready\r\n");
    assert!(session.is_raw());
    session.types("hello\r");
    session.sees("<hello>\r\n");
    session.types("\x03");
    session.sees("got INT\r\n");
    session.types("again\r");
    session.sees("<again>\r\n");
    size(&session.theirs, 10, 20);
    session.sees("10 20\r\n");
    session.types("end\r");
    assert_eq!(session.ends(), Some(6));
}

#[test]
fn the_terminal_is_as_it_was_however_the_pod_ends() {
    let Some((world, id)) = world() else { return };
    let script = "trap '' INT TERM; echo ready; while true; do /bin/busybox sleep 1; done";
    for way in ["kill the pod", "press keys", "kill the app"] {
        let file = world.env.path("uuid");
        let save = format!("--uuid-file-save={}", file.display());
        let mut session = Session::start(
            &world,
            &[
                "run",
                "--net=host",
                "--interactive",
                &save,
                &id,
                "--",
                script,
            ],
        );
        session.sees("ready\r\n");
        assert!(session.is_raw());
        let uuid = std::fs::read_to_string(&file).expect("a UUID");
        let expected = match way {
            "kill the pod" => {
                world.rkt(["stop", "--force", &uuid]).expect(0);
                254
            }
            "press keys" => {
                session.types("\x1d\x1d\x1d");
                9
            }
            _ => {
                let status = world.rkt(["status", &uuid]).expect(0);
                let init = status
                    .stdout
                    .lines()
                    .find_map(|line| line.strip_prefix("pid="));
                let init = init.expect("a process");
                let children = format!("/proc/{init}/task/{init}/children");
                let app = std::fs::read_to_string(children).expect("children");
                let app = app.trim().parse().expect("a number");
                let app = rustix::process::Pid::from_raw(app).expect("a process");
                rustix::process::kill_process(app, rustix::process::Signal::KILL).expect("killed");
                9
            }
        };
        assert_eq!(session.ends(), Some(expected), "{way}");
        world.gc();
    }
}

#[test]
fn without_a_terminal_the_streams_are_passed_as_they_are() {
    let Some((world, id)) = world() else { return };
    let script = "/bin/busybox cat; printf 'b\\000\\n' >&2; exit 3";
    let mut pod = world
        .rkt_command()
        .args(["run", "--net=host", "--interactive", &id, "--", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("rkt run");
    let mut input = pod.stdin.take().expect("stdin");
    input.write_all(b"a\xff\0\x1b[31m").expect("written");
    drop(input);
    let output = pod.wait_with_output().expect("the end");
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(output.stdout, b"a\xff\0\x1b[31m");
    assert_eq!(output.stderr, b"b\0\n");
}

#[test]
fn an_app_with_a_terminal_of_its_own_is_attached_to_and_left() {
    let Some((world, id)) = world() else { return };
    let file = world.env.path("uuid");
    let script = "while true; do read line && echo \"<$line>\"; done";
    let mut pod = world
        .rkt_command()
        .args(["run", "--net=host"])
        .arg(format!("--uuid-file-save={}", file.display()))
        .args([
            &id,
            "--name=web",
            "--stdin=tty",
            "--stdout=tty",
            "--stderr=tty",
        ])
        .args(["--", script])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("rkt run");
    let deadline = Instant::now() + Duration::from_secs(30);
    let uuid = loop {
        if let Ok(uuid) = std::fs::read_to_string(&file)
            && world.rkt(["status", "--wait-ready=20s", &uuid]).status == 0
        {
            break uuid;
        }
        assert!(Instant::now() < deadline, "the pod does not start");
        std::thread::sleep(Duration::from_millis(20));
    };
    let list = world.rkt(["attach", "--mode=list", &uuid]).expect(0);
    assert!(
        list.stdout
            .contains("\"address\": \"/rkt/iottymux/web/sock-tty\""),
        "{list}"
    );
    world
        .rkt(["attach", "--mode=stdin", &uuid])
        .expect(254)
        .says("app web has no stdin to attach to: it has tty");
    world
        .rkt(["attach", "--app=other", &uuid])
        .expect(254)
        .says("has no app \"other\"");
    world.rkt(["attach", "--mode=tty,stdin", &uuid]).expect(254);
    for word in ["one", "two"] {
        let mut session = Session::start(&world, &["attach", &uuid]);
        while !session.is_raw() {
            std::thread::sleep(Duration::from_millis(10));
        }
        session.types(&format!("{word}\r"));
        session.sees(&format!("<{word}>\r\n"));
        session.types("\x1d\x1d\x1d");
        assert_eq!(session.ends(), Some(0));
    }
    world.rkt(["stop", &uuid]).expect(0);
    pod.wait().expect("the end");
    world
        .rkt(["attach", &uuid])
        .expect(254)
        .says("isn't currently running");
    world.gc();
}

#[test]
fn modes_of_streams_are_checked_on_the_command_line() {
    let Some((world, id)) = world() else { return };
    for flag in ["--stdin=log", "--stdout=bogus", "--stderr="] {
        world.rkt(["run", "--net=host", &id, flag]).expect(254);
    }
    world
        .rkt(["run", "--net=host", &id, "--stdout=null", "--", "echo x"])
        .expect(0);
    assert_eq!(world.pods().len(), 1);
    world.gc();
}
