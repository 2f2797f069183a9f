//! Invariant: whatever the bytes, looking for an interpreter ends, and one that is found is not empty.

#![cfg_attr(feature = "libfuzzer", no_main)]

use gantry_stage1::interpreter_of_program;

gantry_fuzz::fuzz_target!(|data: &[u8]| {
    assert_ne!(interpreter_of_program(data).as_deref(), Some(""));
});
