//! Verifying passwords: argon2id on threads of its own.
//!
//! The hash is expensive on purpose, so that it must be paid neither per request nor by the threads that serve them. What
//! a wrong password costs is the same for everybody, known or not and of whatever tenant: one hash of every cost that the
//! configuration has. So the time tells neither whether there is such a user nor how dear their own hash is.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use argon2::password_hash::{self, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret, SecretString};

use super::places::{Held, Places};
use crate::config::{self, HashCost, PasswordHash};

/// The salt of hashes that nothing is compared with; only their work counts.
const SALT: [u8; 16] = *b"nobody's at all.";

/// Hashes a secret for the configuration file: a PHC string of argon2id with a random salt.
///
/// # Errors
/// When the system gives no randomness, or the secret is longer than argon2 takes.
pub fn hash_secret(secret: &SecretString) -> Result<String, password_hash::Error> {
    let hash: argon2::PasswordHash = argon2(Params::default()).hash_password(secret.expose_secret().as_bytes())?;
    Ok(hash.to_string())
}

fn argon2(params: Params) -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
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

/// A password, and what it is held against.
pub(super) struct Trial {
    pub(super) password: SecretString,
    /// The hash of that very user; `None` for an unknown one.
    pub(super) hash: Option<PasswordHash>,
    /// The costs of all hashes in force.
    pub(super) costs: BTreeSet<HashCost>,
}

/// The workers that verify: a few at a time, and a bounded number waiting.
#[derive(Clone, Debug)]
pub(super) struct Verifier {
    places: Places,
    done: Arc<AtomicU64>,
    work: Arc<AtomicU64>,
}

impl Verifier {
    pub(super) fn new(rules: &config::Access) -> Self {
        Self { places: Places::new(rules), done: Arc::default(), work: Arc::default() }
    }

    /// How many passwords were verified so far.
    pub(super) fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// The work done since the last time this was asked, as [`work`] measures it.
    #[cfg(test)]
    pub(super) fn work(&self) -> u64 {
        self.work.swap(0, Ordering::Relaxed)
    }

    /// The places in which attempts wait.
    #[cfg(test)]
    pub(super) fn places(&self) -> &Places {
        &self.places
    }

    /// Waits for a worker, whose turn is given by the network of `source`, and has it hold the password against its hash,
    /// unless `meanwhile` knows the verdict by then.
    pub(super) async fn verify<T>(
        &self,
        source: IpAddr,
        trial: impl FnOnce() -> Trial,
        meanwhile: impl Fn() -> Option<T>,
    ) -> Verdict<T> {
        let Some(place) = self.places.take(source) else { return Verdict::Busy };
        let held = match place.worker(meanwhile).await {
            Some(Ok(held)) => held,
            Some(Err(known)) => return Verdict::Meanwhile(known),
            None => return Verdict::Busy,
        };
        self.done.fetch_add(1, Ordering::Relaxed);
        let (trial, this) = (trial(), self.clone());
        // The worker goes along, so that it stays busy to the end of the work, also when nobody waits for the verdict.
        let work = tokio::task::spawn_blocking(move || (this.hold(&trial), held));
        match work.await {
            Ok((true, held)) => Verdict::Right(held),
            Ok((false, held)) => Verdict::Wrong(held),
            // Only when the process is going down.
            Err(_) => Verdict::Busy,
        }
    }

    /// Whether the password is right. If not, every cost was paid once, by the hash of the user or by one of nobody's.
    fn hold(&self, trial: &Trial) -> bool {
        let password = trial.password.expose_secret().as_bytes();
        let own = trial.hash.as_ref();
        let right = own.is_some_and(|hash| {
            self.note(hash.cost());
            Argon2::default().verify_password(password, hash.as_phc()).is_ok()
        });
        let others = || trial.costs.iter().filter(|cost| own.map(PasswordHash::cost) != Some(**cost));
        if !right {
            others().for_each(|cost| self.spend(*cost, password));
        }
        right
    }

    /// Does the work of a hash.
    fn spend(&self, cost: HashCost, password: &[u8]) {
        self.note(cost);
        let params = Params::new(cost.memory, cost.passes, cost.lanes, None);
        let params = params.expect("the costs are those of hashes that the configuration let in");
        // It fails where there is no memory for it, as a hash of this cost would.
        let _ = argon2(params).hash_password_into(password, &SALT, &mut [0; Params::DEFAULT_OUTPUT_LEN]);
    }

    fn note(&self, cost: HashCost) {
        self.work.fetch_add(work(cost), Ordering::Relaxed);
    }
}

/// The work of a hash, in KiB gone over.
fn work(cost: HashCost) -> u64 {
    u64::from(cost.memory) * u64::from(cost.passes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$muM/Ycl/N/yy9qB4rJKzSw$F9clZuJVvQ1Z/qqEC0bS1STBby6I1e7MhzChdS3bhaI";
    const SOURCE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const CHEAP: HashCost = HashCost { memory: 8, passes: 1, lanes: 1 };
    const DEAR: HashCost = HashCost { memory: 64, passes: 2, lanes: 1 };

    fn trial(text: &str, known: bool) -> Trial {
        let hash = known.then(|| PasswordHash::new(HASH).unwrap());
        Trial { password: text.to_owned().into(), hash, costs: [CHEAP, DEAR].into() }
    }

    async fn verify(verifier: &Verifier, text: &str, known: bool, meanwhile: Option<()>) -> &'static str {
        match verifier.verify(SOURCE, || trial(text, known), || meanwhile).await {
            Verdict::Right(_) => "right",
            Verdict::Wrong(_) => "wrong",
            Verdict::Meanwhile(()) => "meanwhile",
            Verdict::Busy => "busy",
        }
    }

    #[tokio::test]
    async fn a_password_is_held_against_its_hash() {
        let verifier = Verifier::new(&config::Access::default());
        assert_eq!(verify(&verifier, "password", true, None).await, "right");
        assert_eq!(verify(&verifier, "Password", true, None).await, "wrong");
        assert_eq!(verify(&verifier, "", true, None).await, "wrong");
        assert_eq!(verify(&verifier, "password", false, None).await, "wrong");
        assert_eq!(verifier.done(), 4);
        assert_eq!(verify(&verifier, "password", true, Some(())).await, "meanwhile");
        assert_eq!(verifier.done(), 4);
    }

    #[tokio::test]
    async fn a_wrong_password_costs_one_hash_of_every_cost_whosever_it_is() {
        let verifier = Verifier::new(&config::Access::default());
        verify(&verifier, "password", true, None).await;
        assert_eq!(verifier.work(), work(CHEAP));
        for known in [true, false] {
            verify(&verifier, "wrong", known, None).await;
            assert_eq!(verifier.work(), work(CHEAP) + work(DEAR), "known: {known}");
        }
    }

    #[tokio::test]
    async fn only_so_many_may_wait() {
        let verifier = Verifier::new(&config::Access { verifications: 1, waiting: 1, ..config::Access::default() });
        let place = verifier.places.stop();
        assert_eq!(verify(&verifier, "password", true, None).await, "busy");
        drop(place);
        assert_eq!(verify(&verifier, "password", true, None).await, "right");
    }

    #[test]
    fn a_new_hash_is_one_that_the_configuration_takes_and_the_password_fits() {
        let text = hash_secret(&"sesame".to_owned().into()).unwrap();
        let hash = PasswordHash::new(&text).unwrap();
        assert!(Argon2::default().verify_password(b"sesame", hash.as_phc()).is_ok());
        assert!(Argon2::default().verify_password(b"sesam", hash.as_phc()).is_err());
        assert_ne!(hash_secret(&"sesame".to_owned().into()).unwrap(), text, "the salt is random");
        assert_eq!(hash.cost(), HashCost::default(), "what an unknown user costs where there is no hash");
    }
}
