//! Key and value texts and what is made of them: volumes, mounts, mount points, ports. No text makes a reader
//! panic, and what it accepts it prints so that it reads back the same.

#![cfg_attr(feature = "libfuzzer", no_main)]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use gantry_types::{ExposedPort, Mount, MountPoint, Port, Volume, key_value};

fn round_trip<T: FromStr + Display + PartialEq + Debug>(text: &str) {
    let Ok(value) = text.parse::<T>() else { return };
    let printed = value.to_string();
    let again = printed.parse::<T>().ok();
    assert_eq!(again.as_ref(), Some(&value));
    assert_eq!(again.map(|again| again.to_string()), Some(printed));
}

gantry_fuzz::fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(pairs) = key_value::parse(text) {
        let pieces: Vec<String> = pairs
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        assert_eq!(pieces.join(","), text);
    }
    round_trip::<Volume>(text);
    round_trip::<Mount>(text);
    round_trip::<MountPoint>(text);
    round_trip::<ExposedPort>(text);
    round_trip::<Port>(text);
});
