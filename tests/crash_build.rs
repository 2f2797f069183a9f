//! Builds killed, or refused, at random system calls: the file is the old one, the new one or not there, and
//! the next build works.

mod support;

use support::disturb::disturb;
use support::fault::can_trace;
use support::golden::remove;
use support::{ACBUILD, ACTOOL, World, again};

#[test]
fn a_disturbed_build() {
    if !can_trace() {
        return;
    }
    let Some(world) = World::new() else { return };
    let old = world.build("old", "1.0.0", &["/bin/busybox", "true"]);
    let layout = world.env.path("layout");
    world.env.write("layout/rootfs/file", "content\n");
    let manifest = r#"{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.test/new"}"#;
    world.env.write("layout/manifest", manifest);
    let work = world.env.path("context");
    std::fs::create_dir(&work).expect("a folder");
    let acbuild = |arguments: &[&str]| {
        let mut command = world.env.command(ACBUILD);
        command
            .arg(format!("--work-path={}", work.display()))
            .args(arguments);
        command
    };
    for arguments in [
        &["begin"] as &[&str],
        &["set-name", "example.test/new"],
        &["copy", layout.to_str().expect("UTF-8"), "/layout"],
    ] {
        world.env.outcome(&mut acbuild(arguments)).expect(0);
    }
    let out = world.env.path("out");
    let target = out.join("image.aci");
    let file = target.to_str().expect("UTF-8");
    let mut actool = world.env.command(ACTOOL);
    actool.args([
        "build",
        "--overwrite",
        layout.to_str().expect("UTF-8"),
        file,
    ]);
    for (name, command) in [
        ("acbuild write", acbuild(&["write", "--overwrite", file])),
        ("actool build", actool),
    ] {
        for replaces in [false, true] {
            let begin = || {
                remove(&out);
                std::fs::create_dir(&out).expect("a folder");
                if replaces {
                    std::fs::copy(&old, &target).expect("an older image");
                }
            };
            begin();
            again(&world, &command, "");
            let [old, new] = [&old, &target].map(|path| std::fs::read(path).expect("an image"));
            let shown = format!("{name}, replaces: {replaces}");
            disturb(&world, &shown, &begin, &command, &|ending, _| {
                match std::fs::read(&target) {
                    Ok(bytes) => assert!(bytes == new || replaces && bytes == old),
                    Err(_) => assert!(!replaces),
                }
                if ending.status == 0 {
                    assert!(std::fs::read(&target).expect("the image") == new);
                }
                again(&world, &command, "");
                assert!(std::fs::read(&target).expect("the image") == new);
                assert_eq!(world.env.tree("out"), ["image.aci"]);
            });
        }
    }
}
