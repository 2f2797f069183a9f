//! Extended attributes and access control lists as PAX records.

use super::acl::{self, Acl};
use super::pax;
use super::reader::Xattr;
use crate::refusal::Rule;

/// Attribute names in PAX records, as star, GNU tar, bsdtar and Go write them.
pub(super) const XATTR_PREFIX: &[u8] = b"SCHILY.xattr.";

/// Access control lists as text, as star, GNU tar and bsdtar write them.
pub(super) const ACL_PREFIX: &[u8] = b"SCHILY.acl.";
pub(super) const ACL_ACCESS: &[u8] = b"SCHILY.acl.access";
pub(super) const ACL_DEFAULT: &[u8] = b"SCHILY.acl.default";

/// Longest attribute name and value, in bytes. Source: xattr(7).
const XATTR_NAME_MAX: usize = 255;
const XATTR_SIZE_MAX: usize = 65_536;

/// The attribute that a record with [`XATTR_PREFIX`] stands for.
pub(super) fn from_record(key: &[u8], value: &[u8]) -> Result<Xattr, Rule> {
    let encoded = key.strip_prefix(XATTR_PREFIX).unwrap_or(key);
    let name = decode_xattr_name(encoded);
    if name.is_empty() || name.len() > XATTR_NAME_MAX || name.contains(&0) {
        return Err(Rule::BadAttribute(encoded.into()));
    }
    let overlay: [&[u8]; 2] = [b"trusted.overlay.", b"user.overlay."];
    if overlay.iter().any(|reserved| name.starts_with(reserved)) {
        return Err(Rule::ReservedAttribute(name.as_slice().into()));
    }
    if value.len() > XATTR_SIZE_MAX {
        let name = name.as_slice().into();
        return Err(Rule::LargeAttribute(name, XATTR_SIZE_MAX));
    }
    let value = value.to_owned();
    Ok(Xattr { name, value })
}

/// GNU tar writes `%` and `=` in attribute names as `%25` and `%3D`, for `=` ends a PAX keyword; bsdtar
/// writes blanks, control characters and everything beyond ASCII so, too.
fn decode_xattr_name(encoded: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    };
    let mut name = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let Some((first, after)) = rest.split_first() {
        let escaped = match rest {
            [b'%', high, low, ..] => digit(*high).zip(digit(*low)),
            _ => None,
        };
        let (byte, after) = match escaped {
            Some((high, low)) => (high << 4 | low, &after[2..]),
            None => (*first, after),
        };
        name.push(byte);
        rest = after;
    }
    name
}

/// Appends the PAX records for an attribute.
///
/// Access control lists are written as text as well: bsdtar reads nothing else, and GNU tar not unless
/// it was told to restore attributes.
pub(super) fn append_xattr(records: &mut Vec<u8>, xattr: &Xattr) {
    let key: Option<&[u8]> = match xattr.name.as_slice() {
        acl::ACCESS => Some(ACL_ACCESS),
        acl::DEFAULT => Some(ACL_DEFAULT),
        _ => None,
    };
    let list = key.and_then(|key| Some((key, Acl::from_attribute(&xattr.value).ok()?)));
    if let Some((key, list)) = list {
        pax::append(records, key, list.to_text().as_bytes());
    }
    pax::append(records, &xattr_key(&xattr.name), &xattr.value);
}

fn xattr_key(name: &[u8]) -> Vec<u8> {
    let mut key = XATTR_PREFIX.to_vec();
    for byte in name {
        match byte {
            b'%' => key.extend_from_slice(b"%25"),
            b'=' => key.extend_from_slice(b"%3D"),
            byte => key.push(*byte),
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_gnu_tar_bsdtar_and_go_write_them() {
        for (record, name) in [
            ("user.plain", "user.plain"),
            ("user.a%3Db%25c", "user.a=b%c"),
            ("user.on%20a%20link", "user.on a link"),
            ("user.%C3%BC", "user.\u{fc}"),
            ("user.\u{fc}", "user.\u{fc}"),
            ("user.100%", "user.100%"),
            ("user.%2", "user.%2"),
            ("user.%zz%3d", "user.%zz%3d"),
        ] {
            let key = [XATTR_PREFIX, record.as_bytes()].concat();
            let xattr = from_record(&key, b"value").unwrap();
            assert_eq!(xattr.name, name.as_bytes(), "{record}");
            let again = from_record(&xattr_key(&xattr.name), b"value").unwrap();
            assert_eq!(again, xattr);
        }
    }

    #[test]
    fn access_control_lists_are_written_in_both_forms() {
        let list = Acl::from_text(b"user::rwx,user:7:r-x,group::r-x,mask::r-x,other::---").unwrap();
        let xattr = Xattr {
            name: acl::ACCESS.to_vec(),
            value: list.to_attribute(),
        };
        let mut records = Vec::new();
        append_xattr(&mut records, &xattr);
        let keys: Vec<_> = pax::parse(&records)
            .unwrap()
            .iter()
            .map(|r| r.key)
            .collect();
        let attribute: &[u8] = b"SCHILY.xattr.system.posix_acl_access";
        assert_eq!(keys, [ACL_ACCESS, attribute]);
    }
}
