//! What the dialect does with phones, in the domain's words; REST and SOAP share it and differ only in telling it.

use std::sync::Arc;

use super::error::Failure;
use super::parameters::Allocate;
use crate::access::Identity;
use crate::config::Settings;
use crate::domain::state::{Holder, Lend, Repeat, Source};
use crate::domain::tables::{Found, Page};
use crate::domain::{GroupName, InteractionId, NewNumber, Number, NumberId, NumberPatch, Once, Origin, Refusal, Scope};
use crate::store::Store;

/// The operations, for one caller.
pub(super) struct Operations<'a> {
    /// Where the phones are.
    pub(super) store: &'a dyn Store,
    /// Whose phones.
    pub(super) scope: Scope,
    /// Who calls: an interaction that is made on the way is their application's own.
    pub(super) identity: Identity,
    /// The settings in force for this request.
    pub(super) settings: Arc<Settings>,
}

/// What Free found; REST and SOAP tell it differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freed {
    /// The phone was allocated and is free now.
    Now,
    /// The phone was free already.
    Before,
}

impl Operations<'_> {
    /// Adds a phone to the pool.
    ///
    /// # Errors
    /// The phone exists.
    pub(super) async fn create(&self, new: NewNumber, once: Option<Once>) -> Result<NumberId, Failure> {
        Ok(self.store.create_number(&self.scope, new, once).await?)
    }

    /// Lends a phone to an interaction. One that holds a phone of Interact's keeps it, with a new deadline, whatever
    /// group it names now.
    ///
    /// # Errors
    /// No phone is free in the group, or the interaction must be known and is not.
    pub(super) async fn allocate(&self, wanted: Allocate, once: Option<Once>) -> Result<Number, Failure> {
        let rules = &self.settings.interact;
        let source = match (wanted.group, &rules.default_groups) {
            (Some(group), _) => Source::Group { name: group, fallbacks: Vec::new() },
            (None, Some(groups)) => Source::FirstOf(groups.clone()),
            (None, None) => Source::Anywhere,
        };
        let holder = if rules.require_known_interaction { Holder::Known(wanted.id) } else { Holder::Any(wanted.id) };
        let lend = Lend {
            holder,
            source,
            origin: Origin::Interact,
            repeat: Repeat::SameNumber,
            lasting: rules.allocation_timeout,
            interaction_ttl: self.settings.gms.interaction_ttl,
            code: None,
            caller: None,
            data: Vec::new(),
            data_ttl: None,
            application: self.identity.application(),
        };
        Ok(self.store.lend(&self.scope, lend, once).await?.allocation.number)
    }

    /// The interaction that a phone, whole or by its DNID, is lent to now, whichever dialect lent it.
    ///
    /// # Errors
    /// The phone is unknown.
    pub(super) async fn get(&self, phone: Number) -> Result<Option<InteractionId>, Failure> {
        let found =
            self.store.dialled(&self.scope, phone).await?.ok_or(Failure::Refused(Refusal::NumberUnknown(phone)))?;
        Ok(found.allocation.map(|allocation| allocation.interaction.clone()))
    }

    /// Ends the allocation of a phone, whole or by its DNID, whichever dialect lent it.
    ///
    /// # Errors
    /// The phone is unknown.
    pub(super) async fn free(&self, phone: Number) -> Result<Freed, Failure> {
        Ok(match self.store.free(&self.scope, phone).await? {
            Some(_) => Freed::Now,
            None => Freed::Before,
        })
    }

    /// Lists phones in their order.
    ///
    /// # Errors
    /// The store is not available.
    pub(super) async fn list(&self, group: Option<&GroupName>, offset: usize, limit: usize) -> Result<Page, Failure> {
        Ok(self.store.numbers(&self.scope, group, offset, limit).await?)
    }

    /// Reads one phone by its whole number.
    ///
    /// # Errors
    /// The phone is unknown.
    pub(super) async fn read(&self, phone: Number) -> Result<Found, Failure> {
        self.store.number(&self.scope, phone).await?.ok_or(Failure::Refused(Refusal::NumberUnknown(phone)))
    }

    /// Changes one phone.
    ///
    /// # Errors
    /// The phone is unknown.
    pub(super) async fn update(&self, phone: Number, patch: NumberPatch) -> Result<Found, Failure> {
        Ok(self.store.update_number(&self.scope, phone, patch).await?)
    }

    /// Deletes one phone.
    ///
    /// # Errors
    /// The phone is unknown or allocated.
    pub(super) async fn delete(&self, phone: Number) -> Result<(), Failure> {
        Ok(self.store.delete_number(&self.scope, phone).await?)
    }
}
