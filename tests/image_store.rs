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

#[test]
fn the_store_is_kept_below_a_size_by_last_use() {
    let Some(world) = World::new() else { return };
    let [old, new] = two(&world);
    let gc = |arguments: &[&str]| {
        let all = ["image", "gc"].into_iter().chain(arguments.iter().copied());
        world.rkt(all)
    };
    let removed = |id: &str| format!("successfully removed aci for image: \"{id}\"\n");
    assert_eq!(gc(&["--keep-storage=10GiB"]).expect(0).stdout, "");
    // The first is used later than the second.
    let out = world.env.path("out.aci");
    world
        .rkt(["image", "export", &old, out.to_str().unwrap()])
        .expect(0);
    let size = world
        .env
        .run(
            "du",
            ["-s", "-B1", world.env.path("rkt/store").to_str().unwrap()],
        )
        .expect(0)
        .stdout;
    let size: u64 = size.split_whitespace().next().unwrap().parse().unwrap();
    let bound = format!("--keep-storage={}", size - 1);
    let outcome = gc(&[&bound])
        .expect(0)
        .says("gc: 1 image(s) successfully removed");
    assert_eq!(outcome.stdout, removed(&new));
    let outcome = gc(&["--keep-storage=0", "--grace-period=24h"])
        .expect(0)
        .says("the store still takes");
    assert_eq!(outcome.stdout, removed(&old));
    assert_eq!(world.stored(), Vec::<String>::new());
    gc(&["--keep-storage=much"])
        .expect(254)
        .says("a size is a number");
}

#[test]
fn images_are_imported_from_a_pipe_as_they_are_fetched_from_a_file() {
    let Some(world) = World::new() else { return };
    let image = world.build("hello", "1.0.0", &["/bin/busybox", "true"]);
    world.sign(&image);
    let piped = |arguments: &[&str]| {
        let mut command = world.rkt_command();
        command
            .args(arguments)
            .args(["image", "import", "--full", "-"]);
        command.stdin(fs::File::open(&image).unwrap());
        world.env.outcome(&mut command)
    };
    piped(&[])
        .expect(254)
        .says("no signature lies beside standard input");
    let signature = format!("--signature={}.asc", image.display());
    let signed = ["image", "import", "--full", signature.as_str(), "-"];
    let from = |file: &Path| {
        let mut command = world.rkt_command();
        command.args(signed).stdin(fs::File::open(file).unwrap());
        world.env.outcome(&mut command)
    };
    from(&image).expect(254);
    world.publish("hello", "1.0.0", &image);
    world.trust();
    let id = from(&image).expect(0).line().to_owned();
    let name = "example.test/hello:1.0.0";
    let verdict = ["image", "list", "--no-legend", "--fields=verdict"];
    assert!(
        world
            .rkt(verdict)
            .expect(0)
            .stdout
            .starts_with("signed by ")
    );
    // Cut short on the way: nothing of it stays.
    world.rkt(["image", "rm", &id]).expect(0);
    let mut bytes = fs::read(&image).unwrap();
    bytes.truncate(bytes.len() / 2);
    let cut = world.env.write("cut", bytes);
    from(&cut).expect(254);
    assert_eq!(world.stored(), Vec::<String>::new());
    assert_eq!(piped(&["--insecure-options=image"]).expect(0).line(), id);
    world.rkt(["image", "verify", name]).expect(0);
    damage(&blobs(&world)[0]);
    world
        .rkt(["image", "verify", "--repair", name])
        .expect(254)
        .says("names no place that it came from");
    world.rkt(["image", "rm", name]).expect(0);
    let file = image.to_str().unwrap();
    assert_eq!(
        world
            .rkt(["image", "import", "--full", file])
            .expect(0)
            .line(),
        id
    );
}

#[test]
fn the_store_of_the_original_is_imported_as_unchecked_or_not_at_all() {
    let Some(world) = World::new() else { return };
    let base = world.build("base", "1.0.0", &["/bin/busybox", "true"]);
    let dependency = ["dependency", "add", "example.test/base"];
    let app = world.build_with("app", "1.0.0", &["/bin/busybox", "true"], &[&dependency]);
    let mut keys = Vec::new();
    for image in [&app, &base] {
        let script = "gzip -dc \"$1\" > plain; key=$(sha512sum plain | cut -c1-64); \
                      two=$(echo $key | cut -c1-2); \
                      mkdir -p old/cas/blob/sha512/$two old/cas/imageManifest/sha512/$two; \
                      tar -xOf plain manifest > old/cas/imageManifest/sha512/$two/sha512-$key; \
                      mv plain old/cas/blob/sha512/$two/sha512-$key; echo sha512-$key";
        let mut command = world.env.command("sh");
        command.args(["-ec", script, "sh"]).arg(image);
        command.current_dir(world.env.root());
        keys.push(world.env.outcome(&mut command).expect(0).line().to_owned());
    }
    let old = world.env.path("old");
    let old = old.to_str().unwrap();
    world
        .rkt(["image", "import", old])
        .expect(254)
        .says("has no signatures")
        .says("--insecure-options=image");
    let import = ["--insecure-options=image", "image", "import", "--full", old];
    let outcome = world.rkt(import).expect(0);
    // What is needed comes first.
    assert_eq!(outcome.stdout, format!("{}\n{}\n", keys[1], keys[0]));
    let verdict = ["image", "list", "--no-legend", "--fields=name,verdict"];
    let list = world.rkt(verdict).expect(0).stdout;
    let marked = "not checked (cas import: --insecure-options=image)";
    assert_eq!(list.matches(marked).count(), 2, "{list}");
    let again = world.rkt(import).expect(0);
    assert_eq!(again.stdout, outcome.stdout);
    let blob = world.env.path(format!(
        "old/cas/blob/sha512/{}/{}",
        &keys[0][7..9],
        keys[0]
    ));
    damage(&blob);
    let partly = world
        .rkt(import)
        .expect(254)
        .says("it is damaged")
        .says(&keys[0])
        .says("1 image(s) could not be imported");
    assert_eq!(partly.line(), keys[1]);
}

#[test]
fn signatures_for_the_images_of_the_original_are_taken_from_a_directory() {
    let Some(world) = World::new() else { return };
    let cas = world.env.path("cas");
    let signatures = world.env.path("signatures");
    fs::create_dir(&signatures).unwrap();
    let names = ["good", "wrong", "without"];
    for name in names {
        let image = world.build(name, "1.0.0", &["/bin/busybox", "true"]);
        let id = world.import(&image);
        let key = id.strip_prefix("sha512-").unwrap();
        let blob = cas.join(format!("blob/sha512/{}/sha512-{key}", &key[..2]));
        fs::create_dir_all(blob.parent().unwrap()).unwrap();
        world
            .rkt(["image", "export", &id, blob.to_str().unwrap()])
            .expect(0);
        world.rkt(["image", "rm", &id]).expect(0);
        let signature = match name {
            "good" => world.gpg.detach_sign(&world.key, &blob),
            "wrong" => world.gpg.detach_sign(&world.key, &image),
            _ => continue,
        };
        fs::write(signatures.join(format!("sha512-{key}.asc")), signature).unwrap();
    }
    world.trust();
    let import = [
        "image",
        "import",
        "--signature",
        signatures.to_str().unwrap(),
        cas.to_str().unwrap(),
    ];
    let imported = world
        .rkt(import)
        .expect(254)
        .says("2 image(s) could not be imported");
    assert_eq!(imported.stdout.lines().count(), 1, "{imported}");
    let list = ["image", "list", "--no-legend", "--fields=name,verdict"];
    let listed = world.rkt(list).expect(0).stdout;
    assert!(listed.starts_with("example.test/good:1.0.0"), "{listed}");
    assert!(
        listed.contains(&format!("signed by {}", world.key)),
        "{listed}"
    );
    assert_eq!(listed.lines().count(), 1, "{listed}");
}

#[test]
fn a_fetch_that_comes_upon_a_damaged_blob_mends_it_or_says_how() {
    let Some(world) = World::new() else { return };
    let image = world.build("app", "1.0.0", &["/bin/busybox", "true"]);
    world.sign(&image);
    world.publish("app", "1.0.0", &image);
    world.trust();
    let name = "example.test/app:1.0.0";
    let id = world.rkt(["fetch", name]).expect(0).line().to_owned();
    let blobs = world.env.path("rkt/store/blobs/sha512");
    let whole = fs::read(&image).unwrap();
    let blob = fs::read_dir(&blobs)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| fs::read(path).unwrap() == whole)
        .unwrap();
    let cut = || fs::write(&blob, &whole[..whole.len() / 2]).unwrap();
    cut();
    for arguments in [
        &["fetch", "--pull-policy=new", name] as &[&str],
        &["fetch", &id],
    ] {
        world
            .rkt(arguments)
            .expect(0)
            .says("is damaged or missing; `rkt image verify --repair");
    }
    let file = image.to_str().unwrap();
    for arguments in [["fetch", name], ["fetch", file]] {
        cut();
        world.rkt(arguments).expect(0);
        assert!(fs::read(&blob).unwrap() == whole, "{arguments:?}");
        world.rkt(["image", "verify", name]).expect(0);
        fs::remove_file(&blob).unwrap();
        world.rkt(arguments).expect(0);
        world.rkt(["image", "verify", name]).expect(0);
    }
    // What is whole is left alone, and nothing is said.
    let again = world.rkt(["fetch", "--pull-policy=new", name]).expect(0);
    assert_eq!(again.stderr, "");
}
