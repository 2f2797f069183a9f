//! `acbuild script`, and images that acbuild changes without a build in progress.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use gantry_testkit::{Outcome, TestEnv, needs_root};
use serde_json::Value;

const ACBUILD: &str = env!("CARGO_BIN_EXE_acbuild");
const ACTOOL: &str = env!("CARGO_BIN_EXE_actool");

/// An environment whose temporary files are all beneath it, with a clock that stands still.
fn environment() -> TestEnv {
    let mut env = TestEnv::new();
    fs::create_dir(env.path("tmp")).unwrap();
    let tmp = env.path("tmp");
    env.set_var("TMPDIR", tmp);
    env.set_var("SOURCE_DATE_EPOCH", "1700000000");
    env.write("file", "content");
    env
}

fn acbuild(env: &TestEnv, arguments: &[&str]) -> Outcome {
    env.run(ACBUILD, arguments)
}

fn script(env: &TestEnv, text: &str) -> Outcome {
    env.write("script", text);
    let outcome = acbuild(env, &["script", "script"]);
    nothing_left(env);
    outcome
}

fn nothing_left(env: &TestEnv) {
    assert_eq!(env.tree("tmp"), [""; 0], "temporary files are left");
    assert!(!env.path(".acbuild").exists());
}

fn manifest(env: &TestEnv, image: &str) -> Value {
    let printed = env.run(ACTOOL, ["cat-manifest", image]).expect(0);
    serde_json::from_str(printed.line()).unwrap()
}

const HELLO: &str = "
    # An image of one file.
    begin
    SET-NAME example.test/hello   # its name
    copy file \\
        '/a file'
    set-exec /bin/hello --loud \"two words\"
    label add version \"1.0\"
";

#[test]
fn a_script_builds_what_its_commands_build() {
    let env = environment();
    let made = script(
        &env,
        &format!("{HELLO}write hello.aci\nwrite --overwrite hello.aci"),
    )
    .expect(0);
    assert!(made.stdout.starts_with("sha512-"), "{}", made.stdout);
    assert!(
        made.stderr
            .contains("acbuild set-name \"example.test/hello\"")
    );
    let said = manifest(&env, "hello.aci");
    assert_eq!(
        said["app"]["exec"],
        serde_json::json!(["/bin/hello", "--loud", "two words"])
    );
    for line in [
        &["begin"][..],
        &["set-name", "example.test/hello"],
        &["copy", "file", "/a file"],
        &["set-exec", "--", "/bin/hello", "--loud", "two words"],
        &["label", "add", "version", "1.0"],
        &["write", "by-hand.aci"],
        &["end"],
    ] {
        acbuild(&env, line).expect(0);
    }
    assert_eq!(
        fs::read(env.path("hello.aci")).unwrap(),
        fs::read(env.path("by-hand.aci")).unwrap(),
        "the same bytes, history included"
    );
}

#[test]
fn the_other_name_and_scripts_in_scripts_work() {
    let env = environment();
    env.write("name", "set-name example.test/inner\n");
    env.write("outer", "begin\nscript name\nwrite a.aci\n");
    symlink(ACBUILD, env.path("acbuild-script")).unwrap();
    env.run(env.path("acbuild-script"), ["outer"]).expect(0);
    assert_eq!(manifest(&env, "a.aci")["name"], "example.test/inner");
    nothing_left(&env);

    env.write("quiet", "begin\nset-name example.test/quiet\nwrite b.aci\n");
    acbuild(&env, &["--no-history", "script", "quiet"]).expect(0);
    assert!(manifest(&env, "b.aci").get("annotations").is_none());
}

#[test]
fn a_script_that_fails_stops_there_and_passes_the_status_on() {
    let env = environment();
    let build = |rest: &str| format!("begin\nset-name a.test/b\n{rest}\nwrite a.aci");
    for (text, status, said) in [
        (build("label rm x"), 2, "script:3: label failed"),
        (build("\n\nlabel add"), 1, "script:5: label failed"),
        (build("lable add x y"), 3, "script:3: lable failed"),
        (build("copy absent /x"), 1, "absent"),
        ("set-name a.test/b".to_owned(), 1, "no build in progress"),
        // Nothing is done of a script that is wrong somewhere.
        (
            "write a.aci\nend".to_owned(),
            1,
            "line 2: calling end is unnecessary",
        ),
        (
            build("copy 'a"),
            1,
            "line 3: unterminated single quote block",
        ),
        (build("copy \\"), 0, ""),
    ] {
        let outcome = script(&env, &text);
        if status == 0 {
            // The backslash joins the next line, so that `write` and the name of a file are copied.
            outcome.expect(1).says("write");
        } else {
            outcome.expect(status).says(said);
        }
        assert!(!env.path("a.aci").exists(), "{text}");
    }
    acbuild(&env, &["script", "absent"])
        .expect(1)
        .says("no such file or directory: absent");
    acbuild(&env, &["script", "a", "b"])
        .expect(1)
        .says("incorrect number of arguments");
}

#[test]
fn a_script_that_is_interrupted_leaves_nothing() {
    let env = environment();
    fs::create_dir(env.path("many")).unwrap();
    for number in 0..2000 {
        env.write(format!("many/{number}"), [b'x'; 4096]);
    }
    let copies: String = (0..50).map(|n| format!("copy many /{n}\n")).collect();
    env.write("script", format!("begin\n{copies}"));
    for signal in ["INT", "TERM", "HUP"] {
        let mut child = env
            .command(ACBUILD)
            .args(["script", "script"])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        let begun = || {
            env.tree("tmp")
                .iter()
                .any(|path| path.contains("rootfs/0/"))
        };
        while !begun() {
            assert!(Instant::now() < deadline, "the script does not begin");
            std::thread::sleep(Duration::from_millis(5));
        }
        let pid = child.id().to_string();
        let mut kill = Command::new("kill");
        kill.args([&format!("-{signal}"), &pid]);
        assert!(kill.status().unwrap().success());
        let status = child.wait().unwrap();
        let expected = 128
            + match signal {
                "INT" => 2,
                "TERM" => 15,
                _ => 1,
            };
        assert_eq!(status.code(), Some(expected), "{signal}");
        nothing_left(&env);
    }
}

/// Every kind of compression there is, and a name with an image in it.
fn image(env: &TestEnv, extra: &str) {
    script(env, &format!("{HELLO}{extra}\nwrite --overwrite hello.aci")).expect(0);
}

#[test]
fn an_image_is_changed_without_a_build() {
    let env = environment();
    image(&env, "");
    // Its files are told by tar, its manifest is the one thing that differs.
    let files = |image: &str| {
        let list = env.run("tar", ["--exclude=manifest", "-tvf", image]);
        list.expect(0).stdout
    };
    let before = files("hello.aci");
    // A build in progress has nothing to do with it.
    acbuild(&env, &["begin"]).expect(0);
    for line in [
        &["label", "add", "version", "2.0"][..],
        &["set-user", "1000"],
        &["port", "add", "http", "tcp", "80"],
        &["environment", "add", "A", "b"],
        &["set-eh", "pre-start", "/bin/x"],
    ] {
        acbuild(&env, &[&["--modify-appc", "hello.aci"], line].concat()).expect(0);
    }
    env.write("over.json", "{\"app\":{\"group\":\"7\"}}");
    acbuild(
        &env,
        &["--modify=hello.aci", "replace-manifest", "over.json"],
    )
    .expect(0);
    assert_eq!(files("hello.aci"), before);
    let said = manifest(&env, "hello.aci");
    assert_eq!(said["app"]["user"], "1000");
    assert_eq!(said["app"]["group"], "7");
    assert_eq!(said["app"]["environment"][0]["value"], "b");
    let history = said["annotations"].as_array().unwrap();
    assert!(
        history
            .iter()
            .any(|a| a["value"] == "acbuild set-user \"1000\"")
    );
    let printed = acbuild(&env, &["--modify-appc=hello.aci", "cat-manifest"]).expect(0);
    assert_eq!(serde_json::from_str::<Value>(printed.line()).unwrap(), said);
    // The build is as it was.
    let build = acbuild(&env, &["cat-manifest"]).expect(0);
    assert!(build.line().contains("acbuild-unnamed"));
    acbuild(&env, &["end"]).expect(0);
    nothing_left(&env);
}

#[test]
fn compression_permissions_and_links_stay() {
    let env = environment();
    image(&env, "");
    env.run("sh", ["-c", "gzip -d <hello.aci >plain.aci; zstd -q plain.aci -o zstd.aci; xz -k plain.aci; mv plain.aci.xz xz.aci; cp hello.aci gzip.aci"]).expect(0);
    for (name, head) in [
        ("plain.aci", &b"rootfs"[..]),
        ("gzip.aci", &[0x1f, 0x8b]),
        ("zstd.aci", &[0x28, 0xb5, 0x2f, 0xfd]),
        ("xz.aci", b"\xfd7zXZ"),
    ] {
        let path = env.path(name);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(name, env.path("link")).unwrap();
        acbuild(&env, &["--modify-appc=link", "set-group", "5"]).expect(0);
        acbuild(&env, &["--modify-appc=link", "copy", "file", "/etc/new"]).expect(0);
        assert!(env.path("link").is_symlink());
        let bytes = fs::read(&path).unwrap();
        assert!(bytes.starts_with(head), "{name} is compressed otherwise");
        assert_eq!(
            fs::metadata(&path).unwrap().mode() & 0o7777,
            0o640,
            "{name}"
        );
        assert_eq!(manifest(&env, name)["app"]["group"], "5");
        let listed = env
            .run("sh", ["-c", &format!("tar -tf {name}")])
            .expect(0)
            .stdout;
        assert!(
            listed.contains("rootfs/etc/new\n") && listed.contains("rootfs/a file\n"),
            "{listed}"
        );
        env.run(ACTOOL, ["validate", name]).expect(0);
        fs::remove_file(env.path("link")).unwrap();
    }
    nothing_left(&env);
}

#[test]
fn an_image_is_not_touched_by_what_fails_or_only_reads() {
    let env = environment();
    image(&env, "");
    env.run("mkfifo", ["fifo"]).expect(0);
    env.write("text", "no image");
    env.run("tar", ["-cf", "rootfs.tar", "file"]).expect(0);
    let before = fs::metadata(env.path("hello.aci")).unwrap();
    let hello = "--modify-appc=hello.aci";
    for (arguments, status, said) in [
        (&[hello, "cat-manifest"][..], 0, ""),
        (
            &[hello, "label", "rm", "absent"],
            2,
            "does not exist in this ACI",
        ),
        (
            &[hello, "isolator", "rm", "absent"],
            1,
            "does not exist in this ACI",
        ),
        (&[hello, "label", "add", "name", "x"], 1, "name"),
        (&[hello, "copy", "absent", "/x"], 1, "absent"),
        (&[hello, "copy", "file", "/a file/x"], 1, "a file"),
        (&[hello, "frobnicate"], 3, "frobnicate"),
        (&[hello, "begin"], 1, "Can't use --modify flags with begin."),
        (
            &[hello, "write", "x.aci"],
            1,
            "Can't use --modify flags with write.",
        ),
        (&[hello, "end"], 1, "Can't use --modify flags with end."),
        (
            &[hello, "version"],
            1,
            "Can't use --modify flags with version.",
        ),
        (
            &[hello, "script", "x"],
            1,
            "Can't use --modify flags with script.",
        ),
        (&[hello, "layer"], 1, "only supported in OCI builds"),
        (
            &[hello, "--modify-oci=x", "set-user", "1"],
            1,
            "can't modify an appc image and an oci image at the same time",
        ),
        (
            &["--modify-appc=absent", "set-user", "1"],
            1,
            "image doesn't appear to exist: absent.",
        ),
        (
            &["--modify-appc=tmp", "set-user", "1"],
            1,
            "image to modify is a directory: tmp.",
        ),
        (
            &["--modify-appc=fifo", "set-user", "1"],
            1,
            "not a regular file: fifo",
        ),
        (
            &["--modify-appc=text", "set-user", "1"],
            1,
            "cannot read text",
        ),
        (
            &["--modify-appc=rootfs.tar", "set-user", "1"],
            1,
            "cannot read rootfs.tar",
        ),
        (
            &["--modify-appc=rootfs.tar", "copy", "file", "/x"],
            1,
            "manifest is missing",
        ),
    ] {
        acbuild(&env, arguments).expect(status).says(said);
        let after = fs::metadata(env.path("hello.aci")).unwrap();
        assert_eq!(
            (after.ino(), after.ctime_nsec()),
            (before.ino(), before.ctime_nsec()),
            "{arguments:?}"
        );
        nothing_left(&env);
    }
}

#[test]
fn a_user_changes_the_manifest_of_an_image_with_files_of_others() {
    if !needs_root() {
        return;
    }
    let env = environment();
    // Devices and owners, which no user without root could extract.
    fs::create_dir_all(env.path("layout/rootfs/dev")).unwrap();
    env.run("mknod", ["layout/rootfs/dev/null", "c", "1", "3"])
        .expect(0);
    env.run("chown", ["4711:4712", "layout/rootfs/dev"])
        .expect(0);
    env.write(
        "layout/manifest",
        "{\"acKind\":\"ImageManifest\",\"acVersion\":\"0.8.11\",\"name\":\"a.test/b\"}",
    );
    env.run(ACTOOL, ["build", "layout", "shared.aci"]).expect(0);
    let list = || {
        env.run(
            "tar",
            [
                "--exclude=manifest",
                "--numeric-owner",
                "-tvf",
                "shared.aci",
            ],
        )
        .expect(0)
        .stdout
    };
    let before = list();
    assert!(before.contains("4711/4712"), "{before}");
    env.run("chown", ["-R", "65534:65534", "."]).expect(0);
    let user = ["--reuid=65534", "--regid=65534", "--clear-groups", ACBUILD];
    let change = ["--modify-appc=shared.aci", "set-user", "1"];
    env.run("setpriv", [&user[..], &change].concat()).expect(0);
    assert_eq!(list(), before);
    assert_eq!(manifest(&env, "shared.aci")["app"]["user"], "1");
}
