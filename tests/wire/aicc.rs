//! AICC over HTTP: the vendor's example as it is printed, tokens and routes across restarts and reloads, and refusals
//! below the dialect in the dialect's form.

use reqwest::Method;
use serde_json::{Value, json};

use crate::callers::{Caller, Reply, send};
use crate::gateway::Gateway;
use crate::raw::exchange;

const TOKEN: &str = "/apigovernance/api/oauth/tokenByAkSk";
const ROUTES: &str = "/apiaccess/rest/cc-management/v1/calledRoute";
/// The vendor's example, with its blanks.
const EXAMPLE: &str =
    r#"{ "accessCode": "9911411", "extCode": "11", "devicetype": 1, "deviceId": 1, "mediaTypeId": 19 }"#;

async fn grant(caller: &Caller, secret: &str) -> Reply {
    let body = json!({"app_key": "demo-key-0001", "app_secret": secret});
    send(caller.request(Method::POST, TOKEN).header("X-Token-Expire", "600").json(&body)).await
}

async fn token(caller: &Caller) -> String {
    grant(caller, "demo-secret-0001").await.json()["AccessToken"].as_str().unwrap().to_owned()
}

async fn call(caller: &Caller, token: &str, operation: &str, body: &Value) -> Reply {
    send(caller.request(Method::POST, &format!("{ROUTES}/{operation}")).bearer_auth(token).json(body)).await
}

async fn routes(caller: &Caller, token: &str) -> Value {
    call(caller, token, "queryCalledRoute", &json!({})).await.json()["data"]["calledRouteList"].clone()
}

/// A failure in the dialect's form.
#[track_caller]
fn failed(reply: &Reply, status: u16, says: &str) {
    assert_eq!((reply.status, reply.header("content-type")), (status, "application/json"), "{reply:?}");
    let body = reply.json();
    assert!(body["returnCode"].as_str().is_some_and(|code| code != "0"), "{reply:?}");
    assert!(body["description"].as_str().is_some_and(|text| text.contains(says)), "{reply:?}");
    assert!(!reply.header("x-request-id").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_vendors_example_runs_as_it_is_printed() {
    let gateway = Gateway::demo().start().await;
    let token = token(gateway.caller()).await;
    // No blank after the colons of the headers, as in the document.
    let request = format!(
        "POST {ROUTES}/createCalledRoute HTTP/1.1\r\nHost:service.besclouds.com\r\nContent-Type:application/json\r\n\
         Authorization:Bearer {token}\r\nX-APP-Key:demo-key-0001\r\nContent-Length:{}\r\n\r\n{EXAMPLE}",
        EXAMPLE.len()
    );
    let reply = exchange(gateway.address(), request).await.unwrap();
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.text(), r#"{"returnCode":"0","description":"data create success"}"#);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn routes_and_tokens_outlive_a_restart() {
    let gateway = Gateway::demo().start().await;
    let token = token(gateway.caller()).await;
    let example: Value = serde_json::from_str(EXAMPLE).unwrap();
    assert_eq!(call(gateway.caller(), &token, "createCalledRoute", &example).await.status, 200);
    let before = routes(gateway.caller(), &token).await;
    assert_eq!(before[0]["deviceDesc"], "video");

    let gateway = Gateway::demo().on(gateway.stop().await).start().await;
    let caller = gateway.caller();
    assert_eq!(routes(caller, &token).await, before, "the token is still good, the route still there");
    failed(&call(caller, &token, "createCalledRoute", &example).await, 500, "has a destination already");
    let gone = call(caller, &token, "deleteCalledRoute", &json!({"dnids": "1"})).await;
    assert_eq!((gone.status, &gone.json()["data"]["name"]), (200, &json!("991141111")));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_gateway_has_another_key_unless_one_is_configured() {
    let (one, two) = (Gateway::demo().start().await, Gateway::demo().start().await);
    let foreign = token(one.caller()).await;
    failed(&call(two.caller(), &foreign, "queryCalledRoute", &json!({})).await, 403, "authentication fails");

    let keyed = || {
        let settings = format!("[aicc]\nsigning_key = \"{}\"", "k".repeat(32));
        let aicc = dnis_gateway::config::Settings::from_toml(&settings).unwrap().aicc;
        Gateway::demo().with(|settings| settings.aicc = aicc)
    };
    let (three, four) = (keyed().start().await, keyed().start().await);
    let shared = token(three.caller()).await;
    assert_eq!(call(four.caller(), &shared, "queryCalledRoute", &json!({})).await.status, 200);
    for gateway in [one, two, three, four] {
        gateway.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_below_the_dialect_is_told_in_its_form() {
    let gateway = Gateway::demo().start().await;
    let caller = gateway.caller();
    let good = token(caller).await;
    failed(&grant(caller, "wrong").await, 403, "authentication fails");
    failed(&send(caller.request(Method::POST, "/apiaccess/rest/x")).await, 404, "nothing at this path");
    let get = send(caller.request(Method::GET, &format!("{ROUTES}/queryCalledRoute"))).await;
    failed(&get, 405, "POST");
    assert_eq!(get.header("allow"), "POST");
    let post = |path: &str| caller.request(Method::POST, &format!("{ROUTES}/{path}")).bearer_auth(&good);
    let long = json!({"accessCode": "1".repeat(70_000)}).to_string();
    failed(&send(post("createCalledRoute").body(long)).await, 413, "at most 65536 bytes");
    failed(&send(post("createCalledRoute").header("X-Long", "x".repeat(20_000)).body("{}")).await, 431, "16384 bytes");
    let coded = post("createCalledRoute").header("Content-Encoding", "br").body("{}");
    failed(&send(coded).await, 415, "Content-Encoding");
    let form = post("createCalledRoute").header("Content-Type", "text/plain").body(EXAMPLE);
    failed(&send(form).await, 415, "application/json");
    assert_eq!(routes(caller, &good).await, json!([]));

    let metrics = gateway.admin("/metrics").await.text();
    let counted = |part: &str| metrics.lines().any(|line| line.contains(part));
    assert!(counted(r#"dialect="aicc",operation="create_route",outcome="too_large""#), "{metrics}");
    assert!(counted(r#"dialect="aicc",operation="token",outcome="ok""#), "{metrics}");
    gateway.stop().await;
}
