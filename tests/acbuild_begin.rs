//! `acbuild begin` with images that have to be found: by discovery, or in rkt's store.

mod support;

use std::fs;

use gantry_testkit::Outcome;
use gantry_testkit::archive::ArchiveBuilder;
use gantry_testkit::registry::{Image, Registry};
use support::{ACBUILD, HOST, World};

/// `acbuild begin` with the data and configuration of this world.
fn begin(world: &World, more: &[&str]) -> Outcome {
    let env = &world.env;
    let dir = format!("--dir={}", env.path("rkt").display());
    let config = format!("--local-config={}", env.path("etc").display());
    let words = ["begin", &dir, &config, "--system-config=/nonexistent"];
    env.run(ACBUILD, words.iter().chain(more))
}

fn acbuild(world: &World, words: &[&str]) -> Outcome {
    world.env.run(ACBUILD, words)
}

#[test]
fn an_image_by_name_is_checked_as_rkt_does_and_becomes_the_build() {
    let Some(world) = World::new() else { return };
    let image = world.build("hello", "1.0.0", &["/bin/busybox", "true"]);
    world.publish("hello", "1.0.0", &image);
    let name = format!("{HOST}/hello:1.0.0");
    world.trust();
    begin(&world, &[&name]).expect(1).says("signature");
    assert!(!world.env.path(".acbuild").exists());

    world.sign(&image);
    world.publish("hello", "1.0.0", &image);
    begin(&world, &[&name]).expect(0).says("signature verified");
    acbuild(&world, &["write", "again.aci"]).expect(0);
    begin(&world, &[&name])
        .expect(1)
        .says("build already in progress");
    acbuild(&world, &["end"]).expect(0);
    let tar = |file: &str| world.env.run("gzip", ["-dc", file]).expect(0).stdout;
    assert_eq!(tar("again.aci"), tar(image.to_str().unwrap()));

    // From now on it is in the store, and needs no network.
    world
        .server
        .put(&format!("/{HOST}/hello-1.0.0.aci"), "broken");
    begin(&world, &[&name]).expect(0);
    acbuild(&world, &["end"]).expect(0);
    let id = world.rkt(["image", "list", "--fields=id", "--no-legend", "--full"]);
    let id = id.expect(0).line().trim().to_owned();
    begin(&world, &[&id[..20]]).expect(0);
    let manifest = fs::read_to_string(world.env.path(".acbuild/currentaci/manifest")).unwrap();
    assert!(manifest.contains("\"example.test/hello\""), "{manifest}");
    acbuild(&world, &["end"]).expect(0);
}

#[test]
fn a_check_that_is_waived_is_said_and_stays_with_the_image() {
    let Some(world) = World::new() else { return };
    let image = world.build("hello", "1.0.0", &["/bin/busybox", "true"]);
    world.publish("hello", "1.0.0", &image);
    begin(&world, &["--insecure", "example.test/hello:1.0.0"])
        .expect(0)
        .says("image signature verification has been disabled");
    acbuild(&world, &["end"]).expect(0);
    let listed = world
        .rkt(["image", "list", "--format=json"])
        .expect(0)
        .stdout;
    assert!(listed.contains("not checked"), "{listed}");
}

#[test]
fn a_name_that_leads_nowhere_says_how_files_are_named() {
    let Some(world) = World::new() else { return };
    begin(&world, &["app.aci"])
        .expect(1)
        .says("local file paths must start with '/' or '.'");
    begin(&world, &["sha512-00000000"])
        .expect(1)
        .says("sha512-00000000");
    begin(&world, &["oci:nowhere"]).expect(1).says("nowhere");
    assert!(!world.env.path(".acbuild").exists());
}

/// An OCI image in a layout directory, with two layers of which the second removes something of the first.
fn layout(world: &World) {
    let env = &world.env;
    env.write("one/etc/kept", "1");
    env.write("one/etc/gone", "1");
    env.write("two", "2");
    for words in [
        &["begin", "--build-mode=oci", "./one"][..],
        &["layer"],
        &["copy", "two", "/two"],
        &["environment", "add", "A", "b"],
        &["set-exec", "--", "/bin/app", "x"],
    ] {
        acbuild(world, words).expect(0);
    }
    fs::remove_file(env.path(".acbuild/currentaci/rootfs/etc/gone")).expect("file");
    acbuild(world, &["write", "oci:base:v1"]).expect(0);
    acbuild(world, &["write", "oci-archive:base.tar:v1"]).expect(0);
    acbuild(world, &["end"]).expect(0);
}

/// The layers of the image in a layout directory.
fn layers(world: &World, folder: &str) -> Vec<serde_json::Value> {
    let read = |path: &str| -> serde_json::Value {
        let text = fs::read(world.env.path(folder).join(path)).expect("file");
        serde_json::from_slice(&text).expect("JSON")
    };
    let index = read("index.json");
    let digest = index["manifests"][0]["digest"].as_str().expect("digest");
    let manifest = read(&format!("blobs/{}", digest.replace(':', "/")));
    manifest["layers"].as_array().expect("layers").clone()
}

#[test]
fn an_oci_image_is_gone_on_with_and_its_layers_stay() {
    let Some(world) = World::new() else { return };
    layout(&world);
    begin(&world, &["--build-mode=oci", "oci:base:v1"]).expect(1);
    assert!(!world.env.path(".acbuild").exists());
    for (source, next) in [
        ("oci:base:v1", "next"),
        ("oci-archive:base.tar:v1", "again"),
    ] {
        begin(&world, &["--build-mode=oci", "--insecure", source]).expect(0);
        let root = world.env.tree(".acbuild/currentaci/rootfs");
        assert_eq!(root, ["etc/", "etc/kept", "two"]);
        world.env.write("three", "3");
        acbuild(&world, &["copy", "three", "/etc/three"]).expect(0);
        acbuild(&world, &["write", &format!("oci:{next}")]).expect(0);
        let (old, new) = (layers(&world, "base"), layers(&world, next));
        assert_eq!(new[..2], old[..]);
        assert_eq!(new.len(), 3);
        let blob = new[2]["digest"].as_str().expect("digest").replace(':', "/");
        let listed = world
            .env
            .run("tar", ["-tzf", &format!("{next}/blobs/{blob}")]);
        assert_eq!(listed.expect(0).stdout, "etc/three\n");
        let config = acbuild(&world, &["cat-manifest", "--file=config"])
            .expect(0)
            .stdout;
        assert!(
            config.contains("\"A=b\"") && config.contains("\"/bin/app\""),
            "{config}"
        );
        acbuild(&world, &["end"]).expect(0);
    }
}

#[test]
fn an_image_of_a_registry_becomes_the_build() {
    let Some(world) = World::new() else { return };
    let registry = Registry::start(&[]);
    let layer = ArchiveBuilder::new().file("hello", b"hi").finish();
    registry.put_image("some/app", "1", &Image::new(&[&layer], &["/hello"]));
    let start = format!("docker://{}/some/app:1", registry.host());
    begin(&world, &[&start])
        .expect(1)
        .says("nobody has signed it");
    assert!(!world.env.path(".acbuild").exists());
    for mode in ["--build-mode=appc", "--build-mode=oci"] {
        begin(&world, &[mode, "--insecure", &start]).expect(0);
        let root = world.env.tree(".acbuild/currentaci/rootfs");
        assert_eq!(root, ["hello"], "{mode}");
        acbuild(&world, &["end"]).expect(0);
    }
}

#[test]
fn an_oci_image_becomes_an_app_container_image() {
    let Some(world) = World::new() else { return };
    layout(&world);
    begin(&world, &["--insecure", "oci:base:v1"]).expect(0);
    acbuild(&world, &["set-name", "example.test/app"]).expect(0);
    acbuild(&world, &["write", "app.aci"]).expect(0);
    world
        .env
        .run(support::ACTOOL, ["validate", "app.aci"])
        .expect(0);
    let members = world.env.run("tar", ["-tzf", "app.aci"]).expect(0).stdout;
    assert_eq!(
        members,
        "rootfs\nrootfs/etc\nrootfs/etc/kept\nrootfs/two\nmanifest\n"
    );
    let manifest = acbuild(&world, &["cat-manifest"]).expect(0).stdout;
    assert!(
        manifest.contains("\"exec\":[\"/bin/app\",\"x\"]"),
        "{manifest}"
    );
    acbuild(&world, &["end"]).expect(0);
}
