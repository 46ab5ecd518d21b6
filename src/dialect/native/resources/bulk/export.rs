//! All numbers, or those of a group, as a file.
//!
//! Pages are read one after the other while the caller takes them, so an export holds nothing up and takes no memory to
//! speak of. It is not a picture of one moment: a number that is made or deleted meanwhile may or may not be in it; every
//! other number is, once, as it was when its page was read.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::http::header::{ACCEPT, CONTENT_DISPOSITION, HeaderMap, HeaderValue};
use actix_web::http::{Method, StatusCode};
use bytes::Bytes;
use futures_util::stream;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde_json::json;

use super::csv::push_field;
use super::{CSV, Format, NDJSON};
use crate::access::Effect;
use crate::config::Limits;
use crate::dialect::native::framework::error::Failure;
use crate::dialect::native::framework::members::{Nothing, members};
use crate::dialect::native::framework::operation::{Description, Meta, RequestContext, Served, Verb, asked};
use crate::dialect::stream::{Incoming, Outgoing, Streamed};
use crate::dialect::{Answer, Head};
use crate::domain::tables::FoundNumber;
use crate::domain::{GroupName, Number, NumberFilter, Scope};
use crate::media::ContentType;
use crate::store::Store;

/// Numbers in one page.
const PAGE: usize = 1000;

members! {
    /// What is exported, and how.
    ExportHow {
        /// The numbers of this group; all without it.
        group: Option<GroupName>,
        /// The form of the file; by default the one that `Accept` names first, and CSV where it names neither.
        format: Option<Format>,
    }
}

/// A number as it is exported: what importing it again takes.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "NumberExported")]
struct Exported<'a> {
    number: Number,
    dnid: Number,
    group: Option<&'a GroupName>,
    enabled: bool,
}

/// Exports numbers.
pub(super) struct Export;

impl Served for Export {
    fn meta(&self) -> Meta {
        Meta {
            name: "number-export",
            verb: Verb::Get,
            path: "/numbers/export",
            summary: "Read all numbers as a file",
            about: "In the order of the numbers, in the form that an import takes. A number that is made or deleted while the file \
         is read may or may not be in it.",
            effect: Effect::Reads,
            problems: &[],
            status: StatusCode::OK,
            in_pieces: true,
        }
    }

    fn body_limit(&self, limits: &Limits) -> usize {
        limits.body
    }

    fn describe(&self, reads: &mut SchemaGenerator, writes: &mut SchemaGenerator) -> Description {
        let line = writes.subschema_for::<Exported<'_>>();
        Description {
            path: Nothing::json_schema(reads).into(),
            query: ExportHow::json_schema(reads).into(),
            body: None,
            reply: json!({
                "description": "The file.",
                "content": { CSV: { "schema": { "type": "string" } }, NDJSON: { "schema": line } },
            }),
        }
    }

    fn stream<'a>(
        &'a self,
        context: &'a RequestContext<'a>,
        segments: &'a [String],
        head: Head<'a>,
        _: &'a mut Incoming<'_>,
    ) -> Pin<Box<dyn Future<Output = Result<Streamed, Failure>> + 'a>> {
        Box::pin(async move {
            let (answer, pages) = begin(context, segments, head)?;
            let body = (*head.method != Method::HEAD).then_some(pages);
            Ok(Streamed { answer, body, close: false })
        })
    }
}

/// The head of the answer, and the pages that follow.
fn begin(context: &RequestContext<'_>, segments: &[String], head: Head<'_>) -> Result<(Answer, Outgoing), Failure> {
    let (Nothing {}, ExportHow { group, format }) = asked(segments, head.query)?;
    let format = format.unwrap_or_else(|| accepted(head.headers));
    let (media_type, name) = match format {
        Format::Csv => ("text/csv; charset=utf-8; header=present", "attachment; filename=\"numbers.csv\""),
        Format::Ndjson => (NDJSON, "attachment; filename=\"numbers.ndjson\""),
    };
    let answer = Answer::new(StatusCode::OK, "ok", media_type, Bytes::new())
        .with(CONTENT_DISPOSITION, HeaderValue::from_static(name));
    let filter = NumberFilter { group: group.map(Some), ..NumberFilter::default() };
    let pages =
        Pages { store: Arc::clone(context.store), scope: context.scope().clone(), filter, format, next: Next::First };
    Ok((answer, Box::pin(stream::unfold(pages, Pages::read))))
}

/// The form that a caller wants who names one of the two.
fn accepted(headers: &HeaderMap) -> Format {
    let values = headers.get_all(ACCEPT).filter_map(|value| value.to_str().ok());
    let ranges = values.flat_map(|value| value.split(','));
    let mut formats = ranges.filter_map(|range| Format::of(ContentType::parse(range)));
    formats.next().unwrap_or(Format::Csv)
}

/// An export that is being read.
struct Pages {
    store: Arc<dyn Store>,
    scope: Scope,
    filter: NumberFilter,
    format: Format,
    next: Next,
}

/// Which page comes next.
#[derive(Clone, Copy)]
enum Next {
    First,
    After(Number),
    None,
}

impl Pages {
    /// The next page, and what is to come after it.
    async fn read(mut self) -> Option<(io::Result<Bytes>, Self)> {
        let mut text = Vec::new();
        let after = match self.next {
            Next::First => {
                if self.format == Format::Csv {
                    text.extend_from_slice(b"number,dnid,group,enabled\n");
                }
                None
            }
            Next::After(number) => Some(number),
            Next::None => return None,
        };
        match self.store.numbers_after(&self.scope, &self.filter, after, PAGE).await {
            Ok(part) => {
                part.items.iter().for_each(|found| self.format.push(&mut text, found));
                self.next = part.next.map_or(Next::None, Next::After);
                Some((Ok(text.into()), self))
            }
            Err(error) => {
                tracing::error!(%error, "an export was broken off");
                self.next = Next::None;
                Some((Err(io::Error::other("the store did not answer")), self))
            }
        }
    }
}

impl Format {
    /// Writes a number as one line.
    fn push(self, text: &mut Vec<u8>, found: &FoundNumber) {
        let record = &found.record;
        let shown = Exported {
            number: record.number,
            dnid: record.dnid,
            group: record.group.as_ref(),
            enabled: record.enabled,
        };
        match self {
            Self::Csv => {
                let group = shown.group.map_or("", GroupName::as_str);
                text.extend_from_slice(format!("{},{},", shown.number, shown.dnid).as_bytes());
                push_field(text, group);
                text.extend_from_slice(if shown.enabled { b",true" } else { b",false" });
            }
            Self::Ndjson => serde_json::to_writer(&mut *text, &shown).expect("texts and flags are always JSON"),
        }
        text.push(b'\n');
    }
}
