//! The scripts in `man/examples/acbuild`: what they build is valid, and runs.

mod support;

use std::fs;
use std::path::Path;

use gantry_testkit::{Outcome, busybox, needs_program};
use support::{ACBUILD, ACTOOL, HOST, World, can_run_pods, without_origin};

/// Runs an example in the world's directory, with more flags for the commands that may need other images.
fn build(world: &World, example: &str) -> Outcome {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("man/examples/acbuild");
    let text = fs::read_to_string(script.join(example)).expect("example");
    let env = &world.env;
    let places = format!(
        "run --dir={} --local-config={} --system-config=/nonexistent ",
        env.path("rkt").display(),
        env.path("etc").display()
    );
    let line = |line: &str| match line.strip_prefix("run ") {
        Some(rest) => format!("{places}{rest}\n"),
        None => format!("{line}\n"),
    };
    env.write("script", text.lines().map(line).collect::<String>());
    let built = env.run(ACBUILD, ["script", "script"]).expect(0);
    let image = format!("{example}.aci");
    env.run(ACTOOL, ["validate", &image]).expect(0);
    // Nothing of a command that ran in the image is left in it.
    let members = env.run("tar", ["-tzf", &image]).expect(0).stdout;
    for place in [
        "proc",
        "sys",
        "dev",
        "etc/mtab",
        "etc/resolv.conf",
        "etc/hostname",
    ] {
        let place = format!("rootfs/{place}");
        assert!(
            !members.lines().any(|member| member == place),
            "{place} in {members}"
        );
    }
    built
}

/// A world with the program that all examples copy.
fn world() -> Option<World> {
    if !can_run_pods() {
        return None;
    }
    let world = World::new()?;
    fs::copy(busybox(), world.env.path("busybox")).expect("program");
    Some(world)
}

/// Runs an image on the host's network, and gives what it said.
fn run(world: &World, image: &str, flags: &[&str]) -> String {
    let id = world.import(&world.env.path(format!("{image}.aci")));
    let mut words = vec!["run", "--net=host"];
    words.extend(flags);
    words.push(&id);
    without_origin(&world.rkt(words).expect(0).stdout)
}

#[test]
fn a_static_program_is_an_image_of_its_own() {
    let Some(world) = world() else { return };
    build(&world, "static");
    assert_eq!(run(&world, "static", &[]), "hello from one program\n");
}

#[test]
fn a_service_is_installed_by_the_images_own_package_manager() {
    let Some(world) = world() else { return };
    if !needs_program("dpkg-deb") {
        return;
    }
    let env = &world.env;
    let control = |name: &str, more: &str| {
        format!(
            "Package: {name}\nVersion: 1.0\nArchitecture: all\nMaintainer: nobody <nobody@example.test>\n\
             {more}Description: {name}\n"
        )
    };
    env.write("a/DEBIAN/control", control("serve-pages", ""));
    env.write("a/srv/www/index.html", "<p>a page of a package</p>\n");
    env.write(
        "b/DEBIAN/control",
        control("serve", "Depends: serve-pages\n"),
    );
    env.write(
        "b/usr/sbin/serve",
        "#!/bin/sh\ncat /etc/serve.conf index.html\n[ \"$1\" = --foreground ]\n",
    );
    env.write(
        "b/DEBIAN/postinst",
        "#!/bin/sh\necho configured >/etc/serve.conf\n",
    );
    let text = "chmod 755 b/usr/sbin/serve b/DEBIAN/postinst; mkdir mirror\n\
                for p in a b; do dpkg-deb --root-owner-group -Zgzip -b $p mirror/$p.deb; done";
    env.run("sh", ["-ec", text]).expect(0);
    build(&world, "service");
    let pages = format!(
        "--volume=pages,kind=host,source={}/a/srv/www",
        env.root().display()
    );
    assert_eq!(
        run(&world, "service", &[&pages]),
        "configured\n<p>a page of a package</p>\n"
    );
}

#[test]
fn a_server_in_a_directory_gets_variables_a_port_and_a_volume() {
    let Some(world) = world() else { return };
    let env = &world.env;
    env.write(
        "server-8.0.0/bin/run.sh",
        "echo \"$1 in $SERVER_HOME with $SERVER_OPTS\"\nfor a in webapps/*; do echo \"deploy $a\"; done\n\
         echo started >logs/out && echo kept\n",
    );
    env.write("server-8.0.0/bin/run.bat", "");
    env.write("server-8.0.0/conf/server.xml", "<Server/>");
    env.write("hello.war", "");
    fs::create_dir(env.path("logs")).expect("folder");
    std::os::unix::fs::chown(env.path("logs"), Some(100), Some(100)).expect("owner");
    build(&world, "server");
    let listed = env
        .run("tar", ["--numeric-owner", "-tvzf", "server.aci"])
        .expect(0)
        .stdout;
    assert!(
        !listed.contains("run.bat") && listed.contains(" 100/100 "),
        "{listed}"
    );
    let logs = format!(
        "--volume=logs,kind=host,source={}",
        env.path("logs").display()
    );
    assert_eq!(
        run(&world, "server", &[&logs]),
        "start in /opt/server with -Xms64m -Dname=\"a server\"\ndeploy webapps/hello.war\nkept\n"
    );
    assert_eq!(
        fs::read_to_string(env.path("logs/out")).expect("log"),
        "started\n"
    );
}

#[test]
fn an_image_stands_on_another_one_that_it_finds_by_name() {
    let Some(world) = world() else { return };
    world.env.write("greeting", "hello\n");
    build(&world, "base");
    let base = world.env.path("base.aci");
    world.sign(&base);
    world.publish("base", "1.0.0", &base);
    world.trust();
    build(&world, "app");
    let members = world.env.run("tar", ["-tzf", "app.aci"]).expect(0).stdout;
    assert_eq!(
        members,
        "rootfs\nrootfs/etc\nrootfs/etc/farewell\nmanifest\n"
    );
    assert_eq!(run(&world, "app", &[]), "hello\ngoodbye\n");
    let listed = world
        .rkt(["image", "list", "--fields=name", "--no-legend"])
        .expect(0)
        .stdout;
    assert!(listed.contains(&format!("{HOST}/base:1.0.0")), "{listed}");
}
