//! What people did, kept with what they did it to.

use std::sync::Arc;

use dnis_gateway::domain::audit::{Action, Actor, AuditFilter, Deed};
use dnis_gateway::domain::{AuditEntry, AuditQuery, AuditRules, NumberPatch, Quotas, Rules, Seconds, TenantId};
use dnis_gateway::store::{Existing, Imported, Store};

use super::{rules, with_numbers};
use crate::engine::Engine;
use crate::words::*;

on_every_engine! {
    what_people_change_is_in_the_audit_and_comes_through_restarts,
    a_file_that_is_imported_is_one_entry_and_a_refused_one_is_none,
    the_audit_is_bounded_and_what_is_dropped_does_not_come_back,
    new_rules_are_in_the_audit_once,
}

fn ann() -> Actor {
    let source = Some("192.0.2.7".into());
    Actor::person("ann", Some("numbers".parse().unwrap()), source)
}

async fn entries(store: &dyn Store) -> Vec<Arc<AuditEntry>> {
    let owners = vec![Some(scope().tenant), None];
    let query = AuditQuery { owners, filter: AuditFilter::default(), after: None, limit: 1000 };
    store.audit(&query).await.unwrap().items
}

async fn told(store: &dyn Store) -> Vec<(Action, String)> {
    entries(store).await.iter().map(|entry| (entry.action, entry.thing.to_string())).collect()
}

async fn what_people_change_is_in_the_audit_and_comes_through_restarts(engine: &mut Engine) {
    // Not for anybody: nothing is told.
    with_numbers(engine, &["11"]).await;
    assert_eq!(told(engine.store()).await, []);
    let store = engine.store().acting(ann());
    store.create_number(&scope(), number("12"), None).await.unwrap();
    let disabled = NumberPatch { enabled: Some(false), ..NumberPatch::default() };
    store.update_number(&scope(), num("12"), disabled).await.unwrap();
    let lent = store.lend(&scope(), lend_to("a"), None).await.unwrap();
    store.free_allocation(&scope(), lent.allocation.id).await.unwrap();
    store.delete_number(&scope(), num("12")).await.unwrap();
    store.note(&other_scope(), Deed::new(Action::DataShown, "visit \u{0}3")).await.unwrap();
    drop(store);
    let expected = [
        (Action::DataShown, "visit \u{0}3".to_owned()),
        (Action::NumberDeleted, "12".to_owned()),
        (Action::AllocationFreed, lent.allocation.id.0.to_string()),
        (Action::NumberChanged, "12".to_owned()),
        (Action::NumberCreated, "12".to_owned()),
    ];
    assert_eq!(told(engine.store()).await, expected);
    let before = entries(engine.store()).await;
    assert_eq!((&before[0].actor, &before[0].environment), (&ann(), &other_scope().environment));
    engine.restart(3).await;
    assert_eq!(entries(engine.store()).await, before);
    // What was changed for nobody after that goes on to say nothing.
    engine.store().delete_number(&scope(), num("11")).await.unwrap();
    assert_eq!(told(engine.store()).await, expected);
}

async fn a_file_that_is_imported_is_one_entry_and_a_refused_one_is_none(engine: &mut Engine) {
    with_numbers(engine, &["11"]).await;
    let store = engine.store().acting(ann());
    let mut import = store.import_numbers(&scope(), Existing::Skip).await.unwrap();
    import.stage(rows(&["11", "12", "13"])).await.unwrap();
    assert_eq!(import.commit().await.unwrap(), Imported::Done { created: 2, skipped: 1 });
    let mut late = store.import_numbers(&scope(), Existing::Refuse).await.unwrap();
    late.stage(rows(&["14"])).await.unwrap();
    engine.store().create_number(&scope(), number("14"), None).await.unwrap();
    assert!(matches!(late.commit().await.unwrap(), Imported::Refused(_)));
    drop(store);
    engine.restart(3).await;
    let all = entries(engine.store()).await;
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0].action, Action::NumbersImported);
    let counts: Vec<_> = all[0].after.iter().map(|(name, fact)| (name.to_owned(), fact.clone())).collect();
    assert_eq!(counts, [("created".to_owned(), 2.into()), ("skipped".to_owned(), 1.into())]);
    assert!(engine.store().number(&scope(), num("13")).await.unwrap().is_some());
}

async fn the_audit_is_bounded_and_what_is_dropped_does_not_come_back(engine: &mut Engine) {
    let quotas = ["acme", "other"].map(|tenant| (TenantId::new(tenant).unwrap(), Quotas::default()));
    let few = Rules { audit: AuditRules { days: 2, entries: 6 }, quotas: quotas.into_iter().collect(), ..rules() };
    engine.reload(few).await;
    for thing in 0..5 {
        engine.clock.advance(Seconds::new(1));
        engine.store().acting(ann()).note(&scope(), Deed::new(Action::SignedIn, &thing)).await.unwrap();
    }
    let things = async |engine: &Engine| -> Vec<String> {
        let all = entries(engine.store()).await;
        all.iter().filter(|it| it.action == Action::SignedIn).map(|entry| entry.thing.to_string()).collect()
    };
    assert_eq!(things(engine).await, ["4", "3", "2"]);
    engine.restart(3).await;
    assert_eq!(things(engine).await, ["4", "3", "2"]);
    engine.clock.advance(Seconds::new(2 * 86_400));
    engine.store().sweep().await.unwrap();
    assert_eq!(things(engine).await, Vec::<String>::new());
    engine.restart(3).await;
    assert_eq!(things(engine).await, Vec::<String>::new());
}

async fn new_rules_are_in_the_audit_once(engine: &mut Engine) {
    let other = Rules { documents_total: super::ROOM * 2, ..rules() };
    engine.reload(other.clone()).await;
    engine.reload(other).await;
    engine.restart(3).await;
    let all = entries(engine.store()).await;
    assert_eq!(all.iter().map(|entry| &*entry.thing).collect::<Vec<_>>(), ["limits of the gateway"]);
    assert_eq!((&all[0].owner, &all[0].actor), (&None, &Actor::Configuration));
    assert_ne!(all[0].before, all[0].after);
}
