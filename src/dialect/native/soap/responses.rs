//! The payloads of the answers, in exactly the order of the schema.

use super::NAMESPACE;
use super::operation::Operation;
use crate::dialect::native::calls::kind;
use crate::dialect::native::error::Failure;
use crate::dialect::native::operation::Desk;
use crate::dialect::native::resolution::{confidence, is_ambiguous, reason};
use crate::domain::Route;
use crate::domain::document::{Loaded, LoadedValue};
use crate::domain::state::Lent;
use crate::soap::answer;
use crate::store::{Matched, Recognised, Resolved};
use crate::xml::writer::{Unrepresentable, Writer};

/// What writing comes to.
type Written = Result<(), Unrepresentable>;

/// Whose call it is and where it goes.
///
/// # Errors
/// [`Failure::NotWritable`].
pub(super) fn resolve_call(desk: &Desk<'_>, resolved: &Resolved) -> Result<String, Failure> {
    payload(Operation::ResolveCall, |writer| {
        if let Some(number) = resolved.number {
            text(writer, "number", &number.to_string())?;
        }
        flag(writer, "taken", resolved.freed)?;
        flag(writer, "ambiguous", is_ambiguous(resolved))?;
        flag(writer, "more", resolved.more)?;
        for found in &resolved.candidates {
            element(writer, "candidate", |writer| candidate(writer, desk, found, resolved))?;
        }
        match &resolved.route {
            Some(routed) => destination(writer, &routed.route, routed.overdialled.as_deref()),
            None => Ok(()),
        }
    })
}

fn candidate(writer: &mut Writer, desk: &Desk<'_>, found: &Recognised, resolved: &Resolved) -> Written {
    let candidate = &found.candidate;
    text(writer, "allocation", &candidate.allocation.id.0.to_string())?;
    text(writer, "number", &candidate.allocation.number.to_string())?;
    text(writer, "interaction", candidate.interaction.id.as_str())?;
    text(writer, "document", &candidate.interaction.data.to_string())?;
    text(writer, "reason", reason(found))?;
    text(writer, "confidence", confidence(found, resolved))?;
    text(writer, "secondsLeft", &candidate.allocation.deadline.seconds_left(desk.now()).get().to_string())?;
    user_data(writer, found.data.as_ref())
}

/// The number that was lent.
///
/// # Errors
/// [`Failure::NotWritable`].
pub(super) fn request_access(lent: &Lent) -> Result<String, Failure> {
    payload(Operation::RequestAccess, |writer| {
        text(writer, "number", &lent.allocation.number.to_string())?;
        if let Some(code) = &lent.allocation.code {
            text(writer, "code", code.as_str())?;
        }
        text(writer, "secondsLeft", &lent.seconds_left.get().to_string())?;
        text(writer, "interaction", lent.interaction.id.as_str())?;
        text(writer, "document", &lent.interaction.data.to_string())?;
        text(writer, "allocation", &lent.allocation.id.0.to_string())
    })
}

/// The interactions that were recognised.
///
/// # Errors
/// [`Failure::NotWritable`].
pub(super) fn match_interaction(matches: &[Matched]) -> Result<String, Failure> {
    payload(Operation::MatchInteraction, |writer| {
        for matched in matches {
            element(writer, "match", |writer| {
                let found = &matched.found;
                text(writer, "number", &found.allocation.number.to_string())?;
                text(writer, "interaction", found.interaction.id.as_str())?;
                text(writer, "document", &found.interaction.data.to_string())?;
                flag(writer, "late", found.late)?;
                user_data(writer, matched.data.as_ref())
            })?;
        }
        Ok(())
    })
}

/// The route that was made.
///
/// # Errors
/// [`Failure::NotWritable`].
pub(super) fn create_called_route(route: &Route) -> Result<String, Failure> {
    payload(Operation::CreateCalledRoute, |writer| destination(writer, route, None))
}

fn destination(writer: &mut Writer, route: &Route, overdialled: Option<&str>) -> Written {
    element(writer, "destination", |writer| {
        text(writer, "route", &route.id.to_string())?;
        text(writer, "accessCode", route.hotline.as_str())?;
        if let Some(extension) = &route.extension {
            text(writer, "extension", extension.as_str())?;
        }
        if let Some(digits) = overdialled {
            text(writer, "overdialled", digits)?;
        }
        text(writer, "mediaType", &route.media.to_string())?;
        text(writer, "kind", kind(route.destination))?;
        text(writer, "id", &route.destination.id().to_string())
    })
}

/// The texts of a document, and behind them what is to be known of its files.
fn user_data(writer: &mut Writer, data: Option<&Loaded>) -> Written {
    let entries = || data.iter().flat_map(|document| &document.entries);
    for (key, value) in entries() {
        if let LoadedValue::Text(value) = value {
            element(writer, "entry", |writer| {
                text(writer, "key", key.as_str())?;
                text(writer, "value", value)
            })?;
        }
    }
    for (key, value) in entries() {
        if let LoadedValue::File { label, length } = value {
            element(writer, "file", |writer| {
                text(writer, "key", key.as_str())?;
                text(writer, "mediaType", label.media_type())?;
                if let Some(name) = label.name() {
                    text(writer, "name", name)?;
                }
                text(writer, "length", &length.to_string())
            })?;
        }
    }
    Ok(())
}

fn payload(operation: Operation, content: impl FnOnce(&mut Writer) -> Written) -> Result<String, Failure> {
    answer::payload_of(NAMESPACE, operation.response(), content).map_err(|_| Failure::NotWritable)
}

fn element(writer: &mut Writer, name: &str, content: impl FnOnce(&mut Writer) -> Written) -> Written {
    writer.element(&format!("{}:{name}", answer::PAYLOAD_PREFIX), &[], content)
}

fn text(writer: &mut Writer, name: &str, value: &str) -> Written {
    element(writer, name, |writer| writer.text(value))
}

fn flag(writer: &mut Writer, name: &str, value: bool) -> Written {
    text(writer, name, if value { "true" } else { "false" })
}
