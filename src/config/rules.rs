//! What the settings mean for the state.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Settings, Tenant, User, Users};
use crate::domain::rules::Accounts;
use crate::domain::{AuditOwner, Rules};

impl Settings {
    /// Who may sign in or call, as the audit of a new configuration tells it; nothing secret.
    fn accounts(&self) -> BTreeMap<AuditOwner, Accounts> {
        let users = |users: &Users| {
            let user = |(name, user): (&String, &User)| (format!("user {name}"), ("role", user.role.name()));
            users.iter().map(user).collect::<Accounts>()
        };
        let of_tenant = |tenant: &Tenant| {
            let applications = tenant.applications.iter();
            let applications = applications.map(|it| (format!("application {}", it.name), ("kind", it.kind.name())));
            (Some(tenant.id.clone()), users(&tenant.users).into_iter().chain(applications).collect())
        };
        let of_gateway = (None, users(&self.admin.users));
        self.tenants.values().map(of_tenant).chain([of_gateway]).collect()
    }

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
            audit: self.audit.rules,
            accounts: self.accounts(),
            usage: self.usage.rules,
            ..Rules::default()
        }
    }
}
