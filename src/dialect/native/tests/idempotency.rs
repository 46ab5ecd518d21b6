//! Requests under an `Idempotency-Key`, and who held a number when.

use super::*;

const KEY: (&str, &str) = ("Idempotency-Key", "\"k-1\"");

impl Gateway {
    async fn under(&self, key: (&str, &str), target: &str, body: &Value) -> Reply {
        self.send(Method::POST, target, &[ADMIN, &[key]].concat(), body.to_string()).await
    }

    /// What the history of `1` tells: who, and how it ended.
    async fn told(&self, query: &str) -> Vec<(String, Value)> {
        let reply = self.get(&format!("/numbers/1/history?{query}")).await;
        let items = reply.body["items"].as_array().unwrap_or_else(|| panic!("{reply:?}"));
        let who = |item: &Value| item["allocation"]["interaction"].as_str().unwrap().to_owned();
        items.iter().map(|item| (who(item), item["ended"].clone())).collect()
    }
}

#[tokio::test]
async fn what_lends_or_makes_something_does_so_once_under_a_key() {
    let gateway = Gateway::new();
    for (target, body) in [
        ("/numbers", json!({ "number": "1", "group": "a" })),
        ("/allocations", json!({ "group": "a" })),
        ("/interactions", json!({ "id": "x" })),
        ("/routes", json!({ "access_code": "5550100", "skill": 7 })),
    ] {
        let key = ("Idempotency-Key", target);
        let first = gateway.under(key, target, &body).await;
        assert_eq!(first.status, 201, "{first:?}");
        let again = gateway.under(key, target, &body).await;
        assert_eq!((again.status, again.header("location")), (201, first.header("location")), "{target}");
        assert_eq!(again.body, first.body, "{target}");
        let mut other = body.clone();
        match target {
            "/numbers" => other["dnid"] = json!("9"),
            "/routes" => other["extension"] = json!("9"),
            _ => other["data"] = json!({}),
        }
        assert_eq!(gateway.under(key, target, &other).await.problem(), "key-reused", "{target}");
    }
}

#[tokio::test]
async fn a_key_is_spent_with_what_was_made_and_a_wrong_one_is_named() {
    let gateway = Gateway::new();
    gateway.number("1", "a").await;
    let wanted = json!({ "group": "a" });
    let lent = gateway.under(KEY, "/allocations", &wanted).await;
    gateway.delete(&format!("/allocations/{}", lent.body["id"].as_str().unwrap())).await;
    let spent = gateway.under(KEY, "/allocations", &wanted).await;
    assert_eq!((spent.status, spent.problem()), (409, "key-spent"));
    let wrong = gateway.under(("Idempotency-Key", "two words"), "/allocations", &wanted).await;
    assert_eq!((wrong.status, wrong.problem()), (400, "invalid"));
    assert!(wrong.body["detail"].as_str().unwrap().contains("Idempotency-Key must be 1 to 255 visible ASCII"));
}

#[tokio::test]
async fn it_is_told_who_held_a_number_at_any_time_and_how_that_ended() {
    let gateway = Gateway::new();
    gateway.number("1", "a").await;
    for (who, seconds) in [("a", 10), ("b", 600), ("c", 0)] {
        let lent = gateway.post("/allocations", json!({ "group": "a", "interaction": who, "lasting": 60 })).await;
        assert_eq!(lent.status, 201, "{lent:?}");
        gateway.later(seconds);
        if who == "a" {
            gateway.delete(&format!("/allocations/{}", lent.body["id"].as_str().unwrap())).await;
        }
    }
    // It began at 2023-11-14T22:13:20Z.
    let told =
        |names: &[(&str, Value)]| names.iter().map(|(who, end)| ((*who).to_owned(), end.clone())).collect::<Vec<_>>();
    let all = told(&[("c", Value::Null), ("b", json!("expired")), ("a", json!("freed"))]);
    assert_eq!(gateway.told("").await, all);
    assert_eq!(gateway.told("at=2023-11-14T22:13:29.999Z").await, all[2..]);
    assert_eq!(gateway.told("at=2023-11-14T23:13:30%2B01:00").await, all[1..2]);
    assert_eq!(gateway.told("at=2023-11-14T22:14:30Z").await, []);
    assert_eq!(gateway.told("from=2023-11-14T22:13:30Z").await, all[..2]);
    assert_eq!(gateway.told("to=2023-11-14T22:13:30Z").await, all[2..]);

    let first = gateway.get("/numbers/1/history?limit=2").await;
    assert_eq!(first.body["items"][1]["until"], "2023-11-14T22:14:30.000Z");
    let cursor = first.body["next_cursor"].as_str().unwrap();
    assert_eq!(gateway.told(&format!("limit=2&cursor={cursor}")).await, all[2..]);
    assert_eq!(gateway.get("/numbers/2/history").await.body, json!({ "items": [], "next_cursor": null }));
    let wrong = gateway.get("/numbers/1/history?at=yesterday&limit=0&cursor=AAAA").await;
    assert_eq!(wrong.pointers(), ["/at", "/limit", "/cursor"]);
    assert_eq!(gateway.get("/numbers/1/history?at=2023-11-14T22:13:29").await.pointers(), ["/at"]);
    let both = gateway.get("/numbers/1/history?at=2023-11-14T22:13:29Z&to=2023-11-14T22:13:29Z").await;
    assert_eq!(both.pointers(), ["/at"]);
}
