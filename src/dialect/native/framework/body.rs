//! Bodies of requests: JSON, one value, every member once.

use std::fmt;

use actix_web::http::header::HeaderMap;
use schemars::{JsonSchema, SchemaGenerator};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, json};

use crate::config::Limits;
use crate::dialect::json::{self, Object, Unread};
use crate::dialect::native::framework::error::Failure;
use crate::dialect::native::framework::objection::{Objections, Within};
use crate::dialect::native::framework::value::Read;
use crate::media::Charset;

/// The media type of JSON.
pub(in crate::dialect::native) const JSON: &str = "application/json";

/// What an operation takes as a body.
pub(in crate::dialect::native) trait Body: Sized {
    /// How long it may be, in bytes.
    fn limit(limits: &Limits) -> usize {
        limits.body
    }

    /// Reads the body; `None` after an objection.
    ///
    /// # Errors
    /// The body cannot be read as what it should be at all.
    fn read(headers: &HeaderMap, body: &[u8], objections: &mut Objections) -> Result<Option<Self>, Failure>;

    /// The request body of the operation in the OpenAPI document; `None` for an operation without one.
    fn describe(generator: &mut SchemaGenerator) -> Option<Value>;
}

/// No body. One that is sent all the same is not looked at.
impl Body for () {
    fn read(_: &HeaderMap, _: &[u8], _: &mut Objections) -> Result<Option<Self>, Failure> {
        Ok(Some(()))
    }

    fn describe(_: &mut SchemaGenerator) -> Option<Value> {
        None
    }
}

/// A JSON body.
#[derive(Clone, Debug)]
pub(in crate::dialect::native) struct Json<T>(pub(in crate::dialect::native) T);

impl<T: Read + JsonSchema> Body for Json<T> {
    fn read(headers: &HeaderMap, body: &[u8], objections: &mut Objections) -> Result<Option<Self>, Failure> {
        let value = parse(json::charset_of(headers)?, body)?;
        Ok(T::read(Some(&value), objections.within(Within::Body)).map(Self))
    }

    fn describe(generator: &mut SchemaGenerator) -> Option<Value> {
        let schema = generator.subschema_for::<T>();
        Some(json!({ "required": true, "content": { JSON: { "schema": schema } } }))
    }
}

/// A JSON value whose objects name no member twice.
pub(in crate::dialect::native) fn strict(text: &[u8]) -> serde_json::Result<Value> {
    serde_json::from_slice::<Strict>(text).map(|strict| strict.0)
}

fn parse(charset: Charset, body: &[u8]) -> Result<Value, Unread> {
    let text = json::text_of(body, charset).ok_or(Unread::Empty)?;
    strict(&text).map_err(|error| Unread::Malformed(json::objection(&text, &error)))
}

/// A JSON value whose objects name no member twice, at any depth.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue).map(Self)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Value, A::Error> {
        let Object::<Strict, true>(members) = Object::deserialize(MapAccessDeserializer::new(members))?;
        Ok(members.into_iter().map(|(name, Strict(value))| (name, value)).collect::<Map<_, _>>().into())
    }
}
