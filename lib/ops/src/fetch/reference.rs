//! What a user means by the name of an image on the command line.

use std::path::{Path, PathBuf};

use super::cimd::{self, CimdError, Distribution};
use super::oci::{LocalImage, RegistryImage};
use gantry_remote::Url;
use gantry_types::show::harmless;
use gantry_types::{Diagnostic, ImageId, ImageName, ImageNameError, Kind, Label, Labels, os_arch};

/// An image to be found or fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageReference {
    /// Start of an image ID.
    Hash(String),
    /// `http` or `https`.
    Url(Url),
    /// A local file.
    Path(LocalFile),
    /// A name with at least the labels `os` and `arch`.
    Name(ImageName),
    /// An OCI or Docker image in a file or directory.
    Local(LocalImage),
    /// An OCI or Docker image in a registry.
    Registry(RegistryImage),
}

/// A file of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalFile {
    /// Where it is: absolute, without `.` in it.
    pub path: PathBuf,
    /// The path as the user gave it, for messages.
    pub given: PathBuf,
}

/// A text does not say which image is meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// There is none.
    #[error("image string cannot be empty")]
    Empty,
    /// A URL of something else than an ACI, or no URL at all.
    #[error("invalid image string {text:?}")]
    Invalid {
        /// The text.
        text: String,
    },
    /// Not a name either.
    #[error("invalid image string {text:?}")]
    Name {
        /// The text.
        text: String,
        /// Why it is no name.
        source: ImageNameError,
    },
    /// Not a distribution URI, though it begins like one.
    #[error("invalid image string {text:?}")]
    Cimd {
        /// The text.
        text: String,
        /// What is wrong.
        source: CimdError,
    },
    /// Not an image of a registry, though it begins like one.
    #[error("invalid image string {text:?}")]
    Registry {
        /// The text.
        text: String,
        /// Why it is none.
        source: gantry_types::oci::ReferenceError,
    },
}

impl Diagnostic for ReferenceError {
    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Registry { .. } => {
                Some("it has the form docker://[HOST[:PORT]/]NAME[:TAG|@DIGEST]".to_owned())
            }
            Self::Invalid { .. } => Some("the path of an image's URL ends in .aci".to_owned()),
            _ => None,
        }
    }
}

impl ImageReference {
    /// Tells what `text` means; `is_file` whether a path names a regular file, `directory` what relative
    /// paths are relative to. The order of the forms is that of rkt 1.30.
    ///
    /// # Errors
    ///
    /// [`ReferenceError`].
    pub fn parse(
        text: &str,
        directory: &Path,
        is_file: &dyn Fn(&Path) -> bool,
    ) -> Result<Self, ReferenceError> {
        let invalid = || ReferenceError::Invalid {
            text: text.to_owned(),
        };
        if text.is_empty() {
            return Err(ReferenceError::Empty);
        }
        if let Some(digits) = text.strip_prefix(ImageId::PREFIX)
            && digits.len() >= 2
            && digits
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        {
            return Ok(Self::Hash(text.to_owned()));
        }
        let docker = |name: &str| {
            let reference = name.parse().map_err(|source| ReferenceError::Registry {
                text: text.to_owned(),
                source,
            })?;
            let given = format!("docker://{name}");
            Ok(Self::Registry(RegistryImage { reference, given }))
        };
        let path = || {
            Self::Path(LocalFile {
                // `.` as a component means nothing; the store remembers images by their path.
                path: directory.join(text).components().collect(),
                given: PathBuf::from(text),
            })
        };
        if let Some(image) = LocalImage::parse(text, directory) {
            return Ok(Self::Local(image));
        }
        match scheme(text).as_deref() {
            Some("http" | "https") => {
                let url = Url::parse(text).map_err(|_| invalid())?;
                let named = url.host_str().is_some() && url.path().ends_with(".aci");
                named.then_some(Self::Url(url)).ok_or_else(invalid)
            }
            Some("file") => {
                let url = Url::parse(text).map_err(|_| invalid())?;
                let path = url.to_file_path().map_err(|()| invalid())?;
                let named = path.as_os_str().as_encoded_bytes().ends_with(b".aci");
                let file = LocalFile {
                    given: path.clone(),
                    path,
                };
                named.then_some(Self::Path(file)).ok_or_else(invalid)
            }
            Some("docker") => {
                let name = text.split_once(':').map_or("", |(_, name)| name);
                docker(name.strip_prefix("//").unwrap_or(name))
            }
            Some("cimd") => {
                let data = text.split_once(':').map_or("", |(_, data)| data);
                match cimd::parse(data) {
                    Ok(Distribution::Name(found)) => with_host_labels(found)
                        .map(Self::Name)
                        .map_err(|error| wrong_name(text, error.into())),
                    Ok(Distribution::Archive(url)) => archive(&url).ok_or_else(invalid),
                    Ok(Distribution::Docker(name)) => docker(&name),
                    Err(source) => Err(ReferenceError::Cimd {
                        text: text.to_owned(),
                        source,
                    }),
                }
            }
            Some(_) => name(text),
            None if text.starts_with('/') || is_file(&directory.join(text)) => Ok(path()),
            None if text.contains(':') => name(text),
            None if text.contains("./") => Ok(path()),
            None if Path::new(text).extension().is_some_and(|ext| ext == "aci") => Ok(path()),
            None => name(text),
        }
    }
}

/// The part before the first colon if a URL could begin with it.
fn scheme(text: &str) -> Option<String> {
    let (scheme, _) = text.split_once(':')?;
    let letters = scheme
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    let first = scheme.bytes().next()?.is_ascii_alphabetic();
    (letters && first).then(|| scheme.to_ascii_lowercase())
}

fn name(text: &str) -> Result<ImageReference, ReferenceError> {
    let name: ImageName = text.parse().map_err(|error| wrong_name(text, error))?;
    with_host_labels(name)
        .map(ImageReference::Name)
        .map_err(|error| wrong_name(text, error.into()))
}

fn wrong_name(text: &str, source: ImageNameError) -> ReferenceError {
    let text = text.to_owned();
    ReferenceError::Name { text, source }
}

/// An image file at a URL that need not look like one.
fn archive(url: &str) -> Option<ImageReference> {
    let url = Url::parse(url).ok()?;
    match url.scheme() {
        "http" | "https" if url.host_str().is_some() => Some(ImageReference::Url(url)),
        "file" => {
            let path = url.to_file_path().ok()?;
            let given = path.clone();
            Some(ImageReference::Path(LocalFile { path, given }))
        }
        _ => None,
    }
}

/// Adds this machine's `os` and `arch` where they are missing.
pub(crate) fn with_host_labels(name: ImageName) -> Result<ImageName, gantry_types::LabelsError> {
    let mut labels: Vec<Label> = name.labels.iter().cloned().collect();
    for label in os_arch::host_labels().iter() {
        if name.labels.get(label.name.as_str()).is_none() {
            labels.push(label.clone());
        }
    }
    Ok(ImageName {
        name: name.name,
        labels: Labels::new(labels)?,
    })
}

/// `NAME:VERSION`, or the name alone: how people call an image.
///
/// A version may be any text. What would end a line, move the cursor or turn the direction of writing is
/// escaped, or an unchecked image could make a listing say that it, or another, was checked.
pub(crate) fn with_version(name: &ImageName) -> String {
    let mut text = name.name.to_string();
    if let Some(version) = name.version() {
        text.push(':');
        text.push_str(&harmless(version));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ImageReference, ReferenceError> {
        let is_file = |path: &Path| path == Path::new("/here/present");
        ImageReference::parse(text, Path::new("/here"), &is_file)
    }

    #[test]
    fn the_forms_are_told_apart_as_the_original_does() {
        let kind = |text: &str| match parse(text).unwrap() {
            ImageReference::Hash(_) => "hash",
            ImageReference::Url(_) => "url",
            ImageReference::Path(_) => "path",
            ImageReference::Name(_) => "name",
            ImageReference::Local(_) => "local",
            ImageReference::Registry(_) => "registry",
        };
        for (text, expected) in [
            ("sha512-ab", "hash"),
            ("https://example.com/a.aci", "url"),
            ("http://example.com:8080/a.aci?x=y", "url"),
            ("file:///a/b.aci", "path"),
            ("/a/b", "path"),
            ("present", "path"),
            ("./a", "path"),
            ("../x.aci", "path"),
            ("x.aci", "path"),
            ("example.com/app", "name"),
            ("example.com/app:1.0", "name"),
            ("my-app:v1", "name"),
            ("example.com/app:1.0,os=linux,arch=amd64", "name"),
            ("sha512-a", "name"),
            ("cimd:appc:v=0:example.com/app?version=1", "name"),
            ("CIMD:appc:v=0:example.com/app", "name"),
            (
                "cimd:aci-archive:v=0:https%3A%2F%2Fexample.com%2Fapp",
                "url",
            ),
            ("cimd:aci-archive:v=0:file%3A%2F%2F%2Fa%2Fb", "path"),
            ("oci:dir", "local"),
            ("oci-archive:a.tar:latest", "local"),
            ("docker-archive:/a.tar:busybox:1", "local"),
            ("dir:.", "local"),
            ("docker://busybox", "registry"),
            ("docker:localhost:5000/a/b:1", "registry"),
            (
                "cimd:docker:v=0:registry-1.docker.io/library/busybox:1",
                "registry",
            ),
            ("ocis:dir", "name"),
        ] {
            assert_eq!(kind(text), expected, "{text}");
        }
        for (text, path, given) in [
            ("x.aci", "/here/x.aci", "x.aci"),
            ("./a/./x.aci", "/here/a/x.aci", "./a/./x.aci"),
            ("../x.aci", "/here/../x.aci", "../x.aci"),
            ("file:///a%20b.aci", "/a b.aci", "/a b.aci"),
        ] {
            let file = LocalFile {
                path: path.into(),
                given: given.into(),
            };
            assert_eq!(parse(text).unwrap(), ImageReference::Path(file), "{text}");
        }
    }

    #[test]
    fn names_get_the_labels_of_this_machine_unless_they_have_others() {
        let ImageReference::Name(name) = parse("example.com/app,arch=aarch64").unwrap() else {
            panic!("a name");
        };
        assert_eq!(name.labels.get("arch"), Some("aarch64"));
        assert_eq!(name.labels.get("os"), Some("linux"));
    }

    #[test]
    fn a_version_cannot_forge_lines_or_command_a_terminal() {
        let mut name: ImageName = "example.com/app:1.0".parse().unwrap();
        assert_eq!(with_version(&name), "example.com/app:1.0");
        for (version, shown) in [
            ("1\nsha512-00\tother", "1\\u{a}sha512-00\\u{9}other"),
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("1\u{202e}0", "1\\u{202e}0"),
            ("grün+1", "grün+1"),
        ] {
            name.labels
                .set("version".parse().unwrap(), version)
                .unwrap();
            assert_eq!(with_version(&name), format!("example.com/app:{shown}"));
        }
    }

    #[test]
    fn what_cannot_be_an_image_is_refused() {
        let bad = [
            "",
            "https://example.com/a.tar",
            "https:///a.aci",
            "file:///a",
            "file://host/a.aci",
            "docker://",
            "docker:Busybox",
            "docker://a.test:x/y",
            "cimd:docker:v=0:a..b",
            "cimd:aci-archive:v=0:ftp%3A%2F%2Fa%2Fb.aci",
            "cimd:aci-archive:v=0:a.aci",
            "cimd:appc:v=0:example.com/app?arch=vax",
            "cimd:appc",
            "Example.com/App:1",
            "example.com/app:1:2",
            "example.com/app,os=linux,arch=vax",
        ];
        for text in bad {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(
            parse("https://example.com/a.tar").unwrap_err().to_string(),
            "invalid image string \"https://example.com/a.tar\""
        );
    }
}
