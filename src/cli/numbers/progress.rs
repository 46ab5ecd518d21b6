//! How far a file has come: a bar on a terminal, nothing anywhere else.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Shows what part of so many bytes is done, or where it is not known how many there are, how many are.
pub(super) fn bar(bytes: Option<u64>) -> ProgressBar {
    let bar = bytes.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    let template = match bytes {
        Some(_) => "{wide_bar} {bytes} of {total_bytes} {msg}",
        None => "{spinner} {bytes} {msg}",
    };
    bar.set_style(ProgressStyle::with_template(template).expect("the template is well formed, which a test holds"));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_bars_can_be_made() {
        bar(Some(10)).finish_and_clear();
        bar(None).finish_and_clear();
    }
}
