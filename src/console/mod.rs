//! The console: pages on the admin listener where people see how the numbers stand, find out whose call one is and why
//! another was not recognised, and put right what is wrong.
//!
//! Pages are made whole on the server and work without a script; the script only shows what has changed meanwhile. The
//! console calls the operations of the store that the gateway's own API calls, and judges nothing by itself. It refuses to
//! know how requests arrive, and every vendor's protocol.
//!
//! A request comes in through [`Console::answer`]. Whoever has no session meets the sign-in; everybody else becomes a
//! `visit::Visit`, which knows whose data is looked at and what may be changed, and a page is made of it. Whatever changes
//! something is a form with the session's token, and is answered by a way back, so that loading a page again does nothing
//! again.

mod answers;
mod assets;
mod audit;
mod cluster;
mod events;
mod explain;
mod find;
mod group;
mod layout;
mod numbers;
mod pools;
mod request;
mod routes;
mod sessions;
mod signing;
#[cfg(test)]
mod tests;
mod visit;
mod words;

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Semaphore;

use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::http::{Method, StatusCode};

pub use request::Request;

use crate::access::Access;
use crate::dialect::Answer;
use crate::dialect::stream::Streamed;
use crate::store::{Error, Store};
use sessions::Sessions;
use visit::Visit;

/// Where the console is on its listener.
pub const PATH: &str = "/console";

/// The console over a store.
pub struct Console {
    store: Arc<dyn Store>,
    access: Arc<Access>,
    sessions: Sessions,
    /// Places for pages that follow what happens.
    followers: Arc<Semaphore>,
}

/// What a page, or a form, comes to.
type Outcome = Result<Answer, Error>;

impl Console {
    /// The console over a store, for whom `access` lets in.
    pub fn new(store: Arc<dyn Store>, access: Arc<Access>) -> Self {
        Self::with_time(store, access, Arc::new(Instant::now))
    }

    fn with_time(store: Arc<dyn Store>, access: Arc<Access>, time: sessions::Time) -> Self {
        Self { store, access, sessions: Sessions::new(time), followers: Arc::new(Semaphore::new(events::FOLLOWERS)) }
    }

    /// Answers a request.
    pub async fn answer(&self, request: Request<'_>) -> Streamed {
        let Streamed { answer, body, close } = match request.path {
            events::PATH if request.reads() => self.follow(request),
            _ => self.routed(request).await.into(),
        };
        Streamed { answer: answers::secured(answer), body, close }
    }

    async fn routed(&self, request: Request<'_>) -> Answer {
        let allowed: &[Method] = match request.path {
            "/sign-out" | "/scope" | "/number" | "/data" => &[Method::POST],
            "/sign-in" | "/explain" | "/routes" => &[Method::GET, Method::HEAD, Method::POST],
            _ => &[Method::GET, Method::HEAD],
        };
        if !allowed.contains(request.method) {
            return not_allowed(allowed);
        }
        if let Some(file) = assets::find(&request) {
            return file;
        }
        if request.path == "/sign-in" {
            return self.sign_in(&request).await;
        }
        let Some(visit) = self.visit(request) else { return self.stranger(&request) };
        let outcome = if request.reads() { self.shown(&visit).await } else { self.done(&visit).await };
        outcome.unwrap_or_else(|error| visit.failed(&error))
    }

    /// The page that is asked for.
    async fn shown(&self, visit: &Visit<'_>) -> Outcome {
        match visit.request.path {
            "" => pools::show(visit).await,
            "/group" => group::show(visit).await,
            "/find" => find::show(visit).await,
            "/explain" => explain::show(visit).await,
            "/routes" => routes::show(visit).await,
            "/gateway" => cluster::show(visit).await,
            "/audit" => audit::show(visit).await,
            _ => Ok(visit.nowhere()),
        }
    }

    /// What a form asks for.
    async fn done(&self, visit: &Visit<'_>) -> Outcome {
        if let Err(refused) = visit.judge_form() {
            return Ok(refused);
        }
        match visit.request.path {
            "/sign-out" => Ok(self.sign_out(visit)),
            "/scope" => Ok(signing::turn(visit)),
            "/number" => numbers::change(visit).await,
            "/data" => find::show_data(visit).await,
            "/routes" => routes::change(visit).await,
            "/explain" => explain::show(visit).await,
            _ => Ok(visit.nowhere()),
        }
    }
}

fn not_allowed(allowed: &[Method]) -> Answer {
    let names: Vec<_> = allowed.iter().map(Method::as_str).collect();
    let names = HeaderValue::try_from(names.join(", ")).expect("methods are visible");
    let text = "This address of the console takes no such request.\n";
    Answer::new(StatusCode::METHOD_NOT_ALLOWED, "not_allowed", "text/plain; charset=utf-8", text).with(ALLOW, names)
}
