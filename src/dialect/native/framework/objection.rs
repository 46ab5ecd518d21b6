//! What is wrong with a request, all of it at once.

use crate::text::shown_name;
use schemars::JsonSchema;
use serde::Serialize;

/// Most objections that are told; a request with more wrong in it is not a slip.
const TOLD: usize = 20;

/// The part of a request that an objection is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::dialect::native) enum Within {
    /// A part of the path.
    Path,
    /// A parameter of the query.
    Query,
    /// A member of the body.
    Body,
}

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(in crate::dialect::native) struct Objection {
    /// The part of the request.
    pub(in crate::dialect::native) r#in: Within,
    /// The member, as a JSON Pointer (RFC 6901) from the root of that part.
    pub(in crate::dialect::native) pointer: String,
    /// What is wrong with it, and what is allowed.
    pub(in crate::dialect::native) detail: String,
}

/// The objections to a request, gathered while it is read.
#[derive(Debug)]
pub(in crate::dialect::native) struct Objections {
    within: Within,
    pointer: String,
    raised: Vec<Objection>,
}

impl Objections {
    /// None yet.
    pub(in crate::dialect::native) fn none() -> Self {
        Self { within: Within::Body, pointer: String::new(), raised: Vec::new() }
    }

    /// From here on, objections are to this part of the request.
    pub(in crate::dialect::native) fn within(&mut self, within: Within) -> &mut Self {
        self.within = within;
        self
    }

    /// Reads a member; what is raised meanwhile is about that member.
    pub(in crate::dialect::native) fn at<T>(&mut self, member: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(&shown_name(member).replace('~', "~0").replace('/', "~1"));
        let outcome = read(self);
        self.pointer.truncate(length);
        outcome
    }

    /// Objects to what is being read.
    pub(in crate::dialect::native) fn raise(&mut self, detail: impl Into<String>) {
        if self.raised.len() < TOLD {
            let objection = Objection { r#in: self.within, pointer: self.pointer.clone(), detail: detail.into() };
            self.raised.push(objection);
        }
    }

    /// What was raised, in the order of reading.
    pub(in crate::dialect::native) fn into_raised(self) -> Vec<Objection> {
        self.raised
    }
}
