//! Numbers that rest, numbers that are kept back, late calls, fallbacks and renewals.

use super::*;
use crate::domain::Sharing;
use crate::domain::refusal::Miss;

fn resting(seconds: u64) -> Rules {
    group_rules("g", GroupRules { cool_down: Seconds::new(seconds), ..GroupRules::default() })
}

/// A world whose group `g` has these numbers, which rest for ten seconds.
fn resting_world(numbers: &[&str]) -> World {
    let mut world = World::with(resting(10));
    for text in numbers {
        world.create(text, Some("g"));
    }
    world
}

fn long(holder: &str) -> Lend {
    Lend { interaction_ttl: Seconds::new(9_000), ..lend_to(holder) }
}

fn health(world: &mut World) -> PoolHealth {
    world.turn().pool(&scope(), &group("g")).expect("the group has numbers")
}

/// Whose the oldest allocation is, and for how many seconds.
fn oldest(health: &PoolHealth) -> Option<(&str, u64)> {
    health.oldest.as_ref().map(|oldest| (oldest.allocation.interaction.as_str(), oldest.lasted.get()))
}

/// Free, allocated, cooling, reserved, disabled.
fn counts(world: &mut World) -> [usize; 5] {
    let health = health(world);
    [health.free, health.allocated, health.cooling, health.reserved, health.disabled]
}

fn exhausted_for(seconds: u64) -> Refusal {
    Refusal::Exhausted { group: Some(group("g")), next_release: Some(Seconds::new(seconds)), pools: Vec::new() }
}

fn move_to(name: &str) -> NumberPatch {
    NumberPatch { group: Some(Some(group(name))), ..NumberPatch::default() }
}

fn enabled(enabled: bool) -> NumberPatch {
    NumberPatch { enabled: Some(enabled), ..NumberPatch::default() }
}

#[test]
fn a_freed_number_rests_to_the_millisecond() {
    let mut world = resting_world(&["1"]);
    world.take("a");
    world.advance(5_000);
    world.free("1");
    assert_eq!(world.holder("1"), None);
    assert_eq!(world.refused(|turn| turn.lend(&scope(), lend_to("b"))), exhausted_for(10));
    world.advance(9_999);
    assert_eq!(world.refused(|turn| turn.lend(&scope(), lend_to("b"))), exhausted_for(1));
    world.advance(1);
    assert_eq!(world.take("b"), "1");
}

#[test]
fn an_expired_number_rests_from_its_deadline_on() {
    let mut world = resting_world(&["1"]);
    world.lend(long("a"));
    world.advance(300_000);
    assert_eq!(world.holder("1"), None, "from the deadline on nobody holds it");
    assert_eq!(world.refused(|turn| turn.lend(&scope(), lend_to("b"))), exhausted_for(10));
    world.advance(9_999);
    world.refused(|turn| turn.lend(&scope(), lend_to("b")));
    world.advance(1);
    assert_eq!(world.take("b"), "1");
}

#[test]
fn a_rest_goes_on_when_the_interaction_ends_or_is_deleted_meanwhile() {
    for (ttl, deleted) in [(304, false), (900, true)] {
        let mut world = resting_world(&["1"]);
        world.lend(Lend { interaction_ttl: Seconds::new(ttl), ..lend_to("a") });
        world.advance(304_000);
        if deleted {
            world.turn().delete_interaction(&scope(), &interaction("a")).unwrap();
        }
        assert!(!world.interaction_lives("a"));
        assert_eq!(world.refused(|turn| turn.lend(&scope(), lend_to("b"))), exhausted_for(6));
        world.advance(6_000);
        assert_eq!(world.take("b"), "1");
    }
}

#[test]
fn a_match_and_the_end_of_an_interaction_begin_a_rest_too() {
    let mut world = resting_world(&["1", "2"]);
    world.lend(long("a"));
    world.lend(long("b"));
    world.turn().match_call(&scope(), &call_to("1"), Which::Newest, AfterMatch::Keep).unwrap();
    world.turn().delete_interaction(&scope(), &interaction("b")).unwrap();
    assert_eq!(counts(&mut world), [0, 0, 2, 0, 0]);
    world.advance(10_000);
    assert_eq!(counts(&mut world), [2, 0, 0, 0, 0]);
}

#[test]
fn a_restart_changes_nothing_about_a_rest() {
    for wait in [0, 9_999, 10_000] {
        let mut world = resting_world(&["1"]);
        world.take("a");
        world.free("1");
        world.advance(wait);
        world.restart();
        assert_eq!(world.turn().lend(&scope(), lend_to("b")).is_ok(), wait == 10_000, "after {wait} ms");
        world.advance(10_000);
        world.turn().lend(&scope(), Lend { repeat: Repeat::SameNumber, ..lend_to("b") }).unwrap();
    }
}

#[test]
fn a_restart_without_rests_leaves_nothing_to_be_ended() {
    let mut world = World::with_numbers(&["1", "2"]);
    world.take("a");
    world.free("1");
    world.turn().delete_interaction(&scope(), &interaction("a")).unwrap();
    world.restart();
    assert_eq!(world.state.next_ending(), None);
}

#[test]
fn a_reload_makes_rests_longer_shorter_or_none_at_once() {
    for (seconds, rests) in [(0, 0), (4, 0), (5, 1), (60, 56)] {
        let mut world = resting_world(&["1"]);
        world.take("a");
        world.free("1");
        world.advance(4_001);
        world.turn();
        world.state.set_rules(resting(seconds));
        let outcome = world.turn().lend(&scope(), lend_to("b")).map(|_| ()).map_err(bare);
        let expected = if rests == 0 { Ok(()) } else { Err(exhausted_for(rests)) };
        assert_eq!(outcome, expected, "{seconds}");
    }
}

#[test]
fn a_number_that_is_moved_rests_as_its_new_group_has_it() {
    let mut world = resting_world(&["1"]);
    world.take("a");
    world.free("1");
    world.update("1", move_to("h"));
    let from_h = Lend { source: from("h"), ..lend_to("b") };
    assert_eq!(world.lend(from_h).allocation.number, num("1"), "numbers of h do not rest");
    world.free("1");
    world.advance(4_000);
    world.update("1", move_to("g"));
    assert_eq!(world.refused(|turn| turn.lend(&scope(), lend_to("c"))), exhausted_for(6));
}

#[test]
fn an_expired_allocation_that_is_moved_out_of_its_rest_has_ended() {
    let mut world = resting_world(&["1"]);
    world.lend(long("a"));
    world.advance(301_000);
    world.update("1", move_to("h"));
    assert_eq!(world.lend(Lend { source: from("h"), ..lend_to("b") }).allocation.number, num("1"));
}

#[test]
fn a_number_that_is_disabled_while_it_rests_goes_on_resting_when_it_is_enabled_in_time() {
    let mut world = resting_world(&["1"]);
    world.take("a");
    world.free("1");
    world.update("1", enabled(false));
    assert_eq!(counts(&mut world), [0, 0, 0, 0, 1]);
    world.advance(4_000);
    world.update("1", enabled(true));
    assert_eq!(counts(&mut world), [0, 0, 1, 0, 0]);
    assert_eq!(world.refused(|turn| turn.lend(&scope(), lend_to("b"))), exhausted_for(6));
    world.advance(6_000);
    assert_eq!(world.take("b"), "1");
}

#[test]
fn a_number_can_be_deleted_while_it_rests() {
    for freed in [true, false] {
        let mut world = resting_world(&["1"]);
        world.lend(long("a"));
        if freed {
            world.free("1");
        }
        world.advance(if freed { 0 } else { 300_000 });
        world.turn().delete_number(&scope(), num("1")).unwrap();
        world.create("1", Some("g"));
        assert_eq!(world.take("b"), "1", "a new number has nothing to rest from");
    }
}

#[test]
fn a_reserved_number_is_never_lent_but_can_be_read_and_freed() {
    let mut world = World::with_numbers(&["1", "2"]);
    world.take("a");
    let reserved = [num("1"), num("2"), num("77")].into();
    world.state.set_rules(group_rules("g", GroupRules { reserved, ..GroupRules::default() }));
    assert_eq!(counts(&mut world), [0, 1, 0, 1, 0]);
    assert_eq!(world.holder("1").as_deref(), Some("a"), "what is lent goes on");
    world.free("1");
    assert_eq!(counts(&mut world), [0, 0, 0, 2, 0]);
    world.refused(|turn| turn.lend(&scope(), lend_to("b")));
    world.restart();
    world.refused(|turn| turn.lend(&scope(), lend_to("b")));
    world.update("1", move_to("h"));
    assert_eq!(
        world.lend(Lend { source: from("h"), ..lend_to("b") }).allocation.number,
        num("1"),
        "reserved in g alone"
    );
    world.update("2", enabled(false));
    assert_eq!(counts(&mut world), [0, 0, 0, 0, 1], "disabled before reserved");
    world.update("2", enabled(true));
    world.state.set_rules(Rules::default());
    assert_eq!(world.take("c"), "2");
}

#[test]
fn a_late_call_finds_its_interaction_as_long_as_the_number_rests() {
    for (wait, found) in [(299_999, Some(false)), (300_000, Some(true)), (309_999, Some(true)), (310_000, None)] {
        for restarted in [false, true] {
            let mut world = resting_world(&["1"]);
            world.lend(long("a"));
            world.advance(wait);
            if restarted {
                world.restart();
            }
            let call = Criteria { late: LateCalls::Recognised, ..call_to("1") };
            world.turn();
            let fitting = call.fitting(world.state.tables(), &scope(), world.now, 1);
            assert_eq!(fitting.is_ok(), found.is_some(), "readers see it the same way");
            let outcome = world.turn().match_call(&scope(), &call, Which::All, AfterMatch::Keep);
            let late = outcome.as_ref().ok().map(|found| found[0].late);
            assert_eq!(late, found, "{wait}, restarted: {restarted}");
            if found.is_some() {
                assert_eq!(outcome.unwrap()[0].interaction.id, interaction("a"));
                let again = world.refused(|turn| turn.match_call(&scope(), &call, Which::All, AfterMatch::Keep));
                assert_eq!(again, Refusal::NoMatch(Miss::NotLent), "a late call is recognised once");
            }
        }
    }
}

#[test]
fn a_late_call_is_a_miss_unless_late_calls_are_recognised() {
    let mut world = resting_world(&["1"]);
    world.lend(long("a"));
    world.advance(300_000);
    let refusal = world.refused(|turn| turn.match_call(&scope(), &call_to("1"), Which::All, AfterMatch::Keep));
    assert_eq!(refusal, Refusal::NoMatch(Miss::Expired));
}

#[test]
fn a_late_call_goes_by_its_code_and_never_before_a_live_one() {
    let rules = GroupRules { sharing: Sharing::Shared, cool_down: Seconds::new(60), ..GroupRules::default() };
    let mut world = World::with(group_rules("g", rules));
    world.create("1", Some("g"));
    let old = world.lend(Lend { code: digits(6), ..long("old") }).allocation;
    world.advance(300_000);
    world.lend(Lend { code: digits(6), ..long("new") });
    let late = Criteria { late: LateCalls::Recognised, ..call_to("1") };
    let code = old.code.as_ref().map(|code| code.as_str().to_owned());
    let wrong = Criteria { code: Some("none of them".to_owned()), ..late.clone() };
    let refusal = world.refused(|turn| turn.match_call(&scope(), &wrong, Which::All, AfterMatch::Keep));
    assert_eq!(refusal, Refusal::NoMatch(Miss::WrongCode));
    let any = world.turn().match_call(&scope(), &late, Which::All, AfterMatch::Keep).unwrap();
    assert_eq!((any.len(), any[0].interaction.id.as_str(), any[0].late), (1, "new", false));
    let found = world.turn().match_call(&scope(), &Criteria { code, ..late }, Which::All, AfterMatch::Keep).unwrap();
    assert_eq!((found.len(), found[0].interaction.id.as_str(), found[0].late), (1, "old", true));
}

#[test]
fn a_late_call_after_the_interaction_has_ended_finds_nobody() {
    let mut world = resting_world(&["1"]);
    world.lend(Lend { interaction_ttl: Seconds::new(304), ..lend_to("a") });
    world.advance(304_000);
    let late = Criteria { late: LateCalls::Recognised, ..call_to("1") };
    let outcome = world.turn().match_call(&scope(), &late, Which::All, AfterMatch::Keep);
    assert_eq!(outcome, Err(Refusal::NoMatch(Miss::Expired)));
}

#[test]
fn a_fallback_lends_when_the_group_has_nothing_and_only_for_a_group_that_is_known() {
    let mut world = World::with_numbers(&["1"]);
    world.create("2", Some("h"));
    world.create("3", Some("i"));
    let to = |name: &str| Source::Group { name: group(name), fallbacks: vec![group("none"), group("h"), group("i")] };
    let lend = |name: &str| Lend { source: to(name), ..lend_to("a") };
    let taken: Vec<_> = (0..3).map(|_| world.lend(lend("g")).allocation.number).collect();
    assert_eq!(taken, [num("1"), num("2"), num("3")]);
    assert_eq!(world.refused(|turn| turn.lend(&scope(), lend("g"))), exhausted_for(300));
    world.free("2");
    assert_eq!(world.refused(|turn| turn.lend(&scope(), lend("unknown"))), Refusal::GroupUnknown(group("unknown")));
}

#[test]
fn a_renewal_within_the_group_keeps_the_number_its_code_and_the_caller_told_last() {
    let mut world = World::with_numbers(&["1", "2"]);
    world.create("9", Some("h"));
    let renew = |name: &str| Lend { repeat: Repeat::SameNumberOfGroup, source: from(name), ..lend_to("a") };
    let first = world.lend(renew("g")).allocation;
    world.advance(1_000);
    let caller = Caller::new("555").ok();
    let second = world.lend(Lend { code: digits(4), caller: caller.clone(), ..renew("g") }).allocation;
    assert_eq!((second.id, second.number), (first.id, first.number));
    assert_eq!(second.deadline, first.deadline.after(Seconds::new(1)));
    assert_eq!(second.caller, caller);
    let code = second.code.clone().expect("a code was asked for");
    let third = world.lend(Lend { code: digits(7), ..renew("g") }).allocation;
    assert_eq!((third.id, &third.code, &third.caller), (first.id, &Some(code), &caller), "it keeps what it has");
    assert_eq!(world.lend(renew("h")).allocation.number, num("9"), "another group is another number");
    assert_eq!(world.lend(renew("g")).allocation.id, first.id);
}

#[test]
fn a_renewal_finds_the_number_that_a_fallback_has_lent() {
    let mut world = World::with_numbers(&["1"]);
    world.create("2", Some("h"));
    world.take("other");
    let source = Source::Group { name: group("g"), fallbacks: vec![group("h")] };
    let renew = Lend { repeat: Repeat::SameNumberOfGroup, source, ..lend_to("a") };
    let first = world.lend(renew.clone()).allocation;
    assert_eq!(first.number, num("2"));
    assert_eq!(world.lend(renew).allocation.id, first.id);
}

#[test]
fn a_renewed_shared_allocation_is_found_by_its_new_code_and_caller_alone() {
    let rules = GroupRules { sharing: Sharing::Shared, ..GroupRules::default() };
    let mut world = World::with(group_rules("g", rules));
    world.create("1", Some("g"));
    let by = |caller: &str| Caller::new(caller).ok();
    let renew = |caller| Lend { repeat: Repeat::SameNumberOfGroup, caller, ..long("a") };
    world.lend(renew(by("555")));
    let renewed = world.lend(Lend { code: digits(6), ..renew(by("777")) }).allocation;
    let call = |caller: &str| Criteria { caller: by(caller), ..call_to("1") };
    let old = world.refused(|turn| turn.match_call(&scope(), &call("555"), Which::All, AfterMatch::Keep));
    assert_eq!(old, Refusal::NoMatch(Miss::WrongCaller));
    let code = renewed.code.as_ref().map(|code| code.as_str().to_owned());
    let found = world.turn().match_call(&scope(), &Criteria { code, ..call("777") }, Which::All, AfterMatch::Keep);
    assert_eq!(found.unwrap()[0].allocation.id, renewed.id);
}

#[test]
fn the_health_of_a_pool_tells_states_utilisation_the_oldest_booking_and_the_next_release() {
    let mut world = resting_world(&["1", "2", "3", "4", "5"]);
    let reserved = [num("5")].into();
    let rules = GroupRules { cool_down: Seconds::new(10), reserved, ..GroupRules::default() };
    world.state.set_rules(group_rules("g", rules));
    world.update("4", enabled(false));
    assert_eq!(health(&mut world).oldest, None);
    assert_eq!(health(&mut world).next_release, None);
    world.lend(long("a"));
    world.advance(2_500);
    world.lend(long("b"));
    world.free("1");
    let told = health(&mut world);
    assert_eq!(counts(&mut world), [1, 1, 1, 1, 1]);
    assert_eq!((told.total(), told.allocations, told.utilisation()), (5, 1, 66));
    assert_eq!(oldest(&told), Some(("b", 0)), "the older one has ended");
    assert_eq!(told.next_release, Some(Seconds::new(10)));
    world.advance(299_000);
    assert_eq!(oldest(&health(&mut world)), Some(("b", 299)));
    assert_eq!(health(&mut world).next_release, Some(Seconds::new(11)), "a second and its rest");
    world.advance(1_000);
    assert_eq!(counts(&mut world), [2, 0, 1, 1, 1]);
    assert_eq!((health(&mut world).oldest, health(&mut world).allocations), (None, 0), "an expired one is no booking");
    assert_eq!(world.turn().pool(&scope(), &group("none")), None);
}

#[test]
fn an_expired_number_counts_as_disabled_or_reserved_rather_than_cooling() {
    let mut world = resting_world(&["1", "2", "3"]);
    for holder in ["a", "b", "c"] {
        world.lend(long(holder));
    }
    world.advance(300_000);
    world.update("1", enabled(false));
    let reserved = [num("2")].into();
    let rules = GroupRules { cool_down: Seconds::new(10), reserved, ..GroupRules::default() };
    world.state.set_rules(group_rules("g", rules));
    assert_eq!(counts(&mut world), [0, 0, 1, 1, 1]);
    world.advance(10_000);
    assert_eq!(counts(&mut world), [1, 0, 0, 1, 1]);
}
