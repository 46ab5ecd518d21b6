//! What a refusal was about: whose call it was and why exactly it was refused.
//!
//! The layers that find out are not those that log, and what a caller is told is the vendor's word, often the same for
//! many reasons. So while a request is answered, whoever knows more notes it here, and the log line of the request has it.
//! Outside of a request a note goes nowhere.

use std::cell::Cell;
use std::future::Future;

use crate::domain::TenantId;

/// What was noted while a request was answered.
#[derive(Debug, Default)]
pub struct Notes {
    /// The tenant whose call it was, as far as that was found out: one of the configuration.
    pub tenant: Option<TenantId>,
    /// Why it was refused, as a word from a small fixed set; the last that was noted.
    pub reason: Option<&'static str>,
    /// Whether it was answered from what may be out of date.
    pub stale: bool,
}

tokio::task_local! {
    static NOTES: (Cell<Option<TenantId>>, Cell<Option<&'static str>>, Cell<bool>);
}

/// Answers a request; gives its answer with what was noted meanwhile.
pub async fn noting<T>(answering: impl Future<Output = T>) -> (T, Notes) {
    NOTES
        .scope(Default::default(), async {
            let answer = answering.await;
            let notes = NOTES.with(|(tenant, reason, stale)| Notes {
                tenant: tenant.take(),
                reason: reason.take(),
                stale: stale.get(),
            });
            (answer, notes)
        })
        .await
}

/// Notes whose call the request is.
pub fn tenant(tenant: &TenantId) {
    // Tests of single layers answer outside of any request.
    let _ = NOTES.try_with(|(noted, ..)| noted.set(Some(tenant.clone())));
}

/// Notes why the request is refused.
pub fn reason(reason: &'static str) {
    let _ = NOTES.try_with(|(_, noted, _)| noted.set(Some(reason)));
}

/// Notes that the request is answered from what may be out of date.
pub fn stale() {
    let _ = NOTES.try_with(|(.., noted)| noted.set(true));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_request_has_its_own_notes_also_where_they_take_turns() {
        let noted = async |id: &'static str| {
            noting(async {
                tenant(&TenantId::new(id).unwrap());
                tokio::task::yield_now().await;
                reason(id);
            })
            .await
            .1
        };
        let (one, other) = tokio::join!(noted("one"), noted("other"));
        let told = |notes: Notes| (notes.tenant.unwrap().as_str().to_owned(), notes.reason);
        assert_eq!(told(one), ("one".to_owned(), Some("one")));
        assert_eq!(told(other), ("other".to_owned(), Some("other")));
        reason("outside");
        let ((), notes) = noting(async {}).await;
        assert!(notes.tenant.is_none() && notes.reason.is_none() && !notes.stale);
        assert!(noting(async { stale() }).await.1.stale);
    }
}
