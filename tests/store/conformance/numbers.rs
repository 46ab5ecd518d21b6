//! Numbers, their groups and their allocations.

use dnis_gateway::domain::state::PoolHealth;
use dnis_gateway::domain::{
    AllocationFilter, Deadline, GroupRules, NewNumber, NumberFilter, NumberId, NumberPatch, NumberState, Refusal,
    Rules, Seconds,
};
use dnis_gateway::store::Clock;

use super::{holder, refused, rules, with_numbers};
use crate::engine::Engine;
use crate::words::*;

on_every_engine! {
    a_number_is_created_once_listed_changed_and_deleted,
    a_lent_number_is_seen_freed_and_lent_again,
    what_is_handed_over_ends_soon_or_at_once_and_never_later,
    an_expired_allocation_is_free_without_any_sweep,
    numbers_are_listed_by_filter_from_where_a_list_stopped,
    a_state_is_told_by_the_clock_and_the_rules,
    an_allocation_is_found_listed_renewed_and_freed_by_its_id,
    an_allocation_is_known_by_its_id_after_a_restart_and_not_in_another_scope,
    groups_are_listed_with_the_configured_ones_that_have_no_number,
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

async fn what_is_handed_over_ends_soon_or_at_once_and_never_later(engine: &mut Engine) {
    with_numbers(engine, &["11"]).await;
    let lent = engine.store().lend(&scope(), lend_to("a"), None).await.unwrap().allocation;
    let (soon, later) = (Seconds::new(60), Seconds::new(600));
    let held = engine.store().hand_over(&scope(), num("1"), soon).await.unwrap().unwrap();
    assert_eq!(held, lent, "told as it was");
    engine.restart(1).await;
    let short = engine.store().allocation(&scope(), lent.id).await.unwrap().unwrap();
    assert_eq!(short.deadline, engine.clock.now().after(soon));
    engine.store().hand_over(&scope(), num("11"), later).await.unwrap();
    assert_eq!(engine.store().allocation(&scope(), lent.id).await.unwrap(), Some(short));
    assert!(engine.store().hand_over(&scope(), num("11"), Seconds::new(0)).await.unwrap().is_some());
    engine.restart(2).await;
    assert_eq!(engine.store().hand_over(&scope(), num("11"), soon).await, Ok(None));
    assert_eq!(refused(engine.store().hand_over(&scope(), num("9"), soon).await), Refusal::NumberUnknown(num("9")));
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
