//! Where an entry belongs, by its name: in an App Container Image, or in a plain archive of a root.

use crate::limits::Limits;
use crate::refusal::Rule;

/// The place of an entry, by its cleaned name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Member {
    /// The archive's own root, `.`: some tars begin with it.
    Top,
    /// The image manifest.
    Manifest,
    /// The root directory of the image.
    Rootfs,
    /// Something beneath `rootfs`, named from there: no empty, `.` or `..` component.
    Beneath(Vec<u8>),
    /// Something that an image does not have, by its cleaned name.
    Stray(Vec<u8>),
}

impl Member {
    /// Cleans a name as the original tools do, but refuses what they resolve: `..` and absolute names.
    ///
    /// `rootfsX` is no part of `rootfs` here, unlike upstream, where a prefix of the text was enough.
    pub(crate) fn parse(name: &[u8], limits: &Limits) -> Result<Self, Rule> {
        let parts = clean(name, limits)?;
        Ok(match parts.as_slice() {
            [] => Self::Top,
            [b"manifest"] => Self::Manifest,
            [b"rootfs"] => Self::Rootfs,
            [b"rootfs", beneath @ ..] => Self::Beneath(beneath.join(&b'/')),
            stray => Self::Stray(stray.join(&b'/')),
        })
    }
}

/// How the names in an archive lead to places beneath the root directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Naming {
    /// As in an App Container Image: the root is `rootfs`.
    Image,
    /// The archive's own root is the root.
    Root,
    /// As [`Naming::Root`]; and since some builders of layers write names from the root directory on, a slash
    /// at the beginning means nothing.
    Layer,
}

impl Naming {
    /// What stands before a path beneath the root in a name.
    pub(crate) fn prefix(self) -> &'static [u8] {
        match self {
            Self::Image => b"rootfs/",
            Self::Root | Self::Layer => b"",
        }
    }

    /// The path beneath the root that a name leads to, empty for the root; `None` if it lies elsewhere.
    pub(crate) fn beneath(self, name: &[u8], limits: &Limits) -> Result<Option<Vec<u8>>, Rule> {
        match self {
            Self::Root => Ok(Some(clean(name, limits)?.join(&b'/'))),
            Self::Layer => {
                let start = name.iter().take_while(|byte| **byte == b'/').count();
                Ok(Some(clean(&name[start..], limits)?.join(&b'/')))
            }
            Self::Image => Ok(match Member::parse(name, limits)? {
                Member::Rootfs => Some(Vec::new()),
                Member::Beneath(path) => Some(path),
                Member::Top | Member::Manifest | Member::Stray(_) => None,
            }),
        }
    }
}

/// The components of a name, without those that mean nothing.
fn clean<'a>(name: &'a [u8], limits: &Limits) -> Result<Vec<&'a [u8]>, Rule> {
    if name.starts_with(b"/") {
        return Err(Rule::AbsoluteName);
    }
    let mut parts = Vec::new();
    for part in name.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => return Err(Rule::ParentInName),
            part => parts.push(part),
        }
    }
    if parts.len() > limits.max_depth {
        return Err(Rule::TooDeep(limits.max_depth));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cleaned_and_sorted_by_place() {
        let beneath = |path: &str| Ok(Member::Beneath(path.as_bytes().to_vec()));
        let stray = |path: &str| Ok(Member::Stray(path.as_bytes().to_vec()));
        let cases = [
            (".", Ok(Member::Top)),
            ("./", Ok(Member::Top)),
            ("manifest", Ok(Member::Manifest)),
            ("./manifest", Ok(Member::Manifest)),
            ("rootfs", Ok(Member::Rootfs)),
            ("./rootfs/", Ok(Member::Rootfs)),
            ("rootfs/.", Ok(Member::Rootfs)),
            ("rootfs//a/./b/", beneath("a/b")),
            ("rootfs/manifest", beneath("manifest")),
            ("rootfs/rootfs", beneath("rootfs")),
            ("rootfs/...", beneath("...")),
            ("rootfs/a..b", beneath("a..b")),
            ("rootfs/.wh.a", beneath(".wh.a")),
            ("rootfsX/y", stray("rootfsX/y")),
            ("manifest/x", stray("manifest/x")),
            ("Manifest", stray("Manifest")),
            ("etc/passwd", stray("etc/passwd")),
            ("/rootfs/a", Err(Rule::AbsoluteName)),
            ("..", Err(Rule::ParentInName)),
            ("../rootfs/a", Err(Rule::ParentInName)),
            ("rootfs/..", Err(Rule::ParentInName)),
            ("rootfs/a/../b", Err(Rule::ParentInName)),
        ];
        for (name, expected) in cases {
            let parsed = Member::parse(name.as_bytes(), &Limits::default());
            assert_eq!(parsed, expected, "{name}");
        }
        let deep = "rootfs".to_owned() + &"/d".repeat(600);
        assert_eq!(
            Member::parse(deep.as_bytes(), &Limits::default()),
            Err(Rule::TooDeep(Limits::default().max_depth))
        );
    }
}
