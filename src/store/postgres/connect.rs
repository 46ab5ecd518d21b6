//! A session with the server: how it is reached, what is asked of it, and why there is none.

use std::error::Error as _;
use std::future::poll_fn;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::{MakeTlsConnect, NoTls};
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Socket};

use super::tls::Tls;
use crate::config;

/// How long a session may take to begin, of one host.
const CONNECT: Duration = Duration::from_secs(3);
/// The oldest server that has all that is used, as it numbers itself.
const OLDEST: i32 = 130_000;

/// Why the database is not used: what is wrong, with the key of the configuration, and what would be right. It repeats no
/// password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub(super) String);

/// How the database is reached.
#[derive(Clone)]
pub(super) struct Target {
    config: Config,
    tls: Option<Tls>,
    /// The schema that everything is in.
    pub(super) schema: String,
    /// Hosts and ports, for messages.
    hosts: String,
}

impl Target {
    /// What the settings say.
    pub(super) fn new(settings: &config::Postgres) -> Result<Self, Refused> {
        let Some(url) = &settings.url else { return Err(Refused("store.postgres.url is missing".to_owned())) };
        let mut config = url.config().clone();
        if let Some(password) = &settings.password {
            config.password(password.reveal());
        }
        config.ssl_mode(if url.secured() { SslMode::Require } else { SslMode::Disable });
        if config.get_application_name().is_none() {
            config.application_name("dnis-gateway");
        }
        config.connect_timeout(config.get_connect_timeout().copied().unwrap_or(CONNECT));
        config.keepalives_idle(Duration::from_secs(5)).keepalives_interval(Duration::from_secs(2));
        config.keepalives_retries(3).tcp_user_timeout(Duration::from_secs(5));
        let tls = if url.secured() {
            let tls = Tls::trusting(settings.ca.as_deref());
            Some(tls.map_err(|reason| Refused(format!("store.postgres.ca: {reason}")))?)
        } else {
            None
        };
        let hosts = hosts(&config);
        Ok(Self { config, tls, schema: settings.schema.clone(), hosts })
    }

    /// Begins a session.
    pub(super) async fn connect(&self) -> Result<Session, Refused> {
        self.connect_within(CONNECT * u32::try_from(self.config.get_hosts().len()).unwrap_or(1).max(1)).await
    }

    /// As [`Self::connect`], waiting at most so long.
    pub(super) async fn connect_within(&self, most: Duration) -> Result<Session, Refused> {
        let connecting = async {
            match &self.tls {
                Some(tls) => self.connect_by(tls.clone()).await,
                None => self.connect_by(NoTls).await,
            }
        };
        let session = timeout(most, connecting).await;
        let session = session.unwrap_or_else(|_| Err(Refused(self.unreachable("it does not answer"))))?;
        session.prepare_for(&self.schema).await?;
        Ok(session)
    }

    async fn connect_by<T>(&self, tls: T) -> Result<Session, Refused>
    where
        T: MakeTlsConnect<Socket>,
        T::Stream: Send + 'static,
    {
        let (client, connection) = self.config.connect(tls).await.map_err(|error| self.refused(&error))?;
        let warned = Arc::new(AtomicBool::new(false));
        tokio::spawn(drive(connection, Arc::clone(&warned)));
        Ok(Session { client, warned })
    }

    fn unreachable(&self, reason: &str) -> String {
        format!("store.postgres.url: the database at {} cannot be reached: {reason}", self.hosts)
    }

    /// What an error at the beginning of a session means to the operator.
    fn refused(&self, error: &tokio_postgres::Error) -> Refused {
        let role = self.config.get_user().unwrap_or_default();
        let database = self.config.get_dbname().unwrap_or_default();
        let reason = cause(error);
        let Some(answer) = error.as_db_error() else {
            let text = if is_of_certificate(error) {
                format!(
                    "store.postgres.ca: the certificate of the server at {} does not verify: {reason}; name the file with \
                     the certificate of its authority as store.postgres.ca, and the host as the certificate does",
                    self.hosts
                )
            } else if reason.contains("does not support TLS") {
                format!(
                    "store.postgres.url: the server at {} offers no TLS; switch it on there (ssl = on), or end the url \
                     with ?sslmode=disable where nobody can listen",
                    self.hosts
                )
            } else if reason.contains("password missing") {
                format!("store.postgres.password is missing: the server asks the role {role} for one")
            } else {
                self.unreachable(&reason)
            };
            return Refused(text);
        };
        let said = answer.message();
        let code = answer.code();
        Refused(if *code == SqlState::INVALID_PASSWORD {
            format!("store.postgres.password: the server does not take it for the role {role}: {said}")
        } else if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION {
            format!("store.postgres.url: the server does not let the role {role} in: {said}; see its pg_hba.conf")
        } else if *code == SqlState::INVALID_CATALOG_NAME {
            format!(
                "store.postgres.url: {said}; create it as UTF8: \
                 CREATE DATABASE {database} ENCODING 'UTF8' TEMPLATE template0"
            )
        } else if *code == SqlState::TOO_MANY_CONNECTIONS {
            format!("store.postgres.url: {said}; a gateway needs five connections: raise max_connections of the server")
        } else {
            self.unreachable(said)
        })
    }
}

/// A session with the server. Whoever drops it ends it.
pub(super) struct Session {
    client: Client,
    /// Whether the server has warned of something since this was last looked at.
    warned: Arc<AtomicBool>,
}

impl Session {
    /// Whether the server has warned of something since the last call: what it then says was done may be done by half.
    pub(super) fn take_warning(&self) -> bool {
        self.warned.swap(false, Ordering::AcqRel)
    }

    /// The standbys that a commit waits for, as the server is told to.
    pub(super) async fn standbys(&self) -> Result<String, Refused> {
        let row = self.client.query_one("SELECT current_setting('synchronous_standby_names')", &[]).await;
        row.map(|row| row.get(0)).map_err(|error| Refused(format!("store.postgres.url: {}", told(&error))))
    }

    /// Sees to it that the session can be relied on, whatever the role or the database presets.
    async fn prepare_for(&self, schema: &str) -> Result<(), Refused> {
        let unusable = |error: tokio_postgres::Error| Refused(format!("store.postgres.url: {}", told(&error)));
        let about = "SELECT current_setting('server_version_num')::int, current_setting('server_version'), \
                     current_setting('server_encoding'), pg_is_in_recovery(), current_database()::text";
        let about = self.client.query_one(about, &[]).await.map_err(unusable)?;
        let (number, version, encoding, standby, database): (i32, String, String, bool, String) =
            (about.get(0), about.get(1), about.get(2), about.get(3), about.get(4));
        if number < OLDEST {
            return Err(Refused(format!(
                "store.postgres.url: the server is PostgreSQL {version}; 13 is the oldest that can be used"
            )));
        }
        if encoding != "UTF8" {
            return Err(Refused(format!(
                "store.postgres.url: the encoding of the database {database} is {encoding}; it must be UTF8: \
                 CREATE DATABASE NAME ENCODING 'UTF8' TEMPLATE template0"
            )));
        }
        if standby {
            return Err(Refused(
                "store.postgres.url: the server is a standby, which takes no writes; name all hosts, and add \
                 ?target_session_attrs=read-write so that the one that writes is found"
                    .to_owned(),
            ));
        }
        // A gateway that has stopped with the log's lock in its hand loses it soon; one that waits for a commit never does.
        // Rows are found by their keys, however small the tables were when the server last looked at their size.
        let presets = format!(
            "SET search_path = \"{schema}\", pg_catalog;
             SET client_min_messages = warning;
             SET default_transaction_isolation = 'read committed';
             SET default_transaction_read_only = off;
             SET statement_timeout = 0;
             SET lock_timeout = 0;
             SET enable_seqscan = off;
             SET jit = off;
             SET idle_in_transaction_session_timeout = '2s';
             SET tcp_keepalives_idle = 5;
             SET tcp_keepalives_interval = 2;
             SET tcp_keepalives_count = 3;
             SET tcp_user_timeout = 5000;
             SELECT set_config('synchronous_commit',
                 CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false)"
        );
        self.client.batch_execute(&presets).await.map_err(unusable)?;
        self.take_warning();
        Ok(())
    }
}

impl Deref for Session {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// Moves bytes and takes note of warnings until the session ends.
async fn drive<S, T>(mut connection: Connection<S, T>, warned: Arc<AtomicBool>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        if let AsyncMessage::Notice(notice) = message {
            tracing::warn!(message = notice.message(), "the database warns");
            warned.store(true, Ordering::Release);
        }
    }
}

/// The innermost reason of an error, which says most.
fn cause(error: &tokio_postgres::Error) -> String {
    let mut error: &dyn std::error::Error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// An error as the server, or else the library, tells it.
pub(super) fn told(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(answer) => match answer.detail() {
            Some(detail) => format!("{} ({detail})", answer.message()),
            None => answer.message().to_owned(),
        },
        None => cause(error),
    }
}

fn is_of_certificate(error: &tokio_postgres::Error) -> bool {
    let mut error: Option<&dyn std::error::Error> = error.source();
    while let Some(one) = error {
        let io = one.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let of = |one: &rustls::Error| matches!(one, rustls::Error::InvalidCertificate(_));
        if one.downcast_ref().is_some_and(of) || io.and_then(|one| one.downcast_ref()).is_some_and(of) {
            return true;
        }
        error = one.source();
    }
    false
}

fn hosts(config: &Config) -> String {
    let ports = config.get_ports();
    let one = |(place, host): (usize, &Host)| {
        let port = ports.get(place).or(ports.first()).copied().unwrap_or(5432);
        match host {
            Host::Tcp(name) => format!("{name}:{port}"),
            Host::Unix(path) => format!("{} (port {port})", path.display()),
        }
    };
    config.get_hosts().iter().enumerate().map(one).collect::<Vec<_>>().join(", ")
}
