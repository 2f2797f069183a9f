//! Dependencies downloaded side by side.

use std::time::Duration;

use gantry_testkit::web::Hook;

use super::super::PullPolicy;
use super::world::{World, aci, chain, request};

const NAMES: [&str; 4] = ["one", "two", "three", "four"];

/// An image `app` over four others, all signed, in place.
fn with_dependencies() -> Option<World> {
    let world = World::new()?;
    world.trust("example.test", &world.owner);
    for name in NAMES {
        let image = aci(&format!("example.test/{name}"), "1.0", "", 20_000);
        world.serve_signed(name, &image, &world.owner);
    }
    let list = NAMES.map(|name| format!(r#"{{"imageName":"example.test/{name}"}}"#));
    let more = format!(r#","dependencies":[{}]"#, list.join(","));
    let image = aci("example.test/app", "1.0", &more, 0);
    world.serve_signed("app", &image, &world.owner);
    Some(world)
}

fn asked(world: &World, path: &str) -> usize {
    let log = world.server.take_log();
    log.iter().filter(|request| request.target == path).count()
}

#[test]
fn the_files_of_dependencies_come_side_by_side_and_once() {
    let Some(world) = with_dependencies() else {
        return;
    };
    for name in NAMES {
        let slow = Hook::Delay(Duration::from_millis(300));
        world.server.hook(&format!("/{name}.aci"), slow);
    }
    let update = request("example.test/app", PullPolicy::Update, "none");
    let (result, log) = world.run(&update);
    let id = result.unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert_eq!(world.server.take_peak(), NAMES.len());
    assert_eq!(world.record(&id).trees.len(), 1 + NAMES.len());
    let told = "downloading 4 dependencies".to_owned();
    assert!(log.notices.contains(&told), "{:?}", log.notices);
    let log = world.server.take_log();
    for name in NAMES {
        let path = format!("/{name}.aci");
        let of_image = log.iter().filter(|request| request.target == path);
        assert_eq!(of_image.count(), 1, "{name}");
    }
    // Unchanged, each is asked for once more, and nothing is sent.
    world.server.clear_hooks();
    world.server.take_sent();
    assert_eq!(world.run(&update).0.unwrap(), id);
    assert_eq!(asked(&world, "/app.aci"), 1);
}

#[test]
fn what_fails_ahead_is_tried_again_and_told() {
    let Some(world) = with_dependencies() else {
        return;
    };
    let new = request("example.test/app", PullPolicy::New, "none");
    world.server.hook("/three.aci", Hook::CutAfter(10_000));
    let error = world.run(&new).0.unwrap_err();
    let text = chain(&error);
    assert!(
        text.contains("cannot fetch dependency example.test/three"),
        "{text}"
    );
    world.server.clear_hooks();
    world.server.take_log();
    world.run(&new).0.unwrap();
    let log = world.server.take_log();
    let of_three = log.iter().find(|request| request.target == "/three.aci");
    // Both tries brought something.
    assert_eq!(of_three.unwrap().header("range"), Some("bytes=20000-"));
    // Those before it were complete and are in the store.
    assert!(log.iter().all(|request| request.target != "/one.aci"));
}

#[test]
fn nothing_is_downloaded_ahead_of_a_missing_key() {
    let Some(world) = World::new() else { return };
    world.trust("example.test/app", &world.owner);
    for name in ["one", "two"] {
        let image = aci(&format!("example.test/{name}"), "1.0", "", 0);
        world.serve_signed(name, &image, &world.owner);
    }
    let more =
        r#","dependencies":[{"imageName":"example.test/one"},{"imageName":"example.test/two"}]"#;
    let image = aci("example.test/app", "1.0", more, 0);
    world.serve_signed("app", &image, &world.owner);
    let error = world.fetch("example.test/app").unwrap_err();
    assert!(chain(&error).contains("no key is trusted for example.test/one"));
    assert_eq!(asked(&world, "/two.aci"), 0);
}
