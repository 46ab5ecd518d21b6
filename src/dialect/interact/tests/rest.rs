//! Every row of the documented response tables over REST, and what surrounds them.

use actix_web::http::Method;

use super::{AGENT, Gateway, Who, payload};

const TEXT: Option<&str> = Some("text/plain; charset=utf-8");
const PHONE: &str = r#"{"phoneNumber":"2111234567","dnId":"4567","groupName":"test","enabled":true}"#;

const UNAUTHORIZED: &str = "{\n\"code\":\"0x7000000\",\n\
    \"message\": \"Request is unauthorized, missing or wrong credentials\",\n\
    \"moreInfoUrl\":\"http://www.jacada.com/support\"\n}";

#[actix_web::test]
async fn create_answers_the_id_of_the_number() {
    let gateway = Gateway::with("");
    let created = gateway.post(Who::Admin, "/dnis", PHONE).await;
    assert_eq!((created.status, created.body.as_str(), created.header("content-type")), (200, "1", TEXT));
    let second = gateway.post(Who::Admin, "/dnis", r#"{"phoneNumber":"1","dnId":"1"}"#).await;
    assert_eq!((second.status, second.body.as_str()), (200, "2"));
    let read = gateway.get(Who::Admin, "/dnis/1").await;
    assert_eq!(read.body, r#"{"phoneNumber":"1","dnId":"1","groupName":null,"enabled":true,"allocated":false}"#);
}

#[actix_web::test]
async fn create_of_a_number_that_exists_is_a_conflict() {
    let gateway = Gateway::with("");
    gateway.post(Who::Admin, "/dnis", PHONE).await;
    let before = gateway.phones().await;
    let again = gateway.post(Who::Admin, "/dnis", &PHONE.replace("4567\",\"g", "99\",\"g")).await;
    assert_eq!(again.status, 409);
    assert_eq!(again.body, "Cannot create Phone '2111234567'. A phone with that name already exists");
    assert_eq!(again.header("content-type"), TEXT);
    assert_eq!(gateway.phones().await, before);
}

#[actix_web::test]
async fn create_with_a_wrong_parameter_names_it_and_changes_nothing() {
    let gateway = Gateway::with("");
    for (body, expected) in [
        (
            r#"{"phoneNumber":2111230002,"dnId":"0002"}"#,
            "missing or invalid parameter phoneNumber: must be a string of 1 to 32 characters of 0-9 + * #, not a \
             number",
        ),
        (
            r#"{"dnId":"0002"}"#,
            "missing or invalid parameter phoneNumber: is required; it must be a string of 1 to 32 characters of \
             0-9 + * #",
        ),
        (
            r#"{"phoneNumber":null,"dnId":"0002"}"#,
            "missing or invalid parameter phoneNumber: is required; it must be a string of 1 to 32 characters of \
             0-9 + * #",
        ),
        (
            r#"{"phoneNumber":"211-123","dnId":"0002"}"#,
            "missing or invalid parameter phoneNumber: must be a string of 1 to 32 characters of 0-9 + * #",
        ),
        (
            r#"{"phoneNumber":"","dnId":"0002"}"#,
            "missing or invalid parameter phoneNumber: must be a string of 1 to 32 characters of 0-9 + * #",
        ),
        (
            r#"{"phoneNumber":"2111230002"}"#,
            "missing or invalid parameter dnId: is required; it must be a string of 1 to 32 characters of 0-9 + * #",
        ),
        (
            r#"{"phoneNumber":"2111230002","dnId":2}"#,
            "missing or invalid parameter dnId: must be a string of 1 to 32 characters of 0-9 + * #, not a number",
        ),
        (
            r#"{"phoneNumber":"2111230002","dnId":"2","groupName":"a\u0000b"}"#,
            "missing or invalid parameter groupName: must be a string of 1 to 255 characters without control \
             characters",
        ),
        (
            r#"{"phoneNumber":"2111230002","dnId":"2","groupName":["a"]}"#,
            "missing or invalid parameter groupName: must be a string of 1 to 255 characters without control \
             characters, not an array",
        ),
        (
            r#"{"phoneNumber":"2111230002","dnId":"2","enabled":"true"}"#,
            "missing or invalid parameter enabled: must be true or false, not a string",
        ),
        (
            r#"{"phoneNumber":"2111230002","dnId":"2","enabled":1}"#,
            "missing or invalid parameter enabled: must be true or false, not a number",
        ),
    ] {
        let reply = gateway.post(Who::Admin, "/dnis", body).await;
        assert_eq!((reply.status, reply.body.as_str()), (400, expected), "{body}");
        assert_eq!(reply.header("content-type"), TEXT);
    }
    for body in ["", "{", "[]", "\"x\"", "{\"phoneNumber\":\"1\",\"phoneNumber\":\"2\",\"dnId\":\"1\"}"] {
        assert_eq!(gateway.post(Who::Admin, "/dnis", body).await.status, 400, "{body}");
    }
    assert!(gateway.phones().await.contains("total: 0"));
}

#[actix_web::test]
async fn members_that_nobody_asks_for_are_ignored_and_an_empty_group_is_none() {
    let gateway = Gateway::with("");
    let body = r#"{"phoneNumber":" 1 ","dnId":"1","groupName":"","description":{"a":[1]}}"#;
    assert_eq!(gateway.post(Who::Admin, "/dnis", body).await.status, 200);
    assert!(gateway.get(Who::Admin, "/dnis/1").await.body.contains(r#""groupName":null"#));
}

#[actix_web::test]
async fn allocate_answers_the_number_and_again_the_same_number_with_a_new_deadline() {
    let gateway = Gateway::documented().await;
    let body = r#"{"group" : "test", "id" : "Unique Id 3"}"#;
    let first = gateway.post(Who::Web, "/dnis/allocate/new", body).await;
    assert_eq!((first.status, first.body.as_str(), first.header("content-type")), (200, "380974520200", TEXT));
    gateway.later(899);
    let other_group = r#"{"group":"samples","id":"Unique Id 3"}"#;
    let second = gateway.post(Who::Ivr, "/dnis/allocate/new", other_group).await;
    assert_eq!((second.status, second.body.as_str()), (200, "380974520200"));
    gateway.later(899);
    assert_eq!(gateway.get(Who::Ivr, "/dnis/allocate/get/380974520200").await.body, "Unique Id 3");
    gateway.later(1);
    assert_eq!(gateway.get(Who::Ivr, "/dnis/allocate/get/380974520200").await.body, "");
}

#[actix_web::test]
async fn allocate_without_a_group_takes_any_number() {
    let gateway = Gateway::documented().await;
    let mut numbers = Vec::new();
    for id in ["a", "b", "c", "d"] {
        let body = format!(r#"{{"id":"{id}"}}"#);
        numbers.push(gateway.post(Who::Web, "/dnis/allocate/new", &body).await.body);
    }
    numbers.sort();
    assert_eq!(numbers, ["111", "2111234560", "222", "380974520200"]);
}

#[actix_web::test]
async fn allocate_without_a_group_keeps_to_the_default_groups_in_their_order() {
    let gateway = Gateway::documented_with("[interact]\ndefault_groups = ['none', 'test']\n").await;
    let body = r#"{"id":"a"}"#;
    assert_eq!(gateway.post(Who::Web, "/dnis/allocate/new", body).await.body, "380974520200");
    let second = gateway.post(Who::Web, "/dnis/allocate/new", r#"{"id":"b"}"#).await;
    assert_eq!((second.status, second.body.as_str()), (403, "Currently there are no available phone numbers"));
}

#[actix_web::test]
async fn allocate_from_an_exhausted_or_unknown_group_finds_no_number_elsewhere() {
    let gateway = Gateway::documented().await;
    gateway.post(Who::Web, "/dnis/allocate/new", r#"{"group":"test","id":"a"}"#).await;
    let before = gateway.phones().await;
    for group in ["test", "unknown"] {
        let reply = gateway.post(Who::Web, "/dnis/allocate/new", &format!(r#"{{"group":"{group}","id":"b"}}"#)).await;
        assert_eq!((reply.status, reply.outcome), (403, "exhausted"));
        assert_eq!(reply.body, "Currently there are no available phone numbers");
        assert_eq!(reply.header("content-type"), TEXT);
    }
    assert_eq!(gateway.phones().await, before);
}

#[actix_web::test]
async fn allocate_for_an_unknown_interaction_is_refused_where_it_must_be_known() {
    let gateway = Gateway::documented_with("[interact]\nrequire_known_interaction = true\n").await;
    let reply = gateway.post(Who::Web, "/dnis/allocate/new", r#"{"id":" Unique Id 3 "}"#).await;
    assert_eq!((reply.status, reply.body.as_str()), (404, "Audit message Unique Id 3 was not found"));
    let id = crate::domain::InteractionId::new("Unique Id 3").unwrap();
    gateway.store.create_interaction(&super::scope(), id.into(), None).await.unwrap();
    let reply = gateway.post(Who::Web, "/dnis/allocate/new", r#"{"id":"Unique Id 3"}"#).await;
    assert_eq!(reply.status, 200);
}

#[actix_web::test]
async fn allocate_with_a_wrong_parameter_names_it() {
    let gateway = Gateway::documented().await;
    let before = gateway.phones().await;
    let name = "a string of 1 to 255 characters without control characters";
    for (body, expected) in [
        (r#"{"group":"test"}"#, format!("id: is required; it must be {name}")),
        (r#"{"id":7}"#, format!("id: must be {name}, not a number")),
        (r#"{"id":" "}"#, format!("id: must be {name}")),
        (r#"{"id":"a\nb"}"#, format!("id: must be {name}")),
        (r#"{"id":"a","group":true}"#, format!("group: must be {name}, not a boolean")),
        (r#"{"uniqueId":"a"}"#, format!("id: is required; it must be {name}")),
    ] {
        let reply = gateway.post(Who::Web, "/dnis/allocate/new", body).await;
        assert_eq!((reply.status, reply.body), (400, format!("missing or invalid parameter {expected}")), "{body}");
    }
    assert_eq!(gateway.phones().await, before);
}

#[actix_web::test]
async fn get_answers_the_interaction_by_number_and_by_dnid_and_changes_nothing() {
    let gateway = Gateway::documented().await;
    let free = gateway.get(Who::Ivr, "/dnis/allocate/get/111").await;
    assert_eq!((free.status, free.body.as_str(), free.header("content-type")), (200, "", None));
    let body = r#"{"group":"test","id":"Ünique Id 3"}"#;
    assert!(super::ok(&gateway.post(Who::Web, "/dnis/allocate/new", body).await));
    let before = gateway.phones().await;
    for phone in ["380974520200", "0200", "%30200"] {
        let reply = gateway.get(Who::Ivr, &format!("/dnis/allocate/get/{phone}")).await;
        assert_eq!((reply.status, reply.body.as_str(), reply.header("content-type")), (200, "Ünique Id 3", TEXT));
    }
    assert_eq!(gateway.phones().await, before);
}

#[actix_web::test]
async fn get_and_free_of_an_unknown_number_say_so_in_the_words_of_the_request() {
    let gateway = Gateway::documented().await;
    for (phone, shown) in [("999", "999"), ("%2B99%20", "+99")] {
        let expected = format!("Phone number {shown} was not found");
        let get = gateway.get(Who::Ivr, &format!("/dnis/allocate/get/{phone}")).await;
        assert_eq!((get.status, get.body.as_str(), get.header("content-type")), (404, expected.as_str(), TEXT));
        let free = gateway.post(Who::Admin, &format!("/dnis/allocate/free/{phone}"), "").await;
        assert_eq!((free.status, free.body.as_str(), free.header("content-type")), (404, expected.as_str(), TEXT));
    }
}

#[actix_web::test]
async fn get_and_free_of_what_is_no_number_do_not_find_it_and_say_it_as_it_was_sent() {
    let gateway = Gateway::documented().await;
    let long = "123456789012345678901234567890123";
    for (phone, sent) in [
        ("%20", " "),
        ("abc", "abc"),
        ("+1%20(650)", "+1 (650)"),
        ("1%2F2", "1/2"),
        ("%FF", "%FF"),
        ("1%00", "1%00"),
        ("1%0d%0a2", "1%0d%0a2"),
        (long, long),
    ] {
        let expected = format!("Phone number {sent} was not found");
        let get = gateway.get(Who::Ivr, &format!("/dnis/allocate/get/{phone}")).await;
        assert_eq!((get.status, get.body.as_str(), get.header("content-type")), (404, expected.as_str(), TEXT));
        let free = gateway.post(Who::Admin, &format!("/dnis/allocate/free/{phone}"), "").await;
        assert_eq!((free.status, free.body.as_str()), (404, expected.as_str()), "{phone}");
    }
    for operation in ["GetDnisAllocationRequest", "FreeDnisAllocationRequest"] {
        let envelope = payload(AGENT, operation, &[("phone", "+1 (650) &lt;x")]);
        let told = gateway.soap(Who::Admin, &envelope).await;
        assert_eq!(told.result(), "Phone number +1 (650) &lt;x was not found", "{operation}");
    }
}

#[actix_web::test]
async fn free_ends_the_allocation_and_is_content_with_a_free_number() {
    let gateway = Gateway::documented().await;
    assert_eq!(gateway.lend("a").await, "111");
    for _ in 0..2 {
        let freed = gateway.post(Who::Admin, "/dnis/allocate/free/111", "").await;
        assert_eq!((freed.status, freed.body.as_str(), freed.header("content-type")), (200, "", None));
        assert_eq!(gateway.get(Who::Ivr, "/dnis/allocate/get/111").await.body, "");
    }
    gateway.post(Who::Web, "/dnis/allocate/new", r#"{"group":"test","id":"b"}"#).await;
    assert_eq!(gateway.post(Who::Admin, "/dnis/allocate/free/0200", "").await.status, 200);
    assert_eq!(gateway.get(Who::Ivr, "/dnis/allocate/get/380974520200").await.body, "");
}

#[actix_web::test]
async fn free_does_not_look_at_a_body() {
    let gateway = Gateway::documented().await;
    for (content_type, body) in [("application/json", "{broken"), ("image/png", "\u{1}"), ("text/xml", "<a/>")] {
        let headers = [Who::Admin.headers(), &[("Content-Type", content_type)]].concat();
        let reply = gateway.send(Method::POST, "/dnis/allocate/free/111", &headers, body).await;
        assert_eq!((reply.status, reply.body.as_str()), (200, ""));
    }
}

#[actix_web::test]
async fn a_disabled_number_is_never_lent_but_can_be_read_and_freed() {
    let gateway = Gateway::with("");
    let body = r#"{"phoneNumber":"1","dnId":"1","groupName":"g","enabled":false}"#;
    assert_eq!(gateway.post(Who::Admin, "/dnis", body).await.status, 200);
    let allocate = gateway.post(Who::Web, "/dnis/allocate/new", r#"{"group":"g","id":"a"}"#).await;
    assert_eq!(allocate.status, 403);
    assert_eq!(gateway.get(Who::Ivr, "/dnis/allocate/get/1").await.status, 200);
    assert_eq!(gateway.post(Who::Admin, "/dnis/allocate/free/1", "").await.status, 200);
}

/// Every endpoint over REST, with who may call it.
const ENDPOINTS: [(Method, &str, &str, &[Who]); 8] = [
    (Method::POST, "/dnis", PHONE, &[Who::Admin]),
    (Method::POST, "/dnis/allocate/new", r#"{"id":"a"}"#, &[Who::Admin, Who::Ivr, Who::Web, Who::Intruder]),
    (Method::GET, "/dnis/allocate/get/111", "", &[Who::Admin, Who::Ivr, Who::Intruder]),
    (Method::POST, "/dnis/allocate/free/111", "", &[Who::Admin]),
    (Method::GET, "/dnis", "", &[Who::Admin]),
    (Method::GET, "/dnis/222", "", &[Who::Admin]),
    (Method::PUT, "/dnis/222", r#"{"enabled":true}"#, &[Who::Admin]),
    (Method::DELETE, "/dnis/222", "", &[Who::Admin]),
];

#[actix_web::test]
async fn every_endpoint_asks_for_its_own_credentials() {
    for (method, target, body, allowed) in ENDPOINTS {
        for who in [Who::Admin, Who::Ivr, Who::Web, Who::Intruder, Who::Nobody] {
            let gateway = Gateway::documented().await;
            let before = gateway.phones().await;
            let reply = gateway.send(method.clone(), target, who.headers(), body).await;
            if allowed.contains(&who) {
                assert_eq!(reply.status, 200, "{method} {target} {who:?}: {reply:?}");
                continue;
            }
            assert_eq!(reply.status, 401, "{method} {target} {who:?}");
            assert_eq!(reply.body, UNAUTHORIZED);
            assert_eq!(reply.header("content-type"), Some("application/json"));
            assert_eq!(
                reply.header("unauthenticated-reason"),
                Some("Request is unauthorized, missing or wrong credentials")
            );
            assert_eq!(gateway.phones().await, before);
        }
    }
}

#[actix_web::test]
async fn a_caller_who_is_not_let_in_learns_nothing_about_the_rest_of_the_request() {
    let gateway = Gateway::documented().await;
    for (target, body) in [("/dnis", "{broken"), ("/dnis/allocate/new", "[]"), ("/dnis/allocate/free/abc", "")] {
        assert_eq!(gateway.post(Who::Nobody, target, body).await.status, 401, "{target}");
    }
}

#[actix_web::test]
async fn a_blocked_source_gets_text_with_the_time_to_wait() {
    let gateway = Gateway::documented().await;
    assert_eq!(gateway.get(Who::Ivr, "/dnis/allocate/get/111").await.status, 200);
    for _ in 0..10 {
        assert_eq!(gateway.post(Who::Intruder, "/dnis/allocate/free/111", "").await.status, 401);
    }
    let blocked = gateway.post(Who::Intruder, "/dnis/allocate/free/111", "").await;
    assert_eq!((blocked.status, blocked.header("content-type")), (429, TEXT));
    assert!(blocked.header("retry-after").unwrap().parse::<u64>().unwrap() > 0);
    assert!(blocked.body.starts_with("Too many attempts; try again in "), "{}", blocked.body);
    assert_eq!(gateway.get(Who::Ivr, "/dnis/allocate/get/111").await.status, 200, "its key was used from here before");
}

#[actix_web::test]
async fn another_media_type_than_json_is_refused() {
    let gateway = Gateway::documented().await;
    for (method, target, body) in [
        (Method::POST, "/dnis", PHONE),
        (Method::POST, "/dnis/allocate/new", r#"{"id":"a"}"#),
        (Method::PUT, "/dnis/111", r#"{"enabled":true}"#),
    ] {
        let headers = [Who::Admin.headers(), &[("Content-Type", "text/plain")]].concat();
        let reply = gateway.send(method, target, &headers, body).await;
        assert_eq!((reply.status, reply.header("content-type")), (415, TEXT));
        assert!(reply.body.contains("application/json"), "{}", reply.body);
    }
}

#[actix_web::test]
async fn an_unknown_path_and_a_wrong_method_are_told_in_text() {
    let gateway = Gateway::documented().await;
    let missed = gateway.get(Who::Admin, "/phones").await;
    assert_eq!((missed.status, missed.header("content-type")), (404, TEXT));
    let wrong = gateway.send(Method::PATCH, "/dnis", Who::Admin.headers(), "").await;
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("GET, HEAD, POST")));
    assert_eq!(wrong.body, "This path allows GET, HEAD, POST\n");
}
