//! `acbuild write`: compressions, signatures, and the same bytes whoever writes them, wherever and whenever.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;

use gantry_testkit::gpg::{Gpg, KeySpec};
use gantry_testkit::{Outcome, TestEnv, needs_root};

const ACBUILD: &str = env!("CARGO_BIN_EXE_acbuild");
const ACTOOL: &str = env!("CARGO_BIN_EXE_actool");

fn acbuild(env: &TestEnv, line: &str) -> Outcome {
    env.run(ACBUILD, line.split_whitespace())
}

fn begin(env: &TestEnv) {
    env.write("file", "x");
    acbuild(env, "begin").expect(0);
    acbuild(env, "set-name example.test/a").expect(0);
    acbuild(env, "copy file /file").expect(0);
}

#[test]
fn an_image_is_compressed_as_asked_and_is_the_same_image() {
    let env = TestEnv::new();
    begin(&env);
    let mut ids = Vec::new();
    for (name, program) in [
        ("gzip", "gzip"),
        ("zstd", "zstd"),
        ("xz", "xz"),
        ("none", "cat"),
    ] {
        let written = acbuild(&env, &format!("write --compression {name} {name}.aci")).expect(0);
        ids.push(written.line().to_owned());
        let text = format!("{program} -dc <{name}.aci 2>/dev/null || cat {name}.aci");
        let sum = env
            .run("sh", ["-c", &format!("({text}) | sha512sum")])
            .expect(0);
        assert_eq!(format!("sha512-{}", &sum.line()[..128]), ids[0]);
        env.run(ACTOOL, ["validate", &format!("{name}.aci")])
            .expect(0);
    }
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    acbuild(&env, "write --compression lz4 a.aci")
        .expect(1)
        .says("no such compression \"lz4\"");
    acbuild(&env, "write a.aci b.aci")
        .expect(1)
        .says("incorrect number of arguments");
    assert!(!env.path("a.aci").exists());
}

#[test]
fn an_image_is_signed_by_gpg_with_the_arguments_given_to_it() {
    let Some(gpg) = Gpg::new() else { return };
    let key = gpg.generate(&KeySpec::default());
    let mut env = TestEnv::new();
    env.set_var("GNUPGHOME", gpg.home());
    begin(&env);
    let sign = |file: &str, more: &[&str]| {
        let words = ["write", "--sign", file, "--"];
        env.run(ACBUILD, words.iter().chain(more))
    };
    sign("a.aci", &["--batch", "--local-user", &key]).expect(0);
    env.run("gpg", ["--batch", "--verify", "a.aci.asc", "a.aci"])
        .expect(0);
    let text = fs::read_to_string(env.path("a.aci.asc")).unwrap();
    assert!(text.starts_with("-----BEGIN PGP SIGNATURE-----"), "{text}");

    // Neither without the other.
    sign("b.aci", &["--batch", "--local-user", "nobody"])
        .expect(1)
        .says("cannot sign b.aci");
    sign("b.aci", &["--batch", "--output", "elsewhere"])
        .expect(1)
        .says("no armoured signature");
    assert!(!env.path("b.aci").exists() && !env.path("b.aci.asc").exists());
    env.write("c.aci.asc", "old");
    sign("c.aci", &["--batch"])
        .expect(1)
        .says("ACI already exists: c.aci.asc");
    assert!(!env.path("c.aci").exists());
    env.run(
        ACBUILD,
        ["write", "--sign", "--overwrite", "c.aci", "--", "--batch"],
    )
    .expect(0);
    env.run("gpg", ["--batch", "--verify", "c.aci.asc", "c.aci"])
        .expect(0);
    let left: Vec<_> = env
        .tree(".")
        .into_iter()
        .filter(|path| path.contains(".acbuild-"))
        .collect();
    assert_eq!(left, [""; 0]);
}

/// Builds an image of the same files by a script, in `folder` as user `uid`, and gives its bytes.
fn build(
    env: &TestEnv,
    folder: &str,
    uid: u32,
    epoch: Option<&str>,
    flags: &str,
) -> Option<Vec<u8>> {
    let dir = env.path(folder);
    fs::create_dir_all(&dir).unwrap();
    let file = |name: &str, text: &str, mode| {
        fs::write(dir.join(name), text).unwrap();
        fs::set_permissions(dir.join(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    file("tool", "#!/bin/sh\n", 0o755);
    file("conf", "a=b\n", 0o640);
    let script = format!(
        "begin\nset-name example.test/same\nlabel add version 1\ncopy tool /usr/bin/tool\n\
         copy-to-dir conf tool /etc\nenvironment add A b\nset-exec /usr/bin/tool\nwrite {flags} a.aci\n"
    );
    file("script", &script, 0o644);
    for name in ["", "tool", "conf", "script"] {
        std::os::unix::fs::chown(dir.join(name), Some(uid), Some(uid)).unwrap();
    }
    let mut command = env.command(ACBUILD);
    command
        .args(["script", "script"])
        .current_dir(&dir)
        .uid(uid)
        .gid(uid);
    // What a umask takes is no part of an image.
    let temporary = env.path("tmp");
    fs::create_dir_all(&temporary).unwrap();
    fs::set_permissions(&temporary, fs::Permissions::from_mode(0o1777)).unwrap();
    command.env("TMPDIR", &temporary);
    if let Some(epoch) = epoch {
        command.env("SOURCE_DATE_EPOCH", epoch);
    }
    let output = match command.output() {
        // The folder of the programs is closed to other users.
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => return None,
        output => output.unwrap(),
    };
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
    Some(fs::read(dir.join("a.aci")).unwrap())
}

#[test]
fn two_users_in_two_places_at_two_times_get_the_same_bytes() {
    if !needs_root() {
        return;
    }
    let env = TestEnv::new();
    fs::set_permissions(env.root(), fs::Permissions::from_mode(0o755)).unwrap();
    let epoch = Some("1700000000");
    let Some(first) = build(&env, "one", 0, epoch, "") else {
        return;
    };
    let Some(second) = build(&env, "elsewhere/two", 51_237, epoch, "") else {
        return;
    };
    assert!(first == second, "by SOURCE_DATE_EPOCH");
    let first = build(&env, "three", 51_237, None, "--rewrite-timestamps").unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let second = build(&env, "four", 0, None, "--rewrite-timestamps").unwrap();
    assert!(first == second, "by --rewrite-timestamps");
    let listed = env.run("tar", ["-tvzf", "three/a.aci"]).expect(0).stdout;
    assert!(
        listed.lines().all(|line| line.contains(" 1970-01-01 ")),
        "{listed}"
    );
}
