//! What is remembered of allocations that have ended: how they ended, and when it is forgotten.

use super::*;
use crate::domain::AllocationId;
use crate::domain::HistoryRules;
use crate::domain::history::{Bucket, End, Held, HistoryPage, HistoryQuery, Known, Past, Place};

const HOUR: u64 = 60 * 60 * 1000;

fn kept(days: u32, entries: u64) -> Rules {
    Rules { history: HistoryRules { days, entries }, ..Rules::default() }
}

impl World {
    /// What the changes since the last call tell of ends.
    fn ended(&mut self) -> Vec<Past> {
        let ended = self.state.take_changes().into_iter().filter_map(|change| match change {
            Change::Ended(_, past) => Some((*past).clone()),
            _ => None,
        });
        ended.collect()
    }

    fn buckets(&mut self) -> Vec<Bucket> {
        self.turn();
        let query = HistoryQuery { number: num("1"), from: None, to: None, after: None, limit: 1 };
        self.state.tables().known_history(&scope(), &query, self.now).buckets
    }

    /// Lends `1` and frees it.
    fn once_around(&mut self) {
        self.take("a");
        self.free("1");
    }
}

#[test]
fn every_end_is_remembered_once_with_its_time_and_its_cause() {
    type Way = fn(&mut World);
    let ends: [(End, Way); 5] = [
        (End::Freed, |world| drop(world.free("1"))),
        (End::Matched, |world| {
            world.turn().match_call(&scope(), &call_to("1"), Which::All, AfterMatch::Delete).unwrap();
        }),
        (End::Expired, |world| world.advance(400_000)),
        (End::InteractionDeleted, |world| world.turn().delete_interaction(&scope(), &interaction("a")).unwrap()),
        (End::MatchedLate, |world| {
            world.advance(305_000);
            let late = Criteria { late: LateCalls::Recognised, ..call_to("1") };
            world.turn().match_call(&scope(), &late, Which::Newest, AfterMatch::Keep).unwrap();
        }),
    ];
    for (expected, end) in ends {
        let rest = GroupRules { cool_down: Seconds::new(10), ..GroupRules::default() };
        let mut world = World::with(group_rules("g", rest));
        world.create("1", Some("g"));
        let lent = world.lend(Lend { interaction_ttl: Seconds::new(1_000), ..lend_to("a") }).allocation;
        world.advance(1_000);
        world.ended();
        end(&mut world);
        world.turn();
        let until = if matches!(expected, End::Expired | End::MatchedLate) { lent.deadline } else { world.now };
        let ended: Vec<_> = world.ended().into_iter().map(|past| (past.allocation, past.until, past.end)).collect();
        assert_eq!(ended, [(lent, until, expected)]);
    }
}

#[test]
fn an_allocation_that_was_renewed_is_remembered_once_and_as_it_was_at_its_end() {
    let mut world = World::with_numbers(&["1"]);
    let renewing = Lend { repeat: Repeat::SameNumber, ..lend_to("a") };
    world.lend(renewing.clone());
    world.advance(1_000);
    let renewed = world.lend(renewing).allocation;
    world.free("1");
    assert_eq!(world.ended().into_iter().map(|past| past.allocation).collect::<Vec<_>>(), [renewed]);
}

#[test]
fn whole_hours_go_when_their_days_are_over() {
    let mut world = World::with(kept(2, 1000));
    world.create("1", Some("g"));
    world.once_around();
    world.once_around();
    world.advance(HOUR);
    world.once_around();
    let [later, first] = world.buckets()[..] else { panic!("two hours") };
    assert_eq!(later.hour, first.hour + 1);
    world.advance(47 * HOUR);
    assert_eq!(world.buckets(), [later, first]);
    world.state.take_changes();
    world.advance(HOUR);
    assert_eq!(world.buckets(), [later]);
    assert_eq!(world.state.take_changes(), [Change::HistoryDropped(first)]);
}

#[test]
fn what_ended_longer_ago_than_is_kept_is_not_remembered_at_all() {
    let mut world = World::with(kept(1, 1000));
    world.create("1", Some("g"));
    world.take("a");
    world.ended();
    world.advance(26 * HOUR);
    world.turn();
    assert_eq!(world.ended(), []);
    assert_eq!(world.holder("1"), None);
}

#[test]
fn above_the_limit_the_oldest_goes_in_steps_and_a_restart_counts_on() {
    let mut world = World::with(kept(30, 32));
    world.create("1", Some("g"));
    let mut ended = Vec::new();
    for _ in 0..100 {
        world.once_around();
        ended.extend(world.ended());
        world.restart();
    }
    let buckets = world.buckets();
    let newest: Vec<_> = ended.iter().rev().map(|past| past.bucket).collect();
    let left = newest.iter().filter(|bucket| buckets.contains(bucket)).count();
    assert!((31..=32).contains(&left), "{left} of 32");
    assert!(newest[..left].iter().all(|bucket| buckets.contains(bucket)), "the newest are the ones that are left");
}

#[test]
fn nothing_comes_into_what_was_dropped() {
    let mut world = World::with(kept(30, 16));
    world.create("1", Some("g"));
    for _ in 0..20 {
        world.once_around();
    }
    world.turn();
    let floor = world.state.tables().history_floor();
    world.state.set_rules(kept(30, 0));
    assert_eq!(world.buckets(), []);
    assert!(world.state.tables().history_floor() > floor);
    let floor = world.state.tables().history_floor();
    world.state.set_rules(kept(30, 16));
    world.state.take_changes();
    world.once_around();
    assert!(world.ended()[0].bucket >= floor, "the hour goes on behind what was dropped of it");
}

#[test]
fn without_room_nothing_is_remembered() {
    let mut world = World::with(kept(30, 0));
    world.create("1", Some("g"));
    world.once_around();
    assert_eq!(world.ended(), []);
    assert_eq!(world.buckets(), []);
}

/// A page over entries of one bucket, each from `since` to `until`.
fn page(query: HistoryQuery, entries: &[(u64, u64)], running: &[u64]) -> HistoryPage {
    let mut world = World::with_numbers(&["1"]);
    let lent = world.lend(lend_to("a")).allocation;
    let at = Timestamp::from_millis;
    let allocation =
        |id: u64, since| Arc::new(Allocation { id: AllocationId(id), since: at(since), ..(*lent).clone() });
    let held = entries
        .iter()
        .zip(1..)
        .map(|((since, until), id)| Held { allocation: allocation(id, *since), ended: Some((at(*until), End::Freed)) });
    let held: Vec<_> = held.collect();
    let running = running
        .iter()
        .zip(1..)
        .map(|(since, id)| Held { allocation: allocation(entries.len() as u64 + id, *since), ended: None });
    let mut running: Vec<_> = running.collect();
    running.reverse();
    let known = Known { running, buckets: vec![Bucket { hour: 7, part: 0 }] };
    let read = |_, below| {
        let below = held.iter().filter(move |held| held.allocation.id < below).rev().cloned();
        Ok::<_, std::convert::Infallible>(below.map(Ok))
    };
    match query.page(&known, read) {
        Ok(page) => page,
    }
}

fn ids(page: &HistoryPage) -> Vec<u64> {
    page.entries.iter().map(|held| held.allocation.id.0).collect()
}

fn whole() -> HistoryQuery {
    HistoryQuery { number: num("1"), from: None, to: None, after: None, limit: 100 }
}

#[test]
fn a_time_is_held_from_its_beginning_to_just_before_its_end() {
    let entries = [(10, 20), (20, 30), (40, 50)];
    let at = |millis: u64| {
        let (from, to) = (Timestamp::from_millis(millis), Timestamp::from_millis(millis + 1));
        ids(&page(HistoryQuery { from: Some(from), to: Some(to), ..whole() }, &entries, &[60]))
    };
    assert_eq!(at(9), [0; 0]);
    assert_eq!((at(10), at(19), at(20), at(29)), (vec![1], vec![1], vec![2], vec![2]));
    assert_eq!(
        (at(30), at(39), at(45), at(55), at(60), at(9_999)),
        (vec![], vec![], vec![3], vec![], vec![4], vec![4])
    );
}

#[test]
fn pages_go_from_what_runs_to_the_oldest_and_miss_nothing() {
    let entries = [(10, 20), (20, 30), (40, 50)];
    for limit in 1..7 {
        let mut all = Vec::new();
        let mut query = HistoryQuery { limit, ..whole() };
        loop {
            let page = page(query, &entries, &[60, 70]);
            assert!(page.entries.len() <= limit);
            all.extend(ids(&page));
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        assert_eq!(all, [5, 4, 3, 2, 1], "{limit} a page");
    }
    let after = Some(Place { bucket: Bucket { hour: 7, part: 0 }, allocation: AllocationId(2) });
    assert_eq!(ids(&page(HistoryQuery { after, ..whole() }, &entries, &[60])), [1]);
}

#[test]
fn the_usual_history_is_of_thirty_days_and_a_million_entries() {
    assert_eq!(Rules::default().history, HistoryRules { days: 30, entries: 1_000_000 });
}
