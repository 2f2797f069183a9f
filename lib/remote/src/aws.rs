//! Requests signed for Amazon's S3 and services like it: AWS Signature Version 4.
//!
//! Sources: Amazon S3 API Reference, "Authenticating Requests: Using the Authorization Header"; the
//! guess of the region is rkt 1.30's, rkt/config/auth.go.

use std::time::SystemTime;

use aws_lc_rs::{digest, hmac};
use gantry_types::show::hex;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use url::Url;

use crate::credentials::secret;
use crate::percent;

/// What everything here is signed for.
const SERVICE: &str = "s3";
/// The region of hosts that name none.
const DEFAULT_REGION: &str = "us-east-1";
/// SHA-256 of no bytes: a GET has no body.
const NO_BODY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// An access key.
#[derive(Clone)]
pub(crate) struct AwsKey {
    id: String,
    secret: String,
    region: Option<String>,
}

impl AwsKey {
    pub(crate) fn new(id: &str, secret: &str, region: Option<&str>) -> Self {
        Self {
            id: id.to_owned(),
            secret: secret.to_owned(),
            region: region
                .filter(|region| !region.is_empty())
                .map(str::to_owned),
        }
    }

    /// The headers of a signed GET of `url`.
    ///
    /// Signed are the host and the `x-amz-` headers. Others, such as `Range`, may differ from try to try
    /// and need no signature.
    pub(crate) fn headers(&self, url: &Url, now: SystemTime) -> HeaderMap {
        let host = url.host_str().unwrap_or_default();
        let host = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let time = Time::of(now);
        let signed = [
            ("host", host.as_str()),
            ("x-amz-content-sha256", NO_BODY),
            ("x-amz-date", &time.full),
        ];
        let authorization = self.authorization(url, &signed, &time);
        let fit = |text: &str| HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""));
        HeaderMap::from_iter([
            (AUTHORIZATION, secret(fit(&authorization))),
            (HeaderName::from_static("x-amz-date"), fit(&time.full)),
            (
                HeaderName::from_static("x-amz-content-sha256"),
                fit(NO_BODY),
            ),
        ])
    }

    /// The value of `Authorization`; `signed` are headers in the order of their names.
    fn authorization(&self, url: &Url, signed: &[(&str, &str)], time: &Time) -> String {
        let names: Vec<&str> = signed.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let request = canonical_request(url, signed, &names);
        let guessed = guess_region(url.host_str().unwrap_or_default());
        let region = self.region.as_deref().unwrap_or(&guessed);
        let scope = format!("{}/{region}/{SERVICE}/aws4_request", time.day);
        let to_sign = format!(
            "AWS4-HMAC-SHA256\n{}\n{scope}\n{}",
            time.full,
            hex(digest::digest(&digest::SHA256, request.as_bytes()).as_ref())
        );
        let key = signing_key(&self.secret, &time.day, region, SERVICE);
        let signature = hex(hmac::sign(&key, to_sign.as_bytes()).as_ref());
        format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope},SignedHeaders={names},Signature={signature}",
            self.id
        )
    }
}

/// The time of a request in the two forms that signatures hold.
struct Time {
    /// `20130524`
    day: String,
    /// `20130524T000000Z`
    full: String,
}

impl Time {
    fn of(now: SystemTime) -> Self {
        let stamp = jiff::Timestamp::try_from(now).unwrap_or_default();
        Self {
            day: stamp.strftime("%Y%m%d").to_string(),
            full: stamp.strftime("%Y%m%dT%H%M%SZ").to_string(),
        }
    }
}

fn canonical_request(url: &Url, signed: &[(&str, &str)], names: &str) -> String {
    let path = url.path().split('/').map(canonical).collect::<Vec<_>>();
    let headers: String = signed
        .iter()
        .map(|(name, value)| format!("{name}:{}\n", value.trim()))
        .collect();
    format!(
        "GET\n{}\n{}\n{headers}\n{names}\n{NO_BODY}",
        path.join("/"),
        canonical_query(url.query().unwrap_or_default())
    )
}

/// A part of a URL with the one set of escapes that both sides compute.
fn canonical(text: &str) -> String {
    percent::encode(&percent::decode(text.as_bytes()))
}

/// The parameters in the order of their names; a plus sign stands for a blank there, as in forms.
fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let text = |text: &str| canonical(&text.replace('+', " "));
            (text(name), text(value))
        })
        .collect();
    pairs.sort();
    let pairs = pairs.iter().map(|(name, value)| format!("{name}={value}"));
    pairs.collect::<Vec<_>>().join("&")
}

fn signing_key(secret: &str, day: &str, region: &str, service: &str) -> hmac::Key {
    let key = |bytes: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, bytes);
    let parts = [day, region, service, "aws4_request"];
    parts
        .iter()
        .fold(key(format!("AWS4{secret}").as_bytes()), |last, part| {
            key(hmac::sign(&last, part.as_bytes()).as_ref())
        })
}

/// The region that a host's name tells: `s3-REGION.amazonaws.com`, `BUCKET.s3.REGION.amazonaws.com`.
fn guess_region(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    let parts: Vec<&str> = host.split('.').collect();
    let from_end = |n: usize| parts.len().checked_sub(n).map(|at| parts[at]);
    let amazon = parts.len() >= 3 && from_end(2) == Some("amazonaws");
    let first = ["s3.amazonaws.com", "s3-external-1.amazonaws.com"];
    if !amazon || first.iter().any(|end| host.ends_with(end)) {
        return DEFAULT_REGION.to_owned();
    }
    match (parts.len(), from_end(3), from_end(4)) {
        (4.., Some(named), _) if named.starts_with("s3-") => named["s3-".len()..].to_owned(),
        (5.., Some(region), Some("s3")) => region.to_owned(),
        _ => DEFAULT_REGION.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// The key and the time (24 May 2013) of the examples in Amazon's documentation.
    fn example() -> (AwsKey, SystemTime) {
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        let key = AwsKey::new("AKIAIOSFODNN7EXAMPLE", secret, Some("us-east-1"));
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_369_353_600);
        (key, time)
    }

    #[test]
    fn the_published_examples_are_signed_alike() {
        // Source: Amazon S3 API Reference, "Signature Calculations for the Authorization Header:
        // Transferring Payload in a Single Chunk", the three examples of GET.
        let (key, now) = example();
        let time = Time::of(now);
        assert_eq!(
            (time.day.as_str(), time.full.as_str()),
            ("20130524", "20130524T000000Z")
        );
        let host = ("host", "examplebucket.s3.amazonaws.com");
        let rest = [
            ("x-amz-content-sha256", NO_BODY),
            ("x-amz-date", "20130524T000000Z"),
        ];
        let range = ("range", "bytes=0-9");
        for (target, headers, signature) in [
            (
                "test.txt",
                vec![host, range, rest[0], rest[1]],
                "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
            ),
            (
                "?lifecycle",
                vec![host, rest[0], rest[1]],
                "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
            ),
            (
                "?max-keys=2&prefix=J",
                vec![host, rest[0], rest[1]],
                "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
            ),
        ] {
            let url = format!("https://examplebucket.s3.amazonaws.com/{target}");
            let signed = key.authorization(&url.parse().unwrap(), &headers, &time);
            assert!(signed.ends_with(signature), "{target}: {signed}");
            let scope = "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,";
            assert!(signed.contains(scope), "{signed}");
        }
        let url = "https://examplebucket.s3.amazonaws.com/?lifecycle";
        let headers = key.headers(&url.parse().unwrap(), now);
        assert!(
            headers[AUTHORIZATION]
                .to_str()
                .unwrap()
                .ends_with("6783543")
        );
        assert_eq!(headers["x-amz-date"], "20130524T000000Z");
    }

    #[test]
    fn the_published_signing_key_is_derived() {
        // Source: AWS documentation, "Examples of how to derive a signing key for Signature Version 4":
        // the key itself stays in the library, so what it signs is compared with the same key as bytes.
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let published = "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d";
        let bytes: Vec<u8> = (0..published.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&published[at..at + 2], 16).unwrap())
            .collect();
        let derived = signing_key(secret, "20120215", "us-east-1", "iam");
        let same = hmac::Key::new(hmac::HMAC_SHA256, &bytes);
        assert_eq!(
            hmac::sign(&derived, b"x").as_ref(),
            hmac::sign(&same, b"x").as_ref()
        );
    }

    #[test]
    fn paths_and_parameters_have_one_form() {
        let request = |url: &str| canonical_request(&url.parse().unwrap(), &[], "");
        let first = |url: &str| {
            request(url)
                .lines()
                .skip(1)
                .take(2)
                .collect::<Vec<_>>()
                .join(" ")
        };
        for (url, expected) in [
            ("https://a.test", "/ "),
            ("https://a.test/a b/%7Ec+d", "/a%20b/~c%2Bd "),
            ("https://a.test/x?b=2&a=1+1&a=%2f", "/x a=%2F&a=1%201&b=2"),
            ("https://a.test//x?y", "//x y="),
        ] {
            assert_eq!(first(url), expected, "{url}");
        }
    }

    #[test]
    fn the_region_is_guessed_from_amazons_names_only() {
        for (host, region) in [
            ("bucket.s3.amazonaws.com", "us-east-1"),
            ("s3.amazonaws.com", "us-east-1"),
            ("s3-external-1.amazonaws.com", "us-east-1"),
            ("bucket.s3-eu-west-1.amazonaws.com", "eu-west-1"),
            ("S3-eu-west-1.amazonaws.com", "us-east-1"),
            ("bucket.s3.eu-central-1.amazonaws.com", "eu-central-1"),
            ("bucket.s3-eu-west-1.example.com", "us-east-1"),
            ("minio.test", "us-east-1"),
            ("amazonaws.com", "us-east-1"),
            ("", "us-east-1"),
        ] {
            assert_eq!(guess_region(host), region, "{host}");
        }
    }
}
