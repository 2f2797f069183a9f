//! What extension headers have said about the entry to come.

use std::collections::BTreeMap;

use super::acl::{self, Acl};
use super::header::{EntryKind, Header, Timestamp};
use super::pax;
use super::reader::{Entry, Xattr};
use super::sparse::{self, Extent};
use super::xattr::{self, ACL_ACCESS, ACL_DEFAULT, ACL_PREFIX, XATTR_PREFIX};
use crate::limits::Limits;
use crate::refusal::Rule;

/// Values from extension headers, which come before those of the header block.
#[derive(Debug, Default)]
pub(super) struct Pending {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    uid: Option<u32>,
    gid: Option<u32>,
    mtime: Option<Timestamp>,
    /// By name: a header may hold tens of thousands, and repeat them.
    xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Access control lists as text. Attributes, which hold numbers instead of names, come before them.
    acl_access: Option<Vec<u8>>,
    acl_default: Option<Vec<u8>>,
    sparse: Option<Box<PaxSparse>>,
    seen_pax: bool,
    seen_long: bool,
}

/// The records of GNU tar's PAX sparse formats 0.0, 0.1 and 1.0.
#[derive(Debug, Default)]
struct PaxSparse {
    version: (u64, u64),
    name: Option<Vec<u8>>,
    size: Option<u64>,
    list: Option<Vec<u8>>,
    extents: Vec<Extent>,
    offset: Option<u64>,
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        !self.seen_pax && !self.seen_long
    }

    pub(super) fn apply_long_name(&mut self, data: &[u8]) -> Result<(), Rule> {
        self.seen_long = true;
        match self.path.replace(zero_terminated(data)) {
            Some(_) => Err(Rule::AmbiguousExtension("name")),
            None => Ok(()),
        }
    }

    pub(super) fn apply_long_link(&mut self, data: &[u8]) -> Result<(), Rule> {
        self.seen_long = true;
        match self.link.replace(zero_terminated(data)) {
            Some(_) => Err(Rule::AmbiguousExtension("link target")),
            None => Ok(()),
        }
    }

    pub(super) fn apply_pax(&mut self, data: &[u8], max_extents: usize) -> Result<(), Rule> {
        // Go merges two PAX headers before one entry, others take the last: such an archive means
        // different things to different readers.
        if std::mem::replace(&mut self.seen_pax, true) {
            return Err(Rule::AmbiguousExtension("PAX records"));
        }
        let (long_name, long_link) = (self.path.take(), self.link.take());
        for record in pax::parse(data).ok_or(Rule::BadExtension)? {
            self.apply_record(record.key, record.value, max_extents)?;
        }
        merge(&mut self.path, long_name, "name")?;
        merge(&mut self.link, long_link, "link target")
    }

    /// Takes times and owners from a global header, ignores comments, and refuses the rest.
    pub(super) fn apply_global_pax(&mut self, data: &[u8]) -> Result<(), Rule> {
        for record in pax::parse(data).ok_or(Rule::BadExtension)? {
            match record.key {
                b"uid" | b"gid" | b"mtime" => self.apply_record(record.key, record.value, 0)?,
                b"path" | b"linkpath" | b"size" => {
                    return Err(Rule::GlobalExtension(record.key.into()));
                }
                key if [b"GNU.sparse.", XATTR_PREFIX, ACL_PREFIX]
                    .iter()
                    .any(|prefix| key.starts_with(prefix)) =>
                {
                    return Err(Rule::GlobalExtension(key.into()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn apply_record(&mut self, key: &[u8], value: &[u8], max_extents: usize) -> Result<(), Rule> {
        let number = |field| match value {
            b"" => Ok(None),
            value => pax::decimal(value).map(Some).ok_or(Rule::BadNumber(field)),
        };
        let text = || (!value.is_empty()).then(|| value.to_owned());
        match key {
            b"path" => self.path = text(),
            b"linkpath" => self.link = text(),
            b"size" => self.size = number("size")?,
            b"uid" => self.uid = number("user")?.map(|n| owner(n, "user")).transpose()?,
            b"gid" => self.gid = number("group")?.map(|n| owner(n, "group")).transpose()?,
            b"mtime" if value.is_empty() => self.mtime = None,
            b"mtime" => {
                let time = Timestamp::from_decimal(value).ok_or(Rule::BadNumber("time"))?;
                self.mtime = Some(time);
            }
            key if key.starts_with(XATTR_PREFIX) => {
                let Xattr { name, value } = xattr::from_record(key, value)?;
                self.xattrs.insert(name, value);
            }
            key if key.starts_with(b"GNU.sparse.") => {
                let sparse = self.sparse.get_or_insert_default();
                sparse.apply(&key[b"GNU.sparse.".len()..], value, max_extents)?;
            }
            ACL_ACCESS => self.acl_access = text(),
            ACL_DEFAULT => self.acl_default = text(),
            // Access times, charsets, lists of other systems (SCHILY.acl.ace) and the records of vendors.
            _ => {}
        }
        Ok(())
    }

    pub(super) fn name(&self, header: &Header<'_>) -> Vec<u8> {
        let sparse_name = self.sparse.as_ref().and_then(|sparse| sparse.name.clone());
        sparse_name
            .or_else(|| self.path.clone())
            .unwrap_or_else(|| header.path())
    }

    /// Bytes of data that follow the header.
    pub(super) fn stored_size(&self, header: &Header<'_>) -> Result<u64, Rule> {
        let from_header = || u64::try_from(header.size()?).ok();
        let size = self
            .size
            .or_else(from_header)
            .ok_or(Rule::BadNumber("size"))?;
        // Sizes near 2^64 must not overflow once the padding is added.
        if size > i64::MAX.cast_unsigned() {
            Err(Rule::BadNumber("size"))
        } else {
            Ok(size)
        }
    }

    /// Puts the entry together, apart from its sparse map.
    pub(super) fn entry(
        &self,
        header: &Header<'_>,
        global: &Self,
        stored: u64,
        limits: &Limits,
    ) -> Result<Entry, Rule> {
        let path = self.name(header);
        if path.is_empty() {
            return Err(Rule::EmptyName);
        }
        if path.contains(&0) {
            return Err(Rule::ZeroInName);
        }
        if path.len() > limits.max_path {
            return Err(Rule::LongName(limits.max_path));
        }
        let kind = self.kind(header, &path, limits)?;
        let sparse = self.sparse.is_some() || header.type_flag() == b'S';
        match kind {
            EntryKind::File | EntryKind::HardLink(_) => {}
            _ if stored != 0 => return Err(Rule::UnexpectedSize),
            _ => {}
        }
        if sparse && kind != EntryKind::File {
            return Err(Rule::BadSparseMap);
        }
        let mode = header.mode().ok_or(Rule::BadNumber("mode"))?;
        let uid = match self.uid.or(global.uid) {
            Some(uid) => uid,
            None => header_owner(header.uid(), "user")?,
        };
        let gid = match self.gid.or(global.gid) {
            Some(gid) => gid,
            None => header_owner(header.gid(), "group")?,
        };
        let mtime = match self.mtime.or(global.mtime) {
            Some(mtime) => mtime,
            None => Timestamp {
                seconds: header.mtime().ok_or(Rule::BadNumber("time"))?,
                nanoseconds: 0,
            },
        };
        Ok(Entry {
            path,
            // Old tars keep the file type in the bits above.
            mode: u32::try_from(mode & 0o7777).map_err(|_| Rule::BadNumber("mode"))?,
            uid,
            gid,
            mtime,
            size: if kind == EntryKind::File { stored } else { 0 },
            kind,
            xattrs: self.xattrs()?,
            sparse: None,
        })
    }

    fn kind(&self, header: &Header<'_>, path: &[u8], limits: &Limits) -> Result<EntryKind, Rule> {
        let link = || {
            let link = self.link.clone().unwrap_or_else(|| header.link());
            let good = !link.is_empty() && link.len() <= limits.max_path && !link.contains(&0);
            good.then_some(link).ok_or(Rule::BadLinkTarget)
        };
        let device = || {
            let (major, minor) = header.device().ok_or(Rule::BadNumber("device number"))?;
            // Twelve and twenty bits are what the kernel's inodes hold. Source: makedev(3).
            let in_range = (0..1 << 12).contains(&major) && (0..1 << 20).contains(&minor);
            let numbers = u32::try_from(major).ok().zip(u32::try_from(minor).ok());
            numbers.filter(|_| in_range).ok_or(Rule::DeviceOutOfRange)
        };
        Ok(match header.type_flag() {
            // Before POSIX a directory was a file with a slash at the end.
            0 | b'0' if path.ends_with(b"/") => EntryKind::Directory,
            0 | b'0' | b'7' | b'S' => EntryKind::File,
            b'1' => EntryKind::HardLink(link()?),
            b'2' => EntryKind::Symlink(link()?),
            b'3' => device().map(|(major, minor)| EntryKind::CharDevice { major, minor })?,
            b'4' => device().map(|(major, minor)| EntryKind::BlockDevice { major, minor })?,
            b'5' => EntryKind::Directory,
            b'6' => EntryKind::Fifo,
            other => return Err(Rule::UnknownType(other)),
        })
    }

    /// The attributes in order, access control lists among them in the kernel's form.
    fn xattrs(&self) -> Result<Vec<Xattr>, Rule> {
        let mut xattrs = self.xattrs.clone();
        for (name, text) in [
            (acl::ACCESS, &self.acl_access),
            (acl::DEFAULT, &self.acl_default),
        ] {
            if let Some(value) = xattrs.get_mut(name) {
                *value = Acl::from_attribute(value)?.to_attribute();
            } else if let Some(text) = text {
                let list = Acl::from_text(text)?;
                // GNU tar writes a list for every file, whether it says more than the mode or not.
                if name == acl::DEFAULT || !list.is_minimal() {
                    xattrs.insert(name.to_owned(), list.to_attribute());
                }
            }
        }
        let xattr = |(name, value)| Xattr { name, value };
        Ok(xattrs.into_iter().map(xattr).collect())
    }

    pub(super) fn sparse_map_is_in_data(&self) -> bool {
        self.sparse
            .as_ref()
            .is_some_and(|sparse| sparse.version == (1, 0))
    }

    /// The map of formats 0.0 and 0.1.
    pub(super) fn sparse_map(&self, max_extents: usize) -> Result<Option<Vec<Extent>>, Rule> {
        let Some(sparse) = &self.sparse else {
            return Ok(None);
        };
        if sparse.version != (0, 0) && sparse.version != (0, 1) || sparse.offset.is_some() {
            return Err(Rule::BadSparseMap);
        }
        match &sparse.list {
            Some(list) => sparse::parse_list(list, max_extents).map(Some),
            None => Ok(Some(sparse.extents.clone())),
        }
    }

    pub(super) fn sparse_size(&self) -> Option<u64> {
        self.sparse.as_ref().and_then(|sparse| sparse.size)
    }
}

impl PaxSparse {
    fn apply(&mut self, key: &[u8], value: &[u8], max_extents: usize) -> Result<(), Rule> {
        let number = || pax::decimal(value).ok_or(Rule::BadSparseMap);
        match key {
            b"major" => self.version.0 = number()?,
            b"minor" => self.version.1 = number()?,
            b"name" => self.name = Some(value.to_owned()),
            b"size" | b"realsize" => self.size = Some(number()?),
            b"map" => self.list = Some(value.to_owned()),
            b"offset" if self.offset.is_none() => self.offset = Some(number()?),
            b"numbytes" => {
                let offset = self.offset.take().ok_or(Rule::BadSparseMap)?;
                if self.extents.len() == max_extents {
                    return Err(Rule::LargeSparseMap(max_extents));
                }
                self.extents.push(Extent {
                    offset,
                    length: number()?,
                });
            }
            // Only says how many records of the kind above there are.
            b"numblocks" => {}
            _ => return Err(Rule::BadSparseMap),
        }
        Ok(())
    }
}

fn merge(
    field: &mut Option<Vec<u8>>,
    earlier: Option<Vec<u8>>,
    name: &'static str,
) -> Result<(), Rule> {
    match (field.is_some(), earlier) {
        (true, Some(_)) => Err(Rule::AmbiguousExtension(name)),
        (false, earlier @ Some(_)) => {
            *field = earlier;
            Ok(())
        }
        (_, None) => Ok(()),
    }
}

fn owner(number: u64, field: &'static str) -> Result<u32, Rule> {
    // The highest number means "unchanged" in chown(2).
    u32::try_from(number)
        .ok()
        .filter(|id| *id != u32::MAX)
        .ok_or(Rule::OwnerOutOfRange(field))
}

fn header_owner(number: Option<i64>, field: &'static str) -> Result<u32, Rule> {
    let number = number.ok_or(Rule::BadNumber(field))?;
    owner(
        u64::try_from(number).map_err(|_| Rule::OwnerOutOfRange(field))?,
        field,
    )
}

fn zero_terminated(data: &[u8]) -> Vec<u8> {
    let end = data
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(data.len());
    data[..end].to_owned()
}
