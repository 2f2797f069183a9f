//! Addresses of host names: /etc/hosts, then the name servers of /etc/resolv.conf.
//!
//! Gantry's programs are linked statically, so the C library's look-up, which loads plug-ins named in
//! nsswitch.conf at run time, is not used.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::TransportError;

/// A name that was not resolved.
#[derive(Debug, thiserror::Error)]
#[error("cannot look up {host}")]
pub(crate) struct LookUpError {
    host: String,
    source: NetError,
}

impl From<&LookUpError> for TransportError {
    fn from(error: &LookUpError) -> Self {
        if error.source.is_no_records_found() {
            Self::NameNotFound
        } else {
            Self::LookUp(error.source.to_string())
        }
    }
}

/// The system's resolver, set up at the first look-up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Resolver(Arc<OnceLock<TokioResolver>>);

impl Resolver {
    async fn look_up(&self, host: &str, port: u16) -> Result<Addrs, LookUpError> {
        let fail = |source| LookUpError {
            host: host.to_owned(),
            source,
        };
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(Box::new([SocketAddr::new(address, port)].into_iter()));
        }
        let resolver = match self.0.get() {
            Some(resolver) => resolver,
            None => {
                let new = set_up().map_err(fail)?;
                self.0.get_or_init(|| new)
            }
        };
        let found = resolver.lookup_ip(host).await.map_err(fail)?;
        let addresses = found
            .iter()
            .map(|address| SocketAddr::new(address, port))
            .collect::<Vec<_>>();
        Ok(Box::new(addresses.into_iter()))
    }
}

fn set_up() -> Result<TokioResolver, NetError> {
    let mut builder = TokioResolver::builder_tokio().unwrap_or_else(|error| {
        // resolv.conf(5): without the file, the name server on the local machine is asked.
        tracing::debug!("cannot use /etc/resolv.conf: {error}");
        let local = NameServerConfig::udp_and_tcp(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![local]);
        TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
    });
    builder.options_mut().ip_strategy = LookupIpStrategy::Ipv6AndIpv4;
    builder.build()
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        // Port 0 makes the connector take the URL's.
        Box::pin(async move { Ok(resolver.look_up(name.as_str(), 0).await?) })
    }
}

/// Answers every look-up with the addresses of one host, and with its port.
#[derive(Debug, Clone)]
pub(crate) struct Fixed {
    pub host: String,
    pub port: u16,
    pub resolver: Resolver,
}

impl Resolve for Fixed {
    fn resolve(&self, _: Name) -> Resolving {
        let fixed = self.clone();
        Box::pin(async move { Ok(fixed.resolver.look_up(&fixed.host, fixed.port).await?) })
    }
}
