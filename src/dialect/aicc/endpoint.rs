//! The addresses of the dialect. Every operation has one path, with its case as printed, and one method.

use actix_web::http::Method;

use super::error::Failure;
use crate::dialect::Head;

/// What the paths of the dialect begin with.
const PREFIXES: [&str; 2] = ["/apigovernance", "/apiaccess"];

/// An operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Get a token.
    TokenByAkSk,
    /// Bind an access code, perhaps with an extension, to a destination.
    CreateCalledRoute,
    /// List called routes.
    QueryCalledRoute,
    /// Lead a called route elsewhere.
    ModifyCalledRoute,
    /// Delete called routes.
    DeleteCalledRoute,
    /// List access codes.
    QueryAccessCodeList,
    /// List skill queues.
    QuerySkills,
    /// Make a skill queue.
    CreateSkill,
    /// Change a skill queue.
    ModifySkill,
    /// Delete skill queues.
    DeleteSkill,
    /// List IVR flows.
    QueryIvrFlowList,
}

impl Endpoint {
    const ALL: [Self; 11] = [
        Self::TokenByAkSk,
        Self::CreateCalledRoute,
        Self::QueryCalledRoute,
        Self::ModifyCalledRoute,
        Self::DeleteCalledRoute,
        Self::QueryAccessCodeList,
        Self::QuerySkills,
        Self::CreateSkill,
        Self::ModifySkill,
        Self::DeleteSkill,
        Self::QueryIvrFlowList,
    ];

    /// The path, as the vendor prints it.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::TokenByAkSk => "/apigovernance/api/oauth/tokenByAkSk",
            Self::CreateCalledRoute => "/apiaccess/rest/cc-management/v1/calledRoute/createCalledRoute",
            Self::QueryCalledRoute => "/apiaccess/rest/cc-management/v1/calledRoute/queryCalledRoute",
            Self::ModifyCalledRoute => "/apiaccess/rest/cc-management/v1/calledRoute/modifyCalledRoute",
            Self::DeleteCalledRoute => "/apiaccess/rest/cc-management/v1/calledRoute/deleteCalledRoute",
            Self::QueryAccessCodeList => "/apiaccess/rest/cc-management/v1/accessCodeInfo/queryAccessCodeList",
            Self::QuerySkills => "/apiaccess/rest/cc-management/v1/skill/querySkills",
            Self::CreateSkill => "/apiaccess/rest/cc-management/v1/skill/createSkill",
            Self::ModifySkill => "/apiaccess/rest/cc-management/v1/skill/modifySkill",
            Self::DeleteSkill => "/apiaccess/rest/cc-management/v1/skill/deleteSkill",
            Self::QueryIvrFlowList => "/apiaccess/rest/cc-management/v1/ivrFlow/queryIVRFlowList",
        }
    }

    /// The label for metrics.
    pub(super) const fn operation(self) -> &'static str {
        match self {
            Self::TokenByAkSk => "token",
            Self::CreateCalledRoute => "create_route",
            Self::QueryCalledRoute => "query_routes",
            Self::ModifyCalledRoute => "modify_route",
            Self::DeleteCalledRoute => "delete_routes",
            Self::QueryAccessCodeList => "query_access_codes",
            Self::QuerySkills => "query_skills",
            Self::CreateSkill => "create_skill",
            Self::ModifySkill => "modify_skill",
            Self::DeleteSkill => "delete_skills",
            Self::QueryIvrFlowList => "query_ivr_flows",
        }
    }
}

/// Whether a path belongs to the dialect.
pub(super) fn owns(path: &str) -> bool {
    let below = |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    PREFIXES.into_iter().any(below)
}

/// The operation that a head asks for.
///
/// # Errors
/// [`Failure::NoSuchPath`], [`Failure::NoSuchMethod`].
pub(super) fn find(head: &Head<'_>) -> Result<Endpoint, Failure> {
    let found = Endpoint::ALL.into_iter().find(|endpoint| endpoint.path() == head.path);
    let endpoint = found.ok_or(Failure::NoSuchPath)?;
    if *head.method == Method::POST { Ok(endpoint) } else { Err(Failure::NoSuchMethod(endpoint)) }
}
