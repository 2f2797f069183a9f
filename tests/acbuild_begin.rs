//! `acbuild begin` with images that have to be found: by discovery, or in rkt's store.

mod support;

use std::fs;

use gantry_testkit::Outcome;
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
    begin(&world, &["docker://busybox"])
        .expect(1)
        .says("docker:// is not supported yet");
    assert!(!world.env.path(".acbuild").exists());
}
