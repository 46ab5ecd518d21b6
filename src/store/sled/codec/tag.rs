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
/// How many records of use a day has.
pub(super) const USAGE_DAY: u8 = 19;
/// What a group is used for in the quarter of an hour that runs.
pub(super) const USAGE: u8 = 17;
/// Before which day all records of use are dropped.
pub(super) const USAGE_FLOOR: u8 = 18;
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
/// What a group was used for in a quarter of an hour, or an hour, that is over.
pub(super) const USED: u8 = 207;
