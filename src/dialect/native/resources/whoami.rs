//! Who is calling: what the gateway made of the credentials.

use schemars::JsonSchema;
use serde::Serialize;

use crate::access::Extent;
use crate::config::Role;
use crate::dialect::native::framework::error::Failure;
use crate::dialect::native::framework::members::Nothing;
use crate::dialect::native::framework::operation::{Asked, Operation, RequestContext, Served, Verb};
use crate::dialect::native::framework::reply::WithBody;
use crate::dialect::native::framework::value::{Word, choice};
use crate::domain::EnvironmentName;

/// The operations of this module.
pub(in crate::dialect::native) const OPERATIONS: &[&dyn Served] = &[&WhoAmI];

/// Tells whose data a call is about, and how the caller is known.
struct WhoAmI;

/// The caller.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::dialect::native) struct Caller {
    /// The tenant.
    tenant: String,
    /// The environment; null for a tenant without environments.
    environment: Option<String>,
    /// The application whose key was sent; null with Basic.
    application: Option<String>,
    /// The user whose password was verified.
    user: Option<String>,
    /// What the user may do.
    role: Word<Role>,
    /// Whether the user sees every tenant, one at a time.
    all_tenants: bool,
}

choice! {
    /// What a user may do: look, change things too, or read the audit as well.
    Role {
        "viewer" = Role::Viewer,
        "operator" = Role::Operator,
        "admin" = Role::Admin,
    }
}

impl Operation for WhoAmI {
    const NAME: &'static str = "whoami";
    const VERB: Verb = Verb::Get;
    const PATH: &'static str = "/whoami";
    const SUMMARY: &'static str = "Tell who is calling";

    type Path = Nothing;
    type Query = Nothing;
    type Body = ();
    type Reply = WithBody<Caller>;

    async fn run(context: &RequestContext<'_>, _: Asked<Self>) -> Result<Self::Reply, Failure> {
        let scope = context.scope();
        let identity = &context.principal.identity;
        Ok(WithBody(Caller {
            tenant: scope.tenant.to_string(),
            environment: scope.environment.as_ref().map(EnvironmentName::to_string),
            application: identity.application().map(|name| name.to_string()),
            user: identity.user().map(str::to_owned),
            role: Word(context.principal.role),
            all_tenants: context.principal.extent == Extent::Gateway,
        }))
    }
}
