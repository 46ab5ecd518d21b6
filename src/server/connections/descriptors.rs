//! How many descriptors the process may have, and who gets how many of them.
//!
//! A service manager usually starts a process with a soft limit of 1 024 for programs that cannot bear more, and lets
//! it raise that itself.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that no connection to the main listener gets: the store's files, the listeners, and the admin listener's
/// connections.
const RESERVE: usize = 64;
/// Descriptors that every thread which serves requests needs for itself.
const PER_WORKER: usize = 4;
/// Connections to the admin listener.
pub(in crate::server) const ADMIN: usize = 16;
/// Connections that there may be however few descriptors there are: with fewer nobody could work.
const LEAST: usize = 16;

/// Raises the soft limit to the hard one; gives what is in force then.
pub(in crate::server) fn raise() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let now = match setrlimit(Resource::Nofile, wanted) {
        Ok(()) => wanted.current,
        Err(error) => {
            tracing::warn!(%error, "the soft limit of descriptors (ulimit -n) could not be raised to the hard one");
            limit.current
        }
    };
    now.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
}

/// How many connections the main listener may have with so many descriptors and threads.
pub(in crate::server) fn for_connections(descriptors: usize, workers: usize) -> usize {
    // The reserve holds one thread's already.
    let kept = RESERVE + PER_WORKER * workers.saturating_sub(1);
    descriptors.saturating_sub(kept).max(LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_and_the_admin_listener_keep_their_share() {
        assert_eq!(for_connections(1024, 1), 960);
        assert_eq!(for_connections(1024, 9), 928);
        assert_eq!(for_connections(0, 1), LEAST);
        assert!(for_connections(usize::MAX, 4) > 1_000_000);
    }

    #[test]
    fn the_soft_limit_becomes_the_hard_one() {
        let limit = raise();
        let now = getrlimit(Resource::Nofile);
        assert_eq!(now.current, now.maximum);
        assert_eq!(now.current.map_or(usize::MAX, |limit| limit as usize), limit);
    }
}
