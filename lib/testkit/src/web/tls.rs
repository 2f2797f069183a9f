//! A certificate authority and server certificates, made on the spot.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;

use super::TlsFault;

/// What a TLS server shows, and the authority to check it by.
pub(super) struct Identity {
    pub ca_pem: String,
    issuer: Issuer<'static, KeyPair>,
    hosts: Vec<String>,
    good: Arc<rustls::ServerConfig>,
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
        let hosts: Vec<String> = names.map(str::to_owned).collect();
        let good = signed(params(hosts.clone()), &issuer);
        Self {
            ca_pem,
            issuer,
            hosts,
            good,
        }
    }

    /// What the server shows, in good order or with a `fault` of the certificate.
    pub fn server(&self, fault: Option<TlsFault>) -> Arc<rustls::ServerConfig> {
        match fault {
            Some(TlsFault::WrongHost) => {
                let other = vec!["other.invalid".to_owned()];
                signed(params(other), &self.issuer)
            }
            Some(TlsFault::Expired) => {
                let mut expired = params(self.hosts.clone());
                expired.not_before = date_time_ymd(2001, 1, 1);
                expired.not_after = date_time_ymd(2002, 1, 1);
                signed(expired, &self.issuer)
            }
            Some(TlsFault::SelfSigned) => {
                let key = KeyPair::generate().expect("a key");
                let own = params(self.hosts.clone()).self_signed(&key);
                config(&own.expect("a certificate"), &key)
            }
            _ => Arc::clone(&self.good),
        }
    }
}

/// A server certificate made on the spot, in PEM form.
pub struct Pem {
    /// The certificate of the authority.
    pub ca: String,
    /// The certificate of the server.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

impl Pem {
    /// One for `hosts`, `localhost` and 127.0.0.1.
    pub fn new(hosts: &[&str]) -> Self {
        let identity = Identity::new(hosts);
        let key = KeyPair::generate().expect("a key");
        let certificate = params(identity.hosts).signed_by(&key, &identity.issuer);
        Self {
            ca: identity.ca_pem,
            certificate: certificate.expect("a certificate").pem(),
            key: key.serialize_pem(),
        }
    }
}

fn params(hosts: Vec<String>) -> CertificateParams {
    CertificateParams::new(hosts).expect("host names")
}

fn signed(
    params: CertificateParams,
    issuer: &Issuer<'static, KeyPair>,
) -> Arc<rustls::ServerConfig> {
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, issuer).expect("a certificate");
    config(&certificate, &key)
}

fn config(certificate: &rcgen::Certificate, key: &KeyPair) -> Arc<rustls::ServerConfig> {
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let provider = Arc::new(aws_lc_rs::default_provider());
    let server = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("a certificate with its key");
    Arc::new(server)
}
