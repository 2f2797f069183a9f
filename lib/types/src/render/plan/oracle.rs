//! The rules of the plan once more, in the simplest form: pictures of whole trees, no tables, no
//! short cuts.

use std::collections::BTreeMap;

use super::super::{FlatImage, FlatList};
use super::{FileKind, ImageFile, ImageFiles};

/// Path, image, and for files the path whose content they are another name of.
pub(super) type Picture = BTreeMap<Vec<u8>, (usize, Option<Vec<u8>>)>;

/// A node of the tree of dependencies.
struct Node {
    image: usize,
    below: Vec<Node>,
}

/// Reads the nodes of one level, up to the first place of a higher one.
fn nodes(
    places: &mut std::iter::Peekable<std::slice::Iter<'_, FlatImage>>,
    flat: &FlatList,
) -> Vec<Node> {
    let mut found = Vec::new();
    let Some(level) = places.peek().map(|place| place.level) else {
        return found;
    };
    while let Some(place) = places.next_if(|place| place.level == level) {
        let image = flat
            .distinct()
            .iter()
            .position(|id| *id == place.id)
            .unwrap();
        let deeper = places.peek().is_some_and(|next| next.level > level);
        let below = if deeper {
            nodes(places, flat)
        } else {
            Vec::new()
        };
        found.push(Node { image, below });
    }
    found
}

/// The files of a node and all below it that pass, in order of priority.
fn passing<'a>(
    node: &Node,
    images: &'a [ImageFiles],
    above: &[usize],
) -> Vec<(usize, &'a ImageFile)> {
    let own = &images[node.image];
    let passes = |file: &&ImageFile| {
        let named = file.kind != FileKind::ImpliedDirectory;
        let own = file.kind == FileKind::Directory || own.whitelist.keeps(&file.path);
        named && own && above.iter().all(|i| images[*i].whitelist.keeps(&file.path))
    };
    let mut all: Vec<_> = own
        .files
        .iter()
        .filter(passes)
        .map(|file| (node.image, file))
        .collect();
    let mut above = above.to_vec();
    above.push(node.image);
    for below in &node.below {
        all.extend(passing(below, images, &above));
    }
    all
}

fn lies_beneath(path: &[u8], directory: &[u8]) -> bool {
    path.strip_prefix(directory)
        .is_some_and(|rest| rest.first() == Some(&b'/'))
}

pub(super) fn picture(flat: &FlatList, images: &[ImageFiles]) -> Picture {
    let tree = nodes(&mut flat.places().iter().peekable(), flat);
    let is_directory = |file: &ImageFile| file.kind == FileKind::Directory;
    let mut kept: Vec<(usize, &ImageFile)> = Vec::new();
    for (image, file) in passing(&tree[0], images, &[]) {
        let hidden = kept.iter().any(|(_, other)| {
            other.path == file.path
                || (!is_directory(other) && lies_beneath(&file.path, &other.path))
                || (!is_directory(file) && lies_beneath(&other.path, &file.path))
        });
        if !hidden {
            kept.push((image, file));
        }
    }
    let mut picture = Picture::from([(Vec::new(), (0, None))]);
    for (image, file) in &kept {
        let same = |other: &&(usize, &ImageFile)| {
            other.0 == *image
                && matches!(file.kind, FileKind::Linked(_))
                && other.1.kind == file.kind
        };
        let content = kept
            .iter()
            .filter(same)
            .map(|(_, other)| other.path.clone())
            .min();
        let content = content.or_else(|| (!is_directory(file)).then(|| file.path.clone()));
        picture.insert(file.path.clone(), (*image, content));
    }
    // In the order of the files, so that the first one decides whose the directory is.
    for (image, file) in &kept {
        let slashes = file
            .path
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'/');
        for (slash, _) in slashes {
            picture
                .entry(file.path[..slash].to_owned())
                .or_insert((*image, None));
        }
    }
    picture
}

/// What the kernel's overlay shows of the trees, as its documentation tells it: path, image, whether it is
/// a directory.
pub(super) fn overlay(images: &[ImageFiles]) -> BTreeMap<Vec<u8>, (usize, bool)> {
    let mut shown = BTreeMap::from([(Vec::new(), (0, true))]);
    look_into(
        b"",
        &(0..images.len()).collect::<Vec<_>>(),
        images,
        &mut shown,
    );
    shown
}

fn look_into(
    directory: &[u8],
    layers: &[usize],
    images: &[ImageFiles],
    shown: &mut BTreeMap<Vec<u8>, (usize, bool)>,
) {
    let mut names = BTreeMap::<&[u8], Vec<(usize, bool)>>::new();
    for layer in layers {
        for file in &images[*layer].files {
            let parent = file
                .path
                .iter()
                .rposition(|b| *b == b'/')
                .map_or(0, |slash| slash);
            if file.path[..parent] == *directory {
                let is_directory =
                    matches!(file.kind, FileKind::Directory | FileKind::ImpliedDirectory);
                names
                    .entry(&file.path)
                    .or_default()
                    .push((*layer, is_directory));
            }
        }
    }
    for (path, found) in names {
        shown.insert(path.to_owned(), found[0]);
        // Only directories merge, and the first that is none ends it.
        let merged = found.iter().take_while(|(_, is_directory)| *is_directory);
        let merged: Vec<usize> = merged.map(|(layer, _)| *layer).collect();
        if !merged.is_empty() {
            look_into(path, &merged, images, shown);
        }
    }
}
