//! `[[tenant]]`: who the gateway works for, with users, applications and groups.

use std::collections::{BTreeMap, BTreeSet};

use super::{PasswordHash, Secret, Seeds, TenantGms};
use crate::domain::{EnvironmentName, GroupName, Policy, TenantId};

/// One tenant.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// The tenant's id, as the `Tenant-Id` header gives it.
    pub id: TenantId,
    /// The tenant's environments; empty for a tenant without.
    pub environments: BTreeSet<EnvironmentName>,
    /// The users by name, with the hash of the password of each.
    pub users: BTreeMap<String, PasswordHash>,
    /// The applications that may call for the tenant.
    pub applications: Vec<Application>,
    /// The groups with a policy of their own; other groups take the default one.
    pub groups: Vec<Group>,
    /// The tenant's GMS options.
    pub gms: TenantGms,
    /// What an empty data directory starts with.
    pub seeds: Seeds,
}

/// An application of a tenant.
#[derive(Clone, Debug)]
pub struct Application {
    /// What people call it.
    pub name: String,
    /// What its key opens.
    pub kind: ApplicationKind,
    /// The key, as the `Application-Key` header gives it.
    pub key: Secret,
}

/// What an application's key opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ApplicationKind {
    /// All operations on numbers.
    Dnis,
    /// Allocation for the interactions of the application.
    Interaction,
}

/// A group of a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The group's name.
    pub name: GroupName,
    /// Which free number is lent next.
    pub policy: Policy,
}
