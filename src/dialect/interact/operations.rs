//! What the dialect does with phones, in the domain's words; REST and SOAP share it and differ only in telling it.

use std::net::IpAddr;
use std::sync::Arc;

use super::error::Failure;
use super::parameters::Allocate;
use crate::access::Principal;
use crate::config::Settings;
use crate::dialect::lending;
use crate::domain::history::End;
use crate::domain::state::{Holder, Lend, Repeat, Source};
use crate::domain::tables::{FoundNumber, Page};
use crate::domain::{
    Allocation, GroupName, HistoryQuery, IdempotentRequest, InteractionId, LentBy, NewNumber, Number, NumberId,
    NumberPatch, Refusal, Scope, Seconds, Timestamp,
};
use crate::store::Store;

/// The operations, for one caller.
pub(super) struct Operations<'a> {
    /// Where the phones are.
    pub(super) store: &'a Arc<dyn Store>,
    /// Who calls, and whose phones: an interaction that is made on the way is the application's own.
    pub(super) principal: Principal<'a>,
    /// Where the request came from.
    pub(super) source: IpAddr,
    /// The settings in force for this request.
    pub(super) settings: &'a Settings,
    /// The time at which the request came.
    pub(super) now: Timestamp,
}

impl Operations<'_> {
    /// The store as it acts for the user who manages phones.
    fn acting(&self) -> Arc<dyn Store> {
        match self.principal.actor(self.source) {
            Some(actor) => self.store.acting(actor),
            None => Arc::clone(self.store),
        }
    }

    fn scope(&self) -> &Scope {
        &self.principal.scope
    }

    /// Adds a phone to the pool.
    ///
    /// # Errors
    /// The phone exists.
    pub(super) async fn create(
        &self,
        new: NewNumber,
        idempotency: Option<IdempotentRequest>,
    ) -> Result<NumberId, Failure> {
        Ok(self.acting().create_number(self.scope(), new, idempotency).await?)
    }

    /// Lends a phone to an interaction. One that holds a phone of Interact's keeps it, with a new deadline, whatever
    /// group it names now.
    ///
    /// # Errors
    /// No phone is free in the group, or the interaction must be known and is not.
    pub(super) async fn allocate(
        &self,
        wanted: Allocate,
        idempotency: Option<IdempotentRequest>,
    ) -> Result<Number, Failure> {
        let rules = &self.settings.interact;
        let source = match (wanted.group, &rules.default_groups) {
            (Some(group), _) => Source::Group { name: group, fallbacks: Vec::new() },
            (None, Some(groups)) => Source::FirstOf(groups.clone()),
            (None, None) => Source::Anywhere,
        };
        let holder = if rules.require_known_interaction { Holder::Known(wanted.id) } else { Holder::Any(wanted.id) };
        let application = self.principal.identity.application();
        let lend = lending::lend(self.settings, application, LentBy::Interact, holder, source);
        let lend = Lend { repeat: Repeat::SameNumber, ..lend };
        Ok(self.store.lend(self.scope(), lend, idempotency).await?.allocation.number)
    }

    /// The interaction that a phone, whole or by its DNID, is lent to now, whichever dialect lent it.
    ///
    /// # Errors
    /// The phone is unknown.
    pub(super) async fn get(&self, phone: Number) -> Result<Option<InteractionId>, Failure> {
        let found =
            self.store.dialled(self.scope(), phone).await?.ok_or(Failure::Refused(Refusal::NumberUnknown(phone)))?;
        Ok(found.allocation.map(|allocation| allocation.interaction.clone()))
    }

    /// As [`Self::get`], for a caller for whom the call has come: with `interact.release_on_get` what is found ends now or
    /// soon, whoever lent it, as with Free. Where it ends at once, a repeated Get finds it again while the phone rests.
    ///
    /// # Errors
    /// The phone is unknown.
    pub(super) async fn retrieve(&self, phone: Number) -> Result<Option<InteractionId>, Failure> {
        let Some(left) = self.settings.interact.release_on_get.left() else { return self.get(phone).await };
        let unknown = || Failure::Refused(Refusal::NumberUnknown(phone));
        let found = self.store.dialled(self.scope(), phone).await?.ok_or_else(unknown)?;
        // What is not lent needs no writer to be told so.
        if found.allocation.is_some() {
            let held = self.store.hand_over(self.scope(), phone, left).await?;
            return Ok(held.map(|allocation| allocation.interaction.clone()));
        }
        if left == Seconds::default() { self.retrieved_before(&found).await } else { Ok(None) }
    }

    /// Who held a phone for whom the call came last, while it rests after that.
    async fn retrieved_before(&self, found: &FoundNumber) -> Result<Option<InteractionId>, Failure> {
        let rules = found.record.group.as_ref().and_then(|group| self.principal.tenant.group(group));
        let rest = rules.map(|group| group.rules.cool_down).unwrap_or_default();
        if found.ended.is_none_or(|ended| ended.after(rest) <= self.now) {
            return Ok(None);
        }
        let query = HistoryQuery { number: found.record.number, from: None, to: None, after: None, limit: 1 };
        let last = self.store.history(self.scope(), query).await?.entries.into_iter().next();
        let came = last.filter(|last| last.ended.is_some_and(|(_, end)| end == End::Matched));
        Ok(came.map(|last| last.allocation.interaction.clone()))
    }

    /// Ends the allocation of a phone, whole or by its DNID, whichever dialect lent it; `None` where the phone was free
    /// already, which REST and SOAP tell differently.
    ///
    /// # Errors
    /// The phone is unknown.
    pub(super) async fn free(&self, phone: Number) -> Result<Option<Arc<Allocation>>, Failure> {
        Ok(self.store.free(self.scope(), phone).await?)
    }

    /// Lists phones in their order.
    ///
    /// # Errors
    /// The store is not available.
    pub(super) async fn list(&self, group: Option<&GroupName>, offset: usize, limit: usize) -> Result<Page, Failure> {
        Ok(self.store.numbers(self.scope(), group, offset, limit).await?)
    }

    /// Reads one phone by its whole number.
    ///
    /// # Errors
    /// The phone is unknown.
    pub(super) async fn read(&self, phone: Number) -> Result<FoundNumber, Failure> {
        self.store.number(self.scope(), phone).await?.ok_or(Failure::Refused(Refusal::NumberUnknown(phone)))
    }

    /// Changes one phone.
    ///
    /// # Errors
    /// The phone is unknown.
    pub(super) async fn update(&self, phone: Number, patch: NumberPatch) -> Result<FoundNumber, Failure> {
        Ok(self.acting().update_number(self.scope(), phone, patch).await?)
    }

    /// Deletes one phone.
    ///
    /// # Errors
    /// The phone is unknown or allocated.
    pub(super) async fn delete(&self, phone: Number) -> Result<(), Failure> {
        Ok(self.acting().delete_number(self.scope(), phone).await?)
    }
}
