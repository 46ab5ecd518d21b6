//! Who may do what: every right of every kind of credentials, in each dialect.

use reqwest::Method;
use serde_json::Value;

use crate::callers::{DNIS_KEY, INTERACTION, PASSWORD, Reply, TENANT, USER, send};
use crate::gateway::Gateway;

/// The demo's key that opens allocation alone.
const INTERACTION_KEY: &str = "53736e07e4b05772e6475c2d";
/// The key of another application of that kind.
const OTHER_KEY: &str = "0123456789abcdef01234567";

/// Credentials.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    Nobody,
    /// An application's key alone.
    Key(&'static str),
    /// The dnis key with the demo's user.
    Admin,
    /// An application's key, and Basic beside it.
    KeyAndBasic(&'static str, &'static str),
    /// Basic alone.
    Basic(&'static str),
}

impl Who {
    fn headers(self) -> Vec<(&'static str, String)> {
        let key = |key: &str| vec![("Tenant-Id", TENANT.to_owned()), ("Application-Key", key.to_owned())];
        let basic = |pair: &str| {
            use base64::Engine;
            let pair = base64::engine::general_purpose::STANDARD.encode(pair);
            vec![("Authorization", format!("Basic {pair}"))]
        };
        match self {
            Self::Nobody => Vec::new(),
            Self::Key(own) => key(own),
            Self::Admin => {
                let user = [("User-Id", USER.to_owned()), ("User-Password", PASSWORD.to_owned())];
                key(DNIS_KEY).into_iter().chain(user).collect()
            }
            Self::KeyAndBasic(own, pair) => key(own).into_iter().chain(basic(pair)).collect(),
            Self::Basic(pair) => basic(pair),
        }
    }
}

async fn ask(gateway: &Gateway, who: Who, method: &str, path: &str, form: &str) -> Reply {
    let request = gateway.caller().request(method.parse::<Method>().unwrap(), path);
    let request = request.header("Accept", "application/json");
    let request = match form {
        "" => request,
        json if json.starts_with('{') => request.header("Content-Type", "application/json").body(json.to_owned()),
        form => request.header("Content-Type", "application/x-www-form-urlencoded").body(form.to_owned()),
    };
    send(who.headers().into_iter().fold(request, |request, (name, value)| request.header(name, value))).await
}

async fn members(gateway: &Gateway, who: Who, path: &str, form: &str) -> Value {
    let reply = ask(gateway, who, "POST", path, form).await;
    assert_eq!(reply.status, 200, "{path}: {reply:?}");
    reply.json()
}

/// The demo with one more application that may allocate.
async fn gateway() -> Gateway {
    let demo = dnis_gateway::config::demo();
    let mut application = demo.tenants[TENANT].applications[0].clone();
    application.name = dnis_gateway::domain::ApplicationName::new("other app").unwrap();
    application.kind = dnis_gateway::config::ApplicationKind::Interaction;
    application.key = dnis_gateway::config::Secret::new(OTHER_KEY.to_owned());
    let builder = Gateway::demo().with(|settings| {
        settings.tenants.get_mut(TENANT).unwrap().applications.push(application);
    });
    builder.start().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_gms_a_key_for_allocation_reaches_what_its_application_made_and_nothing_else() {
    let gateway = gateway().await;
    let (own, other) = (Who::Key(INTERACTION_KEY), Who::Key(OTHER_KEY));
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_else(|| panic!("{value}")).to_owned();
    let made = members(&gateway, own, "/genesys/1/service/request-interaction", "_ttl=600&a=1&b=2").await;
    let instance = format!("/genesys/1/service/{}", text(&made, "_id"));
    let queried = ask(&gateway, own, "GET", &instance, "").await.json();
    let data = format!("/genesys/1/storage/{}", text(&queried, "_data_id"));
    let stored = members(&gateway, own, "/genesys/1/storage/600", "a=1&b=2").await;
    let storage = format!("/genesys/1/storage/{}", text(&stored, "id"));
    let nobodys = members(&gateway, Who::Nobody, "/genesys/1/storage/600", "a=1&b=2").await;
    let nobodys = format!("/genesys/1/storage/{}", text(&nobodys, "id"));
    let dnis = members(&gateway, Who::Key(DNIS_KEY), "/genesys/1/storage/600", "a=1&b=2").await;
    let dnis = format!("/genesys/1/storage/{}", text(&dnis, "id"));
    let seeded = format!("/genesys/1/service/{INTERACTION}");

    // For each thing what can be asked of it, reading first and what ends it last.
    let of_storage = |at: &str| {
        vec![
            ("GET", at.to_owned(), ""),
            ("GET", format!("{at}/a"), ""),
            ("POST", format!("{at}/600"), "c=3"),
            ("DELETE", format!("{at}/a"), ""),
            ("DELETE", at.to_owned(), ""),
        ]
    };
    let of_instance = |at: &str| {
        vec![
            ("GET", at.to_owned(), ""),
            ("GET", format!("{at}/storage"), ""),
            ("POST", format!("{at}/update"), "c=3"),
            ("POST", format!("{at}/storage"), "d=4"),
            ("GET", format!("{at}/storage/d"), ""),
            ("DELETE", format!("{at}/storage/d"), ""),
            ("DELETE", at.to_owned(), ""),
        ]
    };
    for (things, owner) in [
        (of_storage(&nobodys), Who::Nobody),
        (of_storage(&dnis), Who::Key(DNIS_KEY)),
        (of_storage(&storage), own),
        (of_instance(&seeded), Who::Nobody),
        (of_storage(&data), own),
        (of_instance(&instance), own),
    ] {
        for (method, path, form) in &things {
            for stranger in [own, other].into_iter().filter(|who| *who != owner) {
                let reply = ask(&gateway, stranger, method, path, form).await;
                assert_eq!(reply.status, 404, "{method} {path} of {owner:?} by {stranger:?}: {reply:?}");
            }
        }
        for (method, path, form) in &things {
            let reply = ask(&gateway, owner, method, path, form).await;
            assert_eq!(reply.status, 200, "{method} {path} by {owner:?}: {reply:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_gms_a_key_for_allocation_lends_for_anybody_and_matches_for_nobody() {
    let gateway = gateway().await;
    let access = format!("_id={INTERACTION}&_resource_group=test");
    for who in [Who::Key(INTERACTION_KEY), Who::Key(OTHER_KEY), Who::Key(DNIS_KEY), Who::Admin, Who::Nobody] {
        let lent = members(&gateway, who, "/genesys/1/service/request-access", &access).await;
        let number = format!("_access_number={}", lent["_access_number"].as_str().unwrap());
        let matching = "/genesys/1/service/match-interaction";
        for (method, path, form) in
            [("POST", matching.to_owned(), number.as_str()), ("GET", format!("{matching}?{number}"), "")]
        {
            for key in [INTERACTION_KEY, OTHER_KEY] {
                let reply = ask(&gateway, Who::Key(key), method, &path, form).await;
                assert_eq!(reply.status, 401, "{method} by {key}: {reply:?}");
                assert!(reply.header("www-authenticate").starts_with("Basic realm="), "{reply:?}");
            }
        }
        let matcher = if matches!(who, Who::Key(INTERACTION_KEY | OTHER_KEY)) { Who::Key(DNIS_KEY) } else { who };
        assert_eq!(members(&gateway, matcher, matching, &number).await["_id"], INTERACTION, "{matcher:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_changes_nothing_whatever_the_protocol() {
    let builder = Gateway::demo().with(|settings| {
        let users = &mut settings.tenants.get_mut(TENANT).unwrap().users;
        users.get_mut("admin").unwrap().role = dnis_gateway::config::Role::Viewer;
    });
    let gateway = builder.start().await;
    let viewer = Who::Admin;
    let access = format!("_id={INTERACTION}&_resource_group=samples");
    members(&gateway, Who::Key(DNIS_KEY), "/genesys/1/service/request-access", &access).await;
    let stored = members(&gateway, Who::Key(DNIS_KEY), "/genesys/1/storage/600", "a=1").await;
    let stored = format!("/genesys/1/storage/{}", stored["id"].as_str().unwrap());
    let list = "/interact/version/2/dnis?limit=1000";
    let before = ask(&gateway, viewer, "GET", list, "").await;
    assert_eq!(before.status, 200, "{before:?}");
    for (method, path, body, status) in [
        ("POST", "/interact/version/2/dnis", r#"{"phoneNumber":"4711","dnId":"11"}"#, 401),
        ("POST", "/interact/version/2/dnis/allocate/new", r#"{"id":"a caller","group":"samples"}"#, 401),
        ("POST", "/interact/version/2/dnis/allocate/free/111", "", 401),
        ("PUT", "/interact/version/2/dnis/111", r#"{"enabled":false}"#, 401),
        ("DELETE", "/interact/version/2/dnis/222", "", 401),
        ("GET", "/interact/version/2/dnis/111", "", 200),
        ("GET", "/interact/version/2/dnis/allocate/get/111", "", 200),
        ("POST", "/genesys/1/service/request-access", &access, 401),
        ("POST", "/genesys/1/service/match-interaction", "_access_number=111", 401),
        ("GET", "/genesys/1/service/match-interaction?_access_number=111", "", 401),
        ("POST", "/genesys/1/storage/600", "a=1", 401),
        ("DELETE", &stored, "", 401),
        ("GET", &stored, "", 200),
        ("POST", "/gateway/v1/numbers", r#"{"number":"4711"}"#, 403),
        ("PATCH", "/gateway/v1/numbers/111", r#"{"enabled":false}"#, 403),
        ("DELETE", "/gateway/v1/numbers/222", "", 403),
        ("DELETE", "/gateway/v1/allocations/1", "", 403),
        ("POST", "/gateway/v1/calls/resolve", r#"{"dialled":"111","take":true}"#, 403),
        ("GET", "/gateway/v1/numbers", "", 200),
    ] {
        let reply = ask(&gateway, viewer, method, path, body).await;
        assert_eq!(reply.status, status, "{method} {path}: {reply:?}");
    }
    let after = ask(&gateway, viewer, "GET", list, "").await;
    assert_eq!(after.json(), before.json());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_gms_a_password_of_a_section_is_asked_for_beside_any_key_and_that_of_server_is_not() {
    let hash = dnis_gateway::config::demo().tenants[TENANT].users["admin"].hash.clone();
    let builder = Gateway::demo().with(|settings| {
        let gms = &mut settings.tenants.get_mut(TENANT).unwrap().gms;
        gms.server.username = Some("node".to_owned());
        gms.server.password_hash = Some(hash.clone());
        gms.storage.username = Some("store".to_owned());
        gms.storage.password_hash = Some(hash.clone());
        let service = gms.services.get_mut("request-access").unwrap();
        service.credentials.password_hash = Some(hash.clone());
    });
    let gateway = builder.start().await;
    let access = "/genesys/1/service/request-access";
    let interaction = "/genesys/1/service/request-interaction";
    let id = format!("_id={INTERACTION}&_resource_group=test");
    for (who, path, form, status) in [
        // `server` alone has a password here: the set is enough.
        (Who::Key(INTERACTION_KEY), interaction, "", 200),
        (Who::Key(DNIS_KEY), interaction, "", 200),
        (Who::KeyAndBasic(DNIS_KEY, "node:wrong"), interaction, "", 200),
        (Who::Nobody, interaction, "", 401),
        (Who::Basic("node:password"), interaction, "", 200),
        // These have their own.
        (Who::Key(INTERACTION_KEY), access, &id, 401),
        (Who::Key(DNIS_KEY), access, &id, 401),
        (Who::Admin, access, &id, 401),
        (Who::KeyAndBasic(INTERACTION_KEY, "node:password"), access, &id, 200),
        (Who::KeyAndBasic(DNIS_KEY, "node:password"), access, &id, 200),
        (Who::KeyAndBasic(DNIS_KEY, "node:wrong"), access, &id, 401),
        (Who::KeyAndBasic(DNIS_KEY, "store:password"), access, &id, 401),
        (Who::KeyAndBasic("wrong", "node:password"), access, &id, 401),
        (Who::Basic("node:password"), access, &id, 200),
        (Who::Key(DNIS_KEY), "/genesys/1/storage/60", "a=1", 401),
        (Who::KeyAndBasic(DNIS_KEY, "node:password"), "/genesys/1/storage/60", "a=1", 401),
        (Who::KeyAndBasic(INTERACTION_KEY, "store:password"), "/genesys/1/storage/60", "a=1", 200),
        (Who::Basic("store:password"), "/genesys/1/storage/60", "a=1", 200),
    ] {
        let reply = ask(&gateway, who, "POST", path, form).await;
        assert_eq!(reply.status, status, "{path} by {who:?}: {reply:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_interact_and_natively_each_key_opens_what_is_said_of_it() {
    let gateway = gateway().await;
    let (web, ivr) = (Who::Key(INTERACTION_KEY), Who::Key(DNIS_KEY));
    let create = r#"{"phoneNumber":"4711","dnId":"11","groupName":"rights"}"#;
    let allocate = r#"{"id":"a caller","group":"samples"}"#;
    for (method, path, body, open) in [
        ("POST", "/interact/version/2/dnis", create, &[Who::Admin][..]),
        ("POST", "/interact/version/2/dnis/allocate/new", allocate, &[web, ivr, Who::Admin]),
        ("GET", "/interact/version/2/dnis/allocate/get/111", "", &[ivr, Who::Admin]),
        ("POST", "/interact/version/2/dnis/allocate/free/111", "", &[Who::Admin]),
        ("GET", "/interact/version/2/dnis", "", &[Who::Admin]),
        ("GET", "/interact/version/2/dnis/4711", "", &[Who::Admin]),
        ("PUT", "/interact/version/2/dnis/4711", r#"{"enabled":false}"#, &[Who::Admin]),
        ("DELETE", "/interact/version/2/dnis/4711", "", &[Who::Admin]),
        ("GET", "/gateway/v1/whoami", "", &[Who::Admin, Who::Basic("admin:password")]),
        ("GET", "/gateway/v1/numbers", "", &[Who::Admin, Who::Basic("admin:password")]),
        ("POST", "/gateway/v1/interactions", "{}", &[Who::Admin, Who::Basic("admin:password")]),
    ] {
        for who in [Who::Nobody, web, ivr, Who::Basic("admin:wrong"), Who::Admin, Who::Basic("admin:password")] {
            let reply = ask(&gateway, who, method, path, body).await;
            assert_eq!(reply.status != 401, open.contains(&who), "{method} {path} by {who:?}: {reply:?}");
        }
    }
}
