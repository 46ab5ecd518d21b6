//! Instances: what can be asked of a service that runs, whoever started it.
//!
//! Their user data are those of the Storage API, found by the instance's id instead of the data's own.

use std::sync::Arc;

use super::answer::{Members, Node};
use super::endpoint::InstanceAction;
use super::error::Error;
use super::parameters::{Parameters, time_to_live};
use super::storage::{self, Place};
use super::user_data::{self, Address};
use super::{Client, Reply, Request};
use crate::domain::{Interaction, InteractionId, Refusal, Scope};
use crate::store::Store;

/// Answers a call about an instance.
///
/// # Errors
/// That there is no such instance, and what the parameters or the store refuse.
pub(super) async fn answer(
    store: &dyn Store,
    client: &Client<'_>,
    id: &str,
    action: &InstanceAction,
    request: &Request<'_>,
) -> Result<Reply, Error> {
    let Client { scope, asker, .. } = client;
    let instance = find(store, client, id).await?.ok_or_else(|| Error::InstanceUnknown(id.to_owned()))?;
    let place = Place::of(instance.data, asker);
    match action {
        InstanceAction::Query => query(store, scope, &instance, request).await,
        InstanceAction::Delete => {
            store.delete_interaction(scope, &instance.id).await?;
            Ok(Reply::Members(Members::default()))
        }
        InstanceAction::Update => {
            let parameters = Parameters::gather(request).await?;
            let ttl = parameters.text("_ttl")?.map(time_to_live);
            store.merge_document(scope, place.document, parameters.user_data()?, ttl, None).await?;
            Ok(Reply::Members(ids(&instance)))
        }
        InstanceAction::ReadData => storage::read(store, scope, place).await,
        InstanceAction::WriteData => {
            let data = Parameters::gather(request).await?.data()?;
            store.merge_document(scope, place.document, data, None, None).await?;
            Ok(storage::id_of(&place.id))
        }
        InstanceAction::ReadKey(key) => storage::read_key(store, scope, place, key).await,
        InstanceAction::DeleteKey(key) => storage::delete_key(store, scope, place, key).await,
    }
}

/// The live instance with this id, if there is one that the client reaches. What is no possible id is unknown like any
/// other.
pub(super) async fn find(store: &dyn Store, client: &Client<'_>, id: &str) -> Result<Option<Arc<Interaction>>, Error> {
    let Ok(id) = InteractionId::new(id) else { return Ok(None) };
    let instance = store.interaction(&client.scope, &id).await?;
    Ok(instance.filter(|instance| client.asker.reaches(instance.application.as_ref())))
}

/// Where the instance's data are and, if asked for as of match-interaction, the data.
async fn query(
    store: &dyn Store,
    scope: &Scope,
    instance: &Interaction,
    request: &Request<'_>,
) -> Result<Reply, Error> {
    let mut members = ids(instance);
    if !user_data::wanted(&Parameters::gather(request).await?)? {
        return Ok(Reply::Members(members));
    }
    let unknown = || Error::Refused(Refusal::InteractionUnknown(instance.id.clone()));
    let document = store.document(scope, instance.data.into()).await?.ok_or_else(unknown)?;
    let address = Address::from(instance.data);
    members.insert("user_data", Node::Members(user_data::members(&document, &address)));
    Ok(Reply::Data(members, address))
}

fn ids(instance: &Interaction) -> Members {
    Members::default().with("_id", &instance.id).with("_data_id", &instance.data)
}
