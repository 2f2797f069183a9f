use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::Command;
use std::time::{Duration, SystemTime};

use gantry_testkit::archive::ArchiveBuilder;
use gantry_testkit::needs_root;
use gantry_types::ImageId;
use gantry_types::render::{FileKind, Make};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use tempfile::TempDir;

use super::*;
use crate::extract::{ExtractOptions, extract_aci};

fn ownership() -> Ownership {
    match rustix::process::geteuid().is_root() {
        true => Ownership::Keep,
        false => Ownership::CurrentUser,
    }
}

/// Directories `0`, `1` … with a tree each.
struct Trees {
    dir: TempDir,
    whitelists: Vec<String>,
}

impl Trees {
    fn new(whitelists: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (image, whitelist) in whitelists.iter().enumerate() {
            let tree = dir.path().join(image.to_string());
            fs::create_dir_all(tree.join("rootfs")).unwrap();
            let manifest = format!(
                r#"{{"acKind":"ImageManifest","acVersion":"0.8.11","name":"test/i{image}","pathWhitelist":[{whitelist}]}}"#
            );
            fs::write(tree.join("manifest"), manifest).unwrap();
        }
        let whitelists = whitelists.iter().map(ToString::to_string).collect();
        Self { dir, whitelists }
    }

    fn root(&self, image: usize) -> PathBuf {
        self.dir.path().join(image.to_string()).join("rootfs")
    }

    /// Each image depends on the next one.
    fn chain(&self) -> Result<Images, RenderError> {
        let mut flat = Vec::new();
        for image in (0..self.whitelists.len()).rev() {
            let id = ImageId::from_digest([u8::try_from(image).unwrap(); 64]);
            flat = vec![FlatList::over(id, &flat).unwrap()];
        }
        self.read(flat.remove(0))
    }

    fn read(&self, flat: FlatList) -> Result<Images, RenderError> {
        let tree = |image: usize| ImageTree::open(&self.dir.path().join(image.to_string()));
        let trees = (0..self.whitelists.len())
            .map(tree)
            .collect::<Result<_, _>>()?;
        Images::read(flat, trees)
    }

    fn render(&self, images: &Images) -> Result<PathBuf, RenderError> {
        let target = File::open(self.dir.path()).unwrap();
        images.render(
            &images.plan(),
            (target.as_fd(), OsStr::new("to")),
            ownership(),
        )?;
        Ok(self.dir.path().join("to"))
    }
}

#[test]
fn everything_that_belongs_to_a_file_comes_along() {
    let trees = Trees::new(&[r#""/kept/b","/kept/c","/link","/kept/fifo""#, ""]);
    let (top, base) = (trees.root(0), trees.root(1));
    fs::create_dir(top.join("own")).unwrap();
    fs::create_dir(base.join("kept")).unwrap();
    fs::write(base.join("kept/a"), "content").unwrap();
    for name in ["b", "c"] {
        fs::hard_link(base.join("kept/a"), base.join("kept").join(name)).unwrap();
    }
    fs::set_permissions(base.join("kept/a"), PermissionsExt::from_mode(0o4751)).unwrap();
    symlink("/etc/passwd", base.join("link")).unwrap();
    let fifo = base.join("kept/fifo");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        Mode::RWXU,
        0,
    )
    .unwrap();
    let time = SystemTime::UNIX_EPOCH + Duration::new(1_000_000_000, 5);
    for path in ["kept/a", "kept"] {
        File::open(base.join(path))
            .unwrap()
            .set_modified(time)
            .unwrap();
    }
    fs::set_permissions(base.join("kept"), PermissionsExt::from_mode(0o1770)).unwrap();
    fs::set_permissions(&top, PermissionsExt::from_mode(0o711)).unwrap();
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::lchown(base.join("link"), Some(7), Some(8)).unwrap();
        std::os::unix::fs::chown(base.join("kept"), Some(9), Some(10)).unwrap();
        fs::set_permissions(base.join("kept"), PermissionsExt::from_mode(0o1770)).unwrap();
    }
    let images = trees.chain().unwrap();
    assert!(!images.plan().is_overlay);
    let to = trees.render(&images).unwrap();
    // The first name is not kept, so the second is the file and the third its other name.
    assert_eq!(fs::read(to.join("kept/b")).unwrap(), b"content");
    let file = fs::metadata(to.join("kept/b")).unwrap();
    assert_eq!((file.nlink(), file.mode() & 0o7777), (2, 0o4751));
    assert_eq!(file.ino(), fs::metadata(to.join("kept/c")).unwrap().ino());
    assert_ne!(file.ino(), fs::metadata(base.join("kept/b")).unwrap().ino());
    assert_eq!(file.modified().unwrap(), time);
    let kept = fs::metadata(to.join("kept")).unwrap();
    assert_eq!(
        (kept.modified().unwrap(), kept.mode() & 0o7777),
        (time, 0o1770)
    );
    assert_eq!(fs::metadata(&to).unwrap().mode() & 0o7777, 0o711);
    assert_eq!(
        fs::read_link(to.join("link")).unwrap(),
        Path::new("/etc/passwd")
    );
    if rustix::process::geteuid().is_root() {
        let link = fs::symlink_metadata(to.join("link")).unwrap();
        assert_eq!(
            (link.uid(), link.gid(), kept.uid(), kept.gid()),
            (7, 8, 9, 10)
        );
    }
    let mut names: Vec<_> = fs::read_dir(&to)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["kept", "link", "own"]);
    assert_eq!(fs::read_dir(to.join("kept")).unwrap().count(), 3);
}

#[test]
fn a_directory_that_no_entry_names_takes_its_attributes_from_beneath() {
    let trees = Trees::new(&["", ""]);
    let archive = ArchiveBuilder::new()
        .file("manifest", gantry_testkit::archive::MANIFEST)
        .directory("rootfs")
        .file("rootfs/a/b/file", "x")
        .finish();
    fs::remove_dir_all(trees.dir.path().join("0")).unwrap();
    fs::create_dir(trees.dir.path().join("0")).unwrap();
    let target = File::open(trees.dir.path().join("0")).unwrap();
    let options = ExtractOptions {
        ownership: ownership(),
        ..ExtractOptions::default()
    };
    let extracted = extract_aci(archive.as_slice(), target.as_fd(), &options).unwrap();
    assert_eq!(extracted.implied, [b"a".to_vec(), b"a/b".to_vec()]);
    write_implied(target.as_fd(), &extracted.implied).unwrap();
    fs::create_dir_all(trees.root(1).join("a")).unwrap();
    fs::set_permissions(trees.root(1).join("a"), PermissionsExt::from_mode(0o700)).unwrap();
    let images = trees.chain().unwrap();
    assert!(!images.plan().is_overlay);
    let to = trees.render(&images).unwrap();
    let mode = |path: &str| fs::metadata(to.join(path)).unwrap().mode() & 0o7777;
    assert_eq!((mode("a"), mode("a/b")), (0o700, 0o755));
}

#[test]
fn what_is_missing_or_damaged_is_named() {
    let trees = Trees::new(&["", ""]);
    fs::write(trees.dir.path().join("1/manifest"), "{").unwrap();
    let error = trees.chain().unwrap_err().to_string();
    assert!(error.ends_with("/1/manifest is damaged"), "{error}");
    fs::remove_file(trees.dir.path().join("1/manifest")).unwrap();
    let error = trees.chain().unwrap_err().to_string();
    assert!(
        error.starts_with("cannot read") && error.ends_with("/1/manifest"),
        "{error}"
    );
    fs::remove_dir_all(trees.dir.path().join("1")).unwrap();
    let error = trees.chain().unwrap_err().to_string();
    assert!(
        error.starts_with("cannot open") && error.ends_with("/1"),
        "{error}"
    );
}

#[test]
fn a_file_that_vanishes_is_an_error_and_a_target_that_exists_another() {
    let trees = Trees::new(&["", r#""/none""#]);
    fs::create_dir(trees.root(1).join("dir")).unwrap();
    fs::write(trees.root(0).join("file"), "").unwrap();
    let images = trees.chain().unwrap();
    fs::remove_file(trees.root(0).join("file")).unwrap();
    let error = trees.render(&images).unwrap_err();
    assert!(error.to_string().ends_with("/0/rootfs/file"), "{error}");
    let error = trees.render(&images).unwrap_err();
    assert_eq!(error.io().unwrap().kind(), io::ErrorKind::AlreadyExists);
}

#[test]
fn a_tree_is_rendered_however_deep_it_is() {
    let trees = Trees::new(&[r#""/none""#]);
    let depth = 900;
    fs::create_dir_all(trees.root(0).join("d/".repeat(depth))).unwrap();
    let images = trees.chain().unwrap();
    let to = trees.render(&images).unwrap();
    assert!(to.join("d/".repeat(depth)).is_dir());
    crate::remove_tree::remove_path(trees.dir.path()).unwrap();
}

/// Trees of a few common names, each file holding its image and path.
fn random_trees(runner: &mut TestRunner, images: usize, whitelisted: bool) -> Trees {
    let part = || prop::sample::select(vec!["a", "b", "c"]);
    let path = || prop::collection::vec(part(), 1..4).prop_map(|parts| parts.join("/"));
    let mut draw = |count: std::ops::Range<usize>| {
        let entries = prop::collection::vec((path(), 0..4_u8), count);
        entries.new_tree(runner).unwrap().current()
    };
    let whitelists: Vec<String> = (0..images)
        .map(|_| {
            let paths = if whitelisted { draw(0..6) } else { Vec::new() };
            let paths: Vec<String> = paths
                .iter()
                .map(|(path, _)| format!("\"/{path}\""))
                .collect();
            paths.join(",")
        })
        .collect();
    let trees = Trees::new(&whitelists.iter().map(String::as_str).collect::<Vec<_>>());
    for image in 0..images {
        let mut first_link = None;
        for (path, kind) in draw(0..8) {
            let at = trees.root(image).join(&path);
            // Beneath a file, or there already: then another time.
            let above = at.parent().unwrap();
            let outcome = fs::create_dir_all(above).and_then(|()| match (kind, &first_link) {
                (0, _) => fs::create_dir(&at),
                (1, _) => symlink(format!("{image}:{path}"), &at),
                (2, Some(first)) => fs::hard_link(first, &at),
                _ if at.exists() => Ok(()),
                _ => {
                    first_link = Some(at.clone());
                    fs::write(&at, format!("{image}:{path}"))
                }
            });
            let _ = outcome;
        }
        let mut directories = vec![trees.root(image)];
        while let Some(directory) = directories.pop() {
            let mode = 0o700 + u32::try_from(image).unwrap();
            fs::set_permissions(&directory, PermissionsExt::from_mode(mode)).unwrap();
            let entries = fs::read_dir(&directory).unwrap().map(Result::unwrap);
            directories.extend(
                entries
                    .filter(|e| e.file_type().unwrap().is_dir())
                    .map(|e| e.path()),
            );
        }
    }
    trees
}

/// Path and, for a directory, its mode; for others the content.
fn picture(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut picture = BTreeMap::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        let mode = fs::metadata(&directory).unwrap().mode() & 0o7777;
        let shown = directory.strip_prefix(root).unwrap().to_owned();
        picture.insert(shown, format!("{mode:o}"));
        for entry in fs::read_dir(&directory).unwrap().map(Result::unwrap) {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            let shown = path.strip_prefix(root).unwrap().to_owned();
            if kind.is_dir() {
                directories.push(path);
            } else if kind.is_symlink() {
                let to = fs::read_link(&path).unwrap();
                picture.insert(shown, format!("to {}", to.display()));
            } else {
                picture.insert(shown, fs::read_to_string(&path).unwrap());
            }
        }
    }
    picture
}

#[test]
fn what_is_made_is_what_the_plan_says() {
    let mut runner = TestRunner::default();
    for round in 0..40 {
        let trees = random_trees(&mut runner, 1 + round % 3, round % 2 == 0);
        let images = trees.chain().unwrap();
        let plan = images.plan();
        let found = picture(&trees.render(&images).unwrap());
        let expected = plan.entries.iter().map(|entry| {
            let path = PathBuf::from(OsStr::from_bytes(entry.path));
            let original = trees.root(entry.image).join(&path);
            let shown = match entry.make {
                Make::Directory => format!("{:o}", 0o700 + entry.image),
                _ if original.is_symlink() => {
                    format!("to {}", fs::read_link(original).unwrap().display())
                }
                _ => fs::read_to_string(original).unwrap(),
            };
            (path, shown)
        });
        assert_eq!(found, expected.collect());
        let linked = images.files.iter().flat_map(|image| &image.files);
        let linked = linked
            .filter(|file| matches!(file.kind, FileKind::Linked(_)))
            .count();
        let links = plan
            .entries
            .iter()
            .filter(|entry| matches!(entry.make, Make::Link(_)))
            .count();
        assert!(links <= linked);
    }
}

/// The kernel's overlay of trees and our rendering of them, side by side, in a mount namespace of its own.
#[test]
fn an_overlay_shows_what_is_rendered_where_the_plan_says_so() {
    if !needs_root() {
        return;
    }
    let mut runner = TestRunner::default();
    let (mut overlays, mut others) = (0, 0);
    let mut cases = Vec::new();
    let mut script = String::from("set -e\n");
    for round in 0..60 {
        let trees = random_trees(&mut runner, 2 + round % 3, false);
        let images = trees.chain().unwrap();
        trees.render(&images).unwrap();
        let lower: Vec<String> = (0..trees.whitelists.len())
            .map(|image| trees.root(image).display().to_string())
            .collect();
        let dir = trees.dir.path().display().to_string();
        let lower = lower.join(":");
        // A copy of what the overlay shows, to look at from outside.
        script += &format!(
            "mkdir {dir}/mnt; mount -t overlay overlay -o lowerdir={lower} {dir}/mnt; \
             cp -a {dir}/mnt {dir}/seen; umount {dir}/mnt\n"
        );
        cases.push((images.plan().is_overlay, trees));
    }
    let output = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", &script])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}");
    for (is_overlay, trees) in cases {
        let rendered = picture(&trees.dir.path().join("to"));
        let seen = picture(&trees.dir.path().join("seen"));
        assert_eq!(is_overlay, rendered == seen, "{rendered:?} {seen:?}");
        overlays += usize::from(is_overlay);
        others += usize::from(!is_overlay);
    }
    assert!(overlays > 0 && others > 0, "{overlays} {others}");
}
