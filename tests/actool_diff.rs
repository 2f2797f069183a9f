//! `actool diff`.

use gantry_testkit::archive::{ArchiveBuilder, MANIFEST, RawHeader};
use gantry_testkit::{Outcome, TestEnv};
use snapbox::{assert_data_eq, str};

const ACTOOL: &str = env!("CARGO_BIN_EXE_actool");

fn diff(env: &TestEnv, line: &str) -> Outcome {
    env.run(ACTOOL, ["diff"].into_iter().chain(line.split_whitespace()))
}

fn old() -> ArchiveBuilder {
    ArchiveBuilder::aci()
        .directory("rootfs/etc")
        .file("rootfs/etc/passwd", "root")
        .file("rootfs/etc/removed", "")
        .symlink("rootfs/link", "/a")
        .char_device("rootfs/null", 1, 3)
        .file("rootfs/x", "1")
        .hard_link("rootfs/y", "rootfs/x")
}

fn new() -> ArchiveBuilder {
    let passwd = RawHeader::new(b'0', b"rootfs/etc/passwd", 6)
        .mode(0o600)
        .owner(1000, 100)
        .field(136, b"00000000017\0");
    ArchiveBuilder::new()
        .directory("rootfs")
        .file(
            "manifest",
            r#"{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/app",
                "labels":[{"name":"version","value":"2"}]}"#,
        )
        .directory("rootfs/etc")
        .pax([("SCHILY.xattr.user.note", "a\nb")])
        .entry(&passwd, b"toor\r\n")
        .symlink("rootfs/link", "/b\x1b[2J")
        .char_device("rootfs/null", 1, 5)
        .file("rootfs/x", "1")
        .file("rootfs/y", "1")
        .fifo("rootfs/added\nimage IDs are the same")
}

#[test]
fn each_difference_is_a_line() {
    let env = TestEnv::new();
    env.write("a.aci", old().finish());
    env.write("b.aci", new().finish());
    let outcome = diff(&env, "--order a.aci b.aci");
    assert_eq!(
        outcome.to_string(),
        r#"--- stdout
manifest: labels: (none) -> [{"name":"version","value":"2"}]
/added\nimage IDs are the same: only in b.aci (FIFO)
/etc/passwd: mode: 0644 -> 0600
/etc/passwd: owner: 0:0 -> 1000:100
/etc/passwd: size: 4 -> 6
/etc/passwd: content: sha256:4813494d137e1631 -> sha256:cfb66d792c782b0f
/etc/passwd: xattr user.note: (none) -> "a\nb"
/etc/passwd: mtime: 1970-01-01T00:00:01Z -> 1970-01-01T00:00:15Z
/etc/removed: only in a.aci (file)
/link: target: /a -> /b\u{1b}[2J
/null: device: 1:3 -> 1:5
/x: hardlinks: /y -> (none)
/y: hardlinks: /x -> (none)
order: manifest comes next in a.aci, rootfs in b.aci
image IDs differ: manifest, files, order of the entries
--- exit 1
"#
    );
    let turned = diff(&env, "b.aci a.aci").expect(1);
    assert!(
        turned
            .stdout
            .contains("/etc/removed: only in a.aci (file)\n"),
        "{turned}"
    );
    assert!(!turned.stdout.contains("order:"), "{turned}");
    assert_eq!(
        diff(&env, "-q b.aci a.aci").expect(1).to_string(),
        "--- exit 1\n"
    );
}

#[test]
fn json_tells_the_same() {
    let env = TestEnv::new();
    env.write("a.aci", old().finish());
    env.write("b.aci", new().raw(b"").finish());
    let outcome = diff(
        &env,
        "--format=json --ignore=owner,mtime --order a.aci b.aci",
    )
    .expect(1);
    let document: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(document["equal"], false);
    assert_eq!(document["sameImageID"], false);
    assert_eq!(
        document["reasons"],
        serde_json::json!([
            "manifest",
            "files",
            "ignored:owner",
            "ignored:mtime",
            "order"
        ])
    );
    assert_eq!(document["images"][0]["compression"], "none");
    assert_eq!(
        document["manifest"],
        serde_json::json!([{"path": "labels", "new": [{"name": "version", "value": "2"}]}])
    );
    let files = document["files"].as_array().unwrap();
    assert_eq!(files[0]["path"], "/added\nimage IDs are the same");
    let passwd = &files[1];
    assert_eq!(passwd["path"], "/etc/passwd");
    let attributes = passwd["attributes"].as_array().unwrap();
    let names: Vec<_> = attributes
        .iter()
        .map(|one| one["attribute"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["mode", "size", "content", "xattrs"]);
    assert_eq!(attributes[3]["name"], "user.note");
    assert_eq!(attributes[3]["old"], serde_json::Value::Null);
    assert_eq!(attributes[3]["new"], "a\nb");
    assert_eq!(
        document["order"],
        serde_json::json!({"old": "manifest", "new": "rootfs"})
    );
}

#[test]
fn compression_holes_and_what_is_ignored_are_no_differences() {
    let env = TestEnv::new();
    let content = format!("ab{}c", "\0".repeat(600));
    let plain = ArchiveBuilder::aci().file("rootfs/a", &content).finish();
    env.write("plain.aci", &plain);
    env.run(
        "sh",
        [
            "-c",
            "gzip -nk plain.aci; xz -k plain.aci; zstd -q plain.aci",
        ],
    )
    .expect(0);
    for (file, name) in [
        ("plain.aci.gz", "gzip"),
        ("plain.aci.xz", "xz"),
        ("plain.aci.zst", "zstd"),
    ] {
        assert_eq!(
            diff(&env, &format!("plain.aci {file}")).expect(0).stdout,
            format!("image IDs are the same, compression is not: none -> {name}\n")
        );
    }
    assert_eq!(
        diff(&env, "plain.aci plain.aci").expect(0).stdout,
        "image IDs are the same\n"
    );
    let sparse = ArchiveBuilder::aci()
        .pax([
            ("GNU.sparse.size", "603"),
            ("GNU.sparse.numblocks", "2"),
            ("GNU.sparse.map", "0,2,602,1"),
        ])
        .file("rootfs/a", "abc");
    env.write("sparse.aci", sparse.finish());
    assert_eq!(
        diff(&env, "plain.aci sparse.aci").expect(0).stdout,
        "image IDs differ: the archive is written in another way\n"
    );
    let header = RawHeader::new(b'0', b"rootfs/a", 603)
        .mode(0o600)
        .owner(7, 7);
    let other = ArchiveBuilder::aci().entry(&header, content.as_bytes());
    env.write("other.aci", other.finish());
    diff(&env, "--ignore=mode plain.aci other.aci").expect(1);
    assert_eq!(
        diff(&env, "--ignore=mode,owner plain.aci other.aci")
            .expect(0)
            .stdout,
        "image IDs differ: mode (ignored), owner (ignored)\n"
    );
    diff(&env, "--ignore=mode --ignore=owner plain.aci other.aci").expect(0);
    diff(&env, "--manifest-only plain.aci other.aci").expect(0);
    diff(&env, "--files-only plain.aci other.aci").expect(1);
}

#[test]
fn layouts_are_compared_like_images() {
    let env = TestEnv::new();
    env.write("layout/manifest", MANIFEST);
    env.write("layout/rootfs/etc/motd", "hello");
    env.write("image/manifest", MANIFEST);
    env.write("image/rootfs/etc/motd", "hello");
    env.run(
        "sh",
        [
            "-c",
            "cd image && tar -cf ../image.aci --mtime=@1 manifest rootfs",
        ],
    )
    .expect(0);
    let outcome = diff(&env, "--ignore=mtime layout image.aci").expect(0);
    assert_eq!(outcome.stdout, "");
    env.write("layout/rootfs/etc/motd", "HELLO");
    std::os::unix::fs::symlink("motd", env.path("layout/rootfs/etc/link")).unwrap();
    let outcome = diff(&env, "--ignore=mtime layout image.aci").expect(1);
    assert_data_eq!(
        outcome.stdout,
        str![[r#"
/etc/link: only in layout (symbolic link)
/etc/motd: content: sha256:[..] -> sha256:2cf24dba5fb0a30e

"#]]
    );
    env.write("layout/stray", "");
    diff(&env, "layout image.aci")
        .expect(2)
        .says("diff: invalid image layout layout: unrecognized file path in layout: \"stray\"");
}

#[test]
fn whatever_cannot_be_compared_ends_with_two() {
    let env = TestEnv::new();
    env.write("a.aci", old().finish());
    env.write("cut.aci", &old().finish()[..3000]);
    env.write("twice.aci", old().file("rootfs/x", "").finish());
    env.write("text", "text");
    let broken = ArchiveBuilder::new()
        .file("manifest", "{")
        .directory("rootfs");
    env.write("broken.aci", broken.finish());
    for (line, text) in [
        ("", "diff: Must provide two images\n"),
        ("a.aci", "diff: Must provide two images\n"),
        ("a.aci a.aci a.aci", "diff: Must provide two images\n"),
        (
            "--manifest-only --files-only a.aci a.aci",
            "diff: Cannot use both",
        ),
        (
            "--ignore=type a.aci a.aci",
            "unknown attribute \"type\": must be one of mode, owner,",
        ),
        (
            "--format=xml a.aci a.aci",
            "invalid value \"xml\" for flag -format",
        ),
        ("-x a.aci a.aci", "flag provided but not defined: -x"),
        ("a.aci missing", "diff: cannot open missing: No such file"),
        (
            "a.aci text",
            "diff: cannot read image text: unknown image filetype",
        ),
        (
            "a.aci cut.aci",
            "diff: cannot read image cut.aci: the archive is truncated",
        ),
        (
            "a.aci twice.aci",
            "duplicate file entry in archive: rootfs/x",
        ),
        (
            "a.aci broken.aci",
            "the manifest of broken.aci cannot be compared",
        ),
    ] {
        let outcome = diff(&env, line).expect(2).says(text);
        assert_eq!(outcome.stdout, "", "{line}");
    }
    diff(&env, "--files-only broken.aci broken.aci").expect(0);
    env.outcome(
        env.command("sh")
            .args(["-c", &format!("{ACTOOL} diff a.aci cut.aci >/dev/full")]),
    )
    .expect(2);
    env.write("b.aci", new().finish());
    env.outcome(
        env.command("sh")
            .args(["-c", &format!("{ACTOOL} diff a.aci b.aci >/dev/full")]),
    )
    .expect(2)
    .says("cannot write to standard output");
}
