//! The pod among the machines of systemd-machined, where one runs, so that `machinectl` lists it.
//!
//! The leader is PID 1 of the pod, so that what `machinectl` does to a machine happens in the pod. A pod runs
//! as well without; nothing here fails or is waited for while the pod starts.
//!
//! Source: org.freedesktop.machine1(5), `RegisterMachine` and `UnregisterMachine`.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, recv,
    send, socket_with,
};
use rustix::process::Pid;

use crate::dbus::{Answers, Arguments, Call};

/// Exists where systemd is PID 1. Source: sd_booted(3).
const BOOTED: &str = "/run/systemd/system";
const BUS: &str = "/run/dbus/system_bus_socket";

/// Who machined is on the bus, and what it does.
const SERVICE: &str = "org.freedesktop.machine1";
const PATH: &str = "/org/freedesktop/machine1";
const MANAGER: &str = "org.freedesktop.machine1.Manager";

/// How long the end of a pod waits for machined to take note.
const PATIENCE: Duration = Duration::from_secs(1);

/// The calls of a connection, each of which is answered once: the greeting, coming and going.
const CALLS: u32 = 3;

/// A pod that machined was told of.
#[derive(Debug)]
pub(crate) struct Machine {
    /// Open for as long as the pod runs: machined asks the bus who the sender is.
    bus: OwnedFd,
    name: String,
}

impl Machine {
    /// Tells machined of the pod of which `leader` is PID 1, if there is a machined that listens to this user.
    pub(crate) fn register(uuid: &str, leader: Pid) -> Option<Self> {
        let is_own = |bus: std::fs::Metadata| bus.uid() == rustix::process::geteuid().as_raw();
        if !Path::new(BOOTED).exists() || !std::fs::metadata(BUS).is_ok_and(is_own) {
            return None;
        }
        let root = std::env::current_dir().ok()?.join("stage1/rootfs");
        let machine = Self {
            bus: connect_to(BUS.as_ref())?,
            name: format!("rkt-{uuid}"),
        };
        machine.come(uuid, leader, root.as_os_str())?;
        Some(machine)
    }

    fn come(&self, uuid: &str, leader: Pid, root: &OsStr) -> Option<()> {
        let id: String = uuid.chars().filter(|c| *c != '-').collect();
        let id = u128::from_str_radix(&id, 16).ok()?.to_be_bytes();
        let greeting = Call {
            service: "org.freedesktop.DBus",
            path: "/org/freedesktop/DBus",
            interface: "org.freedesktop.DBus",
            member: "Hello",
            arguments: Arguments::default(),
        };
        let mut arguments = Arguments::default();
        arguments.string(self.name.as_bytes());
        arguments.bytes(&id);
        arguments.string(b"rkt");
        arguments.string(b"container");
        arguments.number(leader.as_raw_nonzero().get().unsigned_abs());
        arguments.string(root.as_bytes());
        // All at once, as libsystemd does too: a bus that takes the first takes the rest.
        let user = rustix::process::geteuid().as_raw().to_string();
        let user: String = user.bytes().map(|byte| format!("{byte:02x}")).collect();
        let mut all = format!("\0AUTH EXTERNAL {user}\r\nBEGIN\r\n").into_bytes();
        all.extend(greeting.message(1));
        all.extend(call("RegisterMachine", arguments).message(2));
        self.send(&all)
    }

    /// Tells machined that the pod has ended. It finds out by itself, but in a unit of other processes besides
    /// only with the end of that unit.
    pub(crate) fn end(self) {
        let mut arguments = Arguments::default();
        arguments.string(self.name.as_bytes());
        if self
            .send(&call("UnregisterMachine", arguments).message(CALLS))
            .is_some()
        {
            self.await_answers(PATIENCE);
        }
    }

    fn send(&self, bytes: &[u8]) -> Option<()> {
        let sent = send(&self.bus, bytes, SendFlags::NOSIGNAL).ok()?;
        // There is room for far more in a new socket; half a message is none.
        (sent == bytes.len()).then_some(())
    }

    /// Waits until all calls have been answered, or there is no use in waiting.
    fn await_answers(&self, patience: Duration) -> Option<()> {
        let deadline = Instant::now() + patience;
        let mut answers = Answers::default();
        let mut buffer = [0; 4096];
        while answers.count() < CALLS {
            let left = deadline.checked_duration_since(Instant::now())?;
            let left = Timespec::try_from(left).ok()?;
            poll(&mut [PollFd::new(&self.bus, PollFlags::IN)], Some(&left)).ok()?;
            match recv(&self.bus, &mut buffer, RecvFlags::DONTWAIT) {
                Ok((bytes @ 1.., _)) => answers.read(&buffer[..bytes]).ok()?,
                Err(rustix::io::Errno::AGAIN) => {}
                Ok(_) | Err(_) => return None,
            }
        }
        Some(())
    }
}

fn call(member: &'static str, arguments: Arguments) -> Call<'static> {
    Call {
        service: SERVICE,
        path: PATH,
        interface: MANAGER,
        member,
        arguments,
    }
}

fn connect_to(bus: &Path) -> Option<OwnedFd> {
    // Nobody waits for a bus whose queue of callers is full.
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).ok()?;
    connect(&socket, &SocketAddrUnix::new(bus).ok()?).ok()?;
    Some(socket)
}
