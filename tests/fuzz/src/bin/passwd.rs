//! Invariant: whatever the bytes, an account found is one that a line starts with, and its number is
//! one that setresuid(2) does not take for "unchanged".

#![cfg_attr(feature = "libfuzzer", no_main)]

use gantry_stage1::find_account;

gantry_fuzz::fuzz_target!(|data: &[u8]| {
    for line in data.split(|byte| *byte == b'\n').take(64) {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        if let Ok(name) = std::str::from_utf8(name) {
            assert_ne!(find_account(data, name), Some(u32::MAX));
        }
    }
    assert_eq!(find_account(data, "no:such\nname"), None);
});
