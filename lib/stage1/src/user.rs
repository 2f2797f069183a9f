//! Users and groups of an image, as numbers.
//!
//! The order is rkt's: a number or `root`, then the owner of a file in the image, then a name in the
//! image's own `/etc/passwd` or `/etc/group`. A text of digits is always a number: were it looked up
//! as a name, a line `1000:x:0:0` of an image would make `1000` mean root.

use std::io;

use rustix::fs::{AtFlags, OFlags, Stat};
use rustix::io::Errno;

use crate::inside;
use crate::plan::AppPlan;

/// Largest `/etc/passwd` or `/etc/group` of an image that is read, in bytes.
pub(crate) const MAX_DATABASE_BYTES: u64 = 4 * 1024 * 1024;

/// Which number of an account is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The user ID: owner of a file, or a line of `/etc/passwd`.
    User,
    /// The group ID: group of a file, or a line of `/etc/group`.
    Group,
}

impl Kind {
    fn database(self) -> &'static str {
        match self {
            Self::User => "/etc/passwd",
            Self::Group => "/etc/group",
        }
    }
}

/// A user or group of an app could not be told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookupError {
    /// The text has only digits, and too many.
    #[error("{0:?} is out of range for a user or group number")]
    Overflow(String),
    /// The file whose owner was asked for cannot be examined.
    #[error("cannot tell the owner of {path} in the image")]
    Owner { path: String, source: io::Error },
    /// The database of the image cannot be read.
    #[error("cannot read {path} of the image")]
    Read {
        path: &'static str,
        source: io::Error,
    },
    /// The database is not a regular file, or too large.
    #[error("{path} of the image is not a regular file of at most {MAX_DATABASE_BYTES} bytes")]
    Unfit { path: &'static str },
    /// The name is not in the database.
    #[error("no {name:?} in {path} of the image")]
    Unknown { name: String, path: &'static str },
}

/// Finds the number for `text`, with the image's root as the process's root.
pub(crate) fn resolve(text: &str, kind: Kind) -> Result<u32, LookupError> {
    if text == "root" {
        return Ok(0);
    }
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return number(text).ok_or_else(|| LookupError::Overflow(text.to_owned()));
    }
    if text.starts_with('/') {
        let stat = owner(text).map_err(|source| LookupError::Owner {
            path: text.to_owned(),
            source: source.into(),
        })?;
        return Ok(match kind {
            Kind::User => stat.st_uid,
            Kind::Group => stat.st_gid,
        });
    }
    let path = kind.database();
    let unknown = || LookupError::Unknown {
        name: text.to_owned(),
        path,
    };
    let database = match read_database(path) {
        Err(LookupError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            return Err(unknown());
        }
        other => other?,
    };
    find(&database, text).ok_or_else(unknown)
}

/// The user and group of an app, with the image's root as the process's root.
pub(crate) fn of_app(plan: &AppPlan) -> Result<(u32, u32), LookupError> {
    let uid = resolve(&plan.user, Kind::User)?;
    let gid = match resolve(&plan.group, Kind::Group) {
        Err(LookupError::Unknown { .. }) if plan.group_is_users => uid,
        gid => gid?,
    };
    Ok((uid, gid))
}

/// A number that setresuid(2) takes: the largest of 32 bits means "unchanged" there.
fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number| *number != u32::MAX)
}

fn owner(path: &str) -> Result<Stat, Errno> {
    let file = inside::open(path, OFlags::PATH)?;
    rustix::fs::statat(&file, "", AtFlags::EMPTY_PATH)
}

fn read_database(path: &'static str) -> Result<Vec<u8>, LookupError> {
    match inside::read_small(path, MAX_DATABASE_BYTES) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(LookupError::Unfit { path }),
        Err(source) => Err(LookupError::Read {
            path,
            source: source.into(),
        }),
    }
}

/// The third field of the first line whose first field is `name`: the number in both databases.
///
/// Lines that do not parse are passed over, as getpwnam(3) does.
#[must_use]
pub fn find(database: &[u8], name: &str) -> Option<u32> {
    database.split(|byte| *byte == b'\n').find_map(|line| {
        let mut fields = line.split(|byte| *byte == b':');
        if fields.next()? != name.as_bytes() {
            return None;
        }
        let text = std::str::from_utf8(fields.nth(1)?).ok()?;
        text.bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| number(text))
            .flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PASSWD: &[u8] = b"root:x:0:0:root:/root:/bin/sh\n\
        # a comment\n\
        short:x\n\
        signed:x:+5:5::/:\n\
        big:x:4294967296:0::/:\n\
        unchanged:x:4294967295:0::/:\n\
        twice:x:7:7::/:\n\
        twice:x:8:8::/:\n\
        no-newline:x:99:99::/:/bin/false";

    #[test]
    fn names_are_found_by_whole_fields() {
        let cases = [
            ("root", Some(0)),
            ("twice", Some(7)),
            ("no-newline", Some(99)),
            ("roo", None),
            ("root:x", None),
            ("short", None),
            ("signed", None),
            ("big", None),
            ("unchanged", None),
            ("", None),
        ];
        for (name, expected) in cases {
            assert_eq!(find(PASSWD, name), expected, "{name}");
        }
    }

    #[test]
    fn digits_are_a_number_and_overflow_is_an_error() {
        assert_eq!(resolve("1000", Kind::User).unwrap(), 1000);
        assert_eq!(resolve("0", Kind::Group).unwrap(), 0);
        for text in ["4294967295", "4294967296", "99999999999999999999"] {
            assert!(
                matches!(resolve(text, Kind::User), Err(LookupError::Overflow(_))),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_written_line_is_found_among_others(
            name in "[a-z][a-z0-9_-]{0,12}",
            id in 0_u32..u32::MAX,
            before in "[ -~\n]{0,80}",
        ) {
            let database = format!("{before}\n{name}:x:{id}:\n");
            let first = find(before.as_bytes(), &name);
            prop_assert_eq!(find(database.as_bytes(), &name), first.or(Some(id)));
        }

        #[test]
        fn no_bytes_panic(database: Vec<u8>, name: String) {
            let _ = find(&database, &name);
        }
    }
}
