//! `acbuild copy` and `copy-to-dir`: what is chosen, whose it becomes, and that nothing leads out of the image.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use gantry_testkit::{Outcome, TestEnv, needs_root};

const ACBUILD: &str = env!("CARGO_BIN_EXE_acbuild");

fn acbuild(env: &TestEnv, line: &str) -> Outcome {
    env.run(ACBUILD, line.split_whitespace())
}

fn rootfs(env: &TestEnv, path: &str) -> PathBuf {
    env.path(".acbuild/currentaci/rootfs").join(path)
}

fn copied(env: &TestEnv) -> Vec<String> {
    env.tree(".acbuild/currentaci/rootfs")
}

#[test]
fn what_a_directory_or_the_command_line_leaves_out_is_not_copied() {
    let env = TestEnv::new();
    for file in [
        "src/main.c",
        "src/main.o",
        "src/deep/a.o",
        "target/x/y",
        "target/keep",
        "doc/a",
        "README",
    ] {
        fs::create_dir_all(env.path("app").join(file).parent().unwrap()).unwrap();
        env.write(PathBuf::from("app").join(file), file);
    }
    env.write(
        "app/.acbuildignore",
        "# made\n**/*.o\ntarget\n!target/keep\n",
    );
    acbuild(&env, "begin").expect(0);
    acbuild(&env, "copy --exclude doc --exclude=!doc/b app /a").expect(0);
    let expected = [
        "a/",
        "a/README",
        "a/src/",
        "a/src/deep/",
        "a/src/main.c",
        "a/target/",
        "a/target/keep",
    ];
    assert_eq!(copied(&env), expected);
    acbuild(&env, "copy-to-dir --exclude * app /b").expect(0);
    assert!(rootfs(&env, "b/app").is_dir());
    assert_eq!(fs::read_dir(rootfs(&env, "b/app")).unwrap().count(), 0);

    env.write("app/.acbuildignore", "[a\n");
    acbuild(&env, "copy app /c")
        .expect(1)
        .says("\"[a\" is no pattern: a [ has no ]");
    fs::remove_file(env.path("app/.acbuildignore")).unwrap();
    env.run("mkfifo", ["app/.acbuildignore"]).expect(0);
    acbuild(&env, "copy --exclude=src app /d").expect(0);
    assert!(!rootfs(&env, "d/src").exists());
    acbuild(&env, "copy --exclude a\\ app /e")
        .expect(1)
        .says("is no pattern");
    assert!(!rootfs(&env, "c").exists() && !rootfs(&env, "e").exists());
}

#[test]
fn copies_belong_to_whom_they_are_given() {
    if !needs_root() {
        return;
    }
    let env = TestEnv::new();
    env.write("app/file", "x");
    env.write("passwd", "root:x:0:0::/:\nweb:x:33:33::/:\n");
    env.write("group", "root:x:0:\nvideo:x:44:\n");
    acbuild(&env, "begin").expect(0);
    acbuild(&env, "copy-to-dir passwd group /etc").expect(0);
    symlink("/proc/self/fd/0", env.path("link")).unwrap();
    for (owner, uid, gid) in [
        ("web:video", 33, 44),
        ("web", 33, 33),
        ("7:8", 7, 8),
        ("web:8", 33, 8),
        ("0:0", 0, 0),
    ] {
        acbuild(&env, &format!("copy --chown {owner} app /{owner}")).expect(0);
        acbuild(&env, &format!("copy --chown={owner} link /{owner}-link")).expect(0);
        for name in [
            owner.to_owned(),
            format!("{owner}/file"),
            format!("{owner}-link"),
        ] {
            let found = fs::symlink_metadata(rootfs(&env, &name)).unwrap();
            assert_eq!((found.uid(), found.gid()), (uid, gid), "{name}");
        }
    }
    for (owner, says) in [
        ("nobody", "etc/passwd of the image has no \"nobody\""),
        ("web:nobody", "etc/group of the image has no \"nobody\""),
        ("4294967295", "has no \"4294967295\""),
        ("99999999999", "has no \"99999999999\""),
        (":1", "has no \"\""),
    ] {
        acbuild(&env, &format!("copy --chown {owner} app /none"))
            .expect(1)
            .says(says);
    }
    // An image cannot have files of the host read in place of its own.
    fs::remove_file(rootfs(&env, "etc/passwd")).unwrap();
    env.write("outside", "sneaky:x:5:5::/:\n");
    symlink(env.path("outside"), rootfs(&env, "etc/passwd")).unwrap();
    acbuild(&env, "copy --chown sneaky app /none")
        .expect(1)
        .says("has no \"sneaky\"");
    assert!(!rootfs(&env, "none").exists());
}

#[test]
fn without_other_ids_the_owner_is_noted_and_written_into_the_image() {
    if !needs_root() {
        return;
    }
    let env = TestEnv::new();
    env.write("app/file", "x");
    env.run("chmod", ["755", "."]).expect(0);
    let as_user = |text: &str| {
        let mut command = env.command("sh");
        command
            .args(["-ec", text])
            .env("A", ACBUILD)
            .uid(51_236)
            .gid(51_236);
        env.outcome(&mut command)
    };
    fs::create_dir(env.path("work")).unwrap();
    std::os::unix::fs::chown(env.path("work"), Some(51_236), Some(51_236)).unwrap();
    let begun = as_user("cd work; $A begin; $A set-name example.test/a");
    if begun.stderr.contains("Permission denied") {
        // The folder of the programs is closed to other users.
        return;
    }
    begun.expect(0);
    let outcome = as_user("cd work; $A copy --chown 33:44 ../app /app; $A copy ../app/file /own");
    if outcome.stderr.contains("cannot belong to 33:44 here") {
        return;
    }
    outcome.expect(0);
    let listed = as_user("cd work; $A write a.aci; tar --numeric-owner --xattrs -tvf a.aci")
        .expect(0)
        .stdout;
    for (owner, name) in [
        ("33/44", "rootfs/app"),
        ("33/44", "rootfs/app/file"),
        ("0/0", "rootfs/own"),
    ] {
        let mut lines = listed.lines();
        assert!(
            lines.any(|line| line.contains(owner) && line.ends_with(name)),
            "{listed}"
        );
    }
    // The note itself is no part of the image, and who begins with it has it again.
    let text = "cd work; ! gzip -dc a.aci | grep -q rootlesscontainers; $A --work-path b begin ./a.aci; \
                $A --work-path b write b.aci; $A --work-path b end; cmp a.aci b.aci";
    as_user(text).expect(0);
}

#[test]
fn nothing_at_a_target_leads_out_of_the_image_or_stops_the_copy() {
    let env = TestEnv::new();
    env.write("file", "new");
    env.write("dir/file", "new");
    env.write("host/file", "host");
    acbuild(&env, "begin").expect(0);
    let host = env.path("host");
    for (target, link) in [
        ("/proc/self/root", "root"),
        ("/proc/self/cwd", "cwd"),
        ("../../../../../../../../../..", "up"),
        (host.to_str().unwrap(), "absolute"),
        ("/dev/null", "null"),
    ] {
        symlink(target, rootfs(&env, link)).unwrap();
    }
    env.run("mkfifo", [rootfs(&env, "fifo").to_str().unwrap()])
        .expect(0);
    let before = env.tree("host");
    for line in [
        "copy file /root/made",
        "copy file /cwd/made",
        "copy file /absolute/file",
        "copy dir /absolute/dir",
        "copy-to-dir file dir /absolute",
        "copy file /fifo",
        "copy-to-dir file /fifo",
        "copy dir /fifo",
        "copy dir /null",
    ] {
        let status = acbuild(&env, line).status;
        assert!(status == 0 || status == 1, "{line}");
        assert_eq!(env.tree("host"), before, "{line}");
    }
    // A link that leads up ends at the image's own root.
    acbuild(&env, "copy file /up/made").expect(0);
    assert!(rootfs(&env, "made").exists());
    assert_eq!(fs::read_to_string(env.path("host/file")).unwrap(), "host");
    assert!(!fs::metadata(rootfs(&env, "fifo")).unwrap().is_file());
    assert!(!env.path("made").exists());
}

#[test]
fn a_tree_that_somebody_changes_meanwhile_leads_nowhere_else() {
    let env = TestEnv::new();
    env.write("host/secret", "host");
    for number in 0..50 {
        env.write(format!("app/d/{number}"), "x");
    }
    acbuild(&env, "begin").expect(0);
    fs::create_dir(rootfs(&env, "in")).unwrap();
    let host = env.path("host");
    let over = AtomicBool::new(false);
    // By turns a directory and a link to the host's: one in what is copied, one in the image.
    let swap = |dir: PathBuf| {
        let (aside, link) = (dir.with_extension("aside"), dir.with_extension("link"));
        while !over.load(Ordering::Relaxed) {
            let _ = symlink(&host, &link);
            let _ = fs::rename(&dir, &aside);
            let _ = fs::rename(&link, &dir);
            let _ = fs::remove_file(&dir);
            let _ = fs::rename(&aside, &dir);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| swap(env.path("app/d")));
        scope.spawn(|| swap(rootfs(&env, "in")));
        for number in 0..40 {
            let status = acbuild(&env, &format!("copy app /in/{number}")).status;
            assert!(status == 0 || status == 1);
        }
        over.store(true, Ordering::Relaxed);
    });
    assert_eq!(env.tree("host"), ["secret"]);
    let image = copied(&env);
    assert!(
        !image.iter().any(|path| path.ends_with("secret")),
        "{image:?}"
    );
    acbuild(&env, "copy app /last").expect(0);
}

#[test]
fn copies_keep_modes_times_holes_links_and_attributes() {
    let env = TestEnv::new();
    env.write("app/file", "x");
    fs::hard_link(env.path("app/file"), env.path("app/other")).unwrap();
    symlink("/nowhere", env.path("app/link")).unwrap();
    let text = "truncate -s 64M app/sparse; chmod 4751 app/file; chmod 1777 app; touch -d @1000000000 app/file app/link -h\n\
                setfattr -n user.note -v kept app/file 2>/dev/null || true";
    env.run("sh", ["-ec", text]).expect(0);
    acbuild(&env, "begin").expect(0);
    acbuild(&env, "copy app /app").expect(0);
    let of = |name: &str| fs::symlink_metadata(rootfs(&env, "app").join(name)).unwrap();
    assert_eq!(of("file").mode() & 0o7777, 0o4751);
    assert_eq!(of("file").mtime(), 1_000_000_000);
    assert_eq!(of("link").mtime(), 1_000_000_000);
    assert_eq!(of("file").ino(), of("other").ino());
    assert_eq!(of("").permissions().mode() & 0o7777, 0o1777);
    assert_eq!(of("sparse").len(), 64 << 20);
    assert!(of("sparse").blocks() < 1024);
}
