//! What groups are used for is counted by the quarter of an hour and by the hour, and written down once.

use super::*;
use crate::domain::usage::{Figures, Span, UsageRecord, UsageRules};

const QUARTER: u64 = 15 * 60 * 1000;
const HOUR: u64 = 4 * QUARTER;
const DAY: u64 = 24 * HOUR;

/// A world with these numbers in the group `g`, at the begin of an hour.
fn at_full_hour(numbers: &[&str]) -> World {
    let mut world = World::with_numbers(numbers);
    world.now = Timestamp::from_millis(500_000 * HOUR);
    world.turn();
    world.state.take_changes();
    world
}

impl World {
    /// What was written down since the last call: whether of a quarter, when that began, and what happened.
    fn written(&mut self) -> Vec<(Span, u64, Figures)> {
        let used = |change: Change| match change {
            Change::Used(_, record) => Some(Arc::unwrap_or_clone(record)),
            _ => None,
        };
        let records = self.state.take_changes().into_iter().filter_map(used);
        let told = |UsageRecord { group: of, span, slot, figures, .. }: UsageRecord| {
            assert_eq!(of, Some(group("g")));
            (span, (span.begins(slot).as_millis() - 500_000 * HOUR) / QUARTER, figures)
        };
        records.map(told).collect()
    }

    fn running(&self) -> Option<Figures> {
        self.state.tables().usage(&scope(), &Some(group("g"))).map(|running| running.of_quarter)
    }
}

#[test]
fn a_quarter_tells_what_was_lent_matched_expired_refused_and_for_how_long_it_was_held() {
    let mut world = at_full_hour(&["1", "2", "3"]);
    let first = world.take("a");
    world.advance(10_000);
    let second = world.take("b");
    world.advance(10_000);
    world.take("c");
    for _ in 0..2 {
        world.turn().lend(&scope(), lend_to("d")).unwrap_err();
    }
    world.advance(40_000);
    world.turn().match_call(&scope(), &call_to(&first), Which::Newest, AfterMatch::Keep).unwrap();
    world.advance(40_000);
    world.free(&second);
    world.advance(220_000);
    world.turn();
    let figures = Figures { peak: 3, lends: 3, matches: 1, expiries: 1, refusals: 2, ended: 3, held_millis: 450_000 };
    assert_eq!(world.running(), Some(figures));
    assert_eq!(figures.mean_holding(), Some(150.0));
    assert_eq!(world.written(), []);
    world.advance(QUARTER);
    world.turn();
    assert_eq!(world.written(), [(Span::Quarter, 0, figures)]);
    world.advance(HOUR);
    world.turn();
    assert_eq!(world.written(), [(Span::Hour, 0, figures)], "empty quarters are left out, and their hour is not");
    assert_eq!(world.running(), None, "a group that nobody uses takes no room");
    world.advance(DAY);
    world.turn();
    assert_eq!(world.written(), []);
}

#[test]
fn a_restart_at_any_moment_loses_nothing_but_refusals_that_nothing_was_written_with() {
    let run = |restarts: bool| {
        let mut world = at_full_hour(&["1", "2"]);
        let mut written = Vec::new();
        for at in 0..200_u64 {
            world.advance(37_000);
            match at % 5 {
                0 | 3 => drop(world.turn().lend(&scope(), lend_to(&format!("{at}")))),
                1 => drop(world.turn().match_call(&scope(), &call_to("1"), Which::Newest, AfterMatch::Keep)),
                2 => drop(world.turn().free(&scope(), num("2"))),
                _ => drop(world.turn()),
            }
            written.extend(world.written());
            if restarts {
                world.state.write_refusals();
                world.state.take_changes();
                world.restart();
            }
        }
        written
    };
    let written = run(false);
    assert!(written.len() > 8 && written.iter().any(|(_, _, figures)| figures.matches > 0), "{written:?}");
    assert_eq!(written, run(true));
    let sum = |span| {
        let mut sum = Figures::default();
        written.iter().filter(|(of, at, _)| *of == span && *at < 8).for_each(|(_, _, figures)| sum.add(figures));
        sum
    };
    assert_eq!(sum(Span::Quarter), sum(Span::Hour), "an hour is its quarters together");
}

#[test]
fn what_ends_while_nobody_calls_counts_when_it_ended() {
    let mut world = at_full_hour(&["1"]);
    world.advance(QUARTER - 100_000);
    world.take("a");
    world.advance(HOUR);
    world.turn();
    let lent = Figures { peak: 1, lends: 1, ..Figures::default() };
    let ended = Figures { peak: 1, expiries: 1, ended: 1, held_millis: 300_000, ..Figures::default() };
    let hour = Figures { lends: 1, ..ended };
    assert_eq!(world.written(), [(Span::Quarter, 0, lent), (Span::Quarter, 1, ended), (Span::Hour, 0, hour)]);
}

#[test]
fn refusals_without_anything_else_are_written_after_a_minute() {
    let mut world = at_full_hour(&["1"]);
    world.take("a");
    world.turn().lend(&scope(), lend_to("b")).unwrap_err();
    assert_eq!(world.running().unwrap().refusals, 0);
    world.advance(60_000);
    world.turn();
    assert_eq!(world.running().unwrap().refusals, 1);
    world.turn().lend(&scope(), Lend { source: Source::Anywhere, ..lend_to("b") }).unwrap_err();
    world.state.write_refusals();
    assert_eq!(world.running().unwrap().refusals, 2, "of the groups that were looked at it is the first");
}

#[test]
fn what_is_too_old_or_too_much_goes_a_day_at_a_time_and_quarters_before_hours() {
    let mut world = at_full_hour(&["1"]);
    let dropped = |world: &mut World| {
        let dropped = |change| if let Change::UsageDropped(span, _) = change { Some(span) } else { None };
        world.state.take_changes().into_iter().filter_map(dropped).collect::<Vec<_>>()
    };
    for days in [0, 34, 2] {
        world.advance(days * DAY);
        world.take("a");
        world.free("1");
        let expected: &[Span] = if days == 2 { &[Span::Quarter] } else { &[] };
        assert_eq!(dropped(&mut world), expected, "after {days} days more");
    }
    world.advance(HOUR);
    world.turn();
    world.state.take_changes();
    world.state.set_rules(Rules { usage: UsageRules { entries: 3 }, ..world.state.rules().clone() });
    world.turn();
    assert_eq!(dropped(&mut world), [Span::Quarter, Span::Quarter]);
    world.advance(400 * DAY);
    world.turn();
    assert_eq!(dropped(&mut world), [Span::Hour, Span::Hour]);
    world.state.set_rules(Rules { usage: UsageRules { entries: 0 }, ..world.state.rules().clone() });
    world.take("a");
    world.advance(HOUR);
    world.turn();
    assert_eq!((world.written(), world.running()), (Vec::new(), None), "without room nothing is remembered");
}
