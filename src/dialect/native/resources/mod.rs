//! The resources of the API, one file each: what is read, what is written, and what the store is asked for.

pub(super) mod allocations;
pub(super) mod audit;
pub(super) mod bulk;
pub(super) mod calls;
pub(super) mod cluster;
pub(super) mod data;
pub(super) mod events;
pub(super) mod exhaustion;
pub(super) mod explanations;
pub(super) mod groups;
pub(super) mod health;
pub(super) mod history;
pub(super) mod interactions;
pub(super) mod numbers;
pub(super) mod resolution;
pub(super) mod routes;
pub(super) mod tenants;
pub(super) mod usage;
pub(super) mod whoami;
