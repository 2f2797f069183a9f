//! The rules, one table each.

mod random;

use super::super::{FlatList, Whitelist};
use super::{FileKind, ImageFile, ImageFiles, MAX_LAYERS, Make, Plan, plan};
use crate::image_id::ImageId;

/// An image of files: `d/` is a directory, `d//` one that is only implied, `f=1` a name of file 1.
fn image(whitelist: &[&str], files: &[&str]) -> ImageFiles {
    let file = |text: &&str| {
        let (path, kind) = match text.split_once('=') {
            Some((path, number)) => (path, FileKind::Linked(number.parse().unwrap())),
            None if text.ends_with("//") => {
                (text.trim_end_matches('/'), FileKind::ImpliedDirectory)
            }
            None if text.ends_with('/') => (text.trim_end_matches('/'), FileKind::Directory),
            None => (*text, FileKind::Other),
        };
        let path = path.as_bytes().to_vec();
        ImageFile { path, kind }
    };
    ImageFiles {
        whitelist: Whitelist::new(whitelist),
        files: files.iter().map(file).collect(),
    }
}

/// The list of a graph: for every image the images it depends on, which come after it.
fn flat(graph: &[&[usize]]) -> FlatList {
    fn of(graph: &[&[usize]], image: usize) -> FlatList {
        let below: Vec<FlatList> = graph[image].iter().map(|below| of(graph, *below)).collect();
        FlatList::over(id(image), &below).unwrap()
    }
    of(graph, 0)
}

fn id(image: usize) -> ImageId {
    ImageId::from_digest([u8::try_from(image).unwrap(); 64])
}

/// The images in the order that the list has them.
fn sorted(flat: &FlatList, images: &[ImageFiles]) -> Vec<ImageFiles> {
    let index = |id: ImageId| usize::from(id.digest()[0]);
    flat.distinct()
        .into_iter()
        .map(|id| images[index(id)].clone())
        .collect()
}

/// `path=image` for everything beneath the root, with `/` for directories and `>first` for further names.
fn shown(flat: &FlatList, plan: &Plan<'_>) -> String {
    let letter = |image: usize| char::from(b'A' + flat.distinct()[image].digest()[0]);
    let text = |path| String::from_utf8_lossy(path).into_owned();
    let entries = plan.entries.iter().skip(1).map(|entry| {
        let image = letter(entry.image);
        match entry.make {
            Make::Directory => format!("{}/={image}", text(entry.path)),
            Make::Copy => format!("{}={image}", text(entry.path)),
            Make::Link(to) => format!(
                "{}={image}>{}",
                text(entry.path),
                text(plan.entries[to].path)
            ),
        }
    });
    entries.collect::<Vec<_>>().join(" ")
}

/// A (first) to D depend on each other as `graph` says; what comes of it, and whether an overlay shows it.
fn check(graph: &[&[usize]], images: &[ImageFiles], expected: &str, is_overlay: bool) {
    let flat = flat(graph);
    let images = sorted(&flat, images);
    let plan = plan(&flat, &images);
    assert_eq!(shown(&flat, &plan), expected);
    assert_eq!(plan.is_overlay, is_overlay, "{expected}");
}

const CHAIN: &[&[usize]] = &[&[1], &[2], &[]];
const TWO: &[&[usize]] = &[&[1, 2], &[], &[]];

#[test]
fn the_first_image_in_the_list_wins() {
    let all = |files: &[&str]| image(&[], files);
    check(&[&[]], &[all(&["a/", "a/b"])], "a/=A a/b=A", true);
    check(&[&[]], &[all(&[])], "", true);
    check(
        CHAIN,
        &[
            all(&["x", "a"]),
            all(&["x", "y", "b"]),
            all(&["x", "y", "z"]),
        ],
        "a=A b=B x=A y=B z=C",
        true,
    );
    // The dependency named last is the stronger one.
    check(
        TWO,
        &[all(&["a"]), all(&["x", "b"]), all(&["x", "c"])],
        "a=A b=B c=C x=C",
        true,
    );
    // And what it depends on is stronger than the one named first.
    check(
        &[&[1, 2], &[], &[3], &[]],
        &[all(&[]), all(&["x", "b"]), all(&["c"]), all(&["x"])],
        "b=B c=C x=D",
        true,
    );
}

#[test]
fn a_directory_has_the_attributes_of_the_first_image_that_names_it() {
    let all = |files: &[&str]| image(&[], files);
    check(
        CHAIN,
        &[all(&[]), all(&["d/", "d/x"]), all(&["d/", "d/y"])],
        "d/=B d/x=B d/y=C",
        true,
    );
    check(
        CHAIN,
        &[all(&["d//", "d/x"]), all(&["d/"]), all(&["d/"])],
        "d/=B d/x=A",
        false,
    );
    check(
        CHAIN,
        &[all(&["d//", "d/x"]), all(&["d//", "d/y"]), all(&[])],
        "d/=A d/x=A d/y=B",
        true,
    );
}

#[test]
fn a_file_before_hides_what_lies_in_its_place() {
    let all = |files: &[&str]| image(&[], files);
    check(
        CHAIN,
        &[
            all(&["d"]),
            all(&["d/", "d/x"]),
            all(&["d/", "d/e/", "d/e/y"]),
        ],
        "d=A",
        true,
    );
    check(CHAIN, &[all(&["d/"]), all(&["d"]), all(&[])], "d/=A", true);
    // As a text, a longer name begins like a shorter one.
    check(
        CHAIN,
        &[all(&["d"]), all(&["dx/", "dx/y"]), all(&[])],
        "d=A dx/=B dx/y=B",
        true,
    );
}

#[test]
fn a_directory_before_and_one_behind_a_file_are_one_which_no_overlay_shows() {
    let all = |files: &[&str]| image(&[], files);
    check(
        CHAIN,
        &[all(&["d/", "d/x"]), all(&["d"]), all(&["d/", "d/y"])],
        "d/=A d/x=A d/y=C",
        false,
    );
    // Nothing that an overlay would miss.
    check(
        CHAIN,
        &[all(&["d/", "d/y"]), all(&["d"]), all(&["d/", "d/y"])],
        "d/=A d/y=A",
        true,
    );
}

#[test]
fn whitelists_filter_their_own_image_and_all_beneath() {
    let all = |files: &[&str]| image(&[], files);
    let files = &["a", "b", "d/", "d/x", "d/y"][..];
    // Only the parent has one.
    check(
        CHAIN,
        &[
            image(&["/a", "/d/x"], &["own"]),
            all(files),
            all(&["b", "d/y"]),
        ],
        "a=B d/=B d/x=B",
        false,
    );
    // Only the image itself has one: directories stay.
    check(
        CHAIN,
        &[all(&["own"]), image(&["a"], files), all(&["b"])],
        "a=B d/=B own=A",
        false,
    );
    // The image beneath that has none is filtered all the same, directories too.
    check(
        CHAIN,
        &[all(&[]), image(&["a"], &["x"]), all(files)],
        "a=C",
        false,
    );
    // Every image above counts, where the original looks at the topmost alone.
    check(
        CHAIN,
        &[image(&["/a", "/b"], &[]), image(&["/a"], &[]), all(files)],
        "a=C",
        false,
    );
    check(
        CHAIN,
        &[image(&["/d"], files), all(&[]), all(&[])],
        "d/=A",
        false,
    );
    check(
        CHAIN,
        &[image(&["/none"], &["a"]), all(files), all(&[])],
        "",
        false,
    );
}

#[test]
fn a_whitelist_says_nothing_of_images_beside() {
    // The original would filter B by the list of C.
    check(
        TWO,
        &[
            image(&[], &[]),
            image(&[], &["b", "x"]),
            image(&["/c"], &["c", "x"]),
        ],
        "b=B c=C x=B",
        false,
    );
}

#[test]
fn an_image_that_two_depend_on_is_seen_through_each() {
    let graph: &[&[usize]] = &[&[1, 2], &[3], &[3], &[]];
    let d = image(&[], &["x", "y", "z"]);
    check(
        graph,
        &[
            image(&[], &[]),
            image(&["/y"], &[]),
            image(&["/x"], &[]),
            d.clone(),
        ],
        "x=D y=D",
        false,
    );
    // Without a whitelist on one of the ways all of it is there, also when it comes later in the list.
    check(
        graph,
        &[image(&[], &[]), image(&[], &["b"]), image(&["/x"], &[]), d],
        "b=B x=D y=D z=D",
        false,
    );
}

#[test]
fn a_whitelist_that_takes_nothing_away_needs_no_rendering() {
    let files = &["a", "d/", "d/x"][..];
    let list = &["/a", "/d", "/d/x"][..];
    check(&[&[]], &[image(list, files)], "a=A d/=A d/x=A", true);
    check(
        &[&[1], &[]],
        &[image(list, &["a"]), image(&[], files)],
        "a=A d/=B d/x=B",
        true,
    );
    // What is taken away is hidden in any case.
    check(
        &[&[1], &[]],
        &[image(&["/a"], &["a"]), image(&["/none"], &["a"])],
        "a=A",
        true,
    );
}

#[test]
fn more_trees_than_one_mount_takes_are_rendered() {
    for (count, is_overlay) in [(MAX_LAYERS, true), (MAX_LAYERS + 1, false)] {
        let below: Vec<FlatList> = (1..count)
            .map(|image| FlatList::single(id(image)))
            .collect();
        let flat = FlatList::over(id(0), &below).unwrap();
        let images = vec![image(&[], &["d/", "d/x"]); count];
        let plan = plan(&flat, &images);
        assert_eq!(shown(&flat, &plan), "d/=A d/x=A");
        assert_eq!(plan.is_overlay, is_overlay);
    }
}

#[test]
fn a_directory_that_something_kept_lies_in_is_there() {
    check(
        &[&[1], &[]],
        &[
            image(&["/d/e/x"], &[]),
            image(&[], &["d/", "d/e/", "d/e/x", "d/y"]),
        ],
        "d/=B d/e/=B d/e/x=B",
        false,
    );
    // It comes from the image that the first file in it comes from, unless an image names it itself.
    check(
        CHAIN,
        &[
            image(&["/d/x", "/d/y"], &["own/"]),
            image(&[], &["d/", "d/x"]),
            image(&[], &["d/", "d/y"]),
        ],
        "d/=B d/x=B d/y=C own/=A",
        false,
    );
    check(
        CHAIN,
        &[
            image(&["/d", "/d/x"], &[]),
            image(&["/d/x"], &["d//", "d/x"]),
            image(&[], &["d/"]),
        ],
        "d/=B d/x=B",
        true,
    );
    // A file in its place comes too late.
    check(
        &[&[1], &[2], &[]],
        &[
            image(&["/d", "/d/x"], &[]),
            image(&[], &["d//", "d/x"]),
            image(&[], &["d"]),
        ],
        "d/=B d/x=B",
        true,
    );
}

#[test]
fn names_of_one_file_stay_names_of_one_file() {
    let all = |files: &[&str]| image(&[], files);
    check(
        &[&[]],
        &[all(&["c=1", "a=1", "b=2", "d=1"])],
        "a=A b=A c=A>a d=A>a",
        true,
    );
    // The first name is filtered, or overridden: the next one takes its place.
    check(
        &[&[1], &[]],
        &[image(&["/b", "/c"], &[]), all(&["a=1", "b=1", "c=1"])],
        "b=B c=B>b",
        false,
    );
    check(
        &[&[1], &[]],
        &[all(&["a"]), all(&["a=1", "b=1", "c=1"])],
        "a=A b=B c=B>b",
        true,
    );
    check(
        &[&[1], &[]],
        &[all(&["a=1"]), all(&["b=1"])],
        "a=A b=B",
        true,
    );
    // One through one whitelist, the other through the other.
    check(
        &[&[1, 2], &[3], &[3], &[]],
        &[
            all(&[]),
            image(&["/y"], &[]),
            image(&["/x"], &[]),
            all(&["x=1", "y=1"]),
        ],
        "x=D y=D>x",
        false,
    );
}
