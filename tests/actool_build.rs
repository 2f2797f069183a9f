//! `actool build`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::process::Stdio;

use gantry_testkit::{Outcome, TestEnv, needs_root};

const ACTOOL: &str = env!("CARGO_BIN_EXE_actool");
const MANIFEST: &str = r#"{"name":"example.com/a", "unknown":1,
    "acVersion":"0.8.11","acKind":"ImageManifest"}"#;

/// A layout `l`, and what is none.
fn environment() -> TestEnv {
    let env = TestEnv::new();
    env.write("l/manifest", MANIFEST);
    env.write("l/rootfs/etc/motd", "hello\n");
    env.write("l/rootfs/bin/app", vec![b'x'; 300_000]);
    symlink("bin/app", env.path("l/rootfs/link")).unwrap();
    fs::create_dir(env.path("empty")).unwrap();
    env.write("bad/manifest", "{}");
    fs::create_dir(env.path("bad/rootfs")).unwrap();
    env.write("stray/manifest", MANIFEST);
    fs::create_dir(env.path("stray/rootfs")).unwrap();
    env.write("stray/file", "");
    env.write("there.aci", "precious");
    fs::create_dir(env.path("dir.aci")).unwrap();
    env
}

fn actool(env: &TestEnv, line: &str) -> Outcome {
    env.run(ACTOOL, line.split(' '))
}

fn sh(env: &TestEnv, script: &str) -> String {
    env.run("sh", ["-c", script]).expect(0).line().to_owned()
}

#[test]
fn wrong_command_lines_are_told_in_the_order_of_the_original() {
    let env = environment();
    let before = env.tree("");
    for (line, says) in [
        ("build", "build: Must provide directory and output file\n"),
        ("build l", "build: Must provide directory and output file\n"),
        (
            "build l a.aci b.aci",
            "build: Must provide directory and output file\n",
        ),
        (
            "build l a.aci --overwrite",
            "build: Must provide directory and output file\n",
        ),
        ("build l a", "build: Extension must be .aci (given )\n"),
        (
            "build missing a.tar.gz",
            "build: Extension must be .aci (given .gz)\n",
        ),
        ("build l a.aci/", "build: Extension must be .aci (given )\n"),
        (
            "build -- l -.ACI",
            "build: Extension must be .aci (given .ACI)\n",
        ),
        (
            "build missing a.aci",
            "build: Layout failed validation: error accessing layout: No such file",
        ),
        (
            "build there.aci a.aci",
            "build: Layout failed validation: given path \"there.aci\" is not a directory\n",
        ),
        (
            "build empty there.aci",
            "build: Layout failed validation: no image manifest found in layout\n",
        ),
        (
            "build bad there.aci",
            "build: Layout failed validation: image manifest validation failed: ",
        ),
        (
            "build stray there.aci",
            "build: Layout failed validation: unrecognized file path in layout: \"file\"\n",
        ),
        (
            "build l there.aci",
            "build: Target file exists (try --overwrite)\n",
        ),
        (
            "build l dir.aci",
            "build: Target file exists (try --overwrite)\n",
        ),
        (
            "build l/ no/a.aci",
            "build: Unable to open target no/a.aci: No such file",
        ),
        (
            "build --overwrite l dir.aci",
            "build: Unable to open target dir.aci: is a directory",
        ),
        (
            "build l l/a.aci",
            "build: Unable to open target l/a.aci: it lies within l\n",
        ),
        (
            "build -overwrite=1 l l/rootfs/etc/a.aci",
            "build: Unable to open target l/rootfs/etc/a.aci: it lies within l\n",
        ),
        (
            "build ./l l/../l/rootfs/a.aci",
            "build: Unable to open target l/../l/rootfs/a.aci: it lies within ./l\n",
        ),
    ] {
        let outcome = actool(&env, line).expect(1);
        assert_eq!(outcome.stdout, "");
        assert!(outcome.stderr.starts_with(says), "{line}: {outcome}");
    }
    for (line, says) in [
        ("build --x l a.aci", "flag provided but not defined: -x\n"),
        (
            "build --overwrite=x l a.aci",
            "invalid boolean value \"x\" for -overwrite: ",
        ),
        ("build -h", ""),
    ] {
        actool(&env, line).expect(2).says(says);
    }
    assert_eq!(env.tree(""), before, "nothing was left or removed");
    assert_eq!(fs::read(env.path("there.aci")).unwrap(), b"precious");
}

#[test]
fn an_image_is_made_of_a_layout_and_nothing_is_printed() {
    let env = environment();
    for line in [
        "build l a.aci",
        "build --no-compression l plain.aci",
        "--debug build -no-compression=false -- l debug.aci",
        "build --overwrite --owner-root l there.aci",
    ] {
        let outcome = actool(&env, line).expect(0);
        assert_eq!((&*outcome.stdout, &*outcome.stderr), ("", ""), "{line}");
    }
    let mode = fs::metadata(env.path("a.aci")).unwrap().mode();
    assert_eq!(mode & 0o777, 0o644);
    assert_eq!(
        sh(&env, "tar -tzf a.aci"),
        "rootfs\nrootfs/bin\nrootfs/bin/app\nrootfs/etc\nrootfs/etc/motd\nrootfs/link\nmanifest"
    );
    sh(
        &env,
        "gzip -dc a.aci | cmp - plain.aci && cmp a.aci debug.aci",
    );
    sh(
        &env,
        "mkdir x && tar -xf plain.aci -C x && diff -r --no-dereference l/rootfs x/rootfs",
    );
    // What the specification does not know is lost, as in the original.
    assert_eq!(
        actool(&env, "cat-manifest a.aci").expect(0).stdout,
        "{\"acKind\":\"ImageManifest\",\"acVersion\":\"0.8.11\",\"name\":\"example.com/a\"}\n"
    );
    actool(&env, "validate a.aci plain.aci debug.aci there.aci").expect(0);
    let owners = sh(&env, "tar -tvzf there.aci | awk '{print $2}' | sort -u");
    assert_eq!(owners, "root/root");
    let owner = sh(&env, "id -u");
    let owners = sh(
        &env,
        "tar --numeric-owner -tvzf a.aci | grep motd | awk '{print $2}'",
    );
    assert!(owners.starts_with(&format!("{owner}/")), "{owners}");
    assert!(!env.tree("").iter().any(|name| name.contains(".actool")));
}

#[test]
fn the_same_layout_gives_the_same_bytes() {
    let mut env = environment();
    sh(
        &env,
        "cp -r l copy && touch -d @1800000000 copy/rootfs/etc/motd",
    );
    env.set_var("SOURCE_DATE_EPOCH", "1500000000");
    actool(&env, "build l one.aci").expect(0);
    actool(&env, "build --overwrite copy one-too.aci").expect(0);
    sh(&env, "cmp one.aci one-too.aci");
    // One processor or all of them.
    sh(
        &env,
        &format!("taskset -c 0 {ACTOOL} build l alone.aci && cmp one.aci alone.aci"),
    );
    assert_eq!(
        sh(
            &env,
            "tar --full-time -tvzf one.aci | awk '{print $4, $5}' | sort -u"
        ),
        "2017-07-14 02:40:00"
    );
    for epoch in ["", "soon", "-1"] {
        env.set_var("SOURCE_DATE_EPOCH", epoch);
        actool(&env, "build l two.aci")
            .expect(1)
            .says("build: SOURCE_DATE_EPOCH is ");
    }
    let without = TestEnv::new();
    without.write("l/manifest", MANIFEST);
    without.write("l/rootfs/file", "");
    sh(
        &without,
        "touch -d @1234567890 l/rootfs/file && touch -d @1000000000 l/rootfs",
    );
    actool(&without, "build l a.aci").expect(0);
    let time = sh(&without, "tar --full-time -tvzf a.aci manifest");
    assert!(time.contains("2009-02-13 23:31:30"), "{time}");
}

#[test]
fn what_is_in_the_way_of_an_overwrite() {
    let env = environment();
    // A failure leaves what was there.
    env.write("bad/rootfs/x", "");
    actool(&env, "build --overwrite bad there.aci").expect(1);
    assert_eq!(fs::read(env.path("there.aci")).unwrap(), b"precious");
    sh(&env, "mkfifo pipe.aci");
    actool(&env, "build --overwrite l pipe.aci")
        .expect(1)
        .says("build: Unable to open target pipe.aci: it is not a regular file");
    symlink("there.aci", env.path("link.aci")).unwrap();
    actool(&env, "build --overwrite l link.aci").expect(0);
    assert!(env.path("link.aci").is_symlink());
    actool(&env, "validate there.aci").expect(0);
    // A link into the layout leads into the layout.
    symlink("l/rootfs/etc/motd", env.path("into.aci")).unwrap();
    actool(&env, "build --overwrite l into.aci")
        .expect(1)
        .says("it lies within l\n");
    sh(&env, "test \"$(cat l/rootfs/etc/motd)\" = hello");
}

#[test]
fn special_files_survive() {
    if !needs_root() {
        return;
    }
    let env = environment();
    sh(
        &env,
        "cd l/rootfs && mknod -m 640 null c 1 3 && mknod disk b 259 70000 && mkfifo pipe && \
         ln bin/app etc/app && ln etc/motd ../../outside && chown 4000000000:7 etc/motd && \
         chmod 4751 bin/app && truncate -s 9G large && printf x >> large && \
         touch -d '1960-01-01 00:00:00.25' etc && touch -d @1.000000001 bin && \
         printf x > \"$(printf '\\377\\n')\" && mkdir -p $(printf 'd%.0s' $(seq 200))/$(printf 'e%.0s' $(seq 200))",
    );
    actool(&env, "build l a.aci").expect(0);
    actool(&env, "validate a.aci").expect(0);
    assert!(fs::metadata(env.path("a.aci")).unwrap().len() < 1 << 20);
    sh(&env, "mkdir x && tar --numeric-owner -xpf a.aci -C x");
    let list = "find . -type d -printf '%p %y %m %U:%G %T@\\n' -o -printf '%p %y %m %U:%G %n %s %T@ %l\\n' | sort";
    assert_eq!(
        sh(&env, &format!("cd l/rootfs && rm ../../outside && {list}")),
        sh(&env, &format!("cd x/rootfs && {list}"))
    );
    let devices = sh(&env, "stat -c '%n %t:%T' x/rootfs/null x/rootfs/disk");
    assert_eq!(devices, "x/rootfs/null 1:3\nx/rootfs/disk 103:11170");
    assert!(fs::metadata(env.path("x/rootfs/large")).unwrap().blocks() < 9 << 12);
}

#[test]
fn two_at_once_make_one_image() {
    let env = environment();
    let start = || {
        let mut command = env.command(ACTOOL);
        command.args(["build", "l", "a.aci"]).stderr(Stdio::null());
        command.spawn().unwrap()
    };
    let children: Vec<_> = (0..6).map(|_| start()).collect();
    let good = children
        .into_iter()
        .map(|mut child| child.wait().unwrap())
        .filter(|status| status.success());
    assert_eq!(good.count(), 1);
    actool(&env, "validate a.aci").expect(0);
    assert!(!env.tree("").iter().any(|name| name.contains(".actool")));
}

#[test]
fn a_killed_build_leaves_nothing() {
    let env = environment();
    // Noise takes its time, so that the kill comes before the end.
    sh(&env, "head -c 60000000 /dev/urandom > l/rootfs/noise");
    let before = env.tree("");
    let mut child = env
        .command(ACTOOL)
        .args(["build", "l", "a.aci"])
        .spawn()
        .unwrap();
    let descriptors = format!("/proc/{}/fd", child.id());
    // The file has no name yet, but the process has it open.
    let writes = || {
        let open = fs::read_dir(&descriptors).into_iter().flatten().flatten();
        open.filter_map(|entry| fs::metadata(entry.path()).ok())
            .any(|metadata| metadata.is_file() && metadata.nlink() == 0 && metadata.len() > 0)
    };
    while child.try_wait().unwrap().is_none() && !writes() {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    let status = child.wait().unwrap();
    if !status.success() {
        assert_eq!(env.tree(""), before);
    }
}

#[test]
fn a_full_disk_is_told_and_leaves_nothing() {
    if !needs_root() {
        return;
    }
    let env = environment();
    sh(
        &env,
        "head -c 3000000 /dev/urandom > l/rootfs/noise && mkdir small",
    );
    let script = format!(
        "mount -t tmpfs -o size=1m none small && {{ {ACTOOL} build l small/a.aci; \
         echo $?; {ACTOOL} build --no-compression l small/a.aci; echo $?; ls -A small; }}"
    );
    let outcome = env
        .run("unshare", ["--mount", "sh", "-c", &script])
        .expect(0)
        .says("build: Unable to write image small/a.aci: No space left on device");
    assert_eq!(outcome.stdout, "1\n1\n");
    assert!(
        outcome
            .stderr
            .contains("hint: make room on its file system"),
        "{outcome}"
    );
    assert_eq!(outcome.stderr.lines().count(), 4, "{outcome}");
}

#[test]
fn a_user_without_root_builds_and_is_told_what_cannot_be_read() {
    if !needs_root() {
        return;
    }
    let env = environment();
    sh(&env, "chmod 755 . && mkdir -m 777 out");
    let tool = env.path("actool");
    fs::copy(ACTOOL, &tool).unwrap();
    fs::set_permissions(&tool, PermissionsExt::from_mode(0o755)).unwrap();
    let run = |words: &[&str]| {
        let mut command = env.command(&tool);
        env.outcome(command.args(words).uid(12345).gid(12345))
    };
    run(&["build", "l", "out/a.aci"]).expect(0);
    run(&["validate", "out/a.aci"]).expect(0);
    assert_eq!(fs::metadata(env.path("out/a.aci")).unwrap().uid(), 12345);
    run(&["build", "l", "a.aci"])
        .expect(1)
        .says("build: Unable to open target a.aci: Permission denied");
    sh(&env, "chmod 600 l/rootfs/etc/motd");
    run(&["build", "l", "out/b.aci"])
        .expect(1)
        .says("build: Error walking rootfs: cannot open rootfs/etc/motd: Permission denied");
    assert_eq!(env.tree("out"), ["a.aci"]);
}
