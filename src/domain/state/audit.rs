//! What a decision says for the audit, and when that is forgotten.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{State, Turn};
use crate::domain::audit::{Action, Actor, AuditEntry, AuditOwner, Deed, Facts};
use crate::domain::{CallCenter, Change, EnvironmentName, Rules, Scope};

impl Turn<'_> {
    /// The same turn for somebody; what is decided for nobody in particular says nothing for the audit.
    #[must_use]
    pub fn by(mut self, actor: Option<Arc<Actor>>) -> Self {
        self.actor = actor;
        self
    }

    /// Notes for the audit what was decided, if it was for somebody.
    pub(super) fn audit(&mut self, scope: &Scope, deed: impl FnOnce() -> Deed) {
        if let Some(actor) = self.actor.clone() {
            self.state.keep_deed(scope, (*actor).clone(), deed());
        }
    }

    /// Notes for the audit what changes nothing and is to be known all the same.
    pub fn note(&mut self, scope: &Scope, deed: Deed) {
        self.audit(scope, || deed);
    }

    /// Notes for the audit that a file of numbers was imported.
    pub fn note_import(&mut self, scope: &Scope, created: u64, skipped: u64) {
        let counts = || Facts::default().with("created", created).with("skipped", skipped);
        self.audit(scope, || Deed::new(Action::NumbersImported, "numbers").after(counts()));
    }

    /// Notes for the audit what is other than before in the rules now in force.
    pub fn note_rules(&mut self, before: &Rules) {
        for (owner, deed) in differences(before, &self.state.rules) {
            self.state.keep(owner, None, Actor::Configuration, deed);
        }
    }

    /// Forgets entries that are too old or too many under the rules.
    pub(super) fn trim_audit(&mut self) {
        for owner in self.state.tables.audit().owners() {
            self.state.limit_audit(&owner);
        }
    }
}

impl State {
    fn keep_deed(&mut self, scope: &Scope, actor: Actor, deed: Deed) {
        self.keep(Some(scope.tenant.clone()), scope.environment.clone(), actor, deed);
    }

    fn keep(&mut self, owner: AuditOwner, environment: Option<EnvironmentName>, actor: Actor, deed: Deed) {
        if self.rules.audit.entries == 0 {
            return;
        }
        let (id, at) = (self.tables.audit().next(self.now), self.now);
        let Deed { action, thing, before, after } = deed;
        let entry = AuditEntry { id, owner, environment, at, actor, action, thing, before, after };
        let owner = entry.owner.clone();
        self.apply(Change::Audited(owner.clone(), id, Some(Arc::new(entry))));
        self.limit_audit(&owner);
    }

    fn limit_audit(&mut self, owner: &AuditOwner) {
        while let Some(id) = self.tables.audit().surplus(owner, self.now, &self.rules) {
            self.apply(Change::Audited(owner.clone(), id, None));
        }
    }
}

/// What is other in the rules, whom it concerns and how it was and is.
fn differences(before: &Rules, after: &Rules) -> Vec<(AuditOwner, Deed)> {
    let mut found = Vec::new();
    let mut note = |owner: AuditOwner, thing: String, (was, is): (Facts, Facts)| {
        if was != is {
            found.push((owner, Deed::new(Action::ConfigurationChanged, &thing).before(was).after(is)));
        }
    };
    note(None, "limits of the gateway".to_owned(), (limits(before), limits(after)));
    for owner in before.accounts.keys().chain(after.accounts.keys()).collect::<BTreeSet<_>>() {
        let accounts = |rules: &Rules| rules.accounts.get(owner).cloned().unwrap_or_default();
        let (was, is) = (accounts(before), accounts(after));
        for name in was.keys().chain(is.keys()).collect::<BTreeSet<_>>() {
            let facts = |known: Option<&(&str, &str)>| {
                known.map(|(name, word)| Facts::default().with(name, *word)).unwrap_or_default()
            };
            note(owner.clone(), name.clone(), (facts(was.get(name)), facts(is.get(name))));
        }
    }
    let tenants: BTreeSet<_> = [before, after].into_iter().flat_map(|rules| rules.groups.keys()).collect();
    for tenant in tenants {
        let owner = Some(tenant.clone());
        let groups = |rules: &Rules| rules.groups.get(tenant).cloned().unwrap_or_default();
        let (was, is) = (groups(before), groups(after));
        for name in was.keys().chain(is.keys()).collect::<BTreeSet<_>>() {
            let facts = |rules: Option<&_>| rules.map(Facts::from).unwrap_or_default();
            note(owner.clone(), format!("group {name}"), (facts(was.get(name)), facts(is.get(name))));
        }
        let quotas = |rules: &Rules| Facts::from(rules.quotas(tenant));
        note(owner.clone(), "limits".to_owned(), (quotas(before), quotas(after)));
        let (was, is) = (before.call_center(tenant), after.call_center(tenant));
        if was != is {
            // Equal counts would say that nothing is other.
            let (was, is) = (call_center(was).with("version", "before"), call_center(is).with("version", "after"));
            note(owner, "contact center".to_owned(), (was, is));
        }
    }
    found
}

fn call_center(center: &CallCenter) -> Facts {
    Facts::default()
        .with("access_codes", center.hotlines.len() as u64)
        .with("skills", center.skills.len() as u64)
        .with("flows", center.flows.len() as u64)
}

fn limits(rules: &Rules) -> Facts {
    Facts::default()
        .with("documents_total", rules.documents_total)
        .with("document_keys", rules.document_entries as u64)
        .with("document_value", rules.value_bytes)
        .with("history_days", u64::from(rules.history.days))
        .with("history_entries", rules.history.entries)
        .with("audit_days", u64::from(rules.audit.days))
        .with("audit_entries", rules.audit.entries)
}
