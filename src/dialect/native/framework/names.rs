//! How the names and numbers of the domain are read from JSON, and how the document describes them.
//!
//! The rules are the domain's; what stands here is how they look from outside.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use crate::dialect::native::framework::value::{Scalar, number_of_text, whole};
use crate::domain::document::MAX_KEY_CHARS;
use crate::domain::names::{MAX_CALLER_CHARS, MAX_NAME_CHARS, MAX_SCOPE_CHARS};
use crate::domain::{
    AllocationId, ApplicationName, Caller, EntryKey, EnvironmentName, Extension, FlowId, GroupName, HotlineCode,
    InteractionId, MediaType, Number, RouteId, Seconds, SkillId, TenantId,
};

/// Declares how a text of the domain is read: exactly as its pattern shows, nothing trimmed or normalised.
macro_rules! pattern_text {
    ($type:ident, $pattern:literal, $allowed:literal, $about:literal, $example:literal) => {
        impl Scalar for $type {
            fn allowed() -> Cow<'static, str> {
                $allowed.into()
            }

            fn from_json(value: &Value) -> Option<Self> {
                value.as_str().filter(|text| text.trim() == *text).and_then(|text| Self::new(text).ok())
            }
        }

        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "description": $about, "type": "string", "pattern": $pattern, "examples": [$example] })
            }
        }
    };
}

/// Declares how a text name is read: bounded, without control characters, more than blanks. Blanks at the ends are
/// taken off.
macro_rules! text_name {
    ($type:ident, $most:expr, $about:literal, $example:literal) => {
        impl Scalar for $type {
            fn allowed() -> Cow<'static, str> {
                let most = $most;
                format!("a string of 1 to {most} characters without control characters, not only blanks").into()
            }

            fn from_json(value: &Value) -> Option<Self> {
                let text = value.as_str().filter(|text| text.chars().count() <= $most)?;
                Self::new(text).ok()
            }
        }

        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "description": $about,
                    "type": "string",
                    "minLength": 1,
                    "maxLength": $most,
                    "pattern": NAME_PATTERN,
                    "examples": [$example],
                })
            }
        }
    };
}

/// No control characters, and something that is no blank.
const NAME_PATTERN: &str =
    r"^[^\u0000-\u001F\u007F-\u009F]*[^\s\u0000-\u001F\u007F-\u009F][^\u0000-\u001F\u007F-\u009F]*$";

/// Declares how a number that names something is read. As a text it has no sign and no zeros in front.
macro_rules! text_id {
    ($type:ident, $about:literal, $example:literal) => {
        impl Scalar for $type {
            fn allowed() -> Cow<'static, str> {
                "a string of 1 to 19 decimal digits without zeros in front".into()
            }

            fn from_json(value: &Value) -> Option<Self> {
                let text = value.as_str()?;
                let plain = text.len() <= 19 && (text == "0" || !text.starts_with('0'));
                match number_of_text(text) {
                    Value::Number(number) if plain => number.as_u64().map(Self),
                    _ => None,
                }
            }
        }

        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "description": $about,
                    "type": "string",
                    "pattern": "^(0|[1-9][0-9]{0,18})$",
                    "examples": [$example],
                })
            }
        }
    };
}

/// Declares how a whole number is read.
macro_rules! whole {
    ($type:ident, $least:literal..=$most:literal, $about:literal, $make:expr) => {
        impl Scalar for $type {
            fn allowed() -> Cow<'static, str> {
                concat!("a whole number from ", $least, " to ", $most).into()
            }

            fn from_json(value: &Value) -> Option<Self> {
                whole(value).filter(|number| ($least..=$most).contains(number)).and_then($make)
            }

            fn of_text(text: &str) -> Value {
                number_of_text(text)
            }
        }

        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "description": $about, "type": "integer", "minimum": $least, "maximum": $most })
            }
        }
    };
}
pattern_text!(
    Number,
    "^[0-9+*#]{1,32}$",
    "a string of 1 to 32 characters of 0-9 + * #",
    "A number that can be dialled, or its short form.",
    "6504664130"
);
pattern_text!(
    HotlineCode,
    "^[0-9*#]{1,32}$",
    "a string of 1 to 32 characters of 0-9 * #",
    "An access code: the number that a contact center offers to its customers.",
    "5550100"
);
pattern_text!(
    Extension,
    "^[0-9*#]{1,12}$",
    "a string of 1 to 12 characters of 0-9 * #",
    "What is dialled behind an access code.",
    "42"
);
text_name!(GroupName, MAX_NAME_CHARS, "The name of a group of numbers.", "DNIS");
text_name!(InteractionId, MAX_NAME_CHARS, "The id of an interaction, as its application knows it.", "web-visit-1");
text_name!(ApplicationName, MAX_NAME_CHARS, "The name of an application, as the configuration calls it.", "web");
text_name!(EnvironmentName, MAX_SCOPE_CHARS, "The name of an environment of a tenant.", "production");
text_name!(TenantId, MAX_SCOPE_CHARS, "The id of a tenant.", "12345678");
text_name!(Caller, MAX_CALLER_CHARS, "The caller's own number, or what an IVR says in its place.", "+14155550123");
text_id!(AllocationId, "The id of an allocation.", "17");
text_id!(RouteId, "The id of a called route.", "1000000001123456789");
whole!(SkillId, 1..=4_294_967_295_u64, "The id of a skill queue.", |id| u32::try_from(id).ok().map(SkillId));
whole!(FlowId, 1..=4_294_967_295_u64, "The id of an IVR flow.", |id| u32::try_from(id).ok().map(FlowId));
whole!(Seconds, 1..=86_400, "A span in whole seconds, up to a day.", |seconds| Some(Seconds::new(seconds)));

/// How many digits an access code has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dialect::native) struct CodeLength(pub(in crate::dialect::native) u8);

whole!(CodeLength, 1..=16, "How many digits an access code has.", |length| u8::try_from(length).ok().map(CodeLength));

/// A key is kept exactly as it was given.
impl Scalar for EntryKey {
    fn allowed() -> Cow<'static, str> {
        format!("a string of 1 to {MAX_KEY_CHARS} characters").into()
    }

    fn from_json(value: &Value) -> Option<Self> {
        Self::new(value.as_str()?).ok()
    }
}

impl JsonSchema for EntryKey {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "EntryKey".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The key of a value in a document.",
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_KEY_CHARS,
        })
    }
}

impl Scalar for MediaType {
    fn allowed() -> Cow<'static, str> {
        "one of the media types 2, 5, 18, 19, 53".into()
    }

    fn from_json(value: &Value) -> Option<Self> {
        Self::of(whole(value)?)
    }

    fn of_text(text: &str) -> Value {
        number_of_text(text)
    }
}

impl JsonSchema for MediaType {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "MediaType".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "What people do on a line: 2 voice click-to-dial, 5 voice and video, 18 video click-to-dial, \
                19 video, 53 multimedia.",
            "type": "integer",
            "enum": Self::ALL.map(Self::number),
        })
    }
}
