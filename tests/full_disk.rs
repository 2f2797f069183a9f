//! A data directory on a full file system: what only looks or removes succeeds, what does not fit says how
//! much it needs, and goes on from where it was once there is room.

mod support;

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use gantry_testkit::web::Hook;
use support::own_mounts::with_own_mounts;
use support::{HOST, World};

/// A world whose data directory is a file system of 64 MiB, perhaps with a pod running on it.
struct Small {
    world: World,
    running: Option<Child>,
}

impl Small {
    fn new() -> Option<Self> {
        let world = World::new()?;
        let data = world.env.path("rkt");
        std::fs::create_dir(&data).expect("a folder");
        let data = data.to_str().expect("UTF-8");
        let mount = ["-t", "tmpfs", "-o", "size=64m", "none", data];
        world.env.run("mount", mount).expect(0);
        let running = None;
        Some(Self { world, running })
    }

    fn filler(&self) -> PathBuf {
        self.world.env.path("rkt/filler")
    }

    /// Fills the file system to the last byte.
    fn fill(&self) {
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(self.filler())
            .expect("an empty file");
        let zeros = vec![0; 1 << 16];
        // Written in part at the end, and then not at all.
        let full = loop {
            if let Err(error) = file.write_all(&zeros) {
                break error;
            }
        };
        assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    }

    /// Leaves `bytes` free, after [`Self::fill`].
    fn free(&self, bytes: u64) {
        self.fill();
        let file = File::options().write(true).open(self.filler());
        let file = file.expect("the filler");
        let length = file.metadata().expect("its length").len();
        file.set_len(length - bytes).expect("it gets shorter");
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        if let Some(mut child) = self.running.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let data = self.world.env.path("rkt");
        let _ = Command::new("umount").arg("-l").arg(data).status();
    }
}

/// Bytes that do not get smaller when compressed.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    })
    .take(length)
    .collect()
}

#[test]
fn what_looks_and_removes_succeeds_on_a_full_disk() {
    if !with_own_mounts("what_looks_and_removes_succeeds_on_a_full_disk") {
        return;
    }
    let Some(mut small) = Small::new() else {
        return;
    };
    let old = small.world.build("old", "1.0.0", &["/bin/busybox", "true"]);
    let older = small
        .world
        .build("older", "1.0.0", &["/bin/busybox", "true"]);
    let app = small
        .world
        .build("app", "1.0.0", &["/bin/busybox", "sleep", "1000"]);
    let [old, older, app] = [old, older, app].map(|file| small.world.import(&file));
    let uuid_file = small.world.env.path("uuid");
    let child = small
        .world
        .rkt_command()
        .args(["run", "--net=host"])
        .arg(format!("--uuid-file-save={}", uuid_file.display()))
        .arg(&app)
        .stderr(Stdio::null())
        .spawn()
        .expect("rkt run");
    small.running = Some(child);
    let world = &small.world;
    let ended = || {
        let uuid = world.env.path("ended");
        let save = format!("--uuid-file-save={}", uuid.display());
        world.rkt(["run", "--net=host", &save, &old]).expect(0);
        std::fs::read_to_string(uuid).expect("a UUID")
    };
    let first = ended();
    ended();
    let prepared = world.rkt(["prepare", &older]).expect(0).line().to_owned();
    let deadline = Instant::now() + Duration::from_secs(30);
    let running = loop {
        match std::fs::read_to_string(&uuid_file) {
            Ok(uuid) if world.rkt(["status", "--wait-ready=20s", &uuid]).status == 0 => break uuid,
            _ => assert!(Instant::now() < deadline, "the pod does not start"),
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let on_full = |arguments: &[&str]| {
        small.fill();
        let outcome = world.rkt(arguments).expect(0);
        assert!(!outcome.stderr.contains("No space"), "{outcome}");
        outcome
    };
    let listed = on_full(&["list", "--full"]);
    assert!(listed.stdout.contains(&running) && listed.stdout.contains(&first));
    assert!(
        on_full(&["image", "list"])
            .stdout
            .contains("example.test/old")
    );
    assert!(
        on_full(&["status", &running])
            .stdout
            .contains("state=running")
    );
    on_full(&["cat-manifest", &running]);
    on_full(&["image", "cat-manifest", &app]);
    on_full(&["config"]);
    on_full(&["stop", &running]);
    on_full(&["status", "--wait=20s", &running]);
    on_full(&["rm", &first]);
    on_full(&["rm", &prepared]);
    on_full(&["image", "rm", &old]);
    on_full(&["gc", "--grace-period=0s"]);
    on_full(&["gc", "--grace-period=0s"]);
    on_full(&["image", "gc", "--grace-period=0s"]);
    assert_eq!(world.pods(), Vec::<String>::new());
    assert_eq!(world.stored(), Vec::<String>::new());
}

#[test]
fn a_fetch_that_does_not_fit_tells_the_numbers_and_goes_on_when_there_is_room() {
    if !with_own_mounts(
        "a_fetch_that_does_not_fit_tells_the_numbers_and_goes_on_when_there_is_room",
    ) {
        return;
    }
    let Some(small) = Small::new() else { return };
    let world = &small.world;
    const MIB: u64 = 1 << 20;
    let noise = world.env.write("noise", noise(20 << 20));
    let copy = ["copy", noise.to_str().expect("UTF-8"), "/noise"];
    let image = world.build_with("big", "1.0.0", &["/bin/busybox", "true"], &[&copy]);
    let size = std::fs::metadata(&image).expect("the image").len();
    world.sign(&image);
    world.publish("big", "1.0.0", &image);
    world.trust();
    let name = format!("{HOST}/big:1.0.0");
    let fetch = ["fetch", &name];
    // The version of the store is there, as on every disk that filled up in use.
    world.rkt(["image", "list"]).expect(0);
    let mib = |bytes: u64| format!("{}.{} MiB", bytes / MIB, bytes % MIB * 10 / MIB);

    // Nothing fits.
    small.fill();
    world
        .rkt(fetch)
        .expect(254)
        .says("no room for the download of")
        .says("0 bytes free")
        .says(&mib(size))
        .says("make room");
    // Only a part would fit: it is not even begun.
    small.free(8 * MIB);
    let told = world.rkt(fetch).expect(254);
    told.says(&format!(
        "no room for the download of https://{HOST}/{HOST}/big-1.0.0.aci: {} are needed",
        mib(size)
    ))
    .says(" MiB free");
    assert_eq!(part_length(world).unwrap_or_default(), 0);
    let path = image.to_str().expect("UTF-8");
    world
        .rkt(["fetch", path])
        .expect(254)
        .says("no room for a copy of")
        .says(&mib(size));
    assert_eq!(part_length(world).unwrap_or_default(), 0);

    // Half of it is there when the room ends.
    small.free(size + MIB);
    let half = size / 2;
    world
        .server
        .hook(&format!("/{HOST}/big-1.0.0.aci"), Hook::StallAfter(half));
    let mut child = world
        .rkt_command()
        .args(fetch)
        .stderr(Stdio::null())
        .spawn()
        .expect("rkt");
    let deadline = Instant::now() + Duration::from_secs(30);
    while part_length(world) != Some(half) {
        assert!(Instant::now() < deadline, "the download does not come");
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    world.server.clear_hooks();
    small.free(2 * MIB);
    world
        .rkt(fetch)
        .expect(254)
        .says(&format!("{} are needed", mib(size - half)));
    assert_eq!(part_length(world), Some(half));

    // The rest fits, its files do not.
    small.free(size - half + 2 * MIB);
    world.server.take_sent();
    world
        .rkt(fetch)
        .expect(254)
        .says("no room for the files of image")
        .says("MiB are needed");
    let sent = world.server.take_sent();
    assert!((size - half..size - half + 4000).contains(&sent), "{sent}");
    assert_eq!(
        world.rkt(["image", "list", "--no-legend"]).expect(0).stdout,
        ""
    );

    std::fs::remove_file(small.filler()).expect("the filler");
    world.rkt(fetch).expect(0);
    let sent = world.server.take_sent();
    assert!(sent < 4000, "{sent}");
    world.rkt(["image", "rm", &name]).expect(0);
    world.rkt(["image", "gc", "--grace-period=0s"]).expect(0);
    assert_eq!(world.stored(), Vec::<String>::new());
}

/// Length of the download that has begun.
fn part_length(world: &World) -> Option<u64> {
    let stored = world.stored();
    let part = stored.iter().find(|path| path.ends_with(".part"))?;
    let meta = std::fs::metadata(world.env.path("rkt/store").join(part));
    Some(meta.ok()?.len())
}

/// What a command is tried with while nothing fits, and then again with room.
struct Attempt<'a> {
    arguments: &'a [&'a str],
    /// Part of what it says.
    says: &'a str,
}

#[test]
fn a_command_that_does_not_fit_changes_nothing_and_works_when_there_is_room() {
    if !with_own_mounts("a_command_that_does_not_fit_changes_nothing_and_works_when_there_is_room")
    {
        return;
    }
    let Some(small) = Small::new() else { return };
    let world = &small.world;
    let noise = world.env.write("noise", noise(6 << 20));
    let copy = ["copy", noise.to_str().expect("UTF-8"), "/noise"];
    let image = world.build_with("big", "1.0.0", &["/bin/busybox", "true"], &[&copy]);
    let other = world.build("other", "1.0.0", &["/bin/busybox", "true"]);
    let id = world.import(&image);
    let [file, dir] = ["out.aci", "out"].map(|name| world.env.path(format!("rkt/{name}")));
    let [file, dir] = [&file, &dir].map(|path| path.to_str().expect("UTF-8"));
    let other = other.to_str().expect("UTF-8");
    let blob = world.stored();
    let blob = blob.iter().find(|path| path.starts_with("blobs/"));
    let blob = world.env.path("rkt/store").join(blob.expect("a blob"));
    let damage = || {
        let mut bytes = std::fs::read(&blob).expect("a blob");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&blob, bytes).expect("a blob");
    };
    let import = ["--insecure-options=image", "image", "import", other];
    let attempts = [
        Attempt {
            arguments: &["image", "export", &id, file],
            says: "No space left on device",
        },
        Attempt {
            arguments: &["image", "extract", &id, dir],
            says: "No space left on device",
        },
        Attempt {
            arguments: &["image", "render", "--overwrite", &id, dir],
            says: "No space left on device",
        },
        Attempt {
            arguments: &import,
            says: "no room for a copy of",
        },
        Attempt {
            arguments: &["image", "verify", "--repair", &id],
            says: "make room",
        },
    ];
    for Attempt { arguments, says } in attempts {
        let repairs = arguments.contains(&"--repair");
        if repairs {
            damage();
        }
        // Not a byte, and then a part of what is needed.
        for free in [0, 1 << 20] {
            if free > 0 && arguments == import {
                continue;
            }
            small.free(free);
            let before = world.env.tree("rkt");
            world.rkt(arguments).expect(254).says(says);
            assert_eq!(world.env.tree("rkt"), before, "{arguments:?}");
            // What only looks or removes goes on.
            small.fill();
            let listed = world.rkt(["image", "list", "--no-legend"]).expect(0);
            assert_eq!(listed.stdout.lines().count(), 1, "{listed}");
            world.rkt(["list"]).expect(0);
            world.rkt(["gc", "--grace-period=0s"]).expect(0);
            world.rkt(["image", "gc"]).expect(0);
            world.rkt(["image", "rm", "example.test/none"]).expect(0);
        }
        std::fs::remove_file(small.filler()).expect("the filler");
        world.rkt(arguments).expect(0);
        if arguments == import {
            world.rkt(["image", "rm", "example.test/other"]).expect(0);
        }
    }
    world.rkt(["image", "verify", &id]).expect(0);
    small.fill();
    world.rkt(["image", "rm", &id]).expect(0);
    world.rkt(["image", "gc", "--grace-period=0s"]).expect(0);
    assert_eq!(world.stored(), Vec::<String>::new());
}
