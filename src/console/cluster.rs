//! For those who look after the gateway: which gateways there are, and what is in force.

use actix_web::http::StatusCode;
use maud::{Markup, html};

use super::visit::Visit;
use super::{Outcome, words};
use crate::config::{Engine, Settings};
use crate::domain::TenantUsage;
use crate::store::{Cluster, Member};

/// The page of members, store and configuration.
pub(super) async fn show(visit: &Visit<'_>) -> Outcome {
    let settings = visit.request.settings;
    if !visit.principal.sees_gateway(settings) {
        let text = "Members, store and configuration are for users of [[admin.users]], and for a tenant's admin where there is no \
                    other tenant.";
        return Ok(visit.problem(StatusCode::FORBIDDEN, "You may not see this", text));
    }
    let ready = visit.store.ready().await;
    let (cluster, usages) = (visit.store.cluster().await?, visit.store.usages().await?);
    let body = html! {
        h1 { "Gateway" }
        div #gateway data-live {
            @match &ready {
                Ok(()) => { p { "The store takes writes." } }
                Err(error) => { p .banner role="alert" { "No write is taken: " (error) } }
            }
            h2 { "Members" }
            @match &cluster {
                Some(cluster) => { (members(visit, cluster)) }
                None => { p { "The store is this gateway's alone." } }
            }
            h2 { "Tenants" }
            (tenants(&usages))
        }
        h2 { "In force" }
        (in_force(settings))
    };
    Ok(visit.page("Gateway", &body))
}

fn members(visit: &Visit<'_>, cluster: &Cluster) -> Markup {
    let first = cluster.members.iter().find(|member| member.live).map(|member| member.rules.as_str());
    html! {
        p {
            (cluster.commits) " commits; the tables that people can query have them up to " (cluster.in_tables) "."
        }
        div .scroll role="region" aria-label="Members" tabindex="0" {
            table {
                thead {
                    tr {
                        th scope="col" { "Host" } th scope="col" { "Address" } th scope="col" { "Release" }
                        th scope="col" { "State" } th scope="col" .count { "Behind" } th scope="col" { "Rules" }
                        th scope="col" { "Started" }
                    }
                }
                tbody { @for member in &cluster.members { (row(visit, member, cluster.commits, first)) } }
            }
        }
    }
}

fn row(visit: &Visit<'_>, member: &Member, commits: u64, rules: Option<&str>) -> Markup {
    let ago = visit.now().seconds_since(member.seen);
    html! {
        tr {
            th scope="row" { (member.host) @if member.asked { " " span .tag { "this one" } } }
            td { (member.address) }
            td { (member.version) }
            td { @if member.live { span .state .free { "live" } } @else { span .state { "seen " (words::span(ago)) " ago" } } }
            td .count { (commits.saturating_sub(member.applied)) }
            td { @if rules == Some(member.rules.as_str()) { "the same" } @else { strong { "others" } } }
            td { (words::time(member.started)) }
        }
    }
}

fn tenants(usages: &[TenantUsage]) -> Markup {
    let columns = ["interactions", "documents", "shared bookings", "keys", "history"];
    html! {
        div .scroll role="region" aria-label="Tenants" tabindex="0" {
            table {
                thead { tr { th scope="col" { "Tenant" } @for name in columns { th scope="col" .count { (name) } } } }
                tbody {
                    @for TenantUsage { tenant, usage, quotas } in usages {
                        tr {
                            th scope="row" { (tenant) }
                            @for (has, may) in [
                                (usage.interactions, quotas.interactions), (usage.documents, quotas.documents),
                                (usage.bookings, quotas.bookings), (usage.keys, quotas.keys), (usage.history, quotas.history),
                            ] { td .count { (has) " of " (may) } }
                        }
                    }
                }
            }
        }
    }
}

/// The configuration as far as it says how the gateway runs; nothing of it is secret.
fn in_force(settings: &Settings) -> Markup {
    let store = match settings.store.engine {
        Engine::Sled => settings.store.path.display().to_string(),
        Engine::Postgres => format!("the schema {} of a database", settings.store.postgres.schema),
    };
    let tls = |tls: bool| if tls { "with TLS" } else { "without TLS" };
    html! {
        dl .figures {
            div { dt { "release" } dd { (env!("CARGO_PKG_VERSION")) } }
            div { dt { "protocols" } dd { (settings.server.listen) " " (tls(settings.server.tls.is_some())) } }
            div { dt { "admin listener" } dd { (settings.admin.listen) " " (tls(settings.admin.tls.is_some())) } }
            div { dt { "store" } dd { (store) } }
            div { dt { "tenants" } dd { (settings.tenants.len()) } }
        }
    }
}
