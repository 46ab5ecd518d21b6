//! Who gets a token, and what a token opens.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use parking_lot::Mutex;

use super::*;
use crate::access::tests::Entered;

const SETTINGS: &str = r#"
[access]
failures = 3

[[tenant]]
id = "blue"
[[tenant.aicc.applications]]
app_key = "blue-key"
app_secret = "blue-secret"
[[tenant.aicc.applications]]
app_key = "blue-other"
app_secret = "other-secret"

[[tenant]]
id = "green"
environments = ["prod", "test"]
[[tenant.aicc.applications]]
app_key = "green-key"
app_secret = "green-secret"
environment = "Prod"
"#;

const KEY: SigningKey = SigningKey::new([7; 32]);
const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const SOURCE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

/// A gate whose clock the test moves.
struct Gate {
    access: Access,
    settings: Arc<Settings>,
    now: Arc<Mutex<Instant>>,
}

impl Gate {
    fn new() -> Self {
        let settings = Arc::new(Settings::from_toml(SETTINGS).unwrap());
        let now = Arc::new(Mutex::new(Instant::now()));
        let clock = Arc::clone(&now);
        let access = Access::with_clock(&settings.access, Arc::new(move || *clock.lock()));
        Self { access, settings, now }
    }

    fn pair(&self, key: &str, secret: &str) -> Result<Scope, AiccDenied> {
        let attempt = Attempt { headers: &HeaderMap::new(), source: SOURCE, settings: &self.settings };
        self.access.aicc_application(attempt, key, &secret.to_owned().into())
    }

    fn token(&self, key: &str, secret: &str) -> String {
        let scope = self.pair(key, secret).unwrap();
        Token::new(key.to_owned(), scope, NOW, Seconds::new(600)).signed(&KEY)
    }

    fn enter(&self, list: &[(&str, &str)]) -> Result<Entered, AiccDenied> {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.append(HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap());
        }
        let attempt = Attempt { headers: &headers, source: SOURCE, settings: &self.settings };
        self.access.aicc(attempt, &KEY, NOW).map(Entered::from)
    }

    fn denied(&self, cause: Cause) -> u64 {
        self.access.denials().find(|(known, _)| *known == cause).unwrap().1
    }

    fn reload(&mut self, change: impl FnOnce(String) -> String) {
        self.settings = Arc::new(Settings::from_toml(&change(SETTINGS.to_owned())).unwrap());
    }
}

#[test]
fn a_right_pair_tells_tenant_and_environment() {
    let gate = Gate::new();
    assert_eq!(gate.pair("blue-key", "blue-secret").unwrap().to_string(), "blue");
    assert_eq!(gate.pair("green-key", "green-secret").unwrap().to_string(), "green/prod");
}

#[test]
fn every_wrong_pair_is_told_the_same() {
    let gate = Gate::new();
    for (key, secret) in [
        ("blue-key", "green-secret"),
        ("nobody", "blue-secret"),
        ("blue-key ", "blue-secret"),
        ("blue-key", ""),
        ("", "blue-secret"),
        ("BLUE-KEY", "blue-secret"),
    ] {
        let gate =
            Gate { access: Access::new(&gate.settings.access), settings: gate.settings.clone(), now: gate.now.clone() };
        assert_eq!(gate.pair(key, secret), Err(AiccDenied::Forbidden), "{key} {secret}");
        assert_eq!(gate.denied(Cause::WrongPassword), 1);
    }
}

#[test]
fn guesses_are_blocked_for_a_while_and_a_pair_that_was_right_before_is_served_all_the_same() {
    let gate = Gate::new();
    gate.pair("blue-key", "blue-secret").unwrap();
    for _ in 0..3 {
        assert_eq!(gate.pair("blue-key", "guess"), Err(AiccDenied::Forbidden));
    }
    let blocked = Err(AiccDenied::TooManyAttempts { retry_after: Seconds::new(60) });
    assert_eq!(gate.pair("blue-key", "guess"), blocked);
    assert_eq!(gate.pair("blue-other", "other-secret"), blocked, "it was not right before");
    gate.pair("blue-key", "blue-secret").unwrap();
    assert_eq!(gate.pair("green-key", "green-secret"), blocked, "it was not right before, whatever the tenant");
    *gate.now.lock() += Duration::from_secs(60);
    gate.pair("blue-other", "other-secret").unwrap();
}

#[test]
fn a_token_opens_what_its_application_may_see() {
    let gate = Gate::new();
    let bearer = format!("Bearer {}", gate.token("green-key", "green-secret"));
    let principal = gate.enter(&[("authorization", &bearer)]).unwrap();
    assert_eq!(principal.scope.to_string(), "green/prod");
    assert_eq!(principal.identity, Identity::AiccApplication("green-key".to_owned()));
}

#[test]
fn the_scheme_is_read_in_any_case_and_followed_by_exactly_one_space() {
    let gate = Gate::new();
    let token = gate.token("blue-key", "blue-secret");
    for right in [format!("Bearer {token}"), format!("bearer {token}"), format!("BEARER {token} ")] {
        assert!(gate.enter(&[("authorization", &right)]).is_ok(), "{right}");
    }
    for wrong in [
        format!("Bearer  {token}"),
        format!("Bearer{token}"),
        format!("Bearer\t{token}"),
        format!("Basic {token}"),
        token.clone(),
        format!("Bearer {token} {token}"),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "Bearer x".to_owned(),
        "€".to_owned(),
    ] {
        assert_eq!(gate.enter(&[("authorization", &wrong)]), Err(AiccDenied::Forbidden), "{wrong}");
    }
    assert_eq!(gate.enter(&[]), Err(AiccDenied::Forbidden));
    let one = format!("Bearer {token}");
    assert_eq!(gate.enter(&[("authorization", &one), ("authorization", &one)]), Err(AiccDenied::Forbidden));
}

#[test]
fn the_key_in_the_header_may_be_left_out_but_not_be_anothers() {
    let gate = Gate::new();
    let bearer = format!("Bearer {}", gate.token("blue-key", "blue-secret"));
    let with = |name: &str, key: &str| gate.enter(&[("authorization", &bearer), (name, key)]);
    for spelling in ["X-APP-Key", "X-APP-KEY", "x-app-key"] {
        assert!(with(spelling, "blue-key").is_ok());
        assert_eq!(with(spelling, "blue-other"), Err(AiccDenied::Forbidden));
        assert_eq!(with(spelling, "BLUE-KEY"), Err(AiccDenied::Forbidden));
    }
    assert_eq!(gate.denied(Cause::KeyOfAnother), 6);
    assert!(with("X-APP-Key", "").is_ok(), "blank is as good as left out");
    assert!(with("X-TenantSpaceID", "4711").is_ok());
    assert!(with("X-UserID", "4711").is_ok());
}

#[test]
fn a_token_is_worth_nothing_once_its_application_is_gone_or_works_elsewhere() {
    let mut gate = Gate::new();
    let bearer = format!("Bearer {}", gate.token("green-key", "green-secret"));
    gate.reload(|settings| settings.replace("\"Prod\"", "\"test\""));
    assert_eq!(gate.enter(&[("authorization", &bearer)]), Err(AiccDenied::Forbidden));
    gate.reload(|settings| settings.replace("green-key", "green-new"));
    assert_eq!(gate.enter(&[("authorization", &bearer)]), Err(AiccDenied::Forbidden));
    assert_eq!(gate.denied(Cause::Token), 2);
    gate.reload(|settings| settings);
    assert!(gate.enter(&[("authorization", &bearer)]).is_ok());
}

#[test]
fn a_suspended_tenant_is_told_so_but_only_to_those_with_right_credentials() {
    let mut gate = Gate::new();
    let bearer = format!("Bearer {}", gate.token("blue-key", "blue-secret"));
    gate.reload(|settings| settings.replace("id = \"blue\"", "id = \"blue\"\naicc.suspended = true"));
    assert_eq!(gate.enter(&[("authorization", &bearer)]), Err(AiccDenied::Suspended));
    assert_eq!(gate.pair("blue-key", "blue-secret"), Err(AiccDenied::Suspended));
    assert_eq!(gate.pair("blue-key", "guess"), Err(AiccDenied::Forbidden));
    assert!(gate.pair("green-key", "green-secret").is_ok());
}

#[test]
fn bad_tokens_are_no_guesses_and_block_nobody() {
    let gate = Gate::new();
    for _ in 0..20 {
        assert_eq!(gate.enter(&[("authorization", "Bearer a.b")]), Err(AiccDenied::Forbidden));
    }
    gate.pair("blue-key", "blue-secret").unwrap();
}
