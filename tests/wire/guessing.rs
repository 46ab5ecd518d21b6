//! What a guesser learns from answers: nothing, before a block and during it, in every dialect.

use std::time::{Duration, Instant};

use dnis_gateway::access::hash_secret;
use dnis_gateway::config::{Credentials, PasswordHash, Role, User};
use dnis_gateway::domain::TenantId;
use reqwest::{Method, RequestBuilder};

use crate::callers::{Caller, DNIS_KEY, INTERACTION, Reply, TENANT, envelope, send};
use crate::gateway::Gateway;

/// What can be guessed at: tenant, key, user and password. GMS has a pair of its own, and AICC takes a key and a secret.
#[derive(Clone, Copy, Debug)]
struct Guess<'a> {
    tenant: &'a str,
    key: &'a str,
    user: &'a str,
    password: &'a str,
}

const RIGHT: Guess<'_> = Guess { tenant: TENANT, key: DNIS_KEY, user: "admin", password: "password" };
/// The key of the demo's other application, which opens less.
const OTHER_KEY: &str = "53736e07e4b05772e6475c2d";

/// The right guess, and one that is wrong in each of its parts.
fn guesses() -> Vec<Guess<'static>> {
    let mut guesses = vec![
        RIGHT,
        Guess { tenant: "87654321", ..RIGHT },
        Guess { key: "not-a-key", ..RIGHT },
        Guess { user: "nobody", ..RIGHT },
        Guess { password: "wrong", ..RIGHT },
    ];
    guesses.push(Guess { tenant: "87654321", key: "not-a-key", user: "nobody", password: "wrong" });
    guesses
}

/// A way over the network to present a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    RestKey,
    RestUser,
    SoapUser,
    SoapToken,
    GmsSet,
    GmsBasic,
    NativeSet,
    NativeBasic,
    NativeSoapBasic,
    NativeSoapToken,
    AiccToken,
}

impl Way {
    const ALL: [Self; 11] = [
        Self::RestKey,
        Self::RestUser,
        Self::SoapUser,
        Self::SoapToken,
        Self::GmsSet,
        Self::GmsBasic,
        Self::NativeSet,
        Self::NativeBasic,
        Self::NativeSoapBasic,
        Self::NativeSoapToken,
        Self::AiccToken,
    ];

    /// Whether the guess is wrong in a part that is presented this way.
    fn is_wrong(self, guess: Guess<'_>) -> bool {
        let key = guess.tenant != RIGHT.tenant || guess.key != RIGHT.key;
        let user = guess.user != RIGHT.user || guess.password != RIGHT.password;
        match self {
            Self::RestKey => key,
            Self::GmsBasic | Self::NativeBasic | Self::NativeSoapBasic | Self::NativeSoapToken => user,
            Self::AiccToken => guess.key != RIGHT.key || guess.password != RIGHT.password,
            _ => key || user,
        }
    }

    fn request(self, caller: &Caller, guess: Guess<'_>) -> RequestBuilder {
        let Guess { tenant, key, user, password } = guess;
        let post = |path: &str| caller.request(Method::POST, path);
        let with_key = |request: RequestBuilder| request.header("Tenant-Id", tenant).header("Application-Key", key);
        let with_set =
            |request| with_key(request).header("User-Id", base64(user)).header("User-Password", base64(password));
        let free = "<d:FreeDnisAllocationRequest><d:phone>999</d:phone></d:FreeDnisAllocationRequest>";
        let resolve = "<g:ResolveCallRequest xmlns:g=\"urn:dnis-gateway:v1\"><g:dialled>999</g:dialled>\
                       </g:ResolveCallRequest>";
        let xml = |path: &str, body: String| post(path).header("Content-Type", "text/xml").body(body);
        match self {
            Self::RestKey => with_key(caller.request(Method::GET, "/interact/version/2/dnis/allocate/get/999")),
            Self::RestUser => with_set(post("/interact/version/2/dnis/allocate/free/999")),
            Self::SoapUser => with_set(xml("/interact/version/2/dnis/soap", envelope(free))),
            Self::SoapToken => with_key(xml("/interact/version/2/dnis/soap", secured(free, user, password))),
            Self::GmsSet => with_set(post("/genesys/1/service/request-access").form(&[("_id", "nobody's")])),
            Self::GmsBasic => {
                let user = if user == RIGHT.user { "node" } else { user };
                let request = post("/genesys/1/service/request-access").form(&[("_id", INTERACTION)]);
                request.basic_auth(user, Some(password))
            }
            Self::NativeSet => with_set(caller.request(Method::GET, "/gateway/v1/whoami")),
            Self::NativeBasic => caller.request(Method::GET, "/gateway/v1/whoami").basic_auth(user, Some(password)),
            Self::NativeSoapBasic => xml("/gateway/v1/soap", envelope(resolve)).basic_auth(user, Some(password)),
            Self::NativeSoapToken => xml("/gateway/v1/soap", secured(resolve, user, password)),
            Self::AiccToken => {
                let (key, secret) = (
                    if key == RIGHT.key { "demo-key-0001" } else { key },
                    if password == RIGHT.password { "demo-secret-0001" } else { password },
                );
                let pair = serde_json::json!({ "app_key": key, "app_secret": secret });
                post("/apigovernance/api/oauth/tokenByAkSk").json(&pair)
            }
        }
    }

    async fn tell(self, caller: &Caller, from: &str, guess: Guess<'_>) -> Reply {
        send(self.request(caller, guess).header("X-Forwarded-For", from)).await
    }

    /// Whether the credentials were taken, whatever became of the request then.
    fn is_in(self, reply: &Reply) -> bool {
        !matches!(reply.status, 400 | 401 | 403 | 405 | 415 | 429) && !reply.text().contains("nauthorized")
    }
}

fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}

fn secured(payload: &str, user: &str, password: &str) -> String {
    let wsse = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
    let header = format!(
        "<soapenv:Header><s:Security xmlns:s=\"{wsse}\"><s:UsernameToken><s:Username>{user}</s:Username><s:Password>\
         {password}</s:Password></s:UsernameToken></s:Security></soapenv:Header>"
    );
    envelope(payload).replace("<soapenv:Header/>", &header)
}

/// All that a caller sees of an answer: status, headers and body. What differs from one moment to the next is made equal:
/// the date, the id of the request, and the seconds that are left of a block.
fn seen(reply: &Reply) -> String {
    let mut headers: Vec<_> = reply.headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
    headers.retain(|header| !header.starts_with("date:") && !header.starts_with("x-request-id:"));
    headers.sort();
    let seen = format!("{} {headers:?} {}", reply.status, reply.text());
    let left = reply.header("retry-after");
    if left.is_empty() {
        return seen;
    }
    assert!((1..=60).contains(&left.parse::<u64>().unwrap()), "{reply:?}");
    seen.replace(&format!("retry-after: \"{left}\""), "retry-after: N").replace(&format!("in {left} s"), "in N s")
}

/// The demo with a pair for GMS and nobody anonymous, believing what a proxy on this machine says of addresses.
async fn gateway() -> Gateway {
    let builder = Gateway::demo().with(|settings| {
        settings.access.failures = 10;
        settings.server.trusted_proxies = ["127.0.0.1".parse().unwrap()].into_iter().collect();
        settings.gms.anonymous_tenant = None;
        let tenant = settings.tenants.get_mut(&TenantId::new(TENANT).unwrap()).unwrap();
        let password_hash = tenant.users.get("admin").map(|user| user.hash.clone());
        tenant.gms.server = Credentials { username: Some("node".to_owned()), password_hash };
    });
    builder.start().await
}

async fn block(caller: &Caller, from: &str) {
    for _ in 0..10 {
        Way::RestKey.tell(caller, from, Guess { key: "not-a-key", ..RIGHT }).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_tell_a_guesser_nothing_before_a_block_and_nothing_during_it() {
    let gateway = gateway().await;
    let caller = gateway.caller();
    for (last, way) in (1..).zip(Way::ALL) {
        let (fresh, honest) = (format!("192.0.2.{last}"), format!("198.51.100.{last}"));
        let wrong = guesses().into_iter().filter(|guess| way.is_wrong(*guess));
        let mut told = Vec::new();
        for guess in wrong {
            told.push((guess, seen(&way.tell(caller, &fresh, guess).await)));
        }
        assert!(told.len() >= 3 && told.iter().all(|(_, seen)| *seen == told[0].1), "{way:?}: {told:#?}");
        // The right one is in everybody's memory, but it was never used from where the guesses come from.
        let right = way.tell(caller, &honest, RIGHT).await;
        assert!(way.is_in(&right), "{way:?}: {right:?}");
    }
    for from in ["203.0.113.1", "2001:db8:1:2::3"] {
        block(caller, from).await;
        for way in Way::ALL {
            let mut told = Vec::new();
            for guess in guesses() {
                told.push((guess, seen(&way.tell(caller, from, guess).await)));
            }
            assert!(told[0].1.starts_with("429 "), "{way:?} from {from}: {told:#?}");
            assert!(told.iter().all(|(_, seen)| *seen == told[0].1), "{way:?} from {from}: {told:#?}");
        }
        let key = Guess { key: OTHER_KEY, ..RIGHT };
        assert_eq!(Way::RestKey.tell(caller, from, key).await.status, 429, "a right key of another kind");
    }
    for way in Way::ALL {
        let beside = way.tell(caller, "2001:db8:1:2:ffff::4", RIGHT).await;
        assert_eq!(beside.status, 429, "{way:?} from another address of the /64: {beside:?}");
        let other = way.tell(caller, "2001:db8:1:3::4", RIGHT).await;
        assert!(way.is_in(&other), "{way:?} from another /64: {other:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_stop_nobody_who_is_known_at_the_same_address() {
    let gateway = gateway().await;
    let caller = gateway.caller();
    for way in Way::ALL {
        let right = way.tell(caller, "192.0.2.1", RIGHT).await;
        assert!(way.is_in(&right), "{way:?}: {right:?}");
    }
    block(caller, "192.0.2.1").await;
    for way in Way::ALL {
        let right = way.tell(caller, "192.0.2.1", RIGHT).await;
        assert!(way.is_in(&right), "{way:?}: {right:?}");
        let wrong = way.tell(caller, "192.0.2.1", Guess { key: "x", user: "x", password: "x", ..RIGHT }).await;
        assert_eq!(wrong.status, 429, "{way:?}: {wrong:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_48_is_blocked_however_many_addresses_it_guesses_from() {
    let gateway = gateway().await;
    let caller = gateway.caller();
    let mut refused = 0;
    for net in 0..300_u32 {
        let from = format!("2001:db8:7:{:x}::{:x}", net * 211, net + 1);
        let guess = Guess { key: "not-a-key", ..RIGHT };
        refused += u32::from(Way::RestKey.tell(caller, &from, guess).await.status == 429);
    }
    assert_eq!(refused, 300 - 160);
    assert_eq!(Way::RestUser.tell(caller, "2001:db8:7:ffff::1", RIGHT).await.status, 429);
    assert_ne!(Way::RestUser.tell(caller, "2001:db8:8::1", RIGHT).await.status, 429);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_told_so_no_sooner_than_the_dearest_hash_takes() {
    const CHEAP: &str = "$argon2id$v=19$m=8,t=1,p=1$muM/Ycl/N/yy9qB4rJKzSw$F9clZuJVvQ1Z/qqEC0bS1STBby6I1e7MhzChdS3bhaI";
    let dear = hash_secret(&"password".to_owned().into()).unwrap();
    let user = |hash: &str| User { hash: PasswordHash::new(hash).unwrap(), role: Role::default() };
    let builder = Gateway::demo().with(|settings| {
        let users = &mut settings.tenants.get_mut(&TenantId::new(TENANT).unwrap()).unwrap().users;
        users.insert("admin".to_owned(), user(CHEAP));
        users.insert("dear".to_owned(), user(&dear));
    });
    let gateway = builder.start().await;
    // In turn, and the shortest of many: whatever else the machine does delays both alike. Without the rule the cheap hash and
    // the unknown user are answered in a hundredth of the time.
    for user in ["admin", "dear", "nobody"] {
        let (mut wrong, mut hash) = (Duration::MAX, Duration::MAX);
        for _ in 0..8 {
            let begun = Instant::now();
            Way::NativeBasic.tell(gateway.caller(), "192.0.2.1", Guess { user, password: "wrong", ..RIGHT }).await;
            wrong = wrong.min(begun.elapsed());
            let begun = Instant::now();
            hash_secret(&"wrong".to_owned().into()).unwrap();
            hash = hash.min(begun.elapsed());
        }
        assert!(wrong * 3 > hash, "{user}: {wrong:?}, while a hash takes {hash:?}");
    }
}
