//! `actool inspect`.

use gantry_testkit::archive::{ArchiveBuilder, MANIFEST, RawHeader};
use gantry_testkit::gpg::{Gpg, KeySpec};
use gantry_testkit::{Outcome, TestEnv};
use serde_json::{Value, json};

const ACTOOL: &str = env!("CARGO_BIN_EXE_actool");

/// Runs the command with configuration directories of the test.
fn inspect(env: &TestEnv, line: &str) -> Outcome {
    let words = ["inspect", "--system-config=lib", "--local-config=etc"];
    env.run(ACTOOL, words.into_iter().chain(line.split_whitespace()))
}

fn document(env: &TestEnv, line: &str, status: i32) -> Value {
    let outcome = inspect(env, &format!("--format=json {line}")).expect(status);
    serde_json::from_str(&outcome.stdout).expect("JSON")
}

const FULL: &str = r#"{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/app",
"labels":[{"name":"version","value":"1.0\u001b[2J"},{"name":"os","value":"linux"}],
"app":{"exec":["/bin/app","-m","two words",""],"user":"0","group":"0","supplementaryGIDs":[7,8],
"workingDirectory":"/srv","environment":[{"name":"A","value":"b"}],
"eventHandlers":[{"name":"pre-start","exec":["/bin/pre"]}],
"mountPoints":[{"name":"data","path":"/data","readOnly":true}],
"ports":[{"name":"http","protocol":"tcp","port":80,"count":3,"socketActivated":true}],
"isolators":[{"name":"resource/memory","value":{"limit":"1Gi"}}]},
"annotations":[{"name":"created","value":"2026-01-02T03:04:05Z"}],
"pathWhitelist":["/bin/app"]}"#;

fn full() -> ArchiveBuilder {
    let header = |name: &str, size: u64| RawHeader::new(b'0', name.as_bytes(), size);
    ArchiveBuilder::new()
        .file("manifest", FULL)
        .directory("rootfs")
        .directory("rootfs/bin")
        .entry(&header("rootfs/bin/app", 2000).mode(0o4755), &[1; 2000])
        .pax([(
            "SCHILY.xattr.security.capability",
            b"\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        )])
        .file("rootfs/bin/ping", [2; 30])
        .hard_link("rootfs/bin/pong", "rootfs/bin/ping")
        .char_device("rootfs/dev/null", 1, 3)
        .file("rootfs/srv/www/deep/index.html", "hello")
        .entry(&header("rootfs/srv/open\nproblems:", 1).mode(0o666), b"x")
        .entry(&RawHeader::new(b'5', b"rootfs/tmp", 0).mode(0o1777), b"")
        .symlink("rootfs/link", "/bin/app")
}

#[test]
fn a_picture_tells_what_an_image_is_and_holds() {
    let env = TestEnv::new();
    let bytes = full().finish();
    env.write("a.aci", &bytes);
    let outcome = inspect(&env, "--top=2 a.aci").expect(0);
    let expected = r#"image:
  path:         a.aci
  file size:    12KiB (16384 bytes)
  compression:  none
  archive:      12KiB (16384 bytes)
  image ID:     IMAGE-ID
manifest:
  name:         example.com/app
  acVersion:    0.8.11
  label:        version=1.0\u{1b}[2J
  label:        os=linux
  exec:         /bin/app -m "two words" ""
  user:         0
  group:        0
  groups:       7 8
  directory:    /srv
  environment:  A=b
  pre-start:    /bin/pre
  mount:        data at /data, read-only
  port:         http tcp 80 and 2 more, socket-activated
  isolator:     resource/memory {"limit":"1Gi"}
  annotation:   created=2026-01-02T03:04:05Z
  whitelist:    /bin/app
contents:
  files:        4, 2.0KiB (2036 bytes)
  hard links:   1
  symlinks:     1
  directories:  3
  devices:      1
directories:
      size  entries
    2.0KiB        9  /
    2.0KiB        3    bin/
        0B        1    dev/
        6B        2    srv/
        5B        1      www/
        0B        0    tmp/
largest files:
    2.0KiB  /bin/app
       30B  /bin/ping
special files:
  /bin/app: setuid (mode 4755, owner 0:0)
  /bin/ping: cap_net_raw=ep (mode 0644, owner 0:0)
  /dev/null: character device 1:3 (mode 0644, owner 0:0)
  /srv/open\nproblems:: world-writable (mode 0666, owner 0:0)
signature:
  none beside the image
"#;
    let document = document(&env, "--depth=1 --top=1 a.aci", 0);
    let id = document["imageID"].as_str().unwrap();
    assert_eq!(id.len(), "sha512-".len() + 128);
    let shown = outcome.stdout.replace(id, "IMAGE-ID");
    let size = format!("{} bytes", bytes.len());
    assert_eq!(shown, expected.replace("16384 bytes", &size), "{shown}");
    assert_eq!(document["fileSize"], bytes.len());
    assert_eq!(document["contents"]["bytes"], 2036);
    assert_eq!(document["manifest"]["app"]["exec"][2], "two words");
    assert_eq!(
        document["largest"],
        json!([{"path": "/bin/app", "bytes": 2000}])
    );
    let paths: Vec<_> = document["directories"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["path"])
        .collect();
    assert_eq!(paths, ["/", "/bin", "/dev", "/srv", "/tmp"]);
    assert_eq!(document["special"][1]["traits"], json!(["capabilities"]));
    assert_eq!(document["special"][3]["path"], "/srv/open\nproblems:");
    assert_eq!(document["signature"], Value::Null);
    assert_eq!(document["problems"], json!([]));
}

#[test]
fn compressed_images_and_layouts_look_the_same() {
    let env = TestEnv::new();
    env.write("a.aci", full().finish());
    env.run("sh", ["-c", "gzip -nk a.aci && zstd -q a.aci"])
        .expect(0);
    let plain = document(&env, "a.aci", 0);
    for (file, name) in [("a.aci.gz", "gzip"), ("a.aci.zst", "zstd")] {
        let other = document(&env, file, 0);
        assert_eq!(other["compression"], name);
        for same in ["imageID", "manifest", "directories", "archiveSize"] {
            assert_eq!(other[same], plain[same]);
        }
    }
    env.write("layout/manifest", MANIFEST);
    env.write("layout/rootfs/etc/motd", "hello");
    let layout = document(&env, "layout", 0);
    assert_eq!(layout["kind"], "layout");
    assert_eq!(layout["imageID"], Value::Null);
    assert_eq!(layout["contents"]["bytes"], 5);
    let text = inspect(&env, "layout").expect(0).stdout;
    assert!(
        text.contains("  kind:         image layout\n") && !text.contains("signature"),
        "{text}"
    );
}

#[test]
fn a_damaged_image_is_shown_as_far_as_it_can_be_read() {
    let env = TestEnv::new();
    let cut = ArchiveBuilder::aci()
        .file("rootfs/a", "x")
        .file("rootfs/b", [b'y'; 2000]);
    let cut = cut.unfinished();
    env.write("cut.aci", &cut[..cut.len() - 1024]);
    let outcome = inspect(&env, "cut.aci")
        .expect(1)
        .says("inspect: cut.aci: a problem was found");
    for line in [
        "  image ID:     sha512-",
        "  name:         example.com/app\n",
        "  files:        2, 2.0KiB (2001 bytes)\n",
        "problems:\n  the archive is truncated: it ends within entry \"rootfs/b\"\n",
    ] {
        assert!(outcome.stdout.contains(line), "{line}\n{outcome}");
    }
    env.run("sh", ["-c", "gzip -nc cut.aci | head -c 150 > cut.gz"])
        .expect(0);
    let gz = document(&env, "cut.gz", 1);
    assert_eq!(gz["imageID"], Value::Null);

    let odd = ArchiveBuilder::new()
        .file("manifest", MANIFEST.replace("example.com/app", "Example"))
        .file("rootfs/../../evil", "")
        .file("rootfs/a", "")
        .file("rootfs/a", "")
        .hard_link("rootfs/lost", "rootfs/nothing")
        .symlink("rootfs/link", "/tmp")
        .file("rootfs/link/x", "")
        .file("stray\x1b", "");
    env.write("odd.aci", odd.finish());
    let found = document(&env, "odd.aci", 1);
    let problems: Vec<_> = found["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one.as_str().unwrap())
        .collect();
    assert_eq!(
        problems[..4],
        [
            "archive entry \"rootfs/../../evil\" is refused: its name contains \"..\"",
            "duplicate file entry in archive: rootfs/a",
            "unrecognized file path in layout: \"stray\\u{1b}\"",
            "no rootfs found in layout",
        ]
    );
    assert!(problems[4].starts_with("manifest: "), "{problems:?}");
    assert_eq!(
        problems[5..],
        [
            "archive entry \"rootfs/link/x\" lies beneath \"rootfs/link\", which is not a directory",
            "archive entry \"rootfs/lost\" is a hard link to \"rootfs/nothing\", which leads to no file of \
             the archive",
        ]
    );
    assert_eq!(
        (&found["manifestValid"], &found["manifest"]["name"]),
        (&json!(false), &json!("Example"))
    );
    inspect(&env, "odd.aci")
        .expect(1)
        .says("odd.aci: 7 problems were found");
}

#[test]
fn what_is_no_image_is_told() {
    let env = TestEnv::new();
    env.write("text", "text");
    env.write("a.aci", ArchiveBuilder::aci().finish());
    std::fs::create_dir(env.path("empty")).unwrap();
    for (line, status, text) in [
        ("", 1, "inspect: Must provide one image"),
        ("a.aci a.aci", 1, "inspect: Must provide one image"),
        ("missing", 1, "inspect: cannot open missing: No such file"),
        (
            "text",
            1,
            "inspect: cannot read image text: unknown image filetype",
        ),
        (
            "empty",
            1,
            "inspect: invalid image layout empty: no image manifest found in layout",
        ),
        (
            "--dependency=text a.aci",
            1,
            "inspect: cannot read image text: unknown image filetype",
        ),
        (
            "--key=text --signature=text a.aci",
            1,
            "cannot read signature text: signature file holds plain text",
        ),
        (
            "--format=xml a.aci",
            2,
            "invalid value \"xml\" for flag -format",
        ),
        ("--depth=x a.aci", 2, "for flag -depth"),
    ] {
        inspect(&env, line).expect(status).says(text);
    }
}

/// An image of a name that depends on others; each line is the inside of a dependency.
fn depending(env: &TestEnv, name: &str, dependencies: &[&str]) {
    let dependencies: Vec<_> = dependencies
        .iter()
        .map(|one| format!("{{\"imageName\":{one}}}"))
        .collect();
    let manifest = format!(
        r#"{{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/{name}",
            "labels":[{{"name":"version","value":"1"}}],"dependencies":[{}]}}"#,
        dependencies.join(",")
    );
    let archive = ArchiveBuilder::new()
        .file("manifest", manifest)
        .directory("rootfs");
    env.write(format!("{name}.aci"), archive.finish());
}

#[test]
fn dependencies_are_followed_as_far_as_they_are_given() {
    let env = TestEnv::new();
    depending(&env, "base", &[]);
    let base = document(&env, "base.aci", 0);
    let id = base["imageID"].as_str().unwrap().to_owned();
    let size = &base["fileSize"];
    depending(
        &env,
        "lib",
        &[&format!(
            r#""example.com/base","imageID":"{id}","size":{size}"#
        )],
    );
    depending(
        &env,
        "app",
        &[
            r#""example.com/lib","labels":[{"name":"version","value":"1"}]"#,
            r#""example.com/base""#,
            r#""example.com/other""#,
        ],
    );
    let section = |line: &str| -> String {
        let text = inspect(&env, line)
            .expect(0)
            .stdout
            .replace(&id, "ID")
            .replace(&size.to_string(), "SIZE");
        let start = text.find("dependencies:\n").unwrap();
        let end = text.find("signature:\n").unwrap();
        text[start..end].to_owned()
    };
    assert_eq!(
        section("--dependency=base.aci --dependency=lib.aci app.aci"),
        "dependencies:\n  \
           example.com/lib version=1\n    \
             -> lib.aci\n    \
             example.com/base ID size SIZE\n      \
               -> base.aci\n  \
           example.com/base\n    \
             -> base.aci, see above\n  \
           example.com/other\n    \
             -> not given, see --dependency\n"
    );
    assert!(section("app.aci").contains("lib version=1\n    -> not given"));
    // Another image of the name, and one that leads back.
    depending(
        &env,
        "base",
        &[r#""example.com/lib","labels":[{"name":"version","value":"2"}]"#],
    );
    let text = section("--dependency base.aci --dependency lib.aci lib.aci");
    assert!(
        text.contains("-> not base.aci: its image ID is sha512-"),
        "{text}"
    );
    depending(&env, "lib", &[r#""example.com/base""#]);
    let text = section("--dependency base.aci --dependency lib.aci app.aci");
    assert!(
        text.contains("-> not lib.aci: its label version is 1\n"),
        "{text}"
    );
    depending(&env, "base", &[r#""example.com/lib""#]);
    let text = section("--dependency base.aci --dependency lib.aci app.aci");
    assert!(
        text.contains("-> lib.aci, which depends on itself\n"),
        "{text}"
    );
    let found = document(
        &env,
        "--dependency=base.aci --dependency=lib.aci app.aci",
        0,
    );
    let states: Vec<_> = found["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["state"])
        .collect();
    assert_eq!(states, ["found", "found", "cycle", "repeated", "not-given"]);
}

#[test]
fn a_signature_is_verified_only_with_keys_that_count() {
    let Some(gpg) = Gpg::new() else { return };
    let key = gpg.generate(&KeySpec::default());
    let env = TestEnv::new();
    env.write("a.aci", ArchiveBuilder::aci().finish());
    let signature = gpg.detach_sign(&key, &env.path("a.aci"));
    env.write("a.aci.asc", signature);
    env.write("key.asc", gpg.export(&key));

    let text = inspect(&env, "a.aci").expect(0).stdout;
    assert!(
        text.contains("signature:\n  file:         a.aci.asc (ASCII-armoured)\n  made:         20"),
        "{text}"
    );
    assert!(text.contains(&format!(" by {key} over SHA")), "{text}");
    assert!(
        text.contains(
            "  not verified: no key is trusted for example.com/app, and none was given\n"
        ),
        "{text}"
    );
    let text = inspect(&env, "--key=key.asc a.aci").expect(0).stdout;
    assert!(
        text.contains(&format!("  verified:     good signature by {key}")),
        "{text}"
    );

    // A key of the machine counts for its names only.
    let prefix = |name: &str| format!("etc/trustedkeys/prefix.d/{name}/{key}");
    env.write(prefix("example.com/application"), gpg.export(&key));
    assert_eq!(
        document(&env, "a.aci", 0)["signature"]["verdict"],
        "not-verified"
    );
    env.write(prefix("example.com"), gpg.export(&key));
    assert_eq!(document(&env, "a.aci", 0)["signature"]["verdict"], "good");

    let other = gpg.generate(&KeySpec {
        user_id: "Other <other@example.com>",
        ..KeySpec::default()
    });
    env.write("other.asc", gpg.export(&other));
    std::fs::remove_dir_all(env.path("etc")).unwrap();
    let text = inspect(&env, "--key=other.asc a.aci").expect(0).stdout;
    assert!(
        text.contains("  not verified: it is by none of the keys"),
        "{text}"
    );

    // Another image under the signature; a file that is none.
    env.write("b.aci", full().finish());
    let found = inspect(&env, "--key=key.asc --signature=a.aci.asc b.aci")
        .expect(1)
        .stdout;
    assert!(
        found.contains("problems:\n  signature a.aci.asc: openpgp: invalid signature"),
        "{found}"
    );
    assert!(
        found.contains("\n  refused:      openpgp: invalid signature"),
        "{found}"
    );
    assert!(!found.contains("verified"), "{found}");
    env.write("b.aci.asc", "<html>");
    let found = document(&env, "b.aci", 1);
    assert_eq!(found["signature"]["verdict"], "unreadable");
    env.run("rm", ["b.aci.asc"]).expect(0);
    env.run("mkfifo", ["b.aci.asc"]).expect(0);
    let found = inspect(&env, "b.aci").expect(1);
    let said = "no signature: no valid signatures found in signature file";
    assert!(found.stdout.contains(said), "{found}");
}
