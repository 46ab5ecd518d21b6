//! The engines by name: the one place that knows which there are. The server and the commands come through here.

use std::sync::Arc;

use super::sled::{Compaction, Options, SledStore};
use super::{Clock, Observer, Store};
use crate::config::{self, Engine};
use crate::domain::Rules;

pub use super::sled::{Build, Compacted, OpenError, Report, compact, verify};

/// Opens the store that the settings name.
///
/// # Errors
/// [`OpenError`]; a data directory that cannot be trusted is left as it is.
pub fn open(
    settings: &config::Store,
    rules: Rules,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
) -> Result<Arc<dyn Store>, OpenError> {
    match settings.engine {
        Engine::Sled => {
            let mut options = Options::new(&settings.path, rules, clock);
            options.cache_bytes = settings.cache_capacity;
            options.compaction = if settings.compact_at_start { Compaction::WhenLarge } else { Compaction::Never };
            options.observer = observer;
            Ok(Arc::new(SledStore::open(options)?))
        }
    }
}
