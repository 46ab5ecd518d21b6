//! Points in time as the API tells them: RFC 3339 in UTC, to the millisecond.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::dialect::native::framework::value::Scalar;
use crate::domain::Timestamp;
use crate::soap::datetime;

/// A point in time, such as `2026-03-01T09:30:00.250Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dialect::native) struct Time(pub(in crate::dialect::native) Timestamp);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
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
