//! The rules of lending numbers, as pure state.

pub mod group;
pub mod names;
pub mod time;

pub use group::Policy;
pub use names::{AccessCode, Caller, EnvironmentName, GroupName, InvalidName, Number, Scope, TenantId};
pub use time::{Deadline, Seconds, Timestamp};
