//! A store with an app and the image beneath it, as it is when nothing disturbs it, and what must be true
//! of it whenever something does.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gantry_testkit::tree::{Facts, Tree};
use gantry_testkit::web::Hook;

use super::fault::can_trace;
use super::{HOST, World};

/// What a store should hold, from undisturbed runs.
pub struct Golden {
    /// Blobs and trees by their paths beneath `store`.
    pub content: BTreeMap<PathBuf, Facts>,
    /// For each image its full ID and the names of its blobs and trees.
    pub images: Vec<(String, Vec<String>)>,
    /// What the app and its dependencies look like.
    pub rendered: Tree,
    pub app: String,
}

/// States of the data directory to begin with: `new` (nothing), `empty`, `part`, `both`, `pods`.
fn state(world: &World, name: &str) -> PathBuf {
    world.env.path("states").join(name)
}

pub fn run(world: &World, program: &str, arguments: &[&Path]) {
    world.env.run(program, arguments).expect(0);
}

/// Copies the data directory away, to begin with it later.
pub fn keep(world: &World, name: &str) {
    std::fs::create_dir_all(world.env.path("states")).expect("states");
    let rkt = world.env.path("rkt");
    run(world, "cp", &["-a".as_ref(), &rkt, &state(world, name)]);
}

pub fn begin_with(world: &World, name: &str) {
    let rkt = world.env.path("rkt");
    remove(&rkt);
    if name != "new" {
        run(world, "cp", &["-a".as_ref(), &state(world, name), &rkt]);
    }
}

pub fn remove(path: &Path) {
    if path.exists() {
        std::fs::remove_dir_all(path).expect("no mounts beneath it");
    }
}

/// A published app that is rendered together with the image it depends on.
pub fn app_and_base() -> Option<(World, Golden)> {
    if !can_trace() {
        return None;
    }
    let world = World::new()?;
    let list = r#"{"pathWhitelist":["/bin/busybox","/own","/shared"]}"#;
    let list = world.env.write("list", list);
    let own = world.env.write("own", "own\n");
    let shared = world.env.write("shared", "shared\n");
    let [list, own, shared] = [&list, &own, &shared].map(|path| path.to_str().expect("UTF-8"));
    let base = world.build_with(
        "base",
        "1.0.0",
        &["/bin/busybox", "true"],
        &[&["copy", shared, "/shared"], &["copy", shared, "/hidden"]],
    );
    let below = format!("{HOST}/base:1.0.0");
    let more: [&[&str]; 3] = [
        &["dependency", "add", &below],
        &["copy", own, "/own"],
        &["replace-manifest", list],
    ];
    let app = world.build_with("app", "1.0.0", &["/bin/busybox", "true"], &more);
    for (name, file) in [("base", &base), ("app", &app)] {
        world.sign(file);
        world.publish(name, "1.0.0", file);
    }
    world.trust();
    world.rkt(["image", "gc", "--grace-period=0s"]).expect(0);
    keep(&world, "empty");
    let name = app_name();
    leave_part(&world, &app);
    keep(&world, "part");
    begin_with(&world, "empty");
    world.rkt(["fetch", &name]).expect(0);
    keep(&world, "both");
    let golden = golden(&world);
    Some((world, golden))
}

/// Kills a fetch of the app in the middle of its download.
fn leave_part(world: &World, app: &Path) {
    let half = std::fs::metadata(app).expect("the image").len() / 2;
    let path = format!("/{HOST}/app-1.0.0.aci");
    world.server.hook(&path, Hook::StallAfter(half));
    let mut command = world.rkt_command();
    command.args(["fetch", "--quiet", &app_name()]);
    let mut child = command.spawn().expect("rkt starts");
    let ingest = world.env.path("rkt/store/ingest");
    let length = || {
        let entries = std::fs::read_dir(&ingest).expect("the folder of downloads");
        let parts = entries
            .flatten()
            .filter(|entry| entry.path().extension().is_some_and(|e| e == "part"));
        parts
            .map(|part| part.metadata().map_or(0, |meta| meta.len()))
            .max()
    };
    while length() != Some(half) {
        let ended = child.try_wait().expect("a child of ours");
        assert!(ended.is_none(), "it ended before");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    world.server.clear_hooks();
}

pub fn app_name() -> String {
    format!("{HOST}/app:1.0.0")
}

pub fn golden(world: &World) -> Golden {
    let content = content(world);
    let mut images = Vec::new();
    for entry in std::fs::read_dir(world.env.path("rkt/store/images")).expect("images") {
        let path = entry.expect("an entry").path();
        let record = std::fs::read_to_string(&path).expect("a record");
        let needs: Vec<String> = content
            .keys()
            .filter_map(|path| {
                Some(
                    path.iter()
                        .nth(if path.starts_with("blobs") { 2 } else { 1 })?
                        .to_str()?
                        .to_owned(),
                )
            })
            .filter(|name| record.contains(name.as_str()))
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect();
        let id = path.file_stem().expect("a name").to_str().expect("UTF-8");
        images.push((id.to_owned(), needs));
    }
    // File, signature and tree; the app needs the tree beneath its own as well, and is rendered. Where the file is
    // the plain archive its name is the image ID, so that the record of the app names that of the base too.
    let mut needs: Vec<usize> = images.iter().map(|(_, needs)| needs.len()).collect();
    needs.sort_unstable();
    assert!(needs == [3, 5] || needs == [3, 6], "{images:?}");
    let out = world.env.path("golden");
    let app = world
        .rkt(["image", "cat-manifest", &app_name()])
        .expect(0)
        .stdout;
    remove(&out);
    let to = out.to_str().expect("UTF-8");
    world.rkt(["image", "render", &app_name(), to]).expect(0);
    let rendered = read(&out);
    Golden {
        content,
        images,
        rendered,
        app,
    }
}

/// A tree without times, apart from those of an image's own files, which say something.
pub fn read(root: &Path) -> Tree {
    Tree::read(root).map(|path, facts| {
        if !path.iter().any(|part| part == "rootfs") {
            facts.mtime = (0, 0);
        }
    })
}

/// Blobs and trees that have their final names.
pub fn content(world: &World) -> BTreeMap<PathBuf, Facts> {
    let store = world.env.path("rkt/store");
    let mut found = BTreeMap::new();
    for dir in ["blobs", "trees"] {
        if !store.join(dir).exists() {
            continue;
        }
        for (path, facts) in read(&store.join(dir)).entries() {
            let hidden = path.to_string_lossy().starts_with(".new-");
            let within = path.components().count() > usize::from(dir == "blobs");
            if within && !hidden && path != Path::new("") {
                found.insert(Path::new(dir).join(path), facts.clone());
            }
        }
    }
    found
}

/// Everything in the store but what every store has.
pub fn stored(world: &World) -> Vec<String> {
    let laid_out = |path: &String| {
        let dirs = ["blobs/", "images/", "ingest/", "locks/", "names/", "trees/"];
        let empty =
            dirs.contains(&path.as_str()) || path.starts_with("blobs/") && path.ends_with('/');
        empty || path == "version" || path == "locks/publish"
    };
    let mut all = world.env.tree("rkt/store");
    all.retain(|path| !laid_out(path));
    all
}

/// Whatever the store shows is whole, and nothing has a final name that is not complete.
pub fn all_is_whole(world: &World, golden: &Golden) {
    let listed = world
        .rkt(["image", "list", "--full", "--no-legend", "--fields=id"])
        .expect(0);
    assert_eq!(listed.stderr, "");
    let content = content(world);
    for (path, facts) in &content {
        assert_eq!(Some(facts), golden.content.get(path), "{}", path.display());
    }
    for id in listed.stdout.split_whitespace() {
        let (_, needs) = golden
            .images
            .iter()
            .find(|(known, _)| known.starts_with(id))
            .expect("a known image");
        for path in golden.content.keys() {
            let needed = path
                .iter()
                .any(|part| needs.iter().any(|need| part.to_str() == Some(need)));
            assert!(
                !needed || content.contains_key(path),
                "{id} lacks {}",
                path.display()
            );
        }
    }
}

/// Everything works on what is there, and collection leaves nothing.
pub fn goes_on_and_goes_away(world: &World, golden: &Golden) {
    world.rkt(["fetch", &app_name()]).expect(0);
    all_is_whole(world, golden);
    let manifest = world.rkt(["image", "cat-manifest", &app_name()]).expect(0);
    assert_eq!(manifest.stdout, golden.app);
    assert_eq!(content(world).len(), golden.content.len());
    let out = world.env.path("out");
    remove(&out);
    let to = out.to_str().expect("UTF-8");
    world.rkt(["image", "render", &app_name(), to]).expect(0);
    read(&out).expect(&golden.rendered, "the app as rendered");
    remove(&out);
    let hidden = fs::read_dir(world.env.path("")).expect("the folder of the test");
    let hidden = hidden.flatten().map(|entry| entry.file_name());
    let mut hidden = hidden.filter(|name| name.as_encoded_bytes().starts_with(b".rkt-"));
    assert_eq!(hidden.next(), None, "left behind by what was disturbed");
    world.rkt(["image", "gc", "--grace-period=0s"]).expect(0);
    assert_eq!(stored(world), Vec::<String>::new());
}
