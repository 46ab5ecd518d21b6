//! Which source has used which credentials: what tells a caller from a guesser while its address is blocked.
//!
//! During a block the right credentials are answered as wrong ones are, or the answer would tell them apart. Only who has
//! used these very ones from this very address before goes on, since that learns nothing new. The address counts here and
//! not its network: who guesses beside a caller must not be told what the caller knows.

use std::hash::{BuildHasher, Hash};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::table::Digests;
use crate::config;

/// How long a pair is kept after its last success.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// Something that only its owner should know, as it was presented.
#[derive(Clone, Copy, Hash)]
pub(super) enum Credential<'a> {
    /// The key of an application, with the tenant that was named.
    Key { tenant: &'a str, key: &'a [u8] },
    /// The password of a user, with the tenant that it is of.
    Password { tenant: &'a str, user: &'a str, password: &'a str },
    /// The key and the secret of an AICC application.
    Secret { key: &'a str, secret: &'a str },
}

/// The pairs of source and credential that were right, in a table of bounded size.
///
/// A pair lets nobody in; it only has the credential judged in spite of a block. So a digest of 64 bits under a key of the
/// process is enough, which costs next to nothing at every call: who finds another credential with the same digest has
/// found one that is wrong.
#[derive(Default)]
pub(super) struct Known {
    digest: foldhash::quality::RandomState,
    pairs: Mutex<Digests<u64>>,
}

impl Known {
    fn pair(&self, source: IpAddr, credential: &Credential<'_>) -> u64 {
        self.digest.hash_one((source.to_canonical(), credential))
    }

    /// Whether `source` has used `credential` in the last 24 hours.
    pub(super) fn knows(&self, source: IpAddr, credential: &Credential<'_>, now: Instant) -> bool {
        self.pairs.lock().get(&self.pair(source, credential), now).is_some()
    }

    /// Remembers that `credential` of `source` was right at `now`; the pairs used longest ago make room.
    pub(super) fn remember(&self, source: IpAddr, credential: &Credential<'_>, rules: &config::Access, now: Instant) {
        let (pair, end) = (self.pair(source, credential), now + KEPT);
        let mut pairs = self.pairs.lock();
        if !pairs.renew(&pair, end, now) {
            pairs.put(pair, (), end, rules.sources, now);
        }
    }

    /// Forgets a pair that is no longer right.
    pub(super) fn forget(&self, source: IpAddr, credential: &Credential<'_>, now: Instant) {
        self.pairs.lock().take(&self.pair(source, credential), now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Credential<'_> = Credential::Key { tenant: "a", key: b"key" };

    fn source(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn a_pair_is_one_source_with_one_credential() {
        let (known, now, rules) = (Known::default(), Instant::now(), config::Access::default());
        known.remember(source(1), &KEY, &rules, now);
        assert!(known.knows(source(1), &KEY, now));
        assert!(known.knows("::ffff:192.0.2.1".parse().unwrap(), &KEY, now), "the same source");
        assert!(!known.knows(source(2), &KEY, now));
        for other in [
            Credential::Key { tenant: "b", key: b"key" },
            Credential::Key { tenant: "ak", key: b"ey" },
            Credential::Key { tenant: "a", key: b"kez" },
            Credential::Secret { key: "a", secret: "key" },
            Credential::Password { tenant: "a", user: "key", password: "" },
        ] {
            assert!(!known.knows(source(1), &other, now));
        }
        known.forget(source(1), &KEY, now);
        assert!(!known.knows(source(1), &KEY, now));
    }

    #[test]
    fn an_address_beside_it_in_the_same_64_is_another_source() {
        let (known, now, rules) = (Known::default(), Instant::now(), config::Access::default());
        known.remember("2001:db8::1".parse().unwrap(), &KEY, &rules, now);
        assert!(!known.knows("2001:db8::2".parse().unwrap(), &KEY, now));
    }

    #[test]
    fn a_pair_is_kept_for_a_day_after_its_last_success_and_the_table_is_bounded() {
        let (known, start) = (Known::default(), Instant::now());
        let rules = config::Access { sources: 10, ..config::Access::default() };
        let hours = |hours: u64| start + Duration::from_secs(hours * 3600);
        known.remember(source(1), &KEY, &rules, start);
        known.remember(source(1), &KEY, &rules, hours(20));
        assert!(known.knows(source(1), &KEY, hours(43)));
        assert!(!known.knows(source(1), &KEY, hours(44)));
        for last in 0..=255 {
            known.remember(source(last), &KEY, &rules, hours(44));
        }
        assert_eq!(known.pairs.lock().len(), 10);
    }
}
