//! Extended attributes that name users, for files that a user namespace is to own.

use gantry_types::UserRange;

/// Revision and length of file capabilities without and with a user namespace.
///
/// Source: linux/capability.h, `struct vfs_cap_data` and `struct vfs_ns_cap_data`.
const CAPS_2: (u32, usize) = (0x0200_0000, 20);
const CAPS_3: (u32, usize) = (0x0300_0000, 24);
const REVISION_MASK: u32 = 0xff00_0000;

/// Version of an access control list as an attribute. Source: `linux/posix_acl_xattr.h`.
const ACL_VERSION: u32 = 2;
/// Tags of entries that name a user or group.
const ACL_USER: u16 = 0x02;
const ACL_GROUP: u16 = 0x08;

/// The value that the attribute `name` has for the owners of `range`.
///
/// File capabilities become those of the range's root: without it they would mean nothing in the
/// namespace. The users and groups of access control lists are shifted; one that the range does not
/// have stays as it is, and so is nobody there.
pub(crate) fn attribute(name: &[u8], value: &[u8], range: UserRange) -> Vec<u8> {
    match name {
        b"security.capability" => capabilities(value, range),
        b"system.posix_acl_access" | b"system.posix_acl_default" => access_list(value, range),
        _ => value.to_vec(),
    }
}

fn capabilities(value: &[u8], range: UserRange) -> Vec<u8> {
    let Some(head) = number(value, 0) else {
        return value.to_vec();
    };
    let root = match (head & REVISION_MASK, value.len()) {
        CAPS_2 => range.to_host(0),
        CAPS_3 => number(value, CAPS_2.1).and_then(|root| range.to_host(root)),
        _ => None,
    };
    let Some(root) = root else {
        return value.to_vec();
    };
    let head = CAPS_3.0 | (head & !REVISION_MASK);
    let mut shifted = head.to_le_bytes().to_vec();
    shifted.extend_from_slice(&value[4..CAPS_2.1]);
    shifted.extend_from_slice(&root.to_le_bytes());
    shifted
}

fn access_list(value: &[u8], range: UserRange) -> Vec<u8> {
    let mut shifted = value.to_vec();
    if number(value, 0) != Some(ACL_VERSION) {
        return shifted;
    }
    for entry in shifted[4..].chunks_exact_mut(8) {
        let tag = u16::from_le_bytes([entry[0], entry[1]]);
        let host = number(entry, 4).and_then(|id| range.to_host(id));
        if let (ACL_USER | ACL_GROUP, Some(host)) = (tag, host) {
            entry[4..].copy_from_slice(&host.to_le_bytes());
        }
    }
    shifted
}

/// The little-endian number at `offset`.
fn number(bytes: &[u8], offset: usize) -> Option<u32> {
    let bytes = bytes.get(offset..offset + 4)?;
    bytes.try_into().ok().map(u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn range() -> UserRange {
        UserRange::new(0x10000, 0x10000).unwrap()
    }

    #[test]
    fn file_capabilities_become_those_of_the_ranges_root() {
        let mut two = vec![1, 0, 0, 2];
        two.extend([7; 16]);
        let three = attribute(b"security.capability", &two, range());
        assert_eq!(three.len(), 24);
        assert_eq!(three[..4], [1, 0, 0, 3]);
        assert_eq!(three[4..20], [7; 16]);
        assert_eq!(three[20..], [0, 0, 1, 0]);
        let mut nested = three.clone();
        nested[20..].copy_from_slice(&5_u32.to_le_bytes());
        assert_eq!(
            attribute(b"security.capability", &nested, range())[20..],
            [5, 0, 1, 0]
        );
        for odd in [&b""[..], b"abc", &two[..19], &[0; 24]] {
            assert_eq!(attribute(b"security.capability", odd, range()), odd);
        }
    }

    #[test]
    fn access_lists_name_the_same_users_of_the_pod() {
        let mut list = vec![2, 0, 0, 0];
        for (tag, id) in [
            (1_u16, u32::MAX),
            (2, 33),
            (8, 44),
            (16, u32::MAX),
            (2, 70_000),
        ] {
            list.extend(tag.to_le_bytes());
            list.extend([6, 0]);
            list.extend(id.to_le_bytes());
        }
        let shifted = attribute(b"system.posix_acl_access", &list, range());
        let ids: Vec<u32> = (0..5)
            .map(|n| number(&shifted, 8 + 8 * n).unwrap())
            .collect();
        assert_eq!(
            ids,
            [u32::MAX, 0x10000 + 33, 0x10000 + 44, u32::MAX, 70_000]
        );
        assert_eq!(attribute(b"user.note", &list, range()), list);
    }

    proptest! {
        #[test]
        fn no_value_makes_it_panic(value in proptest::collection::vec(any::<u8>(), 0..64)) {
            attribute(b"security.capability", &value, range());
            attribute(b"system.posix_acl_default", &value, range());
        }
    }
}
