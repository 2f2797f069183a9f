//! Scripts of acbuild: no text makes the reader panic, and what it reads as words are arguments that a command
//! can be given.

#![cfg_attr(feature = "libfuzzer", no_main)]

use std::os::unix::ffi::OsStrExt as _;

use gantry_ops::build::parse_script;

gantry_fuzz::fuzz_target!(|data: &[u8]| {
    let lines = data.split(|&byte| byte == b'\n').count();
    let Ok(commands) = parse_script(data) else {
        return;
    };
    let mut last = 0;
    for command in commands {
        assert!(command.line > last && command.line <= lines);
        last = command.line;
        assert!(!command.words.is_empty());
        for word in &command.words {
            assert!(!word.as_bytes().contains(&0));
        }
    }
});
