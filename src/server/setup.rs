//! From settings to what the state goes by: the operator's rules and the seeds of an empty store.

use std::sync::Arc;

use crate::config::Settings;
use crate::domain::state::Seeds;
use crate::domain::{InteractionId, InvalidName, NewNumber, Rules, Scope};

/// The rules that the settings make for the state.
pub(super) fn rules(settings: &Settings) -> Rules {
    let groups = settings.tenants.values().map(|tenant| {
        let groups = tenant.groups.iter().map(|group| (group.name.clone(), group.rules.clone()));
        (tenant.id.clone(), groups.collect())
    });
    let call_centers =
        settings.tenants.values().map(|tenant| (tenant.id.clone(), Arc::clone(&tenant.aicc.call_center)));
    let store = &settings.store;
    Rules {
        groups: groups.collect(),
        call_centers: call_centers.collect(),
        documents_total: store.documents_total,
        document_entries: store.document_keys,
        value_bytes: store.document_value,
    }
}

/// The seeds that the settings give an empty store.
///
/// # Errors
/// An interaction id that is no valid name.
pub(super) fn seeds(settings: &Settings) -> Result<Seeds, InvalidName> {
    let mut seeds = Seeds::default();
    for tenant in settings.tenants.values() {
        for seed in &tenant.seeds.numbers {
            let scope = Scope { tenant: tenant.id.clone(), environment: seed.environment.clone() };
            let new =
                NewNumber { number: seed.number, dnid: seed.dnid, group: seed.group.clone(), enabled: seed.enabled };
            seeds.numbers.push((scope, new));
        }
        for seed in &tenant.seeds.interactions {
            let scope = Scope { tenant: tenant.id.clone(), environment: seed.environment.clone() };
            seeds.interactions.push((scope, InteractionId::new(&seed.id)?));
        }
    }
    Ok(seeds)
}
