//! The paths that an image wants to be kept.

use std::collections::HashSet;

/// The path whitelist of an image manifest; without paths it keeps everything.
///
/// A path stands for itself alone: a directory's does not stand for what lies in it, and there are no
/// patterns. Source: appc spec, pkg/acirenderer, `pwlToMap`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whitelist(Option<HashSet<Vec<u8>>>);

impl Whitelist {
    /// Reads the list of a manifest.
    ///
    /// Empty, `.` and `..` components are resolved by text from the root directory of the image. A path
    /// that leads out of it is no path of the image, but makes the list one that is not empty.
    #[must_use]
    pub fn new<P: AsRef<str>>(paths: &[P]) -> Self {
        if paths.is_empty() {
            return Self(None);
        }
        Self(Some(
            paths.iter().filter_map(|p| clean(p.as_ref())).collect(),
        ))
    }

    /// Whether everything is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether a path beneath the root directory, with no slash at either end, is kept.
    #[must_use]
    pub fn keeps(&self, path: &[u8]) -> bool {
        self.0.as_ref().is_none_or(|paths| paths.contains(path))
    }
}

/// The path beneath `rootfs` that `rootfs/TEXT` leads to.
fn clean(text: &str) -> Option<Vec<u8>> {
    let mut parts = vec!["rootfs"];
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    match parts.split_first() {
        Some((&"rootfs", rest)) => Some(rest.join("/").into_bytes()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_and_compared_as_a_whole() {
        for (entry, path, kept) in [
            ("/a/b", "a/b", true),
            ("a/b", "a/b", true),
            ("/a/b/", "a/b", true),
            ("//a/./b", "a/b", true),
            ("/a/x/../b", "a/b", true),
            ("/../rootfs/a", "a", true),
            ("/", "", true),
            ("", "", true),
            ("/a", "a/b", false),
            ("/a/", "a/b", false),
            ("/a/b", "a", false),
            ("/a/*", "a/b", false),
            ("/../a", "a", false),
            ("/../../rootfs/a", "a", false),
            ("/../manifest", "manifest", false),
            ("/A", "a", false),
        ] {
            let list = Whitelist::new(&[entry]);
            assert!(!list.is_empty());
            assert_eq!(list.keeps(path.as_bytes()), kept, "{entry} {path}");
        }
    }

    #[test]
    fn an_empty_list_keeps_everything() {
        let list = Whitelist::new::<String>(&[]);
        assert!(list.is_empty() && list.keeps(b"a/b") && list.keeps(b""));
    }
}
