//! What holds of the store as a whole: refusals, keys of requests, seeds, rules, scopes, ids, restarts and sweeps.

use dnis_gateway::domain::refusal::Miss;
use dnis_gateway::domain::state::{AfterMatch, Holder, Lend, Repeat, Seeds, Which};
use dnis_gateway::domain::{
    Deadline, DocumentId, GroupRules, IdempotencyKey, NumberId, NumberPatch, Quota, Quotas, Refusal, Rules, Scope,
    Seconds, TenantId,
};
use dnis_gateway::store::{Store, WithData};

use super::{holder, refused, texts, with_numbers};
use crate::engine::Engine;
use crate::words::*;

on_every_engine! {
    a_refusal_changes_nothing,
    a_request_under_a_key_is_done_once_through_restarts_until_its_work_ends,
    of_many_requests_under_one_key_at_a_time_one_is_done,
    seeds_are_written_once,
    new_rules_hold_from_then_on,
    scopes_share_nothing,
    what_a_tenant_has_is_told_refused_beyond_its_limits_and_known_after_a_restart,
    ids_are_never_given_twice_not_even_after_a_restart,
    every_scope_counts_its_ids_for_itself_through_restarts,
    a_restart_keeps_everything_with_its_deadlines,
    what_expired_while_the_store_was_down_is_free,
    a_sweep_brings_the_counts_up_to_the_clock,
    a_fresh_engine_is_ready,
}

async fn a_refusal_changes_nothing(engine: &mut Engine) {
    with_numbers(engine, &["11"]).await;
    let store = engine.store();
    store.lend(&scope(), lend_to("a"), None).await.unwrap();
    let before = (store.numbers(&scope(), None, 0, 9).await, store.pools().await);
    refused(store.create_number(&scope(), number("11"), None).await);
    refused(store.delete_number(&scope(), num("11")).await);
    refused(store.update_number(&scope(), num("12"), NumberPatch::default()).await);
    refused(store.free(&scope(), num("12")).await);
    refused(store.lend(&scope(), Lend { data: vec![text("k", "v")], ..lend_to("b") }, None).await);
    let nowhere = Lend { source: from("nowhere"), ..lend_to("b") };
    assert_eq!(refused(store.lend(&scope(), nowhere, None).await), Refusal::GroupUnknown(group("nowhere")));
    assert_eq!(store.interaction(&scope(), &interaction("b")).await, Ok(None));
    assert_eq!((store.numbers(&scope(), None, 0, 9).await, store.pools().await), before);
}

async fn a_request_under_a_key_is_done_once_through_restarts_until_its_work_ends(engine: &mut Engine) {
    with_numbers(engine, &["11", "12"]).await;
    let soon = Seconds::new(60);
    let lent = engine.store().lend(&scope(), lend_to("a"), idempotency("lend", "1")).await.unwrap();
    let id = engine.store().create_number(&scope(), number("13"), idempotency("number", "1")).await.unwrap();
    let begun = engine.store().create_interaction(&scope(), interaction("b").into(), idempotency("begin", "1")).await;
    let document =
        engine.store().create_document(&scope(), vec![text("k", "v")], soon, None, idempotency("doc", "1")).await;
    for seed in 0..2 {
        let store = engine.store();
        assert_eq!(store.lend(&scope(), lend_to("a"), idempotency("lend", "1")).await.as_ref(), Ok(&lent));
        assert_eq!(store.create_number(&scope(), number("13"), idempotency("number", "1")).await, Ok(id));
        let again = store.create_interaction(&scope(), interaction("b").into(), idempotency("begin", "1")).await;
        assert_eq!(again, begun);
        let again = store.create_document(&scope(), vec![text("k", "v")], soon, None, idempotency("doc", "1")).await;
        assert_eq!(again, document);
        let reused = store.lend(&scope(), lend_to("a"), idempotency("lend", "2")).await;
        assert_eq!(refused(reused), Refusal::KeyReused(IdempotencyKey::new("lend").unwrap()));
        engine.restart(seed).await;
    }
    engine.store().free(&scope(), lent.allocation.number).await.unwrap();
    engine.restart(3).await;
    let spent = engine.store().lend(&scope(), lend_to("a"), idempotency("lend", "1")).await;
    assert_eq!(refused(spent), Refusal::KeyExpired(IdempotencyKey::new("lend").unwrap()));
    engine.clock.advance(Seconds::new(24 * 60 * 60));
    engine.restart(4).await;
    let anew = engine.store().lend(&scope(), lend_to("a"), idempotency("lend", "1")).await.unwrap();
    assert!(anew.allocation.id > lent.allocation.id);
}

async fn of_many_requests_under_one_key_at_a_time_one_is_done(engine: &mut Engine) {
    with_numbers(engine, &["11", "12", "13"]).await;
    let store = engine.store();
    let scope = scope();
    let calls = (0..20).map(|_| store.lend(&scope, lend_to("a"), idempotency("k", "1")));
    let outcomes = futures_util::future::join_all(calls).await;
    let first = outcomes[0].clone().unwrap();
    assert!(outcomes.into_iter().all(|outcome| outcome.unwrap() == first));
    assert_eq!(store.pool(&scope, &group("g")).await.unwrap().unwrap().allocated, 1);
}

async fn seeds_are_written_once(engine: &mut Engine) {
    let seeds = Seeds {
        numbers: vec![(scope(), number("11")), (other_scope(), number("11"))],
        interactions: vec![(scope(), interaction("always"))],
    };
    let twice = Seeds { numbers: vec![(scope(), number("1")), (scope(), number("1"))], ..seeds.clone() };
    assert_eq!(refused(engine.store().seed(twice).await), Refusal::NumberExists(num("1")));
    assert_eq!(engine.store().pools().await, Ok(vec![]));
    assert_eq!(engine.store().seed(seeds.clone()).await, Ok(true));
    assert_eq!(engine.store().seed(seeds.clone()).await, Ok(false));
    engine.store().delete_number(&scope(), num("11")).await.unwrap();
    engine.restart(1).await;
    assert_eq!(engine.store().seed(seeds).await, Ok(false), "what was deleted does not come back");
    assert_eq!(engine.store().number(&scope(), num("11")).await, Ok(None));
    let always = engine.store().interaction(&scope(), &interaction("always")).await.unwrap().unwrap();
    assert_eq!(always.deadline, Deadline::Never);
}

async fn new_rules_hold_from_then_on(engine: &mut Engine) {
    let store = engine.store();
    let empty = Lend { source: from("later"), ..lend_to("a") };
    assert_eq!(refused(store.lend(&scope(), empty.clone(), None).await), Refusal::GroupUnknown(group("later")));
    let groups = [(scope().tenant, [(group("later"), GroupRules::default())].into())].into();
    store.set_rules(Rules { groups, documents_total: 1_000, ..Rules::default() }).await.unwrap();
    assert_eq!(
        refused(store.lend(&scope(), empty, None).await),
        Refusal::Exhausted { group: Some(group("later")), next_release: None, pools: Vec::new() }
    );
    let entries = vec![text("k", &"0123456789".repeat(100))];
    let outcome = store.create_document(&scope(), entries, Seconds::new(60), None, None).await;
    assert_eq!(refused(outcome), Refusal::DocumentsFull { limit: 1_000 });
}

async fn scopes_share_nothing(engine: &mut Engine) {
    with_numbers(engine, &["11"]).await;
    let store = engine.store();
    let other = other_scope();
    let lent = store.lend(&scope(), Lend { data: vec![text("k", "v")], ..lend_to("a") }, None).await.unwrap();
    assert_eq!(store.number(&other, num("11")).await, Ok(None));
    assert_eq!(store.dialled(&other, num("1")).await, Ok(None));
    assert_eq!(store.interaction(&other, &interaction("a")).await, Ok(None));
    assert_eq!(store.document(&other, lent.interaction.data.into()).await, Ok(None));
    assert_eq!(store.document_entry(&other, lent.interaction.data.into(), "k").await, Ok(None));
    assert_eq!(store.numbers(&other, None, 0, 9).await.unwrap().total, 0);
    assert_eq!(refused(store.free(&other, num("11")).await), Refusal::NumberUnknown(num("11")));
    assert_eq!(refused(store.lend(&other, lend_to("a"), None).await), Refusal::GroupUnknown(group("g")));
    let matched = store.match_call(&other, call("11"), Which::All, AfterMatch::Keep, WithData::No).await;
    assert_eq!(refused(matched), Refusal::NoMatch(Miss::UnknownNumber));
    let stranger = Scope { tenant: dnis_gateway::domain::TenantId::new("other").unwrap(), environment: None };
    store.create_number(&stranger, number("11"), None).await.unwrap();
    assert_eq!(store.free(&stranger, num("11")).await, Ok(None));
    assert_eq!(holder(store, "11").await.as_deref(), Some("a"));
}

async fn ids_are_never_given_twice_not_even_after_a_restart(engine: &mut Engine) {
    with_numbers(engine, &["11", "12"]).await;
    let new = Lend { holder: Holder::New, ..lend_to("-") };
    let first = engine.store().lend(&scope(), new.clone(), None).await.unwrap();
    engine.store().delete_interaction(&scope(), &first.interaction.id).await.unwrap();
    engine.store().delete_number(&scope(), num("12")).await.unwrap();
    // The same draws again, so that only the counters can tell the ids apart.
    engine.restart(7).await;
    assert_eq!(engine.store().create_number(&scope(), number("12"), None).await, Ok(NumberId(3)));
    let second = engine.store().lend(&scope(), new, None).await.unwrap();
    assert!(second.allocation.id > first.allocation.id);
    assert!(first.interaction.id.as_str().starts_with("1-"));
    assert!(second.interaction.id.as_str().starts_with("2-"));
}

async fn every_scope_counts_its_ids_for_itself_through_restarts(engine: &mut Engine) {
    with_numbers(engine, &["11", "12", "13"]).await;
    for holder in ["a", "b", "c"] {
        engine.store().lend(&scope(), lend_to(holder), None).await.unwrap();
    }
    for round in 1..=3 {
        let store = engine.store();
        let id = store.create_number(&other_scope(), number(&round.to_string()), None).await.unwrap();
        let lent = store.lend(&other_scope(), Lend { holder: Holder::New, ..lend_to("-") }, None).await.unwrap();
        assert_eq!((id.0, lent.allocation.id.0), (round, round));
        assert!(lent.interaction.id.as_str().starts_with(&format!("{round}-")), "{}", lent.interaction.id);
        let freed = store.free_allocation(&other_scope(), lent.allocation.id).await.unwrap();
        assert_eq!(freed.number, lent.allocation.number);
        // Its namesake in the first scope is another one.
        assert!(store.allocation(&scope(), lent.allocation.id).await.unwrap().is_some());
        engine.restart(round).await;
    }
}

async fn a_restart_keeps_everything_with_its_deadlines(engine: &mut Engine) {
    with_numbers(engine, &["11", "12", "13"]).await;
    let patch = NumberPatch { enabled: Some(false), group: Some(None), dnid: None };
    engine.store().update_number(&scope(), num("13"), patch).await.unwrap();
    let lend = Lend { interaction_ttl: Seconds::new(900), data: vec![text("k", "v")], ..lend_to("a") };
    let lent = engine.store().lend(&scope(), lend, None).await.unwrap();
    let own =
        engine.store().create_document(&scope(), vec![text("k", "w")], Seconds::new(60), None, None).await.unwrap();
    let before = engine.store().numbers(&scope(), None, 0, 9).await.unwrap();

    engine.restart(1).await;
    let store = engine.store();
    assert_eq!(store.numbers(&scope(), None, 0, 9).await.unwrap(), before);
    assert_eq!(store.interaction(&scope(), &interaction("a")).await, Ok(Some(lent.interaction.clone())));
    let again = Lend { repeat: Repeat::SameNumber, lasting: Seconds::new(300), ..lend_to("a") };
    assert_eq!(store.lend(&scope(), again, None).await.unwrap().allocation.id, lent.allocation.id);
    assert_eq!(texts(&store.document(&scope(), own.into()).await.unwrap().unwrap()), [("k", "w")]);
    engine.clock.advance(Seconds::new(60));
    assert_eq!(store.document(&scope(), own.into()).await, Ok(None));
    engine.clock.advance(Seconds::new(240));
    assert_eq!(holder(store, "11").await, None);
    assert_eq!(store.lend(&scope(), lend_to("b"), None).await.unwrap().allocation.number, num("12"));
    engine.clock.advance(Seconds::new(599));
    assert!(store.document(&scope(), lent.interaction.data.into()).await.unwrap().is_some());
    engine.clock.advance(Seconds::new(1));
    assert_eq!(store.interaction(&scope(), &interaction("a")).await, Ok(None));
    assert_eq!(store.document(&scope(), lent.interaction.data.into()).await, Ok(None));
}

async fn what_expired_while_the_store_was_down_is_free(engine: &mut Engine) {
    with_numbers(engine, &["11"]).await;
    let lent = engine.store().lend(&scope(), lend_to("a"), None).await.unwrap();
    engine.clock.advance(Seconds::new(3_600));
    engine.restart(1).await;
    let store = engine.store();
    assert_eq!(holder(store, "11").await, None);
    assert_eq!(store.interaction(&scope(), &interaction("a")).await, Ok(None));
    store.sweep().await.unwrap();
    let freed = store.number(&scope(), num("11")).await.unwrap().unwrap().record.freed.unwrap();
    assert_eq!(freed.at, lent.allocation.deadline, "it came back at its deadline, not at the start");
    store.lend(&scope(), lend_to("b"), None).await.unwrap();
}

async fn a_sweep_brings_the_counts_up_to_the_clock(engine: &mut Engine) {
    with_numbers(engine, &["11", "12"]).await;
    let store = engine.store();
    store.lend(&scope(), lend_to("a"), None).await.unwrap();
    let free = async |store: &dyn Store| {
        let counts = store.pools().await.unwrap();
        (counts[0].free, counts[0].allocated)
    };
    assert_eq!(free(store).await, (1, 1));
    engine.clock.advance(Seconds::new(300));
    store.sweep().await.unwrap();
    assert_eq!(free(store).await, (2, 0));
}

async fn a_fresh_engine_is_ready(engine: &mut Engine) {
    assert_eq!(engine.store().ready().await, Ok(()));
    let nobody = DocumentId(uuid::Uuid::nil());
    assert_eq!(engine.store().document(&scope(), nobody.into()).await, Ok(None));
}

async fn what_a_tenant_has_is_told_refused_beyond_its_limits_and_known_after_a_restart(engine: &mut Engine) {
    with_numbers(engine, &["11"]).await;
    let limits = |interactions| {
        let quotas = Quotas { interactions, ..Quotas::default() };
        Rules { quotas: [(scope().tenant, quotas)].into_iter().collect(), ..Rules::default() }
    };
    engine.reload(limits(2)).await;
    let data = vec![text("k", "v"), file("picture", &[7; 9_000])];
    engine.store().lend(&scope(), Lend { data, ..lend_to("a") }, None).await.unwrap();
    engine.store().create_interaction(&scope(), interaction("b").into(), None).await.unwrap();
    let full = |limit| Refusal::QuotaFull { quota: Quota::Interactions, limit };
    let third = engine.store().create_interaction(&scope(), interaction("c").into(), None).await;
    assert_eq!(refused(third), full(2));
    let neighbour = Scope { tenant: TenantId::new("neighbour").unwrap(), environment: None };
    engine.store().create_interaction(&neighbour, interaction("c").into(), None).await.unwrap();
    let before = engine.store().usages().await.unwrap();
    assert_eq!((before.len(), before[0].usage.interactions, before[0].usage.documents), (1, 2, 2));
    assert!(before[0].usage.document_bytes > 9_000);
    engine.restart(9).await;
    engine.reload(limits(1)).await;
    let after = engine.store().usages().await.unwrap();
    assert_eq!((after[0].usage, after[0].quotas.interactions), (before[0].usage, 1), "a lower limit removes nothing");
    let third = engine.store().create_interaction(&scope(), interaction("c").into(), None).await;
    assert_eq!(refused(third), full(1));
}
