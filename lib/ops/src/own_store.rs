//! The image store that is the caller's, in a data directory of its own or one that a group shares.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use gantry_store::{Store, StoreError};

/// The group whose members share root's data directory, if there is one of this name.
const GROUP: &str = "rkt";

/// Where groups are.
const GROUPS: &str = "/etc/group";

/// Most that is read of it, in bytes.
const MAX_GROUPS: u64 = 16 << 20;

/// Opens the store of the caller in `data_dir`.
///
/// Root's is open to the group `rkt`, once there is one: then each member has a store beside root's, and finds there
/// what the others have.
///
/// # Errors
///
/// [`StoreError`]; [`StoreError::NotMember`] for a user without the right to a directory that a group shares.
pub fn open_store(data_dir: &Path) -> Result<Store, StoreError> {
    // Only root gives anything to the group.
    let is_root = rustix::process::geteuid().is_root();
    let group = is_root.then(|| group_id(GROUP)).flatten();
    Store::open_own(data_dir, group).map_err(|error| {
        let denied = matches!(&error, StoreError::Io { source, .. }
            if source.kind() == io::ErrorKind::PermissionDenied);
        match sharing_group(data_dir) {
            Some(gid) if denied && !is_root => StoreError::NotMember {
                path: data_dir.to_owned(),
                group: group_name(gid).unwrap_or_else(|| gid.to_string()),
            },
            _ => error,
        }
    })
}

/// The group that has the data directory, or the store in it, where it is not open to everybody.
fn sharing_group(data_dir: &Path) -> Option<u32> {
    let paths = [data_dir.to_owned(), data_dir.join("store")];
    let shared = paths.iter().find_map(|path| {
        let meta = fs::metadata(path).ok()?;
        let for_group = meta.uid() == 0 && meta.mode() & 0o2077 == 0o2050;
        for_group.then(|| meta.gid())
    });
    shared.filter(|gid| *gid != 0)
}

fn group_id(name: &str) -> Option<u32> {
    groups()?
        .iter()
        .find_map(|(known, gid)| (known == name).then_some(*gid))
}

fn group_name(gid: u32) -> Option<String> {
    let found = groups()?.into_iter().find(|(_, known)| *known == gid);
    found.map(|(name, _)| name)
}

/// Names and numbers of the groups of this machine; those of a directory service are not looked for.
fn groups() -> Option<Vec<(String, u32)>> {
    let file = File::open(GROUPS).ok()?;
    let mut text = Vec::new();
    file.take(MAX_GROUPS).read_to_end(&mut text).ok()?;
    Some(parse(&String::from_utf8_lossy(&text)))
}

/// Source: group(5).
fn parse(text: &str) -> Vec<(String, u32)> {
    let line = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let digits = fields.nth(1)?;
        let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let gid = digits.parse().ok().filter(|_| all_digits)?;
        Some((name.to_owned(), gid))
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_have_a_name_and_a_number() {
        let text = "root:x:0:\nrkt:x:103:ann,bob\n:x:5:\nplus:x:+7:\n# rkt:x:1:\nshort:x\n+\nbig:x:99999999999:\n";
        let expected = [("root", 0), ("rkt", 103), ("# rkt", 1)];
        let expected = expected.map(|(name, gid)| (name.to_owned(), gid));
        assert_eq!(parse(text), expected);
    }
}
