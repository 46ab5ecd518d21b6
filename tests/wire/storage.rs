//! The Storage API in quantity: ten thousand documents and large files, before and after a restart.

use std::collections::{BTreeMap, HashSet};

use futures_util::{StreamExt, stream};
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use reqwest::Method;
use reqwest::multipart::{Form, Part};

use crate::callers::{Caller, send};
use crate::gateway::Gateway;

const DOCUMENTS: usize = 10_000;
/// Requests that are under way at the same time.
const AT_ONCE: usize = 64;
const MIB: usize = 1024 * 1024;
const STORAGE: &str = "/genesys/1/storage/3600";

type Document = BTreeMap<String, String>;

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

fn random_document(rng: &mut StdRng) -> Document {
    let keys = rng.random_range(1..5);
    (0..keys).map(|_| (random_text(rng, 1), random_text(rng, 0))).collect()
}

async fn create(request: reqwest::RequestBuilder) -> String {
    let reply = send(request.header("Accept", "application/json")).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    format!("/genesys/1/storage/{}", reply.json()["id"].as_str().unwrap())
}

/// Holds what is stored against what was sent.
async fn check(caller: &Caller, documents: &[(String, Document)], files: &[(String, Vec<u8>)]) {
    let reads = documents.iter().map(|(path, document)| async move {
        let reply = send(caller.request(Method::GET, path).header("Accept", "application/json")).await;
        let read: Document = serde_json::from_slice(&reply.body).unwrap_or_else(|error| panic!("{error}: {reply:?}"));
        assert_eq!(read, *document, "{path}");
    });
    stream::iter(reads).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
    for (path, bytes) in files {
        let reply = caller.get(&format!("{path}/file")).await;
        assert!(reply.body == *bytes, "{path}");
        assert_eq!(reply.header("content-type"), "application/x-thing");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_documents_and_large_files_are_the_same_before_and_after_a_restart() {
    let gateway = Gateway::demo().start().await;
    let caller = gateway.caller();
    let mut rng = StdRng::seed_from_u64(42);
    let contents: Vec<_> = std::iter::repeat_with(|| random_document(&mut rng)).take(DOCUMENTS).collect();
    let writes = contents.into_iter().map(|document| {
        let request = caller.request(Method::POST, STORAGE).form(&document);
        async move { (create(request).await, document) }
    });
    let documents: Vec<_> = stream::iter(writes).buffer_unordered(AT_ONCE).collect().await;
    let mut files = Vec::new();
    for _ in 0..4 {
        let mut bytes = vec![0; MIB];
        rng.fill_bytes(&mut bytes);
        let part = Part::bytes(bytes.clone()).file_name("f").mime_str("application/x-thing").unwrap();
        let request = caller.request(Method::POST, STORAGE).multipart(Form::new().part("file", part));
        files.push((create(request).await, bytes));
    }
    assert_eq!(documents.iter().map(|(path, _)| path).collect::<HashSet<_>>().len(), DOCUMENTS);
    check(caller, &documents, &files).await;

    let gateway = Gateway::demo().on(gateway.stop().await).start().await;
    check(gateway.caller(), &documents, &files).await;
    gateway.stop().await;
}
