//! Times of files in text.

use gantry_ops::diff::Timestamp;
use jiff::Timestamp as Moment;

/// RFC 3339 in UTC, with as many digits of the second as there are; beyond the years that has, `@` and
/// the seconds since 1970.
pub(crate) fn time(at: Timestamp) -> String {
    // The two have the sign of the whole in common there, and round down here.
    let moment = i32::try_from(at.nanoseconds)
        .ok()
        .and_then(|nanoseconds| Moment::new(at.seconds, nanoseconds).ok());
    match moment {
        Some(moment) => moment.to_string(),
        None => format!("@{}", at.seconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_whatever_they_are() {
        for (seconds, nanoseconds, text) in [
            (0, 0, "1970-01-01T00:00:00Z"),
            (1_700_000_000, 500_000_000, "2023-11-14T22:13:20.5Z"),
            (-2, 750_000_000, "1969-12-31T23:59:58.75Z"),
            (i64::MAX, 0, "@9223372036854775807"),
        ] {
            assert_eq!(
                time(Timestamp {
                    seconds,
                    nanoseconds
                }),
                text
            );
        }
    }
}
