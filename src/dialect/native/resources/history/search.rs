//! The history of all numbers, in pages.

use crate::dialect::native::framework::error::Failure;
use crate::dialect::native::framework::members::Nothing;
use crate::dialect::native::framework::operation::{Asked, Operation, RequestContext, Verb};
use crate::dialect::native::framework::page::{Cursor, Limit, PageOf};
use crate::dialect::native::framework::reply::WithBody;
use crate::dialect::native::resources::history::ShownHeld;
use crate::dialect::native::resources::history::filter::filtered;
use crate::domain::history::Place;
use crate::domain::{HistorySearch, Part};

filtered! {
    /// Which part of the history is told; what is left out does not restrict.
    HistoryQuery {
        /// At most so many.
        limit: Option<Limit>,
        /// Where to go on: the `next_cursor` of the page before.
        cursor: Option<Cursor<Place>>,
    }
}

/// Looks through the history.
pub(super) struct Search;

impl Operation for Search {
    const NAME: &'static str = "history-list";
    const VERB: Verb = Verb::Get;
    const PATH: &'static str = "/history";
    const SUMMARY: &'static str = "Tell who held which number when";
    const ABOUT: &'static str = "Of all numbers, newest first: what runs, then what has ended, by the hour of its end. It goes \
        back as far as the section `history` of the configuration says. What ends while pages are read may be told once as \
        running and once as ended.";

    type Path = Nothing;
    type Query = HistoryQuery;
    type Body = ();
    type Reply = WithBody<PageOf<ShownHeld>>;

    async fn run(context: &RequestContext<'_>, asked: Asked<Self>) -> Result<Self::Reply, Failure> {
        let after = asked.query.cursor.map(|Cursor(place)| place);
        let search = asked.query.search(asked.query.limit.unwrap_or_default().0)?;
        let page = context.store.search_history(context.scope(), HistorySearch { after, ..search }).await?;
        let now = context.now();
        let part = Part { items: page.entries, next: page.next };
        Ok(WithBody(PageOf::new(part, |held| ShownHeld::new(&held, now))))
    }
}
