//! What comes over a connection that no HTTP client would send, and what a connection bears.

use super::{Form, Trial};
use crate::raw::{Wire, exchange};

/// The most that the request line and the headers may take together, in bytes.
const HEAD_LIMIT: usize = 16 * 1024;

const IVR: &str = "Tenant-Id: 12345678\r\nApplication-Key: 53475e5f1463f9ab2052ead\r\n";
const GET: &str = "/interact/version/2/dnis/allocate/get/111";

fn get(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\n{IVR}{headers}\r\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_above_16_kib_is_refused_in_the_form_of_the_dialect() {
    let trial = Trial::demo().await;
    let address = trial.gateway.address();
    let allowed = format!("X-Long: {}\r\n", "x".repeat(HEAD_LIMIT - 300));
    assert_eq!(exchange(address, get(GET, &allowed)).await.unwrap().text(), "holder");
    let one = format!("X-Long: {}\r\n", "x".repeat(HEAD_LIMIT));
    let many: String = (0..80).map(|number| format!("X-{number}: {}\r\n", "x".repeat(250))).collect();
    let query = format!("{GET}?{}", "x".repeat(HEAD_LIMIT));
    let text = "at most 16384 bytes";
    for (what, request) in [("one header", get(GET, &one)), ("many", get(GET, &many)), ("a query", get(&query, ""))] {
        let reply = exchange(address, request).await.unwrap();
        trial.refused(what, &reply, 431, Form::Text, text).await;
    }
    let reply = exchange(address, get("/genesys/1/service/match-interaction", &one)).await.unwrap();
    trial.refused("GMS", &reply, 431, Form::Xml("ClientErrorException"), text).await;
    let soap = format!("POST /interact/version/2/agent/soap HTTP/1.1\r\nHost: x\r\n{one}Content-Length: 0\r\n\r\n");
    let reply = exchange(address, soap).await.unwrap();
    trial.refused("SOAP", &reply, 431, Form::Text, text).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_to_speak_http_2_is_answered_in_http_1_and_the_end_of_the_connection_is_announced() {
    let trial = Trial::demo().await;
    let offer = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\n";
    let mut wire = Wire::to(trial.gateway.address()).await;
    wire.send(get(GET, offer)).await;
    let reply = wire.reply().await.unwrap();
    assert_eq!((reply.status, reply.text().as_str(), reply.header("connection")), (200, "holder", "close"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_http_at_all_costs_its_connection_and_nothing_else() {
    let trial = Trial::demo().await;
    let endless = format!("GET / HTTP/1.1\r\nX-Long: {}\r\n\r\n", "x".repeat(300_000));
    let headers: String = (0..500).map(|number| format!("X-{number}: x\r\n")).collect();
    for (what, bytes) in [
        ("a greeting", b"HELO gateway\r\n\r\n".to_vec()),
        ("a TLS handshake", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec()),
        ("NUL bytes", vec![0; 1000]),
        ("a NUL in a header", get(GET, "X-A: a\0b\r\n").into_bytes()),
        ("a NUL in the path", get("/interact/\0", "").into_bytes()),
        ("a header without a colon", get(GET, "nonsense\r\n").into_bytes()),
        ("a header with a blank name", get(GET, ": x\r\n").into_bytes()),
        ("HTTP/9.9", format!("GET {GET} HTTP/9.9\r\nHost: x\r\n\r\n").into_bytes()),
        ("a head of 300 KB", endless.into_bytes()),
        ("500 headers", get(GET, &headers).into_bytes()),
    ] {
        let mut wire = Wire::to(trial.gateway.address()).await;
        wire.send(bytes).await;
        if let Some(reply) = wire.reply().await {
            assert!((400..500).contains(&reply.status), "{what}: {reply:?}");
        }
        trial.unchanged(what).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_1_0_without_host_is_answered_and_the_connection_closed() {
    let trial = Trial::demo().await;
    let mut wire = Wire::to(trial.gateway.address()).await;
    wire.send(format!("GET {GET} HTTP/1.0\r\n{IVR}\r\n")).await;
    let reply = wire.reply().await.unwrap();
    assert_eq!((reply.status, reply.text().as_str()), (200, "holder"), "{reply:?}");
    assert!(wire.hangs_up().await);
    let wsdl = "GET /interact/version/2/agent/soap?wsdl HTTP/1.0\r\n\r\n";
    let reply = exchange(trial.gateway.address(), wsdl).await.unwrap();
    let address = format!("location=\"http://{}/interact/version/2/agent/soap\"", trial.gateway.address());
    assert!(reply.text().contains(&address), "the address that it came to: {reply:?}");
    let gms = "GET /genesys/1/service/match-interaction?_access_number=222 HTTP/1.0\r\n\r\n";
    let reply = exchange(trial.gateway.address(), gms).await.unwrap();
    trial.refused("GMS", &reply, 404, Form::Xml("NotFoundException"), "no service matches").await;
}

fn post(path: &str, media_type: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\n{IVR}Content-Type: {media_type}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_goes_on_after_a_refusal() {
    let trial = Trial::demo().await;
    let mut wire = Wire::to(trial.gateway.address()).await;
    for (request, status) in [
        (get("/interact/version/2/dnis/allocate/get/404", ""), 404),
        (get("/interact/version/2/nothing", ""), 404),
        (get("/interact/version/2/dnis/allocate/new", ""), 405),
        (get("/genesys/1/nothing", ""), 404),
        (get("/nothing", ""), 404),
        (post("/interact/version/2/agent/soap", "text/xml", "<broken"), 500),
        (post("/interact/version/2/agent/soap", "text/plain", "x"), 415),
        (post("/interact/version/2/dnis/allocate/new", "application/json", "{"), 400),
        (post("/genesys/1/service/request-access", "text/xml", "<x/>"), 415),
        (post("/genesys/1/service/request-access", "application/json", "{}"), 400),
    ] {
        wire.send(&request).await;
        let reply = wire.reply().await.unwrap_or_else(|| panic!("no answer to {request}"));
        assert_eq!((reply.status, reply.header("connection")), (status, ""), "{request}: {reply:?}");
        wire.send(get(GET, "")).await;
        let next = wire.reply().await.unwrap_or_else(|| panic!("no answer after {request}"));
        assert_eq!((next.status, next.text().as_str()), (200, "holder"), "after {request}");
    }
    trial.unchanged("all of them").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_goes_on_after_a_short_body_that_nobody_read_and_is_closed_after_a_long_one() {
    let trial = Trial::demo().await;
    let long = "x".repeat(1 << 20);
    for (path, body, status) in [
        ("/interact/version/2/nothing/here", "{}", 404),
        ("/interact/version/2/dnis/allocate/get/111", "{}", 405),
        ("/genesys/1/nothing", "a=b", 404),
        ("/nothing", "{}", 404),
        ("/nothing", &long, 404),
        ("/interact/version/2/dnis/allocate/new", &long, 413),
    ] {
        let closes = body.len() > 1000;
        let mut wire = Wire::to(trial.gateway.address()).await;
        wire.send(post(path, "application/json", body)).await;
        let reply = wire.reply().await.unwrap_or_else(|| panic!("no answer at {path}"));
        let connection = if closes { "close" } else { "" };
        assert_eq!((reply.status, reply.header("connection")), (status, connection), "{path}: {reply:?}");
        if closes {
            assert!(wire.hangs_up().await, "{path}");
        } else {
            wire.send(get(GET, "")).await;
            assert_eq!(wire.reply().await.unwrap().text(), "holder", "after {path}");
        }
        trial.unchanged(path).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_in_one_piece_are_answered_in_their_order() {
    let trial = Trial::demo().await;
    let mut wire = Wire::to(trial.gateway.address()).await;
    let second = get("/interact/version/2/dnis/allocate/get/404", "");
    wire.send(format!("{}{second}{}", get(GET, ""), get(GET, ""))).await;
    for status in [200, 404, 200] {
        assert_eq!(wire.reply().await.unwrap().status, status);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_100_continue_is_told_to_go_on_and_then_answered() {
    let trial = Trial::demo().await;
    let body = r#"{"id":"holder"}"#;
    let mut wire = Wire::to(trial.gateway.address()).await;
    let head = |length: usize| {
        format!(
            "POST /interact/version/2/dnis/allocate/new HTTP/1.1\r\nHost: x\r\n{IVR}Expect: 100-continue\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        )
    };
    wire.send(head(body.len())).await;
    assert_eq!(wire.reply().await.unwrap().status, 100);
    wire.send(body).await;
    assert_eq!(wire.reply().await.unwrap().text(), "111");

    let mut wire = Wire::to(trial.gateway.address()).await;
    wire.send(head(1 << 20)).await;
    let reply = wire.reply().await.unwrap();
    trial.refused("a body that would be too long", &reply, 413, Form::Text, "at most 65536 bytes").await;
}
