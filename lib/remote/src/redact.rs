//! URLs as they may be shown: without the secrets that they can carry.

use std::fmt;

use url::Url;

/// A URL for logs and errors: user information and the values of secret-looking query parameters are
/// replaced by `***`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedactedUrl(String);

/// A query parameter whose name holds one of these words may be a credential: bearer tokens, and the
/// signatures of pre-signed storage URLs (`X-Amz-Signature`, `sig`, `Key-Pair-Id`).
const SECRET_WORDS: [&str; 9] = [
    "token",
    "sig",
    "secret",
    "password",
    "passwd",
    "credential",
    "key",
    "auth",
    "code",
];

impl RedactedUrl {
    /// Hides the secrets of `url`.
    pub fn new(url: &Url) -> Self {
        let mut url = url.clone();
        // Both fail only for URLs without a host, which carry no user information.
        if !url.username().is_empty() || url.password().is_some() {
            let _ = url.set_username("***");
            let _ = url.set_password(None);
        }
        if let Some(query) = url.query() {
            let shown = query.split('&').map(shown_pair).collect::<Vec<_>>();
            let shown = shown.join("&");
            url.set_query(Some(&shown));
        }
        Self(url.into())
    }
}

fn shown_pair(pair: &str) -> String {
    let Some((name, _)) = pair.split_once('=') else {
        return pair.to_owned();
    };
    let lower = name.to_ascii_lowercase();
    if SECRET_WORDS.iter().any(|word| lower.contains(word)) {
        format!("{name}=***")
    } else {
        pair.to_owned()
    }
}

impl fmt::Display for RedactedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_and_the_rest_stays() {
        for (url, shown) in [
            (
                "https://example.com/a?ac-discovery=1",
                "https://example.com/a?ac-discovery=1",
            ),
            (
                "https://user:pass@example.com/a",
                "https://***@example.com/a",
            ),
            ("https://token@example.com/a", "https://***@example.com/a"),
            (
                "https://:pass@example.com/a?x",
                "https://***@example.com/a?x",
            ),
            (
                "https://s3.example.com/a?X-Amz-Signature=abc&version=1&access_token=def",
                "https://s3.example.com/a?X-Amz-Signature=***&version=1&access_token=***",
            ),
        ] {
            assert_eq!(RedactedUrl::new(&url.parse().unwrap()).to_string(), shown);
        }
    }
}
