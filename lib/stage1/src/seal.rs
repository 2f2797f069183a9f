//! This program runs from a sealed copy of itself.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStringExt as _;

use gantry_sys::memfd::{is_sealed, sealed_copy};
use gantry_sys::process::exec_file;

use crate::failed::{Failed, Step as _};

/// Returns if this program is a sealed copy, and otherwise starts over as one.
pub(crate) fn ensure() -> Result<(), Failed> {
    let name = || "run from a sealed copy of this program";
    let program = File::open("/proc/self/exe").step(name)?;
    if is_sealed(&program).step(name)? {
        return Ok(());
    }
    let copy = sealed_copy(&program).step(name)?;
    let strings = |strings: Vec<std::ffi::OsString>| -> io::Result<Vec<CString>> {
        Ok(strings
            .into_iter()
            .map(|s| CString::new(s.into_vec()))
            .collect::<Result<_, _>>()?)
    };
    let arguments = strings(std::env::args_os().collect()).step(name)?;
    let environment = std::env::vars_os().map(|(mut name, value)| {
        name.push("=");
        name.push(value);
        name
    });
    let environment = strings(environment.collect()).step(name)?;
    let Err(error) = exec_file(copy.as_fd(), &arguments, &environment);
    Err(error).step(name)
}
