//! What lies on disk: records small enough that sled keeps its hands off files it never syncs.

use dnis_gateway::domain::document::FileLabel;
use dnis_gateway::domain::state::{Holder, Lend, Source};
use dnis_gateway::domain::{
    Caller, CodeShape, Content, EnvironmentName, GroupName, InteractionId, NewEntry, NewNumber, Scope, Seconds,
    TenantId,
};
use dnis_gateway::store::Store;

use crate::directory::tree;
use crate::words::*;

const MAX_RECORD_BYTES: usize = 4096;

/// The widest character in UTF-8, four bytes.
fn widest(count: usize) -> String {
    "🎉".repeat(count)
}

#[tokio::test]
async fn no_record_is_above_four_kibibytes_however_long_every_name_is() {
    let directory = tempfile::tempdir().unwrap();
    let store = crate::engine::open(directory.path()).unwrap();
    let scope = Scope {
        tenant: TenantId::new(&widest(64)).unwrap(),
        environment: Some(EnvironmentName::new(&widest(64)).unwrap()),
    };
    let number = num(&"9".repeat(32));
    let group = GroupName::new(&widest(255)).unwrap();
    let new = NewNumber { number, dnid: number, group: Some(group.clone()), enabled: true };
    store.create_number(&scope, new, None).await.unwrap();

    // Every mixture of long keys, long labels and values around the size that is kept with its entry.
    let mut data = Vec::new();
    for (at, length) in [0, 1, 3, 4, 5, 500, 1_000, 1_023, 1_024, 1_025, 4_000, 9_000].into_iter().enumerate() {
        let long_key = format!("{}{at:02}", widest(252));
        for (name, label) in [(format!("{at}"), 0), (format!("file {at}"), 255), (long_key, 255)] {
            let content = match label {
                0 => Content::Text,
                long => Content::File(FileLabel::new(&widest(long), Some(&widest(long))).unwrap()),
            };
            data.push(NewEntry { key: key(&name), content, bytes: vec![b'x'; length].into() });
            data.push(NewEntry {
                key: key(&format!("{name}t")),
                content: Content::Text,
                bytes: vec![b'x'; length].into(),
            });
        }
    }
    let lend = Lend {
        holder: Holder::Any(InteractionId::new(&widest(255)).unwrap()),
        source: Source::group(group),
        code: CodeShape::new(16, None).ok(),
        caller: Some(Caller::new(&widest(64)).unwrap()),
        data: data.clone(),
        ..lend_to("-")
    };
    let id = store.lend(&scope, lend, None).await.unwrap().interaction.data;
    for entry in &data {
        let read = store.document_entry(&scope, id.into(), entry.key.as_str()).await.unwrap().unwrap();
        assert_eq!((read.content, read.bytes), (entry.content.clone(), entry.bytes.clone()));
    }
    store.close().await;

    let tree = tree(directory.path());
    let mut records = 0;
    for record in tree.iter() {
        let (key, value) = record.unwrap();
        assert!(key.len() + value.len() <= MAX_RECORD_BYTES, "{} + {} bytes", key.len(), value.len());
        records += 1;
    }
    assert!(records > data.len(), "all entries have records: {records}");
}

#[tokio::test]
async fn large_values_make_no_blobs_and_leave_no_records_when_they_are_gone() {
    let directory = tempfile::tempdir().unwrap();
    let store = crate::engine::open(directory.path()).unwrap();
    let picture = vec![0xa5; 1 << 20];
    let mut documents = Vec::new();
    for _ in 0..8 {
        let entries = vec![file("picture", &picture), text("note", &"n".repeat(1_000))];
        documents.push(store.create_document(&scope(), entries, Seconds::new(600), None, None).await.unwrap());
    }
    let blobs = || std::fs::read_dir(directory.path().join("blobs")).unwrap().count();
    assert_eq!(blobs(), 0);
    for id in documents {
        store.delete_document(&scope(), id.into()).await.unwrap();
    }
    assert_eq!(blobs(), 0);
    store.close().await;

    let tree = tree(directory.path());
    let left: Vec<_> = tree.iter().keys().map(|key| key.unwrap()[0]).collect();
    assert_eq!(
        left,
        [1, 2, 3, 201, 204],
        "the identity, the commits, the counters, the journal's place and the time of the last commit are all that is left"
    );
}

#[tokio::test]
async fn an_interaction_that_says_nothing_takes_one_record_and_many_ended_allocations_take_few() {
    let directory = tempfile::tempdir().unwrap();
    let store = crate::engine::open(directory.path()).unwrap();
    let kinds = || {
        let mut kinds = std::collections::BTreeMap::new();
        for key in tree(directory.path()).iter().keys() {
            *kinds.entry(key.unwrap()[0]).or_insert(0) += 1;
        }
        kinds
    };
    store.create_number(&scope(), number("1"), None).await.unwrap();
    let mut documents = Vec::new();
    for id in 0..100 {
        let lend = Lend { interaction_ttl: Seconds::new(600), ..lend_to(&format!("session {id}")) };
        let lent = store.lend(&scope(), lend, None).await.unwrap();
        documents.push(lent.interaction.data);
        store.free(&scope(), num("1")).await.unwrap();
    }
    store.close().await;
    let records = kinds();
    assert_eq!((records.get(&5), records.get(&7)), (Some(&100), None), "interactions and documents: {records:?}");
    let blocks = records.get(&206).copied().unwrap_or_default();
    assert!((1..=6).contains(&blocks) && !records.contains_key(&205), "a hundred entries of the history: {records:?}");

    // What is not in the document's record after a start is as it was, and what comes later counts.
    let store = crate::engine::open(directory.path()).unwrap();
    let read = store.document(&scope(), documents[0].into()).await.unwrap().unwrap();
    assert_eq!(read.entries.len(), 0);
    store.merge_document(&scope(), documents[0].into(), vec![text("note", "n")], None, None).await.unwrap();
    store.close().await;
    assert_eq!(kinds().get(&7), Some(&2), "the document and its entry");
    let store = crate::engine::open(directory.path()).unwrap();
    let read = store.document(&scope(), documents[0].into()).await.unwrap().unwrap();
    assert_eq!(read.entries.len(), 1);
    store.close().await;
}
