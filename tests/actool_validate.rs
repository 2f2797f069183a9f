//! `actool validate` and `actool cat-manifest`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;

use gantry_testkit::TestEnv;

const ACTOOL: &str = env!("CARGO_BIN_EXE_actool");
const ACBUILD: &str = env!("CARGO_BIN_EXE_acbuild");
const MANIFEST: &str =
    r#"{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/a","labels":[]}"#;

fn environment() -> TestEnv {
    let env = TestEnv::new();
    for line in [
        "begin",
        "--no-history set-name example.com/a",
        "write a.aci",
    ] {
        env.run(ACBUILD, line.split(' ')).expect(0);
    }
    env.write("good", MANIFEST);
    env.write("typo", MANIFEST.replace("example.com/a", "Example"));
    env.write("kind", r#"{"acKind":"Something"}"#);
    env.write("pod", r#"{"acKind":"PodManifest","acVersion":"0.8.11"}"#);
    env.write("binary", [0, 1, 2]);
    env.write("cut.aci", &fs::read(env.path("a.aci")).unwrap()[..100]);
    env.write("layout/manifest", MANIFEST);
    fs::create_dir(env.path("layout/rootfs")).unwrap();
    env.write("stray/manifest", MANIFEST);
    fs::create_dir(env.path("stray/rootfs")).unwrap();
    env.write("stray/file", "");
    env
}

#[test]
fn verdicts_go_to_stderr_and_into_the_status() {
    let env = environment();
    for (line, status, stderr) in [
        ("validate", 1, "must pass one or more files\n"),
        ("validate a.aci good pod layout", 0, ""),
        ("validate --type=appimage a.aci", 0, ""),
        ("validate missing good", 1, "unable to access missing: "),
        (
            "validate binary good",
            1,
            "binary: unable to detect filetype (try --type)\n",
        ),
        (
            "validate --type=x good",
            1,
            "good: unable to detect filetype (try --type)\n",
        ),
        (
            "validate --type=manifest layout",
            1,
            "layout is a directory (wrong --type?)\n",
        ),
        (
            "validate --type=layout good",
            1,
            "good: invalid image layout: given path \"good\" is not a directory\n",
        ),
        (
            "validate stray good",
            1,
            "stray: invalid image layout: unrecognized file path in layout: \"file\"\n",
        ),
        (
            "validate kind typo",
            1,
            "kind: error unmarshaling manifest: ",
        ),
        ("validate typo good", 1, "typo: invalid ImageManifest: "),
        ("validate cut.aci", 1, "cut.aci: error "),
    ] {
        let outcome = env.run(ACTOOL, line.split(' ')).expect(status);
        assert_eq!(outcome.stdout, "");
        if stderr.ends_with('\n') || stderr.is_empty() {
            assert_eq!(outcome.stderr, stderr, "{line}");
        } else {
            assert!(
                outcome.stderr.starts_with(stderr),
                "{line}: {}",
                outcome.stderr
            );
        }
    }
}

#[test]
fn what_is_wanting_does_not_stop_and_what_cannot_be_read_does() {
    let env = environment();
    let both = env
        .run(ACTOOL, ["validate", "typo", "stray"])
        .expect(1)
        .stderr;
    assert!(
        both.contains("typo: ") && both.contains("\nstray: "),
        "{both}"
    );
    let first = env
        .run(ACTOOL, ["validate", "missing", "stray"])
        .expect(1)
        .stderr;
    assert!(!first.contains("stray"), "{first}");
}

#[test]
fn debug_names_what_is_valid() {
    let env = environment();
    let outcome = env
        .run(ACTOOL, ["--debug", "validate", "a.aci", "good", "layout"])
        .expect(0);
    assert_eq!(
        outcome.stderr,
        "a.aci: valid app container image\ngood: valid ImageManifest\nlayout: valid image layout\n"
    );
}

#[test]
fn the_manifest_is_printed_as_it_is_stored() {
    let env = environment();
    let raw = env.run(ACTOOL, ["cat-manifest", "a.aci"]).expect(0);
    let stored = fs::read_to_string(env.path(".acbuild/currentaci/manifest")).unwrap();
    assert_eq!(raw.stdout, stored + "\n");
    let pretty = env
        .run(ACTOOL, ["cat-manifest", "--pretty-print", "a.aci"])
        .expect(0);
    assert!(
        pretty
            .stdout
            .starts_with("{\n    \"acKind\": \"ImageManifest\",\n"),
        "{pretty}"
    );
    for (line, says) in [
        ("cat-manifest", "cat-manifest: Must provide one file"),
        (
            "cat-manifest a.aci good",
            "cat-manifest: Must provide one file",
        ),
        (
            "cat-manifest missing",
            "cat-manifest: Cannot open missing: ",
        ),
        ("cat-manifest binary", "cat-manifest: "),
    ] {
        env.run(ACTOOL, line.split(' ')).expect(1).says(says);
    }
}
