//! Tenants: what the configuration says of those that the caller sees, secrets left out. Others are not known here.

use schemars::JsonSchema;
use serde::Serialize;

use crate::access::{Extent, Principal};
use crate::config::{Application, ApplicationKind, Tenant};
use crate::dialect::native::framework::error::Failure;
use crate::dialect::native::framework::members::{Nothing, members};
use crate::dialect::native::framework::operation::{Asked, Operation, RequestContext, Served, Verb};
use crate::dialect::native::framework::page::PageOf;
use crate::dialect::native::framework::problem::Problem;
use crate::dialect::native::framework::reply::WithBody;
use crate::dialect::native::framework::value::{Word, choice};
use crate::dialect::native::resources::groups::ConfiguredGroup;
use crate::domain::{HotlineCode, MediaType, TenantId};

/// The operations of this module.
pub(in crate::dialect::native) const OPERATIONS: &[&dyn Served] = &[&List, &Read];

/// What is configured of a tenant.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Tenant")]
pub(in crate::dialect::native) struct ShownTenant {
    /// Its id.
    id: TenantId,
    /// The names of its environments; empty for a tenant without.
    environments: Vec<String>,
    /// The names of its users.
    users: Vec<String>,
    /// The applications that may call for it.
    applications: Vec<ShownApplication>,
    /// The groups with rules of their own; others lend by the usual ones.
    groups: Vec<ConfiguredGroup>,
    /// The names of its GMS services.
    services: Vec<String>,
    /// The access codes that called routes begin with.
    access_codes: Vec<ShownHotline>,
    /// The configured skill queues; those that somebody made are not among them.
    skills: Vec<ShownDestination>,
    /// The IVR flows.
    flows: Vec<ShownDestination>,
}

/// An access code of a tenant.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AccessCode")]
pub(in crate::dialect::native) struct ShownHotline {
    /// What is dialled.
    code: HotlineCode,
    /// What people do on the line.
    #[schemars(with = "MediaType")]
    media_type: u8,
}

/// A skill queue or an IVR flow of a tenant.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Destination")]
pub(in crate::dialect::native) struct ShownDestination {
    /// Its id.
    id: u32,
    /// What people call it.
    name: String,
}

/// An application of a tenant; its key is not shown.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Application")]
pub(in crate::dialect::native) struct ShownApplication {
    /// What people call it.
    name: String,
    /// What its key opens.
    kind: Word<ApplicationKind>,
}

choice! {
    /// What the key of an application opens: all operations on numbers, or allocation alone.
    ApplicationKind {
        "dnis" = ApplicationKind::Dnis,
        "interaction" = ApplicationKind::Interaction,
    }
}

impl From<&Application> for ShownApplication {
    fn from(application: &Application) -> Self {
        Self { name: application.name.to_string(), kind: Word(application.kind) }
    }
}

impl From<&Tenant> for ShownTenant {
    fn from(tenant: &Tenant) -> Self {
        let center = &tenant.aicc.call_center;
        let hotlines = center.hotlines.iter().map(|(code, hotline)| (code.clone(), hotline.media));
        let skills = center.skills.values().map(|skill| (skill.id.0, skill.about.name.to_string()));
        let flows = center.flows.iter().map(|(id, flow)| (id.0, flow.description.clone()));
        Self {
            id: tenant.id.clone(),
            environments: tenant.environments.iter().map(ToString::to_string).collect(),
            users: tenant.users.keys().cloned().collect(),
            applications: tenant.applications.iter().map(ShownApplication::from).collect(),
            groups: tenant.groups.iter().map(ConfiguredGroup::from).collect(),
            services: tenant.gms.services.keys().cloned().collect(),
            access_codes: hotlines.map(|(code, media)| ShownHotline { code, media_type: media.number() }).collect(),
            skills: skills.map(|(id, name)| ShownDestination { id, name }).collect(),
            flows: flows.map(|(id, name)| ShownDestination { id, name }).collect(),
        }
    }
}

members! {
    /// A tenant in a path.
    ByTenant {
        /// The tenant's id.
        tenant: TenantId,
    }
}

/// The tenants that the caller sees.
fn seen<'a>(context: &'a RequestContext<'_>) -> impl Iterator<Item = &'a Tenant> {
    let Principal { tenant, extent, .. } = &context.principal;
    context.settings.tenants.values().filter(move |other| *extent == Extent::Gateway || other.id == tenant.id)
}

/// Lists tenants.
struct List;

impl Operation for List {
    const NAME: &'static str = "tenant-list";
    const VERB: Verb = Verb::Get;
    const PATH: &'static str = "/tenants";
    const SUMMARY: &'static str = "List tenants";
    const ABOUT: &'static str = "The caller's own one; all of them for the users of `admin.users`.";

    type Path = Nothing;
    type Query = Nothing;
    type Body = ();
    type Reply = WithBody<PageOf<ShownTenant>>;

    async fn run(context: &RequestContext<'_>, _: Asked<Self>) -> Result<Self::Reply, Failure> {
        Ok(WithBody(PageOf::whole(seen(context).map(ShownTenant::from))))
    }
}

/// Reads a tenant.
struct Read;

impl Operation for Read {
    const NAME: &'static str = "tenant-read";
    const VERB: Verb = Verb::Get;
    const PATH: &'static str = "/tenants/{tenant}";
    const SUMMARY: &'static str = "Read what is configured of a tenant";
    const ABOUT: &'static str = "A tenant that the caller does not see is not known.";
    const PROBLEMS: &'static [Problem] = &[Problem::TenantUnknown];

    type Path = ByTenant;
    type Query = Nothing;
    type Body = ();
    type Reply = WithBody<ShownTenant>;

    async fn run(context: &RequestContext<'_>, asked: Asked<Self>) -> Result<Self::Reply, Failure> {
        let found = seen(context).find(|tenant| tenant.id == asked.path.tenant);
        found.map(|tenant| WithBody(tenant.into())).ok_or(Failure::TenantUnknown)
    }
}
