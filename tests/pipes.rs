//! Files of a command line that are pipes: those of a shell are read like files, and nobody waits for ever for a
//! writer that never comes.

mod support;

use std::process::Stdio;
use std::time::{Duration, Instant};

use gantry_testkit::needs_program;
use support::{ACBUILD, ACTOOL, ACTRUST, RKT, World, with_asc};

/// How long a command may take: it waits for ever otherwise.
const LIMIT: Duration = Duration::from_secs(20);

/// Commands with `IN` for the file, and whether one that is empty will do.
const COMMANDS: [&str; 14] = [
    "ACTOOL cat-manifest IN",
    "ACTOOL inspect IN",
    "ACTOOL inspect --signature IN image.aci",
    "ACTOOL inspect --key IN --signature image.aci.asc image.aci",
    "ACTOOL validate IN",
    "ACTOOL diff IN image.aci",
    "ACTOOL patch-manifest --manifest IN image.aci out.aci",
    "RKT trust --root --skip-fingerprint-review IN",
    "RKT fetch image.aci --signature IN",
    "RKT --insecure-options=image image import IN",
    "RKT status --uuid-file IN",
    "ACTRUST add --root --skip-fingerprint-review IN",
    "ACTRUST import --yes IN",
    "ACTRUST verify --signature IN image.aci",
];

fn line(world: &World, command: &str, file: &str) -> String {
    let directories = ["local", "system"].map(|name| {
        let dir = world.env.path(if name == "local" { "etc" } else { "lib" });
        format!("--{name}-config={}", dir.display())
    });
    let directories = directories.join(" ");
    let rkt = format!(
        "{RKT} --dir={} {directories}",
        world.env.path("rkt").display()
    );
    command
        .replace("ACTOOL", ACTOOL)
        .replace("ACBUILD", ACBUILD)
        .replace("ACTRUST", &format!("{ACTRUST} {directories}"))
        .replace("RKT", &rkt)
        .replace("IN", file)
}

/// Runs a line of a shell and gives status and output, if it ends.
fn run(world: &World, line: &str) -> (i32, String) {
    let out = world.env.path("shown");
    let shown = std::fs::File::create(&out).expect("a file");
    let mut command = world.env.command("bash");
    command
        .args(["-c", line])
        .stdout(shown.try_clone().expect("a file"))
        .stderr(shown)
        .stdin(Stdio::null());
    let mut child = command.spawn().expect("bash");
    let start = Instant::now();
    let status = loop {
        match child.try_wait().expect("a child of ours") {
            Some(status) => break status.code().unwrap_or(-1),
            None if start.elapsed() > LIMIT => {
                let _ = child.kill();
                let _ = child.wait();
                panic!("it waits for ever: {line}");
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    (status, std::fs::read_to_string(out).expect("text"))
}

#[test]
fn nobody_waits_for_a_writer_that_never_comes() {
    let Some(world) = World::new() else { return };
    let image = world.build("app", "1.0.0", &["/bin/busybox", "true"]);
    std::fs::rename(&image, world.env.path("image.aci")).expect("a name");
    world.sign(&world.env.path("image.aci"));
    world.trust();
    world.env.run("mkfifo", ["fifo"]).expect(0);
    for command in COMMANDS {
        let (status, shown) = run(&world, &line(&world, command, "fifo"));
        // Inspecting tells of what is wrong, and succeeds.
        assert!(
            status != 0 || command.contains("inspect"),
            "{command}: {shown}"
        );
        assert!(
            !shown.is_empty() && !shown.contains("panicked"),
            "{command}: {shown}"
        );
    }
}

#[test]
fn what_a_shell_pipes_is_read() {
    if !needs_program("bash") {
        return;
    }
    let Some(world) = World::new() else { return };
    let image = world.build("app", "1.0.0", &["/bin/busybox", "true"]);
    let image_name = world.env.path("image.aci");
    std::fs::rename(&image, &image_name).expect("a name");
    world.sign(&image_name);
    let key = world.env.write("key.asc", world.gpg.export(&world.key));
    world.trust();
    let piped = |command: &str, file: &std::path::Path| {
        let slow = format!("<(sleep 0.2; cat {})", file.display());
        let (status, shown) = run(&world, &line(&world, command, &slow));
        assert_eq!(status, 0, "{command}: {shown}");
        shown
    };
    let signature = with_asc(&image_name);
    assert!(piped("ACTOOL cat-manifest IN", &image_name).contains("example.test/app"));
    assert!(piped("ACTOOL inspect IN", &image_name).contains("example.test/app"));
    piped("ACTOOL validate IN", &image_name);
    piped("ACTRUST verify --signature IN image.aci", &signature);
    piped("RKT fetch image.aci --signature IN", &signature);
    piped("RKT trust --root --skip-fingerprint-review IN", &key);
    piped(
        "ACTRUST add --prefix=example.test/x --skip-fingerprint-review IN",
        &key,
    );
}
