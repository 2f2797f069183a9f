//! OCI and Docker images that other tools made: extracted as umoci does it, and run.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use gantry_testkit::tree::Tree;
use gantry_testkit::{busybox, needs_program};
use support::disturb::disturb;
use support::own_mounts::with_own_mounts;
use support::{World, again, can_run_pods, without_origin};

/// The images that the script makes.
const IMAGES: [&str; 11] = [
    "deletions",
    "setuid",
    "opaque",
    "hard-links",
    "directory-to-link",
    "link-to-directory",
    "implied",
    "attributes",
    "names",
    "many",
    "whiteouts-of-nothing",
];

/// Runs a program of somebody else to its end.
fn other(directory: &Path, program: &str, arguments: &[&str]) {
    let mut command = Command::new(program);
    let output = command.args(arguments).current_dir(directory).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    let shown = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {shown}");
}

/// Everything of a tree, but the time of the root, which umoci changes where no layer says it.
fn facts(root: &Path) -> Tree {
    Tree::read(root).map(|path, facts| {
        if path == Path::new("") {
            facts.mtime = (0, 0);
        }
    })
}

/// What the kernel shows of the trees of an image laid over each other.
fn overlay(world: &World, name: &str, at: &Path) -> Tree {
    let records = world.env.path("rkt/store/images");
    let records = fs::read_dir(records).expect("records").flatten();
    let mut found = records.filter_map(|record| {
        let text = fs::read(record.path()).expect("record");
        let json: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
        let labels = json["labels"].as_array()?;
        labels
            .iter()
            .any(|label| label["value"] == name)
            .then_some(json)
    });
    let record = found.next().expect("a record");
    let roots: Vec<String> = record["trees"]
        .as_array()
        .expect("trees")
        .iter()
        .map(|tree| {
            let tree = tree.as_str().expect("an ID");
            let path = world.env.path("rkt/store/trees").join(tree).join("rootfs");
            path.to_str().expect("UTF-8").to_owned()
        })
        .collect();
    fs::create_dir_all(at).expect("mount point");
    // The kernel makes no overlay of one directory alone.
    let empty = world.env.path("empty");
    fs::create_dir_all(&empty).expect("directory");
    let lower = format!("lowerdir={}:{}", roots.join(":"), empty.display());
    let at_text = at.to_str().expect("UTF-8");
    other(
        Path::new("/"),
        "mount",
        &["-t", "overlay", "overlay", "-o", &lower, at_text],
    );
    let tree = facts(at);
    other(Path::new("/"), "umount", &[at_text]);
    tree
}

#[test]
fn layers_are_extracted_as_umoci_extracts_them() {
    let tools = ["umoci", "python3", "dpkg", "setcap", "setfattr"];
    if !tools.into_iter().all(needs_program)
        || !with_own_mounts("layers_are_extracted_as_umoci_extracts_them")
    {
        return;
    }
    let Some(world) = World::new() else { return };
    let work = world.env.path("work");
    fs::create_dir(&work).expect("directory");
    let script = world
        .env
        .write("layers.sh", include_str!("oci_images/layers.sh"));
    other(&work, "bash", &[script.to_str().expect("UTF-8")]);
    for name in IMAGES {
        let image = format!("img:{name}");
        let bundle = work.join(format!("{name}.umoci"));
        let bundle_text = bundle.to_str().expect("UTF-8");
        other(
            &work,
            "umoci",
            &["unpack", "--rootless=false", "--image", &image, bundle_text],
        );
        let theirs = facts(&bundle.join("rootfs"));
        assert!(theirs.entries().len() > 50, "{name}");
        let layout = format!("oci:{}:{name}", work.join("img").display());
        world
            .rkt(["--insecure-options=image", "fetch", &layout])
            .expect(0);
        let rendered = work.join(format!("{name}.rendered"));
        let rendered_text = rendered.to_str().expect("UTF-8");
        world
            .rkt(["image", "render", "--rootfs-only", &image, rendered_text])
            .expect(0);
        facts(&rendered).expect(&theirs, &format!("{name}, rendered"));
        let overlay = overlay(&world, name, &work.join("overlay"));
        overlay.expect(&theirs, &format!("{name}, as an overlay"));
        for done in [bundle, rendered] {
            fs::remove_dir_all(done).expect("removal");
        }
    }
    // What is shared goes with the last image that has it.
    for name in IMAGES {
        world.rkt(["image", "rm", &format!("img:{name}")]).expect(0);
    }
    assert_eq!(world.stored(), [""; 0]);
}

/// A layout with an image of busybox in two layers, made by umoci.
fn layout(world: &World) -> PathBuf {
    let work = world.env.path("work");
    let root = work.join("one");
    fs::create_dir_all(root.join("bin")).expect("directory");
    fs::create_dir_all(root.join("data")).expect("directory");
    fs::create_dir_all(root.join("etc")).expect("directory");
    fs::copy(busybox(), root.join("bin/busybox")).expect("busybox");
    std::os::unix::fs::symlink("busybox", root.join("bin/sh")).expect("link");
    fs::write(
        root.join("etc/passwd"),
        "root:x:0:0::/:/bin/sh\nann:x:7:8::/:/bin/sh\n",
    )
    .expect("file");
    fs::write(root.join("etc/group"), "root:x:0:\nstaff:x:8:\n").expect("file");
    fs::write(root.join("etc/gone"), "old").expect("file");
    fs::write(root.join("data/seed"), "seed").expect("file");
    let above = work.join("two");
    fs::create_dir_all(above.join("etc")).expect("directory");
    fs::write(above.join("etc/.wh.gone"), "").expect("file");
    let tar = |from: &str, to: &str| {
        other(
            &work,
            "tar",
            &["-C", from, "--owner=0", "--group=0", "-cf", to, "."],
        );
    };
    tar("one", "one.tar");
    tar("two", "two.tar");
    let umoci = |arguments: &[&str]| other(&work, "umoci", arguments);
    umoci(&["init", "--layout", "img"]);
    umoci(&["new", "--image", "img:1"]);
    umoci(&["raw", "add-layer", "--image", "img:1", "one.tar"]);
    umoci(&["raw", "add-layer", "--image", "img:1", "two.tar"]);
    let script = "echo $0 $1 $GREETING; busybox id; pwd; ls /bin/busybox /etc/gone; cat /data/seed";
    let script = format!("alias ls='busybox ls' cat='busybox cat'; {script}");
    let config = [
        "config",
        "--image",
        "img:1",
        "--config.user=ann",
        "--config.workingdir=/etc",
        "--config.env=GREETING=hello",
        "--config.env=PATH=/bin",
        "--config.volume=/data",
        "--config.entrypoint=/bin/sh",
        "--config.entrypoint=-c",
    ];
    let script_flag = format!("--config.entrypoint={script}");
    let words = ["--config.cmd=zero", "--config.cmd=one"];
    let all: Vec<&str> = config
        .into_iter()
        .chain([script_flag.as_str()])
        .chain(words)
        .collect();
    umoci(&all);
    work
}

#[test]
fn images_of_other_tools_run_in_every_format() {
    if !can_run_pods() || !["umoci", "skopeo"].into_iter().all(needs_program) {
        return;
    }
    let Some(world) = World::new() else { return };
    let work = layout(&world);
    let skopeo = |more: &[&str], from: &str, to: &str| {
        let arguments = ["--insecure-policy", "copy", "-q"];
        let all: Vec<&str> = (arguments.iter().chain(more).copied())
            .chain([from, to])
            .collect();
        other(&work, "skopeo", &all);
    };
    skopeo(&["--dest-decompress"], "oci:img:1", "dir:plain");
    skopeo(&["--dest-compress-format=zstd"], "dir:plain", "oci:zstd:1");
    skopeo(&[], "oci:img:1", "oci-archive:oci.tar:1");
    skopeo(&[], "oci:img:1", "docker-archive:docker.tar:busybox:1");
    skopeo(&["--format=v2s2"], "oci:img:1", "dir:flat");
    let run = |image: &str, more: &[&str]| {
        let image = image.replacen(':', &format!(":{}/", work.display()), 1);
        let flags = [
            "--insecure-options=image",
            "run",
            "--net=host",
            "--pull-policy=never",
        ];
        let all = flags
            .into_iter()
            .chain([image.as_str()])
            .chain(more.iter().copied());
        let outcome = world.rkt(all);
        let text = without_origin(&outcome.stdout);
        (outcome, text)
    };
    // A user without a group has the group of the user's number, as rkt has it.
    let expected = "zero one hello\nuid=7(ann) gid=7 groups=7\n/etc\n/bin/busybox\n";
    for image in [
        "oci:img:1",
        "oci:zstd",
        "oci-archive:oci.tar",
        "docker-archive:docker.tar:busybox:1",
        "dir:flat",
        "dir:plain",
    ] {
        let (outcome, text) = run(image, &[]);
        assert!(text.contains(expected), "{image}: {outcome}");
        assert!(
            outcome.stderr.contains("/etc/gone: No such file"),
            "{image}: {outcome}"
        );
        assert!(
            text.ends_with("seed\n") || text.contains("\nseed"),
            "{image}: {outcome}"
        );
    }
    let (outcome, text) = run("oci:img:1", &["--exec=/bin/busybox", "--", "echo", "own"]);
    assert_eq!(text, "own\n", "{outcome}");
    // The same layers, however they came: two trees in all.
    let trees = fs::read_dir(world.env.path("rkt/store/trees")).expect("trees");
    assert_eq!(trees.count(), 2);
    world.gc();
    assert_eq!(world.pods(), [""; 0]);
}

#[test]
fn without_overlays_the_layers_become_one_copy() {
    if !can_run_pods() || !needs_program("umoci") {
        return;
    }
    let Some(world) = World::new() else { return };
    let work = layout(&world);
    let image = format!("oci:{}:1", work.join("img").display());
    let run = [
        "--insecure-options=image",
        "run",
        "--net=host",
        "--no-overlay",
    ];
    let program = [
        "--exec=/bin/busybox",
        "--user=0",
        "--group=0",
        "--",
        "ls",
        "/etc",
    ];
    let all = run.into_iter().chain([image.as_str()]).chain(program);
    let outcome = world.rkt(all).expect(0);
    let text = without_origin(&outcome.stdout);
    assert!(
        text.contains("passwd\n") && !text.contains("gone"),
        "{outcome}"
    );
    let refused = world.rkt(["run", "--net=host", &image]).expect(254);
    refused
        .says("cannot verify image")
        .says("--insecure-options=image");
}

#[test]
fn damaged_layers_are_found_and_mended() {
    if !can_run_pods() || !needs_program("umoci") {
        return;
    }
    let Some(world) = World::new() else { return };
    let work = layout(&world);
    let image = format!("oci:{}:1", work.join("img").display());
    world
        .rkt(["--insecure-options=image", "fetch", &image])
        .expect(0);
    let good = || {
        let outcome = world.rkt(["image", "verify", "img:1"]).expect(0);
        let line = outcome.line();
        assert!(
            line.starts_with("successfully verified checksum for image: \"img:1\""),
            "{outcome}"
        );
    };
    good();
    let only = |directory: &str, name: &str| {
        let entries = fs::read_dir(world.env.path(directory))
            .expect("directory")
            .flatten();
        let mut found = entries
            .map(|entry| entry.path().join(name))
            .filter(|path| path.exists());
        found.next().expect("a file")
    };
    let file = only("rkt/store/trees", "rootfs/etc/passwd");
    fs::write(&file, "mallory:x:0:0::/:/bin/sh\n").expect("damage");
    let outcome = world.rkt(["image", "verify", "img:1"]).expect(0);
    assert!(outcome.stdout.contains("\"etc/passwd\": size"), "{outcome}");
    good();
    let text = fs::read_to_string(only("rkt/store/trees", "rootfs/etc/passwd")).expect("file");
    assert!(text.starts_with("root:"), "{text}");
    // Every blob in turn, the manifest and the configuration among them.
    let blobs = fs::read_dir(world.env.path("rkt/store/blobs/sha256"))
        .expect("blobs")
        .flatten();
    let blobs: Vec<PathBuf> = blobs.map(|blob| blob.path()).collect();
    assert_eq!(blobs.len(), 4);
    for blob in blobs {
        let bytes = fs::read(&blob).expect("blob");
        fs::remove_file(&blob).expect("removal");
        fs::write(&blob, &bytes[1..]).expect("damage");
        world.rkt(["image", "verify", "img:1"]).expect(254);
        world
            .rkt(["image", "verify", "--repair", "img:1"])
            .expect(0);
        assert_eq!(fs::read(&blob).expect("blob"), bytes);
        good();
    }
}

#[test]
fn a_fetch_that_is_disturbed_anywhere_needs_no_repair() {
    if !can_run_pods() || !needs_program("umoci") || !needs_program("strace") {
        return;
    }
    let Some(world) = World::new() else { return };
    let work = layout(&world);
    let image = format!("oci:{}:1", work.join("img").display());
    let mut command = world.rkt_command();
    command.args(["--insecure-options=image", "fetch", &image]);
    let data = world.env.path("rkt");
    let begin = || {
        if data.exists() {
            fs::remove_dir_all(&data).expect("removal");
        }
    };
    let is_whole = || {
        let listed = world.rkt(["image", "list", "--no-legend"]).expect(0);
        if !listed.stdout.is_empty() {
            world.rkt(["image", "verify", "img:1"]).expect(0);
        }
    };
    disturb(
        &world,
        "fetch of a layout",
        &begin,
        &command,
        &|_, point| {
            is_whole();
            if point.call.number % 2 == 0 {
                world.rkt(["image", "gc"]).expect(0);
                is_whole();
            }
            again(&world, &command, "");
            is_whole();
            world.rkt(["image", "rm", "img:1"]).expect(0);
            world.rkt(["image", "gc", "--grace-period=0s"]).expect(0);
            assert_eq!(world.stored(), [""; 0]);
        },
    );
}
