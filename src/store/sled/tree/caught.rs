//! Sled's panics, which stand for errors: on some kinds of damage it panics where it should return one.
//!
//! Whoever catches one says what is wrong in words of its own, so the panic is not printed as well; it goes to the log
//! at the level for debugging.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    /// Whether a panic of this thread will be caught here.
    static CATCHES: Cell<bool> = const { Cell::new(false) };
}

/// What such a panic means where the tree is read.
pub(in crate::store::sled) const UNREADABLE: &str = "a part of the file db cannot be read";

/// Does something; `None` if it panicked.
pub(in crate::store::sled) fn caught<T>(act: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| match CATCHES.get() {
            true => tracing::debug!(%panic, "caught"),
            false => before(panic),
        }));
    });
    let outside = CATCHES.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(act));
    CATCHES.set(outside);
    outcome.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_none_and_everything_else_comes_back() {
        assert_eq!(caught(|| 1), Some(1));
        assert_eq!(caught(|| caught(|| panic!("inside")).is_none()), Some(true));
        assert_eq!(caught(|| -> u8 { panic!("outside") }), None);
        assert!(!CATCHES.get(), "later panics of this thread are printed again");
    }
}
