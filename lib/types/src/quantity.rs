//! Amounts of a resource, such as `500m` cores or `1536Mi` bytes.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use crate::diagnostic::usage_errors;
use crate::json::{Cursor, Decode, DecodeError, Encode, Value, Writer};

/// Nanos in one.
const ONE: i128 = 1_000_000_000;

/// Where binary amounts are cut off: 2^63 - 1.
const BINARY_CAP: i128 = i64::MAX as i128 * ONE;

/// How an amount was written, and is written again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Notation {
    /// `500m`, `64M`.
    Decimal,
    /// `64Mi`.
    Binary,
    /// `64e6`.
    Exponent,
}

/// An amount of a resource, exact to the nano.
///
/// Written as a decimal number and a suffix: `n`, `u`, `m`, none, `k`, `M`, `G`, `T`, `P`, `E` for powers
/// of 1000, `Ki` to `Ei` for powers of 1024, `e3` or `E3` for a power of ten. What lies below a nano is
/// rounded away from zero, so that asking for something never becomes asking for nothing; binary amounts
/// are cut off at 2^63 - 1. Two quantities are equal if their amounts are, however they are written.
///
/// ```
/// let quantity: gantry_types::Quantity = "1.5Gi".parse().unwrap();
/// assert_eq!(quantity.value(), 1536 << 20);
/// assert_eq!(quantity.to_string(), "1536Mi");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Quantity {
    nanos: i128,
    notation: Notation,
}

/// A text is not a quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// The text does not look like one.
    #[error(
        "quantities must match the regular expression \
         '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
    )]
    Format,
    /// The number is not one.
    #[error("unable to parse numeric part of quantity")]
    Number,
    /// The suffix does not exist.
    #[error("unable to parse quantity's suffix")]
    Suffix,
    /// The amount is larger than 2^127 nanos.
    #[error("quantity {0:?} is too large")]
    TooLarge(String),
}
usage_errors!(QuantityError);

impl Quantity {
    /// Makes a whole amount, written with decimal suffixes.
    pub fn decimal(value: i64) -> Self {
        Self {
            nanos: i128::from(value) * ONE,
            notation: Notation::Decimal,
        }
    }

    /// Makes a whole amount, written with binary suffixes.
    pub fn binary(value: i64) -> Self {
        Self {
            notation: Notation::Binary,
            ..Self::decimal(value)
        }
    }

    /// The amount in nanos.
    pub fn nanos(&self) -> i128 {
        self.nanos
    }

    /// The amount as a whole number, rounded away from zero and kept within the range.
    pub fn value(&self) -> i64 {
        saturate(divide_away(self.nanos, ONE))
    }

    /// The amount in thousandths, rounded away from zero and kept within the range.
    pub fn milli_value(&self) -> i64 {
        saturate(divide_away(self.nanos, ONE / 1000))
    }
}

fn saturate(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

/// Divides by a positive number, rounding away from zero.
fn divide_away(value: i128, by: i128) -> i128 {
    value / by + (value % by).signum()
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let end = unsigned
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(end);
        if number.is_empty() || !is_suffix_like(suffix) {
            return Err(QuantityError::Format);
        }
        if number == "." || number.matches('.').count() > 1 {
            return Err(QuantityError::Number);
        }
        let scale = Scale::of(suffix).ok_or(QuantityError::Suffix)?;
        let too_large = || QuantityError::TooLarge(text.to_owned());
        let magnitude = scale.nanos(number).ok_or_else(too_large)?;
        let nanos = if text.starts_with('-') {
            -magnitude
        } else {
            magnitude
        };
        Ok(Self {
            nanos,
            notation: scale.notation,
        })
    }
}

/// Letters, then a sign, then digits.
fn is_suffix_like(suffix: &str) -> bool {
    let rest = suffix.trim_start_matches(|c| "eEinumkKMGTP".contains(c));
    let rest = rest.strip_prefix(['+', '-']).unwrap_or(rest);
    rest.bytes().all(|byte| byte.is_ascii_digit())
}

/// What a suffix means.
struct Scale {
    base: i128,
    exponent: i32,
    notation: Notation,
}

impl Scale {
    fn of(suffix: &str) -> Option<Self> {
        let decimal = |exponent| {
            Some(Self {
                base: 10,
                exponent,
                notation: Notation::Decimal,
            })
        };
        let binary = |exponent| {
            Some(Self {
                base: 2,
                exponent,
                notation: Notation::Binary,
            })
        };
        match suffix {
            "n" => decimal(-9),
            "u" => decimal(-6),
            "m" => decimal(-3),
            "" => decimal(0),
            "k" => decimal(3),
            "M" => decimal(6),
            "G" => decimal(9),
            "T" => decimal(12),
            "P" => decimal(15),
            "E" => decimal(18),
            "Ki" => binary(10),
            "Mi" => binary(20),
            "Gi" => binary(30),
            "Ti" => binary(40),
            "Pi" => binary(50),
            "Ei" => binary(60),
            _ => {
                let exponent = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
                Some(Self {
                    base: 10,
                    exponent,
                    notation: Notation::Exponent,
                })
            }
        }
    }

    /// The nanos of `number`, rounded up; `None` if they are too many.
    fn nanos(&self, number: &str) -> Option<i128> {
        if number.bytes().all(|byte| matches!(byte, b'0' | b'.')) {
            return Some(0); // whatever the exponent
        }
        if self.notation == Notation::Binary {
            let unit = self.base.pow(self.exponent.unsigned_abs()) * ONE;
            return Some(multiply(number, unit).map_or(BINARY_CAP, |nanos| nanos.min(BINARY_CAP)));
        }
        let shift = self.exponent.saturating_add(9);
        let power = self.base.checked_pow(shift.unsigned_abs());
        if shift >= 0 {
            multiply(number, power?)
        } else {
            // Less than a nano in each unit: what is not nothing is at least one nano.
            Some(power.map_or(1, |power| {
                multiply(number, 1).map_or(1, |n| divide_away(n, power))
            }))
        }
    }
}

/// The decimal `number` times `unit`, rounded up; `None` if that is too large.
fn multiply(number: &str, unit: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digit = |byte: u8| i128::from(byte - b'0');
    let whole = whole
        .bytes()
        .try_fold(0_i128, |sum, byte| {
            sum.checked_mul(10)?.checked_add(digit(byte))
        })?
        .checked_mul(unit)?;
    // From the last digit to the first, each step a division by ten that rounds up. Rounding up after
    // every step gives the same as rounding up once, since what is added in between is whole.
    let fraction = fraction.bytes().rev().try_fold(0_i128, |sum, byte| {
        let tenths = digit(byte).checked_mul(unit)?.checked_add(sum)?;
        Some(divide_away(tenths, 10))
    })?;
    whole.checked_add(fraction)
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nanos == 0 {
            return f.write_str("0");
        }
        // Below 1024 and with a fraction, binary suffixes would say less than decimal ones.
        let binary = self.notation == Notation::Binary
            && self.nanos % ONE == 0
            && self.nanos.abs() >= 1024 * ONE;
        if binary {
            let (number, times) = divide_out(self.nanos / ONE, 1024, 6);
            return write!(
                f,
                "{number}{}",
                ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][times]
            );
        }
        if self.notation == Notation::Exponent {
            let (number, times) = divide_out(self.nanos, 1000, usize::MAX);
            let exponent = 3 * i64::try_from(times).unwrap_or(0) - 9;
            return if exponent == 0 {
                write!(f, "{number}")
            } else {
                write!(f, "{number}e{exponent}")
            };
        }
        const SUFFIXES: [&str; 10] = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
        let (number, times) = divide_out(self.nanos, 1000, SUFFIXES.len() - 1);
        write!(f, "{number}{}", SUFFIXES[times])
    }
}

/// Divides by `by` as long as nothing is lost, at most `limit` times, and counts. Not for zero.
fn divide_out(mut value: i128, by: i128, limit: usize) -> (i128, usize) {
    let mut times = 0;
    while times < limit && value % by == 0 {
        value /= by;
        times += 1;
    }
    (value, times)
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

impl Hash for Quantity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.nanos.hash(state);
    }
}

impl Decode for Quantity {
    /// Reads a string, which may have white space around the amount, or a number, as the original does.
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let text = match &cursor.node().value {
            Value::Number(literal) => literal,
            _ => cursor.string()?,
        };
        text.trim()
            .parse()
            .map_err(|error: QuantityError| cursor.invalid(error))
    }
}

impl Encode for Quantity {
    fn encode(&self, out: &mut Writer) {
        out.string(&self.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly_and_written_in_canonical_form() {
        // Source: appc spec, "Isolators", quantities; what its Go package takes beyond that.
        let table: [(&str, i128, &str); 36] = [
            ("0", 0, "0"),
            ("0Ki", 0, "0"),
            ("-0", 0, "0"),
            ("0e99999", 0, "0"),
            ("1", ONE, "1"),
            ("+1", ONE, "1"),
            ("-1", -ONE, "-1"),
            ("1.", ONE, "1"),
            (".5", ONE / 2, "500m"),
            ("1.5", ONE * 3 / 2, "1500m"),
            ("1n", 1, "1n"),
            ("1u", 1_000, "1u"),
            ("1m", 1_000_000, "1m"),
            ("0.1n", 1, "1n"),
            ("-0.1n", -1, "-1n"),
            ("1.0000000001", ONE + 1, "1000000001n"),
            ("1e-10", 1, "1e-9"),
            ("1e-99999", 1, "1e-9"),
            ("1000", 1000 * ONE, "1k"),
            ("1k", 1000 * ONE, "1k"),
            ("1M", 1_000_000 * ONE, "1M"),
            ("256M", 256_000_000 * ONE, "256M"),
            ("1G", ONE * ONE, "1G"),
            ("2T", 2000 * ONE * ONE, "2T"),
            ("3P", 3_000_000 * ONE * ONE, "3P"),
            ("12E", 12 * ONE * ONE * ONE, "12E"),
            ("1000E", 1000 * ONE * ONE * ONE, "1000E"),
            ("1e3", 1000 * ONE, "1e3"),
            ("1E6", 1_000_000 * ONE, "1e6"),
            ("12e4", 120_000 * ONE, "120e3"),
            ("100e-3", ONE / 10, "100e-3"),
            ("1Ki", 1024 * ONE, "1Ki"),
            ("1.5Gi", (1536 << 20) * ONE, "1536Mi"),
            ("0.5Ki", 512 * ONE, "512"),
            ("0.0001Ki", 102_400_000, "102400u"),
            ("7Ei", (7 << 60) * ONE, "7Ei"),
        ];
        for (text, nanos, canonical) in table {
            let quantity: Quantity = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(quantity.nanos(), nanos, "{text}");
            assert_eq!(quantity.to_string(), canonical, "{text}");
        }
    }

    #[test]
    fn binary_amounts_are_cut_off_and_others_refused_when_too_large() {
        for text in [
            "8Ei",
            "9223372036854775808Ki",
            &format!("{}Ki", "9".repeat(200)),
        ] {
            assert_eq!(
                text.parse::<Quantity>().unwrap().value(),
                i64::MAX,
                "{text}"
            );
        }
        for text in ["1e30", "1e999999", &"9".repeat(200)] {
            assert!(
                matches!(text.parse::<Quantity>(), Err(QuantityError::TooLarge(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn other_texts_are_refused_by_the_rule_they_break() {
        use QuantityError::{Format, Number, Suffix};
        let table = [
            ("", Format),
            ("-", Format),
            ("k", Format),
            ("1 k", Format),
            (" 1", Format),
            ("1kk1x", Format),
            ("0x10", Format),
            ("1,5", Format),
            ("--1", Format),
            (".", Number),
            ("1.2.3", Number),
            ("..", Number),
            ("1K", Suffix),
            ("1ki", Suffix),
            ("1mi", Suffix),
            ("1e", Suffix),
            ("1ee3", Suffix),
            ("1Mi3", Suffix),
            ("1e99999999999999999999", Suffix),
        ];
        for (text, error) in table {
            assert_eq!(text.parse::<Quantity>(), Err(error), "{text:?}");
        }
    }

    #[test]
    fn whole_values_round_away_from_zero() {
        let table = [
            ("1.1", 2, 1100),
            ("-1.1", -2, -1100),
            ("0.1m", 1, 1),
            ("-12E", i64::MIN, i64::MIN),
        ];
        for (text, value, milli) in table {
            let quantity: Quantity = text.parse().unwrap();
            assert_eq!(
                (quantity.value(), quantity.milli_value()),
                (value, milli),
                "{text}"
            );
        }
    }
}
