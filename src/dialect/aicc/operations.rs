//! What the operations of one caller work with: the store, the scope, and who and what there is in the contact center.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::Failure;
use crate::access::Principal;
use crate::domain::{CallCenter, Destination, Scope, Skill, SkillId};
use crate::store::Store;

/// The operations, for one caller.
pub(super) struct Operations<'a> {
    pub(super) store: &'a dyn Store,
    /// Who calls, and whose routes and queues.
    pub(super) principal: Principal<'a>,
}

/// Every destination with its name: the configured ones and those that callers made.
pub(super) struct Directory {
    center: Arc<CallCenter>,
    pub(super) skills: BTreeMap<SkillId, Arc<Skill>>,
}

impl Operations<'_> {
    /// Whose routes and queues.
    pub(super) fn scope(&self) -> &Scope {
        &self.principal.scope
    }

    /// What the operator says of the tenant's contact center.
    pub(super) fn call_center(&self) -> &Arc<CallCenter> {
        &self.principal.tenant.aicc.call_center
    }

    /// Every destination there is now.
    pub(super) async fn directory(&self) -> Result<Directory, Failure> {
        let center = Arc::clone(self.call_center());
        let made = self.store.skills(self.scope()).await?;
        let configured = center.skills.iter().map(|(id, skill)| (*id, Arc::clone(skill)));
        let skills = configured.chain(made.into_iter().map(|skill| (skill.id, skill))).collect();
        Ok(Directory { center, skills })
    }
}

impl Directory {
    /// What people call a destination, if it is still there.
    pub(super) fn describe(&self, destination: Destination) -> Option<String> {
        match destination {
            Destination::Skill(id) => self.skills.get(&id).map(|skill| skill.about.name.to_string()),
            Destination::Flow(_) => self.center.describe(destination).map(str::to_owned),
        }
    }

    /// Every destination whose name has `part` in it, whatever the case.
    pub(super) fn described_by(&self, part: &str) -> Vec<Destination> {
        let skills = self.skills.keys().map(|id| Destination::Skill(*id));
        let all = skills.chain(self.center.flows.keys().map(|id| Destination::Flow(*id)));
        all.filter(|destination| self.describe(*destination).is_some_and(|name| has(&name, part))).collect()
    }
}

/// Whether `text` has `part` in it, whatever the case; the vendor calls it fuzzy.
pub(super) fn has(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.to_lowercase())
}
