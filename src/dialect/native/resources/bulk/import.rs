//! A file of numbers, imported whole or not at all.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::HeaderMap;
use bytes::Bytes;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::json;
use tokio::time::{Instant, timeout_at};

use super::report::{Bad, BadFile, ImportReport};
use super::rows::{Row, Rows};
use super::{CSV, Format, NDJSON};
use crate::access::Effect;
use crate::config::Limits;
use crate::dialect::native::framework::error::Failure;
use crate::dialect::native::framework::members::{Nothing, members};
use crate::dialect::native::framework::operation::{Description, Meta, RequestContext, Served, Verb, asked};
use crate::dialect::native::framework::problem::Problem;
use crate::dialect::native::framework::reply::{Reply, WithBody};
use crate::dialect::native::framework::value::choice;
use crate::dialect::native::resources::numbers::NumberCreate;
use crate::dialect::stream::{Incoming, Streamed};
use crate::dialect::{Head, HttpRefusal, declared};
use crate::domain::Scope;
use crate::media::Charset;
use crate::store::{self, Existing, ImportRow, Imported, MOST_ROWS_AT_A_TIME, Store};

/// Most rows of one file.
const MOST_ROWS: u64 = 1_000_000;
/// How long a file may take to come in; the tenant imports no more meanwhile than it may at a time.
const IMPORT_TIMEOUT: Duration = Duration::from_secs(600);

choice! {
    /// What becomes of a row whose number exists already.
    Existing {
        "refuse" = Existing::Refuse,
        "skip" = Existing::Skip,
    }
}

members! {
    /// How a file is imported.
    ImportHow {
        /// What becomes of a row whose number exists already: by default it is a bad row; `skip` passes it over.
        existing: Option<Existing>,
    }
}

/// What there is to know of a file.
const ABOUT: &str = "All rows or none: a row that is bad, a number that exists already, or one that stands in the file twice, and \
    nothing of the file is imported; the answer names such rows by their lines. CSV has the columns \
    number,dnid,group,enabled in this order, or a first row that names them in any order; what is left empty is as \
    when a number is made alone. A file is in UTF-8, or in ISO-8859-1 or windows-1252 where charset says so. At \
    most 1000000 rows; a tenant imports one file at a time, or as many as `limits.imports` allows.";

/// Imports numbers.
pub(super) struct Import;

impl Served for Import {
    fn meta(&self) -> Meta {
        Meta {
            name: "number-import",
            verb: Verb::Post,
            path: "/numbers/import",
            summary: "Make many numbers",
            about: ABOUT,
            effect: Effect::Changes,
            problems: &[Problem::BadFile, Problem::ImportRunning],
            status: <WithBody<ImportReport> as Reply>::STATUS,
            in_pieces: true,
        }
    }

    fn body_limit(&self, limits: &Limits) -> usize {
        limits.import
    }

    fn describe(&self, reads: &mut SchemaGenerator, writes: &mut SchemaGenerator) -> Description {
        let line = reads.subschema_for::<NumberCreate>();
        let body = json!({
            "required": true,
            "content": {
                CSV: { "schema": { "type": "string" }, "example": "number,dnid,group,enabled\n6504664130,4130,DNIS,true\n" },
                NDJSON: { "schema": line },
            },
        });
        Description {
            path: Nothing::json_schema(reads).into(),
            query: ImportHow::json_schema(reads).into(),
            body: Some(body),
            reply: WithBody::<ImportReport>::describe(writes),
        }
    }

    fn stream<'a>(
        &'a self,
        context: &'a RequestContext<'a>,
        segments: &'a [String],
        head: Head<'a>,
        body: &'a mut Incoming<'_>,
    ) -> Pin<Box<dyn Future<Output = Result<Streamed, Failure>> + 'a>> {
        Box::pin(async move {
            let (Nothing {}, ImportHow { existing }) = asked(segments, head.query)?;
            let (format, charset) = format(head.headers)?;
            let tenant = &context.scope().tenant;
            let most = context.settings.quotas(tenant).imports;
            let _permit = context.importing.begin(tenant, most).ok_or(Failure::ImportRunning { most })?;
            let report =
                import(&context.acting(), context.scope(), (format, charset), existing.unwrap_or_default(), body)
                    .await?;
            Ok(WithBody(report).answer().into())
        })
    }
}

/// The form of the body and the charset it is in. Without a media type it is CSV, without a charset UTF-8.
fn format(headers: &HeaderMap) -> Result<(Format, Charset), Failure> {
    let wanted = "text/csv, application/x-ndjson";
    let Some(declared) = declared(headers).map_err(|_| Failure::MediaType(wanted))? else {
        return Ok((Format::Csv, Charset::Utf8));
    };
    let format = Format::of(declared).ok_or(Failure::MediaType(wanted))?;
    let charset = declared.charset().map_err(|unread| Failure::Charset { wanted, unread })?;
    Ok((format, charset.unwrap_or(Charset::Utf8)))
}

/// A piece of a file as UTF-8, which may begin and end within a character.
fn in_utf8(charset: Charset, piece: Bytes) -> Bytes {
    match charset {
        Charset::Utf8 => piece,
        Charset::Windows1252 => match charset.decode(&piece) {
            Ok(text) => text.into_owned().into(),
            Err(_) => piece,
        },
    }
}

/// Imports what comes in.
async fn import(
    store: &Arc<dyn Store>,
    scope: &Scope,
    (format, charset): (Format, Charset),
    existing: Existing,
    body: &mut Incoming<'_>,
) -> Result<ImportReport, Failure> {
    let mut gathering = Gathering {
        import: store.import_numbers(scope, existing).await?,
        rows: 0,
        waiting: Vec::with_capacity(MOST_ROWS_AT_A_TIME),
        bad: BadFile::default(),
    };
    let mut reader = Rows::new(format);
    let deadline = Instant::now() + IMPORT_TIMEOUT;
    loop {
        let piece = timeout_at(deadline, body.next()).await;
        let Some(piece) = piece.unwrap_or(Some(Err(HttpRefusal::BodyUnreadable))) else { break };
        let mut read = Vec::new();
        let piece = piece.map_err(Failure::Http)?;
        reader.push(&in_utf8(charset, piece), &mut |row| read.push(row));
        gathering.take(read).await?;
    }
    let mut last = Vec::new();
    reader.finish(&mut |row| last.push(row));
    gathering.take(last).await?;
    gathering.finish().await
}

/// An import with what is known of its rows so far.
struct Gathering<'s> {
    import: Box<dyn store::NumberImport + 's>,
    /// Rows so far.
    rows: u64,
    /// Rows that are not staged yet.
    waiting: Vec<ImportRow>,
    bad: BadFile,
}

impl Gathering<'_> {
    async fn take(&mut self, rows: Vec<Row>) -> Result<(), Failure> {
        for row in rows {
            self.rows += 1;
            if self.rows > MOST_ROWS {
                return Err(Failure::TooManyRows(MOST_ROWS));
            }
            match row {
                Ok(row) => self.waiting.push(row),
                Err(bad) => self.bad.add(bad),
            }
            if self.waiting.len() == MOST_ROWS_AT_A_TIME {
                self.stage().await?;
            }
        }
        Ok(())
    }

    async fn stage(&mut self) -> Result<(), Failure> {
        let rows = std::mem::replace(&mut self.waiting, Vec::with_capacity(MOST_ROWS_AT_A_TIME));
        let bad = self.import.stage(rows).await?;
        bad.into_iter().for_each(|bad| self.bad.add(bad.into()));
        Ok(())
    }

    async fn finish(mut self) -> Result<ImportReport, Failure> {
        if !self.waiting.is_empty() {
            self.stage().await?;
        }
        if self.rows == 0 {
            self.bad.add(Bad::new(1, "the file has no rows"));
        }
        if !self.bad.is_empty() {
            return Err(Failure::BadFile(self.bad));
        }
        match self.import.commit().await? {
            Imported::Done { created, skipped } => Ok(ImportReport { rows: self.rows, created, skipped }),
            Imported::Refused(rows) => {
                rows.into_iter().for_each(|bad| self.bad.add(bad.into()));
                Err(Failure::BadFile(self.bad))
            }
        }
    }
}
