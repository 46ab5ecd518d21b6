//! A group that runs out of numbers: what the log and the metrics say before, and every dialect when it has happened.

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::binary::Binary;
use crate::callers::{Caller, Reply, send};

/// A group of the demo with ten numbers.
const GROUP: &str = "DNIS";
const MESSAGE: &str = "a group is running out of numbers";

async fn lend(caller: &Caller) -> Reply {
    let wanted = json!({ "group": GROUP, "lasting": 600 });
    send(caller.user(Method::POST, "/gateway/v1/allocations").json(&wanted)).await
}

async fn lend_so_many(caller: &Caller, count: usize) -> Vec<String> {
    let mut lent = Vec::new();
    for _ in 0..count {
        let reply = lend(caller).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        lent.push(reply.json()["id"].as_str().unwrap().to_owned());
    }
    lent
}

/// What the log says of groups: the threshold and the utilisation of each message.
fn told(log: &str, message: &str) -> Vec<(u64, u64)> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let of_group = lines.filter(|line| line["message"] == message && line["group"] == GROUP);
    of_group.map(|line| (line["threshold"].as_u64().unwrap(), line["utilisation"].as_u64().unwrap())).collect()
}

/// A metric of the group.
async fn metric(admin: &Caller, name: &str, label: &str) -> Option<String> {
    let text = admin.get("/metrics").await.text();
    let mut lines = text.lines().filter(|line| line.starts_with(&format!("{name}{{")));
    let line = lines.find(|line| line.contains(&format!("group=\"{GROUP}\"")) && line.contains(label))?;
    line.rsplit(' ').next().map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_threshold_is_told_of_once_when_it_is_crossed_and_again_only_after_there_were_numbers() {
    let data = TempDir::new().unwrap();
    let binary = Binary::demo(data.path());
    let (caller, admin) = (Caller::of(binary.url()), Caller::of(binary.admin_url()));
    let crossings = async |level: &str| {
        let level = format!("level=\"{level}\"");
        metric(&admin, "dnis_gateway_group_crossings_total", &level).await
    };

    let mut lent = lend_so_many(&caller, 8).await;
    binary.wait_until(|log| !told(log, MESSAGE).is_empty());
    assert_eq!(told(&binary.log(), MESSAGE), [(75, 80)]);
    assert_eq!((crossings("warning").await.as_deref(), crossings("critical").await), (Some("1"), None));
    assert_eq!(metric(&admin, "dnis_gateway_group_level", "").await.as_deref(), Some("1"));

    lent.extend(lend_so_many(&caller, 1).await);
    binary.wait_until(|log| told(log, MESSAGE).len() == 2);
    lent.extend(lend_so_many(&caller, 1).await);
    let free = async |allocation: &str| {
        let path = format!("/gateway/v1/allocations/{allocation}");
        assert_eq!(send(caller.user(Method::DELETE, &path)).await.status, 204);
    };
    for allocation in lent {
        free(&allocation).await;
    }
    // It may have been looked at in between, and be below one threshold before it is below the other.
    binary.wait_until(|log| told(log, "a group has numbers again").last().is_some_and(|(_, used)| *used < 70));
    assert_eq!(told(&binary.log(), MESSAGE), [(75, 80), (90, 90)], "that it is empty is no further threshold");
    assert_eq!((crossings("warning").await.as_deref(), crossings("critical").await.as_deref()), (Some("1"), Some("1")));
    assert_eq!(metric(&admin, "dnis_gateway_group_level", "").await.as_deref(), Some("0"));

    lend_so_many(&caller, 8).await;
    binary.wait_until(|log| told(log, MESSAGE).len() == 3);
    assert_eq!(told(&binary.log(), MESSAGE)[2], (75, 80));
    assert_eq!(crossings("warning").await.as_deref(), Some("2"));
    assert_eq!(binary.stop().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_dialect_says_of_an_empty_group_when_to_come_back_and_the_gateways_own_how_it_stands() {
    let data = TempDir::new().unwrap();
    let binary = Binary::demo(data.path());
    let caller = Caller::of(binary.url());
    let oldest = lend(&caller).await.json();
    lend_so_many(&caller, 9).await;

    let own = lend(&caller).await;
    let interact = caller.allocate("visit", GROUP).await;
    let gms = caller.gms("request-interaction", &[("_resource_group", GROUP)]).await;
    let soap = format!(
        "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body><RequestAccessRequest \
         xmlns=\"urn:dnis-gateway:v1\"><group>{GROUP}</group></RequestAccessRequest></e:Body></e:Envelope>"
    );
    let soap = caller.user(Method::POST, "/gateway/v1/soap").header("Content-Type", "text/xml").body(soap);
    let soap = send(soap).await;
    for (reply, status) in [(&own, 503), (&interact, 403), (&gms, 503), (&soap, 500)] {
        assert_eq!(reply.status, status, "{reply:?}");
        let wait: u64 = reply.header("retry-after").parse().unwrap();
        assert!((1..=600).contains(&wait), "{reply:?}");
    }
    assert_eq!((soap.element("reason").as_str(), interact.text().contains("no available")), ("exhausted", true));

    let problem = own.json();
    assert_eq!(problem["type"], "urn:dnis-gateway:problem:exhausted");
    let group = &problem["groups"][0];
    assert_eq!((&group["group"], &group["allocations"]), (&json!(GROUP), &json!(10)));
    let counts = json!({ "free": 0, "allocated": 10, "cooling": 0, "reserved": 0, "disabled": 0 });
    assert_eq!(group["counts"], counts);
    for member in ["number", "interaction", "since"] {
        assert_eq!(group["oldest"][member], oldest[member], "{member}");
    }
    assert_eq!(group["earliest_release"].to_string(), own.header("retry-after"));
    assert_eq!(binary.stop().code(), Some(0));
}
