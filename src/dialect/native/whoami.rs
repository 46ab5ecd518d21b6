//! Who is calling: what the gateway made of the credentials.

use schemars::JsonSchema;
use serde::Serialize;

use super::error::Failure;
use super::members::Nothing;
use super::operation::{Asked, Desk, Operation, Served, Verb};
use super::reply::Shown;
use crate::access::Identity;
use crate::domain::EnvironmentName;

/// The operations of this module.
pub(super) const OPERATIONS: &[&dyn Served] = &[&WhoAmI];

/// Tells whose data a call is about, and how the caller is known.
struct WhoAmI;

/// The caller.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Caller {
    /// The tenant.
    tenant: String,
    /// The environment; null for a tenant without environments.
    environment: Option<String>,
    /// The application whose key was sent; null with Basic.
    application: Option<String>,
    /// The user whose password was verified.
    user: Option<String>,
}

impl Operation for WhoAmI {
    const NAME: &'static str = "whoami";
    const VERB: Verb = Verb::Get;
    const PATH: &'static str = "/whoami";
    const SUMMARY: &'static str = "Tell who is calling";

    type Path = Nothing;
    type Query = Nothing;
    type Body = ();
    type Reply = Shown<Caller>;

    async fn run(desk: &Desk<'_>, _: Asked<Self>) -> Result<Self::Reply, Failure> {
        let scope = desk.scope();
        let (application, user) = match &desk.principal.identity {
            Identity::Application { name, user } => (Some(name.to_string()), user.clone()),
            Identity::Basic(user) => (None, Some(user.clone())),
            Identity::AiccApplication(_) | Identity::Anonymous => (None, None),
        };
        Ok(Shown(Caller {
            tenant: scope.tenant.to_string(),
            environment: scope.environment.as_ref().map(EnvironmentName::to_string),
            application,
            user,
        }))
    }
}
