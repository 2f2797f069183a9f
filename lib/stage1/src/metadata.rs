//! Where the apps of a pod find the metadata service, if the pod is known to it.
//!
//! Source: appc spec, ace.md; rkt 1.30, stage1/init/init.go.

use std::ffi::CString;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use gantry_types::metadata::{MetadataToken, URL_VARIABLE};
use gantry_types::pod_layout;
use rustix::fs::{Mode, OFlags};

use crate::arguments::RunArguments;
use crate::failed::{Failed, Step as _};
use crate::plan::AppPlan;

/// Where apps find the service that have the host's network.
pub(crate) const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// More than a token with its line end has, in bytes.
const MAX_TOKEN_FILE: usize = 256;

/// What it takes to reach the service, but for the host's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    token: MetadataToken,
    port: u16,
}

impl Access {
    /// As the arguments have it, or the pod directory: an argument is no place for a secret, but other stage0
    /// pass it there.
    pub(crate) fn of(arguments: &RunArguments) -> Result<Option<Self>, Failed> {
        let port = arguments.mds_port.unwrap_or(gantry_types::metadata::PORT);
        let token = match (&arguments.mds_token, arguments.mds_port) {
            (Some(token), _) => token.clone(),
            (None, Some(_)) => token_of_pod()?,
            (None, None) => return Ok(None),
        };
        Ok(Some(Self { token, port }))
    }

    /// The URL for apps that reach the host at this address; it is also kept for who enters the pod later.
    pub(crate) fn announce(&self, host: IpAddr) -> Result<String, Failed> {
        let url = self.token.url(host, self.port);
        let name = || format!("write {}", pod_layout::METADATA_URL);
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::open(pod_layout::METADATA_URL, flags, Mode::from_raw_mode(0o600));
        let mut file = std::fs::File::from(file.step(name)?);
        file.write_all(url.as_bytes()).step(name)?;
        Ok(url)
    }
}

fn token_of_pod() -> Result<MetadataToken, Failed> {
    let name = || format!("read {}", pod_layout::MDS_REGISTERED);
    let bad = |text: String| std::io::Error::new(std::io::ErrorKind::InvalidData, text);
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::open(pod_layout::MDS_REGISTERED, flags, Mode::empty()).step(name)?;
    let mut text = [0; MAX_TOKEN_FILE];
    let length = rustix::io::read(&file, &mut text).step(name)?;
    let text = String::from_utf8_lossy(&text[..length]);
    text.trim()
        .parse()
        .map_err(|error: gantry_types::metadata::MetadataTokenError| bad(error.to_string()))
        .step(name)
}

/// The URL that the apps of the pod in this directory were given, if they were.
pub(crate) fn url_of_running() -> Option<String> {
    std::fs::read_to_string(pod_layout::METADATA_URL).ok()
}

/// Tells the apps and their handlers, but for those that say it themselves.
pub(crate) fn tell(url: &str, plans: &mut [AppPlan]) {
    // What cannot be in an environment is no URL of ours.
    let Ok(variable) = CString::new(format!("{URL_VARIABLE}={url}")) else {
        return;
    };
    let has_it = |own: &CString| {
        let rest = own.as_bytes().strip_prefix(URL_VARIABLE.as_bytes());
        rest.is_some_and(|rest| rest.starts_with(b"="))
    };
    for plan in plans {
        if !plan.environment.iter().any(has_it) {
            plan.environment.push(variable.clone());
        }
    }
}
