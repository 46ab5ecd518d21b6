//! Basic authentication: which pair opens which section, as the vendor's own suite observes it, and after a reload.

use actix_web::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::bench::*;

/// The hashes of `one` and `two`, made as cheap as can be.
const ONE: &str =
    "password_hash = '$argon2id$v=19$m=8,t=1,p=1$muM/Ycl/N/yy9qB4rJKzSw$F9clZuJVvQ1Z/qqEC0bS1STBby6I1e7MhzChdS3bhaI'";
const TWO: &str =
    "password_hash = '$argon2id$v=19$m=8,t=1,p=1$ywmz379pY+jYC4657LWtwg$4DbUr2piKbxXPnQ68sZ/ENxwSGj3lkYjuLRSjONiYEA'";

/// The passwords behind the hashes.
const ONES: &str = "password";
const TWOS: &str = "other";

/// What a section of the configuration sets.
#[derive(Clone, Copy)]
struct Pair {
    user: Option<&'static str>,
    password: Option<&'static str>,
}

const NOTHING: Pair = Pair { user: None, password: None };

fn pair(user: &'static str, password: &'static str) -> Pair {
    Pair { user: Some(user), password: Some(password) }
}

fn user(user: &'static str) -> Pair {
    Pair { user: Some(user), password: None }
}

fn password(password: &'static str) -> Pair {
    Pair { user: None, password: Some(password) }
}

impl Pair {
    fn toml(self, section: &str) -> String {
        let user = self.user.map(|user| format!("username = '{user}'\n")).unwrap_or_default();
        let password = self.password.map(|hash| format!("{hash}\n")).unwrap_or_default();
        format!("[tenant.gms.{section}]\n{user}{password}")
    }
}

fn settings(server: Pair, service: Pair, storage: Pair) -> String {
    format!(
        "[gms]\nanonymous_tenant = 't'\n[[tenant]]\nid = 't'\n{}{}{}",
        server.toml("server"),
        service.toml("service.match-interaction"),
        storage.toml("storage")
    )
}

fn with(request: Request, credentials: Option<(&str, &str)>) -> Request {
    match credentials {
        None => request,
        Some((user, password)) => {
            request.header(AUTHORIZATION, &format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
        }
    }
}

/// The status of a match, which finds nothing where it is let in.
async fn of_service(bench: &Bench, credentials: Option<(&str, &str)>) -> u16 {
    bench.send(with(post(MATCH_INTERACTION).form("_access_number=1"), credentials)).await.status.as_u16()
}

async fn of_storage(bench: &Bench, credentials: Option<(&str, &str)>) -> u16 {
    bench.send(with(post("/genesys/1/storage/60").form("a=1&b=2"), credentials)).await.status.as_u16()
}

/// Let in, where a match finds nothing.
const IN: u16 = 404;

#[actix_web::test]
async fn user_and_password_of_a_service_are_its_own_where_set_and_else_those_of_the_server() {
    let server = ("s", ONES);
    for (title, on_server, on_service, requests) in [
        ("server pair", pair("s", ONE), NOTHING, vec![(Some(server), IN), (Some(("x", ONES)), 401), (None, 401)]),
        ("service pair only", NOTHING, pair("v", TWO), vec![(Some(("v", TWOS)), IN), (Some(("x", TWOS)), 401)]),
        (
            "both pairs",
            pair("s", ONE),
            pair("v", TWO),
            vec![(Some(("v", TWOS)), IN), (Some(server), 401), (Some(("v", ONES)), 401), (Some(("s", TWOS)), 401)],
        ),
        ("server user only", user("s"), NOTHING, vec![(None, IN), (Some(("x", "y")), IN)]),
        ("service user only", NOTHING, user("v"), vec![(None, IN)]),
        ("both users only", user("s"), user("v"), vec![(None, IN)]),
        ("server password only", password(ONE), NOTHING, vec![(None, 401), (Some(("any", ONES)), IN)]),
        ("service password only", NOTHING, password(TWO), vec![(None, 401), (Some(("any", TWOS)), IN)]),
        (
            "server user, service password",
            user("s"),
            password(TWO),
            vec![(Some(("s", TWOS)), IN), (Some(("x", TWOS)), 401), (None, 401)],
        ),
        (
            "server pair, service password",
            pair("s", ONE),
            password(TWO),
            vec![(Some(("s", TWOS)), IN), (Some(server), 401)],
        ),
        ("server pair, service user", pair("s", ONE), user("v"), vec![(Some(("v", ONES)), IN), (Some(server), 401)]),
        (
            "server password, service user",
            password(ONE),
            user("v"),
            vec![(Some(("v", ONES)), IN), (Some(("x", ONES)), 401)],
        ),
    ] {
        let bench = Bench::with_settings(&settings(on_server, on_service, NOTHING)).await;
        for (credentials, status) in requests {
            assert_eq!(of_service(&bench, credentials).await, status, "{title}: {credentials:?}");
        }
    }
}

#[actix_web::test]
async fn the_storage_has_a_pair_of_its_own_and_else_that_of_the_server() {
    let bench = Bench::with_settings(&settings(pair("s", ONE), NOTHING, NOTHING)).await;
    for (credentials, status) in [(Some(("s", ONES)), 200), (Some(("x", ONES)), 401), (None, 401)] {
        assert_eq!(of_storage(&bench, credentials).await, status, "{credentials:?}");
    }
    let bench = Bench::with_settings(&settings(pair("s", ONE), pair("v", TWO), pair("d", TWO))).await;
    for (credentials, status) in [(Some(("d", TWOS)), 200), (Some(("s", ONES)), 401), (Some(("v", TWOS)), 401)] {
        assert_eq!(of_storage(&bench, credentials).await, status, "{credentials:?}");
    }
    // A password of the service alone does not close the storage.
    let bench = Bench::with_settings(&settings(NOTHING, pair("v", TWO), NOTHING)).await;
    assert_eq!(of_storage(&bench, None).await, 200);
}

#[actix_web::test]
async fn the_servers_pair_opens_what_is_asked_of_an_instance() {
    let bench = Bench::with_settings(&settings(pair("s", ONE), pair("v", TWO), NOTHING)).await;
    let path = format!("/genesys/1/service/{SERVICE}");
    let call = async |credentials| bench.send(with(get(&path), credentials)).await.status.as_u16();
    assert_eq!(call(Some(("s", ONES))).await, 404);
    assert_eq!(call(Some(("v", TWOS))).await, 401);
    assert_eq!(call(None).await, 401);
}

#[actix_web::test]
async fn the_challenge_has_the_realm_of_the_server_section_and_the_error_the_vendors_form() {
    for (realm, challenge) in [("", "Genesys Application Configuration Needed"), ("realm = 'ours'", "ours")] {
        let settings = settings(password(ONE), NOTHING, NOTHING);
        let settings = settings.replace("[tenant.gms.server]\n", &format!("[tenant.gms.server]\n{realm}\n"));
        let bench = Bench::with_settings(&settings).await;
        for (media_type, body) in [
            ("application/json", "{\"exception\":\"javax.ws.rs.NotAuthorizedException\",\"message\":\"the cred"),
            ("application/xml", "<exception>javax.ws.rs.NotAuthorizedException</exception><message>the cred"),
        ] {
            let answer = bench.send(post(REQUEST_ACCESS).accept(media_type)).await;
            let header = answer.headers.iter().find(|(name, _)| name == WWW_AUTHENTICATE).unwrap();
            assert_eq!(header.1.to_str().unwrap(), format!("Basic realm=\"{challenge}\""));
            assert!(answer.status.as_u16() == 401 && text(&answer).contains(body), "{}", text(&answer));
        }
    }
}

#[actix_web::test]
async fn a_reload_changes_every_section_for_the_next_request() {
    let bench = Bench::with_settings(&settings(NOTHING, NOTHING, NOTHING)).await;
    let statuses = async |service, storage| (of_service(&bench, service).await, of_storage(&bench, storage).await);
    let (s, v, d) = (Some(("s", ONES)), Some(("v", TWOS)), Some(("d", TWOS)));
    assert_eq!(statuses(None, None).await, (IN, 200));
    for (next, (service, storage), expected) in [
        (settings(pair("s", ONE), NOTHING, NOTHING), (None, None), (401, 401)),
        (settings(pair("s", ONE), NOTHING, NOTHING), (s, s), (IN, 200)),
        (settings(pair("s", ONE), pair("v", TWO), NOTHING), (s, s), (401, 200)),
        (settings(pair("s", ONE), pair("v", TWO), pair("d", TWO)), (v, d), (IN, 200)),
        (settings(pair("s", TWO), NOTHING, pair("d", TWO)), (s, s), (401, 401)),
        (settings(NOTHING, NOTHING, NOTHING), (None, None), (IN, 200)),
    ] {
        bench.reload(&next);
        assert_eq!(statuses(service, storage).await, expected, "{next}");
    }
}
