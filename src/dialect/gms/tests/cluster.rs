//! The scenarios of a cluster of GMS nodes: two gateways' dialects over one store, each with its own settings, as the
//! vendor's own suite drives two nodes.

use serde_json::Value;

use super::bench::*;
use crate::config::Settings;
use crate::dialect::Answer;

/// One node: the sections of the vendor's test, with a prefix of the node's own.
fn node(prefix: &str) -> String {
    let prefix = if prefix.is_empty() { String::new() } else { format!("access_code_prefix = '{prefix}'") };
    format!(
        r#"
        [gms]
        anonymous_tenant = "12345678"
        default_format = "json"
        [[tenant]]
        id = "12345678"
        groups = [{{ name = "DNIS", policy = "random" }}]
        [tenant.gms.server]
        {prefix}
        [tenant.gms.service.request-interaction]
        _type = "builtin"
        _service = "request-interaction"
        _resource_group = "DNIS"
        _provide_code = true
        _ttl = 60
        _return_pool_health = false
        [tenant.gms.service.request-access]
        _type = "builtin"
        _service = "request-access"
        _resource_group = "DNIS"
        _ttl = 60
        _access_code_length = 4
        [tenant.gms.service.match-interaction]
        _type = "builtin"
        _service = "match-interaction"
        "#
    )
}

struct Cluster {
    bench: Bench,
    second: Node,
}

impl Cluster {
    async fn new(first: &str, second: &str) -> Self {
        let bench = Bench::with_settings(&node(first)).await;
        let second = Node::new(Settings::from_toml(&node(second)).unwrap(), bench.store.clone());
        Self { bench, second }
    }

    async fn on_first(&self, target: &str, form: &str) -> (u16, Value) {
        parsed(&self.bench.send(post(target).form(form)).await)
    }

    async fn on_second(&self, target: &str, form: &str) -> (u16, Value) {
        parsed(&self.second.send(post(target).form(form)).await)
    }
}

fn parsed(answer: &Answer) -> (u16, Value) {
    (answer.status.as_u16(), serde_json::from_slice(&answer.body).unwrap())
}

#[actix_web::test]
async fn what_one_node_lends_the_other_recognises_by_the_number_alone() {
    let cluster = Cluster::new("", "").await;
    for _ in 0..10 {
        let (status, made) = cluster.on_first(REQUEST_INTERACTION, "").await;
        assert_eq!(status, 200);
        for member in ["_access_code", "_access_number", "_expiration_time", "_id"] {
            assert!(made[member].is_string(), "{member}: {made}");
        }
        let number = made["_access_number"].as_str().unwrap();
        let (status, matched) = cluster.on_second(MATCH_INTERACTION, &format!("_access_number={number}")).await;
        assert_eq!((status, &matched["_id"]), (200, &made["_id"]));
        assert!(matched["_data_id"].is_string());
        // The match on one node has freed the number on both.
        assert_eq!(cluster.on_first(MATCH_INTERACTION, &format!("_access_number={number}")).await.0, 404);
    }
}

#[actix_web::test]
async fn request_access_on_one_node_works_for_an_instance_of_the_other() {
    let cluster = Cluster::new("", "").await;
    let (_, made) = cluster.on_first(REQUEST_INTERACTION, "_customer_number=5550100&colour=blue").await;
    let id = made["_id"].as_str().unwrap();
    let (status, lent) = cluster.on_second(REQUEST_ACCESS, &format!("_id={id}&_resource_group=DNIS")).await;
    assert_eq!((status, &lent["_id"]), (200, &made["_id"]));
    assert!(lent["_access_number"] != made["_access_number"] && lent["_expiration_time"].is_string());
    for number in [&made["_access_number"], &lent["_access_number"]] {
        let form = format!("_access_number={}&_return_user_data=true", number.as_str().unwrap());
        let (status, matched) = cluster.on_first(MATCH_INTERACTION, &form).await;
        assert_eq!((status, &matched["_id"], &matched["user_data"]["colour"]), (200, &made["_id"], &"blue".into()));
    }
}

#[actix_web::test]
async fn codes_have_the_prefix_of_the_node_and_the_length_of_the_service() {
    let cluster = Cluster::new("9", "7-8").await;
    let code = |answer: &Value| answer["_access_code"].as_str().unwrap().to_owned();
    let (_, first) = cluster.on_first(REQUEST_INTERACTION, "").await;
    assert!(code(&first).starts_with('9') && code(&first).len() == 6, "{first}");
    let (_, second) = cluster.on_second(REQUEST_INTERACTION, "").await;
    assert!(code(&second).starts_with(['7', '8']) && code(&second).len() == 6, "{second}");
    let id = first["_id"].as_str().unwrap();
    let (_, access) = cluster.on_second(REQUEST_ACCESS, &format!("_id={id}&_provide_code=true")).await;
    assert!(code(&access).starts_with(['7', '8']) && code(&access).len() == 4, "{access}");
    let number = access["_access_number"].as_str().unwrap();
    let form = format!("_access_number={number}&_access_code={}", code(&access));
    assert_eq!(cluster.on_first(MATCH_INTERACTION, &form).await.1["_id"], first["_id"]);
}

#[actix_web::test]
async fn a_prefix_as_long_as_the_code_or_no_number_fails_on_its_node_alone() {
    for (prefix, exception, message) in [
        ("123456", "java.lang.IllegalArgumentException", "n must be positive"),
        ("9999999999", "java.lang.NumberFormatException", "For input string: \"9999999999\""),
    ] {
        let cluster = Cluster::new("9", prefix).await;
        let (status, fault) = cluster.on_second(REQUEST_INTERACTION, "").await;
        assert_eq!((status, &fault["exception"], &fault["message"]), (500, &exception.into(), &message.into()));
        assert_eq!(cluster.on_first(REQUEST_INTERACTION, "").await.0, 200);
    }
}

#[actix_web::test]
async fn numbers_are_never_lent_twice_across_nodes_and_run_out_on_both() {
    let cluster = Cluster::new("", "").await;
    let mut lent = std::collections::BTreeSet::new();
    for turn in 0..3 {
        let made = if turn % 2 == 0 {
            cluster.on_first(REQUEST_INTERACTION, "").await
        } else {
            cluster.on_second(REQUEST_INTERACTION, "").await
        };
        lent.insert(made.1["_access_number"].to_string());
    }
    assert_eq!(lent.len(), 3);
    assert_eq!(cluster.on_first(REQUEST_INTERACTION, "").await.0, 503);
    assert_eq!(cluster.on_second(REQUEST_INTERACTION, "").await.0, 503);
}

#[actix_web::test]
async fn data_written_on_one_node_are_read_on_the_other() {
    let cluster = Cluster::new("", "").await;
    let (_, stored) = cluster.on_first("/genesys/1/storage/60", "a=1").await;
    let path = format!("/genesys/1/storage/{}", stored["id"].as_str().unwrap());
    let (_, read) = parsed(&cluster.second.send(get(&path)).await);
    assert_eq!(read, serde_json::json!({"a": "1"}));
}
