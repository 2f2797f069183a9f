//! Forms and escapes of URLs, as bytes: what is signed must be what was sent, also where it is no text.

/// The media type of forms.
const FORM: &str = "application/x-www-form-urlencoded";

/// The most fields that a form may have.
const MAX_FIELDS: usize = 64;

/// The fields of a form, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Form(Vec<(Vec<u8>, Vec<u8>)>);

impl Form {
    /// Reads `name=value` pairs between ampersands; `None` if an escape is wrong or there are more than 64.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let mut fields = Vec::new();
        for pair in text.split(|byte| *byte == b'&') {
            if pair.is_empty() {
                continue;
            }
            if fields.len() == MAX_FIELDS {
                return None;
            }
            let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
                Some(at) => (&pair[..at], &pair[at + 1..]),
                None => (pair, &[][..]),
            };
            fields.push((unescape(name, true)?, unescape(value, true)?));
        }
        Some(Self(fields))
    }

    /// The first field of this name.
    pub(super) fn get(&self, name: &str) -> Option<&[u8]> {
        let found = self.0.iter().find(|(known, _)| known == name.as_bytes());
        found.map(|(_, value)| value.as_slice())
    }

    /// The field of this name, unless there are several.
    pub(super) fn only(&self, name: &str) -> Option<&[u8]> {
        let mut found = self.0.iter().filter(|(known, _)| known == name.as_bytes());
        let (_, value) = found.next()?;
        found.next().is_none().then_some(value.as_slice())
    }
}

/// Whether a `Content-Type` is that of a form; what follows the type says nothing of interest.
pub(super) fn is_form(content_type: Option<&str>) -> bool {
    let kind = content_type.and_then(|kind| kind.split(';').next());
    kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case(FORM))
}

/// Puts bytes in the place of their escapes, and blanks for `plus` signs; `None` if an escape is wrong.
pub(super) fn unescape(text: &[u8], plus: bool) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' if plus => b' ',
            b'%' => digit(*rest.next()?)? << 4 | digit(*rest.next()?)?,
            byte => *byte,
        });
    }
    Some(bytes)
}

fn digit(byte: u8) -> Option<u8> {
    let value = char::from(byte).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn forms_are_read_byte_by_byte_and_wrong_escapes_are_refused() {
        let form = Form::parse(b"a=1&b=x+y%2Bz&&a=2&c&=d&e=%FF%00=").unwrap();
        assert_eq!(form.get("a"), Some(&b"1"[..]));
        assert_eq!(form.only("a"), None);
        assert_eq!(form.get("b"), Some(&b"x y+z"[..]));
        assert_eq!(form.only("c"), Some(&b""[..]));
        assert_eq!(form.get("e"), Some(&b"\xff\0="[..]));
        assert_eq!(form.get("f"), None);
        assert_eq!(Form::parse(b"").unwrap(), Form::default());
        for bad in ["a=%", "a=%2", "a=%g0", "%zz=1", "a=%+1", "a=%-1"] {
            assert_eq!(Form::parse(bad.as_bytes()), None, "{bad}");
        }
        let many = vec!["a=1"; MAX_FIELDS + 1].join("&");
        assert_eq!(Form::parse(many.as_bytes()), None);
    }

    #[test]
    fn a_form_says_so() {
        for good in [FORM, "Application/X-WWW-Form-Urlencoded; charset=utf-8"] {
            assert!(is_form(Some(good)), "{good}");
        }
        for bad in [
            None,
            Some(""),
            Some("text/plain"),
            Some("multipart/form-data"),
        ] {
            assert!(!is_form(bad), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_escaped_comes_back(value in proptest::collection::vec(any::<u8>(), 0..64)) {
            let escaped: String = value.iter().map(|byte| format!("%{byte:02x}")).collect();
            let form = Form::parse(format!("content={escaped}").as_bytes()).unwrap();
            prop_assert_eq!(form.get("content"), Some(value.as_slice()));
        }

        #[test]
        fn any_bytes_are_read_to_their_end(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
            let _ = Form::parse(&bytes);
            if let Some(text) = unescape(&bytes, false) {
                prop_assert!(text.len() <= bytes.len());
            }
        }
    }
}
