//! Root and the members of the group rkt on one data directory: members bring images and see those of others, and
//! nothing that a member writes is used by root before root has checked it.

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use gantry_testkit::{Outcome, needs_program};
use support::own_mounts::with_own_mounts;
use support::{ACTRUST, HOST, RKT, World, can_run_pods, with_asc};

/// The group rkt of these tests, and users that no machine has.
const GROUP: u32 = 47_100;
const ANN: u32 = 47_101;
const BOB: u32 = 47_102;
const STRANGER: u32 = 47_103;

/// A world with a group rkt, in which programs run as others than root.
struct Shared {
    world: World,
    program: PathBuf,
}

impl Shared {
    /// In a mount namespace of its own.
    fn new() -> Option<Self> {
        let mut world = World::new()?;
        let group = world
            .env
            .write("group", format!("root:x:0:\nrkt:x:{GROUP}:ann,bob\n"));
        let group = group.to_str().expect("UTF-8");
        world
            .env
            .run("mount", ["--bind", group, "/etc/group"])
            .expect(0);
        // Others have to get at the program and at the images.
        open(world.env.root(), 0o755);
        let program = world.env.path("program");
        fs::copy(RKT, &program).expect("rkt");
        open(&program, 0o755);
        let authority = world.env.path("ca.pem");
        fs::copy(world.server.ca_file(), &authority).expect("the certificate");
        open(&authority, 0o644);
        world.env.set_var("SSL_CERT_FILE", &authority);
        for uid in [ANN, BOB, STRANGER] {
            let home = world.env.path(format!("home-{uid}"));
            fs::create_dir(&home).expect("a folder");
            chown(&home, Some(uid), Some(uid)).expect("a home");
        }
        Some(Self { world, program })
    }

    /// A published image that is signed.
    fn publish(&self, name: &str, more: &[&[&str]]) -> PathBuf {
        let image = self
            .world
            .build_with(name, "1.0.0", &["/bin/busybox", "true"], more);
        self.world.sign(&image);
        self.world.publish(name, "1.0.0", &image);
        open(&image, 0o644);
        open(&with_asc(&image), 0o644);
        image
    }

    /// `rkt` as somebody, who is a member of the group or not, without `--dir`.
    fn bare(&self, uid: u32, is_member: bool) -> Command {
        let mut command = self.world.env.command("setpriv");
        let groups = match is_member {
            true => format!("--groups={GROUP}"),
            false => "--clear-groups".to_owned(),
        };
        let home = self.world.env.path(format!("home-{uid}"));
        command
            .args([
                &format!("--reuid={uid}"),
                &format!("--regid={uid}"),
                &groups,
            ])
            .args(["--inh-caps=-all", "--bounding-set=-all"])
            .arg(&self.program)
            .arg(format!(
                "--local-config={}",
                self.world.env.path("etc").display()
            ))
            .arg(format!(
                "--system-config={}",
                self.world.env.path("lib").display()
            ))
            .current_dir(&home)
            .env("HOME", &home)
            .env("TMPDIR", &home);
        command
    }

    fn data(&self) -> PathBuf {
        self.world.env.path("rkt")
    }

    /// `rkt` as a member, on the shared directory.
    fn member<S: AsRef<std::ffi::OsStr>>(
        &self,
        uid: u32,
        arguments: impl IntoIterator<Item = S>,
    ) -> Outcome {
        let mut command = self.bare(uid, true);
        command
            .arg(format!("--dir={}", self.data().display()))
            .args(arguments);
        self.world.env.outcome(&mut command)
    }

    fn area(&self, uid: u32) -> PathBuf {
        self.data().join(format!("members/{uid}"))
    }

    /// The one record of a member.
    fn record(&self, uid: u32) -> PathBuf {
        let images = self.area(uid).join("store/images");
        let mut found = fs::read_dir(images).expect("records");
        let record = found.next().expect("a record").expect("an entry").path();
        assert!(found.next().is_none());
        record
    }
}

fn open(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions");
}

fn shared(test: &str) -> Option<Shared> {
    if !needs_program("setpriv") || !with_own_mounts(test) {
        return None;
    }
    Shared::new()
}

/// Puts a file of the member's in the place of another.
fn replace(path: &Path, uid: u32, bytes: &[u8]) {
    let _ = fs::remove_file(path);
    fs::write(path, bytes).expect("a file");
    chown(path, Some(uid), Some(GROUP)).expect("the member's");
}

fn mode_of(path: &Path) -> (u32, u32, u32) {
    let meta = fs::symlink_metadata(path).expect("it is there");
    (meta.mode() & 0o7777, meta.uid(), meta.gid())
}

#[test]
fn what_a_member_fetched_is_used_by_everybody_who_checks_it() {
    let Some(shared) = shared("what_a_member_fetched_is_used_by_everybody_who_checks_it") else {
        return;
    };
    let world = &shared.world;
    let image = shared.publish("app", &[]);
    world.trust();
    world.rkt(["image", "list"]).expect(0);
    let data = shared.data();
    for (path, mode) in [
        ("", 0o2750),
        ("store", 0o2750),
        ("store/images", 0o2750),
        ("store/blobs/sha512", 0o2750),
        ("store/names", 0o2750),
        ("members", 0o3770),
    ] {
        assert_eq!(mode_of(&data.join(path)), (mode, 0, GROUP), "{path}");
    }
    for (path, mode) in [("store/trees", 0o700), ("store/locks", 0o750)] {
        assert_eq!(mode_of(&data.join(path)), (mode, 0, 0), "{path}");
    }

    let name = format!("{HOST}/app:1.0.0");
    let id = shared.member(ANN, ["fetch", "--full", &name]).expect(0);
    let id = id.line().to_owned();
    // Ann can do with it what root could.
    let listed = shared.member(
        ANN,
        ["image", "list", "--fields=name,verdict", "--no-legend"],
    );
    let listed = listed.expect(0).stdout;
    assert!(
        listed.contains("signed by") && !listed.contains("says user"),
        "{listed}"
    );
    shared
        .member(ANN, ["image", "cat-manifest", &name])
        .expect(0);
    shared.member(ANN, ["image", "verify", &name]).expect(0);
    shared
        .member(ANN, ["image", "export", "--as-received", &name, "out.aci"])
        .expect(0);
    let exported = world.env.path(format!("home-{ANN}/out.aci"));
    assert!(fs::read(exported).unwrap() == fs::read(&image).unwrap());
    shared
        .member(ANN, ["image", "render", &name, "out"])
        .expect(0);
    shared.member(ANN, ["image", "gc"]).expect(0);
    // What only root may do.
    shared
        .member(ANN, ["prepare", &id])
        .expect(254)
        .says("cannot run as unprivileged user");
    shared
        .member(ANN, ["gc"])
        .expect(254)
        .says("cannot run as unprivileged user");

    // Others see who says what, and believe nothing.
    for listed in [
        world.rkt(["image", "list", "--fields=verdict", "--no-legend"]),
        shared.member(BOB, ["image", "list", "--fields=verdict", "--no-legend"]),
    ] {
        let listed = listed.expect(0).stdout;
        assert!(listed.contains(&format!("says user {ANN}")), "{listed}");
    }
    // The network has nothing to do with it.
    world.server.take_sent();
    let prepared = world.rkt(["prepare", &id]).expect(0);
    prepared.says("signature verified");
    assert_eq!(world.server.take_sent(), 0);
    let record = data.join(format!("store/images/{}.json", full_id(&data)));
    assert_eq!(mode_of(&record), (0o440, 0, GROUP));
    for entry in fs::read_dir(data.join("store/trees")).unwrap() {
        assert_eq!(fs::metadata(entry.unwrap().path()).unwrap().uid(), 0);
    }
    for entry in fs::read_dir(data.join("store/blobs/sha512")).unwrap() {
        // A copy: Ann may still have hers open.
        assert_eq!(mode_of(&entry.unwrap().path()), (0o440, 0, GROUP));
    }
    let listed = world
        .rkt(["image", "list", "--fields=verdict", "--no-legend"])
        .expect(0);
    assert!(!listed.stdout.contains("says user"), "{listed}");
    shared
        .member(BOB, ["image", "cat-manifest", &name])
        .expect(0);
    shared
        .member(BOB, ["image", "extract", &name, "out"])
        .expect(0);
    shared.member(BOB, ["image", "verify", &name]).expect(0);
    world.gc();

    // Nobody removes what is another's but root, who removes it everywhere.
    let other = shared.publish("other", &[]);
    world.rkt(["fetch", other.to_str().unwrap()]).expect(0);
    shared
        .member(ANN, ["image", "rm", &format!("{HOST}/other")])
        .expect(0)
        .says("no image named");
    shared
        .member(BOB, ["image", "rm", &id])
        .expect(0)
        .says("1 image(s)");
    world
        .rkt(["gc", "--grace-period=0s", "--expire-prepared=0s"])
        .expect(0);
    world
        .rkt(["gc", "--grace-period=0s", "--expire-prepared=0s"])
        .expect(0);
    world.rkt(["image", "rm", &id]).expect(0).says("1 image(s)");
    let listed = world.rkt(["image", "list", "--no-legend"]).expect(0);
    assert_eq!(listed.stdout.lines().count(), 1, "{listed}");
}

/// The ID of the one image of root, as its record is called.
fn full_id(data: &Path) -> String {
    let mut found = fs::read_dir(data.join("store/images")).expect("records");
    let path = found.next().expect("a record").expect("an entry").path();
    assert!(found.next().is_none());
    let name = path.file_stem().and_then(|name| name.to_str());
    name.expect("an ID").to_owned()
}

#[test]
fn dependencies_come_from_wherever_they_are() {
    let Some(shared) = shared("dependencies_come_from_wherever_they_are") else {
        return;
    };
    let world = &shared.world;
    let below = format!("{HOST}/base:1.0.0");
    shared.publish("base", &[]);
    let app = shared.publish("app", &[&["dependency", "add", &below]]);
    world.trust();
    world.rkt(["image", "list"]).expect(0);
    let app = app.to_str().unwrap();
    let import = |uid| shared.member(uid, ["image", "import", "--full", app]);
    import(BOB).expect(254).says("cannot fetch dependency");
    shared.member(ANN, ["fetch", &below]).expect(0);
    world.server.take_sent();
    // Bob has it from Ann, root from either, and another member from root.
    let id = import(BOB).expect(0);
    shared
        .member(BOB, ["image", "render", id.line(), "out"])
        .expect(0);
    world
        .rkt(["prepare", "--pull-policy=never", id.line()])
        .expect(0);
    world.rkt(["image", "verify", id.line()]).expect(0);
    for uid in [ANN, BOB] {
        fs::remove_dir_all(shared.area(uid)).unwrap();
    }
    import(ANN).expect(0);
    assert_eq!(world.server.take_sent(), 0);
}

#[test]
fn what_was_not_checked_is_not_taken_for_checked() {
    let Some(shared) = shared("what_was_not_checked_is_not_taken_for_checked") else {
        return;
    };
    let world = &shared.world;
    let image = world.build("app", "1.0.0", &["/bin/busybox", "true"]);
    open(&image, 0o644);
    let image = image.to_str().unwrap();
    world.rkt(["image", "list"]).expect(0);
    let waive = "--insecure-options=image";
    let id = shared
        .member(ANN, [waive, "fetch", "--full", image])
        .expect(0);
    let id = id.line();
    let refused = "did not check it and has no signature";
    world
        .rkt(["prepare", id])
        .expect(254)
        .says(refused)
        .says("--insecure-options=image");
    world
        .rkt(["prepare", "--pull-policy=never", &format!("{HOST}/app")])
        .expect(254)
        .says(refused);
    for verb in ["cat-manifest", "verify"] {
        world.rkt(["image", verb, id]).expect(254).says(refused);
        shared
            .member(BOB, ["image", verb, id])
            .expect(254)
            .says(refused);
    }
    let listed = world
        .rkt(["image", "list", "--fields=verdict", "--no-legend"])
        .expect(0);
    assert_eq!(
        listed.line(),
        format!("not checked ({waive}), says user {ANN}")
    );
    world.rkt([waive, "prepare", id]).expect(0);
    // Root's word is enough for members, and stays noted.
    shared.member(BOB, ["image", "cat-manifest", id]).expect(0);
    let listed = shared.member(BOB, ["image", "list", "--fields=verdict", "--no-legend"]);
    assert_eq!(listed.expect(0).line(), format!("not checked ({waive})"));
}

#[test]
fn a_hostile_member_leads_root_nowhere() {
    let Some(shared) = shared("a_hostile_member_leads_root_nowhere") else {
        return;
    };
    let world = &shared.world;
    let root = shared.publish("root", &[]);
    let good = shared.publish("good", &[]);
    let evil = shared.publish("evil", &[]);
    world.trust();
    let kept = world
        .rkt(["fetch", "--full", root.to_str().unwrap()])
        .expect(0);
    let kept = kept.line().to_owned();
    let id = shared
        .member(ANN, ["fetch", "--full", good.to_str().unwrap()])
        .expect(0);
    let id = id.line().to_owned();
    let record = shared.record(ANN);
    let text = fs::read_to_string(&record).unwrap();
    let names = ["good", "evil"].map(|name| format!("{HOST}/{name}:1.0.0"));
    let list = || world.rkt(["image", "list", "--no-legend"]).expect(0);
    let use_it = |what: &str| world.rkt(["prepare", "--pull-policy=never", what]);
    let untouched = || {
        world.rkt(["image", "verify", &kept]).expect(0);
        let listed = list();
        assert_eq!(listed.stderr, "");
        assert!(listed.stdout.contains(&format!("{HOST}/root")), "{listed}");
    };

    // Another image under this ID, well signed as it is.
    let blob = shared.area(ANN).join("store/blobs/sha512");
    let digest = digest_of(&text, "digest");
    let signature = digest_of(&text, "signature");
    let [good_blob, good_signature] =
        [&digest, &signature].map(|digest| blob.join(digest.strip_prefix("sha512:").unwrap()));
    replace(&good_blob, ANN, &fs::read(&evil).unwrap());
    replace(&good_signature, ANN, &fs::read(with_asc(&evil)).unwrap());
    use_it(&id).expect(254).says("is another image");
    // And under this name.
    use_it(&names[0]).expect(254);
    untouched();
    world.rkt(["image", "rm", &names[1]]).expect(0);

    // Bytes that nobody signed, of which the record says who did.
    let mut bytes = fs::read(&good).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    replace(&good_blob, ANN, &bytes);
    replace(&good_signature, ANN, &fs::read(with_asc(&good)).unwrap());
    use_it(&id).expect(254).says("signature");
    let without = text.replace(&format!("\"signature\": \"{signature}\""), "\"x\": 0");
    assert!(without != text);
    replace(&record, ANN, without.as_bytes());
    use_it(&id)
        .expect(254)
        .says("did not check it and has no signature");
    // A claim for a name that is not the image's, and trees that are root's.
    replace(&good_blob, ANN, &fs::read(&good).unwrap());
    let claims = text.replace(&format!("{HOST}/good"), &format!("{HOST}/root"));
    replace(&record, ANN, claims.as_bytes());
    world.rkt(["image", "rm", "--", &kept]).expect(0);
    use_it(&format!("{HOST}/root"))
        .expect(254)
        .says("differs from the name in the image manifest");
    world.rkt(["fetch", root.to_str().unwrap()]).expect(0);
    untouched();

    // Files that are none: root neither waits nor follows.
    let secret = world.env.write("secret", "root's secret");
    open(&secret, 0o600);
    for place in [&record, &good_blob, &shared.area(ANN).join("store/version")] {
        let before = fs::read(place).unwrap();
        for fifo in [false, true] {
            fs::remove_file(place).unwrap();
            match fifo {
                true => {
                    let path = place.to_str().unwrap();
                    world.env.run("mkfifo", ["-m", "666", path]).expect(0);
                }
                false => symlink(&secret, place).unwrap(),
            }
            replace_owner(place);
            let refused = use_it(&id).expect(254);
            assert!(!refused.stderr.contains("root's secret"), "{refused}");
            world.rkt(["image", "gc"]).expect(0);
            untouched();
        }
        replace(place, ANN, &before);
    }
    assert_eq!(fs::read(&secret).unwrap(), b"root's secret");

    // Directories that lead into root's store: what root removes there is what Ann could remove.
    let theirs = shared.area(ANN).join("store");
    for dir in ["images", "blobs", "trees", "names", "ingest", "locks"] {
        let (place, aside) = (theirs.join(dir), theirs.join("aside"));
        fs::rename(&place, &aside).unwrap();
        symlink(shared.data().join("store").join(dir), &place).unwrap();
        world.rkt(["image", "gc", "--grace-period=24h"]).expect(0);
        world.rkt(["image", "rm", &id]);
        let whole = world.rkt(["image", "verify", &kept]);
        whole.expect(0);
        fs::remove_file(&place).unwrap();
        fs::rename(&aside, &place).unwrap();
    }
    fs::rename(&theirs, shared.area(ANN).join("aside")).unwrap();
    symlink(shared.data().join("store"), &theirs).unwrap();
    world.rkt(["image", "gc", "--grace-period=24h"]).expect(0);
    untouched();
    fs::remove_file(&theirs).unwrap();
    fs::rename(shared.area(ANN).join("aside"), &theirs).unwrap();

    // Nobody takes the place of another, and Ann's claims do not keep anybody from good images.
    replace(&record, ANN, text.as_bytes());
    replace(&good_blob, ANN, &bytes);
    let denied = world.env.outcome(&mut as_user(
        &shared,
        ANN,
        &["mv", "../rkt/members/47102", "../rkt/members/x"],
    ));
    assert!(denied.status != 0);
    shared
        .member(BOB, ["fetch", good.to_str().unwrap()])
        .expect(0);
    let denied = as_user(
        &shared,
        ANN,
        &["mv", "../rkt/members/47102", "../rkt/members/x"],
    );
    assert!(world.env.outcome(&mut { denied }).status != 0);
    let denied = as_user(&shared, ANN, &["touch", "../rkt/store/images/x"]);
    assert!(world.env.outcome(&mut { denied }).status != 0);
    use_it(&id).expect(0);
}

fn replace_owner(path: &Path) {
    std::os::unix::fs::lchown(path, Some(ANN), Some(GROUP)).expect("the member's");
}

/// Any program as a member, in the member's home.
fn as_user(shared: &Shared, uid: u32, arguments: &[&str]) -> Command {
    let mut command = shared.world.env.command("setpriv");
    command
        .args([
            format!("--reuid={uid}"),
            format!("--regid={uid}"),
            format!("--groups={GROUP}"),
        ])
        .args(arguments)
        .current_dir(shared.world.env.path(format!("home-{uid}")));
    command
}

/// The digest that a record has for `key`.
fn digest_of(record: &str, key: &str) -> String {
    let (_, rest) = record
        .split_once(&format!("\"{key}\": \""))
        .expect("a digest");
    rest.split_once('"').expect("its end").0.to_owned()
}

#[test]
fn who_uses_which_directory_and_who_is_told_to_join() {
    let Some(shared) = shared("who_uses_which_directory_and_who_is_told_to_join") else {
        return;
    };
    let world = &shared.world;
    let image = shared.publish("app", &[]);
    world.trust();
    let data = shared.data();
    let paths = format!(
        r#"{{"rktKind":"paths","rktVersion":"v1","data":"{}"}}"#,
        data.display()
    );
    world.env.write("etc/paths.d/paths.json", paths);
    for dir in ["etc", "etc/paths.d"] {
        open(&world.env.path(dir), 0o755);
    }
    let image = image.to_str().unwrap();
    let fetch = |uid, is_member| {
        let mut command = shared.bare(uid, is_member);
        command.args(["fetch", image]);
        world.env.outcome(&mut command)
    };
    let private = |uid| world.env.path(format!("home-{uid}/.local/share/rkt/store"));
    // Before root was there nobody shares anything.
    fetch(ANN, true).expect(0);
    assert!(private(ANN).is_dir());
    world.rkt(["image", "list"]).expect(0);
    fetch(BOB, true).expect(0);
    assert!(shared.area(BOB).is_dir() && !private(BOB).exists());
    fetch(STRANGER, false).expect(0);
    assert!(private(STRANGER).is_dir() && !shared.area(STRANGER).exists());
    // Elsewhere if the user says so.
    let mut command = shared.bare(STRANGER, false);
    let other = world.env.path(format!("home-{STRANGER}/data"));
    command.env("XDG_DATA_HOME", &other).args(["fetch", image]);
    world.env.outcome(&mut command).expect(0);
    assert!(other.join("rkt/store").is_dir());
    // Who asks for the shared one is told how to get there.
    let mut command = shared.bare(STRANGER, false);
    command
        .arg(format!("--dir={}", data.display()))
        .args(["image", "list"]);
    world
        .env
        .outcome(&mut command)
        .expect(254)
        .says("members of group rkt share")
        .says("usermod -aG rkt");
    // A member with a strict umask is a member all the same.
    let mut command = world.env.command("sh");
    let bare = shared.bare(ANN, true);
    command
        .args(["-c", "umask 077; exec \"$@\"", "sh"])
        .arg(bare.get_program())
        .args(bare.get_args())
        .args(["fetch", image])
        .env("HOME", world.env.path(format!("home-{ANN}")));
    world.env.outcome(&mut command).expect(0);
    let list = shared
        .member(BOB, ["image", "list", "--no-legend"])
        .expect(0);
    assert_eq!(list.stderr, "");
    let record = shared.record(ANN);
    assert_eq!(mode_of(&record), (0o440, ANN, GROUP));
}

#[test]
fn a_directory_from_before_there_was_a_group_is_given_to_it() {
    let Some(shared) = shared("a_directory_from_before_there_was_a_group_is_given_to_it") else {
        return;
    };
    let world = &shared.world;
    let image = shared.publish("app", &[]);
    world.trust();
    let without = world.env.write("group", "root:x:0:\n");
    open(&without, 0o644);
    world.rkt(["fetch", image.to_str().unwrap()]).expect(0);
    let data = shared.data();
    assert!(!data.join("members").exists());
    assert_eq!(mode_of(&data.join("store")), (0o750, 0, 0));
    fs::write(&without, format!("rkt:x:{GROUP}:\n")).unwrap();
    let name = format!("{HOST}/app:1.0.0");
    world.rkt(["image", "list"]).expect(0);
    shared
        .member(ANN, ["image", "cat-manifest", &name])
        .expect(0);
    world.rkt(["image", "verify", &name]).expect(0);
}

#[test]
fn where_there_is_no_room_to_share_root_goes_on() {
    let Some(shared) = shared("where_there_is_no_room_to_share_root_goes_on") else {
        return;
    };
    let world = &shared.world;
    let group = world.env.path("group");
    let with_group = fs::read(&group).unwrap();
    fs::write(&group, "root:x:0:\n").unwrap();
    let data = shared.data();
    fs::create_dir(&data).unwrap();
    let small = ["-t", "tmpfs", "-o", "size=1m,nr_inodes=40", "none"];
    let arguments = small.into_iter().chain([data.to_str().unwrap()]);
    world.env.run("mount", arguments).expect(0);
    world.rkt(["image", "list"]).expect(0);
    let mut fillers = Vec::new();
    loop {
        let path = data.join(format!("filler-{}", fillers.len()));
        match fs::write(&path, "") {
            Ok(()) => fillers.push(path),
            Err(error) => break assert_eq!(error.kind(), std::io::ErrorKind::StorageFull),
        }
    }
    fs::write(&group, with_group).unwrap();
    world.rkt(["image", "list"]).expect(0);
    world.rkt(["image", "gc"]).expect(0);
    assert!(!data.join("members").exists());
    for path in fillers {
        fs::remove_file(path).unwrap();
    }
    world.rkt(["image", "list"]).expect(0);
    assert_eq!(mode_of(&data.join("members")), (0o3770, 0, GROUP));
    world.env.run("umount", [&data]).expect(0);
}

#[test]
fn a_member_verifies_images_again_and_root_runs_them() {
    let Some(shared) = shared("a_member_verifies_images_again_and_root_runs_them") else {
        return;
    };
    let world = &shared.world;
    let image = shared.publish("app", &[]);
    world.trust();
    world.rkt(["image", "list"]).expect(0);
    let id = shared
        .member(ANN, ["fetch", "--full", image.to_str().unwrap()])
        .expect(0);
    let actrust = world.env.path("actrust");
    fs::copy(ACTRUST, &actrust).expect("actrust");
    open(&actrust, 0o755);
    let mut verify = as_user(&shared, ANN, &[actrust.to_str().unwrap()]);
    verify
        .arg(format!("--dir={}", shared.data().display()))
        .arg(format!(
            "--local-config={}",
            world.env.path("etc").display()
        ))
        .arg(format!(
            "--system-config={}",
            world.env.path("lib").display()
        ))
        .args(["verify-image", id.line()]);
    let verified = world.env.outcome(&mut verify).expect(0);
    assert!(verified.stdout.contains("example.test/app"), "{verified}");
    if can_run_pods() {
        world.rkt(["run", "--net=host", id.line()]).expect(0);
        world.gc();
    }
}

#[test]
fn members_see_pods_and_get_at_nothing_that_apps_make() {
    let Some(shared) = shared("members_see_pods_and_get_at_nothing_that_apps_make") else {
        return;
    };
    if !can_run_pods() {
        return;
    }
    let world = &shared.world;
    // A program of root's with a set-user-ID bit, in the root file system and in a volume.
    let make = "cp /bin/busybox /su && chmod 4755 /su && cp -p /su /vol/su && chmod 4755 /vol/su && exit 3";
    let image = world.build_with(
        "app",
        "1.0.0",
        &["/bin/busybox", "sh", "-c", &format!("cp() {{ /bin/busybox cp \"$@\"; }}; chmod() {{ /bin/busybox chmod \"$@\"; }}; {make}")],
        &[&["mount", "add", "vol", "/vol"]],
    );
    let id = world.import(&image);
    for overlay in ["--no-overlay=false", "--no-overlay=true"] {
        let uuid_file = world.env.path("uuid");
        let save = format!("--uuid-file-save={}", uuid_file.display());
        let volume = "--volume=vol,kind=empty";
        world
            .rkt(["run", "--net=host", overlay, &save, volume, &id])
            .expect(3);
        let uuid = fs::read_to_string(&uuid_file).unwrap();
        let listed = shared
            .member(ANN, ["list", "--full", "--no-legend"])
            .expect(0);
        assert!(
            listed.stdout.contains(&uuid) && listed.stderr.is_empty(),
            "{listed}"
        );
        let status = shared.member(ANN, ["status", &uuid]).expect(0);
        assert!(status.stdout.contains("state=exited\n"), "{status}");
        assert!(status.stdout.contains("app-app=3\n"), "{status}");
        let manifest = shared.member(ANN, ["cat-manifest", &uuid]).expect(0);
        assert!(manifest.stdout.contains("example.test/app"), "{manifest}");
        let logs = shared.member(ANN, ["list", "--format=json"]).expect(0);
        assert!(logs.stdout.contains("\"exit_code\":3"), "{logs}");

        // For root the programs are there; the member finds none of them.
        let pods = shared.data().join("pods");
        let find = [
            "find",
            pods.to_str().unwrap(),
            "-name",
            "su",
            "-perm",
            "-4000",
        ];
        let all = world.env.run("find", &find[1..]).expect(0).stdout;
        assert_eq!(all.lines().count(), 2, "{all}");
        let mut as_member = as_user(&shared, ANN, &find);
        let found = world.env.outcome(&mut as_member).stdout;
        assert_eq!(found, "");
        for path in all.lines() {
            let path = &path.replace("$TEST", world.env.root().to_str().unwrap());
            // Through env: setpriv executes its program before it has given up root's rights to files.
            let mut run = as_user(&shared, ANN, &["env", path, "true"]);
            let refused = world.env.outcome(&mut run);
            assert!(refused.stderr.contains("ermission denied"), "{refused}");
            // What apps make belongs to them: neither the group nor its bit is handed on.
            let (_, _, group) = mode_of(Path::new(path));
            assert_eq!(group, 0, "{path}");
        }
        let stranger = {
            let mut command = shared.bare(STRANGER, false);
            let data = format!("--dir={}", shared.data().display());
            command.args([&data, "list"]);
            world.env.outcome(&mut command)
        };
        assert_ne!(stranger.status, 0, "{stranger}");
        world.gc();
    }
}
