//! What apps read and write: the caller's terminal, the log, sockets to attach to.
//!
//! ```text
//! modes       which of these an app's three streams are
//! outside     what is opened while the host can be reached
//! pump        moves the bytes, in init's only loop
//! console     the caller's streams      log_file, journal    where lines are kept
//! ```
//!
//! Nothing here ever waits for one reader or one app: every descriptor is polled, what waits for a reader
//! is limited, and an app whose bytes have no room waits itself, in its write.

pub(crate) mod attach;
mod attach_arguments;
mod console;
mod endpoint;
mod journal;
mod lines;
mod log_file;
pub(crate) mod modes;
pub(crate) mod outside;
pub(crate) mod patience;
pub(crate) mod pump;
mod queue;
mod streams;
pub(crate) mod terminal;

pub(crate) use streams::AppEnds;
