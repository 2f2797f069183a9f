//! Patterns of files to leave out: no text makes the reader panic or take long, and a path below one that is left
//! out is left out too unless something is brought back. The first line is a path, the others are patterns.

#![cfg_attr(feature = "libfuzzer", no_main)]

use gantry_archive::copy::Patterns;

gantry_fuzz::fuzz_target!(|data: &[u8]| {
    let split = data.iter().position(|byte| *byte == b'\n');
    let (path, text) = data.split_at(split.unwrap_or(0));
    let Ok(patterns) = Patterns::parse(text) else {
        return;
    };
    let below = [path, b"/below"].concat();
    if patterns.exclude(path) && !patterns.bring_back() {
        assert!(patterns.exclude(&below));
    }
});
