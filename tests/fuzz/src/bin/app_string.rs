//! Image names: no text makes the readers panic, and what they accept is printed so that it reads back the
//! same, with labels in order. A name that is valid is also one that can be split.

#![cfg_attr(feature = "libfuzzer", no_main)]

use gantry_types::{AcIdentifier, AcName, ImageName};

gantry_fuzz::fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(name) = AcIdentifier::sanitize(text) {
        assert_eq!(name.as_str().parse::<AcIdentifier>().as_ref(), Ok(&name));
    }
    if let Ok(name) = AcName::sanitize(text) {
        assert_eq!(name.as_str().parse::<AcName>().as_ref(), Ok(&name));
    }
    let split = ImageName::split(text);
    let Ok(name) = text.parse::<ImageName>() else {
        return;
    };
    let (first, labels) = split.expect("a valid name can be split");
    assert_eq!(
        (first, labels.len()),
        (name.name.clone(), name.labels.len())
    );
    let printed = name.to_string();
    let again = printed.parse::<ImageName>();
    assert_eq!(again.as_ref(), Ok(&name));
    assert_eq!(again.map(|again| again.to_string()), Ok(printed));
});
