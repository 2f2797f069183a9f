//! What the service manager is told: by `rkt run` while it prepares a pod, and by services of rkt's own.
//!
//! Source: sd_notify(3). Once a pod runs, stage1 tells it the rest.

use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often a start that takes long is excused, and for how much more time each.
const INTERVAL: Duration = Duration::from_secs(5);
const EXTENSION: Duration = Duration::from_secs(30);

/// Tells the service manager that a start takes longer, until it is dropped.
///
/// A service manager ends a service that is not ready in time, and an image may take long to fetch.
#[derive(Debug)]
pub(crate) struct Patience {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Patience {
    /// Begins at once, if `NOTIFY_SOCKET` names a socket.
    pub(crate) fn ask_for(status: &str) -> Self {
        let nothing = Self {
            stop: None,
            thread: None,
        };
        let Some((socket, address)) = std::env::var_os("NOTIFY_SOCKET").and_then(|n| open(&n))
        else {
            return nothing;
        };
        let (stop, stopped) = channel();
        let status = format!("STATUS={status}\n");
        let thread = std::thread::Builder::new()
            .spawn(move || tell_again_and_again(&socket, &address, &status, &stopped));
        Self {
            stop: Some(stop),
            // Without a thread the time is that of the unit.
            thread: thread.ok(),
        }
    }
}

/// Tells the service manager something once, if `NOTIFY_SOCKET` names a socket.
pub(crate) fn tell(message: &str) {
    if let Some((socket, address)) = std::env::var_os("NOTIFY_SOCKET").and_then(|n| open(&n)) {
        // Nobody there is as good as nobody asking.
        let _ = socket.send_to_addr(message.as_bytes(), &address);
    }
}

impl Drop for Patience {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // What it does cannot panic.
            let _ = thread.join();
        }
    }
}

fn open(name: &OsStr) -> Option<(UnixDatagram, SocketAddr)> {
    let address = match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
        [b'/', ..] => SocketAddr::from_pathname(name),
        _ => return None,
    };
    Some((UnixDatagram::unbound().ok()?, address.ok()?))
}

fn tell_again_and_again(
    socket: &UnixDatagram,
    address: &SocketAddr,
    status: &str,
    stopped: &Receiver<()>,
) {
    let message = format!("{status}EXTEND_TIMEOUT_USEC={}", EXTENSION.as_micros());
    loop {
        // Nobody there is as good as nobody asking.
        let _ = socket.send_to_addr(message.as_bytes(), address);
        if stopped.recv_timeout(INTERVAL) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_have_names_of_two_kinds() {
        assert!(open("/run/systemd/notify".as_ref()).is_some());
        assert!(open("@name".as_ref()).is_some());
        for bad in ["", "relative", "vsock:2:1"] {
            assert!(open(bad.as_ref()).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_start_is_excused_at_once_and_no_longer_than_asked() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let (socket, address) = open(path.as_os_str()).unwrap();
        let (stop, stopped) = channel();
        let thread = std::thread::spawn(move || {
            tell_again_and_again(&socket, &address, "STATUS=x\n", &stopped);
        });
        let mut bytes = [0; 100];
        let count = manager.recv(&mut bytes).unwrap();
        assert_eq!(&bytes[..count], b"STATUS=x\nEXTEND_TIMEOUT_USEC=30000000");
        drop(stop);
        thread.join().unwrap();
    }
}
