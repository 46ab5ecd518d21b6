//! The admin listener: health for supervisors, metrics for Prometheus, backups, the console for people. Kept apart from the dialects so that nobody who
//! may call them sees it, and closed to web pages of other sites: whoever looks at one is often near enough to reach it.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::HOST;
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{Data, ServiceConfig, get, scope, to};
use actix_web::{Error, HttpRequest, HttpResponse, Responder};

use super::metrics::{self, Readings};
use super::site::{self, Foreign};
use super::{Gateway, backup, console, page};
use crate::store::clock;

/// The routes of the admin listener; a slash behind a path is the path.
pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(
        scope("")
            .wrap(from_fn(keep_out))
            .route("/", get().to(front))
            .route("/health/live{slash:/?}", get().to(live))
            .route("/health/ready{slash:/?}", get().to(ready))
            .route("/metrics{slash:/?}", get().to(scrape))
            .route("/backup{slash:/?}", get().to(backup::stream))
            .route("/console{below:(/.*)?}", to(console::answer))
            .default_service(to(nothing)),
    );
}

/// Refuses what a web page of another site makes a browser send, whatever it asks for.
async fn keep_out(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let gateway = request.app_data::<Data<Gateway>>().cloned();
    let settings = gateway.map(|gateway| gateway.live.current());
    let hosts = settings.as_deref().map_or(&[][..], |settings| &settings.admin.hosts);
    match site::judge_admin(request.method(), request.uri(), request.headers(), hosts) {
        Ok(()) => Ok(next.call(request).await?.map_into_left_body()),
        Err(foreign) => {
            let host = request.headers().get(HOST).map(|host| String::from_utf8_lossy(host.as_bytes()));
            let (peer, path, reason) = (request.peer_addr(), request.path(), foreign.label());
            tracing::warn!(
                ?peer,
                path,
                host = host.as_deref().unwrap_or_default(),
                reason,
                "the admin listener refused"
            );
            Ok(request.into_response(refusal(foreign)).map_into_right_body())
        }
    }
}

fn refusal(foreign: Foreign) -> HttpResponse {
    plain(HttpResponse::build(StatusCode::FORBIDDEN)).body(match foreign {
        Foreign::Host => {
            "this listener is not called like that: use its address or localhost, or add the name to admin.hosts\n"
        }
        Foreign::Page => "a web page of another site may not ask for this\n",
    })
}

/// The page for people.
async fn front(gateway: Data<Gateway>) -> HttpResponse {
    let settings = gateway.live.current();
    let server = &settings.server;
    let scheme = if server.tls.is_some() { "https" } else { "http" };
    let dialects = server.public_url.as_ref().map(|url| url.as_str().to_owned());
    let dialects = dialects.unwrap_or_else(|| format!("{scheme}://{}", gateway.door.address));
    let answer = page::admin(&dialects);
    let mut response = HttpResponse::build(answer.status);
    for header in answer.headers {
        response.append_header(header);
    }
    response.body(answer.body)
}

/// The process answers.
async fn live() -> impl Responder {
    plain(HttpResponse::Ok()).body("alive\n")
}

/// The store takes writes.
async fn ready(gateway: Data<Gateway>) -> impl Responder {
    match gateway.store.ready().await {
        Ok(()) => plain(HttpResponse::Ok()).body("ready\n"),
        Err(error) => plain(HttpResponse::ServiceUnavailable()).body(format!("not ready: {error}\n")),
    }
}

async fn scrape(gateway: Data<Gateway>) -> impl Responder {
    let pools = gateway.store.pools().await.unwrap_or_default();
    let usages = gateway.store.usages().await.unwrap_or_default();
    let ready = gateway.store.ready().await.is_ok();
    let readings = Readings {
        pools: &pools,
        usages: &usages,
        settings: &gateway.live.current(),
        watch: &gateway.watch,
        number_watch: &gateway.number_watch,
        ready,
        wall_ahead: clock::ahead(&*gateway.store.clock()),
        access: &gateway.access,
        soap: [gateway.interact.tally(), gateway.native.tally()],
        guessed_charsets: gateway.gms.guessed_charsets(),
        connections: &gateway.connections,
        in_flight: gateway.in_flight.bytes(),
    };
    match gateway.metrics.text(&readings) {
        Ok(text) => HttpResponse::Ok().content_type(metrics::MEDIA_TYPE).body(text),
        Err(error) => plain(HttpResponse::InternalServerError()).body(format!("metrics cannot be written: {error}\n")),
    }
}

async fn nothing(_: HttpRequest) -> impl Responder {
    plain(HttpResponse::NotFound())
        .body("There is nothing at this path. This is the admin listener: / says what is here.\n")
}

fn plain(mut response: actix_web::HttpResponseBuilder) -> actix_web::HttpResponseBuilder {
    response.content_type("text/plain; charset=utf-8");
    response
}
