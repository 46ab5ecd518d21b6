//! What the audit tells of what people did, and what is left of it after a while.

use std::sync::Arc;

use super::*;
use crate::domain::audit::{Action, Actor, AuditFilter, Deed, Facts};
use crate::domain::route::{Destination, FlowId};
use crate::domain::{AuditEntry, AuditOwner, AuditQuery, AuditRules};

fn ann() -> Option<Arc<Actor>> {
    Some(Arc::new(Actor::Person { user: "ann".into(), application: None, source: None }))
}

fn query() -> AuditQuery {
    AuditQuery { owners: vec![Some(scope().tenant)], filter: AuditFilter::default(), after: None, limit: 1000 }
}

fn entries(world: &World, query: &AuditQuery) -> Vec<Arc<AuditEntry>> {
    world.state.tables().audit_part(query).items
}

/// What was done to what, newest first.
fn told(world: &World) -> Vec<(Action, String)> {
    entries(world, &query()).iter().map(|entry| (entry.action, entry.thing.to_string())).collect()
}

fn keeping(days: u32, entries: u64) -> World {
    World::with(Rules { audit: AuditRules { days, entries }, ..Rules::default() })
}

#[test]
fn what_a_person_changes_is_told_with_before_and_after_in_the_same_changes() {
    let mut world = World::new();
    world.turn().by(ann()).create_number(&scope(), new_number("11", Some("g"))).unwrap();
    let disabled = NumberPatch { enabled: Some(false), ..NumberPatch::default() };
    world.advance(5);
    world.state.take_changes();
    world.turn().by(ann()).update_number(&scope(), num("11"), disabled).unwrap();
    let changes = world.state.take_changes();
    assert!(matches!(&changes[..], [Change::Number(..), Change::Audited(_, _, Some(_))]), "{changes:?}");
    world.turn().by(ann()).delete_number(&scope(), num("11")).unwrap();
    assert_eq!(
        told(&world),
        [Action::NumberDeleted, Action::NumberChanged, Action::NumberCreated].map(|it| (it, "11".to_owned()))
    );
    let all = entries(&world, &query());
    let facts = |enabled: bool| Facts::default().with("dnid", "11").with("group", "g").with("enabled", enabled);
    let of = |entry: &AuditEntry| (entry.before.clone(), entry.after.clone());
    assert_eq!(of(&all[2]), (Facts::default(), facts(true)));
    assert_eq!(of(&all[1]), (facts(true), facts(false)));
    assert_eq!(of(&all[0]), (facts(false), Facts::default()));
    assert_eq!((all[1].at, Some(&all[1].actor)), (world.now, ann().as_deref()));
}

#[test]
fn what_is_forced_free_and_what_is_ended_is_told_and_what_applications_do_is_not() {
    let mut world = World::with_numbers(&["11", "12"]);
    let lent = world.lend(lend_to("a"));
    let freed = world.turn().by(ann()).free_allocation(&scope(), lent.allocation.id).unwrap();
    world.lend(lend_to("b"));
    world.turn().by(ann()).delete_interaction(&scope(), &interaction("b")).unwrap();
    let expected = [(Action::InteractionDeleted, "b".to_owned()), (Action::AllocationFreed, freed.id.0.to_string())];
    assert_eq!(told(&world), expected);
    let before = &entries(&world, &query())[1].before;
    assert!(before.iter().any(|(name, fact)| name == "interaction" && *fact == "a".into()), "{before:?}");

    // For somebody, but nothing that the audit is about; and for nobody.
    let lent = world.turn().by(ann()).lend(&scope(), lend_to("c")).unwrap();
    world.turn().by(ann()).free(&scope(), lent.allocation.number).unwrap();
    world.lend(lend_to("d"));
    world.turn().delete_interaction(&scope(), &interaction("d")).unwrap();
    world.turn().delete_number(&scope(), num("11")).unwrap();
    assert_eq!(told(&world), expected);
}

#[test]
fn a_change_that_changes_nothing_and_a_refusal_say_nothing() {
    let mut world = World::with_numbers(&["11"]);
    let same = NumberPatch { enabled: Some(true), ..NumberPatch::default() };
    world.turn().by(ann()).update_number(&scope(), num("11"), same).unwrap();
    world.turn().by(ann()).delete_number(&scope(), num("12")).unwrap_err();
    assert_eq!(told(&world), []);
}

#[test]
fn the_oldest_entries_go_by_number_and_by_age_and_no_place_is_given_twice() {
    let mut world = keeping(1, 3);
    let note = |world: &mut World, thing: &str| {
        world.turn().by(ann()).note(&scope(), Deed::new(Action::DataShown, &thing));
    };
    for thing in ["a", "b", "c", "d"] {
        note(&mut world, thing);
    }
    let things = |world: &World| told(world).into_iter().map(|(_, thing)| thing).collect::<Vec<_>>();
    assert_eq!(things(&world), ["d", "c", "b"]);
    let last = entries(&world, &query())[0].id;
    world.advance(12 * 3_600_000);
    note(&mut world, "e");
    world.advance(12 * 3_600_000);
    world.turn();
    assert_eq!(things(&world), ["e"], "what is a day old is gone, whether or not anybody does anything");
    world.advance(24 * 3_600_000);
    world.turn();
    assert_eq!(things(&world), Vec::<String>::new());
    world.restart();
    note(&mut world, "f");
    assert!(entries(&world, &query())[0].id > last, "a place that was given is not given again");
}

#[test]
fn without_entries_nothing_is_kept_and_a_smaller_limit_holds_from_the_reload_on() {
    let mut world = keeping(1, 0);
    world.turn().by(ann()).create_number(&scope(), new_number("11", None)).unwrap();
    assert_eq!(told(&world), []);
    let mut world = keeping(1, 10);
    for thing in 0..10 {
        world.turn().by(ann()).note(&scope(), Deed::new(Action::SignedIn, &thing));
    }
    let fewer = Rules { audit: AuditRules { days: 1, entries: 2 }, ..Rules::default() };
    world.state.set_rules(fewer);
    world.turn();
    assert_eq!(told(&world).len(), 2);
}

#[test]
fn a_tenant_pushes_out_its_own_entries_and_nobody_elses_and_sees_its_own() {
    let tenants = ["t", "u"].map(|name| (TenantId::new(name).unwrap(), crate::domain::Quotas::default()));
    let rules =
        Rules { quotas: tenants.into_iter().collect(), audit: AuditRules { days: 1, entries: 4 }, ..Rules::default() };
    let mut world = World::with(rules);
    let of = |tenant: &str| Scope { tenant: TenantId::new(tenant).unwrap(), environment: None };
    world.turn().by(ann()).note(&of("u"), Deed::new(Action::SignedIn, "once"));
    for thing in 0..9 {
        world.turn().by(ann()).note(&of("t"), Deed::new(Action::SignedIn, &thing));
    }
    let things = |owners: &[AuditOwner]| {
        let found = entries(&world, &AuditQuery { owners: owners.to_vec(), ..query() });
        found.iter().map(|entry| entry.thing.to_string()).collect::<Vec<_>>()
    };
    let [t, u] = ["t", "u"].map(|tenant| Some(of(tenant).tenant));
    assert_eq!(things(std::slice::from_ref(&u)), ["once"]);
    assert_eq!(things(std::slice::from_ref(&t)), ["8", "7"]);
    assert_eq!(things(&[u, t]), ["8", "7", "once"], "one list of several owners");
}

#[test]
fn pages_stay_put_and_a_filter_takes_what_it_says() {
    let mut world = World::new();
    let bob = Some(Arc::new(Actor::Person { user: "bob".into(), application: None, source: None }));
    for (actor, number) in [(ann(), "1"), (bob.clone(), "2"), (ann(), "3"), (bob, "4"), (ann(), "5")] {
        world.advance(1000);
        world.turn().by(actor).create_number(&scope(), new_number(number, None)).unwrap();
    }
    let first = world.state.tables().audit_part(&AuditQuery { limit: 2, ..query() });
    let numbers = |items: &[Arc<AuditEntry>]| items.iter().map(|entry| entry.thing.to_string()).collect::<Vec<_>>();
    assert_eq!(numbers(&first.items), ["5", "4"]);
    world.turn().by(ann()).create_number(&scope(), new_number("6", None)).unwrap();
    let rest = world.state.tables().audit_part(&AuditQuery { after: first.next, ..query() });
    assert_eq!((numbers(&rest.items), rest.next), (vec!["3".to_owned(), "2".to_owned(), "1".to_owned()], None));
    let by = |filter: AuditFilter| numbers(&entries(&world, &AuditQuery { filter, ..query() }));
    let begin = 1_000_000;
    let at = |millis: u64| Some(Timestamp::from_millis(begin + millis));
    assert_eq!(by(AuditFilter { user: Some("bob".into()), ..AuditFilter::default() }), ["4", "2"]);
    assert_eq!(by(AuditFilter { thing: Some("3".into()), ..AuditFilter::default() }), ["3"]);
    assert_eq!(by(AuditFilter { action: Some(Action::NumberDeleted), ..AuditFilter::default() }), Vec::<String>::new());
    assert_eq!(by(AuditFilter { from: at(2000), to: at(4000), ..AuditFilter::default() }), ["3", "2"]);
}

#[test]
fn new_rules_are_told_as_the_configurations_doing_where_they_are_other() {
    let tenant = scope().tenant;
    let group = |cool_down: u64| GroupRules { cool_down: Seconds::new(cool_down), ..GroupRules::default() };
    let rules = |groups: &[(&str, u64)], role: &'static str| Rules {
        groups: [(
            tenant.clone(),
            groups.iter().map(|(name, rest)| (GroupName::new(name).unwrap(), group(*rest))).collect(),
        )]
        .into(),
        accounts: [(Some(tenant.clone()), [("user ann".to_owned(), ("role", role))].into())].into(),
        ..Rules::default()
    };
    let (before, after) = (rules(&[("a", 1), ("b", 1)], "viewer"), rules(&[("b", 2), ("c", 1)], "admin"));
    let mut world = World::with(before.clone());
    world.turn().note_rules(&before);
    assert_eq!(told(&world), []);
    world.state.set_rules(after);
    world.turn().note_rules(&before);
    let things = ["group c", "group b", "group a", "user ann"].map(|it| (Action::ConfigurationChanged, it.to_owned()));
    assert_eq!(told(&world), things);
    let all = entries(&world, &query());
    assert!(all.iter().all(|entry| entry.actor == Actor::Configuration));
    let of = |entry: &AuditEntry| (entry.before.clone(), entry.after.clone());
    let role = |word: &str| Facts::default().with("role", word);
    assert_eq!(of(&all[3]), (role("viewer"), role("admin")));
    assert_eq!((all[0].before.is_empty(), all[2].after.is_empty()), (true, true));
}

#[test]
fn undoing_a_batch_takes_its_entries_away_and_brings_back_what_they_pushed_out() {
    let mut world = keeping(1, 2);
    for thing in ["a", "b"] {
        world.turn().by(ann()).note(&scope(), Deed::new(Action::SignedIn, &thing));
    }
    world.state.take_changes();
    let before = world.state.tables().clone();
    world.turn().by(ann()).note(&scope(), Deed::new(Action::SignedIn, "c"));
    let changes = world.state.take_changes();
    world.state.undo(changes, &before);
    assert!(*world.state.tables() == before);
    assert_eq!(told(&world).len(), 2);
}

#[test]
fn routes_are_told_with_where_they_lead() {
    let facts = Facts::from(&crate::domain::Route {
        id: crate::domain::RouteId(7),
        dnid: 3,
        hotline: crate::domain::HotlineCode::new("5550").unwrap(),
        extension: None,
        media: crate::domain::MediaType::VoiceAndVideo,
        destination: Destination::Flow(FlowId(12)),
    });
    let expected = Facts::default()
        .with("configuration_number", 3)
        .with("access_code", "5550")
        .with("media_type", 5)
        .with("flow", 12);
    assert_eq!(facts, expected);
}
