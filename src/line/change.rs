//! From a change to the line that tells of what it makes, and back.

use std::sync::Arc;

use super::audit::AuditLine;
use super::bytes::Bytes;
use super::call_center::{NumberingLine, RouteLine, SigningKeyLine, SkillLine};
use super::remembered::{ForgottenLine, KeyLine, PastLine};
use super::usage::{UnusedLine, UsageLine, UsedLine};
use super::{
    AllocationLine, Counters as CountersLine, DocumentLine, EntryLine, FileLine, Freed, IdsLine, InteractionLine,
    Large, Line, NumberLine,
};
use crate::domain::change::{Counters, Ids};
use crate::domain::document::{Entries, FileLabel};
use crate::domain::number::LastLending;
use crate::domain::{
    Change, Content, Deadline, Document, DocumentId, Entry, EntryKey, EntryValue, Interaction, NumberRecord, Scope,
};

impl Line {
    /// The line that tells of what a change makes. One that takes something away has none, and the bytes of a large value
    /// are more than one line.
    pub(crate) fn of(change: &Change) -> Option<Self> {
        Some(match change {
            Change::Counters(counters) => Self::Counters(CountersLine {
                number: counters.before.number,
                allocation: counters.before.allocation,
                interaction: counters.before.interaction,
                value: counters.value,
            }),
            Change::Ids(scope, ids) => Self::Ids(IdsLine {
                tenant: scope.tenant.clone(),
                environment: scope.environment.clone(),
                number: ids.number,
                allocation: ids.allocation,
                interaction: ids.interaction,
            }),
            Change::Number(scope, number, Some(record)) => Self::Number(NumberLine {
                tenant: scope.tenant.clone(),
                environment: scope.environment.clone(),
                number: *number,
                id: record.id,
                dnid: record.dnid,
                group: record.group.clone(),
                enabled: record.enabled,
                freed: record.freed.map(|last| Freed { at_ms: last.at, allocation: last.allocation }),
            }),
            Change::Interaction(scope, id, Some(record)) => Self::Interaction(InteractionLine {
                tenant: scope.tenant.clone(),
                environment: scope.environment.clone(),
                id: id.clone(),
                document: record.data,
                since_ms: record.since,
                deadline_ms: record.deadline.at(),
                application: record.application.clone(),
            }),
            Change::Allocated(scope, allocation) => Self::Allocation(AllocationLine {
                tenant: scope.tenant.clone(),
                environment: scope.environment.clone(),
                id: allocation.id,
                number: allocation.number,
                interaction: allocation.interaction.clone(),
                code: allocation.code.clone(),
                caller: allocation.caller.clone(),
                origin: allocation.origin,
                application: allocation.application.clone(),
                sharing: allocation.sharing,
                since_ms: allocation.since,
                deadline_ms: allocation.deadline,
            }),
            Change::Document(scope, id, Some(record)) => Self::Document(DocumentLine {
                tenant: scope.tenant.clone(),
                environment: scope.environment.clone(),
                id: *id,
                interaction: record.interaction.clone(),
                kept_until_ms: record.kept_until,
                ownership: record.ownership,
                application: record.application.clone(),
            }),
            Change::Entry(scope, document, key, Some(entry)) => Self::Entry(entry_line(scope, *document, key, entry)),
            Change::Numbering(scope, numbering) => Self::Numbering(NumberingLine::of(scope, *numbering)),
            Change::Skill(scope, _, Some(skill)) => Self::Skill(SkillLine::of(scope, skill)),
            Change::Route(scope, _, Some(route)) => Self::Route(RouteLine::of(scope, route)),
            Change::SigningKey(key) => Self::SigningKey(SigningKeyLine::of(key)),
            Change::IdempotencyKey(scope, key, Some(record)) => Self::Key(KeyLine::of(scope, key, record)),
            // Nothing is left of it but where the history begins.
            Change::HistoryDropped(owner, bucket) => Self::Forgotten(ForgottenLine::of(owner, *bucket)),
            Change::Audited(_, _, Some(entry)) => Self::Audit(AuditLine::of(entry)),
            Change::Ended(scope, past) => Self::Past(PastLine::of(scope, past)),
            Change::Usage(scope, group, Some(running)) => Self::Usage(UsageLine::of(scope, group, running)),
            Change::Used(scope, record) => Self::Used(UsedLine::of(scope, record)),
            Change::UsageDropped(span, day) => Self::Unused(UnusedLine { span: *span, day: *day }),
            Change::Number(_, _, None)
            | Change::Interaction(_, _, None)
            | Change::Document(_, _, None)
            | Change::Entry(_, _, _, None)
            | Change::Skill(_, _, None)
            | Change::Route(_, _, None)
            | Change::Released(..)
            | Change::ValueKept(..)
            | Change::ValueDropped(..)
            | Change::Audited(_, _, None)
            | Change::Usage(_, _, None)
            | Change::IdempotencyKey(_, _, None) => return None,
        })
    }

    /// The change that makes what the line tells of: a document without its entries, an ended allocation as if it were the
    /// first of its bucket, a record of use as the first of its day. `scope` gives the shared name of a scope.
    ///
    /// # Errors
    /// What is wrong with the line; pieces of large values, and the end of a dump, make nothing by themselves.
    pub(crate) fn change(self, scope: &mut dyn FnMut(Scope) -> Arc<Scope>) -> Result<Change, String> {
        let mut of = |tenant: &_, environment: &_| -> Arc<Scope> {
            scope(Scope { tenant: Clone::clone(tenant), environment: Clone::clone(environment) })
        };
        Ok(match self {
            Self::Counters(CountersLine { number, allocation, interaction, value }) => {
                Change::Counters(Counters { before: Ids { number, allocation, interaction }, value })
            }
            Self::Ids(IdsLine { tenant, environment, number, allocation, interaction }) => {
                Change::Ids(of(&tenant, &environment), Ids { number, allocation, interaction })
            }
            Self::Number(line) => {
                let NumberLine { tenant, environment, number, id, dnid, group, enabled, freed } = line;
                let freed = freed.map(|freed| LastLending { at: freed.at_ms, allocation: freed.allocation });
                let record = NumberRecord { id, number, dnid, group, enabled, freed };
                Change::Number(of(&tenant, &environment), number, Some(Arc::new(record)))
            }
            Self::Interaction(line) => {
                let InteractionLine { tenant, environment, id, document, since_ms, deadline_ms, application } = line;
                let deadline = deadline_ms.map_or(Deadline::Never, Deadline::At);
                let record = Interaction { id: id.clone(), data: document, since: since_ms, deadline, application };
                Change::Interaction(of(&tenant, &environment), id, Some(Arc::new(record)))
            }
            Self::Allocation(line) => {
                let scope = of(&line.tenant, &line.environment);
                Change::Allocated(scope, Arc::new(line.allocation()))
            }
            Self::Document(line) => {
                let DocumentLine { tenant, environment, id, interaction, kept_until_ms, ownership, application } = line;
                let (kept_until, entries) = (kept_until_ms, Entries::new());
                let document = Document { id, interaction, kept_until, ownership, application, entries };
                Change::Document(of(&tenant, &environment), id, Some(Arc::new(document)))
            }
            Self::Entry(line) => {
                let (scope, document) = (of(&line.tenant, &line.environment), line.document);
                let (key, entry) = entry(line)?;
                Change::Entry(scope, document, key, Some(entry))
            }
            Self::Numbering(line) => Change::Numbering(of(&line.tenant, &line.environment), line.numbering()),
            Self::Skill(line) => {
                let scope = of(&line.tenant, &line.environment);
                let skill = line.skill();
                Change::Skill(scope, skill.id, Some(Arc::new(skill)))
            }
            Self::Route(line) => {
                let scope = of(&line.tenant, &line.environment);
                let route = line.route()?;
                Change::Route(scope, route.dnid, Some(Arc::new(route)))
            }
            Self::SigningKey(line) => Change::SigningKey(line.key()?),
            Self::Key(line) => {
                let scope = of(&line.tenant, &line.environment);
                let (key, record) = line.record()?;
                Change::IdempotencyKey(scope, key, Some(Arc::new(record)))
            }
            Self::Forgotten(line) => {
                let (owner, bucket) = line.dropped();
                Change::HistoryDropped(owner, bucket)
            }
            Self::Audit(line) => {
                let entry = line.entry();
                Change::Audited(entry.owner.clone(), entry.id, Some(Arc::new(entry)))
            }
            Self::Past(line) => {
                let scope = of(&line.tenant, &line.environment);
                Change::Ended(scope, Arc::new(line.past()))
            }
            Self::Usage(line) => {
                let scope = of(&line.tenant, &line.environment);
                let (group, running) = line.running();
                Change::Usage(scope, group, Some(running))
            }
            Self::Used(line) => {
                let scope = of(&line.tenant, &line.environment);
                Change::Used(scope, Arc::new(line.record()))
            }
            Self::Unused(UnusedLine { span, day }) => Change::UsageDropped(span, day),
            Self::Value(_) | Self::End(_) => return Err("the line tells of nothing that is known by itself".to_owned()),
        })
    }
}

fn entry_line(scope: &Scope, document: DocumentId, key: &EntryKey, entry: &Entry) -> EntryLine {
    let file = match &entry.content {
        Content::Text => None,
        Content::File(label) => {
            Some(FileLine { media_type: label.media_type().to_owned(), name: label.name().map(ToOwned::to_owned) })
        }
    };
    let (mut text, mut base64, mut value) = (None, None, None);
    match &entry.value {
        EntryValue::OutOfLine { id, length } => value = Some(Large { id: *id, length: *length }),
        EntryValue::Inline(bytes) => match std::str::from_utf8(bytes) {
            Ok(small) if file.is_none() => text = Some(small.to_owned()),
            _ => base64 = Some(Bytes(bytes.to_vec())),
        },
    }
    EntryLine {
        tenant: scope.tenant.clone(),
        environment: scope.environment.clone(),
        document,
        key: key.as_str().to_owned(),
        file,
        text,
        base64,
        value,
    }
}

fn entry(line: EntryLine) -> Result<(EntryKey, Entry), String> {
    let EntryLine { key, file, text, base64, value, .. } = line;
    let key = EntryKey::new(&key).map_err(|error| format!("key {error}"))?;
    let content = match &file {
        None => Content::Text,
        Some(FileLine { media_type, name }) => {
            let label = FileLabel::new(media_type, name.as_deref());
            Content::File(label.map_err(|error| format!("file {error}"))?)
        }
    };
    let value = match (text, base64, value) {
        (Some(text), None, None) => EntryValue::Inline(text.into_bytes().into()),
        (None, Some(Bytes(bytes)), None) => EntryValue::Inline(bytes.into()),
        (None, None, Some(large)) => EntryValue::OutOfLine { id: large.id, length: large.length },
        _ => return Err("an entry has one of the members text, base64 and value".to_owned()),
    };
    Ok((key, Entry { content, value }))
}
