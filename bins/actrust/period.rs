//! Lengths of time as people say them: `30d`, `12h`, `2w`.

use std::time::Duration;

/// Reads a number and one of the units h, d, w, y.
///
/// # Errors
///
/// A message for the command line.
pub(crate) fn period(text: &str) -> Result<Duration, String> {
    let wrong = || "give a number and one of h, d, w, y, as in 30d".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let hours: u64 = match unit {
        'h' => 1,
        'd' => 24,
        'w' => 7 * 24,
        'y' => 365 * 24,
        _ => return Err(wrong()),
    };
    let number = &text[..text.len() - 1];
    // Without this, `+3d` would do.
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let seconds = number.checked_mul(hours * 3600).ok_or_else(wrong)?;
    Ok(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_a_number_and_a_unit() {
        for (text, hours) in [("30d", 720), ("0h", 0), ("2w", 336), ("1y", 8760)] {
            assert_eq!(period(text), Ok(Duration::from_secs(hours * 3600)));
        }
        for bad in [
            "",
            "d",
            "30",
            "-1d",
            "+1d",
            "1.5d",
            "1m",
            "1 d",
            "1d2h",
            "5é",
            "99999999999999999999d",
            "9999999999999999999y",
        ] {
            assert!(period(bad).is_err(), "{bad}");
        }
    }
}
