//! The frame of a fuzz target.
//!
//! A target is one binary in `src/bin/` that calls [`fuzz_target!`] with a closure over bytes. Built
//! plainly it runs the closure over every file named on its command line (a folder stands for the files
//! in it), which is how CI replays the corpus in `fixtures/fuzz/TARGET/`. With `--features libfuzzer` it
//! is a libFuzzer target, for which libFuzzer brings `main`; `make fuzz` builds and runs those.

#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[cfg(feature = "libfuzzer")]
pub use libfuzzer_sys;

/// Declares the entry point of a fuzz target, which says `#![cfg_attr(feature = "libfuzzer", no_main)]` first.
#[macro_export]
macro_rules! fuzz_target {
    ($body:expr) => {
        #[cfg(feature = "libfuzzer")]
        $crate::libfuzzer_sys::fuzz_target!(|data: &[u8]| { ($body)(data) });

        #[cfg(not(feature = "libfuzzer"))]
        fn main() -> std::process::ExitCode {
            $crate::replay($body)
        }
    };
}

/// Runs `target` over every file named on the command line; folders stand for the files in them.
///
/// Fails when a path cannot be read or no input was found at all, so that a moved corpus is noticed.
pub fn replay(target: fn(&[u8])) -> ExitCode {
    let mut inputs = 0_usize;
    for argument in std::env::args_os().skip(1) {
        let Ok(files) = files_of(Path::new(&argument)) else {
            return ExitCode::from(2);
        };
        for file in files {
            let Ok(data) = std::fs::read(&file) else {
                return ExitCode::from(2);
            };
            target(&data);
            inputs += 1;
        }
    }
    if inputs == 0 {
        ExitCode::from(2)
    } else {
        ExitCode::SUCCESS
    }
}

fn files_of(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path)? {
        files.push(entry?.path());
    }
    files.sort();
    Ok(files)
}
