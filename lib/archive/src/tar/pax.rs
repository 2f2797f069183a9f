//! PAX extended header records: `LENGTH KEYWORD=VALUE\n`, where the length counts itself.

/// One record. An empty value takes the field back to what the header block says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub(super) key: &'a [u8],
    pub(super) value: &'a [u8],
}

/// Splits the data of an extended header; `None` if any record is malformed.
///
/// Keywords end at the first `=`, are not empty and hold no zero byte. Zeros after the last record are
/// padding that some writers count in. Source: POSIX.1-2017 pax, "pax Extended Header".
pub(super) fn parse(mut data: &[u8]) -> Option<Vec<Record<'_>>> {
    let mut records = Vec::new();
    while !data.is_empty() {
        if data.iter().all(|byte| *byte == 0) {
            break;
        }
        let space = data.iter().take(20).position(|byte| *byte == b' ')?;
        let length = usize::try_from(decimal(&data[..space])?).ok()?;
        let body = data.get(space + 1..length)?.strip_suffix(b"\n")?;
        let equals = body.iter().position(|byte| *byte == b'=')?;
        let (key, value) = (&body[..equals], &body[equals + 1..]);
        if key.is_empty() || key.contains(&0) {
            return None;
        }
        records.push(Record { key, value });
        data = &data[length..];
    }
    Some(records)
}

/// Appends one record.
pub(super) fn append(data: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    // The space, the equals sign and the line feed.
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    data.extend_from_slice(length.to_string().as_bytes());
    data.push(b' ');
    data.extend_from_slice(key);
    data.push(b'=');
    data.extend_from_slice(value);
    data.push(b'\n');
}

/// Reads an unsigned decimal number: digits only.
pub(super) fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn malformed_records_are_refused() {
        let good: [&[u8]; 4] = [b"", b"7 a=bc\n", b"6 a=b\n5 c=\n\0\0\0", b"8 a=b=c\n"];
        for data in good {
            assert!(parse(data).is_some(), "{data:?}");
        }
        let bad: [&[u8]; 14] = [
            b"a=b\n",
            b" a=b\n",
            b"0 a=b\n",
            b"1 a=b\n",
            b"3 a=b\n",
            b"5 a=b\n",
            b"7 a=b\n",
            b"6 a=bc\n",
            b"-6 a=b\n",
            b"+6 a=b\n",
            b"5 =b\n",
            b"5 abc\n",
            b"7 a\0c=b\n",
            b"99999999999999999999999 a=b\n",
        ];
        for data in bad {
            assert!(parse(data).is_none(), "{data:?}");
        }
    }

    proptest! {
        #[test]
        fn records_written_are_read_back(
            records in prop::collection::vec(
                ("[a-zA-Z.]{1,120}", prop::collection::vec(any::<u8>(), 0..1200)), 0..5)
        ) {
            let mut data = Vec::new();
            for (key, value) in &records {
                append(&mut data, key.as_bytes(), value);
            }
            let read = parse(&data).unwrap();
            prop_assert_eq!(read.len(), records.len());
            for (record, (key, value)) in read.iter().zip(&records) {
                prop_assert_eq!((record.key, record.value), (key.as_bytes(), value.as_slice()));
            }
        }

        #[test]
        fn any_bytes_are_read_without_panic(data in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&data);
        }
    }
}
