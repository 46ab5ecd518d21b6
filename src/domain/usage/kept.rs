//! Which days of use are kept, and which of them go.

use std::collections::BTreeMap;

use super::{Span, UsageRules, day_of};
use crate::domain::Timestamp;

/// The days of which there are records.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::domain) struct Kept {
    /// How many records each has.
    counts: BTreeMap<(Span, u32), u64>,
    total: u64,
    /// Everything before these days is dropped.
    floors: BTreeMap<Span, u32>,
}

impl Kept {
    /// How many records a day has with one more; `None` where that is no longer kept.
    pub(in crate::domain) fn place(&self, span: Span, day: u32, now: Timestamp, rules: &UsageRules) -> Option<u64> {
        let kept = rules.entries > 0 && day >= oldest(span, now).max(self.floor(span));
        kept.then(|| self.counts.get(&(span, day)).copied().unwrap_or_default() + 1)
    }

    /// A day has so many records now.
    pub(in crate::domain) fn set(&mut self, span: Span, day: u32, count: u64) {
        let before = self.counts.insert((span, day), count).unwrap_or_default();
        self.total = self.total - before + count;
    }

    /// A day is dropped, and with it whatever might come before it.
    pub(in crate::domain) fn drop(&mut self, span: Span, day: u32) {
        self.total -= self.counts.remove(&(span, day)).unwrap_or_default();
        self.raise_floor(span, day.saturating_add(1));
    }

    /// Everything before this day is dropped.
    pub(in crate::domain) fn raise_floor(&mut self, span: Span, day: u32) {
        let floor = self.floors.entry(span).or_default();
        *floor = (*floor).max(day);
    }

    /// The day before which everything is dropped.
    pub(in crate::domain) fn floor(&self, span: Span) -> u32 {
        self.floors.get(&span).copied().unwrap_or_default()
    }

    /// Where anything was dropped, and up to which day.
    pub(in crate::domain) fn floors(&self) -> Vec<(Span, u32)> {
        self.floors.iter().filter(|(_, day)| **day > 0).map(|(span, day)| (*span, *day)).collect()
    }

    /// How many records each day has, in the order of spans and days.
    pub(in crate::domain) fn counts(&self) -> Vec<(Span, u32, u64)> {
        self.counts.iter().map(|((span, day), count)| (*span, *day, *count)).collect()
    }

    /// The day that goes next: one that is too old or, where there is too much, the oldest of the quarters, else of the hours.
    pub(in crate::domain) fn next_to_go(&self, now: Timestamp, rules: &UsageRules) -> Option<(Span, u32)> {
        let outdated = |(span, day): &(Span, u32)| *day < oldest(*span, now);
        let mut days = self.counts.keys().copied();
        days.find(outdated).or_else(|| {
            let first = self.counts.keys().next().copied();
            first.filter(|_| self.total > rules.entries)
        })
    }

    /// The days in which records from `from` on, before `to`, may be, oldest first: the hours of days whose quarters are
    /// dropped, and the quarters of all others.
    pub(in crate::domain) fn days(&self, from: Timestamp, to: Timestamp) -> Vec<(Span, u32)> {
        let (first, last) = (day_of(from), day_of(to));
        let quarters = self.floor(Span::Quarter);
        let by = |span, wanted: &dyn Fn(u32) -> bool| {
            let days = self.counts.range((span, first)..=(span, last)).map(|(place, _)| *place);
            days.filter(|(_, day)| wanted(*day)).collect::<Vec<_>>()
        };
        [by(Span::Hour, &|day| day < quarters), by(Span::Quarter, &|day| day >= quarters)].concat()
    }
}

/// The oldest day that may be kept.
fn oldest(span: Span, now: Timestamp) -> u32 {
    day_of(now).saturating_sub(span.days())
}
