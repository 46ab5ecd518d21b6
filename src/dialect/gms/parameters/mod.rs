//! The parameters of a request, gathered from the query and from the body, whatever the body's format.
//!
//! A parameter of the body beats one of the query. The same name twice in one place is refused rather than guessed at.
//! Names that begin with an underscore speak to the service; all others are user data, kept as they are.

mod body_type;
mod form;
mod json;
mod multipart;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Request;
use super::error::{Error, MediaTypeProblem};
use crate::domain::document::{Content, EntryKey, FileLabel, NewEntry};
use crate::domain::{InvalidName, Seconds};
use crate::media::Charset;

pub(super) use body_type::{BodyType, Declared};
pub(super) use form::is_percent_encoded;

/// Most parameters in the query or the body. Every one becomes an entry of a document, and nobody needs so many.
const MAX_FIELDS: usize = 1000;

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
enum ParameterValue {
    Text(String),
    File(FileLabel, Arc<[u8]>),
}

/// A parameter as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Field {
    name: String,
    value: ParameterValue,
}

/// The parameters of a request by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parameters(BTreeMap<String, ParameterValue>);

impl Parameters {
    /// Gathers the parameters of a request.
    ///
    /// # Errors
    /// [`Error::MediaType`] for a body that cannot be read as parameters, [`Error::Malformed`] for a query or a body
    /// that breaks the rules of its format, [`Error::Parameter`] for a name that is there twice.
    pub(super) async fn gather(request: &Request<'_>) -> Result<Self, Error> {
        let query = read_form(request, "query", request.call.head.query.as_bytes(), None)?;
        let mut all = collect("query", query)?;
        all.extend(collect("body", read_body(request).await?)?);
        Ok(Self(all))
    }

    /// A text without the blanks around it; blank counts as not given.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a file.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, Error> {
        match self.0.get(name) {
            None => Ok(None),
            Some(ParameterValue::Text(text)) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
            Some(ParameterValue::File(..)) => Err(Error::parameter(name, "must be a text, not a file")),
        }
    }

    /// A value of a type that says itself what it allows.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a value that is not allowed.
    pub(super) fn parse<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, InvalidName>,
    ) -> Result<Option<T>, Error> {
        let parsed = self.text(name)?.map(parse).transpose();
        parsed.map_err(|invalid| Error::parameter(name, invalid.to_string()))
    }

    /// A truth value, in whatever case.
    ///
    /// # Errors
    /// [`Error::Parameter`] for anything but `true` and `false`.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Error> {
        match self.text(name)? {
            None => Ok(None),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(_) => Err(Error::parameter(name, "must be true or false")),
        }
    }

    /// The user data: all parameters whose names begin with no underscore.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a name that is too long.
    pub(super) fn user_data(self) -> Result<Vec<NewEntry>, Error> {
        self.0.into_iter().filter(|(name, _)| !name.starts_with('_')).map(entry).collect()
    }

    /// All parameters as data, as the Storage API keeps them.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a name that is too long.
    pub(super) fn data(self) -> Result<Vec<NewEntry>, Error> {
        self.0.into_iter().map(entry).collect()
    }
}

/// A time to live as GMS reads one: anything but a whole number of seconds above zero means 30.
pub(super) fn time_to_live(text: &str) -> Seconds {
    const USUAL: Seconds = Seconds::new(30);
    text.trim().parse().ok().filter(|seconds| *seconds > 0).map_or(USUAL, Seconds::new)
}

fn entry((name, value): (String, ParameterValue)) -> Result<NewEntry, Error> {
    let key = EntryKey::new(&name).map_err(|invalid| Error::parameter(&name, format!("has a name that {invalid}")))?;
    Ok(match value {
        ParameterValue::Text(text) => NewEntry { key, content: Content::Text, bytes: text.into_bytes().into() },
        ParameterValue::File(label, bytes) => NewEntry { key, content: Content::File(label), bytes },
    })
}

/// Reads the body by its media type. A body without one is read as a form, which is what the vendor's examples are.
async fn read_body(request: &Request<'_>) -> Result<Vec<Field>, Error> {
    let body = request.call.body;
    if body.is_empty() {
        return Ok(Vec::new());
    }
    match request.declared {
        Ok(BodyType::Form(charset)) => read_form(request, "form", body, *charset),
        Ok(BodyType::Json(charset)) => json::read(body, *charset),
        Ok(BodyType::Multipart { boundary, charset }) => multipart::read(body, boundary.clone(), *charset).await,
        Err(problem) => Err(Error::MediaType(problem.clone())),
    }
}

/// Reads a form, and counts it where its charset had to be guessed.
fn read_form(
    request: &Request<'_>,
    part: &'static str,
    bytes: &[u8],
    charset: Option<Charset>,
) -> Result<Vec<Field>, Error> {
    let form::Form { fields, guessed } = form::read(part, bytes, charset)?;
    if guessed {
        request.guessed.fetch_add(1, Ordering::Relaxed);
    }
    Ok(fields)
}

/// Puts the fields of one place under their names.
fn collect(place: &'static str, fields: Vec<Field>) -> Result<BTreeMap<String, ParameterValue>, Error> {
    if fields.len() > MAX_FIELDS {
        return Err(malformed(place, format!("must have at most {MAX_FIELDS} parameters")));
    }
    let mut all = BTreeMap::new();
    for Field { name, value } in fields {
        if name.is_empty() {
            return Err(malformed(place, "has a value without a name"));
        }
        if name.contains('\0') {
            return Err(malformed(place, "has a name with the character U+0000"));
        }
        if matches!(&value, ParameterValue::Text(text) if text.contains('\0')) {
            return Err(Error::parameter(&name, "must not contain the character U+0000"));
        }
        match all.entry(name) {
            Entry::Vacant(vacant) => {
                vacant.insert(value);
            }
            Entry::Occupied(taken) => {
                return Err(Error::parameter(taken.key(), format!("must be in the {place} only once")));
            }
        }
    }
    Ok(all)
}

fn malformed(part: &'static str, problem: impl Into<Cow<'static, str>>) -> Error {
    Error::Malformed { part, problem: problem.into() }
}

#[cfg(test)]
mod tests;
