//! Quantities: no text makes the reader panic, and what it accepts it prints so that it reads back the same
//! amount. Signs and order are those of the amounts.
//!
//! As in the original, a binary amount that no binary suffix divides is printed without one, and is a decimal
//! amount from then on: `62.5Ki`, `64000`, `64k`. After that the words stay.

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
    let settled = again.map(|again| again.to_string());
    let stays = settled
        .as_ref()
        .map(|text| text.parse::<Quantity>().map(|again| again.to_string()));
    assert_eq!(stays, Ok(settled.clone()), "{printed} does not settle");
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
