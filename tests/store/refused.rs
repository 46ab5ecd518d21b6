//! Databases that a gateway does not use: each is refused with the key that is wrong and what would be right, and nothing is
//! made by half.

use dnis_gateway::config::{DatabaseUrl, Postgres, Secret};
use dnis_gateway::domain::Rules;
use dnis_gateway::store::postgres::{Options, PostgresStore};

use crate::database::{PASSWORD, Server, schema, server};

fn open(settings: Postgres) -> Result<PostgresStore, String> {
    let options = Options {
        settings,
        rules: Rules::default(),
        clock: None,
        seed: None,
        observer: std::sync::Arc::new(()),
        address: "127.0.0.1:1".to_owned(),
    };
    PostgresStore::open(options).map_err(|refused| refused.to_string())
}

/// Why a store is not opened.
fn refused(settings: Postgres) -> String {
    let reason = open(settings).err().expect("the store is not opened");
    assert!(!reason.contains(PASSWORD), "{reason}");
    reason
}

fn with_url(url: &str) -> Postgres {
    Postgres { url: Some(DatabaseUrl::new(url).unwrap()), ..server().settings(&schema()) }
}

fn exists(schema: &str) -> bool {
    !server().sql(&format!("SELECT 1 FROM pg_namespace WHERE nspname = '{schema}'")).is_empty()
}

#[track_caller]
fn says(reason: &str, parts: &[&str]) {
    for part in parts {
        assert!(reason.contains(part), "{reason}");
    }
}

#[test]
fn a_server_that_cannot_be_reached_is_named() {
    says(
        &refused(with_url("postgresql://gateway@127.0.0.1:1/postgres")),
        &["store.postgres.url", "127.0.0.1:1", "cannot be reached"],
    );
    says(
        &refused(with_url("postgresql://gateway@no-such-host.invalid/postgres?sslmode=disable")),
        &["store.postgres.url", "no-such-host.invalid:5432", "cannot be reached"],
    );
}

#[test]
fn a_password_that_is_missing_or_wrong_is_told_and_never_repeated() {
    let settings = server().settings(&schema());
    says(&refused(Postgres { password: None, ..settings.clone() }), &["store.postgres.password is missing", "gateway"]);
    let wrong = Some(Secret::new("not-the-password".to_owned()));
    let reason = refused(Postgres { password: wrong, ..settings.clone() });
    says(&reason, &["store.postgres.password", "gateway"]);
    assert!(!reason.contains("not-the-password"), "{reason}");
    assert!(!format!("{settings:?}").contains(PASSWORD), "{settings:?}");
}

#[test]
fn a_database_that_is_not_there_or_not_utf8_is_told_with_how_to_make_it() {
    let port = server().port;
    says(
        &refused(with_url(&format!("postgresql://gateway@127.0.0.1:{port}/nowhere"))),
        &["store.postgres.url", "nowhere", "CREATE DATABASE nowhere"],
    );
    server().sql("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    says(&refused(with_url(&format!("postgresql://gateway@127.0.0.1:{port}/latin"))), &["LATIN1", "UTF8"]);
}

#[test]
fn a_certificate_is_verified_where_the_url_asks_for_tls() {
    let url = format!("postgresql://gateway@localhost:{}/postgres?sslmode=require", server().port);
    let by = |url: &str, ca| Postgres { ca, ..with_url(url) };
    says(&refused(by(&url, None)), &["store.postgres.ca", "does not verify"]);
    let named = url.replace("localhost", "127.0.0.1");
    says(&refused(by(&named, Some(server().authority()))), &["store.postgres.ca", "does not verify"]);
    drop(open(by(&url, Some(server().authority()))).unwrap());
}

#[test]
fn what_is_elsewhere_must_be_secured() {
    let plain = Server::start(&["ssl=off"]);
    let url = format!("postgresql://gateway@localhost:{}/postgres?sslmode=require", plain.port);
    says(
        &refused(Postgres { ca: Some(plain.authority()), ..with_url(&url) }),
        &["store.postgres.url", "offers no TLS"],
    );
}

#[test]
fn a_schema_of_something_else_or_of_a_newer_program_is_left_as_it_is() {
    let named = |schema: &str| server().settings(schema);
    let other = schema();
    server().sql(&format!("CREATE SCHEMA {other}; CREATE TABLE {other}.orders (id int)"));
    says(&refused(named(&other)), &["store.postgres.schema", &other, "not the gateway's"]);
    server().sql(&format!("DROP TABLE {other}.orders; CREATE TABLE {other}.head (program text)"));
    says(&refused(named(&other)), &["store.postgres.schema", "head is empty"]);
    server().sql(&format!("INSERT INTO {other}.head VALUES ('crm')"));
    says(&refused(named(&other)), &["store.postgres.schema", "not the gateway's"]);
    assert_eq!(
        server().sql(&format!(
            "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace \
        WHERE nspname = '{other}'"
        ))[0][0]
            .as_deref(),
        Some("1"),
        "nothing was made"
    );

    let newer = schema();
    drop(open(named(&newer)).unwrap());
    server().sql(&format!("UPDATE {newer}.head SET version = 9, oldest = 9"));
    says(&refused(named(&newer)), &["store.postgres.schema", "newer dnis-gateway"]);
    server().sql(&format!("UPDATE {newer}.head SET version = 1, oldest = 1, program = 'crm'"));
    says(&refused(named(&newer)), &["store.postgres.schema", "'crm'"]);
}

#[test]
fn a_role_without_rights_makes_nothing() {
    server().sql(&format!("CREATE ROLE guest LOGIN PASSWORD '{PASSWORD}'"));
    let guest = format!("postgresql://guest@127.0.0.1:{}/postgres", server().port);
    let settings = with_url(&guest);
    says(&refused(settings.clone()), &["store.postgres.schema", "CREATE SCHEMA", "permission denied"]);
    assert!(!exists(&settings.schema));
    // A schema that somebody else owns, too.
    let owned = schema();
    drop(open(server().settings(&owned)).unwrap());
    says(&refused(Postgres { schema: owned, ..settings.clone() }), &["store.postgres.schema", "permission denied"]);
    // An ordinary role that owns its schema has all that it needs.
    let own = schema();
    server().sql(&format!("CREATE SCHEMA {own} AUTHORIZATION guest"));
    drop(open(Postgres { schema: own, ..settings }).unwrap());
}

#[tokio::test]
async fn a_server_that_would_lose_commits_is_not_ready() {
    use dnis_gateway::store::Store as _;

    let off = Server::start(&["fsync=off"]);
    let settings = off.settings(&schema());
    let store = tokio::task::spawn_blocking(|| open(settings).unwrap()).await.unwrap();
    says(&store.ready().await.unwrap_err().to_string(), &["fsync = off"]);
    store.close().await;
}

#[test]
fn without_a_standby_that_must_be_there_nothing_begins() {
    let settings = Postgres { require_synchronous: true, ..server().settings(&schema()) };
    says(&refused(settings), &["store.postgres.require_synchronous", "is empty"]);
}
