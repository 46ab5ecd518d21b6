//! Numbers that many interactions share, and numbers whose group begins or ceases to be shared.

use super::*;
use crate::domain::refusal::Miss;
use crate::domain::{CodePrefix, Sharing};

fn shared(policy: Policy, cool_down: u64) -> GroupRules {
    let cool_down = Seconds::new(cool_down);
    GroupRules { policy, sharing: Sharing::Shared, cool_down, ..GroupRules::default() }
}

/// A world whose group `g` is shared and has these numbers.
fn shared_world(policy: Policy, numbers: &[&str]) -> World {
    let mut world = World::with(group_rules("g", shared(policy, 0)));
    for text in numbers {
        world.create(text, Some("g"));
    }
    world
}

fn coded(holder: &str, code: Option<CodeShape>) -> Lend {
    Lend { code, interaction_ttl: Seconds::new(900), ..lend_to(holder) }
}

fn holder_of(world: &mut World, criteria: &Criteria) -> Result<String, Refusal> {
    let found = world.turn().match_call(&scope(), criteria, Which::Newest, AfterMatch::Keep)?;
    Ok(found[0].interaction.id.to_string())
}

#[test]
fn a_thousand_interactions_at_a_time_on_five_shared_numbers_each_match_by_their_own_code() {
    for policy in policies() {
        let mut world = shared_world(policy, &["1", "2", "3", "4", "5"]);
        let calls: Vec<_> = (0..1_000)
            .map(|at| {
                let allocation = world.lend(coded(&format!("i{at}"), digits(4))).allocation;
                let code = allocation.code.as_ref().unwrap().as_str().to_owned();
                (Criteria { code: Some(code), ..call_to(&allocation.number.to_string()) }, format!("i{at}"))
            })
            .collect();
        world.restart();
        for (criteria, id) in &calls {
            let others = calls.iter().filter(|(other, _)| other == criteria).count();
            assert_eq!(others, 1, "a code is given once on a number");
            assert_eq!(holder_of(&mut world, criteria).as_ref(), Ok(id));
        }
        assert_eq!(world.turn().pool(&scope(), &group("g")).unwrap().allocations, 0);
    }
}

#[test]
fn interactions_of_a_shared_number_are_told_apart_by_the_callers_number_too() {
    let mut world = shared_world(Policy::RoundRobin, &["1"]);
    let from = |text| Some(Caller::new(text).unwrap());
    for (holder, caller) in [("a", from("555")), ("b", from("777")), ("c", None)] {
        world.lend(Lend { caller, ..lend_to(holder) });
    }
    let by = |caller| Criteria { caller, ..call_to("1") };
    assert_eq!(holder_of(&mut world, &by(from("555"))).as_deref(), Ok("a"));
    let nobody = Refusal::NoMatch(Miss::WrongCaller);
    assert_eq!(holder_of(&mut world, &by(from("555"))), Err(nobody.clone()), "it has ended with the match");
    assert_eq!(holder_of(&mut world, &by(from("999"))), Err(nobody), "one without a caller does not fit any caller");
    assert_eq!(holder_of(&mut world, &by(None)).as_deref(), Ok("c"), "of several the newest");
    assert_eq!(holder_of(&mut world, &by(None)).as_deref(), Ok("b"));
}

#[test]
fn a_shared_allocation_without_a_code_fits_no_call_that_gives_one() {
    let mut world = shared_world(Policy::RoundRobin, &["1"]);
    world.lend(lend_to("a"));
    let with_code = Criteria { code: Some("4711".to_owned()), ..call_to("1") };
    assert_eq!(holder_of(&mut world, &with_code), Err(Refusal::NoMatch(Miss::NotLent)));
    world.lend(coded("b", digits(6)));
    assert_eq!(holder_of(&mut world, &with_code), Err(Refusal::NoMatch(Miss::WrongCode)), "b has another one");
}

#[test]
fn all_matches_on_a_shared_number_are_listed_newest_first_and_freed() {
    let mut world = shared_world(Policy::RoundRobin, &["1"]);
    for holder in ["a", "b", "c"] {
        world.lend(lend_to(holder));
        world.advance(1);
    }
    let found = world.turn().match_call(&scope(), &call_to("1"), Which::All, AfterMatch::Keep).unwrap();
    let holders: Vec<_> = found.iter().map(|found| found.interaction.id.as_str()).collect();
    assert_eq!(holders, ["c", "b", "a"]);
    assert_eq!(world.holder("1"), None);
}

#[test]
fn the_codes_of_a_shared_group_are_used_up_only_when_every_number_has_given_out_every_one() {
    for policy in policies() {
        let mut world = shared_world(policy, &["1", "2", "3"]);
        let seven = CodeShape::new(2, CodePrefix::new(7, 7)).ok();
        for at in 0..30 {
            world.lend(coded(&format!("i{at}"), seven));
        }
        let refusal = world.refused(|turn| turn.lend(&scope(), coded("late", seven)));
        assert_eq!(refusal, Refusal::CodesUsedUp { length: 2 }, "{policy:?}");
        world.lend(coded("other prefix", CodeShape::new(2, CodePrefix::new(8, 9)).ok()));
        world.lend(coded("other length", digits(1)));
        world.turn().delete_interaction(&scope(), &interaction("i7")).unwrap();
        world.lend(coded("late", seven));
    }
}

#[test]
fn a_refusal_for_want_of_a_code_does_not_turn_the_round() {
    let mut world = shared_world(Policy::RoundRobin, &["1", "2", "3"]);
    for at in 0..30 {
        world.lend(coded(&format!("i{at}"), digits(1)));
    }
    world.refused(|turn| turn.lend(&scope(), coded("x", digits(1))));
    assert_eq!(world.take("y"), "1");
}

#[test]
fn the_policies_share_out_the_numbers_of_a_shared_group_before_and_after_a_restart() {
    for (policy, expected) in
        [(Policy::RoundRobin, ["1", "2", "3", "1"]), (Policy::LeastRecentlyFreed, ["1", "2", "3", "1"])]
    {
        let mut world = shared_world(policy, &["1", "2", "3"]);
        let mut taken = Vec::new();
        for restart in [false, true, true, false] {
            world.advance(1);
            taken.push(world.take("a"));
            if restart {
                world.restart();
            }
        }
        assert_eq!(taken, expected, "{policy:?}");
    }
}

#[test]
fn least_recently_freed_passes_over_a_shared_number_that_was_just_freed() {
    for restarted in [false, true] {
        let mut world = shared_world(Policy::LeastRecentlyFreed, &["1", "2"]);
        world.take("a");
        world.advance(1);
        world.take("b");
        world.advance(1);
        world.free("1");
        if restarted {
            world.restart();
        }
        assert_eq!(world.take("c"), "2", "restarted: {restarted}");
    }
}

#[test]
fn interact_never_lends_a_shared_number() {
    let mut world = shared_world(Policy::RoundRobin, &["1"]);
    let interact = |source| Lend { origin: LentBy::Interact, source, ..lend_to("a") };
    for source in [from("g"), Source::FirstOf(vec![group("g")]), Source::Anywhere] {
        let refusal = world.refused(|turn| turn.lend(&scope(), interact(source.clone())));
        assert!(matches!(refusal, Refusal::Exhausted { .. }), "{source:?}: {refusal:?}");
    }
}

#[test]
fn free_ends_the_newest_allocation_of_a_shared_number() {
    let mut world = shared_world(Policy::RoundRobin, &["1"]);
    world.take("a");
    world.take("b");
    assert_eq!(world.holder("1").as_deref(), Some("b"));
    assert_eq!(world.free("1").unwrap().interaction, interaction("b"));
    assert_eq!(world.holder("1").as_deref(), Some("a"));
}

#[test]
fn a_number_moved_from_a_shared_group_is_lent_again_only_when_the_last_of_its_allocations_has_ended() {
    let mut world = shared_world(Policy::RoundRobin, &["1"]);
    world.lend(Lend { lasting: Seconds::new(60), ..lend_to("a") });
    world.lend(Lend { lasting: Seconds::new(90), ..lend_to("b") });
    world.update("1", NumberPatch { group: Some(Some(group("alone"))), ..NumberPatch::default() });
    let alone = |holder| Lend { source: from("alone"), ..lend_to(holder) };
    world.advance(60_000);
    let refusal = world.refused(|turn| turn.lend(&scope(), alone("c")));
    assert_eq!(
        refusal,
        Refusal::Exhausted { group: Some(group("alone")), next_release: Some(Seconds::new(30)), pools: Vec::new() }
    );
    world.advance(30_000);
    assert_eq!(world.lend(alone("c")).allocation.sharing, Sharing::Exclusive);
}

#[test]
fn a_number_moved_to_a_shared_group_keeps_its_holder_and_takes_others_beside() {
    let mut world = World::with(group_rules("g", shared(Policy::RoundRobin, 0)));
    world.create("1", None);
    world.lend(Lend { source: Source::Anywhere, ..lend_to("a") });
    world.update("1", NumberPatch { group: Some(Some(group("g"))), ..NumberPatch::default() });
    let coded = world.lend(coded("b", digits(6))).allocation;
    let call = Criteria { code: coded.code.as_ref().map(|code| code.as_str().to_owned()), ..call_to("1") };
    let all = world.turn().match_call(&scope(), &call, Which::All, AfterMatch::Keep).unwrap();
    let holders: Vec<_> = all.iter().map(|found| found.interaction.id.as_str()).collect();
    assert_eq!(holders, ["b", "a"], "the one lent alone has no code to differ by");
}

#[test]
fn a_group_that_a_reload_makes_exclusive_lends_each_number_once_its_allocations_have_ended_and_rested() {
    let mut world = shared_world(Policy::RoundRobin, &["1"]);
    world.take("a");
    world.take("b");
    world.advance(1_000);
    world.free("1");
    world.free("1");
    let cool_down = Seconds::new(10);
    world.state.set_rules(group_rules("g", GroupRules { cool_down, ..GroupRules::default() }));
    let refusal = world.refused(|turn| turn.lend(&scope(), lend_to("c")));
    assert_eq!(
        refusal,
        Refusal::Exhausted { group: Some(group("g")), next_release: Some(cool_down), pools: Vec::new() }
    );
    world.advance(10_000);
    assert_eq!(world.take("c"), "1");
    world.refused(|turn| turn.lend(&scope(), lend_to("d")));
}

#[test]
fn a_group_that_a_reload_makes_exclusive_counts_a_number_with_several_expired_allocations_once() {
    let mut world = World::with(group_rules("g", shared(Policy::RoundRobin, 60)));
    world.create("1", Some("g"));
    for holder in ["a", "b", "c"] {
        world.lend(Lend { interaction_ttl: Seconds::new(900), ..lend_to(holder) });
    }
    world.advance(300_000);
    let of_g = |world: &mut World| world.turn().pool(&scope(), &group("g")).unwrap();
    assert_eq!((of_g(&mut world).free, of_g(&mut world).allocations), (1, 0));
    let cool_down = Seconds::new(60);
    world.state.set_rules(group_rules("g", GroupRules { cool_down, ..GroupRules::default() }));
    assert_eq!((of_g(&mut world).free, of_g(&mut world).cooling, of_g(&mut world).total()), (0, 1, 1));
}

#[test]
fn the_round_goes_on_after_a_restart_where_it_was_in_whatever_order_shared_allocations_end() {
    let mut world = shared_world(Policy::RoundRobin, &["1", "2"]);
    for (holder, number) in [("a", "1"), ("b", "2"), ("c", "1")] {
        assert_eq!(world.take(holder), number);
    }
    for holder in ["c", "a"] {
        world.turn().delete_interaction(&scope(), &interaction(holder)).unwrap();
    }
    world.restart();
    assert_eq!(world.take("d"), "2");
}

#[test]
fn the_next_release_of_a_shared_group_is_the_next_end_of_a_live_allocation() {
    let mut world = World::with(group_rules("g", shared(Policy::RoundRobin, 60)));
    world.create("1", Some("g"));
    for (holder, lasting) in [("a", 10), ("b", 30)] {
        world.lend(Lend { lasting: Seconds::new(lasting), interaction_ttl: Seconds::new(900), ..lend_to(holder) });
    }
    world.advance(20_000);
    let told = world.turn().pool(&scope(), &group("g")).unwrap();
    assert_eq!((told.allocations, told.next_release), (1, Some(Seconds::new(10))));
}
