//! Good answers: what they are as HTTP, and how the OpenAPI document describes them.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, LOCATION};
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Value, json};

use super::address::PREFIX;
use super::body::JSON;
use crate::dialect::Answer;

/// What an operation answers when it succeeds.
pub(super) trait Reply {
    /// The status.
    const STATUS: StatusCode;

    /// The answer.
    fn answer(self) -> Answer;

    /// The response in the OpenAPI document.
    fn describe(generator: &mut SchemaGenerator) -> Value;
}

/// 200 with a JSON body.
#[derive(Clone, Debug)]
pub(super) struct Shown<T>(pub(super) T);

/// 201 with a JSON body, and where to find what was made.
#[derive(Clone, Debug)]
pub(super) struct Created<T> {
    /// Its path below the prefix of the API.
    pub(super) path: String,
    /// What was made.
    pub(super) shown: T,
}

/// 204: done, and there is nothing to say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Done;

impl<T: Serialize + JsonSchema> Reply for Shown<T> {
    const STATUS: StatusCode = StatusCode::OK;

    fn answer(self) -> Answer {
        json(Self::STATUS, &self.0)
    }

    fn describe(generator: &mut SchemaGenerator) -> Value {
        let schema = generator.subschema_for::<T>();
        json!({ "description": "Done.", "content": { JSON: { "schema": schema } } })
    }
}

impl<T: Serialize + JsonSchema> Reply for Created<T> {
    const STATUS: StatusCode = StatusCode::CREATED;

    fn answer(self) -> Answer {
        let location =
            HeaderValue::try_from(format!("{PREFIX}{}", self.path)).expect("a path is encoded where it is made");
        json(Self::STATUS, &self.shown).with(LOCATION, location)
    }

    fn describe(generator: &mut SchemaGenerator) -> Value {
        let schema = generator.subschema_for::<T>();
        json!({
            "description": "Made.",
            "headers": { "Location": { "description": "Where it is.", "required": true, "schema": { "type": "string" } } },
            "content": { JSON: { "schema": schema } },
        })
    }
}

impl Reply for Done {
    const STATUS: StatusCode = StatusCode::NO_CONTENT;

    fn answer(self) -> Answer {
        Answer::empty(Self::STATUS, "ok")
    }

    fn describe(_: &mut SchemaGenerator) -> Value {
        json!({ "description": "Done; there is nothing to say." })
    }
}

fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    let body = serde_json::to_vec(value).expect("texts, numbers and flags are always JSON");
    Answer::new(status, "ok", JSON, body)
}

/// A name as one segment of a path.
pub(super) fn segment(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
