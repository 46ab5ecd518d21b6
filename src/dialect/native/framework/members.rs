//! Objects of named members: declared once, read strictly and described by the same declaration.

use serde_json::Value;

use crate::dialect::native::framework::objection::Objections;

/// The members of an object, a query or a path.
pub(in crate::dialect::native) trait Members:
    super::value::Read + schemars::JsonSchema
{
    /// Their names.
    const NAMES: &'static [&'static str];

    /// What the text of a member stands for; `None` for a name that is not known.
    fn member_of_text(name: &str, text: &str) -> Option<Value>;
}

/// Declares an object that is read from a request. Every member is a [`super::value::Read`]; one that may be left out is
/// an `Option`. The doc comments become descriptions. A member that is not declared is refused.
macro_rules! members {
    ($(#[$about:meta])* $name:ident { $($(#[$said:meta])* $member:ident: $type:ty,)* }) => {
        #[derive(Clone, Debug, PartialEq, Eq, schemars::JsonSchema)]
        #[schemars(deny_unknown_fields)]
        $(#[$about])*
        pub(in crate::dialect::native) struct $name {
            $($(#[$said])* pub(in crate::dialect::native) $member: $type,)*
        }

        impl $crate::dialect::native::framework::value::Read for $name {
            fn read(
                given: Option<&serde_json::Value>,
                objections: &mut $crate::dialect::native::framework::objection::Objections,
            ) -> Option<Self> {
                use $crate::dialect::native::framework::members::{self, Members};
                let object = members::object(given, <Self as Members>::NAMES, objections)?;
                $(let $member = objections.at(stringify!($member), |objections| {
                    <$type as $crate::dialect::native::framework::value::Read>::read(object.get(stringify!($member)), objections)
                });)*
                let _ = object;
                Some(Self { $($member: $member?,)* })
            }
        }

        impl $crate::dialect::native::framework::members::Members for $name {
            const NAMES: &'static [&'static str] = &[$(stringify!($member)),*];

            fn member_of_text(name: &str, text: &str) -> Option<serde_json::Value> {
                let _ = text;
                match name {
                    $(stringify!($member) => Some(<$type as $crate::dialect::native::framework::value::Read>::of_text(text)),)*
                    _ => None,
                }
            }
        }
    };
}
pub(in crate::dialect::native) use members;

/// The object that was given, once its members are known to be those of `names`.
pub(in crate::dialect::native) fn object<'v>(
    given: Option<&'v Value>,
    names: &[&str],
    objections: &mut Objections,
) -> Option<&'v serde_json::Map<String, Value>> {
    let object = match given {
        Some(Value::Object(object)) => object,
        Some(_) => {
            objections.raise("must be an object");
            return None;
        }
        None => {
            objections.raise("is required; it must be an object");
            return None;
        }
    };
    let unknown: Vec<_> = object.keys().filter(|name| !names.contains(&name.as_str())).collect();
    for name in &unknown {
        objections.at(name, |objections| objections.raise(unknown_member(names)));
    }
    Some(object)
}

/// What is said of a member that nobody declared.
pub(in crate::dialect::native) fn unknown_member(names: &[&str]) -> String {
    match names {
        [] => "is not known; none is allowed".to_owned(),
        [only] => format!("is not known; only {only} is allowed"),
        names => format!("is not known; allowed are {}", names.join(", ")),
    }
}

members! {
    /// No members at all.
    Nothing {}
}
