//! JSON bodies of Interact that are not right.

use reqwest::Method;

use super::{Form, Trial};
use crate::callers::send;

impl Trial {
    /// Sends a body to every address that takes JSON.
    async fn json_refused(&self, what: &str, body: &[u8], words: &str) {
        for (method, path) in [
            (Method::POST, "/interact/version/2/dnis"),
            (Method::POST, "/interact/version/2/dnis/allocate/new"),
            (Method::PUT, "/interact/version/2/dnis/111"),
        ] {
            let what = format!("{what}, {method} {path}");
            let request = self.caller().user(method, path).header("Content-Type", "application/json");
            let reply = send(request.body(body.to_owned())).await;
            self.refused(&what, &reply, 400, Form::Text, words).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_not_one_json_object_is_refused() {
    let trial = Trial::demo().await;
    for (what, body, words) in [
        ("nothing", &b""[..], "the body is empty"),
        ("a list", b"[]", "expected a JSON object"),
        ("a text", b"\"x\"", "expected a JSON object"),
        ("a cut object", b"{\"id\":\"x\"", "line 1 column 9"),
        ("two objects", b"{\"id\":\"x\"}{}", "trailing characters"),
        ("single quotes", b"{'id':'x'}", "line 1 column 2"),
        ("a comma too many", b"{\"id\":\"x\",}", "line 1 column 11"),
        ("a member twice", b"{\"id\":\"x\",\"id\":\"y\"}", "\"id\" is given twice"),
        ("bytes that are not UTF-8", b"{\"id\":\"\xff\"}", "it is not in UTF-8, from byte 7 on"),
        ("a NUL byte", b"{\"id\":\"a\0b\"}", "control character"),
        ("half a character", b"{\"id\":\"\\ud800\"}", "line 1"),
        ("XML", b"<id>x</id>", "line 1 column 1"),
    ] {
        trial.json_refused(what, body, words).await;
    }
    let deep = format!("{{\"id\":\"x\",\"y\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    trial.json_refused("a member that is 10 000 deep", deep.as_bytes(), "recursion limit").await;
    trial.json_refused("10 000 lists", &[b'['; 10_000], "expected a JSON object").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_member_is_named_with_what_is_allowed() {
    let trial = Trial::demo().await;
    let create = |phone: &str, more: &str| format!(r#"{{"phoneNumber":{phone},"dnId":"1"{more}}}"#);
    let number = "must be a string of 1 to 32 characters of 0-9 + * #";
    for (body, words) in [
        (r#"{"dnId":"1"}"#.to_owned(), "phoneNumber: is required".to_owned()),
        (r#"{"phoneNumber":"12"}"#.to_owned(), "dnId: is required".to_owned()),
        (create("2111230002", ""), format!("phoneNumber: {number}, not a number")),
        (create("null", ""), "phoneNumber: is required".to_owned()),
        (create("[\"1\"]", ""), format!("phoneNumber: {number}, not an array")),
        (create("\"12a\"", ""), format!("phoneNumber: {number}")),
        (create("\"\"", ""), format!("phoneNumber: {number}")),
        (create("\"\\u0000\"", ""), format!("phoneNumber: {number}")),
        (create(&format!("\"{}\"", "1".repeat(33)), ""), format!("phoneNumber: {number}")),
        (create("\"12\"", r#","enabled":"true""#), "enabled: must be true or false, not a string".to_owned()),
        (create("\"12\"", r#","groupName":7"#), "groupName: must be a string".to_owned()),
        (create("\"12\"", r#","groupName":"a\u0000b""#), "groupName: must be a string".to_owned()),
    ] {
        let reply = trial.caller().interact("/dnis", &body).await;
        trial.refused(&body, &reply, 400, Form::Text, &words).await;
        assert!(reply.text().starts_with("missing or invalid parameter "), "the vendor's words: {reply:?}");
    }
    for (body, words) in [
        ("{}", "id: is required"),
        (r#"{"id":7}"#, "id: must be a string of 1 to 255 characters without control characters, not a number"),
        (r#"{"id":"  "}"#, "id: must be"),
        (r#"{"id":"a\u0000b"}"#, "id: must be"),
        (r#"{"id":"x","group":{}}"#, "group: must be a string of 1 to 255 characters"),
    ] {
        let reply = trial.caller().interact("/dnis/allocate/new", body).await;
        trial.refused(body, &reply, 400, Form::Text, words).await;
    }
    for (body, words) in [
        ("{}", "at least one of dnId, groupName and enabled"),
        (r#"{"phoneNumber":"1"}"#, "phoneNumber: cannot be changed"),
        (r#"{"enabled":1}"#, "enabled: must be true or false"),
    ] {
        let request = trial.caller().user(Method::PUT, "/interact/version/2/dnis/111").body(body);
        trial.refused(body, &send(request).await, 400, Form::Text, words).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_media_type_than_json_is_refused() {
    let trial = Trial::demo().await;
    for media_type in [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-16",
        "json",
        "",
    ] {
        let request = trial.caller().user(Method::POST, "/interact/version/2/dnis/allocate/new");
        let reply = send(request.header("Content-Type", media_type).body(r#"{"id":"x"}"#)).await;
        trial.refused(media_type, &reply, 415, Form::Text, "Content-Type application/json").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_phone_or_query_in_the_address_is_refused() {
    let trial = Trial::demo().await;
    for (method, path, status, words) in [
        (Method::GET, "/dnis/allocate/get/one", 404, "Phone number one was not found"),
        (Method::GET, "/dnis/allocate/get/1%00", 404, "Phone number 1%00 was not found"),
        (Method::GET, "/dnis/allocate/get/%ff", 404, "Phone number %ff was not found"),
        (Method::GET, "/dnis/allocate/get/111%2F", 404, "Phone number 111/ was not found"),
        (Method::GET, "/dnis/allocate/get/", 404, "There is nothing at this path"),
        (Method::POST, "/dnis/allocate/free/111a", 404, "Phone number 111a was not found"),
        (Method::GET, "/dnis/allocate/get/404", 404, "Phone number 404 was not found"),
        (Method::POST, "/dnis/allocate/free/404", 404, "Phone number 404 was not found"),
        (Method::DELETE, "/dnis/404", 404, "Phone number 404 was not found"),
        (Method::DELETE, "/dnis/111", 409, "free it first"),
        (Method::GET, "/dnis?limit=1001", 400, "limit: must be a whole number from 1 to 1000"),
        (Method::GET, "/dnis?limit=x", 400, "limit: must be a whole number"),
        (Method::GET, "/dnis?offset=-1", 400, "offset: must be a whole number from 0 up"),
        (Method::GET, "/dnis?group=a&group=b", 400, "group: is given more than once"),
        (Method::GET, "/dnis?groups=a", 400, "groups: is not known; group, offset and limit are allowed"),
    ] {
        let reply = send(trial.caller().user(method, &format!("/interact/version/2{path}"))).await;
        trial.refused(path, &reply, status, Form::Text, words).await;
    }
    let duplicate = trial.caller().interact("/dnis", r#"{"phoneNumber":"222","dnId":"1"}"#).await;
    trial
        .refused("a phone that exists", &duplicate, 409, Form::Text, "'222'. A phone with that name already exists")
        .await;
}
