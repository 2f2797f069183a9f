//! Taking the network away from a thread and everything it starts.

use std::io;

/// `struct seccomp_data`: the number of the call, and the architecture it is meant for.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;

#[cfg(target_arch = "x86_64")]
const NATIVE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const NATIVE: u32 = 0xc000_00b7;

/// Set in the numbers of the x32 calls, which are further names for the same calls.
const X32: u32 = 0x4000_0000;

const fn load(offset: u32) -> libc::sock_filter {
    statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, offset)
}

const fn give(result: u32) -> libc::sock_filter {
    statement(libc::BPF_RET | libc::BPF_K, result)
}

const fn statement(code: u32, k: u32) -> libc::sock_filter {
    jump(code, k, 0, 0)
}

/// Skips `yes` instructions if the comparison holds, else `no`.
const fn jump(code: u32, k: u32, yes: u8, no: u8) -> libc::sock_filter {
    libc::sock_filter {
        code: code as u16,
        jt: yes,
        jf: no,
        k,
    }
}

/// Lets socket(2) fail with `EPERM` in the calling thread and in all programs it starts from now on.
///
/// Sockets that are open already, and pairs that have no address, work as before. The thread also loses
/// the right to gain privileges by executing programs. Neither can be undone.
///
/// # Errors
///
/// `EINVAL` if the kernel has no seccomp. Source: seccomp(2).
pub fn deny_sockets() -> io::Result<()> {
    let equal = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    let at_least = libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K;
    let socket = libc::SYS_socket as u32;
    let mut filter = [
        load(ARCHITECTURE),
        // A program of another architecture has other numbers, and is not needed here.
        jump(equal, NATIVE, 0, 3),
        load(NUMBER),
        jump(at_least, X32, 1, 0),
        jump(equal, socket, 0, 1),
        give(libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
        give(libc::SECCOMP_RET_ALLOW),
    ];
    // SAFETY: the call takes integers only.
    let rc = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    if rc != 0 {
        return Err(io::Error::last_os_error());
    }
    crate::seccomp::load(&mut filter)
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, UdpSocket};
    use std::os::unix::net::UnixDatagram;
    use std::process::Command;

    use super::*;

    #[test]
    fn sockets_are_denied_to_the_thread_and_what_it_starts_only() {
        let denied = std::thread::spawn(|| {
            deny_sockets().unwrap();
            let denied = |error: io::Error| error.raw_os_error() == Some(libc::EPERM);
            assert!(UdpSocket::bind("127.0.0.1:0").is_err_and(denied));
            assert!(TcpListener::bind("[::1]:0").is_err_and(denied));
            assert!(UnixDatagram::unbound().is_err_and(denied));
            // Everything else goes on.
            assert!(std::fs::read("/proc/self/status").is_ok());
            let script = "exec 3<>/dev/tcp/127.0.0.1/1";
            let child = Command::new("bash").args(["-c", script]).output().unwrap();
            String::from_utf8_lossy(&child.stderr).into_owned()
        });
        let stderr = denied.join().unwrap();
        assert!(stderr.contains("not permitted"), "{stderr}");
        assert!(UdpSocket::bind("127.0.0.1:0").is_ok());
    }
}
