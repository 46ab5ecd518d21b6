//! Importing many numbers: staged in the tree while the writer serves others, and made to count by one short commit.

use std::sync::Arc;
use std::thread;
use std::time::Instant;

use async_trait::async_trait;

use super::import::Import as Stages;
use super::pending::Records;
use super::{SledStore, closed};
use crate::domain::{Change, NumberRecord, Scope};
use crate::store::Result;
use crate::store::import::{BadRow, Existing, Import, ImportRow, Imported, Staging};

/// An import that is staged.
pub(super) struct SledImport<'s> {
    store: &'s SledStore,
    records: Arc<Records>,
    scope: Arc<Scope>,
    staging: Staging,
    /// What is on disk; gone while it is written to, and when it counts.
    stages: Option<Stages>,
}

impl<'s> SledImport<'s> {
    pub(super) fn begin(store: &'s SledStore, scope: &Scope, existing: Existing) -> Result<Self> {
        Ok(Self {
            store,
            records: store.records.read().clone().ok_or_else(closed)?,
            scope: Arc::new(scope.clone()),
            staging: Staging::new(scope, existing),
            stages: Some(Stages::begin()),
        })
    }

    /// Writes what is to be made to disk, away from the threads that serve requests.
    async fn write(&mut self, records: Vec<Arc<NumberRecord>>) -> Result<()> {
        let mut stages = self.stages.take().ok_or_else(closed)?;
        let scope = Arc::clone(&self.scope);
        let written = self.store.read_records(move |disk| {
            let began = Instant::now();
            let number = |record: Arc<NumberRecord>| Change::Number(Arc::clone(&scope), record.number, Some(record));
            let changes: Vec<_> = records.into_iter().map(number).collect();
            stages.stage(&disk.tree, &changes)?;
            // Nobody waits for an import as somebody waits for a number: others have the disk for as long as it took.
            thread::sleep(began.elapsed());
            Ok(stages)
        });
        self.stages = Some(written.await?);
        Ok(())
    }
}

#[async_trait]
impl Import for SledImport<'_> {
    async fn stage(&mut self, rows: Vec<ImportRow>) -> Result<Vec<BadRow>> {
        let Self { store, staging, scope, .. } = self;
        let sifted = store.read(|tables, now| staging.sift(rows, |number| tables.number(scope, number, now).is_some()));
        if !sifted.fresh.is_empty() {
            let count = sifted.fresh.len() as u64;
            let of = Arc::clone(scope);
            let first = store.write(move |desk| Ok(desk.turn().reserve_numbers(&of, count))).await?;
            let records = staging.keep(first, sifted.fresh).to_vec();
            self.write(records).await?;
        }
        Ok(sifted.bad)
    }

    async fn commit(mut self: Box<Self>) -> Result<Imported> {
        // A caller who goes away while the commit is under way must not take away what it makes count.
        let Some(stages) = self.stages.take() else { return Err(closed()) };
        let (import, scope) = (stages.id(), Arc::clone(&self.scope));
        let records = self.staging.records().to_vec();
        let outcome = self.store.write(move |desk| {
            let exist = desk.turn().existing(&scope, &records);
            if !exist.is_empty() {
                return Ok(Err(exist));
            }
            if !records.is_empty() {
                desk.include(import);
                desk.turn().import_numbers(&scope, &records);
            }
            Ok(Ok(()))
        });
        // After an error nobody here knows whether it counts; the next start does.
        let outcome = outcome.await?;
        if outcome.is_err() {
            self.stages = Some(stages);
        }
        Ok(self.staging.imported(outcome))
    }
}

/// Whoever drops an import that does not count abandons it. What cannot be removed now goes at the next start.
impl Drop for SledImport<'_> {
    fn drop(&mut self) {
        if let (Some(stages), Ok(runtime)) = (self.stages.take(), tokio::runtime::Handle::try_current()) {
            let records = Arc::clone(&self.records);
            runtime.spawn_blocking(move || {
                if let Err(error) = stages.abandon(&records.tree) {
                    tracing::warn!(%error, "what was staged for an import stays until the next start");
                }
            });
        }
    }
}
