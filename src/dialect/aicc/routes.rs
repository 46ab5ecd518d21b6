//! The called routes: create, query, modify, delete.

use actix_web::http::StatusCode;
use serde::Serialize;

use super::error::{Failure, SOME_DO_NOT_EXIST, json, success};
use super::fields::{self, Objection, Window, Written, dialled, kind, media, required, text};
use super::operations::Operations;
use crate::dialect::json::Members;
use crate::dialect::{Answer, Call};
use crate::domain::route::{DeletedRoutes, DestinationKind};
use crate::domain::{Extension, HotlineCode, MediaType, NewRoute, Route, RouteFilter, RouteId};
use crate::text::unsigned;

/// Most routes that one call deletes.
const MOST_AT_A_TIME: usize = 1000;
/// What an access code is.
pub(super) const ACCESS_CODE: &str = "a string of 1 to 32 characters of 0-9 * #";
/// What an extension is.
const EXT_CODE: &str = "a string of at most 12 characters of 0-9 * #";
/// What the id of a route is.
const ID: &str = "the id of a called route, a string of decimal digits";
/// What a list of configuration numbers is.
const DNIDS: &str = "a string of configuration numbers with commas between";

/// Binds an access code, perhaps with an extension, to a skill queue or an IVR flow.
pub(super) async fn create(operations: &Operations<'_>, call: &Call<'_>) -> Result<Answer, Failure> {
    let new = new_route(&fields::of(call)?)?;
    operations.store.create_route(operations.scope(), new, call.idempotency()?).await?;
    Ok(success("data create success"))
}

fn new_route(members: &Members) -> Result<NewRoute, Objection> {
    Ok(NewRoute {
        hotline: required("accessCode", dialled::<HotlineCode>(members, "accessCode", ACCESS_CODE), ACCESS_CODE)?,
        extension: dialled::<Extension>(members, "extCode", EXT_CODE)?,
        media: media(members, "mediaTypeId", &MediaType::ALL, Written::Number)?,
        destination: fields::destination(members)?,
    })
}

/// Leads a route elsewhere.
pub(super) async fn modify(operations: &Operations<'_>, call: &Call<'_>) -> Result<Answer, Failure> {
    let members = fields::of(call)?;
    let id = route_id(required("id", text(&members, "id", ID), ID)?)?;
    let destination = fields::destination(&members)?;
    operations.store.modify_route(operations.scope(), id, destination).await?;
    Ok(success("data update success"))
}

fn route_id(text: &str) -> Result<RouteId, Objection> {
    unsigned(text.trim()).map(RouteId).ok_or_else(|| Objection::new("id", format!("must be {ID}")))
}

/// A route in a list. `mediatypeId` has a small t in answers, `devicetype` is all small.
#[derive(Serialize)]
struct RouteItem<'a> {
    id: String,
    dnid: u32,
    #[serde(rename = "accessCode")]
    access_code: &'a str,
    /// `null` for a route without one.
    #[serde(rename = "extCode")]
    ext_code: Option<&'a str>,
    devicetype: u8,
    #[serde(rename = "deviceId")]
    device_id: u32,
    /// `null` for a destination that is no longer configured.
    #[serde(rename = "deviceDesc")]
    device_desc: Option<String>,
    #[serde(rename = "mediatypeId")]
    mediatype_id: u8,
    editable: &'static str,
}

/// The envelope of lists with their total inside `data`, whatever they list.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Listed<T> {
    return_code: &'static str,
    description: &'static str,
    data: Data<T>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<T> {
    total: usize,
    called_route_list: Vec<T>,
}

impl<T: Serialize> Listed<T> {
    /// The answer with one page of a list of `total` records.
    pub(super) fn answer(total: usize, page: Vec<T>) -> Answer {
        let data = Data { total, called_route_list: page };
        json(StatusCode::OK, "ok", &Self { return_code: "0", description: "success", data })
    }
}

/// Lists routes.
pub(super) async fn query(operations: &Operations<'_>, call: &Call<'_>) -> Result<Answer, Failure> {
    let members = fields::of_query(call)?;
    let window = Window::read(&members, i64::MAX)?;
    let mut filter = RouteFilter {
        hotline: dialled(&members, "accessCode", ACCESS_CODE)?,
        extension: dialled(&members, "extCode", EXT_CODE)?,
        kind: kind(&members)?,
        media: media(&members, "mediaTypeId", &MediaType::ALL, Written::Number)?,
        destinations: None,
    };
    let directory = operations.directory().await?;
    if let Some(part) = text(&members, "deviceDesc", "a string")?.filter(|part| !part.is_empty()) {
        filter.destinations = Some(directory.described_by(part));
    }
    let page = operations.store.routes(operations.scope(), &filter, window.offset, window.limit).await?;
    let center = operations.call_center();
    let shown = page.routes.iter().map(|route| RouteItem {
        device_desc: directory.describe(route.destination),
        editable: if center.hotlines.contains_key(&route.hotline) { "0" } else { "1" },
        ..RouteItem::from(&**route)
    });
    Ok(Listed::answer(page.total, shown.collect()))
}

impl<'a> From<&'a Route> for RouteItem<'a> {
    fn from(route: &'a Route) -> Self {
        Self {
            id: route.id.to_string(),
            dnid: route.dnid,
            access_code: route.hotline.as_str(),
            ext_code: route.extension.as_ref().map(Extension::as_str),
            devicetype: match DestinationKind::of(route.destination) {
                DestinationKind::Skill => 1,
                DestinationKind::Flow => 3,
            },
            device_id: route.destination.id(),
            device_desc: None,
            mediatype_id: route.media.number(),
            editable: "0",
        }
    }
}

/// What a deletion came to.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Deleted {
    return_code: &'static str,
    description: String,
    data: Outcome,
}

#[derive(Serialize)]
struct Outcome {
    /// The ids of the routes that are gone.
    id: String,
    /// Their dialled numbers; those that failed where all did.
    name: String,
    /// The same, or what succeeded and what failed.
    content: String,
}

/// Deletes routes: those that there are. Only if there were all of them is it a success.
pub(super) async fn delete(operations: &Operations<'_>, call: &Call<'_>) -> Result<Answer, Failure> {
    let members = fields::of(call)?;
    let dnids = required("dnids", text(&members, "dnids", DNIDS), DNIDS)?;
    let dnids = fields::list("dnids", dnids, &[','], MOST_AT_A_TIME)?;
    let outcome = operations.store.delete_routes(operations.scope(), dnids).await?;
    Ok(deleted(&outcome))
}

fn deleted(outcome: &DeletedRoutes) -> Answer {
    let names: Vec<String> = outcome.deleted.iter().map(|route| route.dialled().to_string()).collect();
    let ids: Vec<String> = outcome.deleted.iter().map(|route| route.id.to_string()).collect();
    // A route that does not exist has no name but the number it was called by.
    let failed: Vec<String> = outcome.unknown.iter().map(ToString::to_string).collect();
    let (names, ids, failed) = (names.join(","), ids.join(","), failed.join(","));
    let all = outcome.unknown.is_empty();
    let (name, content) = match (outcome.deleted.is_empty(), all) {
        (_, true) => (names.clone(), names),
        (true, false) => (failed.clone(), failed.clone()),
        (false, false) => (names.clone(), format!("Success:{names},Failed:{failed}")),
    };
    let data = Outcome { id: ids, name, content };
    if all {
        let body = Deleted { return_code: "0", description: "data delete success".to_owned(), data };
        return json(StatusCode::OK, "ok", &body);
    }
    let description = format!("dnids: there is no called route with configuration number {failed}");
    let body = Deleted { return_code: SOME_DO_NOT_EXIST, description, data };
    json(StatusCode::INTERNAL_SERVER_ERROR, "not_found", &body)
}
