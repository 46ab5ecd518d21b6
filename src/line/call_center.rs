//! The lines that tell of called routes, of skill queues, and of the key that tokens are signed with.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::bytes::Bytes;
use crate::domain::tables::routes::Numbering;
use crate::domain::{
    Destination, EnvironmentName, Extension, FlowId, HotlineCode, MediaType, NewSkill, Route, RouteId, Scope,
    SigningKey, Skill, SkillId, TenantId,
};

/// The last numbers given out in a scope.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NumberingLine {
    pub(crate) tenant: TenantId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) environment: Option<EnvironmentName>,
    /// The last configuration number of a route.
    route: u32,
    /// How many queues were made.
    skills: u32,
}

impl NumberingLine {
    pub(crate) fn of(scope: &Scope, numbering: Numbering) -> Self {
        let Scope { tenant, environment } = scope.clone();
        Self { tenant, environment, route: numbering.dnid, skills: numbering.skills }
    }

    pub(crate) fn numbering(&self) -> Numbering {
        Numbering { dnid: self.route, skills: self.skills }
    }
}

/// A skill queue that was made over the API.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SkillLine {
    pub(crate) tenant: TenantId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) environment: Option<EnvironmentName>,
    id: SkillId,
    name: Arc<str>,
    description: Arc<str>,
    /// The vendor's number of the media type.
    media: MediaType,
    max_wait: u32,
    max_waiting: u32,
    wrap_up: u32,
    /// A JSON object, as text.
    settings: Arc<str>,
}

impl SkillLine {
    pub(crate) fn of(scope: &Scope, skill: &Skill) -> Self {
        let Scope { tenant, environment } = scope.clone();
        let Skill { id, about } = skill.clone();
        let NewSkill { name, description, media, max_wait, max_waiting, wrap_up, settings } = about;
        Self { tenant, environment, id, name, description, media, max_wait, max_waiting, wrap_up, settings }
    }

    pub(crate) fn skill(self) -> Skill {
        let Self { id, name, description, media, max_wait, max_waiting, wrap_up, settings, .. } = self;
        Skill { id, about: NewSkill { name, description, media, max_wait, max_waiting, wrap_up, settings } }
    }
}

/// A called route.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RouteLine {
    pub(crate) tenant: TenantId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) environment: Option<EnvironmentName>,
    /// A text, since its 19 digits are more than many readers keep of a number.
    id: String,
    dnid: u32,
    hotline: HotlineCode,
    #[serde(skip_serializing_if = "Option::is_none")]
    extension: Option<Extension>,
    media: MediaType,
    /// The queue it leads to; one of this and `flow` is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    skill: Option<SkillId>,
    /// The IVR flow it leads to.
    #[serde(skip_serializing_if = "Option::is_none")]
    flow: Option<FlowId>,
}

impl RouteLine {
    pub(crate) fn of(scope: &Scope, route: &Route) -> Self {
        let Scope { tenant, environment } = scope.clone();
        let Route { id, dnid, hotline, extension, media, destination } = route.clone();
        let (skill, flow) = match destination {
            Destination::Skill(id) => (Some(id), None),
            Destination::Flow(id) => (None, Some(id)),
        };
        Self { tenant, environment, id: id.to_string(), dnid, hotline, extension, media, skill, flow }
    }

    /// The route, or what is wrong with it.
    pub(crate) fn route(self) -> Result<Route, &'static str> {
        let Self { id, dnid, hotline, extension, media, skill, flow, .. } = self;
        let id = RouteId(id.parse().map_err(|_| "the id of a route is a whole number, as a text")?);
        let destination = match (skill, flow) {
            (Some(id), None) => Destination::Skill(id),
            (None, Some(id)) => Destination::Flow(id),
            _ => return Err("a route has one of the members skill and flow"),
        };
        Ok(Route { id, dnid, hotline, extension, media, destination })
    }
}

/// The key that tokens are signed with. A secret.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SigningKeyLine {
    base64: Bytes,
}

impl SigningKeyLine {
    pub(crate) fn of(key: &SigningKey) -> Self {
        Self { base64: Bytes(key.bytes().to_vec()) }
    }

    /// The key, or what is wrong with it.
    pub(crate) fn key(self) -> Result<SigningKey, &'static str> {
        let bytes = self.base64.0.try_into().map_err(|_| "a signing key has 32 bytes")?;
        Ok(SigningKey::new(bytes))
    }
}
