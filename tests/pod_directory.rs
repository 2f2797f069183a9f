//! The directory of a pod as a tool sees it that reads rkt's directories: phases, locks, files.
//!
//! Source: rkt 1.30, Documentation/devel/pod-lifecycle.md and stage1-implementors-guide.md, pkg/pod/pods.go.

mod support;

use std::fs::File;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;
use support::{World, can_run_pods, without_origin};

const PHASES: [&str; 6] = [
    "embryo",
    "prepare",
    "prepared",
    "run",
    "exited-garbage",
    "garbage",
];

/// A reader that knows nothing but directories.
struct Reader {
    pods: PathBuf,
}

impl Reader {
    /// The only phase that has the pod, and whether somebody holds its lock.
    fn state(&self, uuid: &str) -> (&'static str, bool) {
        let found: Vec<&str> = PHASES
            .into_iter()
            .filter(|phase| self.pods.join(phase).join(uuid).is_dir())
            .collect();
        let [phase] = found[..] else {
            panic!("{uuid} is in {found:?}")
        };
        let dir = File::open(self.pods.join(phase).join(uuid)).expect("the pod");
        let locked = rustix::fs::flock(&dir, FlockOperation::NonBlockingLockShared).is_err();
        (phase, locked)
    }

    fn dir(&self, uuid: &str) -> PathBuf {
        self.pods.join(self.state(uuid).0).join(uuid)
    }
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path)
        .expect("the file")
        .permissions()
        .mode()
        & 0o7777
}

fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_pod_is_where_rkts_tools_look_for_it_from_prepare_to_garbage() {
    if !can_run_pods() {
        return;
    }
    let Some(world) = World::new() else { return };
    let more: &[&[&str]] = &[
        &["mount", "add", "data", "/data"],
        &["environment", "add", "A", "b"],
    ];
    let image = world.build_with("hello", "1.0.0", &["/bin/busybox", "sh", "-c"], more);
    let id = world.import(&image);
    let pods = world.env.path("rkt/pods");
    let reader = Reader { pods };

    let script = "while ! test -e /data/end; do /bin/busybox sleep 0.02; done; exit 3";
    let volume = "--volume=data,kind=empty,mode=0750,uid=7,gid=8";
    let prepared = world
        .rkt(["prepare", "--quiet", volume, &id, "--", script])
        .expect(0);
    let uuid = prepared.line().to_owned();
    for phase in PHASES {
        assert_eq!(mode(&reader.pods.join(phase)), 0o2750, "{phase}");
    }

    // Prepared: complete, and nobody's.
    assert_eq!(reader.state(&uuid), ("prepared", false));
    let dir = reader.dir(&uuid);
    assert_eq!(mode(&dir), 0o2750);
    for file in [
        "pod",
        "pod-created",
        "appsinfo/hello/manifest",
        "appsinfo/hello/treeStoreID",
    ] {
        assert_eq!(mode(&dir.join(file)), 0o640, "{file}");
    }
    assert_eq!(text(&dir.join("pod-created")), "");
    let manifest: serde_json::Value = serde_json::from_str(&text(&dir.join("pod"))).expect("JSON");
    assert_eq!(manifest["acKind"], "PodManifest");
    assert_eq!(manifest["apps"][0]["name"], "hello");
    let image_id = manifest["apps"][0]["image"]["id"].as_str().expect("an ID");
    assert!(image_id.starts_with(&id), "{image_id}");
    let image: serde_json::Value =
        serde_json::from_str(&text(&dir.join("appsinfo/hello/manifest"))).expect("JSON");
    assert_eq!(image["acKind"], "ImageManifest");
    let tree = text(&dir.join("appsinfo/hello/treeStoreID"));
    if dir.join("overlay-prepared").exists() {
        for part in ["upper", "work"] {
            assert!(
                dir.join("overlay")
                    .join(&tree)
                    .join(part)
                    .join("hello")
                    .is_dir(),
                "{part}"
            );
        }
    }
    assert!(dir.join("stage1/rootfs/opt/stage2/hello/rootfs").is_dir());
    let environment = text(&dir.join("stage1/rootfs/rkt/env/hello"));
    assert!(
        environment.lines().any(|line| line == "A=b"),
        "{environment}"
    );
    assert!(
        environment.lines().any(|line| line == "AC_APP_NAME=hello"),
        "{environment}"
    );
    assert_eq!(mode(&dir.join("sharedVolumes")), 0o705);
    let volume = std::fs::metadata(dir.join("sharedVolumes/data")).expect("the volume");
    assert_eq!(
        (volume.mode() & 0o7777, volume.uid(), volume.gid()),
        (0o750, 7, 8)
    );
    for absent in ["pid", "ppid", "netns", "net-info.json"] {
        assert!(!dir.join(absent).exists(), "{absent}");
    }
    let created = std::fs::metadata(dir.join("pod-created"))
        .expect("file")
        .mtime();

    // Running: locked by stage1, which says who it is; `ppid` has PID 1 of the pod as its only child.
    let mut pod = world
        .rkt_command()
        .args(["run-prepared", "--net=none", &uuid])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("rkt run-prepared");
    let in_run = reader.pods.join("run").join(&uuid);
    let ready = in_run.join("stage1/rootfs/rkt/supervisor-status");
    eventually("readiness", || {
        std::fs::read_link(&ready).is_ok_and(|to| to == Path::new("ready"))
    });
    assert_eq!(reader.state(&uuid), ("run", true));
    let ppid = text(&in_run.join("ppid"));
    assert_eq!(ppid, pod.id().to_string());
    assert!(!in_run.join("pid").exists());
    let children = text(Path::new(&format!("/proc/{ppid}/task/{ppid}/children")));
    let [first] = children.split_whitespace().collect::<Vec<_>>()[..] else {
        panic!("{children}")
    };
    let inside = text(Path::new(&format!("/proc/{first}/status")));
    assert!(
        inside
            .lines()
            .any(|line| line.starts_with("NSpid:") && line.ends_with("\t1")),
        "{inside}"
    );
    assert_eq!(
        std::fs::read_link(format!("/proc/{ppid}/cwd")).expect("cwd"),
        in_run
    );
    let variable = text(Path::new(&format!("/proc/{ppid}/environ")));
    let number = variable
        .split('\0')
        .find_map(|pair| pair.strip_prefix("RKT_LOCK_FD="));
    assert!(
        number.is_some_and(|number| number.parse::<u32>().is_ok()),
        "{variable:?}"
    );
    assert!(!in_run.join("stage1/rootfs/rkt/status/hello").exists());
    assert_eq!(
        std::fs::metadata(in_run.join("pod-created"))
            .expect("file")
            .mtime(),
        created
    );

    // Exited: at the same place, the lock is free, the status is a number and a line break.
    std::fs::write(in_run.join("sharedVolumes/data/end"), "").expect("the end");
    assert_eq!(pod.wait().expect("the end").code(), Some(3));
    eventually("the end", || reader.state(&uuid) == ("run", false));
    assert_eq!(text(&in_run.join("stage1/rootfs/rkt/status/hello")), "3\n");

    // Marked: renamed, which its ctime tells the time of.
    let before = std::fs::metadata(&in_run).expect("the pod").ctime_nsec();
    world.rkt(["gc", "--mark-only"]).expect(0);
    assert_eq!(reader.state(&uuid), ("exited-garbage", false));
    let marked = std::fs::metadata(reader.dir(&uuid)).expect("the pod");
    assert_ne!(marked.ctime_nsec(), before);

    // What was prepared and never run goes to `garbage`; what nobody finished does, too.
    let waiting = world
        .rkt(["prepare", "--quiet", &id])
        .expect(0)
        .line()
        .to_owned();
    let aborted = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
    std::fs::create_dir(reader.pods.join("prepare").join(aborted)).expect("a pod");
    world
        .rkt(["gc", "--mark-only"])
        .expect(0)
        .says("moving failed prepare");
    assert_eq!(reader.state(aborted), ("garbage", false));
    world
        .rkt(["gc", "--expire-prepared=0s"])
        .expect(0)
        .says("moving expired prepared pod");
    assert!(
        PHASES
            .iter()
            .all(|phase| !reader.pods.join(phase).join(&waiting).exists())
    );
    world.gc();
    assert_eq!(world.pods(), Vec::<String>::new());
}

#[test]
fn an_app_that_has_ended_becomes_an_image() {
    if !can_run_pods() {
        return;
    }
    let Some(world) = World::new() else { return };
    let image = world.build("hello", "1.0.0", &["/bin/busybox", "sh", "-c"]);
    let id = world.import(&image);
    let file = world.env.path("out.aci").display().to_string();
    let change = "echo new >/new; /bin/busybox chown 5:6 /new; /bin/busybox rm -r /tmp; /bin/busybox mkfifo /pipe";
    for overlay in ["--no-overlay=false", "--no-overlay"] {
        let uuid_file = world.env.path("uuid");
        let save = format!("--uuid-file-save={}", uuid_file.display());
        let one = [
            "run",
            "--net=host",
            overlay,
            &save,
            &id,
            "--",
            change,
            "---",
        ];
        world
            .rkt(
                one.iter()
                    .copied()
                    .chain([&*id, "--name=other", "--", "exit 0"]),
            )
            .expect(0);
        let uuid = text(&uuid_file);
        world
            .rkt(["export", &uuid, &file])
            .expect(254)
            .says("pod contains multiple apps: hello, other");
        world
            .rkt(["export", "--app=third", &uuid, &file])
            .expect(254)
            .says("app third is not present in pod");
        world
            .rkt(["export", "--app=hello", &uuid, "/tmp/out.tar"])
            .expect(254)
            .says(".aci");
        world.rkt(["export", "--app=hello", &uuid, &file]).expect(0);
        world
            .rkt(["export", "--app=hello", &uuid, &file])
            .expect(254)
            .says("file exists (try --overwrite)");
        let first = std::fs::read(&file).expect("the image");
        assert!(first.starts_with(&[0x1f, 0x8b]), "compressed with gzip");
        world
            .rkt(["export", "--app=hello", "--overwrite", &uuid, &file])
            .expect(0);
        assert!(
            std::fs::read(&file).expect("the image") == first,
            "the same bytes"
        );
        let exported = world.import(Path::new(&file));
        let look = "/bin/busybox cat /new; /bin/busybox stat -c %u:%g:%F /new /pipe; test -e /tmp/x || echo gone";
        let ran = world
            .rkt(["run", "--net=host", &exported, "--", look])
            .expect(0);
        assert_eq!(
            without_origin(&ran.stdout),
            "new\n5:6:regular file\n0:0:fifo\ngone\n"
        );
        std::fs::remove_file(&file).expect("the image");
        if overlay == "--no-overlay" {
            // Owners of a pod whose users were not the host's are those of the pod again.
            let dir = world.env.path(format!("rkt/pods/run/{uuid}"));
            std::fs::write(dir.join("private-users-prepared"), "100000:65536").expect("file");
            let new = dir.join("stage1/rootfs/opt/stage2/hello/rootfs/new");
            std::os::unix::fs::chown(&new, Some(100_005), Some(165_536)).expect("chown");
            world.rkt(["export", "--app=hello", &uuid, &file]).expect(0);
            let list = world
                .env
                .run("tar", ["--numeric-owner", "-tvzf", &file, "rootfs/new"])
                .expect(0);
            assert!(list.stdout.contains(" 5/165536 "), "{list}");
        }
    }
    let running = world
        .rkt(["prepare", "--quiet", &id])
        .expect(0)
        .line()
        .to_owned();
    world
        .rkt(["export", &running, &file])
        .expect(254)
        .says("pod is not exited. Only exited pods can be exported");
    let moved = format!("rm: moving expired prepared pod \"{running}\" to garbage");
    world.rkt(["rm", &running]).expect(0).says(&moved);
    world.gc();
}

#[test]
fn volumes_of_images_from_docker_begin_with_their_files() {
    if !can_run_pods() {
        return;
    }
    let Some(world) = World::new() else { return };
    let busybox = gantry_testkit::busybox();
    let content = ["copy", busybox.to_str().expect("UTF-8"), "/data/deep/file"];
    let mount: &[&str] = &["mount", "add", "data", "/data"];
    let docker: &[&str] = &[
        "annotation",
        "add",
        "appc.io/docker/repository",
        "library/hello",
    ];
    let look = "/bin/busybox ls /data; /bin/busybox grep -c ' /data ' /proc/self/mountinfo";
    for (name, more, expected) in [
        ("docker", &[&content[..], mount, docker][..], "deep\n1\n"),
        ("appc", &[&content[..], mount][..], "1\n"),
    ] {
        let image = world.build_with(name, "1.0.0", &["/bin/busybox", "sh", "-c"], more);
        let id = world.import(&image);
        let ran = world.rkt(["run", "--net=host", &id, "--", look]).expect(0);
        assert_eq!(without_origin(&ran.stdout), expected, "{ran}");
        let empty = [
            "run",
            "--net=host",
            "--volume=data,kind=empty",
            &id,
            "--",
            look,
        ];
        let ran = world.rkt(empty).expect(0);
        assert_eq!(
            without_origin(&ran.stdout),
            "1\n",
            "a volume that was asked for is empty: {ran}"
        );
    }
}

#[test]
fn the_group_of_an_image_from_docker_may_be_its_users() {
    if !can_run_pods() {
        return;
    }
    let Some(world) = World::new() else { return };
    let passwd = world.env.write("passwd", "app:x:123:9::/:/bin/sh\n");
    let copy = ["copy", passwd.to_str().expect("UTF-8"), "/etc/passwd"];
    let user: &[&[&str]] = &[&copy, &["set-user", "app"], &["set-group", "app"]];
    let docker: &[&str] = &[
        "annotation",
        "add",
        "appc.io/docker/repository",
        "library/x",
    ];
    let with_docker: Vec<&[&str]> = user.iter().copied().chain([docker]).collect();
    let run = |name: &str, more: &[&[&str]], flags: &[&str]| {
        let image = world.build_with(name, "1.0.0", &["/bin/busybox", "sh", "-c"], more);
        let id = world.import(&image);
        let line = ["run", "--net=host", &*id]
            .into_iter()
            .chain(flags.iter().copied());
        world.rkt(line.chain(["--", "/bin/busybox id -g"]))
    };
    let ran = run("docker", &with_docker, &[]).expect(0);
    assert_eq!(without_origin(&ran.stdout), "123\n");
    // Whoever names a group means it, and appc's images have theirs.
    run("docker", &with_docker, &["--group=other"])
        .expect(254)
        .says("other");
    run("appc", user, &[]).expect(254).says("app");
}
