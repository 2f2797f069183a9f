//! JSON as Go's encoder and decoder treat it, because every manifest in the world went through them.
//!
//! Differences from a strict parser that existing manifests rely on: keys match without regard to case,
//! the last of several equal keys wins, unknown keys are ignored, `null` stands for the zero value, and
//! output writes `<`, `>` and `&` as escapes. Every value keeps its byte offset, so that an error about
//! its meaning can still say where it stands.

mod decode;
mod log;
mod parse;
mod write;

pub(crate) use decode::{Cursor, Decode, DecodeError, Fields, Problem, read_all, same_key};
pub(crate) use log::{Entry, Log};
pub(crate) use parse::{Node, SyntaxError, Value, parse};
pub(crate) use write::{Encode, Writer, indent};
