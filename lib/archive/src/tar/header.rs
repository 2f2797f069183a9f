//! Header blocks, and what an entry can be.

use super::{BLOCK, number};

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file; its data follows.
    File,
    /// Another name for the file that the archive calls so.
    HardLink(Vec<u8>),
    /// A symbolic link to any text.
    Symlink(Vec<u8>),
    /// A directory.
    Directory,
    /// A character device.
    CharDevice {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
    /// A block device.
    BlockDevice {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
    /// A named pipe.
    Fifo,
}

/// A point in time: seconds since 1970 in UTC, possibly negative, and nanoseconds after that second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp {
    /// Whole seconds, rounded down.
    pub seconds: i64,
    /// 0 to 999,999,999.
    pub nanoseconds: u32,
}

impl Timestamp {
    /// Reads a decimal number of seconds with an optional sign and fraction, as PAX has it.
    ///
    /// Digits beyond nanoseconds are dropped.
    pub(super) fn from_decimal(text: &[u8]) -> Option<Self> {
        let (negative, text) = match text.strip_prefix(b"-") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let mut parts = text.splitn(2, |byte| *byte == b'.');
        let whole = super::pax::decimal(parts.next()?)?;
        let fraction = parts.next().unwrap_or_default();
        if !fraction.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let digit = |index| fraction.get(index).map_or(0, |byte| u32::from(byte - b'0'));
        let nanoseconds = (0..9).fold(0, |value, index| value * 10 + digit(index));
        let whole = i64::try_from(whole).ok()?;
        Some(match (negative, nanoseconds) {
            (false, _) => Self {
                seconds: whole,
                nanoseconds,
            },
            (true, 0) => Self {
                seconds: -whole,
                nanoseconds,
            },
            (true, _) => Self {
                seconds: -whole - 1,
                nanoseconds: 1_000_000_000 - nanoseconds,
            },
        })
    }

    /// The inverse of [`Timestamp::from_decimal`], without trailing zeros.
    pub(super) fn to_decimal(self) -> String {
        let (sign, whole, fraction) = match (self.seconds < 0, self.nanoseconds) {
            (true, 0) => ("-", self.seconds.unsigned_abs(), 0),
            (true, fraction) => (
                "-",
                (self.seconds + 1).unsigned_abs(),
                1_000_000_000 - fraction,
            ),
            (false, fraction) => ("", self.seconds.unsigned_abs(), fraction),
        };
        if fraction == 0 {
            return format!("{sign}{whole}");
        }
        format!(
            "{sign}{whole}.{}",
            format!("{fraction:09}").trim_end_matches('0')
        )
    }
}

/// Which family of tars wrote a header, by its magic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// `ustar` and a zero: POSIX, with a prefix field.
    Posix,
    /// `ustar` and blanks: GNU; where the prefix would be lie times and sparse extents.
    Gnu,
    /// Before POSIX.
    V7,
}

/// A header block whose checksum is right.
pub(super) struct Header<'a>(&'a [u8; BLOCK]);

impl<'a> Header<'a> {
    /// `None` if the checksum is wrong, which means that this is no header.
    ///
    /// Some old tars added up signed bytes. Source: POSIX.1-2017 pax, "ustar Interchange Format".
    pub(super) fn new(block: &'a [u8; BLOCK]) -> Option<Self> {
        let stated = number::parse(&block[CHECKSUM])?;
        let (unsigned, signed) = checksums(block);
        (stated == unsigned || stated == signed).then_some(Self(block))
    }

    fn format(&self) -> Format {
        match &self.0[257..265] {
            [b'u', b's', b't', b'a', b'r', 0, ..] => Format::Posix,
            b"ustar  \0" => Format::Gnu,
            _ => Format::V7,
        }
    }

    pub(super) fn type_flag(&self) -> u8 {
        self.0[156]
    }

    pub(super) fn path(&self) -> Vec<u8> {
        let name = until_zero(&self.0[..100]);
        // star keeps times in the last bytes of the prefix field and signs the block.
        let prefix_end = if self.0.ends_with(b"tar\0") {
            345 + 131
        } else {
            345 + 155
        };
        let prefix = match self.format() {
            Format::Posix => until_zero(&self.0[345..prefix_end]),
            Format::Gnu | Format::V7 => b"",
        };
        if prefix.is_empty() {
            name.to_owned()
        } else {
            [prefix, b"/", name].concat()
        }
    }

    pub(super) fn link(&self) -> Vec<u8> {
        until_zero(&self.0[157..257]).to_owned()
    }

    pub(super) fn mode(&self) -> Option<i64> {
        number::parse(&self.0[100..108])
    }

    pub(super) fn uid(&self) -> Option<i64> {
        number::parse(&self.0[108..116])
    }

    pub(super) fn gid(&self) -> Option<i64> {
        number::parse(&self.0[116..124])
    }

    pub(super) fn size(&self) -> Option<i64> {
        number::parse(&self.0[124..136])
    }

    pub(super) fn mtime(&self) -> Option<i64> {
        number::parse(&self.0[136..148])
    }

    pub(super) fn device(&self) -> Option<(i64, i64)> {
        Some((
            number::parse(&self.0[329..337])?,
            number::parse(&self.0[337..345])?,
        ))
    }

    /// Old GNU sparse header: the first four extents.
    pub(super) fn sparse_extents(&self) -> &'a [u8] {
        &self.0[386..482]
    }

    /// Old GNU sparse header: whether a block of further extents follows.
    pub(super) fn sparse_is_extended(&self) -> bool {
        self.0[482] != 0
    }

    /// Old GNU sparse header: size of the file with its holes.
    pub(super) fn sparse_size(&self) -> Option<i64> {
        number::parse(&self.0[483..495])
    }
}

/// Whether these bytes begin with a header block of any family of tars.
pub(crate) fn is_tar_header(head: &[u8]) -> bool {
    let block = head.first_chunk().filter(|block| block[0] != 0);
    block.is_some_and(|block| Header::new(block).is_some())
}

/// Where the checksum stands in a block.
pub(super) const CHECKSUM: std::ops::Range<usize> = 148..156;

/// Sums of all bytes of a block, as unsigned and as signed, with blanks in place of the checksum.
pub(super) fn checksums(block: &[u8; BLOCK]) -> (i64, i64) {
    let mut sums = (0_i64, 0_i64);
    for (index, byte) in block.iter().enumerate() {
        let byte = if CHECKSUM.contains(&index) {
            b' '
        } else {
            *byte
        };
        sums.0 += i64::from(byte);
        sums.1 += i64::from(byte.cast_signed());
    }
    sums
}

fn until_zero(field: &[u8]) -> &[u8] {
    let end = field
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(field.len());
    &field[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_with_fractions_before_and_after_1970_are_read_and_written() {
        let cases: [(&str, i64, u32); 6] = [
            ("0", 0, 0),
            ("1234567890.123456789", 1_234_567_890, 123_456_789),
            ("1.5", 1, 500_000_000),
            ("-1", -1, 0),
            ("-1.25", -2, 750_000_000),
            ("-0.5", -1, 500_000_000),
        ];
        for (text, seconds, nanoseconds) in cases {
            let time = Timestamp {
                seconds,
                nanoseconds,
            };
            assert_eq!(
                Timestamp::from_decimal(text.as_bytes()),
                Some(time),
                "{text}"
            );
            assert_eq!(time.to_decimal(), text);
        }
        assert_eq!(
            Timestamp::from_decimal(b"1.0000000019")
                .unwrap()
                .nanoseconds,
            1
        );
        for bad in [
            "",
            "-",
            ".5",
            "1.5.5",
            "1e9",
            " 1",
            "+1",
            "99999999999999999999",
            "--1",
        ] {
            assert_eq!(Timestamp::from_decimal(bad.as_bytes()), None, "{bad:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_time_survives(seconds in proptest::prelude::any::<i32>(), nanoseconds in 0_u32..1_000_000_000) {
            let time = Timestamp { seconds: seconds.into(), nanoseconds };
            assert_eq!(Timestamp::from_decimal(time.to_decimal().as_bytes()), Some(time));
        }
    }
}
