//! What a role lets a user do, and whom the gate takes for whose user.

use super::*;
use crate::config::Role;
use secrecy::SecretString;

const ROLES: &str = "
[[admin.users]]
name = 'root'
password_hash = '{other}'
role = 'admin'
[[admin.users]]
name = 'guest'
password_hash = '{other}'
role = 'viewer'

[[tenant]]
id = 'a'
users = [
    { name = 'admin', password_hash = '{password}', role = 'admin' },
    { name = 'clerk', password_hash = '{password}' },
    { name = 'looker', password_hash = '{password}', role = 'viewer' },
    { name = 'both', password_hash = '{password}' },
]
applications = [
    { name = 'numbers', kind = 'dnis', key = 'dnis-key' },
    { name = 'web', kind = 'interaction', key = 'web-key' },
]

[[tenant]]
id = 'b'
environments = ['prod']
users = [{ name = 'both', password_hash = '{other}', role = 'viewer' }]
applications = [{ name = 'numbers', kind = 'dnis', key = 'key-of-b' }]
";

const LOOKER: Option<(&str, &str)> = Some(("looker", "password"));
const GUEST: Option<(&str, &str)> = Some(("guest", "other"));

/// Who came in natively, in which role, over what; or why nobody did.
async fn native(gate: &Gate, headers: &[(&str, &str)]) -> Result<(Role, Extent, String), Cause> {
    let headers = map(headers);
    let principal = gate.access.native(gate.attempt(&headers, source(1)), None).await;
    let told = |principal: Principal<'_>| (principal.role, principal.extent, principal.scope.tenant.to_string());
    principal.map(told).map_err(|denied| denied.cause)
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", base64(&format!("{user}:{password}")))
}

#[tokio::test]
async fn over_interact_a_viewer_reads_and_is_refused_whatever_changes_or_frees_something() {
    let gate = Gate::new(ROLES);
    for user in [LOOKER, GUEST] {
        for right in [Right::Get, Right::Read] {
            let result = gate.interact(&borrowed(&set("dnis-key", user)), right).await;
            assert_eq!(cause(&result), None, "{right:?} {user:?}");
        }
        // Allocate looks at no password: who says to be a viewer is one.
        for right in [Right::Allocate, Right::Free, Right::Create, Right::Manage] {
            let result = gate.interact(&borrowed(&set("dnis-key", user)), right).await;
            assert_eq!(cause(&result), Some(Cause::Role), "{right:?} {user:?}");
            let refused = result.unwrap_err().refusal;
            let wrong = gate.interact(&borrowed(&set("dnis-key", WRONG)), Right::Free).await.unwrap_err();
            assert_eq!(refused, wrong.refusal, "the same words as for a wrong password");
        }
    }
    for user in [("clerk", "password"), ("admin", "password"), ("root", "other")] {
        let result = gate.interact(&borrowed(&set("dnis-key", Some(user))), Right::Free).await;
        assert_eq!(cause(&result), None, "{user:?}");
    }
}

#[tokio::test]
async fn over_gms_a_viewer_that_the_header_set_names_reads_and_changes_nothing() {
    let gate = Gate::new(ROLES);
    let headers = map(&borrowed(&set("dnis-key", LOOKER)));
    for (section, effect, expected) in [
        (GmsSection::Storage, Effect::Reads, None),
        (GmsSection::Storage, Effect::Changes, Some(Cause::Role)),
        (GmsSection::Service("request-access"), Effect::Changes, Some(Cause::Role)),
    ] {
        let result = gate.access.gms(gate.attempt(&headers, source(1)), section, effect).await;
        assert_eq!(cause(&result), expected, "{section:?} {effect:?}");
    }
}

#[tokio::test]
async fn what_a_role_forbids_is_no_guess_and_blocks_nobody() {
    let gate = Gate::new(&format!("[access]\nfailures = 2\n{ROLES}"));
    for _ in 0..5 {
        let result = gate.interact(&borrowed(&set("dnis-key", LOOKER)), Right::Free).await;
        assert_eq!(cause(&result), Some(Cause::Role));
    }
    assert!(gate.access.denials().any(|(cause, count)| (cause, count) == (Cause::Role, 5)));
}

#[tokio::test]
async fn who_sees_all_tenants_names_the_one_that_a_call_is_about() {
    let gate = Gate::new(ROLES);
    let (root, wrong) = (basic("root", "other"), basic("root", "password"));
    let named = |tenant| vec![("authorization", root.as_str()), ("tenant-id", tenant)];
    assert_eq!(native(&gate, &named("a")).await, Ok((Role::Admin, Extent::Gateway, "a".to_owned())));
    let in_b = [named("b"), vec![("environment-name", "prod")]].concat();
    assert_eq!(native(&gate, &in_b).await, Ok((Role::Admin, Extent::Gateway, "b".to_owned())));
    assert_eq!(native(&gate, &named("b")).await, Err(Cause::Environment));
    assert_eq!(native(&gate, &named("c")).await, Err(Cause::WrongPassword));
    assert_eq!(native(&gate, &[("authorization", &root)]).await, Err(Cause::Missing));
    assert_eq!(native(&gate, &[("authorization", &wrong), ("tenant-id", "a")]).await, Err(Cause::WrongPassword));
    let by_set = borrowed_set("key-of-b", "b", ("root", "other"));
    assert_eq!(native(&gate, &borrowed(&by_set)).await, Ok((Role::Admin, Extent::Gateway, "b".to_owned())));
    let alone = Gate::new(ROLES.split("\n[[tenant]]\nid = 'b'").next().unwrap());
    assert_eq!(
        native(&alone, &[("authorization", &root)]).await,
        Ok((Role::Admin, Extent::Gateway, "a".to_owned())),
        "where there is one tenant it need not be named"
    );
}

/// The header set of a tenant.
fn borrowed_set(
    key: &'static str,
    tenant: &'static str,
    (name, password): (&str, &str),
) -> Vec<(&'static str, String)> {
    vec![
        ("tenant-id", tenant.to_owned()),
        ("environment-name", "prod".to_owned()),
        ("application-key", key.to_owned()),
        ("user-id", base64(name)),
        ("user-password", base64(password)),
    ]
}

#[tokio::test]
async fn a_tenants_user_keeps_to_its_tenant_and_role() {
    let gate = Gate::new(ROLES);
    let both = [("authorization", basic("both", "password"))];
    assert_eq!(native(&gate, &borrowed(&both)).await, Err(Cause::WrongPassword), "two tenants know the name");
    let clerk = [("authorization", basic("clerk", "password")), ("tenant-id", "b".to_owned())];
    assert_eq!(native(&gate, &borrowed(&clerk)).await, Err(Cause::WrongPassword));
    let looker = [("authorization", basic("looker", "password"))];
    assert_eq!(native(&gate, &borrowed(&looker)).await, Ok((Role::Viewer, Extent::Tenant, "a".to_owned())));
}

fn claimed(user: &str, password: &str) -> UserPassword {
    UserPassword { user: user.to_owned(), password: SecretString::from(password.to_owned()) }
}

#[tokio::test]
async fn a_person_who_signed_in_is_who_the_settings_in_force_still_know() {
    let mut gate = Gate::new(ROLES);
    let headers = HeaderMap::new();
    let attempt = gate.attempt(&headers, source(1));
    let looker = gate.access.person(attempt, claimed("looker", "password"), None).await.unwrap();
    let root = gate.access.person(attempt, claimed("root", "other"), None).await.unwrap();
    assert_eq!(root.home, Home::Gateway);
    let seen = |person: &Person, settings: &Settings| {
        person.tenants(settings).map(|tenant| tenant.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(seen(&root, &gate.settings), ["a", "b"]);
    assert_eq!(seen(&looker, &gate.settings), ["a"]);
    let (a, b) = (TenantId::new("a").unwrap(), TenantId::new("b").unwrap());
    let prod = EnvironmentName::new("prod").unwrap();
    assert!(!looker.in_scope(&gate.settings, &a, None).unwrap().may_change());
    assert!(looker.in_scope(&gate.settings, &b, Some(&prod)).is_none(), "another tenant");
    assert!(root.in_scope(&gate.settings, &b, Some(&prod)).unwrap().sees_gateway(&gate.settings));
    assert!(root.in_scope(&gate.settings, &b, None).is_none(), "a tenant with environments needs one");
    gate.reload(
        &ROLES.replace(
            "'looker', password_hash = '{password}', role = 'viewer'",
            "'looker', password_hash = '{password}'",
        ),
    );
    assert!(looker.in_scope(&gate.settings, &a, None).unwrap().may_change(), "the role of now");
    gate.reload(&ROLES.replace("'looker', password_hash = '{password}'", "'looker', password_hash = '{other}'"));
    assert!(looker.in_scope(&gate.settings, &a, None).is_none(), "another password");
}

#[tokio::test]
async fn signing_in_is_judged_as_every_other_attempt() {
    let gate = Gate::new(&format!("[access]\nfailures = 2\n{ROLES}"));
    let headers = HeaderMap::new();
    let attempt = gate.attempt(&headers, source(1));
    for (user, password) in [("looker", "wrong"), ("nobody", "password"), ("root", "password")] {
        let denied = gate.access.person(attempt, claimed(user, password), None).await.unwrap_err();
        assert!(matches!(denied.cause, Cause::WrongPassword | Cause::Blocked), "{user}: {denied:?}");
    }
    let denied = gate.access.person(attempt, claimed("looker", "password"), None).await.unwrap_err();
    assert_eq!(denied.cause, Cause::Blocked);
}
