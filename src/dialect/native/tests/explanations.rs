//! Why a call is recognised or is not, as it is told.

use super::*;
use crate::domain::state::{Holder, Lend, Repeat, Source};
use crate::domain::{Caller, CodeShape, GroupName, InteractionId, LentBy};

/// Lends the only number of `g` for 300 seconds.
async fn lend(gateway: &Gateway, holder: &str, code: Option<CodeShape>) -> String {
    let lend = Lend {
        holder: Holder::Any(InteractionId::new(holder).unwrap()),
        source: Source::group(GroupName::new("g").unwrap()),
        origin: LentBy::Gms,
        repeat: Repeat::AnotherNumber,
        lasting: Seconds::new(300),
        interaction_ttl: Seconds::new(0),
        code,
        caller: Some(Caller::new("5551").unwrap()),
        data: Vec::new(),
        data_ttl: None,
        application: None,
    };
    let lent = gateway.store.lend(&scope(), lend, None).await.unwrap();
    lent.allocation.code.as_ref().map(|code| code.as_str().to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn a_late_call_is_told_with_its_allocation_and_a_sentence() {
    let gateway = Gateway::new();
    gateway.number("111", "g").await;
    lend(&gateway, "chat-1", None).await;
    gateway.later(316);
    let told = gateway.post("/calls/explain", json!({ "dialled": "111", "caller": "5551" })).await;
    let why = "111 was lent to chat-1 until 2023-11-14T22:18:20Z; the call came at 2023-11-14T22:18:36Z, 16 s late; the \
               group does not recognise late calls, since it has no cool_down; the caller is the one who was expected";
    let near = json!({
        "allocation": {
            "id": "1", "number": "111", "interaction": "chat-1", "code": null, "caller": "5551", "origin": "gms", "application": null,
            "sharing": "exclusive", "since": "2023-11-14T22:13:20.000Z", "deadline": "2023-11-14T22:18:20.000Z",
            "seconds_left": 0,
        },
        "until": "2023-11-14T22:18:20.000Z",
        "ended": "expired",
        "number": true,
        "code": "not-told",
        "caller": "right",
        "timing": "expired",
        "seconds_apart": 16,
        "verdict": "too-late",
        "sentence": why,
    });
    let number = json!({
        "number": "111", "dnid": "111", "group": "g", "enabled": true, "state": "free", "allocation": null,
    });
    let expected = json!({
        "at": "2023-11-14T22:18:36.000Z", "dialled_as": "number", "numbers": [number], "outcome": "not-recognised",
        "reason": "expired", "sentence": format!("The call is not recognised: {why}"), "near": [near], "more": false,
        "history_from": null,
    });
    assert_eq!((told.status, &told.body), (200, &expected));
}

#[tokio::test]
async fn a_call_of_the_past_is_explained_and_one_of_the_future_is_refused() {
    let gateway = Gateway::new();
    gateway.number("111", "g").await;
    lend(&gateway, "chat-1", None).await;
    gateway.later(400);
    let at = |at: &str| json!({ "dialled": "111", "at": at });
    let told = gateway.post("/calls/explain", at("2023-11-14T23:18:19+01:00")).await;
    assert_eq!((&told.body["outcome"], &told.body["reason"]), (&json!("recognised"), &Value::Null));
    assert_eq!(gateway.post("/calls/explain", at("2023-11-14T22:20:01Z")).await.pointers(), ["/at"]);
    assert_eq!(gateway.post("/calls/explain", at("yesterday")).await.pointers(), ["/at"]);
    assert_eq!(gateway.post("/calls/explain", json!({ "code": "", "take": true })).await.pointers().len(), 3);
}

#[tokio::test]
async fn explaining_frees_nothing_and_counts_no_guess() {
    let gateway = Gateway::with("[gms]\nguess_limit = 1\nguess_window = 60\n");
    gateway.number("111", "g").await;
    let code = lend(&gateway, "chat-1", Some(CodeShape::DEFAULT)).await;
    for _ in 0..3 {
        let told = gateway.post("/calls/explain", json!({ "dialled": "111", "code": "x" })).await;
        assert_eq!((&told.body["reason"], &told.body["near"][0]["code"]), (&json!("wrong_code"), &json!("wrong")));
    }
    let told = gateway.post("/calls/explain", json!({ "dialled": "111", "code": code })).await;
    assert_eq!(told.body["outcome"], "recognised");
    let taken = gateway.post("/calls/resolve", json!({ "dialled": "111", "code": code, "take": true })).await;
    assert_eq!((taken.status, &taken.body["taken"]), (200, &json!(true)));
}

#[tokio::test]
async fn an_explanation_shows_nothing_of_another_tenant() {
    let gateway = Gateway::new();
    gateway.number("111", "g").await;
    lend(&gateway, "chat-1", None).await;
    let body = json!({ "dialled": "111", "caller": "5551" }).to_string();
    let told = gateway.send(Method::POST, "/calls/explain", OTHER, body).await;
    assert_eq!((told.status, &told.body["reason"]), (200, &json!("unknown_number")));
    assert_eq!((&told.body["near"], &told.body["numbers"]), (&json!([]), &json!([])));
}
