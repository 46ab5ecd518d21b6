//! What groups were used for over time.

use dnis_gateway::domain::usage::{Figures, Span, Used};
use dnis_gateway::domain::{Rules, Seconds, Timestamp, UsageRules};
use dnis_gateway::store::{Clock, Store, WithData};

use super::{match_call, rules, with_numbers};
use crate::dump::{dumped, restored};
use crate::engine::Engine;
use crate::words::*;

on_every_engine! {
    the_use_of_a_group_is_told_by_quarters_and_later_by_hours_through_restarts,
    the_use_of_groups_is_in_a_dump,
    use_is_bounded_and_what_is_dropped_leaves_the_store,
}

const QUARTER: Seconds = Seconds::new(15 * 60);
const DAY: Seconds = Seconds::new(24 * 60 * 60);
/// When the clocks of the engines begin.
const BEGIN: Timestamp = Timestamp::from_millis(1_000_000);

async fn usage(engine: &Engine) -> Vec<Used> {
    let now = engine.clock.now();
    engine.store().group_usage(&scope(), &Some(group("g")), Timestamp::from_millis(0), now).await.unwrap()
}

/// Three calls: one is matched, one expires, and one is refused.
async fn three_calls(engine: &Engine) {
    let lent = engine.store().lend(&scope(), lend_to("a"), None).await.unwrap();
    engine.store().lend(&scope(), lend_to("b"), None).await.unwrap();
    engine.store().lend(&scope(), lend_to("c"), None).await.unwrap_err();
    engine.clock.advance(Seconds::new(100));
    match_call(engine.store(), &lent.allocation.number.to_string(), WithData::No).await.unwrap();
    engine.clock.advance(Seconds::new(200));
    engine.store().sweep().await.unwrap();
}

const CALLS: Figures =
    Figures { peak: 2, lends: 2, matches: 1, expiries: 1, refusals: 1, ended: 2, held_millis: 400_000 };

async fn the_use_of_a_group_is_told_by_quarters_and_later_by_hours_through_restarts(engine: &mut Engine) {
    with_numbers(engine, &["11", "1"]).await;
    engine.clock.advance(QUARTER);
    let first = Span::Quarter.begins(Span::Quarter.slot(engine.clock.now()));
    three_calls(engine).await;
    let told = Used { span: Span::Quarter, begin: first, figures: CALLS };
    assert_eq!(usage(engine).await, [told], "the quarter that runs");
    engine.restart(1).await;
    assert_eq!(usage(engine).await, [told]);
    engine.clock.advance(QUARTER);
    engine.restart(2).await;
    assert_eq!(usage(engine).await, [told], "nobody has called since it was over");
    three_calls(engine).await;
    let second = Used { begin: first.after(QUARTER), ..told };
    assert_eq!(usage(engine).await, [told, second]);
    for seed in 0..2 {
        engine.clock.advance(DAY);
        engine.store().sweep().await.unwrap();
        assert_eq!(usage(engine).await, [told, second]);
        let none = engine.store().group_usage(&other_scope(), &Some(group("g")), BEGIN, engine.clock.now()).await;
        assert_eq!(none.unwrap(), []);
        let late = engine.store().group_usage(&scope(), &Some(group("g")), second.begin, engine.clock.now()).await;
        assert_eq!(late.unwrap(), [second]);
        let none = engine.store().group_usage(&scope(), &None, BEGIN, engine.clock.now()).await;
        assert_eq!(none.unwrap(), [], "the numbers without a group are another one");
        engine.restart(seed).await;
    }
    for _ in 0..36 {
        engine.clock.advance(DAY);
        engine.store().sweep().await.unwrap();
    }
    let by_hour = usage(engine).await;
    assert!(by_hour.iter().all(|used| used.span == Span::Hour), "{by_hour:?}");
    let mut all = Figures::default();
    by_hour.iter().for_each(|used| all.add(&used.figures));
    let twice = |count| 2 * count;
    let expected = Figures {
        peak: 2,
        lends: twice(CALLS.lends),
        matches: twice(CALLS.matches),
        expiries: twice(CALLS.expiries),
        refusals: twice(CALLS.refusals),
        ended: twice(CALLS.ended),
        held_millis: twice(CALLS.held_millis),
    };
    assert_eq!(all, expected);
}

async fn the_use_of_groups_is_in_a_dump(engine: &mut Engine) {
    with_numbers(engine, &["11", "1"]).await;
    for _ in 0..5 {
        three_calls(engine).await;
        engine.clock.advance(QUARTER);
    }
    three_calls(engine).await;
    let told = usage(engine).await;
    assert!(told.len() >= 6, "{told:?}");
    // Taken before, and read when more is there.
    let snapshot = engine.store().snapshot().await.unwrap();
    let dump = dumped(engine.store()).await;
    engine.clock.advance(QUARTER);
    engine.store().sweep().await.unwrap();
    let mut late = Vec::new();
    dnis_gateway::dump::write(snapshot, &mut late).unwrap();
    let facts = |dump: &[u8]| crate::dump::facts(dump).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(facts(&late), facts(&dump));
    let (directory, again) = restored(&dump);
    let to = engine.clock.now();
    assert_eq!(again.group_usage(&scope(), &Some(group("g")), Timestamp::from_millis(0), to).await.unwrap(), told);
    assert_eq!(facts(&dumped(&again).await), facts(&dump));
    drop((again, directory));
    let other = engine.restored(&dump);
    assert_eq!(usage(&other).await, told);
}

async fn use_is_bounded_and_what_is_dropped_leaves_the_store(engine: &mut Engine) {
    with_numbers(engine, &["11", "1"]).await;
    for _ in 0..6 {
        // At the same time every day, within a quarter.
        three_calls(engine).await;
        engine.clock.advance(Seconds::new(DAY.get() - 300));
    }
    engine.store().sweep().await.unwrap();
    assert_eq!(usage(engine).await.len(), 6);
    engine.reload(Rules { usage: UsageRules { entries: 8 }, ..rules() }).await;
    for seed in 0..2 {
        engine.store().sweep().await.unwrap();
        engine.store().sweep().await.unwrap();
        let told = usage(engine).await;
        assert_eq!(told.iter().filter(|used| used.span == Span::Hour).count(), 4, "{told:?}");
        assert_eq!(told.len(), 6, "of what has no quarters any more there are hours");
        let dump = dumped(engine.store()).await;
        let used = crate::dump::facts(&dump).iter().filter(|fact| fact.contains("\"kind\":\"used\"")).count();
        assert_eq!(used, 8);
        engine.restart(seed).await;
    }
}
