//! Looking at files with the rights of somebody else.

use std::io;

use rustix::process::Gid;
use rustix::thread::CapabilitySet;

/// Runs `act` in a thread whose rights to files are those of the user `uid` with the one group `gid`, so that no link
/// that this user makes leads anywhere where the user could not go alone.
///
/// Only rights to files change: the user can neither signal nor trace the thread. Threads that `act` starts have the
/// same rights; nothing of it outlasts the call. For a caller who is that user already, and is not root, nothing
/// changes at all, not even the groups.
///
/// # Errors
///
/// `PermissionDenied` where the kernel does not let us, in which case `act` is not run; and what starting a thread
/// runs into. Source: setfsuid(2), credentials(7), capabilities(7).
pub fn with_file_rights_of<T: Send>(
    uid: u32,
    gid: u32,
    act: impl FnOnce() -> T + Send,
) -> io::Result<T> {
    let own = rustix::process::geteuid();
    if own.as_raw() == uid && !own.is_root() {
        return Ok(act());
    }
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().spawn_scoped(scope, || {
            become_user(uid, gid)?;
            Ok(act())
        })?;
        thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Changes the rights of this thread, and makes sure that it has no others.
fn become_user(uid: u32, gid: u32) -> io::Result<()> {
    rustix::thread::set_thread_groups(&[Gid::from_raw(gid)])?;
    // The order matters: without the capabilities that go with the user the group cannot be changed.
    set(libc::SYS_setfsgid, gid)?;
    set(libc::SYS_setfsuid, uid)?;
    // Those that override permissions went with the user, unless this process was told to keep them.
    let overriding = CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH;
    let kept = rustix::thread::capabilities(None)?.effective & overriding;
    match uid == 0 || kept.is_empty() {
        true => Ok(()),
        false => Err(io::ErrorKind::PermissionDenied.into()),
    }
}

/// One of the two calls, which do not say whether they succeed but what was set before.
fn set(call: libc::c_long, id: u32) -> io::Result<()> {
    // An ID that nobody has changes nothing.
    let none = libc::c_long::from(-1_i32);
    // SAFETY: the calls take an integer and change nothing but the credentials of this thread.
    let now = unsafe {
        libc::syscall(call, libc::c_long::from(id));
        libc::syscall(call, none)
    };
    match now == libc::c_long::from(id) {
        true => Ok(()),
        false => Err(io::ErrorKind::PermissionDenied.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    /// A user and a group that nobody is.
    const SOMEBODY: (u32, u32) = (54_321, 54_322);

    #[test]
    fn links_lead_where_the_user_may_go_and_files_are_the_users() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let dir = std::env::temp_dir().join(format!("gantry-identity-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(dir.join("theirs")).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(dir.join("secret"), "secret").unwrap();
        fs::set_permissions(dir.join("secret"), fs::Permissions::from_mode(0o600)).unwrap();
        symlink("../secret", dir.join("theirs/link")).unwrap();
        let (uid, gid) = SOMEBODY;
        std::os::unix::fs::chown(dir.join("theirs"), Some(uid), Some(gid)).unwrap();
        with_file_rights_of(uid, gid, || {
            let denied = fs::read(dir.join("theirs/link")).unwrap_err();
            assert_eq!(denied.kind(), io::ErrorKind::PermissionDenied);
            fs::write(dir.join("theirs/new"), "new").unwrap();
            let denied = fs::write(dir.join("new"), "new").unwrap_err();
            assert_eq!(denied.kind(), io::ErrorKind::PermissionDenied);
            // A thread of its own has no more.
            std::thread::scope(|scope| {
                let other = scope.spawn(|| fs::read(dir.join("theirs/link")).is_err());
                assert!(other.join().unwrap());
            });
        })
        .unwrap();
        let meta = fs::metadata(dir.join("theirs/new")).unwrap();
        assert_eq!((meta.uid(), meta.gid()), (uid, gid));
        // This thread is who it was.
        assert_eq!(fs::read(dir.join("theirs/link")).unwrap(), b"secret");
        fs::remove_dir_all(dir).unwrap();
    }
}
