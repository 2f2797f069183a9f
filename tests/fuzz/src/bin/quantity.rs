//! Quantities: no text makes the reader panic, and what it accepts it prints so that it reads back the
//! same amount.

use gantry_types::Quantity;

gantry_fuzz::fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(quantity) = text.parse::<Quantity>() else {
        return;
    };
    assert_eq!(quantity.to_string().parse::<Quantity>(), Ok(quantity));
});
