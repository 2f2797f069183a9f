//! Commands killed, or refused, at random system calls: no damaged image is ever seen, the next command
//! works without repair, and collection leaves nothing.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use gantry_testkit::tree::Facts;
use support::disturb::disturb;
use support::golden::{
    self, Golden, all_is_whole, app_and_base, app_name, begin_with, content, goes_on_and_goes_away,
    keep, remove,
};
use support::{HOST, World, again, can_run_pods};

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

/// The file is not there, or whole.
fn whole_or_missing(file: &Path, whole: &[u8]) {
    match fs::read(file) {
        Ok(bytes) => assert!(bytes == whole, "{} is not whole", file.display()),
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound),
    }
}

#[test]
fn a_disturbed_import_without_a_network() {
    let Some((world, golden)) = app_and_base() else {
        return;
    };
    let file = world.env.path("app-1.0.0.aci");
    let file = file.to_str().expect("UTF-8");
    // What an image depends on has to be there: the network is not asked.
    begin_with(&world, "empty");
    world
        .rkt(["fetch", &format!("{HOST}/base:1.0.0")])
        .expect(0);
    keep(&world, "base");
    on_the_store(&world, &golden, "base", &["image", "import", file], "");
    let cas = old_store(&world, &golden);
    let import = [
        "image",
        "import",
        "--signature",
        cas.signatures.to_str().expect("UTF-8"),
        cas.directory.to_str().expect("UTF-8"),
    ];
    // The blobs are others than those that were fetched: the same archives, not compressed.
    begin_with(&world, "empty");
    world.rkt(import).expect(0);
    let plain = golden::golden(&world);
    let mut command = world.rkt_command();
    command.args(import);
    let begin = || begin_with(&world, "empty");
    disturb(&world, "image import cas", &begin, &command, &|_, _| {
        all_is_whole(&world, &plain);
        again(&world, &command, "");
        all_is_whole(&world, &plain);
        assert_eq!(content(&world).len(), plain.content.len());
        world.rkt(["image", "gc", "--grace-period=0s"]).expect(0);
        assert_eq!(golden::stored(&world), Vec::<String>::new());
    });
}

/// The images of `golden` as rkt 1.x kept them, with a signature for each.
struct OldStore {
    directory: PathBuf,
    signatures: PathBuf,
}

fn old_store(world: &World, golden: &Golden) -> OldStore {
    begin_with(world, "both");
    let directory = world.env.path("cas");
    let signatures = world.env.path("signatures");
    fs::create_dir(&signatures).expect("a folder");
    for (id, _) in &golden.images {
        let key = &id["sha512-".len()..][..64];
        let blob = directory.join(format!("blob/sha512/{}/sha512-{key}", &key[..2]));
        fs::create_dir_all(blob.parent().expect("a folder")).expect("folders");
        let to = blob.to_str().expect("UTF-8");
        world.rkt(["image", "export", id, to]).expect(0);
        let manifest = world.rkt(["image", "cat-manifest", id]).expect(0).stdout;
        let place = directory.join(format!("imageManifest/sha512/{}/sha512-{key}", &key[..2]));
        fs::create_dir_all(place.parent().expect("a folder")).expect("folders");
        fs::write(place, manifest).expect("the manifest");
        world.sign(&blob);
        let signature = signatures.join(format!("sha512-{key}.asc"));
        fs::rename(support::with_asc(&blob), signature).expect("the signature");
    }
    OldStore {
        directory,
        signatures,
    }
}

#[test]
fn a_disturbed_export() {
    let Some((world, golden)) = app_and_base() else {
        return;
    };
    begin_with(&world, "both");
    let out = world.env.path("out");
    fs::create_dir(&out).expect("a folder");
    let file = out.join("image.aci");
    let to = file.to_str().expect("UTF-8");
    let name = app_name();
    world.rkt(["image", "export", &name, to]).expect(0);
    let plain = fs::read(&file).expect("the image");
    let old = b"what was there before";
    for replaces in [false, true] {
        let mut command = world.rkt_command();
        command.args(["image", "export", &name, to]);
        if replaces {
            command.arg("--overwrite");
        }
        let begin = || {
            remove(&out);
            fs::create_dir(&out).expect("a folder");
            if replaces {
                fs::write(&file, old).expect("a file");
            }
        };
        let shown = format!("image export, replaces: {replaces}");
        disturb(&world, &shown, &begin, &command, &|ending, _| {
            if !(replaces && fs::read(&file).is_ok_and(|bytes| bytes == old)) {
                assert!(file.exists() || !replaces, "the old file is gone");
                whole_or_missing(&file, &plain);
            }
            if ending.status == 0 {
                assert!(fs::read(&file).expect("the image") == plain);
            }
            all_is_whole(&world, &golden);
            again(&world, &command, "exists");
            assert!(fs::read(&file).expect("the image") == plain);
            assert_eq!(world.env.tree("out"), ["image.aci"]);
        });
    }
    goes_on_and_goes_away(&world, &golden);
}

/// Changes a byte of a file.
fn damage(path: &Path) {
    if path.is_file() {
        let mut bytes = fs::read(path).expect("a file");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).expect("a file");
    }
}

#[test]
fn a_disturbed_repair() {
    let Some((world, golden)) = app_and_base() else {
        return;
    };
    let name = app_name();
    begin_with(&world, "both");
    let store = world.env.path("rkt/store");
    // Of every kind one is damaged: an image, a signature, a file of a tree, one of a rendered tree.
    for path in golden.content.keys() {
        if path.starts_with("blobs") || path.ends_with("bin/busybox") {
            damage(&store.join(path));
        }
    }
    keep(&world, "damaged");
    let bad = content(&world);
    assert!(bad != golden.content);
    let mut command = world.rkt_command();
    command.args(["image", "verify", "--repair", &name]);
    let begin = || begin_with(&world, "damaged");
    disturb(
        &world,
        "image verify --repair",
        &begin,
        &command,
        &|_, _| {
            // Each blob and tree is the damaged one or the good one, and no image was lost.
            for (path, facts) in content(&world) {
                let is = |content: &BTreeMap<PathBuf, Facts>| content.get(&path) == Some(&facts);
                assert!(is(&golden.content) || is(&bad), "{}", path.display());
            }
            for path in golden.content.keys() {
                assert!(
                    store.join(path).symlink_metadata().is_ok(),
                    "{}",
                    path.display()
                );
            }
            // What it could not make good because it was disturbed, the next one does.
            again(&world, &command, "");
            all_is_whole(&world, &golden);
            goes_on_and_goes_away(&world, &golden);
        },
    );
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
    let shrink = ["image", "gc", "--keep-storage=0"];
    on_the_store(&world, &golden, "both", &shrink, "");
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
