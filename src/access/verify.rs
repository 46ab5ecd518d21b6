//! Verifying passwords: argon2id on threads of its own, a few at a time, and a memory of what was right.
//!
//! The hash is expensive on purpose, so that it must be paid neither per request nor by the threads that serve them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use argon2::password_hash::{self, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use parking_lot::Mutex;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::{self, PasswordHash};
use crate::domain::TenantId;

/// What an unknown user's password is held against where the tenant has no hash of its own: the parameters that
/// [`hash_secret`] uses, with a salt and a hash made up. The verdict is thrown away, only the work counts.
const STAND_IN: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$kr1ZKeDkYc2gTBzwx6EAAQ$GMjUEpP4qLXvlVQtUaTLBWG5TiZhkLVi7sM3zmVa9sA";

/// Hashes a secret for the configuration file: a PHC string of argon2id with a random salt.
///
/// # Errors
/// When the system gives no randomness, or the secret is longer than argon2 takes.
pub fn hash_secret(secret: &SecretString) -> Result<String, password_hash::Error> {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default());
    let hash: argon2::PasswordHash = argon2.hash_password(secret.expose_secret().as_bytes())?;
    Ok(hash.to_string())
}

/// The hash that an unknown user's password is held against.
pub(super) fn stand_in() -> PasswordHash {
    PasswordHash::new(STAND_IN).expect("the constant is a valid hash")
}

/// What came of an attempt to verify a password.
#[derive(Debug)]
pub(super) enum Verdict<T> {
    /// The password was right. Drop the worker when that is remembered.
    Right(Held),
    /// The password was wrong. Drop the worker when that is counted.
    Wrong(Held),
    /// While the attempt waited, somebody else found out.
    Meanwhile(T),
    /// Too many others are waiting.
    Busy,
}

/// A busy worker, and its place. It is free again when this is dropped, so whoever drops it only after noting the
/// verdict lets the next in line see that verdict.
#[derive(Debug)]
pub(super) struct Held(#[expect(dead_code, reason = "held to be dropped")] [OwnedSemaphorePermit; 2]);

/// The workers that verify: a few at a time, and a bounded number waiting.
#[derive(Clone, Debug)]
pub(super) struct Verifier {
    /// A place for everyone who is verified or waits for it.
    places: Arc<Semaphore>,
    workers: Arc<Semaphore>,
    /// Passwords verified so far.
    done: Arc<AtomicU64>,
}

impl Verifier {
    pub(super) fn new(rules: &config::Access) -> Self {
        Self {
            places: Arc::new(Semaphore::new(rules.verifications + rules.waiting)),
            workers: Arc::new(Semaphore::new(rules.verifications)),
            done: Arc::default(),
        }
    }

    /// How many passwords were held against a hash so far.
    pub(super) fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Takes all places, so that everyone who needs a verification is sent away, until the answer is dropped.
    #[cfg(test)]
    pub(super) fn stop(&self) -> OwnedSemaphorePermit {
        let places = u32::try_from(self.places.available_permits()).unwrap();
        self.places.clone().try_acquire_many_owned(places).unwrap()
    }

    /// Waits for a worker and holds `password` against `hash`, unless `meanwhile` knows the verdict by then.
    pub(super) async fn verify<T>(
        &self,
        password: &SecretString,
        hash: &PasswordHash,
        meanwhile: impl FnOnce() -> Option<T>,
    ) -> Verdict<T> {
        let Ok(place) = self.places.clone().try_acquire_owned() else { return Verdict::Busy };
        let Ok(worker) = self.workers.clone().acquire_owned().await else { return Verdict::Busy };
        if let Some(known) = meanwhile() {
            return Verdict::Meanwhile(known);
        }
        let (password, hash) = (password.clone(), hash.clone());
        let held = Held([worker, place]);
        self.done.fetch_add(1, Ordering::Relaxed);
        // The worker goes along, so that it stays busy to the end of the work, also when nobody waits for the verdict.
        let work = tokio::task::spawn_blocking(move || {
            let verified = Argon2::default().verify_password(password.expose_secret().as_bytes(), hash.as_phc());
            (verified.is_ok(), held)
        });
        match work.await {
            Ok((true, held)) => Verdict::Right(held),
            Ok((false, held)) => Verdict::Wrong(held),
            // Only when the process is going down.
            Err(_) => Verdict::Busy,
        }
    }
}

/// What stands for credentials in the memory: a digest from which nothing can be read back.
///
/// The configured hash is part of it, so that a changed password is forgotten with the configuration that had it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Mark([u8; 32]);

/// Credentials that were right a while ago, in a table of bounded size.
pub(super) struct Verified {
    /// Random for each process: a digest is of no use outside.
    key: [u8; 32],
    /// The marks, with the last use of each.
    marks: Mutex<HashMap<Mark, Instant>>,
}

impl Verified {
    pub(super) fn new() -> Self {
        Self { key: rand::random(), marks: Mutex::default() }
    }

    pub(super) fn mark(&self, tenant: &TenantId, user: &str, password: &SecretString, hash: &PasswordHash) -> Mark {
        self.mark_of(&[tenant.as_str(), hash.as_str(), user, password.expose_secret()])
    }

    /// The mark of an application's key and secret, which are kept as they are.
    pub(super) fn application_mark(&self, key: &str, secret: &SecretString) -> Mark {
        self.mark_of(&[key, secret.expose_secret()])
    }

    /// Each part goes in with its length, so that no two lists give the same bytes.
    fn mark_of(&self, parts: &[&str]) -> Mark {
        let mut digest = Sha256::new_with_prefix(self.key);
        for part in parts {
            digest.update(part.len().to_le_bytes());
            digest.update(part);
        }
        Mark(digest.finalize().into())
    }

    /// Whether the credentials were right not long ago; if so, they are remembered for another lifetime.
    ///
    /// Use renews the memory: a channel that calls all the time must not meet a block that another one has earned.
    pub(super) fn knows(&self, mark: &Mark, now: Instant, rules: &config::Access) -> bool {
        let mut marks = self.marks.lock();
        match marks.get_mut(mark) {
            Some(used) if fresh(*used, now, rules) => {
                *used = now;
                true
            }
            _ => false,
        }
    }

    /// Remembers credentials that were right; the ones not used for the longest time make room.
    pub(super) fn remember(&self, mark: Mark, now: Instant, rules: &config::Access) {
        let mut marks = self.marks.lock();
        if marks.len() >= rules.cache_entries {
            marks.retain(|_, used| fresh(*used, now, rules));
        }
        while marks.len() >= rules.cache_entries {
            let Some(oldest) = marks.iter().min_by_key(|(_, used)| **used).map(|(mark, _)| *mark) else { break };
            marks.remove(&oldest);
        }
        marks.insert(mark, now);
    }
}

fn fresh(used: Instant, now: Instant, rules: &config::Access) -> bool {
    now.saturating_duration_since(used) < Duration::from_secs(rules.cache_lifetime.get())
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

    async fn verify(verifier: &Verifier, text: &str, meanwhile: Option<()>) -> &'static str {
        match verifier.verify(&password(text), &hash(HASH), || meanwhile).await {
            Verdict::Right(_) => "right",
            Verdict::Wrong(_) => "wrong",
            Verdict::Meanwhile(()) => "meanwhile",
            Verdict::Busy => "busy",
        }
    }

    #[tokio::test]
    async fn a_password_is_held_against_its_hash() {
        let verifier = Verifier::new(&config::Access::default());
        assert_eq!(verify(&verifier, "password", None).await, "right");
        assert_eq!(verify(&verifier, "Password", None).await, "wrong");
        assert_eq!(verify(&verifier, "", None).await, "wrong");
        assert_eq!(verifier.done(), 3);
    }

    #[tokio::test]
    async fn who_had_to_wait_takes_the_verdict_that_came_meanwhile() {
        let verifier = Verifier::new(&config::Access::default());
        assert_eq!(verify(&verifier, "password", Some(())).await, "meanwhile");
        assert_eq!(verifier.done(), 0);
    }

    #[tokio::test]
    async fn only_so_many_may_wait() {
        let verifier = Verifier::new(&config::Access { verifications: 1, waiting: 1, ..config::Access::default() });
        let worker = verifier.workers.clone().acquire_owned().await.unwrap();
        let place = verifier.places.clone().acquire_owned().await.unwrap();
        let mut waiting = std::pin::pin!(verify(&verifier, "password", None));
        assert_eq!(futures_util::future::poll_immediate(waiting.as_mut()).await, None);
        assert_eq!(verify(&verifier, "password", None).await, "busy");
        drop((worker, place));
        assert_eq!(waiting.await, "right");
    }

    #[test]
    fn a_new_hash_is_one_that_the_configuration_takes_and_the_password_fits() {
        let text = hash_secret(&password("sesame")).unwrap();
        let hash = PasswordHash::new(&text).unwrap();
        assert!(Argon2::default().verify_password(b"sesame", hash.as_phc()).is_ok());
        assert!(Argon2::default().verify_password(b"sesam", hash.as_phc()).is_err());
        assert_ne!(hash_secret(&password("sesame")).unwrap(), text, "the salt is random");
    }

    #[test]
    fn the_stand_in_costs_what_a_new_hash_costs() {
        let params = |hash: &PasswordHash| Params::try_from(hash.as_phc()).unwrap();
        let new = PasswordHash::new(&hash_secret(&password("x")).unwrap()).unwrap();
        assert_eq!(params(&stand_in()), params(&new));
    }

    #[test]
    fn a_mark_is_of_one_tenant_user_password_hash_and_process() {
        let (verified, a) = (Verified::new(), TenantId::new("a").unwrap());
        let mark = verified.mark(&a, "u", &password("p"), &hash(HASH));
        assert!(mark == verified.mark(&a, "u", &password("p"), &hash(HASH)));
        for other in [
            verified.mark(&TenantId::new("b").unwrap(), "u", &password("p"), &hash(HASH)),
            verified.mark(&a, "up", &password(""), &hash(HASH)),
            verified.mark(&a, "u", &password("P"), &hash(HASH)),
            verified.mark(&a, "u", &password("p"), &hash(OTHER)),
            Verified::new().mark(&a, "u", &password("p"), &hash(HASH)),
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
