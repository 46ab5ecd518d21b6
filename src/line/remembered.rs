//! The lines that tell of what is remembered of the past: the keys of requests, and who held a number when.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::bytes::Bytes;
use crate::domain::history::{Bucket, End, HistoryFilter, Owner, Past};
use crate::domain::idempotency::Made;
use crate::domain::{
    AccessCode, Allocation, AllocationId, ApplicationName, Caller, Digest, DocumentId, EnvironmentName, GroupName,
    IdempotencyKey, IdempotencyRecord, InteractionId, LentBy, Number, NumberId, RouteId, Scope, Sharing, SkillId,
    TenantId, Timestamp,
};

/// A key under which a client made something.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyLine {
    pub(crate) tenant: TenantId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) environment: Option<EnvironmentName>,
    key: IdempotencyKey,
    /// Of the first request: the same key with another request is refused.
    digest: Bytes,
    made: MadeLine,
    since_ms: Timestamp,
    /// Not there while what was made lives.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_ms: Option<Timestamp>,
}

/// What the first request under a key made.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum MadeLine {
    Allocation {
        number: Number,
        id: AllocationId,
    },
    Number {
        number: Number,
        id: NumberId,
    },
    Interaction {
        id: InteractionId,
        document: DocumentId,
    },
    Document {
        id: DocumentId,
    },
    /// A text, as in the line of a route.
    Route {
        id: String,
    },
    Skill {
        id: SkillId,
    },
}

impl KeyLine {
    pub(crate) fn of(scope: &Scope, key: &IdempotencyKey, record: &IdempotencyRecord) -> Self {
        let Scope { tenant, environment } = scope.clone();
        let IdempotencyRecord { digest, made, since, ended } = record.clone();
        let made = match made {
            Made::Allocation(number, id) => MadeLine::Allocation { number, id },
            Made::Number(number, id) => MadeLine::Number { number, id },
            Made::Interaction(id, document) => MadeLine::Interaction { id, document },
            Made::Document(id) => MadeLine::Document { id },
            Made::Route(id) => MadeLine::Route { id: id.to_string() },
            Made::Skill(id) => MadeLine::Skill { id },
        };
        let digest = Bytes(digest.bytes().to_vec());
        Self { tenant, environment, key: key.clone(), digest, made, since_ms: since, ended_ms: ended }
    }

    /// The key and what is remembered of it, or what is wrong with it.
    pub(crate) fn record(self) -> Result<(IdempotencyKey, IdempotencyRecord), &'static str> {
        let Self { key, digest: Bytes(digest), made, since_ms, ended_ms, .. } = self;
        let digest = Digest::new(digest.try_into().map_err(|_| "the digest of a request has 32 bytes")?);
        let made = match made {
            MadeLine::Allocation { number, id } => Made::Allocation(number, id),
            MadeLine::Number { number, id } => Made::Number(number, id),
            MadeLine::Interaction { id, document } => Made::Interaction(id, document),
            MadeLine::Document { id } => Made::Document(id),
            MadeLine::Route { id } => {
                Made::Route(RouteId(id.parse().map_err(|_| "the id of a route is a whole number, as a text")?))
            }
            MadeLine::Skill { id } => Made::Skill(id),
        };
        Ok((key, IdempotencyRecord { digest, made, since: since_ms, ended: ended_ms }))
    }
}

/// The history of a tenant up to and with this part of an hour is forgotten.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ForgottenLine {
    /// Not there where it is the history of all tenants together, as an older release kept it.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<TenantId>,
    /// Since 1970.
    hour: u32,
    part: u16,
}

impl ForgottenLine {
    pub(crate) fn of(owner: &Owner, bucket: Bucket) -> Self {
        Self { tenant: owner.clone(), hour: bucket.hour, part: bucket.part }
    }

    /// Whose history is meant, and what went last.
    pub(crate) fn dropped(self) -> (Owner, Bucket) {
        (self.tenant, Bucket { hour: self.hour, part: self.part })
    }
}

/// An allocation that has ended.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PastLine {
    pub(crate) tenant: TenantId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) environment: Option<EnvironmentName>,
    /// In which hour since 1970 it is kept, and in which part of that.
    hour: u32,
    part: u16,
    id: AllocationId,
    number: Number,
    interaction: InteractionId,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<AccessCode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    caller: Option<Caller>,
    origin: LentBy,
    /// The application that asked, and the group of the number at the end; not there where they are not known, as in a dump
    /// that an older release made.
    #[serde(skip_serializing_if = "Option::is_none")]
    application: Option<ApplicationName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<GroupName>,
    sharing: Sharing,
    since_ms: Timestamp,
    deadline_ms: Timestamp,
    until_ms: Timestamp,
    end: End,
}

impl PastLine {
    pub(crate) fn of(scope: &Scope, past: &Past) -> Self {
        let Scope { tenant, environment } = scope.clone();
        let Past { bucket: Bucket { hour, part }, count: _, allocation, group, until: until_ms, end } = past.clone();
        let Allocation { id, number, interaction, code, caller, origin, application, sharing, since, deadline } =
            (*allocation).clone();
        let (since_ms, deadline_ms) = (since, deadline);
        Self {
            tenant,
            environment,
            hour,
            part,
            id,
            number,
            interaction,
            code,
            caller,
            origin,
            application,
            group,
            sharing,
            since_ms,
            deadline_ms,
            until_ms,
            end,
        }
    }

    /// The entry, which is the first of its bucket as far as the line can tell.
    pub(crate) fn past(self) -> Past {
        let Self { hour, part, id, number, interaction, code, caller, origin, application, group, sharing, .. } = self;
        let (since, deadline) = (self.since_ms, self.deadline_ms);
        let allocation =
            Allocation { id, number, interaction, code, caller, origin, application, sharing, since, deadline };
        let (bucket, allocation) = (Bucket { hour, part }, Arc::new(allocation));
        Past { bucket, count: 1, allocation, group, until: self.until_ms, end: self.end }
    }
}

/// What the line of an ended allocation has in it that passes a filter; a member that is not there does not matter.
#[derive(Debug, Serialize)]
pub(crate) struct PastMembers<'f> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<AllocationId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interaction: Option<&'f InteractionId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    caller: Option<&'f Caller>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<LentBy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    application: Option<&'f ApplicationName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'f GroupName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<End>,
}

impl<'f> PastMembers<'f> {
    pub(crate) fn of(filter: &'f HistoryFilter) -> Self {
        let HistoryFilter { number, group, caller, interaction, allocation, origin, application, end } = filter;
        Self {
            id: *allocation,
            number: *number,
            interaction: interaction.as_ref(),
            caller: caller.as_ref(),
            origin: *origin,
            application: application.as_ref(),
            group: group.as_ref(),
            end: *end,
        }
    }

    /// As an object of JSON.
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("names and numbers are always JSON")
    }
}
