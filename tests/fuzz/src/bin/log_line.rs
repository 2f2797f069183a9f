//! Log files of apps. No bytes make the reader panic, and a record that it accepts it writes so that it
//! reads back the same.

#![cfg_attr(feature = "libfuzzer", no_main)]

use gantry_types::log_line::LogLine;

gantry_fuzz::fuzz_target!(|data: &[u8]| {
    for line in data.split(|byte| *byte == b'\n') {
        let Some(record) = LogLine::parse(line) else {
            continue;
        };
        let mut written = Vec::new();
        record.write(&mut written);
        assert_eq!(written.pop(), Some(b'\n'));
        assert_eq!(LogLine::parse(&written), Some(record));
    }
});
