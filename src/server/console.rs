//! The console on the admin listener: reads what a browser sends, and sends what the console answers.

use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use futures_util::FutureExt;

use super::arriving::Arriving;
use super::connections::Line;
use super::{Gateway, body, origin};
use crate::config::Settings;
use crate::console::{self, Request};
use crate::dialect::stream::Streamed;
use crate::dialect::{Answer, bare};

/// Longest form, in bytes.
const MOST: usize = 64 * 1024;

/// Answers a request to the console.
pub(super) async fn answer(request: HttpRequest, payload: Payload, gateway: Data<Gateway>) -> HttpResponse {
    let settings = gateway.live.current();
    let answering = AssertUnwindSafe(answered(&request, payload, &gateway, &settings)).catch_unwind();
    // A panic is a bug of ours; it costs this one request an answer of 500 and nothing else.
    let streamed = answering.await.unwrap_or_else(|_| {
        plain(StatusCode::INTERNAL_SERVER_ERROR, "The console has made a mistake; the log says more.\n").into()
    });
    let Streamed { answer, body, .. } = streamed;
    let mut response = HttpResponse::build(answer.status);
    for header in answer.headers {
        response.append_header(header);
    }
    match body {
        Some(pieces) => response.streaming(pieces),
        None => response.body(answer.body),
    }
}

async fn answered(request: &HttpRequest, payload: Payload, gateway: &Gateway, settings: &Settings) -> Streamed {
    let line = request.conn_data::<Rc<Line>>().expect("every connection of ours has its line");
    let mut arriving = Arriving::new(payload.into_inner(), Rc::clone(line), request.head());
    let read = read(request, &mut arriving, gateway, settings).await;
    arriving.drop_rest().await;
    let body = match read {
        Ok(body) => body,
        Err(answer) => return answer.into(),
    };
    let path = bare(request.path());
    let asked = Request {
        method: request.method(),
        path: path.strip_prefix(console::PATH).unwrap_or(path),
        query: request.query_string(),
        headers: request.headers(),
        source: origin::source(request.head(), &settings.server.trusted_proxies),
        secure: origin::came_by_tls(request.head(), settings.admin.tls.is_some(), &settings.server.trusted_proxies),
        settings,
        body: &body,
    };
    gateway.console.answer(asked).await
}

async fn read(
    request: &HttpRequest,
    arriving: &mut Arriving,
    gateway: &Gateway,
    settings: &Settings,
) -> Result<Bytes, Answer> {
    let mut held = gateway.in_flight.hold(settings.server.limits.bodies_in_flight);
    let read = body::read(request.headers(), arriving, MOST, &mut held).await;
    read.map_err(|_| plain(StatusCode::BAD_REQUEST, "The form cannot be read, or it is too long.\n"))
}

fn plain(status: StatusCode, text: &'static str) -> Answer {
    Answer::new(status, "error", "text/plain; charset=utf-8", text)
}
