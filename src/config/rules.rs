//! What the settings mean for the state.

use std::sync::Arc;

use super::Settings;
use crate::domain::Rules;

impl Settings {
    /// The rules that the settings make for the state.
    pub fn rules(&self) -> Rules {
        let groups = self.tenants.values().map(|tenant| {
            let groups = tenant.groups.iter().map(|group| (group.name.clone(), group.rules.clone()));
            (tenant.id.clone(), groups.collect())
        });
        let call_centers =
            self.tenants.values().map(|tenant| (tenant.id.clone(), Arc::clone(&tenant.aicc.call_center)));
        Rules {
            groups: groups.collect(),
            call_centers: call_centers.collect(),
            quotas: self.tenants.keys().map(|tenant| (tenant.clone(), self.quotas(tenant))).collect(),
            documents_total: self.store.documents_total,
            document_entries: self.store.document_keys,
            value_bytes: self.store.document_value,
            history: self.history.rules,
            ..Rules::default()
        }
    }
}
