//! The Storage API.

use actix_web::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use actix_web::http::{Method, StatusCode};

use super::bench::*;
use crate::domain::Seconds;

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
