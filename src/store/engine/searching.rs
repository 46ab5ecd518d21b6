//! Looking through the history of all numbers: what runs by the tables, a bounded look at a time, so that nobody waits for
//! it who writes; then the records, away from the threads that serve requests.

use super::Engine;
use super::log::{Log, Records, Within};
use crate::domain::history::{Found, HistorySearch};
use crate::domain::{HistoryPage, Scope};
use crate::store::Result;

impl<L: Log> Engine<L> {
    /// A page of what a search finds.
    pub(super) async fn search(&self, scope: &Scope, search: HistorySearch) -> Result<HistoryPage> {
        let mut found = Found::default();
        // As new as this call, once; what is looked at after that is no older.
        self.read(|_, _| ()).await?;
        let mut below = search.running_below();
        while let Some(id) = below
            && found.running.len() < search.limit
        {
            let room = search.limit - found.running.len();
            let part = self.read_known(|tables, now| tables.search_running(scope, &search, id, room, now));
            found.running.extend(part.items);
            below = part.next;
        }
        // After what runs, so that nothing that ends meanwhile is missed.
        found.buckets = self.read_known(|tables, _| tables.searched_buckets(scope, &search));
        let scope = scope.clone();
        self.read_records(move |records| {
            search.page(&found, |owner, bucket, below, most| {
                records.search(Within { owner, bucket, scope: &scope, below }, &search, most)
            })
        })
        .await
    }
}
