//! Commands that are killed, or refused a system call, at a chosen place: by strace's `--inject`.

use std::collections::HashMap;
use std::fmt;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use gantry_testkit::TestEnv;

/// What changes files, mounts or processes; and what waits for it to be on stable storage.
pub const CHANGING: &str = "write,pwrite64,writev,sendfile,copy_file_range,open,openat,mkdir,mkdirat,\
    mknod,mknodat,link,linkat,symlink,symlinkat,rename,renameat,renameat2,unlink,unlinkat,rmdir,\
    ftruncate,fallocate,fsync,fdatasync,sync_file_range,syncfs,chmod,fchmod,fchmodat,chown,fchown,\
    lchown,fchownat,utimensat,setxattr,lsetxattr,fsetxattr,flock,mount,umount2,move_mount,\
    open_tree,fsmount,mount_setattr,unshare,setns,clone,clone3,vfork,execve";

/// Those of them that have nothing to do with a path.
const PATHLESS: [&str; 10] = [
    "mount",
    "umount2",
    "move_mount",
    "fsmount",
    "mount_setattr",
    "unshare",
    "setns",
    "clone",
    "clone3",
    "vfork",
];

/// How long a command that is traced may take: it is hanging then.
const LIMIT: Duration = Duration::from_secs(90);

/// A call of a command, by its kind and its number among those of its kind in its thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub name: String,
    pub number: u32,
    /// How strace shows it.
    pub shown: String,
}

/// What happens at a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// SIGKILL in place of the call.
    Kill,
    /// The call does nothing and fails with this error.
    Error(&'static str),
}

/// Where and how a command is disturbed. Shown in messages, to be tried again by hand.
#[derive(Debug, Clone)]
pub struct Point {
    pub call: Call,
    pub fault: Fault,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.injection(), self.call.shown)
    }
}

impl Point {
    fn injection(&self) -> String {
        let Call { name, number, .. } = &self.call;
        match self.fault {
            // With an error as well, the call itself is not made in any case.
            Fault::Kill => format!("inject={name}:error=EIO:signal=KILL:when={number}"),
            Fault::Error(error) => format!("inject={name}:error={error}:when={number}"),
        }
    }
}

/// How a disturbed command ended.
#[derive(Debug)]
pub struct Ending {
    /// The exit status, or 128 plus the number of the signal.
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
    /// Whether it came to the point at all, and that was one of those that matter.
    pub disturbed: bool,
}

/// Whether strace works here: it may be missing, and a sandbox may forbid it.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
pub fn can_trace() -> bool {
    if !gantry_testkit::needs_program("strace") {
        return false;
    }
    let works = Command::new("strace")
        .args(["-qqf", "-o", "/dev/null", "true"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !works {
        eprintln!("SKIP: strace may not trace here");
    }
    works
}

/// The changing calls of an undisturbed run, which must succeed, that have to do with what is beneath
/// the test's folder; and its standard output.
pub fn record(env: &TestEnv, command: &Command) -> (Vec<Call>, String) {
    let log = env.path("trace");
    let ending = traced(env, command, &log, &[]);
    assert_eq!(ending.status, 0, "{command:?}: {}", ending.stderr);
    let log = std::fs::read_to_string(&log).expect("strace's log");
    let root = env.root().display().to_string();
    (calls(&log, &root), ending.stdout)
}

fn calls(log: &str, root: &str) -> Vec<Call> {
    let mut numbers: HashMap<(&str, &str), u32> = HashMap::new();
    let mut found = Vec::new();
    for line in log.lines() {
        let Some((thread, rest)) = line.split_once(' ') else {
            continue;
        };
        let rest = rest.trim_start();
        let Some((name, arguments)) = rest.split_once('(') else {
            continue;
        };
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            continue;
        }
        let number = numbers.entry((thread, name)).or_default();
        *number += 1;
        let reads = name.starts_with("open") && name != "open_tree" && !rest.contains("O_CREAT");
        let ours = PATHLESS.contains(&name) || arguments.contains(root);
        if ours && !reads && name != "execve" {
            found.push(Call {
                name: name.to_owned(),
                number: *number,
                shown: rest.chars().take(300).collect(),
            });
        }
    }
    found
}

/// Runs a command with a fault at `point`.
pub fn disturbed(env: &TestEnv, command: &Command, point: &Point) -> Ending {
    let log = env.path("trace");
    let mut ending = traced(env, command, &log, &["-e".to_owned(), point.injection()]);
    let log = std::fs::read_to_string(&log).unwrap_or_default();
    ending.disturbed = match point.fault {
        Fault::Kill => log.contains("+++ killed by SIGKILL"),
        // By its number alone it can also be a call that has to do with no file, such as one that wakes
        // another thread, which never fails in earnest: then what comes of it says nothing.
        Fault::Error(_) => {
            let root = env.root().display().to_string();
            let pathless = PATHLESS.contains(&point.call.name.as_str());
            let injected: Vec<&str> = log
                .lines()
                .filter(|line| line.contains("(INJECTED)"))
                .collect();
            let ours = |line: &&str| pathless || line.contains(&root);
            !injected.is_empty() && injected.iter().all(ours)
        }
    };
    ending
}

/// Runs `command`, made by [`TestEnv::command`], beneath strace.
pub fn traced(env: &TestEnv, command: &Command, log: &Path, options: &[String]) -> Ending {
    let mut strace = env.command("strace");
    strace
        .args(["-f", "-y", "-s", "0", "-o"])
        .arg(log)
        .args(["-e", &format!("trace={CHANGING}")])
        .args(options)
        .arg(command.get_program())
        .args(command.get_args())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = strace.spawn().expect("strace starts");
    let read = |mut from: Box<dyn Read + Send>| {
        std::thread::spawn(move || {
            let mut text = Vec::new();
            let _ = from.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        })
    };
    let stdout = read(Box::new(child.stdout.take().expect("a pipe")));
    let stderr = read(Box::new(child.stderr.take().expect("a pipe")));
    let start = Instant::now();
    let status = loop {
        match child.try_wait().expect("a child of ours") {
            Some(status) => break status,
            None if start.elapsed() > LIMIT => {
                let _ = child.kill();
                let _ = child.wait();
                panic!("it hangs: {strace:?}");
            }
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    Ending {
        status: status
            .code()
            .unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
        stdout: stdout.join().expect("a reader"),
        stderr: stderr.join().expect("a reader"),
        disturbed: false,
    }
}

/// Random numbers that a seed repeats.
pub struct Dice {
    state: u64,
    /// To be given in `GANTRY_SEED` for the same numbers again.
    pub seed: u64,
}

impl Dice {
    /// Seeded by `GANTRY_SEED`; otherwise by the clock in the soak, and always alike without it.
    pub fn new() -> Self {
        let given = std::env::var("GANTRY_SEED").ok();
        let seed = match given.and_then(|text| text.parse().ok()) {
            Some(seed) => seed,
            None if super::soak() => std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .map_or(1, |since| u64::from(since.subsec_nanos())),
            None => 1,
        };
        Self::seeded(seed)
    }

    /// With a seed of one's own.
    pub fn seeded(seed: u64) -> Self {
        Self { state: seed, seed }
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        // Steele, Lea and Flood's SplitMix64.
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let limit = u64::try_from(limit).expect("64 bits");
        usize::try_from((mixed ^ (mixed >> 31)) % limit).expect("below a limit that fits")
    }

    /// One of `choices`.
    pub fn one_of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// A call: half of the times any one, half of the times one of any kind, so that the few renames and
    /// syncs come up as well as the many writes.
    pub fn call(&mut self, calls: &[Call]) -> Call {
        if self.below(2) == 0 {
            return self.one_of(calls).clone();
        }
        let mut names: Vec<&str> = calls.iter().map(|call| call.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let name = *self.one_of(&names);
        let of_name: Vec<&Call> = calls.iter().filter(|call| call.name == name).collect();
        (*self.one_of(&of_name)).clone()
    }
}
