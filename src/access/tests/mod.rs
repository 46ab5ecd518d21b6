//! The gate as a whole, with a clock that the tests move by hand.

mod blocks;
mod cost;
mod roles;

use std::time::Duration;

use actix_web::http::header::{HeaderName, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;

use super::*;
use crate::config;
use crate::domain::{Seconds, TenantId};

/// The hash of `password`, cheap.
const PASSWORD: &str = "$argon2id$v=19$m=8,t=1,p=1$muM/Ycl/N/yy9qB4rJKzSw$F9clZuJVvQ1Z/qqEC0bS1STBby6I1e7MhzChdS3bhaI";
/// The hash of `other`, cheap.
const OTHER: &str = "$argon2id$v=19$m=8,t=1,p=1$ywmz379pY+jYC4657LWtwg$4DbUr2piKbxXPnQ68sZ/ENxwSGj3lkYjuLRSjONiYEA";

/// A gate, its settings and its clock.
struct Gate {
    access: Access,
    settings: Arc<Settings>,
    time: Arc<Mutex<Instant>>,
}

/// Who was let in, whatever the settings of the call were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entered {
    pub(super) scope: Scope,
    pub(super) identity: Identity,
}

impl From<Principal<'_>> for Entered {
    fn from(principal: Principal<'_>) -> Self {
        assert_eq!(principal.tenant.id, principal.scope.tenant);
        Self { scope: principal.scope, identity: principal.identity }
    }
}

impl Gate {
    fn new(settings: &str) -> Self {
        let settings = Arc::new(load(settings));
        let time = Arc::new(Mutex::new(Instant::now()));
        let clock = time.clone();
        Self { access: Access::with_clock(&settings.access, Arc::new(move || *clock.lock())), settings, time }
    }

    fn reload(&mut self, settings: &str) {
        self.settings = Arc::new(load(settings));
    }

    fn attempt<'a>(&'a self, headers: &'a HeaderMap, source: IpAddr) -> Attempt<'a> {
        Attempt { headers, source, settings: &self.settings }
    }

    fn later(&self, seconds: u64) {
        *self.time.lock() += Duration::from_secs(seconds);
    }

    async fn interact(&self, headers: &[(&str, &str)], right: Right) -> Result<Entered, Denied> {
        let headers = map(headers);
        self.access.interact(self.attempt(&headers, source(1)), None, right).await.map(Entered::from)
    }

    async fn gms(&self, headers: &[(&str, &str)], section: GmsSection<'_>) -> Result<Entered, Denied> {
        let headers = map(headers);
        self.access.gms(self.attempt(&headers, source(1)), section, Effect::Changes).await.map(Entered::from)
    }
}

fn load(settings: &str) -> Settings {
    let settings = settings.replace("{password}", PASSWORD).replace("{other}", OTHER);
    Settings::from_toml(&settings).unwrap_or_else(|problems| panic!("{problems}"))
}

fn source(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

fn map(headers: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap());
    }
    map
}

fn base64(text: &str) -> String {
    STANDARD.encode(text)
}

/// The header set with this key, and with a user where there is one.
fn set<'a>(key: &'a str, user: Option<(&'a str, &'a str)>) -> Vec<(&'a str, String)> {
    let mut headers = vec![("tenant-id", "a".to_owned()), ("application-key", key.to_owned())];
    if let Some((name, password)) = user {
        headers.extend([("user-id", base64(name)), ("user-password", base64(password))]);
    }
    headers
}

fn borrowed<'a>(headers: &'a [(&'a str, String)]) -> Vec<(&'a str, &'a str)> {
    headers.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

fn cause<T>(result: &Result<T, Denied>) -> Option<Cause> {
    result.as_ref().err().map(|denied| denied.cause)
}

const TENANT: &str = "
[[tenant]]
id = 'a'
users = [{ name = 'admin', password_hash = '{password}' }]
applications = [
    { name = 'numbers', kind = 'dnis', key = 'dnis-key' },
    { name = 'web', kind = 'interaction', key = 'web-key' },
]
";

const ADMIN: Option<(&str, &str)> = Some(("admin", "password"));
const WRONG: Option<(&str, &str)> = Some(("admin", "wrong"));
const NOBODY: Option<(&str, &str)> = Some(("nobody", "password"));

#[tokio::test]
async fn each_right_needs_its_kind_of_key_and_some_a_user() {
    let gate = Gate::new(TENANT);
    let table = [
        (Right::Allocate, "web-key", None, None),
        (Right::Allocate, "dnis-key", None, None),
        (Right::Allocate, "no-key", None, Some(Cause::WrongKey)),
        (Right::Get, "dnis-key", None, None),
        (Right::Get, "web-key", None, Some(Cause::WrongKindOfKey)),
        (Right::Free, "dnis-key", ADMIN, None),
        (Right::Free, "dnis-key", None, Some(Cause::Missing)),
        (Right::Free, "web-key", ADMIN, Some(Cause::WrongKindOfKey)),
        (Right::Free, "dnis-key", WRONG, Some(Cause::WrongPassword)),
        (Right::Create, "dnis-key", ADMIN, None),
        (Right::Create, "dnis-key", NOBODY, Some(Cause::WrongPassword)),
        (Right::Manage, "dnis-key", ADMIN, None),
        (Right::Manage, "dnis-key", None, Some(Cause::Missing)),
        (Right::Read, "dnis-key", ADMIN, None),
        (Right::Read, "dnis-key", None, Some(Cause::Missing)),
        (Right::Read, "web-key", ADMIN, Some(Cause::WrongKindOfKey)),
        // A call that needs no user does not look at one.
        (Right::Get, "dnis-key", WRONG, None),
        (Right::Allocate, "web-key", WRONG, None),
    ];
    for (right, key, user, expected) in table {
        let result = gate.interact(&borrowed(&set(key, user)), right).await;
        assert_eq!(cause(&result), expected, "{right:?} {key} {user:?}");
    }
}

#[tokio::test]
async fn a_principal_says_whose_data_it_is_and_how_the_caller_is_known() {
    let gate = Gate::new(TENANT);
    let principal = gate.interact(&borrowed(&set("dnis-key", ADMIN)), Right::Free).await.unwrap();
    assert_eq!(principal.scope, Scope { tenant: TenantId::new("a").unwrap(), environment: None });
    assert_eq!(
        principal.identity,
        Identity::Application {
            name: "numbers".parse().unwrap(),
            kind: ApplicationKind::Dnis,
            user: Some("admin".into())
        }
    );
}

#[tokio::test]
async fn calls_without_credentials_or_with_unreadable_ones_are_refused() {
    let gate = Gate::new(TENANT);
    for (headers, expected) in [
        (&[][..], Cause::Missing),
        (&[("tenant-id", "a")], Cause::Missing),
        (&[("application-key", "dnis-key")], Cause::Missing),
        (&[("tenant-id", "b"), ("application-key", "dnis-key")], Cause::Missing),
        (&[("tenant-id", "a"), ("tenant-id", "a"), ("application-key", "dnis-key")], Cause::Malformed),
        (&[("tenant-id", "a"), ("application-key", "dnis-key"), ("user-id", "YQ==")], Cause::Missing),
        (
            &[("tenant-id", "a"), ("application-key", "dnis-key"), ("user-id", "?"), ("user-password", "?")],
            Cause::Malformed,
        ),
    ] {
        let denied = gate.interact(headers, Right::Free).await.unwrap_err();
        assert_eq!(denied.cause, expected, "{headers:?}");
        assert_eq!(denied.refusal, Refusal::Unauthorized { realm: config::DEFAULT_REALM.into() });
    }
}

#[tokio::test]
async fn a_tenant_with_environments_is_called_with_one_of_them() {
    let gate = Gate::new(&format!("{TENANT}environments = ['Prod', 'test']"));
    let call = async |environment: Option<&str>| {
        let mut headers = set("dnis-key", None);
        headers.extend(environment.map(|name| ("environment-name", name.to_owned())));
        gate.interact(&borrowed(&headers), Right::Get).await
    };
    let scope = call(Some("PROD")).await.unwrap().scope;
    assert_eq!(scope.environment, Some(EnvironmentName::new("prod").unwrap()));
    for wrong in [None, Some(" "), Some("dev")] {
        assert_eq!(cause(&call(wrong).await), Some(Cause::Environment), "{wrong:?}");
    }
}

#[tokio::test]
async fn a_tenant_without_environments_ignores_the_header() {
    let gate = Gate::new(TENANT);
    let mut headers = set("dnis-key", None);
    headers.push(("environment-name", "prod".into()));
    assert_eq!(gate.interact(&borrowed(&headers), Right::Get).await.unwrap().scope.environment, None);
}

#[tokio::test]
async fn unknown_tenants_and_wrong_keys_count_as_failures_and_left_out_headers_do_not() {
    let blocked_by = async |headers: &[(&str, &str)], right| {
        let gate = Gate::new(TENANT);
        for _ in 0..10 {
            gate.interact(headers, right).await.unwrap_err();
        }
        cause(&gate.interact(headers, right).await) == Some(Cause::Blocked)
    };
    assert!(blocked_by(&[("tenant-id", "x"), ("application-key", "dnis-key")], Right::Get).await);
    assert!(blocked_by(&[("tenant-id", "a"), ("application-key", "x")], Right::Get).await);
    assert!(!blocked_by(&[("tenant-id", "a"), ("application-key", "web-key")], Right::Get).await);
    assert!(!blocked_by(&[], Right::Free).await);
    // Without the user that the call needs the key is not looked at, so this is no guess at it.
    for key in ["dnis-key", "x"] {
        assert!(!blocked_by(&[("tenant-id", "a"), ("application-key", key)], Right::Free).await, "{key}");
    }
}

#[tokio::test]
async fn a_verified_password_is_not_hashed_again_until_it_was_out_of_use_for_its_lifetime() {
    let gate = Gate::new(TENANT);
    let right = set("dnis-key", ADMIN);
    assert!(gate.interact(&borrowed(&right), Right::Free).await.is_ok());
    // With nobody to verify, only the memory can let anyone in.
    let idle = gate.access.verifier.places().stop();
    assert!(gate.interact(&borrowed(&right), Right::Free).await.is_ok());
    gate.later(300);
    assert_eq!(cause(&gate.interact(&borrowed(&right), Right::Free).await), Some(Cause::Busy));
    drop(idle);
    assert!(gate.interact(&borrowed(&right), Right::Free).await.is_ok());
}

#[tokio::test]
async fn a_changed_password_holds_from_the_reload_on() {
    let mut gate = Gate::new(TENANT);
    let old = set("dnis-key", ADMIN);
    assert!(gate.interact(&borrowed(&old), Right::Free).await.is_ok());
    gate.reload(&TENANT.replace("{password}", "{other}"));
    assert_eq!(cause(&gate.interact(&borrowed(&old), Right::Free).await), Some(Cause::WrongPassword));
    let new = set("dnis-key", Some(("admin", "other")));
    assert!(gate.interact(&borrowed(&new), Right::Free).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_come_at_once_with_the_same_password_one_pays_for_all() {
    let gate = Gate::new(&format!("[access]\nverifications = 1\n{TENANT}"));
    let results = at_once(&gate, ADMIN).await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(gate.access.verifications(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn guesses_in_parallel_do_not_get_past_the_limit() {
    let gate = Gate::new(&format!("[access]\nverifications = 1\n{TENANT}"));
    let results = at_once(&gate, WRONG).await;
    let with = |wanted| results.iter().filter(|result| cause(result) == Some(wanted)).count();
    assert_eq!((with(Cause::WrongPassword), with(Cause::Blocked)), (10, 54));
    assert_eq!(gate.access.verifications(), 10);
}

/// 64 calls that need a user, all at once.
async fn at_once(gate: &Gate, user: Option<(&str, &str)>) -> Vec<Result<(), Denied>> {
    let headers = Arc::new(map(&borrowed(&set("dnis-key", user))));
    let calls: Vec<_> = (0..64)
        .map(|_| {
            let (access, headers, settings) = (gate.access.clone(), headers.clone(), gate.settings.clone());
            tokio::spawn(async move {
                let attempt = Attempt { headers: &headers, source: source(1), settings: &settings };
                access.interact(attempt, None, Right::Free).await.map(drop)
            })
        })
        .collect();
    let mut results = Vec::new();
    for call in calls {
        results.push(call.await.unwrap());
    }
    results
}

/// The services and the storage of GMS, with the pairs that are configured for them.
fn gms(pairs: &str) -> String {
    format!("[gms]\nanonymous_tenant = 'a'\n{TENANT}[tenant.gms]\n{pairs}")
}

const SERVER_USER: &str = "server.username = 'server'\n";
const SERVER_PASSWORD: &str = "server.password_hash = '{password}'\n";
const SERVICE_USER: &str = "service.request-access.username = 'service'\n";
const SERVICE_PASSWORD: &str = "service.request-access.password_hash = '{other}'\n";
const STORAGE: &str = "storage.username = 'storage'\nstorage.password_hash = '{other}'\n";
const SERVICE: GmsSection<'_> = GmsSection::Service("request-access");

#[tokio::test]
async fn basic_authentication_asks_for_the_effective_pair_of_each_section() {
    let server = [SERVER_USER, SERVER_PASSWORD].concat();
    let service = [SERVICE_USER, SERVICE_PASSWORD].concat();
    let both = [server.as_str(), &service].concat();
    let matching = GmsSection::Service("match-interaction");
    let unknown = GmsSection::Service("no-such-service");
    // Configured, section, presented, whether it is let in.
    let table: Vec<(String, GmsSection<'_>, Option<&str>, bool)> = vec![
        (server.clone(), SERVICE, Some("server:password"), true),
        (server.clone(), SERVICE, Some("server:wrong"), false),
        (server.clone(), SERVICE, Some("wrong:password"), false),
        (server.clone(), SERVICE, None, false),
        (server.clone(), unknown, None, false),
        (server.clone(), GmsSection::Storage, Some("wrong:password"), false),
        (server.clone(), GmsSection::Storage, Some("server:password"), true),
        (service.clone(), SERVICE, Some("service:other"), true),
        (service.clone(), SERVICE, Some("service:wrong"), false),
        (service.clone(), SERVICE, None, false),
        (service.clone(), matching, None, true),
        (service.clone(), matching, Some("service:wrong"), true),
        (service.clone(), GmsSection::Storage, Some("anybody:at all"), true),
        (both.clone(), SERVICE, Some("service:other"), true),
        (both.clone(), SERVICE, Some("server:password"), false),
        (both.clone(), SERVICE, Some("server:other"), false),
        (both.clone(), SERVICE, Some("service:password"), false),
        (both.clone(), matching, Some("server:password"), true),
        (both.clone(), matching, Some("service:other"), false),
        (SERVER_USER.into(), SERVICE, None, true),
        (SERVICE_USER.into(), SERVICE, None, true),
        (SERVICE_USER.into(), SERVICE, Some("service:wrong"), true),
        (SERVER_PASSWORD.into(), SERVICE, None, false),
        (SERVER_PASSWORD.into(), SERVICE, Some(":password"), true),
        (SERVER_PASSWORD.into(), SERVICE, Some("any:password"), true),
        (SERVER_PASSWORD.into(), SERVICE, Some("any:wrong"), false),
        (SERVICE_PASSWORD.into(), SERVICE, None, false),
        (SERVICE_PASSWORD.into(), matching, None, true),
        ([SERVER_USER, SERVICE_PASSWORD].concat(), SERVICE, Some("server:other"), true),
        ([SERVER_USER, SERVICE_PASSWORD].concat(), SERVICE, Some("server:password"), false),
        ([&server, SERVICE_PASSWORD].concat(), SERVICE, Some("server:other"), true),
        ([&server, SERVICE_PASSWORD].concat(), SERVICE, Some("server:password"), false),
        ([&server, SERVICE_USER].concat(), SERVICE, Some("service:password"), true),
        ([&server, SERVICE_USER].concat(), SERVICE, Some("server:password"), false),
        ([SERVER_PASSWORD, SERVICE_USER].concat(), SERVICE, Some("service:password"), true),
        ([SERVER_PASSWORD, SERVICE_USER].concat(), SERVICE, Some("other:password"), false),
        (STORAGE.into(), GmsSection::Storage, Some("storage:other"), true),
        (STORAGE.into(), GmsSection::Storage, None, false),
        (STORAGE.into(), SERVICE, None, true),
        ([&server, STORAGE].concat(), GmsSection::Storage, Some("server:password"), false),
        ([&server, STORAGE].concat(), GmsSection::Storage, Some("storage:other"), true),
    ];
    for (configured, section, presented, let_in) in table {
        let gate = Gate::new(&gms(&configured));
        let header = presented.map(|pair| format!("Basic {}", base64(pair)));
        let headers: Vec<(&str, &str)> = header.iter().map(|header| ("authorization", header.as_str())).collect();
        // Twice: the second time the memory of verified credentials has a say.
        for time in ["first", "second"] {
            let result = gate.gms(&headers, section).await;
            assert_eq!(result.is_ok(), let_in, "{time} {configured} {section:?} {presented:?}");
        }
    }
}

#[tokio::test]
async fn a_password_that_two_users_share_opens_only_their_own_sections() {
    let pairs = [SERVER_USER, SERVER_PASSWORD, "storage.username = 'storage'\n"].concat();
    let gate = Gate::new(&gms(&pairs));
    let storage = format!("Basic {}", base64("storage:password"));
    assert!(gate.gms(&[("authorization", &storage)], GmsSection::Storage).await.is_ok());
    let result = gate.gms(&[("authorization", &storage)], SERVICE).await;
    assert_eq!(cause(&result), Some(Cause::WrongPassword));
}

#[tokio::test]
async fn a_garbled_basic_header_matters_only_where_a_password_is_asked_for() {
    let garbled = [("authorization", "Basic ???")];
    assert!(Gate::new(&gms("")).gms(&garbled, SERVICE).await.is_ok());
    let asking = Gate::new(&gms(&[SERVER_USER, SERVER_PASSWORD].concat()));
    assert_eq!(cause(&asking.gms(&garbled, SERVICE).await), Some(Cause::Malformed));
}

#[tokio::test]
async fn a_presented_header_set_must_be_right_and_is_enough() {
    let gate = Gate::new(&gms(&[SERVER_USER, SERVER_PASSWORD].concat()));
    let basic = format!("Basic {}", base64("server:password"));
    for (key, user, expected) in [
        ("dnis-key", None, None),
        ("web-key", None, None),
        ("dnis-key", ADMIN, None),
        ("dnis-key", WRONG, Some(Cause::WrongPassword)),
        ("no-key", None, Some(Cause::WrongKey)),
    ] {
        let mut headers = set(key, user);
        assert_eq!(cause(&gate.gms(&borrowed(&headers), SERVICE).await), expected, "{key} {user:?}");
        headers.push(("authorization", basic.clone()));
        assert_eq!(cause(&gate.gms(&borrowed(&headers), SERVICE).await), expected, "{key} {user:?} with Basic");
    }
    let incomplete = gate.gms(&[("tenant-id", "a"), ("authorization", &basic)], SERVICE).await;
    assert_eq!(cause(&incomplete), Some(Cause::Missing));
}

#[tokio::test]
async fn without_an_anonymous_tenant_calls_without_credentials_are_refused() {
    let gate = Gate::new(TENANT);
    assert_eq!(cause(&gate.gms(&[], SERVICE).await), Some(Cause::Missing));
    let anonymous = Gate::new(&gms("")).gms(&[], SERVICE).await.unwrap();
    assert_eq!(anonymous.identity, Identity::Anonymous);
}

/// Two tenants with GMS users, the second with environments; the first is the anonymous one where `{anonymous}` is set.
const TWO: &str = "
[gms]
{anonymous}
environment = 'prod'
[[tenant]]
id = 'a'
gms.storage = { username = 'a-user', password_hash = '{password}' }
[[tenant]]
id = 'b'
environments = ['prod', 'test']
gms.server = { realm = 'b realm' }
gms.storage = { username = 'b-user', password_hash = '{other}' }
";

#[tokio::test]
async fn a_basic_user_tells_the_tenant() {
    let gate = Gate::new(&TWO.replace("{anonymous}", ""));
    let call = async |pair: &str, section| {
        let basic = format!("Basic {}", base64(pair));
        gate.gms(&[("authorization", &basic)], section).await
    };
    let principal = call("b-user:other", GmsSection::Storage).await.unwrap();
    assert_eq!(principal.identity, Identity::Basic("b-user".into()));
    assert_eq!(principal.scope.to_string(), "b/prod");
    assert_eq!(call("a-user:password", GmsSection::Storage).await.unwrap().scope.to_string(), "a");
    assert_eq!(cause(&call("a-user:other", GmsSection::Storage).await), Some(Cause::WrongPassword));
    // The service asks for no password, so the name proves nothing, and there is no anonymous tenant.
    assert!(call("b-user:other", SERVICE).await.is_err());
}

#[tokio::test]
async fn a_name_that_nothing_proves_is_anonymous() {
    let gate = Gate::new(&TWO.replace("{anonymous}", "anonymous_tenant = 'a'"));
    let basic = format!("Basic {}", base64("b-user:whatever"));
    let principal = gate.gms(&[("authorization", &basic)], SERVICE).await.unwrap();
    assert_eq!((principal.scope.to_string(), principal.identity), ("a".to_owned(), Identity::Anonymous));
}

#[tokio::test]
async fn the_environment_header_goes_before_the_configured_one() {
    let gate = Gate::new(&TWO.replace("{anonymous}", "anonymous_tenant = 'b'").replace("gms.storage", "#"));
    let scope = async |environment: &str| gate.gms(&[("environment-name", environment)], SERVICE).await;
    assert_eq!(scope("TEST").await.unwrap().scope.to_string(), "b/test");
    assert_eq!(scope(" ").await.unwrap().scope.to_string(), "b/prod");
    assert_eq!(cause(&scope("dev").await), Some(Cause::Environment));
}

#[tokio::test]
async fn the_realm_is_the_same_whatever_was_presented() {
    let realm = async |settings: &str, pair: &str| {
        let basic = format!("Basic {}", base64(pair));
        match Gate::new(settings).gms(&[("authorization", &basic)], GmsSection::Storage).await.unwrap_err().refusal {
            Refusal::Unauthorized { realm } => realm,
            other => panic!("{other:?}"),
        }
    };
    let anonymous = TWO.replace("{anonymous}", "anonymous_tenant = 'b'");
    for pair in ["a-user:wrong", "b-user:wrong", "nobody:wrong"] {
        assert_eq!(realm(&TWO.replace("{anonymous}", ""), pair).await, config::DEFAULT_REALM);
        assert_eq!(realm(&anonymous, pair).await, "b realm");
    }
    let only =
        gms(&[SERVER_USER, SERVER_PASSWORD, "server.realm = 'mine'"].concat()).replace("anonymous_tenant = 'a'", "");
    assert_eq!(realm(&only, "nobody:wrong").await, "mine");
}

#[tokio::test]
async fn a_basic_header_is_ignored_only_where_no_tenant_asks_for_a_password() {
    let gate =
        Gate::new(&TWO.replace("{anonymous}", "anonymous_tenant = 'a'").replace("gms.storage = { username = 'a", "#"));
    let call = async |pair: &str, section| {
        let basic = format!("Basic {}", base64(pair));
        cause(&gate.gms(&[("authorization", &basic)], section).await)
    };
    for pair in ["b-user:wrong", "nobody:wrong"] {
        assert_eq!(call(pair, GmsSection::Storage).await, Some(Cause::WrongPassword), "{pair}");
        assert_eq!(call(pair, SERVICE).await, None, "{pair}");
    }
    assert_eq!(cause(&gate.gms(&[("authorization", "Basic ???")], GmsSection::Storage).await), Some(Cause::Malformed));
    assert!(gate.gms(&[], GmsSection::Storage).await.is_ok(), "nothing presented");
}

#[tokio::test]
async fn too_many_wrong_basic_passwords_block_too() {
    let gate = Gate::new(&gms(&[SERVER_USER, SERVER_PASSWORD].concat()));
    let (right, wrong) = (base64("server:password"), base64("server:wrong"));
    let call = async |pair: &str| gate.gms(&[("authorization", &format!("Basic {pair}"))], SERVICE).await;
    assert!(call(&right).await.is_ok());
    for _ in 0..10 {
        assert_eq!(cause(&call(&wrong).await), Some(Cause::WrongPassword));
    }
    assert_eq!(cause(&call(&wrong).await), Some(Cause::Blocked));
    assert!(call(&right).await.is_ok(), "it was verified before");
    assert_eq!(cause(&gate.gms(&[], SERVICE).await), Some(Cause::Missing), "it still gets its challenge");
}
