//! The history of all numbers as a file.

use std::sync::Arc;

use crate::dialect::native::framework::error::Failure;
use crate::dialect::native::framework::operation::RequestContext;
use crate::dialect::native::framework::time::Time;
use crate::dialect::native::framework::value::Choice;
use crate::dialect::native::resources::bulk::Format;
use crate::dialect::native::resources::bulk::csv::push_row;
use crate::dialect::native::resources::bulk::file::{self, PagedFile};
use crate::dialect::native::resources::history::ShownHeld;
use crate::dialect::native::resources::history::filter::filtered;
use crate::domain::history::{Held, Place};
use crate::domain::{HistorySearch, Part, Scope, Timestamp};
use crate::store::{self, Store};

/// Entries in one page: as many as make few looks at a bucket of the history, and take little memory.
const PAGE: usize = 5000;

filtered! {
    /// Which part of the history is exported, and how; what is left out does not restrict.
    HistoryExportHow {
        /// The form of the file; by default the one that `Accept` names first, and CSV where it names neither.
        format: Option<Format>,
    }
}

/// Exports the history.
pub(super) struct Export;

impl file::Export for Export {
    const NAME: &'static str = "history-export";
    const PATH: &'static str = "/history/export";
    const SUMMARY: &'static str = "Read the history of all numbers as a file";
    const ABOUT: &'static str =
        "In the order of the list. What ends while the file is read may be in it twice, as running and as ended.";

    type How = HistoryExportHow;
    type File = Entries;

    fn file(context: &RequestContext<'_>, how: HistoryExportHow) -> Result<(Entries, Option<Format>), Failure> {
        let search = how.search(PAGE)?;
        let (store, scope) = (Arc::clone(context.store), context.scope().clone());
        Ok((Entries { store, scope, search, now: context.now() }, how.format))
    }
}

/// The entries that are exported.
pub(super) struct Entries {
    store: Arc<dyn Store>,
    scope: Scope,
    search: HistorySearch,
    /// When the export began.
    now: Timestamp,
}

impl PagedFile for Entries {
    const NAME: &'static str = "history";
    const COLUMNS: &'static str =
        "number,group,interaction,caller,code,dialect,application,allocation,sharing,since,deadline,until,ended";

    type Item = Held;
    type Mark = Place;
    type Line<'a> = ShownHeld;

    async fn page(&self, after: Option<Place>) -> store::Result<Part<Held, Place>> {
        let page = self.store.search_history(&self.scope, HistorySearch { after, ..self.search.clone() }).await?;
        Ok(Part { items: page.entries, next: page.next })
    }

    fn line(&self, held: &Held) -> ShownHeld {
        ShownHeld::new(held, self.now)
    }

    fn row(&self, held: &Held, text: &mut Vec<u8>) {
        let lent = &*held.allocation;
        let (until, ended) = held.ended.unzip();
        let fields = [
            lent.number.to_string(),
            held.group.as_ref().map(ToString::to_string).unwrap_or_default(),
            lent.interaction.to_string(),
            lent.caller.as_ref().map(ToString::to_string).unwrap_or_default(),
            lent.code.as_ref().map(|code| code.as_str().to_owned()).unwrap_or_default(),
            lent.origin.word().to_owned(),
            lent.application.as_ref().map(ToString::to_string).unwrap_or_default(),
            lent.id.0.to_string(),
            lent.sharing.word().to_owned(),
            Time(lent.since).to_string(),
            Time(lent.deadline).to_string(),
            until.map(|until| Time(until).to_string()).unwrap_or_default(),
            ended.map(|ended| ended.word()).unwrap_or_default().to_owned(),
        ];
        push_row(text, &fields);
    }
}
