//! `acbuild run`: a command in the image, whose work stays there, and nothing else does.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use gantry_testkit::{Outcome, TestEnv, busybox};
use support::{ACBUILD, HOST, World, can_run_pods, groups};

fn acbuild(env: &TestEnv, line: &str) -> Outcome {
    env.run(ACBUILD, line.split_whitespace())
}

/// Runs shell text in the image.
fn run_sh(env: &TestEnv, flags: &[&str], text: &str) -> Outcome {
    let shell = ["--", "/bin/busybox", "sh", "-c", text];
    env.run(ACBUILD, ["run"].iter().chain(flags).chain(&shell))
}

fn begin(env: &TestEnv) {
    acbuild(env, "begin").expect(0);
    let copy = format!("copy {} /bin/busybox", busybox().display());
    acbuild(env, &copy).expect(0);
    acbuild(env, "set-name example.test/hello").expect(0);
}

fn rootfs(env: &TestEnv) -> PathBuf {
    env.path(".acbuild/currentaci/rootfs")
}

/// What a build in progress has besides the image.
fn beside(env: &TestEnv) -> Vec<String> {
    let all = env.tree(".acbuild").into_iter();
    all.filter(|path| !path.starts_with("currentaci")).collect()
}

fn eventually(what: &str, mut check: impl FnMut() -> bool) {
    let start = Instant::now();
    while !check() {
        assert!(start.elapsed() < Duration::from_secs(60), "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn what_a_command_writes_is_kept_and_what_it_needed_is_not() {
    if !can_run_pods() {
        return;
    }
    for engine in ["ns", "chroot", "systemd-nspawn"] {
        let env = TestEnv::new();
        begin(&env);
        acbuild(&env, "environment add GREETING hello").expect(0);
        let engine = format!("--engine={engine}");
        let text =
            "mkdir -p /data /proc /tmp && echo $GREETING >/data/file && chown 33:44 /data/file";
        run_sh(&env, &[&engine], text).expect(0);
        assert_eq!(
            env.tree(".acbuild/currentaci/rootfs")
                .into_iter()
                .filter(|path| !path.starts_with("bin"))
                .collect::<Vec<_>>(),
            // The chroot engine mounts nothing there, so that all is the command's own.
            match engine.as_str() {
                "--engine=chroot" => vec!["data/", "data/file", "proc/", "tmp/"],
                _ => vec!["data/", "data/file"],
            }
        );
        let file = rootfs(&env).join("data/file");
        assert_eq!(fs::read_to_string(&file).unwrap(), "hello\n");
        let owner = fs::metadata(&file).unwrap();
        assert_eq!((owner.uid(), owner.gid()), (33, 44));
        assert_eq!(beside(&env), ["buildMode"]);

        let shown = run_sh(&env, &[&engine, "--working-dir=/data"], "pwd; exit 7");
        shown.expect(7);
        let mut child = env
            .command(ACBUILD)
            .args(["run", &engine, "--working-dir=/data", "--"])
            .args(["/bin/busybox", "sh", "-c", "pwd; /bin/busybox cat -"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(b"typed\n").unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "/data\ntyped\n");
        // The one that failed is not part of what made the image.
        let manifest = fs::read_to_string(env.path(".acbuild/currentaci/manifest")).unwrap();
        assert_eq!(manifest.matches("acbuild run").count(), 2, "{manifest}");
    }
}

#[test]
fn a_command_that_cannot_be_run_is_told_and_changes_nothing() {
    let env = TestEnv::new();
    acbuild(&env, "begin").expect(0);
    for (line, says) in [
        (
            "run --engine=rkt -- /bin/true",
            "run: no such engine \"rkt\"",
        ),
        (
            "run --working-dir=data -- /bin/true",
            "working directory \"data\" is not absolute",
        ),
        (
            "run --engine=chroot --net=none -- /bin/true",
            "the engine chroot has the host's network",
        ),
        (
            "--modify-appc x.aci run -- /bin/true",
            "Can't use --modify flags with run.",
        ),
    ] {
        acbuild(&env, line).expect(1).says(says);
    }
    acbuild(&env, "run").expect(1);
    if !can_run_pods() {
        return;
    }
    for (engine, status, says) in [
        ("ns", 203, "\"/bin/nothing\""),
        ("chroot", 1, "binary \"/bin/nothing\" doesn't exist"),
    ] {
        let line = format!("run --engine={engine} -- /bin/nothing");
        acbuild(&env, &line).expect(status).says(says);
    }
    acbuild(&env, "run --engine=chroot -- nothing")
        .expect(1)
        .says("nothing not found in any of: [/usr/local/sbin /usr/local/bin");
    assert_eq!(
        env.tree(".acbuild"),
        [
            "buildMode",
            "currentaci/",
            "currentaci/manifest",
            "currentaci/rootfs/"
        ]
    );
    acbuild(&env, "end").expect(0);
    acbuild(&env, "run -- /bin/true")
        .expect(1)
        .says("no build in progress");
}

#[test]
fn a_command_sees_dependencies_and_changes_only_the_image() {
    if !can_run_pods() {
        return;
    }
    let Some(world) = World::new() else { return };
    let base = world.build_with(
        "base",
        "1.0.0",
        &["/bin/busybox", "true"],
        &[&[
            "run",
            "--",
            "/bin/busybox",
            "sh",
            "-c",
            "/bin/busybox mkdir /d && echo base >/d/kept && echo low >/d/both && echo x >/d/gone",
        ]],
    );
    let middle = world.build_with(
        "middle",
        "1.0.0",
        &["/bin/busybox", "true"],
        &[&[
            "run",
            "--",
            "/bin/busybox",
            "sh",
            "-c",
            "/bin/busybox mkdir /d && echo high >/d/both",
        ]],
    );
    for (name, file) in [("base", &base), ("middle", &middle)] {
        world.sign(file);
        world.publish(name, "1.0.0", file);
    }
    world.trust();
    let env = &world.env;
    let dir = format!("--dir={}", env.path("rkt").display());
    let config = format!("--local-config={}", env.path("etc").display());
    let flags = [
        dir.as_str(),
        config.as_str(),
        "--system-config=/nonexistent",
    ];
    acbuild(env, "begin").expect(0);
    acbuild(env, "set-name example.test/app").expect(0);
    acbuild(env, "dependency add example.test/base:1.0.0").expect(0);
    acbuild(env, "dependency add example.test/middle:1.0.0").expect(0);
    // Found by discovery, with signatures checked: the last dependency is the topmost.
    let text =
        "cd /d; /bin/busybox cat both kept; /bin/busybox rm gone; echo mine >own; echo more >>kept";
    let outcome = run_sh(env, &flags, text).expect(0);
    assert_eq!(outcome.stdout, "high\nbase\n");
    let outcome = outcome.says("/d/gone is of a dependency and will be there again");
    assert!(
        outcome.stderr.contains("signature verified"),
        "{}",
        outcome.stderr
    );
    let image = || {
        let all = env.tree(".acbuild/currentaci/rootfs").into_iter();
        all.collect::<Vec<_>>()
    };
    assert_eq!(image(), ["d/", "d/kept", "d/own"]);
    assert_eq!(
        fs::read_to_string(rootfs(env).join("d/kept")).unwrap(),
        "base\nmore\n"
    );
    let engine = ["--engine=chroot", flags[0], flags[1], flags[2]];
    let outcome = run_sh(env, &engine, "cd /d; /bin/busybox cat both own gone").expect(0);
    assert_eq!(outcome.stdout, "high\nmine\nx\n");
    assert_eq!(image(), ["d/", "d/kept", "d/own"]);
    assert_eq!(beside(env), ["buildMode"]);

    acbuild(env, "set-exec -- /bin/busybox cat /d/own /d/kept").expect(0);
    acbuild(env, "write app.aci").expect(0);
    let app = world.import(&env.path("app.aci"));
    let ran = world.rkt(["run", "--net=host", &app]).expect(0);
    assert_eq!(support::without_origin(&ran.stdout), "mine\nbase\nmore\n");
}

#[test]
fn a_dependency_that_nobody_signed_is_refused_unless_that_is_waived() {
    if !can_run_pods() {
        return;
    }
    let Some(world) = World::new() else { return };
    let base = world.build("base", "1.0.0", &["/bin/busybox", "true"]);
    world.publish("base", "1.0.0", &base);
    world.trust();
    let env = &world.env;
    let dir = format!("--dir={}", env.path("rkt").display());
    let config = format!("--local-config={}", env.path("etc").display());
    acbuild(env, "begin").expect(0);
    acbuild(env, &format!("dependency add {HOST}/base:1.0.0")).expect(0);
    run_sh(env, &[&dir, &config], "true")
        .expect(1)
        .says("signature");
    assert_eq!(beside(env), ["buildMode"]);
    run_sh(env, &[&dir, &config, "--insecure"], "true")
        .expect(0)
        .says("image signature verification has been disabled");
}

/// Whether a process that was started lives, and is no zombie.
fn lives(pid: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    !status.is_empty() && !status.contains("State:\tZ")
}

/// Starts a command that waits, and gives its numbers outside.
fn start_waiting(env: &TestEnv, engine: &str) -> (Child, Vec<String>) {
    let text = "/bin/busybox mkdir -p /made; echo x >/made/file; exec /bin/busybox sleep 471100";
    let child = env
        .command(ACBUILD)
        .args(["run", engine, "--", "/bin/busybox", "sh", "-c", text])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let file = rootfs(env).join("made/file");
    eventually("the command runs", || file.exists());
    let mut found = Vec::new();
    let inode = |path: &Path| fs::metadata(path).map(|meta| (meta.dev(), meta.ino())).ok();
    let wanted = inode(&rootfs(env));
    eventually("it sleeps", || {
        found = fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .filter(|entry| inode(&entry.path().join("root")) == wanted)
            .filter(|entry| {
                let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                String::from_utf8_lossy(&line).contains("471100")
            })
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        !found.is_empty()
    });
    (child, found)
}

#[test]
fn a_build_that_is_killed_takes_its_command_along_and_the_next_command_cleans_up() {
    if !can_run_pods() {
        return;
    }
    for engine in ["--engine=ns", "--engine=chroot"] {
        let env = TestEnv::new();
        begin(&env);
        let mounts = || fs::read_to_string("/proc/self/mountinfo").unwrap();
        let before = mounts();
        let (mut child, pids) = start_waiting(&env, engine);
        acbuild(&env, "label add version 1")
            .expect(1)
            .says("lock already held");
        child.kill().unwrap();
        child.wait().unwrap();
        for pid in &pids {
            eventually("the command is gone", || !lives(pid));
        }
        assert_eq!(mounts(), before);
        let groups = groups::of_pod(&env.path(".acbuild/run"));
        assert_eq!(groups.is_empty(), engine == "--engine=chroot");
        // The lock goes with the last of its holders.
        let mut outcome = acbuild(&env, "label add version 1");
        eventually("the lock is free", || {
            outcome = acbuild(&env, "label add version 1");
            outcome.status == 0
        });
        acbuild(&env, "write a.aci").expect(0);
        let left: Vec<_> = groups.iter().filter(|group| group.exists()).collect();
        assert!(left.is_empty(), "{left:?}");
        let members = env.run("tar", ["-tzf", "a.aci"]).expect(0).stdout;
        assert!(members.contains("rootfs/made/file\n"), "{members}");
        assert!(!members.contains("rootfs/proc"), "{members}");
        run_sh(&env, &[engine], "true").expect(0);
        assert_eq!(beside(&env), ["buildMode"]);
    }
}

#[test]
fn a_build_that_is_asked_to_stop_stops_its_command_and_keeps_what_it_did() {
    if !can_run_pods() {
        return;
    }
    for engine in ["--engine=ns", "--engine=chroot"] {
        let env = TestEnv::new();
        begin(&env);
        let (mut child, pids) = start_waiting(&env, engine);
        let pid = child.id().to_string();
        env.run("kill", ["-TERM", &pid]).expect(0);
        let status = child.wait().unwrap();
        assert_eq!(status.code(), Some(128 + 15));
        for pid in &pids {
            assert!(!lives(pid));
        }
        assert_eq!(beside(&env), ["buildMode"]);
        assert!(rootfs(&env).join("made/file").exists());
        assert!(!rootfs(&env).join("proc").exists());
    }
}

/// A user without root, whose build it is.
const USER: u32 = 51_235;

/// Runs shell text as that user, whose range of IDs is `range`, in a mount namespace with an `/etc` of its own.
fn as_user(env: &TestEnv, range: &str, text: &str) -> Outcome {
    for folder in ["etc", "bin", "home"] {
        fs::create_dir_all(env.path(folder)).unwrap();
    }
    let files = [
        (
            "passwd",
            format!("root:x:0:0::/:/bin/sh\nwalter:x:{USER}:{USER}::/:/bin/sh\n"),
        ),
        ("group", "root:x:0:\n".to_owned()),
        ("subuid", range.to_owned()),
        ("subgid", range.to_owned()),
    ];
    for (name, content) in files {
        fs::write(env.path("etc").join(name), content).unwrap();
    }
    for program in [
        Path::new(ACBUILD).to_owned(),
        Path::new(ACBUILD).with_file_name("stage1"),
        busybox(),
    ] {
        let to = env.path("bin").join(program.file_name().unwrap());
        if !to.exists() && fs::hard_link(&program, &to).is_err() {
            fs::copy(&program, &to).unwrap();
        }
    }
    std::os::unix::fs::chown(env.path("home"), Some(USER), Some(USER)).unwrap();
    env.run("chmod", ["755", env.root().to_str().unwrap()])
        .expect(0);
    let script = format!(
        "mount --bind {root}/etc /etc\ncd {root}/home\n\
         exec setpriv --reuid {USER} --regid {USER} --clear-groups env HOME={root}/home A={root}/bin/acbuild \
         B={root}/bin/busybox sh -ec \"$1\"",
        root = env.root().display()
    );
    let mut command: Command = env.command("unshare");
    command.args([
        "--mount",
        "--propagation",
        "private",
        "sh",
        "-ec",
        &script,
        "sh",
        text,
    ]);
    env.outcome(&mut command)
}

#[test]
fn without_root_files_have_the_owners_that_the_user_may_give_them() {
    if !can_run_pods() {
        return;
    }
    let text = "$A begin; $A set-name example.test/a; $A copy $B /bin/busybox\n\
         $A run -- /bin/busybox sh -c 'echo x >/own; echo y >/other; /bin/busybox chown 33:44 /other || true; \
         /bin/busybox chmod 600 /other'\n\
         echo z >host; $A copy host /copied\n\
         $A run --engine=chroot -- /bin/busybox cat /other\n\
         $A write a.aci; tar --numeric-owner -tvzf a.aci; $A begin ./a.aci --work-path again\n\
         $A --work-path again write b.aci; $A --work-path again end; $A end; cmp a.aci b.aci; ls -A";
    // A script leaves nothing of its own build, whoever owns what it holds.
    let text = format!(
        "mkdir -p tmp; export TMPDIR=$PWD/tmp; cp $B busybox\n\
         printf '%s\\n' begin 'set-name example.test/s' 'copy ./busybox /bin/busybox' \
         'run /bin/busybox sh -c \"mkdir /d; echo x >/d/f; /bin/busybox chown -R 33:44 /d || true\"' \
         'write s.aci' >script\n\
         $A script script; ls tmp\n{text}"
    );
    let range = "walter:200000:65536\n";
    for (range, other) in [(range, "33/44"), ("", "0/0")] {
        let env = TestEnv::new();
        let outcome = as_user(&env, range, &text);
        if outcome.stderr.contains("cannot run as unprivileged user") {
            return;
        }
        let outcome = outcome.expect(0);
        let has = |owner: &str, name: &str| {
            let mut lines = outcome.stdout.lines();
            lines.any(|line| line.contains(&format!(" {owner} ")) && line.ends_with(name))
        };
        assert!(has("0/0", "rootfs/own"), "{}", outcome.stdout);
        assert!(has("0/0", "rootfs/copied"), "{}", outcome.stdout);
        assert!(has(other, "rootfs/other"), "{}", outcome.stdout);
        assert!(outcome.stdout.contains("\ny\n"), "{}", outcome.stdout);
        assert!(
            outcome
                .stdout
                .ends_with("\na.aci\nagain\nb.aci\nbusybox\nhost\ns.aci\nscript\ntmp\n"),
            "{}",
            outcome.stdout
        );
        if range.is_empty() {
            outcome.says("all files belong to one user");
        }
    }
}
