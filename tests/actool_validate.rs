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
fn standard_input_and_pipes_are_read_as_files_are() {
    let env = environment();
    let pipe = env.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    // Nobody writes into it, and nobody waits for that.
    let outcome = env.run(ACTOOL, ["validate", "pipe", "typo"]).expect(1);
    assert!(
        outcome
            .stderr
            .contains("pipe: error unmarshaling manifest: ")
    );
    assert!(!outcome.stderr.contains("typo"), "{outcome}");
    for (file, kind, format, says) in [
        ("good", "", "text", ""),
        ("good", "manifest", "text", ""),
        ("a.aci", "", "text", ""),
        ("a.aci", "appimage", "json", "\"valid\": true"),
        ("typo", "manifest", "json", "\"appc/identifier-character\""),
    ] {
        let mut command = env.command(ACTOOL);
        let mut cat = env.command("cat");
        let mut cat = cat
            .arg(file)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        command
            .args(["validate", "--type", kind, "--format", format, "/dev/stdin"])
            .stdin(cat.stdout.take().unwrap());
        let outcome = env.outcome(&mut command).expect(i32::from(file == "typo"));
        assert!(cat.wait().unwrap().success());
        assert!(outcome.stdout.contains(says), "{outcome}");
    }
    env.run(ACTOOL, ["validate", ""])
        .expect(1)
        .says("unable to access : ");
}

#[test]
fn json_tells_files_apart_whose_names_are_no_text() {
    use std::os::unix::ffi::OsStrExt;
    let env = environment();
    let name = |last: u8| std::ffi::OsStr::from_bytes(&[b'm', last]).to_owned();
    let mut words: Vec<_> = ["validate", "--format=json", "good"].map(Into::into).into();
    words.extend([name(0xfe), name(0xff)]);
    let outcome = env.run(ACTOOL, words).expect(1);
    let document: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert!(document[0].get("fileHex").is_none(), "{document}");
    for (index, file, hex) in [(1, "m\\xfe", "6dfe"), (2, "m\\xff", "6dff")] {
        assert_eq!(document[index]["file"], file);
        assert_eq!(document[index]["fileHex"], hex);
    }
}

#[test]
fn json_tells_all_findings_of_all_files_on_stdout() {
    let env = environment();
    env.write(
        "many",
        "{\n  \"acKind\": \"ImageManifest\",\n  \"acVersion\": \"0.8.11\",\n  \"name\": \"A\",\n  \
         \"app\": {\"user\": \"0\", \"gruop\": \"0\"}\n}\n",
    );
    let files = ["missing", "many", "stray", "cut.aci", "good", "binary"];
    let outcome = env
        .run(ACTOOL, ["validate", "--format=json"].iter().chain(&files))
        .expect(1);
    assert_eq!(outcome.stderr, "");
    let document: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    let lines: Vec<String> = document
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|file| {
            let name = &file["file"];
            let findings = file["findings"].as_array().unwrap().iter();
            findings.map(move |found| {
                let place = format!("{} {}:{}", found["path"], found["line"], found["column"]);
                let (severity, rule) = (&found["severity"], &found["rule"]);
                format!(
                    "{name} {severity} {rule} {} {place} {}",
                    found["entry"], found["hint"]
                )
                .replace('"', "")
            })
        })
        .collect();
    assert_eq!(
        lines,
        [
            "missing error file/access null null null:null null",
            "many warning appc/label-version null $ 1:1 add a label \\version\\",
            "many error appc/identifier-character null $.name 4:11 null",
            "many error appc/group-missing null $.app 5:10 add \\group\\: \\0\\ for root",
            "many warning json/unknown-field null $.app.gruop 5:33 did you mean \\group\\?",
            "stray error layout/stray file null null:null files of the image lie in rootfs",
            "stray warning appc/label-version manifest $ 1:1 add a label \\version\\",
            "cut.aci error archive/read null null null:null the file may be damaged or incomplete; get it again",
            "good warning appc/label-version null $ 1:1 add a label \\version\\",
            "binary error file/type null null null:null an image is a POSIX tar archive, plain or compressed \
             with gzip, bzip2, xz or zstd",
        ]
    );
    let valid: Vec<_> = document
        .as_array()
        .unwrap()
        .iter()
        .map(|file| &file["valid"])
        .collect();
    assert_eq!(valid, [false, false, false, false, true, false]);
    env.run(ACTOOL, ["validate", "--format=json", "good"])
        .expect(0);
    env.run(ACTOOL, ["validate", "--format=yaml", "good"])
        .expect(2);
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
