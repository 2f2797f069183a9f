use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use gantry_store::{InUse, TreeId};
use gantry_types::ImageId;

use super::super::sample::{Sample, gzip, ownership, plain};
use super::{ImageReport, TreeError, TreeState, Verifier, VerifyContext};

fn verify(sample: &Sample, id: &ImageId, used: &InUse) -> ImageReport {
    let mut in_use = || Ok(used.clone());
    let mut verifier = Verifier::new(VerifyContext {
        store: &sample.store,
        ownership: ownership(),
        in_use: &mut in_use,
    });
    verifier.verify(id, None).unwrap();
    verifier.done.remove(id).unwrap()
}

/// Everything that can be in an image of a user without root.
fn rich(sample: &Sample) -> ImageId {
    let image = plain("app", "", |root| {
        root.file("rootfs/etc/motd", "hello")
            .file("rootfs/a/b/c/file", vec![7; 100_000])
            .directory("rootfs/empty")
            .symlink("rootfs/link", "etc/motd")
            .hard_link("rootfs/hard", "rootfs/etc/motd")
            .fifo("rootfs/fifo")
    });
    sample.fetch("app", &gzip(&image))
}

fn root(sample: &Sample, id: &ImageId) -> std::path::PathBuf {
    sample.store.tree_path(&TreeId::of_images(&[*id]))
}

#[test]
fn a_whole_image_is_good() {
    let sample = Sample::new();
    let id = rich(&sample);
    let report = verify(&sample, &id, &InUse::default());
    assert!(report.is_good(), "{report:?}");
    assert!(
        matches!(report.trees[0].state, TreeState::Good),
        "{report:?}"
    );
}

#[test]
fn every_kind_of_damage_to_a_tree_is_named_and_mended() {
    type Damage = fn(&std::path::Path);
    let cases: [(Damage, &str); 13] = [
        (
            |t| fs::write(t.join("rootfs/etc/motd"), "hallo").unwrap(),
            "\"etc/motd\": content, mtime",
        ),
        (
            |t| fs::write(t.join("rootfs/etc/motd"), "").unwrap(),
            "\"etc/motd\": size, content, mtime",
        ),
        (
            |t| fs::remove_file(t.join("rootfs/link")).unwrap(),
            "\"link\": symbolic link is missing",
        ),
        (
            |t| {
                fs::remove_file(t.join("rootfs/link")).unwrap();
                symlink("x", t.join("rootfs/link")).unwrap();
            },
            "\"link\": target, mtime",
        ),
        (
            |t| fs::write(t.join("rootfs/new"), "x").unwrap(),
            "\"new\": file is not part of the image",
        ),
        (
            |t| fs::create_dir(t.join("rootfs/empty/new")).unwrap(),
            "\"empty/new\": directory is not part of the image",
        ),
        (
            |t| {
                fs::set_permissions(t.join("rootfs/empty"), fs::Permissions::from_mode(0o700))
                    .unwrap()
            },
            "\"empty\": mode",
        ),
        (
            |t| {
                fs::set_permissions(t.join("rootfs/a/b"), fs::Permissions::from_mode(0o777))
                    .unwrap()
            },
            "\"a/b\": directory is not part of the image",
        ),
        (
            |t| fs::write(t.join("manifest"), "{}").unwrap(),
            "manifest: content",
        ),
        (
            |t| fs::write(t.join("implied"), "x\0").unwrap(),
            "implied: content",
        ),
        (
            |t| fs::write(t.join("stray"), "x").unwrap(),
            "\"stray\": is not part of the image",
        ),
        (
            |t| fs::remove_dir_all(t.join("rootfs")).unwrap(),
            "cannot read rootfs",
        ),
        (|t| fs::remove_dir_all(t).unwrap(), "cannot read manifest"),
    ];
    let sample = Sample::new();
    let id = rich(&sample);
    let tree = root(&sample, &id);
    for (damage, expected) in cases {
        damage(&tree);
        let report = verify(&sample, &id, &InUse::default());
        let TreeState::Rebuilt(wrong) = &report.trees[0].state else {
            panic!("{expected}: {report:?}");
        };
        assert!(
            wrong.iter().any(|line| line.starts_with(expected)),
            "{expected}: {wrong:?}"
        );
        let report = verify(&sample, &id, &InUse::default());
        assert!(
            matches!(report.trees[0].state, TreeState::Good),
            "{expected}: {report:?}"
        );
    }
    // Nothing is left of what was replaced.
    let trees = fs::read_dir(tree.parent().unwrap()).unwrap();
    assert_eq!(trees.count(), 1);
}

#[test]
fn a_tree_that_a_pod_uses_is_left_alone() {
    let sample = Sample::new();
    let id = rich(&sample);
    let file = root(&sample, &id).join("rootfs/etc/motd");
    fs::write(&file, "other").unwrap();
    let mut used = InUse::default();
    used.images.insert(id);
    used.trees.insert(TreeId::of_images(&[id]));
    let report = verify(&sample, &id, &used);
    assert!(!report.is_good());
    assert!(
        matches!(&report.trees[0].state, TreeState::Damaged(wrong, TreeError::InUse) if wrong.len() == 2),
        "{report:?}"
    );
    assert_eq!(fs::read_to_string(file).unwrap(), "other");
}

#[test]
fn a_damaged_blob_is_named_and_nothing_is_made_of_it() {
    let sample = Sample::new();
    let id = rich(&sample);
    let path = sample.damage_blob(&id);
    let file = root(&sample, &id).join("rootfs/etc/motd");
    fs::write(&file, "other").unwrap();
    for _ in 0..2 {
        let report = verify(&sample, &id, &InUse::default());
        assert!(!report.is_good());
        let name = path.file_name().unwrap().to_str().unwrap();
        assert_eq!(report.blobs[0].digest.hex(), name);
        assert!(report.blobs[0].fault.is_some() && report.blobs[0].repair.is_none());
        assert!(
            matches!(report.trees[0].state, TreeState::Unknown),
            "{report:?}"
        );
        assert_eq!(fs::read_to_string(&file).unwrap(), "other");
        let _ = fs::remove_file(&path);
    }
}

#[test]
fn a_rendered_tree_is_compared_with_what_rendering_gives() {
    let sample = Sample::new();
    let base = plain("base", "", |root| {
        root.file("rootfs/base", "base").file("rootfs/hidden", "x")
    });
    sample.fetch("base", &base);
    let more =
        r#","dependencies":[{"imageName":"example.test/base"}],"pathWhitelist":["/base","/app"]"#;
    let app = plain("app", more, |root| root.file("rootfs/app", "app"));
    let id = sample.fetch("app", &app);
    let report = verify(&sample, &id, &InUse::default());
    assert!(report.is_good() && report.trees.len() == 2, "{report:?}");
    assert!(
        matches!(report.trees[1].state, TreeState::Good),
        "{report:?}"
    );
    let tree = sample.store.tree_path(&report.trees[1].id);
    fs::write(tree.join("rootfs/base"), "bass").unwrap();
    let report = verify(&sample, &id, &InUse::default());
    assert!(
        matches!(&report.trees[1].state, TreeState::Rebuilt(wrong) if wrong[0].starts_with("\"base\": content")),
        "{report:?}"
    );
    assert_eq!(
        fs::read_to_string(tree.join("rootfs/base")).unwrap(),
        "base"
    );
    fs::remove_dir_all(&tree).unwrap();
    let report = verify(&sample, &id, &InUse::default());
    assert!(report.is_good() && matches!(report.trees[1].state, TreeState::NotRendered));
    // With the tree of the dependency damaged, that is mended first.
    let below = sample.store.record(&id).unwrap().trees[1].clone();
    fs::write(sample.store.tree_path(&below).join("rootfs/base"), "bass").unwrap();
    assert!(verify(&sample, &id, &InUse::default()).is_good());
    let mended = fs::read_to_string(sample.store.tree_path(&below).join("rootfs/base"));
    assert_eq!(mended.unwrap(), "base");
}
