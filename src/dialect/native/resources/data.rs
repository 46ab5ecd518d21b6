//! The user data of an interaction: the document that every interaction has.
//!
//! The API writes texts. Files that other dialects have put into a document are shown by their label, and one by one
//! with their bytes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::Value;

use crate::dialect::native::framework::body::Json;
use crate::dialect::native::framework::error::Failure;
use crate::dialect::native::framework::members::{Nothing, members};
use crate::dialect::native::framework::objection::Objections;
use crate::dialect::native::framework::operation::{Asked, Operation, RequestContext, Served, Verb};
use crate::dialect::native::framework::problem::Problem;
use crate::dialect::native::framework::reply::{Done, WithBody};
use crate::dialect::native::framework::value::{self, Scalar};
use crate::dialect::native::resources::interactions::ByInteraction;
use crate::domain::document::{FileLabel, Loaded, LoadedValue};
use crate::domain::{Content, DocumentId, DocumentRef, EntryKey, InteractionId, NewEntry, Refusal};

/// The operations of this module.
pub(in crate::dialect::native) const OPERATIONS: &[&dyn Served] = &[&Read, &Merge, &Clear, &ReadKey, &DeleteKey];

/// Texts by their keys, as a caller sends them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::dialect::native) struct UserData(Vec<(EntryKey, String)>);

impl UserData {
    /// The texts as entries of a document.
    pub(in crate::dialect::native) fn into_entries(self) -> Vec<NewEntry> {
        let entry =
            |(key, text): (EntryKey, String)| NewEntry { key, content: Content::Text, bytes: text.into_bytes().into() };
        self.0.into_iter().map(entry).collect()
    }
}

impl value::Read for UserData {
    fn read(given: Option<&Value>, objections: &mut Objections) -> Option<Self> {
        let Some(Value::Object(members)) = given else {
            objections.raise("must be an object whose values are strings");
            return None;
        };
        let texts = members.iter().map(|(name, value)| {
            objections.at(name, |objections| {
                let key = EntryKey::new(name).ok();
                if key.is_none() {
                    objections.raise(format!("must have a key that is {}", EntryKey::allowed()));
                }
                if !value.is_string() {
                    objections.raise("must be a string");
                }
                Some((key?, value.as_str()?.to_owned()))
            })
        });
        // All of them are looked at, so that everything that is wrong is told.
        let texts: Vec<Option<_>> = texts.collect();
        texts.into_iter().collect::<Option<Vec<_>>>().map(Self)
    }
}

impl JsonSchema for UserData {
    fn schema_name() -> Cow<'static, str> {
        "UserData".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Texts by their keys. How many and how long they may be is configured.",
            "type": "object",
            "propertyNames": generator.subschema_for::<EntryKey>(),
            "additionalProperties": { "type": "string" },
        })
    }
}

/// The user data of an interaction.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Data")]
pub(in crate::dialect::native) struct ShownData {
    /// The texts by their keys.
    data: BTreeMap<String, String>,
    /// What files there are, by their keys.
    files: BTreeMap<String, ShownFile>,
}

/// A file of a document.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "File")]
pub(in crate::dialect::native) struct ShownFile {
    /// What its sender said it is.
    media_type: String,
    /// What its sender called it; null where it was not said.
    name: Option<String>,
    /// Its length in bytes.
    length: u64,
}

impl ShownFile {
    fn new(label: &FileLabel, length: u64) -> Self {
        Self { media_type: label.media_type().to_owned(), name: label.name().map(str::to_owned), length }
    }
}

/// One value of a document: either a text or a file.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DataValue")]
pub(in crate::dialect::native) struct ShownValue {
    /// The text; null for a file.
    text: Option<String>,
    /// What the file is; null for a text.
    file: Option<ShownFile>,
    /// The bytes of the file in Base64; null for a text.
    content: Option<String>,
}

impl ShownData {
    fn new(loaded: Loaded) -> Self {
        let mut shown = Self { data: BTreeMap::new(), files: BTreeMap::new() };
        for (key, value) in loaded.entries {
            let key = key.as_str().to_owned();
            match value {
                LoadedValue::Text(text) => {
                    shown.data.insert(key, text.to_string());
                }
                LoadedValue::File { label, length } => {
                    shown.files.insert(key, ShownFile::new(&label, length));
                }
            }
        }
        shown
    }
}

impl ShownValue {
    fn new(content: &Content, bytes: &Arc<[u8]>) -> Self {
        match content {
            Content::Text => {
                Self { text: Some(String::from_utf8_lossy(bytes).into_owned()), file: None, content: None }
            }
            Content::File(label) => Self {
                text: None,
                file: Some(ShownFile::new(label, bytes.len() as u64)),
                content: Some(STANDARD.encode(bytes)),
            },
        }
    }
}

members! {
    /// A value of an interaction's document in a path.
    ByKey {
        /// The interaction's id.
        interaction: InteractionId,
        /// The key of the value.
        key: EntryKey,
    }
}

/// Reads user data.
struct Read;

impl Operation for Read {
    const NAME: &'static str = "data-read";
    const VERB: Verb = Verb::Get;
    const PATH: &'static str = "/interactions/{interaction}/data";
    const SUMMARY: &'static str = "Read the user data of an interaction";
    const PROBLEMS: &'static [Problem] = &[Problem::InteractionUnknown];

    type Path = ByInteraction;
    type Query = Nothing;
    type Body = ();
    type Reply = WithBody<ShownData>;

    async fn run(context: &RequestContext<'_>, asked: Asked<Self>) -> Result<Self::Reply, Failure> {
        let id = asked.path.interaction;
        let document = document(context, &id).await?;
        // An interaction and its document live together; one that is gone by now took the other with it.
        let loaded = context.store.document(context.scope(), document).await?.ok_or(Refusal::InteractionUnknown(id))?;
        Ok(WithBody(ShownData::new(loaded)))
    }
}

/// Writes user data.
struct Merge;

impl Operation for Merge {
    const NAME: &'static str = "data-merge";
    const VERB: Verb = Verb::Patch;
    const PATH: &'static str = "/interactions/{interaction}/data";
    const SUMMARY: &'static str = "Write user data of an interaction";
    const ABOUT: &'static str = "Values with other keys stay.";
    const PROBLEMS: &'static [Problem] = &[Problem::InteractionUnknown, Problem::DocumentsFull];

    type Path = ByInteraction;
    type Query = Nothing;
    type Body = Json<UserData>;
    type Reply = Done;

    async fn run(context: &RequestContext<'_>, asked: Asked<Self>) -> Result<Self::Reply, Failure> {
        let (id, Json(data)) = (asked.path.interaction, asked.body);
        let document = document(context, &id).await?;
        let merged = context.store.merge_document(context.scope(), document, data.into_entries(), None, None).await;
        merged.map_err(|error| of_interaction(error.into(), &id))?;
        Ok(Done)
    }
}

/// Empties user data.
struct Clear;

impl Operation for Clear {
    const NAME: &'static str = "data-clear";
    const VERB: Verb = Verb::Delete;
    const PATH: &'static str = "/interactions/{interaction}/data";
    const SUMMARY: &'static str = "Delete all user data of an interaction";
    const PROBLEMS: &'static [Problem] = &[Problem::InteractionUnknown];

    type Path = ByInteraction;
    type Query = Nothing;
    type Body = ();
    type Reply = Done;

    async fn run(context: &RequestContext<'_>, asked: Asked<Self>) -> Result<Self::Reply, Failure> {
        let id = asked.path.interaction;
        let document = document(context, &id).await?;
        let deleted = context.store.delete_document(context.scope(), document).await;
        deleted.map_err(|error| of_interaction(error.into(), &id))?;
        Ok(Done)
    }
}

/// Reads one value.
struct ReadKey;

impl Operation for ReadKey {
    const NAME: &'static str = "data-read-key";
    const VERB: Verb = Verb::Get;
    const PATH: &'static str = "/interactions/{interaction}/data/{key}";
    const SUMMARY: &'static str = "Read one value of the user data";
    const PROBLEMS: &'static [Problem] = &[Problem::InteractionUnknown, Problem::KeyUnknown];

    type Path = ByKey;
    type Query = Nothing;
    type Body = ();
    type Reply = WithBody<ShownValue>;

    async fn run(context: &RequestContext<'_>, asked: Asked<Self>) -> Result<Self::Reply, Failure> {
        let ByKey { interaction, key } = asked.path;
        let named = document(context, &interaction).await?;
        let unknown = Refusal::EntryUnknown(named.id);
        let entry = context.store.document_entry(context.scope(), named, key.as_str()).await?.ok_or(unknown)?;
        Ok(WithBody(ShownValue::new(&entry.content, &entry.bytes)))
    }
}

/// Deletes one value.
struct DeleteKey;

impl Operation for DeleteKey {
    const NAME: &'static str = "data-delete-key";
    const VERB: Verb = Verb::Delete;
    const PATH: &'static str = "/interactions/{interaction}/data/{key}";
    const SUMMARY: &'static str = "Delete one value of the user data";
    const PROBLEMS: &'static [Problem] = &[Problem::InteractionUnknown, Problem::KeyUnknown];

    type Path = ByKey;
    type Query = Nothing;
    type Body = ();
    type Reply = Done;

    async fn run(context: &RequestContext<'_>, asked: Asked<Self>) -> Result<Self::Reply, Failure> {
        let ByKey { interaction, key } = asked.path;
        let named = document(context, &interaction).await?;
        let deleted = context.store.delete_entry(context.scope(), named, key.as_str()).await;
        deleted.map_err(|error| of_interaction(error.into(), &interaction))?;
        Ok(Done)
    }
}

/// The document of a live interaction.
async fn document(context: &RequestContext<'_>, id: &InteractionId) -> Result<DocumentRef, Failure> {
    let found = context.store.interaction(context.scope(), id).await?;
    let data: DocumentId = found.ok_or_else(|| Refusal::InteractionUnknown(id.clone()))?.data;
    Ok(data.into())
}

/// A document that ended just now did so with its interaction.
fn of_interaction(failure: Failure, id: &InteractionId) -> Failure {
    match failure {
        Failure::Refused(Refusal::DocumentUnknown(_)) => Refusal::InteractionUnknown(id.clone()).into(),
        other => other,
    }
}
