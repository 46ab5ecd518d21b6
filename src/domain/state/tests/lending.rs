//! Exclusive lending, deadlines, repeats and access codes.

use super::*;
use crate::domain::code::InvalidShape;

#[test]
fn a_number_is_lent_to_one_interaction_at_a_time() {
    let mut world = World::with_numbers(&["1", "2"]);
    assert_eq!(world.take("a"), "1");
    assert_eq!(world.take("b"), "2");
    let refusal = world.refused(|turn| turn.lend(&scope(), lend_to("c")));
    let next_release = Some(Seconds::new(300));
    assert_eq!(refusal, Refusal::Exhausted { group: Some(group("g")), next_release, pools: Vec::new() });
}

#[test]
fn a_freed_number_can_be_lent_again_at_once() {
    let mut world = World::with_numbers(&["1"]);
    world.take("a");
    assert_eq!(world.free("1").unwrap().interaction, interaction("a"));
    assert_eq!(world.free("1"), None, "it was free already");
    assert_eq!(world.take("b"), "1");
}

#[test]
fn an_allocation_ends_at_its_very_deadline_and_not_a_millisecond_before() {
    let mut world = World::with_numbers(&["1"]);
    let lent = world.lend(lend_to("a"));
    assert_eq!(lent.seconds_left, Seconds::new(300));
    world.advance(299_999);
    assert_eq!(world.holder("1").as_deref(), Some("a"));
    world.refused(|turn| turn.lend(&scope(), lend_to("b")));
    world.advance(1);
    assert_eq!(world.holder("1"), None, "readers judge by the clock, before anything swept");
    assert_eq!(world.take("b"), "1");
}

#[test]
fn an_expired_number_came_back_at_its_deadline_however_late_anybody_looks() {
    let mut world = World::with_numbers(&["1"]);
    let lent = world.lend(lend_to("a"));
    world.advance(10_000_000);
    world.turn();
    let freed = world.found("1").record.freed.unwrap();
    assert_eq!(freed.at, lent.allocation.deadline);
    assert_eq!(freed.allocation, lent.allocation.id);
}

#[test]
fn a_group_without_a_free_number_says_when_the_next_comes_back_rounded_up() {
    let mut world = World::with_numbers(&["1", "2"]);
    world.take("a");
    world.lend(Lend { lasting: Seconds::new(10), ..lend_to("b") });
    world.advance(1);
    let refusal = world.refused(|turn| turn.lend(&scope(), lend_to("c")));
    assert_eq!(
        refusal,
        Refusal::Exhausted { group: Some(group("g")), next_release: Some(Seconds::new(10)), pools: Vec::new() }
    );
}

#[test]
fn an_unknown_group_is_refused_and_a_configured_one_without_numbers_is_exhausted() {
    let mut world = World::with(policy(Policy::Random));
    let elsewhere = Lend { source: from("nowhere"), ..lend_to("a") };
    assert_eq!(world.refused(|turn| turn.lend(&scope(), elsewhere)), Refusal::GroupUnknown(group("nowhere")));
    assert_eq!(
        world.refused(|turn| turn.lend(&scope(), lend_to("a"))),
        Refusal::Exhausted { group: Some(group("g")), next_release: None, pools: Vec::new() }
    );
}

#[test]
fn a_group_is_known_as_long_as_a_number_carries_its_name() {
    let mut world = World::with_numbers(&["1"]);
    world.turn().delete_number(&scope(), num("1")).unwrap();
    assert_eq!(world.refused(|turn| turn.lend(&scope(), lend_to("a"))), Refusal::GroupUnknown(group("g")));
}

#[test]
fn the_first_of_several_groups_with_a_free_number_lends_it() {
    let mut world = World::new();
    world.create("1", Some("one"));
    world.create("2", Some("two"));
    let either = Lend { source: Source::FirstOf(vec![group("none"), group("two"), group("one")]), ..lend_to("a") };
    assert_eq!(world.lend(either.clone()).allocation.number, num("2"));
    assert_eq!(world.lend(either.clone()).allocation.number, num("1"));
    assert_eq!(
        world.refused(|turn| turn.lend(&scope(), either)),
        Refusal::Exhausted { group: None, next_release: Some(Seconds::new(300)), pools: Vec::new() }
    );
}

#[test]
fn anywhere_means_the_numbers_without_a_group_first_and_then_every_group() {
    let mut world = World::new();
    world.create("1", Some("one"));
    world.create("9", None);
    world.create("2", Some("two"));
    let anywhere = Lend { source: Source::Anywhere, ..lend_to("a") };
    let taken: Vec<_> = (0..3).map(|_| world.lend(anywhere.clone()).allocation.number).collect();
    assert_eq!(taken, [num("9"), num("1"), num("2")]);
    assert_eq!(
        world.refused(|turn| turn.lend(&scope(), anywhere)),
        Refusal::Exhausted { group: None, next_release: Some(Seconds::new(300)), pools: Vec::new() }
    );
}

#[test]
fn a_known_holder_must_exist_and_any_holder_is_made() {
    let mut world = World::with_numbers(&["1"]);
    let known = Lend { holder: Holder::Known(interaction("a")), ..lend_to("a") };
    assert_eq!(world.refused(|turn| turn.lend(&scope(), known.clone())), Refusal::InteractionUnknown(interaction("a")));
    world.take("a");
    world.free("1");
    assert_eq!(world.lend(known).interaction.id, interaction("a"));
}

#[test]
fn a_new_holder_is_named_by_a_counter_and_a_uuid() {
    let mut world = World::with_numbers(&["1", "2"]);
    let new = Lend { holder: Holder::New, ..lend_to("-") };
    let (first, second) = (world.lend(new.clone()).interaction, world.lend(new).interaction);
    let form = |id: &InteractionId| {
        let (counter, uuid) = id.as_str().split_once('-').unwrap();
        uuid::Uuid::parse_str(uuid).unwrap();
        counter.parse::<u64>().unwrap()
    };
    assert_eq!((form(&first.id), form(&second.id)), (1, 2));
}

#[test]
fn a_second_request_takes_another_number_unless_the_same_is_asked_for() {
    let mut world = World::with_numbers(&["1", "2"]);
    let first = world.lend(lend_to("a"));
    world.advance(1_000);
    let same = world.lend(Lend { repeat: Repeat::SameNumber, ..lend_to("a") });
    assert_eq!(same.allocation.number, first.allocation.number);
    assert_eq!(same.allocation.id, first.allocation.id);
    assert_eq!(same.allocation.deadline, first.allocation.deadline.after(Seconds::new(1)), "it has a new deadline");
    assert_eq!(world.take("a"), "2");
}

#[test]
fn the_old_deadline_of_a_renewed_allocation_ends_nothing() {
    let mut world = World::with_numbers(&["1"]);
    world.take("a");
    world.advance(200_000);
    world.lend(Lend { repeat: Repeat::SameNumber, ..lend_to("a") });
    world.advance(299_999);
    assert_eq!(
        world.refused(|turn| turn.lend(&scope(), lend_to("b"))),
        Refusal::Exhausted { group: Some(group("g")), next_release: Some(Seconds::new(1)), pools: Vec::new() }
    );
    assert_eq!(world.holder("1").as_deref(), Some("a"));
    world.advance(1);
    assert_eq!(world.take("b"), "1");
}

#[test]
fn the_same_number_is_kept_even_when_another_or_an_unknown_group_is_named() {
    let mut world = World::with_numbers(&["1"]);
    world.create("2", Some("h"));
    world.take("a");
    for elsewhere in ["h", "unknown"] {
        let again = Lend { repeat: Repeat::SameNumber, source: from(elsewhere), ..lend_to("a") };
        assert_eq!(world.lend(again).allocation.number, num("1"), "{elsewhere}");
    }
}

#[test]
fn only_an_allocation_of_the_same_origin_is_given_again() {
    let mut world = World::with_numbers(&["1", "2"]);
    world.take("a");
    let interact = Lend { origin: LentBy::Interact, repeat: Repeat::SameNumber, ..lend_to("a") };
    assert_eq!(world.lend(interact.clone()).allocation.number, num("2"), "the number that GMS lent does not count");
    assert_eq!(world.lend(interact).allocation.number, num("2"));
}

#[test]
fn an_ended_allocation_is_not_given_again() {
    let mut world = World::with_numbers(&["1", "2"]);
    world.lend(Lend { interaction_ttl: Seconds::new(9_000), ..lend_to("a") });
    world.advance(300_000);
    let again = world.lend(Lend { repeat: Repeat::SameNumber, ..lend_to("a") });
    assert_eq!(again.allocation.number, num("2"), "round robin goes on");
}

#[test]
fn a_lending_for_no_time_at_all_ends_at_once() {
    let mut world = World::with_numbers(&["1"]);
    world.lend(Lend { lasting: Seconds::new(0), ..lend_to("a") });
    assert_eq!(world.holder("1"), None);
    assert_eq!(world.take("b"), "1");
}

#[test]
fn an_access_code_has_the_length_asked_for_and_decimal_digits_only() {
    let mut world = World::with_numbers(&["1"]);
    for length in 1..=16 {
        for _ in 0..20 {
            let lent = world.lend(Lend { code: super::digits(length), ..lend_to("a") });
            let code = lent.allocation.code.as_ref().unwrap().as_str();
            assert_eq!(code.len() as u64, length);
            assert!(code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
            world.free("1");
        }
    }
    assert_eq!(CodeShape::new(0, None), Err(InvalidShape::Length));
    assert_eq!(CodeShape::new(17, None), Err(InvalidShape::Length));
    assert_eq!(CodeShape::new(6, None), Ok(CodeShape::DEFAULT));
}

#[test]
fn every_digit_can_lead_an_access_code_zero_included() {
    let mut world = World::with_numbers(&["1"]);
    let mut leads = std::collections::BTreeSet::new();
    for _ in 0..300 {
        let lent = world.lend(Lend { code: Some(CodeShape::DEFAULT), ..lend_to("a") });
        leads.insert(lent.allocation.code.as_ref().unwrap().as_str().as_bytes()[0]);
        world.free("1");
    }
    assert_eq!(leads, (b'0'..=b'9').collect());
}

#[test]
fn no_code_is_drawn_unless_one_is_asked_for() {
    let mut world = World::with_numbers(&["1"]);
    assert_eq!(world.lend(lend_to("a")).allocation.code, None);
}

#[test]
fn a_number_can_be_freed_by_its_dnid_and_an_unknown_one_cannot() {
    let mut world = World::new();
    let new = NewNumber { dnid: num("77"), ..new_number("100", Some("g")) };
    world.turn().create_number(&scope(), new).unwrap();
    world.take("a");
    assert_eq!(world.free("77").unwrap().number, num("100"));
    assert_eq!(world.holder("100"), None);
    assert_eq!(world.refused(|turn| turn.free(&scope(), num("78"))), Refusal::NumberUnknown(num("78")));
}

#[test]
fn tenants_and_environments_share_nothing() {
    let mut world = World::with_numbers(&["1"]);
    let lent = world.lend(lend_to("a"));
    for other in other_scopes() {
        assert_eq!(world.refused(|turn| turn.free(&other, num("1"))), Refusal::NumberUnknown(num("1")));
        assert_eq!(world.refused(|turn| turn.lend(&other, lend_to("a"))), Refusal::GroupUnknown(group("g")));
        assert_eq!(
            world.refused(|turn| turn.delete_interaction(&other, &interaction("a"))),
            Refusal::InteractionUnknown(interaction("a"))
        );
        let data = lent.interaction.data;
        assert_eq!(world.refused(|turn| turn.delete_document(&other, &data.into())), Refusal::DocumentUnknown(data));
        world.turn().create_number(&other, new_number("1", Some("g"))).unwrap();
        assert_eq!(world.turn().lend(&other, lend_to("a")).unwrap().allocation.number, num("1"));
    }
    assert_eq!(world.free("1").unwrap().id, lent.allocation.id);
}

#[test]
fn what_is_due_can_end_in_steps_each_up_to_a_point_in_time() {
    let mut world = World::with_numbers(&["1", "2", "3", "4"]);
    let first = world.now.as_millis() + 300_000;
    world.take("a");
    world.take("b");
    world.advance(1);
    world.take("c");
    world.advance(1);
    world.take("d");
    world.advance(300_000);
    let now = world.now;
    let live =
        |world: &World| world.state.tables().contents().lent().map(|(_, lent)| lent.running.len()).sum::<usize>();
    assert_eq!(
        world.state.end_due(now, 1),
        Timestamp::from_millis(first),
        "what ends in one millisecond ends together"
    );
    assert_eq!(live(&world), 2);
    assert_eq!(world.state.end_due(now, 1), Timestamp::from_millis(first + 1));
    assert_eq!(live(&world), 1);
    assert_eq!(world.state.end_due(now, 1), now);
    assert_eq!(live(&world), 0);
    assert_eq!(world.state.end_due(now, 1), now, "nothing more is due");
}
