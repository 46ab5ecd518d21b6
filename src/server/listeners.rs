//! What the two listeners are made of: who answers, and what their connections are held to.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::rc::Rc;

use actix_http::body::BoxBody;
use actix_http::{Request, Response};
use actix_service::{IntoServiceFactory, Service, apply_fn_factory, fn_service, map_config};
use actix_web::App;
use actix_web::dev::AppConfig;
use actix_web::web::Data;
use futures_util::FutureExt;

use super::connections::{Caps, Limit, Threads, Tls, Workers, descriptors, service};
use super::{Gateway, adapter, admin};
use crate::config::{Live, Settings};

/// How many threads serve the dialects.
pub(super) fn threads(settings: &Settings) -> usize {
    let given = settings.server.workers.map(NonZeroUsize::get);
    given.or_else(|| std::thread::available_parallelism().ok().map(NonZeroUsize::get)).unwrap_or(1)
}

/// What connections to the main listener are held to, as the settings in force and the system's limit have it.
pub(super) fn main_limit(live: &Live, workers: usize) -> Limit {
    let limit = descriptors::raise();
    let room = descriptors::for_connections(limit, workers);
    let wanted = live.current().server.limits.connections;
    if room < wanted {
        tracing::warn!(
            descriptors = limit,
            connections = room,
            wanted,
            "fewer connections than configured, for want of descriptors (ulimit -n)"
        );
    } else {
        tracing::info!(descriptors = limit, connections = wanted, "connections");
    }
    let live = live.clone();
    let limit = move |peer: SocketAddr| {
        let settings = live.current();
        let limits = &settings.server.limits;
        let total = limits.connections.min(room);
        let speaks_for_many = settings.server.trusted_proxies.contains(peer.ip());
        let of_source = limits.connections_per_source.unwrap_or(total.div_ceil(2));
        Caps { total, of_source: (!speaks_for_many).then_some(of_source), head: limits.head }
    };
    Box::new(limit)
}

/// What connections to the admin listener are held to.
pub(super) fn admin_limit(live: &Live) -> Limit {
    let live = live.clone();
    Box::new(move |_| Caps { total: descriptors::ADMIN, of_source: None, head: live.current().server.limits.head })
}

/// Those who serve the dialects.
pub(super) fn main_workers(gateway: &Data<Gateway>, count: usize, tls: &Tls) -> io::Result<(Workers, Threads)> {
    let gateway = gateway.clone();
    Workers::start("worker", count, tls, move || {
        let (answering, expecting) = (gateway.clone(), gateway.clone());
        let answer = fn_service(move |mut request: Request| {
            let gateway = answering.clone();
            async move {
                let (line, has_body) = (service::line(&request), service::has_body(&mut request));
                // Long, and handed on several times: all but its place.
                let answering = Box::pin(adapter::handle(request, Rc::clone(&line), &gateway));
                Ok::<_, Response<BoxBody>>(service::attended(line, has_body, answering).await)
            }
        });
        let expect = fn_service(move |request: Request| adapter::expect(request, expecting.clone()));
        service::http(answer, expect)
    })
}

/// Who serves health, metrics and backups.
pub(super) fn admin_workers(gateway: &Data<Gateway>, tls: &Tls) -> io::Result<(Workers, Threads)> {
    let gateway = gateway.clone();
    Workers::start("admin", 1, tls, move || {
        let app = App::new().app_data(gateway.clone()).configure(admin::routes).into_factory();
        let app = map_config(app, |()| AppConfig::default());
        let answer = apply_fn_factory(app, |mut request: Request, app: &_| {
            let (line, has_body) = (service::line(&request), service::has_body(&mut request));
            let answering = Service::call(app, request).map(|answered| match answered {
                Ok(answer) => answer.into(),
                Err(error) => error.into(),
            });
            async move { Ok::<_, actix_web::Error>(service::attended::<BoxBody>(line, has_body, answering).await) }
        });
        service::http(answer, actix_http::h1::ExpectHandler)
    })
}
