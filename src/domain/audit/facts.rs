//! How a thing is, as the audit tells it: a few names, each with a value.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::{
    Allocation, Destination, Extension, GroupName, GroupRules, Interaction, NumberRecord, Policy, Quotas, Route,
    Sharing,
};
use crate::text::shorten;

/// Longest text of a fact, in characters; the rest is cut off, so that an entry stays a small record.
const LONGEST: usize = 100;

/// How a thing is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Facts(BTreeMap<Box<str>, Fact>);

/// One value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fact {
    /// A text, perhaps cut short.
    Text(Box<str>),
    /// A count.
    Count(u64),
    /// Whether it is so.
    Flag(bool),
}

impl From<&str> for Fact {
    fn from(text: &str) -> Self {
        Self::Text(shorten(text, LONGEST).into())
    }
}

impl From<u64> for Fact {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<bool> for Fact {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl Facts {
    /// The same with one more.
    #[must_use]
    pub fn with(mut self, name: &str, fact: impl Into<Fact>) -> Self {
        self.0.insert(name.into(), fact.into());
        self
    }

    /// The same with one more, if there is one.
    #[must_use]
    pub fn with_some(self, name: &str, fact: Option<impl Into<Fact>>) -> Self {
        match fact {
            Some(fact) => self.with(name, fact),
            None => self,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Fact)> {
        self.0.iter().map(|(name, fact)| (&**name, fact))
    }
}

impl From<&NumberRecord> for Facts {
    fn from(record: &NumberRecord) -> Self {
        Self::default()
            .with("dnid", &*record.dnid.to_string())
            .with_some("group", record.group.as_ref().map(GroupName::as_str))
            .with("enabled", record.enabled)
    }
}

impl From<&Allocation> for Facts {
    fn from(allocation: &Allocation) -> Self {
        Self::default()
            .with("number", &*allocation.number.to_string())
            .with("interaction", allocation.interaction.as_str())
            .with("since", &*allocation.since.to_string())
            .with("deadline", &*allocation.deadline.to_string())
    }
}

impl From<&Interaction> for Facts {
    fn from(interaction: &Interaction) -> Self {
        Self::default()
            .with("since", &*interaction.since.to_string())
            .with_some("deadline", interaction.deadline.at().map(|at| at.to_string()).as_deref())
    }
}

impl From<&Route> for Facts {
    fn from(route: &Route) -> Self {
        let Route { id: _, dnid, hotline, extension, media, destination } = route;
        let kind = match destination {
            Destination::Skill(_) => "skill",
            Destination::Flow(_) => "flow",
        };
        Self::default()
            .with("configuration_number", u64::from(*dnid))
            .with("access_code", hotline.as_str())
            .with_some("extension", extension.as_ref().map(Extension::as_str))
            .with("media_type", u64::from(media.number()))
            .with(kind, u64::from(destination.id()))
    }
}

impl From<&GroupRules> for Facts {
    fn from(rules: &GroupRules) -> Self {
        let GroupRules { policy, sharing, cool_down, reserved } = rules;
        let reserved = reserved.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let policy = match policy {
            Policy::RoundRobin => "round-robin",
            Policy::Random => "random",
            Policy::LeastRecentlyFreed => "least-recently-freed",
        };
        let sharing = match sharing {
            Sharing::Exclusive => "exclusive",
            Sharing::Shared => "shared",
        };
        Self::default()
            .with("policy", policy)
            .with("sharing", sharing)
            .with("cool_down", cool_down.get())
            .with("reserved", &*reserved)
    }
}

impl From<&Quotas> for Facts {
    fn from(quotas: &Quotas) -> Self {
        let Quotas { ttl, matches, documents, document_bytes, interactions, bookings, keys, imports, history } =
            *quotas;
        Self::default()
            .with("ttl", ttl.get())
            .with("matches", matches as u64)
            .with("documents", documents)
            .with("document_bytes", document_bytes)
            .with("interactions", interactions)
            .with("bookings", bookings)
            .with("keys", keys)
            .with("imports", imports as u64)
            .with("history", history)
    }
}
