use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::domain::audit::Actor;
use crate::domain::call_center::{CallCenter, Direction, Flow, Hotline};
use crate::domain::change::Ids;
use crate::domain::document::FileLabel;
use crate::domain::state::{Holder, Lend, Repeat, Source};
use crate::domain::{
    ApplicationName, Caller, Change, CodeShape, Content, Destination, Digest, EntryKey, EnvironmentName, Extension,
    FlowId, GroupName, HistoryRules, HotlineCode, IdempotencyKey, IdempotentRequest, InteractionId, LentBy, MediaType,
    NewEntry, NewInteraction, NewNumber, NewRoute, NewSkill, Number, Rules, Scope, Seconds, TenantId, Timestamp,
};
use crate::store::memory::MemoryStore;
use crate::store::{ManualClock, Store};

/// A store with one of each kind.
async fn store() -> MemoryStore {
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_700_000_000_000)));
    let bank = Scope { tenant: TenantId::new("bank").unwrap(), environment: None };
    let store = MemoryStore::new(clock, rules(&bank.tenant), 7);
    let test = Scope { environment: Some(EnvironmentName::new("Test").unwrap()), ..bank.clone() };
    let group = GroupName::new("lines \"1\"").unwrap();
    let number = |text| Number::new(text).unwrap();
    for (scope, digits, group) in [(&bank, "+4930111", Some(group.clone())), (&test, "*99#", None)] {
        let new = NewNumber { number: number(digits), dnid: number("111"), group, enabled: digits != "*99#" };
        store.create_number(scope, new, None).await.unwrap();
    }
    let entry =
        |key, content, bytes: &[u8]| NewEntry { key: EntryKey::new(key).unwrap(), content, bytes: bytes.into() };
    let label = Content::File(FileLabel::new("image/png", Some("привет.png")).unwrap());
    let lend = Lend {
        holder: Holder::Any(InteractionId::new("visit 1").unwrap()),
        source: Source::group(group),
        origin: LentBy::Gms,
        repeat: Repeat::AnotherNumber,
        lasting: Seconds::new(300),
        interaction_ttl: Seconds::new(3600),
        code: Some(CodeShape::DEFAULT),
        caller: Some(Caller::new("+4930222").unwrap()),
        data: vec![entry("note", Content::Text, "naïve\n☎".as_bytes()), entry("dot", label.clone(), &[0, 255])],
        data_ttl: None,
        application: ApplicationName::new("mobile \"web\"").ok(),
    };
    let idempotency = |key: &str| {
        Some(IdempotentRequest {
            key: IdempotencyKey::new(key).unwrap(),
            digest: Digest::of([b"a request".as_slice()]),
        })
    };
    // Of two that have ended the older one is forgotten at once.
    store.lend(&bank, lend.clone(), None).await.unwrap();
    store.free(&bank, number("111")).await.unwrap();
    store.lend(&bank, lend.clone(), idempotency("lent-and-freed")).await.unwrap();
    store.free(&bank, number("111")).await.unwrap();
    store.lend(&bank, lend, idempotency("lent")).await.unwrap();
    store
        .create_document(&test, vec![entry("large", label, &[7; 1500])], Seconds::new(60), None, idempotency("stored"))
        .await
        .unwrap();
    store.signing_key().await.unwrap();
    let queue = NewSkill {
        name: "sales".into(),
        description: "who buys".into(),
        media: MediaType::VoiceAndVideo,
        max_wait: 60,
        max_waiting: 100,
        wrap_up: 5,
        settings: "{\"overflow\":0}".into(),
    };
    let queue = store.create_skill(&bank, queue, idempotency("queue")).await.unwrap();
    for (extension, destination) in [(Some("1"), Destination::Skill(queue.id)), (None, Destination::Flow(FlowId(3)))] {
        let extension = extension.map(|extension| Extension::new(extension).unwrap());
        let route = NewRoute { hotline: HotlineCode::new("5550").unwrap(), extension, media: None, destination };
        let key = route.extension.as_ref().and_then(|_| idempotency("route"));
        store.create_route(&bank, route, key).await.unwrap();
    }
    let spoken_to = NewInteraction { lasting: Some(Seconds::new(60)), ..NewInteraction::default() };
    store.create_interaction(&bank, spoken_to, idempotency("visit")).await.unwrap();
    let new = NewNumber { number: number("7"), dnid: number("7"), group: None, enabled: true };
    let source = Some("192.0.2.7".into());
    let ann = Actor::person("ann", ApplicationName::new("numbers").ok(), source);
    store.acting(ann).create_number(&test, new, idempotency("number")).await.unwrap();
    store
}

/// One hotline and one IVR flow, and a history of one entry.
fn rules(tenant: &TenantId) -> Rules {
    let media = MediaType::VoiceAndVideo;
    let hotline = Hotline { id: 1, media, service_number: None, description: None, direction: Direction::Both };
    let flow = Flow {
        code: "100".to_owned(),
        description: "menu".to_owned(),
        loaded: true,
        max_calls: 10,
        file: "menu.xml".to_owned(),
        kind: 4,
    };
    let center = CallCenter {
        hotlines: [(HotlineCode::new("5550").unwrap(), hotline)].into(),
        flows: [(FlowId(3), flow)].into(),
        ..CallCenter::default()
    };
    let history = HistoryRules { entries: 1, ..HistoryRules::default() };
    Rules { call_centers: [(tenant.clone(), Arc::new(center))].into(), history, ..Rules::default() }
}

async fn dumped(store: &MemoryStore) -> String {
    let mut bytes = Vec::new();
    write(store.snapshot().await.unwrap(), &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn changes(dump: &[u8]) -> Result<Vec<Change>, Error> {
    let mut changes = Vec::new();
    read(dump, |change| {
        changes.push(change);
        Ok::<_, Error>(())
    })?;
    Ok(changes)
}

/// The dump with a line put in or replaced, its end set right again.
fn forged(dump: &str, forge: impl FnOnce(&mut Vec<String>)) -> String {
    let mut lines: Vec<String> = dump.lines().map(ToOwned::to_owned).collect();
    lines.pop();
    forge(&mut lines);
    let mut seal = seal::Seal::default();
    seal.head(format!("{}\n", lines[0]).as_bytes());
    for line in &lines[1..] {
        // A kind that nobody knows can have no count that is right; reading ends before that.
        let kind = serde_json::from_str::<crate::line::Line>(line).map_or(LineKind::End, |line| line.kind());
        seal.line(kind, format!("{line}\n").as_bytes());
    }
    let end = serde_json::to_string(&crate::line::Line::End(seal.end())).unwrap();
    format!("{}\n{end}\n", lines.join("\n"))
}

fn refusal(dump: &str) -> String {
    changes(dump.as_bytes()).unwrap_err().to_string()
}

#[tokio::test]
async fn every_kind_of_line_has_exactly_this_form() {
    insta::assert_snapshot!(dumped(&store().await).await);
}

#[tokio::test]
async fn what_an_older_dump_tells_of_is_nobodys() {
    let told = dumped(&store().await).await;
    let member = r#","application":"mobile \"web\"""#;
    assert_eq!(told.matches(member).count(), 4, "an interaction, its document, what it holds and what it held");
    let older = forged(&told, |lines| lines.iter_mut().for_each(|line| *line = line.replace(member, "")));
    let makers = changes(older.as_bytes()).unwrap().into_iter().filter_map(|change| match change {
        Change::Interaction(_, _, Some(interaction)) => Some(interaction.application.clone()),
        Change::Document(_, _, Some(document)) => Some(document.application.clone()),
        Change::Allocated(_, allocation) => Some(allocation.application.clone()),
        Change::Ended(_, past) => Some(past.allocation.application.clone()),
        _ => None,
    });
    let makers: Vec<_> = makers.collect();
    assert!(makers.len() >= 5 && makers.iter().all(Option::is_none), "{makers:?}");
}

/// As a release wrote it that had the history of all tenants together.
#[tokio::test]
async fn an_older_history_is_counted_for_each_tenant_and_its_ids_are_where_every_scope_goes_on() {
    let dump = dumped(&store().await).await;
    let older = forged(&dump, |lines| {
        lines[1] = r#"{"kind":"counters","number":9,"allocation":8,"interaction":7,"value":1}"#.to_owned();
        lines.retain(|line| !line.contains(r#""kind":"ids""#));
        let forgotten = lines.iter_mut().find(|line| line.contains(r#""kind":"forgotten""#)).unwrap();
        *forgotten = r#"{"kind":"forgotten","hour":472222,"part":0}"#.to_owned();
        let past = lines.iter().find(|line| line.contains(r#""kind":"past""#)).unwrap().clone();
        for tenant in ["shop", "bank", "shop", "shop"] {
            lines.push(past.replace(r#""tenant":"bank""#, &format!(r#""tenant":"{tenant}""#)));
        }
        lines.push(past.replace(r#""part":1"#, r#""part":2"#));
    });
    let (mut counts, mut floors, mut before) = (Vec::new(), Vec::new(), Ids::default());
    for change in changes(older.as_bytes()).unwrap() {
        match change {
            Change::Ended(scope, past) => counts.push((scope.tenant.to_string(), past.bucket.part, past.count)),
            Change::HistoryDropped(owner, bucket) => floors.push((owner, bucket.part)),
            Change::Counters(counters) => before = counters.before,
            _ => {}
        }
    }
    let expected = [("bank", 1, 1), ("shop", 1, 1), ("bank", 1, 2), ("shop", 1, 2), ("shop", 1, 3), ("bank", 2, 1)];
    assert_eq!(counts, expected.map(|(tenant, part, count)| (tenant.to_owned(), part, count)));
    assert_eq!((floors, before), (vec![(None, 0)], Ids { number: 9, allocation: 8, interaction: 7 }));
}

#[tokio::test]
async fn what_is_read_is_what_was_written() {
    let store = store().await;
    let written: Result<Vec<_>, _> = store.snapshot().await.unwrap().collect();
    let (mut written, mut read) = (written.unwrap(), changes(dumped(&store).await.as_bytes()).unwrap());
    // Large values come somewhere after their entries.
    for changes in [&mut written, &mut read] {
        changes.sort_by_key(|change| matches!(change, Change::ValueKept(..)));
    }
    assert_eq!(read, written);
}

#[tokio::test]
async fn a_copy_is_the_same_and_tells_the_same_counts() {
    let dump = dumped(&store().await).await;
    let mut copied = Vec::new();
    let mut passed = 0;
    let summary = copy(dump.as_bytes(), &mut copied, |bytes| passed = bytes).unwrap();
    assert_eq!(String::from_utf8(copied).unwrap(), dump);
    assert_eq!(summary, read(dump.as_bytes(), |_| Ok::<_, Error>(())).unwrap());
    assert!(passed > 0 && passed < dump.len() as u64);
}

#[tokio::test]
async fn a_cut_dump_is_told_from_a_whole_one_wherever_it_is_cut() {
    let dump = dumped(&store().await).await;
    for end in 0..dump.len() {
        assert!(changes(&dump.as_bytes()[..end]).is_err(), "cut after {end} bytes");
        assert!(copy(&dump.as_bytes()[..end], std::io::sink(), |_| {}).is_err(), "cut after {end} bytes");
    }
}

#[tokio::test]
async fn a_line_that_is_missing_doubled_or_behind_the_end_is_noticed() {
    let dump = dumped(&store().await).await;
    let lines: Vec<&str> = dump.split_inclusive('\n').collect();
    for place in 0..lines.len() {
        let (before, after) = lines.split_at(place);
        assert!(changes([before, &after[1..]].concat().concat().as_bytes()).is_err(), "line {place} is missing");
        assert!(changes([before, &after[..1], after].concat().concat().as_bytes()).is_err(), "line {place} is doubled");
    }
    assert_eq!(
        refusal(&format!("{dump}\n")),
        "the dump was altered or damaged: it goes on after the line that ends a dump"
    );
}

#[tokio::test]
async fn what_only_a_later_release_knows_is_refused_and_said() {
    let dump = dumped(&store().await).await;
    let newer = |text: &str| {
        text.replace("\"version\":\"1.1\",\"gateway\":\"0.1.0\"", "\"version\":\"1.7\",\"gateway\":\"9.9.9\"")
    };
    let later = forged(&dump, |lines| {
        lines[0] = newer(&lines[0]);
        lines.insert(3, "{\"kind\":\"teapot\",\"id\":1}".to_owned());
    });
    assert_eq!(
        refusal(&later),
        "line 4: this release does not know the kind 'teapot'; the dump was written by dnis-gateway 9.9.9 in format \
         1.7: restore it with that release or a newer one"
    );
    let member = forged(&dump, |lines| lines[2] = lines[2].replace("{\"kind\"", "{\"colour\":\"red\",\"kind\""));
    assert!(refusal(&member).starts_with("line 3: unknown field `colour`"), "{}", refusal(&member));
    let later_member = forged(&dump, |lines| {
        lines[0] = newer(&lines[0]);
        lines[2] = lines[2].replace("{\"kind\"", "{\"colour\":\"red\",\"kind\"");
    });
    let told = refusal(&later_member);
    assert!(told.starts_with("line 3: unknown field `colour`"), "{told}");
    assert!(
        told.ends_with("by dnis-gateway 9.9.9 in format 1.7: restore it with that release or a newer one"),
        "{told}"
    );
    let understood = forged(&dump, |lines| lines[0] = newer(&lines[0]));
    assert!(changes(understood.as_bytes()).is_ok(), "a later format whose every line is known says nothing new");
    let other = forged(&dump, |lines| lines[0] = lines[0].replace("\"1.1\"", "\"2.0\""));
    assert_eq!(
        refusal(&other),
        "the dump has format 2.0, this release reads format 1; restore it with a release that reads it"
    );
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_line() {
    let dump = dumped(&store().await).await;
    let place = |kind: &str| dump.lines().position(|line| line.starts_with(&format!("{{\"kind\":\"{kind}\""))).unwrap();
    let (entry, number, value) = (place("entry"), place("number"), place("value"));
    let with = |place: usize, from: &str, to: &str| {
        let forged = forged(&dump, |lines| {
            assert!(lines[place].contains(from), "{}", lines[place]);
            lines[place] = lines[place].replacen(from, to, 1);
        });
        refusal(&forged)
    };
    assert!(with(number, "+4930111", "12a").contains("0-9 + * #"));
    assert!(with(entry, "\"key\":\"dot\"", "\"key\":\"\"").contains("key must not be empty"));
    assert!(with(entry, "\"base64\":\"AP8=\"", "\"text\":\"a\",\"base64\":\"AP8=\"").contains("one of the members"));
    assert!(with(value, "\"offset\":0", "\"offset\":1").contains("does not follow"));
    assert!(with(value, "\"length\":1500", "\"length\":1501").contains("there are 1500 bytes, not 1501"));
    let orphan = forged(&dump, |lines| {
        // Its document is the line before.
        lines.remove(entry - 1);
    });
    assert!(refusal(&orphan).contains("does not follow that document"));
}

#[test]
fn what_is_no_dump_is_called_that() {
    for text in ["", "number,dnid\n", "{}\n", "{\"kind\":\"number\"}\n"] {
        assert!(refusal(text).starts_with("this is no dump of dnis-gateway"), "{}", refusal(text));
    }
}

proptest! {
    #[test]
    fn a_changed_byte_is_noticed_wherever_it_is(place: prop::sample::Index, flip in 1u8..=255) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let dump = runtime.block_on(async { dumped(&store().await).await });
        let mut bytes = dump.into_bytes();
        let place = place.index(bytes.len());
        bytes[place] ^= flip;
        prop_assert!(changes(&bytes).is_err());
    }
}
