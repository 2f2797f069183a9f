//! Quantities: no text makes the reader panic, and what it accepts it prints so that it reads back the same
//! amount, in the same words. Signs and order are those of the amounts.

#![cfg_attr(feature = "libfuzzer", no_main)]

use gantry_types::Quantity;

gantry_fuzz::fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(quantity) = text.parse::<Quantity>() else {
        return;
    };
    let printed = quantity.to_string();
    let again = printed.parse::<Quantity>();
    assert_eq!(again, Ok(quantity));
    assert_eq!(again.map(|again| again.to_string()), Ok(printed));
    assert_eq!(
        quantity.nanos() < 0,
        quantity.value() < 0,
        "rounding lost the sign"
    );
    assert_eq!(
        quantity.nanos() == 0,
        quantity.value() == 0,
        "something became nothing"
    );
    assert!(quantity.value().unsigned_abs() <= quantity.milli_value().unsigned_abs());
});
