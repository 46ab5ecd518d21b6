//! A person who is signed in, at one request: whose data is looked at, and what may be changed.

use std::sync::Arc;

use actix_web::http::StatusCode;
use maud::{Markup, html};

use super::request::{Fields, Request, page_of_console};
use super::sessions::{Notice, Session, same};
use super::{Console, PATH, answers, layout};
use crate::access::Principal;
use crate::config::Tenant;
use crate::dialect::Answer;
use crate::domain::{EnvironmentName, GroupName, GroupRules, Scope, Timestamp};
use crate::store::{Error, Store};

/// The cookie that holds the session's id.
pub(super) const COOKIE: &str = "dnis_gateway_console";

/// Whose data is meant, as forms carry it: nothing that a tenant or an environment is called has a tab in it.
pub(super) fn scope_text(scope: &Scope) -> String {
    format!("{}\t{}", scope.tenant, scope.environment.as_ref().map_or("", EnvironmentName::as_str))
}

/// A request of somebody who is signed in.
pub(super) struct Visit<'a> {
    /// The store; what is changed over it is in the audit as done by whoever is signed in.
    pub(super) store: Arc<dyn Store>,
    pub(super) request: Request<'a>,
    pub(super) fields: Fields,
    pub(super) session: Arc<Session>,
    /// Who asks, and for which data, by the settings in force.
    pub(super) principal: Principal<'a>,
}

impl Console {
    /// Who asks, if it is somebody who is signed in and still may. What somebody may do is asked of the settings each time.
    pub(super) fn visit<'a>(&'a self, request: Request<'a>) -> Option<Visit<'a>> {
        let session = request.cookies(COOKIE).find_map(|id| self.sessions.find(id, !request.is_live()))?;
        let scope = session.scope();
        let environment = scope.environment.as_ref();
        let Some(principal) = session.person.in_scope(request.settings, &scope.tenant, environment) else {
            self.sessions.end(&session);
            return None;
        };
        let store = match principal.actor(request.source) {
            Some(actor) => self.store.acting(actor),
            None => Arc::clone(&self.store),
        };
        Some(Visit { store, request, fields: request.fields(), session, principal })
    }
}

impl Visit<'_> {
    /// The time by which pages tell what is left.
    pub(super) fn now(&self) -> Timestamp {
        self.store.clock().now()
    }

    /// Whether numbers may be freed and changed.
    pub(super) fn may_change(&self) -> bool {
        self.principal.may_change()
    }

    /// Whose data is looked at.
    pub(super) fn scope(&self) -> &Scope {
        &self.principal.scope
    }

    /// What is configured of the tenant whose data is looked at.
    pub(super) fn tenant(&self) -> &Tenant {
        self.principal.tenant
    }

    /// How a group of the tenant lends.
    pub(super) fn rules(&self, group: Option<&GroupName>) -> GroupRules {
        let configured = group.and_then(|group| self.tenant().group(group));
        configured.map(|group| group.rules.clone()).unwrap_or_default()
    }

    /// Whose data is looked at, as forms carry it.
    fn scope_text(&self) -> String {
        scope_text(self.scope())
    }

    /// What every form carries that changes something: the session's token, and what it was made for.
    pub(super) fn hidden(&self) -> Markup {
        html! {
            input type="hidden" name="token" value=(self.session.token);
            input type="hidden" name="of" value=(self.scope_text());
        }
    }

    /// The page that a form wants to lead back to.
    pub(super) fn back(&self) -> &str {
        page_of_console(self.fields.raw("back")).unwrap_or(PATH)
    }

    /// Leads back to where a form was, and tells there what came of it.
    pub(super) fn return_with(&self, notice: Notice) -> Answer {
        self.session.tell(notice);
        answers::see_other(self.back())
    }

    /// Whether a form is one of this session, and of the data that is looked at now.
    ///
    /// # Errors
    /// The answer to one that is not.
    pub(super) fn judge_form(&self) -> Result<(), Answer> {
        if !same(self.fields.raw("token"), &self.session.token) {
            let text =
                "This form is not one of your session, so nothing was changed. Load the page again and repeat it.";
            return Err(self.problem(StatusCode::FORBIDDEN, "Nothing was changed", text));
        }
        let elsewhere = self.fields.raw("of") != self.scope_text();
        if elsewhere && !matches!(self.request.path, "/scope" | "/sign-out") {
            let text = "You look at other data now than when this page was loaded, so nothing was changed. Load the page \
                        again.";
            return Err(self.problem(StatusCode::CONFLICT, "This page is out of date", text));
        }
        Ok(())
    }

    /// A page of this title.
    pub(super) fn page(&self, title: &str, body: &Markup) -> Answer {
        answers::page(StatusCode::OK, layout::page(self, title, body))
    }

    /// A page that says what is wrong.
    pub(super) fn problem(&self, status: StatusCode, title: &str, text: &str) -> Answer {
        let body = html! { h1 { (title) } p { (text) } p { a href=(PATH) { "To the pools" } } };
        answers::page(status, layout::page(self, title, &body))
    }

    /// The answer to an address where nothing is.
    pub(super) fn nowhere(&self) -> Answer {
        self.problem(StatusCode::NOT_FOUND, "There is no such page", "Nothing of the console is at this address.")
    }

    /// The answer to somebody who may not.
    pub(super) fn refused(&self) -> Answer {
        let text = format!("Your role is {}, which changes nothing. Nothing was changed.", self.principal.role.name());
        self.problem(StatusCode::FORBIDDEN, "You may not do this", &text)
    }

    /// The answer where the store has said no, or nothing.
    pub(super) fn failed(&self, error: &Error) -> Answer {
        match error {
            Error::Refused(refusal) => {
                self.problem(StatusCode::CONFLICT, "Nothing was changed", &format!("The gateway refuses: {refusal}."))
            }
            Error::Unavailable(_) => {
                tracing::warn!(%error, "a page of the console could not be made");
                let text = "The store does not answer now. Try again in a moment; /health/ready says whether it does.";
                self.problem(StatusCode::SERVICE_UNAVAILABLE, "The store is not available", text)
            }
        }
    }
}
