//! Which token servers may be asked, and which belong to a registry.

use std::net::IpAddr;

use url::Url;

use crate::credentials::is_loopback;

/// The registry that sends us to a token server.
pub(in crate::registry) struct Sender<'a> {
    /// What was asked for there.
    pub url: &'a Url,
    /// Whether anybody could have been in its place: no certificate was checked.
    pub unproven: bool,
    /// Whether the user allows plain http with it.
    pub plain_allowed: bool,
    /// Whether its own certificate is not to be checked.
    pub insecure_tls: bool,
}

/// Refuses a token server that must not be asked at all.
pub(super) fn may_be_asked(realm: &Url, sender: &Sender<'_>) -> Result<(), &'static str> {
    let here = is_loopback(realm);
    if here && !is_loopback(sender.url) {
        return Err("which is this machine");
    }
    match realm.scheme() {
        "https" => Ok(()),
        "http" if here => Ok(()),
        "http" if sender.plain_allowed && realm.host() == sender.url.host() => Ok(()),
        "http" => Err("which is not secure"),
        _ => Err("which is neither http nor https"),
    }
}

/// Whether two hosts are those of one owner, as far as their names tell: equal, or both below one domain
/// that somebody can own.
///
/// Domains are given out below `com`, `io` and so on, and below second-level ones of countries such as
/// `co.uk`; a list of all of them would be long and never complete, so a short label below a country counts
/// as one. Addresses have to be equal, but all of this machine's are one.
pub(super) fn same_site(a: &Url, b: &Url) -> bool {
    let (Some(first), Some(second)) = (a.host_str(), b.host_str()) else {
        return false;
    };
    if first == second || (is_loopback(a) && is_loopback(b)) {
        return true;
    }
    let is_name = |url: &Url, host: &str| url.domain().is_some() && host.parse::<IpAddr>().is_err();
    if !is_name(a, first) || !is_name(b, second) {
        return false;
    }
    fn labels(host: &str) -> Vec<&str> {
        host.trim_end_matches('.').rsplit('.').collect()
    }
    let (first, second) = (labels(first), labels(second));
    let shared = first
        .iter()
        .zip(&second)
        .take_while(|(a, b)| a == b)
        .count();
    let below_country = first.first().is_some_and(|top| top.len() == 2)
        && first.get(1).is_some_and(|l| l.len() <= 3);
    shared >= if below_country { 3 } else { 2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn hosts_of_one_owner_are_told_by_their_domain() {
        for (a, b, expected) in [
            ("auth.docker.io", "registry-1.docker.io", true),
            ("gitlab.com", "registry.gitlab.com", true),
            ("a.test:8443", "a.test", true),
            ("quay.io", "quay.io", true),
            ("docker.io.evil.test", "registry-1.docker.io", false),
            ("evil-docker.io", "registry-1.docker.io", false),
            ("evil.io", "docker.io", false),
            ("a.co.uk", "b.co.uk", false),
            ("x.a.co.uk", "y.a.co.uk", true),
            ("gitlab.de", "registry.gitlab.de", true),
            ("127.0.0.1:1", "localhost:2", true),
            ("10.0.0.1", "10.0.0.1:5000", true),
            ("10.0.0.1", "11.0.0.1", false),
            ("[2001:db8::1]", "[2001:db8::2]", false),
            ("localhost", "a.test", false),
            ("io", "docker.io", false),
        ] {
            let (a, b) = (url(&format!("https://{a}/")), url(&format!("https://{b}/")));
            assert_eq!(same_site(&a, &b), expected, "{a} {b}");
            assert_eq!(same_site(&b, &a), expected, "{b} {a}");
        }
    }

    #[test]
    fn token_servers_are_secure_or_where_the_registry_is() {
        for (realm, registry, plain_allowed, expected) in [
            ("https://auth.test/", "https://a.test/", false, Ok(())),
            (
                "http://auth.test/",
                "https://a.test/",
                true,
                Err("which is not secure"),
            ),
            (
                "http://a.test/",
                "https://a.test/",
                false,
                Err("which is not secure"),
            ),
            ("http://a.test:5001/", "http://a.test/", true, Ok(())),
            ("http://127.0.0.1:1/", "http://127.0.0.1:2/", false, Ok(())),
            (
                "http://127.0.0.1:1/",
                "https://a.test/",
                false,
                Err("which is this machine"),
            ),
            (
                "https://localhost/",
                "https://a.test/",
                false,
                Err("which is this machine"),
            ),
            (
                "file:///etc/passwd",
                "https://a.test/",
                true,
                Err("which is neither http nor https"),
            ),
        ] {
            let sender = Sender {
                url: &url(registry),
                unproven: false,
                plain_allowed,
                insecure_tls: false,
            };
            assert_eq!(
                may_be_asked(&url(realm), &sender),
                expected,
                "{realm} {registry}"
            );
        }
    }
}
