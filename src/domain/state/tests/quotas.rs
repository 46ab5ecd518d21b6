//! Quotas: what a tenant has is counted, refused beyond what it may have, and nothing of it concerns other tenants.

use super::*;
use crate::domain::quotas::MATCH_TEXT_BYTES;
use crate::domain::{AllocationId, Quota, Quotas, Sharing, Usage};

fn other() -> Scope {
    other_scopes()[0].clone()
}

/// A world in which each tenant may have so much, and in which the group `g` is shared.
fn allowed(quotas: Quotas) -> World {
    let shared = || [(group("g"), GroupRules { sharing: Sharing::Shared, ..GroupRules::default() })].into();
    let groups = [scope(), other()].map(|scope| (scope.tenant, shared())).into();
    let mut world = World::with(Rules { groups, usual_quotas: quotas, ..Rules::default() });
    for scope in [scope(), other()] {
        world.turn().create_number(&scope, new_number("1", Some("g"))).unwrap();
        world.turn().create_number(&scope, new_number("2", Some("alone"))).unwrap();
    }
    world
}

fn full(quota: Quota, limit: u64) -> Refusal {
    Refusal::QuotaFull { quota, limit }
}

fn begin(world: &mut World, scope: &Scope, id: &str) -> Result<(), Refusal> {
    world.turn().create_interaction(scope, interaction(id).into()).map(|_| ())
}

fn usage(world: &World) -> Usage {
    world.state.usage(&scope().tenant)
}

#[test]
fn a_tenant_fills_its_share_of_each_kind_and_another_goes_on() {
    let mut world = allowed(Quotas { interactions: 2, documents: 3, bookings: 1, ..Quotas::default() });
    world.lend(lend_to("a"));
    assert_eq!(world.refused(|turn| turn.lend(&scope(), lend_to("b"))), full(Quota::Bookings, 1));
    begin(&mut world, &scope(), "b").unwrap();
    let third = |turn: &mut Turn<'_>| turn.create_interaction(&scope(), interaction("c").into());
    assert_eq!(world.refused(third), full(Quota::Interactions, 2));
    let alone = Lend { source: from("alone"), ..lend_to("c") };
    assert_eq!(world.refused(|turn| turn.lend(&scope(), alone)), full(Quota::Interactions, 2));
    world.turn().create_document(&scope(), Vec::new(), Seconds::new(60), None).unwrap();
    let more = |turn: &mut Turn<'_>| turn.create_document(&scope(), Vec::new(), Seconds::new(60), None);
    assert_eq!(world.refused(more), full(Quota::Documents, 3));

    world.turn().lend(&other(), lend_to("a")).unwrap();
    begin(&mut world, &other(), "b").unwrap();
    world.turn().create_document(&other(), Vec::new(), Seconds::new(60), None).unwrap();
    let environment = other_scopes()[1].clone();
    assert_eq!(
        begin(&mut world, &environment, "c"),
        Err(full(Quota::Interactions, 2)),
        "a tenant's are counted together"
    );
}

#[test]
fn what_ends_makes_room_again() {
    let mut world = allowed(Quotas { interactions: 1, bookings: 1, ..Quotas::default() });
    let lent = world.lend(lend_to("a"));
    begin(&mut world, &scope(), "b").unwrap_err();
    world.turn().free_allocation(&scope(), lent.allocation.id).unwrap();
    world.lend(lend_to("a"));
    world.advance(300_000);
    world.lend(lend_to("b"));
    world.turn().delete_interaction(&scope(), &interaction("b")).unwrap();
    assert_eq!(usage(&world), {
        world.turn();
        Usage { history: 3, ..Usage::default() }
    });
}

#[test]
fn a_number_that_is_held_already_is_given_again_where_no_other_booking_is_allowed() {
    let mut world = allowed(Quotas { bookings: 1, ..Quotas::default() });
    let first = world.lend(lend_to("a"));
    let again = world.lend(Lend { repeat: Repeat::SameNumber, ..lend_to("a") });
    assert_eq!(again.allocation.id, first.allocation.id);
    let elsewhere = world.lend(Lend { source: from("alone"), ..lend_to("b") });
    assert_eq!(elsewhere.allocation.number, num("2"), "a number of its own is no booking of a shared one");
}

#[test]
fn limits_below_what_there_is_take_nothing_away_and_refuse_what_is_new() {
    let mut world = allowed(Quotas::default());
    world.lend(lend_to("a"));
    world.lend(lend_to("b"));
    let before = usage(&world);
    let groups = world.state.rules().groups.clone();
    let none = Quotas { interactions: 0, documents: 0, bookings: 0, document_bytes: 0, ..Quotas::default() };
    world.state.set_rules(Rules { groups, usual_quotas: none, ..Rules::default() });
    assert_eq!(usage(&world), before);
    assert_eq!((before.interactions, before.documents, before.bookings), (2, 2, 2));
    assert_eq!(begin(&mut world, &scope(), "c"), Err(full(Quota::Interactions, 0)));
    let known = Lend { holder: Holder::Known(interaction("a")), ..lend_to("a") };
    assert_eq!(world.refused(|turn| turn.lend(&scope(), known)), full(Quota::Bookings, 0));
    assert!(world.interaction_lives("a") && world.interaction_lives("b"));
}

#[test]
fn what_a_tenant_has_is_the_same_after_a_restart() {
    let mut world = allowed(Quotas::default());
    let data = vec![text("k", "v"), text("l", &"x".repeat(5_000))];
    world.lend(Lend { data, data_ttl: Some(Seconds::new(900)), ..lend_to("a") });
    world.turn().create_document(&scope(), vec![text("k", "v")], Seconds::new(60), None).unwrap();
    let before = usage(&world);
    assert_eq!((before.interactions, before.documents, before.bookings), (1, 2, 1));
    assert!(before.document_bytes > 5_000);
    world.restart();
    assert_eq!(usage(&world), before);
    world.advance(900_000);
    world.turn();
    assert_eq!(usage(&world), Usage { history: 1, ..Usage::default() });
}

#[test]
fn the_document_of_an_interaction_counts_as_before_when_it_outlives_it() {
    let mut world = allowed(Quotas { documents: 1, ..Quotas::default() });
    world.lend(Lend { data_ttl: Some(Seconds::new(900)), ..lend_to("a") });
    world.turn().delete_interaction(&scope(), &interaction("a")).unwrap();
    assert_eq!((usage(&world).interactions, usage(&world).documents), (0, 1));
    assert_eq!(begin(&mut world, &scope(), "b"), Err(full(Quota::Documents, 1)));
}

#[test]
fn the_room_of_one_tenant_is_no_other_tenants_and_all_have_no_more_than_the_total() {
    let mut world = allowed(Quotas { document_bytes: 10_000, ..Quotas::default() });
    let rules = Rules { documents_total: 15_000, ..world.state.rules().clone() };
    world.state.set_rules(rules);
    let create = |world: &mut World, scope: &Scope, bytes: usize| {
        world.turn().create_document(scope, vec![text("k", &"x".repeat(bytes))], Seconds::new(60), None)
    };
    create(&mut world, &scope(), 8_000).unwrap();
    assert_eq!(create(&mut world, &scope(), 1_000), Err(Refusal::DocumentsFull { limit: 10_000 }));
    create(&mut world, &other(), 3_000).unwrap();
    assert_eq!(create(&mut world, &other(), 3_000), Err(Refusal::DocumentsFull { limit: 15_000 }));
}

#[test]
fn nothing_lives_longer_than_the_tenants_things_may() {
    let mut world = allowed(Quotas { ttl: Seconds::new(100), ..Quotas::default() });
    let until = world.now.after(Seconds::new(100));
    let kept = |world: &World, id| world.state.tables().kept_document(&scope(), id).unwrap().kept_until;
    let long = Seconds::new(u64::MAX);
    let id = world.turn().create_document(&scope(), Vec::new(), long, None).unwrap();
    assert_eq!(kept(&world, id), until);
    let lend = Lend { data_ttl: Some(long), interaction_ttl: long, lasting: Seconds::new(50), ..lend_to("a") };
    let lent = world.lend(lend);
    assert_eq!(kept(&world, lent.interaction.data), until);
    assert_eq!(lent.interaction.deadline, Deadline::At(until));
    world.advance(60_000);
    world.turn().merge_document(&scope(), &id.into(), Vec::new(), Some(long)).unwrap();
    assert_eq!(kept(&world, id), world.now.after(Seconds::new(100)), "a merge counts from then on");
    let new = NewInteraction { lasting: Some(Seconds::new(101)), ..interaction("b").into() };
    let limit = Seconds::new(100);
    assert_eq!(world.refused(|turn| turn.create_interaction(&scope(), new)), Refusal::LastsTooLong { limit });
}

#[test]
fn a_match_of_all_answers_and_frees_the_newest_only_that_fit_into_an_answer() {
    let mut world = allowed(Quotas { matches: 3, ..Quotas::default() });
    let ids: Vec<AllocationId> = (0..5).map(|at| world.lend(lend_to(&format!("i{at}"))).allocation.id).collect();
    let found = world.turn().match_call(&scope(), &call_to("1"), Which::All, AfterMatch::Delete).unwrap();
    let told: Vec<_> = found.iter().map(|found| found.allocation.id).collect();
    assert_eq!(told, [ids[4], ids[3], ids[2]]);
    assert!(world.interaction_lives("i0") && world.interaction_lives("i1") && !world.interaction_lives("i2"));
    assert_eq!(usage(&world).bookings, 2);
    let rest = world.turn().match_call(&scope(), &call_to("1"), Which::All, AfterMatch::Keep).unwrap();
    assert_eq!(rest.len(), 2);
}

#[test]
fn a_match_of_all_answers_and_frees_no_more_user_data_than_fit_into_an_answer_but_the_first_always() {
    let mut world = allowed(Quotas::default());
    let long = "x".repeat(usize::try_from(MATCH_TEXT_BYTES / 2).unwrap());
    let ids: Vec<AllocationId> = ["a", "b", "c"]
        .map(|id| {
            let lent = world.lend(lend_to(id));
            let data = lent.interaction.data.into();
            world.turn().merge_document(&scope(), &data, vec![text("note", &long)], None).unwrap();
            lent.allocation.id
        })
        .into();
    let found = |world: &mut World| {
        let found = world.turn().match_call(&scope(), &call_to("1"), Which::All, AfterMatch::Keep).unwrap();
        found.iter().map(|found| found.allocation.id).collect::<Vec<_>>()
    };
    assert_eq!(found(&mut world), [ids[2], ids[1]]);
    let lent = world.lend(lend_to("d"));
    let data = lent.interaction.data.into();
    let very_long = ["1", "2", "3"].map(|key| text(key, &long));
    world.turn().merge_document(&scope(), &data, very_long.into(), None).unwrap();
    assert_eq!(found(&mut world), [lent.allocation.id]);
    assert_eq!(found(&mut world), [ids[0]]);
}
