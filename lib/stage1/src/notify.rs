//! What the service manager is told: sd_notify from the supervisor, and from apps by way of init.
//!
//! Source: sd_notify(3), sd_watchdog_enabled(3).
//!
//! Only the main process of a service is believed, and that is the supervisor. Init tells it what to
//! say over a [`channel`], which also brings the pod's status.

use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, bind, recv, send,
    sendto, socket_with, socketpair,
};

use gantry_types::show::harmless;

use crate::failed::{Chain, report};
use crate::status;

/// Where an app that notifies finds its socket: in its own /dev, so that no image is changed.
pub(crate) const APP_SOCKET: &str = "/dev/notify";

/// The annotation of images whose app says itself when it is ready. Source: rkt 1.30,
/// Documentation/using-rkt-with-systemd.md.
pub(crate) const SUPPORTS_NOTIFY: &str = "appc.io/executor/supports-systemd-notify";

/// Largest message, in bytes.
const MAX_MESSAGE_BYTES: usize = 4096;

/// Most characters of a status that an app sets.
const MAX_STATUS_CHARS: usize = 256;

/// The service manager's socket.
#[derive(Debug)]
pub(crate) struct Notifier {
    socket: OwnedFd,
    address: SocketAddrUnix,
}

impl Notifier {
    /// The socket that `NOTIFY_SOCKET` names, if it does.
    pub(crate) fn new(name: Option<&str>) -> Option<Self> {
        let name = name?;
        let address = match name.strip_prefix('@') {
            Some(name) => SocketAddrUnix::new_abstract_name(name.as_bytes()).ok()?,
            None if name.starts_with('/') => SocketAddrUnix::new(name).ok()?,
            None => return None,
        };
        let flags = SocketFlags::CLOEXEC;
        let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None).ok()?;
        Some(Self { socket, address })
    }

    /// Tells `message`, if there is somebody to tell.
    pub(crate) fn tell(&self, message: &[u8]) {
        let flags = SendFlags::NOSIGNAL;
        while sendto(&self.socket, message, flags, &self.address) == Err(Errno::INTR) {}
    }
}

/// The time within which the service manager wants a sign of life from process `own`.
pub(crate) fn watchdog(micros: Option<&str>, pid: Option<&str>, own: u32) -> Option<Duration> {
    let is_ours = pid.is_none_or(|pid| pid.parse() == Ok(own));
    let micros = micros?.parse().ok().filter(|micros| *micros > 0)?;
    is_ours.then_some(Duration::from_micros(micros))
}

/// The end of the channel that init has.
#[derive(Debug)]
pub(crate) struct ToSupervisor(OwnedFd);

/// The end of the channel that the supervisor has.
#[derive(Debug)]
pub(crate) struct FromInit(OwnedFd);

/// What init says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// The pod has ended with this status.
    End(u8),
    /// To be passed on to the service manager.
    Notify(Vec<u8>),
    /// Init is gone.
    Gone,
    /// Nothing, for now.
    Nothing,
}

const END: u8 = b'E';
const NOTIFY: u8 = b'N';

/// A channel from init to the supervisor.
pub(crate) fn channel() -> Result<(ToSupervisor, FromInit), Errno> {
    let flags = SocketFlags::CLOEXEC;
    let (a, b) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
    Ok((ToSupervisor(a), FromInit(b)))
}

impl ToSupervisor {
    /// Another holder of the same end.
    pub(crate) fn share(&self) -> Result<Self, Errno> {
        rustix::io::fcntl_dupfd_cloexec(&self.0, 3).map(Self)
    }

    /// Tells the pod's status.
    pub(crate) fn end(&self, status: u8) {
        // Without a reader, the supervisor finds the same number as the status of this process.
        let _ = send(&self.0, &[END, status], SendFlags::NOSIGNAL);
    }

    fn notify(&self, message: &[u8]) {
        let packet = [&[NOTIFY], message].concat();
        // A supervisor that was stopped must not stop the pod's streams.
        let _ = send(&self.0, &packet, SendFlags::NOSIGNAL | SendFlags::DONTWAIT);
    }
}

impl FromInit {
    /// The next word, which poll said is there.
    pub(crate) fn word(&self) -> Result<Word, Errno> {
        let mut packet = [0; 1 + 2 * MAX_MESSAGE_BYTES];
        let count = match recv(&self.0, &mut packet[..], RecvFlags::DONTWAIT) {
            Ok((count, _)) => count,
            Err(Errno::AGAIN | Errno::INTR) => return Ok(Word::Nothing),
            Err(Errno::CONNRESET) => 0,
            Err(error) => return Err(error),
        };
        Ok(match &packet[..count] {
            [] => Word::Gone,
            [END, status] => Word::End(*status),
            [NOTIFY, message @ ..] => Word::Notify(message.to_vec()),
            _ => Word::Nothing,
        })
    }
}

impl AsFd for FromInit {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// An app that notifies.
#[derive(Debug)]
struct NotifyingApp {
    app: usize,
    name: String,
    socket: OwnedFd,
    ready: bool,
    /// It gave a sign of life since the last one that was passed on.
    alive: bool,
}

/// What init knows of the readiness of its apps.
#[derive(Debug)]
pub(crate) struct Readiness {
    supervisor: ToSupervisor,
    apps: Vec<NotifyingApp>,
    all_started: bool,
    announced: bool,
    stopping: bool,
    /// How often the service manager wants a sign of life, and when it is next given by init itself.
    watchdog: Option<(Duration, Instant)>,
}

impl Readiness {
    /// Nothing is started yet.
    pub(crate) fn new(supervisor: ToSupervisor, watchdog: Option<Duration>) -> Self {
        Self {
            supervisor,
            apps: Vec::new(),
            all_started: false,
            announced: false,
            stopping: false,
            watchdog: watchdog.map(|time| (time / 2, Instant::now())),
        }
    }

    /// Makes the socket of an app that notifies; the app's process has to bind it.
    pub(crate) fn app(&mut self, app: usize, name: &str) -> Result<OwnedFd, Errno> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None)?;
        let theirs = rustix::io::fcntl_dupfd_cloexec(&socket, 3)?;
        self.apps.push(NotifyingApp {
            app,
            name: name.to_owned(),
            socket,
            ready: false,
            alive: false,
        });
        Ok(theirs)
    }

    /// The sockets to wait for.
    pub(crate) fn sockets(&self) -> impl Iterator<Item = &OwnedFd> {
        self.apps.iter().map(|app| &app.socket)
    }

    /// Takes the messages that wait at the socket with this number.
    pub(crate) fn receive(&mut self, number: usize) {
        let mut bytes = [0; MAX_MESSAGE_BYTES];
        // Descriptors that come along are closed by the kernel, since nobody takes them.
        while let Ok((count, _)) = recv(
            &self.apps[number].socket,
            &mut bytes[..],
            RecvFlags::DONTWAIT,
        ) {
            self.message(number, &bytes[..count]);
        }
        self.announce_if_ready();
    }

    fn message(&mut self, number: usize, message: &[u8]) {
        let app = &mut self.apps[number];
        for line in message.split(|byte| *byte == b'\n') {
            match line {
                b"READY=1" => app.ready = true,
                b"WATCHDOG=1" => app.alive = true,
                b"WATCHDOG=trigger" => self.supervisor.notify(line),
                _ => {
                    if let Some(status) = line.strip_prefix(b"STATUS=") {
                        let status: String = String::from_utf8_lossy(status)
                            .chars()
                            .take(MAX_STATUS_CHARS)
                            .collect();
                        let status = harmless(&status);
                        let text = format!("STATUS={}: {status}", app.name);
                        self.supervisor.notify(text.as_bytes());
                    } else if let Some(micros) = line.strip_prefix(b"EXTEND_TIMEOUT_USEC=")
                        && !micros.is_empty()
                        && micros.iter().all(u8::is_ascii_digit)
                    {
                        self.supervisor.notify(line);
                    }
                    // The rest, MAINPID above all, is not an app's to say.
                }
            }
        }
        if self.apps.iter().all(|app| app.alive) {
            self.supervisor.notify(b"WATCHDOG=1");
            for app in &mut self.apps {
                app.alive = false;
            }
        }
    }

    /// Takes note that every app has been started.
    pub(crate) fn all_started(&mut self) {
        self.all_started = true;
        self.announce_if_ready();
    }

    /// Takes note that an app has ended: nobody waits for its word any more.
    pub(crate) fn app_ended(&mut self, app: usize) {
        self.apps.retain(|known| known.app != app);
        self.announce_if_ready();
    }

    fn announce_if_ready(&mut self) {
        let ready = self.all_started && self.apps.iter().all(|app| app.ready);
        if !ready || self.announced || self.stopping {
            return;
        }
        self.announced = true;
        if let Err(error) = status::announce_ready() {
            report(format_args!("{}", Chain(&error)));
        }
        self.supervisor
            .notify(b"READY=1\nSTATUS=All apps are started");
    }

    /// Tells that the pod is about to end.
    pub(crate) fn stopping(&mut self) {
        if !self.stopping {
            self.stopping = true;
            self.supervisor.notify(b"STOPPING=1\nSTATUS=Stopping");
        }
    }

    /// How long until init itself gives a sign of life, if it has to.
    pub(crate) fn next_sign(&self) -> Option<Duration> {
        let (_, next) = self.watchdog.filter(|_| self.apps.is_empty())?;
        Some(next.saturating_duration_since(Instant::now()))
    }

    /// Gives a sign of life if it is time.
    pub(crate) fn give_sign(&mut self) {
        if self.next_sign() == Some(Duration::ZERO)
            && let Some((interval, next)) = &mut self.watchdog
        {
            *next = Instant::now() + *interval;
            self.supervisor.notify(b"WATCHDOG=1");
        }
    }
}

/// Binds the socket of an app, in the app's own root.
pub(crate) fn bind_app_socket(socket: &OwnedFd) -> Result<(), Errno> {
    bind(socket, &SocketAddrUnix::new(APP_SOCKET)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(from: &FromInit) -> Vec<String> {
        let mut words = Vec::new();
        loop {
            match from.word().unwrap() {
                Word::Notify(text) => words.push(String::from_utf8(text).unwrap()),
                _ => return words,
            }
        }
    }

    fn pod(apps: &[&str]) -> (Readiness, FromInit) {
        let (to, from) = channel().unwrap();
        let mut readiness = Readiness::new(to, None);
        for (number, name) in apps.iter().enumerate() {
            readiness.app(number, name).unwrap();
        }
        (readiness, from)
    }

    #[test]
    fn the_channel_brings_the_status_and_the_end() {
        let (to, from) = channel().unwrap();
        assert_eq!(from.word(), Ok(Word::Nothing));
        to.notify(b"STATUS=x");
        to.end(7);
        assert_eq!(from.word(), Ok(Word::Notify(b"STATUS=x".to_vec())));
        assert_eq!(from.word(), Ok(Word::End(7)));
        drop(to);
        assert_eq!(from.word(), Ok(Word::Gone));
    }

    #[test]
    fn what_apps_say_is_passed_on_only_where_it_is_theirs_to_say() {
        let (mut pod, from) = pod(&["web"]);
        let message =
            b"MAINPID=1\nSTATUS=a\x1b[2Jb\xff\nEXTEND_TIMEOUT_USEC=5000\nEXTEND_TIMEOUT_USEC=\n\
            STOPPING=1\nFDSTORE=1\nREADY=0\n\0";
        pod.message(0, message);
        let words = words(&from);
        assert_eq!(words.len(), 2, "{words:?}");
        assert!(words[0].starts_with("STATUS=web: a") && !words[0].contains('\x1b'));
        assert_eq!(words[1], "EXTEND_TIMEOUT_USEC=5000");
        assert!(!pod.apps[0].ready);
    }

    #[test]
    fn a_sign_of_life_is_one_of_every_app() {
        let (mut pod, from) = pod(&["a", "b"]);
        pod.message(0, b"WATCHDOG=1");
        pod.message(0, b"WATCHDOG=1");
        assert_eq!(words(&from), [""; 0]);
        pod.message(1, b"WATCHDOG=1");
        assert_eq!(words(&from), ["WATCHDOG=1"]);
        pod.message(1, b"WATCHDOG=trigger");
        assert_eq!(words(&from), ["WATCHDOG=trigger"]);
    }

    #[test]
    fn the_watchdog_is_that_of_this_process() {
        let second = Some(Duration::from_secs(1));
        assert_eq!(watchdog(Some("1000000"), Some("7"), 7), second);
        assert_eq!(watchdog(Some("1000000"), None, 7), second);
        for (micros, pid) in [
            (None, None),
            (Some("0"), None),
            (Some("x"), None),
            (Some("-1"), None),
            (Some("1000000"), Some("8")),
            (Some("1000000"), Some("")),
        ] {
            assert_eq!(watchdog(micros, pid, 7), None);
        }
    }

    #[test]
    fn sockets_have_names_of_two_kinds() {
        assert!(Notifier::new(Some("/run/systemd/notify")).is_some());
        assert!(Notifier::new(Some("@name")).is_some());
        for bad in [None, Some(""), Some("relative"), Some("vsock:2:1")] {
            assert!(Notifier::new(bad).is_none(), "{bad:?}");
        }
    }
}
