//! Who held a number when.

use dnis_gateway::domain::explanation::{Explanation, Outcome, Verdict};
use std::collections::BTreeMap;

use dnis_gateway::domain::history::{End, Held, HistoryFilter, HistoryQuery, HistoryRules, HistorySearch};
use dnis_gateway::domain::refusal::Miss;
use dnis_gateway::domain::state::Lend;
use dnis_gateway::domain::{
    AllocationId, ApplicationName, Caller, Dialled, Explain, LentBy, NewNumber, Number, Quotas, Rules, Scope, Seconds,
    TenantId, Timestamp,
};
use dnis_gateway::store::{Store, WithData};

use super::{match_call, rules, with_numbers};
use crate::engine::Engine;
use crate::words::*;

on_every_engine! {
    it_is_known_who_held_a_number_when_through_restarts_and_until_it_is_too_old,
    history_is_bounded_in_number_and_what_is_dropped_does_not_come_back,
    a_tenant_pushes_out_its_own_history_and_nobody_elses,
    a_call_is_explained_by_what_runs_and_by_what_has_ended_through_restarts,
    the_history_of_all_numbers_is_that_of_each_of_them_in_pages_through_restarts,
    an_entry_is_found_by_whatever_is_known_of_it,
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

async fn a_tenant_pushes_out_its_own_history_and_nobody_elses(engine: &mut Engine) {
    let busy = Scope { tenant: TenantId::new("busy").unwrap(), environment: None };
    let quotas = |history| Quotas { history, ..Quotas::default() };
    let limits = [(scope().tenant, quotas(80)), (busy.tenant.clone(), quotas(80))];
    let history = HistoryRules { days: 30, entries: 160 };
    engine.reload(Rules { history, quotas: limits.into_iter().collect(), ..rules() }).await;
    with_numbers(engine, &["11"]).await;
    engine.store().create_number(&busy, number("11"), None).await.unwrap();
    let all = HistoryQuery { number: num("11"), from: None, to: None, after: None, limit: 1000 };
    let around = async |store: &dyn Store, scope: &Scope, who: String| {
        store.lend(scope, lend_to(&who), None).await.unwrap();
        store.free(scope, num("11")).await.unwrap();
    };
    for at in 0..70 {
        around(engine.store(), &scope(), format!("caller {at}")).await;
    }
    for seed in 0..3 {
        for at in 0..200 {
            around(engine.store(), &busy, format!("busy {at}")).await;
        }
        let quiet = holders(engine.store(), all).await;
        assert_eq!((quiet.len(), quiet[69].0.as_str()), (70, "caller 0"), "all of it is left");
        let of_busy = engine.store().history(&busy, all).await.unwrap().entries;
        assert!((75..=80).contains(&of_busy.len()), "{} of 80", of_busy.len());
        let newest = of_busy
            .iter()
            .zip((0..200).rev())
            .all(|(held, at)| held.allocation.interaction.as_str() == format!("busy {at}"));
        assert!(newest, "the oldest are those that are pushed out");
        let told = engine.store().usages().await.unwrap();
        let told: Vec<_> = told.iter().map(|of| (of.tenant.as_str(), of.usage.history, of.quotas.history)).collect();
        assert_eq!(told, [("acme", 70, 80), ("busy", of_busy.len() as u64, 80)]);
        engine.restart(seed).await;
    }
}

async fn a_call_is_explained_by_what_runs_and_by_what_has_ended_through_restarts(engine: &mut Engine) {
    with_numbers(engine, &["11", "1"]).await;
    let caller = Some(Caller::new("555").unwrap());
    let call = |dialled: &str| {
        let dialled = Dialled::new(dialled).unwrap();
        Explain { dialled, code: None, caller: caller.clone(), at: None }
    };
    let lent = engine.store().lend(&scope(), Lend { caller: caller.clone(), ..lend_to("a") }, None).await.unwrap();
    let number = lent.allocation.number.to_string();
    let other = if number == "1" { "11" } else { "1" };
    let begun = lent.allocation.since;
    engine.clock.advance(Seconds::new(316));
    engine.store().sweep().await.unwrap();
    for restart in [false, true] {
        if restart {
            engine.restart(3).await;
        }
        let verdict = |told: &Explanation| told.near.iter().map(|near| (near.verdict, near.apart)).collect::<Vec<_>>();
        let late = engine.store().explain(&scope(), &call(&number)).await.unwrap();
        assert_eq!(late.outcome, Outcome::Missed(Miss::Expired), "{late:?}");
        assert_eq!(verdict(&late), [(Verdict::TooLate, Seconds::new(16))]);
        let elsewhere = engine.store().explain(&scope(), &call(other)).await.unwrap();
        assert_eq!(verdict(&elsewhere), [(Verdict::OtherNumber, Seconds::new(16))]);
        let then = Explain { at: Some(begun.after(Seconds::new(299))), ..call(&number) };
        let then = engine.store().explain(&scope(), &then).await.unwrap();
        assert_eq!((then.outcome, verdict(&then)), (Outcome::Recognised, vec![(Verdict::Recognised, Seconds::new(0))]));
        let strange = engine.store().explain(&other_scope(), &call(&number)).await.unwrap();
        assert_eq!((strange.outcome, strange.near.len()), (Outcome::Missed(Miss::UnknownNumber), 0));
    }
}

/// Everything that a search finds, read in pages of `limit`.
async fn searched(store: &dyn Store, scope: &Scope, filter: &HistoryFilter, limit: usize) -> Vec<Held> {
    let mut search = HistorySearch { filter: filter.clone(), limit, ..HistorySearch::default() };
    let mut found = Vec::new();
    loop {
        let page = store.search_history(scope, search.clone()).await.unwrap();
        assert!(page.entries.len() <= limit, "{} of {limit}", page.entries.len());
        found.extend(page.entries);
        match page.next {
            Some(next) => search.after = Some(next),
            None => return found,
        }
    }
}

/// Entries by their allocations, each once.
fn by_id(entries: Vec<Held>) -> BTreeMap<AllocationId, Held> {
    let count = entries.len();
    let by_id: BTreeMap<_, _> = entries.into_iter().map(|held| (held.allocation.id, held)).collect();
    assert_eq!(by_id.len(), count, "each is told once");
    by_id
}

const ALL: [&str; 5] = ["11", "21", "31", "41", "51"];

/// Numbers of two groups and of none in two scopes, and allocations that ended in all ways, or run, by several callers.
async fn busy_days(engine: &mut Engine) {
    for scope in [scope(), other_scope()] {
        for (text, name) in ALL.iter().zip([Some("g"), Some("g"), Some("h"), Some("h"), None]) {
            let new = NewNumber { group: name.map(group), ..number(text) };
            engine.store().create_number(&scope, new, None).await.unwrap();
        }
    }
    for at in 0..120_u64 {
        let scope = if at % 7 == 0 { other_scope() } else { scope() };
        let holder = format!("visit {at}");
        let source = ["g", "h"][(at % 2) as usize];
        let asked = Lend {
            source: from(source),
            origin: [LentBy::Gms, LentBy::Native][(at % 2) as usize],
            caller: (at % 3 > 0).then(|| Caller::new(&format!("555{}", at % 10)).unwrap()),
            application: (at % 4 > 0).then(|| ApplicationName::new(["web", "app"][(at % 2) as usize]).unwrap()),
            ..lend_to(&holder)
        };
        engine.clock.advance(Seconds::new(at * 17));
        let Ok(lent) = engine.store().lend(&scope, asked, None).await else { continue };
        match at % 5 {
            0 => drop(engine.store().free(&scope, lent.allocation.number).await.unwrap()),
            1 => engine.store().delete_interaction(&scope, &interaction(&holder)).await.unwrap(),
            2 if scope == crate::words::scope() => {
                match_call(engine.store(), &lent.allocation.number.to_string(), WithData::No)
                    .await
                    .map(drop)
                    .unwrap_or(());
            }
            _ => {}
        }
        if at % 40 == 39 {
            engine.restart(at).await;
        }
    }
}

async fn the_history_of_all_numbers_is_that_of_each_of_them_in_pages_through_restarts(engine: &mut Engine) {
    busy_days(engine).await;
    for seed in 0..2 {
        for scope in [scope(), other_scope()] {
            let mut each = Vec::new();
            for text in ALL {
                let query = HistoryQuery { number: num(text), from: None, to: None, after: None, limit: 1000 };
                each.extend(engine.store().history(&scope, query).await.unwrap().entries);
            }
            let each = by_id(each);
            assert!(each.len() > 15, "{} entries", each.len());
            for limit in [1, 2, 7, 1000] {
                let all = searched(engine.store(), &scope, &HistoryFilter::default(), limit).await;
                let running = all.iter().take_while(|held| held.ended.is_none());
                assert!(running.is_sorted_by(|one, other| one.allocation.id > other.allocation.id));
                let hours = all.iter().filter_map(|held| Some(held.ended?.0.as_millis() / 3_600_000));
                assert!(hours.is_sorted_by(|one, other| one >= other), "the newest hour comes first");
                assert_eq!(by_id(all), each, "in pages of {limit}");
            }
            let numbers = async |number: Number| {
                let filter = HistoryFilter { number: Some(number), ..HistoryFilter::default() };
                searched(engine.store(), &scope, &filter, 3).await.len()
            };
            let mut counted = 0;
            for text in ALL {
                counted += numbers(num(text)).await;
            }
            assert_eq!(counted, each.len());
        }
        engine.restart(seed).await;
    }
}

async fn an_entry_is_found_by_whatever_is_known_of_it(engine: &mut Engine) {
    busy_days(engine).await;
    let all = searched(engine.store(), &scope(), &HistoryFilter::default(), 1000).await;
    let mut ways = 0;
    for held in &all {
        let lent = &held.allocation;
        let blank = HistoryFilter::default;
        let filters = [
            HistoryFilter { number: Some(lent.number), ..blank() },
            HistoryFilter { group: held.group.clone(), ..blank() },
            HistoryFilter { caller: lent.caller.clone(), ..blank() },
            HistoryFilter { interaction: Some(lent.interaction.clone()), ..blank() },
            HistoryFilter { allocation: Some(lent.id), ..blank() },
            HistoryFilter { origin: Some(lent.origin), ..blank() },
            HistoryFilter { application: lent.application.clone(), ..blank() },
            HistoryFilter { end: held.ended.map(|(_, end)| end), ..blank() },
            HistoryFilter { caller: lent.caller.clone(), end: held.ended.map(|(_, end)| end), ..blank() },
        ];
        for filter in filters {
            let HistoryFilter { number, group, caller, interaction, allocation, origin, application, end } =
                filter.clone();
            let passes = |other: &&Held| {
                let of = &other.allocation;
                number.is_none_or(|number| of.number == number)
                    && group.as_ref().is_none_or(|group| other.group.as_ref() == Some(group))
                    && caller.as_ref().is_none_or(|caller| of.caller.as_ref() == Some(caller))
                    && interaction.as_ref().is_none_or(|interaction| of.interaction == *interaction)
                    && allocation.is_none_or(|id| of.id == id)
                    && origin.is_none_or(|origin| of.origin == origin)
                    && application.as_ref().is_none_or(|name| of.application.as_ref() == Some(name))
                    && end.is_none_or(|end| other.ended.is_some_and(|(_, ended)| ended == end))
            };
            let expected: Vec<Held> = all.iter().filter(passes).cloned().collect();
            ways += usize::from(expected.len() < all.len());
            assert_eq!(searched(engine.store(), &scope(), &filter, 1000).await, expected, "{filter:?}");
        }
    }
    assert!(ways > all.len() * 4, "most filters leave something out: {ways} of {}", all.len());
    let nobody = HistoryFilter { caller: Caller::new("nobody").ok(), ..HistoryFilter::default() };
    assert_eq!(searched(engine.store(), &scope(), &nobody, 10).await, []);
    let (first, last) = (all.last().unwrap().allocation.since, all[0].allocation.since);
    let middle = Timestamp::from_millis(u64::midpoint(first.as_millis(), last.as_millis()));
    let search = HistorySearch {
        from: Some(middle),
        to: Some(middle.after(Seconds::new(60))),
        limit: 1000,
        ..Default::default()
    };
    let then = engine.store().search_history(&scope(), search.clone()).await.unwrap().entries;
    let expected: Vec<_> = all.iter().filter(|held| search.wants(held)).cloned().collect();
    assert_eq!(then, expected);
    assert!(then.len() < all.len());
}
