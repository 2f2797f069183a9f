//! Programs run from where nobody who reaches the running program can change it.
//!
//! A container that gets hold of the program of its runtime, through `/proc/PID/exe`, could write to
//! the host's file (CVE-2019-5736). What runs in a pod is therefore behind an overlay without a place
//! for changes, which nobody can make writable and which lies in no mount namespace: what opens the
//! program through the process gets the overlay's file. Where there are no such overlays it is a copy
//! in memory that the kernel lets nobody write, grow or shrink, which takes ten times as long and its
//! size in memory for each pod.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, MemfdFlags, Mode, OFlags, SealFlags, StatxFlags, fcntl_add_seals,
    fcntl_get_seals, fstatfs, memfd_create, openat, sendfile, statx,
};
use rustix::io::Errno;
use rustix::mount::MountAttrFlags;

use crate::overlay::{Listing, Overlay};

/// Asks for a memory file that may be executed; before Linux 6.3 every one may be.
const MFD_EXEC: MemfdFlags = MemfdFlags::from_bits_retain(libc::MFD_EXEC);

const SEALS: SealFlags = SealFlags::SEAL
    .union(SealFlags::SHRINK)
    .union(SealFlags::GROW)
    .union(SealFlags::WRITE);

/// Source: Linux, include/uapi/linux/magic.h.
const OVERLAY_MAGIC: u64 = 0x794c_7630;

/// Opens `program` for [`exec_file`](crate::process::exec_file) so that the host's file cannot be
/// changed through what runs; close-on-exec.
///
/// `beside` is a directory of the host that has nothing to do with that of the program: an overlay
/// without a place for changes wants two.
///
/// # Errors
///
/// Those of opening the program, and where there is no overlay those of [`sealed_copy`].
pub fn sealed_program(program: &Path, beside: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    match behind_overlay(program, beside) {
        Ok(sealed) => Ok(sealed),
        // Before Linux 6.5, without the rights, on a file system that cannot be beneath one.
        Err(_) => sealed_copy(&File::open(program)?),
    }
}

fn behind_overlay(program: &Path, beside: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let program = std::fs::canonicalize(program)?;
    let (Some(directory), Some(name)) = (program.parent(), program.file_name()) else {
        return Err(Errno::ISDIR.into());
    };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = openat(CWD, directory, flags, Mode::empty())?;
    let overlay = Overlay {
        lower: &[directory, beside.try_clone_to_owned()?],
        upper: None,
        user_marks: false,
        attributes: MountAttrFlags::MOUNT_ATTR_RDONLY
            | MountAttrFlags::MOUNT_ATTR_NOSUID
            | MountAttrFlags::MOUNT_ATTR_NODEV,
    };
    let mount = overlay.mount(Listing::OneByOne)?;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let sealed = File::from(openat(&mount, name, flags, Mode::empty())?);
    match is_sealed(&sealed)? {
        true => Ok(sealed.into()),
        false => Err(Errno::NOTSUP.into()),
    }
}

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

/// Whether `file` is a memory file that can no longer change, or behind an overlay of
/// [`sealed_program`].
///
/// # Errors
///
/// Those of fcntl(2), except `EINVAL`, which any other kind of file gives.
pub fn is_sealed(file: &File) -> io::Result<bool> {
    match fcntl_get_seals(file) {
        Ok(seals) => Ok(seals.contains(SEALS)),
        Err(Errno::INVAL) => is_behind_overlay(file),
        Err(error) => Err(error.into()),
    }
}

/// Whether `file` lies on a read-only overlay that is mounted nowhere.
///
/// One that is mounted could be read-only there alone.
fn is_behind_overlay(file: &File) -> io::Result<bool> {
    let kind = fstatfs(file)?;
    let read_only = kind.f_flags.cast_unsigned() & libc::ST_RDONLY != 0;
    if kind.f_type.cast_unsigned() != OVERLAY_MAGIC || !read_only {
        return Ok(false);
    }
    // The path of what is mounted nowhere begins at its own root, and leads to something else or nothing.
    let path = rustix::fs::readlink(format!("/proc/self/fd/{}", file.as_raw_fd()), Vec::new())?;
    let mount = |at: Result<rustix::fs::Statx, Errno>| at.map(|found| found.stx_mnt_id);
    let by_path = mount(statx(CWD, path, AtFlags::empty(), StatxFlags::MNT_ID));
    let own = mount(statx(file, c"", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID))?;
    Ok(by_path != Ok(own))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::os::fd::AsFd as _;

    #[test]
    fn a_program_behind_an_overlay_is_the_same_and_cannot_change() {
        let directory = std::env::temp_dir().join(format!("gantry-sealed-{}", std::process::id()));
        let beside = directory.join("beside");
        std::fs::create_dir_all(&beside).unwrap();
        let program = directory.join("bin/program");
        std::fs::create_dir(directory.join("bin")).unwrap();
        std::fs::write(&program, b"#!/bin/true\n").unwrap();
        let open = |path: &Path| File::open(path).unwrap();
        assert!(!is_sealed(&open(&program)).unwrap());
        let sealed = File::from(sealed_program(&program, open(&beside).as_fd()).unwrap());
        assert!(is_sealed(&sealed).unwrap());
        let again = format!("/proc/self/fd/{}", sealed.as_raw_fd());
        assert_eq!(std::fs::read(&again).unwrap(), b"#!/bin/true\n");
        let write = |path: &str| File::options().write(true).open(path);
        // The kernel lets a sealed memory file be opened for writing, and refuses each write.
        assert!(
            write(&again)
                .and_then(|mut file| file.write_all(b"x"))
                .is_err()
        );
        // A directory above or beneath is none that an overlay takes, and a copy does as well.
        let copy = File::from(sealed_program(&program, open(&directory).as_fd()).unwrap());
        assert!(fcntl_get_seals(&copy).is_ok() && is_sealed(&copy).unwrap());
        assert!(sealed_program(&directory.join("none"), open(&beside).as_fd()).is_err());
        std::fs::remove_dir_all(directory).unwrap();
    }

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
