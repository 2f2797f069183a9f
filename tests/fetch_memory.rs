//! How much memory a fetch takes: less than 64 MiB, whatever the size of the image.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use gantry_testkit::needs_program;
use support::{HOST, World};

/// The bound.
const MOST: u64 = 64 << 20;

/// Runs a command and prints the peak of its memory in KiB, as the kernel counted it.
const MEASURE: &str = "
import os, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
print('peak', usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
";

/// Noise, so that the image is as large as its files.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    (0..length / 8).flat_map(|_| next().to_le_bytes()).collect()
}

/// The same command under the eyes of the kernel.
fn measured(world: &World, command: &Command) -> u64 {
    let mut python = world.env.command("python3");
    python.arg("-c").arg(MEASURE).arg(command.get_program());
    python.args(command.get_args());
    let outcome = world.env.outcome(&mut python).expect(0);
    let peak = outcome
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("peak "));
    peak.and_then(|peak| peak.parse::<u64>().ok())
        .map(|kib| kib << 10)
        .unwrap_or_else(|| panic!("{}", outcome.stdout))
}

#[test]
fn a_fetch_takes_no_more_than_it_may_however_large_the_image() {
    if !needs_program("python3") {
        return;
    }
    let Some(world) = World::new() else { return };
    world.trust();
    let large = world.env.write("large", noise(80 << 20));
    let copy = ["copy", large.to_str().unwrap(), "/large"];
    let file = world.build_with("hello", "1.0", &["/bin/busybox"], &[&copy]);
    assert!(fs::metadata(&file).unwrap().len() > MOST);
    world.sign(&file);
    world.publish("hello", "1.0", &file);
    for image in [format!("{HOST}/hello:1.0"), file.display().to_string()] {
        let mut fetch = world.rkt_command();
        fetch.args(["fetch", "--pull-policy=update", &image]);
        for _ in 0..2 {
            let peak = measured(&world, &fetch);
            assert!(peak < MOST, "{image}: {peak}");
        }
        world
            .rkt(["image", "rm", &format!("{HOST}/hello:1.0")])
            .expect(0);
    }
}

/// What reads an archive on standard input and writes it compressed, and the name for messages. Those whose
/// dictionaries are larger than 32 MiB are in the documentation, for there is no room for them here.
const PACKERS: [(&str, &[&str]); 5] = [
    ("plain", &["cat"]),
    ("zstd", &["zstd", "-qc"]),
    ("zstd -19", &["zstd", "-qc", "-19"]),
    ("xz -6", &["xz", "-6c"]),
    ("bzip2", &["bzip2", "-c"]),
];

#[test]
fn no_usual_compression_takes_more_memory_than_a_fetch_may() {
    let programs = ["python3", "zstd", "xz", "bzip2"];
    if !programs.into_iter().all(needs_program) {
        return;
    }
    let Some(world) = World::new() else { return };
    world.trust();
    // More than any of these dictionaries, all of it new.
    let content = world.env.write("content", noise(9 << 20));
    let copy = ["copy", content.to_str().unwrap(), "/content"];
    let file = world.build_with("hello", "1.0", &["/bin/busybox"], &[&copy]);
    let archive = world.env.path("archive.tar");
    let pack = |words: &[&str], from: &Path, to: &Path| {
        let status = Command::new(words[0])
            .args(&words[1..])
            .stdin(fs::File::open(from).unwrap())
            .stdout(fs::File::create(to).unwrap())
            .status();
        assert!(status.unwrap().success(), "{words:?}");
    };
    pack(&["gzip", "-dc"], &file, &archive);
    for (name, words) in PACKERS {
        let image = world.env.path("packed.aci");
        pack(words, &archive, &image);
        world.sign(&image);
        let mut fetch = world.rkt_command();
        fetch.arg("fetch").arg(&image);
        let peak = measured(&world, &fetch);
        assert!(peak < MOST, "{name}: {peak}");
        world
            .rkt(["image", "rm", &format!("{HOST}/hello:1.0")])
            .expect(0);
        let mut signature = image.into_os_string();
        signature.push(".asc");
        fs::remove_file(signature).unwrap();
    }
}
