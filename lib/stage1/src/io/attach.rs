//! The `attach` entrypoint: connects the caller's standard streams with those of a running app.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{CWD, Mode as FileMode, OFlags, openat};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, Shutdown, SocketFlags, SocketType, connect, shutdown, socket_with,
};
use rustix::process::Signal;
use serde_json::Value;

use gantry_sys::signal::SignalSet;

use super::attach_arguments::{AttachAction, AttachArguments};
use super::endpoint::{self, LIST, Target};
use super::terminal::{Escape, RawTerminal};
use crate::arguments::ArgumentError;
use crate::failed::{Failed, Step as _};

/// Largest list of endpoints that is read, in bytes.
const MAX_LIST_BYTES: u64 = 64 * 1024;

/// Bytes moved at a time.
const CHUNK_BYTES: usize = 16 * 1024;

/// Nobody could be attached.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AttachError {
    /// The arguments are not those of the interface.
    #[error(transparent)]
    Arguments(#[from] ArgumentError),
    /// The app has no stream or terminal.
    #[error(
        "app {0} has nothing to attach to: run it with --stdin, --stdout or --stderr set to \
         stream or tty"
    )]
    NotAttachable(String),
    /// The list of the app's endpoints is not one.
    #[error("bad list of endpoints of app {0}")]
    BadList(String),
    /// The app has other endpoints than those asked for.
    #[error("app {app} has no {target} to attach to: it has {offered}")]
    NoTarget {
        app: String,
        target: &'static str,
        offered: String,
    },
    /// A step was refused.
    #[error(transparent)]
    Failed(#[from] Failed),
}

/// Lists the endpoints of an app, or connects with them until either side ends.
pub(crate) fn run(arguments: impl Iterator<Item = OsString>) -> Result<(), AttachError> {
    let arguments = AttachArguments::parse(arguments)?;
    let app = arguments.app;
    let path = endpoint::directory(&app);
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = match openat(CWD, &path, flags, FileMode::empty()) {
        Err(Errno::NOENT) => return Err(AttachError::NotAttachable(app)),
        opened => opened.step(|| format!("open {path}"))?,
    };
    let list = read_list(&directory).step(|| format!("read {path}/{LIST}"))?;
    let list: Value =
        serde_json::from_slice(&list).map_err(|_| AttachError::BadList(app.clone()))?;
    let offered = offered(&list).ok_or_else(|| AttachError::BadList(app.clone()))?;
    let wanted = match arguments.action {
        AttachAction::List => return Ok(print(&list)?),
        AttachAction::Auto => offered.clone(),
        AttachAction::Custom(wanted) => wanted,
    };
    let mut links = Vec::new();
    for target in wanted {
        if !offered.contains(&target) {
            let offered: Vec<_> = offered.iter().map(|target| target.name()).collect();
            return Err(AttachError::NoTarget {
                app,
                target: target.name(),
                offered: offered.join(", "),
            });
        }
        links.push(Link {
            socket: dial(&directory, target)?,
            target,
            input: matches!(target, Target::Stdin)
                || target == Target::Tty && arguments.terminal_in,
            output: matches!(target, Target::Stdout | Target::Stderr)
                || target == Target::Tty && arguments.terminal_out,
        });
    }
    Ok(relay(links)?)
}

fn read_list(directory: &OwnedFd) -> io::Result<Vec<u8>> {
    use io::Read as _;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(directory, LIST, flags, FileMode::empty())?;
    let mut bytes = Vec::new();
    std::fs::File::from(file)
        .take(MAX_LIST_BYTES)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The targets of a list of endpoints.
fn offered(list: &Value) -> Option<Vec<Target>> {
    let all = [Target::Stdin, Target::Stdout, Target::Stderr, Target::Tty];
    let targets = list.get("targets")?.as_array()?.iter();
    targets
        .map(|target| {
            let name = target.get("name")?.as_str()?;
            all.into_iter().find(|target| target.name() == name)
        })
        .collect()
}

/// Prints the list as rkt does: indented by four spaces.
fn print(list: &Value) -> Result<(), Failed> {
    use serde::Serialize as _;
    use serde_json::ser::{PrettyFormatter, Serializer};
    let mut text = Vec::new();
    let mut serializer =
        Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(b"    "));
    let name = || "print the list of endpoints";
    list.serialize(&mut serializer)
        .map_err(io::Error::from)
        .step(name)?;
    text.push(b'\n');
    write_all(rustix::stdio::stdout(), &text).step(name)
}

fn dial(directory: &OwnedFd, target: Target) -> Result<OwnedFd, Failed> {
    let name = || format!("attach to {} of the app; is it running?", target.name());
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).step(name)?;
    let address = endpoint::address(directory, target).step(name)?;
    connect(&socket, &address).step(name)?;
    Ok(socket)
}

/// A connection with one endpoint.
#[derive(Debug)]
struct Link {
    socket: OwnedFd,
    target: Target,
    /// What the caller types goes there.
    input: bool,
    /// What comes from there is shown.
    output: bool,
}

/// Moves bytes until the app has ended, the caller wants to leave, or nothing is left to move.
fn relay(mut links: Vec<Link>) -> Result<(), Failed> {
    let name = || "move bytes";
    let has_terminal = links
        .iter()
        .any(|link| link.input && link.target == Target::Tty);
    let is_terminal = rustix::termios::isatty(rustix::stdio::stdin());
    let raw = (has_terminal && is_terminal)
        .then(RawTerminal::new)
        .transpose()?;
    // A signal ends this process only once the terminal is as it was.
    let set = SignalSet::of(&[Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT]);
    set.block().step(name)?;
    let signals = set.descriptor().step(name)?;
    let mut escape = Escape::default();
    let mut reads_input = links.iter().any(|link| link.input);
    let mut bytes = [0; CHUNK_BYTES];
    while !links.is_empty() {
        let mut fds = vec![PollFd::new(&signals, PollFlags::IN)];
        fds.extend(
            links
                .iter()
                .map(|link| PollFd::new(&link.socket, PollFlags::IN)),
        );
        if reads_input {
            fds.push(PollFd::from_borrowed_fd(
                rustix::stdio::stdin(),
                PollFlags::IN,
            ));
        }
        match poll(&mut fds, None) {
            Err(Errno::INTR) => continue,
            polled => polled.step(name)?,
        };
        let ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        if ready[0] {
            break;
        }
        if reads_input && ready[ready.len() - 1] {
            let count = match rustix::io::read(rustix::stdio::stdin(), &mut bytes) {
                Err(Errno::INTR) => continue,
                // A terminal that was hung up is as good as its end.
                read => read.unwrap_or(0),
            };
            if raw.is_some() {
                escape.watch(&bytes[..count]);
                if escape.take() {
                    break;
                }
            }
            for link in links.iter().filter(|link| link.input) {
                if count == 0 {
                    let _ = shutdown(&link.socket, Shutdown::Write);
                } else if write_all(&link.socket, &bytes[..count]).is_err() {
                    // The app ended; its last words may still come.
                    reads_input = false;
                }
            }
            if count == 0 {
                reads_input = false;
                // Where nothing comes from there is nothing to wait for.
                links.retain(|link| link.output);
                continue;
            }
        }
        let mut ended = Vec::new();
        for (number, link) in links.iter().enumerate() {
            if !ready[number + 1] {
                continue;
            }
            let count = match rustix::io::read(&link.socket, &mut bytes) {
                Err(Errno::INTR) => continue,
                read => read.unwrap_or(0),
            };
            if count == 0 {
                ended.push(number);
            } else if link.output {
                let out = match link.target {
                    Target::Stderr => rustix::stdio::stderr(),
                    _ => rustix::stdio::stdout(),
                };
                if write_all(out, &bytes[..count]).is_err() {
                    ended.push(number);
                }
            }
        }
        for number in ended.into_iter().rev() {
            links.remove(number);
        }
        if !links.iter().any(|link| link.output) && !reads_input {
            break;
        }
    }
    drop(raw);
    Ok(())
}

fn write_all(fd: impl AsFd, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match rustix::io::write(&fd, bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_list_names_the_targets() {
        let list = |names: &[&str]| {
            let targets: Vec<_> = names.iter().map(|name| json!({"name": name})).collect();
            json!({"version": 1, "targets": targets})
        };
        assert_eq!(
            offered(&list(&["tty", "stderr"])),
            Some(vec![Target::Tty, Target::Stderr])
        );
        for bad in [
            json!(null),
            json!({}),
            list(&["bogus"]),
            json!({"targets": [{}]}),
        ] {
            assert_eq!(offered(&bad), None, "{bad}");
        }
    }
}
