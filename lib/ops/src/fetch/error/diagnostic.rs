//! What kind of failure a fetch ended with, and what to try next.

use gantry_archive::extract::ExtractError;
use gantry_remote::HttpError;
use gantry_types::{Diagnostic, Kind};

use super::request::make_room;
use super::{FetchError, RequestError};
use crate::room::is_full;

impl FetchError {
    /// Whether a server sent, or announced, more than any image may have.
    pub(in crate::fetch) fn is_too_large(&self) -> bool {
        let Self::Download { source } = self else {
            return false;
        };
        matches!(source, RequestError::Http(HttpError::TooLarge { .. }))
    }

    /// Whether nobody knew, or could be asked, where an image is.
    pub(in crate::fetch) fn is_of_discovery(&self) -> bool {
        matches!(self, Self::Discovery { .. } | Self::NoEndpoint { .. })
    }

    /// Whether the downloaded data may still be good: the machine or the network failed, or a
    /// dependency, and not the image.
    pub(in crate::fetch) fn spares_data(&self) -> bool {
        match self {
            Self::Store(_) | Self::Read { .. } | Self::Dependency { .. } => true,
            Self::DownloadSignature { .. } | Self::SignatureDeferred { .. } => true,
            Self::Render { .. } => true,
            Self::Extract { source, .. } => source.kind() == Kind::Environment,
            Self::Verify { source, .. } => source.kind() == Kind::Environment,
            _ => false,
        }
    }
}

impl Diagnostic for FetchError {
    fn kind(&self) -> Kind {
        match self {
            Self::Resolve { source, .. } => source.kind(),
            Self::Oci(error) => error.kind(),
            Self::Store(error) => error.kind(),
            Self::TakeOver(error) => error.kind(),
            Self::Discovery { source, .. } => source.kind(),
            Self::Download { source } => source.kind(),
            Self::Extract { source, .. } => source.kind(),
            Self::Verify { source, .. } => source.kind(),
            Self::Dependency { source, .. } => source.kind(),
            Self::NotFound { .. }
            | Self::OpenImage { .. }
            | Self::NoEndpoint { .. }
            | Self::SignatureDeferred { .. }
            | Self::Read { .. }
            | Self::Render { .. } => Kind::Environment,
            Self::DownloadSignature { source } => match source {
                RequestError::Status { .. } => Kind::Refused,
                source => source.kind(),
            },
            Self::NoKeys { .. }
            | Self::NoKeysAtAll { .. }
            | Self::OpenSignature { .. }
            | Self::Signature { .. }
            | Self::Rejected { .. }
            | Self::Changed { .. }
            | Self::Scope { .. }
            | Self::Manifest { .. }
            | Self::Name { .. }
            | Self::Label { .. }
            | Self::LabelMissing { .. }
            | Self::Chain(_)
            | Self::Circle { .. }
            | Self::TooMany { .. }
            | Self::DependencyKind { .. }
            | Self::DependencyId { .. }
            | Self::DependencySize { .. } => Kind::Refused,
        }
    }

    fn hint(&self) -> Option<String> {
        const WAIVE: &str = "or waive the check with --insecure-options=image";
        match self {
            Self::Resolve { source, .. } => source.hint(),
            Self::Oci(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::TakeOver(error) => error.hint(),
            Self::Discovery { source, .. } => source.hint(),
            Self::Download { source } => source.hint(),
            Self::Extract {
                source: ExtractError::File { source, .. },
                ..
            } if is_full(source) => make_room(),
            Self::Render { source, .. } if source.io().is_some_and(is_full) => make_room(),
            Self::Extract { source, .. } => source.hint(),
            Self::Verify { source, .. } => source.hint(),
            Self::Signature { source, .. } => source.hint(),
            Self::Rejected { source, .. } => source.hint(),
            Self::Dependency { source, .. } => source.hint(),
            Self::NoKeys { name } => Some(format!(
                "to trust the publisher's key run `rkt trust --prefix={}`, {WAIVE}",
                name.as_str().split('/').next().unwrap_or_default()
            )),
            Self::NoKeysAtAll { .. } => Some(format!(
                "to trust the publisher's key run `rkt trust --prefix=NAME PUBKEY`, {WAIVE}"
            )),
            Self::OpenSignature { .. } => {
                Some(format!("name the signature with --signature=FILE, {WAIVE}"))
            }
            Self::DownloadSignature { source } => source.hint().or_else(|| {
                Some(format!(
                    "if the image is not signed, give a signature with --signature=FILE, {WAIVE}"
                ))
            }),
            Self::SignatureDeferred { .. } => Some("try again later".to_owned()),
            Self::Scope { name, .. } => Some(format!(
                "if that key may sign it, run `rkt trust --prefix={name} PUBKEY`"
            )),
            Self::NotFound { .. } => Some("allow the network with --pull-policy=new".to_owned()),
            Self::Changed { .. } => Some(
                "fetch it again; if that repeats, look for a failing disk or an intruder"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use gantry_remote::download::DownloadError;
    use gantry_store::StoreError;

    use super::*;

    #[test]
    fn a_full_disk_is_told_from_wherever_it_comes() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let url = || gantry_remote::RedactedUrl::new(&"https://a.test/a".parse().unwrap());
        let store = StoreError::Io {
            operation: "write to",
            path: "/data/store".into(),
            source: full(),
        };
        let download = |source| FetchError::Download {
            source: RequestError::Download(source),
        };
        let stopped = io::Error::other(store);
        for error in [
            download(DownloadError::Write {
                url: url(),
                source: full(),
            }),
            download(DownloadError::Stopped {
                url: url(),
                source: stopped,
            }),
            FetchError::Extract {
                image: "a.test/a:1".to_owned(),
                source: ExtractError::File {
                    action: "write",
                    entry: b"rootfs/a".as_slice().into(),
                    source: full(),
                },
            },
        ] {
            let hint = error.hint().unwrap_or_default();
            assert!(hint.contains("make room"), "{error}: {hint}");
            assert_eq!(error.kind(), Kind::Environment, "{error}");
            assert!(error.spares_data() || matches!(error, FetchError::Download { .. }));
        }
    }
}
