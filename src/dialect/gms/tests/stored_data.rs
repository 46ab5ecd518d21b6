//! The Storage API.

use actix_web::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use actix_web::http::{Method, StatusCode};

use super::bench::*;
use crate::domain::{Rules, Seconds};

const MULTIPART: &str = "multipart/form-data; boundary=XbX";

async fn create(bench: &Bench, ttl: &str, form: &str) -> String {
    let made = bench.json(&format!("/genesys/1/storage/{ttl}"), form).await;
    format!("/genesys/1/storage/{}", made["id"].as_str().unwrap())
}

async fn read(bench: &Bench, path: &str) -> String {
    text(&bench.send(get(path).accept("application/json")).await).to_owned()
}

#[actix_web::test]
async fn what_is_stored_is_read_back_as_texts_underscores_included() {
    let bench = Bench::new().await;
    let path = create(&bench, "60", "POS=7&_own=1&empty=").await;
    assert_eq!(read(&bench, &path).await, r#"{"POS":"7","_own":"1","empty":""}"#);
    let one = bench.send(get(&format!("{path}/POS"))).await;
    assert_eq!((text(&one), one.headers[0].1.to_str().unwrap()), ("7", "text/plain;charset=UTF-8"));
}

#[actix_web::test]
async fn a_file_is_given_back_byte_for_byte_under_the_path_that_stands_for_it() {
    let bench = Bench::new().await;
    for size in [3, 100_000] {
        let bytes: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
        let mut body = b"--XbX\r\nContent-Disposition: form-data; name=\"my/picture\"; filename=\"me.png\"\r\n\
            Content-Type: image/png\r\n\r\n"
            .to_vec();
        body.extend(&bytes);
        body.extend(b"\r\n--XbX--\r\n");
        let lent = bench.send(post(REQUEST_INTERACTION).body(MULTIPART, body).accept("application/json")).await;
        let lent: serde_json::Value = serde_json::from_slice(&lent.body).unwrap();
        let form = format!("_access_number={}&_return_data=true", lent["_access_number"].as_str().unwrap());
        let matched = bench.json(MATCH_INTERACTION, &form).await;
        let path = matched["user_data"]["my/picture"].as_str().unwrap();
        assert_eq!(path, format!("/genesys/1/storage/{}/my%2Fpicture", matched["_data_id"].as_str().unwrap()));
        let file = bench.send(get(path)).await;
        assert_eq!(file.body, bytes);
        assert_eq!(file.headers[0], (CONTENT_TYPE, HeaderValue::from_static("image/png")));
        // The bytes are a stranger's: a browser must neither guess what they are nor run them.
        assert!(file.headers.contains(&(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))));
        assert!(file.headers.iter().any(|(name, _)| name == CONTENT_SECURITY_POLICY));
    }
}

#[actix_web::test]
async fn a_second_post_merges_and_gives_another_time_to_live() {
    let bench = Bench::new().await;
    let path = create(&bench, "60", "a=1&b=1").await;
    let merged = bench.json(&format!("{path}/600"), "b=2&c=2").await;
    assert!(path.ends_with(merged["id"].as_str().unwrap()));
    bench.clock.advance(Seconds::new(599));
    assert_eq!(read(&bench, &path).await, r#"{"a":"1","b":"2","c":"2"}"#);
    bench.clock.advance(Seconds::new(1));
    assert_eq!(bench.send(get(&path)).await.status, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn a_wrong_time_to_live_means_thirty_seconds() {
    for ttl in ["0", "-1", "soon", "1.5"] {
        let bench = Bench::new().await;
        let path = create(&bench, ttl, "a=1").await;
        bench.clock.advance_millis(29_999);
        assert_eq!(bench.send(get(&path)).await.status, StatusCode::OK, "{ttl}");
        bench.clock.advance_millis(1);
        assert_eq!(bench.send(get(&path)).await.status, StatusCode::NOT_FOUND, "{ttl}");
    }
}

#[actix_web::test]
async fn deleted_data_are_gone() {
    let bench = Bench::new().await;
    let path = create(&bench, "60", "a=1").await;
    assert_eq!(bench.send(request(Method::DELETE, &path)).await.status, StatusCode::OK);
    assert_eq!(bench.send(get(&path)).await.status, StatusCode::NOT_FOUND);
    assert_eq!(bench.send(request(Method::DELETE, &path)).await.status, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn data_of_one_tenant_are_unknown_to_another() {
    let bench = Bench::new().await;
    let path = create(&bench, "60", "a=1").await;
    let other = get(&path).header(actix_web::http::header::AUTHORIZATION, "Basic YW5uOnBhc3N3b3Jk");
    assert_eq!(bench.send(other).await.status, StatusCode::NOT_FOUND);
    assert_eq!(bench.send(get(&path)).await.status, StatusCode::OK);
}

fn by(user: &str, request: Request) -> Request {
    request.header(GMS_USER, user)
}

#[actix_web::test]
async fn the_user_may_be_named_without_an_underscore_and_in_both_spellings_only_alike() {
    let bench = Bench::new().await;
    let alias = || HeaderName::from_static("gms-user");
    bench.members(post(&format!("{SESSION}/60")).form("a=1").header(alias(), "ann")).await;
    for named in
        [by("ann", get(SESSION)), get(SESSION).header(alias(), "ann"), by("ann", get(SESSION)).header(alias(), "ann")]
    {
        assert_eq!(bench.members(named).await.to_string(), r#"{"a":"1"}"#);
    }
    let twice = get(SESSION).header(alias(), "ann").header(alias(), "ann");
    for named in [by("ann", get(SESSION)).header(alias(), "bob"), twice, get(SESSION).header(alias(), " ")] {
        assert_eq!(bench.send(named).await.status, StatusCode::BAD_REQUEST);
    }
}

const SESSION: &str = "/genesys/1/storage/custom/session%2042";

#[actix_web::test]
async fn an_id_of_ones_own_is_made_with_the_first_post_and_updated_with_the_next() {
    let bench = Bench::new().await;
    let store = |form: &'static str| by("ann", post(&format!("{SESSION}/60")).form(form));
    assert_eq!(bench.members(store("STATE=OPEN&POS=7")).await["id"], "session 42");
    bench.members(store("POS=&LIST=")).await;
    bench.clock.advance_millis(59_999);
    let read = bench.members(by("ann", get(SESSION))).await;
    assert_eq!(read.to_string(), r#"{"LIST":"","POS":"","STATE":"OPEN"}"#);
    let one = bench.send(by("ann", get(&format!("{SESSION}/STATE")))).await;
    assert_eq!(text(&one), "OPEN");
    bench.clock.advance_millis(1);
    assert_eq!(bench.send(by("ann", get(SESSION))).await.status, StatusCode::NOT_FOUND);
    assert_eq!(bench.members(store("POS=1")).await["id"], "session 42");
}

#[actix_web::test]
async fn an_id_of_ones_own_leads_only_its_user_to_the_data() {
    let bench = Bench::new().await;
    bench.members(by("ann", post(&format!("{SESSION}/60")).form("a=1"))).await;
    let paths = [(Method::GET, ""), (Method::GET, "/a"), (Method::DELETE, "/a"), (Method::DELETE, "")];
    for (method, key) in &paths {
        let call = || request(method.clone(), &format!("{SESSION}{key}"));
        assert_eq!(bench.send(call()).await.status, StatusCode::BAD_REQUEST, "{method} {key}");
        assert_eq!(bench.send(by("ann", by("ann", call()))).await.status, StatusCode::BAD_REQUEST, "{method} {key}");
        for other in ["bob", "Ann", "annsession", "a"] {
            assert_eq!(bench.send(by(other, call())).await.status, StatusCode::NOT_FOUND, "{method} {key} {other}");
        }
    }
    // Another user has an id of the same name to itself.
    bench.members(by("bob", post(&format!("{SESSION}/60")).form("b=2"))).await;
    assert_eq!(bench.members(by(" ann ", get(SESSION))).await.to_string(), r#"{"a":"1"}"#);
    assert_eq!(bench.members(by("bob", get(SESSION))).await.to_string(), r#"{"b":"2"}"#);
    for (method, key) in paths.into_iter().skip(1) {
        let answer = bench.send(by("ann", request(method.clone(), &format!("{SESSION}{key}")))).await;
        assert_eq!(answer.status, StatusCode::OK, "{method} {key}");
    }
    assert_eq!(bench.send(by("ann", get(SESSION))).await.status, StatusCode::NOT_FOUND);
    assert_eq!(bench.send(by("bob", get(SESSION))).await.status, StatusCode::OK);
}

#[actix_web::test]
async fn an_id_of_ones_own_is_trimmed_and_has_no_control_characters() {
    let bench = Bench::new().await;
    let call = |id: &str| by("ann", post(&format!("/genesys/1/storage/custom/{id}/60")).form("a=1"));
    assert_eq!(bench.members(call("%20session%2042%20")).await["id"], "session 42");
    assert_eq!(bench.members(by("ann", get(SESSION))).await.to_string(), r#"{"a":"1"}"#);
    assert_eq!(bench.send(call(&"%C3%A9".repeat(255))).await.status, StatusCode::OK);
    for id in ["%20", "a%01b", "a%0Ab", "a%C2%85b", &"%C3%A9".repeat(256)] {
        let answer = bench.send(call(id)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{id}");
        assert!(text(&answer).contains("1 to 255 characters, none of them a control character"), "{answer:?}");
    }
}

#[actix_web::test]
async fn a_file_under_an_id_of_ones_own_is_found_where_the_data_say() {
    let bench = Bench::new().await;
    let body = "--XbX\r\nContent-Disposition: form-data; name=\"my/picture\"; filename=\"me.png\"\r\n\
        Content-Type: image/png\r\n\r\n\0\u{1}\r\n--XbX--\r\n";
    bench.members(by("ann", post(&format!("{SESSION}/60")).body(MULTIPART, body))).await;
    let read = bench.members(by("ann", get(SESSION))).await;
    let path = read["my/picture"].as_str().unwrap();
    assert_eq!(path, format!("{SESSION}/my%2Fpicture"));
    assert_eq!(&bench.send(by("ann", get(path))).await.body[..], b"\0\x01");
}

#[actix_web::test]
async fn one_key_is_deleted_and_the_others_stay() {
    let bench = Bench::new().await;
    let path = create(&bench, "60", "a=1&b%2Fc=2&d=3").await;
    let delete = |key: &str| request(Method::DELETE, &format!("{path}/{key}")).accept("application/json");
    assert_eq!(text(&bench.send(delete("b%2Fc")).await), "{}");
    assert_eq!(read(&bench, &path).await, r#"{"a":"1","d":"3"}"#);
    assert_eq!(bench.send(delete("b%2Fc")).await.status, StatusCode::NOT_FOUND);
    bench.send(delete("a")).await;
    bench.send(delete("d")).await;
    assert_eq!(read(&bench, &path).await, "{}");
}

#[actix_web::test]
async fn texts_of_every_script_come_back_as_they_were() {
    let bench = Bench::new().await;
    let data = [
        ("名前", "三四郎"),
        ("emoji \u{1F600}", "\u{1F468}\u{200D}\u{1F469}"),
        ("عربي", "\u{202E}مرحبا"),
        ("é", "e\u{301}"),
    ];
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(data);
    let path = create(&bench, "60", &form.finish()).await;
    let expected: serde_json::Value = data
        .iter()
        .map(|(key, value)| ((*key).to_owned(), serde_json::Value::from(*value)))
        .collect::<serde_json::Map<_, _>>()
        .into();
    assert_eq!(bench.members(get(&path)).await, expected);
    for (key, value) in data {
        let word = percent_encoding::utf8_percent_encode(key, percent_encoding::NON_ALPHANUMERIC);
        assert_eq!(text(&bench.send(get(&format!("{path}/{word}"))).await), value);
    }
}

#[actix_web::test]
async fn what_would_go_beyond_a_limit_is_refused_and_nothing_of_it_kept() {
    let limits = Rules { documents_total: 3_800, document_entries: 2, value_bytes: 8, ..Rules::default() };
    let bench = Bench::with_rules(SETTINGS, limits).await;
    let path = create(&bench, "60", "a=1&b=2").await;
    for (form, status, message) in [
        ("a=9&c=3", 413, "the data must have at most 2 keys; nothing was kept"),
        ("a=9&b=123456789", 413, "each value must have at most 8 bytes; nothing was kept"),
    ] {
        let answer = bench.send(post(&format!("{path}/60")).form(form).accept("application/json")).await;
        assert_eq!(answer.status.as_u16(), status, "{form}");
        assert!(text(&answer).contains(message), "{}", text(&answer));
        assert_eq!(read(&bench, &path).await, r#"{"a":"1","b":"2"}"#, "{form}");
    }
    // Two of these take more than what is left for all data together.
    let large = "k1=12345678&k2=12345678";
    assert_eq!(bench.status("/genesys/1/storage/60", large).await, 200);
    assert_eq!(bench.status("/genesys/1/storage/60", large).await, 507);
    bench.clock.advance(Seconds::new(60));
    assert_eq!(bench.status("/genesys/1/storage/60", large).await, 200);
}
