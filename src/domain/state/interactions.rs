//! Interactions: how they begin, live on and end, and what ends with them.

use std::sync::Arc;

use uuid::Uuid;

use super::{State, Turn};
use crate::domain::audit::{Action, Deed, Facts};
use crate::domain::history::End;
use crate::domain::idempotency::Identity;
use crate::domain::quotas::Quota;
use crate::domain::{
    ApplicationName, Change, Deadline, Document, DocumentId, Interaction, InteractionId, Made, NewInteraction, Refusal,
    Scope, TenantId, Timestamp,
};

impl Turn<'_> {
    /// Makes an interaction, under an id that the caller chose or one of the gateway's own making.
    ///
    /// # Errors
    /// [`Refusal::InteractionExists`], [`Refusal::LastsTooLong`], [`Refusal::QuotaFull`], [`Refusal::DocumentsFull`],
    /// [`Refusal::TooManyEntries`], [`Refusal::ValueTooLarge`]; [`Refusal::KeyReused`], [`Refusal::KeyExpired`].
    pub fn create_interaction(&mut self, scope: &Scope, new: NewInteraction) -> Result<Arc<Interaction>, Refusal> {
        let again = self.repeated(scope, |tables, made, now| match made {
            Made::Interaction(id, data) => tables.interaction(scope, id, now).filter(|it| it.data == *data).cloned(),
            _ => None,
        });
        if let Some(interaction) = again? {
            return Ok(interaction);
        }
        let NewInteraction { id, lasting, data, application } = new;
        if let Some(id) = id.as_ref().filter(|id| self.state.tables.interaction(scope, id, self.now).is_some()) {
            return Err(Refusal::InteractionExists(id.clone()));
        }
        let limit = self.state.quotas(&scope.tenant).ttl;
        if lasting.is_some_and(|lasting| lasting > limit) {
            return Err(Refusal::LastsTooLong { limit });
        }
        self.state.check_new_interaction(&scope.tenant)?;
        self.state.check_room(&scope.tenant, None, &data)?;
        let scope = &self.state.shared(scope);
        let id = id.unwrap_or_else(|| self.fresh_interaction_id(scope));
        let deadline = lasting.map_or(Deadline::Never, |lasting| Deadline::At(self.now.after(lasting)));
        let interaction = self.begin_interaction(scope, id, deadline, application);
        self.state.write_entries(scope, interaction.data, data);
        self.remember(scope, || Made::Interaction(interaction.id.clone(), interaction.data));
        Ok(interaction)
    }

    /// Ends an interaction: its numbers are free again, its document lives on for its own time only.
    ///
    /// # Errors
    /// [`Refusal::InteractionUnknown`].
    pub fn delete_interaction(&mut self, scope: &Scope, id: &InteractionId) -> Result<(), Refusal> {
        let ended = self.state.tables.interaction(scope, id, self.now).cloned();
        let ended = ended.ok_or_else(|| Refusal::InteractionUnknown(id.clone()))?;
        let scope = self.state.shared(scope);
        self.state.end_interaction(&scope, id, self.now);
        self.audit(&scope, || Deed::new(Action::InteractionDeleted, id).before(Facts::from(&*ended)));
        Ok(())
    }

    /// Makes an interaction with an empty document.
    pub(super) fn begin_interaction(
        &mut self,
        scope: &Scope,
        id: InteractionId,
        deadline: Deadline,
        application: Option<ApplicationName>,
    ) -> Arc<Interaction> {
        let scope = self.state.shared(scope);
        let data = DocumentId(self.fresh_uuid());
        let interaction = Arc::new(Interaction { id, data, since: self.now, deadline, application });
        self.state.put_interaction(&scope, Arc::clone(&interaction));
        self.state.put_document(&scope, Document::begun(&interaction));
        interaction
    }

    /// An id of the gateway's own making: a decimal counter, a hyphen and a UUID, as GMS forms its instance ids.
    pub(super) fn fresh_interaction_id(&mut self, scope: &Arc<Scope>) -> InteractionId {
        let counter = self.state.next_id(scope, |ids| &mut ids.interaction);
        let uuid = self.fresh_uuid();
        InteractionId::new(&format!("{counter}-{uuid}")).expect("digits and a UUID are a valid id")
    }

    pub(super) fn fresh_uuid(&mut self) -> Uuid {
        let mut bytes = [0; 16];
        self.rng.fill_bytes(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
}

impl State {
    /// Refuses an interaction more than the tenant may have, or the document that comes with it.
    pub(super) fn check_new_interaction(&self, tenant: &TenantId) -> Result<(), Refusal> {
        self.check_quota(tenant, Quota::Interactions)?;
        self.check_quota(tenant, Quota::Documents)
    }

    /// Lets an interaction, and its document with it, live until `deadline` if that is later than now planned.
    pub(super) fn prolong(
        &mut self,
        scope: &Arc<Scope>,
        interaction: &Arc<Interaction>,
        deadline: Deadline,
    ) -> Arc<Interaction> {
        if deadline <= interaction.deadline {
            return Arc::clone(interaction);
        }
        let longer = Arc::new(Interaction { deadline, ..(**interaction).clone() });
        self.put_interaction(scope, Arc::clone(&longer));
        longer
    }

    /// Ends an interaction at `at`, by its deadline or by hand.
    pub(super) fn end_interaction(&mut self, scope: &Arc<Scope>, id: &InteractionId, at: Timestamp) {
        let Some(tables) = self.tables.scope(scope) else { return };
        let Some(interaction) = tables.interactions.get(id).map(|slot| Arc::clone(&slot.record)) else { return };
        let holds: Vec<_> = tables.held_by(id).collect();
        for (number, allocation) in holds {
            self.end_allocation(scope, number, allocation, End::InteractionDeleted, at);
        }
        self.apply(Change::Interaction(Arc::clone(scope), id.clone(), None));
        self.finish(&Identity::Interaction(interaction.data), at);
        if let Some(document) = self.document(scope, interaction.data) {
            if document.kept_until <= at {
                self.drop_document(scope, document.id);
            } else {
                self.put_document(scope, Document { interaction: None, ..(*document).clone() });
            }
        }
    }

    fn put_interaction(&mut self, scope: &Arc<Scope>, interaction: Arc<Interaction>) {
        self.apply(Change::Interaction(Arc::clone(scope), interaction.id.clone(), Some(interaction)));
    }
}
