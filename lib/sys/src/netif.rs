//! Network interfaces, as far as a pod without a network needs them.

use std::io;
use std::os::fd::AsRawFd as _;

use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

/// Brings up the loopback interface of the calling process's network namespace.
///
/// The kernel gives it 127.0.0.1/8 and ::1/128 when it comes up.
///
/// # Errors
///
/// `EPERM` without `CAP_NET_ADMIN` in the namespace. Source: netdevice(7).
pub fn loopback_up() -> io::Result<()> {
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::INET, SocketType::DGRAM, flags, None)?;
    let mut request = libc::ifreq {
        ifr_name: [0; libc::IFNAMSIZ],
        ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_flags: UP },
    };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = from.cast_signed();
    }
    // SAFETY: the request holds a null-terminated name and the flags that SIOCSIFFLAGS reads, and
    // outlives the call; the socket is open.
    let rc = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) };
    if rc == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// The flags of a loopback interface that is up. Those beside `IFF_UP` cannot be changed by a user.
const UP: libc::c_short = (libc::IFF_UP | libc::IFF_LOOPBACK | libc::IFF_RUNNING) as libc::c_short;
