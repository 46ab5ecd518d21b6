//! Instances: what can be asked of a service that runs.

use actix_web::http::{Method, StatusCode};

use super::bench::*;
use crate::domain::InteractionId;
use crate::store::Store;

/// Starts an instance on the only number of its group; gives back its id and its path.
async fn start(bench: &Bench, form: &str) -> (String, String) {
    let made = bench.json(REQUEST_INTERACTION, &format!("_resource_group=small&{form}")).await;
    let id = made["_id"].as_str().unwrap().to_owned();
    let path = format!("/genesys/1/service/{id}");
    (id, path)
}

fn delete(path: &str) -> Request {
    request(Method::DELETE, path)
}

#[actix_web::test]
async fn a_query_tells_where_the_data_are_and_if_asked_what_they_are() {
    let bench = Bench::new().await;
    let (id, path) = start(&bench, "colour=blue").await;
    let queried = bench.members(get(&path)).await;
    let data = queried["_data_id"].as_str().unwrap();
    assert_eq!(queried.to_string(), format!(r#"{{"_data_id":"{data}","_id":"{id}"}}"#));
    assert_eq!(bench.members(get(&format!("/genesys/1/storage/{data}"))).await["colour"], "blue");
    for name in ["_return_user_data", "_return_data"] {
        let with_data = bench.members(get(&format!("{path}?{name}=true"))).await;
        assert_eq!(with_data["user_data"], serde_json::json!({"colour": "blue"}));
    }
    let xml = bench.send(get(&format!("{path}?_return_user_data=true"))).await;
    let expected = format!("<_data_id>{data}</_data_id><_id>{id}</_id><user_data><colour>blue</colour></user_data>");
    assert!(text(&xml).contains(&expected), "{}", text(&xml));
}

#[actix_web::test]
async fn an_update_adds_and_changes_user_data_and_can_keep_them_for_longer() {
    let bench = Bench::new().await;
    let (id, path) = start(&bench, "colour=blue&size=1").await;
    let multipart = "--b\r\nContent-Disposition: form-data; name=\"shape\"\r\n\r\nround\r\n--b--";
    for request in [
        post(&format!("{path}/update")).form("size=2&_phone_number=1&_ttl=7200"),
        post(&format!("{path}/update")).body("multipart/form-data; boundary=b", multipart),
        post(&format!("{path}/update?note=x")).json(r#"{"amount":1.50}"#),
    ] {
        let updated = bench.members(request).await;
        assert_eq!(updated["_id"], id.as_str());
        assert!(updated["_data_id"].is_string());
    }
    let read = bench.members(get(&format!("{path}/storage"))).await;
    assert_eq!(read.to_string(), r#"{"amount":"1.50","colour":"blue","note":"x","shape":"round","size":"2"}"#);
    let data = bench.members(get(&path)).await["_data_id"].as_str().unwrap().to_owned();
    bench.members(delete(&path)).await;
    bench.clock.advance_millis(7_199_999);
    assert_eq!(bench.send(get(&format!("/genesys/1/storage/{data}"))).await.status, StatusCode::OK);
    bench.clock.advance_millis(1);
    assert_eq!(bench.send(get(&format!("/genesys/1/storage/{data}"))).await.status, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn the_data_of_an_instance_are_read_written_and_deleted_key_by_key() {
    let bench = Bench::new().await;
    let (_, path) = start(&bench, "colour=blue").await;
    let written = bench.members(post(&format!("{path}/storage")).form("_own=1&a%2Fb=2")).await;
    assert_eq!(written["id"], bench.members(get(&path)).await["_data_id"]);
    let read = bench.members(get(&format!("{path}/storage"))).await;
    assert_eq!(read.to_string(), r#"{"_own":"1","a/b":"2","colour":"blue"}"#);
    assert_eq!(text(&bench.send(get(&format!("{path}/storage/a%2Fb"))).await), "2");
    bench.members(delete(&format!("{path}/storage/a%2Fb"))).await;
    assert_eq!(bench.send(get(&format!("{path}/storage/a%2Fb"))).await.status, StatusCode::NOT_FOUND);
    assert_eq!(bench.members(get(&format!("{path}/storage"))).await.to_string(), r#"{"_own":"1","colour":"blue"}"#);
}

#[actix_web::test]
async fn a_deleted_instance_gives_its_number_back_and_is_unknown_then() {
    let bench = Bench::new().await;
    let (id, path) = start(&bench, "").await;
    assert_eq!(bench.holder_of("111").await.as_deref(), Some(id.as_str()));
    assert_eq!(bench.members(delete(&path)).await, serde_json::json!({}));
    assert_eq!(bench.holder_of("111").await, None);
    for call in [
        get(&path),
        delete(&path),
        post(&format!("{path}/update")).form("a=1"),
        get(&format!("{path}/storage")),
        post(&format!("{path}/storage")).form("a=1"),
        get(&format!("{path}/storage/a")),
        delete(&format!("{path}/storage/a")),
        post(REQUEST_ACCESS).form(&format!("_id={id}")),
    ] {
        assert_eq!(bench.send(call).await.status, StatusCode::NOT_FOUND);
    }
}

#[actix_web::test]
async fn an_instance_ends_exactly_and_request_access_lets_it_live_on() {
    let bench = Bench::new().await;
    let (id, path) = start(&bench, "").await;
    bench.clock.advance_millis(3_599_999);
    assert_eq!(bench.send(get(&path)).await.status, StatusCode::OK);
    bench.json(REQUEST_ACCESS, &format!("_id={id}")).await;
    bench.clock.advance_millis(3_599_999);
    assert_eq!(bench.send(get(&path)).await.status, StatusCode::OK);
    bench.clock.advance_millis(1);
    assert_eq!(bench.send(get(&path)).await.status, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn an_instance_that_another_protocol_named_is_known_by_that_name_unless_a_service_has_it() {
    let bench = Bench::new().await;
    let begin = async |id: &str| {
        let id = InteractionId::new(id).unwrap();
        bench.store.create_interaction(&scope(), id.into(), None).await.unwrap();
    };
    begin("visit 3").await;
    begin("match-interaction").await;
    assert_eq!(bench.members(get("/genesys/1/service/visit%203")).await["_id"], "visit 3");
    // The service answers: it misses its parameter.
    let answer = bench.send(get("/genesys/1/service/match-interaction").accept("application/json")).await;
    assert!(text(&answer).contains("_access_number is missing"), "{}", text(&answer));
    assert_eq!(bench.members(delete("/genesys/1/service/match-interaction")).await, serde_json::json!({}));
}

#[actix_web::test]
async fn an_instance_of_one_tenant_is_unknown_to_another() {
    let bench = Bench::new().await;
    let (id, path) = start(&bench, "colour=blue").await;
    let by_ann = |request: Request| request.header(actix_web::http::header::AUTHORIZATION, "Basic YW5uOnBhc3N3b3Jk");
    for call in [get(&path), delete(&path), get(&format!("{path}/storage")), get(&format!("{path}/storage/colour"))] {
        assert_eq!(bench.send(by_ann(call)).await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(bench.holder_of("111").await, Some(id));
}
