//! Manifests and indexes, as bytes.

use gantry_types::oci::{Algorithm, Digest};

use super::conf::Endpoint;
use super::error::RegistryError;
use super::session::Ask;
use super::{Access, Registry};
use crate::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use crate::{Body, Method, Response};

/// Largest manifest accepted, in bytes. Registries "SHOULD" take 4 MiB and so hold none larger.
///
/// Source: OCI distribution-spec 1.1, "Pushing Manifests".
pub const MAX_MANIFEST_BYTES: u64 = 4 * 1024 * 1024;

/// The header that says what the digest of a manifest is.
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// The documents that we understand, and those of which we can say why not: without them a registry would
/// make one of the old kind of what it has, or say that it has nothing.
const ACCEPTED: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.docker.distribution.manifest.v2+json, \
    application/vnd.docker.distribution.manifest.v1+prettyjws;q=0.1, \
    application/vnd.docker.distribution.manifest.v1+json;q=0.1";

/// A manifest or an index as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawManifest {
    /// The document.
    pub bytes: Vec<u8>,
    /// Its digest: by the function of the digest that it was asked by, or else SHA-256.
    pub digest: Digest,
    /// What the registry calls it, without parameters and in lower case, or empty.
    pub media_type: String,
}

/// What a registry says of a manifest without sending it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The digest of what the tag stands for now.
    pub digest: Digest,
    /// What the registry calls it, without parameters and in lower case, or empty.
    pub media_type: String,
}

impl Registry {
    /// The manifest or index that the reference of `endpoint` stands for.
    ///
    /// # Errors
    ///
    /// [`RegistryError`]; [`Digest`](RegistryError::Digest) if the bytes have another digest than asked for
    /// or than the registry says.
    pub fn manifest(&self, endpoint: &Endpoint) -> Result<RawManifest, RegistryError> {
        let version = endpoint.reference.version();
        let what = format!("manifest {version}");
        let answer = self.ask_manifest(endpoint, Method::GET, &what)?;
        let media_type = media_type(&answer);
        let said = content_digest(&answer);
        let bytes = answer.read_to_end(MAX_MANIFEST_BYTES)?;
        let meant = endpoint.reference.digest();
        for expected in meant.into_iter().chain(&said) {
            let found = digest_of(expected.algorithm(), &bytes);
            if found != *expected {
                return Err(RegistryError::Digest {
                    what: format!("{what} of {}", endpoint.reference.name()),
                    expected: expected.clone(),
                    found,
                });
            }
        }
        let algorithm = meant.map_or(Algorithm::Sha256, Digest::algorithm);
        Ok(RawManifest {
            digest: digest_of(algorithm, &bytes),
            bytes,
            media_type,
        })
    }

    /// What the reference of `endpoint` stands for at the moment, if the registry says so without sending it.
    ///
    /// # Errors
    ///
    /// [`RegistryError`].
    pub fn head(&self, endpoint: &Endpoint) -> Result<Option<Head>, RegistryError> {
        let what = format!("manifest {}", endpoint.reference.version());
        let answer = self.ask_manifest(endpoint, Method::HEAD, &what)?;
        let media_type = media_type(&answer);
        Ok(content_digest(&answer).map(|digest| Head { digest, media_type }))
    }

    fn ask_manifest(
        &self,
        endpoint: &Endpoint,
        method: Method,
        what: &str,
    ) -> Result<Response, RegistryError> {
        let version = endpoint.reference.version();
        let url = self.url(endpoint, &format!("manifests/{version}"))?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(ACCEPTED));
        let ask = Ask {
            method,
            url: &url,
            headers,
            body: Body::Nothing,
            access: Access::Pull,
        };
        let answer = self.ask(endpoint, &ask)?;
        match answer.status().as_u16() {
            200 => Ok(answer),
            _ => Err(self.refused(endpoint, answer, what)),
        }
    }
}

fn media_type(answer: &Response) -> String {
    let value = answer.headers().get(CONTENT_TYPE);
    let text = value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let bare = text.split(';').next().unwrap_or_default();
    bare.trim().to_ascii_lowercase()
}

/// The digest in the header; a text of another form says nothing.
fn content_digest(answer: &Response) -> Option<Digest> {
    let value = answer.headers().get(CONTENT_DIGEST)?;
    value.to_str().ok()?.trim().parse().ok()
}

/// The digest of `bytes`.
pub(super) fn digest_of(algorithm: Algorithm, bytes: &[u8]) -> Digest {
    use aws_lc_rs::digest::{SHA256, SHA512, digest};
    match algorithm {
        Algorithm::Sha256 => {
            let mut sum = [0; 32];
            sum.copy_from_slice(digest(&SHA256, bytes).as_ref());
            Digest::sha256(sum)
        }
        Algorithm::Sha512 => {
            let mut sum = [0; 64];
            sum.copy_from_slice(digest(&SHA512, bytes).as_ref());
            Digest::sha512(sum)
        }
    }
}
