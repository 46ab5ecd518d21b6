//! What happens, told to the script of a page: that something has, and not what, since the page is asked for anew.

use std::sync::Arc;

use actix_web::http::{Method, StatusCode};
use bytes::Bytes;

use super::Console;
use super::request::Request;
use crate::dialect::Answer;
use crate::dialect::server_sent::{self, EVENT_STREAM};
use crate::dialect::stream::Streamed;
use crate::store::events::What;

/// Most pages that follow events at a time. Each holds a connection, of which the admin listener has few; a page that finds no
/// place is asked for anew now and then.
pub(super) const FOLLOWERS: usize = 6;
/// Where events are followed.
pub(super) const PATH: &str = "/events";

impl Console {
    /// Follows what happens in the data that somebody looks at. It is no use of the session.
    pub(super) fn follow(&self, request: Request<'_>) -> Streamed {
        let Some(visit) = self.visit(request) else {
            return Answer::empty(StatusCode::UNAUTHORIZED, "unauthorized").into();
        };
        let environment = visit.scope().environment.clone();
        let Ok(place) = Arc::clone(&self.followers).try_acquire_owned() else {
            // By this a browser knows that it need not try again.
            return Answer::empty(StatusCode::NO_CONTENT, "crowded").into();
        };
        let Some(follower) = visit.store.events().follow(&visit.scope().tenant, None) else {
            return Answer::empty(StatusCode::NO_CONTENT, "crowded").into();
        };
        let body = server_sent::body(follower, move |event| {
            // Given back when nobody is told any more.
            let _ = &place;
            let name = match event.what {
                What::Lent(_) => "lent",
                What::Ended(..) => "ended",
                What::Refused { .. } => "refused",
                What::Exhausted => "exhausted",
            };
            (event.environment == environment).then(|| (name, "{}".to_owned()))
        });
        let answer = Answer::new(StatusCode::OK, "ok", EVENT_STREAM, Bytes::new());
        Streamed { answer, body: (*request.method != Method::HEAD).then_some(body), close: false }
    }
}
