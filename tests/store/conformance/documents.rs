//! Interactions and documents.

use dnis_gateway::domain::quotas::{DOCUMENT_COST, ENTRY_COST, FIRST_ENTRY_COST};
use dnis_gateway::domain::state::{Holder, Lend};
use dnis_gateway::domain::{Content, Deadline, DocumentRef, NewInteraction, Refusal, Seconds};

use super::{ROOM, holder, refused, texts, with_numbers};
use crate::engine::Engine;
use crate::words::*;

on_every_engine! {
    an_interaction_begins_under_a_name_of_the_gateways_with_its_data,
    an_interaction_begins_is_found_and_ends,
    a_document_is_written_merged_read_and_deleted,
    values_come_back_byte_for_byte_before_and_after_a_restart,
    documents_are_held_to_their_total,
    an_owners_document_and_the_deletion_of_an_entry_survive_a_restart,
}

async fn an_interaction_begins_under_a_name_of_the_gateways_with_its_data(engine: &mut Engine) {
    let store = engine.store();
    let new =
        NewInteraction { id: None, lasting: Some(Seconds::new(60)), data: vec![text("k", "v")], application: None };
    let made = store.create_interaction(&scope(), new, None).await.unwrap();
    assert_eq!(made.deadline, Deadline::At(made.since.after(Seconds::new(60))));
    let data = store.document(&scope(), made.data.into()).await.unwrap().unwrap();
    assert_eq!(texts(&data), [("k", "v")]);
    let too_much = NewInteraction { data: vec![file("f", &[0; ROOM as usize])], ..interaction("a").into() };
    assert_eq!(
        refused(store.create_interaction(&scope(), too_much, None).await),
        Refusal::DocumentsFull { limit: ROOM }
    );
    assert_eq!(store.interaction(&scope(), &interaction("a")).await, Ok(None));
}

async fn an_interaction_begins_is_found_and_ends(engine: &mut Engine) {
    with_numbers(engine, &["11"]).await;
    let store = engine.store();
    let known = Lend { holder: Holder::Known(interaction("a")), ..lend_to("a") };
    assert_eq!(refused(store.lend(&scope(), known.clone(), None).await), Refusal::InteractionUnknown(interaction("a")));
    let made = store.create_interaction(&scope(), interaction("a").into(), None).await.unwrap();
    assert_eq!(store.interaction(&scope(), &interaction("a")).await, Ok(Some(made)));
    assert_eq!(
        refused(store.create_interaction(&scope(), interaction("a").into(), None).await),
        Refusal::InteractionExists(interaction("a"))
    );
    store.lend(&scope(), known, None).await.unwrap();
    store.delete_interaction(&scope(), &interaction("a")).await.unwrap();
    assert_eq!(holder(store, "11").await, None);
    assert_eq!(
        refused(store.delete_interaction(&scope(), &interaction("a")).await),
        Refusal::InteractionUnknown(interaction("a"))
    );
}

async fn a_document_is_written_merged_read_and_deleted(engine: &mut Engine) {
    let store = engine.store();
    let id = store
        .create_document(&scope(), vec![text("a", "1"), text("b", "2")], Seconds::new(60), None, None)
        .await
        .unwrap();
    store
        .merge_document(&scope(), id.into(), vec![text("b", "3"), text("c", "")], Some(Seconds::new(60)), None)
        .await
        .unwrap();
    let loaded = store.document(&scope(), id.into()).await.unwrap().unwrap();
    assert_eq!(loaded.id, id);
    assert_eq!(texts(&loaded), [("a", "1"), ("b", "3"), ("c", "")]);
    let entry = store.document_entry(&scope(), id.into(), "b").await.unwrap().unwrap();
    assert_eq!((entry.content, &*entry.bytes), (Content::Text, &b"3"[..]));
    assert_eq!(store.document_entry(&scope(), id.into(), "nothing").await, Ok(None));

    store.delete_document(&scope(), id.into()).await.unwrap();
    assert_eq!(store.document(&scope(), id.into()).await, Ok(None));
    assert_eq!(store.document_entry(&scope(), id.into(), "b").await, Ok(None));
    assert_eq!(refused(store.delete_document(&scope(), id.into()).await), Refusal::DocumentUnknown(id));
    let late = store.merge_document(&scope(), id.into(), Vec::new(), Some(Seconds::new(60)), None).await;
    assert_eq!(refused(late), Refusal::DocumentUnknown(id));

    let short = store.create_document(&scope(), vec![text("a", "1")], Seconds::new(60), None, None).await.unwrap();
    engine.clock.advance(Seconds::new(60));
    assert_eq!(store.document(&scope(), short.into()).await, Ok(None));
    assert_eq!(store.document_entry(&scope(), short.into(), "a").await, Ok(None));
}

async fn values_come_back_byte_for_byte_before_and_after_a_restart(engine: &mut Engine) {
    let mebibyte: Vec<u8> = (0..1_048_576u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let long_key = "ключ🔑".repeat(51);
    let entries = vec![
        text("empty", ""),
        text(" \t\r\n\u{0}", "kept as it is \u{0}"),
        text(&long_key, "emoji 🎉"),
        file("picture", &mebibyte),
        file("nothing", b""),
        // Around the size of one record of a large value.
        file("3999", &mebibyte[..3_999]),
        file("4000", &mebibyte[..4_000]),
        file("4001", &mebibyte[..4_001]),
        text("letters", &"ä".repeat(100_000)),
    ];
    let id = engine.store().create_document(&scope(), entries.clone(), Seconds::new(600), None, None).await.unwrap();
    for restarted in [false, true] {
        if restarted {
            engine.restart(1).await;
        }
        let store = engine.store();
        let loaded = store.document(&scope(), id.into()).await.unwrap().unwrap();
        assert_eq!(loaded.entries.len(), entries.len());
        for entry in &entries {
            let read =
                store.document_entry(&scope(), id.into(), entry.key.as_str()).await.unwrap().expect("it is there");
            assert_eq!(read.content, entry.content);
            assert!(read.bytes == entry.bytes, "{:?}, restarted: {restarted}", entry.key);
        }
    }
}

/// What a document with one entry costs besides what is in the entry.
const ONE: u64 = DOCUMENT_COST + FIRST_ENTRY_COST + ENTRY_COST;

async fn documents_are_held_to_their_total(engine: &mut Engine) {
    let store = engine.store();
    let most = vec![b'x'; usize::try_from(ROOM - ONE).unwrap() - 1];
    let id = store.create_document(&scope(), vec![file_of(&most)], Seconds::new(60), None, None).await.unwrap();
    let full = Refusal::DocumentsFull { limit: ROOM };
    assert_eq!(refused(store.create_document(&scope(), vec![text("k", "")], Seconds::new(60), None, None).await), full);
    store.delete_document(&scope(), id.into()).await.unwrap();
    store.create_document(&scope(), vec![text("k", "")], Seconds::new(60), None, None).await.unwrap();
    assert_eq!(
        refused(store.create_document(&scope(), vec![file_of(&most)], Seconds::new(60), None, None).await),
        full
    );
}

/// A value whose key takes one byte and that has no label.
fn file_of(bytes: &[u8]) -> dnis_gateway::domain::NewEntry {
    dnis_gateway::domain::NewEntry { key: key("k"), content: Content::Text, bytes: bytes.into() }
}

async fn an_owners_document_and_the_deletion_of_an_entry_survive_a_restart(engine: &mut Engine) {
    let notes = DocumentRef::of_owner("ann", "notes");
    let entries = vec![text("a", "1"), file("picture", &[7; 9_000]), text("b", "2")];
    engine.store().merge_document(&scope(), notes.clone(), entries, Some(Seconds::new(60)), None).await.unwrap();
    engine.store().delete_entry(&scope(), notes.clone(), "picture").await.unwrap();
    assert_eq!(
        refused(engine.store().delete_entry(&scope(), notes.clone(), "c").await),
        Refusal::EntryUnknown(notes.id)
    );
    engine.restart(1).await;
    let loaded = engine.store().document(&scope(), notes.clone()).await.unwrap().unwrap();
    assert_eq!(texts(&loaded), [("a", "1"), ("b", "2")]);
    assert_eq!(engine.store().document(&scope(), notes.id.into()).await, Ok(None));
    assert_eq!(engine.store().document_entry(&scope(), notes.clone(), "picture").await, Ok(None));
}
