//! The gateways that share the store.

use schemars::JsonSchema;
use serde::Serialize;

use crate::dialect::native::framework::error::Failure;
use crate::dialect::native::framework::members::Nothing;
use crate::dialect::native::framework::operation::{Asked, Operation, RequestContext, Served, Verb};
use crate::dialect::native::framework::problem::Problem;
use crate::dialect::native::framework::reply::WithBody;
use crate::dialect::native::framework::time::Time;
use crate::store::{Cluster, Member};

/// The operations of this module.
pub(in crate::dialect::native) const OPERATIONS: &[&dyn Served] = &[&Read];

/// The gateways that share a database, and how far each of them is.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Cluster")]
pub(in crate::dialect::native) struct ShownCluster {
    /// How many commits there are; null where the store is this gateway's alone.
    commits: Option<u64>,
    /// Up to which of them the tables that people can query have everything.
    in_tables: Option<u64>,
    /// The gateways that were seen in the last day, oldest start first; none where the store is this gateway's alone.
    members: Vec<ShownMember>,
}

/// A gateway.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Member")]
pub(in crate::dialect::native) struct ShownMember {
    /// Its id, another one at each start.
    id: String,
    /// Whether it is the one that answers.
    answers: bool,
    /// Whether it was seen a moment ago.
    live: bool,
    /// What its machine is called.
    host: String,
    /// Where it listens.
    address: String,
    /// The release that it runs.
    version: String,
    /// What stands for its rules: with the same rules two gateways have the same.
    rules: String,
    /// The last commit that it knows.
    applied: u64,
    /// How many commits there are beyond that.
    lag: u64,
    /// When it was started.
    started: Time,
    /// When it was last seen.
    seen: Time,
}

impl ShownMember {
    fn of(member: Member, commits: u64) -> Self {
        let Member { id, asked, host, address, version, rules, applied, started, seen, live } = member;
        Self {
            id: id.to_string(),
            answers: asked,
            live,
            host,
            address,
            version,
            rules,
            applied,
            lag: commits.saturating_sub(applied),
            started: Time(started),
            seen: Time(seen),
        }
    }
}

/// Reads the gateways that share the store.
struct Read;

impl Operation for Read {
    const NAME: &'static str = "cluster-read";
    const VERB: Verb = Verb::Get;
    const PATH: &'static str = "/cluster";
    const SUMMARY: &'static str = "Read which gateways share the store";
    const ABOUT: &'static str = "For the users of `admin.users` and, where there is one tenant, for its admins.";
    const PROBLEMS: &'static [Problem] = &[Problem::ForOperator];

    type Path = Nothing;
    type Query = Nothing;
    type Body = ();
    type Reply = WithBody<ShownCluster>;

    async fn run(context: &RequestContext<'_>, _: Asked<Self>) -> Result<Self::Reply, Failure> {
        if !context.principal.sees_gateway(context.settings) {
            return Err(Failure::ForOperator);
        }
        let shown = match context.store.cluster().await? {
            Some(Cluster { commits, in_tables, members }) => ShownCluster {
                commits: Some(commits),
                in_tables: Some(in_tables),
                members: members.into_iter().map(|member| ShownMember::of(member, commits)).collect(),
            },
            None => ShownCluster { commits: None, in_tables: None, members: Vec::new() },
        };
        Ok(WithBody(shown))
    }
}
