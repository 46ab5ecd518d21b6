//! Reading what the history has of a call that is to be explained.

use super::log::Records;
use crate::domain::Scope;
use crate::domain::explanation::{Explanation, MAX_ENDED, Sighting};
use crate::domain::history::Held;

/// Explains a call by what the tables know of it and what the records have of the past.
///
/// # Errors
/// Why the records cannot be read.
pub(super) fn explain(sighting: Sighting, scope: &Scope, records: &impl Records) -> Result<Explanation, String> {
    let mut past = Vec::new();
    for (query, known) in sighting.queries() {
        let page = query.page(&known, |owner, bucket, below| {
            Ok::<_, String>(records.of_number(owner, bucket, scope, query.number, below))
        });
        past.extend(page?.entries);
    }
    let mut looked_at = 0;
    for (owner, bucket) in sighting.buckets_around() {
        if looked_at >= MAX_ENDED {
            return Ok(sighting.explain(past, true));
        }
        let ended = records.of_bucket(&owner, bucket)?;
        looked_at += ended.len();
        let own = ended.iter().filter(|(of, ended)| **of == *scope && sighting.concerns(&ended.allocation));
        past.extend(own.map(|(_, ended)| Held::from(ended)));
    }
    Ok(sighting.explain(past, false))
}
