//! Whoever is not let in is told so before the body is read: it is neither waited for nor unpacked nor measured.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::time::timeout;

use super::Trial;
use crate::callers::{DNIS_KEY, TENANT, envelope};
use crate::raw::Wire;

/// Longer than a refusal takes on a busy machine, and shorter than the server waits for a body.
const SOON: Duration = Duration::from_secs(20);

/// A call that needs more than its headers show: path, what the head says of credentials, and the status.
type Call = (&'static str, &'static str, &'static str, u16);

/// A call of each kind by whoever may not make it.
const CALLS: [Call; 11] = [
    ("POST", "/interact/version/2/dnis", "Tenant-Id: 12345678\r\nApplication-Key: wrong\r\n", 401),
    ("POST", "/interact/version/2/dnis/allocate/new", "", 401),
    ("PUT", "/interact/version/2/dnis/111", "Tenant-Id: nobody\r\nApplication-Key: wrong\r\n", 401),
    ("POST", "/genesys/1/service/request-interaction", "Tenant-Id: 12345678\r\nApplication-Key: wrong\r\n", 401),
    ("POST", "/genesys/1/storage/60", "Tenant-Id: 12345678\r\n", 401),
    ("POST", "/genesys/1/service/1-nobody/storage", "User-Id: YWRtaW4=\r\n", 401),
    ("POST", "/apiaccess/rest/cc-management/v1/skill/createSkill", "Authorization: Bearer wrong\r\n", 403),
    ("POST", "/apiaccess/rest/cc-management/v1/skill/querySkills", "", 403),
    ("POST", "/gateway/v1/numbers", "", 401),
    ("POST", "/gateway/v1/numbers/import", "Authorization: Basic YWRtaW46d3Jvbmc=\r\n", 401),
    ("POST", "/gateway/v1/calls/resolve", "Authorization: Bearer wrong\r\n", 401),
];

/// How a body may be announced that never comes, or that would be refused for what it is if anybody looked.
const BODIES: [&str; 4] = [
    "Content-Type: multipart/form-data; boundary=XbX\r\nContent-Length: 8000000\r\n\r\n--XbX\r\n",
    "Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 99999999999\r\n\r\n",
    "Content-Type: text/csv\r\nContent-Encoding: zstd\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n11122\r\n",
    "Content-Type: no/such-type\r\nTransfer-Encoding: chunked\r\n\r\n",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_is_not_let_in_is_told_so_before_the_body_has_come() {
    let trial = Trial::demo().await;
    for (method, path, credentials, status) in CALLS {
        for body in BODIES {
            let what = format!("{method} {path} {credentials:?} {body:?}");
            let mut wire = Wire::to(trial.gateway.address()).await;
            wire.send(format!("{method} {path} HTTP/1.1\r\nHost: x\r\n{credentials}{body}")).await;
            let reply = timeout(SOON, wire.reply()).await.unwrap_or_else(|_| panic!("no answer to {what}"));
            assert_eq!(reply.unwrap_or_else(|| panic!("hung up on {what}")).status, status, "{what}");
        }
    }
    trial.unchanged("strangers' bodies").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strangers_archive_is_not_unpacked_which_would_find_it_too_long() {
    let trial = Trial::demo().await;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![b' '; 50_000_000]).unwrap();
    let bomb = encoder.finish().unwrap();
    for (method, path, credentials, status) in CALLS {
        let mut wire = Wire::to(trial.gateway.address()).await;
        let length = bomb.len();
        wire.send(format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\n{credentials}Content-Type: application/json\r\n\
             Content-Encoding: gzip\r\nContent-Length: {length}\r\n\r\n"
        ))
        .await;
        wire.send(&bomb).await;
        assert_eq!(wire.reply().await.unwrap().status, status, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_whose_body_is_little_keeps_the_connection() {
    let trial = Trial::demo().await;
    let mut wire = Wire::to(trial.gateway.address()).await;
    for framing in
        ["Content-Length: 14\r\n\r\n{\"id\":\"elsie\"}", "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"]
    {
        let head = format!("POST /interact/version/2/dnis/allocate/new HTTP/1.1\r\nHost: x\r\nTenant-Id: {TENANT}\r\n");
        let wrong = format!("{head}Application-Key: {DNIS_KEY}x\r\nContent-Type: application/json\r\n{framing}");
        wire.send(wrong).await;
        assert_eq!(wire.reply().await.unwrap().status, 401, "{framing}");
        wire.send(format!("{head}Application-Key: {DNIS_KEY}\r\nContent-Length: 14\r\n\r\n{{\"id\":\"elsie\"}}")).await;
        assert_eq!(wire.reply().await.unwrap().status, 200, "after {framing}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_or_method_that_is_not_there_is_told_before_the_credentials_and_a_soap_fault_keeps_its_form() {
    let trial = Trial::demo().await;
    let address = trial.gateway.address();
    for (request, status) in [
        ("POST /gateway/v1/nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".to_owned(), 404),
        ("PUT /gateway/v1/numbers HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".to_owned(), 405),
        ("PUT /genesys/1/storage/60 HTTP/1.1\r\nHost: x\r\nTenant-Id: x\r\nContent-Length: 0\r\n\r\n".to_owned(), 405),
    ] {
        assert_eq!(crate::raw::exchange(address, &request).await.unwrap().status, status, "{request}");
    }
    // Which rights a SOAP call needs stands in its envelope, and so does the version that a fault is written in.
    let call = envelope("<a:GetDnisAllocationRequest><a:phone>111</a:phone></a:GetDnisAllocationRequest>")
        .replace("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope");
    let length = call.len();
    let request = format!(
        "POST /interact/version/2/agent/soap HTTP/1.1\r\nHost: x\r\nContent-Type: application/soap+xml\r\n\
         Content-Length: {length}\r\n\r\n{call}"
    );
    let reply = crate::raw::exchange(address, &request).await.unwrap();
    assert_eq!(reply.status, 500);
    assert!(reply.text().contains("http://www.w3.org/2003/05/soap-envelope"), "{}", reply.text());
}
