//! What groups are used for over time, and how many numbers they need.

use super::*;

impl Gateway {
    /// So many calls an hour, evenly, each of which holds a number for so many seconds; those that find none are refused.
    async fn hour(&self, calls: u64, seconds: u64) {
        for _ in 0..calls {
            self.post("/allocations", json!({ "group": "sales", "lasting": seconds })).await;
            self.clock.advance_millis(3_600_000 / calls);
            self.store.sweep().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_group_tells_what_it_was_used_for() {
    let gateway = Gateway::new();
    gateway.number("4711", "sales").await;
    assert_eq!(gateway.get("/groups/sales/usage").await.body, json!({ "items": [], "next_cursor": null }));
    let lent = gateway.post("/allocations", json!({ "group": "sales", "lasting": 60 })).await.body;
    assert_eq!(gateway.post("/allocations", json!({ "group": "sales" })).await.problem(), "exhausted");
    gateway.later(30);
    gateway.delete(&format!("/allocations/{}", lent["id"].as_str().unwrap())).await;
    let quarter = json!({
        "begin": "2023-11-14T22:00:00.000Z", "seconds": 900, "peak": 1, "lends": 1, "matches": 0, "expiries": 0,
        "refusals": 1, "ended": 1, "mean_holding": 30.0,
    });
    assert_eq!(gateway.get("/groups/sales/usage").await.body["items"], json!([quarter]));
    gateway.later(86_400 - 30);
    let later = gateway.get("/groups/sales/usage").await.body;
    assert_eq!(later["items"], json!([]), "it began more than a day ago");
    let asked = gateway.get("/groups/sales/usage?from=2023-11-14T22:00:00Z&to=2023-11-14T22:00:01Z").await.body;
    assert_eq!(asked["items"], json!([quarter]));
    assert_eq!(gateway.delete("/numbers/4711").await.status, 204);
    let gone = gateway.get("/groups/sales/usage?from=2023-11-14T22:00:00Z").await.body;
    assert_eq!(gone["items"], json!([quarter]), "a group that is gone was used all the same");
    for path in ["usage", "sizing"] {
        assert_eq!(gateway.get(&format!("/groups/none/{path}")).await.problem(), "group-unknown");
        let wrong =
            gateway.get(&format!("/groups/sales/{path}?from=2023-11-14T22:00:00Z&to=2023-11-14T22:00:00Z")).await;
        assert_eq!((wrong.status, wrong.problem()), (400, "invalid"), "{wrong:?}");
    }
}

/// A day with a known answer: 30 calls an hour of two minutes each are 1 erlang, and 5 erlang at the busy hour, for which
/// published tables of Erlang's formula B name 5, 6 and 12 to 14 numbers.
#[tokio::test]
async fn a_replayed_day_is_sized_within_one_number_of_the_known_answer() {
    let gateway = Gateway::new();
    for at in 0..20 {
        gateway.number(&format!("47{at:02}"), "sales").await;
    }
    for hour in 0..24 {
        gateway.hour(if hour == 10 { 150 } else { 30 }, 120).await;
    }
    let sizing = gateway.get("/groups/sales/sizing?refused=0.001").await.body;
    let near = |need: &Value, erlang: f64, numbers: u64| {
        assert!((need["erlang"].as_f64().unwrap() - erlang).abs() < 0.15 * erlang, "{erlang}: {sizing}");
        assert!(need["numbers"].as_u64().unwrap().abs_diff(numbers) <= 1, "{numbers}: {sizing}");
    };
    near(&sizing["now"], 1.0, 6);
    near(&sizing["peak"], 5.0, 14);
    near(&sizing["grown"], 6.0, 15);
    assert_eq!((&sizing["numbers"], &sizing["refused"]), (&json!(20), &json!(0.001)));
    assert!((sizing["taken"].as_f64().unwrap() - 120.0).abs() < 1.0);
    let lenient = gateway.get("/groups/sales/sizing?refused=0.02").await.body;
    assert!(lenient["peak"]["numbers"].as_u64() < sizing["peak"]["numbers"].as_u64(), "{lenient}");
    for wrong in ["0", "0.6", "-0.1", "x", "1e-3", "0.0000001"] {
        let refused = gateway.get(&format!("/groups/sales/sizing?refused={wrong}")).await;
        assert_eq!((refused.status, refused.problem()), (400, "invalid"), "{wrong}: {refused:?}");
    }
    let shared = gateway.get("/groups/shared/sizing").await.body;
    assert_eq!((&shared["now"]["numbers"], &shared["numbers"]), (&Value::Null, &json!(0)));
}
