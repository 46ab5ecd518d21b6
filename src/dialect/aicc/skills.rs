//! Skill queues: query, create, modify, delete.

use std::borrow::Cow;
use std::collections::BTreeSet;

use actix_web::http::StatusCode;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::error::{Failure, json, success};
use super::fields::{self, Objection, Window, Written, integer, media, not, required, text};
use super::operations::Operations;
use super::spelling;
use crate::dialect::json::Members;
use crate::dialect::{Answer, Call};
use crate::domain::{MediaType, NewSkill, RouteRefusal, Skill, SkillId};

/// Most queues that one call deletes.
const MOST_AT_A_TIME: usize = 10;
/// What may stand between the ids of queues to be deleted.
const SEPARATORS: [char; 3] = [',', ';', '-'];
/// Characters that the name of a queue cannot have.
const SPECIAL: &str = "`~!#$%^&*()+=|{}':;,<>/?";
const NAME: &str =
    "a string of 1 to 100 characters without control characters and ` ~ ! # $ % ^ & * ( ) + = | { } ' : ; , < > / ?";
const DESCRIPTION: &str = "a string of at most 50 characters without control characters";
/// In `skillParam`: why a caller cannot be served.
const CASES: [&str; 3] = ["noAgents", "busy", "timeOut"];
const SKILL_IDS: &str = "a string of ids with ',' or ';' or '-' between";
/// What a queue does whose maker did not say: callers who cannot be served are released.
const RELEASE: &str =
    r#"{"noAgents":{"transferType":"Release"},"busy":{"transferType":"Release"},"timeOut":{"transferType":"Release"}}"#;
/// The same for queues that speak.
const RELEASE_WITH_VOICE: &str = r#"{"noAgents":{"transferType":"Release"},"busy":{"transferType":"Release"},"timeOut":{"transferType":"Release"},"answerFunction":"0","waitVoice":{"parameterType":"Voice"}}"#;

/// A list of queues: `total` stands beside `data`, not inside.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed<'a> {
    return_code: &'static str,
    description: &'static str,
    total: usize,
    data: Vec<SkillItem<'a>>,
}

/// A queue in a list; `mediaTypeId` has a large T here.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SkillItem<'a> {
    skill_id: u32,
    name: &'a str,
    description: &'a str,
    media_type_id: u8,
    max_wait_time: u32,
    max_wait_num: u32,
    max_agent_wrapup_time: u32,
    skill_param: &'a RawValue,
}

/// Lists queues, in the order of their ids.
pub(super) async fn query(operations: &Operations<'_>, call: &Call<'_>) -> Result<Answer, Failure> {
    let members = fields::of_query(call)?;
    let name = text(&members, "name", NAME)?.filter(|name| !name.is_empty());
    let wanted = media(&members, "mediaTypeId", &MediaType::ALL, Written::NumberOrText)?;
    let limit = integer(&members, "limit", 1..=i64::MAX, Written::NumberOrText)?;
    let offset = integer(&members, "offset", i64::MIN..=i64::MAX, Written::NumberOrText)?;
    let ids = skill_ids(&members)?;
    let directory = operations.directory().await?;
    let fitting: Vec<&Skill> = directory
        .skills
        .values()
        .map(|skill| &**skill)
        .filter(|skill| {
            name.is_none_or(|name| *skill.about.name == *name)
                && wanted.is_none_or(|wanted| wanted == skill.about.media)
                && (ids.is_empty() || ids.contains(&i64::from(skill.id.0)))
        })
        .collect();
    let total = fitting.len();
    let data = Window::of(offset, limit).page(fitting.into_iter()).into_iter().map(shown).collect();
    Ok(json(StatusCode::OK, "ok", &Listed { return_code: "0", description: "success", total, data }))
}

fn shown(skill: &Skill) -> SkillItem<'_> {
    let about = &skill.about;
    let settings = match (&*about.settings, about.media) {
        ("", MediaType::VoiceAndVideo | MediaType::Video) => RELEASE_WITH_VOICE,
        ("", _) => RELEASE,
        (said, _) => said,
    };
    SkillItem {
        skill_id: skill.id.0,
        name: &about.name,
        description: &about.description,
        media_type_id: about.media.number(),
        max_wait_time: about.max_wait,
        max_wait_num: about.max_waiting,
        max_agent_wrapup_time: about.wrap_up,
        skill_param: serde_json::from_str(settings).expect("settings are only kept as JSON"),
    }
}

/// The ids that are asked for; none asks for all. They are texts in the vendor's table and may be numbers.
fn skill_ids(members: &Members) -> Result<BTreeSet<i64>, Objection> {
    const ALLOWED: &str = "an array of ids, each a string of digits";
    match fields::given(members, "skillIds")? {
        None => Ok(BTreeSet::new()),
        Some(Value::Array(list)) => list
            .iter()
            .enumerate()
            .map(|(at, id)| {
                fields::whole(id)
                    .filter(|id| *id >= 0)
                    .ok_or_else(|| Objection::new(format!("skillIds[{at}]"), "must be a string of digits"))
            })
            .collect(),
        Some(other) => Err(not("skillIds", ALLOWED, other)),
    }
}

/// What creating a queue answers: beside what the vendor documents, the id, which nothing else would tell.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    return_code: &'static str,
    description: &'static str,
    data: CreatedId,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CreatedId {
    skill_id: u32,
}

/// Makes a queue.
pub(super) async fn create(operations: &Operations<'_>, call: &Call<'_>) -> Result<Answer, Failure> {
    let new = new_skill(&fields::of(call)?)?;
    let made = operations.store.create_skill(operations.scope(), new, call.idempotency()?).await?;
    let data = CreatedId { skill_id: made.id.0 };
    Ok(json(StatusCode::OK, "ok", &Created { return_code: "0", description: "data create success", data }))
}

fn new_skill(members: &Members) -> Result<NewSkill, Objection> {
    let media = media(members, "mediaTypeId", &MediaType::ALL, Written::Number);
    let media = required("mediaTypeId", media, "one of the integers 2, 5, 18, 19, 53")?;
    Ok(NewSkill {
        media,
        description: required("description", description(members), DESCRIPTION)?.into(),
        name: required("name", name(members), NAME)?.into(),
        max_wait: required("maxWaitTime", count(members, "maxWaitTime", 60_000), "a whole number of seconds")?,
        max_waiting: required("maxWaitNum", count(members, "maxWaitNum", 10_000), "a whole number")?,
        wrap_up: required(
            "maxAgentWrapupTime",
            count(members, "maxAgentWrapupTime", 3_600),
            "a whole number of seconds",
        )?,
        settings: required("skillParam", settings(members, media), "an object")?.into(),
    })
}

/// Changes a queue: what is not given stays. Name and media type cannot be changed.
pub(super) async fn modify(operations: &Operations<'_>, call: &Call<'_>) -> Result<Answer, Failure> {
    let members = fields::of(call)?;
    let id = integer(&members, "skillId", 0..=u32::MAX.into(), Written::NumberOrText);
    let id = required("skillId", id, "the id of a skill queue, a whole number")?;
    let id = SkillId(u32::try_from(id).unwrap_or_default());
    let (description, max_wait) = (description(&members)?, count(&members, "maxWaitTime", 60_000)?);
    let (max_waiting, wrap_up) =
        (count(&members, "maxWaitNum", 10_000)?, count(&members, "maxAgentWrapupTime", 3_600)?);
    let directory = operations.directory().await?;
    let unknown = || Failure::Refused(RouteRefusal::SkillUnknown(id).into());
    let mut about = directory.skills.get(&id).ok_or_else(unknown)?.about.clone();
    if let Some(settings) = settings(&members, about.media)? {
        about.settings = settings.into();
    }
    about.description = description.map_or(about.description, Into::into);
    about.max_wait = max_wait.unwrap_or(about.max_wait);
    about.max_waiting = max_waiting.unwrap_or(about.max_waiting);
    about.wrap_up = wrap_up.unwrap_or(about.wrap_up);
    operations.store.modify_skill(operations.scope(), id, about).await?;
    Ok(success("data update success"))
}

/// Deletes queues: all that are named, or none.
pub(super) async fn delete(operations: &Operations<'_>, call: &Call<'_>) -> Result<Answer, Failure> {
    let members = fields::of(call)?;
    let ids = required("skillIds", text(&members, "skillIds", SKILL_IDS), SKILL_IDS)?;
    let ids = fields::list("skillIds", ids, &SEPARATORS, MOST_AT_A_TIME)?;
    operations.store.delete_skills(operations.scope(), ids.into_iter().map(SkillId).collect()).await?;
    Ok(success("Success"))
}

fn name(members: &Members) -> Result<Option<&str>, Objection> {
    let Some(name) = text(members, "name", NAME)?.map(str::trim) else { return Ok(None) };
    let plain = |c: char| !c.is_control() && !SPECIAL.contains(c);
    let right = (1..=100).contains(&name.chars().count()) && name.chars().all(plain);
    if right { Ok(Some(name)) } else { Err(Objection::new("name", format!("must be {NAME}"))) }
}

fn description(members: &Members) -> Result<Option<&str>, Objection> {
    let Some(text) = text(members, "description", DESCRIPTION)? else { return Ok(None) };
    let right = text.chars().count() <= 50 && !text.chars().any(char::is_control);
    if right { Ok(Some(text)) } else { Err(Objection::new("description", format!("must be {DESCRIPTION}"))) }
}

fn count(members: &Members, field: &'static str, most: u32) -> Result<Option<u32>, Objection> {
    Ok(integer(members, field, 0..=most.into(), Written::Number)?.and_then(|count| u32::try_from(count).ok()))
}

/// `skillParam`, held to the vendor's rules and kept as it was sent, unknown members included; but for the case of names
/// that the vendor has, which is the vendor's in every answer.
fn settings(members: &Members, media: MediaType) -> Result<Option<String>, Objection> {
    const FIELD: &str = "skillParam";
    let object = match fields::given(members, FIELD)? {
        None => return Ok(None),
        Some(Value::Object(object)) => settings_as_printed(object)?,
        Some(other) => return Err(not(FIELD, "an object", other)),
    };
    for case in CASES {
        check_case(&object, case, media)?;
    }
    if matches!(media, MediaType::VoiceAndVideo | MediaType::Video) {
        part(&object, "answerFunction", Value::is_string, "a string")?;
        let voice = part(&object, "waitVoice", Value::is_object, "an object")?;
        let kind = voice.get("parameterType").filter(|kind| !kind.is_null());
        if !kind.is_some_and(Value::is_string) {
            return Err(Objection::new("skillParam.waitVoice.parameterType", "must be a string"));
        }
    }
    let text = serde_json::to_string(&object).expect("an object that was read is always JSON");
    Ok(Some(text))
}

/// `skillParam` with the names in it in the vendor's spelling.
fn settings_as_printed(object: &Map<String, Value>) -> Result<Map<String, Value>, Objection> {
    let names = [&CASES[..], &["answerFunction", "waitVoice"]].concat();
    let mut settings = spelling::as_printed(object, &names, "skillParam.")?;
    for part in names {
        if let Some(Value::Object(inner)) = settings.get_mut(part) {
            let names = ["transferType", "deviceType", "value", "parameterType"];
            *inner = spelling::as_printed(inner, &names, &format!("skillParam.{part}."))?;
        }
    }
    Ok(settings)
}

/// What happens to a caller in one case: let go, or sent on to a queue or a flow; people who write to a queue only.
fn check_case(settings: &Map<String, Value>, case: &'static str, media: MediaType) -> Result<(), Objection> {
    let object = part(settings, case, Value::is_object, "an object")?;
    let objection = |member: &str, problem: &str| Objection::new(format!("skillParam.{case}.{member}"), problem);
    match object.get("transferType").and_then(Value::as_str) {
        Some("Release") => Ok(()),
        Some("Transfer") => {
            let (allowed, must) = match media {
                MediaType::Multimedia => (&["1"][..], "must be \"1\" (skill queue) for the multimedia channel"),
                _ => (&["1", "3"][..], "must be \"1\" (skill queue) or \"3\" (IVR) with a transferType of Transfer"),
            };
            if !object.get("deviceType").and_then(Value::as_str).is_some_and(|given| allowed.contains(&given)) {
                return Err(objection("deviceType", must));
            }
            match object.get("value").and_then(fields::whole) {
                Some(_) => Ok(()),
                None => {
                    Err(objection("value", "must be the id of the queue or the flow, with a transferType of Transfer"))
                }
            }
        }
        _ => Err(objection("transferType", "must be \"Release\" or \"Transfer\"")),
    }
}

/// A part of `skillParam` that must be there.
fn part<'v>(
    settings: &'v Map<String, Value>,
    name: &'static str,
    right: fn(&Value) -> bool,
    allowed: &str,
) -> Result<&'v Value, Objection> {
    let field = || Cow::from(format!("skillParam.{name}"));
    match settings.get(name).filter(|value| !value.is_null()) {
        Some(value) if right(value) => Ok(value),
        Some(other) => Err(not(field(), allowed, other)),
        None => Err(Objection::new(field(), format!("is required; it must be {allowed}"))),
    }
}
