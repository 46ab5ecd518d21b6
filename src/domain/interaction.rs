//! An interaction: the digital session that a call will be recognised as.

use super::{Deadline, DocumentId, InteractionId, Timestamp};

/// A digital session, known by the id its dialect gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interaction {
    /// The session's id.
    pub id: InteractionId,
    /// Its document; every interaction has one from birth, perhaps empty.
    pub data: DocumentId,
    /// When it began.
    pub since: Timestamp,
    /// When it ends by itself.
    pub deadline: Deadline,
}

impl Interaction {
    /// Whether the interaction still counts at `now`.
    pub fn live(&self, now: Timestamp) -> bool {
        !self.deadline.passed(now)
    }
}
