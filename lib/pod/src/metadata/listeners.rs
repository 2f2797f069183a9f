//! The sockets of the service: its own, or those of a service manager.

use std::fs::{self, Permissions};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use gantry_sys::process::take_listening;
use gantry_types::{Diagnostic, Kind};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, getsockname, listen, socket_with,
    sockopt,
};

/// Who may register pods: root, and its group. Source: rkt 1.30, dist/init/systemd/rkt-metadata.socket.
const SOCKET_MODE: u32 = 0o660;

/// How many connections wait to be accepted.
const BACKLOG: i32 = 128;

/// Most sockets that are taken of a service manager.
const MAX_INHERITED: u32 = 64;

/// Where the service is to listen.
#[derive(Clone, Copy, Debug)]
pub struct Requested<'a> {
    /// Where pods are registered, unless a service manager listens for us.
    pub socket: &'a Path,
    /// The port for apps, unless a service manager listens for us.
    pub port: u16,
    /// `LISTEN_FDS`.
    pub inherited: Option<&'a str>,
    /// `LISTEN_PID`.
    pub meant: Option<&'a str>,
}

/// The sockets, listening. A socket of our own is removed at the end.
#[derive(Debug)]
pub struct Listeners {
    pub(super) registration: Vec<UnixListener>,
    pub(super) public: Vec<TcpListener>,
    own: Option<PathBuf>,
}

/// The service cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The socket cannot be made.
    #[error("cannot listen on {}", path.display())]
    Socket {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another service listens there.
    #[error("another metadata service listens on {}", path.display())]
    Busy {
        /// The socket.
        path: PathBuf,
    },
    /// The port cannot be had.
    #[error("error listening on port {port}")]
    Port {
        /// The port.
        port: u16,
        /// Why.
        source: io::Error,
    },
    /// What the service manager left is not what it says.
    #[error("cannot take the sockets of LISTEN_FDS={text:?}: {reason}")]
    Inherited {
        /// The value of `LISTEN_FDS`.
        text: String,
        /// What is wrong.
        reason: String,
    },
}

impl Diagnostic for ListenError {
    fn kind(&self) -> Kind {
        Kind::Environment
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Socket { source, .. } => (source.kind() == io::ErrorKind::PermissionDenied)
                .then(|| "run the metadata service as root".to_owned()),
            Self::Busy { .. } => Some("stop it first".to_owned()),
            Self::Port { .. } => Some("choose another port with --listen-port".to_owned()),
            Self::Inherited { .. } => Some(
                "hand over stream sockets that listen: a Unix one for pods to be registered, and TCP ones for apps"
                    .to_owned(),
            ),
        }
    }
}

impl Listeners {
    /// Takes the sockets of a service manager, and opens those that it has not.
    ///
    /// To be called once, before this process opens anything that stays open.
    ///
    /// # Errors
    ///
    /// [`ListenError`]
    pub fn open(requested: &Requested<'_>) -> Result<Self, ListenError> {
        Self::open_with(requested, own_port)
    }

    fn open_with(
        requested: &Requested<'_>,
        bind: impl Fn(u16) -> io::Result<TcpListener>,
    ) -> Result<Self, ListenError> {
        let mut listeners = Self {
            registration: Vec::new(),
            public: Vec::new(),
            own: None,
        };
        let own_pid = std::process::id().to_string();
        // rkt does not look at the number; a service manager always gives it.
        let meant = requested.meant.is_none_or(|pid| pid == own_pid);
        if let Some(text) = requested.inherited.filter(|text| meant && !text.is_empty()) {
            listeners.take(text)?;
        }
        if listeners.registration.is_empty() {
            let listener = own_socket(requested.socket)?;
            listeners.registration.push(listener);
            listeners.own = Some(requested.socket.to_owned());
        }
        if listeners.public.is_empty() {
            let port = requested.port;
            let listener = bind(port).map_err(|source| ListenError::Port { port, source })?;
            listeners.public.push(listener);
        }
        Ok(listeners)
    }

    /// Sockets that listen already.
    #[cfg(test)]
    pub(super) fn of(registration: Vec<UnixListener>, public: Vec<TcpListener>) -> Self {
        Self {
            registration,
            public,
            own: None,
        }
    }

    /// The port at which apps reach the service.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        let first = self.public.first()?;
        first.local_addr().ok().map(|address| address.port())
    }

    fn take(&mut self, text: &str) -> Result<(), ListenError> {
        let wrong = |reason: &str| ListenError::Inherited {
            text: text.to_owned(),
            reason: reason.to_owned(),
        };
        let count = match text.parse() {
            Ok(count @ 1..=MAX_INHERITED) => count,
            _ => return Err(wrong("it is not a number from 1 to 64")),
        };
        let sockets = take_listening(count).map_err(|error| wrong(&error.to_string()))?;
        for socket in sockets {
            let family = family_if_listening(&socket).map_err(|error| wrong(&error.to_string()))?;
            match family {
                Some(AddressFamily::UNIX) => self.registration.push(socket.into()),
                Some(AddressFamily::INET | AddressFamily::INET6) => self.public.push(socket.into()),
                _ => return Err(wrong("one is not a stream socket that listens")),
            }
        }
        Ok(())
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        if let Some(path) = &self.own {
            let _ = fs::remove_file(path);
        }
    }
}

/// The family of a stream socket that listens; `None` for any other.
fn family_if_listening(socket: impl AsFd) -> Result<Option<AddressFamily>, Errno> {
    let listens = sockopt::socket_type(&socket)? == SocketType::STREAM
        && sockopt::socket_acceptconn(&socket)?;
    match listens {
        true => Ok(Some(getsockname(&socket)?.address_family())),
        false => Ok(None),
    }
}

fn own_socket(path: &Path) -> Result<UnixListener, ListenError> {
    let failed = |source: io::Error| ListenError::Socket {
        path: path.to_owned(),
        source,
    };
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).map_err(failed)?;
    }
    match bind_socket(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
        bound => return bound.map_err(failed),
    }
    // A file of somebody else is nothing to connect to, nor to remove.
    let there = fs::symlink_metadata(path).map_err(failed)?;
    if !there.file_type().is_socket() {
        return Err(failed(io::ErrorKind::AlreadyExists.into()));
    }
    // What a service left that was killed answers nobody.
    match UnixStream::connect(path) {
        Ok(_) => Err(ListenError::Busy {
            path: path.to_owned(),
        }),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(failed)?;
            bind_socket(path).map_err(failed)
        }
        Err(_) => Err(failed(io::ErrorKind::AddrInUse.into())),
    }
}

/// Nobody can connect before the socket has its mode: it does not listen yet.
fn bind_socket(path: &Path) -> io::Result<UnixListener> {
    let socket = stream_socket(AddressFamily::UNIX)?;
    bind(&socket, &SocketAddrUnix::new(path)?)?;
    let listening = fs::set_permissions(path, Permissions::from_mode(SOCKET_MODE))
        .and_then(|()| Ok(listen(&socket, BACKLOG)?));
    if listening.is_err() {
        let _ = fs::remove_file(path);
    }
    listening.map(|()| socket.into())
}

/// All addresses of the host, of both families where it has both.
fn own_port(port: u16) -> io::Result<TcpListener> {
    match bind_port((Ipv6Addr::UNSPECIFIED, port).into()) {
        Err(error) if is_without_ipv6(&error) => bind_port((Ipv4Addr::UNSPECIFIED, port).into()),
        bound => bound,
    }
}

fn is_without_ipv6(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(errno, Some(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL))
}

fn bind_port(address: SocketAddr) -> io::Result<TcpListener> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let socket = stream_socket(family)?;
    // A service that starts again must not wait for connections of the old one to be forgotten.
    sockopt::set_socket_reuseaddr(&socket, true)?;
    if family == AddressFamily::INET6 {
        sockopt::set_ipv6_v6only(&socket, false)?;
    }
    bind(&socket, &address)?;
    listen(&socket, BACKLOG)?;
    Ok(socket.into())
}

fn stream_socket(family: AddressFamily) -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC;
    Ok(socket_with(family, SocketType::STREAM, flags, None)?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    fn requested(socket: &Path) -> Requested<'_> {
        Requested {
            socket,
            port: 0,
            inherited: None,
            meant: None,
        }
    }

    /// Tests listen on loopback only.
    fn open(requested: &Requested<'_>) -> Result<Listeners, ListenError> {
        Listeners::open_with(requested, |port| TcpListener::bind(("127.0.0.1", port)))
    }

    #[test]
    fn a_socket_of_a_killed_service_is_taken_over_and_that_of_a_live_one_is_not() {
        let temp = tempfile::tempdir().unwrap();
        let socket = temp.path().join("run/rkt/mds.sock");
        let first = open(&requested(&socket)).unwrap();
        assert_eq!(fs::metadata(&socket).unwrap().mode() & 0o7777, 0o660);
        assert!(first.port().is_some_and(|port| port > 0));
        let second = open(&requested(&socket)).unwrap_err();
        assert!(matches!(second, ListenError::Busy { .. }), "{second}");
        drop(first);
        assert!(!socket.exists());
        drop(UnixListener::bind(&socket).unwrap());
        assert!(socket.exists());
        drop(open(&requested(&socket)).unwrap());
        fs::write(&socket, "a file of somebody").unwrap();
        assert!(open(&requested(&socket)).is_err());
        assert_eq!(fs::read(&socket).unwrap(), b"a file of somebody");
    }

    #[test]
    fn a_port_that_is_taken_is_told_and_no_socket_is_left() {
        let temp = tempfile::tempdir().unwrap();
        let socket = temp.path().join("mds.sock");
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let again = Requested {
            port,
            ..requested(&socket)
        };
        let error = open(&again).unwrap_err();
        assert_eq!(error.to_string(), format!("error listening on port {port}"));
        assert!(!socket.exists());
    }

    #[test]
    fn sockets_of_another_process_are_not_taken_and_wrong_numbers_are_refused() {
        let temp = tempfile::tempdir().unwrap();
        let socket = temp.path().join("mds.sock");
        let of_another = Requested {
            inherited: Some("2"),
            meant: Some("1"),
            ..requested(&socket)
        };
        drop(open(&of_another).unwrap());
        for text in ["0", "-1", "x", "65", "1 "] {
            let wrong = Requested {
                inherited: Some(text),
                ..requested(&socket)
            };
            let error = open(&wrong).unwrap_err();
            assert!(matches!(error, ListenError::Inherited { .. }), "{text}");
        }
    }
}
