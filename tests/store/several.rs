//! Several gateways over one database: what one acknowledges all of them know, whatever happens to sessions and servers.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use dnis_gateway::domain::state::{AfterMatch, Which};
use dnis_gateway::domain::{Allocation, Number, Refusal, Rules};
use dnis_gateway::store::postgres::{Options, PostgresStore};
use dnis_gateway::store::{Error, Store, WithData};
use parking_lot::Mutex;

use crate::database::{self, Server, schema, server};
use crate::words::*;

/// Longer than anything takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A gateway's store, by the database's clock.
fn gateway(server: &Server, schema: &str) -> Arc<PostgresStore> {
    let options = Options {
        settings: server.settings(schema),
        rules: Rules::default(),
        clock: None,
        seed: None,
        observer: Arc::new(()),
        address: "127.0.0.1:1".to_owned(),
    };
    Arc::new(database::apart(|| PostgresStore::open(options).unwrap()))
}

/// Asks again and again until it holds.
async fn until<F: Future<Output = bool>>(what: &str, ask: impl Fn() -> F) {
    let end = Instant::now() + PATIENCE;
    while !ask().await {
        assert!(Instant::now() < end, "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_gateway_has_acknowledged_every_other_knows_at_once() {
    let schema = schema();
    let (one, other) = (gateway(server(), &schema), gateway(server(), &schema));
    one.create_number(&scope(), number("11"), None).await.unwrap();
    for round in 0..20 {
        let (here, there) = if round % 2 == 0 { (&one, &other) } else { (&other, &one) };
        let lent = here.lend(&scope(), lend_to(&format!("visit {round}")), None).await.unwrap();
        let seen = there.number(&scope(), num("11")).await.unwrap().unwrap();
        assert_eq!(seen.allocation, Some(lent.allocation), "round {round}");
        let refused = there.lend(&scope(), lend_to("too late"), None).await;
        assert!(matches!(refused, Err(Error::Refused(Refusal::Exhausted { .. }))), "{refused:?}");
        let found = there.match_call(&scope(), call("11"), Which::Newest, AfterMatch::Delete, WithData::Yes).await;
        assert_eq!(found.unwrap()[0].found.interaction.id, interaction(&format!("visit {round}")));
        let missed = here.match_call(&scope(), call("11"), Which::Newest, AfterMatch::Delete, WithData::No).await;
        assert!(matches!(missed, Err(Error::Refused(Refusal::NoMatch(_)))), "{missed:?}");
        assert_eq!(here.number(&scope(), num("11")).await.unwrap().unwrap().allocation, None);
    }
    one.close().await;
    other.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_rows_and_history_of_one_gateway_are_there_for_the_others() {
    let schema = schema();
    let (one, other) = (gateway(server(), &schema), gateway(server(), &schema));
    let mut import = one.import_numbers(&scope(), dnis_gateway::store::Existing::Refuse).await.unwrap();
    import.stage(rows(&["21", "22", "23"])).await.unwrap();
    import.commit().await.unwrap();
    assert_eq!(other.numbers(&scope(), None, 0, 10).await.unwrap().total, 3);
    let large = "x".repeat(100_000);
    let id = one
        .create_document(&scope(), vec![text("note", &large)], dnis_gateway::domain::Seconds::new(60), None, None)
        .await
        .unwrap();
    let loaded = other.document_entry(&scope(), id.into(), "note").await.unwrap().unwrap();
    assert_eq!(loaded.bytes.len(), large.len());
    one.delete_document(&scope(), id.into()).await.unwrap();
    assert_eq!(other.document_entry(&scope(), id.into(), "note").await.unwrap(), None);
    let lent = one.lend(&scope(), lend_to("ann"), None).await.unwrap();
    one.free(&scope(), lent.allocation.number).await.unwrap();
    let query = dnis_gateway::domain::HistoryQuery {
        number: lent.allocation.number,
        from: None,
        to: None,
        after: None,
        limit: 10,
    };
    let held = other.history(&scope(), query).await.unwrap().entries;
    assert_eq!(held[0].allocation.interaction, interaction("ann"));
    // Whoever comes later finds it as well, from the tables or from the log.
    let third = gateway(server(), &schema);
    assert_eq!(third.numbers(&scope(), None, 0, 10).await.unwrap().total, 3);
    assert_eq!(third.history(&scope(), query).await.unwrap().entries, held);
    for store in [one, other, third] {
        store.close().await;
    }
}

/// Who holds which number, as acknowledged.
#[derive(Default)]
struct Ledger {
    held: Mutex<HashMap<Number, Arc<Allocation>>>,
    lent: AtomicUsize,
    unavailable: AtomicUsize,
}

/// Lends and frees at gateways in turn until told to stop, and holds every answer against what was acknowledged.
async fn client(stores: Vec<Arc<PostgresStore>>, name: String, ledger: Arc<Ledger>, stop: Arc<AtomicBool>) {
    for round in 0.. {
        if stop.load(Ordering::Acquire) {
            return;
        }
        let (here, there) = (&stores[round % stores.len()], &stores[(round + 1) % stores.len()]);
        let allocation = match here.lend(&scope(), lend_to(&name), None).await {
            Ok(lent) => lent.allocation,
            Err(Error::Refused(Refusal::Exhausted { .. })) => continue,
            Err(Error::Unavailable(_)) => {
                ledger.unavailable.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        ledger.lent.fetch_add(1, Ordering::Relaxed);
        let before = ledger.held.lock().insert(allocation.number, Arc::clone(&allocation));
        assert_eq!(before, None, "{} is lent twice", allocation.number);
        if let Ok(seen) = there.number(&scope(), allocation.number).await {
            assert_eq!(seen.unwrap().allocation.as_ref(), Some(&allocation), "what is acknowledged is seen everywhere");
        }
        ledger.held.lock().remove(&allocation.number);
        // Where that fails the number may be freed or not; it is not held by anybody else in any case.
        if let Ok(freed) = there.free(&scope(), allocation.number).await {
            assert_eq!(freed, Some(allocation), "nobody else has freed it");
        }
    }
}

/// Has clients at work while something happens.
async fn under_load(stores: &[Arc<PostgresStore>], happens: impl Future<Output = ()>) -> Arc<Ledger> {
    for digits in 100..200 {
        stores[0].create_number(&scope(), number(&digits.to_string()), None).await.unwrap();
    }
    let (ledger, stop) = (Arc::new(Ledger::default()), Arc::new(AtomicBool::new(false)));
    let clients: Vec<_> = (0..8)
        .map(|name| {
            let name = format!("client {name}");
            tokio::spawn(client(stores.to_vec(), name, Arc::clone(&ledger), Arc::clone(&stop)))
        })
        .collect();
    happens.await;
    stop.store(true, Ordering::Release);
    for client in clients {
        client.await.unwrap();
    }
    ledger
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_gateways_under_load_never_lend_a_number_twice() {
    let schema = schema();
    let stores: Vec<_> = (0..3).map(|_| gateway(server(), &schema)).collect();
    let ledger = under_load(&stores, tokio::time::sleep(Duration::from_secs(3))).await;
    let (lent, unavailable) = (ledger.lent.load(Ordering::Relaxed), ledger.unavailable.load(Ordering::Relaxed));
    assert!(lent > 20, "{lent} lent");
    assert_eq!(unavailable, 0);
    for store in stores {
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_are_ended_at_any_moment_lose_nothing_and_lend_nothing_twice() {
    let (server, schema) = (Server::start(&[]), schema());
    let stores: Vec<_> = (0..2).map(|_| gateway(&server, &schema)).collect();
    let ledger = under_load(&stores, async {
        for _ in 0..30 {
            tokio::time::sleep(Duration::from_millis(150)).await;
            server.sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dnis-gateway' \
                 AND random() < 0.5",
            );
        }
    })
    .await;
    assert!(ledger.lent.load(Ordering::Relaxed) > 20);
    // Everything comes back by itself, and all see the same.
    for store in &stores {
        until("a gateway is ready again", || async { store.ready().await.is_ok() }).await;
    }
    until("both answer, and the same", || async {
        let one = stores[0].numbers(&scope(), None, 0, 1000).await;
        let other = stores[1].numbers(&scope(), None, 0, 1000).await;
        matches!((one, other), (Ok(one), Ok(other)) if one == other)
    })
    .await;
    for store in stores {
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_database_nothing_is_answered_and_it_comes_back_by_itself() {
    let (server, schema) = (Server::start(&[]), schema());
    let stores: Vec<_> = (0..2).map(|_| gateway(&server, &schema)).collect();
    stores[0].create_number(&scope(), number("11"), None).await.unwrap();
    let lent = stores[0].lend(&scope(), lend_to("ann"), None).await.unwrap();
    server.crash();
    for store in &stores {
        until("a gateway says that it is not ready", || async { store.ready().await.is_err() }).await;
        let began = Instant::now();
        assert!(matches!(store.free(&scope(), num("11")).await, Err(Error::Unavailable(_))));
        assert!(matches!(store.number(&scope(), num("11")).await, Err(Error::Unavailable(_))));
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    }
    server.begin();
    for store in &stores {
        until("a gateway is ready again", || async { store.ready().await.is_ok() }).await;
        until("a gateway reads again", || async {
            store.number(&scope(), num("11")).await.is_ok_and(|found| {
                assert_eq!(found.unwrap().allocation.as_ref(), Some(&lent.allocation));
                true
            })
        })
        .await;
    }
    until("a gateway writes again", || async { stores[1].free(&scope(), num("11")).await.is_ok() }).await;
    assert_eq!(stores[0].number(&scope(), num("11")).await.unwrap().unwrap().allocation, None);
    for store in stores {
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_not_the_one_that_was_followed_is_noticed_and_taken_anew() {
    let schema = schema();
    let (one, other) = (gateway(server(), &schema), gateway(server(), &schema));
    one.create_number(&scope(), number("11"), None).await.unwrap();
    one.create_number(&scope(), number("12"), None).await.unwrap();
    assert_eq!(other.numbers(&scope(), None, 0, 10).await.unwrap().total, 2);
    // As if a standby had been promoted that had another commit in that place.
    let log = format!("{schema}.log");
    server().sql(&format!("UPDATE {log} SET batch = gen_random_uuid() WHERE seq = (SELECT max(seq) FROM {log})"));
    for store in [&one, &other] {
        until("a gateway takes part again", || async { store.numbers(&scope(), None, 0, 10).await.is_ok() }).await;
    }
    until("a gateway writes again", || async { one.create_number(&scope(), number("13"), None).await.is_ok() }).await;
    assert_eq!(other.numbers(&scope(), None, 0, 10).await.unwrap().total, 3);
    // As if it had lost the last one.
    let lost = format!(
        "BEGIN; DELETE FROM {log} WHERE seq = (SELECT max(seq) FROM {log}); \
         UPDATE {schema}.checkpoint SET seq = LEAST(seq, (SELECT max(seq) FROM {log})); \
         DELETE FROM {schema}.numbers WHERE number = '13'; COMMIT"
    );
    server().sql(&lost);
    for store in [&one, &other] {
        until("a gateway knows no more than there is", || async {
            store.numbers(&scope(), None, 0, 10).await.is_ok_and(|numbers| numbers.total == 2)
        })
        .await;
    }
    one.close().await;
    other.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_moves_into_tables_that_people_can_query_and_what_all_have_goes() {
    let schema = schema();
    let (one, other) = (gateway(server(), &schema), gateway(server(), &schema));
    for digits in 100..140 {
        one.create_number(&scope(), number(&digits.to_string()), None).await.unwrap();
    }
    let mut import = one.import_numbers(&scope(), dnis_gateway::store::Existing::Refuse).await.unwrap();
    for tens in 50..75 {
        let digits: Vec<_> = (0..10).map(|digit| format!("{tens}{digit}")).collect();
        import.stage(rows(&digits.iter().map(String::as_str).collect::<Vec<_>>())).await.unwrap();
    }
    import.commit().await.unwrap();
    other.lend(&scope(), lend_to("ann"), None).await.unwrap();
    let count = |what: &str| server().sql(&format!("SELECT count(*) FROM {schema}.{what}"))[0][0].clone();
    until("the tables have everything", || async {
        (count("report_numbers"), count("report_allocations"), count("interactions"))
            == (Some("290".to_owned()), Some("1".to_owned()), Some("1".to_owned()))
    })
    .await;
    until("the log is short", || async { count("log").is_some_and(|rows| rows.parse::<u32>().unwrap() < 5) }).await;
    let held = format!("SELECT number, interaction FROM {schema}.report_allocations WHERE tenant = 'acme'");
    assert_eq!(server().sql(&held)[0][1].as_deref(), Some("ann"));
    one.close().await;
    other.close().await;
}
