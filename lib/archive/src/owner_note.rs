//! Owners of files that nobody can be given: a note in an extended attribute, which is read when an image is made.
//!
//! A user with one ID owns every file that he makes. What a file's owner is in the image stands in the attribute
//! `user.rootlesscontainers` meanwhile, as umoci and others that work without root write it: two numbers, as
//! a Protocol Buffers message of fields 1 and 2. Source: rootless-containers/proto, rootlesscontainers.proto.

use std::ffi::CStr;
use std::os::fd::BorrowedFd;

use gantry_sys::xattr::{self, XattrTarget};

/// Name of the attribute.
pub(crate) const NAME: &CStr = c"user.rootlesscontainers";

/// Whether files beneath `directory` can have such a note: not every file system takes attributes of users.
pub(crate) fn is_kept_in(directory: BorrowedFd<'_>) -> bool {
    let target = XattrTarget::Open(directory);
    xattr::set(target, PROBE, b"").is_ok() && xattr::remove(target, PROBE).is_ok()
}

/// Set and removed again to see whether that can be done.
const PROBE: &CStr = c"user.rootlesscontainers.probe";

/// Keys of the two fields: their number, and that they are varints.
const UID: u8 = 1 << 3;
const GID: u8 = 2 << 3;

/// Stands for "as it is".
const UNCHANGED: u32 = u32::MAX;

/// The value for a user and group.
pub(crate) fn encode(uid: u32, gid: u32) -> Vec<u8> {
    let mut value = Vec::new();
    for (key, id) in [(UID, uid), (GID, gid)] {
        // The format leaves out zeros.
        if id != 0 {
            value.push(key);
            put_varint(id, &mut value);
        }
    }
    value
}

/// What a value says of user and group, `None` for one that stays; nothing for a value that is none.
pub(crate) fn decode(mut value: &[u8]) -> Option<(Option<u32>, Option<u32>)> {
    let (mut uid, mut gid) = (0, 0);
    while let Some((&key, rest)) = value.split_first() {
        let (number, rest) = take_varint(rest)?;
        match key {
            UID => uid = number,
            GID => gid = number,
            _ => return None,
        }
        value = rest;
    }
    let known = |id| (id != UNCHANGED).then_some(id);
    Some((known(uid), known(gid)))
}

fn put_varint(mut number: u32, out: &mut Vec<u8>) {
    while number >= 0x80 {
        // The seven bits fit a byte.
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

fn take_varint(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let mut number = 0_u64;
    for (index, byte) in bytes.iter().enumerate().take(5) {
        number |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((u32::try_from(number).ok()?, &bytes[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn notes_are_those_of_other_tools() {
        for (uid, gid, value) in [
            (0, 0, &[][..]),
            (33, 0, &[0x08, 33]),
            (0, 44, &[0x10, 44]),
            (1000, 1000, &[0x08, 0xe8, 0x07, 0x10, 0xe8, 0x07]),
        ] {
            assert_eq!(encode(uid, gid), value);
            assert_eq!(decode(value), Some((Some(uid), Some(gid))));
        }
        let unchanged = encode(UNCHANGED, 5);
        assert_eq!(decode(&unchanged), Some((None, Some(5))));
    }

    #[test]
    fn what_is_no_note_is_not_taken_for_one() {
        for value in [
            &[0x08][..],
            &[0x18, 1],
            &[0x08, 0x80],
            &[0x08, 0xff, 0xff, 0xff, 0xff, 0x7f],
            &[0x0a, 1, 1],
            b"text",
        ] {
            assert_eq!(decode(value), None, "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn every_owner_comes_back(uid in 0..u32::MAX, gid in 0..u32::MAX) {
            prop_assert_eq!(decode(&encode(uid, gid)), Some((Some(uid), Some(gid))));
        }

        #[test]
        fn any_value_is_read_to_its_end(value in proptest::collection::vec(any::<u8>(), 0..32)) {
            let _ = decode(&value);
        }
    }
}
