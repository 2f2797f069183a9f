use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use gantry_archive::extract::Ownership;
use gantry_store::{ImageKind, ImageRecord, Store, TreeId, TreeStaging, Verdict};
use gantry_types::render::FlatList;
use gantry_types::{ImageId, ImageManifest};
use tempfile::TempDir;

use super::{Output, OutputError, extract, render};

/// A store with an image over a base, each with a file of its own name.
struct World {
    dir: TempDir,
    store: Store,
    app: ImageId,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("data")).unwrap();
        let base = publish(&store, 1, "base", "", &[]);
        let list = r#","pathWhitelist":["/app","/base"]"#;
        let app = publish(&store, 2, "app", list, &[base]);
        Self { dir, store, app }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn render(&self, name: &str, rootfs_only: bool, overwrite: bool) -> Result<(), OutputError> {
        let directory = self.path(name);
        render(
            &self.store,
            &self.app,
            &output(&directory, rootfs_only, overwrite),
        )
    }

    fn extract(&self, name: &str, rootfs_only: bool, overwrite: bool) -> Result<(), OutputError> {
        let directory = self.path(name);
        extract(
            &self.store,
            &self.app,
            &output(&directory, rootfs_only, overwrite),
        )
    }

    /// Names in a directory of the world.
    fn names(&self, name: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(name)).unwrap();
        let mut names: Vec<_> = entries
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn output(directory: &Path, rootfs_only: bool, overwrite: bool) -> Output<'_> {
    Output {
        directory,
        rootfs_only,
        overwrite,
        ownership: match rustix::process::geteuid().is_root() {
            true => Ownership::Keep,
            false => Ownership::CurrentUser,
        },
    }
}

fn publish(store: &Store, byte: u8, name: &str, more: &str, below: &[ImageId]) -> ImageId {
    let id = ImageId::from_digest([byte; 64]);
    let json = format!(
        r#"{{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.test/{name}"{more}}}"#
    );
    let manifest = ImageManifest::from_json(json.as_bytes()).unwrap();
    let staging = TreeStaging::new(store).unwrap();
    fs::write(staging.path().join("manifest"), json).unwrap();
    fs::create_dir(staging.path().join("rootfs")).unwrap();
    for file in [name, "hidden"] {
        fs::write(staging.path().join("rootfs").join(file), name).unwrap();
    }
    let below: Vec<FlatList> = below.iter().map(|id| FlatList::single(*id)).collect();
    let flat = FlatList::over(id, &below).unwrap();
    let trees: Vec<TreeId> = flat
        .distinct()
        .iter()
        .map(|id| TreeId::of_images(&[*id]))
        .collect();
    let mut publication = store.publication(&id).unwrap();
    publication.tree(trees[0].clone(), staging);
    let record = ImageRecord {
        id,
        kind: ImageKind::Aci,
        name: manifest.name,
        labels: manifest.labels,
        aliases: Vec::new(),
        layers: Vec::new(),
        trees,
        rendered: None,
        flat: Some(flat),
        size: 1,
        import_time: 1,
        last_used: 1,
        latest: None,
        origins: Vec::new(),
        verdict: Verdict::Waived {
            option: "--insecure-options=image".to_owned(),
        },
        signature: None,
        oci: None,
    };
    publication.commit(&record).unwrap();
    id
}

#[test]
fn an_image_is_rendered_with_what_it_depends_on_and_extracted_without() {
    let world = World::new();
    world.render("a/b/out", false, false).unwrap();
    assert_eq!(world.names("a/b"), ["out"]);
    assert_eq!(world.names("a/b/out"), ["manifest", "rootfs"]);
    assert_eq!(world.names("a/b/out/rootfs"), ["app", "base"]);
    let mode = |path: &str| fs::metadata(world.path(path)).unwrap().mode() & 0o7777;
    assert_eq!((mode("a/b/out"), mode("a/b/out/manifest")), (0o755, 0o700));
    world.render("root", true, false).unwrap();
    assert_eq!(world.names("root"), ["app", "base"]);
    world.extract("plain", false, false).unwrap();
    assert_eq!(world.names("plain/rootfs"), ["app", "hidden"]);
    assert_eq!(mode("plain/manifest"), 0o644);
    world.extract("plain-root", true, false).unwrap();
    assert_eq!(world.names("plain-root"), ["app", "hidden"]);
    assert_eq!(
        world.names(""),
        ["a", "data", "plain", "plain-root", "root"]
    );
}

#[test]
fn a_directory_that_is_there_stays_or_is_replaced_as_a_whole() {
    let world = World::new();
    fs::create_dir(world.path("out")).unwrap();
    fs::write(world.path("out/mine"), "").unwrap();
    for write in [World::render, World::extract] {
        let error = write(&world, "out", false, false).unwrap_err();
        assert!(matches!(error, OutputError::Exists { .. }), "{error}");
        assert_eq!(world.names("out"), ["mine"]);
    }
    world.render("out", false, true).unwrap();
    assert_eq!(world.names("out"), ["manifest", "rootfs"]);
    world.extract("out", true, true).unwrap();
    assert_eq!(world.names("out"), ["app", "hidden"]);
    // A path with a slash or a dot at its end is the same directory.
    world.render("out/", true, true).unwrap();
    assert_eq!(world.names("out"), ["app", "base"]);
    world.render("out/.", false, true).unwrap();
    assert_eq!(world.names("out"), ["manifest", "rootfs"]);
    // A link gives way itself, and so does a file; what the link leads to is not touched.
    symlink("out", world.path("link")).unwrap();
    fs::write(world.path("file"), "").unwrap();
    assert!(matches!(
        world.render("link", true, false),
        Err(OutputError::Exists { .. })
    ));
    for name in ["link", "file"] {
        world.render(name, true, true).unwrap();
        assert!(fs::symlink_metadata(world.path(name)).unwrap().is_dir());
    }
    assert_eq!(world.names("out"), ["manifest", "rootfs"]);
    assert_eq!(world.names(""), ["data", "file", "link", "out"]);
}

#[test]
fn what_must_not_go_is_refused() {
    let world = World::new();
    let dots = format!("{}/..", "/..".repeat(40));
    for (path, reason) in [
        ("/", "it is the root directory"),
        ("/..", "it is the root directory"),
        (&dots, "it is the root directory"),
        ("data", "it holds the image store"),
        ("data/store/trees", "it is part of the image store"),
        ("data/store/new", "it is part of the image store"),
        (".", "it holds the image store"),
    ] {
        let directory = world.dir.path().join(path);
        let output = output(&directory, false, true);
        let error = render(&world.store, &world.app, &output).unwrap_err();
        let found =
            matches!(&error, OutputError::Precious { reason: found, .. } if *found == reason);
        assert!(found, "{path}: {error}");
    }
    assert_eq!(world.names("data/store/trees").len(), 2);
}

#[test]
fn a_failure_leaves_what_was_there() {
    let world = World::new();
    fs::create_dir(world.path("out")).unwrap();
    fs::write(world.path("out/mine"), "").unwrap();
    let record = world.store.record(&world.app).unwrap();
    fs::remove_dir_all(world.store.tree_path(&record.trees[1])).unwrap();
    let error = world.render("out", false, true).unwrap_err();
    assert!(matches!(error, OutputError::Render { .. }), "{error}");
    assert_eq!(world.names("out"), ["mine"]);
    assert_eq!(world.names(""), ["data", "out"]);
    fs::write(world.path("no"), "").unwrap();
    assert!(matches!(
        world.extract("no/out", false, false),
        Err(OutputError::File { .. })
    ));
    assert_eq!(
        fs::metadata(world.path("no")).unwrap().permissions().mode() & 0o400,
        0o400
    );
}
