//! `rkt image …`: what looks after the images of the store.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::World;

/// Two images of one name, and their IDs.
fn two(world: &World) -> [String; 2] {
    ["1.0.0", "2.0.0"].map(|version| {
        let image = world.build("hello", version, &["/bin/busybox", "true"]);
        world.import(&image)
    })
}

#[test]
fn images_are_listed_as_the_original_lists_them() {
    let Some(world) = World::new() else { return };
    let list = |arguments: &[&str]| {
        let all = ["image", "list"].iter().chain(arguments);
        world.rkt(all)
    };
    assert_eq!(list(&["--format=json"]).expect(0).stdout, "null\n");
    assert_eq!(
        list(&[]).expect(0).stdout,
        "ID\tNAME\tSIZE\tIMPORT TIME\tLAST USED\n"
    );
    let [old, new] = two(&world);
    let names = list(&["--no-legend", "--fields=NAME", "--sort=name,importtime"]).expect(0);
    let expected = "example.test/hello:1.0.0\nexample.test/hello:2.0.0\n";
    assert_eq!(names.stdout, expected);
    let ids = list(&["--no-legend", "--fields=id,verdict", "--order=desc"]).expect(0);
    let line = |id: &str| format!("{}\tnot checked (--insecure-options=image)\n", &id[..19]);
    assert_eq!(ids.stdout, format!("{}{}", line(&new), line(&old)));
    let full = list(&["--no-legend", "--full", "--fields=id,size,importtime"]).expect(0);
    let cells: Vec<&str> = full.stdout.lines().next().unwrap().split('\t').collect();
    assert_eq!(cells[0].len(), 71);
    assert!(cells[1].parse::<u64>().unwrap() > 1000, "{full}");
    let json = list(&["--format=json", "--fields=id"]).expect(0).stdout;
    for key in ["id", "name", "import_time", "last_used_time", "size"] {
        assert!(json.contains(&format!("\"{key}\":")), "{json}");
    }
    let pretty = list(&["--format=json-pretty"]).expect(0).stdout;
    assert!(pretty.starts_with("[\n\t{\n\t\t\""), "{pretty}");
    for (bad, text) in [
        ("--fields=latest", "unknown option \"latest\""),
        ("--fields=id,id", "duplicated option \"id\""),
        ("--sort=id", "unknown option \"id\""),
        ("--order=up", "wrong sort order"),
    ] {
        list(&[bad]).expect(254).says(text);
    }
}

#[test]
fn an_image_is_exported_and_what_is_there_is_kept() {
    let Some(world) = World::new() else { return };
    let image = world.build("hello", "1.0.0", &["/bin/busybox", "true"]);
    let id = world.import(&image);
    let (plain, received) = (world.env.path("plain.aci"), world.env.path("received.aci"));
    let [plain_text, received_text] = [&plain, &received].map(|path| path.to_str().unwrap());
    world.rkt(["image", "export", &id, plain_text]).expect(0);
    let name = "example.test/hello:1.0.0";
    world
        .rkt(["image", "export", "--as-received", name, received_text])
        .expect(0);
    assert!(fs::read(&received).unwrap() == fs::read(&image).unwrap());
    let sum = world.env.run("sha512sum", [plain_text]).expect(0).stdout;
    assert!(sum.starts_with(&id["sha512-".len()..]), "{sum} {id}");
    world
        .rkt(["image", "export", &id, received_text])
        .expect(254)
        .says("export: output ACI file exists (try --overwrite)");
    world
        .rkt(["image", "export", "--overwrite", &id, received_text])
        .expect(0);
    assert!(fs::read(&received).unwrap() == fs::read(&plain).unwrap());
    world
        .rkt(["image", "export", "sha512-00", plain_text])
        .expect(254)
        .says("no image IDs found");
}

/// The blobs of the store, largest first.
fn blobs(world: &World) -> Vec<PathBuf> {
    let dir = world.env.path("rkt/store/blobs/sha512");
    let entries = fs::read_dir(dir).expect("blobs");
    let mut blobs: Vec<PathBuf> = entries.map(|entry| entry.expect("a blob").path()).collect();
    blobs.sort_by_key(|path| std::cmp::Reverse(fs::metadata(path).expect("a blob").len()));
    blobs
}

fn damage(path: &Path) {
    let mut bytes = fs::read(path).expect("a blob");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::remove_file(path).expect("a blob");
    fs::write(path, bytes).expect("a blob");
}

#[test]
fn damage_is_found_named_and_mended() {
    let Some(world) = World::new() else { return };
    let image = world.build("hello", "1.0.0", &["/bin/busybox", "true"]);
    let id = world.import(&image);
    let name = "example.test/hello:1.0.0";
    let good = format!("successfully verified checksum for image: \"{name}\" (\"{id}\")\n");
    let verify = |arguments: &[&str]| {
        let all = ["image", "verify", name]
            .into_iter()
            .chain(arguments.iter().copied());
        world.rkt(all)
    };
    assert_eq!(verify(&[]).expect(0).stdout, good);
    let tree = fs::read_dir(world.env.path("rkt/store/trees")).unwrap();
    let tree = tree.map(|entry| entry.unwrap().path()).next().unwrap();
    fs::write(tree.join("rootfs/bin/busybox"), "worm").unwrap();
    let rebuilt = verify(&[]).expect(0);
    let expected = format!(
        "tree cache verification failed for image {name}: \"bin/busybox\": size, content, mtime;  rebuilding...\n"
    );
    assert_eq!(rebuilt.stdout, expected);
    assert_eq!(verify(&[]).expect(0).stdout, good);

    let blob = blobs(&world).remove(0);
    damage(&blob);
    let digest = blob.file_name().unwrap().to_str().unwrap();
    let found = verify(&[]).expect(254).says(digest).says("--repair");
    assert_eq!(found.stdout, "");
    let json = verify(&["--format=json"]).expect(254).stdout;
    assert!(
        json.contains("\"state\":\"damaged\"") && json.contains("\"good\":false"),
        "{json}"
    );
    let original = fs::read(&image).unwrap();
    fs::write(&image, "other").unwrap();
    verify(&["--repair"])
        .expect(254)
        .says("has other bytes now");
    fs::write(&image, original).unwrap();
    let mended = verify(&["--repair"])
        .expect(0)
        .says("was fetched again from");
    assert_eq!(mended.stdout, good);
    let json = verify(&["--format=json-pretty"]).expect(0).stdout;
    assert!(json.contains("\"state\": \"good\""), "{json}");
    world
        .rkt(["image", "verify", "example.test/none", name])
        .expect(254)
        .says("no image named \"example.test/none\"");
}

#[test]
fn blob_and_signature_are_fetched_again_from_the_server() {
    let Some(world) = World::new() else { return };
    let image = world.build("hello", "1.0.0", &["/bin/busybox", "true"]);
    world.sign(&image);
    world.publish("hello", "1.0.0", &image);
    world.trust();
    let name = "example.test/hello:1.0.0";
    world.rkt(["fetch", name]).expect(0);
    let before: Vec<_> = blobs(&world)
        .iter()
        .map(|path| fs::read(path).unwrap())
        .collect();
    assert_eq!(before.len(), 2);
    blobs(&world).iter().for_each(|path| damage(path));
    world.rkt(["image", "verify", name]).expect(254);
    world.rkt(["image", "verify", "--repair", name]).expect(0);
    let after: Vec<_> = blobs(&world)
        .iter()
        .map(|path| fs::read(path).unwrap())
        .collect();
    assert!(after == before);
    // Missing altogether, and nobody there who has it.
    fs::remove_file(&blobs(&world)[0]).unwrap();
    world
        .server
        .put("/example.test/hello-1.0.0.aci", "something else");
    world
        .rkt(["image", "verify", "--repair", name])
        .expect(254)
        .says("it is missing")
        .says("has other bytes now");
    assert_eq!(blobs(&world).len(), 1);
}
