//! `rkt enter`: commands in apps of running pods.

mod support;

use support::World;

/// A pod that is killed if the test fails.
struct Pod(std::process::Child);

impl Drop for Pod {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_command_runs_in_the_app_that_is_named_or_the_only_one() {
    let Some(world) = World::new() else { return };
    let image = world.build("calm", "1.0.0", &["/bin/busybox", "sleep", "1000"]);
    let id = world.import(&image);
    let start = |file: &str, more: &[&str]| {
        let file = world.env.path(file);
        let pod = world
            .rkt_command()
            .args(["run", "--net=none"])
            .arg(format!("--uuid-file-save={}", file.display()))
            .args(more)
            .spawn()
            .expect("rkt run");
        let pod = Pod(pod);
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
        loop {
            if let Ok(uuid) = std::fs::read_to_string(&file)
                && world.rkt(["status", "--wait-ready=20s", &uuid]).status == 0
            {
                return (pod, uuid);
            }
            assert!(
                std::time::Instant::now() < deadline,
                "the pod does not start"
            );
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    };
    let (one, single) = start("one", &[&id, "--user=33", "--environment=COLOUR=blue"]);
    let (two, pair) = start("two", &[&id, "--name=a", "---", &id, "--name=b"]);

    // Flags behind the UUID are the command's; the exit status is too.
    let script = "busybox id -u; echo $COLOUR $AC_APP_NAME; exit 7";
    let shell = ["enter", &single, "/bin/busybox", "sh", "-c", script];
    let outcome = world.rkt(shell).expect(7);
    assert_eq!(outcome.stdout, "33\nblue calm\n", "{outcome}");
    let short = &single[..8];
    let version = ["enter", short, "--", "/bin/busybox", "echo", "--app=x"];
    assert_eq!(world.rkt(version).expect(0).stdout, "--app=x\n");

    let none = world.rkt(["enter", &single]).expect(203);
    let line = "enter: no command specified, assuming \"/bin/bash\"\n";
    assert!(none.stderr.starts_with(line), "{none}");
    none.says("no such file in the image");

    let several = world
        .rkt(["enter", &pair, "/bin/busybox", "true"])
        .expect(254);
    let lines = "enter: pod contains multiple apps:\n\ta\n\tb\n\
                 enter: specify app using \"rkt enter --app= ...\"";
    assert!(several.stderr.starts_with(lines), "{several}");
    let named = [
        "enter",
        "--app=b",
        &pair,
        "/bin/busybox",
        "sh",
        "-c",
        "echo $AC_APP_NAME",
    ];
    assert_eq!(world.rkt(named).expect(0).stdout, "b\n");
    world
        .rkt(["enter", "--app=c", &pair, "/bin/busybox", "true"])
        .expect(254)
        .says("no app \"c\" in pod");

    world.rkt(["stop", &single, &pair]).expect(0);
    for uuid in [&single, &pair] {
        // Asked to stop is not yet stopped.
        world.rkt(["status", "--wait", uuid]).expect(0);
    }
    drop((one, two));
    world
        .rkt(["enter", &single, "/bin/busybox", "true"])
        .expect(254)
        .says("is not running");
    world
        .rkt(["enter", "00000000-0000-4000-8000-000000000000", "true"])
        .expect(254);
    world.gc();
}
