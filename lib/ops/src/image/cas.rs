//! The image store of rkt 1.x, `cas` in its data directory, as far as images are taken out of it.
//!
//! ```text
//! cas/blob/sha512/XX/KEY            uncompressed image, XX being the first two digits of KEY
//! cas/imageManifest/sha512/XX/KEY   its manifest
//! cas/db/ql.db                      index, which is not read: it says nothing that the images do not
//! ```
//!
//! KEY is `sha512-` and the first half of the digits of the image ID. Source: rkt 1.30,
//! store/imagestore/store.go and utils.go.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use gantry_types::{AcIdentifier, Diagnostic, ImageId, ImageManifest, Kind, MAX_MANIFEST_BYTES};

/// Digits of a key.
const DIGITS: usize = 64;

/// One image of an old store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CasImage {
    /// `sha512-` and 64 digits.
    pub key: String,
    /// The uncompressed image.
    pub blob: PathBuf,
    /// What its manifest is called, if there is a readable one.
    pub name: Option<AcIdentifier>,
    needs: Vec<AcIdentifier>,
}

impl CasImage {
    /// The digits of the key: half of those of the SHA-512 of the image.
    #[must_use]
    pub fn digits(&self) -> &str {
        self.key.strip_prefix(ImageId::PREFIX).unwrap_or_default()
    }
}

/// A directory is no old store, or cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CasError {
    /// It has no images.
    #[error("{} is no image store of rkt 1.x: it has no directory blob/sha512", path.display())]
    NotOne {
        /// The directory.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// What of it.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Diagnostic for CasError {
    fn kind(&self) -> Kind {
        match self {
            Self::NotOne { .. } => Kind::Usage,
            Self::Read { .. } => Kind::Environment,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NotOne { .. } => {
                Some("name the directory cas, such as /var/lib/rkt/cas".to_owned())
            }
            Self::Read { .. } => None,
        }
    }
}

/// The images of an old store: `cas` itself, or a data directory that has it. Those that others depend on
/// come first, apart from that they are sorted by key.
///
/// Files that are none of the store's are passed over.
///
/// # Errors
///
/// [`CasError`].
pub fn cas_images(directory: &Path) -> Result<Vec<CasImage>, CasError> {
    let root = match directory.join("cas/blob").is_dir() {
        true => directory.join("cas"),
        false => directory.to_owned(),
    };
    let blobs = root.join("blob/sha512");
    if !blobs.is_dir() {
        return Err(CasError::NotOne {
            path: directory.to_owned(),
        });
    }
    let mut images = Vec::new();
    for shard in entries(&blobs)? {
        if !shard.is_dir() {
            continue;
        }
        for blob in entries(&shard)? {
            let name = |path: &Path| path.file_name()?.to_str().map(ToOwned::to_owned);
            let (Some(key), Some(shard)) = (name(&blob), name(&shard)) else {
                continue;
            };
            let regular = fs::symlink_metadata(&blob).is_ok_and(|meta| meta.is_file());
            if is_key(&key, &shard) && regular {
                let place = root.join("imageManifest/sha512").join(shard).join(&key);
                let manifest = manifest(&place);
                let needs = manifest.iter().flat_map(|manifest| &manifest.dependencies);
                images.push(CasImage {
                    needs: needs.map(|needed| needed.image_name.clone()).collect(),
                    name: manifest.map(|manifest| manifest.name),
                    key,
                    blob,
                });
            }
        }
    }
    images.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(in_order(images))
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>, CasError> {
    let failed = |source| CasError::Read {
        path: directory.to_owned(),
        source,
    };
    let entries = fs::read_dir(directory).map_err(failed)?;
    entries
        .map(|entry| entry.map(|entry| entry.path()).map_err(failed))
        .collect()
}

/// Whether a file of this name belongs into this directory.
fn is_key(name: &str, shard: &str) -> bool {
    let digits = name.strip_prefix(ImageId::PREFIX).unwrap_or_default();
    digits.len() == DIGITS
        && digits.starts_with(shard)
        && shard.len() == 2
        && (digits.bytes()).all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// The manifest beside an image. It only tells what comes first: what an image is says the one in it.
fn manifest(place: &Path) -> Option<ImageManifest> {
    let meta = fs::symlink_metadata(place).ok()?;
    let mut json = Vec::new();
    if meta.is_file() {
        let file = File::open(place).ok()?;
        file.take(MAX_MANIFEST_BYTES as u64 + 1)
            .read_to_end(&mut json)
            .ok()?;
    }
    ImageManifest::from_json(&json).ok()
}

/// Puts what is needed before what needs it. Images that need each other come in any order.
fn in_order(images: Vec<CasImage>) -> Vec<CasImage> {
    let mut named: HashMap<&AcIdentifier, Vec<usize>> = HashMap::new();
    for (index, image) in images.iter().enumerate() {
        if let Some(name) = &image.name {
            named.entry(name).or_default().push(index);
        }
    }
    let mut order = Vec::new();
    let mut seen = vec![false; images.len()];
    // A stack of our own: chains of strangers may be long.
    let mut stack: Vec<(usize, bool)> = (0..images.len()).rev().map(|i| (i, false)).collect();
    while let Some((index, below_done)) = stack.pop() {
        if below_done {
            order.push(index);
        } else if !std::mem::replace(&mut seen[index], true) {
            stack.push((index, true));
            let needs = images[index].needs.iter();
            let below = needs.filter_map(|name| named.get(name)).flatten();
            stack.extend(below.map(|below| (*below, false)));
        }
    }
    order
        .into_iter()
        .map(|index| images[index].clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> String {
        format!("sha512-{}", format!("{byte:02x}").repeat(DIGITS / 2))
    }

    fn add(cas: &Path, byte: u8, manifest: &str) {
        for (kind, text) in [("blob", "tar"), ("imageManifest", manifest)] {
            let dir = cas.join(format!("{kind}/sha512/{byte:02x}"));
            fs::create_dir_all(&dir).unwrap();
            fs::write(dir.join(key(byte)), text).unwrap();
        }
    }

    fn named(name: &str, needs: &[&str]) -> String {
        let needs: Vec<_> = needs
            .iter()
            .map(|name| format!(r#"{{"imageName":"example.test/{name}"}}"#))
            .collect();
        format!(
            r#"{{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.test/{name}","dependencies":[{}]}}"#,
            needs.join(",")
        )
    }

    #[test]
    fn images_come_after_what_they_need() {
        let dir = tempfile::tempdir().unwrap();
        let cas = dir.path().join("cas");
        add(&cas, 1, &named("top", &["middle", "absent"]));
        add(&cas, 2, &named("middle", &["base", "middle"]));
        add(&cas, 3, &named("base", &["top"]));
        add(&cas, 4, "no manifest");
        add(&cas, 5, &named("base", &[]));
        for given in [dir.path(), &cas] {
            let images = cas_images(given).unwrap();
            let order: Vec<_> = images.iter().map(|image| image.key.clone()).collect();
            let at = |byte| order.iter().position(|found| *found == key(byte)).unwrap();
            assert_eq!(order.len(), 5);
            assert!(at(5) < at(2) && at(3) < at(2) && at(2) < at(1));
            assert_eq!(images[at(4)].name, None);
        }
    }

    #[test]
    fn what_is_no_image_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(
            cas_images(dir.path()),
            Err(CasError::NotOne { .. })
        ));
        add(dir.path(), 1, &named("app", &[]));
        let shard = dir.path().join("blob/sha512/01");
        fs::write(shard.join("x"), "x").unwrap();
        fs::write(shard.join(key(2)), "in the wrong directory").unwrap();
        fs::write(dir.path().join("blob/sha512/file"), "x").unwrap();
        fs::create_dir(dir.path().join("blob/sha512/02")).unwrap();
        std::os::unix::fs::symlink(
            "/etc/passwd",
            dir.path().join("blob/sha512/02").join(key(2)),
        )
        .unwrap();
        let images = cas_images(dir.path()).unwrap();
        assert_eq!(images.len(), 1);
        assert_eq!(images[0].blob, shard.join(key(1)));
    }
}
