//! Images that depend on others.

use std::sync::mpsc;
use std::time::Duration;

use gantry_store::{ImageRecord, TreeId};
use gantry_testkit::web::Hook;
use gantry_types::{Diagnostic, ImageId, Kind};

use super::super::{FetchError, PullPolicy};
use super::world::{World, aci, chain, population, request, tar_entry};

/// A manifest member that names these images, each with further members of its own.
fn on(images: &[(&str, &str)]) -> String {
    let one =
        |(name, more): &(&str, &str)| format!(r#"{{"imageName":"example.test/{name}"{more}}}"#);
    let all: Vec<String> = images.iter().map(one).collect();
    format!(r#","dependencies":[{}]"#, all.join(","))
}

impl World {
    /// Serves `example.test/NAME:1`, unsigned.
    fn image(&self, name: &str, more: &str) -> Vec<u8> {
        let image = aci(&format!("example.test/{name}"), "1", more, name.len());
        self.serve(name, &image, None);
        image
    }

    fn get(&self, name: &str) -> Result<ImageRecord, FetchError> {
        let id = self.fetch_insecure(&format!("example.test/{name}"))?;
        Ok(self.record(&id))
    }

    fn downloads(&self, path: &str) -> usize {
        let log = self.server.take_log();
        log.iter().filter(|request| request.target == path).count()
    }
}

fn id_of(image: &[u8]) -> ImageId {
    let mut reader = gantry_archive::digest::Sha512Reader::new(image);
    std::io::copy(&mut reader, &mut std::io::sink()).unwrap();
    ImageId::from_digest(reader.finish().1)
}

/// Names in the flat list, with their levels.
fn shown(world: &World, record: &ImageRecord) -> String {
    let place = |place: &gantry_types::render::FlatImage| {
        let name = world.record(&place.id).name;
        format!(
            "{}{}",
            name.as_str().trim_start_matches("example.test/"),
            place.level
        )
    };
    let list = record.flat_list();
    list.places()
        .iter()
        .map(place)
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn dependencies_come_along_and_circles_are_refused() {
    let Some(world) = World::new() else { return };
    world.trust("example.test", &world.owner);
    let signed = |name: &str, below: &str| {
        let below = match below {
            "" => String::new(),
            below => on(&[(below, "")]),
        };
        let image = aci(&format!("example.test/{name}"), "1", &below, 0);
        world.serve_signed(name, &image, &world.owner);
    };
    signed("base", "");
    signed("app", "base");
    let id = world.fetch("example.test/app").unwrap();
    let base = world.fetch("example.test/base").unwrap();
    let record = world.record(&id);
    assert_eq!(record.trees.len(), 2);
    assert_eq!(record.trees[1], world.record(&base).trees[0]);
    assert_eq!(record.rendered, None);
    signed("a", "b");
    signed("b", "a");
    world.assert_refused(
        "example.test/a",
        "image example.test/a depends on itself: example.test/a -> example.test/b -> example.test/a",
    );
    signed("self", "self");
    world.assert_refused(
        "example.test/self",
        "example.test/self -> example.test/self",
    );
    signed("c", "missing");
    let error = world.fetch("example.test/c").unwrap_err();
    assert!(chain(&error).contains("cannot fetch dependency example.test/missing"));
}

#[test]
fn a_dependency_that_nobody_checked_shows() {
    let Some(world) = World::new() else { return };
    world.trust("example.test", &world.owner);
    world.image("base", "");
    world.get("base").unwrap();
    let app = aci("example.test/app", "1", &on(&[("base", "")]), 0);
    world.serve_signed("app", &app, &world.owner);
    let (result, log) = world.run(&request("example.test/app", PullPolicy::New, "none"));
    result.unwrap();
    let warning = "warning: dependency example.test/base:1 of example.test/app was not checked when it \
                   was fetched with --insecure-options=image";
    assert!(
        log.notices.iter().any(|notice| notice == warning),
        "{:?}",
        log.notices
    );
}

#[test]
fn an_image_that_two_need_is_fetched_once_and_has_two_places() {
    let Some(world) = World::new() else { return };
    world.image("d", "");
    world.image("b", &on(&[("d", "")]));
    world.image("c", &on(&[("d", "")]));
    world.image("a", &on(&[("b", ""), ("c", "")]));
    let record = world.get("a").unwrap();
    assert_eq!(shown(&world, &record), "a0 c1 d2 b1 d2");
    assert_eq!(record.trees.len(), 4);
    assert_eq!(world.downloads("/d.aci"), 1);
}

#[test]
fn an_image_id_decides_and_nothing_else() {
    let Some(world) = World::new() else { return };
    let old = aci("example.test/base", "1", "", 1);
    world.serve("base", &old, None);
    world.get("base").unwrap();
    let new = aci("example.test/base", "2", "", 2);
    world.serve("base", &new, None);
    let update = request("example.test/base", PullPolicy::Update, "image");
    assert_eq!(world.run(&update).0.unwrap(), id_of(&new));
    let pin = |id: &str| format!(r#","imageID":"{id}""#);
    // Whatever the name leads to by now, and even under another one.
    for (name, id) in [
        ("base", id_of(&old).to_string()),
        ("other", id_of(&old).key()),
    ] {
        let app = format!("app-{name}");
        world.image(&app, &on(&[(name, &pin(&id))]));
        let record = world.get(&app).unwrap();
        assert_eq!(record.flat_list().distinct()[1], id_of(&old));
    }
    // Not in the store: looked for by name, in spite of the image of that name that is.
    let next = aci("example.test/base", "3", "", 3);
    world.serve("base", &next, None);
    world.image(
        "app-next",
        &on(&[("base", &pin(&id_of(&next).to_string()))]),
    );
    let record = world.get("app-next").unwrap();
    assert_eq!(record.flat_list().distinct()[1], id_of(&next));
    let unknown = format!("sha512-{}", "ab".repeat(64));
    world.image("app-bad", &on(&[("base", &pin(&unknown))]));
    let error = world.get("app-bad").unwrap_err();
    assert_eq!(error.kind(), Kind::Refused);
    assert!(
        error
            .to_string()
            .contains(&format!("but {unknown} is required")),
        "{error}"
    );
    let never = request("example.test/app-bad", PullPolicy::Never, "image");
    assert!(world.run(&never).0.is_err());
}

#[test]
fn a_size_bounds_the_download_and_has_to_be_right() {
    let Some(world) = World::new() else { return };
    let base = world.image("base", "");
    let size = |size: usize| on(&[("base", &format!(r#","size":{size}"#))]);
    world.image("small", &size(base.len() - 1));
    let error = chain(&world.get("small").unwrap_err());
    assert!(error.contains(&(base.len() - 1).to_string()), "{error}");
    world.server.hook("/base.aci", Hook::Endless);
    let error = chain(&world.get("small").unwrap_err());
    assert!(error.contains(&(base.len() - 1).to_string()), "{error}");
    world.server.clear_hooks();
    world.image("large", &size(base.len() + 1));
    let error = world.get("large").unwrap_err();
    let expected = format!(
        "dependency example.test/base has {} bytes, but {} are required",
        base.len(),
        base.len() + 1
    );
    assert_eq!((error.to_string(), error.kind()), (expected, Kind::Refused));
    world.image("right", &size(base.len()));
    world.get("right").unwrap();
}

#[test]
fn too_many_levels_are_refused_wherever_they_come_from() {
    let Some(world) = World::new() else { return };
    world.image("i0", "");
    for level in 1..=34 {
        world.image(
            &format!("i{level}"),
            &on(&[(&format!("i{}", level - 1), "")]),
        );
    }
    let error = chain(&world.get("i34").unwrap_err());
    assert!(
        error.contains("has dependencies more than 32 deep"),
        "{error}"
    );
    world.get("i20").unwrap();
    assert_eq!(world.get("i32").unwrap().trees.len(), 33);
    // Few of them have to be looked for, but together they are too many.
    let error = world.get("i33").unwrap_err();
    assert!(
        chain(&error).contains("more than 32 deep"),
        "{}",
        chain(&error)
    );
    assert_eq!(error.kind(), Kind::Refused);
}

#[test]
fn two_fetches_of_images_that_need_each_other_both_end() {
    let Some(world) = World::new() else { return };
    world.image("a", &on(&[("b", "")]));
    world.image("b", &on(&[("a", "")]));
    let before = population(world.store.root());
    for path in ["/a.aci", "/b.aci"] {
        // Long enough for both to have one image and to want the other.
        world
            .server
            .hook(path, Hook::Delay(Duration::from_millis(200)));
    }
    let (done, ends) = mpsc::channel();
    std::thread::scope(|scope| {
        for name in ["a", "b"] {
            let (done, world) = (done.clone(), &world);
            scope.spawn(move || done.send(world.get(name).unwrap_err()));
        }
        for _ in 0..2 {
            // A fetch that waits for ever would keep the scope open, so the whole test ends here.
            let Ok(error) = ends.recv_timeout(Duration::from_secs(60)) else {
                std::process::abort();
            };
            assert_eq!(error.kind(), Kind::Refused);
            let text = error.to_string();
            let known = ["depends on itself", "depend on each other"];
            assert!(known.iter().any(|known| text.contains(known)), "{text}");
        }
    });
    assert_eq!(population(world.store.root()), before);
}

#[test]
fn a_name_that_leads_to_the_image_that_asks_for_it_ends() {
    let Some(world) = World::new() else { return };
    world.image("a", &on(&[("b", "")]));
    let tag =
        "<meta name=\"ac-discovery\" content=\"example.test/b https://example.test/a.{ext}\">";
    world.server.put_discovery("/b", tag);
    let error = world.get("a").unwrap_err();
    assert_eq!(
        error.to_string(),
        "example.test/b and an image that depends on it depend on each other"
    );
}

#[test]
fn a_later_fetch_takes_the_dependencies_of_its_time() {
    let Some(world) = World::new() else { return };
    let old = world.image("base", "");
    world.image("app", &on(&[("base", "")]));
    assert_eq!(
        world.get("app").unwrap().flat_list().distinct()[1],
        id_of(&old)
    );
    let new = aci("example.test/base", "2", "", 9);
    world.serve("base", &new, None);
    let fetch = |name: &str| {
        let request = request(&format!("example.test/{name}"), PullPolicy::Update, "image");
        world.run(&request).0.unwrap()
    };
    fetch("base");
    // Sent anew, though it is the same image.
    world.server.hook("/app.aci", Hook::NoValidators);
    let record = world.record(&fetch("app"));
    assert_eq!(record.flat_list().distinct()[1], id_of(&new));
    assert_eq!(record.trees[1], TreeId::of_images(&[id_of(&new)]));
}

/// An ACI with these files, each holding the name of the image.
fn with_files(name: &str, more: &str, files: &[&str]) -> Vec<u8> {
    let whole = aci(&format!("example.test/{name}"), "1", more, 0);
    // Without its last two files and the end.
    let mut tar = whole[..whole.len() - 1024 - 512 - 1024].to_vec();
    for file in files {
        tar_entry(&mut tar, &format!("rootfs/{file}"), b'0', name.as_bytes());
    }
    tar.resize(tar.len() + 1024, 0);
    tar
}

#[test]
fn what_an_overlay_cannot_show_is_rendered_once() {
    let Some(world) = World::new() else { return };
    let list = r#","pathWhitelist":["/etc/own","/etc/base"]"#;
    let app = with_files(
        "app",
        &format!("{list}{}", on(&[("base", "")])),
        &["etc/own", "etc/unlisted"],
    );
    world.serve("app", &app, None);
    world.serve(
        "base",
        &with_files("base", "", &["etc/own", "etc/base", "bin/tool"]),
        None,
    );
    let record = world.get("app").unwrap();
    let rendered = record.rendered.clone().unwrap();
    let tree = world.store.tree_path(&rendered);
    let read = |path: &str| std::fs::read_to_string(tree.join("rootfs").join(path));
    assert_eq!(read("etc/own").unwrap(), "app");
    assert_eq!(read("etc/base").unwrap(), "base");
    assert!(read("etc/unlisted").is_err() && read("bin/tool").is_err() && read("hello").is_err());
    assert!(
        std::fs::read(tree.join("manifest"))
            .unwrap()
            .starts_with(b"{\"acKind\"")
    );
    // Nothing is left to do, and nothing left behind, when it comes again.
    let before = population(world.store.root());
    world.server.hook("/app.aci", Hook::NoValidators);
    world
        .run(&request("example.test/app", PullPolicy::Update, "image"))
        .0
        .unwrap();
    assert_eq!(population(world.store.root()), before);
    // A lost tree is not taken for one that is there.
    std::fs::remove_dir_all(&tree).unwrap();
    world
        .run(&request("example.test/app", PullPolicy::Update, "image"))
        .0
        .unwrap();
    assert_eq!(read("etc/own").unwrap(), "app");
    // Removed together with its image, while the other image keeps what is its own.
    let nothing = &mut || Ok(gantry_store::InUse::default());
    world.store.remove(&record.id, nothing).unwrap();
    assert!(!tree.exists() && !world.store.has_tree(&record.trees[0]));
    assert!(world.store.has_tree(&record.trees[1]));
}

#[test]
fn a_whitelist_counts_without_dependencies_too() {
    let Some(world) = World::new() else { return };
    let list = r#","pathWhitelist":["/etc/own"]"#;
    world.serve(
        "app",
        &with_files("app", list, &["etc/own", "etc/other"]),
        None,
    );
    let record = world.get("app").unwrap();
    let rendered = record.rendered.clone().unwrap();
    assert_ne!(rendered, record.trees[0]);
    let root = world.store.tree_path(&rendered).join("rootfs");
    assert!(root.join("etc/own").exists() && !root.join("etc/other").exists());
    // One that keeps everything changes nothing.
    let list = r#","pathWhitelist":["/etc/own","/etc/other"]"#;
    world.serve(
        "all",
        &with_files("all", list, &["etc/own", "etc/other"]),
        None,
    );
    assert_eq!(world.get("all").unwrap().rendered, None);
}
