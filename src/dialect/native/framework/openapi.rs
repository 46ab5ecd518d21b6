//! The OpenAPI 3.1 document, made from the operations themselves.

use std::collections::{BTreeMap, BTreeSet};

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::dialect::idempotency;
use crate::dialect::native::framework::address::{DOCUMENT, PREFIX};
use crate::dialect::native::framework::endpoint::operations;
use crate::dialect::native::framework::error::{PROBLEM_JSON, ProblemDetails};
use crate::dialect::native::framework::operation::{Description, Served, takes_key};
use crate::dialect::native::framework::problem::Problem;

/// The document as text, in a form that changes little when the API does.
pub(in crate::dialect::native) fn text() -> String {
    let mut text = serde_json::to_string_pretty(&document()).expect("a JSON value is always JSON");
    text.push('\n');
    text
}

/// The document. It describes every operation of the table and nothing else.
fn document() -> Value {
    let settings = || SchemaSettings::draft2020_12().with(|it| it.definitions_path = "/components/schemas".into());
    let mut reads = settings().for_deserialize().into_generator();
    let mut writes = settings().for_serialize().into_generator();
    let problem = writes.subschema_for::<ProblemDetails>();
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for operation in operations() {
        let path = paths.entry(format!("{PREFIX}{}", operation.meta().path)).or_default();
        path.insert(operation.meta().verb.name().to_owned(), described(operation, &problem, &mut reads, &mut writes));
    }
    let document = paths.entry(format!("{PREFIX}{DOCUMENT}")).or_default();
    document.insert("get".to_owned(), document_itself(&problem));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "DNIS gateway",
            "summary": "Lends, recognises and frees access numbers.",
            "description": "The gateway's own API. What it makes, the other dialects see, and the other way round. \
                Times are RFC 3339 in UTC. Errors are problems of RFC 9457; their types are listed in docs/native.md.",
            "version": "1",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "basic": [] }, { "tenant": [], "key": [], "user": [], "password": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas(reads, writes),
            "securitySchemes": {
                "basic": { "type": "http", "scheme": "basic" },
                "tenant": { "type": "apiKey", "in": "header", "name": "Tenant-Id" },
                "key": { "type": "apiKey", "in": "header", "name": "Application-Key" },
                "user": { "type": "apiKey", "in": "header", "name": "User-Id",
                    "description": "The user's name in Base64." },
                "password": { "type": "apiKey", "in": "header", "name": "User-Password",
                    "description": "The password in Base64." },
            },
        },
    })
}

/// The schemas of both directions under their names.
fn schemas(mut reads: SchemaGenerator, mut writes: SchemaGenerator) -> Map<String, Value> {
    let mut schemas = reads.take_definitions(true);
    schemas.extend(writes.take_definitions(true));
    schemas
}

fn described(
    operation: &dyn Served,
    problem: &schemars::Schema,
    reads: &mut SchemaGenerator,
    writes: &mut SchemaGenerator,
) -> Value {
    let Description { path, query, body, reply } = operation.describe(reads, writes);
    let mut parameters: Vec<Value> = parameters("path", &path).chain(parameters("query", &query)).collect();
    if takes_key(operation.meta().problems) {
        parameters.push(key());
    }
    let mut responses: BTreeMap<String, Value> = problem_responses(operation.meta().problems(), problem);
    responses.insert(operation.meta().status.as_u16().to_string(), reply);
    let mut described = json!({
        "operationId": operation.meta().name,
        "tags": [operation.meta().path.split('/').nth(1).unwrap_or_default()],
        "summary": operation.meta().summary,
        "parameters": parameters,
        "responses": responses,
    });
    if !operation.meta().about.is_empty() {
        described["description"] = operation.meta().about.into();
    }
    if let Some(body) = body {
        described["requestBody"] = body;
    }
    described
}

/// The header under which a request is carried out at most once.
fn key() -> Value {
    json!({
        "name": idempotency::NAME,
        "in": "header",
        "required": false,
        "description": "A name for this request, in double quotes or without them. The same request under it changes nothing \
            and is told of the same thing again while that lives; once it has ended, or for another request, it is refused.",
        "schema": { "type": "string", "pattern": "^[!#-+\\--~]{1,255}$" },
    })
}

/// The parameters that an object's schema describes.
fn parameters<'s>(place: &'s str, schema: &'s Value) -> impl Iterator<Item = Value> + 's {
    let required = |name: &str| schema["required"].as_array().is_some_and(|names| names.iter().any(|it| it == name));
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties.map(move |(name, schema)| {
        let mut schema = schema.clone();
        let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        let mut parameter =
            json!({ "name": name, "in": place, "required": required(name), "schema": not_null(schema) });
        parameter["description"] = description.unwrap_or_default();
        parameter
    })
}

/// A parameter that may be left out is left out; there is no way to write `null`.
fn not_null(mut schema: Value) -> Value {
    if let Some(variants) = schema.get("anyOf").and_then(Value::as_array)
        && let [one, null] = variants.as_slice()
        && *null == json!({ "type": "null" })
    {
        return one.clone();
    }
    if let Some(types) = schema.get("type").and_then(Value::as_array)
        && let [one, _] = types.as_slice()
    {
        schema["type"] = one.clone();
    }
    schema
}

/// The responses of the problems that an operation may answer, by their status.
fn problem_responses(own: impl IntoIterator<Item = Problem>, schema: &schemars::Schema) -> BTreeMap<String, Value> {
    let mut by_status: BTreeMap<u16, BTreeSet<Problem>> = BTreeMap::new();
    for problem in Problem::ALWAYS.iter().copied().chain(own) {
        by_status.entry(problem.code()).or_default().insert(problem);
    }
    let response = |problems: BTreeSet<Problem>| {
        let told = problems.iter().map(|it| format!("{} (`{}`)", it.title(), it.kind()));
        let mut response = json!({
            "description": format!("{}.", told.collect::<Vec<_>>().join("; ")),
            "content": { PROBLEM_JSON: { "schema": schema } },
        });
        let headers: Map<String, Value> = problems.iter().flat_map(|problem| headers(*problem)).collect();
        if !headers.is_empty() {
            response["headers"] = headers.into();
        }
        response
    };
    by_status.into_iter().map(|(status, problems)| (status.to_string(), response(problems))).collect()
}

/// The headers that go with a problem.
fn headers(problem: Problem) -> Option<(String, Value)> {
    let seconds = json!({ "type": "integer", "minimum": 1 });
    match problem {
        Problem::Unauthorized => {
            let header = json!({ "description": "The challenge.", "required": true, "schema": { "type": "string" } });
            Some(("WWW-Authenticate".to_owned(), header))
        }
        Problem::TooManyAttempts => {
            let header = json!({ "description": "Seconds to wait.", "required": true, "schema": seconds });
            Some(("Retry-After".to_owned(), header))
        }
        Problem::ImportRunning | Problem::BookingsFull | Problem::KeysFull => {
            let header = json!({ "description": "Seconds to wait.", "schema": seconds });
            Some(("Retry-After".to_owned(), header))
        }
        Problem::Exhausted => {
            let about = "Seconds until a number comes back; 30 where none will by itself.";
            let header = json!({ "description": about, "required": true, "schema": seconds });
            Some(("Retry-After".to_owned(), header))
        }
        _ => None,
    }
}

/// The document describes itself too.
fn document_itself(problem: &schemars::Schema) -> Value {
    let mut responses = problem_responses([], problem);
    // Nobody is asked for credentials, and nothing is asked of the store.
    responses.retain(|status, _| !matches!(status.as_str(), "401" | "429" | "503"));
    responses.insert(
        "200".to_owned(),
        json!({ "description": "This document.", "content": { "application/json": { "schema": { "type": "object" } } } }),
    );
    json!({
        "operationId": "openapi",
        "tags": ["openapi.json"],
        "summary": "Read this document",
        "security": [],
        "responses": responses,
    })
}
