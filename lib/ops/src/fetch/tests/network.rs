//! What is asked for when, and how often.

use gantry_archive::extract::Ownership;
use gantry_store::StoreError;
use gantry_testkit::web::Hook;
use gantry_types::{Diagnostic as _, Kind};

use super::super::{Downloading, FetchError, FetchObserver, Notice, PullPolicy, Step};
use super::world::{World, aci, chain, request};

#[test]
fn a_cut_download_goes_on_later() {
    let Some(world) = World::new() else { return };
    world.trust("example.test", &world.owner);
    let image = aci("example.test/app", "1.0", "", 600_000);
    world.serve_signed("app", &image, &world.owner);
    world.server.hook("/app.aci", Hook::CutAfter(400_000));
    world.server.hook("/app.aci", Hook::NoRanges);
    let error = world.fetch("example.test/app").unwrap_err();
    assert!(
        matches!(error, FetchError::Download { .. }),
        "{}",
        chain(&error)
    );
    assert_eq!(error.kind(), Kind::Environment);
    world.server.clear_hooks();
    world.server.take_log();
    let (result, log) = world.run(&request("example.test/app", PullPolicy::New, "none"));
    result.unwrap();
    assert_eq!(log.last, image.len() as u64);
    assert!(
        log.notices
            .iter()
            .any(|notice| notice.starts_with("resuming")),
        "{:?}",
        log.notices
    );
}

#[test]
fn an_unchanged_image_is_not_sent_again_and_a_changed_one_is() {
    let Some(world) = World::new() else { return };
    world.trust("example.test", &world.owner);
    world.serve_signed("app", &aci("example.test/app", "1.0", "", 0), &world.owner);
    let update = request("example.test/app", PullPolicy::Update, "none");
    let first = world.run(&update).0.unwrap();
    let (second, log) = world.run(&update);
    assert_eq!(second.unwrap(), first);
    assert_eq!(log.last, 0, "{:?}", log.notices);
    world.serve_signed("app", &aci("example.test/app", "1.1", "", 0), &world.owner);
    let third = world.run(&update).0.unwrap();
    assert_ne!(third, first);
    assert_eq!(world.fetch("example.test/app").unwrap(), third);
    // While the server's word holds nobody asks.
    world.server.hook(
        "/app.aci",
        Hook::Header("Cache-Control".into(), "max-age=60".into()),
    );
    world.serve_signed("app", &aci("example.test/app", "1.2", "", 0), &world.owner);
    let fourth = world.run(&update).0.unwrap();
    let (fifth, log) = world.run(&update);
    assert_eq!(fifth.unwrap(), fourth);
    assert!(
        log.notices
            .iter()
            .any(|notice| notice.contains("isn't expired")),
        "{:?}",
        log.notices
    );
}

#[test]
fn every_step_is_told_to_its_end() {
    let Some(world) = World::new() else { return };
    world.trust("example.test", &world.owner);
    let image = aci("example.test/app", "1.0", "", 500_000);
    world.serve_signed("app", &image, &world.owner);
    let size = image.len() as u64;
    let (result, log) = world.run(&request("example.test/app", PullPolicy::New, "none"));
    result.unwrap();
    assert_eq!(log.last, size);
    let steps = [Step::Verifying, Step::Extracting].map(|step| (step, size, size));
    assert_eq!(log.steps, steps);
}

#[test]
fn a_server_that_says_so_again_is_not_asked_again() {
    let Some(world) = World::new() else { return };
    world.trust("example.test", &world.owner);
    world.serve_signed("app", &aci("example.test/app", "1.0", "", 0), &world.owner);
    let update = request("example.test/app", PullPolicy::Update, "none");
    let first = world.run(&update).0.unwrap();
    let asked = || {
        assert_eq!(world.run(&update).0.unwrap(), first);
        let log = world.server.take_log();
        let asked = log.iter().filter(|request| request.target == "/app.aci");
        asked.count()
    };
    assert_eq!(asked(), 2, "with the first fetch");
    // The answer that nothing has changed says for how long that holds.
    let fresh = Hook::Header("Cache-Control".into(), "max-age=60".into());
    world.server.hook_times("/app.aci", fresh, 1);
    assert_eq!(asked(), 1);
    assert_eq!(asked(), 0);
    let record = world.record(&first);
    assert_eq!(record.origins.len(), 1);
    assert_eq!(record.origins[0].max_age, Some(60));
    assert!(record.origins[0].etag.is_some());
}

#[test]
fn a_deferred_signature_is_asked_for_again_once() {
    let Some(world) = World::new() else { return };
    world.trust("example.test", &world.owner);
    world.serve_signed("app", &aci("example.test/app", "1.0", "", 0), &world.owner);
    world
        .server
        .hook_times("/app.aci.asc", Hook::Status(202), 1);
    let (result, log) = world.run(&request("example.test/app", PullPolicy::New, "none"));
    let id = result.unwrap();
    let deferred = "server requested deferring the signature download".to_owned();
    assert!(log.notices.contains(&deferred), "{:?}", log.notices);
    // A gpg that another test is just starting holds a copy of our lock for a moment.
    let mut nothing = || Ok(gantry_store::InUse::default());
    while let Err(StoreError::InUse { .. }) = world.store.remove(&id, &mut nothing) {
        std::thread::yield_now();
    }
    world.server.hook("/app.aci.asc", Hook::Status(202));
    let error = world.fetch("example.test/app").unwrap_err();
    assert!(
        matches!(error, FetchError::SignatureDeferred { .. }),
        "{}",
        chain(&error)
    );
}

/// Fetches the image itself, in another process as it were, when the fetch it watches is about to begin.
struct Overtaking<'a> {
    world: &'a World,
    done: bool,
}

impl FetchObserver for Overtaking<'_> {
    fn notice(&mut self, notice: &Notice) {
        if matches!(notice, Notice::RemoteFetching(_)) && !self.done {
            self.done = true;
            // It noted the time before it made the image visible, which takes a while on a slow disk.
            let before = || std::time::SystemTime::now() - std::time::Duration::from_secs(60);
            let update = request("example.test/app", PullPolicy::Update, "image");
            let ownership = Ownership::CurrentUser;
            self.world
                .run_at(&update, ownership, &before, &mut Quiet)
                .unwrap();
        }
    }

    fn progress(&mut self, _: Downloading, _: u64, _: Option<u64>) {}
}

struct Quiet;

impl FetchObserver for Quiet {
    fn notice(&mut self, _: &Notice) {}
    fn progress(&mut self, _: Downloading, _: u64, _: Option<u64>) {}
}

#[test]
fn what_somebody_else_fetched_meanwhile_is_not_fetched_again() {
    let Some(world) = World::new() else { return };
    let image = aci("example.test/app", "1.0", "", 0);
    world.serve("app", &image, None);
    let mut overtaking = Overtaking {
        world: &world,
        done: false,
    };
    let update = request("example.test/app", PullPolicy::Update, "image");
    world
        .run_as(&update, Ownership::CurrentUser, &mut overtaking)
        .unwrap();
    let log = world.server.take_log();
    let of_image = log.iter().filter(|request| request.target == "/app.aci");
    assert_eq!(of_image.count(), 1);
}
