//! Much at a time: ten thousand documents through a restart, a thousand callers on five shared numbers.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use serde_json::Value;

use super::bench::*;
use crate::dialect::gms::Gms;
use crate::store::Store;

const DOCUMENTS: usize = 10_000;
const CALLERS: usize = 1_000;
/// Requests that are under way at the same time.
const AT_ONCE: usize = 200;
const MIB: usize = 1024 * 1024;
const STORAGE: &str = "/genesys/1/storage";

/// A text of characters from all planes, of none at all now and then, without those that GMS refuses.
fn random_text(rng: &mut StdRng, least: usize) -> String {
    let length = rng.random_range(least..12);
    let characters = std::iter::repeat_with(|| {
        loop {
            let planes = [0x20..0x7F, 0xA0..0x3000, 0x4E00..0x9FFF, 0x1F300..0x1FAFF];
            let plane = planes[rng.random_range(0..planes.len())].clone();
            if let Some(character) = char::from_u32(rng.random_range(plane)) {
                break character;
            }
        }
    });
    characters.take(length).collect()
}

fn random_document(rng: &mut StdRng) -> BTreeMap<String, String> {
    let keys = rng.random_range(1..5);
    (0..keys).map(|_| (random_text(rng, 1), random_text(rng, 0))).collect()
}

fn form(document: &BTreeMap<String, String>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(document).finish()
}

async fn create(gms: &Gms, request: Request) -> String {
    let answer = send(gms, request.accept("application/json")).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", text(&answer));
    let made: Value = serde_json::from_slice(&answer.body).unwrap();
    format!("{STORAGE}/{}", made["id"].as_str().unwrap())
}

fn multipart(bytes: &[u8]) -> Vec<u8> {
    let mut body = b"--XbX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\
        Content-Type: application/x-thing\r\n\r\n"
        .to_vec();
    body.extend(bytes);
    body.extend(b"\r\n--XbX--\r\n");
    body
}

async fn check(gms: &Gms, documents: &[(String, BTreeMap<String, String>)], files: &[(String, Vec<u8>)]) {
    for (path, document) in documents {
        let answer = send(gms, get(path).accept("application/json")).await;
        let read: BTreeMap<String, String> = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(read, *document, "{path}");
    }
    for (path, document) in documents.iter().step_by(100) {
        for (key, value) in document {
            let word = utf8_percent_encode(key, NON_ALPHANUMERIC);
            assert_eq!(text(&send(gms, get(&format!("{path}/{word}"))).await), value, "{path} {key}");
        }
    }
    for (path, bytes) in files {
        let answer = send(gms, get(&format!("{path}/file"))).await;
        assert!(answer.body == *bytes && answer.headers[0].1 == "application/x-thing", "{path}");
    }
}

#[actix_web::test]
async fn ten_thousand_documents_and_large_files_are_the_same_before_and_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let mut rng = StdRng::seed_from_u64(42);
    let store = open(directory.path()).await;
    let gms = dialect(SETTINGS, store.clone());

    let contents: Vec<_> = std::iter::repeat_with(|| random_document(&mut rng)).take(DOCUMENTS).collect();
    let writes = contents.into_iter().map(|document| {
        let gms = &gms;
        async move { (create(gms, post(&format!("{STORAGE}/3600")).form(&form(&document))).await, document) }
    });
    let documents: Vec<_> = stream::iter(writes).buffer_unordered(AT_ONCE).collect().await;
    let mut files = Vec::new();
    for _ in 0..4 {
        let mut bytes = vec![0; MIB];
        rng.fill_bytes(&mut bytes);
        let request = post(&format!("{STORAGE}/3600")).body("multipart/form-data; boundary=XbX", multipart(&bytes));
        files.push((create(&gms, request).await, bytes));
    }
    assert_eq!(documents.iter().map(|(path, _)| path).collect::<HashSet<_>>().len(), DOCUMENTS);
    check(&gms, &documents, &files).await;

    store.close().await;
    drop((gms, store));
    let gms = dialect(SETTINGS, open(directory.path()).await);
    check(&gms, &documents, &files).await;
}

#[actix_web::test]
async fn a_thousand_interactions_on_five_shared_numbers_are_each_recognised_by_their_code() {
    let settings =
        SETTINGS.replace("{ name = \"DNIS\", policy = \"round-robin\" }", "{ name = \"DNIS\", sharing = \"shared\" }");
    let bench = Bench::with_settings(&settings).await;
    for number in ["6504664133", "6504664134"] {
        let number = crate::domain::Number::new(number).unwrap();
        let group = Some(crate::domain::GroupName::new("DNIS").unwrap());
        let new = crate::domain::NewNumber { number, dnid: number, group, enabled: true };
        bench.store.create_number(&scope(), new).await.unwrap();
    }
    let bench = Arc::new(bench);
    let lent = stream::iter((0..CALLERS).map(|_| async {
        bench.json(REQUEST_INTERACTION, "_provide_code=true&_booking_expiration_timeout=1800").await
    }));
    let lent: Vec<Value> = lent.buffer_unordered(AT_ONCE).collect().await;
    let text_of = |answer: &Value, member: &str| answer[member].as_str().unwrap().to_owned();
    let mut on: HashMap<String, HashSet<String>> = HashMap::new();
    for answer in &lent {
        let codes = on.entry(text_of(answer, "_access_number")).or_default();
        assert!(codes.insert(text_of(answer, "_access_code")), "a code twice on one number: {answer}");
    }
    assert_eq!(on.len(), 5);

    let matches = stream::iter(lent.iter().rev().map(|answer| async {
        let form = format!(
            "_access_number={}&_access_code={}",
            text_of(answer, "_access_number"),
            text_of(answer, "_access_code")
        );
        assert_eq!(bench.json(MATCH_INTERACTION, &form).await["_id"], answer["_id"]);
        assert_eq!(bench.status(MATCH_INTERACTION, &form).await, 404);
    }));
    matches.buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
}
