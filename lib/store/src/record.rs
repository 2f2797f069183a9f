//! The record of an image: `store/images/ID.json`, from which everything else is found.

use std::time::{Duration, SystemTime};

use gantry_types::render::FlatList;
use gantry_types::{AcIdentifier, ImageId, ImageName, Labels};
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::oci::OciParts;
use crate::record_json::{labels, names, optional_name, text};
use crate::tree_id::TreeId;

/// Largest record read, in bytes: hundreds of layers fit, a runaway file does not.
pub const MAX_RECORD_BYTES: u64 = 4 * 1024 * 1024;

/// Number of sources remembered per image; the oldest go first.
pub const MAX_ORIGINS: usize = 16;

/// What the store knows about one image.
///
/// Times are nanoseconds since the epoch, sizes bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageRecord {
    /// SHA-512 of the uncompressed tar (ACI) or of the manifest (OCI).
    #[serde(with = "text")]
    pub id: ImageId,
    /// Format of the image.
    pub kind: ImageKind,
    /// Name as in the manifest.
    #[serde(with = "text")]
    pub name: AcIdentifier,
    /// Labels as in the manifest, `version`, `os` and `arch` among them.
    #[serde(with = "labels")]
    pub labels: Labels,
    /// Further names under which the image is found, such as other tags of an OCI image.
    #[serde(default, with = "names", skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<ImageName>,
    /// Blobs of the image, lowest layer first; an ACI is one layer.
    pub layers: Vec<Layer>,
    /// Extracted trees that make up the root, topmost first. For an OCI image these are its layers, down to one that
    /// hides all below it. For an ACI each holds `manifest` and
    /// `rootfs`, its own first, then those of its dependencies, in the order of
    /// [`FlatList::distinct`].
    pub trees: Vec<TreeId>,
    /// The image and what it depends on, as it was resolved when the image was fetched; `None` if it
    /// depends on nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flat: Option<FlatList>,
    /// The one tree that is the root, where `trees` laid over each other are not. It can be made of those,
    /// and may not be there until the image is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rendered: Option<TreeId>,
    /// Uncompressed size of all layers.
    pub size: u64,
    /// First import.
    pub import_time: u64,
    /// Last use known when the record was written; [`Store`](crate::Store) returns the later of this and
    /// the file's modification time, which is what a use changes: that needs no space on the disk.
    pub last_used: u64,
    /// Last time at which a request that named no version was answered with this image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<u64>,
    /// Where the image came from, last source last.
    #[serde(default)]
    pub origins: Vec<Origin>,
    /// Why the image was believed.
    pub verdict: Verdict,
    /// Blob of the detached signature that covers the (only) layer's blob.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Digest>,
    /// The other parts of an OCI image; `None` for an ACI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oci: Option<OciParts>,
}

/// Format of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageKind {
    /// App Container Image.
    Aci,
    /// OCI or Docker image.
    Oci,
}

/// One blob of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Layer {
    /// Of the bytes as received; names the blob.
    pub digest: Digest,
    /// Of the uncompressed tar.
    pub diff_id: Digest,
    /// Length of the blob in bytes.
    pub size: u64,
    /// Sum of the sizes of all files in it; 0 if it was not noted.
    #[serde(default)]
    pub unpacked: u64,
}

/// Why an image was believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// Trusted keys signed it; never empty.
    Signed {
        /// Who signed.
        by: Vec<Signer>,
    },
    /// Nobody checked, because somebody said so.
    Waived {
        /// The option that said so, such as `--insecure-options=image`.
        option: String,
    },
}

/// Holder of a key that signed an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Signer {
    /// Lower-case hex digits of the primary key's fingerprint.
    pub fingerprint: String,
    /// User ID at the time, empty if the key had none.
    pub user_id: String,
    /// The signature counted only because the key was marked as legacy.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub legacy: bool,
}

/// Place an image was fetched from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// Place.
    pub source: Source,
    /// Name that was asked for, if a name led to the place.
    #[serde(
        default,
        with = "optional_name",
        skip_serializing_if = "Option::is_none"
    )]
    pub name: Option<ImageName>,
    /// Entity tag of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// `Last-Modified` of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
    /// How long the server said the answer holds, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u64>,
    /// Time of the fetch.
    pub fetched: u64,
}

/// Kind and text of a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// URL without credentials.
    Url(String),
    /// Absolute path of a local file.
    Path(String),
}

impl Origin {
    /// Whether the server's max-age still covers `now`.
    ///
    /// A fetch that seems to lie in the future is not fresh: the clock was wrong then or is now.
    #[must_use]
    pub fn is_fresh(&self, now: SystemTime) -> bool {
        let Some(age) = nanos(now).checked_sub(self.fetched) else {
            return false;
        };
        self.max_age
            .is_some_and(|max| Duration::from_nanos(age) < Duration::from_secs(max))
    }
}

impl ImageRecord {
    /// Name and labels together.
    #[must_use]
    pub fn image_name(&self) -> ImageName {
        ImageName {
            name: self.name.clone(),
            labels: self.labels.clone(),
        }
    }

    /// The source that the image last came from.
    #[must_use]
    pub fn origin(&self) -> Option<&Origin> {
        self.origins.last()
    }

    /// What is known of the fetch from `source`, if the image came from there.
    #[must_use]
    pub fn origin_of(&self, source: &Source) -> Option<&Origin> {
        self.origins
            .iter()
            .rev()
            .find(|origin| origin.source == *source)
    }

    /// Whether the image is called `wanted.name` and has every label of `wanted`.
    #[must_use]
    pub fn answers(&self, wanted: &ImageName) -> bool {
        let covers = |name: &AcIdentifier, labels: &Labels| {
            *name == wanted.name
                && wanted
                    .labels
                    .iter()
                    .all(|label| labels.get(label.name.as_str()) == Some(label.value.as_str()))
        };
        covers(&self.name, &self.labels)
            || self
                .aliases
                .iter()
                .any(|alias| covers(&alias.name, &alias.labels))
    }

    /// The first layer whose blob is missing or has another length than it had.
    ///
    /// Every use of an image asks this, so it looks and does not read: other bytes of the same length are for
    /// `rkt image verify` to find, which reads all of them. What runs is the tree, which was extracted when the
    /// blob was verified.
    #[must_use]
    pub fn damaged_layer(&self, store: &crate::Store) -> Option<&Layer> {
        self.layers
            .iter()
            .find(|layer| !store.has_blob_of(&layer.digest, layer.size))
    }

    /// Every blob the record refers to.
    pub fn blobs(&self) -> impl Iterator<Item = &Digest> {
        self.layers
            .iter()
            .map(|layer| &layer.digest)
            .chain(&self.signature)
            .chain(self.oci.iter().flat_map(|oci| [&oci.manifest, &oci.config]))
    }

    /// Every tree the record refers to.
    pub fn all_trees(&self) -> impl Iterator<Item = &TreeId> {
        self.trees.iter().chain(&self.rendered)
    }

    /// The trees that are the root when they are laid over each other, topmost first.
    #[must_use]
    pub fn root_trees(&self) -> &[TreeId] {
        match &self.rendered {
            Some(rendered) => std::slice::from_ref(rendered),
            None => &self.trees,
        }
    }

    /// The image and what it depends on.
    #[must_use]
    pub fn flat_list(&self) -> FlatList {
        self.flat
            .clone()
            .unwrap_or_else(|| FlatList::single(self.id))
    }

    /// What to write when `self` is stored already and the same image arrives again as `new`.
    ///
    /// A signed verdict is never replaced by a waived one, and the blob stays with the signature that
    /// covers it. Dependencies are those of the later fetch, unless that one checked less. `intact` says
    /// whether the blobs and trees of `self` are still there.
    #[must_use]
    pub fn merged_with(&self, new: &Self, intact: bool) -> Self {
        let signed = |record: &Self| matches!(record.verdict, Verdict::Signed { .. });
        let take_new = signed(new) || (!intact && !signed(self));
        let mut merged = if take_new { new.clone() } else { self.clone() };
        if signed(new) || !signed(self) {
            merged.trees.clone_from(&new.trees);
            merged.flat.clone_from(&new.flat);
            merged.rendered.clone_from(&new.rendered);
        }
        merged.import_time = self.import_time;
        merged.last_used = self.last_used.max(new.last_used);
        merged.latest = self.latest.max(new.latest);
        merged.origins = self.origins.clone();
        for origin in &new.origins {
            merged.origins.retain(|known| known.source != origin.source);
            merged.origins.push(origin.clone());
        }
        let excess = merged.origins.len().saturating_sub(MAX_ORIGINS);
        merged.origins.drain(..excess);
        merged.aliases = self.aliases.clone();
        // An OCI image does not say what it is called: it may arrive again under another name.
        for alias in [self.image_name(), new.image_name()]
            .iter()
            .chain(&new.aliases)
        {
            if *alias != merged.image_name() && !merged.aliases.contains(alias) {
                merged.aliases.push(alias.clone());
            }
        }
        merged
    }

    /// JSON as in the file.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // Strings, numbers and lists only: nothing that serde_json could refuse to write.
        let mut json = serde_json::to_vec_pretty(self).unwrap_or_default();
        json.push(b'\n');
        json
    }

    /// Reads the JSON of a record.
    ///
    /// # Errors
    ///
    /// Those of serde_json: syntax, missing fields, names and digests that are none.
    pub fn from_json(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }
}

/// Nanoseconds since the epoch, 0 for earlier times.
#[must_use]
pub fn nanos(time: SystemTime) -> u64 {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_image::record;

    fn verdicts() -> impl Strategy<Value = Verdict> {
        let signers = prop::collection::vec(("[0-9a-f]{40}", any::<String>(), any::<bool>()), 1..3);
        prop_oneof![
            any::<String>().prop_map(|option| Verdict::Waived { option }),
            signers.prop_map(|by| Verdict::Signed {
                by: by
                    .into_iter()
                    .map(|(fingerprint, user_id, legacy)| Signer {
                        fingerprint,
                        user_id,
                        legacy,
                    })
                    .collect(),
            }),
        ]
    }

    fn origins() -> impl Strategy<Value = Vec<Origin>> {
        let source = prop_oneof![
            any::<String>().prop_map(Source::Url),
            any::<String>().prop_map(Source::Path)
        ];
        let origin = (
            source,
            any::<Option<String>>(),
            any::<Option<u64>>(),
            any::<u64>(),
        );
        let origin = origin.prop_map(|(source, etag, max_age, fetched)| Origin {
            source,
            name: Some("example.com/app:1,os=linux".parse().unwrap()),
            last_modified: etag.clone(),
            etag,
            max_age,
            fetched,
        });
        prop::collection::vec(origin, 0..4)
    }

    proptest! {
        #[test]
        fn a_record_is_read_as_it_was_written(
            byte: u8,
            size: u64,
            latest: Option<u64>,
            verdict in verdicts(),
            origins in origins(),
            version in "[^\u{0}]{0,20}",
        ) {
            let mut written = record("example.com/app,os=linux,arch=amd64", byte);
            written.labels.set("version".parse().unwrap(), version).unwrap();
            written.aliases = vec!["example.com/other:2".parse().unwrap()];
            written.signature = Some(Digest::sha256([byte; 32]));
            let below = FlatList::single(ImageId::from_digest([byte / 2; 64]));
            let flat = FlatList::over(written.id, &[below.clone(), below]).unwrap();
            written.rendered = latest.map(|_| TreeId::rendered(&flat));
            written.flat = Some(flat);
            (written.size, written.latest) = (size, latest);
            (written.verdict, written.origins) = (verdict, origins);
            prop_assert_eq!(ImageRecord::from_json(&written.to_json()).unwrap(), written);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _ = ImageRecord::from_json(&bytes);
        }
    }

    #[test]
    fn records_with_wrong_values_are_refused() {
        let good = String::from_utf8(record("example.com/app:1", 1).to_json()).unwrap();
        assert!(ImageRecord::from_json(good.as_bytes()).is_ok());
        for (from, to) in [
            ("sha512-01", "sha512-0"),
            ("sha512:", "md5:"),
            ("example.com/app", "Example"),
            ("deps-sha512-", "../"),
            ("\"aci\"", "\"zip\""),
            ("\"id\"", "\"ID\""),
        ] {
            assert!(good.contains(from), "{from}");
            assert!(
                ImageRecord::from_json(good.replace(from, to).as_bytes()).is_err(),
                "{to}"
            );
        }
    }

    #[test]
    fn dependencies_are_those_of_the_later_fetch_unless_it_checked_less() {
        let waived = |below: u8| {
            let mut record = record("example.com/app:1", 1);
            let flat = FlatList::single(ImageId::from_digest([below; 64]));
            record.flat = Some(FlatList::over(record.id, &[flat]).unwrap());
            record
                .trees
                .push(TreeId::of_images(&[ImageId::from_digest([below; 64])]));
            record
        };
        let signed = |below| ImageRecord {
            verdict: Verdict::Signed { by: Vec::new() },
            ..waived(below)
        };
        for (old, new, taken) in [
            (waived(2), waived(3), 3),
            (signed(2), waived(3), 2),
            (waived(2), signed(3), 3),
            (signed(2), signed(3), 3),
        ] {
            let merged = old.merged_with(&new, true);
            assert_eq!(
                (&merged.flat, &merged.trees),
                (&waived(taken).flat, &waived(taken).trees)
            );
        }
    }

    #[test]
    fn freshness_ends_with_max_age_and_never_begins_before_the_fetch() {
        let mut origin = record("example.com/app:1", 100).origins.remove(0);
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert!(!origin.is_fresh(at(100)));
        origin.max_age = Some(10);
        assert!(origin.is_fresh(at(109)));
        assert!(!origin.is_fresh(at(110)));
        assert!(!origin.is_fresh(at(99)));
    }

    #[test]
    fn origins_stay_few_and_the_last_comes_last() {
        let mut merged = record("example.com/app:1", 1);
        for number in 0..40 {
            let mut next = record("example.com/app:1", 1);
            next.origins[0].source = Source::Url(format!("https://example.com/{number}"));
            merged = merged.merged_with(&next, true);
        }
        assert_eq!(merged.origins.len(), MAX_ORIGINS);
        let last = Source::Url("https://example.com/39".to_owned());
        assert_eq!(merged.origin().unwrap().source, last);
    }
}
