//! Allocations: lent, listed, read, renewed, ended; told with what is left.

use super::*;

#[tokio::test]
async fn a_number_is_lent_read_renewed_and_freed() {
    let gateway = Gateway::new();
    gateway.number("4711", "sales").await;
    let wanted = json!({
        "group": "sales", "interaction": "visit 3", "lasting": 60, "code_length": 4, "caller": "+14155550123",
        "data": { "name": "Ada" },
    });
    let lent = gateway.post("/allocations", wanted).await;
    assert_eq!((lent.status, lent.header("location")), (201, Some("/gateway/v1/allocations/1")), "{lent:?}");
    let code = lent.body["code"].as_str().unwrap();
    assert!(code.len() == 4 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
    let mut expected = json!({
        "id": "1", "number": "4711", "interaction": "visit 3", "code": code, "caller": "+14155550123",
        "origin": "native", "application": null, "sharing": "exclusive", "since": "2023-11-14T22:13:20.000Z",
        "deadline": "2023-11-14T22:14:20.000Z", "seconds_left": 60,
    });
    assert_eq!(lent.body, expected);
    assert_eq!(gateway.get("/numbers/4711").await.body["allocation"], "1");
    assert_eq!(
        gateway.get("/interactions/visit%203/data").await.body,
        json!({ "data": { "name": "Ada" }, "files": {} })
    );

    gateway.clock.advance_millis(59_001);
    expected["seconds_left"] = 0.into();
    assert_eq!(gateway.get("/allocations/1").await.body, expected);
    let renewed = gateway.patch("/allocations/1", json!({ "lasting": 300 })).await;
    assert_eq!((renewed.status, &renewed.body["seconds_left"]), (200, &json!(300)));
    assert_eq!(gateway.delete("/allocations/1").await.status, 204);
    for gone in [gateway.get("/allocations/1").await, gateway.delete("/allocations/1").await] {
        assert_eq!((gone.status, gone.problem()), (404, "allocation-unknown"));
    }
    let gone = gateway.patch("/allocations/1", json!({ "lasting": 300 })).await;
    assert_eq!((gone.status, gone.problem()), (404, "allocation-unknown"));
    assert_eq!(gateway.get("/numbers/4711").await.body["state"], "free");
}

#[tokio::test]
async fn without_a_word_a_number_of_any_group_is_lent_to_a_new_interaction_for_the_usual_time() {
    let gateway = Gateway::new();
    gateway.number("4711", "sales").await;
    let lent = gateway.post("/allocations", json!({})).await;
    assert_eq!((lent.status, &lent.body["seconds_left"], &lent.body["code"]), (201, &json!(900), &Value::Null));
    let interaction = lent.body["interaction"].as_str().unwrap();
    assert!(interaction.starts_with("1-"), "{interaction}");
    assert_eq!(gateway.get(&format!("/interactions/{interaction}")).await.status, 200);
}

#[tokio::test]
async fn a_second_request_of_an_interaction_gets_what_it_says() {
    let gateway = Gateway::new();
    for number in ["1", "2", "3"] {
        gateway.number(number, "sales").await;
    }
    let lend = async |repeat: Option<&str>| {
        let mut wanted = json!({ "group": "sales", "interaction": "a" });
        if let Some(repeat) = repeat {
            wanted["repeat"] = repeat.into();
        }
        gateway.post("/allocations", wanted).await.body["number"].as_str().unwrap().to_owned()
    };
    assert_eq!(lend(None).await, "1");
    assert_eq!(lend(Some("same")).await, "1");
    assert_eq!(lend(Some("same-of-group")).await, "1");
    assert_eq!(lend(Some("another")).await, "2");
    assert_eq!(lend(None).await, "3");
}

#[tokio::test]
async fn allocations_are_listed_by_group_interaction_and_number_oldest_first() {
    let gateway = Gateway::new();
    for (number, group) in [("1", "sales"), ("2", "sales"), ("3", "help")] {
        gateway.number(number, group).await;
    }
    for (group, holder) in [("sales", "a"), ("help", "b"), ("sales", "b")] {
        gateway.post("/allocations", json!({ "group": group, "interaction": holder })).await;
    }
    let ids = async |target: &str| {
        let reply = gateway.get(target).await;
        let ids: Vec<_> = reply.body["items"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect();
        ids.join(" ")
    };
    assert_eq!(ids("/allocations").await, "1 2 3");
    assert_eq!(ids("/allocations?group=sales").await, "1 3");
    assert_eq!(ids("/allocations?interaction=b").await, "2 3");
    assert_eq!(ids("/allocations?interaction=b&group=sales").await, "3");
    assert_eq!(ids("/allocations?number=2").await, "3");
    let first = gateway.get("/allocations?limit=2").await;
    let cursor = first.body["next_cursor"].as_str().unwrap();
    gateway.delete("/allocations/2").await;
    assert_eq!(ids(&format!("/allocations?cursor={cursor}")).await, "3");
}

#[tokio::test]
async fn an_empty_group_is_refused_with_how_it_stands() {
    let gateway = Gateway::new();
    gateway.number("1", "resting").await;
    gateway.post("/allocations", json!({ "group": "resting", "lasting": 10 })).await;
    let refused = gateway.post("/allocations", json!({ "group": "resting" })).await;
    assert_eq!((refused.status, refused.problem()), (503, "exhausted"));
    assert_eq!(refused.header("retry-after"), Some("70"));
    assert_eq!(refused.body["groups"][0]["counts"]["allocated"], 1);
    assert_eq!(gateway.post("/allocations", json!({ "group": "none" })).await.problem(), "group-unknown");
    gateway.number("2", "shared").await;
    for _ in 0..10 {
        gateway.post("/allocations", json!({ "group": "shared", "code_length": 1 })).await;
    }
    let refused = gateway.post("/allocations", json!({ "group": "shared", "code_length": 1 })).await;
    assert_eq!((refused.status, refused.problem()), (503, "codes-used-up"));
}

#[tokio::test]
async fn codes_begin_as_the_tenant_is_configured() {
    let gateway = Gateway::new();
    gateway.send(Method::POST, "/numbers", OTHER, json!({ "number": "1" }).to_string()).await;
    let lend = async |length: u64| {
        let wanted = json!({ "code_length": length }).to_string();
        gateway.send(Method::POST, "/allocations", OTHER, wanted).await
    };
    assert_eq!(lend(2).await.pointers(), ["/code_length"]);
    let code = lend(3).await.body["code"].clone();
    assert!(code.as_str().unwrap().starts_with("77"), "{code}");
}
