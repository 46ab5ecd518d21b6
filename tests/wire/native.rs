//! The gateway's own API over HTTP, beside the vendors' protocols.

use reqwest::Method;
use serde_json::{Value, json};

use crate::binary::Binary;
use crate::callers::{Caller, Reply, send};
use crate::gateway::Gateway;

async fn call(caller: &Caller, method: Method, path: &str, body: Option<Value>) -> Reply {
    let request = caller.user(method, &format!("/gateway/v1{path}"));
    send(match body {
        Some(body) => request.json(&body),
        None => request,
    })
    .await
}

#[tokio::test]
async fn what_the_gateways_own_api_makes_and_lends_the_other_protocols_see_and_the_other_way_round() {
    let gateway = Gateway::demo().start().await;
    let caller = gateway.caller();
    let made = call(caller, Method::POST, "/numbers", Some(json!({ "number": "+4930", "group": "ours" }))).await;
    assert_eq!((made.status, made.header("location")), (201, "/gateway/v1/numbers/%2B4930"), "{made:?}");
    let lent = caller.gms("request-access", &[("_id", "1-x"), ("_resource_group", "ours")]).await;
    assert_eq!(lent.status, 404, "GMS knows no such instance yet: {lent:?}");
    let begun =
        call(caller, Method::POST, "/interactions", Some(json!({ "id": "1-x", "data": { "name": "Ann" } }))).await;
    assert_eq!(begun.status, 201, "{begun:?}");
    let lent = caller.gms("request-access", &[("_id", "1-x"), ("_resource_group", "ours")]).await;
    assert_eq!((lent.status, &lent.json()["_access_number"]), (200, &json!("+4930")));

    let listed = call(caller, Method::GET, "/allocations?interaction=1-x", None).await.json();
    assert_eq!((&listed["items"][0]["number"], &listed["items"][0]["origin"]), (&json!("+4930"), &json!("gms")));
    let id = listed["items"][0]["id"].as_str().unwrap();
    assert_eq!(call(caller, Method::DELETE, &format!("/allocations/{id}"), None).await.status, 204);
    assert_eq!(caller.allocation("%2B4930").await.text(), "", "Interact sees it free");

    let lent = call(caller, Method::POST, "/allocations", Some(json!({ "group": "ours", "interaction": "1-x" }))).await;
    assert_eq!(lent.status, 201, "{lent:?}");
    assert_eq!(caller.allocation("%2B4930").await.text(), "1-x");
    let form = [("_access_number", "+4930"), ("_return_user_data", "true")];
    let matched = caller.gms("match-interaction", &form).await.json();
    assert_eq!((&matched["_id"], &matched["user_data"]["name"]), (&json!("1-x"), &json!("Ann")));
    let gone = call(caller, Method::GET, &format!("/allocations/{}", lent.json()["id"].as_str().unwrap()), None).await;
    assert_eq!((gone.status, gone.header("content-type")), (404, "application/problem+json"));
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_made_and_lent_is_there_after_a_restart_with_its_deadline() {
    let gateway = Gateway::demo().start().await;
    let lent = call(gateway.caller(), Method::POST, "/allocations", Some(json!({ "lasting": 600 }))).await.json();
    let data = gateway.stop().await;
    let gateway = Gateway::demo().on(data).start().await;
    let path = format!("/allocations/{}", lent["id"].as_str().unwrap());
    let mut found = call(gateway.caller(), Method::GET, &path, None).await.json();
    found["seconds_left"] = lent["seconds_left"].clone();
    assert_eq!(found, lent);
    gateway.stop().await;
}

#[tokio::test]
async fn the_document_is_served_without_credentials_and_everything_else_is_not() {
    let gateway = Gateway::demo().start().await;
    let document = gateway.caller().get("/gateway/v1/openapi.json").await;
    assert_eq!((document.status, &document.json()["openapi"]), (200, &json!("3.1.0")));
    for path in document.json()["paths"].as_object().unwrap().keys().filter(|path| !path.ends_with("openapi.json")) {
        let refused = gateway.caller().get(&path.replace(['{', '}'], "")).await;
        let challenged = refused.status == 401 && refused.header("www-authenticate").starts_with("Basic realm=");
        assert!(challenged || refused.status == 405, "{path}: {refused:?}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_refused_before_it_is_read_is_a_problem_with_a_request_id() {
    let gateway = Gateway::demo().start().await;
    let caller = gateway.caller();
    let long = caller.user(Method::POST, "/gateway/v1/numbers").body(vec![b' '; 65_537]);
    let long = send(long).await;
    assert_eq!((long.status, long.header("content-type")), (413, "application/problem+json"));
    assert!(!long.header("x-request-id").is_empty());
    let coded = caller.user(Method::POST, "/gateway/v1/numbers").header("Content-Encoding", "br").body("{}");
    assert_eq!(send(coded).await.header("accept-encoding"), "gzip, identity");
    let headers = caller.user(Method::GET, "/gateway/v1/whoami").header("X-Long", "x".repeat(17_000));
    assert_eq!(send(headers).await.status, 431);
    let metrics = gateway.admin("/metrics").await.text();
    assert!(metrics.contains("dialect=\"native\",operation=\"number-create\",outcome=\"too_large\""), "{metrics}");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_call_it_was_is_found_over_all_numbers_also_after_a_kill() {
    let data = tempfile::TempDir::new().unwrap();
    let mut binary = Binary::demo(data.path());
    let lend = json!({ "group": "DNIS", "interaction": "visit-3", "caller": "5115", "lasting": 600 });
    let caller = &Caller::of(binary.url());
    let lent = call(caller, Method::POST, "/allocations", Some(lend)).await.json();
    let id = lent["id"].as_str().unwrap();
    assert_eq!(call(caller, Method::DELETE, &format!("/allocations/{id}"), None).await.status, 204);
    binary.signal("KILL");
    binary.wait();
    let binary = Binary::demo(data.path());
    let caller = &Caller::of(binary.url());
    let found = call(caller, Method::GET, "/history?caller=5115&ending=freed&dialect=native", None).await.json();
    let entry = &found["items"][0];
    assert_eq!((&entry["allocation"]["id"], &entry["group"]), (&json!(id), &json!("DNIS")), "{found}");
    let of_number = format!("/numbers/{}/history", lent["number"].as_str().unwrap());
    assert_eq!(call(caller, Method::GET, &of_number, None).await.json()["items"], found["items"]);
    let rows = call(caller, Method::GET, "/history/export", None).await.text();
    assert!(rows.starts_with("number,group,interaction,caller,") && rows.contains(",visit-3,5115,"), "{rows}");
    assert_eq!(call(caller, Method::GET, "/history?caller=5116", None).await.json()["items"], json!([]));
}
