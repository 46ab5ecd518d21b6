//! Lists in pages: a limit, a cursor, and what a page looks like.
//!
//! A cursor is opaque to the caller. It holds the last thing of the page before, so a page is found without counting and
//! nothing moves when things are made or deleted meanwhile.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::Value;

use crate::dialect::native::framework::value::{Scalar, number_of_text};
use crate::domain::{AllocationId, Number, Part};

/// How many items a page has at most: 1 to 1000, by default 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dialect::native) struct Limit(pub(in crate::dialect::native) usize);

impl Default for Limit {
    fn default() -> Self {
        Self(100)
    }
}

impl Scalar for Limit {
    fn allowed() -> Cow<'static, str> {
        "a whole number from 1 to 1000".into()
    }

    fn from_json(value: &Value) -> Option<Self> {
        let limit = usize::try_from(value.as_u64()?).ok()?;
        (1..=1000).contains(&limit).then_some(Self(limit))
    }

    fn of_text(text: &str) -> Value {
        number_of_text(text)
    }
}

impl JsonSchema for Limit {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Limit".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": 1000, "default": 100 })
    }
}

/// What a list is marked by: the thing at which a page ended.
pub(in crate::dialect::native) trait Mark: Sized {
    /// The mark as text.
    fn to_text(&self) -> String;

    /// The mark that a text stands for.
    fn from_text(text: &str) -> Option<Self>;
}

impl Mark for AllocationId {
    fn to_text(&self) -> String {
        self.0.to_string()
    }

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

impl Mark for Number {
    fn to_text(&self) -> String {
        self.to_string()
    }

    fn from_text(text: &str) -> Option<Self> {
        Self::new(text).ok()
    }
}

/// Where a list goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dialect::native) struct Cursor<M>(pub(in crate::dialect::native) M);

impl<M: Mark> Scalar for Cursor<M> {
    fn allowed() -> Cow<'static, str> {
        "the next_cursor of a page of this list".into()
    }

    fn from_json(value: &Value) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(value.as_str()?).ok()?;
        std::str::from_utf8(&bytes).ok().and_then(M::from_text).map(Self)
    }
}

impl<M: Mark> JsonSchema for Cursor<M> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Cursor".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Za-z0-9_-]+$" })
    }
}

/// A page of a list. It may be shorter than the limit, or even empty, although there is more: a list ends where
/// `next_cursor` is null.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PageOf{T}")]
pub(in crate::dialect::native) struct PageOf<T> {
    /// What was asked for, in its order.
    items: Vec<T>,
    /// What to send as `cursor` to go on; null at the end.
    next_cursor: Option<String>,
}

impl<T> PageOf<T> {
    /// A list in one page.
    pub(in crate::dialect::native) fn whole(items: impl IntoIterator<Item = T>) -> Self {
        Self { items: items.into_iter().collect(), next_cursor: None }
    }

    /// The page that shows a part of a list.
    pub(in crate::dialect::native) fn new<D, M: Mark>(part: Part<D, M>, shown: impl Fn(D) -> T) -> Self {
        let next_cursor = part.next.map(|mark| URL_SAFE_NO_PAD.encode(mark.to_text()));
        Self { items: part.items.into_iter().map(shown).collect(), next_cursor }
    }
}
