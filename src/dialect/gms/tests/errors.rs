//! Every error, in both formats, and what else belongs to it.

use actix_web::http::Method;
use actix_web::http::header::{
    AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};

use super::bench::*;
use crate::dialect::{Dialect, HttpRefusal, PublicAddress, sending};

const NO_DATA: &str = "/genesys/1/storage/00000000-0000-4000-8000-000000000000";

/// One request for every error that a request can bring about.
fn wrong_requests() -> Vec<(&'static str, Request)> {
    let access = |form: &str| post(REQUEST_ACCESS).form(form);
    let of_service = |parameter: &str| access(&format!("_id={SERVICE}&{parameter}"));
    let caller = |form: &str| post(MATCH_INTERACTION).form(form);
    vec![
        ("unknown path", post("/genesys/1/services/request-access")),
        ("path that is no UTF-8", post("/genesys/1/service/%ff")),
        ("wrong method", request(Method::PUT, REQUEST_ACCESS)),
        ("wrong method for an update", get(&format!("/genesys/1/service/{SERVICE}/update"))),
        ("request that no instance has", post(&format!("/genesys/1/service/{SERVICE}/check-queue-position"))),
        ("wrong credentials", access("").header(AUTHORIZATION, "Basic YW5uOndyb25n")),
        ("unknown service", post("/genesys/1/service/request-chat")),
        ("other media type", post(REQUEST_ACCESS).body("text/plain", "_id=1")),
        ("other charset", post(REQUEST_ACCESS).body("application/json; charset=utf-16", "{}")),
        ("multipart without boundary", post(REQUEST_ACCESS).body("multipart/form-data", "--")),
        ("broken query", post(&format!("{REQUEST_ACCESS}?_id=%zz"))),
        ("broken form", post(REQUEST_ACCESS).body("application/x-www-form-urlencoded; charset=utf-8", "_id=%ff")),
        ("broken JSON", post(REQUEST_ACCESS).json("{\"_id\":")),
        ("JSON that is no object", post(REQUEST_ACCESS).json("[]")),
        ("broken multipart", post(REQUEST_ACCESS).body("multipart/form-data; boundary=b", "--b\r\n")),
        ("NUL", access("_id=1%00")),
        ("parameter twice", access("_id=1&_id=2")),
        ("request-access without _id", access("_resource_group=DNIS")),
        ("_id with a control character", access("_id=1%012")),
        ("_id too long", access(&format!("_id={}", "1".repeat(256)))),
        ("_id unknown", access("_id=1-00000000-0000-4000-8000-000000000000")),
        ("_provide_code", of_service("_provide_code=yes")),
        ("_access_code_length zero", of_service("_access_code_length=0")),
        ("_access_code_length too great", of_service("_access_code_length=17")),
        ("_access_code_length no number", of_service("_access_code_length=six")),
        ("_phone_number", of_service("_phone_number=1%0A2")),
        ("_resource_group unknown", of_service("_resource_group=none")),
        ("_resource_group with a control character", of_service("_resource_group=a%01")),
        ("_resource_group exhausted", of_service("_resource_group=empty")),
        ("key too long", of_service(&format!("{}=1", "k".repeat(256)))),
        ("match-interaction without _access_number", caller("_access_code=1234")),
        ("no match", caller("_access_number=6504664130")),
        ("no match with a list", caller("_access_number=6504664130&_return_multiple_matches=true")),
        ("_return_multiple_matches", caller("_access_number=1&_return_multiple_matches=1")),
        ("_return_data", caller("_access_number=1&_return_data=1")),
        ("_return_user_data", caller("_access_number=1&_return_user_data=1")),
        ("_delete_service", caller("_access_number=1&_delete_service=1")),
        ("unknown data", get(NO_DATA)),
        ("id that is none", get("/genesys/1/storage/none")),
        ("unknown data by key", get(&format!("{NO_DATA}/key"))),
        ("merge into unknown data", post(&format!("{NO_DATA}/60")).form("a=1")),
        ("unknown data whose key is to go", request(Method::DELETE, &format!("{NO_DATA}/key"))),
        ("id of one's own without a user", post("/genesys/1/storage/custom/session42/60").form("a=1")),
        ("id of one's own of a blank user", get("/genesys/1/storage/custom/session42").header(GMS_USER, " ")),
        ("id of one's own that is unknown", get("/genesys/1/storage/custom/session42").header(GMS_USER, "ann")),
        (
            "id of one's own that is too long",
            get(&format!("/genesys/1/storage/custom/{}", "i".repeat(256))).header(GMS_USER, "ann"),
        ),
        ("instance unknown", get("/genesys/1/service/1-00000000-0000-4000-8000-000000000000")),
        ("instance unknown that is to end", request(Method::DELETE, "/genesys/1/service/none")),
        ("data of an unknown instance", get("/genesys/1/service/none/storage")),
        ("key of an instance that it does not have", get(&format!("/genesys/1/service/{SERVICE}/storage/none"))),
        ("_renew", of_service("_renew=1")),
        ("_return_pool_health", of_service("_return_pool_health=1")),
    ]
}

#[actix_web::test]
async fn every_error_has_its_status_name_and_message_in_both_formats() {
    for (format, media_type) in [("json", "application/json"), ("xml", "application/xml")] {
        let bench = Bench::new().await;
        let mut golden = String::new();
        for (title, request) in wrong_requests() {
            let answer = bench.send(request.accept(media_type)).await;
            golden.push_str(&format!("--- {title}\n{}\n\n", wire(&answer)));
        }
        insta::assert_snapshot!(format!("errors_{format}"), golden);
        assert_eq!(bench.holder_of("6504664130").await, None);
    }
}

#[actix_web::test]
async fn what_the_server_refuses_has_the_vendors_form() {
    let bench = Bench::new().await;
    let mut golden = String::new();
    for media_type in ["application/json", "application/xml"] {
        let mut headers = HeaderMap::new();
        headers.insert(actix_web::http::header::ACCEPT, HeaderValue::from_static(media_type));
        let (origin, settings) = (PublicAddress::http("10.10.26.36:8080"), bench.settings());
        let head = sending::head((&Method::POST, REQUEST_ACCESS, ""), &headers, &origin, &settings);
        for refusal in [
            HttpRefusal::BodyTooLarge { limit: 65536 },
            HttpRefusal::ContentCoding,
            HttpRefusal::BodyUnreadable,
            HttpRefusal::ForeignPage,
            HttpRefusal::Crowded,
            HttpRefusal::Panicked,
        ] {
            let title = format!("{refusal:?}");
            let endpoint = bench.dialect().endpoint(&head).unwrap();
            let answer = bench.dialect().refuse(Some(&endpoint), &head, refusal);
            golden.push_str(&format!("--- {title}\n{}\n\n", wire(&answer)));
        }
    }
    insta::assert_snapshot!(golden);
}

#[actix_web::test]
async fn an_exhausted_group_tells_when_to_try_again() {
    let bench = Bench::new().await;
    let form = format!("_id={SERVICE}&_resource_group=small&_booking_expiration_timeout=100");
    bench.json(REQUEST_ACCESS, &form).await;
    bench.clock.advance_millis(500);
    let answer = bench.send(post(REQUEST_ACCESS).form(&form)).await;
    assert_eq!(answer.status.as_u16(), 503);
    assert!(answer.headers.contains(&(RETRY_AFTER, HeaderValue::from_static("100"))), "{:?}", answer.headers);
}

#[actix_web::test]
async fn a_source_that_fails_too_often_has_to_wait() {
    let bench = Bench::new().await;
    let attempt = || post(REQUEST_ACCESS).header(AUTHORIZATION, "Basic YW5uOndyb25n").accept("application/json");
    for _ in 0..10 {
        assert_eq!(bench.send(attempt()).await.status.as_u16(), 401);
    }
    let answer = bench.send(attempt()).await;
    assert_eq!(answer.status.as_u16(), 429);
    let wait = answer.headers.iter().find(|(name, _)| name == RETRY_AFTER).unwrap();
    let seconds: u64 = wait.1.to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds));
    let message = format!(
        r#"{{"exception":"javax.ws.rs.ClientErrorException","message":"too many failed attempts; try again in {seconds} s"}}"#
    );
    assert_eq!(text(&answer), message);
}

#[actix_web::test]
async fn a_fault_shows_what_xml_cannot_carry_as_a_replacement() {
    let answer = Bench::new().await.send(post("/genesys/1/service/a%01%3Cb")).await;
    assert!(text(&answer).contains("there is no service 'a\u{FFFD}&lt;b'"), "{}", text(&answer));
}

#[actix_web::test]
async fn a_body_may_be_larger_in_parts_than_in_one_piece() {
    let bench = Bench::new().await;
    let limit = |content_type: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        let (origin, settings) = (PublicAddress::http("10.10.26.36:8080"), bench.settings());
        let head = sending::head((&Method::POST, REQUEST_ACCESS, ""), &headers, &origin, &settings);
        let endpoint = bench.dialect().endpoint(&head).unwrap();
        <super::super::Gms as Dialect>::body_limit(&endpoint, &settings)
    };
    assert_eq!(limit(FORM), 64 * 1024);
    assert_eq!(limit("application/json"), 64 * 1024);
    assert_eq!(limit("text/plain"), 64 * 1024);
    assert_eq!(limit("multipart/form-data; boundary=b"), 8 * 1024 * 1024);
}

#[actix_web::test]
async fn operations_are_labels_from_a_small_set() {
    let bench = Bench::new().await;
    let headers = HeaderMap::new();
    for (method, path, label) in [
        (Method::POST, REQUEST_ACCESS, "request-access"),
        (Method::GET, MATCH_INTERACTION, "match-interaction"),
        (Method::POST, REQUEST_INTERACTION, "request-interaction"),
        (Method::POST, "/genesys/1/service/anything", "service"),
        (Method::POST, "/genesys/1/storage/60", "storage-create"),
        (Method::POST, "/genesys/1/storage/a/60", "storage-merge"),
        (Method::GET, "/genesys/1/storage/a", "storage-read"),
        (Method::GET, "/genesys/1/storage/a/b", "storage-read"),
        (Method::DELETE, "/genesys/1/storage/a", "storage-delete"),
    ] {
        let (origin, settings) = (PublicAddress::http("10.10.26.36:8080"), bench.settings());
        let head = sending::head((&method, path, ""), &headers, &origin, &settings);
        let endpoint = bench.dialect().endpoint(&head).unwrap();
        assert_eq!(<super::super::Gms as Dialect>::operation(&endpoint), label);
    }
}

#[actix_web::test]
async fn a_call_is_made_by_basic_or_the_header_set_or_where_allowed_by_nobody() {
    let nobody = SETTINGS.replace("anonymous_tenant = \"12345678\"", "");
    let bench = Bench::with_settings(&nobody).await;
    let call = || post(REQUEST_ACCESS).form(&format!("_id={SERVICE}"));

    let answer = bench.send(call()).await;
    assert_eq!(answer.status.as_u16(), 401);
    let challenge = answer.headers.iter().find(|(name, _)| name == WWW_AUTHENTICATE).unwrap();
    assert_eq!(challenge.1, r#"Basic realm="numbers""#);

    let header_set = |key: &str| {
        let (tenant, application) = (HeaderName::from_static("tenant-id"), HeaderName::from_static("application-key"));
        call().header(tenant, "12345678").header(application, key)
    };
    assert_eq!(bench.send(header_set("53736e07e4b05772e6475c2d")).await.status.as_u16(), 200);
    assert_eq!(bench.send(header_set("wrong")).await.status.as_u16(), 401);
    // The other tenant's user is let in, and does not know the service.
    assert_eq!(bench.send(call().header(AUTHORIZATION, "Basic YW5uOnBhc3N3b3Jk")).await.status.as_u16(), 404);
}
