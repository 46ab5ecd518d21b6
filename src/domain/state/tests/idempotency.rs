//! Keys: told again while what was made lives, spent afterwards, forgotten in the end.

use super::*;
use crate::domain::idempotency::{KEPT_AFTER_END, MAX_KEYS_OF_ONE};
use crate::domain::{
    Digest, DocumentRef, IdempotencyKey, IdempotencyRecord, IdempotentRequest, NewInteraction, Quota, Quotas,
};

fn idempotency(key: &str, request: &str) -> Option<IdempotentRequest> {
    Some(IdempotentRequest { key: IdempotencyKey::new(key).unwrap(), digest: Digest::of([request.as_bytes()]) })
}

fn spent(key: &str) -> Refusal {
    Refusal::KeyExpired(IdempotencyKey::new(key).unwrap())
}

impl World {
    fn lend_once(&mut self, key: &str, lend: Lend) -> Result<Lent, Refusal> {
        self.turn().under(idempotency(key, "lend")).lend(&scope(), lend)
    }

    fn record(&self, key: &str) -> Option<Arc<IdempotencyRecord>> {
        self.state.tables().idempotency_record(&scope(), &IdempotencyKey::new(key).unwrap()).cloned()
    }

    fn keys(&self) -> usize {
        self.state.tables().scopes().map(|(_, tables)| tables.idempotency_records.len()).sum()
    }

    /// Runs a command that must change nothing.
    fn unchanged<T>(&mut self, command: impl FnOnce(&mut World) -> T) -> T {
        self.turn();
        self.state.take_changes();
        let outcome = command(self);
        assert_eq!(self.state.take_changes(), []);
        outcome
    }
}

#[test]
fn a_repeated_request_is_given_the_same_allocation_with_its_time_left_computed_anew_and_changes_nothing() {
    let mut world = World::with_numbers(&["1", "2", "3"]);
    let first = world.lend_once("k", lend_to("a")).unwrap();
    world.advance(100_000);
    let again = world.unchanged(|world| world.lend_once("k", lend_to("a"))).unwrap();
    assert_eq!(again, Lent { seconds_left: Seconds::new(200), ..first.clone() });
    world.restart();
    assert_eq!(world.unchanged(|world| world.lend_once("k", lend_to("a"))).unwrap().allocation, first.allocation);
    assert_ne!(world.lend_once("other", lend_to("a")).unwrap().allocation.number, first.allocation.number);
}

/// The two allocations have the same id, each in its scope.
#[test]
fn a_key_lives_on_where_a_thing_with_the_same_id_ends_in_another_scope() {
    let mut world = World::with_numbers(&["1"]);
    let [other, _] = other_scopes();
    world.turn().create_number(&other, new_number("1", Some("g"))).unwrap();
    let first = world.lend_once("k", lend_to("a")).unwrap();
    let there = world.turn().under(idempotency("k", "lend")).lend(&other, lend_to("a")).unwrap();
    assert_eq!(first.allocation.id, there.allocation.id);
    world.turn().free_allocation(&other, there.allocation.id).unwrap();
    world.turn().delete_number(&other, num("1")).unwrap();
    assert_eq!(world.lend_once("k", lend_to("a")).unwrap().allocation, first.allocation);
    let again = world.turn().under(idempotency("k", "lend")).lend(&other, lend_to("a"));
    assert_eq!(again.map_err(bare), Err(spent("k")));
}

#[test]
fn a_repeated_request_does_not_prolong_what_a_new_one_would() {
    let mut world = World::with_numbers(&["1"]);
    let renewing = Lend { repeat: Repeat::SameNumber, ..lend_to("a") };
    let first = world.lend_once("k", renewing.clone()).unwrap();
    world.advance(1_000);
    assert_eq!(world.unchanged(|world| world.lend_once("k", renewing.clone())).unwrap().allocation, first.allocation);
    let renewed = world.lend_once("l", renewing.clone()).unwrap();
    assert!(renewed.allocation.deadline > first.allocation.deadline);
    // It is the same allocation still, so the first key tells of it as it is now.
    assert_eq!(world.unchanged(|world| world.lend_once("k", renewing)).unwrap().allocation, renewed.allocation);
}

#[test]
fn a_key_is_spent_once_its_allocation_was_freed_matched_expired_or_deleted_with_its_interaction() {
    let ends: [fn(&mut World); 4] = [
        |world| drop(world.free("1")),
        |world| drop(world.turn().match_call(&scope(), &call_to("1"), Which::Newest, AfterMatch::Keep).unwrap()),
        |world| world.advance(300_000),
        |world| world.turn().delete_interaction(&scope(), &interaction("a")).unwrap(),
    ];
    for end in ends {
        let mut world = World::with_numbers(&["1"]);
        world.lend_once("k", lend_to("a")).unwrap();
        end(&mut world);
        assert_eq!(world.take("b"), "1");
        for _ in 0..2 {
            assert_eq!(
                world.refused(|turn| turn.under(idempotency("k", "lend")).lend(&scope(), lend_to("a"))),
                spent("k")
            );
            world.restart();
        }
        assert_eq!(world.holder("1").as_deref(), Some("b"));
    }
}

#[test]
fn a_key_is_spent_while_its_expired_allocation_is_kept_for_late_calls() {
    let rest = GroupRules { cool_down: Seconds::new(60), ..GroupRules::default() };
    let mut world = World::with(group_rules("g", rest));
    world.create("1", Some("g"));
    world.lend_once("k", lend_to("a")).unwrap();
    let expired = Timestamp::from_millis(world.now.as_millis() + 300_000);
    world.advance(310_000);
    assert_eq!(world.refused(|turn| turn.under(idempotency("k", "lend")).lend(&scope(), lend_to("a"))), spent("k"));
    world.advance(60_000);
    world.turn();
    assert_eq!(world.record("k").unwrap().ended, Some(expired), "it ended at its deadline, not after the rest");
}

#[test]
fn another_request_under_the_key_is_refused_whether_or_not_the_first_ones_work_lives() {
    let mut world = World::with_numbers(&["1", "2"]);
    world.lend_once("k", lend_to("a")).unwrap();
    for _ in 0..2 {
        let reused = world.refused(|turn| turn.under(idempotency("k", "another")).lend(&scope(), lend_to("a")));
        assert_eq!(reused, Refusal::KeyReused(IdempotencyKey::new("k").unwrap()));
        world.free("1");
    }
}

#[test]
fn a_refused_request_leaves_its_key_for_the_next_try() {
    let mut world = World::new();
    world.create("1", Some("g"));
    world.take("a");
    let exhausted = world.refused(|turn| turn.under(idempotency("k", "lend")).lend(&scope(), lend_to("b")));
    assert!(matches!(exhausted, Refusal::Exhausted { .. }));
    world.free("1");
    assert_eq!(world.lend_once("k", lend_to("b")).unwrap().allocation.number, num("1"));
}

#[test]
fn a_repeated_creation_gives_the_same_number_until_that_very_number_is_deleted() {
    let mut world = World::new();
    let create =
        |world: &mut World| world.turn().under(idempotency("k", "1")).create_number(&scope(), new_number("1", None));
    let id = create(&mut world).unwrap();
    assert_eq!(world.unchanged(create), Ok(id));
    world.turn().delete_number(&scope(), num("1")).unwrap();
    assert_eq!(create(&mut world), Err(spent("k")));
    world.create("1", None);
    assert_eq!(create(&mut world), Err(spent("k")), "the number that is there now is another one");
}

#[test]
fn a_repeated_beginning_gives_the_same_interaction_until_it_ends() {
    let mut world = World::new();
    let begin = |world: &mut World| {
        let new = NewInteraction { lasting: Some(Seconds::new(10)), ..interaction("a").into() };
        world.turn().under(idempotency("k", "a")).create_interaction(&scope(), new).map(|it| it.data)
    };
    let data = begin(&mut world).unwrap();
    assert_eq!(world.unchanged(begin), Ok(data));
    world.advance(10_000);
    assert_eq!(begin(&mut world), Err(spent("k")));
    world.turn().create_interaction(&scope(), interaction("a").into()).unwrap();
    assert_eq!(begin(&mut world), Err(spent("k")), "another interaction has the id now");
}

#[test]
fn a_repeated_document_is_made_once_and_an_owners_is_not_prolonged() {
    let mut world = World::new();
    let write = |world: &mut World| {
        let data = vec![text("k", "v")];
        world.turn().under(idempotency("k", "doc")).create_document(&scope(), data, Seconds::new(10), None)
    };
    let id = write(&mut world).unwrap();
    assert_eq!(world.unchanged(write), Ok(id));
    world.turn().delete_document(&scope(), &id.into()).unwrap();
    assert_eq!(write(&mut world), Err(spent("k")));

    let merge = |world: &mut World| {
        let (named, ttl) = (DocumentRef::of_owner("ann", "notes"), Some(Seconds::new(10)));
        world.turn().under(idempotency("own", "doc")).merge_document(&scope(), &named, vec![text("k", "v")], ttl)
    };
    merge(&mut world).unwrap();
    world.advance(5_000);
    assert_eq!(world.unchanged(merge), Ok(()));
    world.advance(5_000);
    assert_eq!(merge(&mut world), Err(spent("own")));
}

#[test]
fn a_spent_key_is_forgotten_a_day_after_the_end_and_a_living_one_never() {
    let mut world = World::with_numbers(&["1"]);
    world.turn().under(idempotency("n", "2")).create_number(&scope(), new_number("2", None)).unwrap();
    world.lend_once("k", lend_to("a")).unwrap();
    world.free("1");
    world.advance(KEPT_AFTER_END.get() * 1_000 - 1);
    world.restart();
    assert_eq!(world.lend_once("k", lend_to("a")), Err(spent("k")));
    world.advance(1);
    world.turn();
    assert_eq!(world.record("k"), None);
    assert_eq!(world.lend_once("k", lend_to("a")).unwrap().allocation.number, num("1"));
    assert!(world.record("n").is_some());
}

#[test]
fn above_the_limit_the_keys_that_were_spent_first_go_and_those_of_living_things_stay() {
    let keys = |keys| Rules { usual_quotas: Quotas { keys, ..Quotas::default() }, ..Rules::default() };
    let mut world = World::with(keys(4));
    for number in ["1", "2", "3", "4", "5"] {
        world.create(number, Some("g"));
    }
    for key in ["a", "b", "c"] {
        world.lend_once(key, lend_to(key)).unwrap();
        world.advance(1);
    }
    world.state.set_rules(keys(3));
    for number in ["2", "1"] {
        world.free(number);
        world.advance(1);
    }
    world.lend_once("d", lend_to("d")).unwrap();
    let known = |world: &World| ["a", "b", "c", "d", "e", "f"].map(|key| world.record(key).is_some());
    assert_eq!(known(&world), [true, false, true, true, false, false]);
    world.restart();
    world.lend_once("e", lend_to("e")).unwrap();
    assert_eq!(known(&world), [false, false, true, true, true, false], "three things live");
    let full = Refusal::QuotaFull { quota: Quota::Keys, limit: 3 };
    assert_eq!(world.refused(|turn| turn.under(idempotency("f", "lend")).lend(&scope(), lend_to("f"))), full);
    assert_eq!(world.lend_once("c", lend_to("c")).unwrap().interaction.id, interaction("c"), "a repetition is told");
    world.lend(lend_to("f"));
    world.free("3");
    world.lend_once("f", lend_to("f")).unwrap();
    assert_eq!(world.keys(), 3);
}

#[test]
fn one_thing_has_a_bounded_number_of_keys() {
    let mut world = World::with_numbers(&["1"]);
    let renewing = Lend { repeat: Repeat::SameNumber, ..lend_to("a") };
    for at in 0..=MAX_KEYS_OF_ONE {
        world.lend_once(&format!("k{at}"), renewing.clone()).unwrap();
        world.advance(1);
    }
    assert_eq!(world.keys(), MAX_KEYS_OF_ONE);
    assert!(world.record("k0").is_none() && world.record("k1").is_some());
}
