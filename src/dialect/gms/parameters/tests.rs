//! The gathering of parameters from query and body together.

use std::sync::atomic::AtomicU64;

use actix_web::http::Method;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use bytes::Bytes;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_oneof, proptest};

use super::*;
use crate::config::Settings;
use crate::dialect::{Call, PublicAddress, sending};

const FORM: &str = "application/x-www-form-urlencoded";

async fn gather(query: &str, content_type: Option<&'static str>, body: &[u8]) -> Result<Parameters, Error> {
    let mut headers = HeaderMap::new();
    if let Some(content_type) = content_type {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    let (origin, settings) = (PublicAddress::http("gms"), Settings::default());
    let head = sending::head((&Method::POST, "/", query), &headers, &origin, &settings);
    let body = Bytes::copy_from_slice(body);
    let call = Call { head, body: &body };
    let guessed = AtomicU64::new(0);
    Parameters::gather(&Request { call: &call, declared: &BodyType::of(&headers), guessed: &guessed }).await
}

#[actix_web::test]
async fn a_parameter_of_the_body_beats_one_of_the_query() {
    let parameters = gather("_id=1&_resource_group=A", Some(FORM), b"_id=2&colour=blue").await.unwrap();
    assert_eq!(parameters.text("_id").unwrap(), Some("2"));
    assert_eq!(parameters.text("_resource_group").unwrap(), Some("A"));
}

#[actix_web::test]
async fn a_name_twice_in_one_place_is_refused_with_its_name() {
    for (query, content_type, body, place) in [
        ("_id=1&_id=1", None, "", "query"),
        ("", Some(FORM), "_id=1&%5Fid=2", "body"),
        ("", Some("application/json"), r#"{"_id":"1","\u005fid":"2"}"#, "body"),
        (
            "",
            Some("multipart/form-data; boundary=b"),
            "--b\r\nContent-Disposition: form-data; name=\"_id\"\r\n\r\n1\r\n--b\r\n\
             Content-Disposition: form-data; name=\"_id\"\r\n\r\n1\r\n--b--",
            "body",
        ),
    ] {
        match gather(query, content_type, body.as_bytes()).await {
            Err(Error::Parameter { parameter, problem }) => {
                assert_eq!((&*parameter, &*problem), ("_id", &*format!("must be in the {place} only once")));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[actix_web::test]
async fn an_empty_body_may_have_any_type_and_a_body_without_type_is_a_form() {
    for content_type in [None, Some(FORM), Some("text/plain"), Some("multipart/form-data"), Some("nonsense")] {
        assert_eq!(gather("", content_type, b"").await.unwrap(), Parameters::default());
    }
    assert_eq!(gather("", None, b"_id=1").await.unwrap().text("_id").unwrap(), Some("1"));
}

#[actix_web::test]
async fn other_types_and_encodings_are_not_read() {
    for (content_type, problem) in [
        ("text/plain", MediaTypeProblem::Unsupported),
        ("text/xml", MediaTypeProblem::Unsupported),
        ("multipart/mixed; boundary=b", MediaTypeProblem::Unsupported),
        ("nonsense", MediaTypeProblem::Unsupported),
        ("multipart/form-data", MediaTypeProblem::NoBoundary),
        ("application/json; charset=utf-16", unread("utf-16")),
        ("application/x-www-form-urlencoded; charset=iso-8859-15", unread("iso-8859-15")),
        ("multipart/form-data; boundary=b; charset=koi8-r", unread("koi8-r")),
    ] {
        match gather("", Some(content_type), b"_id=1").await {
            Err(Error::MediaType(found)) => assert_eq!(found, problem, "{content_type}"),
            other => panic!("{content_type}: {other:?}"),
        }
    }
    for content_type in [
        "application/x-www-form-urlencoded;charset=UTF-8",
        "Application/X-WWW-Form-Urlencoded; charset=us-ascii",
        "application/x-www-form-urlencoded ;; Charset = 'utf8'",
        "application/x-www-form-urlencoded; charset=ISO-8859-1",
        "application/x-www-form-urlencoded; charset=",
    ] {
        assert!(gather("", Some(content_type), b"_id=1").await.is_ok(), "{content_type}");
    }
    let multipart = b"--=_a:b?c/d\r\nContent-Disposition: form-data; name=_id\r\n\r\n1\r\n--=_a:b?c/d--";
    let gathered = gather("", Some("multipart/form-data;boundary==_a:b?c/d"), multipart).await.unwrap();
    assert_eq!(gathered.text("_id").unwrap(), Some("1"), "a boundary without quotes");
}

fn unread(charset: &str) -> MediaTypeProblem {
    MediaTypeProblem::Charset(Charset::named(charset).unwrap_err())
}

#[actix_web::test]
async fn queries_and_forms_that_are_not_utf_8_are_read_and_json_in_its_declared_charset() {
    for (query, content_type, body) in [
        ("name=M%FCller", None, &b""[..]),
        ("", Some(FORM), b"name=M%FCller"),
        ("", Some("application/x-www-form-urlencoded; charset=ISO-8859-1"), b"name=M%FCller"),
        ("", Some("application/x-www-form-urlencoded; charset=ISO-8859-1"), b"name=M%C3%BCller"),
        ("", Some("application/json; charset=ISO-8859-1"), b"{\"name\":\"M\xfcller\"}"),
        ("", Some("application/json; charset=ISO-8859-1"), b"{\"name\":\"M\xc3\xbcller\"}"),
    ] {
        let gathered = gather(query, content_type, body).await.unwrap();
        assert_eq!(gathered.text("name").unwrap(), Some("M\u{fc}ller"), "{query} {content_type:?}");
    }
}

#[actix_web::test]
async fn a_null_character_is_refused_wherever_it_hides() {
    let multipart = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\0\r\n--b--";
    for (query, content_type, body) in [
        ("a=%00", None, ""),
        ("a%00=1", None, ""),
        ("", Some(FORM), "a=\0"),
        ("", Some("application/json"), r#"{"a":"\u0000"}"#),
        ("", Some("multipart/form-data; boundary=b"), multipart),
    ] {
        let result = gather(query, content_type, body.as_bytes()).await;
        assert!(matches!(result, Err(Error::Malformed { .. } | Error::Parameter { .. })), "{result:?}");
    }
}

#[actix_web::test]
async fn a_value_without_a_name_and_a_thousand_and_one_parameters_are_refused() {
    assert!(matches!(gather("=1", None, b"").await, Err(Error::Malformed { .. })));
    let many = |count: usize| (0..count).map(|n| format!("k{n}=")).collect::<Vec<_>>().join("&");
    assert!(gather("", Some(FORM), many(1000).as_bytes()).await.is_ok());
    assert!(matches!(gather("", Some(FORM), many(1001).as_bytes()).await, Err(Error::Malformed { .. })));
}

#[actix_web::test]
async fn texts_are_trimmed_and_blank_counts_as_absent() {
    let parameters = gather("", Some(FORM), b"_id=+7+&_phone_number=&_resource_group=++").await.unwrap();
    assert_eq!(parameters.text("_id").unwrap(), Some("7"));
    assert_eq!(parameters.text("_phone_number").unwrap(), None);
    assert_eq!(parameters.text("_resource_group").unwrap(), None);
}

#[actix_web::test]
async fn truth_values_have_any_case_and_nothing_else_is_one() {
    let parameters = gather("a=TRUE&b=False&c=&d=1&e=yes", None, b"").await.unwrap();
    assert_eq!(parameters.flag("a").unwrap(), Some(true));
    assert_eq!(parameters.flag("b").unwrap(), Some(false));
    assert_eq!(parameters.flag("c").unwrap(), None);
    assert_eq!(parameters.flag("none").unwrap(), None);
    assert!(matches!(parameters.flag("d"), Err(Error::Parameter { .. })));
    assert!(matches!(parameters.flag("e"), Err(Error::Parameter { .. })));
}

#[actix_web::test]
async fn user_data_are_all_names_without_a_leading_underscore_as_they_came() {
    let parameters = gather("_id=1&a_b=+x+", Some(FORM), b"Name=&_own=1").await.unwrap();
    let data = parameters.clone().user_data().unwrap();
    let pairs: Vec<_> = data.iter().map(|entry| (entry.key.as_str(), &*entry.bytes)).collect();
    assert_eq!(pairs, [("Name", b"".as_slice()), ("a_b", b" x ".as_slice())]);
    assert_eq!(parameters.data().unwrap().len(), 4);
    let long = gather(&format!("{}=1", "k".repeat(256)), None, b"").await.unwrap();
    assert!(matches!(long.user_data(), Err(Error::Parameter { .. })));
}

#[test]
fn a_time_to_live_is_a_whole_number_above_zero_or_thirty() {
    for (text, seconds) in [("1", 1), (" 60 ", 60), ("0", 30), ("-5", 30), ("1.5", 30), ("x", 30), ("", 30)] {
        assert_eq!(time_to_live(text), Seconds::new(seconds), "{text}");
    }
}

proptest! {
    /// Whoever sends what: parameters come out or an error, never a panic and never a wait without end.
    #[test]
    fn any_body_is_read_or_refused(
        body in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..200),
            mangled("_id=1&a=%20b\n_x=2"),
            mangled(r#"{"_id":"1","a":[1,{"b":"\u00e4"}],"c":1e5}"#),
            mangled("--b\r\nContent-Disposition: form-data; name=\"_id\"\r\n\r\n1\r\n--b\r\n\
                Content-Disposition: form-data; name=\"f\"; filename=\"x\"\r\nContent-Type: a/b\r\n\r\n\r\n--b--"),
        ],
        content_type in prop_oneof![Just(FORM), Just("application/json"), Just("multipart/form-data; boundary=b")],
    ) {
        let gathered = actix_web::rt::System::new().block_on(gather("", Some(content_type), &body));
        if let Ok(parameters) = gathered {
            prop_assert!(parameters.0.keys().all(|name| !name.is_empty() && !name.contains('\0')));
        }
    }
}

/// A good body with a few bytes of it replaced.
fn mangled(body: &'static str) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec((0..body.len(), any::<u8>()), 0..4).prop_map(move |changes| {
        let mut bytes = body.as_bytes().to_vec();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        bytes
    })
}
