//! What the operator decides about the state: the policies of the groups and the room for documents.

use std::collections::HashMap;

use super::{GroupName, Policy, TenantId};

/// The operator's rules. They can change while the state lives on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The configured groups of each tenant, the same in all its environments. A configured group exists even while
    /// no number is in it; a group that is not configured exists as long as a number carries its name and has the
    /// default policy.
    pub groups: HashMap<(TenantId, GroupName), Policy>,
    /// Room for all documents together, in bytes of their keys, labels and values.
    pub documents_total: u64,
}

impl Default for Rules {
    fn default() -> Self {
        Self { groups: HashMap::new(), documents_total: 1 << 30 }
    }
}

impl Rules {
    /// The policy of a group of a tenant; the default one where nothing is configured.
    pub fn policy(&self, tenant: &TenantId, group: Option<&GroupName>) -> Policy {
        group.and_then(|group| self.groups.get(&(tenant.clone(), group.clone()))).copied().unwrap_or_default()
    }

    /// Whether the operator has configured the group.
    pub fn configures(&self, tenant: &TenantId, group: &GroupName) -> bool {
        self.groups.contains_key(&(tenant.clone(), group.clone()))
    }
}
