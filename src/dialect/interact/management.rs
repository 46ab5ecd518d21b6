//! Number management over REST: list, read, change, delete. The vendor documents none of it; it is the gateway's own
//! extension of the documented address `dnis`, in the documented names.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use serde::Serialize;

use super::endpoint::Phone;
use super::error::{Failure, JSON};
use super::json::{self, Members};
use super::operations::Operations;
use super::parameters::{self, Invalid, ParameterKind, Parameters};
use super::rest;
use crate::dialect::{Answer, Call};
use crate::domain::tables::FoundNumber;
use crate::domain::{GroupName, NumberPatch};
use crate::text::{shown_name, unsigned};

/// Phones in a page where the request does not say.
const PAGE: usize = 100;
/// Phones in a page at most.
const LONGEST_PAGE: usize = 1000;

/// A phone as it is shown.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhoneItem<'a> {
    phone_number: String,
    dn_id: String,
    /// `null` for a phone without a group.
    group_name: Option<&'a str>,
    enabled: bool,
    allocated: bool,
}

impl<'a> From<&'a FoundNumber> for PhoneItem<'a> {
    fn from(found: &'a FoundNumber) -> Self {
        let record = &found.record;
        Self {
            phone_number: record.number.to_string(),
            dn_id: record.dnid.to_string(),
            group_name: record.group.as_ref().map(GroupName::as_str),
            enabled: record.enabled,
            allocated: found.allocation.is_some(),
        }
    }
}

/// A page of phones as it is shown.
#[derive(Serialize)]
struct ShownPage<'a> {
    total: usize,
    phones: Vec<PhoneItem<'a>>,
}

/// What a list request asks for.
#[derive(Debug, PartialEq, Eq)]
struct Window {
    group: Option<GroupName>,
    offset: usize,
    limit: usize,
}

/// List the phones: 200 with a page of them.
pub(super) async fn list(operations: &Operations<'_>, call: &Call<'_>) -> Result<Answer, Failure> {
    let window = Window::read(call.head.query)?;
    let page = operations.list(window.group.as_ref(), window.offset, window.limit).await?;
    let phones = page.numbers.iter().map(PhoneItem::from).collect();
    Ok(shown(&ShownPage { total: page.total, phones }))
}

/// Read one phone: 200 with the phone.
pub(super) async fn read(operations: &Operations<'_>, phone: &Phone) -> Result<Answer, Failure> {
    let found = operations.read(rest::number(phone)?).await?;
    Ok(shown(&PhoneItem::from(&found)))
}

/// Change one phone: 200 with the phone as it is now.
pub(super) async fn update(operations: &Operations<'_>, phone: &Phone, call: &Call<'_>) -> Result<Answer, Failure> {
    let number = rest::number(phone)?;
    let members = json::read(call.head.headers, call.body)?;
    let found = operations.update(number, patch(&members)?).await?;
    Ok(shown(&PhoneItem::from(&found)))
}

/// Delete one phone: 200 without a body.
pub(super) async fn delete(operations: &Operations<'_>, phone: &Phone) -> Result<Answer, Failure> {
    operations.delete(rest::number(phone)?).await?;
    Ok(rest::empty())
}

fn shown(value: &impl Serialize) -> Answer {
    let body = serde_json::to_vec(value).expect("texts, numbers and flags are always JSON");
    Answer::new(StatusCode::OK, "ok", JSON, body)
}

impl Window {
    fn read(query: &str) -> Result<Self, Invalid> {
        let (mut group, mut offset, mut limit) = (None, None, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let (place, name) = match &*name {
                "group" => (&mut group, "group"),
                "offset" => (&mut offset, "offset"),
                "limit" => (&mut limit, "limit"),
                unknown => return Err(unknown_name(unknown)),
            };
            if place.replace(value).is_some() {
                return Err(Invalid::repeated(name));
            }
        }
        Ok(Self {
            group: group
                .map(|text| GroupName::new(&text).map_err(|_| Invalid::value("group", ParameterKind::Name, &text)))
                .transpose()?,
            offset: whole("offset", offset.as_deref(), 0, usize::MAX)?.unwrap_or(0),
            limit: whole("limit", limit.as_deref(), 1, LONGEST_PAGE)?.unwrap_or(PAGE),
        })
    }
}

fn unknown_name(name: &str) -> Invalid {
    Invalid::because(Cow::Owned(shown_name(name)), "is not known; group, offset and limit are allowed")
}

fn whole(name: &'static str, text: Option<&str>, least: usize, most: usize) -> Result<Option<usize>, Invalid> {
    let Some(text) = text else { return Ok(None) };
    let value = unsigned(text).filter(|value| (least..=most).contains(value));
    value.map(Some).ok_or_else(|| Invalid::value(name, ParameterKind::Whole(least, most), text))
}

/// What is to change about a phone: any of the members of Create but the number itself. A `groupName` that is `null` or
/// empty takes the phone out of its group.
fn patch(members: &Members) -> Result<NumberPatch, Invalid> {
    if members.text("phoneNumber", ParameterKind::Number)?.is_some() {
        return Err(Invalid::because("phoneNumber", "cannot be changed; create another phone instead"));
    }
    let group = if members.is_null("groupName") { Some("") } else { members.text("groupName", ParameterKind::Name)? };
    let patch = NumberPatch {
        dnid: members.text("dnId", ParameterKind::Number)?.map(|text| parameters::number("dnId", text)).transpose()?,
        group: group.map(|text| parameters::group("groupName", text)).transpose()?,
        enabled: members.flag("enabled")?,
    };
    if patch == NumberPatch::default() {
        return Err(Invalid::because("body", "must have at least one of dnId, groupName and enabled"));
    }
    Ok(patch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderMap;

    fn window(query: &str) -> Result<Window, String> {
        Window::read(query).map_err(|invalid| invalid.to_string())
    }

    #[test]
    fn a_list_begins_at_the_beginning_and_has_a_hundred_phones_unless_asked() {
        assert_eq!(window(""), Ok(Window { group: None, offset: 0, limit: 100 }));
        let group = Some(GroupName::new("my group").unwrap());
        assert_eq!(window("limit=1000&group=my+group&offset=7"), Ok(Window { group, offset: 7, limit: 1000 }));
    }

    #[test]
    fn a_query_that_is_wrong_is_told_what_is_allowed() {
        let objection = |query| window(query).unwrap_err();
        assert_eq!(objection("limit=0"), "missing or invalid parameter limit: must be a whole number from 1 to 1000");
        assert_eq!(
            objection("limit=1001"),
            "missing or invalid parameter limit: must be a whole number from 1 to 1000"
        );
        for wrong in ["offset=-1", "offset=+1", "offset=", "offset=1.0", "offset=x", "offset=99999999999999999999"] {
            assert_eq!(objection(wrong), "missing or invalid parameter offset: must be a whole number from 0 up");
        }
        assert!(objection("offset=1&offset=1").contains("offset: is given more than once"));
        assert!(objection("Limit=1").contains("Limit: is not known; group, offset and limit are allowed"));
        assert!(objection("group=").contains("group: must be a string of 1 to 255 characters"));
        assert!(objection("group=a%00b").contains("group"));
    }

    fn patched(body: &str) -> Result<NumberPatch, String> {
        let members = json::read(&HeaderMap::new(), body.as_bytes()).unwrap();
        patch(&members).map_err(|invalid| invalid.to_string())
    }

    #[test]
    fn a_change_names_only_what_changes() {
        let enabled = NumberPatch { enabled: Some(false), ..NumberPatch::default() };
        assert_eq!(patched(r#"{"enabled":false,"allocated":true}"#), Ok(enabled));
        let grouped = NumberPatch { group: Some(Some(GroupName::new("a").unwrap())), ..NumberPatch::default() };
        assert_eq!(patched(r#"{"groupName":"a"}"#), Ok(grouped));
        let ungrouped = NumberPatch { group: Some(None), ..NumberPatch::default() };
        assert_eq!(patched(r#"{"groupName":null}"#), Ok(ungrouped.clone()));
        assert_eq!(patched(r#"{"groupName":""}"#), Ok(ungrouped));
    }

    #[test]
    fn a_change_of_the_number_or_of_nothing_is_refused() {
        assert!(
            patched(r#"{"phoneNumber":"1","enabled":true}"#).unwrap_err().contains("phoneNumber: cannot be changed")
        );
        assert!(patched("{}").unwrap_err().contains("at least one of dnId, groupName and enabled"));
        assert!(patched(r#"{"enable":false}"#).unwrap_err().contains("at least one of"));
        assert!(patched(r#"{"dnId":4567}"#).unwrap_err().contains("dnId: must be a string of 1 to 32"));
    }
}
