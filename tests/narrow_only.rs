//! Isolators of images that nobody verified may narrow what an app can do, and widen it only with a word.

mod support;

use std::path::PathBuf;

use gantry_testkit::Outcome;
use support::{HOST, World, can_run_pods};

/// Prints the capabilities and the rest of what `/proc` says of the app's rights.
const STATUS: &[&str] = &["/bin/busybox", "grep", "CapBnd", "/proc/self/status"];

/// CAP_SYS_ADMIN and CAP_KILL, and nothing else.
const WIDE: &str = "0000000000200020";
/// CAP_KILL alone.
const NARROW: &str = "0000000000000020";

/// The words of the warning and of the refusal behind the name of the app.
const GIVES: &str =
    "os/linux/capabilities-retain-set gives CAP_SYS_ADMIN beyond the default capabilities";

fn image(world: &World, name: &str, capabilities: &str) -> PathBuf {
    let file = world.env.path("set.json");
    std::fs::write(&file, format!(r#"{{"set":[{capabilities}]}}"#)).expect("file");
    let file = file.to_str().expect("UTF-8");
    let add = ["isolator", "add", "os/linux/capabilities-retain-set", file];
    world.build_with(name, "1.0.0", STATUS, &[&add])
}

fn wide(world: &World) -> PathBuf {
    image(world, "wide", r#""CAP_KILL","CAP_SYS_ADMIN""#)
}

fn narrow_only(world: &World, word: &str) {
    let text =
        format!(r#"{{"rktKind":"isolators","rktVersion":"v1","unverifiedImages":"{word}"}}"#);
    world.env.write("etc/isolators.d/a.json", text);
}

fn run(world: &World, arguments: &[&str]) -> Outcome {
    world.rkt(["run", "--net=host"].iter().chain(arguments))
}

fn has(outcome: &Outcome, capabilities: &str) {
    assert_eq!(outcome.status, 0, "{outcome}");
    assert!(outcome.stdout.contains(capabilities), "{outcome}");
}

#[test]
fn an_unsigned_image_that_widens_is_warned_of_or_refused_without_a_trace() {
    if !can_run_pods() {
        return;
    }
    let Some(world) = World::new() else { return };
    let id = world.import(&wide(&world));
    let warned = run(&world, &[&id]);
    has(&warned, WIDE);
    warned.says(&format!(
        "run: warning: image of app wide was not verified: {GIVES}"
    ));
    world.gc();

    narrow_only(&world, "narrow-only");
    for command in [&["run", "--net=host"][..], &["prepare"]] {
        let refused = world.rkt(command.iter().copied().chain([id.as_str()]));
        let refused = refused.expect(254);
        assert_eq!(refused.stdout, "");
        refused
            .says(&format!("{}: image {}", command[0], &id[..20]))
            .says(&format!(
                "of app wide was not verified, and may not widen the defaults: {GIVES}"
            ))
            .says("fetch the image with its signature, or say with --caps-retain");
        assert_eq!(world.pods(), Vec::<String>::new());
    }
    // A waiver of now changes nothing about the one in the record.
    world
        .rkt(["--insecure-options=image", "run", "--net=host", &id])
        .expect(254)
        .says(GIVES);

    // What the user says is no matter of the image.
    let said = run(&world, &[&id, "--caps-retain=CAP_SYS_ADMIN,CAP_KILL"]);
    has(&said, WIDE);
    assert!(!said.stderr.contains("not verified"), "{said}");

    // Another directory of the configuration may say otherwise.
    world.env.write(
        "user/isolators.d/b.json",
        r#"{"rktKind":"isolators","rktVersion":"v1","unverifiedImages":"warn"}"#,
    );
    let user = format!("--user-config={}", world.env.path("user").display());
    let warned = world.rkt([&user, "run", "--net=host", &id]);
    has(&warned, WIDE);
    warned.says(GIVES);
    world.gc();
}

#[test]
fn a_signed_image_has_what_it_asks_for() {
    if !can_run_pods() {
        return;
    }
    let Some(world) = World::new() else { return };
    let file = wide(&world);
    let unsigned = world.import(&file);
    narrow_only(&world, "narrow-only");
    run(&world, &[&unsigned]).expect(254).says(GIVES);

    // The hint is one that helps: the same image, fetched anew with its signature.
    world.sign(&file);
    world.publish("wide", "1.0.0", &file);
    world.trust();
    let name = format!("{HOST}/wide:1.0.0");
    let fetched = world.rkt(["fetch", "--pull-policy=update", "--full", &name]);
    assert_eq!(fetched.expect(0).line(), unsigned);
    for flags in [&[][..], &["--insecure-options=image"]] {
        let command = flags
            .iter()
            .copied()
            .chain(["run", "--net=host", &unsigned]);
        let ran = world.rkt(command);
        has(&ran, WIDE);
        assert!(!ran.stderr.contains("not verified"), "{ran}");
    }
    world.gc();
}

#[test]
fn an_unsigned_image_that_narrows_is_obeyed_in_silence() {
    if !can_run_pods() {
        return;
    }
    let Some(world) = World::new() else { return };
    let id = world.import(&image(&world, "narrow", r#""CAP_KILL""#));
    for word in ["narrow-only", "warn"] {
        narrow_only(&world, word);
        let ran = run(&world, &[&id]);
        has(&ran, NARROW);
        assert!(!ran.stderr.contains("not verified"), "{ran}");
    }
    world.gc();
}

#[test]
fn a_wrong_word_stops_who_prepares_pods_and_nobody_else() {
    let Some(world) = World::new() else { return };
    narrow_only(&world, "strict");
    let id = world.import(&world.build("plain", "1.0.0", STATUS));
    for command in [&["config"][..], &["prepare", &id], &["run", &id]] {
        world
            .rkt(command)
            .expect(254)
            .says("failed to parse \"$TEST/etc/isolators.d/a.json\"")
            .says("\"strict\" is neither \"narrow-only\" nor \"warn\"");
    }
    assert_eq!(world.pods(), Vec::<String>::new());
    let doctor = world.rkt(["doctor"]);
    assert!(
        doctor
            .stdout
            .contains("run and prepare end with this error"),
        "{doctor}"
    );
    world.rkt(["image", "list"]).expect(0);
    narrow_only(&world, "narrow-only");
    let config = world.rkt(["config", "--pretty-print=false"]).expect(0);
    let entry = r#"{"rktVersion":"v1","rktKind":"isolators","unverifiedImages":"narrow-only"}"#;
    assert!(config.line().ends_with(&format!(",{entry}]}}")), "{config}");
}
