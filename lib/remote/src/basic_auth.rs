//! Basic authentication from the user information of a URL (RFC 7617).

use reqwest::header::HeaderValue;
use url::Url;

/// User information of a URL as an `Authorization` header.
pub(crate) fn header(url: &Url) -> HeaderValue {
    let text = |encoded: &str| -> Vec<u8> { percent_decode(encoded.as_bytes()) };
    let mut pair = text(url.username());
    pair.push(b':');
    pair.extend(text(url.password().unwrap_or_default()));
    let value = format!("Basic {}", base64(&pair));
    let mut value = HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

fn percent_decode(text: &[u8]) -> Vec<u8> {
    let digit = |at: usize| char::from(*text.get(at)?).to_digit(16);
    let mut bytes = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
                at += 3;
            }
            _ => {
                bytes.push(byte);
                at += 1;
            }
        }
    }
    bytes
}

/// Base 64 of RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| usize::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            if place <= group.len() {
                text.push(char::from(DIGITS[bits >> (18 - 6 * place) & 63]));
            } else {
                text.push('=');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_information_becomes_a_header() {
        for (url, value) in [
            // The example of RFC 7617, 2.
            (
                "https://Aladdin:open%20sesame@a.test/",
                "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
            ),
            ("https://user@a.test/", "Basic dXNlcjo="),
            ("https://a:%C3%A9@a.test/", "Basic YTrDqQ=="),
        ] {
            let header = header(&url.parse().unwrap());
            assert_eq!(header.to_str().unwrap(), value);
            assert!(header.is_sensitive());
        }
    }
}
