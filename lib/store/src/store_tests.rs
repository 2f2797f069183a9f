//! Tests of the store as a whole: finding, removing, dying, competing.

mod dying;

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use gantry_types::ImageName;

use crate::test_image::{assert_whole, id, late, nothing, population, publish, record, url};
use crate::{
    GcReport, InUse, ResolveError, Signer, Source, Store, StoreError, TreeStaging, Verdict,
};

/// Tests that start processes run alone: between fork and exec a child holds a copy of every descriptor
/// of this process, and so the locks of other tests.
static ALONE: RwLock<()> = RwLock::new(());

/// A directory for a store, while no test starts a process.
struct Dir {
    _dir: tempfile::TempDir,
    _gate: RwLockReadGuard<'static, ()>,
}

fn store() -> (Dir, Store) {
    let _gate = ALONE.read().unwrap_or_else(PoisonError::into_inner);
    let (_dir, store) = lone_store();
    (Dir { _dir, _gate }, store)
}

fn lone_store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    (dir, store)
}

fn name(text: &str) -> ImageName {
    text.parse().unwrap()
}

fn collect(store: &Store) -> GcReport {
    let report = store
        .gc(Duration::from_secs(3600), late(), &mut nothing)
        .unwrap();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    report
}

#[test]
fn an_image_is_found_by_id_name_and_url() {
    let (_dir, store) = store();
    let one = publish(&store, &record("example.com/app:1,os=linux", 1)).unwrap();
    publish(&store, &record("example.com/application:1,os=linux", 2)).unwrap();
    assert_whole(&store, &one);
    let found = |text: &str| store.find(&name(text)).unwrap().map(|record| record.id);
    assert_eq!(found("example.com/app"), Some(id(1)));
    assert_eq!(found("example.com/app:1"), Some(id(1)));
    assert_eq!(found("example.com/app,os=linux"), Some(id(1)));
    assert_eq!(found("example.com/app:2"), None);
    assert_eq!(found("example.com/app:1,arch=amd64"), None);
    assert_eq!(found("example.com"), None);
    assert_eq!(
        store.by_origin(&Source::Url(url(2))).unwrap().unwrap().id,
        id(2)
    );
    assert_eq!(store.resolve("sha512-01").unwrap(), id(1));
    for text in [
        id(2).short(),
        id(2).key(),
        id(2).list_id(),
        id(2).to_string(),
    ] {
        assert_eq!(store.resolve(&text).unwrap(), id(2), "{text}");
    }
}

#[test]
fn prefixes_that_name_no_single_image_are_refused_in_known_words() {
    let (_dir, store) = store();
    publish(&store, &record("example.com/a", 0x11)).unwrap();
    let mut other = record("example.com/b", 0x11);
    let mut digest = [0x11; 64];
    digest[63] = 0;
    other.id = gantry_types::ImageId::from_digest(digest);
    other.layers.clear();
    other.trees.clear();
    store.publish_image(&other).unwrap();
    let error = |prefix: &str| store.resolve(prefix).unwrap_err().to_string();
    assert_eq!(error("sha512-1"), "image ID too short");
    assert_eq!(error("sha512-22"), "no image IDs found");
    assert_eq!(error("sha512-zz"), "no image IDs found");
    assert!(error(&id(0x11).short()).contains("ambiguous image ID"));
    assert!(matches!(
        store.resolve("md5-11"),
        Err(ResolveError::WrongPrefix)
    ));
}

#[test]
fn without_a_version_the_latest_flag_wins_then_the_last_import() {
    let (_dir, store) = store();
    let find = || store.find(&name("example.com/app")).unwrap().unwrap().id;
    publish(&store, &record("example.com/app:1", 1)).unwrap();
    publish(&store, &record("example.com/app:2", 2)).unwrap();
    assert_eq!(find(), id(2));
    let mut flagged = record("example.com/app:1", 1);
    flagged.latest = Some(7);
    publish(&store, &flagged).unwrap();
    assert_eq!(find(), id(1));
    publish(&store, &record("example.com/app:3", 3)).unwrap();
    assert_eq!(find(), id(1));
    store.remove(&id(1), &mut nothing).unwrap();
    assert_eq!(find(), id(3));
}

#[test]
fn a_signed_verdict_is_never_replaced_by_a_waived_one() {
    let (_dir, store) = store();
    let mut signed = record("example.com/app:1", 1);
    let by = vec![Signer {
        legacy: false,
        fingerprint: "00".repeat(20),
        user_id: "A <a@example.com>".into(),
    }];
    signed.verdict = Verdict::Signed { by };
    let waived = record("example.com/app:1", 1);
    publish(&store, &waived).unwrap();
    publish(&store, &signed).unwrap();
    assert_eq!(publish(&store, &waived).unwrap().verdict, signed.verdict);
    assert_eq!(store.record(&id(1)).unwrap().verdict, signed.verdict);
}

#[test]
fn removal_leaves_nothing_and_says_when_there_is_nothing() {
    let (_dir, store) = store();
    let empty = population(&store);
    publish(&store, &record("example.com/app:1", 1)).unwrap();
    store.remove(&id(1), &mut nothing).unwrap();
    // The lock that orders publications stays.
    assert_eq!(population(&store), empty + 1);
    assert!(matches!(
        store.remove(&id(1), &mut nothing),
        Err(StoreError::Missing { .. })
    ));
    assert_eq!(population(&store), empty + 1);
}

#[test]
fn an_image_in_use_is_neither_removed_nor_collected() {
    let (_dir, store) = store();
    let one = publish(&store, &record("example.com/app:1", 1)).unwrap();
    let (lease, _) = store.use_image(&id(1)).unwrap();
    assert!(matches!(
        store.remove(&id(1), &mut nothing),
        Err(StoreError::InUse { .. })
    ));
    assert!(collect(&store).images.is_empty());
    drop(lease);
    let mut pods = || {
        let images = HashSet::from([id(1)]);
        Ok(InUse {
            images,
            ..InUse::default()
        })
    };
    let report = store.gc(Duration::ZERO, late(), &mut pods).unwrap();
    assert!(report.images.is_empty());
    assert_whole(&store, &one);
    // A pod keeps its tree even when the image is removed by name.
    let tree = one.trees[0].clone();
    let mut pods = || {
        Ok(InUse {
            trees: HashSet::from([tree.clone()]),
            ..InUse::default()
        })
    };
    store.remove(&id(1), &mut pods).unwrap();
    assert!(store.has_tree(&tree));
    assert_eq!(collect(&store).trees, [tree]);
}

#[test]
fn collection_spares_what_was_used_within_the_grace_period() {
    let (_dir, store) = store();
    publish(&store, &record("example.com/app:1", 1)).unwrap();
    publish(&store, &record("example.com/app:2", 2)).unwrap();
    store.touch(&id(2), late());
    let report = collect(&store);
    assert_eq!(report.images, [id(1)]);
    assert_eq!(report.trees.len(), 1);
    assert_eq!(store.list().unwrap().images.len(), 1);
}

#[test]
fn damaged_and_foreign_files_are_reported_and_stop_nothing() {
    let (_dir, store) = store();
    publish(&store, &record("example.com/app:1", 1)).unwrap();
    publish(&store, &record("example.com/app:2", 2)).unwrap();
    fs::write(store.record_path(&id(2)), "{\"id\":").unwrap();
    fs::write(store.images_dir().join("notes.txt"), "mine").unwrap();
    fs::copy(store.record_path(&id(1)), store.record_path(&id(3))).unwrap();
    let listing = store.list().unwrap();
    assert_eq!(listing.images.len(), 1);
    assert_eq!(listing.problems.len(), 3);
    assert!(
        listing
            .problems
            .iter()
            .all(|problem| problem.path().is_some())
    );
    assert_eq!(
        store.find(&name("example.com/app")).unwrap().unwrap().id,
        id(1)
    );
    let error = store.find(&name("example.com/app:2")).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    // What the damaged record may refer to is not collected before it is mended or removed.
    let report = store
        .gc(Duration::from_secs(3600), late(), &mut nothing)
        .unwrap();
    assert_eq!(report.images, [id(1)]);
    assert!(report.trees.is_empty());
    publish(&store, &record("example.com/app:2", 2)).unwrap();
    assert_eq!(store.record(&id(2)).unwrap().id, id(2));
    store.remove(&id(3), &mut nothing).unwrap();
}

#[test]
fn a_dropped_publication_leaves_only_the_download() {
    let (_dir, store) = store();
    let empty = population(&store);
    {
        let mut publication = store.publication(&id(1)).unwrap();
        publication.bytes(b"signature").unwrap();
        publication.tree("t".parse().unwrap(), TreeStaging::new(&store).unwrap());
    }
    collect(&store);
    assert_eq!(population(&store), empty);
}

#[test]
fn a_download_goes_on_where_it_ended() {
    let (_dir, store) = store();
    let mut ingest = store.ingest("https://example.com/x").unwrap();
    ingest
        .started(Some("\"v1\"".into()), None, Some(10), 0)
        .unwrap();
    ingest.write_all(b"01234").unwrap();
    drop(ingest);
    let mut ingest = store.ingest("https://example.com/x").unwrap();
    assert_eq!(ingest.len(), 5);
    assert_eq!(ingest.sidecar().unwrap().etag.as_deref(), Some("\"v1\""));
    ingest
        .started(Some("\"v1\"".into()), None, Some(10), 5)
        .unwrap();
    ingest.write_all(b"56789").unwrap();
    assert!(ingest.write_all(b"x").is_err());
    let mut text = String::new();
    std::io::Read::read_to_string(&mut ingest.reader().unwrap(), &mut text).unwrap();
    assert_eq!(text, "0123456789");
}

#[test]
fn data_that_nothing_vouches_for_is_dropped() {
    let (_dir, store) = store();
    let sidecar = |store: &Store| -> PathBuf {
        let entries = fs::read_dir(store.ingest_dir()).unwrap().flatten();
        entries
            .map(|e| e.path())
            .find(|p| p.extension().is_some_and(|e| e == "json"))
            .unwrap()
    };
    let fill = |store: &Store| {
        let mut ingest = store.ingest("u").unwrap();
        ingest.started(Some("e".into()), None, Some(10), 0).unwrap();
        ingest.write_all(b"01234").unwrap();
    };
    fill(&store);
    fs::remove_file(sidecar(&store)).unwrap();
    assert_eq!(store.ingest("u").unwrap().len(), 0);
    fill(&store);
    fs::write(sidecar(&store), "{\"url\":\"other\"}").unwrap();
    assert_eq!(store.ingest("u").unwrap().len(), 0);
    fill(&store);
    // Another boot: only what was durable counts, and that is nothing yet.
    let text = fs::read_to_string(sidecar(&store)).unwrap();
    let start = text.find("\"boot\":\"").unwrap() + 8;
    fs::write(
        sidecar(&store),
        format!("{}x{}", &text[..start], &text[start + 1..]),
    )
    .unwrap();
    assert_eq!(store.ingest("u").unwrap().len(), 0);
}

#[test]
fn one_of_many_downloads_and_the_others_find_the_image() {
    let (_dir, store) = store();
    let downloads = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let ingest = store.ingest(&url(1)).unwrap();
                if store.by_origin(&Source::Url(url(1))).unwrap().is_some() {
                    ingest.discard().unwrap();
                    return;
                }
                downloads.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                let mut ingest = ingest;
                ingest.write_all(&[1]).unwrap();
                let tree = TreeStaging::new(&store).unwrap();
                fs::create_dir_all(tree.path().join("rootfs/etc")).unwrap();
                fs::write(tree.path().join("manifest"), [1]).unwrap();
                let record = record("example.com/app:1", 1);
                let mut publication = store.publication(&record.id).unwrap();
                publication.tree(record.trees[0].clone(), tree);
                publication.blob(record.layers[0].digest.clone(), ingest);
                publication.commit(&record).unwrap();
            });
        }
    });
    assert_eq!(downloads.into_inner(), 1);
    assert_whole(&store, &store.record(&id(1)).unwrap());
}

#[test]
fn fetch_remove_and_collect_at_once_never_show_half_an_image() {
    let (_dir, store) = store();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for round in 0..40 {
                    let byte = 1 + round % 3;
                    publish(&store, &record("example.com/app:1", byte)).unwrap();
                    if let Ok((_lease, record)) = store.use_image(&id(byte)) {
                        assert_whole(&store, &record);
                    }
                }
            });
        }
        scope.spawn(|| {
            for round in 0..40 {
                match store.remove(&id(1 + round % 3), &mut nothing) {
                    Ok(()) | Err(StoreError::Missing { .. } | StoreError::InUse { .. }) => {}
                    Err(error) => panic!("{error}: {error:?}"),
                }
            }
        });
        scope.spawn(|| {
            for _ in 0..20 {
                store.gc(Duration::ZERO, late(), &mut nothing).unwrap();
            }
        });
    });
    for record in store.list().unwrap().images {
        assert_whole(&store, &record);
    }
    let report = store.gc(Duration::ZERO, late(), &mut nothing).unwrap();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    assert!(store.list().unwrap().images.is_empty());
    // Left: version, six directories, two of blobs, and the lock that orders publications.
    assert_eq!(population(&store), 10);
}
