//! Times and sizes as people read them, in the forms of the original tools.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// How long ago `then` was, seen from `now`: `now`, `1 second ago`, `5 minutes ago`, `2 weeks ago`.
///
/// A time in the future, as on a host whose clock was set back, reads `from now` instead of `ago`.
pub fn relative_time(then: Timestamp, now: Timestamp) -> String {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    const WEEK: i64 = 7 * DAY;
    const MONTH: i64 = 30 * DAY;
    const YEAR: i64 = 12 * MONTH;
    let seconds = now.as_second() - then.as_second();
    let label = if seconds >= 0 { "ago" } else { "from now" };
    let distance = seconds.abs();
    let (count, unit) = match distance {
        0 => return "now".to_owned(),
        1..MINUTE => (distance, "second"),
        MINUTE..HOUR => (distance / MINUTE, "minute"),
        HOUR..DAY => (distance / HOUR, "hour"),
        DAY..WEEK => (distance / DAY, "day"),
        WEEK..MONTH => (distance / WEEK, "week"),
        MONTH..YEAR => (distance / MONTH, "month"),
        _ => (distance / YEAR, "year"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural} {label}")
}

/// A time in full: `2006-01-02 15:04:05.999 -0700 MST`, milliseconds without trailing zeros.
pub fn full_time(time: Timestamp, zone: &TimeZone) -> String {
    let zoned = time.to_zoned(zone.clone());
    let mut fraction = String::new();
    let millis = zoned.subsec_nanosecond() / 1_000_000;
    if millis > 0 {
        fraction = format!(".{millis:03}").trim_end_matches('0').to_owned();
    }
    format!(
        "{}{fraction} {}",
        zoned.strftime("%Y-%m-%d %H:%M:%S"),
        zoned.strftime("%z %Z")
    )
}

/// A size in IEC units without a space: `512B`, `5.7MiB`, `12MiB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 10 {
        return format!("{bytes}B");
    }
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    // One decimal below ten, none above, rounded half up: what rkt's listings show.
    let rounded = (value * 10.0 + 0.5).floor() / 10.0;
    if rounded < 10.0 && unit > 0 {
        format!("{rounded:.1}{}", UNITS[unit])
    } else {
        format!("{rounded:.0}{}", UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_times_read_like_rkts() {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        for (seconds, expected) in [
            (0, "now"),
            (1, "1 second ago"),
            (59, "59 seconds ago"),
            (60, "1 minute ago"),
            (7_200, "2 hours ago"),
            (86_400, "1 day ago"),
            (15 * 86_400, "2 weeks ago"),
            (61 * 86_400, "2 months ago"),
            (800 * 86_400, "2 years ago"),
            (-5, "5 seconds from now"),
        ] {
            let then = Timestamp::from_second(1_700_000_000 - seconds).unwrap();
            assert_eq!(relative_time(then, now), expected);
        }
    }

    #[test]
    fn full_times_drop_trailing_zeros_of_the_milliseconds() {
        let zone = TimeZone::UTC;
        for (millis, expected) in [
            (1_136_214_245_999, "2006-01-02 15:04:05.999 +0000 UTC"),
            (1_136_214_245_500, "2006-01-02 15:04:05.5 +0000 UTC"),
            (1_136_214_245_000, "2006-01-02 15:04:05 +0000 UTC"),
        ] {
            let time = Timestamp::from_millisecond(millis).unwrap();
            assert_eq!(full_time(time, &zone), expected);
        }
    }

    #[test]
    fn sizes_are_short() {
        for (bytes, expected) in [
            (0, "0B"),
            (512, "512B"),
            (1_024, "1.0KiB"),
            (6_000_000, "5.7MiB"),
            (12 << 20, "12MiB"),
            (1_073_741_824, "1.0GiB"),
            (u64::MAX, "16EiB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }
}
