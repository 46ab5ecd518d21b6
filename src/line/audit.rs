//! The line that tells of what somebody did.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::audit::{Action, Actor, Fact, Facts};
use crate::domain::{ApplicationName, AuditEntry, AuditId, EnvironmentName, TenantId, Timestamp};

/// An entry of the audit.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditLine {
    /// Not there where it concerns the gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<TenantId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<EnvironmentName>,
    id: AuditId,
    at_ms: Timestamp,
    /// Not there where the configuration was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    application: Option<ApplicationName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Arc<str>>,
    action: Action,
    thing: Arc<str>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    before: BTreeMap<String, FactLine>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    after: BTreeMap<String, FactLine>,
}

/// How a thing is in one respect.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum FactLine {
    Flag(bool),
    Count(u64),
    Text(String),
}

impl AuditLine {
    pub(crate) fn of(entry: &AuditEntry) -> Self {
        let AuditEntry { id, owner, environment, at, actor, action, thing, before, after } = entry.clone();
        let (user, application, source) = match actor {
            Actor::Person { user, application, source } => (Some(user), application, source),
            Actor::Configuration => (None, None, None),
        };
        let (before, after) = (lines(&before), lines(&after));
        Self { tenant: owner, environment, id, at_ms: at, user, application, source, action, thing, before, after }
    }

    pub(crate) fn entry(self) -> AuditEntry {
        let Self { tenant, environment, id, at_ms, user, application, source, action, thing, before, after } = self;
        let actor = match user {
            Some(user) => Actor::Person { user, application, source },
            None => Actor::Configuration,
        };
        let (before, after) = (facts(before), facts(after));
        AuditEntry { id, owner: tenant, environment, at: at_ms, actor, action, thing, before, after }
    }
}

fn lines(facts: &Facts) -> BTreeMap<String, FactLine> {
    let line = |fact: &Fact| match fact {
        Fact::Flag(flag) => FactLine::Flag(*flag),
        Fact::Count(count) => FactLine::Count(*count),
        Fact::Text(text) => FactLine::Text(text.to_string()),
    };
    facts.iter().map(|(name, fact)| (name.to_owned(), line(fact))).collect()
}

fn facts(lines: BTreeMap<String, FactLine>) -> Facts {
    lines.into_iter().fold(Facts::default(), |facts, (name, line)| match line {
        FactLine::Flag(flag) => facts.with(&name, flag),
        FactLine::Count(count) => facts.with(&name, count),
        FactLine::Text(text) => facts.with(&name, &*text),
    })
}
