//! One of everything that can be written, for the tests of every format.

use std::sync::Arc;

use uuid::Uuid;

use crate::domain::audit::{Action, Actor, Facts};
use crate::domain::change::{Counters, Ids};
use crate::domain::document::FileLabel;
use crate::domain::history::{Bucket, End, Past};
use crate::domain::number::LastLending;
use crate::domain::tables::routes::Numbering;
use crate::domain::usage::{Figures, Running, Span, UsageRecord};
use crate::domain::{
    AccessCode, Allocation, AllocationId, ApplicationName, AuditEntry, AuditId, Caller, Change, Content, Deadline,
    Destination, Digest, Document, DocumentId, Entry, EntryKey, EntryValue, EnvironmentName, Extension, FlowId,
    GroupName, HotlineCode, IdempotencyKey, IdempotencyRecord, Interaction, InteractionId, LentBy, Made, MediaType,
    NewSkill, Number, NumberId, NumberRecord, Ownership, Route, RouteId, Scope, Sharing, SigningKey, Skill, SkillId,
    TenantId, Timestamp, ValueId,
};

pub(in crate::store) fn scope() -> Arc<Scope> {
    Arc::new(Scope { tenant: TenantId::new("acme").unwrap(), environment: None })
}

pub(in crate::store) fn environment() -> Arc<Scope> {
    Arc::new(Scope { environment: Some(EnvironmentName::new("Test").unwrap()), ..(*scope()).clone() })
}

pub(in crate::store) fn number(text: &str) -> Number {
    Number::new(text).unwrap()
}

pub(in crate::store) fn at(milliseconds: u64) -> Timestamp {
    Timestamp::from_millis(milliseconds)
}

pub(in crate::store) fn data() -> DocumentId {
    DocumentId(Uuid::from_bytes(*b"0123456789abcdef"))
}

/// One of everything that can be kept.
pub(in crate::store) fn everything() -> Vec<Change> {
    let interaction = InteractionId::new("1-session").unwrap();
    let lent = Arc::new(NumberRecord {
        id: NumberId(1),
        number: number("+49*30#"),
        dnid: number("30"),
        group: Some(GroupName::new("service").unwrap()),
        enabled: true,
        freed: None,
    });
    let bare = Arc::new(NumberRecord {
        id: NumberId(300),
        number: number("7"),
        dnid: number("7"),
        group: None,
        enabled: false,
        freed: Some(LastLending { at: at(1_700_000_000_000), allocation: AllocationId(4) }),
    });
    let with_all = Arc::new(Allocation {
        id: AllocationId(5),
        number: number("+49*30#"),
        interaction: interaction.clone(),
        code: Some(AccessCode::new("004711").unwrap()),
        caller: Some(Caller::new("anonymous").unwrap()),
        origin: LentBy::Interact,
        application: None,
        sharing: Sharing::Exclusive,
        since: at(1_700_000_000_000),
        deadline: at(1_700_000_300_000),
    });
    let ended = Arc::new(Allocation { id: AllocationId(4), ..(*with_all).clone() });
    let session = Interaction {
        id: interaction.clone(),
        data: data(),
        since: at(1),
        deadline: Deadline::Never,
        application: None,
    };
    let label = FileLabel::new("image/png", Some("a.png")).unwrap();
    let text = Entry { content: Content::Text, value: EntryValue::Inline(b"value".as_slice().into()) };
    let file = Entry { content: Content::File(label), value: EntryValue::OutOfLine { id: ValueId(9), length: 4_001 } };
    let document = Document {
        id: data(),
        interaction: Some(interaction.clone()),
        kept_until: at(2),
        ownership: Ownership::Anyone,
        application: None,
        entries: [(EntryKey::new("ключ").unwrap(), text.clone()), (EntryKey::new("pic").unwrap(), file.clone())].into(),
    };
    vec![
        Change::Counters(Counters { before: Ids { number: 2, allocation: 3, interaction: 4 }, value: 9 }),
        Change::Ids(scope(), Ids { number: 300, allocation: 5, interaction: 1 }),
        Change::Number(scope(), number("+49*30#"), Some(lent)),
        Change::Number(environment(), number("7"), Some(bare)),
        Change::Interaction(scope(), interaction, Some(Arc::new(session))),
        Change::Allocated(scope(), with_all),
        Change::Document(scope(), data(), Some(Arc::new(document))),
        Change::Entry(scope(), data(), EntryKey::new("ключ").unwrap(), Some(text)),
        Change::Entry(scope(), data(), EntryKey::new("pic").unwrap(), Some(file)),
        Change::IdempotencyKey(scope(), IdempotencyKey::new("living").unwrap(), Some(Arc::new(record(None)))),
        Change::IdempotencyKey(
            environment(),
            IdempotencyKey::new("spent").unwrap(),
            Some(Arc::new(record(Some(at(3))))),
        ),
        Change::HistoryDropped(None, Bucket { hour: 470_000, part: 1 }),
        Change::HistoryDropped(Some(scope().tenant.clone()), Bucket { hour: 471_000, part: 2 }),
        Change::Ended(scope(), Arc::new(Past { allocation: ended, ..past() })),
        Change::ValueKept(ValueId(9), [b"x".repeat(4_000), b"y".to_vec()].concat().into()),
        Change::Numbering(scope(), Numbering { dnid: 300, skills: 1 }),
        Change::Skill(scope(), skill().id, Some(Arc::new(skill()))),
        Change::Route(scope(), 300, Some(Arc::new(route()))),
        Change::Route(environment(), 1, Some(Arc::new(bare_route()))),
        Change::SigningKey(SigningKey::new(*b"a key of exactly thirty-two byte")),
        audited(changed_by_somebody()),
        audited(changed_by_the_configuration()),
        Change::Usage(scope(), GroupName::new("service").ok(), Some(Arc::new(running()))),
        Change::Usage(environment(), None, Some(Arc::new(running()))),
        Change::UsageDropped(Span::Quarter, 19_000),
        Change::Used(scope(), Arc::new(used(Span::Quarter, GroupName::new("service").ok()))),
        Change::Used(environment(), Arc::new(used(Span::Hour, None))),
    ]
}

pub(in crate::store) fn audited(entry: AuditEntry) -> Change {
    Change::Audited(entry.owner.clone(), entry.id, Some(Arc::new(entry)))
}

fn changed_by_somebody() -> AuditEntry {
    let facts = |enabled: bool| Facts::default().with("dnid", "30").with("enabled", enabled);
    AuditEntry {
        id: AuditId(1_700_000_000_000_001),
        owner: Some(scope().tenant.clone()),
        environment: environment().environment.clone(),
        at: at(1_700_000_000_000),
        actor: Actor::Person {
            user: "анна".into(),
            application: ApplicationName::new("numbers").ok(),
            source: Some("2001:db8::7".into()),
        },
        action: Action::NumberChanged,
        thing: "+49*30#".into(),
        before: facts(true),
        after: facts(false),
    }
}

fn changed_by_the_configuration() -> AuditEntry {
    AuditEntry {
        id: AuditId(2),
        owner: None,
        environment: None,
        actor: Actor::Configuration,
        action: Action::ConfigurationChanged,
        thing: "limits of the gateway".into(),
        before: Facts::default().with("documents_total", 300),
        after: Facts::default(),
        ..changed_by_somebody()
    }
}

pub(in crate::store) fn past() -> Past {
    let allocation = Allocation {
        id: AllocationId(3),
        number: number("7"),
        interaction: InteractionId::new("x").unwrap(),
        code: None,
        caller: None,
        origin: LentBy::Gms,
        application: ApplicationName::new("mobile web").ok(),
        sharing: Sharing::Shared,
        since: at(1_700_000_000_000),
        deadline: at(1_700_000_300_000),
    };
    let until = at(1_700_000_200_000);
    Past {
        bucket: Bucket { hour: 472_222, part: 1 },
        count: 300,
        allocation: allocation.into(),
        group: GroupName::new("service").ok(),
        until,
        end: End::Matched,
    }
}

pub(in crate::store) fn figures() -> Figures {
    Figures { peak: 3, lends: 300, matches: 200, expiries: 90, refusals: 7, ended: 298, held_millis: 9_000_000 }
}

pub(in crate::store) fn running() -> Running {
    let of_hour = Figures { lends: 1000, ..figures() };
    Running { quarter: 1_888_889, of_quarter: figures(), of_hour }
}

pub(in crate::store) fn used(span: Span, group: Option<GroupName>) -> UsageRecord {
    UsageRecord { group, span, slot: span.slot(at(1_700_000_000_000)), count: 1, figures: figures() }
}

pub(in crate::store) fn record(ended: Option<Timestamp>) -> IdempotencyRecord {
    let made = match ended {
        None => Made::Allocation(number("+49*30#"), AllocationId(5)),
        Some(_) => Made::Interaction(InteractionId::new("1-session").unwrap(), data()),
    };
    IdempotencyRecord { digest: Digest::of([b"request".as_slice()]), made, since: at(2), ended }
}

pub(in crate::store) fn skill() -> Skill {
    let about = NewSkill {
        name: "продажи".into(),
        description: "sales".into(),
        media: MediaType::Multimedia,
        max_wait: 60_000,
        max_waiting: 10_000,
        wrap_up: 5,
        settings: r#"{"busy":{"transferType":"Release"}}"#.into(),
    };
    Skill { id: SkillId(10_000), about }
}

pub(in crate::store) fn route() -> Route {
    Route {
        id: RouteId(1_000_000_300_000_000_007),
        dnid: 300,
        hotline: HotlineCode::new("9911411").unwrap(),
        extension: Some(Extension::new("*1#").unwrap()),
        media: MediaType::Video,
        destination: Destination::Skill(SkillId(10_000)),
    }
}

/// The route of a hotline alone.
pub(in crate::store) fn bare_route() -> Route {
    let destination = Destination::Flow(FlowId(12));
    Route { id: RouteId(1_000_000_001_000_000_007), dnid: 1, extension: None, destination, ..route() }
}

/// What undoes all of it; numbers that were given out and the key stay.
pub(in crate::store) fn nothing_left() -> Vec<Change> {
    let undo = |change: Change| match change {
        Change::Number(scope, number, _) => Some(Change::Number(scope, number, None)),
        Change::Interaction(scope, id, _) => Some(Change::Interaction(scope, id, None)),
        Change::Allocated(scope, allocation) => Some(Change::Released(scope, allocation)),
        Change::Document(scope, id, _) => Some(Change::Document(scope, id, None)),
        Change::Entry(scope, id, key, _) => Some(Change::Entry(scope, id, key, None)),
        Change::IdempotencyKey(scope, key, _) => Some(Change::IdempotencyKey(scope, key, None)),
        Change::Usage(scope, group, _) => Some(Change::Usage(scope, group, None)),
        Change::Used(_, used) => Some(Change::UsageDropped(used.span, used.span.day(used.slot))),
        Change::Ended(scope, past) => Some(Change::HistoryDropped(Some(scope.tenant.clone()), past.bucket)),
        Change::Skill(scope, id, _) => Some(Change::Skill(scope, id, None)),
        Change::Route(scope, dnid, _) => Some(Change::Route(scope, dnid, None)),
        Change::Audited(owner, id, _) => Some(Change::Audited(owner, id, None)),
        Change::ValueKept(id, bytes) => Some(Change::ValueDropped(id, bytes.len() as u64)),
        _ => None,
    };
    everything().into_iter().filter_map(undo).collect()
}

/// What an application made, beside everything that is nobody's.
pub(in crate::store) fn owned() -> Vec<Change> {
    let application = ApplicationName::new("mobile web").ok();
    let id = InteractionId::new("2-session").unwrap();
    let data = DocumentId(Uuid::from_bytes(*b"fedcba9876543210"));
    let session = Interaction {
        id: id.clone(),
        data,
        since: at(1),
        deadline: Deadline::At(at(9)),
        application: application.clone(),
    };
    let document = Document {
        id: data,
        interaction: Some(id.clone()),
        kept_until: at(2),
        ownership: Ownership::Anyone,
        application,
        entries: [].into(),
    };
    vec![
        Change::Interaction(scope(), id, Some(Arc::new(session))),
        Change::Document(scope(), data, Some(Arc::new(document))),
    ]
}
