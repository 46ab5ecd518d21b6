//! What each operation asks for, in the domain's words.

use std::ops::RangeInclusive;

use super::reading::Reading;
use crate::dialect::lending::{self, BOOKING, NoCode};
use crate::dialect::native::framework::error::Failure;
use crate::dialect::native::framework::operation::RequestContext;
use crate::dialect::native::resources::resolution::Purpose;
use crate::domain::route::DestinationKind;
use crate::domain::state::{AfterMatch, Criteria, Holder, LateCalls, Lend, Which};
use crate::domain::{
    Caller, CodeShape, Dialled, Extension, GroupName, HotlineCode, InteractionId, MediaType, NewRoute, Number, Resolve,
    Seconds,
};

/// The fields of each request, in the order of the schema.
pub(super) const RESOLVE_CALL: &[&str] = &["dialled", "caller", "code", "take"];
pub(super) const REQUEST_ACCESS: &[&str] =
    &["interaction", "group", "seconds", "codeLength", "caller", "renew", "entry"];
pub(super) const MATCH_INTERACTION: &[&str] = &["number", "code", "caller", "all", "end", "late"];
pub(super) const CREATE_CALLED_ROUTE: &[&str] = &["accessCode", "extension", "mediaType", "kind", "id"];
/// The children of an entry.
pub(super) const ENTRY: &[&str] = &["key", "value"];

/// What values may be, in words.
const NUMBER: &str = "1 to 32 characters of 0-9 + * #";
const DIALLED: &str = "1 to 44 characters of 0-9 + * #";
const CALLER: &str = "1 to 64 characters without control characters";
const NAME: &str = "1 to 255 characters without control characters";
const CODE: &str = "1 to 64 characters";
const HOTLINE: &str = "1 to 32 characters of 0-9 * #";
const EXTENSION: &str = "1 to 12 characters of 0-9 * #";

/// Longest code that is read, in characters; a longer one than any code has is a wrong one.
const MAX_GIVEN_CODE: usize = 64;

/// A call to be resolved, and whether it is to be taken.
///
/// # Errors
/// [`Failure::Invalid`].
pub(super) fn resolve_call(mut reading: Reading<'_, '_>) -> Result<(Resolve, Purpose), Failure> {
    let dialled = reading.required("dialled", DIALLED, |text| Dialled::new(text).ok());
    let caller = caller(&mut reading);
    let code = code(&mut reading);
    let take = reading.flag("take");
    reading.finish(dialled.map(|dialled| (Resolve { dialled, caller, code }, Purpose::from(Some(take)))))
}

/// A number to be lent.
///
/// # Errors
/// [`Failure::Invalid`].
pub(super) fn request_access(mut reading: Reading<'_, '_>, context: &RequestContext<'_>) -> Result<Lend, Failure> {
    let id = reading.optional("interaction", NAME, |text| InteractionId::new(text).ok());
    let group = reading.optional("group", NAME, |text| GroupName::new(text).ok());
    let seconds = reading.optional("seconds", "a whole number from 5 to 1800", |text| whole(text, BOOKING));
    let length = reading.optional("codeLength", "a whole number from 1 to 16", |text| whole(text, 1..=16));
    let code = length.and_then(|length| shape(&mut reading, context, length));
    let caller = caller(&mut reading);
    let renew = reading.flag("renew");
    let data = reading.entries();
    let holder = id.map_or(Holder::New, Holder::Known);
    let application = context.principal.identity.application();
    let lend =
        lending::booking(context.tenant(), context.settings, application, holder, group, seconds.map(Seconds::new));
    reading.finish(Some(Lend { repeat: lending::repeat(renew), code, caller, data, ..lend }))
}

/// A call to be matched.
pub(super) struct Match {
    pub(super) criteria: Criteria,
    pub(super) which: Which,
    pub(super) after: AfterMatch,
}

/// A call to be matched.
///
/// # Errors
/// [`Failure::Invalid`].
pub(super) fn match_interaction(mut reading: Reading<'_, '_>) -> Result<Match, Failure> {
    let number = reading.required("number", NUMBER, |text| Number::new(text).ok());
    let code = code(&mut reading);
    let caller = caller(&mut reading);
    let which = if reading.flag("all") { Which::All } else { Which::Newest };
    let after = if reading.flag("end") { AfterMatch::Delete } else { AfterMatch::Keep };
    let late = if reading.flag("late") { LateCalls::Recognised } else { LateCalls::Ignored };
    let criteria = number.map(|number| Criteria { number, code, caller, late });
    reading.finish(criteria.map(|criteria| Match { criteria, which, after }))
}

/// A route to be created.
///
/// # Errors
/// [`Failure::Invalid`].
pub(super) fn create_called_route(mut reading: Reading<'_, '_>) -> Result<NewRoute, Failure> {
    let hotline = reading.required("accessCode", HOTLINE, |text| HotlineCode::new(text).ok());
    let extension = reading.optional("extension", EXTENSION, |text| Extension::new(text).ok());
    let media =
        reading.optional("mediaType", "one of 2, 5, 18, 19 and 53", |text| MediaType::of(whole(text, 0..=u64::MAX)?));
    let kind = reading.required("kind", "skill or ivr", |text| match text {
        "skill" => Some(DestinationKind::Skill),
        "ivr" => Some(DestinationKind::Flow),
        _ => None,
    });
    let id = reading.required("id", "a whole number from 1 to 4294967295", |text| {
        whole(text, 1..=u64::from(u32::MAX)).and_then(|id| u32::try_from(id).ok())
    });
    let new = hotline.zip(kind.zip(id)).map(|(hotline, (kind, id))| NewRoute {
        hotline,
        extension,
        media,
        destination: kind.with(id),
    });
    reading.finish(new)
}

fn caller(reading: &mut Reading<'_, '_>) -> Option<Caller> {
    reading.optional("caller", CALLER, |text| Caller::new(text).ok())
}

fn code(reading: &mut Reading<'_, '_>) -> Option<String> {
    reading.optional("code", CODE, |text| (1..=MAX_GIVEN_CODE).contains(&text.chars().count()).then(|| text.to_owned()))
}

/// The shape of codes of so many digits.
fn shape(reading: &mut Reading<'_, '_>, context: &RequestContext<'_>, length: u64) -> Option<CodeShape> {
    let shape = lending::code_shape(context.tenant(), length);
    match &shape {
        Ok(_) => {}
        Err(NoCode::PrefixIsNoNumber(_)) => {
            reading.raise("codeLength", "cannot be had: the configured prefix of access codes is no number");
        }
        Err(NoCode::Shape(invalid)) => reading.raise("codeLength", format!("cannot be had: {invalid}")),
    }
    shape.ok()
}

/// A whole number of decimal digits, perhaps with the sign that XML Schema allows.
fn whole(text: &str, allowed: RangeInclusive<u64>) -> Option<u64> {
    text.parse().ok().filter(|number| allowed.contains(number))
}
