//! What groups are used for, as records: the quarter of an hour that runs with the tables; what is over apart, a day after the
//! other, and in a day by the group, so that a day goes as a whole and what a group has of it lies side by side.

use std::sync::Arc;

use super::keys::{push_name, scope_of, take_name};
use super::{USUAL_BYTES, Unreadable, damaged, fields, tag};
use crate::domain::usage::{Group, Span, UsageRecord};
use crate::domain::{EnvironmentName, GroupName, Scope};

/// The key of what a group is used for now.
pub(super) fn running_key(scope: &Scope, group: &Group) -> Vec<u8> {
    let mut key = super::key(tag::USAGE, scope, &[]);
    push_name(&mut key, group.as_ref().map(GroupName::as_str));
    key
}

/// The group that a key names at its end.
pub(super) fn group(key: &[u8], rest: &[u8]) -> Result<Group, Unreadable> {
    let name = take_name(rest).filter(|(_, rest)| rest.is_empty()).map(|(name, _)| name);
    let name = name.ok_or_else(|| damaged(key, "its key is cut short"))?;
    name.map(GroupName::new).transpose().map_err(|_| damaged(key, "its key names no group"))
}

const fn of_span(span: Span) -> u8 {
    match span {
        Span::Quarter => 0,
        Span::Hour => 1,
    }
}

fn span(byte: u8) -> Option<Span> {
    Span::ALL.into_iter().find(|span| of_span(*span) == byte)
}

/// The key under which it is said before which day everything is dropped.
pub(super) fn floor_key(span: Span) -> Vec<u8> {
    vec![tag::USAGE_FLOOR, of_span(span)]
}

/// The key under which the records of a day are counted.
pub(super) fn day_key(span: Span, day: u32) -> Vec<u8> {
    [&[tag::USAGE_DAY, of_span(span)][..], &day.to_be_bytes()].concat()
}

/// Which of these a key of the first kind is about.
pub(super) fn floor(key: &[u8]) -> Option<Span> {
    match key {
        [tag::USAGE_FLOOR, byte] => span(*byte),
        _ => None,
    }
}

/// Which day a key of the second kind is about.
pub(super) fn day(key: &[u8]) -> Option<(Span, u32)> {
    match key {
        [tag::USAGE_DAY, byte, day @ ..] => Some((span(*byte)?, u32::from_be_bytes(day.try_into().ok()?))),
        _ => None,
    }
}

/// Where the records of a day begin.
fn day_begin(span: Span, day: u32) -> Vec<u8> {
    let mut key = Vec::with_capacity(USUAL_BYTES);
    key.extend_from_slice(&[tag::USED, of_span(span)]);
    key.extend_from_slice(&day.to_be_bytes());
    key
}

fn group_begin(scope: &Scope, group: &Group, span: Span, day: u32) -> Vec<u8> {
    let mut key = day_begin(span, day);
    push_name(&mut key, Some(scope.tenant.as_str()));
    push_name(&mut key, scope.environment.as_ref().map(EnvironmentName::as_str));
    push_name(&mut key, group.as_ref().map(GroupName::as_str));
    key
}

/// The key of a record.
pub(super) fn key(scope: &Scope, record: &UsageRecord) -> Vec<u8> {
    let UsageRecord { group, span, slot, .. } = record;
    let mut key = group_begin(scope, group, *span, span.day(*slot));
    key.extend_from_slice(&slot.to_be_bytes());
    key
}

/// Where what a day has of a group is: from a key on, up to another.
pub(in crate::store::sled) fn of_group(scope: &Scope, group: &Group, span: Span, day: u32) -> (Vec<u8>, Vec<u8>) {
    let from = group_begin(scope, group, span, day);
    let to = [&from[..], &u32::MAX.to_be_bytes()].concat();
    (from, to)
}

/// Where everything of a day is: from a key on, up to another.
pub(in crate::store::sled) fn of_day(span: Span, day: u32) -> (Vec<u8>, Vec<u8>) {
    (day_begin(span, day), day_begin(span, day.saturating_add(1)))
}

/// Where everything is that lies before a day: from a key on, up to another.
pub(in crate::store::sled) fn before(span: Span, day: u32) -> (Vec<u8>, Vec<u8>) {
    (day_begin(span, 0), day_begin(span, day))
}

/// Whether a record is one of these.
pub(in crate::store::sled) fn is_record(key: &[u8]) -> bool {
    key.first() == Some(&tag::USED)
}

/// Whether a record lies before one of these days.
pub(in crate::store::sled) fn is_forgotten(key: &[u8], floors: &[(Span, u32)]) -> bool {
    is_record(key)
        && floors.iter().any(|(span, day)| key >= &day_begin(*span, 0)[..] && key < &day_begin(*span, *day)[..])
}

/// Reads a record back; that it is the first of its day is not said.
pub(in crate::store::sled) fn record(key: &[u8], value: &[u8]) -> Result<(Arc<Scope>, UsageRecord), Unreadable> {
    let short = || damaged(key, "its key is cut short");
    let span = key.get(1).copied().and_then(span).ok_or_else(|| damaged(key, "its key names no span"))?;
    let (tenant, rest) = key.get(6..).and_then(take_name).ok_or_else(short)?;
    let (environment, rest) = take_name(rest).ok_or_else(short)?;
    let scope = scope_of(key, tenant, environment)?;
    let (name, slot) = take_name(rest).ok_or_else(short)?;
    let group = name.map(GroupName::new).transpose().map_err(|_| damaged(key, "its key names no group"))?;
    let slot = u32::from_be_bytes(slot.try_into().map_err(|_| short())?);
    Ok((Arc::new(scope), UsageRecord { group, span, slot, count: 1, figures: fields(key, value)? }))
}
