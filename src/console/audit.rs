//! Who changed what: for admins.

use actix_web::http::StatusCode;
use maud::{Markup, html};

use super::visit::Visit;
use super::{Outcome, PATH, pools::encoded, words};
use crate::domain::audit::{Action, Actor, AuditFilter, Fact, Facts};
use crate::domain::{AuditEntry, AuditId, AuditQuery};
use crate::text::unsigned;

/// How many entries a page has.
const ROWS: usize = 100;

/// The page of the audit.
pub(super) async fn show(visit: &Visit<'_>) -> Outcome {
    if !visit.principal.sees_audit() {
        let text = format!("Who changed what is for admins, and your role is {}.", visit.principal.role.name());
        return Ok(visit.problem(StatusCode::FORBIDDEN, "You may not see this", &text));
    }
    let (user, thing) = (visit.fields.get("user"), visit.fields.get("thing"));
    let named = |text: &str| Some(text.into()).filter(|_| !text.is_empty());
    let mut owners = vec![Some(visit.scope().tenant.clone())];
    owners.extend(visit.principal.sees_gateway(visit.request.settings).then_some(None));
    let query = AuditQuery {
        owners,
        filter: AuditFilter { user: named(user), thing: named(thing), ..AuditFilter::default() },
        after: unsigned(visit.fields.get("after")).map(AuditId),
        limit: ROWS,
    };
    let part = visit.store.audit(&query).await?;
    let body = html! {
        h1 { "Audit" }
        (filter(user, thing))
        @if part.items.is_empty() { p .empty { "Nothing like that is known." } } @else {
            div .scroll role="region" aria-label="Audit" tabindex="0" {
                table {
                    thead {
                        tr {
                            th scope="col" { "Time" } th scope="col" { "Who" } th scope="col" { "What" }
                            th scope="col" { "To" } th scope="col" { "Before" } th scope="col" { "After" }
                        }
                    }
                    tbody { @for entry in &part.items { (row(entry)) } }
                }
            }
        }
        @if let Some(AuditId(next)) = part.next {
            p .pages {
                a href={ (PATH) "/audit?user=" (encoded(user)) "&thing=" (encoded(thing)) "&after=" (next) } rel="next" { "Older" }
            }
        }
    };
    Ok(visit.page("Audit", &body))
}

fn filter(user: &str, thing: &str) -> Markup {
    html! {
        form .filter action={ (PATH) "/audit" } {
            div { label for="by" { "Who" } input #by name="user" value=(user) autocomplete="off" spellcheck="false"; }
            div { label for="thing" { "Number, interaction or other thing" } input #thing name="thing" value=(thing) autocomplete="off" spellcheck="false"; }
            button { "Show" }
        }
    }
}

fn row(entry: &AuditEntry) -> Markup {
    html! {
        tr {
            th scope="row" { (words::time(entry.at)) }
            td {
                @match &entry.actor {
                    Actor::Person { user, application, source } => {
                        (user)
                        @if let Some(application) = application { " with " (application) }
                        @if let Some(source) = source { " from " (source) }
                    }
                    Actor::Configuration => { "the configuration" }
                }
            }
            td { (action(entry.action)) }
            td .long { (entry.thing) }
            td .long { (facts(&entry.before)) }
            td .long { (facts(&entry.after)) }
        }
    }
}

fn facts(facts: &Facts) -> Markup {
    html! {
        @for (name, fact) in facts.iter() {
            div {
                (name) ": "
                @match fact {
                    Fact::Text(text) => { (text) }
                    Fact::Count(count) => { (count) }
                    Fact::Flag(flag) => { (flag) }
                }
            }
        }
    }
}

const fn action(action: Action) -> &'static str {
    match action {
        Action::NumberCreated => "made a number",
        Action::NumberChanged => "changed a number",
        Action::NumberDeleted => "deleted a number",
        Action::NumbersImported => "imported numbers",
        Action::AllocationFreed => "freed a number",
        Action::InteractionDeleted => "ended an interaction",
        Action::RouteCreated => "made a route",
        Action::RouteChanged => "led a route elsewhere",
        Action::RouteDeleted => "deleted a route",
        Action::DataShown => "looked at user data",
        Action::SignedIn => "signed in",
        Action::ConfigurationChanged => "changed the configuration",
    }
}
