//! Access control lists of POSIX 1003.1e draft 17: as text in PAX records, and as the kernel keeps them.
//!
//! star, GNU tar and bsdtar write text: `user::rwx,user:4242:r-x,group::r-x,mask::rwx,other::r--`, between
//! commas or line feeds, perhaps with the number in a fourth field after a name. The kernel's extended
//! attribute is a version number and eight bytes for each entry. Sources: star(5), "SCHILY.acl.access";
//! acl(5); Linux, include/uapi/linux/posix_acl_xattr.h.

use crate::refusal::Rule;

/// Extended attribute with the list that decides about access.
pub(super) const ACCESS: &[u8] = b"system.posix_acl_access";

/// Extended attribute of a directory with the list that new files in it get.
pub(super) const DEFAULT: &[u8] = b"system.posix_acl_default";

const VERSION: u32 = 2;
const ENTRY_BYTES: usize = 8;

/// What stands for the number of an entry that needs none.
const NO_ID: u32 = u32::MAX;

/// Who an entry is for. The order is the one that the kernel asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tag {
    Owner = 0x01,
    User = 0x02,
    OwningGroup = 0x04,
    Group = 0x08,
    Mask = 0x10,
    Other = 0x20,
}

impl Tag {
    const ALL: [Self; 6] = [
        Self::Owner,
        Self::User,
        Self::OwningGroup,
        Self::Group,
        Self::Mask,
        Self::Other,
    ];

    fn is_named(self) -> bool {
        matches!(self, Self::User | Self::Group)
    }

    fn text(self) -> &'static str {
        match self {
            Self::Owner | Self::User => "user",
            Self::OwningGroup | Self::Group => "group",
            Self::Mask => "mask",
            Self::Other => "other",
        }
    }
}

/// One line of a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    tag: Tag,
    id: u32,
    permissions: u16,
}

/// A list that the kernel accepts: one entry each for owner, owning group and others, a mask if anyone
/// else is named, nobody twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Acl(Vec<Entry>);

impl Acl {
    fn new(mut entries: Vec<Entry>) -> Result<Self, Rule> {
        entries.sort();
        let count = |tag| entries.iter().filter(|entry| entry.tag == tag).count();
        let singles = [Tag::Owner, Tag::OwningGroup, Tag::Other].map(count) == [1, 1, 1];
        let named = entries.iter().any(|entry| entry.tag.is_named());
        let masks = count(Tag::Mask);
        let twice = entries
            .windows(2)
            .any(|pair| (pair[0].tag, pair[0].id) == (pair[1].tag, pair[1].id));
        let good = singles && masks <= 1 && (masks == 1 || !named) && !twice;
        good.then_some(Self(entries)).ok_or(Rule::BadAcl)
    }

    /// Reads the text of a PAX record.
    ///
    /// # Errors
    ///
    /// [`Rule::AclName`] for a user or group without a number: what number the name has in the image is
    /// not known here, and what it has on this machine means nothing.
    pub(super) fn from_text(text: &[u8]) -> Result<Self, Rule> {
        let mut entries = Vec::new();
        for line in text.split(|byte| matches!(byte, b',' | b'\n')) {
            // GNU tar may append what the mask leaves of the permissions.
            let line = line.split(|byte| *byte == b'#').next().unwrap_or_default();
            let line = line.trim_ascii();
            if !line.is_empty() {
                entries.push(parse_line(line)?);
            }
        }
        Self::new(entries)
    }

    /// Reads the value of an extended attribute.
    pub(super) fn from_attribute(value: &[u8]) -> Result<Self, Rule> {
        let entries = value
            .strip_prefix(&VERSION.to_le_bytes())
            .filter(|entries| entries.len() % ENTRY_BYTES == 0)
            .ok_or(Rule::BadAcl)?;
        let read = |bytes: &[u8]| {
            let half = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
            let tag = Tag::ALL.into_iter().find(|tag| *tag as u16 == half(0))?;
            let id = u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
            let id = if tag.is_named() { id } else { NO_ID };
            let good = half(2) <= 7 && (id != NO_ID || !tag.is_named());
            good.then_some(Entry {
                tag,
                id,
                permissions: half(2),
            })
        };
        let entries: Option<Vec<Entry>> = entries.chunks_exact(ENTRY_BYTES).map(read).collect();
        Self::new(entries.ok_or(Rule::BadAcl)?)
    }

    /// Whether the list says no more than the permission bits of the file do.
    pub(super) fn is_minimal(&self) -> bool {
        self.0.len() == 3
    }

    /// The value of the extended attribute.
    pub(super) fn to_attribute(&self) -> Vec<u8> {
        let mut value = VERSION.to_le_bytes().to_vec();
        for entry in &self.0 {
            value.extend_from_slice(&(entry.tag as u16).to_le_bytes());
            value.extend_from_slice(&entry.permissions.to_le_bytes());
            value.extend_from_slice(&entry.id.to_le_bytes());
        }
        value
    }

    /// The text of the PAX record, with numbers for users and groups.
    pub(super) fn to_text(&self) -> String {
        let line = |entry: &Entry| {
            let id = match entry.tag.is_named() {
                true => entry.id.to_string(),
                false => String::new(),
            };
            let bit = |mask, letter| match entry.permissions & mask {
                0 => '-',
                _ => letter,
            };
            let permissions = [bit(4, 'r'), bit(2, 'w'), bit(1, 'x')];
            let permissions: String = permissions.into_iter().collect();
            format!("{}:{id}:{permissions}", entry.tag.text())
        };
        self.0.iter().map(line).collect::<Vec<_>>().join(",")
    }
}

fn parse_line(line: &[u8]) -> Result<Entry, Rule> {
    let mut fields = line.split(|byte| *byte == b':').map(<[u8]>::trim_ascii);
    let tag = fields.next().unwrap_or_default();
    let name = fields.next().ok_or(Rule::BadAcl)?;
    let permissions = permissions(fields.next().ok_or(Rule::BadAcl)?).ok_or(Rule::BadAcl)?;
    let number = fields.next();
    if fields.next().is_some() {
        return Err(Rule::BadAcl);
    }
    let tag = match (tag, name) {
        (b"user" | b"u", b"") => Tag::Owner,
        (b"user" | b"u", _) => Tag::User,
        (b"group" | b"g", b"") => Tag::OwningGroup,
        (b"group" | b"g", _) => Tag::Group,
        (b"mask" | b"m", b"") => Tag::Mask,
        (b"other" | b"o", b"") => Tag::Other,
        _ => return Err(Rule::BadAcl),
    };
    let id = match (tag.is_named(), number.unwrap_or(name)) {
        (false, _) => NO_ID,
        (true, b"root") => 0,
        (true, id) => match super::pax::decimal(id) {
            Some(id) => u32::try_from(id)
                .ok()
                .filter(|id| *id != NO_ID)
                .ok_or(Rule::BadAcl)?,
            None if number.is_some() => return Err(Rule::BadAcl),
            None => return Err(Rule::AclName(name.into())),
        },
    };
    Ok(Entry {
        tag,
        id,
        permissions,
    })
}

fn permissions(text: &[u8]) -> Option<u16> {
    text.iter().try_fold(0, |all, byte| {
        let bit = match byte {
            b'r' => 4,
            b'w' => 2,
            b'x' => 1,
            b'-' => 0,
            _ => return None,
        };
        Some(all | bit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_texts_of_other_programs_are_read() {
        let list =
            "user::rw-,user:1:rwx,user:4242:r-x,group::r--,group:12345:r--,mask::rwx,other::r--";
        let cases = [
            list,
            // As GNU tar writes it.
            "user::rw-\nuser:1:rwx\t#effective:r--\nuser:4242:r-x\ngroup::r--\ngroup:12345:r--\nmask::rwx\nother::r--\n",
            // As bsdtar writes it.
            "user::rw-,group::r--,other::r--,user:daemon:rwx:1,user:4242:r-x,group:12345:r--,mask::rwx",
            // As star may write it.
            "u::rw,user:daemon:rwx:1,u:4242:rx,g::r,g:some:r:12345,m::rwx,o::r",
        ];
        for text in cases {
            let acl = Acl::from_text(text.as_bytes()).unwrap();
            assert_eq!(acl.to_text(), list, "{text}");
            assert!(!acl.is_minimal());
        }
        let root = Acl::from_text(b"user::r--,user:root:rwx,group::r--,mask::r--,other::---");
        assert!(root.unwrap().to_text().contains("user:0:rwx"));
        assert!(
            Acl::from_text(b"user::rwx,group::r-x,other::r-x")
                .unwrap()
                .is_minimal()
        );
    }

    #[test]
    fn lists_that_the_kernel_would_refuse_are_refused() {
        for bad in [
            "",
            "user::rwx",
            "user::rwx,group::r-x",
            "user::rwx,user:1:r--,group::r-x,other::r-x",
            "user::rwx,user:1:r--,user:1:rw-,group::r-x,mask::rwx,other::r-x",
            "user::rwx,user::r--,group::r-x,other::r-x",
            "user::rwz,group::r-x,other::r-x",
            "user::rwx,group::r-x,other:1:r-x",
            "user::rwx,group::r-x,other",
            "user::rwx,group::r-x,mask::r-x,mask::r-x,other::r-x",
            "user::rwx,user:4294967295:r--,group::r-x,mask::rwx,other::r-x",
            "user::rwx,user:99999999999:r--,group::r-x,mask::rwx,other::r-x",
            "user::rwx,user:a:r--:b,group::r-x,mask::rwx,other::r-x",
            "user::rwx,user:a:r--:1:2,group::r-x,mask::rwx,other::r-x",
            "someone::rwx,user::rwx,group::r-x,other::r-x",
        ] {
            assert_eq!(Acl::from_text(bad.as_bytes()), Err(Rule::BadAcl), "{bad}");
        }
        let named = Acl::from_text(b"user::rwx,user:lisa:r--,group::r-x,mask::rwx,other::r-x");
        assert_eq!(named, Err(Rule::AclName(b"lisa".as_slice().into())));
        for bad in [
            &b""[..],
            b"\x02\0\0\0",
            b"\x01\0\0\0",
            b"\x02\0\0\0\x01\0\x07\0\xff\xff\xff",
        ] {
            assert_eq!(Acl::from_attribute(bad), Err(Rule::BadAcl), "{bad:?}");
        }
    }

    prop_compose! {
        fn lists()(
            users in prop::collection::btree_map(0..u32::MAX, 0_u16..8, 0..4),
            groups in prop::collection::btree_map(0..u32::MAX, 0_u16..8, 0..4),
            others in prop::collection::vec(0_u16..8, 4),
        ) -> Acl {
            let named = |tag, map: &std::collections::BTreeMap<u32, u16>| -> Vec<Entry> {
                map.iter().map(|(id, permissions)| Entry { tag, id: *id, permissions: *permissions }).collect()
            };
            let single = |tag, permissions| Entry { tag, id: NO_ID, permissions };
            let mut entries = named(Tag::User, &users);
            entries.extend(named(Tag::Group, &groups));
            if !entries.is_empty() {
                entries.push(single(Tag::Mask, others[3]));
            }
            for (tag, permissions) in [Tag::Owner, Tag::OwningGroup, Tag::Other].into_iter().zip(others) {
                entries.push(single(tag, permissions));
            }
            Acl::new(entries).unwrap()
        }
    }

    proptest! {
        #[test]
        fn every_list_survives_both_forms(acl in lists()) {
            prop_assert_eq!(Acl::from_text(acl.to_text().as_bytes()).unwrap(), acl.clone());
            prop_assert_eq!(Acl::from_attribute(&acl.to_attribute()).unwrap(), acl);
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = Acl::from_text(&bytes);
            let _ = Acl::from_attribute(&bytes);
        }
    }
}
