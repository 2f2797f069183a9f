//! acbuild as scripts see it: commands, messages, exit statuses, files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use gantry_testkit::{Outcome, TestEnv, needs_root};
use serde_json::{Value, json};

const ACBUILD: &str = env!("CARGO_BIN_EXE_acbuild");
const EPOCH: &str = "1700000000";

/// Runs acbuild with the words of `line`.
fn acbuild(env: &TestEnv, line: &str) -> Outcome {
    env.run(ACBUILD, line.split_whitespace())
}

/// Runs acbuild commands that have to succeed, one per line.
fn script(env: &TestEnv, lines: &str) {
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        acbuild(env, line).expect(0);
    }
}

fn manifest(env: &TestEnv) -> Value {
    let text = fs::read(env.path(".acbuild/currentaci/manifest")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// The manifest without what the history added.
fn plain_manifest(env: &TestEnv) -> Value {
    let mut manifest = manifest(env);
    manifest.as_object_mut().unwrap().remove("annotations");
    manifest
}

fn sh(env: &TestEnv, script: &str) -> String {
    env.run("sh", ["-c", script]).expect(0).line().to_owned()
}

#[test]
fn an_image_is_built_step_by_step() {
    let env = TestEnv::new();
    let busybox = gantry_testkit::busybox();
    let busybox = busybox.display();
    env.write("work.conf", "x");
    script(
        &env,
        &format!(
            "begin
             set-name example.test/hello
             label add version 1.0.0
             environment add LANG C.UTF-8
             annotation add authors nobody
             copy {busybox} /bin/busybox
             copy-to-dir ./work.conf /etc
             set-exec -- /bin/busybox echo -n hello
             set-user 100
             set-group 101
             set-supp-groups 4 5
             set-working-directory /etc
             set-event-handler pre-start -- /bin/true
             port add http tcp 8080
             mount add --read-only data /data
             dependency add example.test/base:1.0 --label os=linux --size 42"
        ),
    );
    let mut plain = plain_manifest(&env);
    plain["labels"]
        .as_array_mut()
        .unwrap()
        .retain(|label| label["name"] == "version");
    plain.as_object_mut().unwrap().remove("acVersion");
    assert_eq!(
        plain,
        json!({
            "acKind": "ImageManifest",
            "name": "example.test/hello",
            "labels": [{"name": "version", "value": "1.0.0"}],
            "app": {
                "exec": ["/bin/busybox", "echo", "-n", "hello"],
                "eventHandlers": [{"name": "pre-start", "exec": ["/bin/true"]}],
                "user": "100", "group": "101", "supplementaryGIDs": [4, 5],
                "workingDirectory": "/etc",
                "environment": [{"name": "LANG", "value": "C.UTF-8"}],
                "mountPoints": [{"name": "data", "path": "/data", "readOnly": true}],
                "ports": [{"name": "http", "protocol": "tcp", "port": 8080, "count": 1,
                           "socketActivated": false}],
            },
            "dependencies": [{
                "imageName": "example.test/base",
                "labels": [{"name": "os", "value": "linux"}, {"name": "version", "value": "1.0"}],
                "size": 42,
            }],
        })
    );

    let written = acbuild(&env, "write hello.aci").expect(0);
    assert_eq!(written.stderr, "");
    assert_eq!(
        written.line(),
        format!(
            "sha512-{}",
            sh(&env, "gzip -dc hello.aci | sha512sum | cut -d' ' -f1")
        )
    );
    let members = sh(&env, "tar -tzf hello.aci");
    assert!(
        members.starts_with("rootfs\n") && members.ends_with("\nmanifest"),
        "{members}"
    );
    assert!(members.contains("rootfs/bin/busybox\n") && members.contains("rootfs/etc/work.conf\n"));
    acbuild(&env, "end").expect(0);
    assert!(!env.path(".acbuild").exists());
}

#[test]
fn the_first_manifest_names_the_machine_in_the_order_of_the_original() {
    let env = TestEnv::new();
    acbuild(&env, "begin").expect(0);
    let begun = manifest(&env);
    assert_eq!(begun["name"], "acbuild-unnamed");
    assert_eq!(begun["labels"][0]["name"], "arch");
    assert_eq!(begun["labels"][1], json!({"name": "os", "value": "linux"}));
    assert_eq!(
        fs::read_to_string(env.path(".acbuild/buildMode")).unwrap(),
        "appc"
    );
    assert_eq!(
        env.tree(".acbuild"),
        [
            "buildMode",
            "currentaci/",
            "currentaci/manifest",
            "currentaci/rootfs/"
        ]
    );
}

#[test]
fn history_is_numbered_and_quoted_and_can_be_left_out() {
    let env = TestEnv::new();
    acbuild(&env, "begin").expect(0);
    acbuild(&env, "set-na example.com/a").expect(0);
    env.run(ACBUILD, ["env", "add", "A", "say \"hi\"\n"])
        .expect(0);
    acbuild(&env, "label --no-history add version 1").expect(0);
    acbuild(&env, "set-exec -- /bin/a -b").expect(0);
    assert_eq!(
        manifest(&env)["annotations"],
        json!([
            {"name": "coreos.com/acbuild/command-1",
             "value": "acbuild set-name \"example.com/a\""},
            {"name": "coreos.com/acbuild/command-2",
             "value": "acbuild environment add \"A\" \"say \\\"hi\\\"\\n\""},
            {"name": "coreos.com/acbuild/command-3",
             "value": "acbuild set-exec \"/bin/a\" \"-b\""},
        ])
    );
}

#[test]
fn names_are_found_by_alias_and_by_unambiguous_prefix() {
    let env = TestEnv::new();
    script(
        &env,
        "beg
         anno add a b
         anno rm a
         env add A b
         env rem A
         volume add data /data
         mount rm /data
         po add http tcp 80
         po rm 80
         dep add example.com/b
         dep rm example.com/b
         set-eh post-stop /bin/x
         set-wd /srv
         cat",
    );
    acbuild(&env, "set-e x").expect(3);
    acbuild(&env, "c").expect(3);
    acbuild(&env, "copy").expect(1);
}

#[test]
fn exit_statuses_tell_failures_apart() {
    let env = TestEnv::new();
    acbuild(&env, "begin").expect(0);
    env.write("memory", r#"{"limit": "1G"}"#);
    for (line, status, says) in [
        (
            "label remove version",
            2,
            "element to be removed does not exist in this ACI",
        ),
        ("annotation rm x", 2, "annotation remove: "),
        ("environment rm X", 2, "environment remove: "),
        ("mount rm x", 2, "mount remove: "),
        ("port rm x", 2, "port remove: "),
        ("dependency rm example.com/x", 2, "dependency remove: "),
        ("isolator rm resource/memory", 1, "isolator remove: "),
        ("isolator add resource/memory memory", 0, ""),
        ("isolator rm resource/memory", 0, ""),
        ("isolator add os/unix/sysctl memory", 1, "isolator add: "),
        (
            "isolator add example.com/own memory",
            1,
            "unknown isolator name: example.com/own",
        ),
        (
            "isolator add resource/memory missing",
            1,
            "isolator add: cannot read missing",
        ),
        ("frobnicate", 3, ""),
        ("label frobnicate", 3, ""),
        ("label add --frobnicate a b", 3, ""),
        ("port add --count many http tcp 80", 3, ""),
        (
            "label add version",
            1,
            "label add: incorrect number of arguments",
        ),
        (
            "label add version 1 2",
            1,
            "label add: incorrect number of arguments",
        ),
        ("end now", 1, "end: incorrect number of arguments"),
        ("label add", 1, ""),
        ("set-exec", 1, ""),
        (
            "layer",
            1,
            "adding layers is currently only supported in OCI builds",
        ),
        (
            "run --engine x -- /bin/true",
            1,
            "run: no such engine \"x\"",
        ),
        ("script file", 1, "script: no such file or directory: file"),
        (
            "--modify-appc x.aci label add version 1",
            1,
            "label add: image doesn't appear to exist: x.aci.",
        ),
        (
            "--modify x.aci write y.aci",
            1,
            "write: Can't use --modify flags with write.",
        ),
        (
            "--modify-oci x --modify-appc y label add version 1",
            1,
            "at the same time",
        ),
        ("", 0, ""),
        ("label", 0, ""),
        ("label add --help", 0, ""),
        ("version --debug=false", 0, ""),
    ] {
        acbuild(&env, line).expect(status).says(says);
    }
    let usage = acbuild(&env, "label add").stdout;
    assert!(usage.contains("acbuild label add NAME VALUE"), "{usage}");
    assert!(
        acbuild(&env, "version")
            .stdout
            .ends_with("\nappc version 0.8.11+git\n")
    );
}

#[test]
fn bad_input_is_refused_and_changes_nothing() {
    let env = TestEnv::new();
    script(&env, "begin\nset-name example.com/a\nset-exec /bin/a");
    env.write("pod", r#"{"acKind": "PodManifest"}"#);
    env.write("half", r#"{"name": "#);
    env.write("typo", r#"{"app": {"workingDirectory": "relative"}}"#);
    let before = fs::read(env.path(".acbuild/currentaci/manifest")).unwrap();
    let tree = env.tree(".acbuild");
    for (line, says) in [
        ("label add os plan9", "label add: bad os \"plan9\""),
        (
            "label add arch z80",
            "label add: bad arch \"z80\" for linux",
        ),
        ("label add name x", "invalid label name: \"name\""),
        ("label add Bad x", "label add: "),
        ("set-name Bad", "set-name: "),
        ("annotation add created yesterday", "annotation add: "),
        ("annotation add homepage ftp://x", "annotation add: "),
        (
            "environment add 1A x",
            "environment variable does not have valid identifier \"1A\"",
        ),
        ("port add Http tcp 80", "port add: "),
        ("port add http tcp 0", "port must be in 1-65535 range"),
        (
            "port add http tcp 65536",
            "port must be a positive number between 0 and 65535",
        ),
        (
            "port add http tcp 65535 --count 2",
            "end of port range must be in 1-65535 range",
        ),
        (
            "set-working-directory srv",
            "workingDirectory must be an absolute path",
        ),
        ("set-supp-groups x", "group \"x\" is not a number"),
        ("set-event-handler pre-begin x", ""),
        ("dependency add Bad", "couldn't parse dependency name"),
        (
            "dependency add example.com/b --label os",
            "no '=' character in \"os\"",
        ),
        (
            "dependency add example.com/b --label a=1 --label a=2",
            "multiple a labels specified",
        ),
        (
            "dependency add example.com/b --image-id md5-1",
            "couldn't parse image ID",
        ),
        ("replace-manifest pod", "replace-manifest: "),
        ("replace-manifest half", "half is not a JSON object"),
        (
            "replace-manifest typo",
            "workingDirectory must be an absolute path",
        ),
        (
            "replace-manifest missing",
            "no such file or directory: missing",
        ),
        ("replace-manifest home", "home is a directory"),
        (
            "copy missing /x",
            "copy: no such file or directory: missing",
        ),
        ("copy typo /x/", "copy: target \"/x/\" ends in a slash"),
        ("copy home /.", "file exists"),
        ("copy . /x", "copy: . holds the build itself"),
        (
            "copy-to-dir typo",
            "copy-to-dir: incorrect number of arguments",
        ),
        (
            "begin",
            "begin: build already in progress in this working dir",
        ),
        (
            "cat-manifest --file config",
            "can't print config, appc has no image configs",
        ),
        ("cat-manifest --file x", "don't know how to print a \"x\""),
        ("write home", "write: ACI already exists: home"),
        ("write --overwrite home", "write: cannot write home"),
        ("write missing/x.aci", "write: cannot write missing/x.aci"),
        (
            "write --compression bzip2 x.aci",
            "write: no such compression \"bzip2\"",
        ),
    ] {
        let outcome = acbuild(&env, line).says(says);
        assert_ne!(outcome.status, 0, "{line}: {outcome}");
        assert_eq!(outcome.stdout, "", "{line}");
    }
    assert_eq!(
        fs::read(env.path(".acbuild/currentaci/manifest")).unwrap(),
        before
    );
    assert_eq!(env.tree(".acbuild"), tree);
    assert_eq!(env.tree("home"), Vec::<String>::new());
}

#[test]
fn without_a_build_every_command_says_how_to_begin_one() {
    let env = TestEnv::new();
    for line in [
        "set-name example.com/a",
        "end",
        "write x.aci",
        "cat-manifest",
        "copy home /x",
    ] {
        acbuild(&env, line)
            .expect(1)
            .says("no build in progress in this working dir - try \"acbuild begin\"");
    }
    for (line, says) in [
        (
            "begin ./missing",
            "begin: no such file or directory: ./missing",
        ),
        (
            "begin /dev/null",
            "begin: /dev/null is neither a file nor a directory",
        ),
        ("begin --build-mode x", "begin: invalid build mode: x"),
        ("begin ftp://example.test/a.aci", "begin: "),
        ("begin . ", "begin: . holds the build itself"),
    ] {
        acbuild(&env, line).expect(1).says(says);
    }
    assert_eq!(env.tree("."), ["home/"]);
}

#[test]
fn an_unnamed_image_is_not_written_and_a_missing_exec_is_mentioned() {
    let env = TestEnv::new();
    acbuild(&env, "begin").expect(0);
    acbuild(&env, "write x.aci")
        .expect(1)
        .says("write: can't write ACI, name was never set");
    script(&env, "set-name example.com/a\nset-user 1");
    acbuild(&env, "write x.aci")
        .expect(0)
        .says("warning: exec command was never set.");
    acbuild(&env, "write x.aci")
        .expect(1)
        .says("write: ACI already exists: x.aci");
    acbuild(&env, "write --overwrite x.aci").expect(0);
    let mut env = env;
    for epoch in ["", "soon", "-1"] {
        env.set_var("SOURCE_DATE_EPOCH", epoch);
        acbuild(&env, "write y.aci")
            .expect(1)
            .says("write: SOURCE_DATE_EPOCH is ");
    }
    assert_eq!(
        env.tree("."),
        [
            ".acbuild/",
            ".acbuild/buildMode",
            ".acbuild/currentaci/",
            ".acbuild/currentaci/manifest",
            ".acbuild/currentaci/rootfs/",
            "home/",
            "x.aci"
        ]
    );
}

#[test]
fn a_build_goes_on_from_an_image_and_from_a_directory() {
    let env = TestEnv::new();
    env.write("tree/etc/motd", "hi\n");
    script(
        &env,
        "begin ./tree\nset-name example.com/a\nwrite a.aci\nend\nbegin ./a.aci",
    );
    assert_eq!(manifest(&env)["name"], "example.com/a");
    let motd = env.path(".acbuild/currentaci/rootfs/etc/motd");
    assert_eq!(fs::read_to_string(motd).unwrap(), "hi\n");
    acbuild(&env, "end").expect(0);
    for (name, content) in [
        ("cut", &fs::read(env.path("a.aci")).unwrap()[..60]),
        ("text", b"hello"),
    ] {
        env.write(name, content);
        acbuild(&env, &format!("begin ./{name}"))
            .expect(1)
            .says("begin: cannot extract ./");
        assert!(!env.path(".acbuild").exists());
    }
}

#[test]
fn links_in_the_image_never_lead_to_the_host() {
    let env = TestEnv::new();
    env.write("host/kept", "kept");
    env.write("file", "new");
    env.write("dir/inner", "new");
    acbuild(&env, "begin").expect(0);
    let rootfs = env.path(".acbuild/currentaci/rootfs");
    symlink(env.path("host"), rootfs.join("out")).unwrap();
    symlink("../../../host", rootfs.join("up")).unwrap();
    symlink(env.path("host/kept"), rootfs.join("file")).unwrap();
    let before = env.tree("host");
    acbuild(&env, "copy file /out/stolen").expect(1);
    acbuild(&env, "copy file /up/stolen").expect(1);
    acbuild(&env, "copy file /file").expect(1);
    acbuild(&env, "copy-to-dir file dir /out").expect(1);
    acbuild(&env, "copy dir /up").expect(1).says("file exists");
    assert_eq!(env.tree("host"), before);
    assert_eq!(fs::read_to_string(env.path("host/kept")).unwrap(), "kept");

    // The same links are fine once the image has what they mean.
    fs::create_dir_all(rootfs.join("host")).unwrap();
    acbuild(&env, "copy file /up/inside").expect(0);
    assert_eq!(
        fs::read_to_string(rootfs.join("host/inside")).unwrap(),
        "new"
    );
}

#[test]
fn a_running_command_keeps_others_out() {
    let env = TestEnv::new();
    acbuild(&env, "begin").expect(0);
    let lock = env.write(".acbuild/lock", "");
    let mut holder = Command::new("flock")
        .arg(&lock)
        .args(["sh", "-c", "echo held; read end"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(
        &mut std::io::BufReader::new(holder.stdout.take().unwrap()),
        &mut line,
    )
    .unwrap();
    acbuild(&env, "set-user 1")
        .expect(1)
        .says("lock already held - is another acbuild running in this working dir?");
    drop(holder.stdin.take());
    holder.wait().unwrap();
    acbuild(&env, "set-user 1").expect(0);
    assert!(!lock.exists());
}

#[test]
fn what_a_killed_begin_left_does_not_stop_the_next() {
    let env = TestEnv::new();
    env.write(".acbuild/unfinished/rootfs/half", "");
    env.write(".acbuild/lock", "");
    acbuild(&env, "set-user 1")
        .expect(1)
        .says("no build in progress");
    acbuild(&env, "begin").expect(0);
    assert!(!env.path(".acbuild/unfinished").exists());
}

#[test]
fn two_runs_give_the_same_bytes() {
    let images: Vec<Vec<u8>> = (0..2)
        .map(|_| reproducible(&TestEnv::new(), None))
        .collect();
    assert!(images[0] == images[1]);
}

#[test]
fn two_users_and_root_give_the_same_bytes() {
    if !needs_root() {
        return;
    }
    let images: Vec<Vec<u8>> = [None, Some((4321, 4321)), Some((54321, 100))]
        .map(|user| reproducible(&TestEnv::new(), user))
        .into();
    assert!(images[0] == images[1], "root and a user differ");
    assert!(images[1] == images[2], "two users differ");
}

#[test]
fn a_user_copies_and_removes_directories_without_write_permission() {
    if !needs_root() {
        return;
    }
    let env = TestEnv::new();
    let build = Build::new(&env, Some((4321, 4321)));
    env.write("work/closed/inner/file", "");
    for path in ["work/closed/inner", "work/closed"] {
        fs::set_permissions(env.path(path), fs::Permissions::from_mode(0o555)).unwrap();
    }
    build.run("begin");
    build.run("copy closed /closed");
    let copy = env.path("work/.acbuild/currentaci/rootfs/closed");
    let mode = fs::metadata(&copy).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o555);
    build.run("end");
    assert!(!env.path("work/.acbuild").exists());
}

/// A folder to build in, and whoever does it.
struct Build<'a> {
    env: &'a TestEnv,
    tool: PathBuf,
    user: Option<(u32, u32)>,
}

impl<'a> Build<'a> {
    fn new(env: &'a TestEnv, user: Option<(u32, u32)>) -> Self {
        fs::set_permissions(env.root(), fs::Permissions::from_mode(0o755)).unwrap();
        let work = env.path("work");
        fs::create_dir(&work).unwrap();
        if let Some((uid, gid)) = user {
            std::os::unix::fs::chown(&work, Some(uid), Some(gid)).unwrap();
        }
        // A user may not be allowed to reach the folder the tool was built in. Another process copies
        // it: what this one had open for writing, a test starting a command then would keep open.
        let tool = env.path("acbuild");
        env.run("cp", [ACBUILD.as_ref(), tool.as_os_str()])
            .expect(0);
        Self { env, tool, user }
    }

    fn run(&self, line: &str) {
        let mut command = self.env.command(&self.tool);
        command
            .args(line.split(' '))
            .current_dir(self.env.path("work"));
        command.env("SOURCE_DATE_EPOCH", EPOCH);
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        self.env.outcome(&mut command).expect(0);
    }
}

/// Builds an image from the same input in a folder of its own, as another user if one is given.
fn reproducible(env: &TestEnv, user: Option<(u32, u32)>) -> Vec<u8> {
    let build = Build::new(env, user);
    for (path, mode) in [("work/in/a", 0o644), ("work/in/sub/tool", 0o755)] {
        env.write(path, "content");
        fs::set_permissions(env.path(path), fs::Permissions::from_mode(mode)).unwrap();
    }
    symlink("tool", env.path("work/in/sub/link")).unwrap();
    for path in ["work/in", "work/in/sub"] {
        fs::set_permissions(env.path(path), fs::Permissions::from_mode(0o755)).unwrap();
    }
    for line in [
        "begin",
        "set-name example.com/a",
        "copy in /opt/in",
        "copy-to-dir in/a in/sub /srv",
        "set-exec /opt/in/sub/tool",
        "write a.aci",
    ] {
        build.run(line);
    }
    fs::read(env.path("work/a.aci")).unwrap()
}

#[test]
fn messages_show_what_was_wrong_and_what_would_be_right() {
    let env = TestEnv::new();
    acbuild(&env, "begin").expect(0);
    env.write("empty.json", "");
    for (line, text) in [
        (
            "set-name A",
            "set-name: \"A\": ACIdentifier must contain only",
        ),
        ("label add X 1", "label add: \"X\": ACIdentifier must"),
        ("port add X tcp 1", "port add: \"X\": ACName must"),
        (
            "port add web tcp",
            "hint: acbuild port add [--count N] [--socket-activated] NAME",
        ),
        ("end now", "hint: acbuild end"),
        (
            "isolator add resource/memory empty.json",
            "isolator add: value in empty.json: ",
        ),
    ] {
        acbuild(&env, line).expect(1).says(text);
    }
}

#[test]
fn an_image_takes_the_place_of_nothing_but_files() {
    let env = TestEnv::new();
    script(
        &env,
        "begin
         set-name example.test/a
         write real.aci",
    );
    sh(
        &env,
        "mkfifo pipe && ln -s pipe to-pipe && ln -s real.aci to-file && echo made",
    );
    for name in ["pipe", "to-pipe"] {
        acbuild(&env, &format!("write --overwrite {name}"))
            .expect(1)
            .says(&format!("write: {name} is not a regular file"));
    }
    acbuild(&env, "set-name example.test/b").expect(0);
    acbuild(&env, "write --overwrite to-file").expect(0);
    let kinds = sh(
        &env,
        "stat -c %F pipe to-pipe to-file real.aci | paste -sd,",
    );
    assert_eq!(kinds, "fifo,symbolic link,symbolic link,regular file");
}

#[test]
fn beginning_with_a_plain_archive_is_said() {
    let env = TestEnv::new();
    env.write("tree/etc/motd", "hello");
    sh(&env, "tar -C tree -cf root.tar etc && echo made");
    acbuild(&env, "begin ./root.tar")
        .expect(0)
        .says("manifest is missing, assuming build is beginning with a tar of a rootfs");
    let motd = fs::read(env.path(".acbuild/currentaci/rootfs/etc/motd")).unwrap();
    assert_eq!(motd, b"hello");
}
