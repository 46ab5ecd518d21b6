//! How far something has come, on a terminal. Nobody else sees anything of it: it is drawn on standard error, and only
//! where that is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar where the end is known, else a count.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// Bytes of so many, if that is known.
    pub(super) fn bytes(what: &'static str, total: Option<u64>) -> Self {
        let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        let template = match total {
            Some(_) => "{msg} [{bar:40}] {bytes} of {total_bytes}, {eta} left",
            None => "{msg} {spinner} {bytes}, {binary_bytes_per_sec}",
        };
        let style = ProgressStyle::with_template(template).expect("the templates above are valid");
        Self(bar.with_style(style).with_message(what))
    }

    /// Something whose end nobody knows.
    pub(super) fn working(what: &'static str) -> Self {
        let bar = ProgressBar::new_spinner().with_message(what);
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }

    /// So far it is.
    pub(super) fn at(&self, position: u64) {
        self.0.set_position(position);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
