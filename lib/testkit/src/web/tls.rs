//! A certificate authority and a server certificate, made on the spot.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;

/// What a TLS server shows, and the authority to check it by.
pub(super) struct Identity {
    pub ca_pem: String,
    pub server: Arc<rustls::ServerConfig>,
}

impl Identity {
    /// An identity for `hosts`, `localhost` and 127.0.0.1.
    pub fn new(hosts: &[&str]) -> Self {
        let mut ca = CertificateParams::default();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.distinguished_name
            .push(DnType::CommonName, "Gantry test authority");
        let ca_key = KeyPair::generate().expect("a key");
        let ca_pem = ca.self_signed(&ca_key).expect("an authority").pem();
        let issuer = Issuer::new(ca, ca_key);

        let names = hosts.iter().copied().chain(["localhost", "127.0.0.1"]);
        let names: Vec<String> = names.map(str::to_owned).collect();
        let params = CertificateParams::new(names).expect("host names");
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &issuer).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());

        let provider = Arc::new(aws_lc_rs::default_provider());
        let server = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("protocol versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("a certificate with its key");
        Self {
            ca_pem,
            server: Arc::new(server),
        }
    }
}
