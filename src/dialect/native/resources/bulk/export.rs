//! All numbers, or those of a group, as a file. A number that is made or deleted while it is read may or may not be in it;
//! every other number is, once, as it was when its page was read.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::http::StatusCode;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;

use super::Format;
use super::csv::push_field;
use super::file::{self, PagedFile};
use crate::access::Effect;
use crate::config::Limits;
use crate::dialect::Head;
use crate::dialect::native::framework::error::Failure;
use crate::dialect::native::framework::members::{Nothing, members};
use crate::dialect::native::framework::operation::{Description, Meta, RequestContext, Served, Verb, asked};
use crate::dialect::stream::{Incoming, Streamed};
use crate::domain::tables::FoundNumber;
use crate::domain::{GroupName, Number, NumberFilter, Part, Scope};
use crate::store::{self, Store};

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
        Description {
            path: Nothing::json_schema(reads).into(),
            query: ExportHow::json_schema(reads).into(),
            body: None,
            reply: file::describe::<Exported<'_>>(writes),
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
            let (Nothing {}, ExportHow { group, format }) = asked(segments, head.query)?;
            let filter = NumberFilter { group: group.map(Some), ..NumberFilter::default() };
            let numbers = Numbers { store: Arc::clone(context.store), scope: context.scope().clone(), filter };
            Ok(file::answer(numbers, format, head))
        })
    }
}

/// The numbers that are exported.
struct Numbers {
    store: Arc<dyn Store>,
    scope: Scope,
    filter: NumberFilter,
}

impl PagedFile for Numbers {
    const NAME: &'static str = "numbers";
    const COLUMNS: &'static str = "number,dnid,group,enabled";

    type Item = FoundNumber;
    type Mark = Number;
    type Line<'a> = Exported<'a>;

    async fn page(&self, after: Option<Number>) -> store::Result<Part<FoundNumber, Number>> {
        self.store.numbers_after(&self.scope, &self.filter, after, PAGE).await
    }

    fn line<'a>(&'a self, found: &'a FoundNumber) -> Exported<'a> {
        let record = &found.record;
        Exported { number: record.number, dnid: record.dnid, group: record.group.as_ref(), enabled: record.enabled }
    }

    fn row(&self, found: &FoundNumber, text: &mut Vec<u8>) {
        let Exported { number, dnid, group, enabled } = self.line(found);
        text.extend_from_slice(format!("{number},{dnid},").as_bytes());
        push_field(text, group.map_or("", GroupName::as_str));
        text.extend_from_slice(if enabled { b",true" } else { b",false" });
    }
}
