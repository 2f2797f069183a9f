//! Commands killed, or refused, at random system calls: no damaged image is ever seen, the next command
//! works without repair, and collection leaves nothing.

mod support;

use std::time::{Duration, Instant};

use support::disturb::disturb;
use support::golden::{
    Golden, all_is_whole, app_and_base, app_name, begin_with, goes_on_and_goes_away, keep, remove,
};
use support::{World, again, can_run_pods};

/// Everything of pods goes away: directories, mounts, processes.
fn pods_go_away(world: &World, mounts: &str) {
    world.rkt(["list"]).expect(0);
    // The kernel takes the processes of a killed pod down on its own time.
    let deadline = Instant::now() + Duration::from_secs(20);
    while !world.pods().is_empty() {
        assert!(Instant::now() < deadline, "left behind: {:?}", world.pods());
        world.gc();
    }
    assert_eq!(mount_table(), mounts);
    assert_eq!(world.processes(), Vec::<String>::new());
    let left = world.env.tree("rkt/pods");
    assert!(
        left.iter().all(|path| path.matches('/').count() == 1),
        "{left:?}"
    );
}

fn mount_table() -> String {
    std::fs::read_to_string("/proc/self/mountinfo").expect("mountinfo")
}

/// One command on the store, from one state.
fn on_the_store(world: &World, golden: &Golden, from: &str, arguments: &[&str], already: &str) {
    let mut command = world.rkt_command();
    command.args(arguments);
    let name = format!("{} from {from}", arguments.join(" "));
    let out = world.env.path("out");
    let begin = || {
        remove(&out);
        begin_with(world, from);
    };
    disturb(world, &name, &begin, &command, &|_, point| {
        all_is_whole(world, golden);
        if point.call.number % 2 == 0 {
            world.rkt(["image", "gc"]).expect(0);
            all_is_whole(world, golden);
        }
        again(world, &command, already);
        all_is_whole(world, golden);
        goes_on_and_goes_away(world, golden);
    });
}

#[test]
fn a_disturbed_fetch() {
    let Some((world, golden)) = app_and_base() else {
        return;
    };
    let name = app_name();
    for from in ["new", "part", "both"] {
        on_the_store(&world, &golden, from, &["fetch", &name], "");
    }
}

#[test]
fn a_disturbed_import() {
    let Some((world, golden)) = app_and_base() else {
        return;
    };
    let file = world.env.path("app-1.0.0.aci");
    let file = file.to_str().expect("UTF-8");
    on_the_store(&world, &golden, "empty", &["fetch", file], "");
}

#[test]
fn a_disturbed_removal() {
    let Some((world, golden)) = app_and_base() else {
        return;
    };
    let mut remove = vec!["image", "rm"];
    remove.extend(golden.images.iter().map(|(id, _)| id.as_str()));
    let gone = "not found";
    on_the_store(&world, &golden, "both", &remove, gone);
    let collect = ["image", "gc", "--grace-period=0s"];
    on_the_store(&world, &golden, "both", &collect, "");
}

#[test]
fn a_disturbed_output_of_an_image() {
    let Some((world, golden)) = app_and_base() else {
        return;
    };
    let out = world.env.path("out");
    let out = out.to_str().expect("UTF-8");
    let name = app_name();
    for verb in ["render", "extract"] {
        on_the_store(
            &world,
            &golden,
            "both",
            &["image", verb, &name, out],
            "exists",
        );
    }
}

#[test]
fn a_disturbed_pod() {
    if !can_run_pods() {
        return;
    }
    let Some((world, golden)) = app_and_base() else {
        return;
    };
    let name = app_name();
    let run = ["run", "--net=host", &name];
    let prepare = ["prepare", "--quiet", &name];
    begin_with(&world, "both");
    // One that has ended and two that never ran.
    world.rkt(run).expect(0);
    world.rkt(prepare).expect(0);
    let prepared = world.rkt(prepare).expect(0).line().to_owned();
    keep(&world, "pods");
    let remove = ["rm", &prepared];
    let collect = ["gc", "--grace-period=0s", "--expire-prepared=0s"];
    let cases: [(&str, &[&str], &str); 4] = [
        ("both", &run, ""),
        ("both", &prepare, ""),
        ("pods", &remove, "no matches found"),
        ("pods", &collect, ""),
    ];
    let mounts = mount_table();
    for (from, arguments, already) in cases {
        let mut command = world.rkt_command();
        command.args(arguments);
        let begin = || begin_with(&world, from);
        let name = format!("{} from {from}", arguments.join(" "));
        disturb(&world, &name, &begin, &command, &|_, _| {
            all_is_whole(&world, &golden);
            world.rkt(["list", "--full"]).expect(0);
            again(&world, &command, already);
            world
                .rkt(["gc", "--grace-period=0s", "--expire-prepared=0s"])
                .expect(0);
            pods_go_away(&world, &mounts);
            goes_on_and_goes_away(&world, &golden);
        });
        pods_go_away(&world, &mounts);
    }
}
