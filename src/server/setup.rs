//! From settings to the seeds of an empty store.

use std::net::SocketAddr;

use crate::config::Settings;
use crate::domain::state::Seeds;
use crate::domain::{InteractionId, InvalidName, NewNumber, Scope};
use crate::store::Store;

/// Says in the log what is served from now on.
pub(super) async fn tell(settings: &Settings, store: &dyn Store, listen: SocketAddr, admin: SocketAddr) {
    let pools = store.pools().await.unwrap_or_default();
    let numbers = pools.iter().map(|it| it.free + it.allocated + it.cooling + it.reserved + it.disabled);
    let lent = pools.iter().map(|it| it.allocations);
    tracing::info!(
        %listen,
        admin_listen = %admin,
        tenants = settings.tenants.len(),
        numbers = numbers.sum::<usize>(),
        allocations = lent.sum::<usize>(),
        "serving"
    );
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
