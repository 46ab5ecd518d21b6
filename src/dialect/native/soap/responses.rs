//! The payloads of the answers, in exactly the order of the schema.

use super::NAMESPACE;
use super::operation::SoapOperation;
use crate::dialect::native::framework::error::Failure;
use crate::dialect::native::framework::operation::RequestContext;
use crate::dialect::native::resources::calls::kind;
use crate::dialect::native::resources::resolution::{confidence, is_ambiguous, reason};
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
pub(super) fn resolve_call(context: &RequestContext<'_>, resolved: &Resolved) -> Result<String, Failure> {
    payload(SoapOperation::ResolveCall, |writer| {
        if let Some(number) = resolved.number {
            writer.text_element("number", &number.to_string())?;
        }
        flag(writer, "taken", resolved.freed)?;
        flag(writer, "ambiguous", is_ambiguous(resolved))?;
        flag(writer, "more", resolved.more)?;
        for found in &resolved.candidates {
            writer.element("candidate", &[], |writer| candidate(writer, context, found, resolved))?;
        }
        match &resolved.route {
            Some(routed) => destination(writer, &routed.route, routed.overdialled.as_deref()),
            None => Ok(()),
        }
    })
}

fn candidate(writer: &mut Writer, context: &RequestContext<'_>, found: &Recognised, resolved: &Resolved) -> Written {
    let candidate = &found.candidate;
    writer.text_element("allocation", &candidate.allocation.id.0.to_string())?;
    writer.text_element("number", &candidate.allocation.number.to_string())?;
    writer.text_element("interaction", candidate.interaction.id.as_str())?;
    writer.text_element("document", &candidate.interaction.data.to_string())?;
    writer.text_element("reason", reason(found))?;
    writer.text_element("confidence", confidence(found, resolved))?;
    writer.text_element("secondsLeft", &candidate.allocation.deadline.seconds_left(context.now()).get().to_string())?;
    user_data(writer, found.data.as_ref())
}

/// The number that was lent.
///
/// # Errors
/// [`Failure::NotWritable`].
pub(super) fn request_access(lent: &Lent) -> Result<String, Failure> {
    payload(SoapOperation::RequestAccess, |writer| {
        writer.text_element("number", &lent.allocation.number.to_string())?;
        if let Some(code) = &lent.allocation.code {
            writer.text_element("code", code.as_str())?;
        }
        writer.text_element("secondsLeft", &lent.seconds_left.get().to_string())?;
        writer.text_element("interaction", lent.interaction.id.as_str())?;
        writer.text_element("document", &lent.interaction.data.to_string())?;
        writer.text_element("allocation", &lent.allocation.id.0.to_string())
    })
}

/// The interactions that were recognised.
///
/// # Errors
/// [`Failure::NotWritable`].
pub(super) fn match_interaction(matches: &[Matched]) -> Result<String, Failure> {
    payload(SoapOperation::MatchInteraction, |writer| {
        for matched in matches {
            writer.element("match", &[], |writer| {
                let found = &matched.found;
                writer.text_element("number", &found.allocation.number.to_string())?;
                writer.text_element("interaction", found.interaction.id.as_str())?;
                writer.text_element("document", &found.interaction.data.to_string())?;
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
    payload(SoapOperation::CreateCalledRoute, |writer| destination(writer, route, None))
}

fn destination(writer: &mut Writer, route: &Route, overdialled: Option<&str>) -> Written {
    writer.element("destination", &[], |writer| {
        writer.text_element("route", &route.id.to_string())?;
        writer.text_element("accessCode", route.hotline.as_str())?;
        if let Some(extension) = &route.extension {
            writer.text_element("extension", extension.as_str())?;
        }
        if let Some(digits) = overdialled {
            writer.text_element("overdialled", digits)?;
        }
        writer.text_element("mediaType", &route.media.to_string())?;
        writer.text_element("kind", kind(route.destination))?;
        writer.text_element("id", &route.destination.id().to_string())
    })
}

/// The texts of a document, and behind them what is to be known of its files.
fn user_data(writer: &mut Writer, data: Option<&Loaded>) -> Written {
    let entries = || data.iter().flat_map(|document| &document.entries);
    for (key, value) in entries() {
        if let LoadedValue::Text(value) = value {
            writer.element("entry", &[], |writer| {
                writer.text_element("key", key.as_str())?;
                writer.text_element("value", value)
            })?;
        }
    }
    for (key, value) in entries() {
        if let LoadedValue::File { label, length } = value {
            writer.element("file", &[], |writer| {
                writer.text_element("key", key.as_str())?;
                writer.text_element("mediaType", label.media_type())?;
                if let Some(name) = label.name() {
                    writer.text_element("name", name)?;
                }
                writer.text_element("length", &length.to_string())
            })?;
        }
    }
    Ok(())
}

fn payload(operation: SoapOperation, content: impl FnOnce(&mut Writer) -> Written) -> Result<String, Failure> {
    answer::payload_of(NAMESPACE, operation.response(), content).map_err(|_| Failure::NotWritable)
}

fn flag(writer: &mut Writer, name: &str, value: bool) -> Written {
    writer.text_element(name, if value { "true" } else { "false" })
}
