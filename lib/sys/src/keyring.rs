//! The kernel's key rings, which are inherited like a working directory.

use std::io;

/// Gives the calling thread, and what it executes, an empty session key ring of its own.
///
/// Otherwise a program started here could use the keys of whoever started it.
///
/// # Errors
///
/// `ENOSYS` if the kernel has no keys, `EDQUOT` if the user has too many, and `EPERM` where a seccomp
/// filter forbids the call. Source: keyctl_join_session_keyring(3).
pub fn new_session() -> io::Result<()> {
    let name = std::ptr::null::<libc::c_char>();
    // SAFETY: a null pointer asks for a key ring without a name; nothing else is passed.
    let rc = unsafe { libc::syscall(libc::SYS_keyctl, libc::KEYCTL_JOIN_SESSION_KEYRING, name) };
    if rc < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The serial number of the calling thread's session key ring.
    fn session() -> libc::c_long {
        // SAFETY: the call takes integers only.
        unsafe {
            libc::syscall(
                libc::SYS_keyctl,
                libc::KEYCTL_GET_KEYRING_ID,
                libc::KEY_SPEC_SESSION_KEYRING,
                0,
            )
        }
    }

    #[test]
    fn a_new_session_has_another_key_ring() {
        // Key rings belong to threads, so the other tests keep theirs.
        std::thread::spawn(|| {
            let before = session();
            if let Err(error) = new_session() {
                eprintln!("SKIP: no key rings here: {error}");
                return;
            }
            assert_ne!(session(), before);
        })
        .join()
        .unwrap();
    }
}
