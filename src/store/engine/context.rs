//! What a command may work with.

use std::sync::Arc;

use rand::rngs::StdRng;
use uuid::Uuid;

use super::batch::BatchValues;
use super::loading;
use super::log::ImportId;
use super::snapshot::SnapshotOrigin;
use super::snapshot_guards::{Guard, SnapshotGuards};
use crate::domain::audit::Actor;
use crate::domain::document::Loaded;
use crate::domain::state::Turn;
use crate::domain::tables::Contents;
use crate::domain::{Change, Document, Rules, State, Timestamp};
use crate::store::{Error, Result};

/// What a command may work with.
pub(in crate::store) struct CommandContext<'a> {
    pub(super) state: &'a mut State,
    /// As of when the command is decided.
    pub(super) now: Timestamp,
    /// Whether anything may be decided: the log's batch was begun.
    pub(super) begun: bool,
    pub(super) rng: &'a mut StdRng,
    /// For whom the command is.
    pub(super) actor: Option<Arc<Actor>>,
    pub(super) values: BatchValues<'a>,
    pub(super) guards: &'a mut SnapshotGuards,
    /// Which store it is, and which commit this batch will be in.
    pub(super) store: Uuid,
    pub(super) commits: u64,
    /// An import that this command includes, and what had changed before.
    pub(super) included: &'a mut Option<(ImportId, Vec<Change>)>,
}

impl CommandContext<'_> {
    /// The state at the current time.
    pub(in crate::store) fn turn(&mut self) -> Turn<'_> {
        self.state.at(self.now, self.rng).by(self.actor.clone())
    }

    /// The state for a look at it, at the current time or, where nothing may be decided, as of the last decision.
    pub(super) fn look(&mut self) -> Turn<'_> {
        if self.begun { self.turn() } else { self.state.as_decided(self.rng) }
    }

    /// A document with its texts, as it is before anything of this batch is dropped.
    pub(super) fn load(&self, document: &Document) -> Result<Option<Loaded>> {
        loading::document(document, &self.values).map_err(|reason| Error::Unavailable(reason.into()))
    }

    /// All that is known, with a guard that keeps the large values of it.
    pub(super) fn all(&mut self) -> (SnapshotOrigin, Contents, Guard) {
        let origin = SnapshotOrigin { store: self.store, commits: self.commits, taken: self.now };
        (origin, self.state.tables().contents(), self.guards.guard())
    }

    /// Says that the changes which this command leaves from here on are staged already, all of them, and take effect
    /// with this commit. Nothing is done after it in the same batch.
    pub(in crate::store) fn include(&mut self, import: ImportId) {
        // What ends by itself ends now, so that it is not taken for something that was staged.
        self.turn();
        *self.included = Some((import, self.state.take_changes()));
    }

    /// Takes over new rules, and notes what is other in them than in those `before`.
    pub(super) fn set_rules(&mut self, rules: Rules, before: &Rules) {
        self.state.set_rules(rules);
        self.turn().note_rules(before);
    }
}
