//! What is remembered of allocations that have ended: how they ended, and when it is forgotten.

use super::*;
use crate::domain::AllocationId;
use crate::domain::history::{Bucket, End, Held, HistoryPage, HistoryQuery, Known, Owner, Past, Place};
use crate::domain::{HistoryRules, Quotas};

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
        self.known(&scope()).into_iter().map(|(_, bucket)| bucket).collect()
    }

    /// The buckets in which something of a scope may be, newest first.
    fn known(&self, scope: &Scope) -> Vec<(Owner, Bucket)> {
        let query = HistoryQuery { number: num("1"), from: None, to: None, after: None, limit: 1 };
        self.state.tables().known_history(scope, &query, self.now).buckets
    }

    /// How many entries tenants have.
    fn entries<const N: usize>(&self, scopes: [&Scope; N]) -> [u64; N] {
        scopes.map(|scope| self.state.usage(&scope.tenant).history)
    }

    /// Lends and frees the number `1` of a scope so often, and tells where that is kept.
    fn around(&mut self, scope: &Scope, times: usize) -> Vec<Bucket> {
        let mut buckets = Vec::new();
        for _ in 0..times {
            let lent = self.turn().lend(scope, lend_to("a")).unwrap().allocation;
            self.state.take_changes();
            self.turn().free_allocation(scope, lent.id).unwrap();
            buckets.extend(self.ended().into_iter().map(|past| past.bucket));
        }
        buckets
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
    assert_eq!(world.state.take_changes(), [Change::HistoryDropped(Some(scope().tenant), first)]);
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
    let owner = Some(scope().tenant);
    let floor = world.state.tables().history_floor(&owner);
    world.state.set_rules(kept(30, 0));
    assert_eq!(world.buckets(), []);
    assert!(world.state.tables().history_floor(&owner) > floor);
    let floor = world.state.tables().history_floor(&owner);
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

/// The tenants `acme` and `other`, each with a number, that may have so many entries; all of them so many.
fn two_tenants(limits: [u64; 2], entries: u64) -> (World, Scope, Scope) {
    let (one, [other, _]) = (scope(), other_scopes());
    let mut world = World::with(limited([&one, &other], limits, entries));
    for scope in [&one, &other] {
        world.turn().create_number(scope, new_number("1", Some("g"))).unwrap();
    }
    (world, one, other)
}

fn limited(scopes: [&Scope; 2], limits: [u64; 2], entries: u64) -> Rules {
    let quotas = |history| Quotas { history, ..Quotas::default() };
    let quotas = scopes.into_iter().zip(limits).map(|(scope, most)| (scope.tenant.clone(), quotas(most)));
    Rules { quotas: quotas.collect(), ..kept(30, entries) }
}

#[test]
fn a_busy_tenant_pushes_out_its_own_oldest_entries_and_nobody_elses() {
    let (mut world, quiet, busy) = two_tenants([32, 32], 64);
    let kept = world.around(&quiet, 20);
    let pushed = world.around(&busy, 500);
    world.advance(HOUR);
    world.around(&busy, 100);
    world.restart();
    world.turn();
    let [of_quiet, of_busy] = world.entries([&quiet, &busy]);
    assert_eq!(of_quiet, 20);
    assert!((31..=32).contains(&of_busy), "{of_busy} of 32");
    let known = |world: &World, scope| world.known(scope).into_iter().map(|(_, bucket)| bucket).collect::<Vec<_>>();
    assert!(kept.iter().all(|bucket| known(&world, &quiet).contains(bucket)));
    assert!(
        pushed.iter().all(|bucket| !known(&world, &busy).contains(bucket)),
        "an hour later they are all pushed out"
    );
    // Where entries lie is in the cursors of pages; it says nothing of others either.
    let (mut alone, quiet, _) = two_tenants([32, 32], 64);
    assert_eq!(alone.around(&quiet, 20), kept);
}

#[test]
fn the_total_takes_from_who_has_most_beyond_an_even_share_and_from_nobody_within_it() {
    let (mut world, one, other) = two_tenants([1000, 1000], 64);
    world.around(&one, 30);
    world.around(&other, 300);
    let [of_one, of_other] = world.entries([&one, &other]);
    assert_eq!(of_one, 30, "it has no more than an even share");
    assert!(of_other <= 34 && of_other + of_one <= 64, "{of_other}");
    world.around(&one, 300);
    let [of_one, of_other] = world.entries([&one, &other]);
    assert!(of_one + of_other <= 64 && of_other >= 28, "{of_one} and {of_other}");
}

#[test]
fn who_is_not_in_the_configuration_any_more_gives_way_first() {
    let (mut world, one, gone) = two_tenants([64, 64], 128);
    world.around(&gone, 60);
    world.around(&one, 60);
    let mut rules = limited([&one, &gone], [64, 64], 100);
    rules.quotas.remove(&gone.tenant);
    world.state.set_rules(rules);
    world.turn();
    let [of_one, of_gone] = world.entries([&one, &gone]);
    assert_eq!(of_one, 60);
    assert!((36..=40).contains(&of_gone), "{of_gone} of 40");
}

#[test]
fn a_limit_that_is_lowered_forgets_what_is_beyond_it() {
    let (mut world, one, other) = two_tenants([64, 64], 128);
    world.around(&one, 50);
    world.around(&other, 50);
    world.state.set_rules(limited([&one, &other], [20, 0], 128));
    world.turn();
    let [of_one, of_other] = world.entries([&one, &other]);
    assert!((17..=20).contains(&of_one) && of_other == 0, "{of_one} of 20, {of_other} of none");
    assert_eq!(world.around(&other, 3), []);
}

/// A world over which a release has been that counted the history of all tenants together, an hour ago and in this one.
fn after_an_older_release(entries: u64) -> (World, Scope, [Bucket; 3]) {
    let (mut world, one, other) = two_tenants([entries, entries], entries);
    world.advance(500 * HOUR);
    let hour = Bucket::of(world.now).hour;
    let common = [(hour - 1, 0, 5), (hour, 0, 8), (hour, 1, 3)];
    let mut tables = world.state.tables().clone();
    for (hour, part, count) in common {
        tables.set_history(&None, Bucket { hour, part }, count);
    }
    world.state = State::new(tables, limited([&one, &other], [entries, entries], entries));
    (world, one, common.map(|(hour, part, _)| Bucket { hour, part }))
}

#[test]
fn what_an_older_release_kept_is_read_beside_what_is_new_and_forgotten_in_its_time() {
    let (mut world, one, [first, second, third]) = after_an_older_release(100);
    let common = [(None, third), (None, second), (None, first)];
    assert_eq!(world.known(&one), common);
    let new = world.around(&one, 2);
    let expected = Bucket { hour: third.hour, part: 2 };
    assert_eq!(new, [expected; 2], "behind what is there of the hour, so that pages go on in one order");
    let owned = (Some(one.tenant.clone()), expected);
    assert_eq!(world.known(&one), [std::slice::from_ref(&owned), &common[..]].concat());
    assert_eq!((world.entries([&one]), world.state.tables().history_entries()), ([2], 18));
    world.advance(30 * 24 * HOUR);
    world.turn();
    assert_eq!(world.known(&one), [owned.clone(), (None, third), (None, second)]);
    world.advance(HOUR);
    world.turn();
    assert_eq!((world.known(&one), world.state.tables().history_entries()), (Vec::new(), 0));
    let floors = world.state.tables().history_floors();
    assert_eq!(floors, [(None, third.next()), (owned.0, expected.next())]);
}

#[test]
fn what_an_older_release_kept_counts_for_the_total_and_gives_way_first() {
    let (mut world, one, [_, second, third]) = after_an_older_release(20);
    world.around(&one, 4);
    assert_eq!(world.state.tables().history_entries(), 20);
    world.around(&one, 1);
    let common = |world: &World| world.known(&one).into_iter().filter(|(owner, _)| owner.is_none()).collect::<Vec<_>>();
    assert_eq!(common(&world), [(None, third), (None, second)]);
    assert_eq!(world.state.tables().history_entries(), 16);
    world.around(&one, 30);
    assert_eq!(common(&world), []);
    let [of_one] = world.entries([&one]);
    assert!((19..=20).contains(&of_one), "{of_one} of 20");
}

/// A page over entries of one bucket, each from `since` to `until`.
fn page(query: HistoryQuery, entries: &[(u64, u64)], running: &[u64]) -> HistoryPage {
    let mut world = World::with_numbers(&["1"]);
    let lent = world.lend(lend_to("a")).allocation;
    let at = Timestamp::from_millis;
    let allocation =
        |id: u64, since| Arc::new(Allocation { id: AllocationId(id), since: at(since), ..(*lent).clone() });
    let held = entries.iter().zip(1..).map(|((since, until), id)| Held {
        allocation: allocation(id, *since),
        group: None,
        ended: Some((at(*until), End::Freed)),
    });
    let held: Vec<_> = held.collect();
    let running = running.iter().zip(1..).map(|(since, id)| Held {
        allocation: allocation(entries.len() as u64 + id, *since),
        group: None,
        ended: None,
    });
    let mut running: Vec<_> = running.collect();
    running.reverse();
    let known = Known { running, buckets: vec![(None, Bucket { hour: 7, part: 0 })] };
    let read = |_, _, below| {
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
