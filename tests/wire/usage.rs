//! What groups are used for over time, through a kill and a restart, and the advice that the command prints.

use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;

use crate::binary::{Binary, run, texts};
use crate::callers::{Caller, send};

async fn usage(binary: &Binary) -> serde_json::Value {
    let caller = Caller::of(binary.url());
    send(caller.user(Method::GET, "/gateway/v1/groups/samples/usage")).await.json()["items"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_lent_ended_and_refused_is_counted_through_a_kill_and_a_stop_and_sized_by_the_command() {
    let data = TempDir::new().unwrap();
    let mut binary = Binary::demo(data.path());
    let caller = Caller::of(binary.url());
    let lend = json!({ "group": "samples", "lasting": 600 });
    let mut lent = Vec::new();
    for _ in 0..3 {
        let reply = send(caller.user(Method::POST, "/gateway/v1/allocations").json(&lend)).await;
        lent.push(reply.json()["id"].as_str().unwrap().to_owned());
    }
    let refused = send(caller.user(Method::POST, "/gateway/v1/allocations").json(&lend)).await;
    assert_eq!(refused.status, 503, "{refused:?}");
    let freed = send(caller.user(Method::DELETE, &format!("/gateway/v1/allocations/{}", lent[0]))).await;
    assert_eq!(freed.status, 204, "{freed:?}");
    // A quarter may turn in between.
    let sum = |items: &serde_json::Value, member: &str| -> u64 {
        items.as_array().unwrap().iter().map(|item| item[member].as_u64().unwrap()).sum()
    };
    let counted = |items: &serde_json::Value| ["lends", "ended", "refusals"].map(|member| sum(items, member));
    let before = usage(&binary).await;
    assert_eq!(counted(&before), [3, 1, 1], "{before}");
    assert_eq!(before[0]["peak"], 3);
    binary.signal("KILL");
    binary.wait();
    let binary = Binary::demo(data.path());
    assert_eq!(counted(&usage(&binary).await), [3, 1, 1], "a kill");
    let caller = Caller::of(binary.url());
    let reply = send(caller.user(Method::POST, "/gateway/v1/allocations").json(&lend)).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    let refused = send(caller.user(Method::POST, "/gateway/v1/allocations").json(&lend)).await;
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(binary.stop().success());
    let binary = Binary::demo(data.path());
    assert_eq!(counted(&usage(&binary).await), [4, 1, 2], "a stop writes what nothing was written with");

    let password = [("DNIS_GATEWAY_PASSWORD", "password")];
    let arguments = ["groups", "sizing", "samples", "--user", "admin", "--refused", "0.01", "--url", binary.url()];
    let (told, complained) = texts(&run(&arguments, b"", &password));
    assert!(told.contains("it has 3 numbers") && told.contains("busiest hour"), "{told} {complained}");
    let unknown = ["groups", "sizing", "none", "--user", "admin", "--url", binary.url()];
    let output = run(&unknown, b"", &password);
    assert_eq!(output.status.code(), Some(1), "{:?}", texts(&output));
}
