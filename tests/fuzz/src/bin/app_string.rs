//! Image names: no text makes the reader panic, and what it accepts it prints so that it reads back the
//! same.

use gantry_types::ImageName;

gantry_fuzz::fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(name) = text.parse::<ImageName>() else {
        return;
    };
    assert_eq!(name.to_string().parse::<ImageName>().as_ref(), Ok(&name));
});
