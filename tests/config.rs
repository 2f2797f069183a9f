//! The configuration: what `rkt config` prints, and what the other commands make of it.

mod support;

use gantry_testkit::web::Hook;
use support::{HOST, World};

const BASIC: &str = r#"{"rktKind":"auth","rktVersion":"v1","domains":["example.test"],
    "type":"basic","credentials":{"user":"u","password":"Xq7-no-other-text"}}"#;

#[test]
fn the_merged_view_has_one_entry_for_each_server_and_kind() {
    let Some(world) = World::new() else { return };
    let empty = world.rkt(["config", "--pretty-print=false"]).expect(0);
    assert_eq!(
        empty.line(),
        concat!(
            r#"{"stage0":[{"rktVersion":"v1","rktKind":"paths","data":"","stage1-images":""},"#,
            r#"{"rktVersion":"v1","rktKind":"stage1","name":"","version":"","location":""}]}"#
        )
    );
    world.env.write("lib/auth.d/a.json", BASIC);
    world.env.write(
        "etc/auth.d/b.json",
        r#"{"rktKind":"auth","rktVersion":"v1","domains":["b.test","example.test"],
        "type":"oauth","credentials":{"token":"t"}}"#,
    );
    world.env.write(
        "user/auth.d/c.json",
        r#"{"rktKind":"auth","rktVersion":"v1","domains":["b.test"],"type":"aws",
        "credentials":{"accessKeyID":"i","secretAccessKey":"s"}}"#,
    );
    world.env.write(
        "user/auth.d/d.json",
        r#"{"rktKind":"dockerAuth","rktVersion":"v1","registries":["r.test"],
        "credentials":{"user":"u","password":"p"}}"#,
    );
    let user = format!("--user-config={}", world.env.path("user").display());
    let both = world
        .rkt([&user, "config", "--pretty-print=false"])
        .expect(0);
    let start = concat!(
        r#"{"stage0":[{"rktVersion":"v1","rktKind":"auth","domains":["b.test"],"type":"aws","#,
        r#""credentials":{"accessKeyID":"i","secretAccessKey":"s","awsRegion":""}},"#,
        r#"{"rktVersion":"v1","rktKind":"auth","domains":["example.test"],"type":"oauth","#,
        r#""credentials":{"token":"t"}},"#,
        r#"{"rktVersion":"v1","rktKind":"dockerAuth","registries":["r.test"],"#,
        r#""credentials":{"user":"u","password":"p"}},"#
    );
    assert!(both.stdout.starts_with(start), "{both}");
    let pretty = world.rkt(["config"]).expect(0);
    assert!(
        pretty
            .stdout
            .starts_with("{\n\t\"stage0\": [\n\t\t{\n\t\t\t\"rktVersion\": \"v1\","),
        "{pretty}"
    );
}

#[test]
fn a_bad_file_is_named_and_stops_only_who_needs_it() {
    let Some(world) = World::new() else { return };
    world.env.write(
        "etc/auth.d/a.json",
        BASIC.replace("\"Xq7-no-other-text\"", "12345678"),
    );
    for command in [
        &["config"][..],
        &["fetch", "--insecure-options=image", "example.test/hello"],
    ] {
        let outcome = world.rkt(command).expect(254);
        assert!(!outcome.stderr.contains("12345678"), "{outcome}");
        outcome
            .says("failed to parse \"$TEST/etc/auth.d/a.json\"")
            .says("field credentials.password: expected string, found number");
    }
    world.rkt(["image", "list"]).expect(0);
    world.env.write("lib/paths.d/a.json", "{}");
    // `--dir` says where the data is, so nobody has to ask the configuration.
    world.rkt(["image", "list"]).expect(0);
    let mut command = world.env.command(support::RKT);
    let system = format!("--system-config={}", world.env.path("lib").display());
    let outcome = world.env.outcome(command.args([&system, "image", "list"]));
    outcome.expect(254).says("no rktKind specified");
}

#[test]
fn data_lies_where_the_configuration_says_unless_told_otherwise() {
    let Some(world) = World::new() else { return };
    let paths = |name: &str| {
        let data = world.env.path(name);
        format!(
            r#"{{"rktKind":"paths","rktVersion":"v1","data":"{}"}}"#,
            data.display()
        )
    };
    for name in ["data", "mine", "given"] {
        std::fs::create_dir(world.env.path(name)).unwrap();
    }
    world.env.write("etc/paths.d/a.json", paths("data"));
    world.env.write("user/paths.d/a.json", paths("mine"));
    let local = format!("--local-config={}", world.env.path("etc").display());
    let user = format!("--user-config={}", world.env.path("user").display());
    let dir = format!("--dir={}", world.env.path("given").display());
    let list = |flags: &[&String]| {
        let mut command = world.env.command(support::RKT);
        let outcome = world
            .env
            .outcome(command.args(flags).args(["image", "list"]));
        outcome.expect(0);
    };
    let there = |name: &str| world.env.path(name).join("store/version").exists();
    list(&[&local]);
    assert!(there("data") && !there("mine"));
    list(&[&local, &user]);
    assert!(there("mine") && !there("given"));
    list(&[&local, &user, &dir]);
    assert!(there("given"));
}

#[test]
fn credentials_go_to_their_host_and_show_nowhere() {
    let Some(world) = World::new() else { return };
    world.env.write("etc/auth.d/a.json", BASIC);
    let file = world.build("hello", "1.0", &["/bin/busybox", "true"]);
    world.publish("hello", "1.0", &file);
    let image = format!("/{HOST}/hello-1.0.aci");
    world.server.hook_times(
        &image,
        Hook::Redirect("http://127.0.0.1:1/x.aci".to_owned()),
        1,
    );
    let name = format!("{HOST}/hello:1.0");
    let fetch = ["--debug", "--insecure-options=image,http", "fetch", &name];
    let outcome = world.rkt(fetch).expect(254);
    assert!(
        !outcome.stderr.contains("Xq7-no-other-text")
            && !outcome.stderr.contains("dTpYcTctbm8tb3RoZXItdGV4dA=="),
        "{outcome}"
    );
    let outcome = world.rkt(fetch).expect(0);
    assert!(!outcome.stderr.contains("Xq7-no-other-text"), "{outcome}");
    let log = world.server.take_log();
    assert!(log.iter().all(|request| request.tls));
    assert!(log.iter().any(|request| request.target == image));
    for request in log {
        assert_eq!(
            request.header("authorization"),
            Some("Basic dTpYcTctbm8tb3RoZXItdGV4dA=="),
            "{request:?}"
        );
    }
    let store = std::process::Command::new("grep")
        .args(["-rlE", "Xq7-no-other-text|dTpYcTctbm8tb3RoZXItdGV4dA=="])
        .arg(world.env.path("rkt"))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&store.stdout), "");
}

#[test]
fn requests_for_s3_are_signed_anew_for_every_place() {
    let Some(world) = World::new() else { return };
    world.env.write(
        "etc/auth.d/a.json",
        r#"{"rktKind":"auth","rktVersion":"v1","domains":["example.test"],"type":"aws",
        "credentials":{"accessKeyID":"AKID","secretAccessKey":"hush","awsRegion":"eu-west-1"}}"#,
    );
    let file = world.build("hello", "1.0", &["/bin/busybox", "true"]);
    world.server.put("/b.aci", std::fs::read(file).unwrap());
    world
        .server
        .hook("/a.aci", Hook::Redirect("/b.aci".to_owned()));
    let url = format!("https://{HOST}/a.aci");
    world
        .rkt(["--insecure-options=image", "fetch", &url])
        .expect(0);
    let log = world.server.take_log();
    let signatures: Vec<&str> = log
        .iter()
        .map(|request| {
            assert!(request.header("x-amz-date").is_some());
            let header = request.header("authorization").unwrap();
            assert!(
                header.starts_with("AWS4-HMAC-SHA256 Credential=AKID/"),
                "{header}"
            );
            assert!(header.contains("/eu-west-1/s3/aws4_request,"), "{header}");
            header.rsplit('=').next().unwrap()
        })
        .collect();
    assert_eq!(signatures.len(), 2);
    assert_ne!(signatures[0], signatures[1]);
}
