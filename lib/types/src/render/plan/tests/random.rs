//! Random images over random others.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::super::super::{FlatList, Whitelist};
use super::super::{FileKind, ImageFile, ImageFiles, Make, oracle, plan};
use super::{flat, sorted};

/// Paths of few components, so that images have much in common.
fn files() -> impl Strategy<Value = Vec<ImageFile>> {
    let part = prop::sample::select(vec!["a", "b", "c"]);
    let path = prop::collection::vec(part, 1..4).prop_map(|parts| parts.join("/"));
    let kind = prop_oneof![
        Just(FileKind::Other),
        Just(FileKind::Directory),
        (0..2_u32).prop_map(FileKind::Linked)
    ];
    prop::collection::vec((path, kind), 0..8).prop_map(|entries| {
        let mut tree: BTreeMap<Vec<u8>, FileKind> = BTreeMap::new();
        for (path, kind) in entries {
            let parts: Vec<&str> = path.split('/').collect();
            let above = (1..parts.len()).map(|n| parts[..n].join("/").into_bytes());
            let above: Vec<_> = above.collect();
            let is_file = |p: &Vec<u8>| {
                tree.get(p)
                    .is_some_and(|k| matches!(k, FileKind::Other | FileKind::Linked(_)))
            };
            if above.iter().any(is_file) || tree.contains_key(path.as_bytes()) {
                continue;
            }
            for directory in above {
                tree.entry(directory).or_insert(FileKind::ImpliedDirectory);
            }
            tree.insert(path.into_bytes(), kind);
        }
        tree.into_iter()
            .map(|(path, kind)| ImageFile { path, kind })
            .collect()
    })
}

fn whitelist() -> impl Strategy<Value = Whitelist> {
    let part = prop::sample::select(vec!["a", "b", "c"]);
    let path = prop::collection::vec(part, 1..4).prop_map(|parts| format!("/{}", parts.join("/")));
    prop_oneof![
        2 => Just(Vec::new()),
        1 => prop::collection::vec(path, 1..12),
    ]
    .prop_map(|paths| Whitelist::new(&paths))
}

/// Images and, for each, the later ones it depends on.
fn graphs() -> impl Strategy<Value = (FlatList, Vec<ImageFiles>)> {
    let image = (whitelist(), files()).prop_map(|(whitelist, mut files)| {
        // In any order.
        files.sort_by_key(|file| {
            file.path
                .iter()
                .map(|b| u32::from(*b) * 7919 % 31)
                .sum::<u32>()
        });
        ImageFiles { whitelist, files }
    });
    let graph = prop::collection::vec(
        prop::collection::vec(any::<prop::sample::Index>(), 0..3),
        1..6,
    );
    (graph, prop::collection::vec(image, 6)).prop_map(|(graph, images)| {
        let below =
            |n: usize, choice: &prop::sample::Index| n + 1 + choice.index(graph.len() - n - 1);
        let graph: Vec<Vec<usize>> = (graph.iter().enumerate())
            .map(|(n, choices)| match n + 1 == graph.len() {
                true => Vec::new(),
                false => choices.iter().map(|choice| below(n, choice)).collect(),
            })
            .collect();
        let graph: Vec<&[usize]> = graph.iter().map(Vec::as_slice).collect();
        let flat = flat(&graph);
        let images = sorted(&flat, &images);
        (flat, images)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_plan_is_what_the_rules_say((flat, images) in graphs()) {
        let plan = plan(&flat, &images);
        let found: oracle::Picture = plan.entries.iter().map(|entry| {
            let content = match entry.make {
                Make::Directory => None,
                Make::Copy => Some(entry.path.to_vec()),
                Make::Link(first) => Some(plan.entries[first].path.to_vec()),
            };
            (entry.path.to_vec(), (entry.image, content))
        }).collect();
        prop_assert_eq!(found, oracle::picture(&flat, &images));
    }

    #[test]
    fn an_overlay_shows_the_plan_where_it_is_said_to((flat, mut images) in graphs(), filter: bool) {
        if !filter {
            for image in &mut images {
                image.whitelist = Whitelist::default();
            }
        }
        let plan = plan(&flat, &images);
        let planned: BTreeMap<Vec<u8>, (usize, bool)> = plan.entries.iter()
            .map(|entry| (entry.path.to_vec(), (entry.image, entry.make == Make::Directory)))
            .collect();
        let shown = oracle::overlay(&images);
        if plan.is_overlay {
            prop_assert_eq!(&planned, &shown);
        } else if !filter {
            // Nothing is rendered without need.
            prop_assert_ne!(&planned, &shown);
        }
    }

    #[test]
    fn a_plan_can_be_carried_out_in_its_order((flat, images) in graphs()) {
        let plan = plan(&flat, &images);
        let mut made = BTreeSet::new();
        for (index, entry) in plan.entries.iter().enumerate() {
            if let Some(slash) = entry.path.iter().rposition(|byte| *byte == b'/') {
                prop_assert!(made.contains(&entry.path[..slash]));
            }
            if let Make::Link(first) = entry.make {
                prop_assert!(first < index && plan.entries[first].make == Make::Copy);
            }
            if entry.make == Make::Directory {
                made.insert(entry.path);
            }
            let has = |file: &ImageFile| file.path == entry.path;
            prop_assert!(entry.path.is_empty() || images[entry.image].files.iter().any(has));
        }
    }
}
