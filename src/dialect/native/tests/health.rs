//! Numbers with which something seems to be wrong.

use super::*;
use crate::domain::Number;
use crate::domain::state::{AfterMatch, Criteria, LateCalls, Which};
use crate::store::WithData;

async fn dial(gateway: &Gateway, number: &str) -> bool {
    let number = Number::new(number).unwrap();
    let call = Criteria { number, code: None, caller: None, late: LateCalls::Ignored };
    gateway.store.match_call(&scope(), call, Which::Newest, AfterMatch::Keep, WithData::No).await.is_ok()
}

#[tokio::test]
async fn numbers_that_are_never_dialled_and_calls_that_nobody_waits_for_are_told() {
    let gateway = Gateway::with("[health]\nsuspect_after = 3\nstray_after = 2\n");
    gateway.number("4711", "sales").await;
    gateway.number("4712", "sales").await;
    let empty = json!({ "suspect": [], "suspect_after": 3, "stray": [], "stray_after": 2 });
    assert_eq!(gateway.get("/health/numbers").await.body, empty);
    for _ in 0..3 {
        for _ in 0..2 {
            let lent = gateway.post("/allocations", json!({ "group": "sales", "lasting": 60 })).await;
            assert_eq!(lent.status, 201, "{lent:?}");
        }
        assert!(dial(&gateway, "4712").await);
        gateway.later(60);
        gateway.store.sweep().await.unwrap();
    }
    for number in ["4799", "4799", "4712", "4713"] {
        assert!(!dial(&gateway, number).await);
    }
    let told = gateway.get("/health/numbers").await.body;
    let suspect = json!({
        "number": "4711", "group": "sales", "expiries": 3,
        "since": "2023-11-14T22:14:20.000Z", "last": "2023-11-14T22:16:20.000Z",
    });
    assert_eq!(told["suspect"], json!([suspect]));
    let at = "2023-11-14T22:16:20.000Z";
    assert_eq!(told["stray"], json!([{ "number": "4799", "known": false, "calls": 2, "since": at, "last": at }]));
    let other = gateway.send(Method::GET, "/health/numbers", OTHER, "").await;
    assert_eq!(other.body, empty);
}
