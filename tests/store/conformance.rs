//! The suite that every engine passes. A test is written once, over the trait, and runs on each.

use dnis_gateway::domain::document::{Loaded, LoadedValue};
use dnis_gateway::domain::history::{End, Held, HistoryQuery, HistoryRules};
use dnis_gateway::domain::refusal::Miss;
use dnis_gateway::domain::route::DestinationKind;
use dnis_gateway::domain::state::{AfterMatch, Criteria, Holder, LateCalls, Lend, PoolHealth, Repeat, Seeds, Which};
use dnis_gateway::domain::{
    AllocationFilter, CodeShape, Content, Deadline, Destination, DocumentId, DocumentRef, FlowId, GroupRules,
    NewInteraction, NewNumber, NewRoute, NumberFilter, NumberId, NumberPatch, NumberState, OnceKey, Overdial, Policy,
    Refusal, Resolve, Route, RouteFilter, RouteRefusal, Rules, Scope, Seconds, Sharing, SkillId, TenantId, Timestamp,
};
use dnis_gateway::store::{Error, Store, WithData};

use crate::engine::Engine;
use crate::imports::*;
use crate::words::*;

macro_rules! on_every_engine {
    ($($test:ident,)*) => {
        mod memory {
            $(#[tokio::test]
            async fn $test() {
                super::$test(&mut super::Engine::memory(super::rules())).await;
            })*
        }

        mod sled {
            $(#[tokio::test]
            async fn $test() {
                super::$test(&mut super::Engine::sled(super::rules())).await;
            })*
        }
    };
}

on_every_engine! {
    a_number_is_created_once_listed_changed_and_deleted,
    a_lent_number_is_seen_freed_and_lent_again,
    numbers_are_listed_by_filter_from_where_a_list_stopped,
    a_state_is_told_by_the_clock_and_the_rules,
    an_allocation_is_found_listed_renewed_and_freed_by_its_id,
    an_allocation_is_known_by_its_id_after_a_restart_and_not_in_another_scope,
    groups_are_listed_with_the_configured_ones_that_have_no_number,
    an_interaction_begins_under_a_name_of_the_gateways_with_its_data,
    an_expired_allocation_is_free_without_any_sweep,
    a_call_is_recognised_once_and_gives_the_document_back,
    a_match_without_data_reads_none,
    a_call_is_resolved_with_its_data_and_taken_once,
    a_resolved_call_gives_large_texts_back_and_names_files,
    a_call_that_several_fit_is_told_and_not_taken,
    a_late_call_is_resolved_until_the_rest_is_over,
    a_match_gives_large_texts_back_even_when_it_deletes_them,
    an_interaction_begins_is_found_and_ends,
    a_document_is_written_merged_read_and_deleted,
    values_come_back_byte_for_byte_before_and_after_a_restart,
    documents_are_held_to_their_total,
    a_refusal_changes_nothing,
    seeds_are_written_once,
    new_rules_hold_from_then_on,
    scopes_share_nothing,
    ids_are_never_given_twice_not_even_after_a_restart,
    a_thousand_interactions_on_five_shared_numbers_match_by_code_after_a_restart_too,
    a_rest_and_its_late_call_survive_a_restart,
    an_owners_document_and_the_deletion_of_an_entry_survive_a_restart,
    a_request_under_a_key_is_done_once_through_restarts_until_its_work_ends,
    of_many_requests_under_one_key_at_a_time_one_is_done,
    it_is_known_who_held_a_number_when_through_restarts_and_until_it_is_too_old,
    history_is_bounded_in_number_and_what_is_dropped_does_not_come_back,
    a_restart_keeps_everything_with_its_deadlines,
    what_is_staged_counts_from_its_commit_on_and_not_before,
    an_import_that_is_dropped_leaves_nothing_behind,
    a_commit_whose_caller_has_gone_away_counts_whole,
    an_import_names_rows_that_repeat_or_exist,
    an_import_can_pass_over_what_exists,
    a_number_that_somebody_else_made_meanwhile_refuses_the_whole_import,
    of_two_imports_of_one_number_the_first_to_commit_has_it,
    what_was_imported_can_be_lent_changed_and_deleted_and_stays_so_after_a_restart,
    what_expired_while_the_store_was_down_is_free,
    a_sweep_brings_the_counts_up_to_the_clock,
    a_fresh_engine_is_ready,
    a_route_is_created_listed_led_elsewhere_and_deleted,
    a_dialled_number_finds_its_route,
    queues_are_made_changed_and_deleted_but_not_under_a_route,
    routes_queues_and_the_signing_key_survive_a_restart_and_numbers_are_never_given_twice,
    routes_and_queues_of_scopes_share_nothing,
}

const ROOM: u64 = 4 * 1024 * 1024;

fn rules() -> Rules {
    let lrf = GroupRules { policy: Policy::LeastRecentlyFreed, ..GroupRules::default() };
    let groups = [(scope().tenant, [(group("lrf"), lrf)].into())].into();
    let call_centers = [(scope().tenant, std::sync::Arc::new(call_center()))].into();
    Rules { documents_total: ROOM, groups, call_centers, ..Rules::default() }
}

fn refused<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Refusal {
    match outcome {
        // What a refusal tells of the groups is the domain's, and tested there.
        Err(Error::Refused(Refusal::Exhausted { group, next_release, .. })) => {
            Refusal::Exhausted { group, next_release, pools: Vec::new() }
        }
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("a refusal was expected, not {other:?}"),
    }
}

async fn with_numbers(engine: &Engine, numbers: &[&str]) {
    for text in numbers {
        engine.store().create_number(&scope(), number(text), None).await.unwrap();
    }
}

async fn holder(store: &dyn Store, text: &str) -> Option<String> {
    let found = store.number(&scope(), num(text)).await.unwrap().expect("the number exists");
    found.allocation.map(|allocation| allocation.interaction.to_string())
}

async fn match_call(store: &dyn Store, text: &str, data: WithData) -> Result<Option<Loaded>, Error> {
    let mut found = store.match_call(&scope(), call(text), Which::Newest, AfterMatch::Delete, data).await?;
    assert_eq!(found.len(), 1);
    Ok(found.remove(0).data)
}

fn texts(loaded: &Loaded) -> Vec<(&str, &str)> {
    loaded.entries.iter().map(|(key, value)| (key.as_str(), shown(value))).collect()
}

fn shown(value: &LoadedValue) -> &str {
    match value {
        LoadedValue::Text(text) => text,
        LoadedValue::File { .. } => "(file)",
    }
}

async fn a_number_is_created_once_listed_changed_and_deleted(engine: &mut Engine) {
    let store = engine.store();
    assert_eq!(store.create_number(&scope(), number("12"), None).await, Ok(NumberId(1)));
    assert_eq!(store.create_number(&scope(), number("11"), None).await, Ok(NumberId(2)));
    assert_eq!(refused(store.create_number(&scope(), number("11"), None).await), Refusal::NumberExists(num("11")));
    assert_eq!(store.dialled(&scope(), num("2")).await.unwrap().unwrap().record.number, num("12"));

    let page = store.numbers(&scope(), Some(&group("g")), 1, 5).await.unwrap();
    assert_eq!((page.total, page.numbers.len(), page.numbers[0].record.number), (2, 1, num("12")));

    let patch = NumberPatch { group: Some(None), enabled: Some(false), dnid: Some(num("77")) };
    let changed = store.update_number(&scope(), num("12"), patch).await.unwrap();
    assert_eq!((changed.record.id, changed.record.dnid), (NumberId(1), num("77")));
    assert_eq!(store.number(&scope(), num("12")).await.unwrap(), Some(changed));

    store.delete_number(&scope(), num("12")).await.unwrap();
    assert_eq!(store.number(&scope(), num("12")).await, Ok(None));
    assert_eq!(store.dialled(&scope(), num("77")).await, Ok(None));
    assert_eq!(refused(store.delete_number(&scope(), num("12")).await), Refusal::NumberUnknown(num("12")));
}

async fn a_lent_number_is_seen_freed_and_lent_again(engine: &mut Engine) {
    with_numbers(engine, &["11"]).await;
    let store = engine.store();
    let lent = store.lend(&scope(), lend_to("a"), None).await.unwrap();
    let seen = store.number(&scope(), num("11")).await.unwrap().unwrap();
    assert_eq!(seen.allocation, Some(lent.allocation.clone()));
    assert_eq!(refused(store.delete_number(&scope(), num("11")).await), Refusal::NumberAllocated(num("11")));
    assert_eq!(store.free(&scope(), num("1")).await, Ok(Some(lent.allocation)), "freed by its DNID");
    assert_eq!(store.free(&scope(), num("11")).await, Ok(None));
    assert_eq!(holder(store, "11").await, None);
    store.lend(&scope(), lend_to("b"), None).await.unwrap();
    assert_eq!(holder(store, "11").await.as_deref(), Some("b"));
}

async fn numbers_are_listed_by_filter_from_where_a_list_stopped(engine: &mut Engine) {
    with_numbers(engine, &["10", "11", "12", "20", "21"]).await;
    let store = engine.store();
    store.create_number(&scope(), NewNumber { group: None, ..number("13") }, None).await.unwrap();
    let off = NumberPatch { enabled: Some(false), ..NumberPatch::default() };
    store.update_number(&scope(), num("20"), off).await.unwrap();
    store.lend(&scope(), lend_to("a"), None).await.unwrap();
    let list = async |filter: NumberFilter, after: Option<&str>, limit| {
        let page = store.numbers_after(&scope(), &filter, after.map(num), limit).await.unwrap();
        let numbers: Vec<_> = page.items.iter().map(|found| found.record.number.to_string()).collect();
        (numbers.join(" "), page.next.map(|next| next.to_string()))
    };
    let told = |numbers: &str, next: Option<&str>| (numbers.to_owned(), next.map(str::to_owned));
    let all = NumberFilter::default;
    assert_eq!(list(all(), None, 4).await, told("10 11 12 13", Some("13")));
    assert_eq!(list(all(), Some("13"), 4).await, told("20 21", None));
    assert_eq!(list(all(), Some("12999"), 1).await, told("13", Some("13")), "what a list stopped at may be gone");
    assert_eq!(list(all(), Some("21"), 4).await, told("", None));
    let grouped = |name: Option<&str>| NumberFilter { group: Some(name.map(group)), ..all() };
    assert_eq!(list(grouped(Some("g")), Some("10"), 2).await, told("11 12", Some("12")));
    assert_eq!(list(grouped(None), None, 9).await, told("13", None));
    assert_eq!(list(grouped(Some("none")), None, 9).await, told("", None));
    assert_eq!(list(NumberFilter { prefix: Some(num("2")), ..all() }, None, 9).await, told("20 21", None));
    assert_eq!(list(NumberFilter { prefix: Some(num("2")), ..all() }, Some("20"), 9).await, told("21", None));
    assert_eq!(list(NumberFilter { prefix: Some(num("1")), ..all() }, Some("20"), 9).await, told("", None));
    assert_eq!(list(NumberFilter { enabled: Some(false), ..all() }, None, 9).await, told("20", None));
    let lent = NumberFilter { state: Some(NumberState::Allocated), ..all() };
    assert_eq!(list(lent, None, 9).await, told("10", None));
    let free = NumberFilter { state: Some(NumberState::Free), group: Some(Some(group("g"))), ..all() };
    assert_eq!(list(free, None, 9).await, told("11 12 21", None));
}

async fn a_state_is_told_by_the_clock_and_the_rules(engine: &mut Engine) {
    with_numbers(engine, &["11"]).await;
    let rest = GroupRules { cool_down: Seconds::new(60), ..GroupRules::default() };
    let rules = |of: GroupRules| Rules { groups: [(scope().tenant, [(group("g"), of)].into())].into(), ..rules() };
    engine.reload(rules(rest.clone())).await;
    engine.store().lend(&scope(), lend_to("a"), None).await.unwrap();
    let is = async |engine: &Engine, state: NumberState| {
        let filter = NumberFilter { state: Some(state), ..NumberFilter::default() };
        !engine.store().numbers_after(&scope(), &filter, None, 1).await.unwrap().items.is_empty()
    };
    assert!(is(engine, NumberState::Allocated).await);
    engine.clock.advance_millis(300_000);
    assert!(is(engine, NumberState::Cooling).await, "expired at this very moment");
    engine.clock.advance_millis(59_999);
    assert!(is(engine, NumberState::Cooling).await);
    engine.clock.advance_millis(1);
    assert!(is(engine, NumberState::Free).await);
    engine.reload(rules(GroupRules { reserved: [num("11")].into(), ..rest })).await;
    assert!(is(engine, NumberState::Reserved).await);
}

async fn an_allocation_is_found_listed_renewed_and_freed_by_its_id(engine: &mut Engine) {
    with_numbers(engine, &["11", "12", "13"]).await;
    let store = engine.store();
    let mut lent = Vec::new();
    for holder in ["a", "b", "a"] {
        lent.push(store.lend(&scope(), lend_to(holder), None).await.unwrap().allocation);
    }
    assert_eq!(store.allocation(&scope(), lent[1].id).await, Ok(Some(lent[1].clone())));
    let list = async |filter: AllocationFilter, after, limit| {
        let page = store.allocations_after(&scope(), &filter, after, limit).await.unwrap();
        (page.items.iter().map(|it| it.id).collect::<Vec<_>>(), page.next)
    };
    let all = AllocationFilter::default;
    let ids: Vec<_> = lent.iter().map(|it| it.id).collect();
    assert_eq!(list(all(), None, 2).await, (ids[..2].to_vec(), Some(ids[1])));
    assert_eq!(list(all(), Some(ids[1]), 2).await, (ids[2..].to_vec(), None));
    let of_a = || AllocationFilter { interaction: Some(interaction("a")), ..all() };
    assert_eq!(list(of_a(), None, 9).await, (vec![ids[0], ids[2]], None));
    assert_eq!(list(of_a(), Some(ids[0]), 9).await, (vec![ids[2]], None));
    assert_eq!(list(AllocationFilter { number: Some(num("12")), ..all() }, None, 9).await, (vec![ids[1]], None));
    assert_eq!(list(AllocationFilter { number: Some(num("12")), ..of_a() }, None, 9).await, (vec![], None));
    assert_eq!(list(AllocationFilter { group: Some(group("g")), ..all() }, None, 9).await, (ids.clone(), None));
    assert_eq!(list(AllocationFilter { group: Some(group("h")), ..all() }, None, 9).await, (vec![], None));

    engine.clock.advance_millis(299_999);
    let renewed = store.renew_allocation(&scope(), ids[0], Seconds::new(60)).await.unwrap();
    assert_eq!((renewed.allocation.number, renewed.seconds_left), (lent[0].number, Seconds::new(60)));
    assert_eq!(renewed.interaction.deadline, Deadline::At(renewed.allocation.deadline));
    engine.clock.advance_millis(1);
    assert_eq!(list(all(), None, 9).await, (vec![ids[0]], None), "the others have expired, and nothing swept");
    assert_eq!(store.allocation(&scope(), ids[1]).await, Ok(None));
    let gone = Refusal::AllocationUnknown(ids[1]);
    assert_eq!(refused(store.renew_allocation(&scope(), ids[1], Seconds::new(60)).await), gone);
    assert_eq!(refused(store.free_allocation(&scope(), ids[1]).await), gone);
    assert_eq!(store.free_allocation(&scope(), ids[0]).await, Ok(renewed.allocation));
    assert_eq!(refused(store.free_allocation(&scope(), ids[0]).await), Refusal::AllocationUnknown(ids[0]));
    assert_eq!(list(all(), None, 9).await, (vec![], None));
}

async fn an_allocation_is_known_by_its_id_after_a_restart_and_not_in_another_scope(engine: &mut Engine) {
    with_numbers(engine, &["11"]).await;
    let lent = engine.store().lend(&scope(), lend_to("a"), None).await.unwrap().allocation;
    engine.restart(7).await;
    let store = engine.store();
    assert_eq!(store.allocation(&scope(), lent.id).await, Ok(Some(lent.clone())));
    assert_eq!(store.allocation(&other_scope(), lent.id).await, Ok(None));
    let gone = Refusal::AllocationUnknown(lent.id);
    assert_eq!(refused(store.free_allocation(&other_scope(), lent.id).await), gone);
    assert_eq!(refused(store.renew_allocation(&other_scope(), lent.id, Seconds::new(9)).await), gone);
    assert_eq!(store.free_allocation(&scope(), lent.id).await, Ok(lent));
}

async fn groups_are_listed_with_the_configured_ones_that_have_no_number(engine: &mut Engine) {
    with_numbers(engine, &["11", "12"]).await;
    let store = engine.store();
    store.create_number(&scope(), NewNumber { group: None, ..number("13") }, None).await.unwrap();
    let list = async |after: Option<Option<&str>>, limit| {
        let page = store.groups_after(&scope(), after.map(|after| after.map(group)), limit).await.unwrap();
        let shown = |health: &PoolHealth| (health.group.as_ref().map(ToString::to_string), health.total());
        (page.items.iter().map(shown).collect::<Vec<_>>(), page.next)
    };
    let (none, g, lrf) = ((None, 1), (Some("g".to_owned()), 2), (Some("lrf".to_owned()), 0));
    assert_eq!(list(None, 9).await, (vec![none.clone(), g.clone(), lrf.clone()], None));
    assert_eq!(list(None, 1).await, (vec![none], Some(None)));
    assert_eq!(list(Some(None), 1).await, (vec![g], Some(Some(group("g")))));
    assert_eq!(list(Some(Some("g")), 1).await, (vec![lrf], None));
    assert_eq!(store.group(&scope(), &group("lrf")).await.unwrap().unwrap().total(), 0);
    assert_eq!(store.group(&scope(), &group("none")).await, Ok(None));
}

async fn an_interaction_begins_under_a_name_of_the_gateways_with_its_data(engine: &mut Engine) {
    let store = engine.store();
    let new = NewInteraction { id: None, lasting: Some(Seconds::new(60)), data: vec![text("k", "v")] };
    let made = store.create_interaction(&scope(), new, None).await.unwrap();
    assert_eq!(made.deadline, Deadline::At(made.since.after(Seconds::new(60))));
    let data = store.document(&scope(), made.data.into()).await.unwrap().unwrap();
    assert_eq!(texts(&data), [("k", "v")]);
    let too_much = NewInteraction { data: vec![file("f", &[0; ROOM as usize])], ..interaction("a").into() };
    assert_eq!(
        refused(store.create_interaction(&scope(), too_much, None).await),
        Refusal::DocumentsFull { limit: ROOM }
    );
    assert_eq!(store.interaction(&scope(), &interaction("a")).await, Ok(None));
}

async fn an_expired_allocation_is_free_without_any_sweep(engine: &mut Engine) {
    with_numbers(engine, &["11"]).await;
    let store = engine.store();
    store.lend(&scope(), lend_to("a"), None).await.unwrap();
    engine.clock.advance_millis(299_999);
    assert_eq!(holder(store, "11").await.as_deref(), Some("a"));
    let refusal = refused(store.lend(&scope(), lend_to("b"), None).await);
    assert_eq!(
        refusal,
        Refusal::Exhausted { group: Some(group("g")), next_release: Some(Seconds::new(1)), pools: Vec::new() }
    );
    engine.clock.advance_millis(1);
    assert_eq!(holder(store, "11").await, None);
    store.lend(&scope(), lend_to("b"), None).await.unwrap();
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
    assert_eq!(refused(match_call(store, "11", WithData::Yes).await), Refusal::NoMatch(Miss::Nobody));
    assert_eq!(refused(match_call(store, "99", WithData::Yes).await), Refusal::NoMatch(Miss::Nobody));
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

async fn an_interaction_begins_is_found_and_ends(engine: &mut Engine) {
    with_numbers(engine, &["11"]).await;
    let store = engine.store();
    let known = Lend { holder: Holder::Known(interaction("a")), ..lend_to("a") };
    assert_eq!(refused(store.lend(&scope(), known.clone(), None).await), Refusal::InteractionUnknown(interaction("a")));
    let made = store.create_interaction(&scope(), interaction("a").into(), None).await.unwrap();
    assert_eq!(store.interaction(&scope(), &interaction("a")).await, Ok(Some(made)));
    assert_eq!(
        refused(store.create_interaction(&scope(), interaction("a").into(), None).await),
        Refusal::InteractionExists(interaction("a"))
    );
    store.lend(&scope(), known, None).await.unwrap();
    store.delete_interaction(&scope(), &interaction("a")).await.unwrap();
    assert_eq!(holder(store, "11").await, None);
    assert_eq!(
        refused(store.delete_interaction(&scope(), &interaction("a")).await),
        Refusal::InteractionUnknown(interaction("a"))
    );
}

async fn a_document_is_written_merged_read_and_deleted(engine: &mut Engine) {
    let store = engine.store();
    let id =
        store.create_document(&scope(), vec![text("a", "1"), text("b", "2")], Seconds::new(60), None).await.unwrap();
    store
        .merge_document(&scope(), id.into(), vec![text("b", "3"), text("c", "")], Some(Seconds::new(60)), None)
        .await
        .unwrap();
    let loaded = store.document(&scope(), id.into()).await.unwrap().unwrap();
    assert_eq!(loaded.id, id);
    assert_eq!(texts(&loaded), [("a", "1"), ("b", "3"), ("c", "")]);
    let entry = store.document_entry(&scope(), id.into(), "b").await.unwrap().unwrap();
    assert_eq!((entry.content, &*entry.bytes), (Content::Text, &b"3"[..]));
    assert_eq!(store.document_entry(&scope(), id.into(), "nothing").await, Ok(None));

    store.delete_document(&scope(), id.into()).await.unwrap();
    assert_eq!(store.document(&scope(), id.into()).await, Ok(None));
    assert_eq!(store.document_entry(&scope(), id.into(), "b").await, Ok(None));
    assert_eq!(refused(store.delete_document(&scope(), id.into()).await), Refusal::DocumentUnknown(id));
    let late = store.merge_document(&scope(), id.into(), Vec::new(), Some(Seconds::new(60)), None).await;
    assert_eq!(refused(late), Refusal::DocumentUnknown(id));

    let short = store.create_document(&scope(), vec![text("a", "1")], Seconds::new(60), None).await.unwrap();
    engine.clock.advance(Seconds::new(60));
    assert_eq!(store.document(&scope(), short.into()).await, Ok(None));
    assert_eq!(store.document_entry(&scope(), short.into(), "a").await, Ok(None));
}

async fn values_come_back_byte_for_byte_before_and_after_a_restart(engine: &mut Engine) {
    let mebibyte: Vec<u8> = (0..1_048_576u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let long_key = "ключ🔑".repeat(51);
    let entries = vec![
        text("empty", ""),
        text(" \t\r\n\u{0}", "kept as it is \u{0}"),
        text(&long_key, "emoji 🎉"),
        file("picture", &mebibyte),
        file("nothing", b""),
        // Around the size of one record of a large value.
        file("3999", &mebibyte[..3_999]),
        file("4000", &mebibyte[..4_000]),
        file("4001", &mebibyte[..4_001]),
        text("letters", &"ä".repeat(100_000)),
    ];
    let id = engine.store().create_document(&scope(), entries.clone(), Seconds::new(600), None).await.unwrap();
    for restarted in [false, true] {
        if restarted {
            engine.restart(1).await;
        }
        let store = engine.store();
        let loaded = store.document(&scope(), id.into()).await.unwrap().unwrap();
        assert_eq!(loaded.entries.len(), entries.len());
        for entry in &entries {
            let read =
                store.document_entry(&scope(), id.into(), entry.key.as_str()).await.unwrap().expect("it is there");
            assert_eq!(read.content, entry.content);
            assert!(read.bytes == entry.bytes, "{:?}, restarted: {restarted}", entry.key);
        }
    }
}

async fn documents_are_held_to_their_total(engine: &mut Engine) {
    let store = engine.store();
    let most = vec![b'x'; usize::try_from(ROOM).unwrap() - 1];
    let id = store.create_document(&scope(), vec![file_of(&most)], Seconds::new(60), None).await.unwrap();
    let full = Refusal::DocumentsFull { limit: ROOM };
    assert_eq!(refused(store.create_document(&scope(), vec![text("k", "")], Seconds::new(60), None).await), full);
    store.delete_document(&scope(), id.into()).await.unwrap();
    store.create_document(&scope(), vec![text("k", "")], Seconds::new(60), None).await.unwrap();
    assert_eq!(refused(store.create_document(&scope(), vec![file_of(&most)], Seconds::new(60), None).await), full);
}

/// A value whose key takes one byte and that has no label.
fn file_of(bytes: &[u8]) -> dnis_gateway::domain::NewEntry {
    dnis_gateway::domain::NewEntry { key: key("k"), content: Content::Text, bytes: bytes.into() }
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
    store.set_rules(Rules { groups, documents_total: 10, ..Rules::default() }).await.unwrap();
    assert_eq!(
        refused(store.lend(&scope(), empty, None).await),
        Refusal::Exhausted { group: Some(group("later")), next_release: None, pools: Vec::new() }
    );
    let entries = vec![text("k", "0123456789")];
    let outcome = store.create_document(&scope(), entries, Seconds::new(60), None).await;
    assert_eq!(refused(outcome), Refusal::DocumentsFull { limit: 10 });
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
    assert_eq!(refused(matched), Refusal::NoMatch(Miss::Nobody));
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
    assert_eq!(again.miss, Some(Miss::Nobody));
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

async fn an_owners_document_and_the_deletion_of_an_entry_survive_a_restart(engine: &mut Engine) {
    let notes = DocumentRef::of_owner("ann", "notes");
    let entries = vec![text("a", "1"), file("picture", &[7; 9_000]), text("b", "2")];
    engine.store().merge_document(&scope(), notes, entries, Some(Seconds::new(60)), None).await.unwrap();
    engine.store().delete_entry(&scope(), notes, "picture").await.unwrap();
    assert_eq!(refused(engine.store().delete_entry(&scope(), notes, "c").await), Refusal::EntryUnknown(notes.id));
    engine.restart(1).await;
    let loaded = engine.store().document(&scope(), notes).await.unwrap().unwrap();
    assert_eq!(texts(&loaded), [("a", "1"), ("b", "2")]);
    assert_eq!(engine.store().document(&scope(), notes.id.into()).await, Ok(None));
    assert_eq!(engine.store().document_entry(&scope(), notes, "picture").await, Ok(None));
}

async fn a_request_under_a_key_is_done_once_through_restarts_until_its_work_ends(engine: &mut Engine) {
    with_numbers(engine, &["11", "12"]).await;
    let soon = Seconds::new(60);
    let lent = engine.store().lend(&scope(), lend_to("a"), once("lend", "1")).await.unwrap();
    let id = engine.store().create_number(&scope(), number("13"), once("number", "1")).await.unwrap();
    let begun = engine.store().create_interaction(&scope(), interaction("b").into(), once("begin", "1")).await;
    let document = engine.store().create_document(&scope(), vec![text("k", "v")], soon, once("doc", "1")).await;
    for seed in 0..2 {
        let store = engine.store();
        assert_eq!(store.lend(&scope(), lend_to("a"), once("lend", "1")).await.as_ref(), Ok(&lent));
        assert_eq!(store.create_number(&scope(), number("13"), once("number", "1")).await, Ok(id));
        let again = store.create_interaction(&scope(), interaction("b").into(), once("begin", "1")).await;
        assert_eq!(again, begun);
        let again = store.create_document(&scope(), vec![text("k", "v")], soon, once("doc", "1")).await;
        assert_eq!(again, document);
        let reused = store.lend(&scope(), lend_to("a"), once("lend", "2")).await;
        assert_eq!(refused(reused), Refusal::KeyReused(OnceKey::new("lend").unwrap()));
        engine.restart(seed).await;
    }
    engine.store().free(&scope(), lent.allocation.number).await.unwrap();
    engine.restart(3).await;
    let spent = engine.store().lend(&scope(), lend_to("a"), once("lend", "1")).await;
    assert_eq!(refused(spent), Refusal::KeySpent(OnceKey::new("lend").unwrap()));
    engine.clock.advance(Seconds::new(24 * 60 * 60));
    engine.restart(4).await;
    let anew = engine.store().lend(&scope(), lend_to("a"), once("lend", "1")).await.unwrap();
    assert!(anew.allocation.id > lent.allocation.id);
}

async fn of_many_requests_under_one_key_at_a_time_one_is_done(engine: &mut Engine) {
    with_numbers(engine, &["11", "12", "13"]).await;
    let store = engine.store();
    let scope = scope();
    let calls = (0..20).map(|_| store.lend(&scope, lend_to("a"), once("k", "1")));
    let outcomes = futures_util::future::join_all(calls).await;
    let first = outcomes[0].clone().unwrap();
    assert!(outcomes.into_iter().all(|outcome| outcome.unwrap() == first));
    assert_eq!(store.pool(&scope, &group("g")).await.unwrap().unwrap().allocated, 1);
}

/// Who holds and held a number, newest first, and how that ended.
async fn holders(store: &dyn Store, query: HistoryQuery) -> Vec<(String, Option<End>)> {
    let page = store.history(&scope(), query).await.unwrap();
    let told = |held: Held| (held.allocation.interaction.to_string(), held.ended.map(|(_, end)| end));
    page.entries.into_iter().map(told).collect()
}

async fn it_is_known_who_held_a_number_when_through_restarts_and_until_it_is_too_old(engine: &mut Engine) {
    with_numbers(engine, &["11", "1"]).await;
    let all = HistoryQuery { number: num("11"), from: None, to: None, after: None, limit: 10 };
    let told =
        |names: &[(&str, Option<End>)]| names.iter().map(|(who, end)| (who.to_string(), *end)).collect::<Vec<_>>();
    for (who, end) in [("a", End::Freed), ("b", End::Matched), ("c", End::Expired), ("d", End::InteractionDeleted)] {
        // The other number is next in the meantime.
        while engine.store().lend(&scope(), lend_to(who), None).await.unwrap().allocation.number != num("11") {
            engine.store().free(&scope(), num("1")).await.unwrap();
        }
        engine.clock.advance(Seconds::new(100));
        match end {
            End::Freed => drop(engine.store().free(&scope(), num("11")).await.unwrap()),
            End::Matched => drop(match_call(engine.store(), "11", WithData::No).await.unwrap()),
            End::Expired => engine.clock.advance(Seconds::new(300)),
            _ => engine.store().delete_interaction(&scope(), &interaction(who)).await.unwrap(),
        }
    }
    engine.restart(3).await;
    while engine.store().lend(&scope(), lend_to("e"), None).await.unwrap().allocation.number != num("11") {}
    let ended = [
        ("d", Some(End::InteractionDeleted)),
        ("c", Some(End::Expired)),
        ("b", Some(End::Matched)),
        ("a", Some(End::Freed)),
    ];
    let everybody = [&[("e", None)], &ended[..]].concat();
    assert_eq!(holders(engine.store(), all).await, told(&everybody));

    let begin = 1_000_000;
    let at = |seconds: u64| {
        let at = Timestamp::from_millis(begin + seconds * 1_000);
        HistoryQuery { from: Some(at), to: Some(Timestamp::from_millis(at.as_millis() + 1)), ..all }
    };
    for (seconds, who) in
        [(0, &everybody[4..]), (99, &everybody[4..]), (100, &everybody[3..4]), (499, &everybody[2..3])]
    {
        assert_eq!(holders(engine.store(), at(seconds)).await, told(who), "{seconds} s after the begin");
    }
    assert_eq!(engine.store().history(&other_scope(), all).await.unwrap().entries, []);

    engine.clock.advance(Seconds::new(31 * 24 * 60 * 60));
    engine.store().sweep().await.unwrap();
    assert_eq!(holders(engine.store(), all).await, [], "what expired a month ago is not kept either");
}

async fn history_is_bounded_in_number_and_what_is_dropped_does_not_come_back(engine: &mut Engine) {
    let history = HistoryRules { days: 30, entries: 160 };
    engine.reload(Rules { history, ..rules() }).await;
    with_numbers(engine, &["11"]).await;
    let all = HistoryQuery { number: num("11"), from: None, to: None, after: None, limit: 1000 };
    for at in 0..1_000 {
        let who = format!("caller {at}");
        engine.store().lend(&scope(), lend_to(&who), None).await.unwrap();
        engine.store().free(&scope(), num("11")).await.unwrap();
    }
    for seed in 0..2 {
        engine.store().sweep().await.unwrap();
        let left = holders(engine.store(), all).await;
        assert!((150..=160).contains(&left.len()), "{} of 160", left.len());
        for (at, (who, _)) in left.iter().enumerate() {
            assert_eq!(*who, format!("caller {}", 999 - at));
        }
        engine.restart(seed).await;
    }
    engine.reload(Rules { history: HistoryRules { entries: 0, ..history }, ..rules() }).await;
    engine.store().sweep().await.unwrap();
    assert_eq!(holders(engine.store(), all).await, []);
}

async fn a_restart_keeps_everything_with_its_deadlines(engine: &mut Engine) {
    with_numbers(engine, &["11", "12", "13"]).await;
    let patch = NumberPatch { enabled: Some(false), group: Some(None), dnid: None };
    engine.store().update_number(&scope(), num("13"), patch).await.unwrap();
    let lend = Lend { interaction_ttl: Seconds::new(900), data: vec![text("k", "v")], ..lend_to("a") };
    let lent = engine.store().lend(&scope(), lend, None).await.unwrap();
    let own = engine.store().create_document(&scope(), vec![text("k", "w")], Seconds::new(60), None).await.unwrap();
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

fn route(hotline: &str, extension: &str, to: Destination) -> NewRoute {
    let extension = (!extension.is_empty()).then(|| extension.parse().unwrap());
    NewRoute { hotline: hotline.parse().unwrap(), extension, media: None, destination: to }
}

const SALES: Destination = Destination::Skill(SkillId(7));
const MENU: Destination = Destination::Flow(FlowId(12));

async fn all_routes(store: &dyn Store, scope: &Scope) -> Vec<std::sync::Arc<Route>> {
    store.routes(scope, &RouteFilter::default(), 0, 100).await.unwrap().routes
}

async fn a_route_is_created_listed_led_elsewhere_and_deleted(engine: &mut Engine) {
    let store = engine.store();
    let bare = store.create_route(&scope(), route("100", "", MENU), None).await.unwrap();
    let sales = store.create_route(&scope(), route("100", "21", SALES), None).await.unwrap();
    assert_eq!((bare.dnid, sales.dnid), (1, 2));
    assert_eq!(all_routes(store, &scope()).await, [bare.clone(), sales.clone()]);
    let flows = RouteFilter { kind: Some(DestinationKind::Flow), ..RouteFilter::default() };
    let page = store.routes(&scope(), &flows, 0, 100).await.unwrap();
    assert_eq!((page.total, page.routes), (1, vec![bare.clone()]));
    let second = store.routes(&scope(), &RouteFilter::default(), 1, 1).await.unwrap();
    assert_eq!((second.total, second.routes), (2, vec![sales.clone()]));

    let twice = store.create_route(&scope(), route("100", "21", MENU), None).await;
    assert_eq!(refused(twice), RouteRefusal::RouteExists(sales.clone()).into());
    let led = store.modify_route(&scope(), sales.id, MENU).await.unwrap();
    assert_eq!(*led, Route { destination: MENU, ..(*sales).clone() });
    assert_eq!(all_routes(store, &scope()).await, [bare.clone(), led.clone()]);

    let outcome = store.delete_routes(&scope(), vec![2, 9, 2]).await.unwrap();
    assert_eq!((outcome.deleted, outcome.unknown), (vec![led], vec![9, 2]));
    assert_eq!(all_routes(store, &scope()).await, [bare]);
    let gone = store.modify_route(&scope(), sales.id, MENU).await;
    assert_eq!(refused(gone), RouteRefusal::RouteUnknown(sales.id).into());
}

async fn a_dialled_number_finds_its_route(engine: &mut Engine) {
    let store = engine.store();
    let bare = store.create_route(&scope(), route("100", "", MENU), None).await.unwrap();
    let sales = store.create_route(&scope(), route("100", "21", SALES), None).await.unwrap();
    let found = async |dialled: &str, overdial| {
        let found = store.routed(&scope(), &dialled.parse().unwrap(), overdial).await.unwrap();
        found.map(|found| (found.route, found.overdialled))
    };
    assert_eq!(found("100", Overdial::Refused).await, Some((bare.clone(), None)));
    assert_eq!(found("10021", Overdial::Refused).await, Some((sales, None)));
    assert_eq!(found("10022", Overdial::Refused).await, None);
    assert_eq!(found("10022", Overdial::Allowed).await, Some((bare, Some("22".to_owned()))));
    assert_eq!(found("99", Overdial::Allowed).await, None);
}

async fn queues_are_made_changed_and_deleted_but_not_under_a_route(engine: &mut Engine) {
    let store = engine.store();
    let made = store.create_skill(&scope(), queue("night"), None).await.unwrap();
    assert_eq!(made.id, SkillId(10_000));
    let listed = store.skills(&scope()).await.unwrap();
    assert_eq!(listed, std::slice::from_ref(&made), "the configured ones are not among them");
    assert_eq!(
        refused(store.create_skill(&scope(), queue("night"), None).await),
        RouteRefusal::SkillExists(made.id).into()
    );
    let longer = store.modify_skill(&scope(), made.id, queue("late")).await.unwrap();
    assert_eq!(store.skill(&scope(), made.id).await.unwrap(), Some(longer));
    assert_eq!(store.skill(&scope(), SkillId(7)).await, Ok(None));

    let to = store.create_route(&scope(), route("100", "", Destination::Skill(made.id)), None).await.unwrap();
    let outcome = store.delete_skills(&scope(), vec![made.id]).await;
    assert_eq!(refused(outcome), RouteRefusal::SkillInUse(made.id, to.clone()).into());
    store.delete_routes(&scope(), vec![to.dnid]).await.unwrap();
    store.delete_skills(&scope(), vec![made.id]).await.unwrap();
    assert_eq!(store.skills(&scope()).await, Ok(vec![]));
    let configured = SkillId(7);
    let outcome = store.delete_skills(&scope(), vec![configured]).await;
    assert_eq!(refused(outcome), RouteRefusal::SkillConfigured(configured).into());
}

async fn routes_queues_and_the_signing_key_survive_a_restart_and_numbers_are_never_given_twice(engine: &mut Engine) {
    let store = engine.store();
    let key = store.signing_key().await.unwrap();
    assert_eq!(store.signing_key().await.unwrap(), key);
    let queue_made = store.create_skill(&scope(), queue("night"), None).await.unwrap();
    let dropped = store.create_skill(&scope(), queue("late"), None).await.unwrap();
    store.delete_skills(&scope(), vec![dropped.id]).await.unwrap();
    let kept =
        store.create_route(&scope(), route("100", "*1#", Destination::Skill(queue_made.id)), None).await.unwrap();
    let gone = store.create_route(&scope(), route("100", "", MENU), None).await.unwrap();
    store.delete_routes(&scope(), vec![gone.dnid]).await.unwrap();

    // The same draws again, so that only what was kept can tell the ids apart.
    engine.restart(7).await;
    let store = engine.store();
    assert_eq!(store.signing_key().await.unwrap(), key);
    assert_eq!(all_routes(store, &scope()).await, std::slice::from_ref(&kept));
    assert_eq!(store.skills(&scope()).await.unwrap(), [queue_made]);
    let next = store.create_route(&scope(), route("100", "", MENU), None).await.unwrap();
    assert_eq!(next.dnid, gone.dnid + 1);
    assert!(next.id > gone.id);
    assert_eq!(store.create_skill(&scope(), queue("late"), None).await.unwrap().id, SkillId(dropped.id.0 + 1));
    let found = store.routed(&scope(), &kept.dialled(), Overdial::Refused).await.unwrap().unwrap();
    assert_eq!(found.route, kept);
}

async fn routes_and_queues_of_scopes_share_nothing(engine: &mut Engine) {
    let store = engine.store();
    let other = other_scope();
    let made = store.create_skill(&scope(), queue("night"), None).await.unwrap();
    let here = store.create_route(&scope(), route("100", "", Destination::Skill(made.id)), None).await.unwrap();
    assert_eq!(all_routes(store, &other).await, []);
    assert_eq!(store.routed(&other, &here.dialled(), Overdial::Allowed).await, Ok(None));
    assert_eq!(store.skills(&other).await, Ok(vec![]));
    let unknown = RouteRefusal::RouteUnknown(here.id).into();
    assert_eq!(refused(store.modify_route(&other, here.id, MENU).await), unknown);
    assert_eq!(store.delete_routes(&other, vec![here.dnid]).await.unwrap().unknown, [here.dnid]);
    let there = store.create_route(&other, route("100", "", Destination::Skill(made.id)), None).await;
    assert_eq!(refused(there), RouteRefusal::SkillUnknown(made.id).into());
    // The other environment has the same hotlines, and a stranger has none.
    assert_eq!(store.create_route(&other, route("100", "", MENU), None).await.unwrap().dnid, 1);
    let stranger = Scope { tenant: TenantId::new("other").unwrap(), environment: None };
    let none = store.create_route(&stranger, route("100", "", MENU), None).await;
    assert_eq!(refused(none), RouteRefusal::HotlineUnknown("100".parse().unwrap()).into());
}

async fn a_fresh_engine_is_ready(engine: &mut Engine) {
    assert_eq!(engine.store().ready().await, Ok(()));
    let nobody = DocumentId(uuid::Uuid::nil());
    assert_eq!(engine.store().document(&scope(), nobody.into()).await, Ok(None));
}
