//! Fetches from a server on this machine, with keys and signatures made by the real gpg.

mod ahead;
mod dependencies;
mod hostile;
mod network;
mod oci;
mod world;

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use gantry_archive::extract::Ownership;
use gantry_store::{Source, Verdict};
use gantry_types::{Diagnostic, ImageId, Kind};

use super::{Downloading, FetchError, FetchObserver, ImageReference, Notice, PullPolicy};
use crate::image;
use world::{HOST, World, aci, chain, population, request, tar_entry};

#[test]
fn a_signed_image_is_found_verified_and_kept() {
    let Some(world) = World::new() else { return };
    world.trust("example.test", &world.owner);
    let image = aci("example.test/app", "1.0", "", 0);
    world.serve_signed("app", &image, &world.owner);
    let id = world.fetch("example.test/app:1.0").unwrap();
    let record = world.record(&id);
    assert_eq!(
        id,
        ImageId::from_digest(gantry_archive::digest::Sha512::of(&image))
    );
    assert_eq!(
        fs::read(world.store.blob_path(&record.layers[0].digest)).unwrap(),
        image
    );
    let tree = world.store.tree_path(&record.trees[0]);
    assert_eq!(fs::read(tree.join("rootfs/hello")).unwrap(), b"hello\n");
    let Verdict::Signed { by } = &record.verdict else {
        panic!("{:?}", record.verdict)
    };
    assert_eq!(by[0].fingerprint, world.owner);
    assert_eq!(by[0].user_id, "Owner <owner@example.test>");
    assert!(world.store.has_blob(record.signature.as_ref().unwrap()));
    assert_eq!(
        fs::read_dir(world.store.root().join("ingest"))
            .unwrap()
            .count(),
        0
    );
    // From now on the store answers.
    world.server.take_log();
    let (again, log) = world.run(&request("example.test/app", PullPolicy::New, "none"));
    assert_eq!(again.unwrap(), id);
    assert!(world.server.take_log().is_empty());
    assert!(log.notices[0].starts_with("using image from local store for image name"));
    assert_eq!(world.fetch(&id.short()).unwrap(), id);
    let rows = image::list(&world.store).unwrap().0;
    assert_eq!(
        (rows.len(), rows[0].name.as_str()),
        (1, "example.test/app:1.0")
    );
    let manifest = image::manifest(&world.store, &image::find(&world.store, &id.key()).unwrap());
    assert_eq!(manifest.unwrap().name.as_str(), "example.test/app");
}

#[test]
fn images_without_trust_are_refused_and_leave_nothing() {
    let Some(world) = World::new() else { return };
    let image = aci("example.test/app", "1.0", "", 0);
    world.serve("app", &image, None);
    let error = world.assert_refused("example.test/app", "no key is trusted for example.test/app");
    assert!(
        error
            .hint()
            .unwrap()
            .contains("rkt trust --prefix=example.test")
    );
    world.trust("example.test", &world.owner);
    world.assert_refused(
        "example.test/app",
        "error downloading the signature file: bad HTTP status code: 404",
    );
    world.serve_signed("app", &image, &world.stranger);
    world.server.take_log();
    world.assert_refused(
        "example.test/app",
        "openpgp: signature made by unknown entity",
    );
    // Known before the image is downloaded.
    let log = world.server.take_log();
    assert!(
        log.iter().all(|request| !request.target.ends_with(".aci")),
        "{log:?}"
    );
    world.serve("app", &image, Some(b"<html>not a signature</html>"));
    world.assert_refused("example.test/app", "cannot use the signature");
    // Any change of any byte.
    let signature = world.sign(&world.owner, &image);
    for at in [0, 600, image.len() / 2, image.len() - 1] {
        let mut changed = image.clone();
        changed[at] ^= 1;
        world.serve("app", &changed, Some(&signature));
        world.assert_refused("example.test/app", "the file or its signature was changed");
    }
    world.serve("app", &image[..image.len() - 512], Some(&signature));
    world.assert_refused("example.test/app", "the file or its signature was changed");
    world.serve("app", &image, Some(&signature));
    world.fetch("example.test/app").unwrap();
}

#[test]
fn an_image_of_another_name_or_label_is_refused() {
    let Some(world) = World::new() else { return };
    world.trust("example.test", &world.owner);
    world.serve_signed(
        "app",
        &aci("example.test/other", "1.2.0", "", 0),
        &world.owner,
    );
    world.assert_refused("example.test/app", "example.test/other");
    world.serve_signed(
        "app",
        &aci("example.test/app", "1.2.0", "", 0),
        &world.owner,
    );
    world.assert_refused(
        "example.test/app:2.0",
        "requested value for label \"version\": \"2.0\" differs from fetched aci label value: \"1.2.0\"",
    );
    world.assert_refused(
        "example.test/app,x=y",
        "requested label \"x\" not provided by the image manifest",
    );
    // Whoever waives the check gets what there is, and it shows.
    let id = world.fetch_insecure("example.test/app:2.0").unwrap();
    let waived = Verdict::Waived {
        option: "--insecure-options=image".to_owned(),
    };
    assert_eq!(world.record(&id).verdict, waived);
}

#[test]
fn a_url_is_verified_against_the_keys_of_the_name_inside() {
    let Some(world) = World::new() else { return };
    world.trust("example.test/ap", &world.owner);
    world.serve_signed("app", &aci("example.test/app", "1.0", "", 0), &world.owner);
    let url = format!("https://{HOST}/app.aci");
    world.assert_refused(&url, "which is not trusted for this name");
    world.trust("example.test/app", &world.owner);
    let id = world.fetch(&url).unwrap();
    assert!(
        world
            .record(&id)
            .origin_of(&Source::Url(url.clone()))
            .is_some()
    );
    assert_eq!(world.fetch(&url).unwrap(), id);
}

#[test]
fn bad_archives_with_good_signatures_leave_nothing() {
    let Some(world) = World::new() else { return };
    world.trust("example.test", &world.owner);
    let good = aci("example.test/app", "1.0", "", 0);
    let mut escape = Vec::new();
    tar_entry(&mut escape, "../evil", b'0', b"evil");
    escape.extend(&good);
    let typo = aci("example.test/app", "1.0", ",\"app\":{\"exec\":7}", 0);
    for bad in [&good[..700], &escape, &typo, b"no tar at all".as_slice()] {
        world.serve_signed("app", bad, &world.owner);
        let before = population(world.store.root());
        world.fetch("example.test/app").unwrap_err();
        assert_eq!(population(world.store.root()), before);
    }
}

#[test]
fn a_file_is_imported_with_the_signature_beside_it_or_the_one_named() {
    let Some(world) = World::new() else { return };
    world.trust("example.test", &world.owner);
    let image = aci("example.test/app", "1.0", "", 0);
    let path = world.dir.path().join("app.aci");
    fs::write(&path, &image).unwrap();
    let text = path.to_str().unwrap();
    world.assert_refused(text, "error opening signature file");
    let waived = world.fetch_insecure(text).unwrap();
    assert!(matches!(
        world.record(&waived).verdict,
        Verdict::Waived { .. }
    ));
    fs::write(
        world.dir.path().join("app.aci.asc"),
        world.sign(&world.owner, &image),
    )
    .unwrap();
    let id = world.fetch(text).unwrap();
    assert_eq!(id, waived);
    assert!(matches!(world.record(&id).verdict, Verdict::Signed { .. }));
    // Waiving the check later takes nothing away.
    world.fetch_insecure(text).unwrap();
    assert!(matches!(world.record(&id).verdict, Verdict::Signed { .. }));
    let elsewhere = world.dir.path().join("elsewhere.sig");
    fs::rename(world.dir.path().join("app.aci.asc"), &elsewhere).unwrap();
    let mut named = request(text, PullPolicy::New, "none");
    named.signature = Some(elsewhere);
    assert_eq!(world.run(&named).0.unwrap(), id);
    let mut changed = fs::OpenOptions::new().append(true).open(&path).unwrap();
    changed.write_all(b"x").unwrap();
    let before = population(world.store.root());
    assert_eq!(world.run(&named).0.unwrap_err().kind(), Kind::Refused);
    assert_eq!(population(world.store.root()), before);
}

#[test]
fn a_file_that_is_missing_or_none_is_told_before_anything_else() {
    let Some(world) = World::new() else { return };
    let before = population(world.store.root());
    for (name, reason) in [("missing.aci", "No such file"), ("", "not a regular file")] {
        let path = world.dir.path().join(name);
        let error = world.fetch(path.to_str().unwrap()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot import image file {}", path.display())
        );
        assert!(chain(&error).contains(reason), "{}", chain(&error));
    }
    assert_eq!(population(world.store.root()), before);
}

#[test]
fn many_fetches_at_once_make_one_download() {
    let Some(world) = World::new() else { return };
    world.trust("example.test", &world.owner);
    world.serve_signed(
        "app",
        &aci("example.test/app", "1.0", "", 300_000),
        &world.owner,
    );
    let results: Vec<ImageId> = std::thread::scope(|scope| {
        let run = || world.fetch("example.test/app").unwrap();
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(run)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(results.iter().all(|id| *id == results[0]));
    let log = world.server.take_log();
    assert_eq!(
        log.iter()
            .filter(|request| request.target == "/app.aci")
            .count(),
        1
    );
}

#[test]
fn the_policy_keeps_off_the_network() {
    let Some(world) = World::new() else { return };
    for text in [
        "example.test/app",
        "https://example.test/app.aci",
        "sha512-00",
    ] {
        let error = world
            .run(&request(text, PullPolicy::Never, "none"))
            .0
            .unwrap_err();
        assert!(
            matches!(
                error,
                FetchError::NotFound { .. } | FetchError::Resolve { .. }
            ),
            "{}",
            chain(&error)
        );
    }
    assert!(world.server.take_log().is_empty());
}

/// Changes the downloaded file between its verification and its extraction.
struct Swapper {
    ingest: PathBuf,
    swapped: bool,
}

impl FetchObserver for Swapper {
    fn notice(&mut self, notice: &Notice) {
        if !matches!(notice, Notice::SignatureVerified(_)) {
            return;
        }
        for entry in fs::read_dir(&self.ingest).unwrap().flatten() {
            if entry.path().extension().is_some_and(|ext| ext == "part") {
                let mut bytes = fs::read(entry.path()).unwrap();
                let at = bytes.windows(6).position(|six| six == b"hello\n").unwrap();
                bytes[at..at + 6].copy_from_slice(b"evil!\n");
                fs::write(entry.path(), bytes).unwrap();
                self.swapped = true;
            }
        }
    }

    fn progress(&mut self, _: Downloading, _: u64, _: Option<u64>) {}
}

#[test]
fn bytes_that_change_after_their_verification_are_refused() {
    let Some(world) = World::new() else { return };
    world.trust("example.test", &world.owner);
    world.serve_signed("app", &aci("example.test/app", "1.0", "", 0), &world.owner);
    let before = population(world.store.root());
    let mut swapper = Swapper {
        ingest: world.store.root().join("ingest"),
        swapped: false,
    };
    let request = request("example.test/app", PullPolicy::New, "none");
    let error = world
        .run_as(&request, Ownership::CurrentUser, &mut swapper)
        .unwrap_err();
    assert!(swapper.swapped);
    assert_eq!(error.kind(), Kind::Refused, "{}", chain(&error));
    assert!(
        chain(&error).contains("example.test/app"),
        "{}",
        chain(&error)
    );
    assert_eq!(population(world.store.root()), before);
}

#[test]
fn a_file_that_cannot_be_imported_leaves_no_copy() {
    let Some(world) = World::new() else { return };
    let mut image = Vec::new();
    tar_entry(&mut image, "rootfs/null", b'3', b"");
    image.extend(aci("example.test/app", "1.0", "", 0));
    let path = world.dir.path().join("app.aci");
    fs::write(&path, &image).unwrap();
    let before = population(world.store.root());
    // The machine is at fault, not the image: no root, no devices.
    let request = request(path.to_str().unwrap(), PullPolicy::New, "image");
    let mut log = world::Log::default();
    let error = world
        .run_as(&request, Ownership::CurrentUser, &mut log)
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Environment, "{}", chain(&error));
    assert_eq!(population(world.store.root()), before);
}

#[test]
fn messages_name_images_and_files_as_the_user_does() {
    let Some(world) = World::new() else { return };
    world.trust("example.test", &world.owner);
    let image = aci("example.test/app", "1.0", "", 0);
    world.serve_signed("app", &image, &world.stranger);
    let error = world.fetch("example.test/app:1.0").unwrap_err();
    assert_eq!(error.to_string(), "image example.test/app:1.0 is refused");
    let error = world.fetch("example.test/app,os=linux").unwrap_err();
    assert_eq!(error.to_string(), "image example.test/app is refused");
    let directory = world.dir.path();
    fs::write(directory.join("app.aci"), &image).unwrap();
    let mut request = request("sha512-00", PullPolicy::New, "none");
    request.reference = ImageReference::parse("./app.aci", directory, &|_| true).unwrap();
    let error = world.run(&request).0.unwrap_err();
    assert_eq!(
        error.to_string(),
        "error opening signature file ./app.aci.asc"
    );
    fs::write(
        directory.join("app.aci.asc"),
        world.sign(&world.stranger, &image),
    )
    .unwrap();
    let error = world.run(&request).0.unwrap_err();
    assert_eq!(error.to_string(), "image ./app.aci is refused");
    // The store remembers one place, however it is spelt.
    request.insecure = "image".parse().unwrap();
    let id = world.run(&request).0.unwrap();
    let place = directory.join("app.aci").display().to_string();
    assert_eq!(
        world.record(&id).origin().unwrap().source,
        Source::Path(place)
    );
}
