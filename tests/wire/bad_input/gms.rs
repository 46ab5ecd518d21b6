//! Queries, forms, multipart and JSON bodies of GMS that are not right.

use reqwest::{Method, RequestBuilder};

use super::{Form, Trial};
use crate::callers::{INTERACTION, Reply, send};

const FORM: &str = "application/x-www-form-urlencoded";
const BAD_REQUEST: &str = "BadRequestException";
const ILLEGAL_ARGUMENT: &str = "IllegalArgumentException";

impl Trial {
    fn request_access(&self, query: &str) -> RequestBuilder {
        self.caller().request(Method::POST, &format!("/genesys/1/service/request-access{query}"))
    }

    async fn access_by(&self, media_type: &str, body: &[u8]) -> Reply {
        send(self.request_access("").header("Content-Type", media_type).body(body.to_owned())).await
    }

    /// Sends a form and expects the refusal in XML, then the same wanting JSON.
    async fn form_refused(&self, service: &str, form: &str, status: u16, exception: &'static str, words: &str) {
        for (accept, shape) in [("*/*", Form::Xml(exception)), ("application/json", Form::Json(exception))] {
            let request = self.caller().request(Method::POST, &format!("/genesys/1/service/{service}"));
            let request = request.header("Content-Type", FORM).header("Accept", accept);
            let reply = send(request.body(form.to_owned())).await;
            self.refused(&format!("{service}, {form}, {accept}"), &reply, status, shape, words).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_that_breaks_its_rules_is_refused() {
    let trial = Trial::demo().await;
    let id = format!("_id={INTERACTION}");
    for (rest, words) in [
        ("&a=%", "a % that is not followed by two hexadecimal digits"),
        ("&a=%zz", "a % that is not followed by two hexadecimal digits"),
        ("&=x", "a value without a name"),
        ("&a%00=x", "a name with the character U+0000"),
    ] {
        trial.form_refused("request-access", &format!("{id}{rest}"), 400, BAD_REQUEST, words).await;
    }
    for rest in [&b"&a=\xff"[..], b"&a=%ff", b"&a=%C3%28"] {
        let reply = trial.access_by(&format!("{FORM}; charset=utf-8"), &[id.as_bytes(), rest].concat()).await;
        let words = "form must be in UTF-8, which its Content-Type says it is";
        trial.refused("what is not UTF-8", &reply, 400, Form::Xml(BAD_REQUEST), words).await;
    }
    let many: String = (0..1001).map(|number| format!("&k{number}=v")).collect();
    trial.form_refused("request-access", &format!("{id}{many}"), 400, BAD_REQUEST, "at most 1000 parameters").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_parameter_is_named_with_what_is_allowed() {
    let trial = Trial::demo().await;
    let id = format!("_id={INTERACTION}");
    for (rest, words) in [
        ("&a=x%00y", "parameter a must not contain the character U+0000"),
        ("&a=x&a=y", "parameter a must be in the body only once"),
        (&format!("&{id}"), "parameter _id must be in the body only once"),
        ("&_provide_code=yes", "parameter _provide_code must be true or false"),
        ("&_access_code_length=0", "parameter _access_code_length must be a whole number from 1 to 16"),
        ("&_access_code_length=17", "from 1 to 16"),
        ("&_access_code_length=6.5", "from 1 to 16"),
        ("&_access_code_length=-1", "from 1 to 16"),
        ("&_resource_group=nowhere", "parameter _resource_group: there is no group 'nowhere'"),
        ("&_resource_group=a%0Ab", "parameter _resource_group"),
        ("&_phone_number=a%0Ab", "parameter _phone_number"),
        (&format!("&{}=x", "k".repeat(2000)), "has a name that"),
    ] {
        trial.form_refused("request-access", &format!("{id}{rest}"), 400, ILLEGAL_ARGUMENT, words).await;
    }
    for (service, form, status, exception, words) in [
        ("request-access", "", 400, ILLEGAL_ARGUMENT, "parameter _id is missing"),
        ("request-access", "_id=%20", 400, ILLEGAL_ARGUMENT, "parameter _id is missing"),
        ("request-access", "_id=1-nobody", 404, "NotFoundException", "no active service '1-nobody'"),
        ("match-interaction", "", 400, ILLEGAL_ARGUMENT, "parameter _access_number is missing"),
        ("match-interaction", "_access_number=222", 404, "NotFoundException", "no service matches"),
        ("match-interaction", "_access_number=one", 404, "NotFoundException", "no service matches"),
        ("match-interaction", "_access_number=111&_delete_service=1", 400, ILLEGAL_ARGUMENT, "_delete_service must be"),
        ("match-interaction", "_access_number=111&_return_data=ja", 400, ILLEGAL_ARGUMENT, "_return_data must be"),
        ("request-interaction", "_resource_group=nowhere", 400, ILLEGAL_ARGUMENT, "_resource_group"),
        ("no-such-service", "_id=1", 404, "NotFoundException", "there is no service 'no-such-service'"),
    ] {
        trial.form_refused(service, form, status, exception, words).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_is_held_to_the_rules_of_a_form() {
    let trial = Trial::demo().await;
    for (query, exception, words) in [
        ("?_id=a&_id=b", ILLEGAL_ARGUMENT, "parameter _id must be in the query only once"),
        ("?_id=%f", BAD_REQUEST, "query has a %"),
        ("?_id=a%00", ILLEGAL_ARGUMENT, "U+0000"),
    ] {
        let reply = send(trial.request_access(query)).await;
        trial.refused(query, &reply, 400, Form::Xml(exception), words).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_json_body_that_is_not_one_object_of_parameters_is_refused_in_json() {
    let trial = Trial::demo().await;
    let deep = format!("{{\"_id\":\"{INTERACTION}\",\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let twice = format!("{{\"_id\":\"{INTERACTION}\",\"a\":1,\"a\":2}}");
    let zero = format!("{{\"_id\":\"{INTERACTION}\",\"a\":\"x\\u0000y\"}}");
    for (what, body, exception, words) in [
        ("a list", &b"[]"[..], BAD_REQUEST, "must be one JSON object"),
        ("null", b"null", BAD_REQUEST, "must be one JSON object"),
        ("a cut object", b"{\"_id\":", BAD_REQUEST, "no valid JSON in line 1, column 7"),
        ("two objects", b"{}{}", BAD_REQUEST, "no valid JSON in line 1, column 3"),
        ("10 000 lists", &[b'['; 10_000], BAD_REQUEST, "must be one JSON object"),
        ("bytes that are not UTF-8", b"{\"_id\":\"\xff\"}", BAD_REQUEST, "the body must be in UTF-8"),
        ("a NUL byte", b"{\"_id\":\"a\0\"}", BAD_REQUEST, "no valid JSON in line 1"),
        ("half a character", b"{\"_id\":\"\\ud800\"}", ILLEGAL_ARGUMENT, "whole Unicode characters"),
        ("a value that is 10 000 deep", deep.as_bytes(), ILLEGAL_ARGUMENT, "parameter a must be nested at most"),
        ("a member twice", twice.as_bytes(), ILLEGAL_ARGUMENT, "parameter a must be in the body only once"),
        ("an escaped NUL", zero.as_bytes(), ILLEGAL_ARGUMENT, "parameter a must not contain the character U+0000"),
        ("a member without a name", b"{\"\":1}", BAD_REQUEST, "a value without a name"),
    ] {
        let reply = trial.access_by("application/json", body).await;
        trial.refused(what, &reply, 400, Form::Json(exception), words).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_multipart_body_that_breaks_its_rules_is_refused() {
    let trial = Trial::demo().await;
    let part = |head: &str, value: &str| format!("--XbX\r\nContent-Disposition: form-data{head}\r\n\r\n{value}\r\n");
    let id = part("; name=\"_id\"", INTERACTION);
    let whole = |parts: &str| format!("{id}{parts}--XbX--\r\n").into_bytes();
    let foreign = "; name=\"a\"\r\nContent-Type: text/plain; charset=koi8-r";
    let mut not_utf8 = whole(&part("; name=\"a\"", "?"));
    let place = not_utf8.iter().rposition(|byte| *byte == b'?').unwrap();
    not_utf8[place] = 0xff;
    for (what, body, status, exception, words) in [
        ("no last boundary", id.clone().into_bytes(), 400, BAD_REQUEST, "multipart body"),
        (
            "another boundary",
            whole("").iter().map(|byte| if *byte == b'X' { b'Y' } else { *byte }).collect(),
            400,
            BAD_REQUEST,
            "multipart body",
        ),
        ("no name", whole(&part("", "x")), 400, BAD_REQUEST, "a part without a name"),
        ("a name twice", whole(&id), 400, ILLEGAL_ARGUMENT, "parameter _id must be in the body only once"),
        ("bytes that are not UTF-8", not_utf8, 400, ILLEGAL_ARGUMENT, "parameter a must be a text in UTF-8"),
        (
            "another charset",
            whole(&part(foreign, "x")),
            415,
            "NotSupportedException",
            "the charset 'koi8-r' is not read",
        ),
        (
            "a file for a text",
            whole(&part("; name=\"_resource_group\"; filename=\"g.txt\"", "DNIS")),
            400,
            ILLEGAL_ARGUMENT,
            "parameter _resource_group must be a text, not a file",
        ),
    ] {
        let reply = trial.access_by("multipart/form-data; boundary=XbX", &body).await;
        trial.refused(what, &reply, status, Form::Xml(exception), words).await;
    }
    let reply = trial.access_by("multipart/form-data", &whole("")).await;
    trial.refused("no boundary named", &reply, 415, Form::Xml("NotSupportedException"), "must name its boundary").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_media_type_is_refused() {
    let trial = Trial::demo().await;
    let body = format!("_id={INTERACTION}");
    for media_type in ["text/xml", "text/plain", "application/octet-stream", "form", ""] {
        let reply = trial.access_by(media_type, body.as_bytes()).await;
        let words = "must be application/x-www-form-urlencoded, multipart/form-data or application/json";
        trial.refused(media_type, &reply, 415, Form::Xml("NotSupportedException"), words).await;
    }
    let reply = trial.access_by("application/x-www-form-urlencoded; charset=utf-16", body.as_bytes()).await;
    trial
        .refused("a charset", &reply, 415, Form::Xml("NotSupportedException"), "the charset 'utf-16' is not read")
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_that_are_not_there_are_not_found() {
    let trial = Trial::demo().await;
    let nobody = "00000000-0000-4000-8000-000000000000";
    for (method, path) in [
        (Method::GET, format!("/{nobody}")),
        (Method::GET, format!("/{nobody}/key")),
        (Method::DELETE, format!("/{nobody}")),
        (Method::POST, format!("/{nobody}/60")),
        (Method::GET, "/no-uuid".to_owned()),
    ] {
        let request = trial.caller().request(method.clone(), &format!("/genesys/1/storage{path}"));
        let reply = send(request).await;
        let what = format!("{method} {path}");
        trial.refused(&what, &reply, 404, Form::Xml("NotFoundException"), "no data under this id").await;
    }
}
