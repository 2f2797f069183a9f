//! `rkt run --private-users`: pods whose root is nobody on the host, and no two of which share a user.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::Stdio;

use support::{World, can_run_pods};

fn world() -> Option<(World, String)> {
    if !can_run_pods() {
        return None;
    }
    let world = World::new()?;
    let image = world.build("hello", "1.0.0", &["/bin/busybox", "sh", "-c"]);
    let id = world.import(&image);
    Some((world, id))
}

/// The directories of all pods.
fn pods(world: &World) -> Vec<PathBuf> {
    let pods = world.pods().into_iter();
    pods.map(|pod| world.env.path("rkt/pods").join(pod))
        .collect()
}

fn first_id(pod: &std::path::Path) -> u32 {
    let text = fs::read_to_string(pod.join("private-users-prepared")).expect("a range");
    let (first, count) = text.split_once(':').expect("SHIFT:COUNT");
    assert_eq!(count, "65536", "{text}");
    first.parse().expect("a number")
}

/// What an app wrote, without what tells the lines of several apps apart.
fn said(stdout: &str) -> String {
    let lines = stdout.lines().map(|line| match line.split_once("]: ") {
        Some((prefix, text)) if prefix.starts_with('[') => text,
        _ => line,
    });
    lines.map(|line| format!("{line}\n")).collect()
}

fn reservations(world: &World) -> usize {
    fs::read_dir(world.env.path("rkt/private-users")).map_or(0, Iterator::count)
}

#[test]
fn files_of_the_pod_belong_to_its_range_with_overlay_and_by_copy_and_all_of_it_goes() {
    let Some((world, id)) = world() else { return };
    let script = "PATH=/bin; busybox id -u; busybox cat /proc/self/uid_map; busybox stat -c %u:%g /bin/busybox; \
                  echo x >/mine && busybox chown 33:44 /mine; busybox touch /vol/no || echo kept; exit 6";
    let volume = world.env.path("volume");
    fs::create_dir(&volume).expect("volume");
    for (more, overlay) in [(None, true), (Some("--no-overlay"), false)] {
        let mut command = world.rkt_command();
        command
            .args(["run", "--net=host", "--private-users"])
            .args(more)
            .arg(format!("--volume=v,kind=host,source={}", volume.display()))
            .args([&id, "--mount=volume=v,target=/vol", "--", script]);
        let mut ran = world.env.outcome(&mut command).expect(6);
        ran.stdout = said(&ran.stdout);
        let pods = pods(&world);
        assert_eq!(pods.len(), 1, "{pods:?}");
        let first = first_id(&pods[0]);
        assert!(first >= 65536 && first.is_multiple_of(65536), "{first}");
        assert!(ran.stdout.starts_with("0\n"), "{ran}");
        assert!(ran.stdout.contains(&format!(" {first} ")), "{ran}");
        assert!(ran.stdout.ends_with("0:0\nkept\n"), "{ran}");
        let is_overlay = pods[0].join("overlay-prepared").exists();
        if overlay && !is_overlay {
            eprintln!("SKIP: owners cannot be shifted here, which rkt said: {ran}");
            assert!(ran.stderr.contains("ID-mapped mounts"), "{ran}");
        } else {
            assert_eq!(is_overlay, overlay, "{ran}");
        }
        let mine = world
            .env
            .tree("rkt/pods")
            .into_iter()
            .find(|path| path.ends_with("/mine"));
        let mine = world.env.path("rkt/pods").join(mine.expect("the file"));
        let meta = fs::metadata(&mine).expect("the file");
        assert_eq!((meta.uid(), meta.gid()), (first + 33, first + 44));
        let environment = pods[0].join("stage1/rootfs/rkt/env/hello");
        assert_eq!(fs::metadata(environment).expect("environment").uid(), first);
        // The image in the store is as before.
        let tree = world.env.tree("rkt/store/trees");
        let program = tree
            .iter()
            .find(|path| path.ends_with("/bin/busybox"))
            .expect("the program");
        let program =
            fs::metadata(world.env.path("rkt/store/trees").join(program)).expect("program");
        assert_eq!(program.uid(), 0);
        assert_eq!(reservations(&world), 1);
        world.gc();
        assert_eq!(world.pods(), Vec::<String>::new());
        assert_eq!(reservations(&world), 0);
    }
    assert_eq!(fs::read_dir(&volume).expect("volume").count(), 0);
}

#[test]
fn a_prepared_pod_keeps_its_range_until_it_is_run_and_removed() {
    let Some((world, id)) = world() else { return };
    let prepared = world
        .rkt([
            "prepare",
            "--private-users",
            &id,
            "--",
            "/bin/busybox cat /proc/self/uid_map",
        ])
        .expect(0);
    let uuid = prepared.line().to_owned();
    let first = first_id(&pods(&world)[0]);
    let ran = world.rkt(["run-prepared", "--net=none", &uuid]).expect(0);
    assert!(ran.stdout.contains(&format!(" {first} ")), "{ran}");
    let status = world.rkt(["status", &uuid]).expect(0);
    assert!(status.stdout.contains("app-hello=0"), "{status}");
    world.rkt(["rm", &uuid]).expect(0);
    assert_eq!(reservations(&world), 0);
}

#[test]
fn fifty_pods_at_once_share_no_user() {
    const COUNT: usize = 50;
    let Some((world, id)) = world() else { return };
    let started: Vec<_> = (0..COUNT)
        .map(|_| {
            world
                .rkt_command()
                .args(["run", "--net=none", "--private-users", &id, "--"])
                .arg("/bin/busybox cat /proc/self/uid_map")
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("rkt starts")
        })
        .collect();
    let mut seen = BTreeSet::new();
    for child in started {
        let output = child.wait_with_output().expect("rkt ends");
        let text = said(&String::from_utf8_lossy(&output.stdout));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}{errors}");
        let first = text
            .split_ascii_whitespace()
            .nth(1)
            .expect("a mapping")
            .to_owned();
        assert!(seen.insert(first), "two pods share {text}");
    }
    assert_eq!(seen.len(), COUNT);
    let noted: BTreeSet<String> = pods(&world)
        .iter()
        .map(|pod| first_id(pod).to_string())
        .collect();
    assert_eq!(noted, seen);
    assert_eq!(reservations(&world), COUNT);
    world.gc();
    assert_eq!(reservations(&world), 0);
    assert_eq!(world.processes(), Vec::<String>::new());
}
