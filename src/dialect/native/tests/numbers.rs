//! Numbers: listed in pages, made, read, changed, deleted.

use super::*;

#[tokio::test]
async fn a_number_is_made_read_changed_and_deleted() {
    let gateway = Gateway::new();
    let made = gateway.post("/numbers", json!({ "number": "+15550100", "dnid": "0100", "group": "sales" })).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.header("location"), Some("/gateway/v1/numbers/%2B15550100"));
    let expected = json!({
        "number": "+15550100", "dnid": "0100", "group": "sales", "enabled": true, "state": "free", "allocation": null,
    });
    assert_eq!(made.body, expected);
    assert_eq!(gateway.get("/numbers/%2B15550100").await.body, expected);
    let changed = gateway.patch("/numbers/+15550100", json!({ "group": null, "enabled": false })).await;
    assert_eq!(
        (changed.status, &changed.body["group"], &changed.body["state"]),
        (200, &Value::Null, &json!("disabled"))
    );
    assert_eq!(gateway.delete("/numbers/+15550100").await.status, 204);
    assert_eq!(gateway.get("/numbers/+15550100").await.problem(), "number-unknown");
}

#[tokio::test]
async fn a_list_goes_on_where_it_stopped_whatever_was_made_or_deleted_meanwhile() {
    let gateway = Gateway::new();
    for number in ["10", "20", "30", "40"] {
        gateway.number(number, "a").await;
    }
    let first = gateway.get("/numbers?limit=2").await;
    gateway.delete("/numbers/20").await;
    gateway.number("15", "a").await;
    gateway.number("25", "a").await;
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let rest = gateway.get(&format!("/numbers?limit=3&cursor={cursor}")).await;
    let numbers = |reply: &Reply| {
        reply.body["items"].as_array().unwrap().iter().map(|it| it["number"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(numbers(&first), ["10", "20"]);
    assert_eq!(numbers(&rest), ["25", "30", "40"]);
    assert_eq!(rest.body["next_cursor"], Value::Null);
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once() {
    let gateway = Gateway::new();
    let reply = gateway.post("/numbers", json!({ "number": 5, "group": "a\u{7}b", "enabled": "yes", "more": 1 })).await;
    assert_eq!(reply.pointers(), ["/more", "/number", "/group", "/enabled"]);
    let reply = gateway.get("/numbers?limit=0&limit=2&state=busy&offset=3&cursor=%21").await;
    assert_eq!(reply.pointers(), ["/limit", "/offset", "/state", "/limit", "/cursor"]);
    let reply = gateway.post("/numbers", json!([1])).await;
    assert_eq!((reply.pointers(), &reply.body["detail"]), (vec![""], &json!("the body must be an object")));
}
