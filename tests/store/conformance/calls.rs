//! Calls: recognised, resolved, and late.

use dnis_gateway::domain::document::LoadedValue;
use dnis_gateway::domain::refusal::Miss;
use dnis_gateway::domain::state::{AfterMatch, Criteria, LateCalls, Lend, Which};
use dnis_gateway::domain::{
    CodeShape, Destination, GroupRules, NewRoute, Refusal, Resolve, Rules, Seconds, Sharing, SkillId,
};
use dnis_gateway::store::WithData;

use super::{holder, match_call, refused, rules, texts, with_numbers};
use crate::engine::Engine;
use crate::words::*;

on_every_engine! {
    a_call_is_recognised_once_and_gives_the_document_back,
    a_match_without_data_reads_none,
    a_match_gives_large_texts_back_even_when_it_deletes_them,
    a_thousand_interactions_on_five_shared_numbers_match_by_code_after_a_restart_too,
    a_call_is_resolved_with_its_data_and_taken_once,
    a_resolved_call_gives_large_texts_back_and_names_files,
    a_call_that_several_fit_is_told_and_not_taken,
    a_late_call_is_resolved_until_the_rest_is_over,
    a_rest_and_its_late_call_survive_a_restart,
}

async fn a_call_is_recognised_once_and_gives_the_document_back(engine: &mut Engine) {
    with_numbers(engine, &["11"]).await;
    let store = engine.store();
    let lend = Lend { data: vec![text("k", "v"), file("f", b"\0\xff")], ..lend_to("a") };
    let lent = store.lend(&scope(), lend, None).await.unwrap();
    let found =
        store.match_call(&scope(), call("11"), Which::Newest, AfterMatch::Keep, WithData::Yes).await.unwrap().remove(0);
    assert_eq!(found.found.allocation, lent.allocation);
    assert_eq!(found.found.interaction, lent.interaction);
    assert_eq!(texts(&found.data.unwrap()), [("f", "(file)"), ("k", "v")]);
    assert_eq!(holder(store, "11").await, None);
    assert_eq!(store.interaction(&scope(), &interaction("a")).await, Ok(Some(lent.interaction)));
    assert_eq!(refused(match_call(store, "11", WithData::Yes).await), Refusal::NoMatch(Miss::NotLent));
    assert_eq!(refused(match_call(store, "99", WithData::Yes).await), Refusal::NoMatch(Miss::UnknownNumber));
}

async fn a_match_without_data_reads_none(engine: &mut Engine) {
    with_numbers(engine, &["11"]).await;
    engine.store().lend(&scope(), Lend { data: vec![text("k", "v")], ..lend_to("a") }, None).await.unwrap();
    assert_eq!(match_call(engine.store(), "11", WithData::No).await, Ok(None));
}

async fn a_match_gives_large_texts_back_even_when_it_deletes_them(engine: &mut Engine) {
    with_numbers(engine, &["11"]).await;
    let store = engine.store();
    let large = "текст ".repeat(20_000);
    let lent = store.lend(&scope(), Lend { data: vec![text("k", &large)], ..lend_to("a") }, None).await.unwrap();
    let data = match_call(store, "11", WithData::Yes).await.unwrap().unwrap();
    assert_eq!(texts(&data), [("k", &*large)]);
    assert_eq!(store.document(&scope(), lent.interaction.data.into()).await, Ok(None));
    assert_eq!(store.interaction(&scope(), &interaction("a")).await, Ok(None));
}

async fn a_thousand_interactions_on_five_shared_numbers_match_by_code_after_a_restart_too(engine: &mut Engine) {
    let sharing = GroupRules { sharing: Sharing::Shared, ..GroupRules::default() };
    engine.reload(Rules { groups: [(scope().tenant, [(group("g"), sharing)].into())].into(), ..rules() }).await;
    with_numbers(engine, &["11", "12", "13", "14", "15"]).await;
    let lends = (0..1_000).map(|at| {
        let store = engine.store();
        let code = CodeShape::new(4, None).ok();
        async move { store.lend(&scope(), Lend { code, ..lend_to(&format!("i{at}")) }, None).await.unwrap().allocation }
    });
    let lent = futures_util::future::join_all(lends).await;
    engine.restart(1).await;
    for (at, allocation) in lent.into_iter().enumerate() {
        let code = allocation.code.as_ref().map(|code| code.as_str().to_owned());
        let criteria = Criteria { code, ..call(&allocation.number.to_string()) };
        let found = engine.store().match_call(&scope(), criteria, Which::All, AfterMatch::Keep, WithData::No).await;
        let ids: Vec<_> = found.unwrap().iter().map(|found| found.found.interaction.id.to_string()).collect();
        assert_eq!(ids, [format!("i{at}")]);
    }
}

async fn a_call_is_resolved_with_its_data_and_taken_once(engine: &mut Engine) {
    with_numbers(engine, &["11"]).await;
    let store = engine.store();
    let new = NewRoute {
        hotline: "100".parse().unwrap(),
        extension: Some("11".parse().unwrap()),
        media: None,
        destination: Destination::Skill(SkillId(7)),
    };
    let route = store.create_route(&scope(), new, None).await.unwrap();
    store.create_number(&scope(), number("10011"), None).await.unwrap();
    let lend = || Lend { data: vec![text("k", "v")], interaction_ttl: Seconds::new(900), ..lend_to("a") };
    let lent = [store.lend(&scope(), lend(), None).await.unwrap(), store.lend(&scope(), lend(), None).await.unwrap()];
    let lent = lent.iter().find(|lent| lent.allocation.number == num("10011")).unwrap();
    engine.restart(1).await;
    let store = engine.store();

    let seen = store.resolve(&scope(), &dial("10011")).await.unwrap();
    assert_eq!((seen.number, seen.miss, seen.more, seen.freed), (Some(num("10011")), None, false, false));
    assert_eq!(seen.route.as_ref().unwrap().route, route);
    assert_eq!(seen.candidates.len(), 1);
    assert_eq!(seen.candidates[0].candidate.allocation, lent.allocation);
    assert_eq!(texts(seen.candidates[0].data.as_ref().unwrap()), [("k", "v")]);
    assert_eq!(holder(store, "10011").await.as_deref(), Some("a"), "a look frees nothing");

    let taken = store.take_call(&scope(), dial("10011")).await.unwrap();
    assert!(taken.freed);
    assert_eq!(taken.candidates, seen.candidates);
    assert_eq!(holder(store, "10011").await, None);
    let again = store.take_call(&scope(), dial("10011")).await.unwrap();
    assert!(again.candidates.is_empty() && again.route.is_some() && !again.freed);
    assert_eq!(again.miss, Some(Miss::NotLent));
    assert!(store.resolve(&scope(), &dial("999")).await.unwrap().is_empty());
}

async fn a_resolved_call_gives_large_texts_back_and_names_files(engine: &mut Engine) {
    with_numbers(engine, &["11"]).await;
    let long = "t".repeat(9_000);
    let data = vec![text("note", &long), file("picture", &[7; 5_000])];
    engine.store().lend(&scope(), Lend { data, ..lend_to("a") }, None).await.unwrap();
    let store = engine.store();
    for resolved in [store.resolve(&scope(), &dial("11")).await, store.take_call(&scope(), dial("11")).await] {
        let data = resolved.unwrap().candidates[0].data.clone().unwrap();
        assert_eq!(data.entries[0].1, LoadedValue::Text(long.as_str().into()));
        assert!(matches!(&data.entries[1].1, LoadedValue::File { length: 5_000, .. }));
    }
}

async fn a_call_that_several_fit_is_told_and_not_taken(engine: &mut Engine) {
    let shared = GroupRules { sharing: Sharing::Shared, ..GroupRules::default() };
    engine.reload(Rules { groups: [(scope().tenant, [(group("g"), shared)].into())].into(), ..rules() }).await;
    with_numbers(engine, &["11"]).await;
    let store = engine.store();
    let first = store.lend(&scope(), lend_to("a"), None).await.unwrap();
    store.lend(&scope(), lend_to("b"), None).await.unwrap();
    let taken = store.take_call(&scope(), dial("11")).await.unwrap();
    let ids = taken.candidates.iter().map(|found| found.candidate.interaction.id.to_string());
    assert_eq!(ids.collect::<Vec<_>>(), ["b", "a"]);
    assert!(!taken.freed);
    let code = first.allocation.code.as_ref().map(|code| code.as_str().to_owned());
    let taken = store.take_call(&scope(), Resolve { code, ..dial("11") }).await.unwrap();
    assert!(taken.freed && taken.candidates.len() == 1);
    let wrong = store.resolve(&scope(), &Resolve { code: Some("x".to_owned()), ..dial("11") }).await.unwrap();
    assert_eq!((wrong.candidates.len(), wrong.miss), (0, Some(Miss::WrongCode)));
}

async fn a_late_call_is_resolved_until_the_rest_is_over(engine: &mut Engine) {
    let rest = GroupRules { cool_down: Seconds::new(60), ..GroupRules::default() };
    engine.reload(Rules { groups: [(scope().tenant, [(group("g"), rest)].into())].into(), ..rules() }).await;
    with_numbers(engine, &["11"]).await;
    engine.store().lend(&scope(), Lend { interaction_ttl: Seconds::new(900), ..lend_to("a") }, None).await.unwrap();
    engine.clock.advance(Seconds::new(359));
    assert!(engine.store().resolve(&scope(), &dial("11")).await.unwrap().candidates[0].candidate.late);
    engine.clock.advance(Seconds::new(1));
    assert!(engine.store().resolve(&scope(), &dial("11")).await.unwrap().is_empty());
}

async fn a_rest_and_its_late_call_survive_a_restart(engine: &mut Engine) {
    let rest = GroupRules { cool_down: Seconds::new(60), ..GroupRules::default() };
    engine.reload(Rules { groups: [(scope().tenant, [(group("g"), rest)].into())].into(), ..rules() }).await;
    with_numbers(engine, &["11"]).await;
    engine.store().lend(&scope(), Lend { interaction_ttl: Seconds::new(900), ..lend_to("a") }, None).await.unwrap();
    engine.clock.advance(Seconds::new(310));
    engine.restart(1).await;
    let store = engine.store();
    let refusal = refused(store.lend(&scope(), lend_to("b"), None).await);
    assert_eq!(
        refusal,
        Refusal::Exhausted { group: Some(group("g")), next_release: Some(Seconds::new(50)), pools: Vec::new() }
    );
    let late = Criteria { late: LateCalls::Recognised, ..call("11") };
    let found = store.match_call(&scope(), late, Which::Newest, AfterMatch::Keep, WithData::No).await.unwrap();
    assert!(found[0].found.late);
    engine.restart(1).await;
    engine.clock.advance_millis(49_999);
    refused(engine.store().lend(&scope(), lend_to("b"), None).await);
    engine.clock.advance_millis(1);
    engine.store().lend(&scope(), lend_to("b"), None).await.unwrap();
}
