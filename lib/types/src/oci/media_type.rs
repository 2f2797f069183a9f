//! The media types of images and their parts.

use std::fmt;
use std::str::FromStr;

/// How the tar of a layer is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Packing {
    /// Not at all.
    Plain,
    /// With gzip.
    Gzip,
    /// With zstd.
    Zstd,
}

/// A media type that a registry, a descriptor or a document names.
///
/// Sources: OCI image-spec 1.1, media-types.md; distribution, "Image Manifest Version 2, Schema 2".
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MediaType {
    /// An OCI image manifest.
    OciManifest,
    /// An OCI image index.
    OciIndex,
    /// The configuration of an OCI image.
    OciConfig,
    /// A layer of an OCI image.
    OciLayer(Packing),
    /// A layer that OCI registries are not to hold.
    OciForeignLayer(Packing),
    /// The empty object `{}` where a descriptor is needed and nothing is to be said.
    Empty,
    /// A Docker image manifest of schema 2.
    DockerManifest,
    /// A Docker manifest list.
    DockerIndex,
    /// The configuration of a Docker image.
    DockerConfig,
    /// A layer of a Docker image.
    DockerLayer(Packing),
    /// A layer that Docker registries are not to hold.
    DockerForeignLayer,
    /// A Docker image manifest of schema 1, signed or not, which nobody should use any more.
    DockerSchema1,
    /// Anything else, as it was written.
    Other(Box<str>),
}

use MediaType as M;

/// Every type with its text. Where a type has two, the first is the one written.
const TABLE: [(MediaType, &str); 18] = [
    (M::OciManifest, "application/vnd.oci.image.manifest.v1+json"),
    (M::OciIndex, "application/vnd.oci.image.index.v1+json"),
    (M::OciConfig, "application/vnd.oci.image.config.v1+json"),
    (
        M::OciLayer(Packing::Plain),
        "application/vnd.oci.image.layer.v1.tar",
    ),
    (
        M::OciLayer(Packing::Gzip),
        "application/vnd.oci.image.layer.v1.tar+gzip",
    ),
    (
        M::OciLayer(Packing::Zstd),
        "application/vnd.oci.image.layer.v1.tar+zstd",
    ),
    (
        M::OciForeignLayer(Packing::Plain),
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
    ),
    (
        M::OciForeignLayer(Packing::Gzip),
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    ),
    (
        M::OciForeignLayer(Packing::Zstd),
        "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
    ),
    (M::Empty, "application/vnd.oci.empty.v1+json"),
    (
        M::DockerManifest,
        "application/vnd.docker.distribution.manifest.v2+json",
    ),
    (
        M::DockerIndex,
        "application/vnd.docker.distribution.manifest.list.v2+json",
    ),
    (
        M::DockerConfig,
        "application/vnd.docker.container.image.v1+json",
    ),
    (
        M::DockerLayer(Packing::Gzip),
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
    ),
    (
        M::DockerLayer(Packing::Plain),
        "application/vnd.docker.image.rootfs.diff.tar",
    ),
    // Written by podman for zstd in Docker's format.
    (
        M::DockerLayer(Packing::Zstd),
        "application/vnd.docker.image.rootfs.diff.tar.zstd",
    ),
    (
        M::DockerForeignLayer,
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    ),
    (
        M::DockerSchema1,
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
    ),
];

impl MediaType {
    /// The text as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(text) => text,
            known => TABLE
                .iter()
                .find(|(kind, _)| kind == known)
                .map_or("", |(_, text)| text),
        }
    }

    /// Reads the value of the header `Content-Type`, whose parameters do not matter.
    #[must_use]
    pub fn from_content_type(header: &str) -> Self {
        let name = header.split(';').next().unwrap_or_default().trim();
        Self::from(name.to_ascii_lowercase().as_str())
    }

    /// Whether it is that of a manifest which we can read.
    #[must_use]
    pub fn is_manifest(&self) -> bool {
        matches!(self, Self::OciManifest | Self::DockerManifest)
    }

    /// Whether it is that of an index or a manifest list.
    #[must_use]
    pub fn is_index(&self) -> bool {
        matches!(self, Self::OciIndex | Self::DockerIndex)
    }

    /// Whether it is that of an image's configuration.
    #[must_use]
    pub fn is_config(&self) -> bool {
        matches!(self, Self::OciConfig | Self::DockerConfig)
    }

    /// How a layer of this type is packed; `None` if it is not the type of a layer.
    #[must_use]
    pub fn layer_packing(&self) -> Option<Packing> {
        match self {
            Self::OciLayer(packing)
            | Self::OciForeignLayer(packing)
            | Self::DockerLayer(packing) => Some(*packing),
            Self::DockerForeignLayer => Some(Packing::Gzip),
            _ => None,
        }
    }

    /// Whether a layer of this type is not to be had from a registry but from the URLs of its descriptor.
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        matches!(self, Self::OciForeignLayer(_) | Self::DockerForeignLayer)
    }
}

impl From<&str> for MediaType {
    fn from(text: &str) -> Self {
        // The two texts of schema 1; some registries have called it plain JSON as well.
        if text == "application/vnd.docker.distribution.manifest.v1+json" {
            return Self::DockerSchema1;
        }
        let known = TABLE.into_iter().find(|(_, known)| *known == text);
        known.map_or_else(|| Self::Other(text.into()), |(kind, _)| kind)
    }
}

impl FromStr for MediaType {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::from(text))
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_type_prints_as_it_was_read() {
        for (kind, text) in TABLE {
            assert_eq!(MediaType::from(text), kind);
            assert_eq!(kind.as_str(), text);
            let header = format!("{}; charset=utf-8", text.to_uppercase());
            assert_eq!(MediaType::from_content_type(&header), kind);
        }
        let other = MediaType::from("application/vnd.x");
        assert_eq!(other.to_string(), "application/vnd.x");
        let signed = MediaType::from("application/vnd.docker.distribution.manifest.v1+json");
        assert_eq!(signed, MediaType::DockerSchema1);
    }

    #[test]
    fn a_type_has_one_purpose() {
        for (kind, text) in TABLE {
            let purposes = [
                kind.is_manifest(),
                kind.is_index(),
                kind.is_config(),
                kind.layer_packing().is_some(),
                matches!(kind, MediaType::Empty | MediaType::DockerSchema1),
            ];
            assert_eq!(purposes.iter().filter(|is| **is).count(), 1, "{text}");
            assert!(!kind.is_foreign() || kind.layer_packing().is_some());
        }
    }
}
