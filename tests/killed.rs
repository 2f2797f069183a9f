//! `rkt fetch` and `rkt run` killed at any moment: the next command works, nothing is mended by hand.

mod support;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use gantry_testkit::Outcome;
use support::{HOST, World, can_run_pods, soak};

/// Moments at which each command is killed; the soak uses ten times as many.
fn moments() -> u32 {
    if soak() { 500 } else { 50 }
}

/// How long `command` takes from start to end, the median of three.
fn typical_time(mut command: impl FnMut() -> Outcome) -> Duration {
    let mut times: Vec<Duration> = (0..3)
        .map(|_| {
            let start = Instant::now();
            command().expect(0);
            start.elapsed()
        })
        .collect();
    times.sort();
    times[1]
}

/// Starts `command` and kills it with SIGKILL after `delay`, unless it has ended.
fn kill_after(command: &mut Command, delay: Duration) {
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command starts");
    std::thread::sleep(delay);
    // An error means that it has ended by itself: that moment counts too.
    let _ = child.kill();
    child.wait().expect("the command ends");
}

/// Moments spread over the whole run and a little beyond, in an order that mixes early and late.
fn delays(typical: Duration) -> impl Iterator<Item = Duration> {
    let count = moments();
    (0..count)
        .map(move |number| typical.mul_f64(f64::from(number * 37 % count) / f64::from(count) * 1.1))
}

#[test]
fn a_fetch_killed_at_any_moment_needs_no_repair() {
    let Some(world) = World::new() else { return };
    // Noise does not compress: the download is long enough to be hit in its middle.
    let noise: Vec<u8> = (0..3_000_000_u64)
        .map(|n| (n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as u8)
        .collect();
    let noise = world.env.write("noise", noise);
    let copy = ["copy", noise.to_str().expect("UTF-8"), "/noise"];
    let image = world.build_with("hello", "1.0.0", &["/bin/busybox", "true"], &[&copy]);
    world.sign(&image);
    world.publish("hello", "1.0.0", &image);
    world.trust();
    let name = format!("{HOST}/hello:1.0.0");
    let whole = world.rkt(["fetch", &name]).expect(0);
    let remove = || {
        world.rkt(["image", "rm", &name]).expect(0);
    };
    remove();
    let typical = typical_time(|| {
        let outcome = world.rkt(["fetch", &name]);
        remove();
        outcome
    });
    for (number, delay) in delays(typical).enumerate() {
        kill_after(world.rkt_command().args(["fetch", &name]), delay);
        world.rkt(["image", "list"]).expect(0);
        if number % 5 == 0 {
            world.rkt(["image", "gc", "--grace-period=0s"]).expect(0);
        }
        let again = world.rkt(["fetch", &name]).expect(0);
        assert_eq!(again.stdout, whole.stdout, "after a kill at {delay:?}");
        world.rkt(["image", "cat-manifest", &name]).expect(0);
        remove();
    }
    world.rkt(["image", "gc", "--grace-period=0s"]).expect(0);
    assert_eq!(world.stored(), Vec::<String>::new());
}

#[test]
fn a_run_killed_at_any_moment_needs_no_repair_and_leaves_nothing() {
    if !can_run_pods() {
        return;
    }
    let Some(world) = World::new() else { return };
    let image = world.build("hello", "1.0.0", &["/bin/busybox", "sleep", "0.02"]);
    let id = world.import(&image);
    let mounts = || std::fs::read_to_string("/proc/self/mountinfo").expect("mountinfo");
    let before = mounts();
    let typical = typical_time(|| world.rkt(["run", "--net=host", &id]));
    for delay in delays(typical) {
        kill_after(world.rkt_command().args(["run", "--net=host", &id]), delay);
        world.rkt(["list"]).expect(0);
    }
    world.rkt(["run", "--net=host", &id]).expect(0);
    // The kernel takes the processes of a killed pod down on its own time.
    let deadline = Instant::now() + Duration::from_secs(20);
    while !world.pods().is_empty() {
        assert!(Instant::now() < deadline, "left behind: {:?}", world.pods());
        world.gc();
    }
    assert_eq!(mounts(), before);
    assert_eq!(world.processes(), Vec::<String>::new());
    world.rkt(["image", "rm", &id]).expect(0);
    world.rkt(["image", "gc", "--grace-period=0s"]).expect(0);
    assert_eq!(world.stored(), Vec::<String>::new());
}
