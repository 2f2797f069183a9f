//! HTTP, credentials, registries, discovery pages.
//!
//! [`HttpClient`] asks for URLs: it follows redirects itself, sends credentials only to the host they
//! belong to, and honours `--connect-to` rules, proxies and certificate authorities given as values in
//! [`ClientConfig`]. [`download`] brings a large body into a file and resumes where an earlier try ended.
//! [`discovery`] finds the places of an image and of its public keys by its name alone. The face of this
//! crate is blocking.

#![forbid(unsafe_code)]

mod aws;
mod base64;
mod client;
mod config;
mod connect_to;
mod credentials;
pub mod discovery;
pub mod download;
mod error;
mod host_tls;
mod pace;
mod percent;
mod redact;
mod redirect;
pub mod registry;
mod request;
mod resolver;
mod response;
mod retry;
mod route;
mod small_file;
mod tls;
mod transport_error;
mod validator;

pub use client::HttpClient;
pub use config::{ClientConfig, EnvironmentError, ProxyConfig, Roots};
pub use connect_to::{ConnectTo, ConnectToError};
pub use credentials::{Credential, CredentialError, HostCredentials};
pub use error::{HttpError, RedirectError, RequestLine};
pub use host_tls::CertificatesError;
pub use pace::Pace;
pub use redact::RedactedUrl;
pub use request::{Body, FilePart, Request};
pub use reqwest::header;
pub use reqwest::{Method, StatusCode};
pub use response::Response;
pub use retry::RetryPolicy;
pub use transport_error::TransportError;
pub use url::Url;
pub use validator::Validator;
