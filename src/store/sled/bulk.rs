//! Importing many numbers into the sled engine.

use async_trait::async_trait;

use super::SledStore;
use crate::domain::Scope;
use crate::store::Result;
use crate::store::import::{BadRow, Existing, Import, ImportRow, Imported, Staging};

/// An import that is staged.
pub(super) struct SledImport<'s> {
    store: &'s SledStore,
    staging: Staging,
}

impl<'s> SledImport<'s> {
    pub(super) fn begin(store: &'s SledStore, scope: &Scope, existing: Existing) -> Self {
        Self { store, staging: Staging::new(scope, existing) }
    }
}

#[async_trait]
impl Import for SledImport<'_> {
    async fn stage(&mut self, rows: Vec<ImportRow>) -> Result<Vec<BadRow>> {
        let Self { store, staging } = self;
        let scope = staging.scope.clone();
        let sifted =
            store.read(|tables, now| staging.sift(rows, |number| tables.number(&scope, number, now).is_some()));
        if !sifted.fresh.is_empty() {
            let count = sifted.fresh.len() as u64;
            let first = store.write(move |desk| Ok(desk.turn().reserve_numbers(count))).await?;
            staging.keep(first, sifted.fresh);
        }
        Ok(sifted.bad)
    }

    async fn commit(self: Box<Self>) -> Result<Imported> {
        let Self { store, staging } = *self;
        let command = move |desk: &mut super::writer::Desk<'_>| {
            let outcome = desk.turn().import_numbers(&staging.scope, staging.records());
            Ok(staging.imported(outcome))
        };
        store.write(command).await
    }
}
