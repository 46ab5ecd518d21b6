//! What a gateway still knows when it is started again over the same directory.

use std::sync::Arc;

use dnis_gateway::domain::Timestamp;
use dnis_gateway::store::{Clock, ManualClock, SystemClock};
use reqwest::Method;

use crate::callers::{INTERACTION, send};
use crate::gateway::Gateway;

/// A clock that stands still at the present time.
fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(SystemClock::default().now()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_allocations_and_documents_outlive_a_restart() {
    let gateway = Gateway::demo().start().await;
    let caller = gateway.caller();
    assert_eq!(caller.interact("/dnis", r#"{"phoneNumber":"9001","dnId":"1","groupName":"new"}"#).await.status, 200);
    let disabled = r#"{"phoneNumber":"9002","dnId":"2","groupName":"new","enabled":false}"#;
    assert_eq!(caller.interact("/dnis", disabled).await.status, 200);
    let deleted = caller.user(Method::DELETE, "/interact/version/2/dnis/222");
    assert_eq!(send(deleted).await.status, 200);
    assert_eq!(caller.allocate("over the restart", "new").await.text(), "9001");
    let form = [("_id", INTERACTION), ("_provide_code", "true"), ("_booking_expiration_timeout", "600"), ("a", "ä&<")];
    let lent = caller.gms("request-access", &form).await.json();
    let (number, code) = (lent["_access_number"].as_str().unwrap(), lent["_access_code"].as_str().unwrap());
    let large = "0123456789abcdef".repeat(2000);
    let stored = caller.request(Method::POST, "/genesys/1/storage/600").header("Accept", "application/json");
    let stored = send(stored.form(&[("large", large.as_str()), ("small", "x")])).await.json();
    let document = stored["id"].as_str().unwrap();
    let state = gateway.state().await;

    let gateway = Gateway::demo().on(gateway.stop().await).start().await;
    let caller = gateway.caller();
    assert_eq!(gateway.state().await, state, "the seeds of the demo do not come back either");
    assert_eq!(caller.allocation("9001").await.text(), "over the restart");
    assert_eq!(caller.allocation(number).await.text(), INTERACTION);
    assert_eq!(caller.get(&format!("/genesys/1/storage/{document}/large")).await.text(), large);
    let call = [("_access_number", number), ("_access_code", code), ("_return_data", "true")];
    let matched = caller.gms("match-interaction", &call).await;
    assert_eq!((matched.status, &matched.json()["user_data"]["a"]), (200, &"ä&<".into()), "{matched:?}");
    assert_eq!(caller.allocate("another", "new").await.status, 403, "one is lent, the other one disabled");
    assert_eq!(caller.free("9001").await.status, 200);
    assert_eq!(caller.allocate("another", "new").await.text(), "9001");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_allocation_keeps_its_deadline_over_a_restart_to_the_moment() {
    let clock = clock();
    let start = clock.now();
    let gateway = Gateway::demo().over(clock, |engine| engine).start().await;
    let caller = gateway.caller();
    assert_eq!(caller.allocate("for 900 s", "test").await.text(), "380974520200");
    let booked = [("_id", INTERACTION), ("_resource_group", "samples"), ("_booking_expiration_timeout", "5")];
    let short = caller.gms("request-access", &booked).await.json()["_access_number"].as_str().unwrap().to_owned();
    assert_eq!(caller.allocation(&short).await.text(), INTERACTION);
    let mut data = gateway.stop().await;

    for (after_millis, long_left, short_left) in
        [(4_999, "for 900 s", INTERACTION), (5_000, "for 900 s", ""), (899_999, "for 900 s", ""), (900_000, "", "")]
    {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(start.as_millis() + after_millis)));
        let gateway = Gateway::demo().on(data).over(clock, |engine| engine).start().await;
        let caller = gateway.caller();
        assert_eq!(caller.allocation("380974520200").await.text(), long_left, "after {after_millis} ms");
        assert_eq!(caller.allocation(&short).await.text(), short_left, "after {after_millis} ms");
        data = gateway.stop().await;
    }

    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(start.as_millis() + 900_000)));
    let gateway = Gateway::demo().on(data).over(clock, |engine| engine).start().await;
    for _ in 0..10 {
        assert_eq!(gateway.caller().allocate(&rand::random::<u64>().to_string(), "test").await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_ends_at_its_time_also_over_a_restart() {
    let clock = clock();
    let start = clock.now();
    let gateway = Gateway::demo().over(clock, |engine| engine).start().await;
    let request = gateway.caller().request(Method::POST, "/genesys/1/storage/60").header("Accept", "application/json");
    let id = send(request.form(&[("key", "value")])).await.json()["id"].as_str().unwrap().to_owned();
    let mut data = gateway.stop().await;
    for (after_millis, status) in [(59_999, 200), (60_000, 404)] {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(start.as_millis() + after_millis)));
        let gateway = Gateway::demo().on(data).over(clock, |engine| engine).start().await;
        let reply = gateway.caller().get(&format!("/genesys/1/storage/{id}")).await;
        assert_eq!(reply.status, status, "after {after_millis} ms: {reply:?}");
        data = gateway.stop().await;
    }
}
