//! Dates as annotations hold them.

use crate::diagnostic::usage_errors;

/// A text is not a date.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("bad Date: {0:?} is not in the form 2006-01-02T15:04:05Z (RFC 3339)")]
pub struct DateError(String);
usage_errors!(DateError);

/// A moment in the form of RFC 3339, kept as it was written.
///
/// As Go's parser has it, the hour may have one digit, the fraction a comma, and the zone any two numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Date(Box<str>);

impl Date {
    /// The date as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Date {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if well_formed(text.as_bytes()).is_some() {
            Ok(Self(text.into()))
        } else {
            Err(DateError(text.to_owned()))
        }
    }
}

impl std::fmt::Display for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads `YYYY-MM-DDTHH:MM:SS[.F…](Z|±HH:MM)`; `Some` if the text is that and every number in range.
fn well_formed(text: &[u8]) -> Option<()> {
    let short = text.get(12) == Some(&b':');
    let padded = short.then(|| [&text[..11], b"0", &text[11..]].concat());
    let text = padded.as_deref().unwrap_or(text);
    let number = |from: usize, to: usize| -> Option<u32> {
        text.get(from..to)?.iter().try_fold(0, |sum, byte| {
            byte.is_ascii_digit()
                .then(|| sum * 10 + u32::from(byte - b'0'))
        })
    };
    let mark = |at: usize, byte: u8| (text.get(at) == Some(&byte)).then_some(());
    let below = |value: u32, limit: u32| (value < limit).then_some(());
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    mark(4, b'-').and(mark(7, b'-')).and(mark(10, b'T'))?;
    mark(13, b':').and(mark(16, b':'))?;
    below(number(11, 13)?, 24)?;
    below(number(14, 16)?, 60)?;
    below(number(17, 19)?, 60)?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    (1..=days).contains(&day).then_some(())?;
    let mut zone = 19;
    if mark(zone, b'.').or(mark(zone, b',')).is_some() {
        zone += 1;
        number(zone, zone + 1)?;
        while text.get(zone).is_some_and(u8::is_ascii_digit) {
            zone += 1;
        }
    }
    match text.get(zone)? {
        b'Z' => (text.len() == zone + 1).then_some(()),
        b'+' | b'-' => {
            mark(zone + 3, b':')?;
            number(zone + 1, zone + 3).and(number(zone + 4, zone + 6))?;
            (text.len() == zone + 6).then_some(())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_rfc_3339() {
        // Source: appc spec, schema/types/date.go.
        for text in [
            "2014-10-27T19:32:27Z",
            "2014-10-27T19:32:27.67021798Z",
            "2014-10-27T19:32:27+01:30",
            "2014-10-27T19:32:27.5-23:59",
            "2016-02-29T00:00:00Z",
            "2000-02-29T23:59:59Z",
            "0000-01-01T00:00:00Z",
            "2014-10-27T9:32:27,5+99:99",
        ] {
            assert_eq!(text.parse::<Date>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "2014-10-27",
            "2014-10-27 19:32:27Z",
            "2014-10-27t19:32:27Z",
            "2014-10-27T19:32:27",
            "2014-10-27T19:32:27z",
            "2014-10-27T19:32:27.Z",
            "2014-10-27T19:32:27Zx",
            "2014-10-27T19:32:27+0130",
            "2014-10-27T19:32:27+01:300",
            "2014-10-27T24:00:00Z",
            "2014-10-27T19:60:00Z",
            "2014-10-27T19:32:60Z",
            "2014-13-01T00:00:00Z",
            "2014-00-01T00:00:00Z",
            "2014-11-31T00:00:00Z",
            "2014-01-00T00:00:00Z",
            "2015-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "14-10-27T19:32:27Z",
            "+014-10-27T19:32:27Z",
        ] {
            let error = text.parse::<Date>().unwrap_err().to_string();
            assert!(error.starts_with("bad Date: "), "{text}: {error}");
        }
    }
}
