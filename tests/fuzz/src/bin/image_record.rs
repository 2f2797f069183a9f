//! Invariant: any bytes are read or refused; what is read is written and read as the same again.

#![cfg_attr(feature = "libfuzzer", no_main)]

use gantry_store::ImageRecord;

gantry_fuzz::fuzz_target!(|data: &[u8]| {
    if let Ok(record) = ImageRecord::from_json(data) {
        let again = ImageRecord::from_json(&record.to_json()).expect("what we write we read");
        assert_eq!(again, record);
    }
});
