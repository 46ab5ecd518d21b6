//! The first byte of a key. The order is the order of loading: a thing comes after the things it speaks of.

pub(super) const FORMAT: u8 = 1;
pub(super) const COMMIT: u8 = 2;
pub(super) const COUNTERS: u8 = 3;
pub(super) const NUMBER: u8 = 4;
pub(super) const INTERACTION: u8 = 5;
pub(super) const ALLOCATION: u8 = 6;
pub(super) const DOCUMENT: u8 = 7;
pub(super) const VALUE: u8 = 8;
/// A queue; without an id in its key, the numbers given out in the scope.
pub(super) const SKILL: u8 = 9;
pub(super) const ROUTE: u8 = 10;
pub(super) const ONCE: u8 = 11;
/// How many entries of the history a bucket has; without a bucket in its key, where the history begins. Of all tenants
/// together, as older releases kept it.
pub(super) const HISTORY_BUCKET: u8 = 12;
pub(super) const SIGNING_KEY: u8 = 13;
/// As [`HISTORY_BUCKET`], for one tenant.
pub(super) const TENANT_HISTORY_BUCKET: u8 = 15;
/// What people did.
pub(super) const AUDIT: u8 = 16;
/// The last ids given out in a scope.
pub(super) const IDS: u8 = 14;
/// From here on, records that the tables are not rebuilt from.
pub(super) const APART: u8 = 200;
pub(super) const JOURNAL: u8 = 201;
pub(super) const STAGE: u8 = 202;
pub(super) const HISTORY: u8 = 203;
pub(super) const TIME: u8 = 204;
/// As [`HISTORY`], for one tenant.
pub(super) const TENANT_HISTORY: u8 = 205;
/// Many entries of a bucket of one tenant.
pub(super) const HISTORY_BLOCK: u8 = 206;
