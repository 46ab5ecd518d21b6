//! What a wrong guess costs: the same whatever is wrong with it, and never less than the dearest hash. Work is counted
//! here, in KiB that hashes go over, and not timed.

use super::*;
use crate::config::PasswordHash;

/// The hash of `password`, eight times as dear as the cheap one.
const DEAR: &str = "$argon2id$v=19$m=32,t=2,p=1$HqkgxzXLhlOFwptgF9bXhQ$NWtk6Qd6l8ZAfBzFZpSpDQgb3WlpWikzQUIo7icsaLg";
const CHEAP_WORK: u64 = 8;
const DEAR_WORK: u64 = 64;

/// Users whose hashes cost differently, in two tenants, and GMS sections of both.
const MIXED: &str = "
[access]
failures = 1000
[[tenant]]
id = 'a'
users = [{ name = 'admin', password_hash = '{password}' }, { name = 'dear', password_hash = '{dear}' }]
applications = [
    { name = 'numbers', kind = 'dnis', key = 'dnis-key' },
    { name = 'web', kind = 'interaction', key = 'web-key' },
]
gms.server = { username = 'node', password_hash = '{password}' }
[[tenant]]
id = 'b'
users = [{ name = 'other', password_hash = '{other}' }]
applications = [{ name = 'numbers', kind = 'dnis', key = 'b-key' }]
gms.storage = { username = 'store', password_hash = '{dear}' }
";

fn mixed() -> String {
    MIXED.replace("{dear}", DEAR)
}

/// Every kind of wrong guess that presents a password; gives what is wrong and the work that it took.
async fn wrong_guesses(gate: &Gate) -> Vec<(String, u64)> {
    let mut done = Vec::new();
    let mut note = |what: String, result: Result<Principal<'_>, Denied>| {
        assert!(matches!(result.unwrap_err().refusal, Refusal::Unauthorized { .. }), "{what}");
        done.push((what, gate.access.verifier.work()));
    };
    for (tenant, key, user) in [
        ("a", "dnis-key", "admin"),
        ("a", "dnis-key", "dear"),
        ("a", "dnis-key", "nobody"),
        ("b", "b-key", "other"),
        ("b", "b-key", "nobody"),
        ("a", "no-key", "admin"),
        ("b", "no-key", "nobody"),
        ("no-tenant", "dnis-key", "admin"),
    ] {
        let headers = [
            ("tenant-id", tenant.to_owned()),
            ("application-key", key.to_owned()),
            ("user-id", base64(user)),
            ("user-password", base64("wrong")),
        ];
        let headers = map(&borrowed(&headers));
        let attempt = gate.attempt(&headers, source(1));
        note(format!("Interact {tenant} {key} {user}"), gate.access.interact(attempt, None, Right::Free).await);
        note(format!("GMS {tenant} {key} {user}"), gate.access.gms(attempt, SERVICE, Effect::Changes).await);
        note(format!("native {tenant} {key} {user}"), gate.access.native(attempt, None).await);
    }
    for user in ["admin", "dear", "other", "node", "store", "nobody"] {
        let basic = format!("Basic {}", base64(&format!("{user}:wrong")));
        for tenant in [None, Some("a"), Some("no-tenant")] {
            let mut headers = map(&[("authorization", &basic)]);
            if let Some(tenant) = tenant {
                headers.insert(HeaderName::from_static("tenant-id"), HeaderValue::from_static(tenant));
            }
            note(
                format!("native Basic {tenant:?} {user}"),
                gate.access.native(gate.attempt(&headers, source(1)), None).await,
            );
        }
        let headers = map(&[("authorization", &basic)]);
        for section in [SERVICE, GmsSection::Storage] {
            note(
                format!("GMS Basic {section:?} {user}"),
                gate.access.gms(gate.attempt(&headers, source(1)), section, Effect::Changes).await,
            );
        }
    }
    done
}

#[tokio::test]
async fn every_wrong_guess_costs_the_same_and_no_less_than_the_dearest_hash() {
    let gate = Gate::new(&mixed());
    for (what, work) in wrong_guesses(&gate).await {
        assert_eq!(work, CHEAP_WORK + DEAR_WORK, "{what}");
    }
}

#[tokio::test]
async fn the_cost_follows_a_reload_in_both_directions() {
    let mut gate = Gate::new(MIXED.replace("{dear}", OTHER).as_str());
    assert!(wrong_guesses(&gate).await.iter().all(|(_, work)| *work == CHEAP_WORK));
    gate.reload(&mixed());
    assert!(wrong_guesses(&gate).await.iter().all(|(_, work)| *work == CHEAP_WORK + DEAR_WORK));
    gate.reload(&MIXED.replace("{dear}", OTHER));
    assert!(wrong_guesses(&gate).await.iter().all(|(_, work)| *work == CHEAP_WORK));
}

#[tokio::test]
async fn where_no_hash_is_configured_a_guess_costs_a_new_one() {
    let gate = Gate::new("[[tenant]]\nid = 'a'\n");
    let basic = format!("Basic {}", base64("nobody:wrong"));
    let headers = map(&[("authorization", &basic)]);
    gate.access.native(gate.attempt(&headers, source(1)), None).await.unwrap_err();
    assert_eq!(gate.access.verifier.work(), 19_456 * 2);
}

#[tokio::test]
async fn a_right_password_costs_its_own_hash_once_and_then_nothing_for_whoever_is_not_blocked() {
    let gate = Gate::new(&mixed());
    assert_eq!(PasswordHash::new(DEAR).unwrap().cost().memory, 32);
    for (user, own) in [("admin", CHEAP_WORK), ("dear", DEAR_WORK)] {
        for (last, work) in [(1, own), (1, 0), (2, 0)] {
            let headers = map(&borrowed(&set("dnis-key", Some((user, "password")))));
            assert!(
                gate.access.interact(gate.attempt(&headers, source(last)), None, Right::Free).await.is_ok(),
                "{user}"
            );
            assert_eq!(gate.access.verifier.work(), work, "{user} from {last}");
        }
    }
}

#[tokio::test]
async fn who_has_a_key_of_another_kind_makes_the_gateway_work_for_nothing_of_it() {
    let gate = Gate::new(&mixed());
    for user in [ADMIN, WRONG, NOBODY] {
        let result = gate.interact(&borrowed(&set("web-key", user)), Right::Free).await;
        assert_eq!(cause(&result), Some(Cause::WrongKindOfKey));
    }
    assert_eq!(gate.access.verifier.work(), 0);
}

#[tokio::test]
async fn who_finds_no_place_is_told_so_whatever_was_presented() {
    let gate = Gate::new(&mixed());
    let _places = gate.access.verifier.places().stop();
    for user in [NOBODY, WRONG, ADMIN] {
        let denied = gate.interact(&borrowed(&set("dnis-key", user)), Right::Free).await.unwrap_err();
        assert_eq!(denied.cause, Cause::Busy, "{user:?}");
        assert_eq!(denied.refusal, Refusal::TooManyAttempts { retry_after: Seconds::new(1) });
    }
}
