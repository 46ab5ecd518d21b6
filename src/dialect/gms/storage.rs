//! The Storage API: data under an id for a while, read as a whole or key by key.
//!
//! Data have an id that the gateway gave them, or one that their user chose; those of the second kind are the user's
//! own, told by the header `gms_user` or `gms-user`, and nobody else's id leads to them.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

use super::answer::Members;
use super::endpoint::{DataName, Storage};
use super::error::Error;
use super::parameters::{Parameters, time_to_live};
use super::user_data::{self, Address};
use super::{Client, Reply, Request};
use crate::domain::{Asker, Content, DocumentId, DocumentRef, Ownership, Scope};
use crate::store::Store;

/// The header that names the user whose data are meant.
const USER: HeaderName = HeaderName::from_static("gms_user");
/// The same header for proxies that drop underscores, as nginx does unless it is told otherwise.
const USER_ALIAS: HeaderName = HeaderName::from_static("gms-user");
/// Longest name of a user and longest id of a user's own, in characters.
const MAX_NAME_CHARS: usize = 255;
/// How a text is sent when it is asked for by its key.
const TEXT: &str = "text/plain;charset=UTF-8";

/// Stored data: where they are, and how a client names and finds them.
pub(super) struct Place {
    pub(super) document: DocumentRef,
    /// The id that the client knows.
    pub(super) id: String,
    pub(super) address: Address,
}

/// Answers a call of the Storage API.
///
/// # Errors
/// What the parameters or the store refuse; [`Error::GmsUser`], [`Error::DocumentUnknown`] and [`Error::KeyUnknown`].
pub(super) async fn answer(
    store: &dyn Store,
    client: &Client<'_>,
    storage: &Storage,
    request: &Request<'_>,
) -> Result<Reply, Error> {
    let Client { scope, asker, .. } = client;
    let call = request.call;
    let place = |data: &DataName| Place::named(data, call.head.headers, asker);
    match storage {
        Storage::Create { ttl } => {
            let data = Parameters::gather(request).await?.data()?;
            let application = asker.application.clone();
            let id = store.create_document(scope, data, time_to_live(ttl), application, call.idempotency()?).await?;
            Ok(id_of(&id))
        }
        Storage::Merge { data, ttl } => {
            let place = place(data)?;
            // A user's own data are made by the first call; whose they are is told by another header.
            let idempotency = match place.document.ownership {
                Ownership::Owner => call.idempotent_request_as(&[call.body, place.document.id.0.as_bytes()])?,
                Ownership::Anyone => None,
            };
            let data = Parameters::gather(request).await?.data()?;
            store.merge_document(scope, place.document, data, Some(time_to_live(ttl)), idempotency).await?;
            Ok(id_of(&place.id))
        }
        Storage::Read(data) => read(store, scope, place(data)?).await,
        Storage::ReadKey { data, key } => read_key(store, scope, place(data)?, key).await,
        Storage::Delete(data) => {
            store.delete_document(scope, place(data)?.document).await?;
            Ok(Reply::Members(Members::default()))
        }
        Storage::DeleteKey { data, key } => delete_key(store, scope, place(data)?, key).await,
    }
}

/// All of the data.
///
/// # Errors
/// [`Error::DocumentUnknown`].
pub(super) async fn read(store: &dyn Store, scope: &Scope, place: Place) -> Result<Reply, Error> {
    let document = store.document(scope, place.document).await?.ok_or(Error::DocumentUnknown)?;
    Ok(Reply::Data(user_data::members(&document, &place.address), place.address))
}

/// The value of one key, byte for byte.
///
/// # Errors
/// [`Error::DocumentUnknown`], [`Error::KeyUnknown`].
pub(super) async fn read_key(store: &dyn Store, scope: &Scope, place: Place, key: &str) -> Result<Reply, Error> {
    let Some(entry) = store.document_entry(scope, place.document.clone(), key).await? else {
        // Which of the two is unknown tells a client whether the data are over.
        return Err(match store.document(scope, place.document).await? {
            Some(_) => Error::KeyUnknown,
            None => Error::DocumentUnknown,
        });
    };
    let media_type = match entry.content {
        Content::Text => TEXT.to_owned(),
        Content::File(label) => label.media_type().to_owned(),
    };
    Ok(Reply::Value { media_type, bytes: entry.bytes })
}

/// One key goes, the others stay.
///
/// # Errors
/// [`Error::DocumentUnknown`], [`Error::KeyUnknown`].
pub(super) async fn delete_key(store: &dyn Store, scope: &Scope, place: Place, key: &str) -> Result<Reply, Error> {
    store.delete_entry(scope, place.document, key).await?;
    Ok(Reply::Members(Members::default()))
}

/// The answer to a write: the id of the data.
pub(super) fn id_of(id: &impl ToString) -> Reply {
    Reply::Members(Members::default().with("id", id))
}

impl Place {
    /// The place of data with an id of the gateway's making.
    pub(super) fn of(id: DocumentId, asker: &Asker) -> Self {
        Self { document: DocumentRef::from(id).by(asker), id: id.to_string(), address: id.into() }
    }

    fn named(data: &DataName, headers: &HeaderMap, asker: &Asker) -> Result<Self, Error> {
        match data {
            // What is no id of the gateway's making is unknown like any other.
            DataName::Given(id) => {
                Uuid::parse_str(id).map(|id| Self::of(DocumentId(id), asker)).map_err(|_| Error::DocumentUnknown)
            }
            DataName::Custom(id) => {
                let user = user(headers)?;
                let id = id.trim();
                if !(1..=MAX_NAME_CHARS).contains(&id.chars().count()) || id.contains(char::is_control) {
                    return Err(Error::CustomId { most: MAX_NAME_CHARS });
                }
                let (document, address) = (DocumentRef::of_owner(user, id).by(asker), Address::custom(id));
                Ok(Self { document, id: id.to_owned(), address })
            }
        }
    }
}

/// The user that the request names: once, or in both spellings alike.
fn user(headers: &HeaderMap) -> Result<&str, Error> {
    let (mut values, mut aliases) = (headers.get_all(USER), headers.get_all(USER_ALIAS));
    let value = match (values.next(), aliases.next()) {
        (Some(value), None) | (None, Some(value)) => value,
        (Some(value), Some(alias)) if value == alias => value,
        _ => return Err(Error::GmsUser),
    };
    if values.next().or(aliases.next()).is_some() {
        return Err(Error::GmsUser);
    }
    let user = std::str::from_utf8(HeaderValue::as_bytes(value)).map_err(|_| Error::GmsUser)?.trim();
    if user.is_empty() || user.chars().count() > MAX_NAME_CHARS { Err(Error::GmsUser) } else { Ok(user) }
}
