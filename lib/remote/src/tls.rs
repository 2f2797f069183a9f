//! TLS: whose certificates are trusted.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;

use crate::Roots;

/// The TLS settings of a client that checks certificates.
///
/// The authorities are read here and not by the HTTP library, which takes them from this process's
/// environment only, refuses to work at all, even over plain http, where there are none, and fails over
/// a single one that it cannot read.
pub(crate) fn settings(roots: &Roots) -> rustls::ClientConfig {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut settings = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider's own cipher suites serve TLS 1.2 and 1.3")
        .with_root_certificates(authorities(roots))
        .with_no_client_auth();
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
