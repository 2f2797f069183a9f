//! `rkt fetch`: forms of images, policies, many at once, and what is shown meanwhile.

mod support;

use std::process::Stdio;

use gantry_testkit::web::Hook;
use support::{HOST, World};

/// A signed image `hello` in place, with its key trusted.
fn published() -> Option<(World, std::path::PathBuf)> {
    let world = World::new()?;
    world.trust();
    let file = world.build("hello", "1.0", &["/bin/busybox", "true"]);
    world.sign(&file);
    world.publish("hello", "1.0", &file);
    world.server.take_log();
    Some((world, file))
}

fn downloads(world: &World) -> usize {
    let log = world.server.take_log();
    let of_image = |target: &str| target.ends_with(".aci");
    log.iter()
        .filter(|request| of_image(&request.target))
        .count()
}

#[test]
fn ten_processes_make_one_download_and_all_succeed() {
    let Some((world, _)) = published() else {
        return;
    };
    let name = format!("{HOST}/hello:1.0");
    let start = |_| {
        let mut command = world.rkt_command();
        command.args(["fetch", "--full", &name]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let children: Vec<_> = (0..10).map(start).collect();
    let mut ids: Vec<String> = children
        .into_iter()
        .map(|child| {
            let output = child.wait_with_output().unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{stderr}");
            String::from_utf8(output.stdout).unwrap()
        })
        .collect();
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(ids[0].trim().len(), "sha512-".len() + 64);
    // Who came late asks whether it is still current, and gets no second copy.
    let log = world.server.take_log();
    let whole = log.iter().filter(|request| {
        request.target.ends_with(".aci") && request.header("if-none-match").is_none()
    });
    assert_eq!(whole.count(), 1);
    let left = world.env.tree("rkt/store/ingest");
    assert!(left.iter().all(|name| !name.ends_with(".part")), "{left:?}");
}

#[test]
fn every_form_of_an_image_leads_to_it() {
    let Some((world, file)) = published() else {
        return;
    };
    let path = file.to_str().unwrap();
    let url = format!("https://{HOST}/{HOST}/hello-1.0.aci");
    let escaped = url.replace(':', "%3A").replace('/', "%2F");
    let id = world.rkt(["fetch", path]).expect(0).line().to_owned();
    assert_eq!(id.len(), "sha512-".len() + 32);
    for form in [
        path.to_owned(),
        format!("file://{path}"),
        "./hello-1.0.aci".to_owned(),
        url,
        format!("{HOST}/hello:1.0"),
        format!("{HOST}/hello,version=1.0,os=linux"),
        id[..20].to_owned(),
        format!("cimd:appc:v=0:{HOST}/hello?version=1.0"),
        format!("cimd:aci-archive:v=0:{escaped}"),
    ] {
        let outcome = world.rkt(["fetch", &form]).expect(0);
        assert_eq!(outcome.line(), id, "{form}");
    }
    assert_eq!(world.rkt(["image", "fetch", path]).expect(0).line(), id);
    // Names of registries lead to one; this server is none.
    for form in [
        "docker://example.test/app",
        "docker:example.test/app",
        "cimd:docker:v=0:example.test/app",
    ] {
        world
            .rkt(["--insecure-options=image", "fetch", form])
            .expect(254)
            .says("manifest latest is not at example.test");
    }
}

#[test]
fn the_policy_says_when_the_network_is_asked() {
    let Some((world, _)) = published() else {
        return;
    };
    let name = format!("{HOST}/hello:1.0");
    let url = format!("https://{HOST}/{HOST}/hello-1.0.aci");
    // For each form: with nothing in the store, and with the image in it.
    for image in [&name, &url] {
        let never = ["fetch", "--pull-policy=never", image];
        world
            .rkt(never)
            .expect(254)
            .says("unable to fetch image from");
        assert_eq!(downloads(&world), 0);
        world.rkt(["fetch", "--pull-policy=new", image]).expect(0);
        assert_eq!(downloads(&world), 1);
        for (policy, asked) in [("never", 0), ("new", 0), ("update", 1)] {
            world
                .rkt(["fetch", &format!("--pull-policy={policy}"), image])
                .expect(0);
            assert_eq!(downloads(&world), asked, "{policy} {image}");
        }
        for (flag, policy, asked) in [("--store-only", "never", 0), ("--no-store", "update", 1)] {
            let note =
                format!("Flag {flag} has been deprecated, please use --pull-policy={policy}");
            world.rkt(["fetch", flag, image]).expect(0).says(&note);
            assert_eq!(downloads(&world), asked, "{flag} {image}");
        }
        world
            .rkt(["fetch", "--store-only", "--no-store", image])
            .expect(254)
            .says("both --store-only and --no-store specified");
        std::fs::remove_dir_all(world.env.path("rkt")).unwrap();
    }
}

#[test]
fn an_interrupted_process_leaves_what_the_next_one_goes_on_with() {
    let Some((world, file)) = published() else {
        return;
    };
    let size = std::fs::metadata(file).unwrap().len();
    let name = format!("{HOST}/hello:1.0");
    let image = format!("/{HOST}/hello-1.0.aci");
    let half = size / 2;
    world.server.hook(&image, Hook::StallAfter(half));
    let mut child = world
        .rkt_command()
        .args(["fetch", &name])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let part = || {
        let tree = world.env.tree("rkt/store/ingest");
        let part = tree.into_iter().find(|name| name.ends_with(".part"))?;
        let path = world.env.path("rkt/store/ingest").join(part);
        Some(std::fs::metadata(path).ok()?.len())
    };
    while part() != Some(half) {
        assert!(child.try_wait().unwrap().is_none(), "it ended before");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    world.server.clear_hooks();
    world.server.take_sent();
    world
        .rkt(["--debug", "fetch", &name])
        .expect(0)
        .says("resuming the download at byte");
    let rest = size - half;
    let sent = world.server.take_sent();
    // With the signature and the discovery page.
    assert!((rest..rest + 2000).contains(&sent), "{sent} of {size}");
}

#[test]
fn progress_is_plain_lines_away_from_a_terminal_and_nothing_when_quiet() {
    let Some((world, _)) = published() else {
        return;
    };
    let name = format!("{HOST}/hello:1.0");
    let shown = world.rkt(["fetch", &name]).expect(0);
    let lines: Vec<&str> = shown.stderr.lines().collect();
    let of_image = lines
        .iter()
        .filter(|line| line.contains("Downloading ACI"))
        .count();
    assert_eq!(of_image, 2, "{shown}");
    assert!(
        !shown.stderr.contains('\r') && !shown.stderr.contains('\u{1b}'),
        "{shown}"
    );
    assert_eq!(shown.stdout.lines().count(), 1);
    std::fs::remove_dir_all(world.env.path("rkt")).unwrap();
    let quiet = world.rkt(["fetch", "--quiet", &name]).expect(0);
    assert_eq!(quiet.stderr, "");
}

#[test]
fn a_proxy_is_asked_for_whatever_is_not_on_this_machine() {
    let Some(mut world) = World::new() else {
        return;
    };
    let file = world.build("hello", "1.0", &["/bin/busybox", "true"]);
    let bytes = std::fs::read(file).unwrap();
    let url = "http://elsewhere.test/hello.aci";
    world.server.put(url, bytes);
    let proxy = world
        .server
        .url("")
        .replace("http://", "http://user:Xq7-secret@");
    world.env.set_var("http_proxy", &proxy);
    let fetch = ["--debug", "--insecure-options=image", "fetch", url];
    let outcome = world.rkt(fetch).expect(0);
    assert!(!outcome.stderr.contains("Xq7"), "{outcome}");
    let log = world.server.take_log();
    assert_eq!(log.last().unwrap().target, url);
    assert!(log.last().unwrap().header("proxy-authorization").is_some());
    // Port 1 refuses whoever asks, so this was no question to the proxy.
    let own = "http://127.0.0.1:1/hello.aci";
    let direct = world
        .rkt(["--insecure-options=image", "fetch", own])
        .expect(254);
    direct.says("connection refused");
    assert!(world.server.take_log().is_empty());
    world
        .env
        .set_var("http_proxy", "http://user:Xq7-secret@:::");
    let wrong = world.rkt(fetch).expect(254);
    assert!(!wrong.stderr.contains("Xq7"), "{wrong}");
    wrong.says("http_proxy is not the URL of a proxy");
}

#[test]
fn an_image_that_a_pod_will_use_stays_while_the_next_one_is_fetched() {
    if !support::can_run_pods() {
        return;
    }
    let Some((world, _)) = published() else {
        return;
    };
    let other = world.build("other", "1.0", &["/bin/busybox", "true"]);
    world.sign(&other);
    world.publish("other", "1.0", &other);
    let [hello, other] = ["hello", "other"].map(|name| format!("{HOST}/{name}:1.0"));
    world.rkt(["fetch", &hello]).expect(0);
    assert_eq!(
        downloads(&world),
        1,
        "those that follow are of the other one"
    );
    world
        .server
        .hook(&format!("/{HOST}/other-1.0.aci"), Hook::Silence);
    let mut child = world
        .rkt_command()
        .args(["prepare", &hello, &other])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while downloads(&world) == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    world
        .rkt(["image", "rm", &hello])
        .expect(254)
        .says("is in use by a running fetch or prepare");
    world.rkt(["image", "gc", "--grace-period=0s"]).expect(0);
    child.kill().unwrap();
    child.wait().unwrap();
    world.rkt(["image", "rm", &hello]).expect(0);
}
