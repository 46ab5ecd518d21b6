//! The settings in force, for those who must follow a reload.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::Settings;

/// A handle to the settings in force; clones see the same settings, also after a reload.
#[derive(Clone, Debug)]
pub struct Live(Arc<ArcSwap<Settings>>);

impl Live {
    /// Puts `settings` in force.
    pub fn new(settings: Settings) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(settings)))
    }

    /// The settings in force now. Hold the answer for one request, so that the request sees one configuration.
    pub fn current(&self) -> Arc<Settings> {
        self.0.load_full()
    }

    /// Puts other settings in force, for every request that begins after this.
    pub fn replace(&self, settings: Settings) {
        self.0.store(Arc::new(settings));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_clone_sees_the_settings_of_a_reload() {
        let live = Live::new(Settings::default());
        let other = live.clone();
        let mut settings = Settings::default();
        settings.access.failures = 3;
        live.replace(settings);
        assert_eq!(other.current().access.failures, 3);
    }
}
