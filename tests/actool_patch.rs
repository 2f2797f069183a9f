//! `actool patch-manifest`, and `cat-manifest` of what it makes.

use std::fs;

use gantry_testkit::TestEnv;
use gantry_testkit::archive::ArchiveBuilder;

const ACTOOL: &str = env!("CARGO_BIN_EXE_actool");

/// A manifest with what Go's encoder escapes, and a field that nobody knows.
const APP: &str = r#"{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/a","x":1,
"labels":[{"name":"version","value":"1<2"}],"app":{"exec":["/a","&\u2028é"],"user":"1","group":"2",
"ports":[{"name":"p","protocol":"tcp","port":80}],
"isolators":[{"name":"os/linux/seccomp-remove-set","value":{"set" : ["reboot"],"y":">"}}]}}"#;
/// The same as the original writes it anew.
const ANEW: &str = concat!(
    r#"{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/a","#,
    r#""labels":[{"name":"version","value":"1\u003c2"}],"#,
    r#""app":{"exec":["/a","\u0026\u2028é"],"user":"1","group":"2","#,
    r#""ports":[{"name":"p","protocol":"tcp","port":80,"count":1,"socketActivated":false}],"#,
    r#""isolators":[{"name":"os/linux/seccomp-remove-set","value":{"set":["reboot"],"y":"\u003e"}}]}}"#
);
const BARE: &str = r#"{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/bare"}"#;

fn image(manifest: &str) -> Vec<u8> {
    let builder = ArchiveBuilder::new().directory("rootfs");
    let builder = builder.file("rootfs/etc", "data");
    builder
        .file("manifest", manifest)
        .file("rootfs/z", "")
        .finish()
}

fn environment() -> TestEnv {
    let env = TestEnv::new();
    env.write("app.aci", image(APP));
    env.write("bare.aci", image(BARE));
    env.write("bare", BARE);
    env.write("junk", "junk");
    env
}

#[test]
fn each_change_arrives_in_the_copy() {
    let env = environment();
    let secure =
        r#"{"name":"os/linux/seccomp-remove-set","value":{"set":["reboot"],"y":"\u003e"}}"#;
    for (flags, before, after) in [
        (&[][..], "", ""),
        (&["--name=b"], "example.com/a", "b"),
        (
            &["-exec", "/b c"],
            r#"["/a","\u0026\u2028é"]"#,
            r#"["/b","c"]"#,
        ),
        (
            &["--user=0", "--group", "0"],
            r#""user":"1","group":"2""#,
            r#""user":"0","group":"0""#,
        ),
        (
            &["--supplementary-groups=3,4"],
            r#""group":"2","#,
            r#""group":"2","supplementaryGIDs":[3,4],"#,
        ),
        (
            &["--capability=CAP_A,CAP_B"],
            "]}}",
            r#",{"name":"os/linux/capabilities-retain-set","value":{"set":["CAP_A","CAP_B"]}}]}}"#,
        ),
        (
            &["--revoke-capability=CAP_A"],
            "]}}",
            r#",{"name":"os/linux/capabilities-remove-set","value":{"set":["CAP_A"]}}]}}"#,
        ),
        (
            &["--mounts=m,path=/m,readOnly=true:n,path=/n"],
            r#""ports":"#,
            r#""mountPoints":[{"name":"m","path":"/m","readOnly":true},{"name":"n","path":"/n"}],"ports":"#,
        ),
        (
            &["--ports=q,protocol=udp,port=53"],
            r#""socketActivated":false}"#,
            r#""socketActivated":false},{"name":"q","protocol":"udp","port":53,"count":0,"socketActivated":false}"#,
        ),
        (
            &["--isolators=resource/cpu,limit=1:os/linux/oom-score-adj,-1"],
            "]}}",
            r#",{"name":"resource/cpu","value":{"limit":"1"}},{"name":"os/linux/oom-score-adj","value":-1}]}}"#,
        ),
        (
            &["--seccomp-mode=retain,errno=EPERM", "--seccomp-set=read"],
            secure,
            r#"{"name":"os/linux/seccomp-retain-set","value":{"set":["read"],"errno":"EPERM"}}"#,
        ),
        // An empty value is none.
        (
            &["--name=", "--user=", "--manifest=", "--seccomp-mode="],
            "",
            "",
        ),
    ] {
        let words = [&["patch-manifest"][..], flags, &["app.aci", "out.aci"]].concat();
        let outcome = env.run(ACTOOL, words).expect(0);
        assert_eq!(format!("{}{}", outcome.stdout, outcome.stderr), "");
        let expected = ANEW.replacen(before, after, usize::from(!before.is_empty()));
        assert!(
            fs::read(env.path("out.aci")).unwrap() == image(&expected),
            "{flags:?}"
        );
        let shown = env.run(ACTOOL, ["cat-manifest", "out.aci"]).expect(0);
        assert_eq!(shown.stdout, expected + "\n");
        fs::remove_file(env.path("out.aci")).unwrap();
    }
}

#[test]
fn command_lines_that_cannot_be_carried_out_are_told_as_by_the_original() {
    let env = environment();
    let incompatible = "--manifest is incompatible with other manifest editing options";
    let two = "Must provide input and output files (or use --replace)";
    for (line, message) in [
        ("", two),
        ("app.aci", two),
        ("app.aci b.aci c.aci", two),
        ("--replace", "Must provide one file"),
        ("--replace app.aci out.aci", "Must provide one file"),
        (
            "--replace --overwrite app.aci",
            "Cannot use both --replace and --overwrite",
        ),
        ("--manifest=bare --name=a app.aci out.aci", incompatible),
        ("--manifest=bare --exec=a app.aci out.aci", incompatible),
        ("--manifest=bare --user=a app.aci out.aci", incompatible),
        ("--manifest=bare --group=a app.aci out.aci", incompatible),
        (
            "--manifest=bare --capability=a app.aci out.aci",
            incompatible,
        ),
        ("--manifest=bare --mounts=a app.aci out.aci", incompatible),
        ("app.aci out", "Extension must be .aci (given )"),
        ("app.aci out.tar", "Extension must be .aci (given .tar)"),
        ("app.aci a.aci/out", "Extension must be .aci (given )"),
        ("app.aci bare.aci", "Output file exists (try --overwrite)"),
        (
            "none.aci out.aci",
            "Cannot open none.aci: No such file or directory (os error 2)",
        ),
        (
            "app.aci none/out.aci",
            "Unable to open output none/out.aci: No such file or directory (os error 2)",
        ),
        (
            "--manifest=none app.aci out.aci",
            "Cannot open none: No such file or directory (os error 2)",
        ),
        (
            "--exec=/a bare.aci out.aci",
            "Unable to read bare.aci: user is required",
        ),
        (
            "--capability=a --revoke-capability=b app.aci out.aci",
            "Unable to read app.aci: conflicting capabilities isolators provided",
        ),
        (
            "--seccomp-set=a app.aci out.aci",
            "Unable to read app.aci: --seccomp-set specified without --seccomp-mode",
        ),
        (
            "--isolators=os/linux/cpu-shares,5 app.aci out.aci",
            "Unable to read app.aci: isolator os/linux/cpu-shares is not supported for patching",
        ),
    ] {
        let words = std::iter::once("patch-manifest").chain(line.split_whitespace());
        let outcome = env.run(ACTOOL, words).expect(1);
        assert_eq!(outcome.stdout, "", "{line}");
        assert_eq!(
            outcome.stderr,
            format!("patch-manifest: {message}\n"),
            "{line}"
        );
    }
    // What crashes the original.
    let line = "patch-manifest --seccomp-mode=retain --seccomp-set=read bare.aci out.aci";
    let outcome = env.run(ACTOOL, line.split(' ')).expect(1);
    assert_eq!(
        outcome.stderr,
        "patch-manifest: Unable to read bare.aci: no app in the supplied manifest and no exec command \
         provided\nhint: --exec with --user and --group makes one\n"
    );
    assert_eq!(
        env.tree(""),
        ["app.aci", "bare", "bare.aci", "home/", "junk"]
    );
}

#[test]
fn an_image_is_changed_in_place_and_stays_compressed() {
    let env = environment();
    env.run("gzip", ["app.aci"]).expect(0);
    fs::rename(env.path("app.aci.gz"), env.path("app.tgz")).unwrap();
    // The name of the file is not looked at.
    env.run(ACTOOL, ["patch-manifest", "--replace", "app.tgz"])
        .expect(0);
    let magic = fs::read(env.path("app.tgz")).unwrap();
    assert_eq!(magic[..2], [0x1f, 0x8b]);
    let words = ["patch-manifest", "--replace", "--no-compression", "app.tgz"];
    env.run(ACTOOL, words).expect(0);
    assert!(fs::read(env.path("app.tgz")).unwrap() == image(ANEW));
    env.run(
        ACTOOL,
        ["patch-manifest", "--overwrite", "app.tgz", "bare.aci"],
    )
    .expect(0);
    assert!(fs::read(env.path("bare.aci")).unwrap() == image(ANEW));
}

#[test]
fn an_image_from_tar_stays_readable_by_tar_and_keeps_its_holes() {
    let env = environment();
    let large = "for f in posix gnu; do \
        tar --sparse --format=$f -cf $f.aci --owner=0 --group=0 rootfs manifest || exit 1; done";
    env.write("manifest", APP);
    let sparse = env.write("rootfs/sparse", "");
    let file = fs::File::options().write(true).open(&sparse).unwrap();
    file.set_len(3 << 20).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, b"data", 2 << 20).unwrap();
    env.write(format!("rootfs/{}file", "long/".repeat(60)), "");
    env.run("sh", ["-c", large]).expect(0);
    for format in ["posix", "gnu"] {
        let image = format!("{format}.aci");
        let before = fs::metadata(env.path(&image)).unwrap().len();
        env.run(ACTOOL, ["patch-manifest", "--replace", "--name=b", &image])
            .expect(0);
        assert!(fs::metadata(env.path(&image)).unwrap().len() <= before);
        env.run(ACTOOL, ["validate", &image]).expect(0);
        fs::create_dir(env.path(format)).unwrap();
        env.run("tar", ["-xf", &image, "-C", format]).expect(0);
        let read = |path: &str| fs::read(env.path(path)).unwrap();
        assert!(read(&format!("{format}/rootfs/sparse")) == read("rootfs/sparse"));
        assert_eq!(env.tree(format!("{format}/rootfs")), env.tree("rootfs"));
        let manifest = String::from_utf8(read(&format!("{format}/manifest"))).unwrap();
        assert_eq!(manifest, ANEW.replace("example.com/a", "b"));
    }
}

#[test]
fn a_manifest_from_a_file_goes_in_as_it_is_with_warnings() {
    let env = environment();
    let line = "patch-manifest --manifest=bare --ports=x --seccomp-set=y app.aci out.aci";
    let outcome = env.run(ACTOOL, line.split(' ')).expect(0);
    assert_eq!(
        outcome.stderr,
        "patch-manifest: warning: --ports is ignored beside --manifest\n\
         patch-manifest: warning: --seccomp-set is ignored beside --manifest\n"
    );
    assert!(fs::read(env.path("out.aci")).unwrap() == image(BARE));
    let line = "patch-manifest --overwrite --manifest=junk app.aci out.aci";
    let outcome = env.run(ACTOOL, line.split(' ')).expect(0);
    outcome.says("patch-manifest: warning: junk is no valid manifest: ");
    assert!(fs::read(env.path("out.aci")).unwrap() == image("junk"));
    let outcome = env.run(ACTOOL, ["cat-manifest", "out.aci"]).expect(1);
    assert_eq!(outcome.stdout, "junk\n");
}

#[test]
fn manifests_are_printed_as_they_are_or_as_go_indents_them() {
    let env = environment();
    env.write(
        "none.aci",
        ArchiveBuilder::new().directory("rootfs").finish(),
    );
    env.write("empty.aci", image(""));
    let riddle = ArchiveBuilder::new().file("x/../manifest", APP);
    env.write("riddle.aci", riddle.finish());
    for (line, stdout, status) in [
        ("cat-manifest riddle.aci", String::new(), 1),
        ("cat-manifest app.aci", format!("{APP}\n"), 0),
        ("cat-manifest none.aci", String::new(), 0),
        ("cat-manifest --pretty-print none.aci", String::new(), 0),
        ("cat-manifest empty.aci", "\n".to_owned(), 1),
        ("cat-manifest --pretty-print empty.aci", String::new(), 1),
        ("cat-manifest --pretty-print app.aci", PRETTY.to_owned(), 0),
    ] {
        let outcome = env.run(ACTOOL, line.split(' ')).expect(status);
        assert_eq!(outcome.stdout, stdout, "{line}");
        assert_eq!(outcome.stderr.is_empty(), status == 0, "{outcome}");
    }
}

const PRETTY: &str = r#"{
    "acKind": "ImageManifest",
    "acVersion": "0.8.11",
    "name": "example.com/a",
    "labels": [
        {
            "name": "version",
            "value": "1\u003c2"
        }
    ],
    "app": {
        "exec": [
            "/a",
            "\u0026\u2028é"
        ],
        "user": "1",
        "group": "2",
        "ports": [
            {
                "name": "p",
                "protocol": "tcp",
                "port": 80,
                "count": 1,
                "socketActivated": false
            }
        ],
        "isolators": [
            {
                "name": "os/linux/seccomp-remove-set",
                "value": {
                    "set": [
                        "reboot"
                    ],
                    "y": "\u003e"
                }
            }
        ]
    }
}
"#;
