//! What the operator configures and callers can only look at: access codes and IVR flows.

use actix_web::http::StatusCode;
use serde::Serialize;

use super::error::{Failure, json};
use super::fields::{self, PAGE, Window, media, text};
use super::operations::{Operations, has};
use super::routes::Listed;
use crate::dialect::{Answer, Call};
use crate::domain::call_center::Direction;
use crate::domain::{Hotline, HotlineCode, MediaType};

/// The media types that access codes can be asked for by.
const FILTERS: [MediaType; 3] = [MediaType::VoiceClickToDial, MediaType::VoiceAndVideo, MediaType::Multimedia];

/// An access code in a list; `mediatypeId` has a small t.
#[derive(Serialize)]
struct AccessCode {
    id: String,
    #[serde(rename = "accessCode")]
    access_code: String,
    #[serde(rename = "mediatypeId")]
    mediatype_id: u8,
    #[serde(rename = "n400Number")]
    n400_number: Option<String>,
    description: Option<String>,
    #[serde(rename = "numCallAttr")]
    num_call_attr: u8,
}

/// Lists access codes, in the order of the codes.
pub(super) fn access_codes(operations: &Operations<'_>, call: &Call<'_>) -> Result<Answer, Failure> {
    let members = fields::of_query(call)?;
    let window = Window::read(&members, i64::try_from(PAGE).unwrap_or(i64::MAX))?;
    let code = text(&members, "accessCode", "a string")?.unwrap_or_default();
    let wanted = media(&members, "mediatypeId", &FILTERS)?;
    let about = text(&members, "description", "a string")?.unwrap_or_default();
    let center = operations.call_center();
    let fits = |(known, hotline): &(&HotlineCode, &Hotline)| {
        has(known.as_str(), code)
            && wanted.is_none_or(|wanted| wanted == hotline.media)
            && (about.is_empty() || hotline.description.as_ref().is_some_and(|text| has(text, about)))
    };
    let fitting = || center.hotlines.iter().filter(fits);
    let page = window.page(fitting().map(|(code, hotline)| AccessCode {
        id: hotline.id.to_string(),
        access_code: code.to_string(),
        mediatype_id: hotline.media.number(),
        n400_number: hotline.service_number.clone(),
        description: hotline.description.clone(),
        num_call_attr: match hotline.direction {
            Direction::Inbound => 1,
            Direction::Outbound => 2,
            Direction::Both => 3,
        },
    }));
    Ok(Listed::answer(fitting().count(), page))
}

/// The envelope of the list of IVR flows, unlike every other one.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Flows<'a> {
    ret_code: &'static str,
    message: &'static str,
    result: Vec<ShownFlow<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownFlow<'a> {
    id: u32,
    access_code: &'a str,
    description: &'a str,
    is_load: u8,
    max_call_num: u32,
    flow_file_name: &'a str,
    flow_type: u8,
}

/// Lists IVR flows, in the order of their ids. There is nothing to ask for, so a body only has to be one.
pub(super) fn ivr_flows(operations: &Operations<'_>, call: &Call<'_>) -> Result<Answer, Failure> {
    fields::of_query(call)?;
    let center = operations.call_center();
    let result = center.flows.iter().map(|(id, flow)| ShownFlow {
        id: id.0,
        access_code: &flow.code,
        description: &flow.description,
        is_load: flow.loaded.into(),
        max_call_num: flow.max_calls,
        flow_file_name: &flow.file,
        flow_type: flow.kind,
    });
    let body = Flows { ret_code: "0", message: "success", result: result.collect() };
    Ok(json(StatusCode::OK, "ok", &body))
}
