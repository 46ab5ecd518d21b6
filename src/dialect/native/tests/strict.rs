//! What is not described is refused, and the refusal names it.

use actix_web::http::header::HeaderMap;

use super::*;
use crate::dialect::native::framework::endpoint;
use crate::dialect::{Dialect, PublicAddress, sending};

/// A request that is right, and the wrong values for members of its body.
type Case<'a> = (Method, &'a str, Value, &'a [(&'a str, &'a [Value])]);

/// A value of a wrong type, a value that is too long or out of range, and more of the kind, for every member of every
/// body.
#[tokio::test]
async fn every_member_of_every_body_is_held_to_its_description() {
    let long = "x".repeat(256);
    let names = [json!(5), json!(true), json!(""), json!("  "), json!("a\u{7}b"), json!(long), json!([]), json!({})];
    let numbers = [json!(4711), json!(""), json!("12a"), json!(" 12"), json!("1".repeat(33)), json!(["1"])];
    let flags = [json!("true"), json!(1), json!([])];
    let spans = [json!(0), json!(-1), json!(1.5), json!("60"), json!(86_401), json!(1e30)];
    let ids = [json!(0), json!("7"), json!(-7), json!(4_294_967_296_u64)];
    let cases: [Case<'_>; 9] = [
        (
            Method::POST,
            "/numbers",
            json!({ "number": "1" }),
            &[("number", &numbers), ("dnid", &numbers), ("group", &names), ("enabled", &flags)],
        ),
        (Method::PATCH, "/numbers/1", json!({}), &[("dnid", &numbers), ("group", &names), ("enabled", &flags)]),
        (
            Method::POST,
            "/allocations",
            json!({}),
            &[
                ("group", &names),
                ("interaction", &names),
                ("repeat", &[json!("again"), json!(1)]),
                ("lasting", &spans),
                ("code_length", &[json!(0), json!(17), json!("6"), json!(6.5)]),
                ("caller", &[json!(5), json!("1".repeat(65)), json!("")]),
                ("data", &[json!([]), json!("k=v"), json!(1)]),
            ],
        ),
        (Method::PATCH, "/allocations/1", json!({ "lasting": 60 }), &[("lasting", &spans)]),
        (Method::POST, "/interactions", json!({}), &[("id", &names), ("lasting", &spans), ("data", &[json!(1)])]),
        (
            Method::POST,
            "/routes",
            json!({ "access_code": "5550100", "flow": 12 }),
            &[
                ("access_code", &[json!(5), json!("+1"), json!("1".repeat(33)), json!("")]),
                ("extension", &[json!(5), json!("a"), json!("1".repeat(13))]),
                ("media_type", &[json!(3), json!("5"), json!(5.5)]),
                ("skill", &ids),
                ("flow", &ids),
            ],
        ),
        (Method::PATCH, "/routes/1", json!({ "flow": 12 }), &[("skill", &ids), ("flow", &ids)]),
        (Method::PATCH, "/interactions/a/data", json!({}), &[("k", &[json!(1), Value::Null, json!({})])]),
        (
            Method::POST,
            "/calls/resolve",
            json!({ "dialled": "1" }),
            &[
                ("dialled", &[json!(5), json!(""), json!("1a"), json!(" 1"), json!("1".repeat(45)), json!([])]),
                ("caller", &[json!(5), json!(""), json!("a\u{7}"), json!("1".repeat(65)), json!({})]),
                ("code", &[json!(5), json!(""), json!("1".repeat(65)), json!(["1"])]),
                ("take", &flags),
            ],
        ),
    ];
    let gateway = Gateway::new();
    for (method, target, right, members) in &cases {
        for (member, wrong) in *members {
            for value in *wrong {
                let mut body = right.clone();
                body[member] = value.clone();
                let reply = gateway.send(method.clone(), target, ADMIN, body.to_string()).await;
                assert_eq!(reply.status, 400, "{method} {target} {body}: {reply:?}");
                assert_eq!(reply.pointers(), [format!("/{member}")], "{method} {target} {body}");
                let told = reply.body["errors"][0]["detail"].as_str().unwrap();
                assert!(told.starts_with("must be"), "{told}");
            }
        }
    }
}

#[tokio::test]
async fn a_whole_number_may_be_written_with_a_fraction_of_zero() {
    let gateway = Gateway::new();
    let made = gateway.send(Method::POST, "/interactions", ADMIN, r#"{"lasting":6.0e1}"#).await;
    assert_eq!((made.status, &made.body["seconds_left"]), (201, &json!(60)));
}

#[tokio::test]
async fn a_body_of_every_operation_refuses_what_it_does_not_know_and_what_is_missing() {
    let gateway = Gateway::new();
    for (method, target, missing) in [
        (Method::POST, "/numbers", Some("/number")),
        (Method::PATCH, "/numbers/1", None),
        (Method::POST, "/allocations", None),
        (Method::PATCH, "/allocations/1", Some("/lasting")),
        (Method::POST, "/interactions", None),
        (Method::POST, "/routes", Some("/access_code")),
        (Method::PATCH, "/routes/1", None),
        (Method::POST, "/calls/resolve", Some("/dialled")),
    ] {
        let reply = gateway.send(method.clone(), target, ADMIN, r#"{"surprise":1}"#).await;
        let expected: Vec<&str> = ["/surprise"].into_iter().chain(missing).collect();
        assert_eq!(reply.pointers(), expected, "{method} {target}");
        for (body, problem) in [
            ("", "malformed"),
            ("{", "malformed"),
            ("{} {}", "malformed"),
            (r#"{"a":1,"a":2}"#, "malformed"),
            (r#"{"a":"\ud800"}"#, "malformed"),
            ("[]", "invalid"),
            ("null", "invalid"),
            ("\"number\"", "invalid"),
        ] {
            let reply = gateway.send(method.clone(), target, ADMIN, body).await;
            assert_eq!((reply.status, reply.problem()), (400, problem), "{method} {target} {body}");
        }
    }
    let deep = [vec![b'['; 10_000], vec![b']'; 10_000]].concat();
    assert_eq!(gateway.send(Method::POST, "/numbers", ADMIN, deep).await.problem(), "malformed");
}

#[tokio::test]
async fn every_operation_refuses_a_query_it_does_not_know() {
    let gateway = Gateway::new();
    for operation in endpoint::operations() {
        let target =
            operation.meta().path.replace("{number}", "1").replace("{route}", "1").replace("{allocation}", "1");
        let target = target.replace(['{', '}'], "");
        let method = operation.meta().verb.methods()[0].clone();
        let reply = gateway.send(method, &format!("{target}?surprise=1"), ADMIN, "{}").await;
        assert!(reply.pointers().contains(&"/surprise"), "{}: {reply:?}", operation.meta().name);
        assert!(reply.body["errors"].as_array().unwrap().iter().any(|it| it["in"] == "query"));
    }
}

#[tokio::test]
async fn every_parameter_of_every_list_is_held_to_its_description() {
    let gateway = Gateway::new();
    let long = format!("x={}", "x".repeat(256));
    for (list, parameter, wrong) in [
        ("/numbers", "group", &["", "%00", &long[2..]][..]),
        ("/numbers", "enabled", &["1", "yes", ""]),
        ("/numbers", "state", &["lent", "FREE", ""]),
        ("/numbers", "prefix", &["", "a", "%20"]),
        ("/numbers", "limit", &["0", "1001", "-1", "+1", "1.0", "ten", "", "99999999999999999999"]),
        ("/numbers", "cursor", &["", "!", "YQ", "Li8"]),
        ("/allocations", "group", &["", "%7F"]),
        ("/allocations", "interaction", &["", "%0A"]),
        ("/allocations", "number", &["", "x"]),
        ("/allocations", "limit", &["0"]),
        ("/allocations", "cursor", &["MTIz!", "YQ"]),
        ("/groups", "limit", &["0"]),
        ("/groups", "cursor", &["gA", "AA"]),
        ("/routes", "access_code", &["", "%2B1", "a"]),
        ("/routes", "extension", &["", "a"]),
        ("/routes", "media_type", &["3", "x"]),
        ("/routes", "leads_to", &["queue"]),
        ("/routes", "limit", &["0"]),
        ("/routes", "cursor", &["YQ"]),
        ("/numbers/export", "group", &["", "%00"]),
        ("/numbers/export", "format", &["xml", "", "CSV"]),
        ("/numbers/1/history", "at", &["yesterday", "2026-13-01T00:00:00Z", ""]),
        ("/numbers/1/history", "from", &["0", "2026-03-01"]),
        ("/numbers/1/history", "to", &["now", "2026-03-01T09:30:00"]),
        ("/numbers/1/history", "limit", &["0", "1001"]),
        ("/numbers/1/history", "cursor", &["AAAA"]),
    ] {
        for value in wrong {
            let reply = gateway.get(&format!("{list}?{parameter}={value}")).await;
            assert_eq!(reply.pointers(), [format!("/{parameter}")], "{list} {parameter}={value}");
        }
        let twice = gateway.get(&format!("{list}?{parameter}={}&{parameter}={}", wrong[0], wrong[0])).await;
        assert!(twice.pointers().len() == 2, "{twice:?}");
    }
}

#[tokio::test]
async fn every_parameter_of_a_path_is_held_to_its_description() {
    let gateway = Gateway::new();
    for (target, pointer) in [
        ("/numbers/12a", "/number"),
        ("/numbers/%FF", "/number"),
        ("/numbers/123456789012345678901234567890123", "/number"),
        ("/allocations/x", "/allocation"),
        ("/allocations/01", "/allocation"),
        ("/allocations/-1", "/allocation"),
        ("/allocations/99999999999999999999", "/allocation"),
        ("/groups/%20", "/group"),
        ("/interactions/%00", "/interaction"),
        ("/routes/x", "/route"),
        ("/tenants/%20", "/tenant"),
    ] {
        let reply = gateway.get(target).await;
        assert!(reply.pointers().contains(&pointer), "{target}: {reply:?}");
        assert!(reply.body["errors"].as_array().unwrap().iter().all(|it| it["in"] == "path"));
    }
    let key = format!("/interactions/a/data/{}", "k".repeat(256));
    assert_eq!(gateway.get(&key).await.pointers(), ["/key"]);
}

#[tokio::test]
async fn only_json_is_read_and_no_media_type_is_json() {
    let gateway = Gateway::new();
    let send = async |types: &[&str], number: &str| {
        let types = types.iter().map(|value| ("Content-Type", *value));
        let headers: Vec<_> = ADMIN.iter().copied().chain(types).collect();
        gateway.send(Method::POST, "/numbers", &headers, json!({ "number": number }).to_string()).await
    };
    assert_eq!(send(&[], "1").await.status, 201);
    assert_eq!(send(&["application/json"], "2").await.status, 201);
    assert_eq!(send(&["Application/JSON; charset=UTF-8"], "3").await.status, 201);
    assert_eq!(send(&["application/json", "application/json"], "5").await.status, 201, "the same twice is once");
    assert_eq!(send(&["application/json ;; charset='latin1'"], "6").await.status, 201);
    for types in [
        &["text/plain"][..],
        &["application/merge-patch+json"],
        &["application/json; charset=utf-16"],
        &["application/json", "text/plain"],
        &[""],
    ] {
        let reply = send(types, "4").await;
        assert_eq!((reply.status, reply.problem()), (415, "unsupported-media-type"), "{types:?}");
        assert_eq!(reply.header("accept"), Some("application/json"));
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_told_with_what_there_is() {
    let gateway = Gateway::new();
    for target in ["", "/", "/number", "/numbers//", "/numbers/1/2", "/allocations//", "/openapi.json//", "/Numbers"] {
        let reply = gateway.get(target).await;
        assert_eq!((reply.status, reply.problem()), (404, "no-such-path"), "{target}");
    }
    for (method, target, allow) in [
        (Method::PUT, "/numbers", "GET, HEAD, POST"),
        (Method::POST, "/numbers/1", "GET, HEAD, PATCH, DELETE"),
        (Method::DELETE, "/openapi.json", "GET, HEAD"),
        (Method::OPTIONS, "/whoami", "GET, HEAD"),
        (Method::TRACE, "/interactions", "POST"),
    ] {
        let reply = gateway.send(method.clone(), target, ADMIN, "").await;
        assert_eq!((reply.status, reply.header("allow")), (405, Some(allow)), "{method} {target}");
    }
    assert_eq!(gateway.send(Method::HEAD, "/whoami", ADMIN, "").await.status, 200);
    for target in ["/numbers/", "/openapi.json/"] {
        assert_eq!(gateway.send(Method::GET, target, ADMIN, "").await.status, 200, "a slash at the end: {target}");
    }
}

#[tokio::test]
async fn what_the_server_refuses_is_a_problem_too() {
    use crate::dialect::HttpRefusal as R;
    let gateway = Gateway::new();
    let (headers, origin, settings) = (HeaderMap::new(), PublicAddress::http("gateway:8080"), gateway.live.current());
    let head = sending::head((&Method::POST, "/gateway/v1/numbers", ""), &headers, &origin, &settings);
    for (refusal, status, problem) in [
        (R::HeadTooLarge { limit: 5 }, 431, "head-too-large"),
        (R::BodyTooLarge { limit: 5 }, 413, "too-large"),
        (R::ContentCoding, 415, "unsupported-media-type"),
        (R::BodyUnreadable, 400, "malformed"),
        (R::Panicked, 500, "failed"),
    ] {
        let reply = Reply::of(gateway.native.refuse(None, &head, refusal));
        assert_eq!((reply.status, reply.problem()), (status, problem));
    }
}

#[tokio::test]
async fn too_much_user_data_is_refused_and_nothing_is_kept() {
    let gateway = Gateway::with("[store]\ndocument_keys = 2\ndocument_value = 1024\n");
    let too_many = json!({ "id": "a", "data": { "a": "1", "b": "2", "c": "3" } });
    let reply = gateway.post("/interactions", too_many).await;
    assert_eq!((reply.status, reply.problem()), (413, "too-large"), "{reply:?}");
    let too_long = json!({ "id": "a", "data": { "a": "x".repeat(1025) } });
    assert_eq!(gateway.post("/interactions", too_long).await.problem(), "too-large");
    assert_eq!(gateway.get("/interactions/a").await.problem(), "interaction-unknown");
}
