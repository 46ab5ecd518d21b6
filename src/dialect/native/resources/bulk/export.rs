//! All numbers, or those of a group, as a file. A number that is made or deleted while it is read may or may not be in it;
//! every other number is, once, as it was when its page was read.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::Format;
use super::csv::push_field;
use super::file::{self, PagedFile};
use crate::dialect::native::framework::error::Failure;
use crate::dialect::native::framework::members::members;
use crate::dialect::native::framework::operation::RequestContext;
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
pub(super) struct Exported<'a> {
    number: Number,
    dnid: Number,
    group: Option<&'a GroupName>,
    enabled: bool,
}

/// Exports numbers.
pub(super) struct Export;

impl file::Export for Export {
    const NAME: &'static str = "number-export";
    const PATH: &'static str = "/numbers/export";
    const SUMMARY: &'static str = "Read all numbers as a file";
    const ABOUT: &'static str = "In the order of the numbers, in the form that an import takes. A number that is made or deleted while the file \
         is read may or may not be in it.";

    type How = ExportHow;
    type File = Numbers;

    fn file(context: &RequestContext<'_>, how: ExportHow) -> Result<(Numbers, Option<Format>), Failure> {
        let ExportHow { group, format } = how;
        let filter = NumberFilter { group: group.map(Some), ..NumberFilter::default() };
        let (store, scope) = (Arc::clone(context.store), context.scope().clone());
        Ok((Numbers { store, scope, filter }, format))
    }
}

/// The numbers that are exported.
pub(super) struct Numbers {
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
