//! Which part of the audit is asked for, and whether the caller may ask.

use std::borrow::Cow;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use crate::config::Role;
use crate::dialect::native::framework::error::Failure;
use crate::dialect::native::framework::operation::RequestContext;
use crate::dialect::native::framework::value::Scalar;
use crate::domain::AuditOwner;
use crate::domain::names::MAX_NAME_CHARS;

/// A text that an entry must have, exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::dialect::native) struct Wanted(pub(super) Arc<str>);

impl Scalar for Wanted {
    fn allowed() -> Cow<'static, str> {
        format!("a string of 1 to {MAX_NAME_CHARS} characters").into()
    }

    fn from_json(value: &Value) -> Option<Self> {
        let text = value.as_str()?;
        (1..=MAX_NAME_CHARS).contains(&text.chars().count()).then(|| Self(text.into()))
    }
}

impl JsonSchema for Wanted {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Wanted".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "maxLength": MAX_NAME_CHARS })
    }
}

/// Whose entries a caller sees: those of the tenant and, where he may see what is about the gateway, its own.
///
/// # Errors
/// [`Failure::Role`] where the caller may not read the audit.
pub(super) fn owners(context: &RequestContext<'_>) -> Result<Vec<AuditOwner>, Failure> {
    if !context.principal.sees_audit() {
        return Err(Failure::Role(Role::Admin));
    }
    let of_gateway = context.principal.sees_gateway(context.settings).then_some(None);
    Ok([Some(context.scope().tenant.clone())].into_iter().chain(of_gateway).collect())
}

/// Declares the query of an operation on the audit: the filter, and members of its own.
macro_rules! filtered {
    ($(#[$about:meta])* $name:ident { $($(#[$said:meta])* $member:ident: $type:ty,)* }) => {
        $crate::dialect::native::framework::members::members! {
            $(#[$about])*
            $name {
                /// Only what this user did.
                user: Option<$crate::dialect::native::resources::audit::filter::Wanted>,
                /// Only this.
                action: Option<$crate::domain::audit::Action>,
                /// Only what was done to this: a number, an id, as `thing` tells it.
                thing: Option<$crate::dialect::native::resources::audit::filter::Wanted>,
                /// Only what concerns this environment alone.
                environment: Option<$crate::domain::EnvironmentName>,
                /// Only what was done at this time or later.
                from: Option<$crate::dialect::native::framework::time::Time>,
                /// Only what was done before this time.
                to: Option<$crate::dialect::native::framework::time::Time>,
                $($(#[$said])* $member: $type,)*
            }
        }

        impl $name {
            /// What is asked of the store, for a caller who may ask.
            fn query(
                &self,
                context: &$crate::dialect::native::framework::operation::RequestContext<'_>,
                after: Option<$crate::domain::AuditId>,
                limit: usize,
            ) -> Result<$crate::domain::AuditQuery, $crate::dialect::native::framework::error::Failure> {
                use $crate::dialect::native::framework::time::Time;
                use $crate::dialect::native::resources::audit::filter;
                let owners = filter::owners(context)?;
                let text = |wanted: &Option<filter::Wanted>| wanted.clone().map(|filter::Wanted(text)| text);
                let filter = $crate::domain::audit::AuditFilter {
                    user: text(&self.user),
                    action: self.action,
                    thing: text(&self.thing),
                    environment: self.environment.clone(),
                    from: self.from.map(|Time(from)| from),
                    to: self.to.map(|Time(to)| to),
                };
                Ok($crate::domain::AuditQuery { owners, filter, after, limit })
            }
        }
    };
}
pub(super) use filtered;
