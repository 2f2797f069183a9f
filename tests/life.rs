//! The whole life of an image: built, signed, published, discovered, trusted, fetched, run, removed.

mod support;

use support::{ACTOOL, HOST, World, can_run_pods};

#[test]
fn an_image_is_refused_without_a_key_then_trusted_fetched_and_listed() {
    let Some(world) = World::new() else { return };
    let image = world.build("hello", "1.0.0", &["/bin/busybox", "true"]);
    world.sign(&image);
    world.publish("hello", "1.0.0", &image);
    let name = format!("{HOST}/hello:1.0.0");

    let found = world.env.run(ACTOOL, ["discover", &name]).expect(0);
    let base = format!("https://{HOST}/{HOST}/hello-1.0.0");
    assert!(
        found
            .stdout
            .contains(&format!("ACI: {base}.aci, ASC: {base}.aci.asc")),
        "{found}"
    );
    assert!(
        found
            .stdout
            .contains(&format!("https://{HOST}/pubkeys.asc")),
        "{found}"
    );

    world
        .rkt(["fetch", &name])
        .expect(254)
        .says("rkt trust --prefix=");
    assert_eq!(world.stored(), Vec::<String>::new());

    // Without a terminal nobody can look at the fingerprint.
    let prefix = format!("--prefix={HOST}");
    world
        .rkt(["trust", &prefix])
        .expect(254)
        .says("lack of tty");
    world
        .rkt(["trust", &prefix, "--skip-fingerprint-review"])
        .expect(0);
    let key = world
        .env
        .path(format!("etc/trustedkeys/prefix.d/{HOST}/{}", world.key));
    assert!(key.exists());

    let fetched = world.rkt(["fetch", "--full", &name]).expect(0);
    let sum = world.env.run(
        "sh",
        ["-c", &format!("gzip -dc {} | sha512sum", image.display())],
    );
    let hex = sum.stdout.split(' ').next().expect("a hash");
    assert!(
        hex.starts_with(fetched.line().trim_start_matches("sha512-")),
        "{fetched}"
    );
    let short = world.rkt(["fetch", &name]).expect(0);
    assert_eq!(short.line(), format!("sha512-{}", &hex[..32]));

    let list = world.rkt(["image", "list"]).expect(0);
    assert!(list.stdout.starts_with("ID\t"), "{list}");
    assert!(
        list.stdout.contains(&format!("sha512-{}", &hex[..12])),
        "{list}"
    );
    assert!(list.stdout.contains(&name), "{list}");
    let manifest = world.rkt(["image", "cat-manifest", &name]).expect(0);
    assert!(
        manifest
            .stdout
            .contains(&format!("\"name\": \"{HOST}/hello\"")),
        "{manifest}"
    );

    world
        .rkt(["image", "rm", &name])
        .expect(0)
        .says("1 image(s) successfully removed");
    world.rkt(["image", "gc", "--grace-period=0s"]).expect(0);
    let left: Vec<String> = world.stored();
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn a_pod_runs_with_its_output_and_exit_status_and_leaves_nothing() {
    if !can_run_pods() {
        return;
    }
    let Some(world) = World::new() else { return };
    let image = world.build("hello", "1.0.0", &["/bin/busybox", "sh", "-c"]);
    let id = world.import(&image);
    let mounts = || std::fs::read_to_string("/proc/self/mountinfo").expect("mountinfo");
    let before = mounts();

    let ran = world
        .rkt([
            "run",
            "--net=host",
            &id,
            "--",
            "echo out; echo err >&2; exit 7",
        ])
        .expect(7);
    assert!(
        ran.stdout.contains("out") && ran.stderr.contains("err"),
        "{ran}"
    );
    let pods = world.pods();
    assert_eq!(pods.len(), 1, "{pods:?}");
    let uuid = pods[0]
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .expect("a UUID")
        .to_owned();

    let status = world.rkt(["status", &uuid]).expect(0);
    assert!(status.stdout.contains("state=exited"), "{status}");
    assert!(status.stdout.contains("app-hello=7"), "{status}");
    let list = world.rkt(["list"]).expect(0);
    assert!(
        list.stdout.contains(&uuid[..8]) && list.stdout.contains("exited"),
        "{list}"
    );
    let removed = world.rkt(["rm", &uuid[..8]]).expect(0);
    assert_eq!(removed.line(), format!("\"{uuid}\""));
    assert_eq!(world.pods(), Vec::<String>::new());
    world.rkt(["list", "--format=json"]).expect(0);
    assert_eq!(mounts(), before);
}

#[test]
fn two_apps_share_loopback_and_a_volume_until_the_pod_is_stopped() {
    if !can_run_pods() {
        return;
    }
    let Some(world) = World::new() else { return };
    let image = world.build_with(
        "pair",
        "1.0.0",
        &["/bin/busybox", "sh", "-c"],
        &[&["mount", "add", "data", "/data"]],
    );
    let id = world.import(&image);
    let serve = "echo shared >/data/page; exec /bin/busybox httpd -f -p 127.0.0.1:8080 -h /data";
    let ask = "for i in 1 2 3 4 5 6 7 8 9 10; do \
               /bin/busybox wget -q -O /data/answer http://127.0.0.1:8080/page && exit 0; \
               /bin/busybox sleep 0.3; done; exit 1";
    let uuid_file = world.env.path("uuid");
    let mut pod = world
        .rkt_command()
        .args(["run", "--net=none", "--volume=data,kind=empty,mode=0777"])
        .arg(format!("--uuid-file-save={}", uuid_file.display()))
        .args([
            &id,
            "--name=server",
            "--",
            serve,
            "---",
            &id,
            "--name=client",
            "--",
            ask,
        ])
        .spawn()
        .expect("rkt run");
    let status_of = |uuid: &str| {
        world
            .rkt(["status", "--wait-ready=20s", uuid])
            .expect(0)
            .stdout
    };
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    let uuid = loop {
        if let Ok(uuid) = std::fs::read_to_string(&uuid_file)
            && world.rkt(["status", &uuid]).status == 0
        {
            break uuid;
        }
        assert!(
            std::time::Instant::now() < deadline,
            "the pod does not start"
        );
        std::thread::sleep(std::time::Duration::from_millis(50));
    };
    let volume = world
        .env
        .path(format!("rkt/pods/run/{uuid}/sharedVolumes/data/answer"));
    while !volume.exists() {
        assert!(
            std::time::Instant::now() < deadline,
            "the client got no answer\n{}",
            status_of(&uuid)
        );
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert!(status_of(&uuid).contains("state=running"));
    world.rkt(["rm", &uuid]).expect(254).says("running");

    let stopped = world.rkt(["stop", &uuid]).expect(0);
    assert_eq!(stopped.line(), format!("\"{uuid}\""));
    let _ = pod.wait().expect("the pod ends");
    let status = world.rkt(["status", "--wait", &uuid]).expect(0);
    assert!(status.stdout.contains("app-client=0"), "{status}");
    let again = world.rkt(["stop", &uuid]).expect(0);
    assert_eq!(again.line(), format!("pod \"{uuid}\" is already stopped"));
    world.gc();
    assert_eq!(world.pods(), Vec::<String>::new());
}
