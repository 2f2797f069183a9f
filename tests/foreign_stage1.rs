//! Pods that are run by a stage1 which is an image, by rkt's interface.
//!
//! Source: rkt 1.30, Documentation/devel/stage1-implementors-guide.md.

mod support;

use std::path::PathBuf;
use std::process::Stdio;

use support::{ACTOOL, World, can_run_pods};

/// Notes how it was called and by whom, and does with the app what a chroot does.
const RUN: &str = r#"#!/bin/sh
{
	echo "run $*"
	pwd
	readlink "/proc/self/fd/$RKT_LOCK_FD"
	echo "$0"
	echo "$FROM_CALLER"
	ls stage1/rootfs/opt/stage2/hello/rootfs/bin
} >>"$LOG"
cat stage1/rootfs/etc/rkt-hosts >>"$LOG" 2>/dev/null
printf %s $$ >pid
mkdir -p stage1/rootfs/rkt/status
while test -e "$LOG.wait"; do sleep 0.02; done
echo 5 >stage1/rootfs/rkt/status/hello
exit 5
"#;

const STOP: &str = r#"#!/bin/sh
echo "stop $*" >>"$LOG"
rm -f "$LOG.wait"
"#;

const GC: &str = r#"#!/bin/sh
echo "gc $*" >>"$LOG"
test ! -e "$LOG.fail"
"#;

/// Builds `FILE.aci` of a stage1 with these entrypoints, for this version of the interface.
fn stage1(world: &World, name: &str, version: &str, entrypoints: &[(&str, &str)]) -> PathBuf {
    let layout = world.env.path(format!("{name}-layout"));
    let mut annotations = vec![serde_json::json!(
        {"name": "coreos.com/rkt/stage1/interface-version", "value": version}
    )];
    for (entrypoint, script) in entrypoints {
        let program = world
            .env
            .write(format!("{name}-layout/rootfs/ex/{entrypoint}"), script);
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(program, mode).expect("mode");
        annotations.push(serde_json::json!({
            "name": format!("coreos.com/rkt/stage1/{entrypoint}"),
            "value": format!("/ex/{entrypoint}"),
        }));
    }
    std::fs::create_dir_all(layout.join("rootfs")).expect("rootfs");
    let manifest = serde_json::json!({
        "acKind": "ImageManifest", "acVersion": "0.8.11", "name": format!("example.test/{name}"),
        "labels": [{"name": "version", "value": "1"}], "annotations": annotations,
    });
    world
        .env
        .write(format!("{name}-layout/manifest"), manifest.to_string());
    let file = world.env.path(format!("{name}.aci"));
    let paths = [&layout, &file].map(|path| path.display().to_string());
    world
        .env
        .run(ACTOOL, ["build", &paths[0], &paths[1]])
        .expect(0);
    file
}

#[test]
fn a_pod_is_run_stopped_and_collected_by_its_own_stage1() {
    if !can_run_pods() {
        return;
    }
    let Some(mut world) = World::new() else {
        return;
    };
    let log = world.env.path("log");
    world.env.set_var("LOG", &log);
    world.env.set_var("FROM_CALLER", "yes");
    let image = world.build("hello", "1.0.0", &["/bin/busybox", "true"]);
    let id = world.import(&image);
    let file = stage1(
        &world,
        "mine",
        "5",
        &[("run", RUN), ("stop", STOP), ("gc", GC)],
    );
    let stage1_path = format!("--stage1-path={}", file.display());
    let save = format!("--uuid-file-save={}", world.env.path("uuid").display());
    let entry = "--hosts-entry=1.2.3.4=x";

    // Its signature counts like that of any other image.
    world
        .rkt(["run", &stage1_path, &id])
        .expect(254)
        .says("mine.aci");
    let mut run = vec![
        "--insecure-options=image",
        "run",
        "--net=host",
        "--hostname=h",
        entry,
        "--ipc=parent",
    ];
    run.extend([&*stage1_path, &*save, &*id]);
    let ran = world.rkt(&run).expect(5);
    ran.says("run: warning: --ipc option is not supported by stage1");
    let uuid = std::fs::read_to_string(world.env.path("uuid")).expect("UUID");
    let pod = world.env.path(format!("rkt/pods/run/{uuid}"));
    let local = world.env.path("etc");
    let text = std::fs::read_to_string(&log).expect("the log");
    let expected = format!(
        "run --net=host --local-config={} --hostname=h --dns-conf-mode=resolv=default,hosts=stage0 {uuid}\n\
         {dir}\n{dir}\n{dir}/stage1/rootfs/ex/run\nyes\nbusybox\n",
        local.display(),
        dir = pod.display(),
    );
    assert!(text.starts_with(&expected), "{text}\nexpected\n{expected}");
    assert!(text.ends_with("1.2.3.4 x\n"), "{text}");
    let status = world.rkt(["status", &uuid]).expect(0);
    assert!(
        status.stdout.contains("state=exited") && status.stdout.contains("app-hello=5"),
        "{status}"
    );
    assert!(pod.join("stage1/manifest").exists() && !pod.join("overlay").exists());

    // The pod stays until its stage1 has cleaned up.
    let fail = world.env.write("log.fail", "");
    world.rkt(["rm", &uuid]).expect(254).says("gc");
    std::fs::remove_file(fail).expect("the file");
    world.rkt(["rm", &uuid]).expect(0);
    let text = std::fs::read_to_string(&log).expect("the log");
    let last = format!("gc --local-config={} {uuid}\n", local.display());
    assert!(text.ends_with(&last), "{text}");

    // Prepared with it, run by it later; a stop goes to it.
    let prepare = [
        "--insecure-options=image",
        "prepare",
        "--quiet",
        &stage1_path,
        &id,
    ];
    let uuid = world.rkt(prepare).expect(0).line().to_owned();
    world.env.write("log.wait", "");
    let mut pod = world
        .rkt_command()
        .args(["run-prepared", "--net=none", &uuid])
        .stdout(Stdio::null())
        .spawn()
        .expect("rkt run-prepared");
    let number = world.env.path(format!("rkt/pods/run/{uuid}/pid"));
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while !number.exists() {
        assert!(
            std::time::Instant::now() < deadline,
            "the pod does not start"
        );
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let status = world.rkt(["status", &uuid]).expect(0);
    assert!(
        status.stdout.contains(&format!("pid={}", pod.id())),
        "{status}"
    );
    world.rkt(["stop", "--force", &uuid]).expect(0);
    assert_eq!(pod.wait().expect("the end").code(), Some(5));
    let text = std::fs::read_to_string(&log).expect("the log");
    assert!(text.ends_with(&format!("stop --force {uuid}\n")), "{text}");
    world.gc();
    assert_eq!(world.pods(), Vec::<String>::new());
}

#[test]
fn a_stage1_is_named_once_and_has_a_way_to_run() {
    if !can_run_pods() {
        return;
    }
    let Some(world) = World::new() else { return };
    let image = world.build("hello", "1.0.0", &["/bin/busybox", "true"]);
    let id = world.import(&image);
    let none = stage1(&world, "none", "5", &[("stop", STOP)]);
    let none_id = world.import(&none);
    let rows: &[(&[&str], i32, &str)] = &[
        (
            &["--stage1-name=a", "--stage1-path=b"],
            254,
            "flags --stage1-name and --stage1-path are mutually exclusive",
        ),
        (
            &["--stage1-path=a", "--stage1-path=b"],
            254,
            "--stage1-path already used",
        ),
        (
            &["--stage1-path=/absent/other.aci"],
            254,
            "/absent/other.aci",
        ),
        (&["--stage1-from-dir=other.aci"], 254, "other.aci"),
        (&["--stage1-hash=sha512-00ff00ff"], 254, "sha512-00ff00ff"),
        (
            &["--stage1-url=https://example.test/absent.aci"],
            254,
            "absent.aci",
        ),
        (
            &["--stage1-name=example.test/absent"],
            254,
            "example.test/absent",
        ),
        (
            &["--stage1-name=coreos.com/rkt/stage1-fly:1.30.0"],
            254,
            "stage1-fly is not available yet",
        ),
        (
            &["--stage1-from-dir=stage1-kvm.aci"],
            254,
            "stage1-kvm is not available yet",
        ),
        (
            &[&format!("--stage1-hash={none_id}")],
            254,
            "\"coreos.com/rkt/stage1/run\"",
        ),
        // Our own stage1 stands in for these.
        (
            &["--stage1-name=coreos.com/rkt/stage1-coreos:1.30.0"],
            0,
            "",
        ),
        (&["--stage1-name=coreos.com/rkt/stage1-host"], 0, ""),
        (&["--stage1-from-dir=stage1-coreos.aci"], 0, ""),
        (
            &["--stage1-path=/usr/lib/rkt/stage1-images/stage1-coreos.aci"],
            0,
            "",
        ),
    ];
    for (flags, status, words) in rows {
        let line = ["run", "--net=host"]
            .iter()
            .chain(*flags)
            .copied()
            .chain([&*id]);
        world.rkt(line).expect(*status).says(words);
    }
    // The configuration names the default one.
    let entry = |text: &str| world.env.write("etc/stage1.d/s.json", text);
    let kind = r#""rktKind":"stage1","rktVersion":"v1""#;
    entry(&format!(
        r#"{{{kind},"name":"coreos.com/rkt/stage1-coreos","version":"1.30.0","location":"/absent/x.aci"}}"#
    ));
    world.rkt(["run", "--net=host", &id]).expect(0);
    entry(&format!(r#"{{{kind},"location":"{}"}}"#, none.display()));
    world
        .rkt(["--insecure-options=image", "run", "--net=host", &id])
        .expect(254)
        .says("\"coreos.com/rkt/stage1/run\"");
    world.gc();
}
