//! Points in time as the API tells them: RFC 3339 in UTC, to the millisecond.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::dialect::native::framework::value::Scalar;
use crate::domain::Timestamp;
use crate::soap::datetime;

const MILLIS_A_DAY: u64 = 24 * 60 * 60 * 1000;

/// A point in time, such as `2026-03-01T09:30:00.250Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dialect::native) struct Time(pub(in crate::dialect::native) Timestamp);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        let (year, month, day) = date(millis / MILLIS_A_DAY);
        let of_day = millis % MILLIS_A_DAY;
        let (seconds, millis) = (of_day / 1000, of_day % 1000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }
}

/// Year, month and day of a day counted from 1970-01-01.
fn date(days: u64) -> (u64, u64, u64) {
    // Counted in years that begin in March, a leap day is the last of its year, and 400 years have 146 097 days.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Scalar for Time {
    fn allowed() -> Cow<'static, str> {
        "a point in time such as 2026-03-01T09:30:00Z, with its offset from UTC".into()
    }

    fn from_json(value: &Value) -> Option<Self> {
        let text = value.as_str()?;
        let (_, time) = text.split_once('T')?;
        let zoned = time.ends_with('Z') || time.contains(['+', '-']);
        datetime::read(text).filter(|_| zoned).map(Self)
    }
}

impl JsonSchema for Time {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_in_time_is_told_as_rfc_3339_in_utc() {
        let told = |millis| Time(Timestamp::from_millis(millis)).to_string();
        assert_eq!(told(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(told(951_827_696_007), "2000-02-29T12:34:56.007Z");
        assert_eq!(told(951_868_800_000), "2000-03-01T00:00:00.000Z");
        assert_eq!(told(1_700_000_000_000), "2023-11-14T22:13:20.000Z");
        assert_eq!(told(1_735_689_599_999), "2024-12-31T23:59:59.999Z");
        assert_eq!(told(4_107_542_400_000), "2100-03-01T00:00:00.000Z");
    }
}
