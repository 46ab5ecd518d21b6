//! Good answers: what they are as HTTP, and how the OpenAPI document describes them.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, LOCATION};
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Value, json};

use crate::dialect::Answer;
use crate::dialect::native::framework::address::PREFIX;
use crate::dialect::native::framework::body::JSON;

/// What an operation answers when it succeeds.
pub(in crate::dialect::native) trait Reply {
    /// The status.
    const STATUS: StatusCode;

    /// The answer.
    fn answer(self) -> Answer;

    /// The response in the OpenAPI document.
    fn describe(generator: &mut SchemaGenerator) -> Value;
}

/// 200 with a JSON body.
#[derive(Clone, Debug)]
pub(in crate::dialect::native) struct WithBody<T>(pub(in crate::dialect::native) T);

/// 201 with a JSON body, and where to find what was made.
#[derive(Clone, Debug)]
pub(in crate::dialect::native) struct Created<T> {
    /// Its path below the prefix of the API.
    pub(in crate::dialect::native) path: String,
    /// What was made.
    pub(in crate::dialect::native) shown: T,
}

/// 204: done, and there is nothing to say.
#[derive(Clone, Copy, Debug)]
pub(in crate::dialect::native) struct Done;

impl<T: Serialize + JsonSchema> Reply for WithBody<T> {
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
pub(in crate::dialect::native) fn segment(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
