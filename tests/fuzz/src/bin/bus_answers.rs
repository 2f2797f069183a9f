//! Invariant: whatever a bus sends is read to its end, and has no more answers than there is room for.

#![cfg_attr(feature = "libfuzzer", no_main)]

use gantry_stage1::answers_of_bus;

gantry_fuzz::fuzz_target!(|data: &[u8]| {
    let count = answers_of_bus(data).unwrap_or_default();
    assert!(u64::from(count) * 16 <= data.len() as u64);
});
