//! What every tool shares at its edge: streams, exit statuses, error reports, tables, progress, manual pages and
//! completions.
//!
//! A command gets a [`Context`], writes data to `out` and prose to `err`, and ends with `Ok` or a
//! [`Failure`]. [`report`] prints a failure once; [`Statuses`] turns it into the tool's exit status.

#![forbid(unsafe_code)]

mod completion;
mod context;
mod failure;
mod generated;
mod human;
mod json;
mod log;
mod parser;
mod printable;
mod progress;
mod table;
mod threads;

pub use completion::{FlagStyle, Shell, completion};
pub use context::{Context, note, run_tool, say};
pub use failure::{Failure, Statuses, report};
pub use generated::{Generated, write_generated};
pub use human::{full_time, relative_time, size};
pub use json::{JsonFormat, json_text};
pub use log::show_notes;
pub use parser::with_go_booleans;
pub use printable::{printable, printable_json};
pub use progress::Progress;
pub use table::Table;
pub use threads::available_threads;
