//! `rkt image …`: what looks after the images of the store.

mod support;

use std::fs;

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
