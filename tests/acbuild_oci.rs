//! acbuild in OCI mode: edits, layers, and images that others take.

use std::fs;
use std::path::Path;

use gantry_testkit::{Outcome, TestEnv, busybox, needs_program, needs_root};
use serde_json::{Value, json};

const ACBUILD: &str = env!("CARGO_BIN_EXE_acbuild");

fn acbuild(env: &TestEnv, line: &str) -> Outcome {
    env.run(ACBUILD, line.split_whitespace())
}

fn script(env: &TestEnv, lines: &str) {
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        acbuild(env, line).expect(0);
    }
}

fn document(env: &TestEnv, what: &str) -> Value {
    let text = acbuild(env, &format!("cat-manifest --file {what}"))
        .expect(0)
        .stdout;
    serde_json::from_str(&text).expect("JSON")
}

/// A layout directory: its manifest and configuration.
fn layout(dir: &Path) -> (Value, Value) {
    let read = |path: &Path| -> Value {
        serde_json::from_slice(&fs::read(path).expect("file")).expect("JSON")
    };
    let blob = |descriptor: &Value| {
        let digest = descriptor["digest"]
            .as_str()
            .expect("digest")
            .replace(':', "/");
        read(&dir.join("blobs").join(digest))
    };
    assert_eq!(
        read(&dir.join("oci-layout")),
        json!({"imageLayoutVersion": "1.0.0"})
    );
    let manifest = blob(&read(&dir.join("index.json"))["manifests"][0]);
    let config = blob(&manifest["config"]);
    (manifest, config)
}

#[test]
fn what_is_set_is_in_the_configuration_and_the_annotations() {
    let mut env = TestEnv::new();
    env.set_var("SOURCE_DATE_EPOCH", "1700000000");
    script(
        &env,
        "begin --build-mode oci
         annotation add org.opencontainers.image.vendor nobody
         label add maintainer someone
         environment add A b
         environment add C d
         environment add A e
         mount add data /data
         port add http tcp 8080
         set-exec -- /bin/app --flag x
         set-group 101
         set-user 100
         set-working-directory /srv
         set-tag v1",
    );
    let config = document(&env, "config");
    assert_eq!(config["created"], "2023-11-14T22:13:20Z");
    assert_eq!(config["os"], "linux");
    assert_eq!(
        config["config"],
        json!({
            "User": "100:101", "ExposedPorts": {"8080/tcp": {}}, "Env": ["C=d", "A=e"],
            "Entrypoint": ["/bin/app"], "Cmd": ["--flag", "x"], "Volumes": {"/data": {}},
            "WorkingDir": "/srv", "Labels": {"maintainer": "someone"},
        })
    );
    let manifest = document(&env, "manifest");
    let annotations = &manifest["annotations"];
    assert_eq!(annotations["org.opencontainers.image.vendor"], "nobody");
    assert_eq!(annotations["coreos.com/acbuild/mount/data"], "path:/data");
    assert_eq!(
        annotations["coreos.com/acbuild/port/http"],
        "number:8080 protocol:tcp"
    );
    assert_eq!(
        annotations["coreos.com/acbuild/command-12"],
        "acbuild set-tag \"v1\""
    );
    let pretty = acbuild(&env, "cat-manifest --pretty-print")
        .expect(0)
        .stdout;
    assert!(
        pretty.starts_with("{\n    \"schemaVersion\": 2,\n"),
        "{pretty}"
    );
    assert_eq!(
        fs::read_to_string(env.path(".acbuild/buildMode")).expect("mode"),
        "oci"
    );

    script(
        &env,
        "annotation remove org.opencontainers.image.vendor
         label remove maintainer
         environment remove A
         mount remove data
         port remove http
         set-exec /bin/other",
    );
    let config = document(&env, "config");
    assert_eq!(
        config["config"],
        json!({
            "User": "100:101", "Env": ["C=d"], "Entrypoint": ["/bin/other"], "Cmd": ["--flag", "x"],
            "WorkingDir": "/srv",
        })
    );
    // Of the old documents nothing is left.
    let blobs = fs::read_dir(env.path(".acbuild/currentaci/blobs/sha256")).expect("blobs");
    assert_eq!(blobs.count(), 2);
    env.write(
        "config.json",
        r#"{"author": "me", "config": {"StopSignal": "SIGINT"}}"#,
    );
    acbuild(&env, "replace-manifest config.json").expect(0);
    let config = document(&env, "config");
    assert_eq!(config["author"], "me");
    assert_eq!(config["config"]["StopSignal"], "SIGINT");
    assert_eq!(config["config"]["WorkingDir"], "/srv");
    for (file, text) in [
        ("no.json", "[]"),
        ("os.json", r#"{"os": 7}"#),
        ("ids.json", r#"{"rootfs": 7}"#),
    ] {
        env.write(file, text);
        acbuild(&env, &format!("replace-manifest {file}")).expect(1);
    }
    assert_eq!(document(&env, "config"), config);
}

#[test]
fn what_oci_images_do_not_have_is_refused_and_changes_nothing() {
    let env = TestEnv::new();
    script(
        &env,
        "begin --build-mode=oci\nmount add data /data\nport add http tcp 80",
    );
    let before = document(&env, "manifest");
    for (line, says) in [
        (
            "set-name example.test/a",
            "set-name: setting names only supported in appc builds",
        ),
        (
            "dependency add example.test/a",
            "dependencies only supported in appc builds",
        ),
        (
            "dependency remove example.test/a",
            "dependencies only supported in appc builds",
        ),
        (
            "set-event-handler pre-start /bin/a",
            "event handlers only supported in appc builds",
        ),
        (
            "set-supp-groups 4",
            "supplementary groups only supported in appc builds",
        ),
        (
            "isolator remove resource/memory",
            "isolators only supported in appc builds",
        ),
        (
            "mount add --read-only m /m",
            "oci build mode does not support read only mounts",
        ),
        (
            "mount add data /other",
            "mount with name \"data\" already exists",
        ),
        ("mount remove other", "no such mount: other"),
        (
            "port add --count 2 p tcp 1",
            "oci build mode does not support port counts",
        ),
        (
            "port add --socket-activated p tcp 1",
            "oci build mode does not support socket activation",
        ),
        (
            "port add http tcp 81",
            "port with name \"http\" already exists",
        ),
        ("port remove 81", "no such port \"81\""),
        (
            "annotation remove x",
            "no annotation with name \"x\" to remove",
        ),
        ("label remove x", "no label \"x\" to remove"),
        (
            "environment remove X",
            "no environment variable \"X\" to remove",
        ),
        ("environment add A=B c", "is no name of a variable"),
        ("set-user a:b", "user cannot contain a ':' character"),
        ("set-tag a*b", "is no name of an image in a layout"),
        ("write --sign a.tar", "--sign signs App Container images"),
        (
            "write --compression xz a.tar",
            "does not support this compression of layers",
        ),
    ] {
        acbuild(&env, line).expect(1).says(says);
    }
    assert_eq!(document(&env, "manifest"), before);
    assert!(!env.path("a.tar").exists());
}

/// Begins an image of two finished layers and one in the making, in which something of each other is gone.
fn layers(env: &TestEnv) {
    env.write("one/etc/kept", "1");
    env.write("one/etc/gone", "1");
    env.write("one/dir/file", "1");
    env.write("one/dir/deep/file", "1");
    env.write("one/swap/file", "1");
    fs::hard_link(env.path("one/etc/kept"), env.path("one/etc/other")).expect("link");
    std::os::unix::fs::symlink("etc", env.path("one/link")).expect("link");
    env.write("two", "2");
    script(
        env,
        "begin --build-mode oci ./one
         layer
         copy two /link/new
         layer
         layer",
    );
    let root = env.path(".acbuild/currentaci/rootfs");
    fs::remove_file(root.join("etc/gone")).expect("file");
    fs::remove_dir_all(root.join("dir")).expect("folder");
    fs::remove_dir_all(root.join("swap")).expect("folder");
    fs::write(root.join("swap"), "a file now").expect("file");
    fs::write(root.join("etc/new"), "3").expect("file");
}

#[test]
fn layers_hold_what_has_changed_and_stay_as_they_are() {
    let mut env = TestEnv::new();
    env.set_var("SOURCE_DATE_EPOCH", "1700000000");
    layers(&env);
    script(&env, "set-exec /bin/app\nset-tag v1");
    let digest = acbuild(&env, "write oci:out:v2")
        .expect(0)
        .line()
        .to_owned();
    let (manifest, config) = layout(&env.path("out"));
    let text = fs::read_to_string(env.path("out/index.json")).expect("index");
    assert!(
        text.contains(&digest) && text.contains("\"org.opencontainers.image.ref.name\":\"v2\""),
        "{text}"
    );
    let layers = manifest["layers"].as_array().expect("layers");
    assert_eq!(layers.len(), 3);
    assert_eq!(
        config["rootfs"]["diff_ids"].as_array().map(Vec::len),
        Some(3)
    );
    assert_eq!(config["history"].as_array().map(Vec::len), Some(3));
    let list = |layer: &Value| {
        let digest = layer["digest"].as_str().expect("digest").replace(':', "/");
        let file = format!("out/blobs/{digest}");
        env.run("tar", ["-tzf", &file]).expect(0).stdout
    };
    assert_eq!(list(&layers[1]), "etc/new\n");
    assert_eq!(list(&layers[2]), ".wh.dir\netc/.wh.gone\netc/new\nswap\n");

    // The image grows while the build goes on, and what is written once more is the same.
    acbuild(&env, "write oci:out")
        .expect(1)
        .says("image already exists: out");
    acbuild(&env, "write --overwrite oci:out:v2").expect(0);
    assert_eq!(layout(&env.path("out")).0, manifest);
    acbuild(&env, "write one.tar").expect(0);
    acbuild(&env, "write two.tar").expect(0);
    env.run("cmp", ["one.tar", "two.tar"]).expect(0);
    fs::create_dir(env.path("mine")).expect("folder");
    acbuild(&env, "write --overwrite oci:mine")
        .expect(1)
        .says("is not an OCI layout");
    acbuild(&env, "write --squash --compression zstd oci:squashed").expect(0);
    let (manifest, config) = layout(&env.path("squashed"));
    assert_eq!(manifest["layers"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        manifest["layers"][0]["mediaType"],
        "application/vnd.oci.image.layer.v1.tar+zstd"
    );
    assert_eq!(
        config["rootfs"]["diff_ids"].as_array().map(Vec::len),
        Some(1)
    );
    acbuild(&env, "end").expect(0);
    assert!(!env.path(".acbuild").exists());
}

#[test]
fn what_a_layer_cannot_hold_is_refused_and_what_a_socket_replaced_is_gone() {
    let env = TestEnv::new();
    env.write("one/etc/kept", "1");
    env.write("one/x", "1");
    script(&env, "begin --build-mode oci ./one\nlayer");
    let root = env.path(".acbuild/currentaci/rootfs");
    fs::remove_file(root.join("x")).expect("file");
    let socket = std::os::unix::net::UnixListener::bind(root.join("x"));
    script(&env, "write oci:out");
    drop(socket);
    let (manifest, _) = layout(&env.path("out"));
    let digest = manifest["layers"][1]["digest"].as_str().expect("digest");
    let file = format!("out/blobs/{}", digest.replace(':', "/"));
    assert_eq!(env.run("tar", ["-tzf", &file]).expect(0).stdout, ".wh.x\n");
    fs::write(root.join("etc/.wh.kept"), "").expect("file");
    acbuild(&env, "write oci:next")
        .expect(1)
        .says("rootfs/etc/.wh.kept has a name that a layer cannot hold");
    assert!(!env.path("next").exists());
    script(&env, "end");
}

#[test]
fn others_take_the_images_and_see_the_same_files() {
    if !needs_root() || !needs_program("umoci") || !needs_program("skopeo") {
        return;
    }
    let env = TestEnv::new();
    layers(&env);
    let root = env.path(".acbuild/currentaci/rootfs");
    for name in ["oci:out:v1", "oci-archive:out.tar:v1"] {
        acbuild(&env, &format!("write {name}")).expect(0);
        let shown = env.run("skopeo", ["inspect", name]).expect(0).stdout;
        let shown: Value = serde_json::from_str(&shown).expect("JSON");
        assert_eq!(shown["Layers"].as_array().map(Vec::len), Some(3));
    }
    env.run(
        "skopeo",
        [
            "copy",
            "--insecure-policy",
            "-q",
            "oci-archive:out.tar:v1",
            "oci:copied:v1",
        ],
    )
    .expect(0);
    for image in ["out:v1", "copied:v1"] {
        let bundle = image.replace(':', "-bundle-");
        env.run("umoci", ["unpack", "--image", image, &bundle])
            .expect(0);
        let unpacked = env.path(&bundle).join("rootfs");
        let tree = |dir: &Path| {
            let text = "find . -printf '%P %y %m %U:%G %n %l\\n' | grep -v '^ d' | sort; \
                        find . -type f -exec md5sum {} + | sort";
            let mut command = env.command("sh");
            command.args(["-c", text]).current_dir(dir);
            env.outcome(&mut command).expect(0).stdout
        };
        assert_eq!(tree(&unpacked), tree(&root), "{image}");
    }
}

#[test]
fn a_command_runs_in_the_image_and_makes_a_layer() {
    if !needs_root() {
        return;
    }
    let env = TestEnv::new();
    let copy = format!("copy {} /bin/busybox", busybox().display());
    script(&env, "begin --build-mode oci");
    script(&env, &copy);
    script(&env, "environment add GREETING hello\nlayer");
    let text = "echo $GREETING >/made; /bin/busybox rm /bin/busybox";
    env.run(ACBUILD, ["run", "--", "/bin/busybox", "sh", "-c", text])
        .expect(0);
    acbuild(&env, "write out/").expect(0);
    let (manifest, _) = layout(&env.path("out"));
    let digest = manifest["layers"][1]["digest"]
        .as_str()
        .expect("digest")
        .replace(':', "/");
    let listed = env
        .run("tar", ["-xzOf", &format!("out/blobs/{digest}"), "made"])
        .expect(0);
    assert_eq!(listed.stdout, "hello\n");
    let listed = env
        .run("tar", ["-tzf", &format!("out/blobs/{digest}")])
        .expect(0);
    assert_eq!(listed.stdout, "bin/.wh.busybox\nmade\n");
    let annotations = manifest["annotations"].as_object().expect("annotations");
    assert!(annotations.values().any(|value| {
        value
            .as_str()
            .is_some_and(|text| text.starts_with("acbuild run \"/bin/busybox\""))
    }));
}

#[test]
fn an_app_container_image_becomes_an_oci_image() {
    let env = TestEnv::new();
    env.write("file", "x");
    script(
        &env,
        "begin
         set-name example.test/a
         set-tag 1.0
         copy file /file
         environment add A b
         set-exec -- /bin/app -x
         set-user 7
         port add http tcp 80
         mount add data /data
         write a.aci
         end
         begin --build-mode oci ./a.aci",
    );
    assert_eq!(
        document(&env, "config")["config"],
        json!({
            "User": "7:0", "ExposedPorts": {"80/tcp": {}}, "Env": ["A=b"], "Entrypoint": ["/bin/app", "-x"],
            "Volumes": {"/data": {}}, "Labels": {"version": "1.0"},
        })
    );
    script(
        &env,
        "write oci:out\nend\nbegin\nset-name example.test/b\ndependency add example.test/c\nwrite b.aci\nend",
    );
    let text = fs::read_to_string(env.path("out/index.json")).expect("index");
    assert!(text.contains("\"1.0\""), "{text}");
    acbuild(&env, "begin --build-mode oci ./b.aci")
        .expect(1)
        .says("depends on other images");
    assert!(!env.path(".acbuild").exists());
}

#[test]
fn a_build_that_was_changed_by_hand_is_refused_by_name() {
    let env = TestEnv::new();
    script(&env, "begin --build-mode oci");
    let image = env.path(".acbuild/currentaci");
    let index = fs::read(image.join("index.json")).expect("index");
    for (text, says) in [
        ("", "index.json is not valid"),
        (
            r#"{"schemaVersion":2,"manifests":[]}"#,
            "index.json is missing or damaged",
        ),
        (
            r#"{"schemaVersion":2,"manifests":[],"layers":[]}"#,
            "index.json is not valid",
        ),
    ] {
        fs::write(image.join("index.json"), text).expect("index");
        acbuild(&env, "cat-manifest").expect(1).says(says);
        acbuild(&env, "label add a b").expect(1).says(says);
    }
    fs::write(image.join("index.json"), index).expect("index");
    for blob in fs::read_dir(image.join("blobs/sha256")).expect("blobs") {
        fs::write(blob.expect("blob").path(), "{}").expect("blob");
    }
    acbuild(&env, "write a.tar")
        .expect(1)
        .says("is missing or damaged");
    acbuild(&env, "end").expect(0);
}

#[test]
fn an_archive_is_changed_without_a_build_and_keeps_everything_else() {
    let mut env = TestEnv::new();
    fs::create_dir(env.path("tmp")).expect("folder");
    env.set_var("TMPDIR", env.path("tmp"));
    layers(&env);
    script(&env, "write oci-archive:a.tar:v1\nend");
    env.run("sh", ["-c", "gzip -k a.tar; chmod 640 a.tar a.tar.gz"])
        .expect(0);
    for file in ["a.tar", "a.tar.gz"] {
        let show = |what: &str| -> Value {
            let line = format!("--modify-oci {file} cat-manifest --file {what}");
            let text = acbuild(&env, &line).expect(0).stdout;
            serde_json::from_str(&text).expect("JSON")
        };
        let bytes = || fs::read(env.path(file)).expect("archive");
        let (before, old) = (show("manifest"), bytes());
        acbuild(&env, &format!("--modify-oci {file} label remove none")).expect(1);
        acbuild(
            &env,
            &format!("--modify-oci {file} set-name example.test/a"),
        )
        .expect(1)
        .says("only supported in appc builds");
        for command in ["copy a /b", "layer", "run -- /bin/true", "write x", "begin"] {
            acbuild(&env, &format!("--modify-oci {file} {command}"))
                .expect(1)
                .says("Can't use --modify");
        }
        assert!(bytes() == old, "{file}");
        acbuild(&env, &format!("--modify-oci {file} label add key value")).expect(0);
        acbuild(&env, &format!("--modify-oci {file} set-exec -- /bin/app x")).expect(0);
        let (config, manifest) = (show("config"), show("manifest"));
        assert_eq!(config["config"]["Labels"], json!({"key": "value"}));
        assert_eq!(config["config"]["Cmd"], json!(["x"]));
        assert_eq!(manifest["layers"], before["layers"]);
        let history = &manifest["annotations"]["coreos.com/acbuild/command-5"];
        assert_eq!(history, "acbuild label add \"key\" \"value\"");
        let listed = env.run("tar", ["-tf", file]).expect(0).stdout;
        assert!(
            listed.starts_with("blobs\nblobs/sha256\n")
                && listed.ends_with("index.json\noci-layout\n")
        );
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &fs::metadata(env.path(file)).expect("file").permissions(),
        );
        assert_eq!(mode & 0o7777, 0o640);
        assert_eq!(bytes().starts_with(b"\x1f\x8b"), file.ends_with("gz"));
        if needs_program("skopeo") {
            env.run("skopeo", ["inspect", &format!("oci-archive:{file}:v1")])
                .expect(0);
        }
    }
    assert_eq!(env.tree("tmp"), [""; 0]);
    assert!(!env.path(".acbuild").exists());
}

#[test]
fn what_is_no_archive_of_one_image_is_not_changed() {
    let env = TestEnv::new();
    env.write("text", "x");
    env.write("many/oci-layout", "{}");
    env.write("many/index.json", r#"{"schemaVersion":2,"manifests":[]}"#);
    env.write("gone/oci-layout", "{}");
    let digest = format!("sha256:{}", "0".repeat(64));
    env.write(
        "gone/index.json",
        json!({"schemaVersion": 2, "manifests": [{
            "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": 2,
        }]})
        .to_string(),
    );
    env.run(
        "sh",
        [
            "-c",
            "tar -cf many.tar -C many .; tar -cf gone.tar -C gone .; tar -cf tar.tar text",
        ],
    )
    .expect(0);
    for (file, says) in [
        ("missing", "image doesn't appear to exist: missing."),
        ("many", "image to modify is a directory: many."),
        ("text", "text is no archive of an OCI image"),
        ("tar.tar", "it has no oci-layout"),
        ("many.tar", "it holds more or fewer images than one"),
        ("gone.tar", "it does not have sha256:000"),
        ("/dev/null", "it is not a regular file"),
    ] {
        for command in ["label add a b", "cat-manifest", "replace-manifest text"] {
            acbuild(&env, &format!("--modify-oci {file} {command}"))
                .expect(1)
                .says(says);
        }
    }
}
