//! The admin listener: health for supervisors, metrics for Prometheus, backups. Kept apart from the dialects so that nobody who
//! may call them sees it.

use actix_web::web::{Data, ServiceConfig, get};
use actix_web::{HttpResponse, Responder};

use super::metrics::{self, Readings};
use super::{Gateway, backup};
use crate::store::clock;

/// The routes of the admin listener.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/health/live", get().to(live))
        .route("/health/ready", get().to(ready))
        .route("/metrics", get().to(scrape))
        .route("/backup", get().to(backup::stream));
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
    let ready = gateway.store.ready().await.is_ok();
    let readings = Readings {
        pools: &pools,
        watch: &gateway.watch,
        ready,
        wall_ahead: clock::ahead(&*gateway.store.clock()),
        access: &gateway.access,
        soap: [gateway.interact.tally(), gateway.native.tally()],
        guessed_charsets: gateway.gms.guessed_charsets(),
    };
    match gateway.metrics.text(&readings) {
        Ok(text) => HttpResponse::Ok().content_type(metrics::MEDIA_TYPE).body(text),
        Err(error) => plain(HttpResponse::InternalServerError()).body(format!("metrics cannot be written: {error}\n")),
    }
}

fn plain(mut response: actix_web::HttpResponseBuilder) -> actix_web::HttpResponseBuilder {
    response.content_type("text/plain; charset=utf-8");
    response
}
