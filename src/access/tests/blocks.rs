//! What a guesser learns before a block and during it, and who goes on beside a guesser.

use super::*;

/// Two tenants with everything that can be guessed at: keys, passwords of users and of GMS sections, AICC secrets.
const ALL: &str = "
[access]
failures = 10
[[tenant]]
id = 'a'
users = [{ name = 'admin', password_hash = '{password}' }]
applications = [
    { name = 'numbers', kind = 'dnis', key = 'dnis-key' },
    { name = 'web', kind = 'interaction', key = 'web-key' },
]
gms.server = { username = 'node', password_hash = '{password}' }
[[tenant.aicc.applications]]
app_key = 'aicc-key'
app_secret = 'aicc-secret'
[[tenant]]
id = 'b'
users = [{ name = 'other', password_hash = '{other}' }]
applications = [{ name = 'numbers', kind = 'dnis', key = 'b-key' }]
";

/// A way to present credentials, over whichever dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// A key alone, over Interact.
    Key,
    /// A key and a user's password, over Interact.
    Interact,
    /// The same, the user in a Security header.
    InteractSecurity,
    /// A key and a user's password, over GMS.
    GmsSet,
    /// A pair of a GMS section.
    GmsBasic,
    /// A key and a user's password, over the native API.
    NativeSet,
    /// A user by Basic, over the native API.
    NativeBasic,
    /// A user in a Security header alone, over the native API.
    NativeSecurity,
    /// An application's key and secret, over AICC.
    Secret,
}

impl Way {
    const ALL: [Self; 9] = [
        Self::Key,
        Self::Interact,
        Self::InteractSecurity,
        Self::GmsSet,
        Self::GmsBasic,
        Self::NativeSet,
        Self::NativeBasic,
        Self::NativeSecurity,
        Self::Secret,
    ];

    /// What is right, followed by what is wrong in each part that can be.
    fn guesses(self) -> Vec<[&'static str; 4]> {
        let right = ["a", "dnis-key", "admin", "password"];
        let wrong = |part: usize, other: &'static str| {
            let mut guess = right;
            guess[part] = other;
            guess
        };
        match self {
            Self::Key => vec![right, wrong(0, "no-tenant"), wrong(0, "b"), wrong(1, "no-key"), wrong(1, "b-key")],
            Self::Interact | Self::InteractSecurity | Self::GmsSet | Self::NativeSet => {
                let mut guesses = vec![right, wrong(0, "no-tenant"), wrong(1, "no-key")];
                guesses.extend([wrong(2, "nobody"), wrong(3, "wrong")]);
                guesses
            }
            Self::GmsBasic => vec![["", "", "node", "password"], ["", "", "nobody", "x"], ["", "", "node", "x"]],
            Self::NativeBasic | Self::NativeSecurity => {
                let mut guesses = vec![["", "", "admin", "password"], ["", "", "other", "wrong"]];
                guesses.extend([["", "", "nobody", "password"], ["", "", "admin", "wrong"]]);
                guesses
            }
            Self::Secret => vec![
                ["", "aicc-key", "", "aicc-secret"],
                ["", "no-key", "", "aicc-secret"],
                ["", "aicc-key", "", "wrong"],
            ],
        }
    }

    fn right(self) -> [&'static str; 4] {
        self.guesses()[0]
    }

    fn wrong(self) -> [&'static str; 4] {
        *self.guesses().last().unwrap()
    }

    /// What the caller is told.
    async fn told(self, gate: &Gate, from: IpAddr, guess: [&str; 4]) -> Result<(), String> {
        let [tenant, key, user, password] = guess;
        let mut set = vec![("tenant-id", tenant.to_owned()), ("application-key", key.to_owned())];
        let named = UserPassword { user: user.to_owned(), password: password.to_owned().into() };
        let user_headers = [("user-id", base64(user)), ("user-password", base64(password))];
        let basic = map(&[("authorization", &format!("Basic {}", base64(&format!("{user}:{password}"))))]);
        let (access, key_alone) = (&gate.access, map(&borrowed(&set)));
        set.extend(user_headers);
        let set = map(&borrowed(&set));
        let nothing = HeaderMap::new();
        let [key_alone, set, basic, nothing] = [&key_alone, &set, &basic, &nothing].map(|it| gate.attempt(it, from));
        let result = match self {
            Self::Key => access.interact(key_alone, None, Right::Get).await,
            Self::Interact => access.interact(set, None, Right::Free).await,
            Self::InteractSecurity => access.interact(key_alone, Some(named), Right::Free).await,
            Self::GmsSet => access.gms(set, SERVICE, Effect::Changes).await,
            Self::GmsBasic => access.gms(basic, SERVICE, Effect::Changes).await,
            Self::NativeSet => access.native(set, None).await,
            Self::NativeBasic => access.native(basic, None).await,
            Self::NativeSecurity => access.native(nothing, Some(named)).await,
            Self::Secret => {
                let told = access.aicc_application(nothing, key, &password.to_owned().into());
                return told.map(drop).map_err(|denied| format!("{denied:?}"));
            }
        };
        result.map(drop).map_err(|denied| format!("{:?}", denied.refusal))
    }

    async fn block(self, gate: &Gate, from: IpAddr) {
        for _ in 0..10 {
            self.told(gate, from, self.wrong()).await.unwrap_err();
        }
    }
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[tokio::test]
async fn before_a_block_every_wrong_guess_is_told_the_same() {
    for way in Way::ALL {
        let gate = Gate::new(ALL);
        let mut told = Vec::new();
        for guess in &way.guesses()[1..] {
            told.push(way.told(&gate, source(1), *guess).await.unwrap_err());
        }
        assert!(told.windows(2).all(|pair| pair[0] == pair[1]), "{way:?}: {told:?}");
        assert_eq!(way.told(&gate, source(1), way.right()).await, Ok(()), "{way:?}");
    }
}

#[tokio::test]
async fn during_a_block_the_right_guess_is_told_what_a_wrong_one_is_told_over_every_dialect() {
    for blocked_by in Way::ALL {
        let gate = Gate::new(ALL);
        // Somebody else has just used all that is right, so it is in the memory of verified passwords.
        for way in Way::ALL {
            assert_eq!(way.told(&gate, source(9), way.right()).await, Ok(()), "{way:?}");
        }
        blocked_by.block(&gate, source(1)).await;
        gate.access.verifier.work();
        for way in Way::ALL {
            for guess in way.guesses() {
                let told = way.told(&gate, source(1), guess).await.unwrap_err();
                let same = "TooManyAttempts { retry_after: Seconds(60) }";
                assert_eq!(told, same, "blocked by {blocked_by:?}, {way:?} {guess:?}");
            }
        }
        assert_eq!(gate.access.verifier.work(), 0, "a blocked guess is not even looked at");
        gate.later(60);
        for way in Way::ALL {
            assert_eq!(way.told(&gate, source(1), way.right()).await, Ok(()), "{way:?} after the block");
        }
    }
}

#[tokio::test]
async fn who_used_the_credentials_from_this_very_source_before_goes_on() {
    for way in Way::ALL {
        let gate = Gate::new(ALL);
        assert_eq!(way.told(&gate, source(1), way.right()).await, Ok(()), "{way:?}");
        // Long after the memory of verified passwords has lost it.
        gate.later(20 * 3600);
        Way::NativeBasic.block(&gate, source(1)).await;
        for _ in 0..3 {
            assert_eq!(way.told(&gate, source(1), way.right()).await, Ok(()), "{way:?}");
            assert!(way.told(&gate, source(1), way.wrong()).await.unwrap_err().contains("TooMany"), "{way:?}");
        }
        gate.later(24 * 3600);
        Way::NativeBasic.block(&gate, source(1)).await;
        assert!(way.told(&gate, source(1), way.right()).await.is_err(), "{way:?}: a day without use");
    }
}

#[tokio::test]
async fn a_known_key_does_not_let_its_source_guess_passwords_nor_other_keys() {
    let gate = Gate::new(ALL);
    assert_eq!(Way::Key.told(&gate, source(1), Way::Key.right()).await, Ok(()));
    Way::Key.block(&gate, source(1)).await;
    let free = set("dnis-key", ADMIN);
    assert_eq!(cause(&gate.interact(&borrowed(&free), Right::Free).await), Some(Cause::Blocked));
    let other = set("web-key", None);
    assert_eq!(cause(&gate.interact(&borrowed(&other), Right::Allocate).await), Some(Cause::Blocked));
    assert!(gate.interact(&borrowed(&set("dnis-key", None)), Right::Get).await.is_ok());
}

#[tokio::test]
async fn a_right_key_of_another_kind_is_told_nothing_during_a_block() {
    let gate = Gate::new(ALL);
    Way::Key.block(&gate, source(1)).await;
    for key in ["web-key", "no-key"] {
        assert_eq!(cause(&gate.interact(&borrowed(&set(key, None)), Right::Get).await), Some(Cause::Blocked), "{key}");
    }
}

#[tokio::test]
async fn a_password_that_was_changed_is_no_longer_what_the_source_is_known_by() {
    let mut gate = Gate::new(ALL);
    let (free, from) = (Way::Interact, source(1));
    free.told(&gate, from, free.right()).await.unwrap();
    free.block(&gate, from).await;
    gate.reload(&ALL.replace("{password}", "{other}"));
    for _ in 0..3 {
        assert!(free.told(&gate, from, free.right()).await.unwrap_err().contains("TooMany"));
    }
    assert_eq!(gate.access.verifier.done(), 12, "one success, ten guesses, and one look at the old password");
}

#[tokio::test]
async fn a_block_holds_for_the_networks_of_a_source_and_for_nobody_else() {
    let tried = async |gate: &Gate, from: &str| {
        Way::NativeBasic.told(gate, address(from), Way::NativeBasic.right()).await.is_ok()
    };
    let gate = Gate::new(ALL);
    Way::Key.block(&gate, address("2001:db8:1:100::1")).await;
    assert!(!tried(&gate, "2001:db8:1:100::1").await);
    assert!(!tried(&gate, "2001:db8:1:100:ffff::2").await, "another address of the /64");
    assert!(tried(&gate, "2001:db8:1:101::1").await, "another /64 of the /56");
    for net in 0x101..=0x103 {
        Way::Key.block(&gate, address(&format!("2001:db8:1:{net:x}::1"))).await;
    }
    assert!(!tried(&gate, "2001:db8:1:1ff::1").await, "the /56 has had four times as many");
    assert!(tried(&gate, "2001:db8:1:200::1").await, "another /56 of the /48");
    for net in 2..=13 {
        Way::Key.block(&gate, address(&format!("2001:db8:1:{net:x}00::1"))).await;
    }
    assert!(!tried(&gate, "2001:db8:1:ffff::1").await, "the /48 has had sixteen times as many");
    assert!(tried(&gate, "2001:db8:1:101::1").await, "where it was used before");
    assert!(tried(&gate, "2001:db8:2::1").await, "another /48");
}

#[tokio::test]
async fn three_hundred_addresses_of_a_48_are_blocked_together() {
    let gate = Gate::new(ALL);
    let spread = |it: u32| address(&format!("2001:db8:7:{:x}::{:x}", it * 211, it + 1));
    let mut refused = 0;
    for it in 0..300 {
        let told = Way::Key.told(&gate, spread(it), Way::Key.wrong()).await.unwrap_err();
        refused += usize::from(told.contains("TooMany"));
    }
    assert_eq!(refused, 300 - 160);
    assert!(Way::Key.told(&gate, address("2001:db8:7:ffff::ffff"), Way::Key.right()).await.is_err());
}

#[tokio::test]
async fn a_48_that_guesses_from_many_64s_keeps_no_first_login_out() {
    let gate = Gate::new(&ALL.replace("failures = 10", "failures = 10\nverifications = 1\nwaiting = 15"));
    let busy = gate.access.verifier.places().take(source(7)).unwrap().worker(|| None::<()>).await;
    let guess = |net: u32| {
        let gate = Gate { access: gate.access.clone(), settings: gate.settings.clone(), time: gate.time.clone() };
        let from = address(&format!("2001:db8:7:{net:x}::1"));
        tokio::spawn(async move { Way::NativeBasic.told(&gate, from, Way::NativeBasic.wrong()).await.unwrap_err() })
    };
    let guesses: Vec<_> = (0..100).map(guess).collect();
    let (honest, settings) = (gate.access.clone(), gate.settings.clone());
    let honest = tokio::spawn(async move {
        let headers = map(&borrowed(&set("dnis-key", ADMIN)));
        let attempt = Attempt { headers: &headers, source: source(1), settings: &settings };
        honest.interact(attempt, None, Right::Free).await.map(|_| honest.verifications())
    });
    tokio::task::yield_now().await;
    drop(busy);
    let before = honest.await.unwrap().unwrap();
    assert!(before <= 3, "{before} were verified before");
    let mut sent_away = 0;
    for guess in guesses {
        sent_away += usize::from(guess.await.unwrap().contains("TooMany"));
    }
    assert_eq!(sent_away, 100 - 8, "the /48 has half of the 16 places");
}

#[tokio::test]
async fn without_credentials_nothing_is_counted_and_a_block_changes_nothing() {
    let gate = Gate::new(ALL);
    let nothing = HeaderMap::new();
    let nothing = gate.attempt(&nothing, source(1));
    let ask = async || {
        let interact = gate.access.interact(nothing, None, Right::Free).await.map(drop);
        let gms = gate.access.gms(nothing, SERVICE, Effect::Changes).await.map(drop);
        let native = gate.access.native(nothing, None).await.map(drop);
        [interact, gms, native].map(|result| result.unwrap_err())
    };
    for _ in 0..100 {
        assert!(ask().await.iter().all(|denied| denied.cause == Cause::Missing));
    }
    let before = ask().await;
    assert_eq!(Way::Key.told(&gate, source(1), Way::Key.right()).await, Ok(()));
    Way::NativeBasic.block(&gate, source(1)).await;
    assert_eq!(ask().await, before);
}

#[tokio::test]
async fn the_block_is_over_when_its_source_was_told() {
    let gate = Gate::new(ALL);
    Way::Interact.block(&gate, source(1)).await;
    gate.later(20);
    let denied = gate.interact(&borrowed(&set("dnis-key", ADMIN)), Right::Free).await.unwrap_err();
    assert_eq!(denied.refusal, Refusal::TooManyAttempts { retry_after: Seconds::new(40) });
    assert_eq!(denied.cause, Cause::Blocked);
    gate.later(40);
    assert!(gate.interact(&borrowed(&set("dnis-key", ADMIN)), Right::Free).await.is_ok());
}
