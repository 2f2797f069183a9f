//! Numbers in header fields: octal text, or two's complement with the first bit set.

/// Reads a number field; blank is zero, as old tars write it.
///
/// `None` for anything but octal digits between spaces and zeros, and for numbers beyond 64 bits, which
/// readers that only look at the last eight bytes take for small ones. Source: GNU tar manual, "Large or
/// Negative Values".
pub(super) fn parse(field: &[u8]) -> Option<i64> {
    match field.first() {
        Some(first) if first & 0x80 != 0 => parse_binary(field),
        _ => parse_octal(field),
    }
}

fn parse_binary(field: &[u8]) -> Option<i64> {
    // The marker bit is not part of the number; the bit after it is its sign.
    let sign_extended = (field[0] << 1).cast_signed() >> 1;
    let high = i128::from(sign_extended);
    let value = field[1..].iter().try_fold(high, |value, byte| {
        value
            .checked_mul(256)
            .map(|shifted| shifted | i128::from(*byte))
    })?;
    i64::try_from(value).ok()
}

fn parse_octal(field: &[u8]) -> Option<i64> {
    let blank = |byte: &u8| matches!(byte, b' ' | 0);
    let start = field
        .iter()
        .position(|byte| !blank(byte))
        .unwrap_or(field.len());
    let digits = &field[start..];
    let end = digits.iter().position(blank).unwrap_or(digits.len());
    if !digits[end..].iter().all(blank) {
        return None;
    }
    digits[..end].iter().try_fold(0_i64, |value, byte| {
        let digit = matches!(byte, b'0'..=b'7').then(|| i64::from(byte - b'0'))?;
        value.checked_mul(8)?.checked_add(digit)
    })
}

/// Writes `value` as octal digits and a final zero, if it fits.
pub(super) fn format(field: &mut [u8], value: u64) -> bool {
    let digits = field.len() - 1;
    if digits * 3 < 64 && value >> (digits * 3) != 0 {
        return false;
    }
    for (index, byte) in field[..digits].iter_mut().rev().enumerate() {
        let digit = value
            .checked_shr(3 * u32::try_from(index).unwrap_or(u32::MAX))
            .unwrap_or(0)
            & 7;
        *byte = b'0' + u8::try_from(digit).unwrap_or(0);
    }
    field[digits] = 0;
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_as_tars_write_them_are_read() {
        let cases: [(&[u8], Option<i64>); 19] = [
            (b"0000644\0", Some(0o644)),
            (b" 644 \0\0\0", Some(0o644)),
            (b"   644 \0", Some(0o644)),
            (b"00000000010\0", Some(8)),
            (b"77777777777\0", Some((8 << 30) - 1)),
            (b"777777777777", Some((64 << 30) - 1)),
            (b"\0\0\0\0\0\0\0\0", Some(0)),
            (b"        ", Some(0)),
            (b"\x80\0\0\0\0\0\0\x02\0\0\0\0", Some(8 << 30)),
            (b"\x80\0\0\0\xff\xff\xff\xff", Some(0xffff_ffff)),
            (
                b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                Some(-1),
            ),
            (b"\xff\xff\xff\xff\x7f\xff\xff\xff\xff\xff\xff\xff", None),
            (b"\x80\0\0\0\x80\0\0\0\0\0\0\0", None),
            (b"\x80\x01\0\0\0\0\0\0\0\0\0\x05", None),
            (b"-0000001\0", None),
            (b"0000008\0", None),
            (b"0x1f\0\0\0\0", None),
            (b"12 34\0\0\0", None),
            (b"7777777777777777777777777", None),
        ];
        for (field, expected) in cases {
            assert_eq!(parse(field), expected, "{field:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_back(value in 0_u64..(1 << 33)) {
            let mut field = [0; 12];
            assert!(format(&mut field, value));
            assert_eq!(parse(&field), Some(value.cast_signed()));
        }

        #[test]
        fn any_field_is_read_without_panic(field in proptest::collection::vec(0_u8.., 0..25)) {
            let _ = parse(&field);
        }
    }

    #[test]
    fn a_number_too_large_for_its_field_is_not_written() {
        assert!(format(&mut [0; 8], 0o7_777_777));
        assert!(!format(&mut [0; 8], 0o10_000_000));
        assert!(!format(&mut [0; 12], 8 << 30));
    }
}
