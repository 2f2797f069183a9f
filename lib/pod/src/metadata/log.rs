//! The lines about requests.

use gantry_types::show::harmless;

use super::state::Surface;

/// How much of a token is shown: enough to tell pods apart, too little to be one.
const SHOWN: usize = 8;

/// How much of an address is shown, in characters.
const MAX_URI: usize = 400;

/// `METHOD URI - STATUS`, without the secret part of the token.
pub(super) fn line(surface: Surface, method: &str, uri: &str, status: u16) -> String {
    // A client that takes the service for a proxy names the host too.
    let uri = match uri.split_once("://") {
        Some((_, rest)) if !uri.starts_with('/') => rest.find('/').map_or("/", |at| &rest[at..]),
        _ => uri,
    };
    let uri = match surface {
        Surface::Registration if uri.starts_with("/pods/") => without_token(uri),
        // Whoever asks at the wrong place has a token all the same.
        Surface::Public | Surface::Registration => without_first_component(uri),
    };
    let mut shown: String = uri.chars().take(MAX_URI).collect();
    if shown.len() < uri.len() {
        shown.push('…');
    }
    format!("{} {} - {status}", harmless(method), harmless(&shown))
}

fn without_first_component(uri: &str) -> String {
    let path = uri.trim_start_matches('/');
    if path.len() == uri.len() {
        return uri.to_owned();
    }
    let end = path.find(['/', '?']).unwrap_or(path.len());
    format!("/{}{}", shorten(&path[..end]), &path[end..])
}

fn without_token(uri: &str) -> String {
    let Some((path, query)) = uri.split_once('?') else {
        return uri.to_owned();
    };
    let fields = query.split('&').map(|field| match field.split_once('=') {
        Some((name, value)) => format!("{name}={}", shorten(value)),
        None => field.to_owned(),
    });
    format!("{path}?{}", fields.collect::<Vec<_>>().join("&"))
}

fn shorten(token: &str) -> String {
    match token.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &token[..end]),
        // All of a token that is none of ours would be too much.
        None => "…".repeat(usize::from(!token.is_empty())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_show_what_was_asked_but_not_the_secret() {
        let token = "0123456789abcdef0123456789abcdef";
        let public = |uri: &str| line(Surface::Public, "GET", uri, 200);
        assert_eq!(
            public(&format!("/{token}/acMetadata/v1/pod/uuid")),
            "GET /01234567…/acMetadata/v1/pod/uuid - 200"
        );
        assert_eq!(public(&format!("/{token}")), "GET /01234567… - 200");
        assert_eq!(public(&format!("/{token}?x")), "GET /01234567…?x - 200");
        assert_eq!(public("/short/x"), "GET /…/x - 200");
        for before in ["http://10.0.0.1:18112", "/", "//"] {
            assert_eq!(
                public(&format!("{before}/{token}/x")),
                "GET /01234567…/x - 200"
            );
        }
        assert_eq!(public("http://host"), "GET / - 200");
        assert_eq!(public("/"), "GET / - 200");
        assert_eq!(public("*"), "GET * - 200");
        let registration = |uri: &str| line(Surface::Registration, "PUT", uri, 400);
        assert_eq!(
            registration(&format!("/pods/U?token={token}")),
            "PUT /pods/U?token=01234567… - 400"
        );
        assert_eq!(registration("/pods/U/app"), "PUT /pods/U/app - 400");
        assert_eq!(
            registration(&format!("http://x/pods/U?token={token}")),
            "PUT /pods/U?token=01234567… - 400"
        );
        assert_eq!(registration("/pods/U?token="), "PUT /pods/U?token= - 400");
        assert_eq!(
            registration("/pods/U?a&token=t"),
            "PUT /pods/U?a&token=… - 400"
        );
        let long = public(&format!("/{token}/{}", "ä".repeat(9999)));
        assert_eq!(long.chars().count(), "GET  - 200".len() + MAX_URI + 1);
        assert_eq!(
            line(Surface::Public, "G\u{7}", "/a\u{202e}b/", 405),
            "G\\u{7} /…/ - 405"
        );
    }
}
