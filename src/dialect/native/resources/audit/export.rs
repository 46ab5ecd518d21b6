//! The audit as a file.

use std::sync::Arc;

use super::ShownEntry;
use super::filter::filtered;
use crate::dialect::native::framework::error::Failure;
use crate::dialect::native::framework::operation::RequestContext;
use crate::dialect::native::framework::problem::Problem;
use crate::dialect::native::framework::value::Choice;
use crate::dialect::native::resources::bulk::Format;
use crate::dialect::native::resources::bulk::csv::push_row;
use crate::dialect::native::resources::bulk::file::{self, PagedFile};
use crate::domain::{AuditEntry, AuditId, AuditQuery, Part};
use crate::store::{self, Store};

/// Entries in one page.
const PAGE: usize = 1000;

filtered! {
    /// Which part of the audit is exported, and how; what is left out does not restrict.
    AuditExportHow {
        /// The form of the file; by default the one that `Accept` names first, and CSV where it names neither.
        format: Option<Format>,
    }
}

/// Exports the audit.
pub(super) struct Export;

impl file::Export for Export {
    const NAME: &'static str = "audit-export";
    const PATH: &'static str = "/audit/export";
    const SUMMARY: &'static str = "Read who changed what when as a file";
    const ABOUT: &'static str =
        "For users whose role is admin, in the order of the list. In CSV how a thing was and is stands as JSON.";
    const PROBLEMS: &'static [Problem] = &[Problem::Role];

    type How = AuditExportHow;
    type File = Entries;

    fn file(context: &RequestContext<'_>, how: AuditExportHow) -> Result<(Entries, Option<Format>), Failure> {
        let query = how.query(context, None, PAGE)?;
        Ok((Entries { store: Arc::clone(context.store), query }, how.format))
    }
}

/// The entries that are exported.
pub(super) struct Entries {
    store: Arc<dyn Store>,
    query: AuditQuery,
}

impl PagedFile for Entries {
    const NAME: &'static str = "audit";
    const COLUMNS: &'static str = "at,tenant,environment,user,application,source,action,thing,before,after";

    type Item = Arc<AuditEntry>;
    type Mark = AuditId;
    type Line<'a> = ShownEntry;

    async fn page(&self, after: Option<AuditId>) -> store::Result<Part<Arc<AuditEntry>, AuditId>> {
        self.store.audit(&AuditQuery { after, ..self.query.clone() }).await
    }

    fn line(&self, entry: &Arc<AuditEntry>) -> ShownEntry {
        ShownEntry::from(&**entry)
    }

    fn row(&self, entry: &Arc<AuditEntry>, text: &mut Vec<u8>) {
        let shown = ShownEntry::from(&**entry);
        let json = |facts: &Option<_>| {
            let facts = facts.as_ref().map(serde_json::to_string).transpose();
            facts.expect("texts, counts and flags are always JSON").unwrap_or_default()
        };
        let fields = [
            shown.at.to_string(),
            shown.tenant.unwrap_or_default(),
            shown.environment.unwrap_or_default(),
            shown.user.unwrap_or_default(),
            shown.application.unwrap_or_default(),
            shown.source.unwrap_or_default(),
            shown.action.0.word().to_owned(),
            shown.thing,
            json(&shown.before),
            json(&shown.after),
        ];
        push_row(text, &fields);
    }
}
