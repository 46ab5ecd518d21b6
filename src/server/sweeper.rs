//! The worker that lets the state follow the clock when nobody calls.
//!
//! No answer depends on it: every command and every reader judges deadlines for itself. It keeps the gauges honest and
//! the disk free of what has ended.

use std::sync::Arc;

use super::SWEEP_EVERY;
use crate::store::Store;

/// Sweeps for ever.
pub(super) async fn run(store: Arc<dyn Store>) {
    let mut tick = tokio::time::interval(SWEEP_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        // A store that takes no writes says so itself, in the log and by its readiness.
        let _ = store.sweep().await;
    }
}
