//! How one value of a request is read: what is allowed, and what is said when something else was sent.
//!
//! A value reads itself from JSON and is described by its schema; the two stand side by side, so that the document
//! cannot promise what the reader refuses. A path or a query has texts only: the value says what JSON a text stands for,
//! and is read from that.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::dialect::native::framework::objection::Objections;
use crate::text::unsigned;

/// Something that is read out of a request.
pub(in crate::dialect::native) trait Read: Sized {
    /// Whether `null` is a value of it, and not the same as leaving it out.
    const TAKES_NULL: bool = false;

    /// Reads what was given, if anything was; `None` after an objection.
    fn read(given: Option<&Value>, objections: &mut Objections) -> Option<Self>;

    /// What a text of a path or a query stands for.
    fn of_text(text: &str) -> Value {
        Value::String(text.to_owned())
    }
}

/// A value without parts.
pub(in crate::dialect::native) trait Scalar: Sized + JsonSchema {
    /// What is allowed, as an objection says it: "must be ...".
    fn allowed() -> Cow<'static, str>;

    /// The value; `None` if it is not allowed.
    fn from_json(value: &Value) -> Option<Self>;

    /// What a text of a path or a query stands for.
    fn of_text(text: &str) -> Value {
        Value::String(text.to_owned())
    }
}

impl<T: Scalar> Read for T {
    fn read(given: Option<&Value>, objections: &mut Objections) -> Option<Self> {
        let Some(given) = given else {
            objections.raise(format!("is required; it must be {}", T::allowed()));
            return None;
        };
        let value = T::from_json(given);
        if value.is_none() {
            objections.raise(format!("must be {}, not {}", T::allowed(), shown(given)));
        }
        value
    }

    fn of_text(text: &str) -> Value {
        <T as Scalar>::of_text(text)
    }
}

/// What may be left out; `null` says the same.
impl<T: Read> Read for Option<T> {
    fn read(given: Option<&Value>, objections: &mut Objections) -> Option<Self> {
        match given {
            None => Some(None),
            Some(Value::Null) if !T::TAKES_NULL => Some(None),
            given => T::read(given, objections).map(Some),
        }
    }

    fn of_text(text: &str) -> Value {
        T::of_text(text)
    }
}

/// What a change sets to a new value or, with `null`, takes away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::dialect::native) struct Clearable<T>(pub(in crate::dialect::native) Option<T>);

impl<T: Read> Read for Clearable<T> {
    const TAKES_NULL: bool = true;

    fn read(given: Option<&Value>, objections: &mut Objections) -> Option<Self> {
        Option::<T>::read(given, objections).map(Self)
    }
}

impl<T: JsonSchema> JsonSchema for Clearable<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Option::<T>::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Option::<T>::json_schema(generator)
    }
}

/// A value as an objection names it: its type, and a text or number only by that, since it may be a secret.
fn shown(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "this number",
        Value::String(_) => "this text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// What JSON a digit string stands for: a number where it is one, and otherwise the text, which is then refused.
pub(in crate::dialect::native) fn number_of_text(text: &str) -> Value {
    unsigned::<u64>(text).map_or_else(|| Value::String(text.to_owned()), Value::from)
}

/// The whole number that a JSON number is. JSON does not tell `60` from `60.0`.
pub(in crate::dialect::native) fn whole(value: &Value) -> Option<u64> {
    let float = || value.as_f64().filter(|float| float.fract() == 0.0 && (0.0..=u32::MAX.into()).contains(float));
    value.as_u64().or_else(|| float().map(|float| float as u64))
}

impl Scalar for bool {
    fn allowed() -> Cow<'static, str> {
        "true or false".into()
    }

    fn from_json(value: &Value) -> Option<Self> {
        value.as_bool()
    }

    fn of_text(text: &str) -> Value {
        match text {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            other => Value::String(other.to_owned()),
        }
    }
}

/// A value that is one of a few words.
pub(in crate::dialect::native) trait Choice {
    /// The word.
    fn word(&self) -> &'static str;
}

/// A choice in an answer.
#[derive(Clone, Copy, Debug)]
pub(in crate::dialect::native) struct Word<T>(pub(in crate::dialect::native) T);

impl<T: Choice> Serialize for Word<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.word())
    }
}

impl<T: JsonSchema> JsonSchema for Word<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// Declares the words that stand for the values of an enum of the domain.
macro_rules! choice {
    ($(#[doc = $about:literal])* $type:ident { $($word:literal = $value:path,)* }) => {
        impl $crate::dialect::native::framework::value::Scalar for $type {
            fn allowed() -> std::borrow::Cow<'static, str> {
                concat!("one of" $(, " ", $word)*).into()
            }

            fn from_json(value: &serde_json::Value) -> Option<Self> {
                match value.as_str()? {
                    $($word => Some($value),)*
                    _ => None,
                }
            }
        }

        impl $crate::dialect::native::framework::value::Choice for $type {
            fn word(&self) -> &'static str {
                match self {
                    $($value => $word,)*
                }
            }
        }

        impl schemars::JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "description": concat!($($about),*).trim(),
                    "type": "string",
                    "enum": [$($word),*],
                })
            }
        }
    };
}
pub(in crate::dialect::native) use choice;
