//! Pods of a user without root: in a user namespace, with the host's or no network, in a store of the user's own.

#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use gantry_testkit::Outcome;
use support::{RKT, World, can_run_pods};

/// The user that these pods are run by, and the IDs that the user may have mapped.
const USER: u32 = 51_234;
const SUB_IDS: &str = "walter:200000:65536\n";

/// A user with programs, an image and a home of his own.
struct User {
    world: World,
    image: PathBuf,
}

impl User {
    /// `sub_ids` is what the user's `/etc` has as subuid and subgid. `None` where this cannot be tried.
    fn new(sub_ids: &str) -> Option<Self> {
        if !can_run_pods() {
            return None;
        }
        let world = World::new()?;
        let program = world.env.path("web");
        fs::write(&program, "page\n").expect("file");
        std::os::unix::fs::chown(&program, Some(33), Some(44)).expect("owner");
        let page = program.to_str().expect("UTF-8").to_owned();
        let exec = ["/bin/busybox", "sh", "-c"];
        let image = world.build_with("hello", "1.0.0", &exec, &[&["copy", &page, "/web"]]);
        let user = Self { world, image };
        for folder in ["bin", "etc", "home"] {
            fs::create_dir_all(user.path(folder)).expect("folder");
        }
        for program in [
            Path::new(RKT).to_owned(),
            Path::new(RKT).with_file_name("stage1"),
        ] {
            let to = user.path("bin").join(program.file_name().expect("a name"));
            // The file system may be another one, and the program's own folder closed to others.
            if fs::hard_link(&program, &to).is_err() {
                fs::copy(&program, &to).expect("a copy of the program");
            }
        }
        let passwd = format!("root:x:0:0::/:/bin/sh\nwalter:x:{USER}:{USER}::/:/bin/sh\n");
        for (name, text) in [
            ("passwd", passwd.as_str()),
            ("group", "root:x:0:\n"),
            ("subuid", sub_ids),
            ("subgid", sub_ids),
        ] {
            fs::write(user.path("etc").join(name), text).expect("file");
        }
        std::os::unix::fs::chown(user.path("home"), Some(USER), Some(USER)).expect("owner");
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(user.world.env.root(), open).expect("mode");
        if !user
            .command("", &["version"])
            .status()
            .expect("unshare")
            .success()
        {
            eprintln!("SKIP: another user cannot run programs from here");
            return None;
        }
        Some(user)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.world.env.path(name)
    }

    /// rkt as the user, after some shell lines as root, in a mount namespace with an `/etc` of its own.
    fn command(&self, prologue: &str, arguments: &[&str]) -> Command {
        let script = format!(
            "mount --bind {etc} /etc\n{prologue}\nexec setpriv --reuid {USER} --regid {USER} --clear-groups \"$@\"",
            etc = self.path("etc").display()
        );
        let mut command = self.world.env.command("unshare");
        command
            .args([
                "--mount",
                "--propagation",
                "private",
                "sh",
                "-ec",
                &script,
                "sh",
            ])
            .arg(self.path("bin/rkt"))
            .args(arguments)
            .env("HOME", self.path("home"));
        command
    }

    fn rkt(&self, arguments: &[&str]) -> Outcome {
        self.world.env.outcome(&mut self.command("", arguments))
    }

    fn fetch(&self) -> String {
        let image = self.image.to_str().expect("UTF-8");
        let fetched = self.rkt(&["--insecure-options=image", "fetch", "--full", image]);
        fetched.expect(0).line().to_owned()
    }

    /// The user's data directory.
    fn data(&self) -> PathBuf {
        self.path("home/.local/share/rkt")
    }

    fn pods(&self) -> Vec<String> {
        let all = self
            .world
            .env
            .tree("home/.local/share/rkt/pods")
            .into_iter();
        all.filter(|path| path.matches('/').count() == 2 && path.ends_with('/'))
            .collect()
    }

    /// Every file of the name in the data directory, with its owner.
    fn owners(&self, name: &str) -> Vec<(u32, u32)> {
        let data = self.world.env.tree("home/.local/share/rkt").into_iter();
        data.filter(|path| path.rsplit('/').next() == Some(name))
            .map(|path| fs::symlink_metadata(self.data().join(path)).expect("file"))
            .map(|meta| (meta.uid(), meta.gid()))
            .collect()
    }
}

/// Ends the pod with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < end, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_user_with_one_id_runs_lists_and_removes_pods() {
    let Some(user) = User::new("") else { return };
    let id = user.fetch();
    let script = "PATH=/bin; busybox id -u; busybox cat /proc/self/uid_map; busybox stat -c %u:%g /web /bin/busybox; \
                  echo x >/new; busybox rm /web; busybox grep CapEff /proc/self/status; exit 7";
    for more in [&[][..], &["--no-overlay"]] {
        for net in ["--net=host", "--net=none"] {
            let mut arguments = vec!["run", net];
            arguments.extend(more);
            arguments.extend([id.as_str(), "--", script]);
            let ran = user.rkt(&arguments).expect(7);
            assert!(ran.stdout.contains(&format!(" {USER} ")), "{ran}");
            assert_eq!(ran.stdout.matches("0:0").count(), 2, "{ran}");
            assert!(ran.stdout.contains("00000000a80425fb"), "{ran}");
            assert!(
                ran.stderr
                    .contains("/etc/subuid has no range for user walter"),
                "{ran}"
            );
        }
    }
    assert_eq!(user.owners("new"), [(USER, USER); 4]);
    assert_eq!(user.pods().len(), 4);
    assert_eq!(
        user.rkt(&["list", "--no-legend"])
            .expect(0)
            .stdout
            .lines()
            .count(),
        4
    );
    user.rkt(&["gc", "--grace-period=0s"]).expect(0);
    user.rkt(&["gc", "--grace-period=0s"]).expect(0);
    assert_eq!(user.pods(), Vec::<String>::new());
    // A user that the namespace does not have.
    let other = user.rkt(&["run", "--net=none", &id, "--user=33", "--", "true"]);
    other.expect(254).says("newuidmap");
}

#[test]
fn a_user_with_sub_ids_keeps_the_owners_of_images() {
    if !gantry_testkit::needs_program("newuidmap") {
        return;
    }
    let Some(user) = User::new(SUB_IDS) else {
        return;
    };
    let id = user.fetch();
    assert_eq!(user.owners("web"), [(200_032, 200_043)]);
    let script = "PATH=/bin; busybox id; busybox stat -c %u:%g /web; echo more >>/web; busybox cat /proc/1/root/etc/passwd";
    let ran = user.rkt(&[
        "run",
        "--net=host",
        &id,
        "--user=33",
        "--group=44",
        "--supplementary-gids=7",
        "--",
        script,
    ]);
    let ran = ran.expect(1);
    assert!(ran.stdout.contains("uid=33 gid=44 groups=7,44"), "{ran}");
    assert!(ran.stdout.contains("33:44"), "{ran}");
    assert!(!ran.stderr.contains("subuid"), "{ran}");
    // In the upper directory and in the tree.
    assert_eq!(user.owners("web"), [(200_032, 200_043); 2]);

    let uuid = user.rkt(&[
        "prepare",
        "--quiet",
        &id,
        "--",
        "echo up; exec /bin/busybox sleep 1000",
    ]);
    let uuid = uuid.expect(0).line().to_owned();
    let output = fs::File::create(user.path("output")).expect("file");
    let mut command = user.command("", &["run-prepared", "--net=none", &uuid]);
    let mut running = Running(
        command
            .stdout(output)
            .stderr(Stdio::null())
            .spawn()
            .expect("rkt"),
    );
    let said = || fs::read_to_string(user.path("output")).unwrap_or_default();
    eventually("the pod runs", || said().contains("up"));
    let status = user.rkt(&["status", &uuid]).expect(0);
    assert!(status.stdout.contains("state=running"), "{status}");
    let pid = status
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("pid="))
        .expect("a pid");
    // As `rkt enter` does it, from outside of the namespace.
    let script = format!(
        "cd {}; exec setpriv --reuid {USER} --regid {USER} --clear-groups {} enter --pid={pid} --appname=hello -- \
         /bin/busybox sh -c 'PATH=/bin; busybox id -u; busybox cat /proc/self/uid_map; exit 9'",
        user.data().join("pods/run").join(&uuid).display(),
        user.path("bin/stage1").display(),
    );
    let entered = user.world.env.run("sh", ["-c", &script]).expect(9);
    assert!(
        entered.stdout.starts_with("0\n") && entered.stdout.contains("200000"),
        "{entered}"
    );
    user.rkt(&["stop", &uuid]).expect(0);
    assert_eq!(running.0.wait().expect("rkt").code(), Some(0));
    user.rkt(&["rm", &uuid]).expect(0);
    user.rkt(&["gc", "--grace-period=0s"]).expect(0);
    user.rkt(&["gc", "--grace-period=0s"]).expect(0);
    assert_eq!(user.pods(), Vec::<String>::new());
    user.rkt(&["image", "rm", "example.test/hello"]).expect(0);
    user.rkt(&["image", "gc", "--grace-period=0s"]).expect(0);
    assert!(user.owners("web").is_empty());
}

#[test]
fn what_needs_root_is_said_with_what_to_do_instead() {
    let Some(user) = User::new("") else { return };
    let id = user.fetch();
    for net in ["--net", "--net=default", "--net=bridge"] {
        let refused = user.rkt(&["run", net, &id, "--", "true"]).expect(254);
        refused.says("--net=host or --net=none");
    }
    let ran = user
        .rkt(&["run", "--private-users", &id, "--", "exit 5"])
        .expect(5);
    ran.says("--private-users changes nothing");
    // The host's own data directory stays closed.
    let closed = user.path("closed");
    fs::create_dir(&closed).expect("folder");
    let dir = format!("--dir={}", closed.display());
    user.rkt(&[&dir, "run", "--net=host", &id])
        .expect(254)
        .says("is not the caller's");
    assert_eq!(fs::read_dir(closed).expect("folder").count(), 0);
}

#[test]
fn where_no_user_namespace_can_be_made_the_error_says_so_with_a_hint() {
    let Some(user) = User::new("") else { return };
    let id = user.fetch();
    // In a chroot the kernel makes none. Source: user_namespaces(7), clone(2), EPERM.
    let root = user.path("root");
    fs::create_dir(&root).expect("folder");
    let prologue = format!(
        "mount --rbind / {0}; set -- chroot {0} setpriv --reuid {USER} --regid {USER} \
                            --clear-groups \"$@\"; exec \"$@\"",
        root.display()
    );
    let mut command = user.command(&prologue, &["run", "--net=host", &id]);
    let refused = user.world.env.outcome(&mut command).expect(254);
    refused
        .says("cannot run as unprivileged user: no user namespace can be made")
        .says("hint: ");
    // What needs none still works.
    let mut command = user.command(&prologue, &["image", "list", "--no-legend"]);
    let list = user.world.env.outcome(&mut command).expect(0);
    assert!(list.stdout.contains("example.test/hello"), "{list}");
}
