//! Many processes at once on one data directory: nothing but honest refusals, no deadlock, nothing left.

mod support;

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use support::fault::Dice;
use support::{HOST, World, can_run_pods, soak};

/// What a command may say when it fails because of what others do: the thing that it was told to use is
/// being used, or is gone.
const REFUSALS: [(&str, &str); 11] = [
    ("image cat-manifest", "no image named \"NAME:1.0.0\" found"),
    ("image cat-manifest", "is not in the store"),
    ("image render", "no image named \"NAME:1.0.0\" found"),
    ("image render", "is not in the store"),
    ("image rm", "no image named \"NAME:1.0.0\" found"),
    ("image rm", "is in use by a running fetch or prepare"),
    ("rm", "no matches found for"),
    ("rm", "is currently being prepared"),
    ("rm", "is currently running"),
    ("rm", "is currently being deleted"),
    ("status", "no matches found for"),
];

/// How long one command may take when so many run: it waits for another for ever otherwise.
const LIMIT: Duration = Duration::from_secs(120);

const IMAGES: [&str; 3] = ["one", "two", "three"];

/// How many processes at once, and for how long.
fn extent() -> (usize, Duration) {
    match soak() {
        true => (50, Duration::from_secs(60)),
        false => (12, Duration::from_secs(6)),
    }
}

/// How often what happened, by command and message; empty for success.
type Tally = BTreeMap<(String, String), usize>;

#[test]
fn many_processes_at_once_only_refuse_what_they_must() {
    if !can_run_pods() {
        return;
    }
    let Some(world) = World::new() else { return };
    for name in IMAGES {
        let below = format!("{HOST}/one:1.0.0");
        let more: &[&[&str]] = match name {
            "three" => &[&["dependency", "add", &below]],
            _ => &[],
        };
        let image = world.build_with(name, "1.0.0", &["/bin/busybox", "true"], more);
        world.sign(&image);
        world.publish(name, "1.0.0", &image);
    }
    world.trust();
    let before = mounts();
    let (processes, time) = extent();
    let end = Instant::now() + time;
    let tally = Mutex::new(Tally::new());
    let seed = Dice::new().seed;
    std::thread::scope(|scope| {
        for worker in 0..processes {
            let (world, tally) = (&world, &tally);
            scope.spawn(move || {
                let mut dice = Dice::seeded(seed.wrapping_add(worker as u64 * 7919));
                while Instant::now() < end {
                    one_command(world, &mut dice, worker, tally);
                }
            });
        }
    });
    let tally = tally.into_inner().expect("no worker panicked");
    show(&tally);
    for name in ["fetch", "run", "image gc", "list"] {
        let done = (name.to_owned(), String::new());
        assert!(tally.contains_key(&done), "no {name} succeeded: {tally:?}");
    }
    let wrong: Vec<_> = tally
        .keys()
        .filter(|(name, said)| !is_honest(name, said))
        .collect();
    assert!(wrong.is_empty(), "GANTRY_SEED={seed}: {wrong:#?}");

    world.rkt(["list"]).expect(0);
    let deadline = Instant::now() + Duration::from_secs(30);
    while !world.pods().is_empty() {
        assert!(Instant::now() < deadline, "left behind: {:?}", world.pods());
        world
            .rkt(["gc", "--grace-period=0s", "--expire-prepared=0s"])
            .expect(0);
    }
    assert_eq!(world.processes(), Vec::<String>::new());
    assert_eq!(mounts(), before);
    world.rkt(["image", "gc", "--grace-period=0s"]).expect(0);
    let laid_out = world.stored();
    assert_eq!(laid_out, Vec::<String>::new());
    let locks = world.env.tree("rkt/store/locks");
    assert!(locks.iter().all(|name| name == "publish"), "{locks:?}");
    // And all of it still works.
    let name = format!("{HOST}/one:1.0.0");
    world.rkt(["run", "--net=host", &name]).expect(0);
}

/// The mounts of this machine.
fn mounts() -> String {
    std::fs::read_to_string("/proc/self/mountinfo").expect("mountinfo")
}

#[expect(clippy::print_stderr, reason = "shown with a failure, and by the soak")]
fn show(tally: &Tally) {
    for ((name, said), count) in tally {
        eprintln!(
            "{count:6} {name}: {}",
            if said.is_empty() { "done" } else { said }
        );
    }
}

fn is_honest(name: &str, said: &str) -> bool {
    let allowed = |(of, text): &(&str, &str)| *of == name && said.contains(text);
    said.is_empty() || REFUSALS.iter().any(allowed)
}

fn one_command(world: &World, dice: &mut Dice, worker: usize, tally: &Mutex<Tally>) {
    let image = *dice.one_of(&IMAGES);
    let name = format!("{HOST}/{image}:1.0.0");
    let file = world.env.path(format!("{image}-1.0.0.aci"));
    let out = world.env.path(format!("out-{worker}"));
    let [file, to] = [&file, &out].map(|path: &std::path::PathBuf| path.to_str().expect("UTF-8"));
    let pod = some_pod(world, dice);
    let commands: [(u32, &[&str]); 14] = [
        (3, &["fetch", &name]),
        (2, &["fetch", file]),
        (1, &["list", "--full"]),
        (1, &["image", "list"]),
        (1, &["image", "cat-manifest", &name]),
        (2, &["image", "rm", &name]),
        (1, &["image", "gc"]),
        (1, &["image", "gc", "--grace-period=0s"]),
        (1, &["image", "render", &name, to]),
        (3, &["run", "--net=host", &name]),
        (1, &["prepare", &name]),
        (1, &["rm", &pod]),
        (1, &["status", &pod]),
        (1, &["gc", "--grace-period=0s", "--expire-prepared=0s"]),
    ];
    let weighed: Vec<&[&str]> = commands
        .iter()
        .flat_map(|(weight, arguments)| (0..*weight).map(|_| *arguments))
        .collect();
    let arguments = *dice.one_of(&weighed);
    let said = run(world.rkt_command().args(arguments));
    if out.exists() {
        std::fs::remove_dir_all(&out).expect("what was rendered");
    }
    let verb = arguments
        .iter()
        .filter(|word| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'));
    let verb: Vec<&str> = verb
        .copied()
        .filter(|word| !word.starts_with('-'))
        .collect();
    let said = without_names(&said, world.env.root());
    let mut tally = tally.lock().expect("no worker panicked");
    *tally.entry((verb.join(" "), said)).or_default() += 1;
}

/// A pod that is there, or was just now.
fn some_pod(world: &World, dice: &mut Dice) -> String {
    let pods = world.pods();
    match pods.is_empty() {
        true => "00000000-0000-0000-0000-000000000000".to_owned(),
        false => {
            let pod = dice.one_of(&pods).trim_end_matches('/');
            pod.rsplit('/').next().unwrap_or_default().to_owned()
        }
    }
}

/// What a command said if it failed.
fn run(command: &mut Command) -> String {
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut stderr = child.stderr.take().expect("a pipe");
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        let _ = std::io::Read::read_to_end(&mut stderr, &mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    let start = Instant::now();
    let status = loop {
        match child.try_wait().expect("a child of ours") {
            Some(status) => break status,
            None if start.elapsed() > LIMIT => {
                let _ = child.kill();
                let _ = child.wait();
                return format!("it waits for ever: {command:?}");
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let said = reader.join().expect("a reader");
    match status.code() {
        Some(0) if !said.contains("panicked") => String::new(),
        Some(code) => format!("{code}: {said}"),
        None => format!("signal {:?}: {said}", status.signal()),
    }
}

/// Messages without what is different every time.
fn without_names(said: &str, root: &Path) -> String {
    let said = said.replace(&root.display().to_string(), "$TEST");
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let mut words: Vec<&str> = said
        .split(|c| !is_word(c))
        .filter(|word| word.len() >= 16 && word.bytes().any(|b| b.is_ascii_digit()))
        .collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let text = words
        .iter()
        .fold(said.clone(), |text, word| text.replace(word, "ID"));
    IMAGES.iter().fold(text, |text, image| {
        text.replace(&format!("{HOST}/{image}"), "NAME")
    })
}
