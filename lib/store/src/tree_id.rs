//! Names of extracted trees.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use gantry_types::ImageId;
use gantry_types::render::FlatList;
use serde::{Deserialize, Serialize};

use crate::digest::{Digest, sha512_of};

/// Name of a directory below `store/trees`: one extracted layer or one rendered ACI.
///
/// One path component of letters, digits, `-`, `.`, `_` and `+` that starts with a letter, so that it
/// never collides with the store's own hidden files.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TreeId(String);

/// A text is not the name of a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not the name of a tree")]
pub struct TreeIdError {
    text: String,
}

impl TreeId {
    /// Tree of an ACI: `deps-sha512-` and 64 hex digits, as rkt names it.
    ///
    /// `images` is the flattened list of the image and its dependencies, highest priority first; an
    /// image without any is its own list. Source: rkt 1.30, store/treestore/tree.go.
    #[must_use]
    pub fn of_images(images: &[ImageId]) -> Self {
        let keys: Vec<String> = images
            .iter()
            .map(ImageId::key)
            .map(|key| key.to_string())
            .collect();
        let digest = sha512_of(keys.join(",").as_bytes());
        Self(format!("deps-sha512-{}", &digest.hex()[..64]))
    }

    /// Tree of an ACI that was rendered from those of its list.
    ///
    /// Looks like the name that rkt gives such a tree, and is another: an image with a path whitelist and
    /// no dependencies has both an extracted and a rendered tree.
    #[must_use]
    pub fn rendered(flat: &FlatList) -> Self {
        let mut text = String::from("rendered 1");
        for place in flat.places() {
            // Writing to a string cannot fail.
            let _ = write!(text, ",{} {}", place.level, place.id);
        }
        let digest = sha512_of(text.as_bytes());
        Self(format!("deps-sha512-{}", &digest.hex()[..64]))
    }

    /// Tree of one layer: `layer-`, the algorithm and the hex digits of its uncompressed tar.
    #[must_use]
    pub fn of_layer(diff_id: &Digest) -> Self {
        Self(format!(
            "layer-{}-{}",
            diff_id.algorithm().as_str(),
            diff_id.hex()
        ))
    }

    /// Tree of one layer that has something of the layers below: `chain-sha512-` and 64 hex digits.
    ///
    /// `diff_ids` are those of the layers below it and of itself, lowest first.
    #[must_use]
    pub fn of_chain(diff_ids: &[Digest]) -> Self {
        let ids: Vec<String> = diff_ids.iter().map(ToString::to_string).collect();
        let digest = sha512_of(ids.join(" ").as_bytes());
        Self(format!("chain-sha512-{}", &digest.hex()[..64]))
    }

    /// Name of the directory.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TreeId {
    type Err = TreeIdError;

    fn from_str(text: &str) -> Result<Self, TreeIdError> {
        let letters = text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._+".contains(&b));
        if letters
            && text.len() <= 200
            && text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
        {
            Ok(Self(text.to_owned()))
        } else {
            Err(TreeIdError {
                text: text.chars().take(200).collect(),
            })
        }
    }
}

impl TryFrom<String> for TreeId {
    type Error = TreeIdError;

    fn try_from(text: String) -> Result<Self, TreeIdError> {
        text.parse()
    }
}

impl From<TreeId> for String {
    fn from(id: TreeId) -> Self {
        id.0
    }
}

impl fmt::Display for TreeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_of_one_image_is_named_by_the_hash_of_its_key() {
        let id = TreeId::of_images(&[ImageId::from_digest([0; 64])]);
        let key = format!("sha512-{}", "0".repeat(64));
        assert_eq!(
            id.as_str(),
            format!("deps-sha512-{}", &sha512_of(key.as_bytes()).hex()[..64])
        );
        assert_eq!(id.as_str().parse::<TreeId>().unwrap(), id);
    }

    #[test]
    fn every_list_has_a_rendered_tree_of_its_own() {
        let id = |byte| ImageId::from_digest([byte; 64]);
        let [a, b] = [1, 2].map(|byte| FlatList::single(id(byte)));
        let lists = [
            a.clone(),
            FlatList::over(id(1), std::slice::from_ref(&b)).unwrap(),
            FlatList::over(id(1), &[b.clone(), a.clone()]).unwrap(),
            FlatList::over(id(1), &[FlatList::over(id(2), &[a]).unwrap()]).unwrap(),
            b,
        ];
        let mut names: Vec<TreeId> = lists.iter().map(TreeId::rendered).collect();
        names.push(TreeId::of_images(&[id(1)]));
        names.push(TreeId::of_images(&[id(1), id(2)]));
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(
            names
                .iter()
                .all(|name| name.as_str().parse::<TreeId>().is_ok())
        );
    }

    #[test]
    fn a_name_that_could_leave_the_directory_is_refused() {
        let long = "a".repeat(201);
        for bad in [
            "", ".", "..", ".new-1", "a/b", "../a", "1", "-a", "a b", "é", &long,
        ] {
            assert!(bad.parse::<TreeId>().is_err(), "{bad}");
        }
    }
}
