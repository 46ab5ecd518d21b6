//! What the operator says of a tenant's contact center: the hotlines, skill queues and IVR flows that called routes
//! connect. It is the same in all environments of the tenant.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Destination, FlowId, HotlineCode, MediaType, NewSkill, Skill, SkillId};

/// The contact center of one tenant, as configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallCenter {
    /// The hotlines, in the order of their codes.
    pub hotlines: BTreeMap<HotlineCode, Hotline>,
    /// The configured skill queues; callers cannot change them.
    pub skills: BTreeMap<SkillId, Arc<Skill>>,
    /// The IVR flows.
    pub flows: BTreeMap<FlowId, Flow>,
    /// What becomes of digits dialled behind a hotline that no route has.
    pub overdial: Overdial,
}

/// A number that is offered to customers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hotline {
    /// The id by which lists name it.
    pub id: u64,
    /// What people do on the line.
    pub media: MediaType,
    /// The service number that the telephone network maps to the hotline, if any.
    pub service_number: Option<String>,
    /// What it is for, if anybody has said so.
    pub description: Option<String>,
    /// Which way calls go.
    pub direction: Direction,
}

/// Which way calls of a hotline go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Customers call.
    Inbound,
    /// Customers are called.
    Outbound,
    /// Both.
    #[default]
    Both,
}

/// An IVR flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The flow's own access code, which is not dialled by anybody.
    pub code: String,
    /// What people call it.
    pub description: String,
    /// Whether the IVR has it ready.
    pub loaded: bool,
    /// Most calls at a time.
    pub max_calls: u32,
    /// The file it was made from.
    pub file: String,
    /// What it is written in, by the vendor's number: 0 not said, 1 GSL, 2 VoiceXML, 3 of another IVR, 4 VXML of the
    /// vendor's IVR, 5 CCXML, 6 a waiting script.
    pub kind: u8,
}

/// What becomes of digits that a caller dials behind a hotline where no route has the whole number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overdial {
    /// The number leads nowhere.
    #[default]
    Refused,
    /// It leads where the hotline alone leads.
    Allowed,
}

impl CallCenter {
    /// What people call a destination, if it is configured.
    pub fn describe(&self, destination: Destination) -> Option<&str> {
        match destination {
            Destination::Skill(id) => self.skills.get(&id).map(|skill| &*skill.about.name),
            Destination::Flow(id) => self.flows.get(&id).map(|flow| flow.description.as_str()),
        }
    }

    /// A configured queue of this name.
    pub(super) fn skill_named(&self, name: &str) -> Option<SkillId> {
        self.skills.values().find(|skill| *skill.about.name == *name).map(|skill| skill.id)
    }

    /// Adds a configured queue.
    pub fn add_skill(&mut self, id: SkillId, about: NewSkill) {
        self.skills.insert(id, Arc::new(Skill { id, about }));
    }
}
