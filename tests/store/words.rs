//! Short ways to say what the tests say often.

use dnis_gateway::domain::call_center::Direction;
use dnis_gateway::domain::document::FileLabel;
use dnis_gateway::domain::state::{Criteria, Holder, LateCalls, Lend, Repeat, Source};
use dnis_gateway::domain::{
    CallCenter, CodeShape, Content, Dialled, Digest, EntryKey, EnvironmentName, Flow, FlowId, GroupName, Hotline,
    IdempotencyKey, IdempotentRequest, InteractionId, LentBy, MediaType, NewEntry, NewNumber, NewSkill, Number,
    Overdial, Resolve, Scope, Seconds, SkillId, TenantId,
};
use dnis_gateway::store::ImportRow;

pub(crate) fn scope() -> Scope {
    Scope { tenant: TenantId::new("acme").unwrap(), environment: None }
}

pub(crate) fn other_scope() -> Scope {
    Scope { environment: Some(EnvironmentName::new("test").unwrap()), ..scope() }
}

pub(crate) fn num(text: &str) -> Number {
    Number::new(text).unwrap()
}

pub(crate) fn group(text: &str) -> GroupName {
    GroupName::new(text).unwrap()
}

pub(crate) fn from(name: &str) -> Source {
    Source::group(group(name))
}

pub(crate) fn interaction(text: &str) -> InteractionId {
    InteractionId::new(text).unwrap()
}

pub(crate) fn key(text: &str) -> EntryKey {
    EntryKey::new(text).unwrap()
}

/// A number of the group `g`; its DNID is its last digit.
pub(crate) fn number(text: &str) -> NewNumber {
    let dnid = num(&text[text.len() - 1..]);
    NewNumber { number: num(text), dnid, group: Some(group("g")), enabled: true }
}

/// Rows of the group `g`, from line 2 on.
pub(crate) fn rows(numbers: &[&str]) -> Vec<ImportRow> {
    (2..).zip(numbers).map(|(line, text)| ImportRow { line, number: number(text) }).collect()
}

/// A request for a number of the group `g` with a code, for 300 seconds.
pub(crate) fn lend_to(holder: &str) -> Lend {
    Lend {
        holder: Holder::Any(interaction(holder)),
        source: from("g"),
        origin: LentBy::Gms,
        repeat: Repeat::AnotherNumber,
        lasting: Seconds::new(300),
        interaction_ttl: Seconds::new(0),
        code: Some(CodeShape::DEFAULT),
        caller: None,
        data: Vec::new(),
        data_ttl: None,
        application: None,
    }
}

pub(crate) fn call(text: &str) -> Criteria {
    Criteria { number: num(text), code: None, caller: None, late: LateCalls::Ignored }
}

/// A request of this kind under a key.
pub(crate) fn idempotency(key: &str, request: &str) -> Option<IdempotentRequest> {
    Some(IdempotentRequest { key: IdempotencyKey::new(key).unwrap(), digest: Digest::of([request.as_bytes()]) })
}

pub(crate) fn dial(text: &str) -> Resolve {
    Resolve { dialled: Dialled::new(text).unwrap(), code: None, caller: None }
}

pub(crate) fn text(name: &str, value: &str) -> NewEntry {
    NewEntry { key: key(name), content: Content::Text, bytes: value.as_bytes().into() }
}

pub(crate) fn file(name: &str, bytes: &[u8]) -> NewEntry {
    let label = FileLabel::new("image/png", Some("привет.png")).unwrap();
    NewEntry { key: key(name), content: Content::File(label), bytes: bytes.into() }
}

/// What is said of a queue for voice and video.
pub(crate) fn queue(name: &str) -> NewSkill {
    NewSkill {
        name: name.into(),
        description: "made by a test".into(),
        media: MediaType::VoiceAndVideo,
        max_wait: 60,
        max_waiting: 100,
        wrap_up: 5,
        settings: "{}".into(),
    }
}

/// A contact center with the hotlines 100, 1002 and, for multimedia, 153, the queues 7 and, for multimedia, 9, and the
/// flow 12.
pub(crate) fn call_center() -> CallCenter {
    let hotline =
        |id, media| Hotline { id, media, service_number: None, description: None, direction: Direction::Both };
    let voice = MediaType::VoiceAndVideo;
    let hotlines = [("100", voice), ("1002", voice), ("153", MediaType::Multimedia)];
    let hotlines = hotlines.into_iter().zip(1..).map(|((code, media), id)| (code.parse().unwrap(), hotline(id, media)));
    let flow = Flow {
        code: "T12".to_owned(),
        description: "main-menu".to_owned(),
        loaded: true,
        max_calls: 100,
        file: "main.vxml".to_owned(),
        kind: 4,
    };
    let mut center = CallCenter {
        hotlines: hotlines.collect(),
        flows: [(FlowId(12), flow)].into(),
        overdial: Overdial::Allowed,
        ..CallCenter::default()
    };
    center.add_skill(SkillId(7), queue("sales"));
    center.add_skill(SkillId(9), NewSkill { media: MediaType::Multimedia, ..queue("chat") });
    center
}
