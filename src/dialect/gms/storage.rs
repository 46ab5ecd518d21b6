//! The Storage API: data under an id for a while, read as a whole or key by key.

use uuid::Uuid;

use super::Reply;
use super::answer::Members;
use super::endpoint::Storage;
use super::error::Error;
use super::parameters::{Parameters, time_to_live};
use super::user_data;
use crate::dialect::Call;
use crate::domain::{Content, DocumentId, Scope};
use crate::store::Store;

/// How a text is sent when it is asked for by its key.
const TEXT: &str = "text/plain;charset=UTF-8";

/// Answers a call of the Storage API.
///
/// # Errors
/// What the parameters or the store refuse; [`Error::DocumentUnknown`] and [`Error::KeyUnknown`].
pub(super) async fn answer(
    store: &dyn Store,
    scope: &Scope,
    storage: &Storage,
    call: &Call<'_>,
) -> Result<Reply, Error> {
    match storage {
        Storage::Create { ttl } => {
            let data = Parameters::gather(call).await?.data()?;
            let id = store.create_document(scope, data, time_to_live(ttl)).await?;
            Ok(Reply::Members(id_member(id)))
        }
        Storage::Merge { id, ttl } => {
            let id = document_id(id)?;
            let data = Parameters::gather(call).await?.data()?;
            store.merge_document(scope, id.into(), data, Some(time_to_live(ttl))).await?;
            Ok(Reply::Members(id_member(id)))
        }
        Storage::Read { id } => {
            let id = document_id(id)?;
            let document = store.document(scope, id.into()).await?.ok_or(Error::DocumentUnknown)?;
            Ok(Reply::Data(user_data::members(&document), id))
        }
        Storage::ReadKey { id, key } => read_key(store, scope, document_id(id)?, key).await,
        Storage::Delete { id } => {
            store.delete_document(scope, document_id(id)?.into()).await?;
            Ok(Reply::Members(Members::default()))
        }
    }
}

async fn read_key(store: &dyn Store, scope: &Scope, id: DocumentId, key: &str) -> Result<Reply, Error> {
    let Some(entry) = store.document_entry(scope, id.into(), key).await? else {
        // Which of the two is unknown tells a client whether the data are over.
        return Err(match store.document(scope, id.into()).await? {
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

fn id_member(id: DocumentId) -> Members {
    Members::default().with("id", &id)
}

/// The id that a path names. What is no id of the gateway's making is unknown like any other.
fn document_id(text: &str) -> Result<DocumentId, Error> {
    Uuid::parse_str(text).map(DocumentId).map_err(|_| Error::DocumentUnknown)
}
