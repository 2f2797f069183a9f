//! Images that depend on each other: built, signed, published, fetched, rendered, run and removed.

mod support;

use std::path::Path;

use std::process::Stdio;
use std::time::{Duration, Instant};

use support::{HOST, World, can_run_pods};

/// Builds, signs and publishes `NAME` 1.0.0 with these members of the manifest, over `below`, with files that
/// hold the image's name. The app, and each image beneath it, shows what is in `/data`.
fn publish(world: &World, name: &str, below: &[&str], members: &str, files: &[&str]) {
    let content = world
        .env
        .write(format!("content-{name}"), format!("{name}\n"));
    let manifest = world.env.write(format!("members-{name}"), members);
    let [content, manifest] =
        [content, manifest].map(|path| path.to_str().expect("UTF-8").to_owned());
    let below: Vec<String> = below
        .iter()
        .map(|below| format!("{HOST}/{below}:1.0.0"))
        .collect();
    let mut commands: Vec<Vec<&str>> = Vec::new();
    commands.extend(below.iter().map(|below| vec!["dependency", "add", below]));
    commands.extend(files.iter().map(|file| vec!["copy", &content, file]));
    commands.push(vec!["replace-manifest", &manifest]);
    let commands: Vec<&[&str]> = commands.iter().map(Vec::as_slice).collect();
    let show = "cd /data; for file in *; do echo $file: $(/bin/busybox cat $file); done";
    let image = world.build_with(
        name,
        "1.0.0",
        &["/bin/busybox", "sh", "-c", show],
        &commands,
    );
    world.sign(&image);
    world.publish(name, "1.0.0", &image);
}

/// An app over a middle image over a base, with path whitelists in the upper two; and what it shows.
fn three_images(world: &World) -> &'static str {
    publish(
        world,
        "base",
        &[],
        "{}",
        &["/data/a", "/data/b", "/data/c", "/data/d"],
    );
    publish(
        world,
        "middle",
        &["base"],
        r#"{"pathWhitelist":["/bin/busybox","/data/b","/data/c","/data/x"]}"#,
        &["/data/b", "/data/x", "/data/y"],
    );
    publish(
        world,
        "app",
        &["middle"],
        r#"{"pathWhitelist":["/bin/busybox","/data","/data/a","/data/b","/data/c","/data/own"]}"#,
        &["/data/own", "/data/not"],
    );
    "b: middle\nc: base\nown: app\n"
}

fn names(world: &World, dir: &str) -> Vec<String> {
    let entries = std::fs::read_dir(world.env.path(dir)).expect("a directory");
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .collect();
    names.sort();
    names
}

#[test]
fn an_app_over_others_is_the_same_however_its_root_comes_about() {
    let Some(world) = World::new() else { return };
    let expected = three_images(&world);
    world.trust();
    let app = format!("{HOST}/app:1.0.0");
    world.rkt(["fetch", &app]).expect(0);
    assert_eq!(
        names(&world, "rkt/store/trees").len(),
        4,
        "three images and a rendered one"
    );

    let output = |name: &str| world.env.path(name).to_str().expect("UTF-8").to_owned();
    world
        .rkt(["image", "render", &app, &output("out/app")])
        .expect(0);
    assert_eq!(names(&world, "out/app"), ["manifest", "rootfs"]);
    assert_eq!(names(&world, "out/app/rootfs/data"), ["b", "c", "own"]);
    let read =
        |name: &str| std::fs::read_to_string(world.env.path("out/app/rootfs/data").join(name));
    let shown = ["b", "c", "own"].map(|name| format!("{name}: {}", read(name).expect("a file")));
    assert_eq!(shown.concat(), expected);
    world
        .rkt([
            "image",
            "extract",
            "--rootfs-only",
            &app,
            &output("out/app"),
        ])
        .expect(254)
        .says("output directory")
        .says("--overwrite");
    world
        .rkt([
            "image",
            "extract",
            "--rootfs-only",
            "--overwrite",
            &app,
            &output("out/app"),
        ])
        .expect(0);
    assert_eq!(names(&world, "out/app/data"), ["not", "own"]);
    assert_eq!(names(&world, "out"), ["app"]);
    for command in ["render", "extract"] {
        world
            .rkt(["image", command, "--overwrite", &app, "/"])
            .expect(254)
            .says("refusing to replace /");
        world.rkt(["image", command, &app]).expect(254);
        world
            .rkt(["image", command, "no.such/image", &output("none")])
            .expect(254)
            .says("no.such/image");
    }
    assert_eq!(names(&world, "out"), ["app"]);

    if can_run_pods() {
        for options in [&["--net=host"][..], &["--net=host", "--no-overlay"]] {
            let arguments = [&["run"], options, &[app.as_str()]].concat();
            let run = world.rkt(arguments).expect(0);
            let lines = run.stdout.lines().map(|line| match line.split_once("]: ") {
                Some((_, text)) => format!("{}\n", text.trim_end()),
                None => format!("{}\n", line.trim_end()),
            });
            assert_eq!(lines.collect::<String>(), expected, "{options:?}");
        }
        // Fetched as a dependency only, and so not rendered before somebody runs it.
        let middle = format!("{HOST}/middle:1.0.0");
        let run = world.rkt(["run", "--net=host", &middle]).expect(0);
        for line in ["b: middle", "c: base", "x: middle"] {
            assert!(run.stdout.contains(line), "{line}: {run}");
        }
        assert_eq!(run.stdout.lines().count(), 3, "{run}");
        assert_eq!(names(&world, "rkt/store/trees").len(), 5);
        world.gc();
    }
    for image in ["app", "middle", "base"] {
        world
            .rkt(["image", "rm", &format!("{HOST}/{image}")])
            .expect(0);
    }
    assert_eq!(world.stored(), Vec::<String>::new());
}

#[test]
fn images_that_need_no_rendering_are_laid_over_each_other() {
    if !can_run_pods() {
        return;
    }
    let Some(world) = World::new() else { return };
    publish(&world, "base", &[], "{}", &["/data/a", "/data/b"]);
    publish(&world, "side", &[], "{}", &["/data/b", "/data/c"]);
    publish(&world, "app", &["base", "side"], "{}", &["/data/own"]);
    world.trust();
    let app = format!("{HOST}/app:1.0.0");
    for options in [&["--net=host"][..], &["--net=host", "--no-overlay"]] {
        let arguments = [&["run"], options, &[app.as_str()]].concat();
        let run = world.rkt(arguments).expect(0);
        for line in ["a: base", "b: side", "c: side", "own: app"] {
            assert!(run.stdout.contains(line), "{line} {options:?}: {run}");
        }
    }
    assert_eq!(names(&world, "rkt/store/trees").len(), 3);
    world.gc();
}

#[test]
fn a_fetch_that_is_killed_while_it_renders_leaves_garbage_at_most() {
    let Some(world) = World::new() else { return };
    three_images(&world);
    world.trust();
    let app = format!("{HOST}/app:1.0.0");
    for image in ["base", "middle"] {
        world
            .rkt(["fetch", &format!("{HOST}/{image}:1.0.0")])
            .expect(0);
    }
    let remove = || world.rkt(["image", "rm", &app]).expect(0);
    let start = Instant::now();
    let whole = world.rkt(["fetch", &app]).expect(0);
    let typical = start.elapsed();
    remove();
    let trees = names(&world, "rkt/store/trees");
    let moments = if std::env::var_os("GANTRY_SOAK").is_some() {
        100
    } else {
        10
    };
    for moment in 0..moments {
        let mut child = world
            .rkt_command()
            .args(["fetch", &app])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the command starts");
        std::thread::sleep(
            typical.mul_f64(f64::from(moment * 7 % moments) / f64::from(moments) * 1.1),
        );
        // An error means that it has ended by itself: that moment counts too.
        let _ = child.kill();
        child.wait().expect("the command ends");
        let listed = world.rkt(["image", "list", "--fields=name"]).expect(0);
        let kept = listed.stdout.contains(&app);
        world.rkt(["image", "gc"]).expect(0);
        let left = names(&world, "rkt/store/trees").len();
        assert_eq!(
            left,
            trees.len() + if kept { 2 } else { 0 },
            "moment {moment}"
        );
        let again = world.rkt(["fetch", &app]).expect(0);
        assert_eq!(again.stdout, whole.stdout);
        remove();
    }
    assert_eq!(names(&world, "rkt/store/trees"), trees);
}

#[test]
fn a_disk_that_is_too_small_for_rendering_is_told_and_nothing_is_left() {
    if !can_run_pods() {
        return;
    }
    let Some(world) = World::new() else { return };
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    })
    .take(6_000_000)
    .collect();
    let noise = world.env.write("noise", noise);
    let list = world.env.write("list", r#"{"pathWhitelist":["/noise"]}"#);
    let commands: [&[&str]; 2] = [
        &["copy", noise.to_str().expect("UTF-8"), "/noise"],
        &["replace-manifest", list.to_str().expect("UTF-8")],
    ];
    let image = world.build_with("app", "1.0.0", &["/bin/busybox", "true"], &commands);
    // The image and its tree fit, its rendered tree does not. The mount ends with the shell.
    let script = r#"
        set -e
        mkdir "$1"
        mount -t tmpfs -o size=19m tmpfs "$1"
        shift
        status=0
        "$@" fetch --insecure-options=image "$IMAGE" || status=$?
        echo "first $status"
        echo "trees $(find "$DATA/store/trees" -mindepth 1 | wc -l)"
        "$@" image list --no-legend
        "$@" image gc
        mount -o remount,size=60m "$DATA"
        "$@" fetch --insecure-options=image "$IMAGE" >/dev/null
        echo "trees $(find "$DATA/store/trees" -mindepth 1 -maxdepth 1 | wc -l)"
    "#;
    let data = world.env.path("rkt");
    let rkt = world.rkt_command();
    let mut command = world.env.command("unshare");
    command
        .args([
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-c",
            script,
            "sh",
        ])
        .arg(&data)
        .arg(rkt.get_program())
        .args(rkt.get_args())
        .env("DATA", &data)
        .env("IMAGE", &image);
    let outcome = world.env.outcome(&mut command).expect(0);
    assert!(
        outcome.stdout.starts_with("first 254\ntrees 0\n"),
        "{outcome}"
    );
    assert!(outcome.stdout.ends_with("trees 2\n"), "{outcome}");
    outcome
        .says("cannot render image")
        .says("No space left on device")
        .says("make room on the file system");
}

#[test]
fn two_commands_that_fetch_images_which_need_each_other_both_end() {
    let Some(world) = World::new() else { return };
    publish(&world, "one", &["two"], "{}", &[]);
    publish(&world, "two", &["one"], "{}", &[]);
    world.trust();
    for _ in 0..3 {
        let spawn = |image: &str| {
            let image = format!("{HOST}/{image}:1.0.0");
            let mut command = world.rkt_command();
            command
                .args(["fetch", &image])
                .stderr(Stdio::null())
                .stdout(Stdio::null());
            command.spawn().expect("the command starts")
        };
        let mut children = [spawn("one"), spawn("two")];
        let limit = Instant::now() + Duration::from_secs(120);
        for child in &mut children {
            let status = loop {
                match child.try_wait().expect("a child of ours") {
                    Some(status) => break status,
                    None if Instant::now() > limit => {
                        child.kill().expect("it can be ended");
                        panic!("a fetch waits for ever");
                    }
                    None => std::thread::sleep(Duration::from_millis(5)),
                }
            };
            assert_eq!(status.code(), Some(254));
        }
        world.rkt(["image", "gc", "--grace-period=0s"]).expect(0);
        assert_eq!(world.stored(), Vec::<String>::new());
    }
}

#[test]
fn images_and_what_they_depend_on_are_fetched_from_files_with_no_network() {
    let Some(world) = World::new() else { return };
    let base = world.build("base", "1.0.0", &["/bin/busybox", "true"]);
    let below = format!("{HOST}/base:1.0.0");
    let more: &[&[&str]] = &[&["dependency", "add", &below]];
    let app = world.build_with("app", "1.0.0", &["/bin/busybox", "true"], more);
    for image in [&base, &app] {
        world.sign(image);
    }
    world.trust();
    let [base, app] = [&base, &app].map(|path| path.to_str().expect("UTF-8"));
    // The server knows nothing of them.
    world
        .rkt(["fetch", app])
        .expect(254)
        .says("cannot fetch dependency");
    let fetched = world.rkt(["fetch", base, app]).expect(0);
    assert_eq!(fetched.stdout.lines().count(), 2);
    // And then there is none, also for an image that came from it.
    world.publish("base", "1.0.0", Path::new(base));
    world.rkt(["fetch", &below]).expect(0);
    world.rkt(["image", "rm", &format!("{HOST}/app")]).expect(0);
    let nowhere = format!("{HOST}:443:127.0.0.1:1 {HOST}:80:127.0.0.1:1");
    let mut alone = world.rkt_command();
    alone.args(["fetch", app]).env("GANTRY_CONNECT_TO", nowhere);
    let fetched = world.env.outcome(&mut alone).expect(0);
    fetched.says("nobody can be asked");
}
