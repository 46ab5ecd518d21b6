//! The document and the dialect say the same.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::dialect::native::framework::endpoint;

const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");

async fn document() -> Value {
    let reply = Gateway::new().send(Method::GET, "/openapi.json", &[], "").await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    reply.body
}

#[tokio::test]
async fn the_committed_document_is_the_one_that_is_served() {
    let served = crate::dialect::native::framework::openapi::text();
    if std::env::var_os("DNIS_GATEWAY_BLESS").is_some() {
        std::fs::write(COMMITTED, &served).unwrap();
    }
    let committed = std::fs::read_to_string(Path::new(COMMITTED)).unwrap_or_default();
    assert!(committed == served, "docs/openapi.json is not what is served; run this test with DNIS_GATEWAY_BLESS=1");
    assert_eq!(document().await, serde_json::from_str::<Value>(&served).unwrap());
}

#[tokio::test]
async fn every_route_is_in_the_document_and_every_path_of_the_document_is_a_route() {
    let document = document().await;
    let routes: BTreeSet<(String, String)> = endpoint::operations()
        .map(|operation| (format!("/gateway/v1{}", operation.meta().path), operation.meta().verb.name().to_owned()))
        .chain([("/gateway/v1/openapi.json".to_owned(), "get".to_owned())])
        .collect();
    let described: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, verbs)| verbs.as_object().unwrap().keys().map(move |verb| (path.clone(), verb.clone())))
        .collect();
    assert_eq!(routes, described);
}

#[test]
fn operations_have_names_and_addresses_of_their_own() {
    let mut names = BTreeSet::new();
    let mut addresses = BTreeSet::new();
    for operation in endpoint::operations() {
        assert!(names.insert(operation.meta().name), "{}", operation.meta().name);
        assert!(addresses.insert((operation.meta().verb.name(), operation.meta().path)), "{}", operation.meta().name);
    }
}

#[tokio::test]
async fn every_reference_of_the_document_leads_somewhere() {
    fn references<'d>(value: &'d Value, found: &mut BTreeSet<&'d str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let document = document().await;
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(!found.is_empty());
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}
