//! One line of an app's output as it is kept in a pod directory.
//!
//! ```text
//! 2016-10-06T00:17:09.669794202Z stdout F text of the line
//! ```
//!
//! Time in UTC, stream, `F` for a line that ends here or `P` for one that goes on in the next record of
//! the stream, and the bytes that the app wrote, whatever they are. Source: Kubernetes,
//! `design-proposals/node/kubelet-cri-logging.md`.

/// Largest piece of a line in one record, in bytes; longer lines are cut. Source: as for the format,
/// whose writers cut lines there.
pub const MAX_PIECE_BYTES: usize = 16 * 1024;

/// Where an app wrote a line to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl LogStream {
    /// `stdout` or `stderr`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// A record of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogLine<'a> {
    /// When it was read from the app, in nanoseconds since 1970.
    pub time: u64,
    /// Where the app wrote it to.
    pub stream: LogStream,
    /// The line goes on in the next record of the same stream.
    pub partial: bool,
    /// What the app wrote, without the newline.
    pub text: &'a [u8],
}

impl<'a> LogLine<'a> {
    /// Reads a record, without the newline at its end; `None` for what is none.
    #[must_use]
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let (time, rest) = split(line)?;
        let (stream, rest) = split(rest)?;
        let (tags, text) = split(rest)?;
        Some(Self {
            time: parse_time(time)?,
            stream: match stream {
                b"stdout" => LogStream::Stdout,
                b"stderr" => LogStream::Stderr,
                _ => return None,
            },
            // Further tags may follow after a colon.
            partial: match tags.split(|byte| *byte == b':').next()? {
                b"P" => true,
                b"F" => false,
                _ => return None,
            },
            text,
        })
    }

    /// Appends the record and a newline to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&format_time(self.time));
        out.push(b' ');
        out.extend_from_slice(self.stream.as_str().as_bytes());
        out.extend_from_slice(if self.partial { b" P " } else { b" F " });
        out.extend_from_slice(self.text);
        out.push(b'\n');
    }
}

fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = line.iter().position(|byte| *byte == b' ')?;
    Some((&line[..space], &line[space + 1..]))
}

/// Bytes of a time as [`format_time`] writes it.
pub const TIME_BYTES: usize = 30;

const NANOS_PER_SECOND: u64 = 1_000_000_000;
const SECONDS_PER_DAY: u64 = 86_400;

/// A time in nanoseconds since 1970 as `2006-01-02T15:04:05.000000000Z`.
#[must_use]
pub fn format_time(time: u64) -> [u8; TIME_BYTES] {
    let seconds = time / NANOS_PER_SECOND;
    let (year, month, day) = civil(seconds / SECONDS_PER_DAY);
    let of_day = seconds % SECONDS_PER_DAY;
    let mut out = *b"0000-00-00T00:00:00.000000000Z";
    for (from, to, value) in [
        (0, 4, year),
        (5, 7, month),
        (8, 10, day),
        (11, 13, of_day / 3600),
        (14, 16, of_day / 60 % 60),
        (17, 19, of_day % 60),
        (20, 29, time % NANOS_PER_SECOND),
    ] {
        let mut left = value;
        for digit in out[from..to].iter_mut().rev() {
            *digit = b'0' + u8::try_from(left % 10).unwrap_or_default();
            left /= 10;
        }
    }
    out
}

/// Reads such a time, with at most nine digits of a fraction, or none.
#[must_use]
pub fn parse_time(text: &[u8]) -> Option<u64> {
    let number = |from: usize, to: usize| digits(text.get(from..to)?);
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if marks.iter().any(|(at, mark)| text.get(*at) != Some(mark)) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if year < 1970 || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let days = days_since_1970(year, month, day)?;
    let fraction = match text.get(19..)? {
        b"Z" => 0,
        [b'.', fraction @ .., b'Z'] if (1..=9).contains(&fraction.len()) => {
            let scale = 10_u64.pow(9 - u32::try_from(fraction.len()).ok()?);
            digits(fraction)? * scale
        }
        _ => return None,
    };
    (days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second)
        .checked_mul(NANOS_PER_SECOND)?
        .checked_add(fraction)
}

fn digits(text: &[u8]) -> Option<u64> {
    text.iter().try_fold(0_u64, |sum, byte| {
        byte.is_ascii_digit()
            .then(|| sum * 10 + u64::from(byte - b'0'))
    })
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn month_days(year: u64, month: u64) -> u64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from the beginning of 1970 to that of `year`.
fn days_to_year(year: u64) -> u64 {
    let leap_days = |year: u64| year / 4 - year / 100 + year / 400;
    365 * (year - 1970) + leap_days(year - 1) - leap_days(1969)
}

fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1..=12).contains(&month) || !(1..=month_days(year, month)).contains(&day) {
        return None;
    }
    let months: u64 = (1..month).map(|month| month_days(year, month)).sum();
    Some(days_to_year(year) + months + day - 1)
}

/// Year, month and day of a number of days since 1970.
fn civil(days: u64) -> (u64, u64, u64) {
    // Never too late, since no year is shorter, and at most a few years too early.
    let mut year = 1970 + days / 366;
    while days_to_year(year + 1) <= days {
        year += 1;
    }
    let mut day = days - days_to_year(year);
    let mut month = 1;
    while day >= month_days(year, month) {
        day -= month_days(year, month);
        month += 1;
    }
    (year, month, day + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn records_are_read() {
        let time = 1_475_712_000_000_000_000 + 1029 * NANOS_PER_SECOND + 669_794_202;
        for (line, stream, partial, text) in [
            (
                &b"stdout F hello"[..],
                LogStream::Stdout,
                false,
                &b"hello"[..],
            ),
            (b"stderr P  a b ", LogStream::Stderr, true, b" a b "),
            (b"stdout F ", LogStream::Stdout, false, b""),
            (
                b"stdout P:x \xff\0\x1b[2J\r",
                LogStream::Stdout,
                true,
                b"\xff\0\x1b[2J\r",
            ),
        ] {
            let line = [b"2016-10-06T00:17:09.669794202Z ", line].concat();
            let expected = LogLine {
                time,
                stream,
                partial,
                text,
            };
            assert_eq!(LogLine::parse(&line), Some(expected));
        }
    }

    #[test]
    fn what_is_no_record_is_told() {
        for bad in [
            &b""[..],
            b"hello",
            b"2016-10-06T00:17:09.669794202Z",
            b"2016-10-06T00:17:09.669794202Z stdout",
            b"2016-10-06T00:17:09.669794202Z stdout F",
            b"2016-10-06T00:17:09.669794202Z stdin F x",
            b"2016-10-06T00:17:09.669794202Z stdout X x",
            b"2016-10-06T00:17:09.6697942021Z stdout F x",
            b"2016-10-06T00:17:09.Z stdout F x",
            b"2016-10-06T00:17:09 stdout F x",
            b"2016-13-06T00:17:09Z stdout F x",
            b"2015-02-29T00:17:09Z stdout F x",
            b"2016-10-00T00:17:09Z stdout F x",
            b"2016-10-06T24:17:09Z stdout F x",
            b"1969-12-31T23:59:59Z stdout F x",
            b"9999-12-31T23:59:59Z stdout F x",
            b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            b"17:09.669794202Z stdout F cut at the front",
        ] {
            assert_eq!(LogLine::parse(bad), None, "{}", bad.escape_ascii());
        }
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        for (time, text) in [
            (0, "1970-01-01T00:00:00.000000000Z"),
            (951_782_400_000_000_001, "2000-02-29T00:00:00.000000001Z"),
            (4_107_542_399_999_999_999, "2100-02-28T23:59:59.999999999Z"),
            (u64::MAX, "2554-07-21T23:34:33.709551615Z"),
        ] {
            assert_eq!(format_time(time), text.as_bytes());
            assert_eq!(parse_time(text.as_bytes()), Some(time), "{text}");
        }
        assert_eq!(parse_time(b"1970-01-01T00:00:01Z"), Some(NANOS_PER_SECOND));
        assert_eq!(parse_time(b"1970-01-01T00:00:00.5Z"), Some(500_000_000));
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(time: u64, err: bool, partial: bool, text: Vec<u8>) {
            let text: Vec<u8> = text.into_iter().filter(|byte| *byte != b'\n').collect();
            let stream = if err { LogStream::Stderr } else { LogStream::Stdout };
            let line = LogLine { time, stream, partial, text: &text };
            let mut written = Vec::new();
            line.write(&mut written);
            prop_assert_eq!(written.pop(), Some(b'\n'));
            prop_assert_eq!(LogLine::parse(&written), Some(line));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = LogLine::parse(&bytes);
            let _ = parse_time(&bytes);
        }
    }
}
