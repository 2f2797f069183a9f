//! Bad input at each step of an image's life: status and message as agreed, nothing left behind.

mod support;

use std::path::{Path, PathBuf};

use gantry_testkit::TestEnv;
use gantry_testkit::gpg::KeySpec;
use gantry_testkit::web::Hook;
use support::{ACBUILD, ACTOOL, HOST, RKT, World, can_run_pods, with_asc};

/// A world that trusts its key and serves `hello` 1.0.0, signed; with the image file.
fn published() -> Option<(World, PathBuf)> {
    let world = World::new()?;
    let image = world.build("hello", "1.0.0", &["/bin/busybox", "true"]);
    world.sign(&image);
    world.publish("hello", "1.0.0", &image);
    world.trust();
    Some((world, image))
}

/// Fetching `what` must fail with each of `texts` and leave the store empty.
#[track_caller]
fn refused(world: &World, what: &str, texts: &[&str]) {
    let mut outcome = world.rkt(["fetch", what]).expect(254);
    for text in texts {
        outcome = outcome.says(text);
    }
    assert_eq!(outcome.stdout, "", "{outcome}");
    assert_eq!(world.stored(), Vec::<String>::new(), "{outcome}");
}

fn hello() -> String {
    format!("{HOST}/hello:1.0.0")
}

#[test]
fn an_unknown_os_or_architecture_is_no_label() {
    let Some(world) = World::new() else { return };
    let work = format!("--work-path={}", world.env.root().display());
    world.env.run(ACBUILD, [work.as_str(), "begin"]).expect(0);
    let before = world
        .env
        .run(ACBUILD, [work.as_str(), "cat-manifest"])
        .expect(0);
    world
        .env
        .run(ACBUILD, [work.as_str(), "label", "add", "os", "plan9"])
        .expect(1)
        .says("bad os \"plan9\" (must be one of: [darwin freebsd linux])");
    world
        .env
        .run(ACBUILD, [work.as_str(), "label", "add", "arch", "z80"])
        .expect(1)
        .says("bad arch \"z80\" for linux");
    let after = world
        .env
        .run(ACBUILD, [work.as_str(), "cat-manifest"])
        .expect(0);
    assert_eq!(before.stdout, after.stdout);
}

#[test]
fn a_manifest_with_a_typo_is_refused_with_its_place() {
    let Some(world) = World::new() else { return };
    let typo = world.env.write(
        "typo/manifest",
        "{\n  \"acKind\": \"ImageManifest\",\n  oops\n}\n",
    );
    std::fs::create_dir(world.env.path("typo/rootfs")).unwrap();
    world
        .env
        .run(ACTOOL, ["validate", typo.to_str().unwrap()])
        .expect(1)
        .says("line 3");
    let wrong = world.env.write(
        "kind",
        "{\"acKind\": \"ImageManifets\", \"acVersion\": \"0.8.11\"}",
    );
    world
        .env
        .run(ACTOOL, ["validate", wrong.to_str().unwrap()])
        .expect(1)
        .says("ImageManifets");
    // The same inside an archive that is fetched.
    let pack = "tar -cf typo.aci -C typo manifest rootfs";
    world.env.run("sh", ["-c", pack]).expect(0);
    world
        .env
        .run(ACTOOL, ["validate", "typo.aci"])
        .expect(1)
        .says("line 3");
    world
        .rkt(["--insecure-options=image", "fetch", "./typo.aci"])
        .expect(254)
        .says("line 3");
    assert_eq!(world.stored(), Vec::<String>::new());
}

#[test]
fn a_truncated_archive_is_refused() {
    let Some(world) = World::new() else { return };
    let image = world.build("hello", "1.0.0", &["/bin/busybox", "true"]);
    let bytes = std::fs::read(&image).unwrap();
    for part in [0, 1, 10, bytes.len() / 2, bytes.len() - 1] {
        world.env.write("cut.aci", &bytes[..part]);
        world
            .rkt(["--insecure-options=image", "fetch", "./cut.aci"])
            .expect(254)
            .says("cut.aci");
        assert_eq!(world.stored(), Vec::<String>::new(), "cut at {part}");
        world.env.run(ACTOOL, ["validate", "cut.aci"]).expect(1);
    }
    // Cut inside the tar, compressed whole.
    let cut = format!(
        "gzip -dc {} | head -c 100000 | gzip >cut2.aci",
        image.display()
    );
    world.env.run("sh", ["-c", &cut]).expect(0);
    world
        .rkt(["--insecure-options=image", "fetch", "./cut2.aci"])
        .expect(254);
    assert_eq!(world.stored(), Vec::<String>::new());
}

#[test]
fn archives_that_reach_outside_are_refused() {
    let Some(world) = World::new() else { return };
    let outside = world.env.write("outside/file", "untouched");
    let manifest = format!(
        "{{\"acKind\":\"ImageManifest\",\"acVersion\":\"0.8.11\",\"name\":\"{HOST}/evil\"}}"
    );
    world.env.write("evil/manifest", &manifest);
    std::fs::create_dir_all(world.env.path("evil/rootfs")).unwrap();
    world.env.write("evil/payload", "payload");
    let escape = world.env.path("outside").display().to_string();
    std::os::unix::fs::symlink(&escape, world.env.path("evil/rootfs/link")).unwrap();
    // GNU tar renames members on the way in, which gives names that it would never write by itself.
    let base = "tar -cf evil.aci -C evil --no-recursion manifest rootfs";
    let cases: &[(&str, &str)] = &[
        ("rootfs/../../outside/file", "payload"),
        ("/rootfs/etc/passwd", "payload"),
        ("rootfs/link/file", "rootfs/link payload"),
    ];
    for (name, members) in cases {
        let add = format!(
            "tar -rPf evil.aci -C evil --no-recursion --transform='s,^payload$,{name},' {members}"
        );
        world
            .env
            .run("sh", ["-c", &format!("{base} && {add}")])
            .expect(0);
        let outcome = world
            .rkt(["--insecure-options=image", "fetch", "./evil.aci"])
            .expect(254);
        assert!(
            outcome.stderr.contains(name.trim_start_matches('/')),
            "{name}\n{outcome}"
        );
        assert_eq!(world.stored(), Vec::<String>::new(), "{name}");
        assert_eq!(
            std::fs::read_to_string(&outside).unwrap(),
            "untouched",
            "{name}"
        );
        assert_eq!(world.env.tree("outside"), ["file"], "{name}");
    }
}

#[test]
fn a_changed_byte_is_refused_whatever_byte_it_is() {
    let Some((world, image)) = published() else {
        return;
    };
    let bytes = std::fs::read(&image).unwrap();
    let copy = world.env.path("copy.aci");
    std::fs::copy(with_asc(&image), with_asc(&copy)).unwrap();
    for place in [0, 9, 1000, bytes.len() / 2, bytes.len() - 1] {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        std::fs::write(&copy, changed).unwrap();
        refused(&world, "./copy.aci", &["copy.aci"]);
    }
    std::fs::write(&copy, bytes).unwrap();
    world.rkt(["fetch", "./copy.aci"]).expect(0);
}

#[test]
fn a_wrong_key_is_refused() {
    let Some((world, image)) = published() else {
        return;
    };
    let other = world.gpg.generate(&KeySpec {
        user_id: "Other <other@example.com>",
        ..KeySpec::default()
    });
    world.sign_with(&other, &image);
    world.publish("hello", "1.0.0", &image);
    refused(
        &world,
        &hello(),
        &["openpgp: signature made by unknown entity", &other],
    );
}

#[test]
fn an_expired_key_is_refused() {
    let Some(world) = World::new() else { return };
    let image = world.build("hello", "1.0.0", &["/bin/busybox", "true"]);
    let expired = world.gpg.generate(&KeySpec {
        user_id: "Expired <expired@example.com>",
        expires: "1d",
        options: &["--faked-system-time=20200101T000000"],
        ..KeySpec::default()
    });
    let signature = world.gpg.sign(
        &[&expired],
        &[
            "--faked-system-time=20200101T100000",
            "--armor",
            "--detach-sign",
        ],
        &image,
    );
    std::fs::write(with_asc(&image), signature).unwrap();
    world.publish("hello", "1.0.0", &image);
    world.server.put("/pubkeys.asc", world.gpg.export(&expired));
    // Trusted or not, now or before it expired: a key past its time signs nothing.
    let prefix = format!("--prefix={HOST}");
    let trusted = world.rkt(["trust", &prefix, "--skip-fingerprint-review"]);
    if trusted.status == 0 {
        refused(&world, &hello(), &["expired"]);
    } else {
        trusted.expect(254).says("expired");
        refused(&world, &hello(), &[]);
    }
}

#[test]
fn a_missing_signature_is_refused() {
    let Some(world) = World::new() else { return };
    let image = world.build("hello", "1.0.0", &["/bin/busybox", "true"]);
    world.publish("hello", "1.0.0", &image);
    world.trust();
    refused(&world, &hello(), &["signature", "404"]);
    refused(
        &world,
        &format!("./{}", image.file_name().unwrap().to_str().unwrap()),
        &["signature"],
    );
    // Waived by an option, it is stored, and the record and the command say so.
    world
        .rkt(["--insecure-options=image", "fetch", &hello()])
        .expect(0)
        .says("image signature verification has been disabled");
}

#[test]
fn a_discovery_page_with_a_foreign_prefix_vouches_for_nothing() {
    let Some((world, _)) = published() else {
        return;
    };
    for prefix in [
        "example.te",
        "other.test",
        "example.test/hell",
        "example.test/hello/sub",
    ] {
        world.publish_discovery(prefix);
        refused(&world, &hello(), &["discovery failed"]);
        let outcome = world.env.run(ACTOOL, ["discover", &hello()]).expect(1);
        outcome.says("discovery failed");
    }
}

#[test]
fn what_was_asked_for_must_be_what_the_manifest_says() {
    let Some((world, _)) = published() else {
        return;
    };
    let other = world.build("other", "2.0.0", &["/bin/busybox", "true"]);
    world.sign(&other);
    world.publish("hello", "1.0.0", &other);
    refused(&world, &hello(), &[&format!("{HOST}/other")]);
    let version = world.build("hello", "1.2.0", &["/bin/busybox", "true"]);
    world.sign(&version);
    world.publish("hello", "1.0.0", &version);
    let text = "requested value for label \"version\": \"1.0.0\" differs from fetched aci label value: \"1.2.0\"";
    refused(&world, &hello(), &[text]);
}

#[test]
fn servers_that_fail_are_named_with_the_url_and_a_later_try_goes_on() {
    let Some((world, image)) = published() else {
        return;
    };
    let path = format!("/{HOST}/hello-1.0.0.aci");
    world.server.hook(&path, Hook::Status(404));
    world
        .rkt(["fetch", &hello()])
        .expect(254)
        .says("bad HTTP status code: 404")
        .says(&path);
    world.server.clear_hooks();
    world.server.hook(&path, Hook::Refuse);
    world.rkt(["fetch", &hello()]).expect(254).says(&path);
    world.server.clear_hooks();

    // Killed in its middle, a download is taken up by the next fetch.
    let most = std::fs::metadata(&image).unwrap().len() * 9 / 10;
    world.server.hook(&path, Hook::StallAfter(most));
    let mut fetch = world.rkt_command();
    fetch
        .args(["fetch", &hello()])
        .stderr(std::process::Stdio::null());
    let mut fetch = fetch.spawn().unwrap();
    let ingested = || {
        let files = world.env.tree("rkt/store/ingest");
        let size = |file: &String| {
            std::fs::metadata(world.env.path("rkt/store/ingest").join(file)).map_or(0, |m| m.len())
        };
        files.iter().map(size).max().unwrap_or(0)
    };
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while ingested() < most {
        assert!(
            std::time::Instant::now() < deadline,
            "the download does not begin"
        );
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    fetch.kill().unwrap();
    fetch.wait().unwrap();
    world.server.clear_hooks();
    world.server.take_log();
    let have = ingested();
    world.rkt(["fetch", &hello()]).expect(0);
    let asked = world.server.take_log();
    let mut ranges = asked
        .iter()
        .filter(|request| request.path() == path)
        .map(|request| request.header("range").unwrap_or_default());
    assert_eq!(ranges.next(), Some(format!("bytes={have}-").as_str()));
}

#[test]
fn a_port_in_use_is_the_apps_own_failure_and_the_pod_is_gone() {
    if !can_run_pods() {
        return;
    }
    let Some(world) = World::new() else { return };
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let image = world.build("hello", "1.0.0", &["/bin/busybox", "httpd", "-f", "-p"]);
    let id = world.import(&image);
    let listen = format!("127.0.0.1:{port}");
    world
        .rkt(["run", "--net=host", &id, "--", &listen])
        .expect(1)
        .says("in use");
    world.gc();
    assert_eq!(world.pods(), Vec::<String>::new());
}

#[test]
fn bad_command_lines_end_with_the_agreed_status() {
    let Some(world) = World::new() else { return };
    for (line, status, text) in [
        ("", 2, "rkt: missing command"),
        ("bogus", 254, "bogus"),
        ("--bogus list", 254, "--bogus"),
        ("fetch", 254, ""),
        (
            "fetch example.test/a -- x",
            254,
            "app arguments unsupported",
        ),
        ("fetch docker://busybox", 254, "docker"),
        ("fetch Example.TEST/A", 254, "Example.TEST/A"),
        ("--insecure-options=everything list", 254, "everything"),
        ("status", 254, ""),
        ("status 00000000", 254, "no matches found for \"00000000\""),
        ("status --uuid-file=/nonexistent", 1, "/nonexistent"),
        ("cat-manifest 1234", 254, "no matches found"),
        (
            "image cat-manifest example.test/none",
            254,
            "example.test/none",
        ),
        ("image rm example.test/none", 0, "example.test/none"),
        ("trust key.asc", 254, ""),
        (
            "trust --root --prefix=a.b key.asc",
            254,
            "--root and --prefix usage mutually exclusive",
        ),
    ] {
        let words = line.split_whitespace();
        let outcome = world.rkt(words);
        assert_eq!(outcome.status, status, "rkt {line}\n{outcome}");
        assert!(outcome.stderr.contains(text), "rkt {line}\n{outcome}");
        assert!(
            !outcome.stderr.contains("panicked"),
            "rkt {line}\n{outcome}"
        );
    }
    if can_run_pods() {
        for (line, text) in [
            ("run --net=host", "must provide at least one image"),
            ("run --user=1 x", "--user must follow an image"),
            ("run --net=host ./none.aci", "none.aci"),
            ("run --net=bogus x", "bogus"),
            (
                "run --net=host sha512-0123456789abcdef",
                "sha512-0123456789abcdef",
            ),
            ("rm 00000000", "failed to remove one or more pods"),
            ("gc --grace-period=soon", "soon"),
        ] {
            let outcome = world.rkt(line.split_whitespace()).expect(254);
            assert!(outcome.stderr.contains(text), "rkt {line}\n{outcome}");
        }
        assert_eq!(world.pods(), Vec::<String>::new());
    }
}

#[test]
fn a_user_without_root_is_told_so() {
    if !can_run_pods() {
        return;
    }
    let Some(world) = World::new() else { return };
    // The test's folder and programs must be reachable for that user.
    let open = |path: &Path| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    open(world.env.root());
    let rkt = world.env.path("rkt-program");
    std::fs::copy(support::RKT, &rkt).unwrap();
    for line in ["run x", "prepare x", "gc", "rm 1234"] {
        let mut command = world.env.command("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(&rkt);
        command.args(line.split_whitespace());
        world
            .env
            .outcome(&mut command)
            .expect(254)
            .says("cannot run as unprivileged user");
    }
}

#[test]
fn output_that_does_not_arrive_is_a_failure_and_said_once() {
    let env = TestEnv::new();
    for (program, arguments, status) in [
        (RKT, &["version"][..], 254),
        (RKT, &["help"], 254),
        (RKT, &["image"], 254),
        (ACTOOL, &["version"], 1),
        (ACBUILD, &["version"], 1),
        (ACBUILD, &["--help"], 1),
    ] {
        let script = "exec \"$@\" >/dev/full";
        let words = ["-c", script, "sh", program]
            .into_iter()
            .chain(arguments.iter().copied());
        let outcome = env.run("sh", words).expect(status);
        let said = outcome
            .stderr
            .matches("cannot write to standard output")
            .count();
        assert_eq!(said, 1, "{outcome}");
    }
}

#[test]
fn prose_that_does_not_arrive_stops_no_work() {
    let env = TestEnv::new();
    let script = "exec \"$@\" 2>/dev/full";
    for (program, arguments, status) in [
        (RKT, &["image", "bogus"][..], 0),
        (RKT, &[], 2),
        (ACTOOL, &["bogus"], 2),
        (ACBUILD, &["--debug", "begin"], 0),
        (ACBUILD, &["label", "add", "x"], 1),
    ] {
        let words = ["-c", script, "sh", program]
            .into_iter()
            .chain(arguments.iter().copied());
        env.run("sh", words).expect(status);
    }
}

#[test]
fn what_rkt_does_not_know_is_told_from_what_is_still_to_come() {
    let env = TestEnv::new();
    let help = env.run(RKT, ["image", "bogus"]).expect(0);
    assert!(help.stdout.contains("cat-manifest"), "{help}");
    assert!(help.stderr.contains("bogus"), "{help}");
    for (line, text) in [
        (&["bogus"][..], "bogus"),
        (&["app", "list"], "app is not supported yet"),
        (&["image", "--debug", "fetch"], "at least one image"),
        (&["image", "--bogus"], "--bogus"),
        (&["--insecure-options=imge", "fetch", "x"], "all-fetch"),
    ] {
        env.run(RKT, line).expect(254).says(text);
    }
}

#[test]
fn an_argument_that_is_no_text_is_refused_and_not_bent() {
    use std::os::unix::ffi::OsStrExt;
    let env = TestEnv::new();
    let name = std::ffi::OsStr::from_bytes(b"./\xff.aci");
    env.run(RKT, [std::ffi::OsStr::new("fetch"), name])
        .expect(254)
        .says("\"./\\xFF.aci\" is not valid UTF-8");
}

#[test]
fn a_command_line_is_checked_before_anything_is_fetched() {
    if !gantry_testkit::needs_root() {
        return;
    }
    let env = TestEnv::new();
    let dir = format!("--dir={}", env.path("rkt").display());
    for (flag, text) in [
        ("--memory=x", "--memory"),
        ("--memory=1000", "memory limit of 1000 bytes too low"),
        ("--oom-score-adj=5000", "--oom-score-adj"),
        ("--environment=x", "--environment"),
        ("--mount=volume=x", "invalid mount"),
    ] {
        let outcome = env
            .run(RKT, [dir.as_str(), "run", "./absent.aci", flag])
            .expect(254);
        assert!(outcome.stderr.contains(text), "{outcome}");
        assert!(!outcome.stderr.contains("network"), "{outcome}");
    }
}
