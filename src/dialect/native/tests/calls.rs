//! Calls: whose they are, and what a caller is told of it.

use super::*;
use crate::domain::state::{Holder, Lend, Repeat, Source};
use crate::domain::{
    Caller, CodeShape, Content, EntryKey, GroupName, InteractionId, LentBy, NewEntry, document::FileLabel,
};

fn lend(holder: &str, group: &str) -> Lend {
    Lend {
        holder: Holder::Any(InteractionId::new(holder).unwrap()),
        source: Source::group(GroupName::new(group).unwrap()),
        origin: LentBy::Gms,
        repeat: Repeat::AnotherNumber,
        lasting: Seconds::new(300),
        interaction_ttl: Seconds::new(900),
        code: None,
        caller: None,
        data: Vec::new(),
        data_ttl: None,
        application: None,
    }
}

fn entry(key: &str, content: Content, bytes: &[u8]) -> NewEntry {
    NewEntry { key: EntryKey::new(key).unwrap(), content, bytes: bytes.into() }
}

#[tokio::test]
async fn a_call_is_told_with_the_user_data_and_taken_once() {
    let gateway = Gateway::new();
    gateway.number("111", "g").await;
    let file = Content::File(FileLabel::new("image/png", Some("a.png")).unwrap());
    let data = vec![entry("name", Content::Text, "Ann \u{1}".as_bytes()), entry("photo", file, &[1, 2, 3])];
    let wanted = Lend { data, code: Some(CodeShape::DEFAULT), ..lend("chat-1", "g") };
    let lent = gateway.store.lend(&scope(), wanted, None).await.unwrap();
    let code = lent.allocation.code.as_ref().unwrap().as_str();

    let seen = gateway.post("/calls/resolve", json!({ "dialled": "111", "code": code, "caller": "5551" })).await;
    let candidate = json!({
        "allocation": lent.allocation.id.0.to_string(),
        "number": "111",
        "interaction": "chat-1",
        "document": lent.interaction.data.to_string(),
        "data": { "name": "Ann \u{1}" },
        "files": [{ "key": "photo", "media_type": "image/png", "name": "a.png", "length": 3 }],
        "reason": "number-and-code",
        "confidence": "high",
        "seconds_left": 300,
    });
    let expected = json!({
        "number": "111", "candidates": [candidate], "ambiguous": false, "more": false, "taken": false, "route": null,
    });
    assert_eq!((seen.status, &seen.body), (200, &expected));

    let taken = gateway.post("/calls/resolve", json!({ "dialled": "111", "take": true })).await;
    assert_eq!((&taken.body["taken"], &taken.body["candidates"][0]["reason"]), (&json!(true), &json!("number")));
    let again = gateway.post("/calls/resolve", json!({ "dialled": "111", "take": true })).await;
    assert_eq!((again.status, again.problem()), (404, "no-match"));
}

#[tokio::test]
async fn the_confidence_follows_from_what_speaks_for_a_candidate() {
    let gateway = Gateway::new();
    gateway.number("111", "g").await;
    gateway.number("222", "resting").await;
    let wanted = Lend { caller: Some(Caller::new("5551").unwrap()), ..lend("a", "g") };
    gateway.store.lend(&scope(), wanted, None).await.unwrap();
    gateway.store.lend(&scope(), lend("b", "resting"), None).await.unwrap();
    let of = async |body: Value| {
        let reply = gateway.post("/calls/resolve", body).await;
        let first = &reply.body["candidates"][0];
        (first["reason"].as_str().unwrap().to_owned(), first["confidence"].as_str().unwrap().to_owned())
    };
    assert_eq!(of(json!({ "dialled": "111" })).await, ("number".into(), "medium".into()));
    assert_eq!(of(json!({ "dialled": "111", "caller": "5551" })).await, ("number-and-caller".into(), "high".into()));
    gateway.later(301);
    assert_eq!(of(json!({ "dialled": "222" })).await, ("late".into(), "low".into()));
}

#[tokio::test]
async fn where_several_fit_all_are_listed_and_none_is_taken() {
    let gateway = Gateway::new();
    gateway.number("333", "shared").await;
    for holder in ["a", "b"] {
        gateway.store.lend(&scope(), lend(holder, "shared"), None).await.unwrap();
    }
    let reply = gateway.post("/calls/resolve", json!({ "dialled": "333", "take": true })).await;
    assert_eq!((&reply.body["ambiguous"], &reply.body["taken"]), (&json!(true), &json!(false)));
    let told: Vec<_> = reply.body["candidates"].as_array().unwrap().iter().collect();
    assert_eq!((&told[0]["interaction"], &told[1]["interaction"]), (&json!("b"), &json!("a")));
    assert!(told.iter().all(|candidate| candidate["confidence"] == "low"));
}

#[tokio::test]
async fn every_member_is_checked_and_named() {
    let gateway = Gateway::new();
    for (body, pointers) in [
        (json!({}), vec!["/dialled"]),
        (json!({ "dialled": 111 }), vec!["/dialled"]),
        (json!({ "dialled": "11a" }), vec!["/dialled"]),
        (json!({ "dialled": "1".repeat(45) }), vec!["/dialled"]),
        (json!({ "dialled": "1", "caller": "c".repeat(65), "code": "" }), vec!["/caller", "/code"]),
        (json!({ "dialled": "1", "code": 1, "take": "yes" }), vec!["/code", "/take"]),
        (json!({ "dialled": "1", "number": "1" }), vec!["/number"]),
    ] {
        assert_eq!(gateway.post("/calls/resolve", body).await.pointers(), pointers);
    }
    let longest = gateway.post("/calls/resolve", json!({ "dialled": "1".repeat(44) })).await;
    assert_eq!((longest.status, longest.problem()), (404, "no-match"));
}

#[tokio::test]
async fn guesses_are_limited_and_not_by_changing_what_is_dialled_behind() {
    let gateway = Gateway::with("[gms]\nguess_limit = 2\nguess_window = 60\n");
    gateway.number("111", "g").await;
    let wanted = Lend { code: Some(CodeShape::DEFAULT), ..lend("a", "g") };
    let lent = gateway.store.lend(&scope(), wanted, None).await.unwrap();
    let code = lent.allocation.code.as_ref().unwrap().as_str();
    for _ in 0..2 {
        let wrong = gateway.post("/calls/resolve", json!({ "dialled": "111", "code": "x" })).await;
        assert_eq!(wrong.problem(), "no-match");
    }
    let blocked = gateway.post("/calls/resolve", json!({ "dialled": "111", "code": code, "take": true })).await;
    assert_eq!(
        (blocked.status, blocked.problem(), blocked.header("retry-after")),
        (429, "too-many-guesses", Some("60"))
    );
    let other = gateway.post("/calls/resolve", json!({ "dialled": "111", "code": code, "caller": "5551" })).await;
    assert_eq!(other.status, 200, "another caller is not blocked");
}

#[tokio::test]
async fn tenants_see_nothing_of_each_other() {
    let gateway = Gateway::new();
    gateway.number("111", "g").await;
    gateway.store.lend(&scope(), lend("a", "g"), None).await.unwrap();
    let body = json!({ "dialled": "111", "take": true }).to_string();
    let other = gateway.send(Method::POST, "/calls/resolve", OTHER, body).await;
    assert_eq!(other.problem(), "no-match");
    assert_eq!(gateway.post("/calls/resolve", json!({ "dialled": "111" })).await.status, 200);
}
