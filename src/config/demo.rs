//! The demo configuration, and the credentials in it, which are public knowledge.

use super::{Overrides, Settings};

/// The demo configuration: the vendors' own samples, so that their example requests work as printed.
pub(super) const DEMO: &str = include_str!("demo.toml");

/// Who may call the demo, in clear, for texts that help a newcomer.
#[derive(Clone, Copy, Debug)]
pub struct DemoAccess {
    /// The only tenant.
    pub tenant: &'static str,
    /// Its user.
    pub user: &'static str,
    /// The user's password.
    pub password: &'static str,
    /// The key of the application of kind `dnis`.
    pub dnis_key: &'static str,
    /// The key of the application of kind `interaction`.
    pub interaction_key: &'static str,
    /// The key of the AICC application.
    pub aicc_key: &'static str,
    /// Its secret.
    pub aicc_secret: &'static str,
    /// A group with numbers.
    pub group: &'static str,
}

/// What the demo configuration says.
pub const DEMO_ACCESS: DemoAccess = DemoAccess {
    tenant: "12345678",
    user: "admin",
    password: "password",
    dnis_key: "53475e5f1463f9ab2052ead",
    interaction_key: "53736e07e4b05772e6475c2d",
    aicc_key: "demo-key-0001",
    aicc_secret: "demo-secret-0001",
    group: "DNIS",
};

/// The demo configuration as it is, without any layer above.
pub fn demo() -> Settings {
    Settings::load_demo(std::iter::empty(), &Overrides::default()).expect("a test loads the embedded demo")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{GroupName, TenantId};

    #[test]
    fn the_credentials_that_are_told_are_those_of_the_configuration() {
        let settings = demo();
        let tenant = &settings.tenants[&TenantId::new(DEMO_ACCESS.tenant).unwrap()];
        assert!(tenant.users.contains_key(DEMO_ACCESS.user));
        for key in [DEMO_ACCESS.dnis_key, DEMO_ACCESS.interaction_key] {
            assert!(tenant.applications.iter().any(|application| application.key.is(key.as_bytes())), "{key}");
        }
        assert!(tenant.group(&GroupName::new(DEMO_ACCESS.group).unwrap()).is_some());
    }
}
