//! Programs run from a sealed copy, so that nobody who reaches the running program can change it.
//!
//! A container that gets hold of the program of its runtime, through `/proc/PID/exe`, could write to
//! the host's file (CVE-2019-5736). What runs in a pod is therefore a copy in memory that the kernel
//! lets nobody write, grow or shrink.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, memfd_create, sendfile};
use rustix::io::Errno;

/// Asks for a memory file that may be executed; before Linux 6.3 every one may be.
const MFD_EXEC: MemfdFlags = MemfdFlags::from_bits_retain(libc::MFD_EXEC);

const SEALS: SealFlags = SealFlags::SEAL
    .union(SealFlags::SHRINK)
    .union(SealFlags::GROW)
    .union(SealFlags::WRITE);

/// Copies `program` from its beginning into a memory file, seals it, and returns it close-on-exec.
///
/// # Errors
///
/// `EACCES` if the system forbids executable memory files (`vm.memfd_noexec=2`), `ENOMEM`, and those
/// of reading `program`. Source: memfd_create(2), fcntl(2).
pub fn sealed_copy(program: &File) -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let copy = match memfd_create(c"stage1", flags | MFD_EXEC) {
        Err(Errno::INVAL) => memfd_create(c"stage1", flags)?,
        other => other?,
    };
    let mut offset = 0;
    while sendfile(&copy, program, Some(&mut offset), COPY_BYTES)? > 0 {}
    fcntl_add_seals(&copy, SEALS)?;
    Ok(copy)
}

/// Bytes asked of one sendfile call; the kernel moves at most 2 GiB at a time.
const COPY_BYTES: usize = 1 << 30;

/// Whether `file` is a memory file that can no longer change.
///
/// # Errors
///
/// Those of fcntl(2), except `EINVAL`, which any other kind of file gives.
pub fn is_sealed(file: &File) -> io::Result<bool> {
    match fcntl_get_seals(file) {
        Ok(seals) => Ok(seals.contains(SEALS)),
        Err(Errno::INVAL) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};

    #[test]
    fn a_copy_holds_the_same_bytes_and_cannot_change() {
        let program = File::open("/proc/self/exe").unwrap();
        assert!(!is_sealed(&program).unwrap());
        let mut copy = File::from(sealed_copy(&program).unwrap());
        assert!(is_sealed(&copy).unwrap());
        assert_eq!(
            copy.metadata().unwrap().len(),
            program.metadata().unwrap().len()
        );
        assert!(copy.write_all(b"x").is_err());
        assert!(copy.set_len(0).is_err());

        let mut head = [0; 4];
        rustix::io::pread(&copy, &mut head, 0).unwrap();
        assert_eq!(&head, b"\x7fELF");
        let mut again = Vec::new();
        File::open("/proc/self/exe")
            .unwrap()
            .read_to_end(&mut again)
            .unwrap();
        assert_eq!(again.len() as u64, copy.metadata().unwrap().len());
    }
}
