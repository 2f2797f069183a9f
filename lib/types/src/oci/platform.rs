//! The machine that an image is for.

use std::fmt;
use std::str::FromStr;

use super::{Descriptor, OciError, strict};
use crate::diagnostic::usage_errors;
use crate::json::{Cursor, Decode, DecodeError, Encode, Writer};
use crate::os_arch;

/// System, architecture and variant, in Go's names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Platform {
    /// Such as `linux`.
    pub os: String,
    /// Such as `arm64`.
    pub architecture: String,
    /// Such as `v7`; empty if there is none.
    pub variant: String,
    /// Version of the system, which matters for Windows only; empty if there is none.
    pub os_version: String,
}

/// A text does not name a platform.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a platform, which is OS/ARCH or OS/ARCH/VARIANT, such as linux/arm64")]
pub struct PlatformError {
    text: String,
}
usage_errors!(PlatformError);

impl Platform {
    /// The platform of the names, in the one form that [`Platform::normalized`] gives.
    #[must_use]
    pub fn new(os: &str, architecture: &str, variant: &str) -> Self {
        let plain = Self {
            os: os.to_owned(),
            architecture: architecture.to_owned(),
            variant: variant.to_owned(),
            os_version: String::new(),
        };
        plain.normalized()
    }

    /// The platform of this machine.
    #[must_use]
    pub fn host() -> Self {
        let (os, arch) = os_arch::host();
        match os_arch::to_go(os, arch) {
            Ok((architecture, "")) => Self::new(os, architecture, ""),
            Ok((architecture, variant)) => Self::new(os, architecture, &format!("v{variant}")),
            // Systems that Go has no name for: no image is made for them.
            Err(_) => Self::new(os, arch, ""),
        }
    }

    /// The same platform in the form in which equal platforms are equal.
    ///
    /// Other names of an architecture become Go's, and a variant that every machine of the architecture is of is
    /// left out, apart from that of 32 bit ARM, which is `v7` where nothing is said.
    /// Source: containerd/platforms, database.go.
    #[must_use]
    pub fn normalized(&self) -> Self {
        let os = match self.os.to_ascii_lowercase().as_str() {
            "macos" => "darwin".to_owned(),
            other => other.to_owned(),
        };
        let variant = self.variant.to_ascii_lowercase();
        let (architecture, variant) = match self.architecture.to_ascii_lowercase().as_str() {
            "i386" | "i486" | "i586" | "i686" | "x86" => ("386".to_owned(), String::new()),
            "amd64" | "x86_64" | "x86-64" => match variant.as_str() {
                "v1" => ("amd64".to_owned(), String::new()),
                _ => ("amd64".to_owned(), variant),
            },
            "aarch64" | "arm64" => match variant.as_str() {
                "8" | "v8" | "v8.0" => ("arm64".to_owned(), String::new()),
                _ => ("arm64".to_owned(), variant),
            },
            "armhf" | "armv7l" => ("arm".to_owned(), "v7".to_owned()),
            "armel" | "armv6l" => ("arm".to_owned(), "v6".to_owned()),
            "arm" => match variant.as_str() {
                "" | "7" | "v7" => ("arm".to_owned(), "v7".to_owned()),
                "5" | "6" | "8" => ("arm".to_owned(), format!("v{variant}")),
                _ => ("arm".to_owned(), variant),
            },
            "powerpc64le" => ("ppc64le".to_owned(), variant),
            other => (other.to_owned(), variant),
        };
        Self {
            os,
            architecture,
            variant,
            os_version: self.os_version.clone(),
        }
    }

    /// The platforms whose programs this one runs, best first, itself first of all.
    ///
    /// A 64 bit ARM is not taken to run 32 bit programs: not every one can. Source: containerd/platforms,
    /// compare.go, which goes that far for the host only.
    fn runs(&self) -> Vec<Self> {
        let own = self.normalized();
        let older: &[&str] = match (own.architecture.as_str(), own.variant.as_str()) {
            ("arm", "v8") => &["v7", "v6", "v5"],
            ("arm", "v7") => &["v6", "v5"],
            ("arm", "v6") => &["v5"],
            ("amd64", "v4") => &["v3", "v2", ""],
            ("amd64", "v3") => &["v2", ""],
            ("amd64", "v2") => &[""],
            // Later variants of 64 bit ARM run what the earlier ones do.
            ("arm64", variant) if !variant.is_empty() => &[""],
            _ => &[],
        };
        let mut all = vec![own.clone()];
        all.extend(older.iter().map(|variant| Self {
            variant: (*variant).to_owned(),
            ..own.clone()
        }));
        all
    }

    /// Whether programs of the platform `other` run on this one.
    #[must_use]
    pub fn accepts(&self, other: &Self) -> bool {
        let other = other.normalized();
        self.runs().iter().any(|own| {
            (&own.os, &own.architecture, &own.variant)
                == (&other.os, &other.architecture, &other.variant)
        })
    }

    /// Chooses the image of an index that suits this platform best; of equals the first one.
    ///
    /// An image that says nothing of a platform is taken if no other suits, for there are indexes of one image
    /// that leave it out.
    ///
    /// # Errors
    ///
    /// [`OciError::Platform`] if there is none.
    pub fn choose<'a>(&self, images: &'a [Descriptor]) -> Result<&'a Descriptor, OciError> {
        let is_image =
            |image: &&Descriptor| image.media_type.is_manifest() || image.media_type.is_index();
        for wanted in self.runs() {
            let suits = |image: &&Descriptor| {
                let platform = image.platform.as_ref().map(Self::normalized);
                platform.is_some_and(|has| {
                    has.os == wanted.os
                        && has.architecture == wanted.architecture
                        && has.variant == wanted.variant
                        && (wanted.os_version.is_empty() || has.os_version == wanted.os_version)
                })
            };
            if let Some(found) = images.iter().filter(is_image).find(suits) {
                return Ok(found);
            }
        }
        let silent = |image: &&Descriptor| image.platform.is_none();
        let mut unsaid = images.iter().filter(is_image).filter(silent);
        unsaid.next().ok_or_else(|| OciError::Platform {
            wanted: self.to_string(),
            offered: images
                .iter()
                .filter_map(|image| image.platform.as_ref())
                .map(ToString::to_string)
                // What build tools attach to an index beside its images.
                .filter(|name| name != "unknown/unknown")
                .take(64)
                .collect(),
        })
    }
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        let word = |part: &str| {
            !part.is_empty()
                && part.len() <= 64
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        };
        let parts: Vec<&str> = text.split('/').collect();
        let words = parts.iter().all(|part| word(part));
        match parts.as_slice() {
            [os, arch] if words => Ok(Self::new(os, arch, "")),
            [os, arch, variant] if words => Ok(Self::new(os, arch, variant)),
            _ => Err(PlatformError {
                text: text.chars().take(200).collect(),
            }),
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match self.variant.as_str() {
            "" => Ok(()),
            variant => write!(f, "/{variant}"),
        }
    }
}

impl Decode for Platform {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = strict::fields(&cursor)?;
        Ok(Self {
            os: fields.or_default("os")?,
            architecture: fields.or_default("architecture")?,
            variant: fields.or_default("variant")?,
            os_version: fields.or_default("os.version")?,
        })
    }
}

impl Encode for Platform {
    fn encode(&self, out: &mut Writer) {
        out.object(|out| {
            out.member("architecture", &self.architecture);
            out.member("os", &self.os);
            out.member_unless(self.os_version.is_empty(), "os.version", &self.os_version);
            out.member_unless(self.variant.is_empty(), "variant", &self.variant);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::{Digest, MediaType};

    fn image(number: u8, platform: Option<&str>) -> Descriptor {
        let digest = Digest::sha256([number; 32]);
        let mut image = Descriptor::new(MediaType::OciManifest, digest, 1);
        image.platform = platform.map(|text| {
            let mut parts = text.split('/').map(str::to_owned);
            let mut next = || parts.next().unwrap_or_default();
            Platform {
                os: next(),
                architecture: next(),
                variant: next(),
                os_version: String::new(),
            }
        });
        image
    }

    #[test]
    fn platforms_are_read_in_one_form() {
        for (text, shown) in [
            ("linux/amd64", "linux/amd64"),
            ("Linux/x86_64", "linux/amd64"),
            ("linux/amd64/v1", "linux/amd64"),
            ("linux/amd64/v3", "linux/amd64/v3"),
            ("linux/aarch64", "linux/arm64"),
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/arm", "linux/arm/v7"),
            ("linux/armel", "linux/arm/v6"),
            ("linux/arm/6", "linux/arm/v6"),
            ("linux/i386", "linux/386"),
        ] {
            let platform: Platform = text.parse().unwrap();
            assert_eq!(platform.to_string(), shown);
            assert_eq!(platform.to_string().parse(), Ok(platform));
        }
        for bad in [
            "",
            "linux",
            "linux/",
            "/amd64",
            "a/b/c/d",
            "linux/amd 64",
            "linux//v7",
        ] {
            assert!(bad.parse::<Platform>().is_err(), "{bad}");
        }
        assert_eq!(Platform::host().os, "linux");
    }

    #[test]
    fn the_best_image_for_a_platform_is_chosen() {
        type Case = (&'static str, &'static [Option<&'static str>], Option<usize>);
        let table: [Case; 11] = [
            (
                "linux/amd64",
                &[Some("linux/arm64"), Some("linux/amd64")],
                Some(1),
            ),
            (
                "linux/amd64",
                &[Some("linux/amd64/v3"), Some("linux/amd64")],
                Some(1),
            ),
            (
                "linux/amd64/v3",
                &[Some("linux/amd64"), Some("linux/amd64/v2")],
                Some(1),
            ),
            ("linux/amd64/v2", &[Some("linux/amd64/v3")], None),
            (
                "linux/arm/v7",
                &[Some("linux/arm/v5"), Some("linux/arm/v6")],
                Some(1),
            ),
            (
                "linux/arm/v6",
                &[Some("linux/arm"), Some("linux/arm/v5")],
                Some(1),
            ),
            (
                "linux/arm64",
                &[Some("linux/arm64/v8"), Some("linux/arm/v7")],
                Some(0),
            ),
            ("linux/arm64", &[Some("linux/arm/v7")], None),
            ("linux/amd64", &[Some("linux/arm64"), None], Some(1)),
            (
                "linux/amd64",
                &[Some("unknown/unknown"), Some("linux/386")],
                None,
            ),
            ("linux/amd64", &[], None),
        ];
        for (wanted, offered, chosen) in table {
            let images: Vec<Descriptor> = (0u8..)
                .zip(offered)
                .map(|(number, platform)| image(number, *platform))
                .collect();
            let wanted: Platform = wanted.parse().unwrap();
            let found = wanted.choose(&images).ok();
            let index = found.and_then(|found| images.iter().position(|image| image == found));
            assert_eq!(index, chosen, "{wanted} of {offered:?}");
        }
        let none: Platform = "linux/s390x".parse().unwrap();
        let images = [
            image(1, Some("linux/arm64")),
            image(2, Some("unknown/unknown")),
        ];
        let error = none.choose(&images).unwrap_err().to_string();
        assert_eq!(error, "no image for linux/s390x among: linux/arm64");
    }
}
