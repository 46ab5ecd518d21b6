//! The format on disk: byte for byte as it is, so that it cannot change unnoticed, and proof against bytes of any
//! other kind.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::domain::audit::{Action, Actor, Deed, Facts};
use crate::domain::history::{Bucket, Past};
use crate::domain::tables::FoundNumber;
use crate::domain::usage::Span;
use crate::domain::{
    AccessCode, Allocation, AllocationId, AuditEntry, AuditId, Document, EnvironmentName, Extension, GroupName,
    NumberId, NumberRecord, Route, RouteId, Sharing, Tables, TenantId, ValueId,
};
use crate::store::record::fields::StoredPast;
use crate::store::record::samples::{at, audited, everything, nothing_left, number, owned, past, route, scope};

/// Records in the order of their keys, as the tree keeps them.
#[derive(Default)]
struct Records(BTreeMap<Vec<u8>, Vec<u8>>);

impl Sink for Records {
    fn put(&mut self, key: &[u8], value: &[u8]) {
        self.0.insert(key.to_vec(), value.to_vec());
    }

    fn remove(&mut self, key: &[u8]) {
        self.0.remove(key);
    }
}

impl Records {
    fn of(changes: &[Change]) -> Self {
        let mut records = Self::default();
        for change in changes {
            encode(change, &mut records);
        }
        records
    }

    fn load(&self) -> Result<Tables, Unreadable> {
        let mut loader = Loader::default();
        for part in TABLES {
            for (key, value) in self.0.range(part.start.to_vec()..part.end.to_vec()) {
                loader.take(key, value)?;
            }
        }
        Ok(loader.finish())
    }

    /// Every record as a line of its key and its value.
    fn dump(&self) -> String {
        let mut text = String::new();
        for (key, value) in &self.0 {
            writeln!(text, "{} = {}", readable(key), readable(value)).unwrap();
        }
        text
    }
}

/// Printable ASCII as it is, every other byte in hexadecimal.
fn readable(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string().replace("\\x", "\\")
}

#[test]
fn every_record_has_exactly_these_bytes() {
    let dump = Records::of(&everything()).dump().replace(&"x".repeat(4_000), "(x 4000 times)");
    insta::assert_snapshot!(dump);
}

#[test]
fn what_an_application_made_is_kept_with_its_name_in_a_version_of_its_own() {
    let records = Records::of(&owned());
    insta::assert_snapshot!(records.dump());
    for (key, value) in &records.0 {
        assert!([OWNED_VERSION, OWNED_BEGUN_VERSION].contains(&value[0]));
        let mut later = value.clone();
        later[0] = OWNED_BEGUN_VERSION + 1;
        assert!(matches!(Loader::default().take(key, &later), Err(Unreadable::Newer(5))));
    }
}

#[test]
fn a_document_without_a_record_is_as_it_was_when_its_interaction_began() {
    for changes in [everything(), owned()] {
        let interactions = changes.iter().filter_map(|change| match change {
            Change::Interaction(scope, _, Some(record)) => Some((Arc::clone(scope), Arc::clone(record))),
            _ => None,
        });
        for (scope, interaction) in interactions {
            let mut records = Records::of(&[Change::Interaction(
                Arc::clone(&scope),
                interaction.id.clone(),
                Some(Arc::clone(&interaction)),
            )]);
            encode_begun(&scope, interaction.data, &mut records);
            let tables = records.load().unwrap();
            assert_eq!(tables.kept_document(&scope, interaction.data), Some(&Arc::new(Document::begun(&interaction))));
            // Releases that wrote a record of every document said so by the version of the interaction's.
            let (_, value) = records.0.iter_mut().next().unwrap();
            value[0] -= 2;
            assert_eq!(records.load().unwrap().kept_document(&scope, interaction.data), None);
        }
    }
}

#[test]
fn the_tables_come_back_as_they_were() {
    let mut expected = Tables::default();
    let all = [everything(), owned()].concat();
    for change in &all {
        expected.apply(change);
    }
    assert!(Records::of(&all).load().unwrap() == expected);
    let Some(FoundNumber { allocation, .. }) = expected.number(&scope(), number("+49*30#"), at(0)) else {
        panic!("the number is there");
    };
    assert_eq!(allocation.unwrap().code.as_ref().unwrap().as_str(), "004711");
}

#[test]
fn whatever_is_written_is_removed_under_the_same_keys() {
    let records = Records::of(&[everything(), nothing_left()].concat());
    let left: Vec<_> = records.0.into_keys().collect();
    let expected = [
        vec![tag::COUNTERS],
        key(tag::SKILL, &scope(), &[]),
        vec![tag::HISTORY_BUCKET],
        vec![tag::SIGNING_KEY],
        key(tag::IDS, &scope(), &[]),
        history::floor_key(Some(&scope().tenant)),
        usage::floor_key(Span::Quarter),
        usage::floor_key(Span::Hour),
    ];
    assert_eq!(left[..8], expected);
    // The entries of a bucket that is dropped are removed later, some at a time.
    let forgotten = history::Forgotten::of(&[(Some(scope().tenant.clone()), past().bucket.next())]);
    assert!(left.len() == 11 && forgotten.has(&left[8]));
    let kept = history::Forgotten::of(&[(Some(scope().tenant.clone()), past().bucket), (None, past().bucket.next())]);
    assert!(!kept.has(&left[8]), "it is not before that, nor of all tenants together");
    let (quarter, hour) = (&left[9], &left[10]);
    let day = Span::Quarter.day(Span::Quarter.slot(at(1_700_000_000_000)));
    assert!(
        usage::is_forgotten(quarter, &[(Span::Quarter, day + 1)])
            && !usage::is_forgotten(quarter, &[(Span::Quarter, day)])
    );
    assert!(
        usage::is_forgotten(hour, &[(Span::Hour, day + 1)]) && !usage::is_forgotten(hour, &[(Span::Quarter, day + 1)])
    );
}

/// The bytes of these keys are those that release 0.1.0 wrote.
#[test]
fn what_an_older_release_kept_of_all_tenants_together_is_read_and_removed_under_its_own_keys() {
    // It told neither the application nor the group.
    let allocation = Arc::new(Allocation { application: None, ..(*past().allocation).clone() });
    let past = Past { allocation, group: None, ..past() };
    let (counted, begins) = (b"\x0c\x00\x07\x34\x9e\x00\x01", b"\x0c");
    let kept = b"\xcb\x00\x07\x34\x9e\x00\x01\x00\x04acme\xff\xff\x00\x017\x00\x00\x00\x00\x00\x00\x00\x03";
    let mut records = Records::default();
    records.0.insert(counted.to_vec(), value(&300_u64));
    records.0.insert(begins.to_vec(), value(&Bucket { hour: 471_000, part: 2 }));
    let tables = records.load().unwrap();
    assert_eq!((tables.history_entries(), tables.history_floor(&None).hour), (300, 471_000));
    assert_eq!(tables.contents().history(), [(None, past.bucket, 300)]);

    let history::Entry { owner, scope: of, past: read } =
        history::entry(kept, &value(&StoredPast::from(&past))).unwrap();
    assert_eq!((owner, &of, &read), (None, &*scope(), &Past { count: 1, ..past.clone() }));
    let (from, to) = history::of_number(None, past.bucket, &of, past.allocation.number, AllocationId(4));
    assert!(from <= kept.to_vec() && kept.to_vec() < to);
    let (from, to) = history::of_bucket(None, past.bucket);
    assert!(from <= kept.to_vec() && kept.to_vec() < to);
    assert!(history::Forgotten::of(&[(None, past.bucket.next())]).has(kept));
    assert!(!history::Forgotten::of(&[(None, past.bucket)]).has(kept));

    let dropped = Records::of(&[Change::HistoryDropped(None, past.bucket)]);
    assert_eq!(dropped.0.into_keys().collect::<Vec<_>>(), [begins]);
}

#[test]
fn a_record_of_a_newer_version_is_told_from_a_damaged_one() {
    for key in Records::of(&everything()).0.keys().filter(|key| key[0] != tag::VALUE && key[0] < tag::APART) {
        let mut records = Records::of(&everything());
        records.0.get_mut(key).unwrap()[0] = OWNED_BEGUN_VERSION + 1;
        assert!(matches!(records.load(), Err(Unreadable::Newer(5))), "{}", readable(key));
        for broken in [vec![], vec![0], vec![VERSION], vec![VERSION, 0xff, 0xff, 0xff, 0xff, 0xff]] {
            records.0.insert(key.clone(), broken.clone());
            assert!(matches!(records.load(), Err(Unreadable::Damaged { .. })), "{} = {broken:?}", readable(key));
        }
    }
}

#[test]
fn a_record_with_bytes_after_its_end_is_damaged() {
    for key in Records::of(&everything()).0.keys().filter(|key| key[0] != tag::VALUE && key[0] < tag::APART) {
        let mut records = Records::of(&everything());
        records.0.get_mut(key).unwrap().push(0);
        assert!(matches!(records.load(), Err(Unreadable::Damaged { .. })), "{}", readable(key));
    }
}

#[test]
fn a_key_cut_short_or_of_an_unknown_kind_is_damaged() {
    for (key, value) in Records::of(&everything()).0 {
        for length in 1..key.len().min(9) {
            let mut loader = Loader::default();
            if key[..length] != [tag::COUNTERS] {
                let outcome = loader.take(&key[..length], &value);
                assert!(matches!(outcome, Err(Unreadable::Damaged { .. })), "{}", readable(&key[..length]));
            }
        }
    }
    for key in [&[][..], &[0], &[tag::VALUE], &[200, 1, 2]] {
        assert!(matches!(Loader::default().take(key, &[VERSION]), Err(Unreadable::Damaged { .. })));
    }
}

#[test]
fn a_record_that_speaks_of_what_is_not_there_is_damaged() {
    for missing in [tag::NUMBER, tag::INTERACTION, tag::DOCUMENT] {
        let mut records = Records::of(&everything());
        let first = records.0.keys().find(|key| key[0] == missing).unwrap().clone();
        records.0.remove(&first);
        // A number stands alone; it is missed by its allocation, in the scope without an environment.
        let other: Vec<_> =
            records.0.keys().filter(|key| key[0] == missing && missing == tag::NUMBER).cloned().collect();
        for key in other {
            records.0.remove(&key);
        }
        assert!(matches!(records.load(), Err(Unreadable::Damaged { .. })), "kind {missing}");
    }
}

/// Another allocation of the number that one is lent from already.
fn beside(sharing: Sharing, code: &str) -> Change {
    let all = everything();
    let lent = all.iter().find_map(|change| if let Change::Allocated(_, lent) = change { Some(lent) } else { None });
    let (id, code) = (AllocationId(6), Some(AccessCode::new(code).unwrap()));
    Change::Allocated(scope(), Arc::new(Allocation { id, sharing, code, ..(**lent.unwrap()).clone() }))
}

#[test]
fn a_shared_number_loads_with_all_its_allocations_and_one_lent_twice_is_damaged() {
    let load = |other| Records::of(&[everything(), vec![other]].concat()).load();
    let mut expected = Tables::default();
    for change in everything().into_iter().chain([beside(Sharing::Shared, "004712")]) {
        expected.apply(&change);
    }
    assert!(load(beside(Sharing::Shared, "004712")).unwrap() == expected);
    for twice in [beside(Sharing::Exclusive, "004712"), beside(Sharing::Shared, "004711")] {
        assert!(matches!(load(twice), Err(Unreadable::Damaged { tag: tag::ALLOCATION, .. })));
    }
}

#[test]
fn two_routes_of_one_dialled_number_or_one_id_are_damaged() {
    let beside = |other: Route| {
        let dnid = other.dnid;
        Records::of(&[everything(), vec![Change::Route(scope(), dnid, Some(Arc::new(other)))]].concat()).load()
    };
    let other = || Route { id: RouteId(1_000_000_301_000_000_007), dnid: 301, ..route() };
    let elsewhere = |text| Some(Extension::new(text).unwrap());
    assert!(beside(Route { extension: elsewhere("2"), ..other() }).is_ok());
    let same_number = other();
    let same_id = Route { id: route().id, extension: elsewhere("2"), ..other() };
    for route in [same_number, same_id] {
        assert!(matches!(beside(route), Err(Unreadable::Damaged { tag: tag::ROUTE, .. })));
    }
}

#[test]
fn the_largest_entry_of_the_audit_is_a_record_of_a_size_that_is_safe() {
    let longest = |chars: usize| "ж".repeat(chars);
    let record = NumberRecord {
        id: NumberId(u64::MAX),
        number: number(&"1".repeat(32)),
        dnid: number(&"1".repeat(32)),
        group: GroupName::new(&longest(255)).ok(),
        enabled: true,
        freed: None,
    };
    let deed = Deed::new(Action::InteractionDeleted, &longest(255));
    let source = Some("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255".into());
    let entry = AuditEntry {
        id: AuditId(u64::MAX),
        owner: TenantId::new(&longest(64)).ok(),
        environment: EnvironmentName::new(&longest(64)).ok(),
        at: at(u64::MAX),
        actor: Actor::person(&longest(255), ApplicationName::new(&longest(255)).ok(), source),
        action: deed.action,
        thing: deed.thing,
        before: Facts::from(&record),
        after: Facts::from(&record),
    };
    assert!(entry.owner.is_some() && entry.environment.is_some());
    let records = Records::of(&[audited(entry)]);
    assert!(records.0.iter().all(|(key, value)| key.len() + value.len() <= MAX_RECORD_BYTES));
}

#[test]
fn large_values_are_cut_into_chunks_that_fill_a_record() {
    for (length, expected) in [(0, 0), (1, 1), (4_000, 1), (4_001, 2), (1 << 20, 263)] {
        assert_eq!(chunks(length), expected);
        let bytes = vec![7; usize::try_from(length).unwrap()];
        let records = Records::of(&[Change::ValueKept(ValueId(1), bytes.into())]);
        assert_eq!(records.0.len() as u64, expected);
        assert!(records.0.iter().all(|(key, value)| key.len() + value.len() <= MAX_RECORD_BYTES));
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(
        records in proptest::collection::btree_map(any::<Vec<u8>>(), any::<Vec<u8>>(), 0..20),
    ) {
        let _ = Records(records).load();
    }

    #[test]
    fn right_records_with_a_byte_gone_wrong_never_panic(at: prop::sample::Index, place: prop::sample::Index, byte: u8) {
        let mut records = Records::of(&everything());
        let key = at.get(&records.0.keys().cloned().collect::<Vec<_>>()).clone();
        let mut value = records.0.remove(&key).unwrap();
        let mut wrong_key = key.clone();
        let place = place.index(key.len() + value.len());
        match place.checked_sub(key.len()) {
            Some(place) => value[place] = byte,
            None => wrong_key[place] = byte,
        }
        records.0.insert(wrong_key, value);
        let _ = records.load();
    }
}
