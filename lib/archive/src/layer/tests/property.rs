//! Any layers over each other, beside a model of what they are together.

use std::collections::BTreeMap;

use gantry_testkit::archive::ArchiveBuilder;
use proptest::prelude::*;

use super::{Image, contents};

/// What an entry of a layer does.
#[derive(Debug, Clone)]
enum Entry {
    File(&'static str, u8),
    Directory(&'static str),
    Whiteout(&'static str),
    Opaque(&'static str),
}

const PATHS: [&str; 8] = ["a", "b", "a/a", "a/b", "b/a", "a/a/a", "a/a/b", "b/a/a"];

fn entries() -> impl Strategy<Value = Entry> {
    let path = || prop::sample::select(&PATHS[..]);
    prop_oneof![
        (path(), any::<u8>()).prop_map(|(path, byte)| Entry::File(path, byte)),
        path().prop_map(Entry::Directory),
        path().prop_map(Entry::Whiteout),
        path().prop_map(Entry::Opaque),
    ]
}

/// What a directory into which all layers are extracted one after the other would hold.
#[derive(Default)]
struct Model(BTreeMap<String, String>);

impl Model {
    fn remove_beneath(&mut self, path: &str) {
        let beneath = format!("{path}/");
        self.0
            .retain(|name, _| !name.starts_with(&beneath) || *name == beneath);
    }

    fn remove(&mut self, path: &str) {
        self.remove_beneath(path);
        self.0.remove(path);
        self.0.remove(&format!("{path}/"));
    }

    fn directory(&mut self, path: &str) {
        for (end, _) in path.match_indices('/').chain([(path.len(), "")]) {
            self.0.remove(&path[..end]);
            self.0.insert(format!("{}/", &path[..end]), String::new());
        }
    }

    fn apply(&mut self, layer: &[Entry]) {
        for entry in layer {
            match entry {
                Entry::Whiteout(path) => self.remove(path),
                Entry::Opaque(path) => self.remove_beneath(path),
                _ => {}
            }
        }
        for entry in layer {
            match entry {
                Entry::File(path, byte) => {
                    if let Some((parent, _)) = path.rsplit_once('/') {
                        self.directory(parent);
                    }
                    self.remove(path);
                    self.0.insert((*path).to_owned(), byte.to_string());
                }
                Entry::Directory(path) | Entry::Opaque(path) => self.directory(path),
                // Its directory is made, if only to hold the mark.
                Entry::Whiteout(path) => {
                    if let Some((parent, _)) = path.rsplit_once('/') {
                        self.directory(parent);
                    }
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Layers laid over each other show what one directory would hold that they are extracted into in turn.
    #[test]
    fn layers_over_each_other_are_what_they_would_be_in_turn(
        layers in prop::collection::vec(prop::collection::vec(entries(), 0..8), 1..4)
    ) {
        let mut image = Image::new();
        let mut model = Model::default();
        for layer in &layers {
            let mut archive = ArchiveBuilder::new();
            for entry in layer {
                archive = match entry {
                    Entry::File(path, byte) => archive.file(path, byte.to_string()),
                    Entry::Directory(path) => archive.directory(path),
                    Entry::Opaque(path) => archive.file(&format!("{path}/.wh..wh..opq"), ""),
                    Entry::Whiteout(path) => {
                        let (parent, name) = path.rsplit_once('/').unwrap_or((".", path));
                        archive.file(&format!("{parent}/.wh.{name}"), "")
                    }
                };
            }
            // A file above others, or in the place of a directory, within one layer.
            if image.add(&archive.finish()).is_err() {
                return Ok(());
            }
            model.apply(layer);
        }
        prop_assert_eq!(contents(&image.flat()), model.0);
    }
}
