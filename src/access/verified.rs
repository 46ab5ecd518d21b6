//! The memory of verified passwords, which spares their owners the hash at every call.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::table::Digests;
use crate::config::{self, PasswordHash};
use crate::domain::TenantId;

/// What stands for credentials in the memory: a digest from which nothing can be read back.
///
/// What the configured hash says of the password is part of it, so that a changed password is forgotten with the configuration that had it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Mark([u8; 32]);

/// Credentials that were right a while ago, in a table of bounded size.
pub(super) struct Verified {
    /// A digest that has begun with a block that is random for each process: what it becomes is of no use outside.
    keyed: Sha256,
    marks: Mutex<Digests<Mark>>,
}

impl Verified {
    pub(super) fn new() -> Self {
        let key: [u8; 64] = rand::random();
        Self { keyed: Sha256::new_with_prefix(key), marks: Mutex::default() }
    }

    /// The mark of a user's password that was held, or is to be held, against `hash`; of no tenant where the user sees all.
    pub(super) fn mark(
        &self,
        tenant: Option<&TenantId>,
        user: &str,
        password: &SecretString,
        hash: &PasswordHash,
    ) -> Mark {
        // Each part goes in with its length, so that no two lists give the same bytes.
        let mut digest = self.keyed.clone();
        let tenant = tenant.map_or("", TenantId::as_str);
        for part in [tenant, hash.output(), user, password.expose_secret()] {
            digest.update(u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
            digest.update(part);
        }
        Mark(digest.finalize().into())
    }

    /// Whether the credentials were right not long ago; if so, they are remembered for another lifetime, so that who
    /// calls all the time pays the hash once.
    pub(super) fn knows(&self, mark: &Mark, now: Instant, rules: &config::Access) -> bool {
        self.marks.lock().renew(mark, end(now, rules), now)
    }

    /// Remembers credentials that were right; the ones not used for the longest time make room.
    pub(super) fn remember(&self, mark: Mark, now: Instant, rules: &config::Access) {
        self.marks.lock().put(mark, (), end(now, rules), rules.cache_entries, now);
    }
}

/// Until when that is remembered which was right at `now`.
fn end(now: Instant, rules: &config::Access) -> Instant {
    now + Duration::from_secs(rules.cache_lifetime.get())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$muM/Ycl/N/yy9qB4rJKzSw$F9clZuJVvQ1Z/qqEC0bS1STBby6I1e7MhzChdS3bhaI";
    const OTHER: &str = "$argon2id$v=19$m=8,t=1,p=1$ywmz379pY+jYC4657LWtwg$4DbUr2piKbxXPnQ68sZ/ENxwSGj3lkYjuLRSjONiYEA";

    fn password(text: &str) -> SecretString {
        text.to_owned().into()
    }

    fn hash(text: &str) -> PasswordHash {
        PasswordHash::new(text).unwrap()
    }

    #[test]
    fn a_mark_is_of_one_tenant_user_password_hash_and_process() {
        let (verified, a) = (Verified::new(), TenantId::new("a").unwrap());
        let mark = verified.mark(Some(&a), "u", &password("p"), &hash(HASH));
        assert!(mark == verified.mark(Some(&a), "u", &password("p"), &hash(HASH)));
        for other in [
            verified.mark(Some(&TenantId::new("b").unwrap()), "u", &password("p"), &hash(HASH)),
            verified.mark(None, "u", &password("p"), &hash(HASH)),
            verified.mark(Some(&a), "up", &password(""), &hash(HASH)),
            verified.mark(Some(&a), "u", &password("P"), &hash(HASH)),
            verified.mark(Some(&a), "u", &password("p"), &hash(OTHER)),
            Verified::new().mark(Some(&a), "u", &password("p"), &hash(HASH)),
        ] {
            assert!(mark != other);
        }
    }

    #[test]
    fn what_was_right_is_known_for_a_lifetime_after_its_last_use() {
        let (verified, start, rules) = (Verified::new(), Instant::now(), config::Access::default());
        let at = |seconds| start + Duration::from_secs(seconds);
        let mark = Mark([1; 32]);
        assert!(!verified.knows(&mark, start, &rules));
        verified.remember(mark, start, &rules);
        assert!(verified.knows(&mark, at(299), &rules));
        assert!(verified.knows(&mark, at(598), &rules));
        assert!(!verified.knows(&mark, at(898), &rules));
    }

    #[test]
    fn the_memory_stays_bounded_and_forgets_the_least_used() {
        let rules = config::Access { cache_entries: 2, ..config::Access::default() };
        let (verified, start) = (Verified::new(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        verified.remember(Mark([1; 32]), at(0), &rules);
        verified.remember(Mark([2; 32]), at(1), &rules);
        assert!(verified.knows(&Mark([1; 32]), at(2), &rules));
        verified.remember(Mark([3; 32]), at(3), &rules);
        assert!(verified.knows(&Mark([1; 32]), at(4), &rules));
        assert!(!verified.knows(&Mark([2; 32]), at(4), &rules));
        assert_eq!(verified.marks.lock().len(), 2);
    }
}
