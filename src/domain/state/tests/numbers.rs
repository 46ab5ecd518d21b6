//! Numbers: created, looked up, changed, deleted, seeded, counted.

use super::*;
use crate::domain::AllocationId;
use crate::domain::change::{Counters, Ids};
use crate::domain::state::Seeds;

fn dnid(number: &str, short: &str) -> NewNumber {
    NewNumber { dnid: num(short), ..new_number(number, Some("g")) }
}

fn dialled(world: &World, text: &str) -> Option<String> {
    let found = world.state.tables().dialled(&scope(), num(text), world.now);
    found.map(|found| found.record.number.to_string())
}

fn counts(world: &mut World, name: Option<&str>) -> (usize, usize, usize) {
    let pools = world.turn().pools();
    let pool = pools.into_iter().find(|pool| pool.group == name.map(group)).expect("the group has numbers");
    (pool.free, pool.allocated, pool.disabled)
}

fn move_to(name: Option<&str>) -> NumberPatch {
    NumberPatch { group: Some(name.map(group)), ..NumberPatch::default() }
}

fn enabled(enabled: bool) -> NumberPatch {
    NumberPatch { enabled: Some(enabled), ..NumberPatch::default() }
}

#[test]
fn number_ids_count_up_and_a_deleted_one_is_never_given_again() {
    let mut world = World::new();
    assert_eq!(world.create("1", None), NumberId(1));
    assert_eq!(world.create("2", None), NumberId(2));
    world.turn().delete_number(&scope(), num("2")).unwrap();
    world.restart();
    assert_eq!(world.create("2", None), NumberId(3));
}

#[test]
fn every_scope_counts_its_ids_for_itself() {
    let mut world = World::with_numbers(&["1", "2", "3"]);
    for holder in ["a", "b", "c"] {
        world.lend(lend_to(holder));
    }
    world.turn().create_interaction(&scope(), NewInteraction::default()).unwrap();
    for scope in other_scopes() {
        let numbers: Vec<_> =
            ["7", "8"].map(|number| world.turn().create_number(&scope, new_number(number, Some("g"))).unwrap()).into();
        assert_eq!(numbers, [NumberId(1), NumberId(2)]);
        let lent = world.turn().lend(&scope, Lend { holder: Holder::New, ..lend_to("-") }).unwrap();
        assert_eq!(lent.allocation.id, AllocationId(1));
        assert!(lent.interaction.id.as_str().starts_with("1-"), "{}", lent.interaction.id);
        assert_eq!(world.turn().reserve_numbers(&scope, 5), NumberId(3));
        assert_eq!(world.turn().reserve_numbers(&scope, 1), NumberId(8));
    }
    assert_eq!(world.create("4", None), NumberId(4));
}

/// Which of the ids were a scope's own is not known any more, and may be more than its records tell: they may be gone.
#[test]
fn after_a_release_that_counted_for_all_scopes_together_each_goes_on_above_what_all_had() {
    let mut world = World::with_numbers(&["1"]);
    let before = Ids { number: 40, allocation: 700, interaction: 12 };
    let mut tables = world.state.tables().clone();
    tables.apply(&Change::Counters(Counters { before, value: 3 }));
    world.state = State::new(tables, Rules::default());
    for scope in [[scope()].as_slice(), &other_scopes()].concat() {
        let id = world.turn().create_number(&scope, new_number("2", Some("g"))).unwrap();
        let lent = world.turn().lend(&scope, Lend { holder: Holder::New, ..lend_to("-") }).unwrap();
        assert_eq!((id, lent.allocation.id), (NumberId(41), AllocationId(701)));
        assert!(lent.interaction.id.as_str().starts_with("13-"), "{}", lent.interaction.id);
    }
    assert_eq!(world.state.tables().counters().before, before, "it says the same for scopes to come");
    assert_eq!(world.create("3", None), NumberId(42));
}

#[test]
fn a_number_exists_once_in_its_scope() {
    let mut world = World::with_numbers(&["1"]);
    let again = NewNumber { dnid: num("9"), ..new_number("1", None) };
    assert_eq!(world.refused(|turn| turn.create_number(&scope(), again)), Refusal::NumberExists(num("1")));
}

#[test]
fn a_whole_number_beats_a_dnid() {
    let mut world = World::new();
    world.turn().create_number(&scope(), dnid("100", "42")).unwrap();
    world.turn().create_number(&scope(), dnid("42", "7")).unwrap();
    assert_eq!(dialled(&world, "42").as_deref(), Some("42"));
    assert_eq!(dialled(&world, "7").as_deref(), Some("42"));
    assert_eq!(dialled(&world, "8"), None);
}

#[test]
fn of_several_numbers_with_one_dnid_the_one_allocated_latest_counts_else_the_first() {
    let mut world = World::new();
    for text in ["100", "200", "300"] {
        world.turn().create_number(&scope(), dnid(text, "7")).unwrap();
    }
    assert_eq!(dialled(&world, "7").as_deref(), Some("100"));
    world.lend(Lend { lasting: Seconds::new(60), ..lend_to("a") });
    world.lend(Lend { lasting: Seconds::new(20), ..lend_to("b") });
    assert_eq!(dialled(&world, "7").as_deref(), Some("200"));
    world.advance(20_000);
    assert_eq!(dialled(&world, "7").as_deref(), Some("100"), "at its deadline the latest no longer counts");
    world.advance(40_000);
    assert_eq!(dialled(&world, "7").as_deref(), Some("100"), "nothing is allocated, so the first counts");
}

#[test]
fn a_changed_dnid_is_found_at_once_while_the_number_is_lent() {
    let mut world = World::with_numbers(&["1"]);
    world.take("a");
    let found = world.update("1", NumberPatch { dnid: Some(num("55")), ..NumberPatch::default() });
    assert_eq!(found.record.dnid, num("55"));
    assert_eq!(world.free("55").unwrap().interaction, interaction("a"));
}

#[test]
fn a_disabled_number_is_never_lent_but_can_be_read_and_freed() {
    let mut world = World::with_numbers(&["1", "2"]);
    world.take("a");
    world.update("1", enabled(false));
    world.update("2", enabled(false));
    assert_eq!(counts(&mut world, Some("g")), (0, 1, 1));
    assert_eq!(world.holder("1").as_deref(), Some("a"), "a running allocation goes on");
    assert_eq!(world.free("1").unwrap().interaction, interaction("a"));
    world.refused(|turn| turn.lend(&scope(), lend_to("b")));
    assert_eq!(counts(&mut world, Some("g")), (0, 0, 2));
    world.update("1", enabled(true));
    assert_eq!(world.drain(), ["1"]);
}

#[test]
fn a_number_that_expires_while_disabled_stays_out_of_the_pool() {
    let mut world = World::with_numbers(&["1"]);
    world.take("a");
    world.update("1", enabled(false));
    world.advance(300_000);
    world.refused(|turn| turn.lend(&scope(), lend_to("b")));
    world.restart();
    world.refused(|turn| turn.lend(&scope(), lend_to("b")));
}

#[test]
fn a_number_created_disabled_is_not_lent_until_it_is_enabled() {
    let mut world = World::new();
    world.turn().create_number(&scope(), NewNumber { enabled: false, ..new_number("1", Some("g")) }).unwrap();
    world.refused(|turn| turn.lend(&scope(), lend_to("a")));
    world.update("1", enabled(true));
    assert_eq!(world.take("a"), "1");
}

#[test]
fn a_free_number_moves_between_groups() {
    for kind in policies() {
        let mut world = World::with(policy(kind));
        world.create("1", Some("g"));
        world.update("1", move_to(Some("h")));
        assert_eq!(counts(&mut world, Some("h")), (1, 0, 0));
        let refusal = world.refused(|turn| turn.lend(&scope(), lend_to("a")));
        assert_eq!(refusal, Refusal::Exhausted { group: Some(group("g")), next_release: None, pools: Vec::new() });
        let other = Lend { source: from("h"), ..lend_to("a") };
        assert_eq!(world.lend(other).allocation.number, num("1"), "{kind:?}");
    }
}

#[test]
fn an_allocated_number_moves_between_groups_and_comes_back_to_the_new_one() {
    let mut world = World::with(policy(Policy::RoundRobin));
    world.create("1", Some("g"));
    world.create("2", Some("h"));
    world.take("a");
    world.update("1", move_to(Some("h")));
    assert_eq!(world.holder("1").as_deref(), Some("a"));
    assert_eq!(counts(&mut world, Some("h")), (1, 1, 0));
    let from_h = |holder| Lend { source: from("h"), ..lend_to(holder) };
    assert_eq!(world.lend(from_h("b")).allocation.number, num("2"));
    let refusal = world.refused(|turn| turn.lend(&scope(), from_h("c")));
    assert_eq!(
        refusal,
        Refusal::Exhausted { group: Some(group("h")), next_release: Some(Seconds::new(300)), pools: Vec::new() }
    );
    let refusal = world.refused(|turn| turn.lend(&scope(), lend_to("c")));
    assert_eq!(refusal, Refusal::Exhausted { group: Some(group("g")), next_release: None, pools: Vec::new() });
    world.advance(300_000);
    assert_eq!(world.lend(from_h("c")).allocation.number, num("1"));
}

#[test]
fn a_number_can_leave_its_group() {
    let mut world = World::with_numbers(&["1"]);
    world.update("1", move_to(None));
    assert_eq!(counts(&mut world, None), (1, 0, 0));
    assert_eq!(world.refused(|turn| turn.lend(&scope(), lend_to("a"))), Refusal::GroupUnknown(group("g")));
    assert_eq!(world.lend(Lend { source: Source::Anywhere, ..lend_to("a") }).allocation.number, num("1"));
}

#[test]
fn an_update_that_changes_nothing_leaves_no_changes() {
    let mut world = World::with_numbers(&["1"]);
    world.state.take_changes();
    world.update("1", NumberPatch { group: Some(Some(group("g"))), dnid: Some(num("1")), enabled: Some(true) });
    world.update("1", NumberPatch::default());
    assert_eq!(world.state.take_changes(), []);
    assert_eq!(world.drain(), ["1"]);
}

#[test]
fn an_update_of_an_unknown_number_is_refused() {
    let mut world = World::new();
    let refusal = world.refused(|turn| turn.update_number(&scope(), num("1"), enabled(true)));
    assert_eq!(refusal, Refusal::NumberUnknown(num("1")));
}

#[test]
fn a_number_is_deleted_only_while_it_is_not_lent() {
    let mut world = World::with_numbers(&["1"]);
    world.take("a");
    assert_eq!(world.refused(|turn| turn.delete_number(&scope(), num("1"))), Refusal::NumberAllocated(num("1")));
    world.advance(300_000);
    world.turn().delete_number(&scope(), num("1")).unwrap();
    assert_eq!(world.refused(|turn| turn.delete_number(&scope(), num("1"))), Refusal::NumberUnknown(num("1")));
    assert_eq!(world.refused(|turn| turn.lend(&scope(), lend_to("a"))), Refusal::GroupUnknown(group("g")));
}

#[test]
fn a_list_goes_by_the_numbers_and_counts_the_whole() {
    let mut world = World::with_numbers(&["3", "1", "2"]);
    world.create("0", Some("h"));
    world.take("a");
    let page = |name: Option<&str>, offset, limit| {
        let page = world.state.tables().list(&scope(), name.map(group).as_ref(), offset, limit, world.now);
        let numbers: Vec<_> =
            page.numbers.iter().map(|found| (found.record.number.to_string(), found.allocation.is_some())).collect();
        (page.total, numbers)
    };
    assert_eq!(page(None, 1, 2), (4, vec![("1".into(), true), ("2".into(), false)]));
    assert_eq!(page(Some("g"), 2, 9), (3, vec![("3".into(), false)]));
    assert_eq!(page(Some("g"), 9, 9), (3, vec![]));
    assert_eq!(page(Some("none"), 0, 9), (0, vec![]));
}

#[test]
fn every_number_counts_as_free_allocated_or_disabled() {
    let mut world = World::with_numbers(&["1", "2", "3", "4"]);
    world.take("a");
    world.update("4", enabled(false));
    assert_eq!(counts(&mut world, Some("g")), (2, 1, 1));
    world.advance(300_000);
    world.turn();
    assert_eq!(counts(&mut world, Some("g")), (3, 0, 1));
}

#[test]
fn seeds_fill_an_empty_store_all_at_once() {
    let mut world = World::new();
    let seeds = Seeds {
        numbers: vec![(scope(), new_number("1", Some("g"))), (other_scopes()[0].clone(), new_number("1", None))],
        interactions: vec![(scope(), interaction("always"))],
    };
    world.turn().seed(&seeds).unwrap();
    world.advance(u64::from(u32::MAX) * 1_000);
    world.turn();
    assert!(world.interaction_lives("always"), "a seeded interaction never ends by itself");
    let known = Lend { holder: Holder::Known(interaction("always")), ..lend_to("-") };
    assert_eq!(world.lend(known).allocation.number, num("1"));
}

#[test]
fn seeds_that_name_a_number_twice_leave_nothing_behind() {
    let mut world = World::new();
    let twice = Seeds {
        numbers: vec![(scope(), new_number("1", None)), (scope(), new_number("2", None)), (scope(), dnid("1", "9"))],
        interactions: vec![(scope(), interaction("a"))],
    };
    assert_eq!(world.refused(|turn| turn.seed(&twice)), Refusal::NumberExists(num("1")));
    assert!(world.state.tables().is_empty());
}

#[test]
fn seeds_that_name_an_interaction_twice_leave_nothing_behind() {
    let mut world = World::new();
    let twice = Seeds {
        numbers: vec![(scope(), new_number("1", None))],
        interactions: vec![(scope(), interaction("a")), (scope(), interaction("a"))],
    };
    assert_eq!(world.refused(|turn| turn.seed(&twice)), Refusal::InteractionExists(interaction("a")));
    assert!(world.state.tables().is_empty());
}

#[test]
fn seeds_are_refused_where_anything_is_or_a_number_ever_was() {
    let seeds = Seeds { numbers: vec![(scope(), new_number("5", None))], interactions: Vec::new() };
    let mut with_interaction = World::new();
    with_interaction.turn().create_interaction(&scope(), interaction("a").into()).unwrap();
    assert_eq!(with_interaction.refused(|turn| turn.seed(&seeds)), Refusal::NotEmpty);

    let mut emptied = World::with_numbers(&["1"]);
    emptied.turn().delete_number(&scope(), num("1")).unwrap();
    emptied.restart();
    assert_eq!(emptied.refused(|turn| turn.seed(&seeds)), Refusal::NotEmpty);
}

/// Records of numbers that were never lent, with ids of their own.
fn records(numbers: impl IntoIterator<Item = u64>, group: fn(u64) -> Option<&'static str>) -> Vec<Arc<NumberRecord>> {
    let record = |at: u64| {
        let NewNumber { number, dnid, group, enabled } = new_number(&at.to_string(), group(at));
        NumberRecord { id: NumberId(at), number, dnid, group, enabled, freed: None }
    };
    numbers.into_iter().map(|at| Arc::new(record(at))).collect()
}

#[test]
fn numbers_imported_at_once_are_as_if_they_had_been_created_one_after_the_other() {
    let group = |at: u64| [Some("g"), Some("h"), None][(at % 3) as usize];
    // Into nothing, beside many, and beside few.
    for there in [0, 3, 400] {
        let (mut one_by_one, mut at_once) = (World::new(), World::new());
        for world in [&mut one_by_one, &mut at_once] {
            for at in 1..=there {
                world.create(&at.to_string(), group(at));
            }
            world.take_some();
        }
        // Not in the order of the numbers.
        let new: Vec<_> = (there + 1..there + 40).rev().collect();
        for at in &new {
            one_by_one.create(&at.to_string(), group(*at));
        }
        at_once.turn().import_numbers(&scope(), &records(new, group));
        let numbers = |world: &World| {
            let found = world.state.tables().list(&scope(), None, 0, usize::MAX, world.now).numbers;
            found.into_iter().map(|found| (found.record.number, found.record.group.clone())).collect::<Vec<_>>()
        };
        assert_eq!(numbers(&one_by_one), numbers(&at_once));
        assert_eq!(one_by_one.found("1").record.dnid, at_once.found("1").record.dnid);
        assert_eq!(one_by_one.drain(), at_once.drain());
        at_once.restart();
        one_by_one.restart();
        assert_eq!(one_by_one.take_some(), at_once.take_some());
    }
}

#[test]
fn many_changes_at_once_come_to_the_same_as_one_after_the_other() {
    let world = World::with_numbers(&["1", "2"]);
    let scope = Arc::new(scope());
    let change =
        |record: &Arc<NumberRecord>| Change::Number(Arc::clone(&scope), record.number, Some(Arc::clone(record)));
    let new = records(3..50, |_| Some("g"));
    // A run of new numbers, one that comes twice with another group, one that was there before, and one that goes.
    let mut changes: Vec<_> = new.iter().map(change).collect();
    changes.extend(records([7, 1], |_| Some("h")).iter().map(change));
    changes.push(Change::Number(Arc::clone(&scope), num("9"), None));
    changes.extend(records(60..70, |_| None).iter().map(change));
    let mut before = world.state.tables().clone();
    let mut at_once = before.clone();
    changes.iter().for_each(|change| before.apply(change));
    at_once.apply_all(&changes);
    assert!(before == at_once);
}
