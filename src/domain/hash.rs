//! Hashing for maps that are asked for with every command.
//!
//! Their keys are tenants and scopes, which the configuration names, and numbers, which only whoever manages numbers brings in. So
//! nobody can choose keys in order to make a map slow, and a fast hash will do. Maps under keys that any caller chooses
//! (interactions, keys of requests) stay with the standard library's hash, which is made against that.

/// A map under keys that no caller chooses.
pub(super) type FastMap<K, V> = foldhash::HashMap<K, V>;
