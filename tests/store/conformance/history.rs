//! Who held a number when.

use dnis_gateway::domain::explanation::{Explanation, Outcome, Verdict};
use dnis_gateway::domain::history::{End, Held, HistoryQuery, HistoryRules};
use dnis_gateway::domain::refusal::Miss;
use dnis_gateway::domain::state::Lend;
use dnis_gateway::domain::{Caller, Dialled, Explain, Quotas, Rules, Scope, Seconds, TenantId, Timestamp};
use dnis_gateway::store::{Store, WithData};

use super::{match_call, rules, with_numbers};
use crate::engine::Engine;
use crate::words::*;

on_every_engine! {
    it_is_known_who_held_a_number_when_through_restarts_and_until_it_is_too_old,
    history_is_bounded_in_number_and_what_is_dropped_does_not_come_back,
    a_tenant_pushes_out_its_own_history_and_nobody_elses,
    a_call_is_explained_by_what_runs_and_by_what_has_ended_through_restarts,
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
