//! What the refusal of an empty group tells: how its numbers stand, who has held one for longest, and when the next one
//! can be lent again.

use super::*;
use crate::domain::Sharing;

fn kept_back(numbers: &[&str]) -> Rules {
    let reserved = numbers.iter().map(|text| num(text)).collect();
    group_rules("g", GroupRules { reserved, ..GroupRules::default() })
}

fn next_release(world: &mut World, name: &str) -> Option<Seconds> {
    match world.refused(|turn| turn.lend(&scope(), Lend { source: from(name), ..lend_to("next") })) {
        Refusal::Exhausted { next_release, .. } => next_release,
        other => panic!("{name} is exhausted, not {other:?}"),
    }
}

#[test]
fn it_tells_the_numbers_by_state_and_whose_the_oldest_allocation_is() {
    let mut world = World::with(kept_back(&["4"]));
    for text in ["1", "2", "3", "4"] {
        world.create(text, Some("g"));
    }
    world.take("a");
    world.advance(7_000);
    world.take("b");
    world.update("3", NumberPatch { enabled: Some(false), ..NumberPatch::default() });
    world.advance(5_500);
    let told = world.exhaustion(lend_to("c"));
    assert_eq!(told, [world.turn().pool(&scope(), &group("g")).unwrap()]);
    let pool = &told[0];
    assert_eq!((pool.free, pool.allocated, pool.cooling, pool.reserved, pool.disabled), (0, 2, 0, 1, 1));
    let oldest = pool.oldest.as_ref().unwrap();
    assert_eq!((oldest.allocation.interaction.as_str(), oldest.lasted), ("a", Seconds::new(12)));
    assert_eq!(oldest.allocation.since, Timestamp::from_millis(1_000_000));
    assert_eq!(pool.next_release, Some(Seconds::new(288)));
}

#[test]
fn a_number_that_is_disabled_or_kept_back_while_it_is_lent_is_no_release() {
    let mut world = World::with_numbers(&["1", "2", "3"]);
    for (holder, lasting) in [("a", 10), ("b", 20), ("c", 30)] {
        world.lend(Lend { lasting: Seconds::new(lasting), ..lend_to(holder) });
    }
    assert_eq!(next_release(&mut world, "g"), Some(Seconds::new(10)));
    world.update("1", NumberPatch { enabled: Some(false), ..NumberPatch::default() });
    assert_eq!(next_release(&mut world, "g"), Some(Seconds::new(20)));
    world.state.set_rules(kept_back(&["2"]));
    assert_eq!(next_release(&mut world, "g"), Some(Seconds::new(30)));
    world.update("3", NumberPatch { enabled: Some(false), ..NumberPatch::default() });
    assert_eq!(next_release(&mut world, "g"), None, "all that is lent stays away when it comes back");
    world.update("1", NumberPatch { enabled: Some(true), ..NumberPatch::default() });
    assert_eq!(next_release(&mut world, "g"), Some(Seconds::new(10)));
}

#[test]
fn a_group_that_was_shared_releases_a_number_with_the_last_of_its_allocations() {
    let mut world = World::with(group_rules("g", GroupRules { sharing: Sharing::Shared, ..GroupRules::default() }));
    world.create("1", Some("g"));
    for lasting in [60, 90, 75] {
        world.lend(Lend { lasting: Seconds::new(lasting), ..lend_to("a") });
    }
    world.state.set_rules(Rules::default());
    assert_eq!(next_release(&mut world, "g"), Some(Seconds::new(90)));
    world.create("2", Some("g"));
    world.lend(Lend { lasting: Seconds::new(80), ..lend_to("b") });
    assert_eq!(next_release(&mut world, "g"), Some(Seconds::new(80)));
}

#[test]
fn where_no_group_is_named_it_tells_of_those_that_could_have_lent() {
    let mut world = World::with(group_rules("many", GroupRules { sharing: Sharing::Shared, ..GroupRules::default() }));
    for (text, name) in [("1", Some("one")), ("2", Some("two")), ("3", None), ("4", Some("many"))] {
        world.create(text, name);
    }
    let from = |source| Lend { source, origin: LentBy::Interact, ..lend_to("next") };
    let anywhere = from(Source::Anywhere);
    for lasting in [30, 20, 10] {
        world.lend(Lend { lasting: Seconds::new(lasting), ..anywhere.clone() });
    }
    let names = |pools: &[PoolHealth]| pools.iter().map(|pool| pool.group.clone()).collect::<Vec<_>>();
    assert_eq!(names(&world.exhaustion(anywhere)), [None, Some(group("one")), Some(group("two"))]);
    let first_of = from(Source::FirstOf(vec![group("two"), group("none"), group("many")]));
    assert_eq!(names(&world.exhaustion(first_of.clone())), [Some(group("two"))], "Interact lends no shared number");
    let refusal = world.refused(|turn| turn.lend(&scope(), first_of));
    assert_eq!(refusal, Refusal::Exhausted { group: None, next_release: Some(Seconds::new(10)), pools: Vec::new() });
    let shared = from(Source::group(group("many")));
    assert_eq!(names(&world.exhaustion(shared)), [], "waiting for a group that Interact never lends from is in vain");
}

#[test]
fn a_refusal_tells_of_a_bounded_number_of_groups() {
    let mut world = World::new();
    for at in 100..150 {
        let text = at.to_string();
        world.turn().create_number(&scope(), NewNumber { enabled: false, ..new_number(&text, Some(&text)) }).unwrap();
    }
    assert_eq!(world.exhaustion(Lend { source: Source::Anywhere, ..lend_to("a") }).len(), 20);
}
