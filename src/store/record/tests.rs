//! The format of a list of changes: byte for byte as it is, whole in every way back, and proof against any other bytes.

use std::collections::BTreeSet;

use proptest::prelude::*;
use uuid::Uuid;

use super::samples::{at, environment, everything, nothing_left, number, owned, past, record, route, scope, skill};
use super::*;
use crate::domain::change::{Counters, Ids};
use crate::domain::document::FileLabel;
use crate::domain::history::{Bucket, End, Past};
use crate::domain::number::LastLending;
use crate::domain::tables::routes::Numbering;
use crate::domain::usage::{Figures, Running, Span, UsageRecord};
use crate::domain::{
    AccessCode, Allocation, AllocationId, ApplicationName, Caller, Content, Deadline, Document, DocumentId, Entry,
    EntryKey, EntryValue, GroupName, IdempotencyKey, Interaction, InteractionId, LentBy, Number, NumberId,
    NumberRecord, Ownership, Route, Sharing, SigningKey, Skill, SkillId, Timestamp, ValueId,
};

/// The match is exhaustive: a new change does not compile until it is written here, and is missed until it is tested.
fn variant(change: &Change) -> &'static str {
    match change {
        Change::Number(..) => "number",
        Change::Allocated(..) => "allocated",
        Change::Released(..) => "released",
        Change::Interaction(..) => "interaction",
        Change::Document(..) => "document",
        Change::Entry(..) => "entry",
        Change::ValueKept(..) => "value kept",
        Change::ValueDropped(..) => "value dropped",
        Change::IdempotencyKey(..) => "idempotency key",
        Change::Skill(..) => "skill",
        Change::Audited(..) => "audited",
        Change::Route(..) => "route",
        Change::Numbering(..) => "numbering",
        Change::SigningKey(..) => "signing key",
        Change::Ended(..) => "ended",
        Change::HistoryDropped(..) => "history dropped",
        Change::Ids(..) => "ids",
        Change::Counters(..) => "counters",
        Change::Usage(..) => "usage",
        Change::Used(..) => "used",
        Change::UsageDropped(..) => "usage dropped",
    }
}

const VARIANTS: usize = 21;

fn all() -> Vec<Change> {
    [everything(), owned(), nothing_left()].concat()
}

fn readable(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string().replace("\\x", "\\")
}

#[test]
fn every_change_has_exactly_these_bytes() {
    let mut text = String::new();
    for change in all() {
        let bytes = readable(&encode(std::slice::from_ref(&change))).replace(&"x".repeat(4_000), "(x 4000 times)");
        text.push_str(&format!("{}: {bytes}\n", variant(&change)));
    }
    let together = readable(&encode(&all())).replace(&"x".repeat(4_000), "(x 4000 times)");
    insta::assert_snapshot!(format!("{text}all together: {together}"));
    assert_eq!(all().iter().map(variant).collect::<BTreeSet<_>>().len(), VARIANTS);
}

#[test]
fn changes_come_back_as_they_were_and_what_is_named_twice_is_one_in_memory() {
    assert_eq!(decode(&encode(&all())), Ok(all()));
    assert_eq!(decode(&encode(&[])), Ok(Vec::new()));
    let lent = everything().into_iter().find(|change| matches!(change, Change::Allocated(..)));
    let Some(Change::Allocated(scope, lent)) = lent else { panic!("something is lent") };
    let ended = Past { allocation: Arc::clone(&lent), ..past() };
    let changes = [Change::Released(Arc::clone(&scope), lent), Change::Ended(scope, Arc::new(ended))];
    let bytes = encode(&changes);
    assert!(bytes.len() < encode(&changes[..1]).len() + 34, "the allocation is written once");
    match &decode(&bytes).unwrap()[..] {
        [Change::Released(_, released), Change::Ended(_, past)] => assert!(Arc::ptr_eq(released, &past.allocation)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_list_of_a_newer_version_is_told_from_a_damaged_one() {
    let mut bytes = encode(&all());
    bytes[0] = VERSION + 1;
    assert_eq!(decode(&bytes), Err(Unreadable::Newer(VERSION + 1)));
    for broken in [vec![], vec![0], vec![VERSION], vec![VERSION, 0xff, 0xff, 0xff, 0xff, 0xff]] {
        assert!(matches!(decode(&broken), Err(Unreadable::Damaged(_))), "{broken:?}");
    }
    bytes[0] = VERSION;
    bytes.push(0);
    assert_eq!(decode(&bytes), Err(damaged("it goes on after its end")));
}

#[test]
fn a_list_cut_short_anywhere_is_damaged() {
    let bytes = encode(&all());
    for length in 0..bytes.len() {
        assert!(matches!(decode(&bytes[..length]), Err(Unreadable::Damaged(_))), "{length} bytes");
    }
}

#[test]
fn what_speaks_of_something_that_is_not_in_the_list_is_damaged() {
    let lone = |changes: Vec<Written>| {
        let bytes = postcard::to_extend(&Record { scopes: vec![scope()], changes }, vec![VERSION]);
        decode(&bytes.unwrap()).unwrap_err().to_string()
    };
    let id = DocumentId(Uuid::nil());
    let entry = || Written::Entry(0, id, "key".to_owned(), written::WrittenEntry::AsInDocument);
    for (changes, expected) in [
        (vec![Written::Ids(1, Ids::default())], "scope that the record does not name"),
        (vec![Written::Released(0, None)], "allocation before, and there is none"),
        (vec![entry()], "not in the document before it"),
        (vec![Written::Document(0, id, None), entry()], "not in the document before it"),
        (vec![Written::Entry(0, id, String::new(), written::WrittenEntry::Removed)], "the key of an entry"),
    ] {
        let error = lone(changes);
        assert!(error.contains(expected), "{error}");
    }
}

fn scopes() -> impl Strategy<Value = Arc<Scope>> {
    prop_oneof![3 => Just(scope()), 1 => Just(environment())]
}

fn times() -> impl Strategy<Value = Timestamp> {
    prop_oneof![any::<u32>().prop_map(u64::from), any::<u64>()].prop_map(at)
}

fn numbers() -> impl Strategy<Value = Number> {
    "[0-9]{1,12}".prop_map(|text| number(&text))
}

fn holders() -> impl Strategy<Value = InteractionId> {
    "[a-z0-9-]{1,20}".prop_map(|text| InteractionId::new(&text).unwrap())
}

fn documents() -> impl Strategy<Value = DocumentId> {
    any::<u128>().prop_map(|id| DocumentId(Uuid::from_u128(id)))
}

fn applications() -> impl Strategy<Value = Option<ApplicationName>> {
    proptest::option::of("[a-z]{1,9}".prop_map(|text| ApplicationName::new(&text).unwrap()))
}

fn keys() -> impl Strategy<Value = EntryKey> {
    "\\PC{1,12}".prop_filter_map("a key", |text| EntryKey::new(&text).ok())
}

fn entries() -> impl Strategy<Value = Entry> {
    let label = ("[a-z]{1,5}/[a-z]{1,5}", proptest::option::of("[a-z.]{1,8}"));
    let file = label.prop_map(|(media, name)| Content::File(FileLabel::new(&media, name.as_deref()).unwrap()));
    let inline = proptest::collection::vec(any::<u8>(), 0..40).prop_map(|bytes| EntryValue::Inline(bytes.into()));
    let large = any::<(u64, u64)>().prop_map(|(id, length)| EntryValue::OutOfLine { id: ValueId(id), length });
    (prop_oneof![Just(Content::Text), file], prop_oneof![inline, large])
        .prop_map(|(content, value)| Entry { content, value })
}

fn allocations() -> impl Strategy<Value = Arc<Allocation>> {
    let code = proptest::option::of("[0-9]{1,8}".prop_map(|text| AccessCode::new(&text).unwrap()));
    let caller = proptest::option::of("[0-9]{3,12}".prop_map(|text| Caller::new(&text).unwrap()));
    let origin = proptest::sample::select(vec![LentBy::Gms, LentBy::Interact, LentBy::Native]);
    let sharing = proptest::sample::select(vec![Sharing::Exclusive, Sharing::Shared]);
    (any::<u64>(), numbers(), holders(), code, caller, origin, applications(), sharing, times(), times()).prop_map(
        |(id, number, interaction, code, caller, origin, application, sharing, since, deadline)| {
            let id = AllocationId(id);
            Arc::new(Allocation {
                id,
                number,
                interaction,
                code,
                caller,
                origin,
                application,
                sharing,
                since,
                deadline,
            })
        },
    )
}

fn ids() -> impl Strategy<Value = Ids> {
    any::<(u64, u64, u64)>().prop_map(|(number, allocation, interaction)| Ids { number, allocation, interaction })
}

fn buckets() -> impl Strategy<Value = Bucket> {
    any::<(u32, u16)>().prop_map(|(hour, part)| Bucket { hour, part })
}

/// A few changes that come together, of any kind.
fn together() -> impl Strategy<Value = Vec<Change>> {
    let one = |change: Change| vec![change];
    let freed = proptest::option::of((times(), any::<u64>()));
    let freed = freed.prop_map(|freed| freed.map(|(at, id)| LastLending { at, allocation: AllocationId(id) }));
    let group = proptest::option::of("[a-z]{1,6}".prop_map(|text| GroupName::new(&text).unwrap()));
    let record_of = (any::<u64>(), numbers(), group, any::<bool>(), freed);
    let numbered = (scopes(), numbers(), proptest::option::of(record_of)).prop_map(move |(scope, number, record)| {
        let record = record.map(|(id, dnid, group, enabled, freed)| {
            Arc::new(NumberRecord { id: NumberId(id), number, dnid, group, enabled, freed })
        });
        one(Change::Number(scope, number, record))
    });
    let lent = (scopes(), allocations()).prop_map(move |(scope, allocation)| one(Change::Allocated(scope, allocation)));
    let ends = vec![End::Freed, End::Matched, End::Expired, End::MatchedLate, End::InteractionDeleted];
    let ended = (scopes(), allocations(), buckets(), any::<u64>(), times(), proptest::sample::select(ends)).prop_map(
        |(scope, allocation, bucket, count, until, end)| {
            let group = Some(GroupName::new("g").unwrap());
            let past = Past { bucket, count, allocation: Arc::clone(&allocation), group, until, end };
            vec![Change::Released(Arc::clone(&scope), allocation), Change::Ended(scope, Arc::new(past))]
        },
    );
    let deadline = prop_oneof![times().prop_map(Deadline::At), Just(Deadline::Never)];
    let session = proptest::option::of((documents(), times(), deadline, applications()));
    let interaction = (scopes(), holders(), session).prop_map(move |(scope, id, session)| {
        let record = session.map(|(data, since, deadline, application)| {
            Arc::new(Interaction { id: id.clone(), data, since, deadline, application })
        });
        one(Change::Interaction(scope, id, record))
    });
    let ownership = proptest::sample::select(vec![Ownership::Anyone, Ownership::Owner]);
    let held = proptest::collection::btree_map(keys(), entries(), 0..4);
    let document = (scopes(), documents(), proptest::option::of(holders()), times(), ownership, applications(), held)
        .prop_map(|(scope, id, interaction, kept_until, ownership, application, entries)| {
            let document = Document { id, interaction, kept_until, ownership, application, entries: entries.clone() };
            let whole = Change::Document(Arc::clone(&scope), id, Some(Arc::new(document)));
            let written =
                entries.into_iter().map(|(key, entry)| Change::Entry(Arc::clone(&scope), id, key, Some(entry)));
            std::iter::once(whole).chain(written).collect::<Vec<_>>()
        });
    let dropped = (scopes(), documents(), keys()).prop_map(|(scope, id, key)| {
        vec![Change::Document(Arc::clone(&scope), id, None), Change::Entry(scope, id, key, None)]
    });
    let lone = (scopes(), documents(), keys(), entries())
        .prop_map(move |(scope, id, key, entry)| one(Change::Entry(scope, id, key, Some(entry))));
    let value = (any::<u64>(), proptest::collection::vec(any::<u8>(), 0..60)).prop_map(|(id, bytes)| {
        let length = bytes.len() as u64;
        vec![Change::ValueKept(ValueId(id), bytes.into()), Change::ValueDropped(ValueId(id), length)]
    });
    let remembered = (scopes(), "[!-~]{1,30}", proptest::option::of(proptest::option::of(times()))).prop_map(
        move |(scope, key, remembered)| {
            let remembered = remembered.map(|ended| Arc::new(record(ended)));
            one(Change::IdempotencyKey(scope, IdempotencyKey::new(&key).unwrap(), remembered))
        },
    );
    let calls = (scopes(), any::<u32>(), any::<bool>(), any::<u32>()).prop_map(|(scope, id, there, skills)| {
        let skill = there.then(|| Arc::new(Skill { id: SkillId(id), ..skill() }));
        let route = there.then(|| Arc::new(Route { dnid: id, ..route() }));
        vec![
            Change::Skill(Arc::clone(&scope), SkillId(id), skill),
            Change::Route(Arc::clone(&scope), id, route),
            Change::Numbering(scope, Numbering { dnid: id, skills }),
        ]
    });
    let counted =
        (scopes(), ids(), any::<u64>(), buckets(), any::<[u8; 32]>()).prop_map(|(scope, ids, value, bucket, key)| {
            vec![
                Change::HistoryDropped(Some(scope.tenant.clone()), bucket),
                Change::HistoryDropped(None, bucket),
                Change::Ids(scope, ids),
                Change::Counters(Counters { before: ids, value }),
                Change::SigningKey(SigningKey::new(key)),
            ]
        });
    let groups = proptest::option::of("[a-z]{1,6}".prop_map(|text| GroupName::new(&text).unwrap()));
    let figures = any::<[u64; 7]>().prop_map(|[peak, lends, matches, expiries, refusals, ended, held_millis]| {
        Figures { peak, lends, matches, expiries, refusals, ended, held_millis }
    });
    let spans = proptest::sample::select(Span::ALL.to_vec());
    let used = (scopes(), groups, spans, any::<(u32, u64)>(), figures, any::<bool>()).prop_map(
        |(scope, group, span, (slot, count), figures, there)| {
            let running = Arc::new(Running { quarter: slot, of_quarter: figures, of_hour: Figures::default() });
            vec![
                Change::Usage(Arc::clone(&scope), group.clone(), there.then_some(running)),
                Change::Used(scope, Arc::new(UsageRecord { group, span, slot, count, figures })),
                Change::UsageDropped(span, slot),
            ]
        },
    );
    prop_oneof![used, numbered, lent, ended, interaction, document, dropped, lone, value, remembered, calls, counted]
}

proptest! {
    #[test]
    fn any_changes_come_back_as_they_were(changes in proptest::collection::vec(together(), 0..12)) {
        let changes = changes.concat();
        prop_assert_eq!(decode(&encode(&changes)), Ok(changes));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        let _ = decode(&bytes);
        let _ = decode(&[&[VERSION][..], &bytes].concat());
    }

    #[test]
    fn a_list_with_bytes_gone_wrong_never_panics(
        changes in proptest::collection::vec(together(), 1..4),
        wrong in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = encode(&changes.concat());
        for (place, byte) in wrong {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let _ = decode(&bytes);
    }
}
