//! The worker that lets the state follow the clock when nobody calls, and looks after the groups.
//!
//! No answer depends on it: every command and every reader judges deadlines for itself. It keeps the gauges honest and
//! the disk free of what has ended, and tells when a group runs out of numbers or the clocks come to differ.

use actix_web::web::Data;

use super::clock::Difference;
use super::number_watch;
use super::{Gateway, SWEEP_EVERY};
use crate::domain::state::PoolHealth;

/// Sweeps for ever.
pub(super) async fn run(gateway: Data<Gateway>) {
    let mut looks = 0;
    let mut tick = tokio::time::interval(SWEEP_EVERY);
    let (clock, mut difference) = (gateway.store.clock(), Difference::default());
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        difference.look(&*clock);
        // A store that takes no writes says so itself, in the log and by its readiness.
        let _ = gateway.store.sweep().await;
        let settings = gateway.live.current();
        looks = (looks + 1) % number_watch::EVERY;
        if looks == 0
            && let Ok(healths) = gateway.store.number_healths(&settings.health.numbers).await
        {
            gateway.number_watch.look(&healths);
        }
        if let Ok(pools) = gateway.store.pools().await {
            let crossed = |pool: &PoolHealth, level| gateway.metrics.crossed(pool, level, &settings);
            gateway.watch.look(&pools, &settings.log.pools, crossed);
        }
    }
}
