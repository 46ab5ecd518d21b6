//! How many numbers a group needs, by what it was used for: the load that was offered, in erlang, and Erlang's formula B.
//!
//! A number is taken for as long as it is lent and then rests. So many requests an hour, each of which takes a number for so
//! long, are a load of so many erlang: that many numbers are taken at a time on average, if none is refused. Erlang's formula
//! B tells which part of the requests finds no number where there are so many.

use super::{Figures, Span, Used};
use crate::domain::{Seconds, Timestamp};

/// Over how many seconds the load is averaged: the busy hour, as it is usual, begun at any quarter.
const HOUR: u64 = 60 * 60;
/// How much more load a group that grows is to carry.
const GROWTH: f64 = 1.2;
/// Fewer ended allocations in an hour say too little of how long they last; then those of the whole time count.
const ENOUGH: u64 = 20;
/// Most numbers that are advised.
const MOST: u64 = 100_000_000;

/// A load, and what it needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Need {
    /// When the hour of this load began.
    pub begin: Timestamp,
    /// The load that was offered, in erlang: what was lent, and what was refused.
    pub erlang: f64,
    /// With how many numbers no more than the wanted part of it is refused.
    pub numbers: u64,
}

/// What a group needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sizing {
    /// For how many seconds a number was taken on average, its rest included; `None` where no allocation has ended.
    pub taken: Option<f64>,
    /// For the load of the hour that ends now.
    pub now: Need,
    /// For the hour with most load.
    pub peak: Need,
    /// For a fifth more than that.
    pub grown: Need,
}

/// What a group needs so that no more than the part `refused` of the requests is refused, by what it was used for, oldest
/// first, up to `now`; its numbers rest for `rest` after each allocation.
pub fn size(used: &[Used], rest: Seconds, refused: f64, now: Timestamp) -> Sizing {
    let mut all = Figures::default();
    used.iter().for_each(|used| all.add(&used.figures));
    let usual = taken(&all, rest);
    let need = |(begin, erlang): (Timestamp, f64)| Need { begin, erlang, numbers: needed(erlang, refused) };
    let loads = loads(used, rest, usual, now);
    let last = Span::Quarter.begins(Span::Quarter.slot(now));
    let newest =
        loads.iter().find(|load| load.quarter == last).map_or((begin_of(last), 0.0), |load| (load.begin, load.erlang));
    let peak = loads.iter().max_by(|one, other| one.erlang.total_cmp(&other.erlang));
    let peak = peak.map_or(newest, |load| (load.begin, load.erlang));
    Sizing { taken: usual, now: need(newest), peak: need(peak), grown: need((peak.0, peak.1 * GROWTH)) }
}

/// The load of an hour.
struct Load {
    begin: Timestamp,
    /// The quarter that it ends with.
    quarter: Timestamp,
    erlang: f64,
}

/// The load of every hour: of those that are told as such, and of those that end with a quarter.
fn loads(used: &[Used], rest: Seconds, usual: Option<f64>, now: Timestamp) -> Vec<Load> {
    let mut loads = Vec::with_capacity(used.len());
    let mut first = 0;
    for (place, last) in used.iter().enumerate() {
        let (begin, quarter) = match last.span {
            Span::Hour => (last.begin, last.begin),
            Span::Quarter => (begin_of(last.begin), last.begin),
        };
        while used[first].begin < begin {
            first += 1;
        }
        let mut figures = Figures::default();
        used[first..=place].iter().for_each(|used| figures.add(&used.figures));
        let end = now.min(last.begin.after(Seconds::new(last.span.seconds())));
        let seconds = end.as_millis().saturating_sub(begin.as_millis()).max(1000) as f64 / 1000.0;
        let taken = if figures.ended >= ENOUGH { taken(&figures, rest) } else { usual };
        let asked = (figures.lends + figures.refusals) as f64;
        // Where nothing has ever ended, what is lent at a time is all that is known.
        let erlang = taken.map_or(figures.peak as f64, |taken| asked / seconds * taken);
        loads.push(Load { begin, quarter, erlang });
    }
    loads
}

/// When the hour began that ends with a quarter.
fn begin_of(quarter: Timestamp) -> Timestamp {
    Timestamp::from_millis(quarter.as_millis().saturating_sub((HOUR - Span::Quarter.seconds()) * 1000))
}

/// For how many seconds a number was taken on average.
fn taken(figures: &Figures, rest: Seconds) -> Option<f64> {
    figures.mean_holding().map(|held| held + rest.get() as f64)
}

/// With how many numbers no more than the part `refused` of a load is refused, by Erlang's formula B.
fn needed(erlang: f64, refused: f64) -> u64 {
    let (mut numbers, mut blocked) = (0, 1.0);
    while blocked > refused && numbers < MOST {
        numbers += 1;
        blocked = erlang * blocked / (numbers as f64 + erlang * blocked);
    }
    if erlang > 0.0 { numbers } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers and the load that they carry, as published tables of Erlang's formula B have it.
    const TABLES: [(f64, &[(u64, f64)]); 3] = [
        (0.001, &[(5, 0.762), (10, 3.09), (15, 6.08), (20, 9.41), (30, 16.7), (50, 32.5), (100, 75.2)]),
        (0.01, &[(1, 0.0101), (5, 1.36), (10, 4.46), (15, 8.11), (20, 12.0), (30, 20.3), (50, 37.9), (100, 84.1)]),
        (0.02, &[(5, 1.66), (10, 5.08), (20, 13.2), (50, 40.3), (100, 88.0)]),
    ];

    #[test]
    fn numbers_are_those_of_published_tables() {
        for (refused, table) in TABLES {
            for (numbers, erlang) in table {
                // The tables have three digits.
                assert_eq!(needed(erlang * 0.99, refused), *numbers, "{erlang} erlang, {refused}");
                assert!(needed(erlang * 1.012, refused) > *numbers, "{erlang} erlang, {refused}");
            }
        }
        assert_eq!(needed(0.0, 0.001), 0);
    }

    fn quarter(at: u64, figures: Figures) -> Used {
        Used { span: Span::Quarter, begin: Span::Quarter.begins(u32::try_from(at).unwrap()), figures }
    }

    fn lends(lends: u64, seconds: u64) -> Figures {
        Figures { lends, ended: lends, held_millis: lends * seconds * 1000, peak: 1, ..Figures::default() }
    }

    #[test]
    fn the_busy_hour_may_begin_at_any_quarter_and_refusals_and_rests_count() {
        let mut used: Vec<Used> = (0..40).map(|at| quarter(at, lends(10, 60))).collect();
        let busy = (14..18).map(|at| quarter(at, Figures { refusals: 20, ..lends(80, 120) })).collect::<Vec<_>>();
        used.splice(14..18, busy);
        let now = Span::Quarter.begins(40).just_before();
        let sizing = size(&used, Seconds::new(60), 0.001, now);
        // 400 requests in an hour that take a number for 180 s each: 20 erlang.
        assert!((sizing.peak.erlang - 20.0).abs() < 0.01, "{sizing:?}");
        assert_eq!((sizing.peak.begin, sizing.peak.numbers), (Span::Quarter.begins(14), 35));
        assert!((sizing.grown.erlang - 24.0).abs() < 0.02 && sizing.grown.numbers == 40, "{sizing:?}");
        // 40 requests that take 120 s each.
        assert!((sizing.now.erlang - 1.333).abs() < 0.01 && sizing.now.numbers == 7, "{sizing:?}");
    }

    #[test]
    fn hours_and_gaps_are_what_they_are_and_what_never_ended_counts_by_its_peak() {
        let hour = Used { span: Span::Hour, begin: Timestamp::from_millis(0), figures: lends(360, 100) };
        let now = Span::Quarter.begins(50).after(Seconds::new(450));
        let used = [hour, quarter(20, lends(90, 100)), quarter(50, lends(45, 100))];
        let sizing = size(&used, Seconds::new(0), 0.01, now);
        assert!((sizing.peak.erlang - 10.0).abs() < 0.01, "{sizing:?}");
        // 45 in the 52.5 minutes up to now.
        assert!((sizing.now.erlang - 45.0 / 3150.0 * 100.0).abs() < 0.01, "{sizing:?}");
        let lent = Figures { peak: 7, lends: 7, ..Figures::default() };
        let sizing = size(&[quarter(50, lent)], Seconds::new(0), 0.01, now);
        assert_eq!((sizing.taken, sizing.now.erlang), (None, 7.0));
        let nothing = size(&[], Seconds::new(0), 0.01, now);
        assert_eq!((nothing.now.numbers, nothing.peak.numbers, nothing.grown.numbers), (0, 0, 0));
    }
}
