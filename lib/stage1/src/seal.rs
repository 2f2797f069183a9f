//! This program runs from where nobody can change it.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStringExt as _;

use rustix::fs::{Mode, OFlags};

use gantry_sys::process::exec_file;
use gantry_sys::sealed::{is_sealed, sealed_program};

use crate::failed::{Failed, Step as _};

const PROGRAM: &str = "/proc/self/exe";

/// Returns if this program cannot be changed through this process, and otherwise starts over so that it cannot.
/// The working directory must be the pod directory.
pub(crate) fn ensure() -> Result<(), Failed> {
    let name = || "run from where nobody can change this program";
    let program = File::open(PROGRAM).step(name)?;
    if is_sealed(&program).step(name)? {
        return Ok(());
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let pod = rustix::fs::open(".", flags, Mode::empty()).step(name)?;
    let sealed = sealed_program(PROGRAM.as_ref(), pod.as_fd()).step(name)?;
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
    let Err(error) = exec_file(sealed.as_fd(), &arguments, &environment);
    Err(error).step(name)
}
