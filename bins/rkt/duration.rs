//! Durations as Go writes them.

use std::time::Duration;

/// A duration with its sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Span {
    /// Below zero.
    Negative,
    /// Zero or more.
    Positive(Duration),
}

/// Nanoseconds in a unit.
const UNITS: [(&str, u128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Reads `0`, `-5s`, `1.5h`, `30m0s`.
///
/// # Errors
///
/// What Go's `time.ParseDuration` refuses: no number, no or an unknown unit, more than 2^63 ns.
pub(crate) fn parse(text: &str) -> Result<Span, String> {
    let wrong =
        || format!("invalid duration {text:?}: use a number and a unit, such as 30m or 1.5h");
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest.is_empty() {
        return Err(wrong());
    }
    let mut nanos: u128 = 0;
    while !rest.is_empty() && rest != "0" {
        let end = rest
            .find(|c: char| c != '.' && !c.is_ascii_digit())
            .ok_or_else(wrong)?;
        let (number, tail) = rest.split_at(end);
        let end = tail
            .find(|c: char| c == '.' || c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let (_, unit) = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or_else(wrong)?;
        nanos = nanos
            .checked_add(scaled(number, *unit).ok_or_else(wrong)?)
            .ok_or_else(wrong)?;
        rest = tail;
    }
    let nanos = u64::try_from(nanos)
        .ok()
        .filter(|nanos| i64::try_from(*nanos).is_ok());
    let duration = Duration::from_nanos(nanos.ok_or_else(wrong)?);
    Ok(if negative && !duration.is_zero() {
        Span::Negative
    } else {
        Span::Positive(duration)
    })
}

/// `number` (digits, perhaps with one point) times `unit`, cut to whole nanoseconds.
fn scaled(number: &str, unit: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') || number.len() > 30 {
        return None;
    }
    let mut nanos = if whole.is_empty() {
        0
    } else {
        whole.parse::<u128>().ok()?.checked_mul(unit)?
    };
    let mut place = unit;
    for digit in fraction.bytes() {
        place /= 10;
        nanos = nanos.checked_add(u128::from(digit - b'0') * place)?;
    }
    Some(nanos)
}

/// A duration of zero or more, for flags such as a grace period; a negative one counts as zero.
pub(crate) fn at_least_zero(text: &str) -> Result<Duration, String> {
    Ok(match parse(text)? {
        Span::Negative => Duration::ZERO,
        Span::Positive(duration) => duration,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gos_forms_are_read() {
        for (text, millis) in [
            ("0", 0),
            ("0s", 0),
            ("30m0s", 1_800_000),
            ("1.5h", 5_400_000),
            (".5s", 500),
            ("1h2m3s4ms", 3_723_004),
            ("+2s", 2_000),
            ("24h", 86_400_000),
        ] {
            assert_eq!(
                parse(text),
                Ok(Span::Positive(Duration::from_millis(millis))),
                "{text}"
            );
        }
        assert_eq!(parse("-5s"), Ok(Span::Negative));
        assert_eq!(
            parse("1.5us"),
            Ok(Span::Positive(Duration::from_nanos(1_500)))
        );
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "5",
            "s",
            "1x",
            "1.2.3s",
            "-",
            ".s",
            "99999999999h",
            "1s2",
            "١s",
            "1e3s",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
