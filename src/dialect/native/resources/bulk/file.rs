//! A list as a file: pages are read one after the other while the caller takes them, so it holds nothing up and takes no
//! memory to speak of. It is no picture of one moment: what comes or goes meanwhile may or may not be in it.

use std::future::Future;
use std::io;
use std::pin::Pin;

use actix_web::http::header::{ACCEPT, CONTENT_DISPOSITION, HeaderMap, HeaderValue};
use actix_web::http::{Method, StatusCode};
use bytes::Bytes;
use futures_util::stream;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde_json::json;

use super::{CSV, Format, NDJSON};
use crate::access::Effect;
use crate::dialect::native::framework::error::Failure;
use crate::dialect::native::framework::members::{Members, Nothing};
use crate::dialect::native::framework::operation::{Description, Meta, RequestContext, Served, Verb, asked};
use crate::dialect::native::framework::problem::Problem;
use crate::dialect::stream::{Incoming, Streamed};
use crate::dialect::{Answer, Head};
use crate::domain::Part;
use crate::media::ContentType;
use crate::store;

/// A list that can be read as a file.
pub(in crate::dialect::native) trait PagedFile: Sized + 'static {
    /// What the file is called, without its ending.
    const NAME: &'static str;
    /// The first row of its CSV form.
    const COLUMNS: &'static str;

    /// What is in it.
    type Item;
    /// Where a page ends.
    type Mark;
    /// An item as a line of JSON.
    type Line<'a>: Serialize + JsonSchema
    where
        Self: 'a;

    /// The page after a mark.
    fn page(&self, after: Option<Self::Mark>) -> impl Future<Output = store::Result<Part<Self::Item, Self::Mark>>>;

    /// An item as a line of JSON.
    fn line<'a>(&'a self, item: &'a Self::Item) -> Self::Line<'a>;

    /// Writes an item as a row of CSV, without its end.
    fn row(&self, item: &Self::Item, text: &mut Vec<u8>);
}

/// An operation whose answer is a list as a file.
pub(in crate::dialect::native) trait Export: Sync {
    /// Its name, as that of any operation.
    const NAME: &'static str;
    /// The path below the prefix, without parameters.
    const PATH: &'static str;
    /// What it does, in one line.
    const SUMMARY: &'static str;
    /// What else there is to know.
    const ABOUT: &'static str;
    /// What it may refuse for reasons of its own.
    const PROBLEMS: &'static [Problem] = &[];

    /// The parameters in the query.
    type How: Members;
    /// What is exported.
    type File: PagedFile;

    /// The file that is asked for, and the form of it, if one is asked for.
    ///
    /// # Errors
    /// Why it is not given.
    fn file(context: &RequestContext<'_>, how: Self::How) -> Result<(Self::File, Option<Format>), Failure>;
}

/// An export as one of the operations.
pub(in crate::dialect::native) struct AsOperation<E>(pub(in crate::dialect::native) E);

impl<E: Export> Served for AsOperation<E> {
    fn meta(&self) -> Meta {
        Meta {
            name: E::NAME,
            verb: Verb::Get,
            path: E::PATH,
            summary: E::SUMMARY,
            about: E::ABOUT,
            effect: Effect::Reads,
            problems: E::PROBLEMS,
            status: StatusCode::OK,
            in_pieces: true,
        }
    }

    fn describe(&self, reads: &mut SchemaGenerator, writes: &mut SchemaGenerator) -> Description {
        let line = writes.subschema_for::<<E::File as PagedFile>::Line<'static>>();
        let reply = json!({
            "description": "The file.",
            "content": { CSV: { "schema": { "type": "string" } }, NDJSON: { "schema": line } },
        });
        Description {
            path: Nothing::json_schema(reads).into(),
            query: E::How::json_schema(reads).into(),
            body: None,
            reply,
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
            let (Nothing {}, how) = asked(segments, head.query)?;
            let (file, format) = E::file(context, how)?;
            Ok(answer(file, format, head))
        })
    }
}

/// The answer that is a file: in the form that is asked for or, without one, that `Accept` names first; CSV where it names
/// neither.
fn answer<F: PagedFile>(file: F, format: Option<Format>, head: Head<'_>) -> Streamed {
    let format = format.unwrap_or_else(|| accepted(head.headers));
    let (media_type, ending) = match format {
        Format::Csv => ("text/csv; charset=utf-8; header=present", "csv"),
        Format::Ndjson => (NDJSON, "ndjson"),
    };
    let disposition = HeaderValue::try_from(format!("attachment; filename=\"{}.{ending}\"", F::NAME));
    let disposition = disposition.expect("the names of files are plain words");
    let answer = Answer::new(StatusCode::OK, "ok", media_type, Bytes::new()).with(CONTENT_DISPOSITION, disposition);
    let pages = Pages { file, format, next: Next::First };
    let body = (*head.method != Method::HEAD).then(|| Box::pin(stream::unfold(pages, Pages::read)) as _);
    Streamed { answer, body, close: false }
}

/// The form that a caller wants who names one of the two.
fn accepted(headers: &HeaderMap) -> Format {
    let values = headers.get_all(ACCEPT).filter_map(|value| value.to_str().ok());
    let ranges = values.flat_map(|value| value.split(','));
    let mut formats = ranges.filter_map(|range| Format::of(ContentType::parse(range)));
    formats.next().unwrap_or(Format::Csv)
}

/// A file that is being read.
struct Pages<F: PagedFile> {
    file: F,
    format: Format,
    next: Next<F::Mark>,
}

/// Which page comes next.
enum Next<M> {
    First,
    After(M),
    None,
}

impl<F: PagedFile> Pages<F> {
    /// The next page, and what is to come after it.
    async fn read(mut self) -> Option<(io::Result<Bytes>, Self)> {
        let mut text = Vec::new();
        let after = match std::mem::replace(&mut self.next, Next::None) {
            Next::First => {
                if self.format == Format::Csv {
                    text.extend_from_slice(F::COLUMNS.as_bytes());
                    text.push(b'\n');
                }
                None
            }
            Next::After(mark) => Some(mark),
            Next::None => return None,
        };
        match self.file.page(after).await {
            Ok(part) => {
                part.items.iter().for_each(|item| self.push(item, &mut text));
                self.next = part.next.map_or(Next::None, Next::After);
                Some((Ok(text.into()), self))
            }
            Err(error) => {
                tracing::error!(%error, "an export was broken off");
                Some((Err(io::Error::other("the store did not answer")), self))
            }
        }
    }

    /// Writes an item as one line.
    fn push(&self, item: &F::Item, text: &mut Vec<u8>) {
        match self.format {
            Format::Csv => self.file.row(item, text),
            Format::Ndjson => serde_json::to_writer(&mut *text, &self.file.line(item))
                .expect("texts, numbers and flags are always JSON"),
        }
        text.push(b'\n');
    }
}
