//! The in-pod runtime of flavor `ns`: the program that `rkt run` becomes.
//!
//! ```text
//! supervisor   outside, same process as `rkt run`: signals in, exit status out
//!   init       PID 1 of the pod: its root, its apps, their ends
//!     app      each in a mount namespace of its own, whose only root is the app's
//! ```
//!
//! The working directory of every entrypoint is the pod directory. It is read for `pod` and
//! `rootfs.json` and gets `ppid`, `stage1/rootfs/rkt/status/APP`, and what `limits` leaves. All mounts live in the pod's own
//! mount namespaces, so that the kernel takes them back however the pod ends.

#![forbid(unsafe_code)]

mod activation;
mod app_root;
mod arguments;
mod dbus;
mod device;
mod docker_user;
mod enter;
mod environment;
mod failed;
mod gc;
mod harden;
mod init;
mod inside;
mod io;
mod isolation;
mod label;
mod launch;
mod lifecycle;
mod limits;
mod machined;
mod metadata;
mod net;
mod notify;
mod overlay;
mod places;
mod plan;
mod pod_root;
mod program;
mod seal;
mod seccomp;
mod session;
mod status;
mod stop;
mod supervisor;
mod sysctl;
mod target;
mod user;
mod users;
mod volume;

use std::error::Error;
use std::process::ExitCode;

use failed::{Chain, report};
use status::SETUP_FAILED;

pub use dbus::answers as answers_of_bus;
pub use program::interpreter as interpreter_of_program;
pub use user::find as find_account;

/// Runs the entrypoint that the first argument names, and returns the status to exit with.
///
/// `run` ends with the pod's status; every failure of this program itself is 254.
#[must_use]
pub fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let entrypoint = arguments.next().unwrap_or_default();
    let result: Result<u8, Box<dyn Error>> = match entrypoint.to_str() {
        Some("run") => supervisor::run(arguments, std::env::var_os("RKT_LOCK_FD"), terminal())
            .map_err(Into::into),
        Some("attach") => io::attach::run(arguments).map(|()| 0).map_err(Into::into),
        Some("stop") => stop::run(arguments).map(|()| 0).map_err(Into::into),
        Some("enter") => enter::run(arguments, terminal()).map_err(Into::into),
        Some("gc") => gc::run(arguments).map(|()| 0).map_err(Into::into),
        // These are rkt's own, and no part of the interface.
        Some("net-plugins") => net::host::plugins(arguments)
            .map(|()| 0)
            .map_err(Into::into),
        Some("net-traces") => net::host::traces(arguments).map(|()| 0).map_err(Into::into),
        Some("net-forget") => net::host::forget(arguments).map(|()| 0).map_err(Into::into),
        Some("net-check") => net::host::check(arguments).map(|()| 0).map_err(Into::into),
        Some("net-gc") => net::host::collect(arguments)
            .map(|()| 0)
            .map_err(Into::into),
        _ => Err(
            format!("unknown entrypoint {entrypoint:?}: one of run, enter, attach, stop, gc")
                .into(),
        ),
    };
    ExitCode::from(result.unwrap_or_else(|error| {
        report(format_args!("{}", Chain(&*error)));
        SETUP_FAILED
    }))
}

/// The kind of the caller's terminal, for apps that get one.
fn terminal() -> String {
    let kind = std::env::var("TERM").ok().filter(|kind| !kind.is_empty());
    kind.unwrap_or_else(|| "vt100".to_owned())
}
