//! Signing in and out, and turning to another environment.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, RETRY_AFTER, SET_COOKIE};
use maud::{Markup, html};

use super::request::{Request, page_of_console};
use super::sessions::{Notice, same, secret};
use super::visit::{COOKIE, Visit, scope_text};
use super::{Console, PATH, answers, layout};
use crate::access::{Person, Refusal, UserPassword};
use crate::config::{DEMO_ACCESS, Settings, Tenant};
use crate::dialect::Answer;
use crate::domain::Scope;
use crate::domain::audit::{Action, Actor, Deed};

/// The cookie that a sign-in form is held against: whoever makes a browser send one does not know it.
const FORM_COOKIE: &str = "dnis_gateway_sign_in";

/// What the sign-in page says besides its form.
enum Said {
    Nothing,
    /// Why nobody was let in.
    Denied(String),
    /// The session is over, and a form was sent.
    Over,
}

impl Console {
    /// The answer to somebody who is not signed in.
    pub(super) fn stranger(&self, request: &Request<'_>) -> Answer {
        if request.is_live() {
            return Answer::empty(StatusCode::UNAUTHORIZED, "unauthorized");
        }
        let fields = request.fields();
        let (back, over) = match request.reads() {
            true => (request.target(), ""),
            false => (fields.raw("back").to_owned(), "&over=1"),
        };
        match page_of_console(&back) {
            Some(PATH) if request.reads() => form(request, PATH, "", &Said::Nothing, StatusCode::OK),
            back => {
                let back: String = form_urlencoded::byte_serialize(back.unwrap_or(PATH).as_bytes()).collect();
                answers::see_other(&format!("{PATH}/sign-in?back={back}{over}"))
            }
        }
    }

    /// Shows the form, or lets somebody in who has filled it in.
    pub(super) async fn sign_in(&self, request: &Request<'_>) -> Answer {
        let fields = request.fields();
        let back = page_of_console(fields.raw("back")).unwrap_or(PATH);
        if request.reads() {
            let said = if fields.raw("over").is_empty() { Said::Nothing } else { Said::Over };
            return form(request, back, "", &said, StatusCode::OK);
        }
        let again =
            |said: &str, status| form(request, back, fields.get("user"), &Said::Denied(said.to_owned()), status);
        let token = fields.raw("token");
        if token.is_empty() || !request.cookies(FORM_COOKIE).any(|known| same(known, token)) {
            let said = "The form was too old, or your browser takes no cookies. Try again.";
            return again(said, StatusCode::FORBIDDEN);
        }
        if fields.get("user").is_empty() || fields.raw("password").is_empty() {
            return again("Give your name and your password.", StatusCode::UNPROCESSABLE_ENTITY);
        }
        let given =
            UserPassword { user: fields.get("user").to_owned(), password: fields.raw("password").to_owned().into() };
        match self.access.person(request.attempt(), given, fields.given("tenant")).await {
            Ok(person) => self.let_in(request, person, back).await,
            Err(denied) => {
                tracing::info!(source = %request.source, reason = denied.cause.label(), "the console let nobody in");
                match denied.refusal {
                    Refusal::TooManyAttempts { retry_after } => {
                        let said = format!("Too many attempts. Try again in {} s.", retry_after.get());
                        let answer = again(&said, StatusCode::TOO_MANY_REQUESTS);
                        answer.with(RETRY_AFTER, HeaderValue::from(retry_after.get()))
                    }
                    Refusal::Unauthorized { .. } => {
                        let tenant = if request.settings.tenants.len() > 1 { ", or the tenant" } else { "" };
                        again(&format!("The name or the password is wrong{tenant}."), StatusCode::FORBIDDEN)
                    }
                }
            }
        }
    }

    /// Begins a session of somebody whose password was right.
    async fn let_in(&self, request: &Request<'_>, person: Person, back: &str) -> Answer {
        let first = person.tenants(request.settings).next().map(|tenant| first_scope(tenant, request.settings));
        let Some(scope) = first else {
            let said = Said::Denied("The configuration has no tenant yet, so there is nothing to see.".to_owned());
            return form(request, back, &person.name, &said, StatusCode::FORBIDDEN);
        };
        tracing::info!(tenant = %scope.tenant, source = %request.source, "somebody signed in to the console");
        let actor = Actor::person(&person.name, None, Some(request.source.to_canonical().to_string().into()));
        let noted = self.store.acting(actor).note(&scope, Deed::new(Action::SignedIn, "console")).await;
        if let Err(error) = noted {
            // The console is needed most where the store does not answer.
            tracing::warn!(%error, "that somebody signed in to the console is not in the audit");
        }
        let id = self.sessions.begin(person, scope);
        answers::see_other(back).with(SET_COOKIE, cookie(request, COOKIE, &id))
    }

    /// Ends the session.
    pub(super) fn sign_out(&self, visit: &Visit<'_>) -> Answer {
        self.sessions.end(&visit.session);
        let gone = format!("{}; Max-Age=0", cookie_text(&visit.request, COOKIE, ""));
        let gone = HeaderValue::try_from(gone).expect("a cookie of ours is visible");
        answers::see_other(PATH).with(SET_COOKIE, gone)
    }
}

/// Turns to the data of another tenant, or of another environment.
pub(super) fn turn(visit: &Visit<'_>) -> Answer {
    let wanted = visit.fields.raw("scope");
    match scopes(visit).into_iter().find(|scope| scope_text(scope) == wanted) {
        Some(scope) => {
            visit.session.turn_to(scope);
            answers::see_other(PATH)
        }
        None => visit.return_with(Notice::Refused("There is no such tenant or environment.".to_owned())),
    }
}

/// Whose data somebody may look at, in their order.
pub(super) fn scopes(visit: &Visit<'_>) -> Vec<Scope> {
    let of = |tenant: &Tenant| {
        let environments = tenant.environments.iter().cloned().map(Some);
        let none = tenant.environments.is_empty().then_some(None);
        let named = |environment| Scope { tenant: tenant.id.clone(), environment };
        environments.chain(none).map(named).collect::<Vec<_>>()
    };
    visit.session.person.tenants(visit.request.settings).flat_map(of).collect()
}

/// What somebody who has signed in looks at first.
fn first_scope(tenant: &Tenant, settings: &Settings) -> Scope {
    let usual = settings.gms.environment.as_ref().filter(|usual| tenant.environments.contains(*usual));
    Scope { tenant: tenant.id.clone(), environment: usual.or(tenant.environments.first()).cloned() }
}

/// A cookie that scripts do not see and no other site makes a browser send.
fn cookie_text(request: &Request<'_>, name: &str, value: &str) -> String {
    let secure = if request.secure { "; Secure" } else { "" };
    format!("{name}={value}; Path={PATH}; HttpOnly; SameSite=Strict{secure}")
}

fn cookie(request: &Request<'_>, name: &str, value: &str) -> HeaderValue {
    HeaderValue::try_from(cookie_text(request, name, value)).expect("a cookie of ours is visible")
}

/// The page with the form.
fn form(request: &Request<'_>, back: &str, user: &str, said: &Said, status: StatusCode) -> Answer {
    // The form of another tab stays good.
    let known = request.cookies(FORM_COOKIE).find(|known| known.len() == 43).map(str::to_owned);
    let token = known.unwrap_or_else(secret);
    let set = cookie(request, FORM_COOKIE, &token);
    let body = body(request, back, user, said, &token);
    answers::page(status, layout::plain("Sign in", &body)).with(SET_COOKIE, set)
}

fn body(request: &Request<'_>, back: &str, user: &str, said: &Said, token: &str) -> Markup {
    let settings = request.settings;
    let cross_site =
        request.headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site" || site == "same-site");
    html! {
        main #main .sign-in data-sign-in {
            h1 { "dnis-gateway" }
            @match said {
                Said::Nothing => {}
                Said::Denied(why) => { p #said .notice .refused role="alert" { (why) } }
                Said::Over => {
                    p #said .notice .refused role="alert" {
                        "Your session is over, so nothing was changed. Sign in and do it again."
                    }
                }
            }
            @if cross_site {
                p { "You followed a link from elsewhere. " a href=(back) { "Go on" } " if you are signed in already." }
            }
            form method="post" action={ (PATH) "/sign-in" } {
                input type="hidden" name="token" value=(token);
                input type="hidden" name="back" value=(back);
                @if settings.tenants.len() > 1 {
                    label for="tenant" { "Tenant" }
                    input #tenant name="tenant" autocomplete="organization" aria-describedby="tenant-hint";
                    p #tenant-hint .hint { "May stay empty where your name is only known to one." }
                }
                label for="user" { "Name" }
                input #user name="user" value=(user) autocomplete="username" required autofocus[user.is_empty()]
                    autocapitalize="none" spellcheck="false";
                label for="password" { "Password" }
                input #password type="password" name="password" autocomplete="current-password" required
                    autofocus[!user.is_empty()];
                button .primary { "Sign in" }
            }
            @if settings.demo {
                p .hint {
                    "This is the demo: the name is " code { (DEMO_ACCESS.user) } " and the password "
                    code { (DEMO_ACCESS.password) } "."
                }
            }
            @if settings.admin.users.is_empty() && settings.tenants.values().all(|tenant| tenant.users.is_empty()) {
                p .hint { "The configuration has no users yet: add them to " code { "tenant.users" } "." }
            }
        }
    }
}
