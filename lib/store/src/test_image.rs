//! Images for the tests of this crate.

use std::io::Write;
use std::time::SystemTime;

use gantry_types::render::FlatList;
use gantry_types::{ImageId, ImageName};

use crate::publish::time_of;
use crate::{
    Digest, ImageKind, ImageRecord, InUse, Layer, Origin, Source, Store, StoreError, TreeId,
    TreeStaging, Verdict, sha512_of,
};

/// ID made of one repeated byte.
pub(crate) fn id(byte: u8) -> ImageId {
    ImageId::from_digest([byte; 64])
}

pub(crate) fn url(byte: u8) -> String {
    format!("https://example.com/{byte}.aci")
}

/// Record of an unsigned image `name` whose blob holds the one byte of its ID.
pub(crate) fn record(name: &str, byte: u8) -> ImageRecord {
    let name: ImageName = name.parse().unwrap();
    let time = u64::from(byte) * 1_000_000_000;
    ImageRecord {
        id: id(byte),
        kind: ImageKind::Aci,
        name: name.name,
        labels: name.labels,
        aliases: Vec::new(),
        layers: vec![Layer {
            digest: sha512_of(&[byte]),
            diff_id: Digest::sha512([byte; 64]),
            size: 1,
            unpacked: 1,
        }],
        trees: vec![TreeId::of_images(&[id(byte)])],
        flat: None,
        rendered: None,
        size: 1,
        import_time: time,
        last_used: time,
        latest: None,
        origins: vec![Origin {
            source: Source::Url(url(byte)),
            name: None,
            etag: None,
            last_modified: None,
            max_age: None,
            fetched: time,
        }],
        verdict: Verdict::Waived {
            option: "--insecure-options=image".to_owned(),
        },
        signature: None,
        oci: None,
    }
}

/// The same with a rendered tree, as an image with a path whitelist has one.
pub(crate) fn rendered_record(name: &str, byte: u8) -> ImageRecord {
    let rendered = TreeId::rendered(&FlatList::single(id(byte)));
    ImageRecord {
        rendered: Some(rendered),
        ..record(name, byte)
    }
}

/// A tree that is not published yet.
pub(crate) fn staged_tree(store: &Store, byte: u8) -> Result<TreeStaging, StoreError> {
    let tree = TreeStaging::new(store)?;
    std::fs::create_dir_all(tree.path().join("rootfs/etc")).unwrap();
    std::fs::write(tree.path().join("manifest"), [byte]).unwrap();
    Ok(tree)
}

/// Publishes `record` the way a fetch does: download, tree, commit.
pub(crate) fn publish(store: &Store, record: &ImageRecord) -> Result<ImageRecord, StoreError> {
    let byte = record.id.digest()[0];
    let mut ingest = store.ingest(&url(byte))?;
    ingest.restart()?;
    ingest.write_all(&[byte]).unwrap();
    crate::crash::point("downloaded");
    let tree = staged_tree(store, byte)?;
    crate::crash::point("extracted");
    let mut publication = store.publication(&record.id)?;
    publication.tree(record.trees[0].clone(), tree);
    if let Some(rendered) = &record.rendered {
        publication.tree(rendered.clone(), staged_tree(store, byte)?);
        crate::crash::point("rendered");
    }
    publication.blob(record.layers[0].digest.clone(), ingest);
    publication.commit(record)
}

/// Everything the record refers to is there and right.
pub(crate) fn assert_whole(store: &Store, record: &ImageRecord) {
    let byte = record.id.digest()[0];
    for blob in record.blobs() {
        assert_eq!(std::fs::read(store.blob_path(blob)).unwrap(), [byte]);
    }
    for tree in record.all_trees() {
        assert_eq!(
            std::fs::read(store.tree_path(tree).join("manifest")).unwrap(),
            [byte]
        );
        assert!(store.tree_path(tree).join("rootfs/etc").is_dir());
    }
}

pub(crate) fn nothing() -> std::io::Result<InUse> {
    Ok(InUse::default())
}

/// A year from now: every unfinished download is abandoned.
pub(crate) fn late() -> SystemTime {
    time_of(crate::nanos(SystemTime::now()) + 365 * 24 * 3600 * 1_000_000_000)
}

/// Number of files, directories and links below the store, its own directories left out.
pub(crate) fn population(store: &Store) -> usize {
    let mut count = 0;
    let mut queue = vec![store.root().to_owned()];
    while let Some(dir) = queue.pop() {
        for entry in std::fs::read_dir(dir).unwrap().flatten() {
            count += 1;
            if entry.file_type().unwrap().is_dir() {
                queue.push(entry.path());
            }
        }
    }
    count
}
