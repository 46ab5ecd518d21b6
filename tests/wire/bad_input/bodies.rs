//! Bodies that are too long, compressed, or not what their head says.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::{Method, RequestBuilder};

use super::{Form, Trial};
use crate::callers::{INTERACTION, PASSWORD, USER, envelope, send};
use crate::raw::Wire;

/// The longest body of SOAP, JSON and plain forms.
const LIMIT: usize = 64 * 1024;
/// The longest multipart body.
const MULTIPART_LIMIT: usize = 8 * 1024 * 1024;

const SOAP: &str = "/interact/version/2/agent/soap";
const REST: &str = "/interact/version/2/dnis/allocate/new";
const GMS: &str = "/genesys/1/service/request-access";
const FORM: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data; boundary=XbX";

/// Where bodies are sent: path, media type, a right body of exactly so many bytes, and the form of refusals.
type Target = (&'static str, &'static str, fn(usize) -> Vec<u8>, Form);

fn refusing(json: bool) -> Form {
    if json { Form::Json("ClientErrorException") } else { Form::Xml("ClientErrorException") }
}

fn targets() -> [Target; 4] {
    [
        (SOAP, "text/xml", soap_body, Form::Text),
        (REST, "application/json", json_body, Form::Text),
        (GMS, FORM, form_body, refusing(false)),
        (GMS, "application/json", gms_json_body, refusing(true)),
    ]
}

/// `before` and `after` with as many blanks in between as make it `length` bytes.
fn padded(before: &str, after: &str, length: usize) -> Vec<u8> {
    let blanks = " ".repeat(length - before.len() - after.len());
    format!("{before}{blanks}{after}").into_bytes()
}

fn soap_body(length: usize) -> Vec<u8> {
    padded(&envelope("<a:GetDnisAllocationRequest><a:phone>222</a:phone></a:GetDnisAllocationRequest>"), "", length)
}

fn json_body(length: usize) -> Vec<u8> {
    padded("{\"id\":", "\"holder\"}", length)
}

fn form_body(length: usize) -> Vec<u8> {
    let start = format!("_id={INTERACTION}&_resource_group=nowhere&a=");
    format!("{start}{}", "x".repeat(length - start.len())).into_bytes()
}

fn gms_json_body(length: usize) -> Vec<u8> {
    padded(&format!("{{\"_id\":\"{INTERACTION}\","), "\"_resource_group\":\"nowhere\"}", length)
}

fn multipart_body(length: usize) -> Vec<u8> {
    let start = "--XbX\r\nContent-Disposition: form-data; name=\"_id\"\r\n\r\n1-nobody\r\n--XbX\r\n\
                 Content-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n";
    let end = "\r\n--XbX--\r\n";
    format!("{start}{}{end}", "x".repeat(length - start.len() - end.len())).into_bytes()
}

impl Trial {
    fn post(&self, path: &str, media_type: &str) -> RequestBuilder {
        self.caller().user(Method::POST, path).header("Content-Type", media_type)
    }

    /// Sends a body in chunks, without saying its length.
    async fn chunked(&self, path: &str, media_type: &str, body: &[u8]) -> crate::callers::Reply {
        let mut wire = Wire::to(self.gateway.address()).await;
        let head = head(path, media_type, "Transfer-Encoding: chunked");
        wire.send(head).await;
        for chunk in body.chunks(10_000) {
            wire.send(format!("{:x}\r\n", chunk.len())).await;
            wire.send(chunk).await;
            wire.send("\r\n").await;
        }
        wire.send("0\r\n\r\n").await;
        wire.reply().await.unwrap()
    }
}

/// A head with the demo's credentials.
fn head(path: &str, media_type: &str, more: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nTenant-Id: 12345678\r\nApplication-Key: 53475e5f1463f9ab2052ead\r\n\
         User-Id: {USER}\r\nUser-Password: {PASSWORD}\r\nContent-Type: {media_type}\r\n{more}\r\n\r\n"
    )
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_of_64_kib_is_read_and_one_byte_more_is_refused() {
    let trial = Trial::demo().await;
    for (path, media_type, body, form) in targets() {
        let what = format!("{media_type} to {path}");
        let longest = send(trial.post(path, media_type).body(body(LIMIT))).await;
        assert!(longest.status != 413 && !longest.text().contains("too long"), "{what}: {longest:?}");
        let longest = trial.chunked(path, media_type, &body(LIMIT)).await;
        assert!(longest.status != 413 && !longest.text().contains("too long"), "{what}: {longest:?}");
        trial.unchanged(&what).await;
        let reply = send(trial.post(path, media_type).body(body(LIMIT + 1))).await;
        trial.refused(&what, &reply, 413, form, "at most 65536 bytes").await;
        let reply = trial.chunked(path, media_type, &body(LIMIT + 1)).await;
        trial.refused(&format!("{what} in chunks"), &reply, 413, form, "at most 65536 bytes").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_multipart_body_of_8_mib_is_read_and_one_byte_more_is_refused() {
    let trial = Trial::demo().await;
    let longest = send(trial.post(GMS, MULTIPART).body(multipart_body(MULTIPART_LIMIT))).await;
    trial.refused("the longest", &longest, 404, Form::Xml("NotFoundException"), "1-nobody").await;
    let reply = send(trial.post(GMS, MULTIPART).body(multipart_body(MULTIPART_LIMIT + 1))).await;
    trial.refused("too long", &reply, 413, refusing(false), "at most 8388608 bytes").await;
    let reply = trial.chunked(GMS, MULTIPART, &multipart_body(MULTIPART_LIMIT + 1)).await;
    trial.refused("too long in chunks", &reply, 413, refusing(false), "at most 8388608 bytes").await;
    let reply = send(trial.post(REST, MULTIPART).body(multipart_body(LIMIT + 1))).await;
    trial.refused("where no multipart is read", &reply, 413, Form::Text, "at most 65536 bytes").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_announced_as_far_too_long_is_refused_before_it_is_sent() {
    let trial = Trial::demo().await;
    for length in ["65537", "99999999999"] {
        let mut wire = Wire::to(trial.gateway.address()).await;
        wire.send(head(REST, "application/json", &format!("Content-Length: {length}"))).await;
        let reply = wire.reply().await.unwrap();
        trial.refused(length, &reply, 413, Form::Text, "at most 65536 bytes").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_compressed_body_is_read_like_any_other() {
    let trial = Trial::demo().await;
    let get = envelope("<a:GetDnisAllocationRequest><a:phone>111</a:phone></a:GetDnisAllocationRequest>");
    for coding in ["gzip", "GZip", "x-gzip"] {
        let request = trial.post(SOAP, "text/xml").header("Content-Encoding", coding);
        assert_eq!(send(request.body(gzip(get.as_bytes()))).await.element("result"), "holder", "{coding}");
    }
    let request = trial.post(REST, "application/json").header("Content-Encoding", "gzip");
    assert_eq!(send(request.body(gzip(br#"{"id":"holder"}"#))).await.text(), "111");
    let request = trial.post(GMS, FORM).header("Content-Encoding", "gzip");
    assert_eq!(send(request.body(gzip(b"_id=1-nobody"))).await.status, 404);
    let request = trial.post(SOAP, "text/xml").header("Content-Encoding", "identity");
    assert_eq!(send(request.body(get)).await.element("result"), "holder");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_compressed_body_is_held_to_the_limit_by_what_comes_out_of_it() {
    let trial = Trial::demo().await;
    let bomb = gzip(&vec![b' '; 50_000_000]);
    assert!(bomb.len() < LIMIT, "the bomb is small on the wire");
    for (path, media_type, body, form) in targets() {
        let what = format!("{media_type} to {path}");
        let coded = |body: Vec<u8>| trial.post(path, media_type).header("Content-Encoding", "gzip").body(body);
        let longest = send(coded(gzip(&body(LIMIT)))).await;
        assert!(longest.status != 413 && !longest.text().contains("too long"), "{what}: {longest:?}");
        trial.unchanged(&what).await;
        let reply = send(coded(gzip(&body(LIMIT + 1)))).await;
        trial.refused(&what, &reply, 413, form, "at most 65536 bytes").await;
        let reply = send(coded(bomb.clone())).await;
        trial.refused(&format!("a bomb, {what}"), &reply, 413, form, "at most 65536 bytes").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_coding_that_is_unknown_or_broken_is_refused() {
    let trial = Trial::demo().await;
    for (path, media_type, body, form) in targets() {
        let (unsupported, broken) = match form {
            Form::Xml(_) => (Form::Xml("NotSupportedException"), Form::Xml("BadRequestException")),
            Form::Json(_) => (Form::Json("NotSupportedException"), Form::Json("BadRequestException")),
            other => (other, other),
        };
        let coded = |coding: &str| trial.post(path, media_type).header("Content-Encoding", coding);
        for coding in ["br", "deflate", "gzip, gzip", "zstd", "x"] {
            let reply = send(coded(coding).body(body(1000))).await;
            trial.refused(&format!("{coding}, {path}"), &reply, 415, unsupported, "gzip").await;
        }
        let whole = gzip(&body(1000));
        let mut damaged = whole.clone();
        damaged[whole.len() - 6] ^= 0xff;
        for (what, bytes) in [("plain", body(1000)), ("cut", whole[..whole.len() - 9].to_owned()), ("damaged", damaged)]
        {
            let reply = send(coded("gzip").body(bytes)).await;
            trial.refused(&format!("{what}, {path}"), &reply, 400, broken, "could not be read").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_breaks_off_changes_nothing() {
    let trial = Trial::demo().await;
    let create = r#"{"phoneNumber":"12","dnId":"2"}"#;
    for framing in [
        format!("Content-Length: {}\r\n\r\n{create}", create.len() + 10),
        format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{create}\r\n", create.len()),
        format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{create}", create.len() + 10),
    ] {
        let mut wire = Wire::to(trial.gateway.address()).await;
        let head = head("/interact/version/2/dnis", "application/json", &framing);
        wire.send(head.trim_end()).await;
        wire.finish().await;
        if let Some(reply) = wire.reply().await {
            assert!((400..500).contains(&reply.status), "{framing}: {reply:?}");
        }
        trial.unchanged(&framing).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_whose_framing_is_broken_is_refused_and_changes_nothing() {
    let trial = Trial::demo().await;
    let create = r#"{"phoneNumber":"12","dnId":"2"}"#;
    let length = create.len();
    for framing in [
        format!("Content-Length: x\r\n\r\n{create}"),
        format!("Content-Length: -1\r\n\r\n{create}"),
        format!("Content-Length: {length}\r\nContent-Length: 1\r\n\r\n{create}"),
        format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n\r\n{create}"),
        format!("Transfer-Encoding: chunked\r\n\r\nnone\r\n{create}\r\n0\r\n\r\n"),
        format!("Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{create}\r\n0\r\n\r\n"),
        format!("Transfer-Encoding: gzip\r\n\r\n{create}"),
    ] {
        let mut wire = Wire::to(trial.gateway.address()).await;
        let head = head("/interact/version/2/dnis", "application/json", &framing);
        wire.send(head.trim_end()).await;
        let reply = wire.reply().await.unwrap_or_else(|| panic!("no answer to {framing}"));
        assert!((400..500).contains(&reply.status), "{framing}: {reply:?}");
        trial.unchanged(&framing).await;
    }
}
