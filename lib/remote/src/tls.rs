//! TLS: whose certificates are trusted.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;

use crate::Roots;
use crate::host_tls::{Certificates, CertificatesError};

/// The TLS settings of a client that checks certificates.
///
/// The authorities are read here and not by the HTTP library, which takes them from this process's
/// environment only, refuses to work at all, even over plain http, where there are none, and fails over
/// a single one that it cannot read.
pub(crate) fn settings(roots: &Roots) -> rustls::ClientConfig {
    with_protocols(builder(authorities(roots)).with_no_client_auth())
}

/// The same for a server that has a directory of certificates of its own.
pub(crate) fn settings_with(
    roots: &Roots,
    directory: &Path,
) -> Result<rustls::ClientConfig, CertificatesError> {
    let Certificates {
        authorities: own,
        identity,
    } = Certificates::read(directory)?;
    let mut store = authorities(roots);
    store.add_parsable_certificates(own);
    let builder = builder(store);
    Ok(with_protocols(match identity {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => builder
            .with_client_auth_cert(chain, key)
            .map_err(|source| CertificatesError::Identity {
                path: directory.to_owned(),
                source,
            })?,
    }))
}

fn builder(
    store: rustls::RootCertStore,
) -> rustls::ConfigBuilder<rustls::ClientConfig, rustls::client::WantsClientCert> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider's own cipher suites serve TLS 1.2 and 1.3")
        .with_root_certificates(store)
}

fn with_protocols(mut settings: rustls::ClientConfig) -> rustls::ClientConfig {
    settings.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    settings
}

fn authorities(roots: &Roots) -> rustls::RootCertStore {
    let mut store = rustls::RootCertStore::empty();
    let mut add = |found: rustls_native_certs::CertificateResult| {
        for error in found.errors {
            tracing::warn!("cannot read certificate authorities: {error}");
        }
        let (_, ignored) = store.add_parsable_certificates(found.certs);
        if ignored > 0 {
            tracing::debug!("{ignored} certificate authorities could not be parsed");
        }
    };
    match roots {
        Roots::System => add(rustls_native_certs::load_native_certs()),
        Roots::Paths { file, dirs } => {
            add(rustls_native_certs::load_certs_from_paths(
                file.as_deref(),
                None,
            ));
            for dir in dirs {
                add(rustls_native_certs::load_certs_from_paths(None, Some(dir)));
            }
        }
    }
    if store.is_empty() {
        tracing::warn!("no certificate authorities found: every https server will be refused");
    }
    store
}
