//! The schema: made, recognised and brought up to date under a lock of its own, all of it or nothing.

use sha2::{Digest, Sha256};
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use super::connect::{Refused, Session, told};

/// What the program calls itself in its schema.
const PROGRAM: &str = "dnis-gateway";
/// The number of the tables that this program makes, and the oldest program's that may use them.
const VERSION: i32 = 1;
const OLDEST: i32 = 1;
/// The newest format of log and tables that this program knows.
pub(super) const FORMAT: i32 = 1;
/// The tables.
const TABLES: &str = include_str!("schema.sql");

/// What a lock among gateways is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lock {
    /// Making the schema and bringing it up to date.
    Setup,
    /// Deciding and writing a record of the log.
    Log,
    /// Moving the log into the tables.
    Checkpoint,
}

impl Lock {
    /// The number under which PostgreSQL knows the lock; locks are the whole database's.
    pub(super) fn key(self, schema: &str) -> i64 {
        let hash = Sha256::new().chain_update(PROGRAM).chain_update(format!("/{schema}/{self:?}")).finalize();
        let mut key = [0; 8];
        key.copy_from_slice(&hash[..8]);
        i64::from_be_bytes(key)
    }
}

/// Sees to it that the schema is there and as this program wants it, and tells which store it holds.
///
/// # Errors
/// [`Refused`]; nothing was changed.
pub(super) async fn ensure(session: &Session, schema: &str) -> Result<Uuid, Refused> {
    let ensured = async {
        session.batch_execute("BEGIN").await.map_err(|error| failed(schema, &error))?;
        let lock = Lock::Setup.key(schema);
        session.execute("SELECT pg_advisory_xact_lock($1)", &[&lock]).await.map_err(|error| failed(schema, &error))?;
        let store = make(session, schema).await?;
        session.batch_execute("COMMIT").await.map_err(|error| failed(schema, &error))?;
        Ok(store)
    };
    let outcome = ensured.await;
    if outcome.is_err() {
        // The session is given up after this; whether it hears is all the same.
        let _ = session.batch_execute("ROLLBACK").await;
    }
    outcome
}

async fn make(session: &Session, schema: &str) -> Result<Uuid, Refused> {
    let failed = |error: tokio_postgres::Error| failed(schema, &error);
    let what = "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1), \
                EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname = $1), \
                EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                        WHERE nspname = $1 AND relname = 'head' AND relkind = 'r'), \
                COALESCE((SELECT has_schema_privilege(oid, 'USAGE') AND has_schema_privilege(oid, 'CREATE') \
                          FROM pg_namespace WHERE nspname = $1), true)";
    let what = session.query_one(what, &[&schema]).await.map_err(failed)?;
    let (exists, filled, headed, may): (bool, bool, bool, bool) = (what.get(0), what.get(1), what.get(2), what.get(3));
    if !may {
        return Err(without_rights(schema, "permission denied for the schema"));
    }
    if headed {
        return recognise(session, schema).await;
    }
    if filled {
        return Err(foreign(schema, "it has tables that are not the gateway's"));
    }
    if !exists {
        session.batch_execute(&format!("CREATE SCHEMA \"{schema}\"")).await.map_err(failed)?;
    }
    session.batch_execute(TABLES).await.map_err(failed)?;
    let store = Uuid::from_bytes(rand::random());
    let head = "INSERT INTO head (program, version, oldest, format, store) VALUES ($1, $2, $3, $4, $5)";
    session.execute(head, &[&PROGRAM, &VERSION, &OLDEST, &FORMAT, &store]).await.map_err(failed)?;
    // A log is never empty: the record before the first.
    let first =
        "INSERT INTO log (seq, batch, before, at_ms, format, gateway, changes) VALUES (0, $1, $2, 0, $3, $2, '')";
    let batch = Uuid::from_bytes(rand::random());
    session.execute(first, &[&batch, &Uuid::nil(), &FORMAT]).await.map_err(failed)?;
    Ok(store)
}

/// Looks at what a schema says of itself.
async fn recognise(session: &Session, schema: &str) -> Result<Uuid, Refused> {
    let failed = |error: tokio_postgres::Error| failed(schema, &error);
    // Whatever columns somebody else's table of this name has.
    let head = "SELECT r->>'program', r->>'version', r->>'oldest', r->>'format', r->>'store' \
                FROM (SELECT to_jsonb(head) AS r FROM head LIMIT 1) AS one";
    let Some(head) = session.query_opt(head, &[]).await.map_err(failed)? else {
        return Err(foreign(schema, "its table head is empty"));
    };
    let text = |column: usize| head.get::<_, Option<String>>(column).unwrap_or_default();
    let number = |column: usize| text(column).parse::<i32>().ok();
    let (program, store) = (text(0), text(4).parse::<Uuid>().ok());
    let (Some(version), Some(oldest), Some(format), Some(store)) = (number(1), number(2), number(3), store) else {
        return Err(foreign(schema, "its table head is not the gateway's"));
    };
    if program != PROGRAM {
        return Err(foreign(schema, &format!("it is that of the program '{program}'")));
    }
    if oldest > VERSION || format > FORMAT {
        return Err(Refused(format!(
            "store.postgres.schema: the schema {schema} was made by a newer dnis-gateway (tables {version}, format \
             {format}); this one knows tables up to {VERSION} and formats up to {FORMAT}: use the newer program"
        )));
    }
    Ok(store)
}

fn foreign(schema: &str, reason: &str) -> Refused {
    Refused(format!(
        "store.postgres.schema: the schema {schema} belongs to something else: {reason}; choose another name, or let the \
         gateway make the schema"
    ))
}

fn failed(schema: &str, error: &tokio_postgres::Error) -> Refused {
    let said = told(error);
    if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) {
        return without_rights(schema, &said);
    }
    Refused(format!("store.postgres.schema: the schema {schema} cannot be used: {said}"))
}

fn without_rights(schema: &str, said: &str) -> Refused {
    Refused(format!(
        "store.postgres.schema: the role has not the rights that it needs: {said}; let it own the schema: \
         CREATE SCHEMA {schema} AUTHORIZATION the_role"
    ))
}
