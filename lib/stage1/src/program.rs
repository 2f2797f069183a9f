//! Where the program of an app may be, and why it cannot be executed.

use std::ffi::{CStr, CString};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, OFlags, accessat, stat};
use rustix::io::Errno;

use crate::inside;

/// Bytes read of a file that cannot be executed: enough for a script's first line and for the
/// program headers of any ordinary linker.
const HEAD_BYTES: usize = 4096;

/// A program could not be executed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExecError {
    /// There is no such file, or none in the search path.
    #[error("cannot execute {name:?}: no such file in the image")]
    Missing { name: String },
    /// The file is there, what it is to be run by is not.
    #[error("cannot execute {name:?}: its interpreter {interpreter:?} is not in the image")]
    Interpreter { name: String, interpreter: String },
    /// The kernel says why.
    #[error("cannot execute {name:?}")]
    Exec { name: String, source: io::Error },
    /// The file lacks the right to be executed.
    #[error("cannot execute {name:?}: no permission; is it a file with its execute bit set?")]
    Permission { name: String },
    /// Neither a program nor a script with an interpreter.
    #[error("cannot execute {name:?}: not a program for this machine, and no script with #!")]
    Format { name: String },
}

impl ExecError {
    pub(crate) fn missing(name: &str) -> Self {
        Self::Missing {
            name: name.to_owned(),
        }
    }
}

/// The paths to try in turn: an absolute name as it is, one with a slash from the working directory,
/// and any other in each directory of the search path.
pub(crate) fn candidates(name: &CStr, directory: &Path, search_path: &str) -> Vec<CString> {
    let text = name.to_string_lossy();
    if text.starts_with('/') {
        return vec![name.to_owned()];
    }
    let paths: Vec<PathBuf> = if text.contains('/') {
        vec![directory.join(&*text)]
    } else if text.is_empty() {
        Vec::new()
    } else if search_path.is_empty() {
        [directory, Path::new("/bin"), Path::new("/usr/bin")]
            .map(|d| d.join(&*text))
            .into()
    } else {
        search_path
            .split(':')
            .map(|part| directory.join(part).join(&*text))
            .collect()
    };
    paths
        .into_iter()
        .filter_map(|p| CString::new(p.into_os_string().into_encoded_bytes()).ok())
        .collect()
}

/// Makes sure that one of the candidates can be executed, as far as can be told without doing so.
pub(crate) fn check(candidates: &[CString], name: &CStr) -> Result<(), ExecError> {
    let mut denied = None;
    for path in candidates {
        let text = path.to_string_lossy();
        match accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS) {
            Err(Errno::NOENT | Errno::NOTDIR) => {}
            Ok(()) => {
                let missing = interpreter(&head(&text)).filter(|interpreter| {
                    // From where the program will run; what is no path of the image fails later.
                    stat(interpreter.as_str()).is_err_and(|error| error == Errno::NOENT)
                });
                return match missing {
                    Some(interpreter) => Err(ExecError::Interpreter {
                        name: text.into_owned(),
                        interpreter,
                    }),
                    None => Ok(()),
                };
            }
            Err(error) => {
                denied.get_or_insert((path, error));
            }
        }
    }
    Err(match denied {
        Some((path, error)) => diagnose(path, error.into()),
        None => ExecError::missing(&name.to_string_lossy()),
    })
}

/// Says what an error of execve(2) means for the file at `path`.
pub(crate) fn diagnose(path: &CStr, error: io::Error) -> ExecError {
    let name = path.to_string_lossy().into_owned();
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::NOENT) => match interpreter(&head(&name)) {
            Some(interpreter) => ExecError::Interpreter { name, interpreter },
            None => ExecError::Missing { name },
        },
        Some(Errno::ACCESS) => ExecError::Permission { name },
        Some(Errno::NOEXEC) => ExecError::Format { name },
        _ => ExecError::Exec {
            name,
            source: error,
        },
    }
}

fn head(path: &str) -> Vec<u8> {
    let mut head = vec![0; HEAD_BYTES];
    let read = inside::open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)
        .and_then(|file| rustix::io::read(&file, &mut head));
    head.truncate(read.unwrap_or(0));
    head
}

/// The interpreter that a script or a dynamically linked 64-bit program names, from its beginning.
#[must_use]
pub fn interpreter(head: &[u8]) -> Option<String> {
    let name = if let Some(script) = head.strip_prefix(b"#!") {
        let line = script.split(|byte| *byte == b'\n').next()?.trim_ascii();
        line.split(|byte| byte.is_ascii_whitespace()).next()?
    } else {
        elf_interpreter(head)?
    };
    (!name.is_empty()).then(|| String::from_utf8_lossy(name).into_owned())
}

/// `PT_INTERP` of a little-endian ELF64 file. Source: elf(5).
fn elf_interpreter(head: &[u8]) -> Option<&[u8]> {
    const CLASS_64_LITTLE: &[u8] = b"\x7fELF\x02\x01";
    const PT_INTERP: u64 = 3;
    let number = |at: usize, bytes: usize| -> Option<u64> {
        let field = head.get(at..at.checked_add(bytes)?)?;
        Some(
            field
                .iter()
                .rev()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
        )
    };
    if !head.starts_with(CLASS_64_LITTLE) {
        return None;
    }
    let table = usize::try_from(number(0x20, 8)?).ok()?;
    let entry_bytes = usize::try_from(number(0x36, 2)?).ok()?;
    let entries = usize::try_from(number(0x38, 2)?).ok()?;
    for index in 0..entries {
        let entry = table.checked_add(index.checked_mul(entry_bytes)?)?;
        if number(entry, 4)? == PT_INTERP {
            let offset = usize::try_from(number(entry.checked_add(0x08)?, 8)?).ok()?;
            let bytes = usize::try_from(number(entry.checked_add(0x20)?, 8)?).ok()?;
            let name = head.get(offset..offset.checked_add(bytes)?)?;
            return name.split(|byte| *byte == 0).next();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(name: &str, search_path: &str) -> Vec<String> {
        let name = CString::new(name).unwrap();
        let paths = candidates(&name, Path::new("/srv"), search_path);
        paths
            .into_iter()
            .map(|path| path.into_string().unwrap())
            .collect()
    }

    #[test]
    fn a_name_is_looked_up_by_its_slashes() {
        assert_eq!(found("/bin/sh", "/x"), ["/bin/sh"]);
        assert_eq!(found("./run", "/x"), ["/srv/./run"]);
        assert_eq!(found("bin/run", "/x"), ["/srv/bin/run"]);
        assert_eq!(found("sh", "/a:/b"), ["/a/sh", "/b/sh"]);
        assert_eq!(found("sh", "rel::/b"), ["/srv/rel/sh", "/srv/sh", "/b/sh"]);
        assert_eq!(found("sh", ""), ["/srv/sh", "/bin/sh", "/usr/bin/sh"]);
        assert!(found("", "/a").is_empty());
    }

    #[test]
    fn interpreters_are_read_from_the_head() {
        let mut elf = vec![0_u8; 0x78 + 16];
        elf[..6].copy_from_slice(b"\x7fELF\x02\x01");
        elf[0x20] = 0x40; // program headers follow the header
        elf[0x36] = 0x38;
        elf[0x38] = 1;
        elf[0x40] = 3; // PT_INTERP
        elf[0x48] = 0x78;
        elf[0x60] = 8;
        elf[0x78..0x80].copy_from_slice(b"/lib/ld\0");
        for (head, expected) in [
            (&b"#!/bin/sh\n"[..], Some("/bin/sh")),
            (b"#! /usr/bin/env python\nx", Some("/usr/bin/env")),
            (b"#!/no/newline", Some("/no/newline")),
            (b"#!\n", None),
            (b"#!", None),
            (b"", None),
            (b"plain", None),
            (b"\x7fELF\x02\x01", None),
            (&elf, Some("/lib/ld")),
            (&elf[..0x7f], None),
        ] {
            assert_eq!(interpreter(head).as_deref(), expected, "{head:?}");
        }
    }

    proptest! {
        #[test]
        fn no_head_panics(mut head: Vec<u8>, elf: bool) {
            if elf {
                head.splice(..0, *b"\x7fELF\x02\x01");
            }
            let _ = interpreter(&head);
        }
    }
}
