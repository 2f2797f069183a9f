//! Processes that die in the middle of something.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::PoisonError;
use std::time::Duration;

use super::{ALONE, collect, lone_store, name};
use crate::Store;
use crate::test_image::{
    assert_whole, id, late, nothing, population, publish, rendered_record, staged_tree,
};

/// Does what the environment says and dies where it says; run by the tests below in a process of its
/// own.
#[test]
fn crash_child() {
    let Some(dir) = std::env::var_os("GANTRY_CRASH_DIR") else {
        return;
    };
    let store = Store::open(Path::new(&dir)).unwrap();
    if std::env::var_os("GANTRY_CRASH_REMOVE").is_some() {
        store.remove(&id(1), &mut nothing).unwrap();
    } else {
        publish(&store, &rendered_record("example.com/app:1", 1)).unwrap();
    }
}

fn crash(dir: &Path, point: &str, remove: bool) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "store_tests::dying::crash_child", "--nocapture"]);
    child
        .env("GANTRY_CRASH_DIR", dir)
        .env("GANTRY_CRASH_AT", point);
    if remove {
        child.env("GANTRY_CRASH_REMOVE", "1");
    }
    let outcome = child.output().unwrap();
    assert!(!outcome.status.success(), "no such point: {point}");
}

#[test]
fn a_store_whose_maker_died_is_made_by_the_next_process_and_nothing_is_left() {
    let _alone = ALONE.write().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().unwrap();
    crash(dir.path(), "laid-out", false);
    let store = Store::open(dir.path()).unwrap();
    collect(&store);
    let left: Vec<_> = fs::read_dir(store.root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("version") || name.starts_with('.'))
        .collect();
    assert_eq!(left, ["version"]);
}

#[test]
fn a_fetch_that_dies_anywhere_leaves_the_old_state_or_the_new_one() {
    let _alone = ALONE.write().unwrap_or_else(PoisonError::into_inner);
    let points = [
        "downloaded",
        "extracted",
        "rendered",
        "names",
        "record-staged",
        "synced",
        "blobs",
        "content",
        "record",
    ];
    for point in points {
        let (dir, store) = lone_store();
        crash(dir.path(), point, false);
        let listing = store.list().unwrap();
        assert!(
            listing.problems.is_empty(),
            "{point}: {:?}",
            listing.problems
        );
        assert_eq!(
            listing.images.len(),
            usize::from(point == "record"),
            "{point}"
        );
        for record in &listing.images {
            assert_whole(&store, record);
        }
        let found = store.find(&name("example.com/app")).unwrap();
        assert_eq!(found.is_some(), point == "record", "{point}");
        // The same fetch works over what is left, and over what a collection leaves.
        for collected in [false, true] {
            if collected {
                collect(&store);
            }
            let record = publish(&store, &rendered_record("example.com/app:1", 1)).unwrap();
            assert_whole(&store, &record);
            store.remove(&id(1), &mut nothing).unwrap();
        }
        collect(&store);
        assert_eq!(population(&store), 10, "{point}");
    }
}

#[test]
fn a_removal_that_dies_anywhere_leaves_garbage_at_most() {
    let _alone = ALONE.write().unwrap_or_else(PoisonError::into_inner);
    for point in ["unpublished", "tree-hidden"] {
        let (dir, store) = lone_store();
        publish(&store, &rendered_record("example.com/app:1", 1)).unwrap();
        crash(dir.path(), point, true);
        assert!(store.list().unwrap().images.is_empty(), "{point}");
        assert!(
            store.find(&name("example.com/app")).unwrap().is_none(),
            "{point}"
        );
        let again = publish(&store, &rendered_record("example.com/app:1", 1)).unwrap();
        assert_whole(&store, &again);
        collect(&store);
        assert_eq!(population(&store), 10, "{point}");
    }
}

/// Renders anew what the image lost; run by the test below in a process of its own.
#[test]
fn restore_child() {
    let Some(dir) = std::env::var_os("GANTRY_RESTORE_DIR") else {
        return;
    };
    let store = Store::open(Path::new(&dir)).unwrap();
    let (_lease, record) = store.use_image(&id(1)).unwrap();
    let tree = staged_tree(&store, 1).unwrap();
    tree.restore(&store, &record.rendered.unwrap()).unwrap();
}

#[test]
fn a_rendered_tree_that_is_lost_can_be_put_back_and_dying_meanwhile_costs_nothing() {
    let _alone = ALONE.write().unwrap_or_else(PoisonError::into_inner);
    for point in ["restoring", "restored", "nowhere"] {
        let (dir, store) = lone_store();
        let record = publish(&store, &rendered_record("example.com/app:1", 1)).unwrap();
        let whole = population(&store);
        let rendered = record.rendered.clone().unwrap();
        fs::remove_dir_all(store.tree_path(&rendered)).unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "store_tests::dying::restore_child",
                "--nocapture",
            ])
            .env("GANTRY_RESTORE_DIR", dir.path())
            .env("GANTRY_CRASH_AT", point)
            .output()
            .unwrap();
        assert_eq!(child.status.success(), point == "nowhere", "{point}");
        assert_eq!(store.has_tree(&rendered), point != "restoring", "{point}");
        // Garbage goes, what the record refers to stays.
        let report = store.gc(
            Duration::from_secs(u64::from(u32::MAX)),
            late(),
            &mut nothing,
        );
        assert!(report.unwrap().trees.is_empty());
        staged_tree(&store, 1)
            .unwrap()
            .restore(&store, &rendered)
            .unwrap();
        assert_whole(&store, &record);
        assert_eq!(population(&store), whole, "{point}");
    }
}
