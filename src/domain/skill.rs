//! Skill queues: agents of one skill, whom callers wait for. The operator configures some, callers of the API make
//! others; a called route leads to either.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{MediaType, SkillId};

/// The ids of configured queues end here; those made over the API begin after it, so that they never meet.
pub const LAST_CONFIGURED_SKILL: u32 = 9_999;
/// Longest settings of a queue, in bytes.
pub const MAX_SKILL_SETTINGS: usize = 2_048;
/// Longest name or description of a queue, in characters.
pub const MAX_SKILL_CHARS: usize = 100;

/// A skill queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skill {
    /// The queue's id.
    pub id: SkillId,
    /// What the queue is.
    pub about: NewSkill,
}

/// What is said of a queue when it is made. The limits of each member are the dialects' business; all that counts here
/// is that a record of it stays small.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewSkill {
    /// What people call it; unlike any other queue of the tenant.
    pub name: Arc<str>,
    /// What it is for.
    pub description: Arc<str>,
    /// What its agents and callers do.
    pub media: MediaType,
    /// Longest wait, in seconds.
    pub max_wait: u32,
    /// Most callers that wait.
    pub max_waiting: u32,
    /// Time that an agent has after a call, in seconds.
    pub wrap_up: u32,
    /// What happens to callers that cannot be served, as a JSON object in the words of whoever made the queue. Kept
    /// and given back, never acted on here.
    pub settings: Arc<str>,
}

impl NewSkill {
    /// Whether a record of this queue stays within bounds.
    pub(super) fn is_small(&self) -> bool {
        self.settings.len() <= MAX_SKILL_SETTINGS
            && [&self.name, &self.description].into_iter().all(|text| text.chars().count() <= MAX_SKILL_CHARS)
    }
}
