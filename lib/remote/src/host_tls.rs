//! Which certificates count for one host: the directories `certs.d` of Docker and podman.
//!
//! `DIR/HOST[:PORT]/` holds authorities (`*.crt`) that are trusted for this host besides the usual ones, and
//! a certificate of ours (`NAME.cert`) with its key (`NAME.key`). Source: containers-certs.d(5).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use reqwest::Url;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// How the certificate of one server is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Tls {
    /// By the authorities configured for all.
    Usual,
    /// By those and the ones in this directory.
    Directory(PathBuf),
    /// Not at all.
    Unverified,
}

/// What a directory of certificates holds.
pub(crate) struct Certificates {
    pub authorities: Vec<CertificateDer<'static>>,
    pub identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
}

/// A directory of certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificatesError {
    /// A file or the directory cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is no certificate or key in PEM form.
    #[error("{} holds no {what} in PEM form", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What it has to hold.
        what: &'static str,
    },
    /// A certificate lacks its key, or a key its certificate.
    #[error("{} has no {missing} beside it", path.display())]
    Alone {
        /// The file.
        path: PathBuf,
        /// The name of what is missing.
        missing: String,
    },
    /// A certificate and a key do not belong together.
    #[error("the client certificate in {} cannot be used", path.display())]
    Identity {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
}

/// The directory for the host of `url` in the first of `places` that has one.
pub(crate) fn directory(places: &[PathBuf], url: &Url) -> Option<PathBuf> {
    let host = url.host_str().filter(|_| url.scheme() == "https")?;
    let port = url.port_or_known_default()?;
    let with_port = format!("{host}:{port}");
    // The default port is stated in no name of a registry, but may be in that of a directory.
    let names = match url.port() {
        Some(_) => &[with_port.as_str()][..],
        None => &[host, with_port.as_str()],
    };
    let found = |place: &PathBuf| {
        let mut paths = names.iter().map(|name| place.join(name));
        paths.find(|path| path.is_dir())
    };
    places.iter().find_map(found)
}

impl Certificates {
    /// Reads `directory`; other files than those named above do not matter.
    pub fn read(directory: &Path) -> Result<Self, CertificatesError> {
        let failed = |source| CertificatesError::Read {
            path: directory.to_owned(),
            source,
        };
        let mut files = Vec::new();
        for entry in fs::read_dir(directory).map_err(failed)? {
            files.push(entry.map_err(failed)?.path());
        }
        files.sort();
        let mut certificates = Self {
            authorities: Vec::new(),
            identity: None,
        };
        for path in files {
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("crt") => certificates.authorities.extend(chain(&path)?),
                Some("cert") => {
                    let key = beside(&path, "key")?;
                    let key = PrivateKeyDer::from_pem_slice(&content(&key)?).map_err(|_| {
                        CertificatesError::Pem {
                            path: key.clone(),
                            what: "key",
                        }
                    })?;
                    // One is shown, the first by name.
                    let identity = (chain(&path)?, key);
                    certificates.identity.get_or_insert(identity);
                }
                Some("key") => {
                    beside(&path, "cert")?;
                }
                _ => {}
            }
        }
        Ok(certificates)
    }
}

fn beside(path: &Path, extension: &str) -> Result<PathBuf, CertificatesError> {
    let other = path.with_extension(extension);
    match other.is_file() {
        true => Ok(other),
        false => Err(CertificatesError::Alone {
            path: path.to_owned(),
            missing: other
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
        }),
    }
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, CertificatesError> {
    let text = content(path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        _ => Err(CertificatesError::Pem {
            path: path.to_owned(),
            what: "certificate",
        }),
    }
}

fn content(path: &Path) -> Result<Vec<u8>, CertificatesError> {
    crate::small_file::read(path).map_err(|source| CertificatesError::Read {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_for_one_host_and_port() {
        let folder = tempfile::tempdir().unwrap();
        let places: Vec<PathBuf> = ["first", "second"]
            .map(|name| folder.path().join(name))
            .into();
        for path in [
            "first/a.test",
            "second/a.test",
            "second/a.test:5000",
            "second/b.test:443",
        ] {
            fs::create_dir_all(folder.path().join(path)).unwrap();
        }
        for (url, expected) in [
            ("https://a.test/v2/", Some("first/a.test")),
            ("https://a.test:5000/v2/", Some("second/a.test:5000")),
            ("https://b.test/", Some("second/b.test:443")),
            ("https://a.test:5001/", None),
            ("https://c.test/", None),
            ("http://a.test/", None),
        ] {
            let found = directory(&places, &url.parse().unwrap());
            assert_eq!(
                found,
                expected.map(|path| folder.path().join(path)),
                "{url}"
            );
        }
    }

    #[test]
    fn what_is_wrong_with_a_directory_is_told_by_file() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        let error = || match Certificates::read(folder.path()) {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        };
        put("notes.txt", "anything");
        assert_eq!(error(), "");
        put("client.key", "x");
        assert!(
            error().contains("client.key has no client.cert beside it"),
            "{}",
            error()
        );
        put("client.cert", "x");
        assert!(
            error().contains("client.key holds no key in PEM form"),
            "{}",
            error()
        );
        put("ca.crt", "x");
        assert!(
            error().contains("ca.crt holds no certificate in PEM form"),
            "{}",
            error()
        );
        fs::remove_file(folder.path().join("ca.crt")).unwrap();
        fs::create_dir(folder.path().join("ca.crt")).unwrap();
        assert!(error().contains("cannot read"), "{}", error());
        assert!(Certificates::read(&folder.path().join("none")).is_err());
    }
}
