//! The environment variables that mean something to the gateway, and those that look as if they should.

use super::problem::{Problem, SettingOrigin};
use super::tree;

/// What all names of the gateway's variables begin with.
const OURS: &str = "DNIS_GATEWAY_";
/// The variable that holds the password of a user, for the commands that call a running gateway.
pub const PASSWORD: &str = "DNIS_GATEWAY_PASSWORD";
/// The variable that holds the key of an application, for the same commands.
pub const APPLICATION_KEY: &str = "DNIS_GATEWAY_APPLICATION_KEY";
/// The variable that holds the token of the admin listener, for `backup`.
pub const ADMIN_TOKEN: &str = "DNIS_GATEWAY_ADMIN_TOKEN";

/// The environment variables of this process that the gateway might be meant by.
///
/// A value that is not UTF-8 gets replacement characters, with which it is refused.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, text)| {
        let name = name.into_string().ok().filter(|name| name.starts_with(OURS))?;
        Some((name, text.to_string_lossy().into_owned()))
    })
}

/// The warning for a variable that carries the gateway's name and sets nothing.
///
/// It is never a refusal: whoever else makes variables, such as a container platform, may choose such a name.
pub(super) fn stray(name: &str, text: &str) -> Option<Problem> {
    let rest = name.strip_prefix(OURS)?;
    let known = name.starts_with(tree::PREFIX) || [PASSWORD, APPLICATION_KEY, ADMIN_TOKEN].contains(&name);
    if known || by_kubernetes(rest, text) {
        return None;
    }
    let text = format!(
        "is not looked at; a setting is named {prefix}SECTION__KEY, with two underscores at each place, and the commands \
         know {PASSWORD}, {APPLICATION_KEY} and {ADMIN_TOKEN}",
        prefix = tree::PREFIX
    );
    Some(Problem { origin: SettingOrigin::Variable(name.into()), key: String::new(), text })
}

/// Whether Kubernetes makes a variable of this name for a service called `dnis-gateway`, or `dnis-gateway-` and more.
fn by_kubernetes(rest: &str, text: &str) -> bool {
    let of_service = ["SERVICE_HOST", "SERVICE_PORT"].iter().any(|part| rest.contains(part));
    let of_link = ["tcp://", "udp://", "sctp://"].iter().any(|scheme| text.starts_with(scheme));
    let of_port = ["_TCP", "_UDP", "_SCTP"].iter().any(|part| rest.contains(part));
    rest.starts_with("SERVICE_") || rest.starts_with("PORT") || of_service || of_link || of_port
}
