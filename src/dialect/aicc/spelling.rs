//! The names of members, without regard to their case: the vendor's own pages write `mediaTypeId` here and `mediatypeId`
//! there, so a client cannot know better. A member passed over for its spelling would make a filter that lists
//! everything, or a route without its extension.

use serde_json::{Map, Value};

use super::fields::Objection;

/// The value of the member that is called `name`, in whatever case; `None` if it was not given or is `null`. `within` is
/// what stands before the name in an objection, such as `skillParam.`.
///
/// # Errors
/// It is given in two spellings with different values.
pub(super) fn given<'v>(
    members: impl IntoIterator<Item = (&'v String, &'v Value)>,
    name: &str,
    within: &str,
) -> Result<Option<&'v Value>, Objection> {
    let mut found: Option<(&String, &Value)> = None;
    for (spelt, value) in members {
        if !spelt.eq_ignore_ascii_case(name) || value.is_null() {
            continue;
        }
        match found {
            Some((first, known)) if known != value => {
                let both = format!("{within}{first} and {within}{spelt}");
                return Err(Objection::new(both, "are one member, given with different values; give it once"));
            }
            _ => found = Some((spelt, value)),
        }
    }
    Ok(found.map(|(_, value)| value))
}

/// The object with the members of `names` called by these names; all others as they are.
///
/// # Errors
/// As of [`given`].
pub(super) fn as_printed(
    object: &Map<String, Value>,
    names: &[&str],
    within: &str,
) -> Result<Map<String, Value>, Objection> {
    let known = |spelt: &str| names.iter().any(|name| spelt.eq_ignore_ascii_case(name));
    let others = object.iter().filter(|(spelt, _)| !known(spelt));
    let mut printed: Map<_, _> = others.map(|(name, value)| (name.clone(), value.clone())).collect();
    for name in names {
        if let Some(value) = given(object, name, within)? {
            printed.insert((*name).to_owned(), value.clone());
        }
    }
    Ok(printed)
}
