//! Documents: merged, bounded, kept apart when large, and ended in time.

use super::*;
use crate::domain::document::{FileLabel, MAX_INLINE_BYTES};
use crate::domain::quotas::{DOCUMENT_COST, ENTRY_COST, FIRST_ENTRY_COST};
use crate::domain::{ApplicationName, Asker, Document, DocumentId, DocumentRef, EntryValue, Reach, ValueId};

/// What a document with one entry costs besides what is in the entry.
const ONE: u64 = DOCUMENT_COST + FIRST_ENTRY_COST + ENTRY_COST;

/// A world with so many bytes for documents.
fn room(bytes: u64) -> World {
    World::with(Rules { documents_total: bytes, ..Rules::default() })
}

fn create(world: &mut World, entries: Vec<NewEntry>, ttl: u64) -> Result<DocumentId, Refusal> {
    world.turn().create_document(&scope(), entries, Seconds::new(ttl), None)
}

fn merge(world: &mut World, id: DocumentId, entries: Vec<NewEntry>, ttl: u64) -> Result<(), Refusal> {
    world.turn().merge_document(&scope(), &id.into(), entries, Some(Seconds::new(ttl)))
}

fn read(world: &World, id: DocumentId) -> Option<Arc<Document>> {
    world.state.tables().document(&scope(), &id.into(), world.now).cloned()
}

fn texts(world: &World, id: DocumentId) -> Vec<(String, String)> {
    let document = read(world, id).expect("the document lives");
    let text = |value: &EntryValue| match value {
        EntryValue::Inline(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
        EntryValue::OutOfLine { id, length } => format!("value {} of {length} bytes", id.0),
    };
    document.entries.iter().map(|(key, entry)| (key.as_str().to_owned(), text(&entry.value))).collect()
}

fn pair(key: &str, value: &str) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

fn big(length: usize) -> Vec<u8> {
    vec![b'x'; length]
}

fn kept(changes: &[Change]) -> Vec<ValueId> {
    changes.iter().filter_map(|change| if let Change::ValueKept(id, _) = change { Some(*id) } else { None }).collect()
}

fn dropped(changes: &[Change]) -> Vec<ValueId> {
    changes
        .iter()
        .filter_map(|change| if let Change::ValueDropped(id, _) = change { Some(*id) } else { None })
        .collect()
}

#[test]
fn a_merge_writes_the_keys_it_names_and_leaves_the_others() {
    let mut world = World::new();
    let id = create(&mut world, vec![text("a", "1"), text("b", "2")], 60).unwrap();
    merge(&mut world, id, vec![text("b", "3"), text("ключ", "")], 60).unwrap();
    assert_eq!(texts(&world, id), [pair("a", "1"), pair("b", "3"), pair("ключ", "")]);
}

#[test]
fn of_several_entries_with_one_key_the_last_counts() {
    let mut world = room(ONE + 10);
    let id = create(&mut world, vec![text("a", "too long!!"), text("a", "123456789")], 60).unwrap();
    assert_eq!(texts(&world, id), [pair("a", "123456789")]);
    assert_eq!(create(&mut world, Vec::new(), 60), Err(Refusal::DocumentsFull { limit: ONE + 10 }));
}

#[test]
fn a_document_lives_until_its_very_deadline_and_a_merge_sets_it_anew() {
    let mut world = World::new();
    let id = create(&mut world, Vec::new(), 60).unwrap();
    world.advance(59_999);
    assert!(read(&world, id).is_some());
    merge(&mut world, id, vec![text("a", "1")], 30).unwrap();
    world.advance(29_999);
    assert!(read(&world, id).is_some());
    world.advance(1);
    assert!(read(&world, id).is_none(), "readers judge by the clock, before anything swept");
    let late =
        world.refused(|turn| turn.merge_document(&scope(), &id.into(), vec![text("a", "1")], Some(Seconds::new(9))));
    assert_eq!(late, Refusal::DocumentUnknown(id));
}

#[test]
fn a_merge_can_shorten_the_life_of_a_document_but_not_below_its_interaction() {
    let mut world = World::with_numbers(&["1"]);
    let own = create(&mut world, Vec::new(), 600).unwrap();
    merge(&mut world, own, Vec::new(), 5).unwrap();
    let held = world.lend(Lend { data_ttl: Some(Seconds::new(900)), ..lend_to("a") }).interaction.data;
    merge(&mut world, held, Vec::new(), 5).unwrap();
    world.advance(5_000);
    assert!(read(&world, own).is_none());
    world.advance(294_999);
    assert!(read(&world, held).is_some());
    world.advance(1);
    assert!(read(&world, held).is_none());
    world.turn();
    assert_eq!(world.state.next_ending(), None);
}

#[test]
fn the_document_of_an_interaction_lives_as_long_as_that_or_its_own_time_whichever_is_longer() {
    for (own, interaction_ttl, lives) in [(30, 300, 300_000), (600, 300, 600_000)] {
        let mut world = World::with_numbers(&["1"]);
        let lend = Lend {
            data_ttl: Some(Seconds::new(own)),
            interaction_ttl: Seconds::new(interaction_ttl),
            data: vec![text("k", "v")],
            ..lend_to("a")
        };
        let id = world.lend(lend).interaction.data;
        world.advance(lives - 1);
        world.turn();
        assert_eq!(texts(&world, id), [pair("k", "v")]);
        world.advance(1);
        assert_eq!(read(&world, id), None);
    }
}

#[test]
fn a_prolonged_interaction_prolongs_its_document_and_a_later_lending_adds_to_it() {
    let mut world = World::with_numbers(&["1", "2"]);
    let first = world.lend(Lend { data: vec![text("k", "v")], data_ttl: Some(Seconds::new(30)), ..lend_to("a") });
    world.advance(200_000);
    let second = world.lend(Lend { data: vec![text("m", "w")], ..lend_to("a") });
    assert_eq!(first.interaction.data, second.interaction.data);
    world.advance(299_999);
    assert_eq!(texts(&world, first.interaction.data), [pair("k", "v"), pair("m", "w")]);
    world.advance(1);
    assert_eq!(read(&world, first.interaction.data), None);
}

#[test]
fn a_deleted_document_is_gone_and_that_of_a_live_interaction_is_empty() {
    let mut world = World::with_numbers(&["1"]);
    let own = create(&mut world, vec![text("a", "1")], 60).unwrap();
    let held = world.lend(Lend { data: vec![text("a", "1")], ..lend_to("a") }).interaction.data;
    world.turn().delete_document(&scope(), &own.into()).unwrap();
    world.turn().delete_document(&scope(), &held.into()).unwrap();
    assert_eq!(read(&world, own), None);
    assert_eq!(texts(&world, held), []);
    world.advance(300_000);
    assert_eq!(read(&world, held), None);
    assert_eq!(world.refused(|turn| turn.delete_document(&scope(), &own.into())), Refusal::DocumentUnknown(own));
}

#[test]
fn documents_fill_the_room_to_its_last_byte_and_not_beyond_and_none_is_free() {
    let room_for = 2 * ONE + 10;
    let mut world = room(room_for);
    let id = create(&mut world, vec![text("a", "1234")], 60).unwrap();
    let other = create(&mut world, vec![text("bb", "123")], 60).unwrap();
    let full = Refusal::DocumentsFull { limit: room_for };
    assert_eq!(world.refused(|turn| turn.create_document(&scope(), Vec::new(), Seconds::new(60), None)), full);
    for more in [text("a", "12345"), text("b", "")] {
        let merge = |turn: &mut Turn<'_>| turn.merge_document(&scope(), &id.into(), vec![more], Some(Seconds::new(60)));
        assert_eq!(world.refused(merge), full);
    }
    merge(&mut world, id, vec![text("a", "4321")], 60).unwrap();
    world.turn().delete_document(&scope(), &other.into()).unwrap();
    merge(&mut world, id, vec![text("a", &"9".repeat(ONE as usize + 9))], 60).unwrap();
    world.restart();
    assert_eq!(create(&mut world, Vec::new(), 60), Err(full), "the total is known after a restart");
    world.advance(60_000);
    create(&mut world, vec![text("c", &"9".repeat(ONE as usize + 9))], 60).unwrap();
}

#[test]
fn labels_of_files_count_too() {
    let mut world = room(ONE + 10);
    let file = |name: &str| NewEntry {
        content: Content::File(FileLabel::new("a/b", Some(name)).unwrap()),
        ..entry("k", b"12345")
    };
    assert_eq!(create(&mut world, vec![file("nn")], 60), Err(Refusal::DocumentsFull { limit: ONE + 10 }));
    create(&mut world, vec![file("n")], 60).unwrap();
}

#[test]
fn a_document_may_shrink_even_when_the_limit_has_been_lowered_below_what_is_there() {
    let mut world = room(2 * ONE);
    let id = create(&mut world, vec![text("a", "123456789")], 60).unwrap();
    world.state.set_rules(Rules { documents_total: 5, ..Rules::default() });
    merge(&mut world, id, vec![text("a", "12345678")], 60).unwrap();
    let grow = vec![text("a", "123456789")];
    let refusal = world.refused(|turn| turn.merge_document(&scope(), &id.into(), grow, Some(Seconds::new(60))));
    assert_eq!(refusal, Refusal::DocumentsFull { limit: 5 });
}

#[test]
fn a_lending_whose_data_finds_no_room_changes_nothing_and_one_without_data_goes_through() {
    let mut world = room(ONE + 10);
    world.create("1", Some("g"));
    create(&mut world, vec![text("k", "123456789")], 60).unwrap();
    let full = Lend { data: vec![text("k", "")], holder: Holder::New, ..lend_to("a") };
    assert_eq!(world.refused(|turn| turn.lend(&scope(), full)), Refusal::DocumentsFull { limit: ONE + 10 });
    assert_eq!(world.take("a"), "1");
}

#[test]
fn an_entry_of_more_than_one_kibibyte_has_its_value_kept_apart() {
    let mut world = World::new();
    let most = usize::try_from(MAX_INLINE_BYTES).unwrap() - "k".len();
    let inline = create(&mut world, vec![entry("k", &big(most))], 60).unwrap();
    assert_eq!(kept(&world.state.take_changes()), []);
    assert_eq!(texts(&world, inline)[0].1.len(), most);
    let apart = create(&mut world, vec![entry("k", &big(most + 1))], 60).unwrap();
    assert_eq!(kept(&world.state.take_changes()), [ValueId(1)]);
    assert_eq!(texts(&world, apart), [pair("k", "value 1 of 1024 bytes")]);
}

#[test]
fn a_value_kept_apart_is_dropped_once_when_it_is_replaced_deleted_or_ended() {
    let mut world = World::new();
    let id = create(&mut world, vec![entry("k", &big(2_000)), entry("m", &big(3_000))], 60).unwrap();
    world.state.take_changes();
    merge(&mut world, id, vec![text("k", "small")], 60).unwrap();
    assert_eq!(dropped(&world.state.take_changes()), [ValueId(1)]);
    merge(&mut world, id, vec![entry("m", &big(4_000))], 60).unwrap();
    let changes = world.state.take_changes();
    assert_eq!((kept(&changes), dropped(&changes)), (vec![ValueId(3)], vec![ValueId(2)]));
    world.advance(60_000);
    world.turn();
    assert_eq!(dropped(&world.state.take_changes()), [ValueId(3)]);
}

#[test]
fn a_large_value_that_a_later_entry_of_the_same_request_replaces_is_kept_and_dropped_again() {
    let mut world = World::new();
    create(&mut world, vec![entry("k", &big(2_000)), entry("k", &big(3_000))], 60).unwrap();
    let changes = world.state.take_changes();
    assert_eq!((kept(&changes), dropped(&changes)), (vec![ValueId(1), ValueId(2)], vec![ValueId(1)]));
}

fn limited(document_entries: usize, value_bytes: u64) -> World {
    World::with(Rules { document_entries, value_bytes, ..Rules::default() })
}

#[test]
fn a_document_takes_as_many_entries_as_configured_and_no_more() {
    let mut world = limited(2, 100);
    let id = create(&mut world, vec![text("a", "1")], 60).unwrap();
    merge(&mut world, id, vec![text("a", "2"), text("b", "1"), text("b", "2")], 60).unwrap();
    let full = Refusal::TooManyEntries { limit: 2 };
    let one_more = vec![text("c", "")];
    assert_eq!(world.refused(|turn| turn.merge_document(&scope(), &id.into(), one_more, None)), full);
    let three = vec![text("a", ""), text("b", ""), text("c", "")];
    assert_eq!(world.refused(|turn| turn.create_document(&scope(), three, Seconds::new(60), None)), full);
    merge(&mut world, id, vec![text("a", "3")], 60).unwrap();
    world.turn().delete_entry(&scope(), &id.into(), "a").unwrap();
    merge(&mut world, id, vec![text("c", "1")], 60).unwrap();
    assert_eq!(texts(&world, id), [pair("b", "2"), pair("c", "1")]);
}

#[test]
fn a_value_is_as_large_as_configured_and_no_larger_wherever_it_comes_from() {
    let mut world = limited(9, 5);
    world.create("1", Some("g"));
    let id = create(&mut world, vec![text("a long key does not count", "12345")], 60).unwrap();
    let large = Refusal::ValueTooLarge { limit: 5 };
    let data = || vec![text("a", "123456")];
    assert_eq!(world.refused(|turn| turn.create_document(&scope(), data(), Seconds::new(60), None)), large);
    assert_eq!(world.refused(|turn| turn.merge_document(&scope(), &id.into(), data(), None)), large);
    assert_eq!(world.refused(|turn| turn.lend(&scope(), Lend { data: data(), ..lend_to("a") })), large);
}

#[test]
fn lowered_limits_leave_what_is_there_and_let_it_be_changed() {
    let mut world = limited(3, 100);
    let id = create(&mut world, vec![text("a", "123"), text("b", "123"), text("c", "123")], 60).unwrap();
    world.state.set_rules(Rules { document_entries: 1, value_bytes: 2, ..Rules::default() });
    assert_eq!(texts(&world, id).len(), 3);
    merge(&mut world, id, vec![text("a", "12")], 60).unwrap();
    let more = vec![text("d", "")];
    let refusal = world.refused(|turn| turn.merge_document(&scope(), &id.into(), more, None));
    assert_eq!(refusal, Refusal::TooManyEntries { limit: 1 });
}

#[test]
fn a_merge_without_a_time_to_live_leaves_the_deadline_as_it_is() {
    let mut world = World::new();
    let id = create(&mut world, vec![text("a", "1")], 60).unwrap();
    world.advance(40_000);
    world.turn().merge_document(&scope(), &id.into(), vec![text("a", "2")], None).unwrap();
    assert_eq!(texts(&world, id), [pair("a", "2")]);
    world.advance(20_000);
    assert_eq!(read(&world, id), None);
}

#[test]
fn an_owners_document_is_made_by_the_first_merge_and_found_by_owner_and_name_alone() {
    let mut world = World::new();
    let [notes, others] = ["ann", "bob"].map(|owner| DocumentRef::of_owner(owner, "notes"));
    let put = |world: &mut World, named: &DocumentRef, value| {
        let entries = vec![text("k", value)];
        world.turn().merge_document(&scope(), named, entries, Some(Seconds::new(60))).unwrap();
    };
    put(&mut world, &notes, "1");
    put(&mut world, &others, "2");
    put(&mut world, &notes, "3");
    let read = |world: &World, scope: &Scope, named: &DocumentRef| {
        let document = world.state.tables().document(scope, named, world.now);
        document.map(|document| document.entries["k"].value.clone())
    };
    assert_eq!(read(&world, &scope(), &notes), Some(EntryValue::Inline(b"3".as_slice().into())));
    assert_eq!(read(&world, &scope(), &others), Some(EntryValue::Inline(b"2".as_slice().into())));
    assert_eq!(read(&world, &scope(), &notes.id.into()), None, "its id alone opens nothing");
    assert_ne!(DocumentRef::of_owner("an", "nnotes").id, notes.id, "owner and name are told apart");
    for other in other_scopes() {
        assert_eq!(read(&world, &other, &notes), None);
    }
    let by_id = world.refused(|turn| turn.delete_document(&scope(), &notes.id.into()));
    assert_eq!(by_id, Refusal::DocumentUnknown(notes.id));
    world.turn().delete_document(&scope(), &notes).unwrap();
    assert_eq!(read(&world, &scope(), &notes), None);
    world.advance(60_000);
    assert_eq!(read(&world, &scope(), &others), None);
}

#[test]
fn an_owners_document_is_not_made_without_a_time_to_live() {
    let mut world = World::new();
    let notes = DocumentRef::of_owner("ann", "notes");
    let refusal = world.refused(|turn| turn.merge_document(&scope(), &notes, vec![text("k", "v")], None));
    assert_eq!(refusal, Refusal::DocumentUnknown(notes.id));
}

#[test]
fn no_owner_reaches_a_document_made_without_one() {
    let mut world = World::new();
    let id = create(&mut world, vec![text("k", "v")], 60).unwrap();
    let owned = DocumentRef { ownership: crate::domain::Ownership::Owner, ..id.into() };
    assert_eq!(world.state.tables().document(&scope(), &owned, world.now), None);
    assert_eq!(world.refused(|turn| turn.delete_entry(&scope(), &owned, "k")), Refusal::DocumentUnknown(id));
}

#[test]
fn a_deleted_entry_is_gone_its_room_is_free_and_the_others_stay() {
    let mut world = room(2 * ONE + 2_010);
    let id = create(&mut world, vec![entry("k", &big(2_000)), text("m", "12345678")], 60).unwrap();
    world.state.take_changes();
    assert_eq!(
        world.refused(|turn| turn.delete_entry(&scope(), &id.into(), "n")),
        Refusal::EntryUnknown(id),
        "keys compare exactly"
    );
    world.turn().delete_entry(&scope(), &id.into(), "k").unwrap();
    assert_eq!(dropped(&world.state.take_changes()), [ValueId(1)]);
    assert_eq!(texts(&world, id), [pair("m", "12345678")]);
    create(&mut world, vec![entry("k", &big(2_000))], 60).unwrap();
    world.advance(60_000);
    let late = world.refused(|turn| turn.delete_entry(&scope(), &id.into(), "m"));
    assert_eq!(late, Refusal::DocumentUnknown(id));
}

#[test]
fn what_an_application_made_is_its_own_and_unknown_to_others_of_its_kind() {
    let mut world = World::with_numbers(&["1"]);
    let application = |name| ApplicationName::new(name).ok();
    let own = |name| Asker { application: application(name), reach: Reach::Own };
    let entries = || vec![text("k", "v")];
    let made = world.turn().create_document(&scope(), entries(), Seconds::new(60), application("web")).unwrap();
    let notes = DocumentRef::of_owner("ann", "notes");
    let keep = |world: &mut World, asker: &Asker| {
        world.turn().merge_document(&scope(), &notes.clone().by(asker), entries(), Some(Seconds::new(60)))
    };
    keep(&mut world, &own("web")).unwrap();
    let nobodys = create(&mut world, entries(), 60).unwrap();
    world.lend(Lend { application: application("web"), ..lend_to("a") });
    let session = world.state.tables().interaction(&scope(), &interaction("a"), world.now).unwrap().clone();
    assert_eq!(session.application, application("web"));

    let web_has: [DocumentRef; 3] = [made.into(), notes.clone(), session.data.into()];
    for named in web_has {
        let unknown = Refusal::DocumentUnknown(named.id);
        let read = |world: &World, asker: &Asker| {
            world.state.tables().document(&scope(), &named.clone().by(asker), world.now).is_some()
        };
        assert!(read(&world, &own("web")) && read(&world, &Asker::default()));
        for stranger in [own("app"), Asker { application: None, reach: Reach::Own }] {
            let named = || named.clone().by(&stranger);
            assert!(!read(&world, &stranger));
            let ttl = Some(Seconds::new(90));
            assert_eq!(world.refused(|turn| turn.merge_document(&scope(), &named(), entries(), ttl)), unknown);
            assert_eq!(world.refused(|turn| turn.delete_entry(&scope(), &named(), "k")), unknown);
            assert_eq!(world.refused(|turn| turn.delete_document(&scope(), &named())), unknown);
        }
    }
    let nobodys = DocumentRef::from(nobodys).by(&own("web"));
    assert!(world.state.tables().document(&scope(), &nobodys, world.now).is_none());
    // When it has ended, the id is anybody's again, and whoever makes it then has it.
    world.advance(60_000);
    keep(&mut world, &own("app")).unwrap();
    assert!(keep(&mut world, &own("web")).is_err());
}
