//! An interaction: the digital session that a call will be recognised as.

use super::{ApplicationName, Deadline, DocumentId, InteractionId, NewEntry, Seconds, Timestamp};

/// What a caller says of an interaction to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewInteraction {
    /// The id; without one the gateway makes one.
    pub id: Option<InteractionId>,
    /// How long it lives; without it, until somebody ends it.
    pub lasting: Option<Seconds>,
    /// User data for its document.
    pub data: Vec<NewEntry>,
    /// The application that makes it.
    pub application: Option<ApplicationName>,
}

/// An interaction that only its name is known of lives until somebody ends it.
impl From<InteractionId> for NewInteraction {
    fn from(id: InteractionId) -> Self {
        Self { id: Some(id), ..Self::default() }
    }
}

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
    /// The application that made it; `None` where it is nobody's.
    pub application: Option<ApplicationName>,
}

impl Interaction {
    /// Whether the interaction still counts at `now`.
    pub fn live(&self, now: Timestamp) -> bool {
        !self.deadline.passed(now)
    }
}
