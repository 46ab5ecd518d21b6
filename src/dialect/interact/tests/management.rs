//! Number management: the gateway's own extension.

use actix_web::http::Method;
use serde_json::{Value, json};

use super::{Gateway, Reply, Who};

fn body(reply: &Reply) -> Value {
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")), "{reply:?}");
    serde_json::from_str(&reply.body).unwrap()
}

#[actix_web::test]
async fn the_list_shows_every_phone_with_its_state() {
    let gateway = Gateway::documented().await;
    gateway.lend("a").await;
    let all = body(&gateway.get(Who::Admin, "/dnis").await);
    assert_eq!(
        all,
        json!({"total": 4, "phones": [
            {"phoneNumber": "111", "dnId": "111", "groupName": "samples", "enabled": true, "allocated": true},
            {"phoneNumber": "2111234560", "dnId": "4560", "groupName": "samples", "enabled": true, "allocated": false},
            {"phoneNumber": "222", "dnId": "222", "groupName": "samples", "enabled": true, "allocated": false},
            {"phoneNumber": "380974520200", "dnId": "0200", "groupName": "test", "enabled": true, "allocated": false},
        ]})
    );
}

#[actix_web::test]
async fn the_list_can_be_cut_into_pages_and_kept_to_a_group() {
    let gateway = Gateway::documented().await;
    let page = body(&gateway.get(Who::Admin, "/dnis?group=samples&offset=1&limit=1").await);
    assert_eq!((&page["total"], &page["phones"][0]["phoneNumber"]), (&json!(3), &json!("2111234560")));
    assert_eq!(page["phones"].as_array().unwrap().len(), 1);
    let beyond = body(&gateway.get(Who::Admin, "/dnis?offset=4").await);
    assert_eq!(beyond, json!({"total": 4, "phones": []}));
    let unknown = body(&gateway.get(Who::Admin, "/dnis?group=unknown").await);
    assert_eq!(unknown, json!({"total": 0, "phones": []}));
}

#[actix_web::test]
async fn a_query_that_is_wrong_is_a_bad_request() {
    let gateway = Gateway::documented().await;
    for query in ["limit=0", "limit=1001", "offset=-1", "limit=1&limit=1", "page=2", "group=%00", "offset="] {
        assert_eq!(gateway.get(Who::Admin, &format!("/dnis?{query}")).await.status, 400, "{query}");
    }
}

#[actix_web::test]
async fn one_phone_is_read_by_its_whole_number_alone() {
    let gateway = Gateway::documented().await;
    let phone = body(&gateway.get(Who::Admin, "/dnis/2111234560").await);
    assert_eq!(
        phone,
        json!({"phoneNumber": "2111234560", "dnId": "4560", "groupName": "samples", "enabled": true, "allocated": false})
    );
    let by_dnid = gateway.get(Who::Admin, "/dnis/4560").await;
    assert_eq!((by_dnid.status, by_dnid.body.as_str()), (404, "Phone number 4560 was not found"));
    assert_eq!(gateway.get(Who::Admin, "/dnis/abc").await.status, 400);
}

#[actix_web::test]
async fn a_change_touches_only_what_it_names_and_answers_the_phone() {
    let gateway = Gateway::documented().await;
    let put = |target: &'static str, body: &'static str| gateway.send(Method::PUT, target, Who::Admin.headers(), body);
    let changed = body(&put("/dnis/111", r#"{"enabled":false,"dnId":"1"}"#).await);
    assert_eq!(
        changed,
        json!({"phoneNumber": "111", "dnId": "1", "groupName": "samples", "enabled": false, "allocated": false})
    );
    let moved = body(&put("/dnis/111", r#"{"groupName":"fresh"}"#).await);
    assert_eq!((&moved["groupName"], &moved["enabled"]), (&json!("fresh"), &json!(false)));
    assert_eq!(body(&put("/dnis/111", r#"{"groupName":null}"#).await)["groupName"], json!(null));
    let unknown = put("/dnis/999", r#"{"enabled":true}"#).await;
    assert_eq!((unknown.status, unknown.body.as_str()), (404, "Phone number 999 was not found"));
    for wrong in ["{}", r#"{"phoneNumber":"111"}"#, r#"{"enabled":"no"}"#, r#"{"enabled":true,"enabled":false}"#] {
        assert_eq!(put("/dnis/111", wrong).await.status, 400, "{wrong}");
    }
}

#[actix_web::test]
async fn a_phone_is_deleted_unless_it_is_allocated() {
    let gateway = Gateway::documented().await;
    assert_eq!(gateway.lend("a").await, "111");
    let delete = |target: &'static str| gateway.send(Method::DELETE, target, Who::Admin.headers(), "");
    let allocated = delete("/dnis/111").await;
    assert_eq!(allocated.status, 409);
    assert_eq!(allocated.body, "Cannot delete Phone '111'. The phone is allocated; free it first");
    gateway.post(Who::Admin, "/dnis/allocate/free/111", "").await;
    let deleted = delete("/dnis/111").await;
    assert_eq!((deleted.status, deleted.body.as_str()), (200, ""));
    let gone = delete("/dnis/111").await;
    assert_eq!((gone.status, gone.body.as_str()), (404, "Phone number 111 was not found"));
    assert_eq!(gateway.get(Who::Ivr, "/dnis/allocate/get/111").await.status, 404);
}
