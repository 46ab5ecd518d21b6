//! Points in time as XML Schema writes them: `2030-01-31T12:00:00.5Z`, `2030-01-31T13:00:00+01:00`.

use crate::domain::Timestamp;
use crate::text::is_digits;

const DAY: i64 = 86_400;

/// Reads an `xs:dateTime`; one without a zone counts as UTC, one before 1970 as the beginning of 1970. `None` if it is
/// none.
pub fn read(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once('T')?;
    let (time, offset) = zone(time)?;
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let milliseconds = milliseconds(fraction)?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
    let midnight = hour == 24 && minute == 0 && second == 0 && milliseconds == 0;
    let right = (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day)
        && (hour < 24 || midnight)
        && minute < 60
        && second < 60;
    if !right {
        return None;
    }
    let seconds = days_since_epoch(year, month, day) * DAY + hour * 3600 + minute * 60 + second - offset;
    Some(Timestamp::from_millis(u64::try_from(seconds * 1000 + milliseconds).unwrap_or(0)))
}

/// Cuts the zone off a time and gives its offset from UTC in seconds.
fn zone(time: &str) -> Option<(&str, i64)> {
    if let Some(time) = time.strip_suffix('Z') {
        return Some((time, 0));
    }
    let Some(at) = time.find(['+', '-']) else { return Some((time, 0)) };
    let [hours, minutes] = numbers(&time[at + 1..], ':', [2, 2])?;
    if hours > 14 || minutes > 59 {
        return None;
    }
    let sign = if time[at..].starts_with('-') { -1 } else { 1 };
    Some((&time[..at], sign * (hours * 3600 + minutes * 60)))
}

/// The first three digits of a fraction of a second.
fn milliseconds(fraction: &str) -> Option<i64> {
    if !is_digits(fraction) {
        return None;
    }
    format!("{fraction:0<3}")[..3].parse().ok()
}

/// Numbers of exactly these widths with `separator` between.
fn numbers<const N: usize>(text: &str, separator: char, widths: [usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; N];
    for (number, width) in numbers.iter_mut().zip(widths) {
        let part = parts.next().filter(|part| part.len() == width && is_digits(part))?;
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the Gregorian calendar, counted in years that begin in March, so that the leap day is last.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(text: &str) -> Option<u64> {
        read(text).map(Timestamp::as_millis)
    }

    #[test]
    fn times_are_read_in_every_form_the_schema_has() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-02T00:00:00", 86_400_000),
            ("2000-02-29T12:00:00.5Z", 951_825_600_500),
            ("2000-02-29T13:00:00+01:00", 951_825_600_000),
            ("2000-02-29T06:30:00.0009-05:30", 951_825_600_000),
            ("2024-12-31T24:00:00Z", 1_735_689_600_000),
            ("2025-01-01T00:00:00.123456Z", 1_735_689_600_123),
            ("1969-12-31T23:59:59Z", 0),
            ("9999-12-31T23:59:59Z", 253_402_300_799_000),
        ] {
            assert_eq!(millis(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "now",
            "2025-01-01",
            "2025-01-01 00:00:00Z",
            "2025-13-01T00:00:00Z",
            "2025-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2025-01-01T24:00:01Z",
            "2025-01-01T00:60:00Z",
            "2025-01-01T00:00:60Z",
            "2025-01-01T00:00:00.Z",
            "2025-01-01T00:00:00.xZ",
            "2025-01-01T00:00Z",
            "2025-1-1T00:00:00Z",
            "2025-01-01T00:00:00+15:00",
            "2025-01-01T00:00:00+1",
            "2025-01-01T00:00:00ZZ",
            "+2025-01-01T00:00:00Z",
            "2025-01-01T-1:00:00Z",
            "2025-01-01T00:00:00é",
        ] {
            assert_eq!(millis(text), None, "{text}");
        }
    }
}
