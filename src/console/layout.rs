//! What is around every page: the way to the others, the one box, who is signed in, and word of what was done.

use maud::{DOCTYPE, Markup, html};

use super::sessions::Notice;
use super::visit::{Visit, scope_text};
use super::{PATH, signing, words};

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The pages that are reached from everywhere, with their paths; the last one only by those who look after the gateway.
const PLACES: [(&str, &str); 4] =
    [("", "Pools"), ("/find", "Find a call"), ("/explain", "Why not recognised?"), ("/routes", "Routes")];
const GATEWAY: (&str, &str) = ("/gateway", "Gateway");
/// The page that only admins reach.
const AUDIT: (&str, &str) = ("/audit", "Audit");

/// A page for somebody who is signed in. The body brings its heading.
pub(super) fn page(visit: &Visit<'_>, title: &str, body: &Markup) -> Markup {
    let notice = if visit.request.is_live() { None } else { visit.session.told() };
    let inner = html! {
        a .skip href="#main" { "Skip to content" }
        (header(visit))
        main #main tabindex="-1" {
            @match notice {
                Some(Notice::Done(text)) => { p .notice .done role="status" { (text) } }
                Some(Notice::Refused(text)) => { p .notice .refused role="alert" { (text) } }
                None => {}
            }
            (body)
        }
        footer {
            p { "All times are in UTC; it was " (words::time(visit.now())) " when this page was made." }
            p { "dnis-gateway " (VERSION) " · " span #live role="status" {} }
        }
    };
    whole(title, &inner)
}

/// A page for anybody, with nothing around it.
pub(super) fn plain(title: &str, body: &Markup) -> Markup {
    whole(title, body)
}

fn whole(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " - dnis-gateway" }
                link rel="stylesheet" href={ (PATH) "/style.css" };
                link rel="icon" type="image/svg+xml" href={ (PATH) "/icon.svg" };
                script src={ (PATH) "/script.js" } defer {}
            }
            body { (body) }
        }
    }
}

fn header(visit: &Visit<'_>) -> Markup {
    let place = match visit.request.path {
        "/group" | "/number" => "",
        "/data" => "/find",
        path => path,
    };
    let gateway = visit.principal.sees_gateway(visit.request.settings).then_some(GATEWAY);
    let audit = visit.principal.sees_audit().then_some(AUDIT);
    html! {
        header .top {
            a .brand href=(PATH) { "dnis-gateway" }
            nav aria-label="Console" {
                ul {
                    @for (path, name) in PLACES.into_iter().chain(gateway).chain(audit) {
                        li { a href={ (PATH) (path) } aria-current=[(path == place).then_some("page")] { (name) } }
                    }
                }
            }
            form .search role="search" action={ (PATH) "/find" } {
                label .unseen for="q-top" { "Find a call" }
                input #q-top type="search" name="q" placeholder="Number, caller, code, id" autocomplete="off"
                    spellcheck="false";
                button { "Find" }
            }
            div .who {
                (scope(visit))
                span .user { (visit.session.person.name) " (" (visit.principal.role.name()) ")" }
                form method="post" action={ (PATH) "/sign-out" } { (visit.hidden()) button .quiet { "Sign out" } }
            }
        }
    }
}

/// Whose data is looked at, and how to look at other data.
fn scope(visit: &Visit<'_>) -> Markup {
    let scopes = signing::scopes(visit);
    html! {
        @if scopes.len() > 1 {
            form method="post" action={ (PATH) "/scope" } {
                (visit.hidden())
                label .unseen for="scope" { "Tenant and environment" }
                select #scope name="scope" {
                    @for scope in &scopes {
                        option value=(scope_text(scope)) selected[scope == visit.scope()] { (scope) }
                    }
                }
                button .quiet { "Look at it" }
            }
        } @else {
            span .scope { (visit.scope()) }
        }
    }
}
