//! The fields of requests, by the vendor's names and of the vendor's types, and one form of objection: which field, what
//! would be right, and what it is instead. The value itself is never repeated.

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde_json::Value;

use super::error::Failure;
use super::spelling;
use crate::dialect::Call;
use crate::dialect::json::{Members, Unread, type_of};
use crate::domain::route::DestinationKind;
use crate::domain::{Destination, InvalidName, MediaType};
use crate::text::unsigned;

/// Records in a page where the request does not say, and at most.
pub(super) const PAGE: usize = 100;

/// A field that is missing or wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Objection {
    field: Cow<'static, str>,
    problem: String,
}

impl Objection {
    pub(super) fn new(field: impl Into<Cow<'static, str>>, problem: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into() }
    }
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.problem)
    }
}

/// The members of a body that must be there.
///
/// # Errors
/// [`Failure::Unread`].
pub(super) fn of(call: &Call<'_>) -> Result<Members, Failure> {
    Ok(Members::read(call.head.headers, call.body)?)
}

/// The members of a body all of which are optional: an empty body has none.
///
/// # Errors
/// [`Failure::Unread`].
pub(super) fn of_query(call: &Call<'_>) -> Result<Members, Failure> {
    match Members::read(call.head.headers, call.body) {
        Err(Unread::Empty) => Ok(Members::default()),
        read => Ok(read?),
    }
}

/// The value that `field` must have.
pub(super) fn required<T>(
    field: &'static str,
    value: Result<Option<T>, Objection>,
    allowed: &str,
) -> Result<T, Objection> {
    value?.ok_or_else(|| Objection::new(field, format!("is required; it must be {allowed}")))
}

/// The value of a member in whatever case its name is; `None` if it was not given or is `null`.
///
/// # Errors
/// It is given in two spellings with different values.
pub(super) fn given<'m>(members: &'m Members, field: &str) -> Result<Option<&'m Value>, Objection> {
    spelling::given(members.iter(), field, "")
}

/// A text; `allowed` says what it must be.
pub(super) fn text<'m>(members: &'m Members, field: &'static str, allowed: &str) -> Result<Option<&'m str>, Objection> {
    match given(members, field)? {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(not(field, allowed, other)),
    }
}

/// A text that is dialled; empty counts as not given, since a number of no digits is none.
pub(super) fn dialled<T: FromStr<Err = InvalidName>>(
    members: &Members,
    field: &'static str,
    allowed: &str,
) -> Result<Option<T>, Objection> {
    match text(members, field, allowed)?.filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| Objection::new(field, format!("must be {allowed}"))),
    }
}

/// How the number in a field may be written: the vendor's tables and samples do not agree on some fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// As a number of JSON alone.
    Number,
    /// As a number, or as a text of digits; an empty text counts as not given.
    NumberOrText,
}

impl Written {
    /// The value of a field with the number that it is.
    fn read<'m>(self, members: &'m Members, field: &str) -> Result<Option<(&'m Value, Option<i64>)>, Objection> {
        Ok(given(members, field)?.and_then(|value| match (self, value) {
            (Self::NumberOrText, Value::String(text)) if text.trim().is_empty() => None,
            (Self::NumberOrText, _) => Some((value, whole(value))),
            (Self::Number, _) => Some((value, value.as_i64())),
        }))
    }
}

/// A whole number within a range.
pub(super) fn integer(
    members: &Members,
    field: &'static str,
    range: RangeInclusive<i64>,
    written: Written,
) -> Result<Option<i64>, Objection> {
    let Some((value, number)) = written.read(members, field)? else { return Ok(None) };
    let allowed = match (range.start(), range.end()) {
        (&i64::MIN, _) => "a whole number".to_owned(),
        (least, &i64::MAX) => format!("a whole number from {least} up"),
        (least, most) => format!("a whole number from {least} to {most}"),
    };
    match number {
        Some(number) if range.contains(&number) => Ok(Some(number)),
        Some(_) => Err(Objection::new(field, format!("must be {allowed}"))),
        None => Err(not_whole(field, &allowed, value)),
    }
}

/// The number that a value is or writes out.
pub(super) fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_i64(),
    }
}

/// One of the media types that are allowed here.
pub(super) fn media(
    members: &Members,
    field: &'static str,
    allowed: &[MediaType],
    written: Written,
) -> Result<Option<MediaType>, Objection> {
    let Some((value, number)) = written.read(members, field)? else { return Ok(None) };
    let media = number.and_then(|number| u64::try_from(number).ok()).and_then(MediaType::of);
    media.filter(|media| allowed.contains(media)).map(Some).ok_or_else(|| {
        let numbers: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        let one_of = format!("one of the integers {}", numbers.join(", "));
        match number {
            Some(_) => Objection::new(field, format!("must be {one_of}")),
            None => not_whole(field, &one_of, value),
        }
    })
}

/// The kind of destination, `devicetype`.
pub(super) fn kind(members: &Members) -> Result<Option<DestinationKind>, Objection> {
    const FIELD: &str = "devicetype";
    const ALLOWED: &str = "1 (skill queue) or 3 (IVR), as an integer";
    let Some(value) = given(members, FIELD)? else { return Ok(None) };
    match value.as_i64() {
        Some(1) => Ok(Some(DestinationKind::Skill)),
        Some(3) => Ok(Some(DestinationKind::Flow)),
        Some(_) => Err(Objection::new(FIELD, format!("must be {ALLOWED}"))),
        None => Err(not_whole(FIELD, ALLOWED, value)),
    }
}

/// The destination of a route: `devicetype` and `deviceId`, both of which must be given.
pub(super) fn destination(members: &Members) -> Result<Destination, Objection> {
    let kind = required("devicetype", kind(members), "1 (skill queue) or 3 (IVR), as an integer")?;
    let id = integer(members, "deviceId", 1..=u32::MAX.into(), Written::Number);
    let id = required("deviceId", id, "the id of a skill queue or an IVR flow, as an integer")?;
    // The range is that of the type.
    Ok(kind.with(u32::try_from(id).unwrap_or_default()))
}

/// Where a page begins and how many records it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) offset: usize,
    pub(super) limit: usize,
}

impl Window {
    /// The usual paging: a limit above 100 counts as 100, an offset below 0 as 0.
    pub(super) fn read(members: &Members, last_offset: i64) -> Result<Self, Objection> {
        let limit = integer(members, "limit", 0..=i64::MAX, Written::Number)?;
        let offset = integer(members, "offset", i64::MIN..=i64::MAX, Written::Number)?;
        if offset.is_some_and(|offset| offset > last_offset) {
            return Err(Objection::new("offset", format!("must be at most {last_offset}")));
        }
        Ok(Self::of(offset, limit))
    }

    pub(super) fn of(offset: Option<i64>, limit: Option<i64>) -> Self {
        let count = |number: Option<i64>, otherwise| number.map_or(otherwise, |n| usize::try_from(n).unwrap_or(0));
        Self { offset: count(offset, 0), limit: count(limit, PAGE).min(PAGE) }
    }

    /// The records of the page.
    pub(super) fn page<T>(self, records: impl Iterator<Item = T>) -> Vec<T> {
        records.skip(self.offset).take(self.limit).collect()
    }
}

/// A list of numbers in one text, each at most once in the answer; `separators` stand between them.
pub(super) fn list(field: &'static str, text: &str, separators: &[char], most: usize) -> Result<Vec<u32>, Failure> {
    let mut numbers = Vec::new();
    let mut seen = std::collections::HashSet::new();
    let mut count = 0_usize;
    for part in text.split(separators) {
        count += 1;
        let number = unsigned(part.trim()).ok_or_else(|| {
            Objection::new(
                field,
                format!("must be a list of whole numbers from 0 to {}, with {} between", u32::MAX, shown(separators)),
            )
        })?;
        if seen.insert(number) {
            numbers.push(number);
        }
    }
    if count > most {
        return Err(Failure::TooMany(Objection::new(field, format!("must name at most {most} at a time"))));
    }
    Ok(numbers)
}

fn shown(separators: &[char]) -> String {
    let quoted: Vec<String> = separators.iter().map(|separator| format!("'{separator}'")).collect();
    quoted.join(" or ")
}

/// The objection to a value of another type.
pub(super) fn not(field: impl Into<Cow<'static, str>>, allowed: &str, value: &Value) -> Objection {
    Objection::new(field, format!("must be {allowed}, not {}", type_of(value)))
}

/// The objection to what is no whole number: another type, a fraction, or a number out of all bounds.
fn not_whole(field: &'static str, allowed: &str, value: &Value) -> Objection {
    if value.is_number() { Objection::new(field, format!("must be {allowed}")) } else { not(field, allowed, value) }
}
